//! Evaluations as the engine and the library would give them, and runs to evaluate.

use std::sync::Arc;

use luthier_engine::eval::{
    Accuracy, ChoiceReport, EvalOutcome, EvalReport, Language, Measured, PerplexityReport, PromptReply, PromptsReport,
    SubjectScore, WorstRow, WrongAnswer,
};
use luthier_engine::recipe::{FinetuningType, Recipe, Stage};

use crate::library::{RunCard, RunStatus, StoredEval};

/// A finished run as the library lists it.
pub fn finished(id: &str, name: &str, colour: usize, stage: Stage, finetuning_type: FinetuningType) -> RunCard {
    let model = "/models/SmolLM2-135M".into();
    RunCard {
        id: id.to_owned(),
        name: name.to_owned(),
        folder: format!("/home/luthier/runs/{id}").into(),
        status: RunStatus::Completed,
        recipe: Arc::new(Recipe { model_name_or_path: model, stage, finetuning_type, ..Recipe::default() }),
        started_unix_secs: 1_795_000_000,
        elapsed_secs: 412.0,
        steps: 120,
        total_steps: 120,
        last_loss: Some(1.31),
        best_eval_loss: Some(1.42),
        forgetting: None,
        peak_memory_bytes: 1_610_000_000,
        trainable_parameters: 2_442_240,
        parameters: 134_515_008,
        result: Some(format!("/home/luthier/runs/{id}").into()),
        tags: vec![],
        note: String::new(),
        starred: false,
        archived: false,
        deleted_unix_secs: None,
        sweep: None,
        colour,
    }
}

/// What the library keeps of an evaluation of this test's model.
pub fn kept(id: i64, run: Option<&str>, set: &str, report: EvalReport) -> StoredEval {
    let outcome = EvalOutcome {
        model: "/models/SmolLM2-135M".into(),
        adapter: run.map(|run| format!("/home/luthier/runs/{run}").into()),
        device: "cpu".into(),
        file: "/data/general.jsonl".into(),
        elapsed_secs: 12.5,
        warnings: vec![],
        measured: Measured::Single(Box::new(report)),
    };
    StoredEval { id, made_unix_secs: 1_795_000_000, run: run.map(str::to_owned), set: set.to_owned(), outcome }
}

/// An evaluation of perplexity on `rows` rows as the library keeps it.
pub fn stored(id: i64, run: Option<&str>, set: &str, perplexity: f64, rows: usize) -> StoredEval {
    kept(id, run, set, EvalReport::Perplexity(perplexity_report(perplexity, rows)))
}

pub fn perplexity_report(perplexity: f64, rows: usize) -> PerplexityReport {
    let loss = perplexity.ln();
    let worst = |n: usize| {
        WorstRow {
        row: 17 * n,
        loss: loss + 2.0 / n as f64,
        tokens: 30 + n,
        text: "user\n琴的哪一部分最先发声？ Which part of a violin sounds first?\nassistant\n琴弦。弓毛摩擦琴弦，弦的振动经琴马传到面板。 \
               The strings: the bow makes them swing."
            .into(),
    }
    };
    PerplexityReport {
        perplexity,
        loss,
        token_accuracy: 1.0 / perplexity.sqrt(),
        tokens: rows * 40,
        rows,
        dropped_rows: 0,
        loss_error: Some(0.02),
        token_accuracy_error: Some(0.011),
        worst: (1..=7).map(worst).collect(),
    }
}

pub fn choice_report(correct: usize) -> ChoiceReport {
    let wrong = |n: usize| WrongAnswer {
        subject: "musicology".into(),
        line: 3 * n,
        question: "Which part of a violin carries the vibration of the strings to the top?".into(),
        options: ["the bridge", "the scroll", "the chin rest", "the tailpiece"].map(str::to_owned),
        right: 0,
        given: 2,
        probabilities: [0.21 + 0.02 * n as f64, 0.07, 0.66 - 0.02 * n as f64, 0.06],
    };
    let by_letter = Accuracy::new(correct, 200);
    ChoiceReport {
        by_letter,
        subject_mean: by_letter.accuracy - 0.01,
        right_probability: by_letter.accuracy - 0.04,
        by_text: None,
        shots: 0,
        language: Language::En,
        shortened: 0,
        left_out: 0,
        subjects: vec![SubjectScore { subject: "musicology".into(), by_letter, by_text: None }],
        right_probability_error: Some(0.021),
        wrong: (1..=8).map(wrong).collect(),
    }
}

pub fn prompts_report(words: &[&str]) -> PromptsReport {
    let asked = ["Which part of a violin sounds first?", "琴弓的毛是什么做的？"];
    let reply = |(prompt, answer): (&str, &&str)| PromptReply {
        prompt: prompt.into(),
        answer: (*answer).into(),
        tokens: 12,
        cut: answer.len() > 60,
    };
    PromptsReport { answers: asked.into_iter().zip(words).map(reply).collect(), left_out: 0 }
}
