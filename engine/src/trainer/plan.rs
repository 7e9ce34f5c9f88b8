//! Which rows a step takes: epochs, micro-batches, accumulation.

use crate::data::{Example, epoch_order};
use crate::recipe::{Recipe, Stage};

/// The course of a run over its rows. A step's rows are a function of its number, so resuming needs no cursor.
#[derive(Debug, Clone)]
pub struct Plan {
    rows: usize,
    micro: usize,
    accumulation: usize,
    seed: u64,
    shuffle: bool,
    /// PPO's steps come in updates; None for other stages.
    update: Option<Update>,
    pub steps_per_epoch: usize,
    pub total_steps: usize,
}

/// Steps over the same sampled answers.
#[derive(Debug, Clone, Copy)]
struct Update {
    answers: usize,
    /// Passes over the answers.
    passes: usize,
    /// Steps in a pass.
    mini: usize,
    /// Tokens of the longest answer.
    width: usize,
}

/// Random streams of the seed for the order of an update's answers, apart from those of epochs.
const UPDATE_STREAM: usize = 1 << 40;

impl Plan {
    pub fn new(recipe: &Recipe, rows: usize) -> Self {
        let micro = recipe.per_device_train_batch_size.max(1);
        let accumulation = recipe.gradient_accumulation_steps.max(1);
        // An epoch's last step takes the micro-batches that are left, however few.
        let steps_per_epoch = rows.div_ceil(micro).div_ceil(accumulation).max(1);
        let total_steps = match usize::try_from(recipe.max_steps) {
            Ok(steps) if steps > 0 => steps,
            _ => (recipe.num_train_epochs * steps_per_epoch as f64).ceil() as usize,
        };
        let shuffle = !recipe.disable_shuffling;
        let plan =
            Self { rows, micro, accumulation, seed: recipe.seed, shuffle, update: None, steps_per_epoch, total_steps };
        if recipe.stage == Stage::Ppo { plan.in_updates(recipe) } else { plan }
    }

    /// PPO: `max_steps` and epochs count updates, each of `ppo_epochs` times `ppo_mini_batches` steps.
    fn in_updates(self, recipe: &Recipe) -> Self {
        let answers = self.micro * self.accumulation * recipe.ppo_buffer_size.max(1);
        let mini = recipe.ppo_mini_batches.clamp(1, answers);
        let update = Update { answers, passes: recipe.ppo_epochs.max(1), mini, width: recipe.max_new_tokens };
        let steps = update.passes * update.mini;
        // A last update that is not full is left out, as in TRL, unless it is the only one.
        let updates_per_epoch = (self.rows / answers).max(1);
        let updates = match usize::try_from(recipe.max_steps) {
            Ok(updates) if updates > 0 => updates,
            _ => (recipe.num_train_epochs * updates_per_epoch as f64).ceil() as usize,
        };
        let (steps_per_epoch, total_steps) = (updates_per_epoch * steps, updates * steps);
        Self { update: Some(update), steps_per_epoch, total_steps, ..self }
    }

    /// PPO: the update that step `k` belongs to, both counted from 0.
    pub fn update_of(&self, k: usize) -> usize {
        self.update.map_or(k, |update| k / (update.passes * update.mini))
    }

    /// PPO: how many prompts an update answers.
    pub fn answers(&self) -> usize {
        self.update.map_or(0, |update| update.answers)
    }

    /// PPO: the prompts that an update answers. Prompts go round, epoch after epoch.
    pub fn prompts(&self, update: usize) -> Vec<usize> {
        let Some(Update { answers, .. }) = self.update else { return Vec::new() };
        let from = update * answers;
        let order = |epoch: usize| epoch_order(self.rows, self.seed, epoch, self.shuffle);
        let mut known = (from / self.rows, order(from / self.rows));
        (from..from + answers)
            .map(|at| {
                if at / self.rows != known.0 {
                    known = (at / self.rows, order(at / self.rows));
                }
                known.1[at % self.rows]
            })
            .collect()
    }

