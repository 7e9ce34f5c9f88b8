//! Answers to the prompts of a file, compared with its own answers: BLEU-4 and ROUGE.

use std::ops::ControlFlow;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::bleu::{Bleu, BleuCounts};
use super::rouge::Rouge;
use super::tokenise::{Language, alphanumeric_words};
use crate::data::{Encoded, IGNORED};
use crate::generate::generate;
use crate::model::Model;
use crate::protocol::{FinishReason, Sampling};
use crate::tokenizer::TextTokenizer;
use crate::{Error, Result};

/// A prompt with the answer that the file gives.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Exercise {
    /// Its row in the file, from 1.
    row: usize,
    prompt: Vec<u32>,
    reference: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GeneratedAnswer {
    pub row: usize,
    pub prompt: String,
    pub answer: String,
    pub reference: String,
    /// sacrebleu's sentence_bleu, 0 to 100.
    pub bleu: f64,
    /// F-measures, 0 to 1.
    pub rouge1: f64,
    pub rouge2: f64,
    #[serde(rename = "rougeL")]
    pub rouge_l: f64,
}

/// What answers can be put in order by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AnswerScore {
    Bleu,
    Rouge1,
    Rouge2,
    #[default]
    RougeL,
}

impl GeneratedAnswer {
    pub fn score(&self, by: AnswerScore) -> f64 {
        match by {
            AnswerScore::Bleu => self.bleu,
            AnswerScore::Rouge1 => self.rouge1,
            AnswerScore::Rouge2 => self.rouge2,
            AnswerScore::RougeL => self.rouge_l,
        }
    }
}

