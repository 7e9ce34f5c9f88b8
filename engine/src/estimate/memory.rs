//! Memory by part: what lies there all the time, and what comes and goes in a step. The peak is that of the worst moment,
//! and the parts are what they are in it.

use super::{Case, MemoryPart, MemoryShare, Workload};
use crate::generate::CACHE_BYTES;
use crate::model::KvCache;
use crate::protocol::DeviceKind;
use crate::quant::packed_bytes;
use crate::recipe::{FinetuningType, RewardModelType, Stage, ValueModel};
use crate::trainer::{CHUNK_BYTES, Graph, HEAD_KEPT_BYTES};

/// The program and its tokenizer, without a window.
const PROGRAM: u64 = 46 << 20;
/// What threads and the allocator hold besides.
pub(super) const BUFFERS: u64 = 24 << 20;
/// Bytes of a token of the data: id and label, and its share of the text.
const DATA_TOKEN: u64 = 12;
/// Linear layers' dense panels and what their threads pack, while a block is gone through.
const WORKING: u64 = 16 << 20;

/// What comes and goes.
#[derive(Debug, Clone, Copy, Default)]
struct Moment {
    gradients: u64,
    activations: u64,
    head: u64,
    companions: u64,
}

impl Moment {
    fn total(&self) -> u64 {
        self.gradients + self.activations + self.head + self.companions
    }
}

