//! A run's folder (`output_dir`): its recipe, its log, its checkpoints, its report. Files appear whole or not at all;
//! the two logs grow line by line and forgive a torn last line.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::{write_atomic, write_json_atomic};
use crate::protocol::Event;
use crate::recipe::Recipe;

mod held;
mod log;

use held::Held;
pub use held::is_held;
use log::JsonLines;
pub use log::{LogLine, hms};

const RECIPE: &str = "recipe.yaml";
const EVENTS: &str = "events.jsonl";
const LOG: &str = "trainer_log.jsonl";
const REPORT: &str = "report.json";
const CHECKPOINT: &str = "checkpoint-";
/// Log-probabilities of the starting model (preference methods). Keyed by model and rows, so it may outlive a run.
pub(crate) const REFERENCE: &str = "reference_logps.json";
/// What a run leaves as its result; an overwriting run takes it away first, so that no old result stands beside a new recipe.
const RESULTS: [&str; 5] = [
    "adapter_model.safetensors",
    "adapter_config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "best.safetensors",
];
/// Written at the start and removed, to learn early that a folder cannot be written or a disk is full.
const PROBE_BYTES: usize = 256 * 1024;

/// The open folder of one run.
#[derive(Debug)]
pub struct RunFolder {
    dir: PathBuf,
    events: JsonLines,
    log: JsonLines,
    _held: Option<Held>,
}

/// `report.json`: what a run was and what it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    pub luthier_version: String,
    pub burn_version: String,
    pub device: String,
    /// "completed", "stopped" or "failed".
    pub outcome: String,
    pub steps: usize,
    pub total_tokens: u64,
    pub parameters: u64,
    pub trainable_parameters: u64,
    pub last_loss: Option<f32>,
    pub best_eval_loss: Option<f32>,
    pub peak_memory_bytes: u64,
    pub elapsed_secs: f64,
}

/// Where a run goes on. A checkpoint may have been made while something was being measured, which then comes again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resumption {
    /// Steps done.
    pub step: usize,
    /// The evaluation after that step comes again.
    pub evaluates: bool,
    /// The measurement of forgetting after that step comes again.
    pub measures: bool,
    /// The prompts are answered after that step again.
    pub answers: bool,
}

impl Resumption {
    fn keeps(self, event: &Event) -> bool {
        match event {
            Event::EvalReported { report, .. } if self.evaluates => report.step < self.step,
            Event::ForgettingMeasured { report, .. } if self.measures => report.step < self.step,
            Event::PromptsAnswered { step, .. } if self.answers => *step < self.step,
            event => step_of(event) <= self.step,
        }
    }

    fn keeps_line(self, line: &LogLine) -> bool {
        let again = (self.evaluates && line.eval_loss.is_some()) || (self.measures && line.is_of_forgetting());
        if again { line.current_steps < self.step } else { line.current_steps <= self.step }
    }
}

