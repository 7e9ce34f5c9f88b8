//! Finding an item of the queue that is on the bench.

use crate::bench::Bench;
use crate::desks::LabelPage;
use crate::labels::{Found, Only, Order, QueueId, Sought};
use crate::text::t;

#[derive(Debug, Default)]
pub struct FindingDesk {
    pub open: bool,
    /// As it stands in the field.
    pub sought: Sought,
    /// What was last asked for, of which queue.
    asked: Option<(QueueId, Sought)>,
    /// Orders on their way; only the answer to the last of them counts.
    waiting: usize,
    /// Of the queue that was asked about.
    pub found: Vec<Found>,
    /// In `found`.
    pub chosen: usize,
    /// The choice has been moved by a key and should come into sight.
    pub seek: bool,
}

impl FindingDesk {
    pub(super) fn take(&mut self, queue: QueueId, found: Vec<Found>) {
        self.waiting = self.waiting.saturating_sub(1);
        if self.waiting == 0 && self.asked.as_ref().is_some_and(|(asked, _)| *asked == queue) {
            self.found = found;
            self.chosen = 0;
            self.seek = true;
        }
    }

    /// Something could not be done, and perhaps it was the search: whatever is answered next is welcome.
    pub(super) fn give_up(&mut self) {
        self.waiting = 0;
    }

    /// What stands in the field has not been asked for yet.
    pub fn is_new(&self, queue: QueueId) -> bool {
        self.asked.as_ref().is_none_or(|(asked, sought)| *asked != queue || *sought != self.sought)
    }

    pub fn is_waiting(&self) -> bool {
        self.waiting > 0
    }

    pub fn move_choice(&mut self, steps: isize) {
        let last = self.found.len().saturating_sub(1);
        self.chosen = self.chosen.saturating_add_signed(steps).min(last);
        self.seek = true;
    }
}

impl Bench {
    /// Opens the search over the queue on the bench, with everything in it.
    pub fn open_finding(&mut self) {
        let desk = &mut self.desks.label;
        if desk.open.is_none() {
            return;
        }
        desk.page = LabelPage::Bench;
        // Verdicts, notes and flags have changed since it was last open.
        desk.finding = FindingDesk { open: true, waiting: desk.finding.waiting, ..FindingDesk::default() };
        self.find();
    }

    pub fn close_finding(&mut self) {
        self.desks.label.finding.open = false;
    }

    /// Asks for what stands in the field.
    pub fn find(&mut self) {
        let Some(queue) = self.desks.label.open else { return };
        let desk = &mut self.desks.label.finding;
        let sought = Sought { text: desk.sought.text.trim().to_owned(), only: desk.sought.only };
        desk.asked = Some((queue, desk.sought.clone()));
        desk.waiting += 1;
        self.labels.order(Order::Search { queue, sought });
    }

    /// Shows only these, at once.
    pub fn find_only(&mut self, only: Only) {
        self.desks.label.finding.sought.only = only;
        self.find();
    }

    /// Calls an item that was found to the front of the bench. One without its answers stays where it is.
    pub fn call_found(&mut self, at: usize) {
        let desk = &self.desks.label;
        let (Some(queue), Some(found)) = (desk.open, desk.finding.found.get(at)) else { return };
        if !found.answered {
            self.notes.push(t!("judging.not_answered"));
            return;
        }
        self.labels.order(Order::Call { queue, item: found.item });
        self.close_finding();
    }
}

#[cfg(test)]
mod tests {
    use luthier_engine::feedback::Mode;

    use super::*;
    use crate::labels::Answer;
    use crate::testing::labels::{found, labelling_bench};
    use crate::text::Language;

    #[test]
    fn only_the_answer_to_the_last_search_counts() {
        let (mut bench, engine) = labelling_bench(Language::English, Mode::Pair, 0);
        bench.open_finding();
        bench.desks.label.finding.sought.text = " bow ".into();
        assert!(bench.desks.label.finding.is_new(1));
        bench.find();
        assert!(!bench.desks.label.finding.is_new(1));
        engine.tell_labels(Answer::Found { queue: 1, found: found(9) });
        bench.poll();
        assert!(bench.desks.label.finding.found.is_empty() && bench.desks.label.finding.is_waiting());
        engine.tell_labels(Answer::Found { queue: 1, found: found(2) });
        bench.poll();
        assert_eq!(bench.desks.label.finding.found.len(), 2);
        // The sixth of them has no answers yet.
        bench.desks.label.finding.found = found(6);
        bench.call_found(5);
        assert!(bench.desks.label.finding.open);
        let last = engine.label_orders.borrow().last().cloned();
        let Some(Order::Search { queue: 1, sought }) = last else { panic!("{last:?}") };
        assert_eq!(sought, Sought { text: "bow".into(), only: Only::All });
    }

    #[test]
    fn a_search_that_failed_does_not_hold_up_the_next() {
        let (mut bench, engine) = labelling_bench(Language::English, Mode::Pair, 0);
        bench.open_finding();
        let problem = luthier_engine::protocol::Problem { code: "io".into(), message: "labels.sqlite: locked".into() };
        engine.tell_labels(Answer::Failed { problem });
        bench.poll();
        bench.find_only(Only::Flagged);
        engine.tell_labels(Answer::Found { queue: 1, found: found(3) });
        bench.poll();
        assert_eq!(bench.desks.label.finding.found.len(), 3);
    }
}
