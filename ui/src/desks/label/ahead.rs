//! Answers generated ahead of the labelling, and how sure the model is of them.

use std::sync::Arc;

use crate::bench::Bench;
use crate::labels::{Item, QueueId, Wanted};

#[derive(Debug, Default)]
pub struct AheadDesk {}

impl Bench {
    pub(super) fn take_wanted(&mut self, _queue: QueueId, _wanted: Vec<Wanted>) {}

    pub(super) fn take_unsure(&mut self, _queue: QueueId, _items: Vec<Arc<Item>>) {}
}
