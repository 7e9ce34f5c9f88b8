//! Starts the `luthier` binary, waits for its end and says in one line how it stands.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Report = dyn Fn(String) + Send + Sync;

/// At most one `luthier` at a time.
pub struct Supervisor {
    running: Arc<Mutex<bool>>,
    report: Arc<Report>,
}

impl Supervisor {
    /// `report` is told every change, from any thread.
    pub fn new(report: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self { running: Arc::default(), report: Arc::new(report) }
    }

    /// Opens the window, unless it is open already.
    pub fn open(&self) {
        let mut running = locked(&self.running);
        if *running {
            (self.report)("Luthier is open".into());
            return;
        }
        match start() {
            Ok(child) => {
                *running = true;
                (self.report)("Luthier is open".into());
                self.watch(child);
            }
            Err(reason) => (self.report)(reason),
        }
    }

    fn watch(&self, mut child: Child) {
        let (running, report) = (Arc::clone(&self.running), Arc::clone(&self.report));
        std::thread::spawn(move || {
            let ended = child.wait();
            *locked(&running) = false;
            report(match ended {
                Ok(status) if status.success() => "Luthier is closed".into(),
                Ok(status) => format!("Luthier ended unexpectedly ({})", ending(status)),
                Err(error) => format!("Luthier cannot be watched: {error}"),
            });
        });
    }
}

fn start() -> Result<Child, String> {
    let own = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = own.iter().cloned().chain(std::env::split_paths(&path));
    let Some(program) = find(folders) else {
        let beside = own.map_or_else(|| "this program".into(), |folder| folder.display().to_string());
        return Err(format!("The program luthier is neither in {beside} nor on PATH"));
    };
    Command::new(&program).spawn().map_err(|error| format!("{} does not start: {error}", program.display()))
}

/// The first of `folders` that holds the `luthier` program.
fn find(folders: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    let name = format!("luthier{}", std::env::consts::EXE_SUFFIX);
    folders.map(|folder| folder.join(&name)).find(|program| program.is_file())
}

fn ending(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit code {code}"),
        None => status.to_string(),
    }
}

/// A thread that panicked while holding the lock left a plain bool behind: it is still good.
fn locked(running: &Mutex<bool>) -> MutexGuard<'_, bool> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}
