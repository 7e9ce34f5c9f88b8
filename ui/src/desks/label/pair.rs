//! Pairs on the bench, and what every way of judging shares: opening a queue, deciding, taking back.

use crate::bench::Bench;
use crate::desks::LabelPage;
use crate::labels::{Lot, Order, QueueId};
use crate::panels::Panel;

#[derive(Debug, Default)]
pub struct PairDesk {}

impl Bench {
    /// Puts a queue on the bench.
    pub fn open_queue(&mut self, queue: QueueId) {
        let annotator = self.settings.annotator.clone();
        self.labels.order(Order::Open { queue, annotator });
        self.desks.label.open = Some(queue);
        self.desks.label.page = LabelPage::Bench;
        self.panel = Panel::Label;
    }

    pub(super) fn take_lot(&mut self, lot: Lot) {
        let desk = &mut self.desks.label;
        if desk.open != Some(lot.queue) {
            return;
        }
        desk.deciding = false;
        desk.problem = None;
        desk.lot = Some(lot);
    }
}
