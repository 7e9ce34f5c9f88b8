//! Evaluations on the worker's thread: progress out, a cancel in.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::WorkerDesk;
use crate::Result;
use crate::eval::{self, EvalOutcome, EvalProgress, EvalRequest};
use crate::protocol::{Event, RequestId};

/// Between two reports of progress, unless a new phase begins.
const EVERY: Duration = Duration::from_millis(100);

/// Measures as `exam` asks. Progress is told about ten times a second, a cancel heard at every report of it.
///
/// # Errors
/// Those of [`eval::run`]; `Stopped` after a cancel or at shutdown.
pub(super) fn sit(request: RequestId, exam: &EvalRequest, desk: &mut WorkerDesk) -> Result<EvalOutcome> {
    let mut told: Option<(EvalProgress, Instant)> = None;
    eval::run(exam, &mut |progress| {
        let due = told.is_none_or(|(last, at)| {
            let ends = progress.done >= progress.total && last.done < last.total;
            last.phase != progress.phase || ends || at.elapsed() >= EVERY
        });
        if due {
            told = Some((progress, Instant::now()));
            desk.out.tell(Event::EvalProgressed { request, progress });
        }
        if desk.cancelled(request) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}