impl RunFolder {
    /// Starts a run in `dir`, which is made if need be. With `overwrite` an earlier run's logs, report and checkpoints go.
    /// Call it when model and data are known to be good: before that, nothing should be overwritten.
    ///
    /// # Errors
    /// `Io` if the folder cannot be written or the disk is full, before anything is touched; `Refused` if it holds a run.
    pub fn create(dir: impl AsRef<Path>, recipe: &Recipe, overwrite: bool) -> Result<Self> {
        let dir = dir.as_ref();
        probe(dir)?;
        if let Some(found) = traces_of_a_run(dir).filter(|_| !overwrite) {
            return Err(Error::Refused(format!(
                "{} already holds a run ({found}): choose another folder, resume it, or set overwrite_output_dir: true",
                dir.display()
            )));
        }
        write_atomic(&dir.join(RECIPE), recipe.to_yaml().as_bytes())?;
        for (_, checkpoint) in checkpoint_dirs(dir) {
            fs::remove_dir_all(&checkpoint).map_err(|error| Error::io(&checkpoint, error))?;
        }
        for name in [EVENTS, LOG, REPORT].into_iter().chain(RESULTS) {
            match fs::remove_file(dir.join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io(dir.join(name), error));
                }
                _ => {}
            }
        }
        Self::open(dir)
    }

    /// Goes on with the run in `dir`: what the logs say of what comes again is taken out.
    ///
    /// # Errors
    /// `Io` if the folder cannot be written or read.
    pub fn resume(dir: impl AsRef<Path>, recipe: &Recipe, from: Resumption) -> Result<Self> {
        let dir = dir.as_ref();
        probe(dir)?;
        write_atomic(&dir.join(RECIPE), recipe.to_yaml().as_bytes())?;
        keep_lines(&dir.join(EVENTS), |line| {
            serde_json::from_str::<Stamped>(line).is_ok_and(|stamped| from.keeps(&stamped.event))
        })?;
        keep_lines(&dir.join(LOG), |line| {
            serde_json::from_str::<LogLine>(line).is_ok_and(|logged| from.keeps_line(&logged))
        })?;
        Self::open(dir)
    }

    fn open(dir: &Path) -> Result<Self> {
        let (events, log) = (JsonLines::open(&dir.join(EVENTS))?, JsonLines::open(&dir.join(LOG))?);
        Ok(Self { dir: dir.to_owned(), events, log, _held: Held::take(dir) })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Appends an event with the present time.
    ///
    /// # Errors
    /// `Io`, as when the disk is full; the file stays readable and later lines may succeed.
    pub fn append_event(&mut self, event: &Event) -> Result<()> {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        self.events.append(&StampedRef { at, event })
    }

    /// Appends a line to `trainer_log.jsonl`.
    ///
    /// # Errors
    /// As `append_event`.
    pub fn append_log(&mut self, line: &LogLine) -> Result<()> {
        self.log.append(line)
    }

    /// # Errors
    /// `Io` if it cannot be written.
    pub fn write_report(&self, report: &RunReport) -> Result<()> {
        write_json_atomic(&self.dir.join(REPORT), report)
    }

    /// An empty folder to write the checkpoint of `step` into; it does not count until `finish_checkpoint`.
    ///
    /// # Errors
    /// `Io` if it cannot be made.
    pub fn begin_checkpoint(&self, step: usize) -> Result<PathBuf> {
        let unfinished = self.dir.join(format!("{CHECKPOINT}{step}.tmp"));
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(|error| Error::io(&unfinished, error))?;
        }
        fs::create_dir(&unfinished).map_err(|error| Error::io(&unfinished, error))?;
        Ok(unfinished)
    }

    /// Makes the checkpoint of `step` count, then removes the oldest ones beyond `keep`. Returns its folder.
    ///
    /// # Errors
    /// `Io`; the checkpoints that were there stay.
    pub fn finish_checkpoint(&self, step: usize, keep: Option<usize>) -> Result<PathBuf> {
        let unfinished = self.dir.join(format!("{CHECKPOINT}{step}.tmp"));
        let finished = self.dir.join(format!("{CHECKPOINT}{step}"));
        sync_dir(&unfinished);
        if finished.exists() {
            fs::remove_dir_all(&finished).map_err(|error| Error::io(&finished, error))?;
        }
        fs::rename(&unfinished, &finished).map_err(|error| Error::io(&finished, error))?;
        sync_dir(&self.dir);
        let mut older: Vec<_> = checkpoint_dirs(&self.dir).into_iter().filter(|(at, _)| *at != step).collect();
        while keep.is_some_and(|keep| older.len() + 1 > keep.max(1)) {
            let (_, oldest) = older.remove(0);
            fs::remove_dir_all(&oldest).map_err(|error| Error::io(&oldest, error))?;
        }
        Ok(finished)
    }
}

#[derive(Serialize)]
struct StampedRef<'a> {
    at: f64,
    event: &'a Event,
}

#[derive(Deserialize)]
struct Stamped {
    at: f64,
    event: Event,
}

