//! What a run will take before it is started: memory by part, and time. Pure arithmetic on shapes; nothing is loaded.

//!
//! `learning.rs` says what learns, exactly; `memory.rs` and `time.rs` are models, calibrated on SmolLM2-135M on two cores:
//! memory within a quarter, time within a factor of two.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::model::ModelConfig;
use crate::protocol::DeviceKind;
use crate::recipe::Recipe;
use crate::trainer::{Graph, Plan, kept_numbers, lowest_layer};

mod forecast;
mod learning;
mod machine;
mod memory;
mod time;
mod workload;

pub use forecast::{Forecast, forecast};
pub use learning::{Learning, learning, learning_names};
pub use machine::measure_cpu_flops;

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

/// What time is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimePart {
    /// The starting model is asked: before the first step, and by KTO and a KL penalty in every step.
    Reference,
    /// PPO's answers, with their scores and log-probabilities.
    Sampling,
    Forward,
    /// Blocks that run a second time, since their graph was not kept.
    Recompute,
    Backward,
    /// The language head, there and back.
    Head,
    /// AdamW.
    Update,
    Evaluation,
    /// Measurements of forgetting.
    Forgetting,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TimeShare {
    pub part: TimePart,
    /// Of the whole run.
    pub secs: f64,
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
    /// By part; their sum is `total_secs`.
    #[serde(default)]
    pub time: Vec<TimeShare>,
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
/// `BadRecipe` where the recipe's adapter or freezing does not fit the model.
pub fn estimate(recipe: &Recipe, config: &ModelConfig, workload: &Workload, machine: &Machine) -> Result<Estimate> {
    let plan = Plan::new(recipe, workload.rows.max(1));
    let learning = learning(recipe, config, plan.total_steps, plan.steps_per_epoch)?;
    let mut case = Case::new(recipe, config, workload, machine, &learning);
    let room = machine.memory_bytes.map(|has| has.saturating_sub(case.weight_bytes() + case.program));
    let cpu = machine.kind == DeviceKind::Cpu;
    case.graph = Graph::choose(recipe, config, &case.names, cpu, room, case.widest_batch());
    Ok(case.estimate())
}

/// The same for a run that is about to start: what learns and how its graphs are treated are known, and `resident`, the
/// bytes that this process took before it loaded the model.
pub(crate) fn of_run(
    recipe: &Recipe,
    config: &ModelConfig,
    workload: &Workload,
    machine: &Machine,
    learning: &Learning,
    graph: Graph,
    resident: u64,
) -> Estimate {
    let program = resident + memory::BUFFERS;
    Case { graph, program, ..Case::new(recipe, config, workload, machine, learning) }.estimate()
}

/// All that an estimate is made of.
struct Case<'a> {
    recipe: &'a Recipe,
    config: &'a ModelConfig,
    workload: &'a Workload,
    machine: &'a Machine,
    learning: &'a Learning,
    plan: Plan,
    graph: Graph,
    /// Bytes of the program and the data.
    program: u64,
    /// Everything that ever learns.
    names: BTreeSet<String>,
    /// The lowest layer with a graph.
    lowest: usize,
    /// By layer: numbers a token that its graph keeps, or would.
    kept: Vec<usize>,
    blocks: time::Blocks,
}

impl<'a> Case<'a> {
    fn new(
        recipe: &'a Recipe,
        config: &'a ModelConfig,
        workload: &'a Workload,
        machine: &'a Machine,
        learning: &'a Learning,
    ) -> Self {
        let names = learning.course.all();
        let mut case = Self {
            recipe,
            config,
            workload,
            machine,
            learning,
            plan: Plan::new(recipe, workload.rows.max(1)),
            graph: Graph::Kept,
            program: Self::usual_program(workload),
            lowest: lowest_layer(config, &names),
            kept: (0..config.layers).map(|layer| kept_numbers(config, &names, layer)).collect(),
            names,
            blocks: time::Blocks::default(),
        };
        case.blocks = case.blocks();
        case
    }

    fn estimate(&self) -> Estimate {
        let (memory, time) = (self.memory(), self.time());
        let total_steps = self.plan.total_steps;
        let secs = |counts: fn(TimePart) -> bool| -> f64 {
            time.iter().filter(|share| counts(share.part)).map(|share| share.secs).sum()
        };
        let beside = secs(|part| matches!(part, TimePart::Evaluation | TimePart::Forgetting));
        let total_secs = secs(|_| true);
        let in_steps = total_secs - beside - self.reference_secs_before();
        Estimate {
            memory,
            parameters: self.config.parameters(),
            trainable_parameters: self.learning.parameters(),
            graph: self.graph.word().into(),
            total_steps,
            tokens_per_step: self.tokens_per_step(),
            step_secs: in_steps.max(0.0) / total_steps.max(1) as f64,
            total_secs,
            time,
        }
    }
}

#[cfg(test)]
mod tests;
