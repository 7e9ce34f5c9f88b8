//! Time by part: operations of the passes by what learns, at the machine's rate, and bytes that have to be moved.

use super::{Case, TimePart, TimeShare};
use crate::model::LinearSpec;
use crate::protocol::DeviceKind;
use crate::recipe::{FinetuningType, Interval, PrefLoss, Stage, ValueModel};
use crate::trainer::Graph;

/// What products inside the blocks reach of the measured rate: theirs are smaller and seldom square.
const REACHED: f64 = 0.8;
/// Times that a number which the graph keeps is read or written, there and back.
const PASSES_OVER_KEPT: f64 = 5.0;
/// Times that a logit is.
const PASSES_OVER_LOGITS: f64 = 6.0;
/// Bytes that AdamW moves for each number: weight, gradient, both moments, there and back.
const UPDATE_BYTES: f64 = 32.0;
/// Bytes that a packed number costs each time it is made dense.
const UNPACK_BYTES: f64 = 8.0;
/// Seconds that an operation takes however small it is, and how many a block has there and back.
const LAUNCH_SECS: f64 = 12e-6;
const LAUNCHES: f64 = 60.0;
/// Rows of `forgetting_dataset` that are measured.
const FORGETTING_ROWS: f64 = 200.0;

/// Operations of a token in a pass over the blocks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Blocks {
    forward: f64,
    /// Of the blocks that have a graph.
    again: f64,
    backward: f64,
}

