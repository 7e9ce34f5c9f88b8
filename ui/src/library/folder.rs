//! What is a run's folder, and its end.

use std::path::{Path, PathBuf};

use luthier_engine::run_folder::is_held;

/// Files that a run, its result or its exports consist of. A folder with others in it is more than a run's.
const ENDINGS: &[&str] = &[
    "json",
    "jsonl",
    "yaml",
    "yml",
    "safetensors",
    "gguf",
    "model",
    "txt",
    "jinja",
    "md",
    "lock",
    "tmp",
    "svg",
    "png",
    "csv",
    "html",
    "v2",
    "bin",
];

pub(super) fn holds_a_run(folder: &Path) -> bool {
    let is_file = |name: &str| folder.join(name).is_file();
    is_file("recipe.yaml") && ["events.jsonl", "trainer_log.jsonl", "report.json"].into_iter().any(is_file)
}

/// Folders of runs right below `runs`.
pub(super) fn below(runs: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(runs).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| holds_a_run(path)).collect()
}

/// Removes the folder of a run from the disk, where it is nothing else: `place` is where it lay when it was registered.
///
/// # Errors
/// Why it was left as it is, in a sentence.
pub(super) fn destroy(folder: &Path, place: &Path) -> Result<(), String> {
    let left = |why: String| Err(format!("{} was left on the disk: {why}", folder.display()));
    let Ok(data) = std::fs::symlink_metadata(folder) else { return Ok(()) };
    if data.is_symlink() || !data.is_dir() {
        return left("it is not a folder of its own but a link or a file".into());
    }
    match folder.canonicalize() {
        Ok(now) if now == place => {}
        Ok(now) => {
            return left(format!("it leads to {} now, and was registered as {}", now.display(), place.display()));
        }
        Err(error) => return left(error.to_string()),
    }
    if !holds_a_run(folder) {
        return left("it holds no run any more".into());
    }
    if is_held(folder) == Some(true) {
        return left("the run still goes on; stop it first".into());
    }
    match stranger(folder) {
        Err(error) => return left(error.to_string()),
        Ok(Some(stranger)) => {
            let name = stranger.file_name().unwrap_or_default().to_string_lossy().into_owned();
            return left(format!("it holds more than a run ({name}); move that away, or remove the folder by hand"));
        }
        Ok(None) => {}
    }
    std::fs::remove_dir_all(folder).or_else(|error| left(error.to_string()))
}

/// Something in a run's folder that no run has written.
fn stranger(folder: &Path) -> std::io::Result<Option<PathBuf>> {
    for entry in std::fs::read_dir(folder)? {
        let (entry, kind) = entry.and_then(|entry| entry.file_type().map(|kind| (entry, kind)))?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        let known = if kind.is_dir() {
            name.starts_with("checkpoint-")
        } else {
            kind.is_file()
                && (ENDINGS.contains(&ending.as_str())
                    || name.starts_with("events.out.tfevents")
                    || name.starts_with(".tmp")
                    || ["LICENSE", "Modelfile"].contains(&name.as_str()))
        };
        if !known {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
