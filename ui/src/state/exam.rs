//! Evaluations: what is being measured, and the outcomes that came in since the start.

use luthier_engine::eval::{EvalOutcome, EvalProgress};
use luthier_engine::protocol::{Problem, RequestId};

#[derive(Debug, Clone, Default)]
pub struct Exam {
    /// The request that is being measured.
    pub going: Option<RequestId>,
    pub progress: Option<EvalProgress>,
    /// Newest last; the bench hands them to the library.
    pub finished: Vec<(RequestId, EvalOutcome)>,
    pub problem: Option<Problem>,
}

impl Exam {
    pub(super) fn progressed(&mut self, request: RequestId, progress: EvalProgress) {
        if self.going == Some(request) {
            self.progress = Some(progress);
        }
    }

    pub(super) fn finished(&mut self, request: RequestId, outcome: EvalOutcome) {
        if self.going == Some(request) {
            (self.going, self.progress, self.problem) = (None, None, None);
            self.finished.push((request, outcome));
        }
    }

    /// True: it was one of ours.
    pub(super) fn failed(&mut self, request: RequestId, problem: &Problem) -> bool {
        let ours = self.going == Some(request);
        if ours {
            (self.going, self.progress) = (None, None);
            self.problem = (problem.code != "stopped").then(|| problem.clone());
        }
        ours
    }
}
