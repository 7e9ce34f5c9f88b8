//! Can the labels be trusted: decisions are asked for while somebody looks, and a report is made of them.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};

use super::beside;
use crate::bench::Bench;
use crate::desks::LabelPage;
use crate::labels::trust::{Report, report};
use crate::labels::{Again, Decision, ItemId, Order, Progress, QueueId};
use crate::panels::Panel;

/// Decisions are read at most this often,
const PAUSE_SECS: f64 = 1.5;
/// and as often more rarely as reading them takes long: a decision on its way to the disk waits for nothing.
const PAUSE_TIMES: f64 = 50.0;
/// No answer comes any more: the question may be put again.
const LOST_SECS: f64 = 20.0;
/// More than this is counted beside the window's thread: about 1 ms.
const AT_ONCE_DECISIONS: usize = 2000;
const AT_ONCE_BYTES: usize = 2_000_000;

/// From so many decisions on the bench's head says how they lean.
pub const TELLING: usize = 20;

#[derive(Debug, Default)]
pub struct ReviewDesk {
    /// The decisions of this queue, as they stood when they were last asked for.
    pub decisions: Option<(QueueId, Arc<Vec<Decision>>)>,
    /// Chosen on the Trust page; None: the queue on the bench.
    pub queue: Option<QueueId>,
    /// What was last found out.
    pub insight: Option<Insight>,
    /// Of the insight; for what is made of it.
    pub revision: u64,
    /// The disagreement that is in front.
    pub item: Option<ItemId>,
    pub(super) shown: Option<(ItemId, f64)>,
    /// A final decision that is on its way to the disk.
    pub(super) settling: Option<ItemId>,
    /// Final decisions sent from here.
    pub(super) settled: u64,
    watch: Watch,
}

/// A report, with the decisions that it names by their index.
#[derive(Debug, Clone)]
pub struct Insight {
    pub queue: QueueId,
    pub decisions: Arc<Vec<Decision>>,
    pub report: Arc<Report>,
}

#[derive(Debug, Default)]
struct Watch {
    /// The question that has no answer yet: what was known then, and when it was put.
    asked: Option<(Mark, f64)>,
    /// What was known when the decisions were asked for that have come.
    told: Option<Mark>,
    /// When the last question was put; how long its answer took is known when it is next looked at.
    came: Option<f64>,
    not_before: f64,
    making: Option<Receiver<Insight>>,
}

/// Where this differs, there are other decisions.
#[derive(Debug, Clone, PartialEq)]
struct Mark {
    queue: QueueId,
    card: Option<(usize, usize, Option<u64>)>,
    bench: Option<Progress>,
    settled: u64,
}

impl Bench {
    /// The Trust page is in front.
    pub fn reviewing(&self) -> bool {
        self.panel == Panel::Label && self.desks.label.page == LabelPage::Review
    }

    /// The queue that the Trust page is about: the chosen one, else that on the bench, else the newest.
    pub fn review_queue(&self) -> Option<QueueId> {
        let desk = &self.desks.label;
        let there = |id: &QueueId| desk.card(*id).is_some();
        let newest = || desk.cards.iter().find(|card| !card.archived).or(desk.cards.first()).map(|card| card.id);
        desk.review.queue.filter(there).or(desk.open.filter(there)).or_else(newest)
    }

    pub fn review(&mut self, queue: QueueId) {
        self.desks.label.review.queue = Some(queue);
        self.desks.label.review.item = None;
        self.desks.label.page = LabelPage::Review;
        self.panel = Panel::Label;
    }

    /// The report on this queue, if it has been made.
    pub fn insight(&self, queue: QueueId) -> Option<&Insight> {
        self.desks.label.review.insight.as_ref().filter(|insight| insight.queue == queue)
    }

