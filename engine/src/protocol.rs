//! Everything that crosses between window and engine: plain serde data, no Burn types.
//!
//! The window sends [`Command`]s and folds [`Event`]s. The same events are written to a run's
//! `events.jsonl`, so a finished run is shown by replaying them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::data::{Mapping, PreviewRow};
use crate::eval::{EvalOutcome, EvalProgress, EvalRequest};
use crate::model::ModelConfig;
use crate::recipe::Recipe;

mod prompt;
mod run;

pub use prompt::{ChatMessage, Prompt, PromptText, Sampling, TokenChance};
pub use run::{
    Cell, CellPart, CellReport, EvalReport, ForgettingReport, LayerReport, PromptAnswer, Rollout, RunFacts, StepReport,
};

/// Names a run: the folder name of its `output_dir` plus a time stamp, chosen by the sender.
pub type RunId = String;
/// Chosen by the sender; every answer carries it back.
pub type RequestId = u64;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Command {
    /// Lists devices and tries each one in a child process. Answer: `DevicesProbed`.
    ProbeDevices,
    /// Reads headers and config only. Answer: `ModelInspected` or `CommandFailed`.
    InspectModel {
        request: RequestId,
        path: PathBuf,
    },
    /// Reads a data file (a newer request for it cancels an older one). Answer: `DataProgress`..., `DataInspected` or `CommandFailed`.
    InspectData {
        request: RequestId,
        source: DataSource,
    },
    CancelInspect {
        request: RequestId,
    },
    /// Rows of a file that was inspected, as the model will see them; `rows` count from 0. Answer: `RowsRead` or
    /// `CommandFailed`.
    ReadRows {
        request: RequestId,
        source: DataSource,
        rows: Vec<usize>,
    },
    /// Ends in exactly one `RunFinished`.
    StartRun {
        id: RunId,
        recipe: Box<Recipe>,
        resume: bool,
    },
    PauseRun,
    ResumeRun,
    /// Saves a checkpoint, then ends the run.
    StopRun,
    SaveNow,
    /// Answer: `TokenSampled`..., `GenerateFinished` or `CommandFailed`.
    Generate {
        request: RequestId,
        prompt: Prompt,
    },
    CancelGenerate {
        request: RequestId,
    },
    /// Measures what a model can do. Answer: `EvalProgressed`..., `EvalFinished` or `CommandFailed`. Waits for its turn;
    /// during a run it is refused.
    Evaluate {
        request: RequestId,
        exam: Box<EvalRequest>,
    },
    CancelEvaluate {
        request: RequestId,
    },
    /// Answers of one model to several prompts, side by side, beside a person's work: a `Generate` that comes meanwhile is
    /// served first, a run or an exam that waits ends it (`stopped`: ask again afterwards). Without a chat template a
    /// conversation is laid out as in training. Answer: one `AnswersSampled` or `CommandFailed`; refused during a run.
    SampleAnswers {
        request: RequestId,
        batch: Box<SampleBatch>,
    },
    /// How much a model likes answers. Answer: `AnswersScored` or `CommandFailed`; refused during a run.
    ScoreAnswers {
        request: RequestId,
        batch: Box<ScoreBatch>,
    },
    /// Ends a `SampleAnswers` or `ScoreAnswers`: `CommandFailed` with the code `stopped`.
    CancelAnswers {
        request: RequestId,
    },
    /// Frees the models that Generate keeps loaded.
    UnloadModels,
    Shutdown,
}

/// A data file and how to read it. `model` is the folder or GGUF file whose tokenizer and chat template shape the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSource {
    pub path: PathBuf,
    /// None: detect.
    pub mapping: Option<Mapping>,
    pub model: Option<PathBuf>,
    pub cutoff_len: usize,
    pub train_on_prompt: bool,
}

/// What a person will judge, generated ahead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleBatch {
    pub model: PathBuf,
    pub adapter: Option<PathBuf>,
    /// auto | cpu | gpu | cuda, with :N
    pub device: String,
    /// Each prompt with its own sampling.
    pub asked: Vec<(PromptText, Sampling)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampledAnswer {
    pub text: String,
    pub new_tokens: usize,
    pub reason: FinishReason,
}

