//! What the window knows. [`AppState::apply`] is the only way events change it, and it is pure: a live run, a replayed
//! run and a test go through the same function.

use std::path::PathBuf;

use luthier_engine::data::DataKind;
use luthier_engine::protocol::{DeviceInfo, Event, ModelSummary, Problem, RequestId, Verdict};
use luthier_engine::recipe::{Recipe, Stage};

mod alerts;
mod data;
mod defaults;
mod exam;
mod log;
mod rollouts;
mod run;
mod stages;
mod talk;

pub use alerts::{Alert, Matter, Severity, alerts_of};
pub use data::{Data, Other, usable_rows};
pub use defaults::{back_to_default, to_take_back, written_value, written_values};
pub use exam::Exam;
pub use log::{Entry, Level, Log};
pub use rollouts::{Rollouts, Sampled, means};
pub use run::{Course, Run};
#[cfg(test)]
pub use talk::Turn;
pub use talk::{
    Column, ColumnId, Conversation, Ending, MOST_COLUMNS, OwnSampling, Span, Speaker, Take, Takes, Talk, TalkId, Tuned,
    Voice,
};

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
            Event::DataInspected { request, summary } => {
                let kind = (usable_rows(&summary) > 0).then_some(summary.kind);
                if self.data.inspected(request, *summary)
                    && let Some(kind) = kind
                {
                    stages::follow(&mut self.recipe, kind);
                }
            }
            Event::DataProgress { .. } => {}
            Event::CommandFailed { request, problem } => self.apply_failure(request, problem),
            Event::RowsRead { request, rows } => self.data.rows_read(request, rows),
            Event::EvalProgressed { request, progress } => self.exam.progressed(request, progress),
            Event::EvalFinished { request, outcome } => self.exam.finished(request, *outcome),
            Event::TokenSampled { request, text, chances } => self.talk.token(request, &text, chances),
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
        } else if self.data.failed(request, &problem) {
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
        self.missing_of_others(&mut missing);
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

    /// What the datasets that are mixed with the one in sight want.
    fn missing_of_others(&self, missing: &mut Vec<Missing>) {
        let stage = self.recipe.stage;
        for other in self.data.others.values() {
            let wants = match &other.summary {
                _ if other.problem.is_some() => Some(Missing::DataUnusable),
                None => Some(Missing::DataBeingRead),
                Some(summary) if usable_rows(summary) == 0 => Some(Missing::DataUnusable),
                Some(summary) if !summary.kind.stages().contains(&stage) => {
                    Some(Missing::DataKind { kind: summary.kind, stage })
                }
                Some(_) => None,
            };
            missing.extend(wants.filter(|wants| !missing.contains(wants)));
        }
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
