//! Answers token by token, with a key/value cache: one, or many side by side.
//!
//! Decoding waits for the weights to come out of memory, so the unfinished answers of a batch take their next token in
//! lock-step: one pass over the weights serves them all, where they are enough to be worth it.

mod odds;
mod pick;
mod prompt;

use burn::tensor::{Int, Tensor, TensorData};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rayon::prelude::*;

pub use self::odds::Odds;
use self::odds::odds;
use self::pick::pick;
pub use self::prompt::prompt_ids;
use crate::adapter::Method;
use crate::model::{KvCache, Model, Param, Tape};
use crate::protocol::{FinishReason, Sampling};
use crate::tokenizer::TextTokenizer;
use crate::{Error, Result, ops};

/// Prompt positions that are read at once, so that a cancel is heard during a long prompt.
const PREFILL: usize = 512;

/// Bytes of keys and values that answers side by side may take. One answer is always possible.
pub const CACHE_BYTES: usize = 1 << 30;

/// What a generation came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    pub prompt_tokens: usize,
    pub ids: Vec<u32>,
    /// The token that ended the text, where one did; it is not among `ids`.
    pub end_id: Option<u32>,
    pub reason: FinishReason,
}

/// A token that was just taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    pub id: u32,
    /// Where they were asked for.
    pub odds: Option<Odds>,
}

/// Continues `prompt`. `each` gets every new id, None between the parts of a long prompt, and says whether to go on.
///
/// # Errors
/// `Refused` when the prompt leaves no room in the model's context, `BadData` for ids outside its vocabulary, `Device`
/// errors from the device.
pub fn generate(
    model: &Model,
    tokenizer: &TextTokenizer,
    prompt: &[u32],
    sampling: &Sampling,
    each: &mut dyn FnMut(Option<u32>) -> bool,
) -> Result<Generated> {
    generate_telling(model, tokenizer, prompt, sampling, 0, &mut |taken| each(taken.map(|taken| taken.id)))
}

/// The same; with `alternatives`, each token comes with its [`Odds`] and at most so many of the likeliest.
///
/// # Errors
/// Those of [`generate`].
pub fn generate_telling(
    model: &Model,
    tokenizer: &TextTokenizer,
    prompt: &[u32],
    sampling: &Sampling,
    alternatives: usize,
    each: &mut dyn FnMut(Option<&Taken>) -> bool,
) -> Result<Generated> {
    let mut answers = [Answer { alternatives, ..Answer::new(model, prompt, sampling)? }];
    side_by_side(model, tokenizer, &mut answers, &mut |taken| each(taken.first()))?;
    let [answer] = answers;
    Ok(answer.done)
}

/// Continues many prompts side by side, each by its own sampling: with the same seed an answer is that of [`generate`],
/// up to rounding (sums in another order can tip a draw between tokens that are as good as equally likely).
/// `each` gets the number of new tokens of all answers so far, at every step and between parts of the prompts, and says
/// whether to go on; if not, answers that have not come to their end are `Cancelled`.
///
/// # Errors
/// Those of [`generate`], naming the prompt by its number from 1, before anything is read.
pub fn generate_many(
    model: &Model,
    tokenizer: &TextTokenizer,
    prompts: &[Vec<u32>],
    samplings: &[Sampling],
    each: &mut dyn FnMut(usize) -> bool,
) -> Result<Vec<Generated>> {
    let most = CACHE_BYTES / KvCache::position_bytes(&model.config);
    batch_by_batch(model, tokenizer, prompts, samplings, most, each)
}

