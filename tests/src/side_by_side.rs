//! Answers that are sampled side by side are those that each prompt gets alone, in every family.

use luthier_engine::files::read_safetensors_i64;
use luthier_engine::generate::{Generated, generate, generate_many};
use luthier_engine::model::{KvCache, Model};
use luthier_engine::protocol::{FinishReason, Sampling};
use luthier_engine::tokenizer::TextTokenizer;

use crate::bench::{fixture, worst};
use crate::reference::{MODELS, load};

/// 24 ids: transformers continued the first 8 greedily.
fn greedy_ids(name: &str) -> Vec<u32> {
    let file = fixture(&format!("forward/{name}.safetensors"));
    let (_, ids) = read_safetensors_i64(&file, "greedy.input_ids").expect("readable").expect("there");
    ids.iter().map(|&id| id as u32).collect()
}

fn opened(name: &str) -> (Model, TextTokenizer) {
    let path = fixture(&format!("models/{name}"));
    (load(&path, "cpu"), TextTokenizer::load(&path).expect("tokenizer"))
}

fn many(model: &Model, tokenizer: &TextTokenizer, prompts: &[Vec<u32>], samplings: &[Sampling]) -> Vec<Generated> {
    generate_many(model, tokenizer, prompts, samplings, &mut |_| true).expect("generated")
}

/// What `generate_many` answers to parts of the reference's text of different lengths: each goes on as the reference
/// does, wherever it was cut, to a length of its own. The reference's choices are clear of rounding: PyTorch's sums,
/// which run in another order than ours, came to the same.
pub fn greedy_is_the_reference(model: &Model, tokenizer: &TextTokenizer, name: &str, cuts: &[(usize, usize)]) {
    let expected = greedy_ids(name);
    let prompts: Vec<Vec<u32>> = cuts.iter().map(|&(from, _)| expected[..from].to_vec()).collect();
    let samplings =
        cuts.iter().map(|&(from, to)| Sampling { max_new_tokens: to - from, temperature: 0.0, ..Sampling::default() });
    let got = many(model, tokenizer, &prompts, &samplings.collect::<Vec<_>>());
    for (got, &(from, to)) in got.iter().zip(cuts) {
        let end = expected[from..to].iter().position(|id| tokenizer.eos_ids().contains(id));
        let reason = if end.is_some() { FinishReason::EndOfText } else { FinishReason::LengthLimit };
        assert_eq!(got.ids, expected[from..end.map_or(to, |at| from + at)], "{name}: from {from} to {to}");
        assert_eq!((got.prompt_tokens, got.reason), (from, reason), "{name}: from {from} to {to}");
    }
}

#[test]
fn greedy_answers_side_by_side_are_the_reference() {
    for name in MODELS {
        let (model, tokenizer) = opened(name);
        let cuts = [(8, 24), (13, 24), (8, 9), (10, 20), (20, 20), (9, 24), (21, 24)];
        greedy_is_the_reference(&model, &tokenizer, name, &cuts);
    }
}

/// With one seed both ways draw the same random numbers, and the probabilities differ by rounding, about 1e-6. For the
/// ids to differ a draw would have to fall that near to a border between two of the eight tokens that are left. In these
/// 192 draws that is a chance of less than 1 in 500, once and for all, because the seeds are fixed.
#[test]
fn sampled_answers_side_by_side_are_those_of_each_alone() {
    for name in ["llama-tiny", "gemma2-tiny", "gpt2-tiny"] {
        let (model, tokenizer) = opened(name);
        let prompts: Vec<Vec<u32>> = [4, 5, 6, 6, 8].map(|len| greedy_ids(name)[..len].to_vec()).to_vec();
        let sampling =
            |(seed, max_new_tokens)| Sampling { max_new_tokens, temperature: 0.8, top_p: 0.95, top_k: 8, seed };
        let samplings: Vec<Sampling> = [(1, 16), (1, 12), (7, 16), (8, 16), (9, 4)].map(sampling).to_vec();
        let together = many(&model, &tokenizer, &prompts, &samplings);
        let alone = prompts.iter().zip(&samplings).map(|(prompt, sampling)| {
            generate(&model, &tokenizer, prompt, sampling, &mut |_| true).expect("generated")
        });
        let alone: Vec<Generated> = alone.collect();
        assert_eq!(together, alone, "{name}");
        assert!(alone[2].ids != alone[3].ids, "{name}: one prompt, two seeds");
        // Neither the neighbours nor the place among them matter.
        let back: Vec<usize> = vec![4, 2, 0];
        let some: Vec<Vec<u32>> = back.iter().map(|&i| prompts[i].clone()).collect();
        let of_some: Vec<Sampling> = back.iter().map(|&i| samplings[i].clone()).collect();
        let again = many(&model, &tokenizer, &some, &of_some);
        assert!(again.iter().zip(&back).all(|(got, &i)| *got == alone[i]), "{name}");
    }
}

