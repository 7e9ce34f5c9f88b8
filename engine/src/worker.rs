//! The one thread that owns the device and every tensor.

use std::any::Any;
use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, TryRecvError};

use crate::link::Outbox;
use crate::protocol::{Command, Event, Outcome, Problem, RequestId, RunId};
use crate::trainer::{self, Desk, Wish};
use crate::{Error, Result};

mod answers;
mod exam;
mod loaded;

/// Serves commands until `Shutdown` or until nobody sends any more.
pub(crate) fn work(commands: &Receiver<Command>, out: &Outbox) {
    let mut desk = WorkerDesk {
        commands,
        out,
        id: None,
        shutdown: false,
        paused: false,
        serving: Vec::new(),
        cancelled: BTreeSet::new(),
        waiting: VecDeque::new(),
    };
    let mut loaded = Vec::new();
    while !desk.shutdown {
        let Some(command) = desk.waiting.pop_front().or_else(|| commands.recv().ok()) else { return };
        match command {
            Command::StartRun { id, recipe, resume } => {
                loaded.clear(); // the memory is the run's now
                (desk.id, desk.paused) = (Some(id.clone()), false);
                let result = guarded(|| trainer::start(&id, &recipe, resume, &mut desk));
                desk.id = None;
                let outcome = match result {
                    Ok(outcome) => outcome,
                    Err(Error::Stopped) => {
                        Outcome::Stopped { result: None, reason: "stopped before the first step".into() }
                    }
                    Err(error) => Outcome::Failed { problem: (&error).into() },
                };
                out.tell(Event::RunFinished { id, outcome });
            }
            Command::Generate { request, prompt } => {
                desk.begin(request);
                if let Err(error) = guarded(|| loaded::answer(&mut loaded, request, &prompt, &mut desk)) {
                    out.tell(Event::CommandFailed { request: Some(request), problem: (&error).into() });
                }
            }
            Command::SampleAnswers { request, batch } => {
                desk.begin(request);
                out.tell(match guarded(|| answers::sample(&mut loaded, request, &batch, &mut desk)) {
                    Ok(answers) => Event::AnswersSampled { request, answers },
                    Err(error) => Event::CommandFailed { request: Some(request), problem: (&error).into() },
                });
            }
            Command::ScoreAnswers { request, batch } => {
                desk.begin(request);
                out.tell(match guarded(|| answers::score(&mut loaded, request, &batch, &mut desk)) {
                    Ok(scores) => Event::AnswersScored { request, scores },
                    Err(error) => Event::CommandFailed { request: Some(request), problem: (&error).into() },
                });
            }
            Command::Evaluate { request, exam } => {
                loaded.clear(); // the exam loads its own
                desk.begin(request);
                out.tell(match guarded(|| exam::sit(request, &exam, &mut desk)) {
                    Ok(outcome) => Event::EvalFinished { request, outcome: Box::new(outcome) },
                    Err(error) => Event::CommandFailed { request: Some(request), problem: (&error).into() },
                });
            }
            Command::UnloadModels => loaded.clear(),
            Command::Shutdown => return,
            // Nothing is running, so there is nothing to control.
            _ => {}
        }
    }
}

/// A panic becomes an error: a run always ends in one `RunFinished`, a request in one answer.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(from_panic(&*panic)))
}

fn from_panic(panic: &(dyn Any + Send)) -> Error {
    let text =
        panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
    let text = text.unwrap_or_else(|| "a panic without a message".into());
    let lower = text.to_lowercase();
    if lower.contains("out of memory") || lower.contains("outofmemory") {
        Error::OutOfMemory { during: format!("computing ({text})") }
    } else {
        Error::Internal(text)
    }
}

/// Between two micro-batches or two tokens: what has come in on the channel?
struct WorkerDesk<'a> {
    commands: &'a Receiver<Command>,
    out: &'a Outbox,
    id: Option<RunId>,
    shutdown: bool,
    paused: bool,
    /// Requests that are served: answers ahead, and in front of them the question that came meanwhile.
    serving: Vec<RequestId>,
    /// Those of them that were cancelled.
    cancelled: BTreeSet<RequestId>,
    /// Commands for later.
    waiting: VecDeque<Command>,
}