    /// Somebody looks at the trust in this queue's labels: keeps the report up to date. `now` in seconds, on any clock
    /// that goes forward. After the seconds that are returned it should be looked at again.
    pub fn watch_trust(&mut self, queue: QueueId, now: f64) -> Option<f64> {
        self.take_insight();
        let mark = self.mark(queue);
        let desk = &mut self.desks.label.review;
        desk.shown = desk.item.map(|item| desk.shown.filter(|(of, _)| *of == item).unwrap_or((item, now)));
        if self.desks.label.problem.is_some() {
            self.desks.label.review.settling = None;
        }
        let watch = &mut self.desks.label.review.watch;
        if let Some(asked) = watch.came.take() {
            let took = (now - asked).max(0.0);
            watch.not_before = asked + PAUSE_SECS.max(took * PAUSE_TIMES);
        }
        let counting = watch.making.is_some().then_some(0.05);
        if watch.asked.as_ref().is_some_and(|(asked, at)| asked.queue == queue && now - at < LOST_SECS) {
            return counting;
        }
        let news = watch.told.as_ref() != Some(&mark);
        let other = watch.told.as_ref().is_none_or(|told| told.queue != queue || told.settled != mark.settled);
        if !news || counting.is_some() {
            return counting;
        }
        if now < watch.not_before && !other {
            return Some(watch.not_before - now);
        }
        watch.asked = Some((mark, now));
        self.labels.order(Order::Decisions { queue });
        None
    }

    fn mark(&self, queue: QueueId) -> Mark {
        let desk = &self.desks.label;
        Mark {
            queue,
            card: desk.card(queue).map(|card| (card.labelled, card.skipped, card.last_unix_ms)),
            bench: desk.lot.as_ref().filter(|lot| lot.queue == queue).map(|lot| lot.progress),
            settled: desk.review.settled,
        }
    }

    pub(super) fn take_decisions(&mut self, queue: QueueId, decisions: Arc<Vec<Decision>>) {
        let mode = self.desks.label.card(queue).map(|card| card.settings.mode);
        let desk = &mut self.desks.label.review;
        desk.decisions = Some((queue, decisions.clone()));
        // Others ask too; theirs are not counted.
        if let (Some(mode), Some((mark, at))) = (mode, desk.watch.asked.take_if(|(mark, _)| mark.queue == queue)) {
            (desk.watch.told, desk.watch.came) = (Some(mark), Some(at));
            let count = move || Insight { queue, report: Arc::new(report(mode, &decisions)), decisions };
            desk.watch.making = Some(beside(small(&desk.decisions), count));
            self.take_insight();
        }
        self.decisions_came(queue);
    }

    fn take_insight(&mut self) {
        let desk = &mut self.desks.label.review;
        let Some(made) = &desk.watch.making else { return };
        match made.try_recv() {
            Ok(insight) => {
                let before = desk.insight.replace(insight);
                desk.revision += 1;
                desk.watch.making = None;
                self.after_settling(before.as_ref());
                if before.as_ref().is_some_and(|before| before.decisions.len() > AT_ONCE_DECISIONS) {
                    // A long list takes a while to be given back.
                    std::thread::spawn(move || drop(before));
                }
            }
            Err(TryRecvError::Empty) => {}
            // It was not counted to its end; the next change is counted anew.
            Err(TryRecvError::Disconnected) => desk.watch.making = None,
        }
    }

    /// How many of a queue's items come back blind, and to whom.
    pub fn change_repeats(&mut self, queue: QueueId, share: f64, by: Again) {
        let Some(card) = self.desks.label.card(queue) else { return };
        let mut settings = card.settings.clone();
        if (settings.again_share, settings.again_by) != (share, by) {
            (settings.again_share, settings.again_by) = (share.clamp(0.0, 0.5), by);
            self.labels.order(Order::ChangeQueue { queue, settings: Box::new(settings) });
        }
    }
}

fn small(decisions: &Option<(QueueId, Arc<Vec<Decision>>)>) -> bool {
    let Some((_, decisions)) = decisions else { return true };
    let mut bytes = 0;
    decisions.len() <= AT_ONCE_DECISIONS
        && decisions.iter().flat_map(|decision| &decision.judged.answers).all(|answer| {
            bytes += answer.text.len();
            bytes <= AT_ONCE_BYTES
        })
}