/// Sequences that are read in unequal parts, side by side, against all of them read at once without a cache.
#[test]
fn logits_with_a_shared_cache_are_those_without() {
    for name in MODELS {
        let (model, _) = opened(name);
        let lengths = [70, 9, 33];
        let vocabulary = model.config.vocab;
        let ids: Vec<Vec<u32>> = lengths
            .iter()
            .enumerate()
            .map(|(i, &len)| (0..len).map(|j| ((i * 31 + j * 7) % vocabulary) as u32).collect())
            .collect();
        let logits = |x| {
            let h = model.final_norm(x, &mut luthier_engine::model::Tape::off());
            let logits = model.cap_logits(h.matmul(model.head().transpose()));
            logits.try_into_vec_as::<f32>().expect("read")
        };
        let expected = logits(model.hidden(&ids.concat(), &lengths));
        let starts = [0, 70, 79];
        let mut cache = KvCache::new(&model.config, &lengths, &model.device);
        let mut read = [0; 3];
        for parts in [&[(1, 3), (0, 40)][..], &[(2, 30)], &[(0, 1), (1, 1), (2, 1)], &[(2, 2), (1, 5), (0, 29)]] {
            let given: Vec<(usize, &[u32])> =
                parts.iter().map(|&(i, new)| (i, &ids[i][read[i]..read[i] + new])).collect();
            let got = logits(model.read_on(&mut cache, &given));
            let mut row = 0;
            for &(i, new) in parts {
                let at = (starts[i] + read[i]) * vocabulary;
                let off = worst(&got[row * vocabulary..(row + new) * vocabulary], &expected[at..at + new * vocabulary]);
                assert!(off < 1e-4, "{name}: sequence {i} from {}: {off}", read[i]);
                (row, read[i]) = (row + new, read[i] + new);
            }
        }
        assert_eq!(read, lengths, "{name}: every position was compared");
    }
}

#[test]
fn a_stop_is_heard_between_tokens() {
    let (model, tokenizer) = opened("llama-tiny");
    let ids = greedy_ids("llama-tiny");
    let prompts = vec![ids[..8].to_vec(), ids[..12].to_vec(), ids[..10].to_vec()];
    let greedy = |max_new_tokens| Sampling { max_new_tokens, temperature: 0.0, ..Sampling::default() };
    let mut heard = Vec::new();
    let got = generate_many(&model, &tokenizer, &prompts, &[greedy(8), greedy(2), greedy(8)], &mut |tokens| {
        heard.push(tokens);
        tokens < 10
    })
    .expect("generated");
    assert_eq!(heard, [0, 3, 6, 8, 10], "once for the prompts, then after each step");
    let reasons = [FinishReason::Cancelled, FinishReason::LengthLimit, FinishReason::Cancelled];
    assert!(got.iter().map(|answer| answer.reason).eq(reasons));
    assert!(got.iter().map(|answer| answer.ids.len()).eq([4, 2, 4]));
    let none = generate_many(&model, &tokenizer, &prompts, &vec![greedy(8); 3], &mut |_| false).expect("generated");
    assert!(none.iter().all(|answer| answer.ids.is_empty() && answer.reason == FinishReason::Cancelled));
}

#[test]
fn a_prompt_that_cannot_be_continued_is_named_by_its_number() {
    let (model, tokenizer) = opened("gpt2-tiny");
    let context = model.config.max_positions;
    let refused = |prompt: Vec<u32>| {
        let prompts = vec![vec![5, 6], vec![5; context - 1], prompt];
        let mut called = false;
        let result = generate_many(&model, &tokenizer, &prompts, &vec![Sampling::default(); 3], &mut |_| {
            called = true;
            true
        });
        assert!(!called, "nothing is read before all prompts are looked at");
        result.expect_err("refused").to_string()
    };
    let long = refused(vec![5; context]);
    assert!(long.contains("prompt 3") && long.contains(&context.to_string()), "{long}");
    assert!(refused(Vec::new()).contains("prompt 3: the prompt is empty"));
    assert!(refused(vec![5, model.config.vocab as u32]).contains("prompt 3"));
    let last = vec![vec![5; context - 1]];
    let got = many(&model, &tokenizer, &last, &[Sampling { temperature: 0.0, ..Sampling::default() }]);
    assert!(got[0].ids.len() <= 1, "one position is left");
    assert!(generate_many(&model, &tokenizer, &last, &[], &mut |_| true).is_err(), "a sampling for each prompt");
}
