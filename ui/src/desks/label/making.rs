//! Queues: the list of them, and a new one as it is put together.

use crate::bench::Bench;
use crate::labels::QueueId;

#[derive(Debug, Default)]
pub struct MakingDesk {}

impl Bench {
    pub(super) fn queue_made(&mut self, _queue: QueueId) {}
}
