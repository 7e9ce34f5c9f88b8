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
}

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
    let probes: Vec<Probe> = rows.iter().map(probe).collect();
    let mut sums = TokenNll::default();
    for heard in score::listen(model, &probes)?.into_iter().flatten() {
        sums.sum -= heard.log_p;
        sums.count += 1;
        sums.hits += usize::from(heard.likeliest);
    }
    Ok(sums)
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
    let rows = prepared.train.into_iter().map(|example| match example {
        Example::Answer(row) => Ok(row),
        other => Err(Error::Internal(format!("row {} was read for another stage", other.row()))),
    });
    Ok(Rows { rows: rows.collect::<Result<_>>()?, dropped: prepared.dropped, warnings: prepared.warnings })
}

pub(super) fn measure(
    model: &Model,
    rows: &[Encoded],
    dropped_rows: usize,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<PerplexityReport> {
    let total: usize = rows.iter().map(|row| row.input_ids.len()).sum();
    let (mut sums, mut read) = (TokenNll::default(), 0);
    for batch in score::in_batches(rows, |row| row.input_ids.len()) {
        let TokenNll { sum, count, hits } = token_nll(model, batch)?;
        sums = TokenNll { sum: sums.sum + sum, count: sums.count + count, hits: sums.hits + hits };
        read += batch.iter().map(|row| row.input_ids.len()).sum::<usize>();
        if progress(read as u64, total as u64).is_break() {
            return Err(Error::Stopped);
        }
    }
    let loss = sums.sum / sums.count.max(1) as f64;
    Ok(PerplexityReport {
        perplexity: loss.exp(),
        loss,
        token_accuracy: sums.hits as f64 / sums.count.max(1) as f64,
        tokens: sums.count,
        rows: rows.len(),
        dropped_rows,
    })
}
