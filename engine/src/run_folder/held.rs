//! The sign that a run goes on in a folder: a locked file. The system lets go of it however the program ends, so a run
//! that was killed is told from one that goes on, in this program or another.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

const HELD: &str = "run.lock";

#[derive(Debug)]
pub(super) struct Held {
    path: PathBuf,
    /// Locked until it is dropped.
    _file: File,
}

impl Held {
    /// None where the system has no locks, or another run has this folder; neither keeps a run from its work.
    pub(super) fn take(dir: &Path) -> Option<Self> {
        let path = dir.join(HELD);
        let file = File::create(&path).ok()?;
        // Whoever only looks holds it for an instant.
        for _ in 0..10 {
            match file.try_lock() {
                Ok(()) => return Some(Self { path, _file: file }),
                Err(TryLockError::WouldBlock) => std::thread::sleep(std::time::Duration::from_millis(10)),
                Err(TryLockError::Error(_)) => return None,
            }
        }
        None
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Whether a run goes on in this folder, by its lock; None where there is none to ask.
pub fn is_held(dir: &Path) -> Option<bool> {
    let file = File::open(dir.join(HELD)).ok()?;
    match file.try_lock_shared() {
        Ok(()) => Some(false),
        Err(TryLockError::WouldBlock) => Some(true),
        Err(TryLockError::Error(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_until_its_run_is_let_go() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(is_held(dir.path()), None);
        let held = Held::take(dir.path()).unwrap();
        assert_eq!((is_held(dir.path()), is_held(dir.path())), (Some(true), Some(true)));
        drop(held);
        assert_eq!(is_held(dir.path()), None);
        // What a killed program leaves: the file, and nobody who holds it.
        std::fs::write(dir.path().join(HELD), "").unwrap();
        assert_eq!(is_held(dir.path()), Some(false));
    }
}
