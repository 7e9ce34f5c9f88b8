//! How much memory this process has and takes.

use std::sync::atomic::{AtomicU64, Ordering};

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, get_current_pid};

/// Resident memory of this process in bytes; 0 where the system does not tell.
pub fn resident_bytes() -> u64 {
    // /proc/self/statm is one short read; sysinfo's way costs milliseconds.
    if let Ok(text) = std::fs::read_to_string("/proc/self/statm") {
        if let Some(pages) = text.split_whitespace().nth(1).and_then(|p| p.parse::<u64>().ok()) {
            return pages * 4096;
        }
    }
    let (Ok(pid), Ok(mut system)) = (get_current_pid(), System::new()) else { return 0 };
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&[pid]),
        true,
        ProcessRefreshKind::nothing().with_memory(),
    );
    system.process(pid).map_or(0, sysinfo::Process::memory)
}

/// The most that was resident at the places where a pass takes most; 0 where none was passed.
static HIGHEST: AtomicU64 = AtomicU64::new(0);

/// Remembers how much is resident now. After a step the pass's memory has been given back already, so the peak has to be
/// read in its midst.
pub fn note_resident() {
    HIGHEST.fetch_max(resident_bytes(), Ordering::Relaxed);
}

/// The most that was noted since the last call.
pub fn take_highest() -> u64 {
    HIGHEST.swap(0, Ordering::Relaxed)
}

/// Memory that is free for use in bytes; None where the system does not tell.
pub fn available_bytes() -> Option<u64> {
    let mut system = System::new().ok()?;
    system.refresh_memory();
    Some(system.available_memory()).filter(|bytes| *bytes > 0)
}
