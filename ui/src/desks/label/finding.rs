//! Finding an item of the queue that is on the bench.

use crate::labels::{Found, QueueId};

#[derive(Debug, Default)]
pub struct FindingDesk {
    pub found: Vec<Found>,
}

impl FindingDesk {
    pub(super) fn take(&mut self, _queue: QueueId, found: Vec<Found>) {
        self.found = found;
    }
}
