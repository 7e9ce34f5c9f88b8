//! What an evaluation comes to: one report, or two side by side with what changed.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::choice::{Accuracy, ChoiceReport, SubjectScore};
use super::generation::{AnswerScore, GenerationReport};
use super::perplexity::PerplexityReport;
use super::prompts::PromptsReport;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "lowercase")]
pub enum EvalReport {
    Perplexity(PerplexityReport),
    Choice(ChoiceReport),
    Generation(GenerationReport),
    Prompts(PromptsReport),
}

/// One number of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    pub name: String,
    pub value: f64,
    /// Standard error of the value, from how much rows or questions differ among themselves; None: not known.
    pub error: Option<f64>,
}

/// A metric before and after training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub metric: String,
    pub before: f64,
    pub after: f64,
    pub difference: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvalOutcome {
    pub model: PathBuf,
    pub adapter: Option<PathBuf>,
    /// Its id and name.
    pub device: String,
    pub file: PathBuf,
    pub elapsed_secs: f64,
    /// What the person should know, each once.
    pub warnings: Vec<String>,
    #[serde(flatten)]
    pub measured: Measured,
}

/// The reports; a single one lies flat in the outcome's JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Measured {
    Compared { before: Box<EvalReport>, after: Box<EvalReport>, difference: Vec<Change> },
    Single(Box<EvalReport>),
}

impl EvalReport {
    /// Its numbers, most important first; the same names in the same order for the same task and file.
    pub fn metrics(&self) -> Vec<Metric> {
        let known = |name: &str, value, error| Metric { name: name.into(), value, error: Some(error) };
        let plain = |name: &str, value| Metric { name: name.into(), value, error: None };
        match self {
            Self::Perplexity(report) => {
                let error = report.loss_error;
                // e^x moves by e^x times the move of x.
                let perplexity = error.map(|error| error * report.perplexity);
                vec![
                    Metric { error: perplexity, ..plain("perplexity", report.perplexity) },
                    Metric { error, ..plain("loss", report.loss) },
                    Metric { error: report.token_accuracy_error, ..plain("token_accuracy", report.token_accuracy) },
                ]
            }
            Self::Choice(report) => {
                let of = |name: &str, score: &Accuracy| known(name, score.accuracy, score.standard_error());
                let mut numbers = vec![
                    of("accuracy", &report.by_letter),
                    Metric { error: mean_error(&report.subjects), ..plain("subject_mean", report.subject_mean) },
                    Metric {
                        error: report.right_probability_error,
                        ..plain("right_probability", report.right_probability)
                    },
                ];
                numbers.extend(report.by_text.as_ref().map(|score| of("accuracy_by_text", score)));
                let subjects = report.subjects.iter().filter(|_| report.subjects.len() > 1);
                numbers.extend(subjects.map(|score| of(&score.subject, &score.by_letter)));
                numbers
            }
            Self::Generation(report) => {
                let error =
                    |score: AnswerScore| standard_error(report.answers.iter().map(|answer| answer.score(score)));
                let rouge = |name: &str, value, score| Metric { error: error(score), ..plain(name, value) };
                let exact = report.answers.iter().map(|answer| f64::from(u8::from(answer.answer == answer.reference)));
                vec![
                    plain("bleu4", report.bleu.score),
                    rouge("rouge1", report.rouge.rouge1.f, AnswerScore::Rouge1),
                    rouge("rouge2", report.rouge.rouge2.f, AnswerScore::Rouge2),
                    rouge("rougeL", report.rouge.rouge_l.f, AnswerScore::RougeL),
                    Metric { error: standard_error(exact), ..plain("exact_match", report.exact_match) },
                ]
            }
            Self::Prompts(report) => {
                let lengths = || report.answers.iter().map(|answer| answer.tokens as f64);
                let mean = lengths().sum::<f64>() / report.answers.len().max(1) as f64;
                vec![Metric { error: standard_error(lengths()), ..plain("answer_tokens", mean) }]
            }
        }
    }

