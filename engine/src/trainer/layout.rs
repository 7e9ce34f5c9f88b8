//! Sequences as the device wants them: packed on the CPU, padded to multiples of 64 on a GPU.

use std::ops::Range;

use crate::data::Encoded;
use crate::model::Model;
use crate::ops;

/// One sequence and which of its tokens are scored: `labels` is as long as `ids`, the id where a token is scored, below
/// zero where it is context. Not shifted.
#[derive(Debug, Clone, Copy)]
pub struct Sequence<'a> {
    pub ids: &'a [u32],
    pub labels: &'a [i32],
}

impl<'a> From<&'a Encoded> for Sequence<'a> {
    fn from(row: &'a Encoded) -> Self {
        Self { ids: &row.input_ids, labels: &row.labels }
    }
}

/// Sequences one below the other.
#[derive(Debug, Clone)]
pub struct Layout {
    pub ids: Vec<u32>,
    /// Tokens of each sequence, padding included.
    pub lengths: Vec<usize>,
    /// Row from which each scored token is predicted, and that token.
    pub positions: Vec<i32>,
    pub targets: Vec<u32>,
    /// The scored tokens of each sequence among `targets`.
    pub spans: Vec<Range<usize>>,
    /// Row of each sequence's last own token.
    pub ends: Vec<i32>,
    /// Tokens without padding.
    pub read: usize,
}

impl Layout {
    pub fn new(model: &Model, sequences: &[Sequence]) -> Self {
        let packed = ops::is_cpu(&model.device);
        let width = sequences.iter().map(|s| s.ids.len()).max().unwrap_or(0).next_multiple_of(64);
        let mut out = Self {
            ids: Vec::new(),
            lengths: Vec::new(),
            positions: Vec::new(),
            targets: Vec::new(),
            spans: Vec::new(),
            ends: Vec::new(),
            read: sequences.iter().map(|s| s.ids.len()).sum(),
        };
        for Sequence { ids, labels } in sequences {
            let (start, first) = (out.ids.len(), out.targets.len());
            out.ids.extend_from_slice(ids);
            for (at, label) in labels.iter().enumerate().skip(1) {
                if let Ok(target) = u32::try_from(*label) {
                    out.positions.push((start + at - 1) as i32);
                    out.targets.push(target);
                }
            }
            out.spans.push(first..out.targets.len());
            out.ends.push((start + ids.len()).saturating_sub(1) as i32);
            if !packed {
                out.ids.resize(start + width, 0); // nothing looks ahead, so any id will do
            }
            out.lengths.push(out.ids.len() - start);
        }
        out
    }

    /// Scored tokens of all sequences.
    pub fn scored(&self) -> usize {
        self.targets.len()
    }
}
