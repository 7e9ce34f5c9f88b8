//! What a run's folder tells of its run, without reading every step: its first line, what is new at the end, its report.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use luthier_engine::protocol::{Event, Outcome, RunFacts};
use luthier_engine::recipe::Recipe;
use luthier_engine::run_folder::{RunReport, is_held};
use serde::{Deserialize, Serialize};

use super::RunStatus;

/// Looked through at the end of a run that has finished: its last step and its outcome are there.
const TAIL_BYTES: u64 = 256 * 1024;
/// A run of a program that holds no lock is taken to go on while its events are younger than this.
const QUIET: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum End {
    Completed,
    Stopped,
    Failed,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Reading {
    /// As in the events; the folder's name where there are none.
    pub id: String,
    pub started_unix_secs: u64,
    pub elapsed_secs: f64,
    pub steps: usize,
    pub total_steps: usize,
    pub last_loss: Option<f32>,
    pub best_eval_loss: Option<f32>,
    pub forgetting: Option<(f32, f32)>,
    pub peak_memory_bytes: u64,
    pub trainable_parameters: u64,
    pub parameters: u64,
    pub result: Option<PathBuf>,
    pub end: Option<End>,
    /// Bytes of the events that this was read from.
    pub scanned: u64,
    #[serde(skip)]
    pub recipe: Arc<Recipe>,
}

#[derive(Deserialize)]
struct Line {
    event: Event,
}

/// Sizes and times of the files that a reading comes from; None where the folder is gone.
pub(super) fn stamp(folder: &Path) -> Option<String> {
    let of = |name: &str| {
        let Ok(data) = std::fs::metadata(folder.join(name)) else { return "-".to_owned() };
        let at = data.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        format!("{}@{}", data.len(), at.as_nanos())
    };
    folder.is_dir().then(|| ["events.jsonl", "report.json", "recipe.yaml"].map(of).join(" "))
}

/// Reads a folder; what `before` has told of it is not read again. None where it holds no run.
pub(super) fn read(folder: &Path, before: Option<&Reading>) -> Option<Reading> {
    if !super::folder::holds_a_run(folder) {
        return None;
    }
    let events = folder.join("events.jsonl");
    let report: Option<RunReport> =
        std::fs::read(folder.join("report.json")).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let size = std::fs::metadata(&events).map_or(0, |data| data.len());
    let started = started(&events);
    let mut reading = match (before, &started) {
        // It has grown: only what is new needs a look.
        (Some(before), Some((id, _))) if before.id == *id && before.scanned <= size && before.end.is_none() => {
            before.clone()
        }
        _ => Reading::default(),
    };
    let mut recipe = None;
    match &started {
        Some((id, facts)) => {
            reading.id.clone_from(id);
            reading.started_unix_secs = facts.started_unix_secs;
            reading.total_steps = reading.total_steps.max(facts.total_steps);
            (reading.parameters, reading.trainable_parameters) = (facts.parameters, facts.trainable_parameters);
            recipe = Some(facts.recipe.clone());
        }
        None => reading.id = folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    }
    if reading.scanned == 0 && report.is_some() {
        reading.scanned = size.saturating_sub(TAIL_BYTES);
    }
    scan(&events, &mut reading);
    if let Some(report) = report.filter(|_| reading.end.is_some() || started.is_none()) {
        reading.end.get_or_insert(match report.outcome.as_str() {
            "completed" => End::Completed,
            "stopped" => End::Stopped,
            _ => End::Failed,
        });
        reading.steps = report.steps;
        reading.elapsed_secs = report.elapsed_secs;
        reading.peak_memory_bytes = report.peak_memory_bytes;
        reading.last_loss = reading.last_loss.or(report.last_loss);
        reading.best_eval_loss = report.best_eval_loss;
        (reading.parameters, reading.trainable_parameters) = (report.parameters, report.trainable_parameters);
    }
    // What was written there may have moved with the folder.
    if let (Some(result), Some((_, facts))) = (&reading.result, &started)
        && let Ok(inside) = result.strip_prefix(&facts.output_dir)
    {
        // Joining an empty path would leave a separator at the end.
        reading.result = Some(if inside.as_os_str().is_empty() { folder.to_owned() } else { folder.join(inside) });
    }
    let mut recipe = match Recipe::load(folder.join("recipe.yaml")) {
        Ok((recipe, _)) => recipe,
        Err(_) => recipe.unwrap_or_default(),
    };
    recipe.output_dir = folder.to_owned();
    reading.recipe = Arc::new(recipe);
    Some(reading)
}

/// The first start in a run's events: its id and facts.
fn started(events: &Path) -> Option<(String, Box<RunFacts>)> {
    let file = BufReader::new(File::open(events).ok()?).take(1 << 20);
    file.lines().map_while(Result::ok).take(16).find_map(|line| match serde_json::from_str::<Line>(&line).ok()?.event {
        Event::RunStarted { id, facts } => Some((id, facts)),
        _ => None,
    })
}

/// Folds what stands after `reading.scanned` into it. Of the steps only the last is parsed.
fn scan(events: &Path, reading: &mut Reading) {
    let Ok(mut file) = File::open(events) else { return };
    let mut bytes = Vec::new();
    if file.seek(SeekFrom::Start(reading.scanned)).and_then(|_| file.read_to_end(&mut bytes)).is_err() {
        return;
    }
    // A last line that is still being written is left for the next time.
    let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    bytes.truncate(whole);
    reading.scanned += whole as u64;
    let text = String::from_utf8_lossy(&bytes);
    let parsed = |line: &str| serde_json::from_str::<Line>(line).ok().map(|line| line.event);
    for line in text.lines() {
        match kind(line) {
            "EvalReported" => {
                if let Some(Event::EvalReported { report, .. }) = parsed(line) {
                    let best = reading.best_eval_loss.map_or(report.loss, |best| best.min(report.loss));
                    reading.best_eval_loss = Some(best).filter(|loss| loss.is_finite());
                }
            }
            "ForgettingMeasured" => {
                if let Some(Event::ForgettingMeasured { report, .. }) = parsed(line) {
                    reading.forgetting = Some((report.base_perplexity, report.perplexity))
                        .filter(|(base, now)| base.is_finite() && now.is_finite());
                }
            }
            "RunStarted" => {
                if let Some(Event::RunStarted { facts, .. }) = parsed(line) {
                    reading.total_steps = facts.total_steps;
                }
            }
            _ => {}
        }
    }
    let last_step = text.lines().rev().filter(|line| kind(line) == "StepReported").find_map(parsed);
    if let Some(Event::StepReported { report, .. }) = last_step {
        (reading.steps, reading.elapsed_secs) = (report.step, report.elapsed_secs);
        (reading.last_loss, reading.peak_memory_bytes) = (Some(report.loss), report.peak_memory_bytes);
    }
    // Nothing is ever written after a run's end, unless it goes on.
    let Some(last) = text.lines().rev().find(|line| !line.trim().is_empty()) else { return };
    reading.end = None;
    if let Some(Event::RunFinished { outcome, .. }) = parsed(last) {
        let (end, result) = match outcome {
            Outcome::Completed { result } => (End::Completed, Some(result)),
            Outcome::Stopped { result, .. } => (End::Stopped, result),
            Outcome::Failed { problem } if problem.code == "stopped" => (End::Stopped, None),
            Outcome::Failed { .. } => (End::Failed, None),
        };
        (reading.end, reading.result) = (Some(end), result);
    }
}

/// The event's name in a line as the engine writes it: `{"at":1.5,"event":{"StepReported":{...}}}`.
fn kind(line: &str) -> &str {
    const MARK: &str = "\"event\":{\"";
    let head = line.get(..80).unwrap_or(line);
    let Some(at) = head.find(MARK).map(|at| at + MARK.len()) else { return "" };
    line[at..].split('"').next().unwrap_or_default()
}

impl Reading {
    pub(super) fn status(&self, folder: &Path) -> RunStatus {
        match self.end {
            _ if !folder.is_dir() => RunStatus::Missing,
            Some(End::Completed) => RunStatus::Completed,
            Some(End::Stopped) => RunStatus::Stopped,
            Some(End::Failed) => RunStatus::Failed,
            None if goes_on(folder) => RunStatus::Running,
            None => RunStatus::Broken,
        }
    }
}

fn goes_on(folder: &Path) -> bool {
    is_held(folder).unwrap_or_else(|| {
        let changed = std::fs::metadata(folder.join("events.jsonl")).and_then(|data| data.modified());
        changed.is_ok_and(|at| SystemTime::now().duration_since(at).unwrap_or_default() < QUIET)
    })
}
