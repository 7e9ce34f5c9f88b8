//! A row as the method of its stage learns it.

use super::encode::{Encoded, IGNORED};

#[derive(Debug, Clone, PartialEq)]
pub enum Example {
    /// Text, or a question with its answer (pt, sft).
    Answer(Encoded),
    /// A question with a better and a worse answer (rm, dpo).
    Pair { chosen: Encoded, rejected: Encoded },
    /// A question with one answer that was liked or not (kto).
    Marked { answer: Encoded, liked: bool },
    /// A question that the policy answers (ppo): ids of the prompt as generation would read it, no label.
    Prompt(Encoded),
}

impl Example {
    /// Its number in its file, from 1.
    pub fn row(&self) -> usize {
        self.first().row
    }

    /// Tokens of all its sequences.
    pub fn tokens(&self) -> usize {
        match self {
            Self::Pair { chosen, rejected } => chosen.input_ids.len() + rejected.input_ids.len(),
            other => other.first().input_ids.len(),
        }
    }

    /// All its sequences.
    pub fn sequences(&self) -> impl Iterator<Item = &Encoded> {
        let second = match self {
            Self::Pair { rejected, .. } => Some(rejected),
            _ => None,
        };
        std::iter::once(self.first()).chain(second)
    }

    /// Its only sequence, or the better one of a pair.
    pub fn first(&self) -> &Encoded {
        match self {
            Self::Answer(row)
            | Self::Prompt(row)
            | Self::Marked { answer: row, .. }
            | Self::Pair { chosen: row, .. } => row,
        }
    }
}

/// KTO's mismatched row: the prompt of `marked` with the answer of `other`, cut to `cutoff` tokens. The prompt is what
/// stands before the first learned token; the answer is what stands from there on, as far as `other` itself was not cut.
pub fn mismatched(marked: &Encoded, other: &Encoded, cutoff: usize) -> Encoded {
    let answer_start =
        |row: &Encoded| row.labels.iter().position(|label| *label != IGNORED).unwrap_or(row.labels.len());
    let (prompt, answer) = (answer_start(marked), answer_start(other));
    let mut input_ids = [&marked.input_ids[..prompt], &other.input_ids[answer..]].concat();
    let mut labels = [&marked.labels[..prompt], &other.labels[answer..]].concat();
    input_ids.truncate(cutoff);
    labels.truncate(cutoff);
    Encoded { row: marked.row, input_ids, labels }
}
