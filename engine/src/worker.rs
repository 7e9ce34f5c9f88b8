//! The one thread that owns the device and every tensor.

use std::any::Any;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Instant, SystemTime};

use crate::link::Outbox;
use crate::model::Model;
use crate::protocol::{Command, Event, Outcome, Problem, Prompt, RequestId, RunId};
use crate::tokenizer::TextTokenizer;
use crate::trainer::{self, Desk, Wish};
use crate::{Error, Result, adapter, device, generate};

/// Serves commands until `Shutdown` or until nobody sends any more.
pub(crate) fn work(commands: &Receiver<Command>, out: &Outbox) {
    let mut desk = WorkerDesk {
        commands,
        out,
        id: None,
        shutdown: false,
        paused: false,
        cancelled: None,
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
                desk.cancelled = None;
                if let Err(error) = guarded(|| answer(&mut loaded, request, &prompt, &mut desk)) {
                    out.tell(Event::CommandFailed { request: Some(request), problem: (&error).into() });
                }
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
    /// A generation that was cancelled.
    cancelled: Option<RequestId>,
    /// Commands for later.
    waiting: VecDeque<Command>,
}

impl WorkerDesk<'_> {
    fn refuse(&self, request: Option<RequestId>, what: &str) {
        let message = format!("{what} must wait: a run is using the device");
        self.out.tell(Event::CommandFailed { request, problem: Problem { code: "refused".into(), message } });
    }

    /// Looks at the channel while a generation goes on. True: it was cancelled.
    fn generation_cancelled(&mut self, request: RequestId) -> bool {
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::CancelGenerate { request: which } if which == request => self.cancelled = Some(request),
                Command::CancelGenerate { request: which } => {
                    self.waiting.retain(|c| !matches!(c, Command::Generate { request: r, .. } if *r == which));
                    let problem = Problem { code: "stopped".into(), message: "cancelled before it began".into() };
                    self.out.tell(Event::CommandFailed { request: Some(which), problem });
                }
                Command::Shutdown => self.shutdown = true,
                later => self.waiting.push_back(later),
            }
        }
        self.shutdown || self.cancelled == Some(request)
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
                Command::StartRun { .. } => self.refuse(None, "Another run"),
                _ => {}
            }
        }
    }
}

/// A model kept for more questions.
struct Loaded {
    path: PathBuf,
    device: String,
    stamp: Option<SystemTime>,
    model: Model,
    tokenizer: TextTokenizer,
    adapter_stamp: Option<SystemTime>,
}

/// When a model's or adapter's files were last written: a folder that was trained anew is loaded anew.
fn stamp(path: &Path) -> Option<SystemTime> {
    let names = [adapter::WEIGHTS_FILE, "model.safetensors", "model.safetensors.index.json"];
    let files = names.iter().map(|name| path.join(name)).chain([path.to_owned()]);
    files.filter_map(|file| file.metadata().ok()?.modified().ok()).next()
}

/// Base and tuned side by side are at most two models in memory.
const KEPT_MODELS: usize = 2;

fn answer(loaded: &mut Vec<Loaded>, request: RequestId, prompt: &Prompt, desk: &mut WorkerDesk) -> Result<()> {
    let at = find_or_load(loaded, prompt, request, desk)?;
    let entry = &mut loaded[at];
    wear(entry, prompt.adapter.as_deref())?;
    let Loaded { model, tokenizer, .. } = entry;
    let ids = generate::prompt_ids(tokenizer, &prompt.text)?;
    let began = Instant::now();
    let mut stream = tokenizer.stream(true);
    let done = generate::generate(model, tokenizer, &ids, &prompt.sampling, &mut |id| {
        if let Some(text) = id.and_then(|id| stream.push(id)) {
            desk.tell(Event::TokenSampled { request, text });
        }
        !desk.generation_cancelled(request)
    })?;
    if let Some(text) = stream.finish() {
        desk.tell(Event::TokenSampled { request, text });
    }
    desk.tell(Event::GenerateFinished {
        request,
        prompt_tokens: done.prompt_tokens,
        new_tokens: done.ids.len(),
        elapsed_secs: began.elapsed().as_secs_f64(),
        reason: done.reason,
    });
    Ok(())
}

fn find_or_load(loaded: &mut Vec<Loaded>, prompt: &Prompt, request: RequestId, desk: &mut WorkerDesk) -> Result<usize> {
    let stamp = stamp(&prompt.model);
    let same = |l: &Loaded| l.path == prompt.model && l.device == prompt.device && l.stamp == stamp;
    if let Some(at) = loaded.iter().position(same) {
        return Ok(at);
    }
    loaded.retain(|l| l.path != prompt.model);
    loaded.truncate(KEPT_MODELS - 1);
    let tokenizer = TextTokenizer::load(&prompt.model)?;
    let (device, _) = device::open(&prompt.device)?;
    let model = Model::load(&prompt.model, &device, &mut |_, _| {
        if desk.generation_cancelled(request) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    tokenizer.check_fits(model.config.vocab)?;
    let (path, device) = (prompt.model.clone(), prompt.device.clone());
    loaded.insert(0, Loaded { path, device, stamp, model, tokenizer, adapter_stamp: None });
    Ok(0)
}

/// Puts the asked-for adapter on, or switches it off.
fn wear(entry: &mut Loaded, folder: Option<&Path>) -> Result<()> {
    let Some(folder) = folder else {
        if let Some(adapter) = &mut entry.model.adapter {
            adapter.enabled = false;
        }
        return Ok(());
    };
    let stamp = stamp(folder);
    match &mut entry.model.adapter {
        Some(adapter) if adapter.source.as_deref() == Some(folder) && entry.adapter_stamp == stamp => {
            adapter.enabled = true;
        }
        _ => {
            entry.model.drop_adapter();
            entry.model.load_adapter(folder)?;
            entry.adapter_stamp = stamp;
        }
    }
    Ok(())
}
