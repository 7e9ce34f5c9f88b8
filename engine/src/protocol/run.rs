//! What a run tells of itself.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::estimate::Estimate;
use crate::recipe::Recipe;

/// What a run is, told once at its start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFacts {
    pub recipe: Recipe,
    pub output_dir: PathBuf,
    pub device: String,
    pub total_steps: usize,
    pub steps_per_epoch: usize,
    /// Steps already done when the run was resumed.
    pub first_step: usize,
    pub train_rows: usize,
    pub eval_rows: usize,
    pub dropped_rows: usize,
    pub parameters: u64,
    pub trainable_parameters: u64,
    /// "kept" or "recomputed": see trainer.rs.
    pub graph: String,
    pub started_unix_secs: u64,
    /// What was expected of memory and time before the first step.
    #[serde(default)]
    pub estimate: Option<Estimate>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// From 1.
    pub step: usize,
    pub epoch: f64,
    pub loss: f32,
    /// Before clipping.
    pub grad_norm: f32,
    /// The one this step used.
    pub learning_rate: f64,
    /// Share of labelled tokens whose most likely continuation was right.
    pub token_accuracy: Option<f32>,
    pub tokens: u64,
    /// Since the run (or its resumed part) began.
    pub total_tokens: u64,
    pub tokens_per_sec: f64,
    pub elapsed_secs: f64,
    pub remaining_secs: f64,
    pub memory_bytes: u64,
    pub peak_memory_bytes: u64,
    /// What the method measures besides, by TRL's names: rewards/margins, logps/chosen, kl, objective/scores, ...
    #[serde(default)]
    pub metrics: BTreeMap<String, f32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvalReport {
    pub step: usize,
    pub epoch: f64,
    /// Mean over all labelled tokens of the evaluation set.
    pub loss: f32,
    pub perplexity: f32,
    /// This is the lowest so far.
    pub best: bool,
    pub elapsed_secs: f64,
    #[serde(default)]
    pub metrics: BTreeMap<String, f32>,
}

/// What the model still knows of a general dataset (`forgetting_dataset`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForgettingReport {
    /// 0: before the first step.
    pub step: usize,
    pub perplexity: f32,
    /// Of the starting model on the same rows.
    pub base_perplexity: f32,
    /// Mean KL divergence of the model from the starting model, in nats a token.
    pub kl: f32,
}

/// An answer of the policy during PPO.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    pub prompt: String,
    pub answer: String,
    /// By the reward model or rule, before any penalty.
    pub score: f32,
    /// Sum over the answer of the log-ratio to the reference, in nats.
    pub kl: f32,
}

/// A part of the decoder as a person sees it: a cell of the layer picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellPart {
    Embedding,
    Attention,
    Mlp,
    Norm,
    Head,
}

/// Where in the decoder: `layer` counts from 0; None: outside the blocks (embedding, last norm, head).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cell {
    pub layer: Option<usize>,
    pub part: CellPart,
}

/// How far a cell has moved and how hard it is pulled. Cells that have not learned yet are left out of a report.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CellReport {
    pub cell: Cell,
    /// |W now - W at the start| / |W at the start|, Frobenius norms over the cell's learning weights; with an adapter
    /// the change it makes to them.
    pub movement: f32,
    /// Norm of the step's gradient with respect to what learns in the cell, before clipping.
    pub grad_norm: f32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerReport {
    /// After this step.
    pub step: usize,
    pub cells: Vec<CellReport>,
}

/// What the model answers to one of the run's fixed prompts (`sample_prompts`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptAnswer {
    pub prompt: String,
    pub answer: String,
}
