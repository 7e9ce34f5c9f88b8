//! Log-probabilities that a model gives to tokens of given texts.

use burn::tensor::{Int, Tensor, TensorData};

use crate::model::{Model, Tape};
use crate::{Error, Result, ops};

/// Tokens that are read in one pass, at most, unless a single text is longer.
pub(super) const TOKENS_AT_ONCE: usize = 2048;
/// Logits of one chunk of the head stay below this many bytes.
const HEAD_CHUNK_BYTES: usize = 48 << 20;

/// A text as ids, and what is asked of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Probe {
    pub ids: Vec<u32>,
    /// A position, and a token that may come after it. A position may be asked for several tokens.
    pub asked: Vec<(usize, u32)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Heard {
    /// Natural logarithm of the token's probability.
    pub log_p: f64,
    /// It was the most likely one.
    pub likeliest: bool,
}

/// What the model says to each probe's questions, in their order.
///
/// # Errors
/// `BadModel` where a log-probability is not a number; the device's own.
pub(super) fn listen(model: &Model, probes: &[Probe]) -> Result<Vec<Vec<Heard>>> {
    let packed = ops::is_cpu(&model.device);
    let (mut ids, mut lengths, mut positions, mut targets) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for probe in probes {
        let start = ids.len();
        ids.extend_from_slice(&probe.ids);
        if !packed {
            // A GPU compiles kernels for every new shape; nothing looks ahead, so any id will do.
            ids.resize(start + probe.ids.len().next_multiple_of(64), 0);
        }
        lengths.push(ids.len() - start);
        for (position, target) in &probe.asked {
            positions.push((start + position) as i32);
            targets.push(*target);
        }
    }
    let mut heard = Vec::with_capacity(targets.len());
    if !targets.is_empty() {
        let x = model.hidden(&ids, &lengths);
        let rows = (HEAD_CHUNK_BYTES / (4 * model.config.vocab)).max(16);
        for (positions, targets) in positions.chunks(rows).zip(targets.chunks(rows)) {
            let index =
                Tensor::<1, Int>::from_data(TensorData::new(positions.to_vec(), [positions.len()]), &model.device);
            let h = model.final_norm(x.clone().select(0, index), &mut Tape::off());
            let logits = model.cap_logits(h.matmul(model.head().transpose()));
            let loss = ops::cross_entropy(logits, targets, &vec![1.0; targets.len()], false)?;
            heard.extend(loss.rows.iter().map(|(nll, hit)| Heard { log_p: -f64::from(*nll), likeliest: *hit }));
        }
    }
    if heard.iter().any(|heard| heard.log_p.is_nan()) {
        return Err(Error::model(&model.source, "logits", "they are not numbers: the weights may be damaged"));
    }
    let mut heard = heard.into_iter();
    Ok(probes.iter().map(|probe| heard.by_ref().take(probe.asked.len()).collect()).collect())
}

/// Neighbours that are read in one pass.
pub(super) fn in_batches<T>(items: &[T], tokens: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let mut batches = Vec::new();
    let (mut from, mut sum) = (0, 0);
    for (at, item) in items.iter().enumerate() {
        let count = tokens(item);
        if at > from && sum + count > TOKENS_AT_ONCE {
            batches.push(&items[from..at]);
            (from, sum) = (at, 0);
        }
        sum += count;
    }
    if from < items.len() {
        batches.push(&items[from..]);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_keep_the_order_and_the_limit() {
        let sizes = [1000, 1000, 1000, 5000, 10, 10];
        let batches = in_batches(&sizes, |size| *size);
        assert_eq!(batches, [&[1000, 1000][..], &[1000], &[5000], &[10, 10]]);
        assert!(in_batches(&[], |size: &usize| *size).is_empty());
    }
}
