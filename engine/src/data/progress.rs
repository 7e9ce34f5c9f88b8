//! One progress bar over work that runs on other threads: the caller's closure is asked about 60 times a second and its
//! `Break` stops the work.

use std::any::Any;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::error::{Error, Result};

const POLL: Duration = Duration::from_millis(15);

/// What working threads count on.
pub(super) struct Gauge {
    done: AtomicU64,
    stop: AtomicBool,
}

impl Gauge {
    pub(super) fn new() -> Self {
        Self { done: AtomicU64::new(0), stop: AtomicBool::new(false) }
    }

    /// Counts `amount` more.
    ///
    /// # Errors
    /// `Stopped` once the person asked for it: pass it on.
    pub(super) fn add(&self, amount: usize) -> Result<()> {
        self.done.fetch_add(amount as u64, Ordering::Relaxed);
        if self.stop.load(Ordering::Relaxed) { Err(Error::Stopped) } else { Ok(()) }
    }
}

/// A bar of `total` units (bytes of the files), filled stretch by stretch.
pub(super) struct Bar<'a> {
    report: &'a mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    total: u64,
    reached: f64,
}

impl<'a> Bar<'a> {
    pub(super) fn new(report: &'a mut dyn FnMut(u64, u64) -> ControlFlow<()>, total: u64) -> Self {
        Self { report, total: total.max(1), reached: 0.0 }
    }

    /// Runs `work` on a thread of its own; while it counts up to `amount`, the bar moves by `share` of its length.
    ///
    /// # Errors
    /// `work`'s own; `Stopped` after the caller's closure said `Break`; `Internal` if `work` panicked.
    pub(super) fn stretch<T: Send>(
        &mut self,
        share: f64,
        amount: u64,
        work: impl FnOnce(&Gauge) -> Result<T> + Send,
    ) -> Result<T> {
        let gauge = Gauge::new();
        let (sender, receiver) = mpsc::channel();
        let result = std::thread::scope(|scope| {
            let gauge = &gauge;
            let worker = scope.spawn(move || {
                let _ = sender.send(work(gauge));
            });
            loop {
                match receiver.recv_timeout(POLL) {
                    Ok(result) => return result,
                    Err(RecvTimeoutError::Timeout) => {
                        let done = gauge.done.load(Ordering::Relaxed);
                        let part = if amount == 0 { 0.0 } else { (done as f64 / amount as f64).min(1.0) };
                        if self.tell(self.reached + share * part).is_break() {
                            gauge.stop.store(true, Ordering::Relaxed);
                        }
                    }
                    Err(RecvTimeoutError::Disconnected) => {
                        let cause = worker.join().err();
                        return Err(Error::Internal(cause.map_or("the work vanished".into(), said)));
                    }
                }
            }
        })?;
        self.reached += share;
        if self.tell(self.reached).is_break() || gauge.stop.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        Ok(result)
    }

    fn tell(&mut self, fraction: f64) -> ControlFlow<()> {
        let done = (fraction.clamp(0.0, 1.0) * self.total as f64).round() as u64;
        (self.report)(done, self.total)
    }
}

/// The words of a panic.
fn said(cause: Box<dyn Any + Send>) -> String {
    let text = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref().copied());
    text.unwrap_or("reading the data failed").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bar_ends_full_and_break_stops_the_work() {
        let mut seen = Vec::new();
        let mut report = |done, total| {
            seen.push((done, total));
            ControlFlow::Continue(())
        };
        let mut bar = Bar::new(&mut report, 200);
        assert_eq!(bar.stretch(0.5, 10, |gauge| gauge.add(10).map(|()| 7)).unwrap(), 7);
        bar.stretch(0.5, 10, |_| Ok(())).unwrap();
        assert_eq!(seen.last(), Some(&(200, 200)));

        let mut report = |_, _| ControlFlow::Break(());
        let endless = Bar::new(&mut report, 1).stretch(1.0, 1, |gauge| -> Result<()> {
            loop {
                gauge.add(1)?;
            }
        });
        assert!(matches!(endless, Err(Error::Stopped)));
    }

    #[test]
    fn a_panic_becomes_an_error() {
        let mut report = |_, _| ControlFlow::Continue(());
        let outcome =
            Bar::new(&mut report, 1).stretch(1.0, 1, |_| -> Result<()> { panic!("row {}", std::process::id()) });
        assert!(matches!(outcome, Err(Error::Internal(reason)) if reason.starts_with("row ")));
    }
}