    /// What the numbers stand on: rows, questions or answers.
    pub fn count(&self) -> usize {
        match self {
            Self::Perplexity(report) => report.rows,
            Self::Choice(report) => report.by_letter.questions,
            Self::Generation(report) => report.rows,
            Self::Prompts(report) => report.answers.len(),
        }
    }

    /// Every metric of `self` beside that of `after`.
    pub(super) fn changes(&self, after: &Self) -> Vec<Change> {
        let pairs = self.metrics().into_iter().zip(after.metrics());
        pairs
            .map(|(before, after)| Change {
                metric: before.name,
                before: before.value,
                after: after.value,
                difference: after.value - before.value,
            })
            .collect()
    }
}

/// Standard error of the mean of the subjects' accuracies, from those of each; subjects without questions do not count.
fn mean_error(subjects: &[SubjectScore]) -> Option<f64> {
    let asked = subjects.iter().filter(|subject| subject.by_letter.questions > 0);
    let errors: Vec<f64> = asked.map(|subject| subject.by_letter.standard_error()).collect();
    let squares: f64 = errors.iter().map(|error| error * error).sum();
    (!errors.is_empty()).then(|| squares.sqrt() / errors.len() as f64)
}

/// Standard error of the mean of independent values; None for fewer than two.
pub(super) fn standard_error(values: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let n = values.clone().count() as f64;
    if n < 2.0 {
        return None;
    }
    let mean = values.clone().sum::<f64>() / n;
    let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    Some((variance / n).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn perplexity(loss: f64) -> EvalReport {
        EvalReport::Perplexity(PerplexityReport {
            perplexity: loss.exp(),
            loss,
            token_accuracy: 0.5,
            tokens: 10,
            rows: 2,
            dropped_rows: 0,
            loss_error: None,
            token_accuracy_error: None,
            worst: Vec::new(),
        })
    }

    fn outcome(measured: Measured) -> EvalOutcome {
        EvalOutcome {
            model: "m".into(),
            adapter: None,
            device: "cpu".into(),
            file: "f.json".into(),
            elapsed_secs: 1.0,
            warnings: Vec::new(),
            measured,
        }
    }

    #[test]
    fn one_report_lies_flat_and_two_lie_side_by_side() {
        let one = outcome(Measured::Single(Box::new(perplexity(1.0))));
        let json = serde_json::to_value(&one).unwrap();
        assert_eq!((json["task"].as_str(), json["loss"].as_f64()), (Some("perplexity"), Some(1.0)));
        assert_eq!(serde_json::from_value::<EvalOutcome>(json).unwrap(), one);

        let (before, after) = (perplexity(2.0), perplexity(1.5));
        let difference = before.changes(&after);
        assert_eq!((difference[1].metric.as_str(), difference[1].difference), ("loss", -0.5));
        let two = outcome(Measured::Compared { before: Box::new(before), after: Box::new(after), difference });
        let json = serde_json::to_value(&two).unwrap();
        assert_eq!((json["before"]["loss"].as_f64(), json["after"]["loss"].as_f64()), (Some(2.0), Some(1.5)));
        assert_eq!(serde_json::from_value::<EvalOutcome>(json).unwrap(), two);
    }

    #[test]
    fn errors_are_those_of_a_mean() {
        // Sample deviation of 1, 2, 3, 4 is sqrt(5/3); over sqrt(4).
        let error = standard_error([1.0, 2.0, 3.0, 4.0].into_iter()).unwrap();
        assert!((error - (5.0_f64 / 3.0).sqrt() / 2.0).abs() < 1e-12);
        assert_eq!(standard_error([1.0].into_iter()), None);
        let report = EvalReport::Perplexity(PerplexityReport {
            perplexity: 10.0,
            loss: 10.0_f64.ln(),
            token_accuracy: 0.5,
            tokens: 10,
            rows: 2,
            dropped_rows: 0,
            loss_error: Some(0.02),
            token_accuracy_error: None,
            worst: Vec::new(),
        });
        let errors: Vec<Option<f64>> = report.metrics().into_iter().map(|metric| metric.error).collect();
        assert_eq!(errors, [Some(0.2), Some(0.02), None]);
    }
}
