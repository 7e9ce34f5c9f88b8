//! How likely a token was, from the logits that it was sampled from.

use super::pick::Ranked;

/// Of a token that was taken; at temperature 1, before anything is cut off.
#[derive(Debug, Clone, PartialEq)]
pub struct Odds {
    /// 0 to 1.
    pub chance: f32,
    /// Tokens that were likelier, or as likely with a lower id.
    pub rank: usize,
    /// The likeliest tokens with their chances, falling.
    pub likeliest: Vec<(u32, f32)>,
}

/// `logits` [vocabulary] hold no NaN (see `pick`) and `taken` is one of theirs.
pub(super) fn odds(logits: &[f32], taken: u32, most: usize) -> Odds {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = logits.iter().map(|logit| f64::from(logit - max).exp()).sum();
    let chance = |id: u32| (f64::from(logits[id as usize] - max).exp() / total) as f32;
    let own = logits[taken as usize];
    let before = |(id, logit): (usize, &f32)| *logit > own || (*logit == own && id < taken as usize);
    let rank = logits.iter().enumerate().filter(|at| before(*at)).count();
    let count = most.min(logits.len());
    let mut ranked = Ranked::new(logits, count);
    Odds {
        chance: chance(taken),
        rank,
        likeliest: (0..count).map(|at| ranked.at(at)).map(|id| (id, chance(id))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::path::Path;

    use super::*;
    use crate::generate::{Taken, generate_telling};
    use crate::model::Model;
    use crate::protocol::Sampling;
    use crate::tokenizer::TextTokenizer;

    #[test]
    fn chances_are_a_softmax_and_ranks_count_the_likelier() {
        let odds = odds(&[1.0, 3.0, 3.0, f32::NEG_INFINITY], 2, 3);
        let z = 1f64.exp() + 2.0 * 3f64.exp();
        assert!((f64::from(odds.chance) - 3f64.exp() / z).abs() < 1e-6);
        assert_eq!(odds.rank, 1, "as likely with a lower id");
        assert_eq!(odds.likeliest.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 2, 0]);
    }

    /// The chances told while generating are the softmax of `luthier logits` over prompt and answer, whatever the
    /// temperature and what was cut off.
    #[test]
    fn chances_are_those_of_the_logits_of_the_whole_text() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/models/llama-tiny");
        let device = crate::device::unchecked("cpu").unwrap();
        let model = Model::load(&path, &device, &mut |_, _| ControlFlow::Continue(())).unwrap();
        let tokenizer = TextTokenizer::load(&path).unwrap();
        let prompt: Vec<u32> = vec![5, 9, 40, 7];
        let sampling = Sampling { max_new_tokens: 8, temperature: 1.7, top_p: 0.9, top_k: 20, seed: 3 };
        let mut taken: Vec<Taken> = Vec::new();
        let each = &mut |token: Option<&Taken>| {
            taken.extend(token.cloned());
            true
        };
        let done = generate_telling(&model, &tokenizer, &prompt, &sampling, 5, each).unwrap();
        assert_eq!(taken.iter().map(|token| token.id).collect::<Vec<_>>(), done.ids);
        assert!(taken.len() > 3, "too short to tell");
        let ids: Vec<i64> = prompt.iter().chain(&done.ids).map(|id| i64::from(*id)).collect();
        let mask = vec![1; ids.len()];
        let logits = crate::logits::of_batch(&model, &ids, &mask, 1, ids.len(), Path::new("ids")).unwrap();
        let vocab = model.config.vocab;
        for (at, token) in taken.iter().enumerate() {
            let row = &logits[(prompt.len() + at - 1) * vocab..][..vocab];
            let z: f64 = row.iter().map(|logit| f64::from(*logit).exp()).sum();
            let chance = |id: u32| f64::from(row[id as usize]).exp() / z;
            let odds = token.odds.as_ref().expect("chances were asked for");
            assert!((f64::from(odds.chance) - chance(token.id)).abs() < 1e-5, "token {at}");
            let likelier = row.iter().filter(|logit| **logit > row[token.id as usize] + 1e-5).count();
            assert!(odds.rank >= likelier && odds.rank < vocab);
            assert_eq!(odds.likeliest.len(), 5);
            assert!(odds.likeliest.windows(2).all(|pair| pair[0].1 >= pair[1].1));
            assert!(odds.likeliest.iter().all(|(id, told)| (f64::from(*told) - chance(*id)).abs() < 1e-5));
        }
    }

    #[test]
    fn nothing_is_told_where_nothing_was_asked() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/models/llama-tiny");
        let device = crate::device::unchecked("cpu").unwrap();
        let model = Model::load(&path, &device, &mut |_, _| ControlFlow::Continue(())).unwrap();
        let tokenizer = TextTokenizer::load(&path).unwrap();
        let sampling = Sampling { max_new_tokens: 3, ..Sampling::default() };
        let each = &mut |token: Option<&Taken>| token.is_none_or(|token| token.odds.is_none());
        let done = generate_telling(&model, &tokenizer, &[5, 9], &sampling, 0, each).unwrap();
        assert_ne!(done.reason, crate::protocol::FinishReason::Cancelled);
    }
}