/// A run's events with their Unix times in seconds; lines that cannot be read (torn, or of a newer version) are passed over.
///
/// # Errors
/// `Io` if there is no `events.jsonl`.
pub fn read_events(dir: impl AsRef<Path>) -> Result<Vec<(f64, Event)>> {
    let text = read_lossy(&dir.as_ref().join(EVENTS))?;
    let stamped = text.lines().filter_map(|line| serde_json::from_str::<Stamped>(line).ok());
    Ok(stamped.map(|stamped| (stamped.at, stamped.event)).collect())
}

/// Finished checkpoints of a run's folder with their steps, oldest first.
pub fn checkpoint_dirs(dir: impl AsRef<Path>) -> Vec<(usize, PathBuf)> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir());
    let mut checkpoints: Vec<_> =
        entries.filter_map(|entry| Some((step_of_dir(&entry.path())?, entry.path()))).collect();
    checkpoints.sort();
    checkpoints
}

fn step_of_dir(path: &Path) -> Option<usize> {
    path.file_name()?.to_str()?.strip_prefix(CHECKPOINT)?.parse().ok()
}

/// The newest checkpoint of a run's folder.
pub fn latest_checkpoint(dir: impl AsRef<Path>) -> Option<(usize, PathBuf)> {
    checkpoint_dirs(dir).pop()
}

/// Where to go on from: `path` is a checkpoint-N folder or a run's folder, whose newest checkpoint is meant.
///
/// # Errors
/// `BadRecipe` if there is none.
pub fn checkpoint_to_resume(path: impl AsRef<Path>) -> Result<(usize, PathBuf)> {
    let path = path.as_ref();
    let named = step_of_dir(path).filter(|_| path.is_dir()).map(|step| (step, path.to_owned()));
    named.or_else(|| latest_checkpoint(path)).ok_or_else(|| {
        let reason = format!("{} is no checkpoint and holds none", path.display());
        Error::recipe("resume_from_checkpoint", reason, "start the run afresh, or choose a checkpoint-N folder")
    })
}

/// What shows that `dir` holds a run with something to lose.
pub(crate) fn traces_of_a_run(dir: &Path) -> Option<String> {
    if let Some(name) = [REPORT].into_iter().chain(RESULTS).find(|name| dir.join(name).exists()) {
        return Some(name.to_owned());
    }
    if fs::metadata(dir.join(LOG)).is_ok_and(|log| log.len() > 0) {
        return Some(LOG.to_owned());
    }
    latest_checkpoint(dir).map(|(step, _)| format!("{CHECKPOINT}{step}"))
}

/// The step that an event tells about; 0 for events that tell of none.
fn step_of(event: &Event) -> usize {
    match event {
        Event::StepReported { report, .. } => report.step,
        Event::EvalReported { report, .. } => report.step,
        Event::LayersMeasured { report, .. } => report.step,
        Event::CheckpointSaved { step, .. } | Event::PromptsAnswered { step, .. } => *step,
        Event::ForgettingMeasured { report, .. } => report.step,
        // They belong to the step that follows.
        Event::LayersJoined { step, .. } | Event::RolloutsSampled { step, .. } => step + 1,
        _ => 0,
    }
}

fn keep_lines(path: &Path, keep: impl Fn(&str) -> bool) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let text = read_lossy(path)?;
    let kept: String = text.lines().filter(|line| keep(line)).flat_map(|line| [line, "\n"]).collect();
    if kept == text { Ok(()) } else { write_atomic(path, kept.as_bytes()) }
}

fn read_lossy(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(|error| Error::io(path, error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Makes the folder and writes a file there and back.
fn probe(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).map_err(|error| Error::io(dir, error))?;
    let attempt = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(&vec![0x5a; PROBE_BYTES])?;
        file.as_file().sync_all()
    };
    attempt()
        .map_err(|error| Error::Io { path: dir.to_owned(), reason: format!("the folder cannot be written: {error}") })
}

/// So that a rename survives a power cut, where the system can do that.
fn sync_dir(dir: &Path) {
    if let Ok(file) = File::open(dir) {
        let _ = file.sync_all();
    }
}

#[cfg(test)]
mod tests;
