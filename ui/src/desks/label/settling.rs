//! The review list: disagreements one after the other, and the last word on each.

use luthier_engine::feedback::{Judged, Mode, Strength, Verdict};

use super::review::Insight;
use crate::bench::Bench;
use crate::labels::trust::Dispute;
use crate::labels::{Decision, ItemId, Judgement, Order};
use crate::text::t;

/// What can be said on the review list. Sides are those of [`Disputed::sides`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinalWord {
    /// The answer on this side is better; of rankings: the nth of the orders that were given.
    Side(usize),
    Tie,
    BothGood,
    BothBad,
    Good,
    Bad,
}

/// The disagreement that is in front.
#[derive(Debug, Clone)]
pub struct Disputed {
    pub insight: Insight,
    /// In the list.
    pub at: usize,
    pub mode: Mode,
}

impl Disputed {
    pub fn dispute(&self) -> &Dispute {
        &self.insight.report.disputes[self.at]
    }

    pub fn of(&self) -> usize {
        self.insight.report.disputes.len()
    }

    /// Those who disagree, in the order in which they decided.
    pub fn said(&self) -> impl Iterator<Item = &Decision> {
        self.dispute().said.iter().map(|at| &self.insight.decisions[*at])
    }

    pub fn last_word(&self) -> Option<&Decision> {
        self.dispute().last_word.map(|at| &self.insight.decisions[at])
    }

    /// The exact texts, as the first of them saw them.
    pub fn judged(&self) -> &Judged {
        &self.insight.decisions[self.dispute().said[0]].judged
    }

    /// Places from left to right: as the first of them saw them, where that is known.
    pub fn sides(&self) -> Vec<usize> {
        let judged = self.judged();
        let mut sorted = judged.shown.clone();
        sorted.sort_unstable();
        let whole: Vec<usize> = (0..judged.answers.len()).collect();
        if sorted == whole { judged.shown.clone() } else { whole }
    }

    /// The different orders that were given, as places.
    pub fn orders(&self) -> Vec<&Vec<usize>> {
        let mut orders: Vec<&Vec<usize>> = Vec::new();
        for decision in self.said() {
            if let Verdict::Ranked { places } = &decision.judged.verdict
                && !orders.contains(&places)
            {
                orders.push(places);
            }
        }
        orders
    }

    /// Everything that can be said of it.
    pub fn words(&self) -> Vec<FinalWord> {
        match self.mode {
            Mode::Pair => {
                let sides = [FinalWord::Side(0), FinalWord::Side(1)];
                [&sides[..], &[FinalWord::Tie, FinalWord::BothGood, FinalWord::BothBad]].concat()
            }
            Mode::Single => vec![FinalWord::Good, FinalWord::Bad],
            Mode::Rank => {
                let orders = (0..self.orders().len().min(6)).map(FinalWord::Side);
                orders.chain([FinalWord::Tie]).collect()
            }
        }
    }

    fn verdict(&self, word: FinalWord) -> Option<Verdict> {
        if !self.words().contains(&word) {
            return None;
        }
        Some(match (word, self.mode) {
            (FinalWord::Side(n), Mode::Rank) => Verdict::Ranked { places: (*self.orders().get(n)?).clone() },
            (FinalWord::Tie, Mode::Rank) => Verdict::Ranked { places: vec![0; self.judged().answers.len()] },
            (FinalWord::Side(side), _) => {
                let answer = *self.sides().get(side)?;
                Verdict::Better { answer, strength: self.strength(answer) }
            }
            (FinalWord::Tie, _) => Verdict::Tie,
            (FinalWord::BothGood, _) => Verdict::BothGood,
            (FinalWord::BothBad, _) => Verdict::BothBad,
            (FinalWord::Good, _) => Verdict::Good,
            (FinalWord::Bad, _) => Verdict::Bad,
        })
    }

    /// Whether a verdict is this word, however strong.
    pub fn says(&self, word: FinalWord, verdict: &Verdict) -> bool {
        match (self.verdict(word), verdict) {
            (Some(Verdict::Better { answer: a, .. }), Verdict::Better { answer: b, .. }) => a == *b,
            (mine, theirs) => mine.as_ref() == Some(theirs),
        }
    }

