//! Multiple choice by log-likelihood: the letter to which the model gives most after "Answer:" (Hendrycks et al. 2021).
//!
//! With `by_text` the options are also compared as texts behind the bare question, log-likelihood per byte (the
//! `acc_norm` of lm-evaluation-harness).

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::questions::{LETTERS, Question, Subject};
use super::report::standard_error;
use super::score::{self, Probe};
use super::tokenise::Language;
use super::wording::{Asked, Wording};
use crate::model::Model;
use crate::tokenizer::TextTokenizer;
use crate::{Error, Result};

/// How the questions are put.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChoiceOptions {
    /// Solved examples before each question.
    pub shots: usize,
    /// Through the chat template, examples as earlier turns (as LLaMA-Factory does), instead of one plain text.
    pub chat: bool,
    /// Compare whole options as well; takes about five times as long.
    pub by_text: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    pub accuracy: f64,
    /// Bounds of the 95 % confidence interval (Wilson 1927).
    pub confidence_95: [f64; 2],
    pub correct: usize,
    pub questions: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubjectScore {
    pub subject: String,
    #[serde(flatten)]
    pub by_letter: Accuracy,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by_text: Option<Accuracy>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChoiceReport {
    /// Over all questions.
    #[serde(flatten)]
    pub by_letter: Accuracy,
    /// Mean of the subjects' accuracies.
    pub subject_mean: f64,
    /// Mean probability of the right letter among the four: moves where accuracy does not yet.
    pub right_probability: f64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by_text: Option<Accuracy>,
    pub shots: usize,
    pub language: Language,
    /// Questions before which examples were left out, so that they fit into the context.
    pub shortened: usize,
    /// Questions too long for the context even alone; not counted.
    pub left_out: usize,
    pub subjects: Vec<SubjectScore>,
    /// Standard error of `right_probability`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub right_probability_error: Option<f64>,
    /// Questions answered wrong by letter, the most certain mistakes first; at most 50.
    #[serde(default)]
    pub wrong: Vec<WrongAnswer>,
}

/// A question whose likeliest letter was not the right one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WrongAnswer {
    pub subject: String,
    /// Where it begins in its file, from 1.
    pub line: usize,
    pub question: String,
    pub options: [String; 4],
    /// Indices of the options.
    pub right: usize,
    pub given: usize,
    /// Of the four letters among themselves; they sum to 1.
    pub probabilities: [f64; 4],
}

/// Mistakes that a report shows.
const WRONG: usize = 50;

impl Accuracy {
    pub fn new(correct: usize, questions: usize) -> Self {
        const Z: f64 = 1.959_963_984_540_054;
        if questions == 0 {
            return Self { confidence_95: [0.0, 1.0], ..Self::default() };
        }
        let (n, p) = (questions as f64, correct as f64 / questions as f64);
        let centre = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        let confidence_95 = [(centre - half).max(0.0), (centre + half).min(1.0)];
        Self { accuracy: p, confidence_95, correct, questions }
    }

    /// Of the accuracy, as lm-evaluation-harness gives it.
    pub fn standard_error(&self) -> f64 {
        let spread = self.accuracy * (1.0 - self.accuracy);
        (spread / self.questions.saturating_sub(1).max(1) as f64).sqrt()
    }
}

/// The four answers behind what was asked: what their ids have in common, and the rest of each.
#[derive(Debug, Clone, PartialEq)]
struct Candidates {
    common: Vec<u32>,
    rest: [Vec<u32>; 4],
}

impl Candidates {
    /// `whole`: every token behind the prompt is an answer's; else what all four begin with counts to the prompt, which
    /// changes none of their differences.
    fn new(tokenizer: &TextTokenizer, asked: &Asked, answers: &[String; 4], whole: bool) -> Result<Self> {
        let (text, chat) = match asked {
            Asked::Plain(text) => (text.clone(), false),
            Asked::Chat(turns) => (tokenizer.render(turns, true, &serde_json::Map::new())?, true),
        };
        let ids_of = |text: &str| if chat { tokenizer.encode_bare(text) } else { tokenizer.encode(text) };
        let all = answers.iter().map(|answer| ids_of(&format!("{text}{answer}"))).collect::<Result<Vec<_>>>()?;
        let prompt = if whole { ids_of(&text)? } else { all[0].clone() };
        let shortest = all.iter().map(Vec::len).min().unwrap_or(0);
        // Each answer keeps a token of its own, even one that begins like another and ends sooner.
        let most = shortest.saturating_sub(1).min(prompt.len());
        let common = (0..most).take_while(|at| all.iter().all(|ids| ids[*at] == prompt[*at])).count();
        if common == 0 {
            return Err(Error::Refused("the tokenizer makes nothing of a question".into()));
        }
        let rest = [0, 1, 2, 3].map(|answer| all[answer][common..].to_vec());
        Ok(Self { common: all[0][..common].to_vec(), rest })
    }

