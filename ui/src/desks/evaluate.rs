//! Evaluations: which sets, which models, what came of it.

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::time::Instant;

use luthier_engine::eval::{AnswerScore, ChoiceOptions, EvalPhase, EvalTask};
use luthier_engine::protocol::{Problem, Sampling};
use serde::{Deserialize, Serialize};

use crate::format;
use crate::library::StoredEval;
use crate::text::t;

mod queue;
mod subjects;
mod table;

pub use queue::Sitting;
pub use subjects::{Examinee, Subject};
pub use table::{EvalTable, Line, Move, Sort, csv, direction, newest};

/// Sets that are remembered.
const REMEMBERED: usize = 12;

/// What is measured: one of four kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExamKind {
    #[default]
    Perplexity,
    Choice,
    Generation,
    Prompts,
}

impl ExamKind {
    pub const ALL: [Self; 4] = [Self::Perplexity, Self::Choice, Self::Generation, Self::Prompts];
}

/// A set to measure on, with the name that the person gave it. The same name, the same column of results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExamSet {
    pub name: String,
    pub task: EvalTask,
    /// Rows, or questions of each subject, at most.
    pub max_samples: Option<usize>,
}

impl ExamSet {
    pub fn kind(&self) -> ExamKind {
        match self.task {
            EvalTask::Perplexity { .. } | EvalTask::SetAside { .. } => ExamKind::Perplexity,
            EvalTask::Choice { .. } => ExamKind::Choice,
            EvalTask::Generation { .. } => ExamKind::Generation,
            EvalTask::Prompts { .. } => ExamKind::Prompts,
        }
    }
}

/// The set as it is being put together.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub kind: ExamKind,
    /// As typed or chosen.
    pub file: String,
    /// Empty: after the file.
    pub name: String,
    pub prompts: Vec<String>,
    pub max_samples: Option<usize>,
    pub choice: ChoiceOptions,
    pub sampling: Sampling,
    /// The rows that a run sets aside, instead of a file.
    pub set_aside: Option<Box<luthier_engine::recipe::Recipe>>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            kind: ExamKind::default(),
            file: String::new(),
            name: String::new(),
            prompts: Vec::new(),
            // Enough for a first answer within minutes on a CPU.
            max_samples: Some(100),
            choice: ChoiceOptions::default(),
            // The likeliest answer, so that a second evaluation gives the same numbers.
            sampling: Sampling { max_new_tokens: 128, temperature: 0.0, ..Sampling::default() },
            set_aside: None,
        }
    }
}

impl Draft {
    /// None while something is missing.
    pub fn set(&self) -> Option<ExamSet> {
        let typed = self.file.trim();
        let file = PathBuf::from(typed);
        let task = match (self.kind, &self.set_aside) {
            (ExamKind::Perplexity, Some(recipe)) => EvalTask::SetAside { recipe: recipe.clone() },
            (ExamKind::Prompts, _) if self.prompts.is_empty() => return None,
            (ExamKind::Prompts, _) => {
                EvalTask::Prompts { prompts: self.prompts.clone(), sampling: self.sampling.clone() }
            }
            _ if typed.is_empty() => return None,
            (ExamKind::Perplexity, None) => EvalTask::Perplexity { file },
            (ExamKind::Choice, _) => EvalTask::Choice { file, dev: None, options: self.choice.clone() },
            (ExamKind::Generation, _) => EvalTask::Generation { file, sampling: self.sampling.clone() },
        };
        let own = self.name.trim();
        let name = if own.is_empty() { self.own_name() } else { own.to_owned() };
        Some(ExamSet { name, task, max_samples: self.max_samples })
    }

