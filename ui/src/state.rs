//! What the window knows. [`AppState::apply`] is the only way events change it, and it is pure: a live run, a replayed
//! run and a test go through the same function.

use std::collections::BTreeMap;
use std::path::PathBuf;

use luthier_engine::data::{DataKind, DataSummary, PreviewRow};
use luthier_engine::protocol::{DataSource, DeviceInfo, Event, ModelSummary, Problem, RequestId, Verdict};
use luthier_engine::recipe::{Recipe, Stage};

mod alerts;
mod defaults;
mod exam;
mod log;
mod rollouts;
mod run;
mod stages;
mod talk;

pub use alerts::{Alert, Matter, Severity, alerts_of};
pub use defaults::{back_to_default, to_take_back, written_value};
pub use exam::Exam;
pub use log::{Entry, Level, Log};
pub use rollouts::{Rollouts, Sampled, means};
pub use run::{Course, Run};
pub use talk::{Ending, Speaker, Talk, Turn, Who};

/// Something the engine reads for us.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Slot<T> {
    #[default]
    Empty,
    Reading {
        request: RequestId,
        path: PathBuf,
    },
    Ready(T),
    Failed {
        path: PathBuf,
        problem: Problem,
    },
}

impl<T> Slot<T> {
    pub fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            _ => None,
        }
    }
}

/// The data file: while it is read again with another mapping, the last summary stays in sight.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Data {
    pub source: Option<DataSource>,
    pub reading: Option<RequestId>,
    /// (done, total), in the engine's units; total 0 while unknown.
    pub progress: (u64, u64),
    pub summary: Option<Box<DataSummary>>,
    pub problem: Option<Problem>,
    /// Rows that were asked for one by one, by their place from 0; gone when the file is read anew.
    pub rows: BTreeMap<usize, PreviewRow>,
    pub rows_wanted: Option<RequestId>,
}

impl Data {
    fn rows_read(&mut self, request: RequestId, rows: Vec<PreviewRow>) {
        if self.rows_wanted == Some(request) {
            self.rows_wanted = None;
            self.rows.extend(rows.into_iter().map(|row| (row.row.saturating_sub(1), row)));
        }
    }

    pub fn fraction(&self) -> Option<f32> {
        let (done, total) = self.progress;
        (total > 0).then(|| (done as f64 / total as f64) as f32)
    }

    /// Its rows can be trained on as they stand.
    pub fn usable(&self) -> bool {
        self.reading.is_none() && self.problem.is_none() && self.summary.as_ref().is_some_and(|s| usable_rows(s) > 0)
    }
}

/// Rows that can be trained on.
pub fn usable_rows(summary: &DataSummary) -> usize {
    if summary.mapping.missing().is_empty() { summary.rows.saturating_sub(summary.problem_count) } else { 0 }
}

#[derive(Debug, Clone, Default)]
pub struct AppState {
    /// None: not asked yet, or still being tried.
    pub devices: Option<Vec<DeviceInfo>>,
    pub model: Slot<ModelSummary>,
    pub data: Data,
    /// The next run, as it is being put together.
    pub recipe: Recipe,
    /// The run that goes on, or the last one that did.
    pub run: Option<Run>,
    pub talk: Talk,
    pub exam: Exam,
    pub log: Log,
}

/// Why Start is disabled.
#[derive(Debug, Clone, PartialEq)]
pub enum Missing {
    Model,
    ModelBeingRead,
    Data,
    DataBeingRead,
    DataUnusable,
    /// The recipe's training cannot learn from rows of this kind.
    DataKind {
        kind: DataKind,
        stage: Stage,
    },
    /// PPO with neither a reward model nor a rule.
    Reward,
    RunGoingOn,
    Setting(luthier_engine::RecipeProblem),
}

