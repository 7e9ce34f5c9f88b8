//! Upper bounds: numbers that nobody means, and that would take all memory or never end.

use super::super::choices::*;
use super::super::{Recipe, problem};
use crate::error::RecipeProblem;

/// Rows of one step, or answers of one PPO update.
const MOST_ROWS: usize = 10_000_000;
/// Prompts that are answered again and again while training.
const MOST_PROMPTS: usize = 64;
/// Interleaving until the last dataset is used up takes about 1 / chance rows for each of a dataset's own.
const LEAST_CHANCE: f64 = 1e-6;

impl Recipe {
    pub(super) fn check_limits(&self, problems: &mut Vec<RecipeProblem>) {
        let before = problems.len();
        for (field, count, most) in [
            ("per_device_train_batch_size", self.per_device_train_batch_size, 1_000_000),
            ("gradient_accumulation_steps", self.gradient_accumulation_steps, 1_000_000),
            ("per_device_eval_batch_size", self.per_device_eval_batch_size, 1_000_000),
            ("ppo_buffer_size", self.ppo_buffer_size, MOST_ROWS),
            ("ppo_epochs", self.ppo_epochs, 10_000),
            ("ppo_mini_batches", self.ppo_mini_batches, 10_000),
            ("max_new_tokens", self.max_new_tokens, 1_000_000),
            ("sample_max_new_tokens", self.sample_max_new_tokens, 1_000_000),
            ("lora_rank", self.lora_rank, 65_536),
            ("max_steps", usize::try_from(self.max_steps).unwrap_or(0), 1_000_000_000),
        ] {
            if count > most {
                problems.push(problem(field, format!("{count} is out of range"), format!("write at most {most}")));
            }
        }
        if self.layer_stats_steps < -1 {
            let reason = format!("{} is out of range", self.layer_stats_steps);
            problems.push(problem("layer_stats_steps", reason, "write a number of steps, 0 or -1"));
        }
        let rows = self.answers_per_update();
        if problems.len() == before && rows > MOST_ROWS {
            let field = if self.ppo_buffer_size > 1 { "ppo_buffer_size" } else { "gradient_accumulation_steps" };
            let reason = format!(
                "per_device_train_batch_size x gradient_accumulation_steps x ppo_buffer_size is {rows}, more than {MOST_ROWS}"
            );
            problems.push(problem(field, reason, "lower one of the three"));
        }
        if self.sample_prompts.len() > MOST_PROMPTS {
            let reason = format!("{} prompts would take longer than the training", self.sample_prompts.len());
            problems.push(problem("sample_prompts", reason, format!("write at most {MOST_PROMPTS}")));
        }
        if self.sample_max_new_tokens == 0 {
            problems.push(problem("sample_max_new_tokens", "0 is out of range", "write 1 or more"));
        }
        if let Some(at) = self.sample_prompts.iter().position(|prompt| prompt.trim().is_empty()) {
            let reason = format!("prompt {} is empty", at + 1);
            problems.push(problem("sample_prompts", reason, "write a question, or remove it"));
        }
        // Infinity and NaN are out of range already.
        let epochs = self.num_train_epochs;
        if epochs.is_finite() && epochs > 1e6 {
            problems.push(problem("num_train_epochs", format!("{epochs} is out of range"), "write at most 1000000"));
        }
        if let Some((pattern, rank)) = self.lora_rank_pattern.iter().find(|(_, rank)| *rank > 65_536) {
            let reason = format!("the rank {rank} of '{pattern}' is out of range");
            problems.push(problem("lora_rank_pattern", reason, "write at most 65536"));
        }
        if self.mix_strategy != MixStrategy::Concat && self.interleave_probs.len() == self.dataset.len() {
            problems.extend(self.bad_chance());
        }
    }

    /// A chance so small that interleaving would hardly ever take a row of its dataset.
    pub(crate) fn bad_chance(&self) -> Option<RecipeProblem> {
        let sum: f64 = self.interleave_probs.iter().sum();
        let bad = |chance: &&f64| !(sum.is_finite() && **chance > 0.0 && **chance >= LEAST_CHANCE * sum);
        let chance = self.interleave_probs.iter().find(bad)?;
        let reason = format!("the chance {chance} is less than a millionth of the sum");
        Some(problem("interleave_probs", reason, "write a larger one, or leave the dataset out"))
    }
}
