//! Can the labels be trusted: agreement, biases, and the disagreements to be settled.

use std::sync::Arc;

use crate::bench::Bench;
use crate::labels::{Decision, QueueId};

#[derive(Debug, Default)]
pub struct ReviewDesk {
    /// The decisions of this queue, as they stood when they were last asked for.
    pub decisions: Option<(QueueId, Arc<Vec<Decision>>)>,
}

impl Bench {
    pub(super) fn take_decisions(&mut self, queue: QueueId, decisions: Arc<Vec<Decision>>) {
        self.desks.label.review.decisions = Some((queue, decisions));
        self.decisions_came(queue);
    }
}
