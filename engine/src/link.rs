//! The window's end of the engine: commands go in, events come out, nothing blocks.
//!
//! Whatever touches tensors goes to the one worker thread. Reading headers and data files and trying devices needs
//! no tensors and happens on threads of its own, so that it answers during a run.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::protocol::{Command, DataSource, Event, RequestId};
use crate::{data, device, model, worker};

type Wake = Arc<dyn Fn() + Send + Sync>;
/// The file that a request reads, and the flag that cancels it.
type Inspections = Arc<Mutex<HashMap<RequestId, (PathBuf, Arc<AtomicBool>)>>>;

#[derive(Default)]
pub struct LinkOptions {
    /// Called after every event, from the engine's threads: ask for a repaint here.
    pub wake: Option<Box<dyn Fn() + Send + Sync>>,
}

/// Where events are put.
#[derive(Clone)]
pub(crate) struct Outbox {
    events: Sender<Event>,
    wake: Option<Wake>,
}

impl Outbox {
    pub fn tell(&self, event: Event) {
        // Nobody listens any more only when the program is ending.
        let _ = self.events.send(event);
        if let Some(wake) = &self.wake {
            wake();
        }
    }
}

pub struct Link {
    worker: Sender<Command>,
    outbox: Outbox,
    events: Receiver<Event>,
    thread: Option<JoinHandle<()>>,
    /// Data files being read, and the flags that cancel them.
    inspections: Inspections,
    /// Files that were read a moment ago.
    shelf: Arc<data::Shelf>,
}

impl Link {
    /// Starts the worker thread.
    pub fn spawn(options: LinkOptions) -> Self {
        let (worker, commands) = channel();
        let (sender, events) = channel();
        let outbox = Outbox { events: sender, wake: options.wake.map(Arc::from) };
        let out = outbox.clone();
        let thread = std::thread::Builder::new()
            .name("luthier-worker".into())
            .spawn(move || worker::work(&commands, &out))
            .map_err(|e| tracing::error!("the worker thread could not start: {e}"))
            .ok();
        Self { worker, outbox, events, thread, inspections: Arc::default(), shelf: Arc::default() }
    }

    pub fn send(&self, command: Command) {
        let outbox = self.outbox.clone();
        match command {
            Command::ProbeDevices => aside(move || outbox.tell(Event::DevicesProbed { devices: device::probe() })),
            Command::InspectModel { request, path } => aside(move || {
                outbox.tell(match worker::guarded(|| model::inspect(&path)) {
                    Ok(summary) => Event::ModelInspected { request, summary },
                    Err(error) => Event::CommandFailed { request: Some(request), problem: (&error).into() },
                });
            }),
            Command::InspectData { request, source } => self.inspect_data(request, source),
            Command::CancelInspect { request } => {
                if let Some((_, flag)) = self.flags().get(&request) {
                    flag.store(true, Ordering::Relaxed);
                }
            }
            Command::ReadRows { request, source, rows } => {
                let shelf = self.shelf.clone();
                aside(move || {
                    outbox.tell(match worker::guarded(|| shelf.read_rows(&source, &rows)) {
                        Ok(rows) => Event::RowsRead { request, rows },
                        Err(error) => Event::CommandFailed { request: Some(request), problem: (&error).into() },
                    });
                });
            }
            tensors => {
                // The worker only goes away at Shutdown.
                let _ = self.worker.send(tensors);
            }
        }
    }

    fn flags(&self) -> std::sync::MutexGuard<'_, HashMap<RequestId, (PathBuf, Arc<AtomicBool>)>> {
        self.inspections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A newer request for a file cancels the older ones.
    fn inspect_data(&self, request: RequestId, source: DataSource) {
        let cancelled = Arc::new(AtomicBool::new(false));
        {
            let mut flags = self.flags();
            for (_, flag) in flags.values().filter(|(path, _)| *path == source.path) {
                flag.store(true, Ordering::Relaxed);
            }
            flags.insert(request, (source.path.clone(), cancelled.clone()));
        }
        let (outbox, flags, shelf) = (self.outbox.clone(), self.inspections.clone(), self.shelf.clone());
        aside(move || {
            let mut last = 0;
            let mut tell_progress = |done: u64, total: u64| {
                // A bar needs no more than two hundred positions.
                if done == 0 || done >= total || done.saturating_sub(last) > total / 200 {
                    last = done;
                    outbox.tell(Event::DataProgress { request, done, total });
                }
                if cancelled.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let result = worker::guarded(|| shelf.inspect(&source, &mut tell_progress));
            flags.lock().unwrap_or_else(PoisonError::into_inner).remove(&request);
            outbox.tell(match result {
                Ok(summary) => Event::DataInspected { request, summary: Box::new(summary) },
                Err(error) => Event::CommandFailed { request: Some(request), problem: (&error).into() },
            });
        });
    }

    pub fn try_recv(&self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// The next event; None when none came in time or the worker is gone.
    pub fn recv_timeout(&self, timeout: Duration) -> Option<Event> {
        match self.events.recv_timeout(timeout) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Ends the worker: a run is stopped with a checkpoint first.
    pub fn shutdown(&mut self) {
        let _ = self.worker.send(Command::Shutdown);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.shutdown();
    }
}

fn aside(work: impl FnOnce() + Send + 'static) {
    if let Err(error) = std::thread::Builder::new().name("luthier-aside".into()).spawn(work) {
        tracing::error!("a thread could not start: {error}");
    }
}