/// Answers to be scored: by a reward model, where the adapter (or the model) has a reward head; else, with an adapter, by
/// the implicit reward log p(answer) - log p of the model without it (Rafailov et al. 2023, eq. 5, without beta); else by
/// the mean log-probability of a token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreBatch {
    pub model: PathBuf,
    pub adapter: Option<PathBuf>,
    /// auto | cpu | gpu | cuda, with :N
    pub device: String,
    /// Prompts with their answers.
    pub rows: Vec<(Vec<ChatMessage>, Vec<String>)>,
    /// Tokens of a prompt with its answer, at most; longer answers are cut.
    pub cutoff_len: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {
    DevicesProbed {
        devices: Vec<DeviceInfo>,
    },
    ModelInspected {
        request: RequestId,
        summary: ModelSummary,
    },
    /// `total` is in bytes of the file where rows are not known beforehand; 0 when unknown.
    DataProgress {
        request: RequestId,
        done: u64,
        total: u64,
    },
    DataInspected {
        request: RequestId,
        summary: Box<crate::data::DataSummary>,
    },
    RowsRead {
        request: RequestId,
        rows: Vec<PreviewRow>,
    },
    RunStarted {
        id: RunId,
        facts: Box<RunFacts>,
    },
    StepReported {
        id: RunId,
        report: StepReport,
    },
    EvalReported {
        id: RunId,
        report: EvalReport,
    },
    /// Every `forgetting_steps`.
    ForgettingMeasured {
        id: RunId,
        report: ForgettingReport,
    },
    /// Layers that learn from the next step on (`unfreeze_schedule`).
    LayersJoined {
        id: RunId,
        step: usize,
        layers: Vec<usize>,
    },
    /// Every so often: how far each part of the model has moved.
    LayersMeasured {
        id: RunId,
        report: LayerReport,
    },
    /// Every `sample_steps`, at the start (step 0) and at the end.
    PromptsAnswered {
        id: RunId,
        step: usize,
        answers: Vec<PromptAnswer>,
    },
    /// Answers that PPO learns from next.
    RolloutsSampled {
        id: RunId,
        step: usize,
        rollouts: Vec<Rollout>,
    },
    CheckpointSaved {
        id: RunId,
        step: usize,
        path: PathBuf,
    },
    RunPaused {
        id: RunId,
    },
    RunResumed {
        id: RunId,
    },
    /// What the run is doing when it is not stepping: "Loading the model", fraction 0 to 1 where known.
    RunProgress {
        id: RunId,
        phase: Phase,
        fraction: Option<f32>,
    },
    RunFinished {
        id: RunId,
        outcome: Outcome,
    },
    TokenSampled {
        request: RequestId,
        text: String,
        /// One for each token of the text, where they were asked for. A character can take several tokens.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        chances: Vec<TokenChance>,
    },
    GenerateFinished {
        request: RequestId,
        prompt_tokens: usize,
        new_tokens: usize,
        elapsed_secs: f64,
        reason: FinishReason,
    },
    /// In the order of the batch.
    AnswersSampled {
        request: RequestId,
        answers: Vec<SampledAnswer>,
    },
    /// A score for each answer of each row.
    AnswersScored {
        request: RequestId,
        scores: Vec<Vec<f32>>,
    },
    EvalProgressed {
        request: RequestId,
        progress: EvalProgress,
    },
    EvalFinished {
        request: RequestId,
        outcome: Box<EvalOutcome>,
    },
    Warned {
        id: Option<RunId>,
        message: String,
    },
    CommandFailed {
        request: Option<RequestId>,
        problem: Problem,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    LoadingModel,
    PreparingData,
    WarmingUp,
    Evaluating,
    Saving,
    /// Log-probabilities of the starting model.
    Reference,
    /// Answers for PPO.
    Sampling,
    /// Answers to the fixed prompts.
    Answering,
    Forgetting,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FinishReason {
    EndOfText,
    LengthLimit,
    Cancelled,
}

/// An error as it crosses the link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// `Error::code()`.
    pub code: String,
    pub message: String,
}

impl From<&crate::Error> for Problem {
    fn from(error: &crate::Error) -> Self {
        Self { code: error.code().into(), message: error.to_string() }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    Completed {
        result: PathBuf,
    },
    /// By the person or by early stopping; `result` where something was written.
    Stopped {
        result: Option<PathBuf>,
        reason: String,
    },
    Failed {
        problem: Problem,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceKind {
    Cpu,
    Gpu,
    Cuda,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// What a recipe writes: cpu, gpu:0, cuda:0.
    pub id: String,
    pub kind: DeviceKind,
    /// "AMD EPYC, 2 cores", "llvmpipe (Vulkan, software)".
    pub name: String,
    /// A GPU driver that computes on the CPU.
    pub software: bool,
    pub memory_bytes: Option<u64>,
    /// f32 operations a second that large matrix products were measured to reach; None where nothing was measured.
    #[serde(default)]
    pub flops: Option<f64>,
    /// Ok after its numbers agreed with the CPU's; else why it is not offered.
    pub verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Verdict {
    Trusted { largest_difference: f32 },
    Refused { reason: String },
}

/// What can be told of a model without loading it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSummary {
    pub path: PathBuf,
    pub name: String,
    /// Llama, Gemma 2, GPT-2.
    pub family: String,
    /// "safetensors, 2 shards" or "GGUF Q4_K".
    pub format: String,
    /// Storage type of most weights: F32, BF16, Q4_K.
    pub dtype: String,
    pub parameters: u64,
    pub file_bytes: u64,
    pub layers: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub vocab_size: usize,
    pub max_position_embeddings: usize,
    pub tied_head: bool,
    pub has_chat_template: bool,
    /// Names of the linear layers inside a block that LoRA can target: q_proj, ...
    pub linear_names: Vec<String>,
    /// The shapes of everything, for estimates and the layer picture.
    pub config: ModelConfig,
    /// An adapter lies in the same folder (a PEFT folder was picked): its base.
    pub warnings: Vec<String>,
}