/// The same with at most so many positions side by side.
fn batch_by_batch(
    model: &Model,
    tokenizer: &TextTokenizer,
    prompts: &[Vec<u32>],
    samplings: &[Sampling],
    most: usize,
    each: &mut dyn FnMut(usize) -> bool,
) -> Result<Vec<Generated>> {
    if prompts.len() != samplings.len() {
        let reason = format!("{} prompts with {} samplings", prompts.len(), samplings.len());
        return Err(Error::Internal(reason));
    }
    let answers = prompts.iter().zip(samplings).enumerate().map(|(i, (prompt, sampling))| {
        Answer::new(model, prompt, sampling).map_err(|e| Error::Refused(format!("prompt {}: {e}", i + 1)))
    });
    let mut answers: Vec<Answer> = answers.collect::<Result<_>>()?;
    let sizes: Vec<usize> = answers.iter().map(Answer::positions).collect();
    let (mut start, mut new_tokens, mut go_on) = (0, 0, true);
    for count in batches(&sizes, most) {
        let batch = &mut answers[start..start + count];
        start += count;
        if go_on {
            go_on = side_by_side(model, tokenizer, batch, &mut |taken| {
                new_tokens += taken.len();
                each(new_tokens)
            })?;
        } else {
            batch.iter_mut().for_each(|answer| answer.done.reason = FinishReason::Cancelled);
        }
    }
    Ok(answers.into_iter().map(|answer| answer.done).collect())
}

/// How many answers of these sizes go side by side, batch by batch in their order; none is split.
fn batches(sizes: &[usize], most: usize) -> Vec<usize> {
    let mut batches: Vec<usize> = Vec::new();
    let mut filled = 0;
    for &size in sizes {
        match batches.last_mut() {
            Some(count) if filled + size <= most => {
                *count += 1;
                filled += size;
            }
            _ => {
                batches.push(1);
                filled = size;
            }
        }
    }
    batches
}

/// One answer on its way.
struct Answer<'a> {
    prompt: &'a [u32],
    sampling: &'a Sampling,
    rng: StdRng,
    /// Most tokens that it may get.
    limit: usize,
    /// How many alternatives to each token are told; 0: nothing of the kind.
    alternatives: usize,
    /// Logits after what was read last.
    logits: Vec<f32>,
    done: Generated,
}

impl<'a> Answer<'a> {
    fn new(model: &Model, prompt: &'a [u32], sampling: &'a Sampling) -> Result<Self> {
        model.require_language_head()?;
        model.check_ids(prompt, &model.source)?;
        let context = model.config.max_positions.max(1);
        if prompt.is_empty() {
            return Err(Error::Refused("the prompt is empty".into()));
        }
        if prompt.len() >= context {
            let reason =
                format!("the prompt has {} tokens and the model's context {context}: shorten it", prompt.len());
            return Err(Error::Refused(reason));
        }
        let done =
            Generated { prompt_tokens: prompt.len(), ids: Vec::new(), end_id: None, reason: FinishReason::LengthLimit };
        let limit = sampling.max_new_tokens.min(context - prompt.len());
        let rng = StdRng::seed_from_u64(sampling.seed);
        Ok(Self { prompt, sampling, rng, limit, alternatives: 0, logits: Vec::new(), done })
    }

    /// Positions that its keys and values take at most.
    fn positions(&self) -> usize {
        self.prompt.len() + self.limit
    }

    /// Takes the next token; None where that ends the text.
    fn step(&mut self, tokenizer: &TextTokenizer) -> Result<Option<Taken>> {
        let id = pick(&self.logits, self.sampling, &mut self.rng).ok_or_else(|| Error::Device {
            device: "the model".into(),
            reason: "its logits are not numbers: the weights may be damaged".into(),
        })?;
        if tokenizer.eos_ids().contains(&id) {
            (self.done.end_id, self.done.reason) = (Some(id), FinishReason::EndOfText);
            return Ok(None);
        }
        self.done.ids.push(id);
        let odds = (self.alternatives > 0).then(|| odds(&self.logits, id, self.alternatives));
        Ok(Some(Taken { id, odds }))
    }
}

