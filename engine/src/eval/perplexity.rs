//! Perplexity: e to the mean of -log p over the tokens that training would learn from a file.

use std::ops::ControlFlow;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::score::{self, Probe};
use crate::data::{self, Encoded, Example};
use crate::model::Model;
use crate::recipe::Recipe;
use crate::tokenizer::TextTokenizer;
use crate::{Error, Result};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PerplexityReport {
    pub perplexity: f64,
    /// Mean of -log p over all tokens that are learned, in nats.
    pub loss: f64,
    /// Share of those tokens that were the model's likeliest, 0 to 1.
    pub token_accuracy: f64,
    /// Tokens that were predicted: answers, or all but the first of a plain text.
    pub tokens: usize,
    pub rows: usize,
    /// Rows of which nothing could be predicted.
    pub dropped_rows: usize,
    /// Standard error of the loss, the rows taken as drawn at random: tokens of one row are no independent witnesses.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub loss_error: Option<f64>,
    /// That of the token accuracy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub token_accuracy_error: Option<f64>,
    /// The rows with the highest loss a token, the worst first.
    #[serde(default)]
    pub worst: Vec<WorstRow>,
}

/// A row that the model finds hard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorstRow {
    /// Its row in the file, from 1.
    pub row: usize,
    /// Mean of -log p over its predicted tokens, in nats.
    pub loss: f64,
    /// Tokens that were predicted.
    pub tokens: usize,
    /// What stands in it; the middle of a long one is left out.
    pub text: String,
}

/// Rows that a report shows.
const WORST: usize = 20;
/// Characters of a row's text that a report keeps.
const EXCERPT: usize = 800;

/// Sums over predicted tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TokenNll {
    /// Sum of -log p, in nats.
    pub sum: f64,
    pub count: usize,
    /// Tokens that were the likeliest.
    pub hits: usize,
}

/// Sums over the labelled tokens of some rows, which are read in one pass.
///
/// # Errors
/// `BadModel` where a log-probability is not a number; the device's own.
pub fn token_nll(model: &Model, rows: &[Encoded]) -> Result<TokenNll> {
    Ok(row_nlls(model, rows)?.into_iter().fold(TokenNll::default(), TokenNll::with))
}

/// The same of each row.
fn row_nlls(model: &Model, rows: &[Encoded]) -> Result<Vec<TokenNll>> {
    let probes: Vec<Probe> = rows.iter().map(probe).collect();
    let of_row = |heard: Vec<score::Heard>| {
        let one = |heard: score::Heard| TokenNll { sum: -heard.log_p, count: 1, hits: usize::from(heard.likeliest) };
        heard.into_iter().map(one).fold(TokenNll::default(), TokenNll::with)
    };
    Ok(score::listen(model, &probes)?.into_iter().map(of_row).collect())
}

impl TokenNll {
    fn with(self, other: Self) -> Self {
        Self { sum: self.sum + other.sum, count: self.count + other.count, hits: self.hits + other.hits }
    }

    fn mean(self) -> f64 {
        self.sum / self.count.max(1) as f64
    }
}

fn probe(row: &Encoded) -> Probe {
    let after = row.labels.iter().enumerate().skip(1);
    let asked = after.filter_map(|(at, label)| u32::try_from(*label).ok().map(|id| (at - 1, id))).collect();
    Probe { ids: row.input_ids.clone(), asked }
}

/// A data file's rows as training would see them.
pub(super) struct Rows {
    pub rows: Vec<Encoded>,
    /// Rows of which nothing could be predicted.
    pub dropped: usize,
    pub warnings: Vec<String>,
}