impl Case<'_> {
    pub(super) fn memory(&self) -> Vec<MemoryShare> {
        let recipe = self.recipe;
        let learns = self.learning.parameters() * 4;
        let twice = if self.has_critic() { 2 } else { 1 };
        let adapter = self.learning.adapter * 4 * if recipe.pissa_init { 2 } else { 1 };
        // Before the first step there are no moments yet.
        let before = Moment { companions: self.reference_model(), head: self.head(false), ..self.forward_only() };
        let steps = [self.at_the_head(learns * twice), self.at_the_bottom(learns * twice), self.while_sampling()];
        let worst = steps.into_iter().max_by_key(Moment::total).unwrap_or_default();
        let moments = 2 * learns * twice;
        let stays = self.companions();
        let (worst, moments, stays) = match before.total() > worst.total() + moments + stays {
            true => (before, 0, 0),
            false => (worst, moments, stays),
        };
        let share = |part, bytes| MemoryShare { part, bytes };
        let parts = [
            share(MemoryPart::Program, self.program),
            share(MemoryPart::Weights, self.weight_bytes()),
            share(MemoryPart::Adapter, adapter),
            share(MemoryPart::Gradients, worst.gradients),
            share(MemoryPart::Optimizer, moments),
            share(MemoryPart::Activations, worst.activations),
            share(MemoryPart::Head, worst.head),
            share(MemoryPart::Companions, worst.companions + stays),
        ];
        parts.into_iter().filter(|share| share.bytes > 0).collect()
    }

    /// The program and the data, where nobody has looked.
    pub(super) fn usual_program(workload: &Workload) -> u64 {
        let rows = (workload.rows + workload.eval_rows) as f64;
        PROGRAM + BUFFERS + (rows * f64::from(workload.mean_tokens)) as u64 * DATA_TOKEN
    }

    /// The model's own weights: f32, linear layers in 4 bits where the recipe says so.
    pub(super) fn weight_bytes(&self) -> u64 {
        let dense = self.config.parameters() * 4;
        if self.recipe.quantization_bit.is_none() {
            return dense;
        }
        let shapes = self.config.linears().map(|(_, spec)| spec.weight_shape());
        let double = self.recipe.double_quantization;
        shapes.fold(dense, |sum, shape| sum - (shape[0] * shape[1]) as u64 * 4 + packed_bytes(shape, double))
    }

    fn has_critic(&self) -> bool {
        self.recipe.stage == Stage::Ppo && self.recipe.ppo_value_model == ValueModel::Model
    }

    /// Weights that learn themselves and not through an adapter.
    fn changing_weights(&self) -> u64 {
        match self.recipe.finetuning_type {
            FinetuningType::Lora | FinetuningType::Oft => 0,
            FinetuningType::Freeze | FinetuningType::Full => self.learning.parameters() * 4,
        }
    }

    /// `ref_model`, taken to be as large as the model.
    fn reference_model(&self) -> u64 {
        if self.recipe.ref_model.is_some() { self.config.parameters() * 4 } else { 0 }
    }

    /// What stays beside the model for the whole run. DPO lets its reference go before the first step.
    fn companions(&self) -> u64 {
        let recipe = self.recipe;
        let asks = matches!(recipe.stage, Stage::Kto | Stage::Ppo);
        let mut bytes = if asks { self.reference_model() } else { 0 };
        let own_reference = asks && recipe.ref_model.is_none();
        if own_reference || recipe.kl_penalty > 0.0 || !recipe.forgetting_dataset.is_empty() {
            bytes += self.changing_weights();
        }
        if self.has_critic() {
            bytes += self.learning.parameters() * 4;
        }
        if recipe.stage == Stage::Ppo && recipe.reward_model.is_some() && recipe.reward_rule.is_none() {
            bytes += match recipe.reward_model_type {
                RewardModelType::Full => self.config.parameters() * 4,
                _ if recipe.create_new_adapter => self.config.parameters() * 4,
                _ => self.learning.adapter * 4,
            };
        }
        bytes
    }

    /// All graphs that are kept are there, and the head works; gradients only of earlier micro-batches, and the head's.
    fn at_the_head(&self, gradients: u64) -> Moment {
        let own = if self.recipe.gradient_accumulation_steps > 1 { gradients } else { 0 };
        let head = if self.head_learns() { 2 * self.head_matrix() } else { 0 };
        let held = match self.graph {
            Graph::Kept => (0..self.config.layers).map(|layer| self.kept(layer)).sum(),
            Graph::Recomputed => self.inputs(),
        };
        Moment { gradients: own.max(head / 2), activations: held, head: self.head(true) + head / 2, companions: 0 }
    }

    /// The way back has come to the lowest learning block: every gradient is there, and one block's graph.
    fn at_the_bottom(&self, gradients: u64) -> Moment {
        let layer = self.lowest.min(self.config.layers - 1);
        let block = 2 * self.kept(layer) + WORKING;
        let inputs = if self.graph == Graph::Recomputed { self.inputs() } else { 0 };
        // The embedding's gradient is spread over a matrix of its own before it is added.
        let spread = if self.config.embedding_learns(&self.names) { self.head_matrix() } else { 0 };
        Moment { gradients: gradients + spread, activations: block + inputs, head: 0, companions: 0 }
    }

    /// PPO's answers side by side: keys and values of all positions, logits of the last ones.
    fn while_sampling(&self) -> Moment {
        if self.recipe.stage != Stage::Ppo {
            return Moment::default();
        }
        let positions = self.plan.answers() as f64 * self.sequence_tokens();
        let cache = (positions as u64).saturating_mul(KvCache::position_bytes(self.config) as u64);
        let logits = (self.plan.answers() * self.config.vocab * 8) as u64;
        Moment { activations: cache.min(CACHE_BYTES as u64), head: logits, ..Moment::default() }
    }

    /// A pass without gradients holds the hidden states and one block's numbers.
    fn forward_only(&self) -> Moment {
        let block = self.kept[self.config.layers - 1] * self.peak_batch() * 4;
        Moment { activations: block as u64 + WORKING, ..Moment::default() }
    }

    /// Bytes of a block's graph for the largest micro-batch.
    fn kept(&self, layer: usize) -> u64 {
        if layer < self.lowest { 0 } else { (self.kept[layer] * self.peak_batch() * 4) as u64 }
    }

    /// Bytes of the blocks' inputs from the lowest learning one on.
    fn inputs(&self) -> u64 {
        ((self.config.layers - self.lowest) * self.config.hidden * self.peak_batch() * 4) as u64
    }

    fn head_matrix(&self) -> u64 {
        (self.config.vocab * self.config.hidden * 4) as u64
    }

    /// Logits and what is made of them. Where the loss is known only after all tokens were scored, their gradients wait.
    fn head(&self, back: bool) -> u64 {
        if self.recipe.stage == Stage::Rm {
            return 0;
        }
        let row = self.config.vocab * 4;
        let scored = (self.peak_batch() as f64 * self.scored_share()).ceil() as usize;
        let chunk = (CHUNK_BYTES / row).max(16).min(scored.max(1)) * row;
        let anchored = if self.recipe.kl_penalty > 0.0 { 2 } else { 0 };
        let waits = back && matches!(self.recipe.stage, Stage::Dpo | Stage::Kto | Stage::Ppo);
        let kept = if waits && scored * row <= HEAD_KEPT_BYTES { scored * row } else { 0 };
        (chunk * (2 + anchored) + kept) as u64
    }

    pub(super) fn head_learns(&self) -> bool {
        let name = self.config.head_name();
        self.recipe.stage != Stage::Rm
            && (self.learning.sizes.contains_key(name)
                || self.learning.sizes.contains_key(&format!("base_model.model.{name}")))
    }

    /// Most tokens that a micro-batch can have.
    pub(super) fn widest_batch(&self) -> usize {
        self.sequences_together() * self.padded(self.longest())
    }

    /// Tokens of the largest micro-batch to be expected: one of the longest rows among rows a little above the mean.
    fn peak_batch(&self) -> usize {
        let micro = self.plan.micro().min(self.workload.rows.max(1));
        let (mean, longest) = (f64::from(self.workload.mean_tokens), self.workload.longest_tokens as f64);
        let answer = if self.recipe.stage == Stage::Ppo { self.recipe.max_new_tokens as f64 } else { 0.0 };
        if self.machine.kind != DeviceKind::Cpu {
            return self.widest_batch();
        }
        if micro == self.workload.rows {
            return (micro as f64 * (mean + answer)) as usize;
        }
        (longest + (micro - 1) as f64 * (mean + (longest - mean) * 0.2) + micro as f64 * answer) as usize
    }
}