/// Reads the prompts, then gives all answers their tokens in lock-step; one that comes to its end leaves the others.
/// `each` gets the new tokens of a step, none between parts of the prompts. Returns whether it always said to go on.
fn side_by_side(
    model: &Model,
    tokenizer: &TextTokenizer,
    answers: &mut [Answer],
    each: &mut dyn FnMut(&[Taken]) -> bool,
) -> Result<bool> {
    let capacities: Vec<usize> = answers.iter().map(Answer::positions).collect();
    let mut cache = KvCache::new(&model.config, &capacities, &model.device);
    let mut live: Vec<usize> = (0..answers.len()).filter(|&i| answers[i].limit > 0).collect();
    let cancel = |live: &[usize], answers: &mut [Answer]| {
        live.iter().for_each(|&i| answers[i].done.reason = FinishReason::Cancelled);
    };
    let lengths: Vec<usize> = live.iter().map(|&i| answers[i].prompt.len()).collect();
    for pass in passes(&lengths, ops::is_cpu(&model.device)) {
        if !each(&[]) {
            cancel(&live, answers);
            return Ok(false);
        }
        let parts = pass.iter().map(|(at, span)| (live[*at], &answers[live[*at]].prompt[span.clone()]));
        let parts: Vec<(usize, &[u32])> = parts.collect();
        let ends: Vec<bool> = pass.iter().map(|(at, span)| span.end == lengths[*at]).collect();
        let read = next_logits(model, &parts, &ends, &mut cache)?;
        let ended = pass.iter().zip(&ends).filter(|(_, end)| **end).map(|((at, _), _)| live[*at]);
        ended.zip(read).for_each(|(i, logits)| answers[i].logits = logits);
    }
    let shared_from = shared_from(model);
    while !live.is_empty() {
        let stepping = answers.par_iter_mut().enumerate().filter(|(i, _)| live.binary_search(i).is_ok());
        let taken = stepping.map(|(i, answer)| Ok((i, answer.step(tokenizer)?))).collect::<Result<Vec<_>>>()?;
        live = taken.iter().filter_map(|(i, token)| token.as_ref().map(|_| *i)).collect();
        let tokens: Vec<Taken> = taken.into_iter().filter_map(|(_, token)| token).collect();
        if !tokens.is_empty() && !each(&tokens) {
            cancel(&live, answers);
            return Ok(false);
        }
        live.retain(|&i| answers[i].done.ids.len() < answers[i].limit);
        if live.is_empty() {
            break;
        }
        let parts = live.iter().map(|&i| (i, &answers[i].done.ids[answers[i].done.ids.len() - 1..]));
        let parts: Vec<(usize, &[u32])> = parts.collect();
        let at_once = if parts.len() < shared_from { 1 } else { parts.len() };
        let mut read = Vec::with_capacity(parts.len());
        for parts in parts.chunks(at_once) {
            read.extend(next_logits(model, parts, &vec![true; parts.len()], &mut cache)?);
        }
        live.iter().zip(read).for_each(|(&i, logits)| answers[i].logits = logits);
    }
    Ok(true)
}

/// From how many answers on a common pass is faster than a pass for each. On the CPU the product of a dense matrix with
/// one row reads the weights once, but with a few rows it first packs them for many (`gemm` 0.19): at SmolLM2-135M's
/// shape, on two cores that were also compiling, a pass took 41 ms for 1 row, 231 ms for 4 and 293 ms for 16. Weights
/// that are rebuilt in every pass (NF4, DoRA, OFT) are always shared.
fn shared_from(model: &Model) -> usize {
    let worn = model.adapter.as_ref().filter(|adapter| adapter.enabled).map(|adapter| &adapter.config.method);
    let beside = worn.is_none_or(|method| matches!(method, Method::Lora(lora) if !lora.use_dora));
    let dense = !model.params.values().any(|param| matches!(param, Param::Packed(_)));
    if ops::is_cpu(&model.device) && beside && dense { 8 } else { 1 }
}