/// Reads a data file with the `recipe`'s other keys.
///
/// # Errors
/// As [`data::prepare`].
pub(super) fn rows_of(
    file: &Path,
    recipe: Recipe,
    tokenizer: &TextTokenizer,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<Rows> {
    let path = std::path::absolute(file).map_err(|error| Error::io(file, error))?;
    if !path.exists() {
        return Err(Error::io(file, std::io::ErrorKind::NotFound.into()));
    }
    let Some(name) = path.to_str() else {
        return Err(Error::data(file, "the file's name", "it is not UTF-8; rename the file"));
    };
    let prepared = data::prepare(&Recipe { dataset: vec![name.to_owned()], ..recipe }, tokenizer, progress)?;
    Ok(Rows { rows: answers(prepared.train)?, dropped: prepared.dropped, warnings: prepared.warnings })
}

/// The rows that a run by `recipe` would evaluate on.
///
/// # Errors
/// As [`data::prepare`]; `BadRecipe` where nothing is set aside.
pub(super) fn rows_set_aside(
    recipe: Recipe,
    tokenizer: &TextTokenizer,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<Rows> {
    if !recipe.has_eval_data() {
        let remedy = "write a share such as 0.1, or name a file as eval_dataset";
        return Err(Error::recipe("val_size", "no rows are set aside for evaluation", remedy));
    }
    let recipe = Recipe { replay_dataset: Vec::new(), forgetting_dataset: Vec::new(), ..recipe };
    let prepared = data::prepare(&recipe, tokenizer, progress)?;
    Ok(Rows { rows: answers(prepared.eval)?, dropped: prepared.dropped, warnings: prepared.warnings })
}

fn answers(examples: Vec<Example>) -> Result<Vec<Encoded>> {
    let answer = |example| match example {
        Example::Answer(row) => Ok(row),
        other => Err(Error::Internal(format!("row {} was read for another stage", other.row()))),
    };
    examples.into_iter().map(answer).collect()
}

pub(super) fn measure(
    model: &Model,
    tokenizer: &TextTokenizer,
    rows: &[Encoded],
    dropped_rows: usize,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<PerplexityReport> {
    let total: usize = rows.iter().map(|row| row.input_ids.len()).sum();
    let (mut each, mut read) = (Vec::with_capacity(rows.len()), 0);
    for batch in score::in_batches(rows, |row| row.input_ids.len()) {
        each.extend(row_nlls(model, batch)?);
        read += batch.iter().map(|row| row.input_ids.len()).sum::<usize>();
        if progress(read as u64, total as u64).is_break() {
            return Err(Error::Stopped);
        }
    }
    let sums = each.iter().copied().fold(TokenNll::default(), TokenNll::with);
    let loss = sums.mean();
    Ok(PerplexityReport {
        perplexity: loss.exp(),
        loss,
        token_accuracy: sums.hits as f64 / sums.count.max(1) as f64,
        tokens: sums.count,
        rows: rows.len(),
        dropped_rows,
        loss_error: ratio_error(&each, |row| row.sum),
        token_accuracy_error: ratio_error(&each, |row| row.hits as f64),
        worst: worst(&each, rows, tokenizer),
    })
}

/// Of a ratio of sums over independent rows (Cochran 1977, 2.46): deviations of each row from its share of the mean.
fn ratio_error(rows: &[TokenNll], of: impl Fn(&TokenNll) -> f64) -> Option<f64> {
    let tokens: usize = rows.iter().map(|row| row.count).sum();
    if rows.len() < 2 || tokens == 0 {
        return None;
    }
    let (n, tokens) = (rows.len() as f64, tokens as f64);
    let mean = rows.iter().map(&of).sum::<f64>() / tokens;
    let squares: f64 = rows.iter().map(|row| (of(row) - mean * row.count as f64).powi(2)).sum();
    Some((n / (n - 1.0) * squares).sqrt() / tokens)
}

fn worst(each: &[TokenNll], rows: &[Encoded], tokenizer: &TextTokenizer) -> Vec<WorstRow> {
    let mut order: Vec<usize> = (0..each.len().min(rows.len())).filter(|at| each[*at].count > 0).collect();
    order.sort_by(|a, b| each[*b].mean().total_cmp(&each[*a].mean()));
    let row = |at: usize| WorstRow {
        row: rows[at].row,
        loss: each[at].mean(),
        tokens: each[at].count,
        text: excerpt(tokenizer.decode(&rows[at].input_ids, true).trim(), EXCERPT),
    };
    order.into_iter().take(WORST).map(row).collect()
}

/// At most `most` characters of a text: its beginning and its end.
fn excerpt(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let head: String = text.chars().take(most / 2).collect();
    let tail: String = text.chars().skip(count - most / 2).collect();
    format!("{head} … {tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_differ_make_the_loss_uncertain() {
        let row = |sum, count| TokenNll { sum, count, hits: 0 };
        let loss_error = |rows: &[TokenNll]| ratio_error(rows, |row| row.sum);
        assert_eq!(loss_error(&[row(2.0, 2), row(4.0, 4)]), Some(0.0));
        // Equal lengths: the standard error of the mean of 1, 2, 3, 4.
        let error = loss_error(&[row(3.0, 3), row(6.0, 3), row(9.0, 3), row(12.0, 3)]).unwrap();
        assert!((error - (5.0_f64 / 3.0).sqrt() / 2.0).abs() < 1e-12, "{error}");
        assert_eq!(loss_error(&[row(3.0, 3)]), None);
    }

    #[test]
    fn an_excerpt_keeps_both_ends() {
        assert_eq!(excerpt("short", 10), "short");
        assert_eq!(excerpt("琴弦先振动然后传到面板", 6), "琴弦先 … 到面板");
    }
}