impl WorkerDesk<'_> {
    fn refuse(&self, request: Option<RequestId>, what: &str) {
        let message = format!("{what} must wait: a run is using the device");
        self.out.tell(Event::CommandFailed { request, problem: Problem { code: "refused".into(), message } });
    }

    /// A request's turn has come, and no other is served.
    fn begin(&mut self, request: RequestId) {
        self.serving = vec![request];
        self.cancelled.clear();
    }

    /// Looks at the channel while an answer or an exam goes on. True: it was cancelled.
    fn cancelled(&mut self, request: RequestId) -> bool {
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::CancelGenerate { request: which }
                | Command::CancelEvaluate { request: which }
                | Command::CancelAnswers { request: which }
                    if self.serving.contains(&which) =>
                {
                    self.cancelled.insert(which);
                }
                Command::CancelGenerate { request: which }
                | Command::CancelEvaluate { request: which }
                | Command::CancelAnswers { request: which } => {
                    let before = self.waiting.len();
                    self.waiting.retain(|waiting| asked_by(waiting) != Some(which));
                    // One that was answered already gets no second answer.
                    if self.waiting.len() < before {
                        let problem = Problem { code: "stopped".into(), message: "cancelled before it began".into() };
                        self.out.tell(Event::CommandFailed { request: Some(which), problem });
                    }
                }
                Command::Shutdown => self.shutdown = true,
                later => self.waiting.push_back(later),
            }
        }
        self.shutdown || self.cancelled.contains(&request)
    }
}

/// Whose answer waits for its turn.
fn asked_by(command: &Command) -> Option<RequestId> {
    match command {
        Command::Generate { request, .. }
        | Command::Evaluate { request, .. }
        | Command::SampleAnswers { request, .. }
        | Command::ScoreAnswers { request, .. } => Some(*request),
        _ => None,
    }
}

impl Desk for WorkerDesk<'_> {
    fn tell(&mut self, event: Event) {
        // The trainer writes RunFinished into the folder; the window gets it once, from `work`.
        self.out.tell(event);
    }

    fn wish(&mut self) -> Wish {
        let mut wish = Wish::GoOn;
        loop {
            let next = self.waiting.pop_front().map_or_else(|| self.commands.try_recv(), Ok);
            let command = match (self.paused, next) {
                (_, Ok(command)) => command,
                (false, Err(TryRecvError::Empty)) => return wish,
                (true, Err(TryRecvError::Empty)) if wish == Wish::Save => return wish,
                (true, Err(TryRecvError::Empty)) => match self.commands.recv() {
                    Ok(command) => command,
                    Err(_) => return Wish::Stop,
                },
                (_, Err(TryRecvError::Disconnected)) => return Wish::Stop,
            };
            let id = self.id.clone().unwrap_or_default();
            match command {
                Command::PauseRun if !self.paused => {
                    self.paused = true;
                    self.out.tell(Event::RunPaused { id });
                }
                Command::ResumeRun if self.paused => {
                    self.paused = false;
                    self.out.tell(Event::RunResumed { id });
                }
                Command::StopRun => return Wish::Stop,
                Command::Shutdown => {
                    self.shutdown = true;
                    return Wish::Stop;
                }
                // Saved at once; the next look waits on.
                Command::SaveNow if self.paused => return Wish::Save,
                Command::SaveNow => wish = Wish::Save,
                Command::Generate { request, .. } => self.refuse(Some(request), "Generating"),
                Command::Evaluate { request, .. } => self.refuse(Some(request), "Evaluating"),
                Command::SampleAnswers { request, .. } => self.refuse(Some(request), "Generating answers"),
                Command::ScoreAnswers { request, .. } => self.refuse(Some(request), "Scoring answers"),
                Command::StartRun { .. } => self.refuse(None, "Another run"),
                _ => {}
            }
        }
    }
}