/// Which parts of prompts of these lengths go through the model at once: (number of the prompt, its positions). Short
/// prompts share a pass where they may be packed.
fn passes(lengths: &[usize], packed: bool) -> Vec<Vec<(usize, std::ops::Range<usize>)>> {
    let mut passes = Vec::new();
    let (mut pass, mut room) = (Vec::new(), PREFILL);
    for (at, &length) in lengths.iter().enumerate() {
        let mut from = 0;
        while from < length {
            let to = length.min(from + room);
            pass.push((at, from..to));
            room -= to - from;
            from = to;
            if room == 0 || !packed {
                passes.push(std::mem::take(&mut pass));
                room = PREFILL;
            }
        }
    }
    if !pass.is_empty() {
        passes.push(pass);
    }
    passes
}

/// Reads the next tokens of some sequences of the cache and returns the logits [vocabulary] after each that `wanted`
/// names.
fn next_logits(
    model: &Model,
    parts: &[(usize, &[u32])],
    wanted: &[bool],
    cache: &mut KvCache,
) -> Result<Vec<Vec<f32>>> {
    let x = model.read_on(cache, parts);
    let mut end = 0;
    let ends = parts.iter().zip(wanted).filter_map(|((_, ids), wanted)| {
        end += ids.len();
        wanted.then_some(end as i32 - 1)
    });
    let ends: Vec<i32> = ends.collect();
    if ends.is_empty() {
        return Ok(Vec::new());
    }
    let count = ends.len();
    let last = if count == x.dims()[0] {
        x
    } else {
        x.select(0, Tensor::<1, Int>::from_data(TensorData::new(ends, [count]), &model.device))
    };
    let h = model.final_norm(last, &mut Tape::off());
    let logits = ops::read(model.cap_logits(h.matmul(model.head().transpose())), "generating")?;
    Ok(logits.chunks_exact(logits.len() / count).map(<[f32]>::to_vec).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_stay_below_the_most_and_nobody_is_lost() {
        assert_eq!(batches(&[3, 3, 3, 3, 3], 9), [3, 2]);
        assert_eq!(batches(&[20, 1, 2, 8, 9], 10), [1, 2, 1, 1], "one that is too large goes alone");
        assert_eq!(batches(&[], 10), [0; 0]);
    }

    #[test]
    fn answers_of_several_batches_keep_their_order() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/models/llama-tiny");
        let device = crate::device::unchecked("cpu").unwrap();
        let model = Model::load(&path, &device, &mut |_, _| std::ops::ControlFlow::Continue(())).unwrap();
        let tokenizer = TextTokenizer::load(&path).unwrap();
        let prompts: Vec<Vec<u32>> = (3..8).map(|len| (0..len).map(|i| 5 + i * len).collect()).collect();
        let samplings = vec![Sampling { max_new_tokens: 4, temperature: 0.0, ..Sampling::default() }; 5];
        let run = |most, stop_at| {
            let mut told = 0;
            let each = &mut |tokens| {
                told = tokens;
                tokens < stop_at
            };
            let answers = batch_by_batch(&model, &tokenizer, &prompts, &samplings, most, each).unwrap();
            assert_eq!(told, answers.iter().map(|answer| answer.ids.len()).sum::<usize>());
            answers
        };
        let alone = run(1, usize::MAX);
        assert!(alone.iter().zip(&prompts).all(|(answer, prompt)| answer.prompt_tokens == prompt.len()));
        assert_eq!(run(20, usize::MAX), alone);
        let stopped = run(20, 3);
        assert!(stopped[4].ids.is_empty() && stopped[4].reason == FinishReason::Cancelled);
    }

    #[test]
    fn passes_read_every_position_once_in_order() {
        let lengths = [3, 700, 400, 1];
        for (packed, count) in [(true, 3), (false, 5)] {
            let passes = passes(&lengths, packed);
            assert_eq!(passes.len(), count);
            let mut next = [0; 4];
            for pass in &passes {
                assert!(packed || pass.len() == 1);
                assert!(pass.iter().map(|(_, span)| span.len()).sum::<usize>() <= PREFILL);
                for (at, span) in pass {
                    assert_eq!((span.start, next[..*at].iter().eq(&lengths[..*at])), (next[*at], true));
                    next[*at] = span.end;
                }
            }
            assert_eq!(next, lengths);
        }
    }
}