    /// Micro-batches of a step of an update, as numbers of its answers.
    fn update_step(&self, k: usize, update: Update) -> Vec<Vec<usize>> {
        let (pass, part) = (k / update.mini, k % update.mini);
        let order = epoch_order(update.answers, self.seed, UPDATE_STREAM + pass, self.shuffle);
        let cut = |part: usize| part * update.answers / update.mini;
        order[cut(part)..cut(part + 1)].chunks(self.micro).map(<[usize]>::to_vec).collect()
    }

    /// Row numbers of each micro-batch of step `k`, counted from 0; with PPO, numbers of its update's answers.
    pub fn step(&self, k: usize) -> Vec<Vec<usize>> {
        if let Some(update) = self.update {
            return self.update_step(k, update);
        }
        let (epoch, within) = (k / self.steps_per_epoch, k % self.steps_per_epoch);
        let order = epoch_order(self.rows, self.seed, epoch, self.shuffle);
        let per_step = self.micro * self.accumulation;
        let from = within * per_step;
        order[from..self.rows.min(from + per_step)].chunks(self.micro).map(<[usize]>::to_vec).collect()
    }

    /// Epochs done after `steps` steps.
    pub fn epoch(&self, steps: usize) -> f64 {
        steps as f64 / self.steps_per_epoch as f64
    }

    pub fn ends_epoch(&self, steps: usize) -> bool {
        steps.is_multiple_of(self.steps_per_epoch)
    }

    /// Rows of a micro-batch.
    pub fn micro(&self) -> usize {
        self.micro
    }

    /// Every row that some step takes, ascending.
    pub fn visited(&self) -> Vec<usize> {
        if self.total_steps >= self.steps_per_epoch {
            return (0..self.rows).collect();
        }
        let mut rows: Vec<usize> = (0..self.total_steps).flat_map(|k| self.step(k)).flatten().collect();
        rows.sort_unstable();
        rows
    }

    /// Most tokens that a micro-batch can have: the longest rows together, with PPO's longest answers.
    pub fn largest_batch(&self, data: &[Example]) -> usize {
        let mut lengths: Vec<usize> = data.iter().map(Example::tokens).collect();
        lengths.sort_unstable_by(|a, b| b.cmp(a));
        let prompts: usize = lengths.iter().take(self.micro).sum();
        prompts + self.update.map_or(0, |update| self.micro * update.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe() -> Recipe {
        Recipe {
            per_device_train_batch_size: 2,
            gradient_accumulation_steps: 2,
            num_train_epochs: 3.0,
            disable_shuffling: true,
            ..Recipe::default()
        }
    }

    #[test]
    fn an_epochs_last_step_takes_what_is_left() {
        let plan = Plan::new(&recipe(), 7);
        assert_eq!((plan.steps_per_epoch, plan.total_steps), (2, 6));
        assert_eq!(plan.step(0), vec![vec![0, 1], vec![2, 3]]);
        assert_eq!(plan.step(1), vec![vec![4, 5], vec![6]]);
        assert_eq!(plan.step(2), plan.step(0));
    }

    #[test]
    fn an_update_takes_its_answers_again_and_again() {
        let recipe = Recipe {
            stage: Stage::Ppo,
            ppo_epochs: 2,
            ppo_mini_batches: 2,
            gradient_accumulation_steps: 2,
            max_steps: 3,
            ..recipe()
        };
        let plan = Plan::new(&recipe, 6);
        assert_eq!((plan.steps_per_epoch, plan.total_steps), (4, 12));
        assert_eq!([plan.prompts(0), plan.prompts(1)], [[0, 1, 2, 3], [4, 5, 0, 1]]);
        assert_eq!([plan.update_of(3), plan.update_of(4)], [0, 1]);
        assert_eq!([plan.step(0), plan.step(1), plan.step(2)], [vec![vec![0, 1]], vec![vec![2, 3]], vec![vec![0, 1]]]);
    }

    #[test]
    fn shuffled_epochs_differ_and_hold_every_row_once() {
        let plan = Plan::new(&Recipe { disable_shuffling: false, ..recipe() }, 40);
        let rows = |epoch: usize| -> Vec<usize> {
            (0..plan.steps_per_epoch).flat_map(|k| plan.step(epoch * plan.steps_per_epoch + k)).flatten().collect()
        };
        assert_ne!(rows(0), rows(1));
        let mut sorted = rows(1);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..40).collect::<Vec<_>>());
    }
}
