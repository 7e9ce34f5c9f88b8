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

impl Sequence<'_> {
    /// Each labelled token with the position that it is predicted from; the first token never is.
    fn asked(&self) -> Vec<(usize, u32)> {
        let later = self.labels.iter().enumerate().skip(1);
        later.filter_map(|(at, label)| u32::try_from(*label).ok().map(|id| (at - 1, id))).collect()
    }
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
        let asked: Vec<Vec<(usize, u32)>> = sequences.iter().map(Sequence::asked).collect();
        let texts = sequences.iter().zip(&asked).map(|(sequence, asked)| (sequence.ids, asked.as_slice()));
        Self::asking(model, &texts.collect::<Vec<_>>())
    }

    /// Texts, each with positions and tokens that may come after them; a position may be asked for several tokens.
    pub fn asking(model: &Model, texts: &[(&[u32], &[(usize, u32)])]) -> Self {
        let packed = ops::is_cpu(&model.device);
        let width = texts.iter().map(|(ids, _)| ids.len()).max().unwrap_or(0).next_multiple_of(64);
        let mut out = Self {
            ids: Vec::new(),
            lengths: Vec::new(),
            positions: Vec::new(),
            targets: Vec::new(),
            spans: Vec::new(),
            ends: Vec::new(),
            read: texts.iter().map(|(ids, _)| ids.len()).sum(),
        };
        for (ids, asked) in texts {
            let (start, first) = (out.ids.len(), out.targets.len());
            out.ids.extend_from_slice(ids);
            out.positions.extend(asked.iter().map(|(at, _)| (start + at) as i32));
            out.targets.extend(asked.iter().map(|(_, target)| *target));
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