impl AppState {
    /// Folds one event in. Events of requests that were replaced by newer ones change nothing.
    pub fn apply(&mut self, event: Event) {
        self.log.note(&event);
        match event {
            Event::DevicesProbed { devices } => self.devices = Some(devices),
            Event::ModelInspected { request, summary } => {
                if matches!(self.model, Slot::Reading { request: r, .. } if r == request) {
                    self.recipe.model_name_or_path = summary.path.clone();
                    self.model = Slot::Ready(summary);
                }
            }
            Event::DataProgress { request, done, total } if self.data.reading == Some(request) => {
                self.data.progress = (done, total);
            }
            Event::DataInspected { request, summary } if self.data.reading == Some(request) => {
                self.data.reading = None;
                self.data.problem = None;
                self.data.rows.clear();
                self.data.rows_wanted = None;
                if usable_rows(&summary) > 0 {
                    stages::follow(&mut self.recipe, summary.kind);
                }
                self.data.summary = Some(summary);
            }
            Event::DataProgress { .. } | Event::DataInspected { .. } => {}
            Event::CommandFailed { request, problem } => self.apply_failure(request, problem),
            Event::RowsRead { request, rows } => self.data.rows_read(request, rows),
            Event::EvalProgressed { request, progress } => self.exam.progressed(request, progress),
            Event::EvalFinished { request, outcome } => self.exam.finished(request, *outcome),
            Event::TokenSampled { request, text } => self.talk.token(request, &text),
            Event::GenerateFinished { request, new_tokens, elapsed_secs, reason, .. } => {
                self.talk.finished(request, Ending { new_tokens, elapsed_secs, reason });
            }
            Event::RunFinished { id, outcome } => {
                if let Some(run) = self.run.as_mut().filter(|run| run.id == id) {
                    run.finish(outcome);
                    self.talk.offer(run);
                }
            }
            other => {
                if let Some(run) = &mut self.run {
                    run.apply(other);
                }
            }
        }
    }

    fn apply_failure(&mut self, request: Option<RequestId>, problem: Problem) {
        let Some(request) = request else { return };
        if let Slot::Reading { request: r, path } = &self.model
            && *r == request
        {
            self.model = Slot::Failed { path: path.clone(), problem };
        } else if self.data.reading == Some(request) {
            self.data.reading = None;
            // Stopped: the person cancelled; what was known before still holds.
            self.data.problem = (problem.code != "stopped").then_some(problem);
            if self.data.summary.is_none() && self.data.problem.is_none() {
                self.data.source = None;
            }
        } else if self.exam.failed(request, &problem) {
        } else {
            self.talk.failed(request, problem);
        }
    }

    pub fn running(&self) -> bool {
        self.run.as_ref().is_some_and(Run::is_going)
    }

    /// Everything that keeps Start from being pressed; empty: go.
    pub fn missing(&self) -> Vec<Missing> {
        let mut missing = Vec::new();
        match &self.model {
            Slot::Ready(_) => {}
            Slot::Reading { .. } => missing.push(Missing::ModelBeingRead),
            _ => missing.push(Missing::Model),
        }
        match &self.data {
            data if data.reading.is_some() => missing.push(Missing::DataBeingRead),
            data if data.source.is_none() => missing.push(Missing::Data),
            data if !data.usable() => missing.push(Missing::DataUnusable),
            data => {
                let stage = self.recipe.stage;
                let kind = data.summary.as_ref().map(|s| s.kind).filter(|kind| !kind.stages().contains(&stage));
                missing.extend(kind.map(|kind| Missing::DataKind { kind, stage }));
            }
        }
        // The model, the data and the run's folder are filled in when the run starts.
        let filled = ["model_name_or_path", "dataset", "output_dir"];
        let problems = self.recipe.setting_problems().into_iter();
        let nothing_scores =
            self.recipe.stage == Stage::Ppo && self.recipe.reward_model.is_none() && self.recipe.reward_rule.is_none();
        missing.extend(nothing_scores.then_some(Missing::Reward));
        let told = |field: &str| filled.contains(&field) || (nothing_scores && field == "reward_model");
        missing.extend(problems.filter(|p| !told(&p.field)).map(Missing::Setting));
        if self.running() {
            missing.push(Missing::RunGoingOn);
        }
        missing
    }

    /// Devices whose numbers were found right.
    pub fn trusted_devices(&self) -> impl Iterator<Item = &DeviceInfo> {
        self.devices.iter().flatten().filter(|d| matches!(d.verdict, Verdict::Trusted { .. }))
    }

    /// The device that the recipe's word means, as far as that is known here.
    pub fn device(&self) -> Option<&DeviceInfo> {
        let word = self.recipe.device.as_str();
        match word {
            "auto" => {
                self.trusted_devices().find(|d| !d.software && d.id != "cpu").or_else(|| self.trusted_devices().next())
            }
            _ => self.trusted_devices().find(|d| d.id == word || d.id.starts_with(&format!("{word}:"))),
        }
    }
}

#[cfg(test)]
mod tests;
