//! Which windows are open on one home.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Those that this process has opened: a clock may stand still between two.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// This window among others on the same home: a locked file with its name, so that what a window left behind that is
/// gone is told from what one keeps that is open.
pub(crate) struct Window {
    pub name: String,
    path: PathBuf,
    _held: Option<File>,
}

impl Window {
    pub fn open(home: &Path) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{}-{count}", std::process::id(), now.as_nanos());
        let path = Self::file(home, &name);
        let held = path.parent().and_then(|folder| std::fs::create_dir_all(folder).ok());
        let held = held.and_then(|()| File::create(&path).ok()).filter(|file| file.try_lock().is_ok());
        Self { name, path, _held: held }
    }

    fn file(home: &Path, name: &str) -> PathBuf {
        home.join("windows").join(format!("{name}.lock"))
    }

    pub fn is_open(home: &Path, name: &str) -> bool {
        let Ok(file) = File::open(Self::file(home, name)) else { return false };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
