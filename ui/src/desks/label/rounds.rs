//! The loop: train on these labels, label the new model, see whether it won.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, TryRecvError};

use luthier_engine::advice::Labels;
use luthier_engine::feedback::{Judged, Verdict, settle};

use super::beside;
use crate::bench::Bench;
use crate::desks::LabelDesk;
use crate::labels::{Decision, ItemId, Order, QueueCard, QueueId, WinRate, trust};

mod files;
mod lesson;
mod next;

pub use files::LEAST_PROMPTS;
pub use lesson::{Counted, LessonDesk, STAGES, Start};
pub use next::NextDesk;

#[derive(Debug, Default)]
pub struct RoundsDesk {
    /// The first queue of the chain that is shown; None: the newest.
    pub chain: Option<QueueId>,
    /// What is to be learned from a queue, before the files are written.
    pub lesson: Option<LessonDesk>,
    /// A round to come.
    pub next: Option<NextDesk>,
    /// What the labels of a queue come to.
    numbers: BTreeMap<QueueId, Numbers>,
    /// The queue whose decisions are on their way for [`Self::numbers`].
    asked: Option<QueueId>,
    /// Numbers that are being worked out beside.
    making: Option<(QueueId, Receiver<Numbers>)>,
    /// Files that are being written, and the run that will learn from them.
    pending: Option<lesson::Pending>,
    /// Files that were written last: their queue, and its items whose prompts are not in them.
    written: Option<(QueueId, std::path::PathBuf, Vec<ItemId>)>,
}

/// What the decisions of a queue come to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Numbers {
    /// Of the card, when they were worked out.
    made_of: (usize, usize, Option<u64>),
    pub labels: Labels,
    /// Items on which people disagree.
    pub disagreed: usize,
    /// Share of items labelled twice on which both said the same, and how many those are.
    pub agreement: Option<(f64, usize)>,
    /// The second author's answers against the first's; None where answers have not two authors.
    pub win: Option<WinRate>,
    /// Times that each author's answer was the best.
    pub best: Vec<usize>,
}

/// A node of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Round(QueueId),
    /// The run that was trained on this queue's labels.
    Run(QueueId),
}

impl RoundsDesk {
    pub fn numbers(&self, queue: QueueId) -> Option<&Numbers> {
        self.numbers.get(&queue)
    }

    /// Files are being written for a run.
    pub fn writing(&self) -> bool {
        self.pending.as_ref().is_some_and(lesson::Pending::writing)
    }

    /// Numbers are being worked out.
    pub fn counting(&self) -> bool {
        self.asked.is_some() || self.making.is_some()
    }
}

impl LabelDesk {
    /// The first queue of the chain that `queue` is part of.
    pub fn root_of(&self, queue: QueueId) -> QueueId {
        let mut at = queue;
        // A parent is older than its children; anything else would be a damaged file, and must not go round in circles.
        while let Some(parent) = self.card(at).and_then(|card| card.parent).filter(|parent| *parent < at)
            && self.card(parent).is_some()
        {
            at = parent;
        }
        at
    }

    /// The first queues of all chains, the ones last worked at first.
    pub fn chains(&self) -> Vec<QueueId> {
        let mut roots: Vec<(u64, QueueId)> = Vec::new();
        for card in self.cards.iter().filter(|card| !card.archived) {
            let root = self.root_of(card.id);
            let touched = card.last_unix_ms.unwrap_or(card.made_unix_ms);
            match roots.iter_mut().find(|(_, known)| *known == root) {
                Some((when, _)) => *when = touched.max(*when),
                None => roots.push((touched, root)),
            }
        }
        roots.sort_by_key(|(when, root)| std::cmp::Reverse((*when, *root)));
        roots.into_iter().map(|(_, root)| root).collect()
    }

    /// The chain that is shown: the chosen one, else that of the queue on the bench, else the one last worked at.
    pub fn shown_chain(&self) -> Option<QueueId> {
        let chains = self.chains();
        let open = self.open.map(|queue| self.root_of(queue));
        [self.rounds.chain, open].into_iter().flatten().find(|root| chains.contains(root)).or(chains.first().copied())
    }

    /// Rounds and runs from the root on, children after their parents, older ones first.
    pub fn links(&self, root: QueueId) -> Vec<Link> {
        let mut links = Vec::new();
        self.add_links(root, &mut links);
        links
    }

    fn add_links(&self, queue: QueueId, links: &mut Vec<Link>) {
        let Some(card) = self.card(queue) else { return };
        links.push(Link::Round(queue));
        if card.run.is_some() {
            links.push(Link::Run(queue));
        }
        for child in self.children(queue) {
            self.add_links(child, links);
        }
    }

    fn children(&self, queue: QueueId) -> Vec<QueueId> {
        let child = |card: &&QueueCard| card.parent == Some(queue) && card.id > queue;
        let mut children: Vec<QueueId> = self.cards.iter().filter(child).map(|card| card.id).collect();
        children.sort_unstable();
        children
    }

    pub fn has_next_round(&self, queue: QueueId) -> bool {
        !self.children(queue).is_empty()
    }
}