impl GenerationReport {
    /// The answers, the lowest score first.
    pub fn worst(&self, by: AnswerScore) -> Vec<&GeneratedAnswer> {
        let mut answers: Vec<&GeneratedAnswer> = self.answers.iter().collect();
        answers.sort_by(|a, b| a.score(by).total_cmp(&b.score(by)));
        answers
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GenerationReport {
    /// Of all answers as one corpus, as sacrebleu's corpus_bleu.
    pub bleu: Bleu,
    /// Means over the answers, on lower-cased words or single characters.
    pub rouge: Rouge,
    /// The same on rouge_score's default tokens, runs of a-z and 0-9; English only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rouge_alphanumeric: Option<Rouge>,
    /// Share of answers equal to the file's, 0 to 1.
    pub exact_match: f64,
    pub language: Language,
    /// sacrebleu's name of the tokeniser: 13a or zh.
    pub bleu_tokenizer: String,
    pub rows: usize,
    /// Rows whose prompt fills the model's context; not counted.
    pub left_out: usize,
    /// Answers that were cut at max_new_tokens.
    pub cut: usize,
    pub answers: Vec<GeneratedAnswer>,
}

/// The last answer of each row as an exercise. `rows` are as training would see them, learning the last answer only.
///
/// # Errors
/// `BadData` for rows of plain text.
pub(super) fn exercises(rows: &[Encoded], tokenizer: &TextTokenizer, file: &Path) -> Result<Vec<Exercise>> {
    let exercise = |row: &Encoded| {
        let end = row.labels.iter().rposition(|label| *label != IGNORED).map_or(0, |last| last + 1);
        let start = row.labels[..end].iter().rposition(|label| *label == IGNORED).map_or(0, |last| last + 1);
        if start == 0 {
            let reason = "it has no prompt; to be answered, a file needs questions and answers";
            return Err(Error::data(file, format!("row {}", row.row), reason));
        }
        let reference = spoken(&tokenizer.decode(&row.input_ids[start..end], true)).to_owned();
        Ok(Exercise { row: row.row, prompt: row.input_ids[..start].to_vec(), reference })
    };
    rows.iter().map(exercise).collect()
}

/// An answer without its thoughts.
pub(super) fn spoken(text: &str) -> &str {
    text.rsplit_once("</think>").map_or(text, |(_, rest)| rest).trim()
}

pub(super) fn measure(
    model: &Model,
    tokenizer: &TextTokenizer,
    exercises: &[Exercise],
    sampling: &Sampling,
    language: Language,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<GenerationReport> {
    let (total, context) = (exercises.len() as u64, model.config.max_positions);
    let (mut answers, mut cut) = (Vec::with_capacity(exercises.len()), 0);
    for (index, exercise) in exercises.iter().enumerate() {
        if exercise.prompt.len() < context {
            let mut go_on = || progress(index as u64, total).is_continue();
            let done = generate(model, tokenizer, &exercise.prompt, sampling, &mut |_| go_on())?;
            if done.reason == FinishReason::Cancelled {
                return Err(Error::Stopped);
            }
            cut += usize::from(done.reason == FinishReason::LengthLimit);
            let answer = spoken(&tokenizer.decode(&done.ids, true)).to_owned();
            answers.push((exercise, answer));
        }
        if progress(index as u64 + 1, total).is_break() {
            return Err(Error::Stopped);
        }
    }
    let left_out = exercises.len() - answers.len();
    let compared = answers.into_iter().map(|(exercise, answer)| {
        compare(exercise.row, tokenizer.decode(&exercise.prompt, false), answer, &exercise.reference, language)
    });
    let report = summary(compared.collect(), language);
    Ok(GenerationReport { left_out, cut, ..report })
}

fn compare(row: usize, prompt: String, answer: String, reference: &str, language: Language) -> GeneratedAnswer {
    let rouge = Rouge::of(&language.rouge_tokens(&answer), &language.rouge_tokens(reference));
    GeneratedAnswer {
        row,
        prompt,
        bleu: BleuCounts::of(&answer, reference, language).sentence().score,
        rouge1: rouge.rouge1.f,
        rouge2: rouge.rouge2.f,
        rouge_l: rouge.rouge_l.f,
        answer,
        reference: reference.to_owned(),
    }
}

fn summary(answers: Vec<GeneratedAnswer>, language: Language) -> GenerationReport {
    let mut counts = BleuCounts::default();
    let (mut rouge, mut alphanumeric, mut exact) = (Vec::new(), Vec::new(), 0usize);
    for GeneratedAnswer { answer, reference, .. } in &answers {
        counts.add(&BleuCounts::of(answer, reference, language));
        rouge.push(Rouge::of(&language.rouge_tokens(answer), &language.rouge_tokens(reference)));
        alphanumeric.push(Rouge::of(&alphanumeric_words(answer), &alphanumeric_words(reference)));
        exact += usize::from(answer == reference);
    }
    GenerationReport {
        bleu: counts.corpus(),
        rouge: Rouge::mean(&rouge),
        rouge_alphanumeric: (language == Language::En).then(|| Rouge::mean(&alphanumeric)),
        exact_match: exact as f64 / answers.len().max(1) as f64,
        language,
        bleu_tokenizer: language.bleu_tokenizer().into(),
        rows: answers.len(),
        left_out: 0,
        cut: 0,
        answers,
    }
}

/// The references, for choosing the language.
pub(super) fn references(exercises: &[Exercise]) -> impl Iterator<Item = &str> {
    exercises.iter().map(|exercise| exercise.reference.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_right_answers_scores_full_marks() {
        for (text, language) in [("One two three four five.", Language::En), ("今天天气很好。", Language::Zh)] {
            let right = compare(1, String::new(), text.into(), text, language);
            let wrong = compare(2, String::new(), "zzz".into(), text, language);
            let full = summary(vec![right.clone()], language);
            assert!((full.bleu.score - 100.0).abs() < 1e-9 && full.rouge.rouge_l.f == 1.0 && full.exact_match == 1.0);
            assert_eq!(full.rouge_alphanumeric.is_some(), language == Language::En);
            let half = summary(vec![right, wrong], language);
            let rows: Vec<usize> = half.worst(AnswerScore::Rouge1).into_iter().map(|answer| answer.row).collect();
            assert_eq!(rows, [2, 1]);
            assert_eq!((half.rouge.rouge1.f, half.exact_match, half.rows), (0.5, 0.5, 2));
            assert!(half.bleu.score < 100.0);
        }
    }

    #[test]
    fn thoughts_are_no_part_of_an_answer() {
        assert_eq!(spoken("<think>\nhm\n</think>\n\nYes. "), "Yes.");
        assert_eq!(spoken(" Yes."), "Yes.");
    }
}