impl Case<'_> {
    pub(super) fn time(&self) -> Vec<TimeShare> {
        let total_steps = self.plan.total_steps as f64;
        let batches = total_steps * self.batches_per_step();
        let tokens = batches * self.tokens_per_batch();
        let blocks = self.blocks;
        let trained = if self.has_critic_pass() { 2.0 } else { 1.0 };
        let secs = |flops: f64| flops / (self.machine.flops * REACHED);
        let moved = |bytes: f64| bytes / self.machine.bandwidth();
        let kept = self.kept[self.lowest..].iter().sum::<usize>() as f64;
        // A third of what is touched is touched on the way there.
        let elementwise = moved(kept * 4.0 * PASSES_OVER_KEPT) * tokens;
        let launches = batches * self.config.layers as f64 * LAUNCHES * LAUNCH_SECS;
        let (unpack, turn) = (moved(self.packed_numbers() * UNPACK_BYTES), secs(self.turning_flops()));
        let forward = secs(blocks.forward * tokens) + elementwise / 3.0 + launches / 3.0 + batches * (unpack + turn);
        let again = if self.graph == Graph::Recomputed { 1.0 } else { 0.0 };
        let recompute = again * (secs(blocks.again * tokens) + elementwise / 3.0 + batches * (unpack + turn));
        let backward =
            secs(blocks.backward * tokens) + (elementwise + launches) * 2.0 / 3.0 + batches * (unpack + 2.0 * turn);
        let update = total_steps * moved(self.learning.parameters() as f64 * UPDATE_BYTES);
        let parts = [
            (TimePart::Reference, self.reference_secs_before() + self.reference_secs_in_steps()),
            (TimePart::Sampling, self.sampling_secs()),
            (TimePart::Forward, forward * trained),
            (TimePart::Recompute, recompute * trained),
            (TimePart::Backward, backward * trained),
            (TimePart::Head, tokens * self.scored_share() * self.head_secs()),
            (TimePart::Update, update * trained),
            (TimePart::Evaluation, self.evaluation_secs()),
            (TimePart::Forgetting, self.forgetting_secs()),
        ];
        parts.into_iter().filter(|(_, secs)| *secs > 0.0).map(|(part, secs)| TimeShare { part, secs }).collect()
    }

    // What goes through the model ------------------------------------------------------------------------------------

    fn has_critic_pass(&self) -> bool {
        self.recipe.stage == Stage::Ppo && self.recipe.ppo_value_model == ValueModel::Model
    }

    /// Sequences that a row is.
    fn sequences(&self) -> f64 {
        if matches!(self.recipe.stage, Stage::Dpo | Stage::Rm) { 2.0 } else { 1.0 }
    }

    pub(super) fn sequences_together(&self) -> usize {
        self.plan.micro().min(self.workload.rows.max(1)) * self.sequences() as usize
    }

    /// Tokens of a sequence, PPO's answer included, in the mean.
    pub(super) fn sequence_tokens(&self) -> f64 {
        f64::from(self.workload.mean_tokens) / self.sequences() + self.answer_tokens()
    }

    fn answer_tokens(&self) -> f64 {
        if self.recipe.stage == Stage::Ppo { self.recipe.max_new_tokens as f64 } else { 0.0 }
    }

    pub(super) fn longest(&self) -> usize {
        self.workload.longest_tokens / self.sequences() as usize + self.answer_tokens() as usize
    }

    /// A sequence's length as the device wants it: multiples of 64 on a GPU.
    pub(super) fn padded(&self, tokens: usize) -> usize {
        if self.machine.kind == DeviceKind::Cpu { tokens } else { tokens.next_multiple_of(64) }
    }

    fn batches_per_step(&self) -> f64 {
        let micro = self.plan.micro() as f64;
        (self.rows_per_step() / micro).ceil().max(1.0)
    }

    /// Rows of a step in the mean; an epoch's last step takes what is left.
    fn rows_per_step(&self) -> f64 {
        if self.recipe.stage == Stage::Ppo {
            return self.plan.answers() as f64
                / self.recipe.ppo_mini_batches.clamp(1, self.plan.answers().max(1)) as f64;
        }
        let most = self.recipe.rows_per_step().max(1) as f64;
        most.min(self.workload.rows.max(1) as f64 / self.plan.steps_per_epoch.max(1) as f64)
    }

    pub(super) fn tokens_per_step(&self) -> f64 {
        self.rows_per_step() * self.sequences() * self.sequence_tokens()
    }

    /// Tokens that a micro-batch computes, padding included.
    fn tokens_per_batch(&self) -> f64 {
        let rows = self.rows_per_step() / self.batches_per_step();
        let length = self.sequence_tokens();
        if self.machine.kind == DeviceKind::Cpu {
            return rows * self.sequences() * length;
        }
        // Padded to the longest of the batch.
        let longest = length + (self.longest() as f64 - length) * (1.0 - 1.0 / self.sequences_together() as f64) * 0.5;
        rows * self.sequences() * self.padded(longest as usize) as f64
    }

    /// Tokens whose logits are made, by all tokens.
    pub(super) fn scored_share(&self) -> f64 {
        let learned = f64::from(self.workload.learned_share);
        match self.recipe.stage {
            Stage::Rm => 0.0,
            Stage::Ppo => self.answer_tokens() / self.sequence_tokens().max(1.0),
            Stage::Dpo if self.recipe.pref_loss == PrefLoss::Orpo => 0.5 + learned * 0.5,
            _ => learned,
        }
    }

    // What it costs --------------------------------------------------------------------------------------------------

    /// Operations of a token in a block's attention: causal, so half of the positions on average.
    fn attention(&self, layer: usize) -> f64 {
        let c = self.config;
        let seen = (self.sequence_tokens() / 2.0).min(c.windows[layer].map_or(f64::INFINITY, |window| window as f64));
        4.0 * (c.heads * c.head_dim) as f64 * seen
    }

    pub(super) fn blocks(&self) -> Blocks {
        let mut sum = Blocks::default();
        for layer in 0..self.config.layers {
            let mut forward = self.attention(layer);
            // The scores of attention are made again on the way back.
            let mut backward = 2.5 * forward;
            for name in self.config.linear_names() {
                let spec = self.config.linear(layer, name);
                let product = 2.0 * (spec.out * spec.input) as f64;
                let weight = if self.learning.sizes.contains_key(&spec.weight()) { product } else { 0.0 };
                let adapter = self.adapter_flops(&spec);
                forward += product + adapter;
                backward += product + weight + 2.0 * adapter;
            }
            sum.forward += forward;
            if layer >= self.lowest {
                sum.again += forward;
                sum.backward += backward;
            }
        }
        sum
    }

    /// Operations of a token in an adapter, on the way there.
    fn adapter_flops(&self, spec: &LinearSpec) -> f64 {
        let path = format!("base_model.model.{}.", spec.path);
        let size = |part: &str| self.learning.sizes.get(&format!("{path}{part}")).map_or(0.0, |size| *size as f64);
        let lora = 2.0 * (size("lora_A.weight") + size("lora_B.weight"));
        let start = if self.recipe.pissa_init { 2.0 } else { 1.0 };
        let turned = if size("oft_R.weight") > 0.0 { (2 * spec.input * self.turned_block(spec)) as f64 } else { 0.0 };
        lora * start + turned
    }

    fn turned_block(&self, spec: &LinearSpec) -> usize {
        match self.recipe.oft_rank {
            0 => self.recipe.oft_block_size,
            blocks => spec.input / blocks.max(1),
        }
    }

    /// Operations that OFT takes to make its rotations, on the way there, once a micro-batch: a product of blocks for each
    /// term of the series. They are so small that they reach a quarter of the rate.
    fn turning_flops(&self) -> f64 {
        if self.recipe.finetuning_type != FinetuningType::Oft {
            return 0.0;
        }
        let one = |spec: &LinearSpec| {
            let block = self.turned_block(spec) as f64;
            let learns = self.learning.sizes.contains_key(&format!("base_model.model.{}.oft_R.weight", spec.path));
            if learns { 2.0 * spec.input as f64 * block * block * 4.0 } else { 0.0 }
        };
        4.0 * self.config.linears().map(|(_, spec)| one(&spec)).sum::<f64>()
    }

    /// Numbers in 4 bits.
    fn packed_numbers(&self) -> f64 {
        match self.recipe.quantization_bit {
            Some(_) => self.config.linears().map(|(_, spec)| (spec.out * spec.input) as f64).sum(),
            None => 0.0,
        }
    }

    /// Seconds of a scored token in the head: there, back to the hidden states, and the matrix's own gradient.
    fn head_secs(&self) -> f64 {
        let products = if self.head_learns() { 3.0 } else { 2.0 };
        self.logits_secs(products)
    }

    fn logits_secs(&self, products: f64) -> f64 {
        let (vocab, hidden) = (self.config.vocab as f64, self.config.hidden as f64);
        let moved = vocab * 4.0 * PASSES_OVER_LOGITS * products / 3.0;
        2.0 * products * vocab * hidden / (self.machine.flops * REACHED) + moved / self.machine.bandwidth()
    }

    /// Seconds of a token in a pass without gradients, its share of logits included.
    fn reading_secs(&self) -> f64 {
        let moved = self.kept.iter().sum::<usize>() as f64 * 4.0 * 2.0;
        self.blocks.forward / (self.machine.flops * REACHED)
            + moved / self.machine.bandwidth()
            + self.scored_share() * self.logits_secs(1.0)
    }

    // What else is done ----------------------------------------------------------------------------------------------

    fn row_tokens(&self) -> f64 {
        self.sequences() * self.sequence_tokens()
    }

    /// DPO and KTO ask the starting model once about every row that a step or an evaluation takes.
    pub(super) fn reference_secs_before(&self) -> f64 {
        if !self.recipe.compares_with_reference() || self.recipe.stage == Stage::Ppo {
            return 0.0;
        }
        let visited = (self.plan.total_steps as f64 * self.rows_per_step()).min(self.workload.rows as f64);
        (visited + self.workload.eval_rows as f64) * self.row_tokens() * self.reading_secs()
    }

    /// KTO reads mismatched answers with both models in every step, a KL penalty every row with the starting one.
    fn reference_secs_in_steps(&self) -> f64 {
        let passes = match self.recipe.stage {
            Stage::Kto => 2.0,
            Stage::Pt | Stage::Sft if self.recipe.kl_penalty > 0.0 => 1.0,
            _ => 0.0,
        };
        passes * self.plan.total_steps as f64 * self.tokens_per_step() * self.reading_secs()
    }

    /// PPO: decoding waits for the weights to come out of memory, one pass over them for all answers together; then the
    /// answers are read by the policy, the reference and whatever scores them.
    fn sampling_secs(&self) -> f64 {
        if self.recipe.stage != Stage::Ppo {
            return 0.0;
        }
        let steps = (self.recipe.ppo_epochs.max(1) * self.recipe.ppo_mini_batches.max(1)) as f64;
        let updates = self.plan.total_steps as f64 / steps;
        let answers = self.plan.answers() as f64;
        let weights = self.weight_bytes() as f64 / self.machine.bandwidth();
        let token = answers * self.reading_secs() + self.config.layers as f64 * LAUNCHES / 3.0 * LAUNCH_SECS;
        let decoding = self.answer_tokens() * weights.max(token);
        let prompts = answers * f64::from(self.workload.mean_tokens) * self.reading_secs();
        let critic = if self.has_critic_pass() { 1.0 } else { 0.0 };
        let reward = if self.recipe.reward_rule.is_none() { 1.0 } else { 0.0 };
        let read = answers * self.sequence_tokens() * self.reading_secs() * (2.0 + critic + reward);
        updates * (decoding + prompts + read)
    }

    fn evaluation_secs(&self) -> f64 {
        let (recipe, steps) = (self.recipe, self.plan.total_steps as f64);
        let times = match recipe.eval_strategy {
            Interval::No => 0.0,
            Interval::Steps => (steps / recipe.eval_steps.unwrap_or(recipe.logging_steps).max(1) as f64).floor(),
            Interval::Epoch => (steps / self.plan.steps_per_epoch.max(1) as f64).ceil(),
        };
        times * self.workload.eval_rows as f64 * self.row_tokens() * self.reading_secs()
    }

    fn forgetting_secs(&self) -> f64 {
        if self.recipe.forgetting_dataset.is_empty() {
            return 0.0;
        }
        let times = 2.0 + (self.plan.total_steps / self.recipe.forgetting_steps.max(1)) as f64;
        times * 2.0 * FORGETTING_ROWS * self.sequence_tokens() * self.reading_secs()
    }
}