/// Up to so many decisions are worked on within a frame.
const SMALL: usize = 500;

fn stamp(card: &QueueCard) -> (usize, usize, Option<u64>) {
    (card.labelled, card.skipped, card.last_unix_ms)
}

/// One verdict an item: the last word, else what most people say.
fn settled(decisions: &[Decision]) -> luthier_engine::feedback::Settled<'_> {
    settle(files::said(decisions))
}

/// What was said, without the rows that come of it.
fn count(judged: &[&Judged]) -> Labels {
    let mut labels = Labels::default();
    for judged in judged {
        match &judged.verdict {
            Verdict::Better { .. } | Verdict::Edited { .. } | Verdict::Written { .. } => labels.decided += 1,
            Verdict::Ranked { places } if places.iter().any(|place| *place != places[0]) => labels.decided += 1,
            Verdict::Tie | Verdict::Ranked { .. } => labels.ties += 1,
            Verdict::BothGood | Verdict::BothBad => labels.both += 1,
            Verdict::Good => labels.marks.liked += 1,
            Verdict::Bad => labels.marks.disliked += 1,
            Verdict::Skipped => {}
        }
    }
    labels
}

/// How often each author's answer was the best of its item.
fn best(judged: &[&Judged], authors: usize) -> Vec<usize> {
    let mut best = vec![0; authors];
    let mut add = |place: usize| {
        if let Some(count) = best.get_mut(place) {
            *count += 1;
        }
    };
    for judged in judged {
        match &judged.verdict {
            Verdict::Better { answer, .. } => add(*answer),
            Verdict::Ranked { places } => {
                let first = places.iter().min();
                let firsts = places.iter().enumerate().filter(|(_, place)| Some(*place) == first);
                firsts.for_each(|(place, _)| add(place));
            }
            _ => {}
        }
    }
    best
}

impl Numbers {
    fn of(card: &QueueCard, decisions: &[Decision]) -> Self {
        let settled = settled(decisions);
        let authors = card.settings.authors.len();
        let mut labels = count(&settled.judged);
        labels.pairs = labels.decided;
        let verdicts = || settled.judged.iter().map(|judged| &judged.verdict);
        Self {
            made_of: stamp(card),
            labels,
            disagreed: settled.disagreed.len(),
            agreement: agreement(card, decisions),
            win: (authors == 2).then(|| WinRate::of(verdicts(), 1, 0)),
            best: best(&settled.judged, authors),
        }
    }
}

/// Of different people where there are some, else of people with themselves: the share and its items.
fn agreement(card: &QueueCard, decisions: &[Decision]) -> Option<(f64, usize)> {
    let report = trust::report(card.settings.mode, decisions);
    let agreement = report.between_all.or(report.own_all)?;
    Some((agreement.share(), agreement.items))
}

impl Bench {
    /// The decisions that were asked for do not come.
    pub(super) fn numbers_failed(&mut self) {
        self.desks.label.rounds.asked = None;
    }

    /// Asks for what is not known, or not known any more, of the rounds of a chain; one queue at a time.
    pub fn want_numbers(&mut self, root: QueueId) {
        self.take_numbers();
        let desk = &self.desks.label;
        if desk.rounds.counting() {
            return;
        }
        let stale = |card: &&QueueCard| {
            let known = desk.rounds.numbers.get(&card.id).map(|numbers| numbers.made_of);
            card.labelled + card.skipped > 0 && known != Some(stamp(card))
        };
        let rounds = desk.links(root).into_iter().filter_map(|link| match link {
            Link::Round(queue) => desk.card(queue),
            Link::Run(_) => None,
        });
        if let Some(queue) = rounds.filter(|card| stale(card)).map(|card| card.id).next() {
            self.desks.label.rounds.asked = Some(queue);
            self.labels.order(Order::Decisions { queue });
        }
    }

    pub(super) fn decisions_came(&mut self, queue: QueueId) {
        let desk = &mut self.desks.label;
        if desk.rounds.asked == Some(queue) {
            desk.rounds.asked = None;
        }
        let Some((_, decisions)) = desk.review.decisions.clone().filter(|(of, _)| *of == queue) else { return };
        if let Some(card) = desk.cards.iter().find(|card| card.id == queue).cloned() {
            let told = decisions.clone();
            let numbers = beside(told.len() <= SMALL, move || Numbers::of(&card, &told));
            desk.rounds.making = Some((queue, numbers));
        }
        if let Some(lesson) = desk.rounds.lesson.as_mut().filter(|lesson| lesson.queue == queue) {
            lesson.take(decisions);
        }
        self.take_numbers();
    }

    fn take_numbers(&mut self) {
        let rounds = &mut self.desks.label.rounds;
        let Some((queue, numbers)) = &rounds.making else { return };
        match numbers.try_recv() {
            Ok(numbers) => drop(rounds.numbers.insert(*queue, numbers)),
            Err(TryRecvError::Empty) => return,
            Err(TryRecvError::Disconnected) => {}
        }
        rounds.making = None;
    }
}

#[cfg(test)]
mod tests;
