//! Which rows a step takes: epochs, micro-batches, accumulation.

use crate::data::{Example, epoch_order};
use crate::recipe::Recipe;

/// The course of a run over its rows. A step's rows are a function of its number, so resuming needs no cursor.
#[derive(Debug, Clone)]
pub struct Plan {
    rows: usize,
    micro: usize,
    accumulation: usize,
    seed: u64,
    shuffle: bool,
    pub steps_per_epoch: usize,
    pub total_steps: usize,
}

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
        Self { rows, micro, accumulation, seed: recipe.seed, shuffle, steps_per_epoch, total_steps }
    }

    /// Row numbers of each micro-batch of step `k`, counted from 0.
    pub fn step(&self, k: usize) -> Vec<Vec<usize>> {
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

    /// Most tokens that a micro-batch can have: the longest rows together.
    pub fn largest_batch(&self, data: &[Example]) -> usize {
        let mut lengths: Vec<usize> = data.iter().map(Example::tokens).collect();
        lengths.sort_unstable_by(|a, b| b.cmp(a));
        lengths.iter().take(self.micro).sum()
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
