//! The real `luthier` binary as a person at a terminal meets it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Longer than any command here may take on two busy cores.
const PATIENCE: Duration = Duration::from_secs(180);

/// What a command left behind.
pub struct Ended {
    /// None: a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// The command did its work.
    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "stderr: {}", self.stderr);
        self
    }

    /// Bad input: exit 2, one clear text that holds all of `words`.
    #[track_caller]
    pub fn refused(self, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(2), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self.says(words)
    }

    /// An error message for people, with all of `words` in it.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        let Self { stderr, .. } = &self;
        assert!(stderr.lines().any(|line| line.starts_with("error: ")), "no `error: ` in: {stderr}");
        for unwanted in ["panicked", "internal error", "RUST_BACKTRACE"] {
            assert!(!stderr.contains(unwanted), "{unwanted} in: {stderr}");
        }
        let missing: Vec<_> = words.iter().filter(|word| !stderr.contains(**word)).collect();
        assert!(missing.is_empty(), "not said: {missing:?} in: {stderr}");
        self
    }
}

/// Path of the binary: cargo puts it one folder above the test programs.
pub fn path() -> PathBuf {
    let test = std::env::current_exe().expect("a test program has a path");
    let folder = test.parent().and_then(Path::parent).expect("test programs lie in deps/");
    let path = folder.join(format!("luthier{}", std::env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "{} is missing: `cargo xtask test` builds it first", path.display());
    warn_if_stale(&path);
    path
}

/// cargo builds the binary for `cargo build` and `cargo run`, not for these tests: a failure may be of yesterday's.
/// What it was made of stands beside it in luthier.d.
fn warn_if_stale(binary: &Path) {
    let changed = |path: &Path| path.metadata().and_then(|about| about.modified()).ok();
    let (Some(built), Ok(list)) = (changed(binary), std::fs::read_to_string(binary.with_extension("d"))) else {
        return;
    };
    let sources = list.split_once(": ").map_or("", |(_, sources)| sources);
    if let Some(newer) = sources.split_whitespace().find(|source| changed(Path::new(source)) > Some(built)) {
        eprintln!("{} is older than {newer}: this test ran a stale binary", binary.display());
    }
}

/// Runs `luthier` with these arguments to its end.
pub fn luthier<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ended {
    finish(Command::new(path()).args(arguments))
}

/// Runs that are registered are no part of the list of whoever runs the tests.
pub fn at_home(command: &mut Command) -> &mut Command {
    static HOME: std::sync::LazyLock<tempfile::TempDir> =
        std::sync::LazyLock::new(|| tempfile::tempdir().expect("a temporary folder"));
    if command.get_envs().any(|(name, _)| name == "LUTHIER_HOME") {
        return command;
    }
    command.env("LUTHIER_HOME", HOME.path())
}

/// Runs a command to its end; one that does not come to it is killed and fails the test.
pub fn finish(command: &mut Command) -> Ended {
    at_home(command);
    let begin = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let id = child.id();
    // Both pipes are drained by wait_with_output below, so the watch runs beside it.
    let (told, watch) = std::sync::mpsc::channel::<()>();
    let watcher = std::thread::spawn(move || {
        let late = watch.recv_timeout(PATIENCE).is_err_and(|error| error == std::sync::mpsc::RecvTimeoutError::Timeout);
        if late {
            signal(id, "KILL");
        }
        late
    });
    let Output { status, stdout, stderr } = child.wait_with_output().expect("its output can be read");
    drop(told);
    let late = watcher.join().expect("the watch ends");
    let text = |bytes| String::from_utf8(bytes).expect("the output is UTF-8");
    let ended = Ended { code: status.code(), stdout: text(stdout), stderr: text(stderr) };
    assert!(!late, "still running after {:?}: {}", begin.elapsed(), ended.stderr);
    ended
}

/// Sends a signal by name to a process of ours.
pub fn signal(id: u32, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(id.to_string()).status();
    assert!(sent.is_ok_and(|status| status.success()), "kill -{name} {id}");
}

/// A file or folder of tests/fixtures.
pub fn fixture(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    assert!(path.exists(), "{} is missing", path.display());
    path
}

/// A writable copy of the tiny Llama of the reference.
pub fn tiny_model(folder: &Path) -> PathBuf {
    let model = folder.join("llama-tiny");
    copy_folder(&fixture("models/llama-tiny"), &model);
    model
}

/// A file with this content, for people's eyes: the path comes back as text.
pub fn write(path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> String {
    std::fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()));
    path.as_ref().to_str().expect("test paths are UTF-8").to_owned()
}

/// Every file below `folder` with its content: equal before and after means untouched.
pub fn snapshot(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).expect("the folder can be read").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else {
                let content = std::fs::read(&path).expect("the file can be read");
                files.insert(path, content);
            }
        }
    }
    files
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder can be made");
    for entry in std::fs::read_dir(from).expect("the folder can be read").flatten() {
        let content = std::fs::read(entry.path()).expect("the file can be read");
        write(to.join(entry.file_name()), content);
    }
}
