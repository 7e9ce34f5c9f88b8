//! What a model can do, in numbers: perplexity on a file, multiple choice, answers against references; of one model, or
//! of a model before and after training side by side.
//!
//! `tokenise`, `bleu` and `rouge` are pure; `score` asks the model for log-probabilities; `questions` reads MMLU's files.

mod bleu;
mod choice;
mod generation;
mod perplexity;
mod prompts;
mod questions;
mod report;
mod rouge;
mod score;
mod tokenise;
mod wording;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};

pub use bleu::{Bleu, BleuCounts};
pub use choice::{Accuracy, ChoiceOptions, ChoiceReport, SubjectScore, WrongAnswer};
pub use generation::{AnswerScore, GeneratedAnswer, GenerationReport};
pub use perplexity::{PerplexityReport, TokenNll, WorstRow, token_nll};
pub(crate) use prompts::asked_ids;
pub use prompts::{PromptReply, PromptsReport};
pub use report::{Change, EvalOutcome, EvalReport, Measured, Metric};
pub use rouge::{Overlap, Rouge};
pub use tokenise::{Language, alphanumeric_words};

use crate::data::Encoded;
use crate::model::{self, Model};
use crate::protocol::Sampling;
use crate::recipe::{Recipe, Stage};
use crate::tokenizer::TextTokenizer;
use crate::{Error, Result, device};

