//! What to do with a model, data and a device: a recipe, and the rule behind each of its choices. Pure rules; where a rule
//! and the estimate of memory disagree, the estimate has the last word.

use crate::data::{Balance, DataKind};
use crate::estimate::{Estimate, Machine, Workload, estimate};
use crate::model::ModelConfig;
use crate::recipe::{FinetuningType, Recipe, Stage};

mod draft;
mod fit;
mod forgetting;
mod freezing;
mod labels;
mod methods;
mod pace;
mod rules;
mod stage;
mod weights;

pub use draft::{differing, kept, with_keys};
pub use labels::{Labels, Lesson, lesson_of};
pub use methods::{Compared, Grade, Method, compare};
pub use rules::{Amount, DataClass, MemoryClass, Reason, Rule, What};
pub use stage::{kto_weights, station_of};

use draft::Draft;

/// What the person is after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Goal {
    /// Adapt to a task.
    #[default]
    Task,
    /// Teach a style or a format.
    Style,
    /// Align to preferences.
    Align,
    /// Add knowledge.
    Knowledge,
    /// Gain on the task and keep what the model can do in general.
    Keep,
    /// A complex task, far from what the model was trained on.
    Complex,
}

impl Goal {
    pub const ALL: [Self; 6] = [Self::Task, Self::Style, Self::Align, Self::Knowledge, Self::Keep, Self::Complex];
}

/// The three-stage path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Station {
    /// Adapt the task.
    Adapt,
    /// Refine with an adapter and freezing.
    Refine,
    /// Align to preferences.
    Align,
}

impl Station {
    pub const ALL: [Self; 3] = [Self::Adapt, Self::Refine, Self::Align];
}

/// Of the rows in tokens, before the cut; a pair's row is its chosen answer with the question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lengths {
    pub mean: f32,
    pub longest: usize,
    /// Learned tokens by all tokens.
    pub learned_share: f32,
}

/// Everything that the rules look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Situation {
    pub goal: Goal,
    /// Where the person wants to be on the path; None: the goal and the data decide.
    pub station: Option<Station>,
    /// The recipe whose model, data, folders and device are kept: see [`kept`].
    pub base: Recipe,
    pub config: ModelConfig,
    /// Rows that can be used, whatever `max_samples` says.
    pub rows: usize,
    pub kind: DataKind,
    pub balance: Option<Balance>,
    pub lengths: Lengths,
    pub machine: Machine,
    /// A reward model is there.
    pub reward_model: bool,
}

impl Situation {
    pub fn data_class(&self) -> DataClass {
        DataClass::of(self.rows)
    }

    pub fn memory_class(&self) -> MemoryClass {
        MemoryClass::of(self.machine.memory_bytes)
    }

    /// What `recipe` would learn from.
    pub fn workload(&self, recipe: &Recipe) -> Workload {
        let usable = self.rows.min(recipe.max_samples.unwrap_or(usize::MAX)).max(1);
        let aside = match recipe.val_size {
            _ if !recipe.eval_dataset.is_empty() => 0,
            size if size >= 1.0 => size as usize,
            share => (share.max(0.0) * usable as f64).ceil() as usize,
        };
        let eval_rows = aside.min(usable - 1);
        let mut rows = usable - eval_rows;
        if !recipe.replay_dataset.is_empty() && recipe.replay_ratio < 1.0 {
            rows += (rows as f64 * recipe.replay_ratio / (1.0 - recipe.replay_ratio)).round() as usize;
        }
        // Pairs go through the model with both their answers.
        let sides = if matches!(recipe.stage, Stage::Dpo | Stage::Rm) { 2 } else { 1 };
        let cut = recipe.cutoff_len;
        Workload {
            rows,
            eval_rows,
            mean_tokens: self.lengths.mean.min(cut as f32) * sides as f32,
            longest_tokens: self.lengths.longest.min(cut) * sides,
            learned_share: self.lengths.learned_share,
        }
    }

    /// Memory and time of `recipe` here; None where it does not fit the model's shapes.
    pub fn estimate(&self, recipe: &Recipe) -> Option<Estimate> {
        estimate(recipe, &self.config, &self.workload(recipe), &self.machine).ok()
    }
}

/// One thing that was decided, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub what: What,
    /// The first is the main one.
    pub reasons: Vec<Reason>,
}

/// A larger way that fits as well.
#[derive(Debug, Clone, PartialEq)]
pub struct Bigger {
    pub rule: Rule,
    pub recipe: Recipe,
    pub peak_bytes: u64,
}

/// What comes after the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Next {
    /// None: nothing more to train.
    pub stage: Option<Stage>,
    pub reason: Reason,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    pub recipe: Recipe,
    pub choices: Vec<Choice>,
    pub next: Next,
    /// Of the recipe; None where it could not be made.
    pub estimate: Option<Estimate>,
    /// As far as the memory is known.
    pub fits: bool,
    pub bigger: Option<Bigger>,
}

impl Proposal {
    pub fn choice(&self, what: What) -> Option<&Choice> {
        self.choices.iter().find(|choice| choice.what == what)
    }

    pub fn follows(&self, rule: Rule) -> bool {
        self.choices.iter().flat_map(|choice| &choice.reasons).any(|reason| reason.rule == rule)
    }
}

/// What the rules say of `situation`.
pub fn advise(situation: &Situation) -> Proposal {
    let mut draft = Draft::new(situation);
    stage::choose(&mut draft);
    weights::choose(&mut draft);
    freezing::choose(&mut draft);
    pace::choose(&mut draft);
    forgetting::choose(&mut draft);
    fit::step_down(&mut draft);
    let next = stage::next(situation, &draft.recipe);
    let estimate = draft.estimate();
    let fits = estimate.as_ref().is_some_and(|estimate| estimate.fits(&situation.machine));
    let bigger = fit::bigger(situation, &draft.recipe).filter(|_| fits);
    draft.choices.sort_by_key(|choice| choice.what);
    Proposal { recipe: draft.recipe, choices: draft.choices, next, estimate, fits, bigger }
}

/// Learns beside the weights.
fn adapts(recipe: &Recipe) -> bool {
    matches!(recipe.finetuning_type, FinetuningType::Lora | FinetuningType::Oft)
}

#[cfg(test)]
mod tests;