    fn longest(&self) -> usize {
        self.common.len() + self.rest.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// One text where every answer is one token, else one for each answer.
    fn probes(&self) -> Vec<Probe> {
        let last = self.common.len() - 1;
        if self.rest.iter().all(|rest| rest.len() == 1) {
            let asked = self.rest.iter().map(|rest| (last, rest[0])).collect();
            return vec![Probe { ids: self.common.clone(), asked }];
        }
        let probe = |rest: &Vec<u32>| {
            let asked = rest.iter().enumerate().map(|(at, id)| (last + at, *id)).collect();
            Probe { ids: [&self.common[..], &rest[..rest.len() - 1]].concat(), asked }
        };
        self.rest.iter().map(probe).collect()
    }

    /// Log-likelihood of each answer, in nats.
    fn likelihoods(&self, model: &Model) -> Result<[f64; 4]> {
        let probes = self.probes();
        let heard = score::listen(model, &probes)?;
        let sums: Vec<f64> = if probes.len() == 1 {
            heard[0].iter().map(|heard| heard.log_p).collect()
        } else {
            heard.iter().map(|answer| answer.iter().map(|heard| heard.log_p).sum()).collect()
        };
        Ok([sums[0], sums[1], sums[2], sums[3]])
    }
}

/// The first of the largest.
fn likeliest(values: &[f64; 4]) -> usize {
    (0..4).fold(0, |best, at| if values[at] > values[best] { at } else { best })
}

/// Log-likelihoods as probabilities that sum to 1.
fn among_themselves(likelihoods: &[f64; 4]) -> [f64; 4] {
    let best = likelihoods.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights = likelihoods.map(|value| (value - best).exp());
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

#[derive(Default)]
struct Tally {
    correct: usize,
    correct_by_text: usize,
    questions: usize,
    /// Of each question.
    right_probabilities: Vec<f64>,
    shortened: usize,
    left_out: usize,
    wrong: Vec<WrongAnswer>,
}

/// Who asks whom, and how.
pub(super) struct Examiner<'a> {
    pub model: &'a Model,
    pub tokenizer: &'a TextTokenizer,
    pub options: &'a ChoiceOptions,
    pub language: Language,
    /// Tokens that a question may have with everything around it.
    pub limit: usize,
}

impl Examiner<'_> {
    pub(super) fn measure(
        &self,
        subjects: &[Subject],
        progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<ChoiceReport> {
        let Self { options, language, limit, .. } = *self;
        if options.chat && !self.tokenizer.has_template() {
            return Err(Error::Refused("this model has no chat template: leave --chat out".into()));
        }
        let total: usize = subjects.iter().map(|subject| subject.questions.len()).sum();
        let (mut done, mut all) = (0, Tally::default());
        let mut scores = Vec::with_capacity(subjects.len());
        for subject in subjects {
            let wording = Wording { language, subject: &subject.name, chat: options.chat };
            let mut tally = Tally::default();
            for question in &subject.questions {
                self.answer(&wording, question, &subject.shots, &mut tally)
                    .map_err(|error| at_question(error, subject, question))?;
                done += 1;
                if progress(done, total as u64).is_break() {
                    return Err(Error::Stopped);
                }
            }
            let of = |correct| Accuracy::new(correct, tally.questions);
            scores.push(SubjectScore {
                subject: subject.name.clone(),
                by_letter: of(tally.correct),
                by_text: options.by_text.then(|| of(tally.correct_by_text)),
            });
            all.correct += tally.correct;
            all.correct_by_text += tally.correct_by_text;
            all.questions += tally.questions;
            all.right_probabilities.extend(tally.right_probabilities);
            all.wrong.extend(tally.wrong);
            all.shortened += tally.shortened;
            all.left_out += tally.left_out;
        }
        if all.questions == 0 {
            let reason = format!("no question fits into {limit} tokens");
            return Err(Error::data(&subjects[0].file, "the whole file", reason));
        }
        let answered: Vec<f64> =
            scores.iter().filter(|s| s.by_letter.questions > 0).map(|s| s.by_letter.accuracy).collect();
        all.wrong.sort_by(|a, b| b.probabilities[b.given].total_cmp(&a.probabilities[a.given]));
        all.wrong.truncate(WRONG);
        let right = all.right_probabilities;
        Ok(ChoiceReport {
            by_letter: Accuracy::new(all.correct, all.questions),
            subject_mean: answered.iter().sum::<f64>() / answered.len() as f64,
            right_probability: right.iter().sum::<f64>() / all.questions as f64,
            right_probability_error: standard_error(right.iter().copied()),
            by_text: options.by_text.then(|| Accuracy::new(all.correct_by_text, all.questions)),
            shots: options.shots,
            language,
            shortened: all.shortened,
            left_out: all.left_out,
            subjects: scores,
            wrong: all.wrong,
        })
    }

    fn answer(&self, wording: &Wording<'_>, question: &Question, shots: &[Question], tally: &mut Tally) -> Result<()> {
        let letters = LETTERS.map(|letter| wording.answer(letter));
        let Some((candidates, left)) = self.fitted(wording, question, shots, &letters)? else {
            tally.left_out += 1;
            return Ok(());
        };
        tally.questions += 1;
        tally.shortened += usize::from(left < shots.len());
        let likelihoods = candidates.likelihoods(self.model)?;
        let (given, probabilities) = (likeliest(&likelihoods), among_themselves(&likelihoods));
        tally.right_probabilities.push(probabilities[question.answer]);
        if given == question.answer {
            tally.correct += 1;
        } else {
            tally.wrong.push(WrongAnswer {
                subject: wording.subject.to_owned(),
                line: question.line,
                question: question.text.clone(),
                options: question.options.clone(),
                right: question.answer,
                given,
                probabilities,
            });
        }
        if self.options.by_text {
            let texts = [0, 1, 2, 3].map(|at| wording.answer(&question.options[at]));
            let asked = wording.ask(question, &shots[shots.len() - left..], false);
            let candidates = Candidates::new(self.tokenizer, &asked, &texts, true)?;
            if candidates.longest() <= self.limit {
                let mut likelihoods = candidates.likelihoods(self.model)?;
                for (value, option) in likelihoods.iter_mut().zip(&question.options) {
                    *value /= option.len().max(1) as f64;
                }
                tally.correct_by_text += usize::from(likeliest(&likelihoods) == question.answer);
            }
        }
        Ok(())
    }

    /// The question with as many examples as fit, the last ones; None if it does not fit alone.
    fn fitted(
        &self,
        wording: &Wording<'_>,
        question: &Question,
        shots: &[Question],
        answers: &[String; 4],
    ) -> Result<Option<(Candidates, usize)>> {
        for from in 0..=shots.len() {
            let asked = wording.ask(question, &shots[from..], true);
            let candidates = Candidates::new(self.tokenizer, &asked, answers, false)?;
            if candidates.longest() <= self.limit {
                return Ok(Some((candidates, shots.len() - from)));
            }
        }
        Ok(None)
    }
}

/// Template errors know no file.
fn at_question(error: Error, subject: &Subject, question: &Question) -> Error {
    match error {
        Error::Template(_) | Error::Refused(_) => {
            Error::data(&subject.file, format!("line {}", question.line), error.to_string())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_serves_four_single_tokens() {
        let single = Candidates { common: vec![7, 8], rest: [vec![1], vec![2], vec![3], vec![4]] };
        assert_eq!(single.probes(), [Probe { ids: vec![7, 8], asked: vec![(1, 1), (1, 2), (1, 3), (1, 4)] }]);
        let longer = Candidates { common: vec![7, 8], rest: [vec![1, 5], vec![2], vec![3], vec![4]] };
        assert_eq!(longer.probes()[0], Probe { ids: vec![7, 8, 1], asked: vec![(1, 1), (2, 5)] });
        assert_eq!(longer.probes()[3], Probe { ids: vec![7, 8], asked: vec![(1, 4)] });
    }

    #[test]
    fn the_interval_is_wilsons() {
        // statsmodels: proportion_confint(15, 20, method="wilson")
        let some = Accuracy::new(15, 20).confidence_95;
        assert!((some[0] - 0.531_299_1).abs() < 1e-6 && (some[1] - 0.888_138_3).abs() < 1e-6, "{some:?}");
        for (correct, questions) in [(0, 5), (5, 5), (0, 0), (1, 1000)] {
            let Accuracy { accuracy, confidence_95: [low, high], .. } = Accuracy::new(correct, questions);
            assert!(0.0 <= low && low <= accuracy + 1e-12 && accuracy <= high + 1e-12 && high <= 1.0);
        }
        let width = |n: usize| Accuracy::new(n / 2, n).confidence_95[1] - Accuracy::new(n / 2, n).confidence_95[0];
        assert!(width(10) > width(100) && width(100) > width(1000));
    }

    #[test]
    fn probabilities_are_those_of_the_four_letters() {
        let four = among_themselves(&[-1000.0, -1000.0 + 3.0_f64.ln(), f64::NEG_INFINITY, -1000.0]);
        for (got, wanted) in four.into_iter().zip([0.2, 0.6, 0.0, 0.2]) {
            assert!((got - wanted).abs() < 1e-12, "{four:?}");
        }
        // sqrt(0.75 * 0.25 / 19)
        assert!((Accuracy::new(15, 20).standard_error() - 0.099_339_927).abs() < 1e-8);
    }

    #[test]
    fn of_equals_the_first_is_taken() {
        assert_eq!(likeliest(&[-2.0, -1.0, -1.0, -3.0]), 1);
    }
}
