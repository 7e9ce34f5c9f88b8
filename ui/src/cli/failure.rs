//! What ends a command early: one text on stderr and an exit code. A panic is one too, never a stack trace.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo};
use std::process::ExitCode;

use luthier_engine::protocol::Problem;
use luthier_engine::{Error, exit_code};

const INTERNAL: u8 = 3;

/// A message and the exit code that goes with it.
#[derive(Debug)]
pub struct Failure {
    /// None: everything was said already.
    message: Option<String>,
    exit_code: u8,
}

impl Failure {
    /// The person pressed Ctrl-C, and what had to be said about it was said.
    pub fn stopped() -> Self {
        Self { message: None, exit_code: Error::Stopped.exit_code() }
    }

    /// The window did not open, or fell.
    pub fn of_window(error: &anyhow::Error) -> Self {
        Self { message: Some(without_source_place(&format!("{error:#}"))), exit_code: INTERNAL }
    }

    pub fn internal(what: &str) -> Self {
        Self { message: Some(report_text(what)), exit_code: INTERNAL }
    }

    /// Prints the message and gives the exit code.
    pub fn report(self) -> ExitCode {
        if let Some(message) = self.message {
            eprintln!("error: {message}");
        }
        ExitCode::from(self.exit_code)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit_code = error.exit_code();
        let message = match error {
            Error::Internal(what) => report_text(&what),
            error => error.to_string(),
        };
        Self { message: Some(message), exit_code }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { exit_code: exit_code(&problem.code), message: Some(problem.message) }
    }
}

fn report_text(what: &str) -> String {
    let what = what.strip_prefix("internal error: ").unwrap_or(what);
    format!("internal error: {what}. This is a mistake in Luthier: please report it, with this text and what you did.")
}

thread_local! {
    /// Where and why this thread panicked last.
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Panics are caught where work begins (here and at the worker's boundary) and told as errors, so the standard
/// library's own message stays away. `LUTHIER_BACKTRACE=1` brings it back for developers.
pub fn quiet_panics() {
    if std::env::var_os("LUTHIER_BACKTRACE").is_some() {
        return;
    }
    std::panic::set_hook(Box::new(|info| {
        let text = panic_text(info);
        tracing::error!("panic: {text}");
        LAST_PANIC.with(|last| *last.borrow_mut() = Some(text));
    }));
}

/// Runs `work`; a panic in it becomes a failure.
pub fn guarded(work: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let what = LAST_PANIC.with(|last| last.borrow_mut().take());
        Err(Failure::internal(what.as_deref().unwrap_or("the program broke off")))
    })
}

fn panic_text(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let said = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let place = info.location().map(|place| format!(" ({}:{})", short(place.file()), place.line())).unwrap_or_default();
    format!("{}{place}", said.unwrap_or("no message"))
}

/// winit says "os error at <its builder's source file>:<line>: reason".
fn without_source_place(message: &str) -> String {
    match message.split_once("os error at ").and_then(|(before, rest)| Some((before, rest.split_once(": ")?.1))) {
        Some((before, reason)) => format!("{before}{reason}"),
        None => message.to_owned(),
    }
}

/// The end of a source path: the builder's folders are nobody's business.
fn short(file: &str) -> &str {
    let cut = file.rmatch_indices(['/', '\\']).nth(2).map_or(0, |(index, _)| index + 1);
    &file[cut..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_failure_with_its_place() {
        quiet_panics();
        let nobody: Option<u8> = None;
        let failure = guarded(|| {
            nobody.expect("a heron on the roof");
            Ok(())
        });
        drop(std::panic::take_hook());
        let failure = failure.expect_err("the panic was lost");
        let message = failure.message.expect("a panic has a message");
        assert!(message.contains("a heron on the roof") && message.contains("failure.rs:"), "{message}");
        assert!(message.contains("report"), "{message}");
        assert_eq!(failure.exit_code, 3);
    }

    #[test]
    fn no_source_path_reaches_the_person() {
        let message = "No window: winit EventLoopError: os error at C:\\a\\mod.rs:765: DISPLAY is not set.";
        assert_eq!(without_source_place(message), "No window: winit EventLoopError: DISPLAY is not set.");
    }

    #[test]
    fn exit_codes_follow_the_error() {
        let bad = Failure::from(Error::data("rows.json", "line 3", "not JSON"));
        assert_eq!(bad.exit_code, 2);
        let across = Failure::from(Problem { code: "diverged".into(), message: "loss became NaN".into() });
        assert_eq!(across.exit_code, 3);
        assert_eq!(Failure::stopped().exit_code, 130);
    }
}
