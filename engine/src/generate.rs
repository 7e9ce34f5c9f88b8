//! Answers token by token, with a key/value cache.

use burn::tensor::Tensor;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::model::{KvCache, Model, Tape};
use crate::protocol::{FinishReason, PromptText, Sampling};
use crate::tokenizer::TextTokenizer;
use crate::{Error, Result, ops};

/// Prompt positions that are read at once, so that a cancel is heard during a long prompt.
const PREFILL: usize = 512;

/// What a generation came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    pub prompt_tokens: usize,
    pub ids: Vec<u32>,
    /// The token that ended the text, where one did; it is not among `ids`.
    pub end_id: Option<u32>,
    pub reason: FinishReason,
}

/// The prompt as token ids.
///
/// # Errors
/// `Template` from the chat template, `Refused` for chat without one, for an empty prompt.
pub fn prompt_ids(tokenizer: &TextTokenizer, text: &PromptText) -> Result<Vec<u32>> {
    let ids = match text {
        PromptText::Plain(text) => tokenizer.encode(text)?,
        PromptText::Chat(messages) => {
            if !tokenizer.has_template() {
                return Err(Error::Refused("this model has no chat template: send plain text instead".into()));
            }
            tokenizer.encode_bare(&tokenizer.render(messages, true, &serde_json::Map::new())?)?
        }
    };
    if ids.is_empty() {
        return Err(Error::Refused("the prompt is empty".into()));
    }
    Ok(ids)
}

/// Continues `prompt`. `each` gets every new id, None between the parts of a long prompt, and says whether to go on.
///
/// # Errors
/// `Refused` when the prompt leaves no room in the model's context, `Diverged`-like `Device` errors from the device.
pub fn generate(
    model: &Model,
    tokenizer: &TextTokenizer,
    prompt: &[u32],
    sampling: &Sampling,
    each: &mut dyn FnMut(Option<u32>) -> bool,
) -> Result<Generated> {
    model.require_language_head()?;
    model.check_ids(prompt, &model.source)?;
    let limit = model.config.max_positions.max(1);
    if prompt.len() >= limit {
        let reason = format!("the prompt has {} tokens and the model's context {limit}: shorten it", prompt.len());
        return Err(Error::Refused(reason));
    }
    let new = sampling.max_new_tokens.min(limit - prompt.len());
    let mut cache = KvCache::new(&model.config, prompt.len() + new, &model.device);
    let mut rng = StdRng::seed_from_u64(sampling.seed);
    let mut done =
        Generated { prompt_tokens: prompt.len(), ids: Vec::new(), end_id: None, reason: FinishReason::LengthLimit };
    let mut last = Vec::new();
    for part in prompt.chunks(PREFILL) {
        if !each(None) {
            done.reason = FinishReason::Cancelled;
            return Ok(done);
        }
        last = next_logits(model, part, &mut cache)?;
    }
    while done.ids.len() < new {
        let id = pick(&mut last, sampling, &mut rng).ok_or_else(|| Error::Device {
            device: "the model".into(),
            reason: "its logits are not numbers: the weights may be damaged".into(),
        })?;
        if tokenizer.eos_ids().contains(&id) {
            (done.end_id, done.reason) = (Some(id), FinishReason::EndOfText);
            break;
        }
        done.ids.push(id);
        if !each(Some(id)) {
            done.reason = FinishReason::Cancelled;
            break;
        }
        if done.ids.len() < new {
            last = next_logits(model, &[id], &mut cache)?;
        }
    }
    Ok(done)
}

/// Reads more tokens and returns the logits [vocabulary] after the last one.
fn next_logits(model: &Model, ids: &[u32], cache: &mut KvCache) -> Result<Vec<f32>> {
    let rows = model.rows(&[ids.len()], cache.len());
    let mut x: Tensor<2> = model.embed(ids, &rows, &mut Tape::off());
    for layer in 0..model.config.layers {
        x = model.block(layer, x, &rows, Some(cache), &mut Tape::off());
    }
    cache.advance(ids.len());
    let last = x.narrow(0, ids.len() - 1, 1);
    let h = model.final_norm(last, &mut Tape::off());
    ops::read(model.cap_logits(h.matmul(model.head().transpose())), "generating")
}

/// One token from logits: temperature, then top-k, then top-p (the order of transformers). None where a logit is NaN.
fn pick(logits: &mut [f32], sampling: &Sampling, rng: &mut StdRng) -> Option<u32> {
    if logits.iter().any(|l| l.is_nan()) {
        return None;
    }
    let best = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b]).then(b.cmp(&a)))?;
    if sampling.temperature <= 0.0 || sampling.top_k == 1 {
        return Some(best as u32);
    }
    let max = logits[best];
    let mut order: Vec<u32> = (0..logits.len() as u32).collect();
    let by_logit = |a: &u32, b: &u32| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b));
    let keep = if sampling.top_k == 0 { order.len() } else { sampling.top_k.min(order.len()) };
    if keep < order.len() {
        order.select_nth_unstable_by(keep - 1, by_logit);
        order.truncate(keep);
    }
    order.sort_unstable_by(by_logit);
    let weight = |id: u32| f64::from((logits[id as usize] - max) / sampling.temperature).exp();
    let total: f64 = order.iter().map(|&id| weight(id)).sum();
    let mut cumulative = 0.0;
    let mut kept = 0;
    for &id in &order {
        cumulative += weight(id);
        kept += 1;
        if cumulative >= f64::from(sampling.top_p) * total {
            break;
        }
    }
    let mut at = rng.random::<f64>() * cumulative;
    for &id in &order[..kept] {
        at -= weight(id);
        if at <= 0.0 {
            return Some(id);
        }
    }
    order.get(kept - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampling(temperature: f32, top_p: f32, top_k: usize) -> Sampling {
        Sampling { max_new_tokens: 1, temperature, top_p, top_k, seed: 1 }
    }

    fn counts(s: &Sampling) -> [usize; 4] {
        let mut rng = StdRng::seed_from_u64(3);
        let mut counts = [0; 4];
        for _ in 0..2000 {
            counts[pick(&mut [1.0, 3.0, 2.0, -1.0], s, &mut rng).unwrap() as usize] += 1;
        }
        counts
    }

    #[test]
    fn greedy_takes_the_first_of_the_largest() {
        let mut rng = StdRng::seed_from_u64(0);
        assert_eq!(pick(&mut [0.0, 2.0, 2.0], &sampling(0.0, 1.0, 0), &mut rng), Some(1));
    }

    #[test]
    fn top_k_and_top_p_cut_the_tail() {
        assert_eq!(counts(&sampling(1.0, 1.0, 2))[0], 0);
        let nucleus = counts(&sampling(1.0, 0.7, 0));
        assert_eq!((nucleus[0], nucleus[3]), (0, 0));
        assert!(nucleus[2] > 0);
    }

    #[test]
    fn frequencies_follow_the_probabilities() {
        let all = counts(&sampling(1.0, 1.0, 0));
        let z: f64 = [1.0f64, 3.0, 2.0, -1.0].iter().map(|v| v.exp()).sum();
        for (count, logit) in all.iter().zip([1.0f64, 3.0, 2.0, -1.0]) {
            assert!((*count as f64 / 2000.0 - logit.exp() / z).abs() < 0.04);
        }
    }

    #[test]
    fn nan_is_noticed() {
        let mut rng = StdRng::seed_from_u64(0);
        assert_eq!(pick(&mut [0.0, f32::NAN], &sampling(1.0, 1.0, 0), &mut rng), None);
    }
}