    /// What the set is called when the person says nothing.
    pub fn own_name(&self) -> String {
        let file = format::short_path(self.file.trim().as_ref());
        match (self.kind, &self.set_aside) {
            (ExamKind::Perplexity, Some(_)) => t!("evaluate.set_aside"),
            (ExamKind::Prompts, _) => t!("evaluate.own_prompts", n = self.prompts.len()),
            (ExamKind::Generation, _) => t!("evaluate.own_generation", file = file),
            (ExamKind::Choice, _) if self.choice.shots > 0 => {
                t!("evaluate.own_shots", file = file, n = self.choice.shots)
            }
            _ => file,
        }
    }

    /// A remembered set, to be changed or measured again.
    pub fn of(set: &ExamSet) -> Self {
        let mut draft =
            Self { kind: set.kind(), name: set.name.clone(), max_samples: set.max_samples, ..Self::default() };
        match &set.task {
            EvalTask::SetAside { recipe } => draft.set_aside = Some(recipe.clone()),
            EvalTask::Prompts { prompts, sampling } => {
                (draft.prompts, draft.sampling) = (prompts.clone(), sampling.clone());
            }
            EvalTask::Generation { sampling, .. } => draft.sampling = sampling.clone(),
            EvalTask::Choice { options, .. } => draft.choice = options.clone(),
            EvalTask::Perplexity { .. } => {}
        }
        if draft.set_aside.is_none() {
            draft.file = set.task.file().display().to_string();
        }
        draft
    }
}

/// View state that commands and panels share; what a person does with it is `impl Bench` in this folder.
#[derive(Debug, Default)]
pub struct EvaluateDesk {
    pub draft: Draft,
    /// The card in which a set is put together is open.
    pub making: bool,
    /// Models to be measured.
    pub subjects: BTreeSet<Subject>,
    pub waiting: VecDeque<Sitting>,
    pub going: Option<Sitting>,
    /// When the phase that is going began, for the time left.
    pub(super) phase: Option<(EvalPhase, Instant)>,
    /// What went wrong, under the name of what was measured.
    pub problems: Vec<(String, Problem)>,
    /// The set whose results are shown; None: the newest.
    pub set: Option<String>,
    pub sort: Sort,
    /// The evaluation whose worst examples are shown; None: the first line's.
    pub looked_at: Option<i64>,
    pub worst_by: AnswerScore,
    /// Removed last, to be brought back.
    pub removed: Option<Box<StoredEval>>,
}

impl EvaluateDesk {
    /// Seconds until the present measurement ends, once that can be told.
    pub fn left_secs(&self, done: u64, total: u64) -> Option<f64> {
        let elapsed = self.phase.as_ref()?.1.elapsed().as_secs_f64();
        (done > 0 && done < total && elapsed > 2.0).then(|| elapsed / done as f64 * (total - done) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Language, speak};

    #[test]
    fn a_remembered_set_is_the_draft_it_came_from() {
        speak(Language::English);
        let recipe = luthier_engine::recipe::Recipe { val_size: 0.1, ..Default::default() };
        let drafts = [
            Draft { file: "/data/general.jsonl".into(), ..Draft::default() },
            Draft { set_aside: Some(Box::new(recipe)), ..Draft::default() },
            Draft {
                kind: ExamKind::Choice,
                file: "/data/mmlu".into(),
                choice: ChoiceOptions { shots: 5, ..ChoiceOptions::default() },
                max_samples: None,
                ..Draft::default()
            },
            Draft { kind: ExamKind::Prompts, prompts: vec!["Why?".into()], ..Draft::default() },
        ];
        let names = ["general.jsonl", "Rows set aside", "mmlu, 5 examples", "1 prompts"];
        for (draft, name) in drafts.into_iter().zip(names) {
            let set = draft.set().expect("a set");
            assert_eq!(set.name, name);
            let text = serde_json::to_string(&set).expect("JSON");
            let kept: ExamSet = serde_json::from_str(&text).expect("read back");
            assert_eq!(Draft { name: String::new(), ..Draft::of(&kept) }, draft);
        }
        assert_eq!(Draft::default().set(), None);
        assert_eq!(Draft { kind: ExamKind::Prompts, ..Draft::default() }.set(), None);
    }
}
