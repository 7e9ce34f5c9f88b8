//! A run as its events tell it.

use std::path::PathBuf;

use luthier_engine::protocol::{
    EvalReport, Event, ForgettingReport, LayerReport, Outcome, Phase, PromptAnswer, RunFacts, RunId, StepReport,
};
use luthier_engine::recipe::Recipe;

use super::rollouts::Rollouts;

/// How the engine's warning about a failed save begins (engine/src/trainer/mod.rs).
const NOT_SAVED: &str = "no checkpoint was saved";

/// Where a run stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Course {
    /// Accepted; the engine has not said what it makes of it.
    Starting,
    Stepping,
    Paused,
    Finished(Outcome),
}

#[derive(Debug, Clone)]
pub struct Run {
    pub id: RunId,
    pub recipe: Recipe,
    pub course: Course,
    pub facts: Option<RunFacts>,
    /// What it does while it is not stepping, and how far that is.
    pub busy: Option<(Phase, Option<f32>)>,
    /// Asked to stop; it saves first.
    pub stopping: bool,
    /// Asked to save; the next CheckpointSaved answers it, or a warning that nothing was saved.
    pub saving: bool,
    pub steps: Vec<StepReport>,
    pub evals: Vec<EvalReport>,
    pub forgetting: Vec<ForgettingReport>,
    /// Step and layers, as they joined the training.
    pub joined: Vec<(usize, Vec<usize>)>,
    pub rollouts: Rollouts,
    /// How far each part has moved, every so often.
    pub layers: Vec<LayerReport>,
    /// Answers to the fixed prompts, by step.
    pub answers: Vec<(usize, Vec<PromptAnswer>)>,
    pub checkpoints: Vec<(usize, PathBuf)>,
    pub warnings: Vec<String>,
}

impl Run {
    pub fn new(id: RunId, recipe: Recipe) -> Self {
        Self {
            id,
            recipe,
            course: Course::Starting,
            facts: None,
            busy: None,
            stopping: false,
            saving: false,
            steps: Vec::new(),
            evals: Vec::new(),
            forgetting: Vec::new(),
            joined: Vec::new(),
            rollouts: Rollouts::default(),
            layers: Vec::new(),
            answers: Vec::new(),
            checkpoints: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub fn is_going(&self) -> bool {
        !matches!(self.course, Course::Finished(_))
    }

    pub fn last(&self) -> Option<&StepReport> {
        self.steps.last()
    }

    pub fn total_steps(&self) -> usize {
        self.facts.as_ref().map_or(0, |f| f.total_steps)
    }

    /// How much of it is done, 0 to 1.
    pub fn fraction(&self) -> f32 {
        match (&self.course, self.last(), self.total_steps()) {
            (Course::Finished(Outcome::Completed { .. }), ..) => 1.0,
            (_, Some(last), total) if total > 0 => (last.step as f32 / total as f32).clamp(0.0, 1.0),
            _ => 0.0,
        }
    }

    /// What was written at its end.
    pub fn result(&self) -> Option<&PathBuf> {
        match &self.course {
            Course::Finished(Outcome::Completed { result }) => Some(result),
            Course::Finished(Outcome::Stopped { result, .. }) => result.as_ref(),
            _ => None,
        }
    }

    pub(super) fn finish(&mut self, outcome: Outcome) {
        self.course = Course::Finished(outcome);
        self.busy = None;
        self.stopping = false;
        self.saving = false;
    }

    /// A run from the lines of its `events.jsonl`. Lines that cannot be read, as a torn last one, are passed over. None
    /// where no line tells of a start.
    pub fn replay<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Line {
            event: Event,
        }
        let mut events = lines.into_iter().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        let (mut run, first) = events.find_map(|line| match line.event {
            Event::RunStarted { id, facts } => {
                let run = Self::new(id.clone(), facts.recipe.clone());
                Some((run, Event::RunStarted { id, facts }))
            }
            _ => None,
        })?;
        let id = run.id.clone();
        run.apply(first);
        for line in events {
            match line.event {
                Event::RunFinished { outcome, .. } => run.finish(outcome),
                // Whoever goes on with a run may give it another id; what it is and where it began stay.
                Event::RunStarted { id, facts } => {
                    run.course = Course::Stepping;
                    run.recipe = facts.recipe.clone();
                    run.facts = Some(match run.facts.take() {
                        Some(first) => RunFacts {
                            first_step: first.first_step,
                            started_unix_secs: first.started_unix_secs,
                            ..*facts
                        },
                        None => *facts,
                    });
                    run.id = id;
                }
                event => run.apply(event),
            }
        }
        run.id = id;
        Some(run)
    }

    /// Events of other runs change nothing.
    pub(super) fn apply(&mut self, event: Event) {
        match event {
            Event::RunStarted { id, facts } if id == self.id => {
                self.course = Course::Stepping;
                self.facts = Some(*facts);
            }
            Event::StepReported { id, report } if id == self.id => {
                if self.course == Course::Starting {
                    self.course = Course::Stepping;
                }
                self.busy = None;
                // A resumed run may take steps again that were reported before it broke off.
                if self.steps.last().is_some_and(|last| last.step >= report.step) {
                    self.steps.retain(|step| step.step < report.step);
                }
                self.steps.push(report);
            }
            Event::EvalReported { id, report } if id == self.id => {
                self.busy = None;
                self.evals.retain(|eval| eval.step < report.step);
                self.evals.push(report);
            }
            Event::ForgettingMeasured { id, report } if id == self.id => {
                self.busy = None;
                self.forgetting.retain(|earlier| earlier.step < report.step);
                self.forgetting.push(report);
            }
            Event::LayersJoined { id, step, layers } if id == self.id => {
                self.joined.retain(|(earlier, _)| *earlier < step);
                self.joined.push((step, layers));
            }
            Event::LayersMeasured { id, report } if id == self.id => {
                self.layers.retain(|earlier| earlier.step < report.step);
                self.layers.push(report);
            }
            Event::PromptsAnswered { id, step, answers } if id == self.id => {
                self.busy = None;
                self.answers.retain(|(earlier, _)| *earlier < step);
                self.answers.push((step, answers));
            }
            Event::RolloutsSampled { id, step, rollouts } if id == self.id => {
                self.busy = None;
                // The event counts the steps taken before.
                self.rollouts.add(step + 1, rollouts);
            }
            Event::CheckpointSaved { id, step, path } if id == self.id => {
                self.saving = false;
                self.busy = None;
                self.checkpoints.push((step, path));
            }
            Event::RunPaused { id } if id == self.id => self.course = Course::Paused,
            Event::RunResumed { id } if id == self.id => self.course = Course::Stepping,
            Event::RunProgress { id, phase, fraction } if id == self.id => self.busy = Some((phase, fraction)),
            Event::Warned { id: Some(id), message } if id == self.id => {
                // A save that fails does not end the run, and no CheckpointSaved answers it: only this warning does.
                if message.starts_with(NOT_SAVED) {
                    self.saving = false;
                    self.busy = None;
                }
                self.warnings.push(message);
            }
            _ => {}
        }
    }
}
