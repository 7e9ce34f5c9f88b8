//! How the datasets of the next run are mixed, what a pass over the mix holds, and what of it is set aside.

use luthier_engine::data::{DataKind, replay_count, rows_per_pass};
use luthier_engine::recipe::{Interval, MixStrategy, Stage};

use super::Bench;
use crate::state::usable_rows;

/// What a pass over the mix holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mix {
    /// Rows of each dataset; 0 while it is not known.
    pub own: Vec<usize>,
    /// Of them, what is set aside for evaluation.
    pub aside: usize,
    /// General rows against forgetting.
    pub replayed: usize,
    /// What is to be expected, where chance draws the rows.
    pub about: bool,
}

impl Mix {
    /// Rows that a pass learns from.
    pub fn learned(&self) -> usize {
        (self.own.iter().sum::<usize>()).saturating_sub(self.aside) + self.replayed
    }
}

impl Bench {
    /// As many chances as datasets, or none; `gone`: the one that has just been taken out. The recipe at hand names the
    /// datasets too, as its own check counts them.
    pub(super) fn keep_weights_fitting(&mut self, gone: Option<usize>) {
        let count = self.sets.list.len();
        let recipe = &mut self.state.recipe;
        let chances = &mut recipe.interleave_probs;
        if let Some(gone) = gone.filter(|gone| *gone < chances.len()) {
            chances.remove(gone);
        }
        if count < 2 || chances.len() > count {
            chances.clear();
        } else if !chances.is_empty() {
            let mean = chances.iter().sum::<f64>() / chances.len() as f64;
            chances.resize(count, mean);
        }
        if count < 2 {
            recipe.mix_strategy = MixStrategy::Concat;
        }
        self.sets.write(recipe);
    }

    pub fn set_mix_strategy(&mut self, strategy: MixStrategy) {
        self.state.recipe.mix_strategy = strategy;
        if strategy == MixStrategy::Concat {
            self.state.recipe.interleave_probs.clear();
        }
    }

    /// The weight of one dataset when interleaving; all are 1 until one is changed.
    pub fn weight(&self, index: usize) -> f64 {
        self.state.recipe.interleave_probs.get(index).copied().unwrap_or(1.0)
    }

    pub fn set_weight(&mut self, index: usize, weight: f64) {
        let count = self.sets.list.len();
        let recipe = &mut self.state.recipe;
        if recipe.interleave_probs.len() != count {
            recipe.interleave_probs = vec![1.0; count];
        }
        if let Some(chance) = recipe.interleave_probs.get_mut(index) {
            *chance = weight;
        }
        // In turns is what equal weights mean, and needs no chance.
        if recipe.interleave_probs.iter().all(|chance| *chance == 1.0) {
            recipe.interleave_probs.clear();
        }
        if recipe.mix_strategy == MixStrategy::Concat {
            recipe.mix_strategy = MixStrategy::InterleaveUnder;
        }
    }

    /// What a pass holds, as far as the datasets are known.
    pub fn mix(&self) -> Mix {
        let recipe = &self.state.recipe;
        // To KTO, a pair is one liked and one disliked answer.
        let each = |kind| if recipe.stage == Stage::Kto && kind == DataKind::Preference { 2 } else { 1 };
        let usable = |index| self.summary_of(index).map_or(0, |summary| usable_rows(summary) * each(summary.kind));
        let most = recipe.max_samples.unwrap_or(usize::MAX);
        let rows: Vec<usize> = (0..self.sets.list.len()).map(|index| usable(index).min(most)).collect();
        let own = rows_per_pass(&rows, recipe.mix_strategy, &recipe.interleave_probs);
        let all: usize = own.iter().sum();
        let aside = match recipe.val_size {
            _ if !recipe.eval_dataset.is_empty() => 0,
            share if share < 1.0 => (share.max(0.0) * all as f64).ceil() as usize,
            count => (count as usize).min(all),
        };
        let replays = !recipe.replay_dataset.is_empty() && recipe.replay_ratio < 1.0;
        let replayed = if replays { replay_count(all - aside, recipe.replay_ratio) } else { 0 };
        Mix { own, aside, replayed, about: !recipe.interleave_probs.is_empty() }
    }

    /// Rows that a pass may learn from, before any is set aside.
    pub fn rows_of_mix(&self) -> usize {
        let mix = self.mix();
        mix.learned() + mix.aside
    }

    /// Rows set aside for evaluation; without a word on when to evaluate, after every pass.
    pub fn set_val_size(&mut self, size: f64) {
        let recipe = &mut self.state.recipe;
        recipe.val_size = size;
        if size > 0.0 && recipe.eval_strategy == Interval::No {
            recipe.eval_strategy = Interval::Epoch;
        } else if size == 0.0 && recipe.eval_dataset.is_empty() {
            recipe.eval_strategy = Interval::No;
        }
    }
}