    /// As strong as the strongest of those who said the same.
    fn strength(&self, answer: usize) -> Strength {
        let of = |decision: &Decision| match decision.judged.verdict {
            Verdict::Better { answer: said, strength } if said == answer => Some(strength),
            _ => None,
        };
        let said: Vec<_> = self.said().filter_map(of).collect();
        if !said.is_empty() && said.iter().all(|strength| *strength == Strength::Slightly) {
            Strength::Slightly
        } else {
            Strength::Clearly
        }
    }
}

impl Bench {
    pub fn disputed(&self) -> Option<Disputed> {
        let queue = self.review_queue()?;
        let item = self.desks.label.review.item?;
        let insight = self.insight(queue)?;
        let at = insight.report.disputes.iter().position(|dispute| dispute.item == item)?;
        Some(Disputed { insight: insight.clone(), at, mode: insight.report.mode })
    }

    pub fn open_dispute(&mut self, item: ItemId) {
        self.desks.label.review.item = Some(item);
    }

    pub fn close_dispute(&mut self) {
        self.desks.label.review.item = None;
    }

    /// Whether there is anything to go through.
    pub fn has_disputes(&self) -> bool {
        let insight = self.review_queue().and_then(|queue| self.insight(queue));
        insight.is_some_and(|insight| !insight.report.disputes.is_empty())
    }

    /// The next disagreement or, with -1, the one before; from the list, the first that is not settled.
    pub fn step_dispute(&mut self, step: isize) {
        let Some(insight) = self.review_queue().and_then(|queue| self.insight(queue)) else { return };
        let list = &insight.report.disputes;
        let here = self.desks.label.review.item.and_then(|item| list.iter().position(|d| d.item == item));
        let to = match here {
            Some(at) => at.saturating_add_signed(step).min(list.len().saturating_sub(1)),
            None => list.iter().position(|d| d.last_word.is_none()).unwrap_or(0),
        };
        self.desks.label.review.item = list.get(to).map(|d| d.item);
    }

    /// Whether a final decision can be made now.
    pub fn may_settle(&self) -> bool {
        self.desks.label.review.settling.is_none() && !self.settings.annotator.is_empty() && self.disputed().is_some()
    }

    /// The last word on the disagreement in front. The next one follows when it is on the disk.
    pub fn settle(&mut self, word: FinalWord, now: f64) {
        let Some(disputed) = self.disputed().filter(|_| self.may_settle()) else { return };
        let Some(verdict) = disputed.verdict(word) else { return };
        let item = disputed.dispute().item;
        let desk = &mut self.desks.label;
        let since = desk.review.shown.filter(|(of, _)| *of == item).map_or(now, |(_, since)| since);
        let judgement = Judgement {
            queue: disputed.insight.queue,
            item,
            // After everything that was said of it.
            pass: disputed.said().map(|decision| decision.pass).max().unwrap_or(0) + 1,
            annotator: self.settings.annotator.clone(),
            verdict,
            tags: Vec::new(),
            note: String::new(),
            seconds: (now - since).max(0.0),
            shown: disputed.sides(),
        };
        desk.problem = None;
        (desk.review.settling, desk.review.settled) = (Some(item), desk.review.settled + 1);
        self.labels.order(Order::Settle(Box::new(judgement)));
    }

    /// A new report has come: where it has the last word that was sent, the next disagreement is shown.
    pub(super) fn after_settling(&mut self, before: Option<&Insight>) {
        let desk = &mut self.desks.label.review;
        let (Some(item), Some(insight)) = (desk.settling, &desk.insight) else { return };
        let word = |insight: &Insight| {
            let dispute = insight.report.disputes.iter().find(|dispute| dispute.item == item)?;
            dispute.last_word.map(|at| insight.decisions[at].id)
        };
        let now = word(insight);
        if now.is_none() || now == before.and_then(word) {
            return;
        }
        desk.settling = None;
        if desk.item != Some(item) {
            return;
        }
        let list = &insight.report.disputes;
        let at = list.iter().position(|dispute| dispute.item == item).unwrap_or(0);
        let next = list[at..].iter().chain(&list[..at]).find(|dispute| dispute.last_word.is_none());
        desk.item = next.map(|dispute| dispute.item);
        if next.is_none() {
            self.notes.push(t!("review.all_settled"));
        }
    }
}
