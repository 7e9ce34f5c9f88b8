//! The parts of a task: each is timed and named, and the last lines say what passed, failed or was left out.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

pub enum Verdict {
    Passed,
    Failed(String),
    /// Not a failure: this system cannot run the part. Says what is missing.
    LeftOut(String),
}

/// Runs parts one after the other and keeps their verdicts.
#[derive(Default)]
pub struct Parts {
    lines: Vec<String>,
    failed: bool,
}

impl Parts {
    /// Runs one part and prints its timing line. True when it passed.
    pub fn run(&mut self, name: &str, part: impl FnOnce() -> Verdict) -> bool {
        eprintln!("xtask: {name}");
        let begin = Instant::now();
        let verdict = part();
        let secs = begin.elapsed().as_secs_f64();
        let (passed, word) = match verdict {
            Verdict::Passed => (true, "passed".to_owned()),
            Verdict::Failed(why) => {
                self.failed = true;
                (false, format!("FAILED: {why}"))
            }
            Verdict::LeftOut(why) => (false, format!("left out: {why}")),
        };
        let line = format!("xtask: {name:<26} {secs:>8.1} s  {word}");
        eprintln!("{line}");
        self.lines.push(line);
        passed
    }

    /// Prints all timing lines together. True when nothing failed.
    pub fn summary(&self) -> bool {
        eprintln!();
        for line in &self.lines {
            eprintln!("{line}");
        }
        !self.failed
    }
}

/// The project's root folder.
pub fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// The target folder that this very program was built into.
pub fn target_dir() -> PathBuf {
    let built_into = std::env::current_exe().ok().and_then(|exe| exe.parent()?.parent().map(Path::to_owned));
    built_into.unwrap_or_else(|| root().join("target"))
}

/// The cargo that started this task, in the project's root. What `cargo run` sets for xtask itself
/// (CARGO_PKG_NAME, ...) is taken out: build scripts that watch it would run again.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text.starts_with("CARGO_BIN_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a command with its output where the person sees it.
pub fn finish(command: &mut Command) -> Verdict {
    match command.status() {
        Ok(status) if status.success() => Verdict::Passed,
        Ok(status) => Verdict::Failed(format!("{} ended with {status}", shown(command))),
        Err(error) => Verdict::Failed(format!("{} does not start: {error}", shown(command))),
    }
}

/// Runs a command silently; true when it succeeds.
pub fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let quiet =
        Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

/// Standard output of a command that succeeds.
pub fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let done = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    done.status.success().then(|| String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
