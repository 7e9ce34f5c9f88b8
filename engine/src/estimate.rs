//! What a run will take before it is started: memory by part, and time. Pure arithmetic on shapes; nothing is loaded.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::freeze;
use crate::model::ModelConfig;
use crate::protocol::DeviceKind;
use crate::recipe::Recipe;

mod machine;
mod workload;

/// What is to be learned from, as far as lengths and counts matter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    /// Rows to learn from, those set aside for evaluation taken off.
    pub rows: usize,
    pub eval_rows: usize,
    /// Of a row, after the cut.
    pub mean_tokens: f32,
    pub longest_tokens: usize,
    /// Learned tokens by all tokens.
    pub learned_share: f32,
}

/// What it is computed on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    pub kind: DeviceKind,
    /// Of the device; None where unknown.
    pub memory_bytes: Option<u64>,
    /// f32 multiply-adds a second, times two, that large matrix products reach.
    pub flops: f64,
}

/// What memory is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryPart {
    /// The program itself, its buffers, the data.
    Program,
    Weights,
    /// The adapter's own weights.
    Adapter,
    Gradients,
    /// AdamW's two moments.
    Optimizer,
    /// What the way back needs of the blocks.
    Activations,
    /// Logits and their gradient, in chunks.
    Head,
    /// The starting model, a reference, reward or value model beside it.
    Companions,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MemoryShare {
    pub part: MemoryPart,
    pub bytes: u64,
}

/// What a run will take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// By part; their sum is the expected peak.
    pub memory: Vec<MemoryShare>,
    pub parameters: u64,
    /// Everything that ever learns.
    pub trainable_parameters: u64,
    /// "kept" or "recomputed": see trainer/pass.rs.
    pub graph: String,
    pub total_steps: usize,
    pub tokens_per_step: f64,
    pub step_secs: f64,
    /// Steps, evaluations and what else the recipe asks for.
    pub total_secs: f64,
}

impl Estimate {
    pub fn peak_bytes(&self) -> u64 {
        self.memory.iter().map(|share| share.bytes).sum()
    }

    pub fn fits(&self, machine: &Machine) -> bool {
        machine.memory_bytes.is_none_or(|has| self.peak_bytes() <= has)
    }
}

/// What `recipe` will take on a model of these shapes.
///
/// # Errors
/// `BadRecipe` where the recipe's freezing does not fit the model.
pub fn estimate(recipe: &Recipe, config: &ModelConfig, workload: &Workload, machine: &Machine) -> Result<Estimate> {
    let learning = freeze::able_to_learn(recipe, config, &Default::default())?;
    let trainable: u64 = config
        .tensors()
        .iter()
        .filter(|(name, _)| learning.contains(name))
        .map(|(_, shape)| shape.iter().product::<usize>() as u64)
        .sum();
    let share = |part, bytes| MemoryShare { part, bytes };
    let memory = vec![
        share(MemoryPart::Weights, config.parameters() * 4),
        share(MemoryPart::Gradients, trainable * 4),
        share(MemoryPart::Optimizer, trainable * 8),
    ];
    let tokens_per_step = recipe.rows_per_step() as f64 * f64::from(workload.mean_tokens);
    let step_secs = 6.0 * config.parameters() as f64 * tokens_per_step / machine.flops;
    let total_steps = crate::trainer::Plan::new(recipe, workload.rows.max(1)).total_steps;
    Ok(Estimate {
        memory,
        parameters: config.parameters(),
        trainable_parameters: trainable,
        graph: "kept".into(),
        total_steps,
        tokens_per_step,
        step_secs,
        total_secs: step_secs * total_steps as f64,
    })
}
