//! How long the rows are in tokens, and what the limit cuts.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::encode::{Coded, Encoder, IGNORED};
use super::mapping::{DataKind, Mapping};
use super::progress::Gauge;
use super::quality::{Cut, Facts};
use super::read::Table;
use super::sample::{Dialogue, Sample};
use super::turn::turn;
use crate::error::Result;

/// Rows that are tokenised to learn the lengths: so many at most, fewer where rows are long, but not less than that.
const TOKENISED: usize = 2_000;
const TOKENISED_BYTES: u64 = 500_000;
const TOKENISED_AT_LEAST: usize = 200;
/// Rows that may be longer than the limit are all tokenised if they are no more than this together: about 0.2 s.
const COUNTED_BYTES: u64 = 1_000_000;
const BUCKETS: usize = 20;

/// Lengths in tokens, as the model sees the rows but before they are cut off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenStats {
    /// Rows that were tokenised, spread over the file.
    pub sampled: usize,
    pub min: usize,
    pub mean: f32,
    pub p50: usize,
    pub p95: usize,
    pub max: usize,
    /// Bucket i counts lengths from i x `bucket_tokens` (included) to (i+1) x `bucket_tokens`.
    pub bucket_tokens: usize,
    /// 20 buckets.
    pub histogram: Vec<usize>,
    /// Share of rows longer than `cutoff_len`.
    pub cut_share: f32,
    /// Share of rows of which no answer token is left then.
    pub lost_share: f32,
    /// Learned tokens by all tokens, after the cut.
    pub learned_share: f32,
}

/// What was learned of the lengths.
#[derive(Debug, Default)]
pub(super) struct Lengths {
    pub tokens: Option<TokenStats>,
    /// Of the worse answers of pairs.
    pub rejected: Option<TokenStats>,
    /// In order.
    pub sorted: Vec<u32>,
    pub cut: Cut,
    pub warnings: Vec<String>,
}

/// A row's lengths: a pair has two.
type Measured = Result<(Coded, Option<Coded>), String>;

/// The table and how its rows are laid out.
pub(super) struct Measure<'a> {
    pub table: &'a Table,
    pub mapping: &'a Mapping,
    pub encoder: &'a Encoder<'a>,
    pub cutoff: usize,
    /// Of the file.
    pub bytes: u64,
}