/// What to measure, on which file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum EvalTask {
    /// -log p of a data file's answers, or of its texts.
    Perplexity { file: PathBuf },
    /// A .csv of questions in MMLU's layout, or a folder of them; `dev` has the solved examples.
    Choice { file: PathBuf, dev: Option<PathBuf>, options: ChoiceOptions },
    /// Answers to a data file's prompts against its own answers.
    Generation { file: PathBuf, sampling: Sampling },
    /// Answers to these questions, without a reference; through the chat template where the model has one.
    Prompts { prompts: Vec<String>, sampling: Sampling },
    /// As `Perplexity`, on the very rows that training by this recipe sets aside (`val_size`) or names (`eval_dataset`).
    SetAside { recipe: Box<Recipe> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvalRequest {
    pub model: PathBuf,
    pub adapter: Option<PathBuf>,
    /// auto | cpu | gpu | cuda, with :N
    pub device: String,
    pub task: EvalTask,
    /// A model to measure first. `model` itself means: without the adapter.
    pub before: Option<PathBuf>,
    /// Rows of the file, or questions of each subject, at most.
    pub max_samples: Option<usize>,
    /// Tokens of a row, or of a question with its examples, at most; never more than the model's context.
    pub cutoff_len: Option<usize>,
    /// None: by the share of Chinese characters.
    pub language: Option<Language>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EvalPhase {
    PreparingData,
    LoadingModel,
    /// Measuring the model that `before` names.
    Before,
    Measuring,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvalProgress {
    pub phase: EvalPhase,
    /// Bytes, tokens, questions or rows, by phase and task.
    pub done: u64,
    pub total: u64,
}

impl EvalTask {
    /// The file that is read; empty where the questions stand in the task itself.
    pub fn file(&self) -> &Path {
        match self {
            Self::Perplexity { file } | Self::Choice { file, .. } | Self::Generation { file, .. } => file,
            Self::SetAside { recipe } => {
                recipe.eval_dataset.first().or(recipe.dataset.first()).map_or(Path::new(""), Path::new)
            }
            Self::Prompts { .. } => Path::new(""),
        }
    }
}

/// Hears of progress; its `Break` stops.
pub type Listener<'a> = &'a mut dyn FnMut(EvalProgress) -> ControlFlow<()>;

/// Measures. The data is read and checked before a model is loaded.
///
/// # Errors
/// `BadData` with file and line; those of loading a model, an adapter or a device; `BadModel` where logits are not
/// numbers; `Stopped`.
pub fn run(request: &EvalRequest, progress: Listener<'_>) -> Result<EvalOutcome> {
    let began = Instant::now();
    let other = request.before.as_deref().filter(|before| *before != request.model);
    let mut warnings = Vec::new();
    let mut before = None;
    if let Some(other) = other {
        let subject = Examinee::load(other, request, progress)?;
        before = Some(subject.measure(request, EvalPhase::Before, progress)?);
        warnings.extend(subject.warnings);
    }
    let mut subject = Examinee::load(&request.model, request, progress)?;
    if let Some(folder) = &request.adapter {
        subject.model.load_adapter(folder)?;
    }
    if request.before.is_some() && before.is_none() {
        subject.wear_adapter(false);
        before = Some(subject.measure(request, EvalPhase::Before, progress)?);
        subject.wear_adapter(true);
    }
    let after = subject.measure(request, EvalPhase::Measuring, progress)?;
    for warning in subject.warnings {
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    let measured = match before {
        None => Measured::Single(Box::new(after)),
        Some(before) => {
            let difference = before.changes(&after);
            Measured::Compared { before: Box::new(before), after: Box::new(after), difference }
        }
    };
    Ok(EvalOutcome {
        model: request.model.clone(),
        adapter: request.adapter.clone(),
        device: subject.device,
        file: request.task.file().to_owned(),
        elapsed_secs: began.elapsed().as_secs_f64(),
        warnings,
        measured,
    })
}

/// What is asked, as this model's tokenizer reads it.
enum Exam {
    Rows { rows: Vec<Encoded>, dropped: usize },
    Questions { subjects: Vec<questions::Subject>, language: Language },
    Exercises { exercises: Vec<generation::Exercise>, language: Language },
    Prompts { prompts: Vec<prompts::Asked> },
}

/// A model with what it is asked.
struct Examinee {
    model: Model,
    tokenizer: TextTokenizer,
    exam: Exam,
    device: String,
    /// Tokens that a question may have.
    limit: usize,
    warnings: Vec<String>,
}

impl Examinee {
    fn load(path: &Path, request: &EvalRequest, progress: Listener<'_>) -> Result<Self> {
        let facts = model::inspect(path)?;
        let tokenizer = TextTokenizer::load(path)?;
        let context = facts.max_position_embeddings.max(2);
        let limit = request.cutoff_len.unwrap_or(usize::MAX).min(context);
        let (exam, warnings) = exam(request, &tokenizer, limit, &mut |done, total| {
            progress(EvalProgress { phase: EvalPhase::PreparingData, done, total })
        })?;
        let (device, device_name) = device::open(&request.device)?;
        let model = Model::load(path, &device, &mut |done, total| {
            progress(EvalProgress { phase: EvalPhase::LoadingModel, done, total })
        })?;
        tokenizer.check_fits(model.config.vocab)?;
        Ok(Self { model, tokenizer, exam, device: device_name, limit, warnings })
    }

    fn wear_adapter(&mut self, on: bool) {
        if let Some(adapter) = &mut self.model.adapter {
            adapter.enabled = on;
        }
    }

    fn measure(&self, request: &EvalRequest, phase: EvalPhase, progress: Listener<'_>) -> Result<EvalReport> {
        let mut told = |done, total| progress(EvalProgress { phase, done, total });
        let Self { model, tokenizer, .. } = self;
        match (&self.exam, &request.task) {
            (Exam::Rows { rows, dropped }, _) => {
                perplexity::measure(model, tokenizer, rows, *dropped, &mut told).map(EvalReport::Perplexity)
            }
            (Exam::Questions { subjects, language }, EvalTask::Choice { options, .. }) => {
                let examiner = choice::Examiner { model, tokenizer, options, language: *language, limit: self.limit };
                examiner.measure(subjects, &mut told).map(EvalReport::Choice)
            }
            (Exam::Exercises { exercises, language }, EvalTask::Generation { sampling, .. }) => {
                generation::measure(model, tokenizer, exercises, sampling, *language, &mut told)
                    .map(EvalReport::Generation)
            }
            (Exam::Prompts { prompts }, EvalTask::Prompts { sampling, .. }) => {
                prompts::measure(model, tokenizer, prompts, sampling, &mut told).map(EvalReport::Prompts)
            }
            _ => Err(Error::Internal("an exam was read for another task".into())),
        }
    }
}

/// Reads the task's file; warnings come beside it. `limit`: tokens of a row.
fn exam(
    request: &EvalRequest,
    tokenizer: &TextTokenizer,
    limit: usize,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<(Exam, Vec<String>)> {
    let recipe = Recipe { max_samples: request.max_samples, ..Recipe::default() };
    match &request.task {
        EvalTask::Perplexity { file } => {
            let cutoff_len = limit.min(request.cutoff_len.unwrap_or(recipe.cutoff_len));
            let perplexity::Rows { rows, dropped, warnings } =
                perplexity::rows_of(file, Recipe { cutoff_len, ..recipe }, tokenizer, progress)?;
            Ok((Exam::Rows { rows, dropped }, warnings))
        }
        EvalTask::SetAside { recipe: run } => {
            if !matches!(run.stage, Stage::Sft | Stage::Pt) {
                let reason = "perplexity on the rows set aside is measured for stages sft and pt";
                return Err(Error::recipe("stage", reason, "name a data file of questions with answers, or of texts"));
            }
            let cutoff_len = limit.min(request.cutoff_len.unwrap_or(run.cutoff_len));
            let run = Recipe { cutoff_len, ..(**run).clone() };
            let perplexity::Rows { mut rows, dropped, warnings } =
                perplexity::rows_set_aside(run, tokenizer, progress)?;
            rows.truncate(request.max_samples.unwrap_or(usize::MAX));
            Ok((Exam::Rows { rows, dropped }, warnings))
        }
        EvalTask::Prompts { prompts, .. } => {
            let limit = request.max_samples.unwrap_or(usize::MAX);
            let prompts = prompts::read(prompts.iter().take(limit), tokenizer)?;
            Ok((Exam::Prompts { prompts }, Vec::new()))
        }
        EvalTask::Choice { file, dev, options } => {
            let subjects = questions::read_subjects(file, dev.as_deref(), options.shots, request.max_samples)?;
            let texts = subjects.iter().flat_map(|subject| &subject.questions).map(|question| question.text.as_str());
            let language = request.language.unwrap_or_else(|| Language::of(texts));
            Ok((Exam::Questions { subjects, language }, Vec::new()))
        }
        EvalTask::Generation { file, .. } => {
            // Whole rows: the reference must not be cut, and a prompt that is too long is told of later.
            let recipe = Recipe { cutoff_len: usize::MAX, mask_history: true, ..recipe };
            let perplexity::Rows { rows, warnings, .. } = perplexity::rows_of(file, recipe, tokenizer, progress)?;
            let exercises = generation::exercises(&rows, tokenizer, file)?;
            let language = request.language.unwrap_or_else(|| Language::of(generation::references(&exercises)));
            Ok((Exam::Exercises { exercises, language }, warnings))
        }
    }
}
