//! Log-probabilities that a model gives to tokens of given texts.

use crate::model::Model;
use crate::trainer::{Layout, TokenHead};
use crate::{Error, Result};

/// Tokens that are read in one pass, at most, unless a single text is longer.
pub(super) const TOKENS_AT_ONCE: usize = 2048;

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
    let texts: Vec<_> = probes.iter().map(|probe| (probe.ids.as_slice(), probe.asked.as_slice())).collect();
    let layout = Layout::asking(model, &texts);
    if layout.scored() == 0 {
        return Ok(vec![Vec::new(); probes.len()]);
    }
    let nothing = Default::default();
    let x = model.hidden(&layout.ids, &layout.lengths);
    let scored = TokenHead::new(model, &nothing).read(&x, &layout, false)?;
    let said = scored.logps.iter().zip(&scored.hits);
    let heard: Vec<Heard> = said.map(|(lp, hit)| Heard { log_p: f64::from(*lp), likeliest: *hit }).collect();
    if heard.iter().any(|heard| heard.log_p.is_nan()) {
        return Err(Error::model(&model.source, "logits", "they are not numbers: the weights may be damaged"));
    }
    Ok(layout.spans.iter().map(|span| heard[span.clone()].to_vec()).collect())
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
