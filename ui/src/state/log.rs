//! The log: what happened, kept as facts and put into words when it is shown, so that it follows the language.

use luthier_engine::protocol::{Event, Outcome, Problem};

use crate::format;
use crate::text::t;

/// Lines kept; older ones are in the run's own events.jsonl.
const KEPT: usize = 2000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Info,
    Warn,
    Bad,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    DevicesProbed { usable: usize },
    ModelRead { name: String },
    DataRead { rows: usize },
    RunStarted { id: String, device: String, steps: usize, graph: String },
    Stepped { step: usize, loss: f32, rate: f64, grad_norm: f32 },
    Evaluated { step: usize, loss: f32, best: bool },
    Forgot { step: usize, perplexity: f32, base: f32, kl: f32 },
    Joined { step: usize, layers: Vec<usize> },
    Sampled { step: usize, answers: usize, score: f32, kl: f32 },
    Saved { step: usize, path: String },
    Paused,
    Resumed,
    Completed { result: String },
    Stopped { reason: String },
    Warned(String),
    Failed(Problem),
}

impl Entry {
    fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::DevicesProbed { devices } => {
                let trusted = |d: &&_| {
                    matches!(
                        d,
                        luthier_engine::protocol::DeviceInfo {
                            verdict: luthier_engine::protocol::Verdict::Trusted { .. },
                            ..
                        }
                    )
                };
                Self::DevicesProbed { usable: devices.iter().filter(trusted).count() }
            }
            Event::ModelInspected { summary, .. } => Self::ModelRead { name: summary.name.clone() },
            Event::DataInspected { summary, .. } => Self::DataRead { rows: summary.rows },
            Event::RunStarted { id, facts } => Self::RunStarted {
                id: id.clone(),
                device: facts.device.clone(),
                steps: facts.total_steps,
                graph: facts.graph.clone(),
            },
            Event::StepReported { report, .. } => Self::Stepped {
                step: report.step,
                loss: report.loss,
                rate: report.learning_rate,
                grad_norm: report.grad_norm,
            },
            Event::EvalReported { report, .. } => {
                Self::Evaluated { step: report.step, loss: report.loss, best: report.best }
            }
            Event::ForgettingMeasured { report, .. } => Self::Forgot {
                step: report.step,
                perplexity: report.perplexity,
                base: report.base_perplexity,
                kl: report.kl,
            },
            Event::LayersJoined { step, layers, .. } => Self::Joined { step: *step, layers: layers.clone() },
            Event::RolloutsSampled { step, rollouts, .. } => {
                let (score, kl) = super::means(rollouts.iter());
                Self::Sampled { step: *step + 1, answers: rollouts.len(), score, kl }
            }
            Event::CheckpointSaved { step, path, .. } => Self::Saved { step: *step, path: format::path(path) },
            Event::RunPaused { .. } => Self::Paused,
            Event::RunResumed { .. } => Self::Resumed,
            Event::RunFinished { outcome: Outcome::Completed { result }, .. } => {
                Self::Completed { result: format::path(result) }
            }
            Event::RunFinished { outcome: Outcome::Stopped { reason, .. }, .. } => {
                Self::Stopped { reason: reason.clone() }
            }
            Event::RunFinished { outcome: Outcome::Failed { problem }, .. } => Self::Failed(problem.clone()),
            Event::Warned { message, .. } => Self::Warned(message.clone()),
            // Where a person stopped something there is nothing to report.
            Event::CommandFailed { problem, .. } if problem.code != "stopped" => Self::Failed(problem.clone()),
            _ => return None,
        })
    }

    pub fn level(&self) -> Level {
        match self {
            Self::Warned(_) | Self::Stopped { .. } => Level::Warn,
            Self::Failed(_) => Level::Bad,
            _ => Level::Info,
        }
    }

    /// In the spoken language.
    pub fn say(&self) -> String {
        match self {
            Self::DevicesProbed { usable } => t!("log.devices", n = usable),
            Self::ModelRead { name } => t!("log.model", name = name),
            Self::DataRead { rows } => t!("log.data", rows = format::count(*rows as u64)),
            Self::RunStarted { id, device, steps, graph } => {
                t!("log.run_started", id = id, device = device, steps = steps, graph = graph)
            }
            Self::Stepped { step, loss, rate, grad_norm } => t!(
                "log.step",
                step = step,
                loss = format::loss(f64::from(*loss)),
                rate = format::rate(*rate),
                norm = format::loss(f64::from(*grad_norm))
            ),
            Self::Evaluated { step, loss, best } => {
                let loss = format::loss(f64::from(*loss));
                if *best {
                    t!("log.eval_best", step = step, loss = loss)
                } else {
                    t!("log.eval", step = step, loss = loss)
                }
            }
            Self::Forgot { step, perplexity, base, kl } => t!(
                "log.forgot",
                step = step,
                perplexity = format::significant(f64::from(*perplexity), 4),
                base = format::significant(f64::from(*base), 4),
                kl = format::significant(f64::from(*kl), 3)
            ),
            Self::Joined { step, layers } => t!("log.joined", step = step, layers = format::numbers(layers)),
            Self::Sampled { step, answers, score, kl } => t!(
                "log.sampled",
                step = step,
                n = answers,
                score = format::significant(f64::from(*score), 3),
                kl = format::significant(f64::from(*kl), 3)
            ),
            Self::Saved { step, path } => t!("log.saved", step = step, path = path),
            Self::Paused => t!("log.paused"),
            Self::Resumed => t!("log.resumed"),
            Self::Completed { result } => t!("log.completed", path = result),
            Self::Stopped { reason } => t!("log.stopped", reason = reason),
            Self::Warned(message) => message.clone(),
            Self::Failed(problem) => problem.message.clone(),
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct Log {
    pub entries: std::collections::VecDeque<Entry>,
}

impl Log {
    pub(super) fn note(&mut self, event: &Event) {
        let Some(entry) = Entry::of(event) else { return };
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    pub fn add(&mut self, entry: Entry) {
        self.entries.push_back(entry);
    }

    /// The newest line that is more than a step's numbers or answers.
    pub fn last_message(&self) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| !matches!(entry, Entry::Stepped { .. } | Entry::Sampled { .. }))
    }

    pub fn as_text(&self) -> String {
        self.entries.iter().map(Entry::say).collect::<Vec<_>>().join("\n")
    }
}