impl Measure<'_> {
    /// Every how many rows one is tokenised.
    fn step(&self) -> usize {
        let rows = self.table.rows.len();
        let row_bytes = self.bytes / rows.max(1) as u64;
        let count = (TOKENISED_BYTES / row_bytes.max(1)) as usize;
        let count = count.clamp(TOKENISED_AT_LEAST, TOKENISED).min(rows);
        rows.div_ceil(count.max(1)).max(1)
    }

    /// Rows that will be tokenised.
    pub(super) fn sampled(&self) -> usize {
        self.table.rows.len().div_ceil(self.step())
    }

    /// Lengths of rows spread over the table, what the limit cuts, and what the person should know of them.
    pub(super) fn measure(&self, facts: &[Option<Facts>], gauge: &Gauge) -> Result<Lengths> {
        let indices: Vec<usize> = (0..self.table.rows.len()).step_by(self.step()).collect();
        let coded = self.code(&indices, gauge)?;
        let mut warnings = Vec::new();
        if let Some((index, Err(reason))) = coded.iter().find(|(_, outcome)| outcome.is_err()) {
            let count = coded.iter().filter(|(_, outcome)| outcome.is_err()).count();
            warnings.push(format!(
                "{count} of {} rows looked at cannot be laid out; {}: {reason}",
                coded.len(),
                self.table.place(*index)
            ));
        }
        let good: Vec<&Coded> = coded.iter().filter_map(|(_, outcome)| Some(&outcome.as_ref().ok()?.0)).collect();
        let rejected: Vec<&Coded> = coded.iter().filter_map(|(_, outcome)| outcome.as_ref().ok()?.1.as_ref()).collect();
        if good.iter().any(|coded| coded.last_turn_only) {
            warnings.push(
                "the chat template rewrites earlier turns: only the last answer of a conversation is learned".into(),
            );
        }
        if good.iter().any(|coded| coded.unclosed && coded.full_len == coded.input_ids.len()) {
            warnings.push(
                "the chat template ends an answer with no special token: the model does not learn where to stop".into(),
            );
        }
        if good.iter().any(|coded| coded.tools_unseen) {
            warnings.push("the chat template does not show the tools".into());
        }
        let tokens = statistics(&good).map(|stats| match self.mapping.kind() {
            // Nothing of a question is learned; one that fills the limit is lost.
            DataKind::Prompts => TokenStats { lost_share: stats.cut_share, ..stats },
            _ => stats,
        });
        let mut sorted: Vec<u32> = good.iter().map(|row| row.full_len as u32).collect();
        sorted.sort_unstable();
        let cut = self.cut(&coded, facts, gauge)?;
        Ok(Lengths { tokens, rejected: statistics(&rejected), sorted, cut, warnings })
    }

    fn code(&self, indices: &[usize], gauge: &Gauge) -> Result<Vec<(usize, Measured)>> {
        let rows = indices.par_iter().filter_map(|index| {
            if let Err(stopped) = gauge.add(1) {
                return Some(Err(stopped));
            }
            let sample = Sample::read(&self.table.rows[*index].fields, self.mapping).ok()?;
            Some(Ok((*index, self.code_one(&sample))))
        });
        rows.collect()
    }

    fn code_one(&self, sample: &Sample) -> Measured {
        let rejected = match sample {
            Sample::Preference { rejected, .. } => Some(self.encoder.encode_dialogue(rejected)?),
            _ => None,
        };
        Ok((self.encoder.encode(sample)?, rejected))
    }

    /// Which rows the limit cuts. A token has a byte at least, so that most rows need not be tokenised to know that they
    /// fit; where too many are left, the sample has to do.
    fn cut(&self, sample: &[(usize, Measured)], facts: &[Option<Facts>], gauge: &Gauge) -> Result<Cut> {
        let pair = [turn("user", "x".into(), false), turn("assistant", "x".into(), true)];
        let layout = self.encoder.encode_dialogue(&Dialogue::Chat { turns: pair.to_vec(), tools: None });
        let per_pair = layout.map_or(self.cutoff, |coded| coded.full_len);
        let may_be_cut =
            |facts: &Facts| facts.bytes as usize + per_pair * facts.turns.div_ceil(2).max(1) as usize > self.cutoff;
        let sampled = |index: &usize| sample.binary_search_by_key(index, |(index, _)| *index).is_ok();
        let mut left = Vec::new();
        let mut bytes = 0;
        for (index, facts) in facts.iter().enumerate() {
            if let Some(facts) = facts.as_ref().filter(|facts| may_be_cut(facts))
                && !sampled(&index)
            {
                left.push(index);
                bytes += u64::from(facts.bytes);
                if bytes > COUNTED_BYTES {
                    break;
                }
            }
        }
        let exact = bytes <= COUNTED_BYTES;
        let more = if exact { self.code(&left, gauge)? } else { Vec::new() };
        let mut all: Vec<&(usize, Measured)> = sample.iter().chain(&more).collect();
        all.sort_unstable_by_key(|(index, _)| *index);
        let mut cut = Cut { exact, ..Cut::default() };
        for (index, outcome) in all {
            let Ok((row, rejected)) = outcome else { continue };
            let sides = || std::iter::once(row).chain(rejected);
            if sides().any(|row| row.full_len > row.input_ids.len()) {
                cut.cut.add(*index);
                let is_lost = self.mapping.kind() == DataKind::Prompts || sides().any(|row| learned(row) == 0);
                if is_lost {
                    cut.lost.add(*index);
                }
            }
        }
        if !exact {
            let usable = facts.iter().flatten().count();
            let expected = |count: usize| (count as f64 * usable as f64 / sample.len().max(1) as f64).round() as usize;
            (cut.cut.count, cut.lost.count) = (expected(cut.cut.count), expected(cut.lost.count));
        }
        Ok(cut)
    }
}

fn learned(row: &Coded) -> usize {
    row.labels.iter().skip(1).filter(|label| **label != IGNORED).count()
}

fn statistics(rows: &[&Coded]) -> Option<TokenStats> {
    let mut lengths: Vec<usize> = rows.iter().map(|row| row.full_len).collect();
    lengths.sort_unstable();
    let (min, max) = (*lengths.first()?, *lengths.last()?);
    // Nearest rank.
    let rank = |share: f64| lengths[((share * lengths.len() as f64).ceil() as usize).clamp(1, lengths.len()) - 1];
    let bucket_tokens = (max + 1).div_ceil(BUCKETS);
    let mut histogram = vec![0; BUCKETS];
    lengths.iter().for_each(|length| histogram[(length / bucket_tokens).min(BUCKETS - 1)] += 1);
    let share = |count: usize| count as f32 / lengths.len() as f32;
    let seen: usize = rows.iter().map(|row| row.input_ids.len()).sum();
    Some(TokenStats {
        sampled: lengths.len(),
        min,
        mean: lengths.iter().sum::<usize>() as f32 / lengths.len() as f32,
        p50: rank(0.5),
        p95: rank(0.95),
        max,
        bucket_tokens,
        cut_share: share(rows.iter().filter(|row| row.full_len > row.input_ids.len()).count()),
        lost_share: share(rows.iter().filter(|row| learned(row) == 0).count()),
        learned_share: rows.iter().map(|row| learned(row)).sum::<usize>() as f32 / seen.max(1) as f32,
        histogram,
    })
}
