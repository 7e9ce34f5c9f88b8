//! BLEU (Papineni et al. 2002), the numbers of sacrebleu 2.6 (Post 2018) with one reference a segment.
//!
//! `BP exp(mean over n = 1..4 of log p_n)` in per cent; an order without a hit counts as `1 / (2^k total)`, k-th such
//! order ("exp", Chen and Cherry 2014, method 3).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::tokenise::Language;

const ORDERS: usize = 4;
/// sacrebleu's logarithm of zero.
const LOG_OF_ZERO: f64 = -9_999_999_999.0;

/// Counts that BLEU is made of; those of a corpus are the sums of its segments'.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BleuCounts {
    /// n-grams of the hypothesis that the reference has, each as often as there at most.
    hits: [u64; ORDERS],
    /// n-grams of the hypothesis.
    totals: [u64; ORDERS],
    hypothesis_len: u64,
    reference_len: u64,
}

/// All of BLEU but the brevity penalty in per cent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bleu {
    pub score: f64,
    /// Of n-grams of 1 to 4 tokens.
    pub precisions: [f64; ORDERS],
    pub brevity_penalty: f64,
    /// Tokens of the hypotheses and of the references.
    pub hypothesis_len: u64,
    pub reference_len: u64,
}

impl BleuCounts {
    pub fn of(hypothesis: &str, reference: &str, language: Language) -> Self {
        let (hypothesis, reference) = (language.bleu_tokens(hypothesis), language.bleu_tokens(reference));
        let mut counts =
            Self { hypothesis_len: hypothesis.len() as u64, reference_len: reference.len() as u64, ..Self::default() };
        for n in 1..=ORDERS {
            counts.hits[n - 1] = overlap(&hypothesis, &reference, n);
            counts.totals[n - 1] = (hypothesis.len() + 1).saturating_sub(n) as u64;
        }
        counts
    }

    pub fn add(&mut self, other: &Self) {
        for n in 0..ORDERS {
            self.hits[n] += other.hits[n];
            self.totals[n] += other.totals[n];
        }
        self.hypothesis_len += other.hypothesis_len;
        self.reference_len += other.reference_len;
    }

    /// sacrebleu's `corpus_bleu`: all four orders count, so hypotheses of fewer than four tokens altogether score 0.
    pub fn corpus(&self) -> Bleu {
        self.bleu(false)
    }

    /// sacrebleu's `sentence_bleu`: orders that the hypothesis is too short for do not count.
    pub fn sentence(&self) -> Bleu {
        self.bleu(true)
    }

    fn bleu(&self, effective_order: bool) -> Bleu {
        let (hypothesis, reference) = (self.hypothesis_len as f64, self.reference_len as f64);
        let brevity_penalty = match self.hypothesis_len {
            0 if self.reference_len > 0 => 0.0,
            _ if hypothesis < reference => (1.0 - reference / hypothesis).exp(),
            _ => 1.0,
        };
        let mut precisions = [0.0; ORDERS];
        let mut score = 0.0;
        if self.hits.iter().any(|hits| *hits > 0) {
            let mut orders = ORDERS;
            let mut halving = 1.0;
            for n in (0..ORDERS).take_while(|n| self.totals[*n] > 0) {
                if effective_order {
                    orders = n + 1;
                }
                let total = self.totals[n] as f64;
                precisions[n] = if self.hits[n] == 0 {
                    halving *= 2.0;
                    100.0 / (halving * total)
                } else {
                    100.0 * self.hits[n] as f64 / total
                };
            }
            let log = |p: &f64| if *p == 0.0 { LOG_OF_ZERO } else { p.ln() };
            score = brevity_penalty * (precisions[..orders].iter().map(log).sum::<f64>() / orders as f64).exp();
        }
        Bleu {
            score,
            precisions,
            brevity_penalty,
            hypothesis_len: self.hypothesis_len,
            reference_len: self.reference_len,
        }
    }
}

/// n-grams of `a` that `b` has too, each counted as often as it is in both.
pub(super) fn overlap(a: &[String], b: &[String], n: usize) -> u64 {
    let mut left: HashMap<&[String], u64> = HashMap::new();
    b.windows(n).for_each(|gram| *left.entry(gram).or_default() += 1);
    let mut hits = 0;
    for gram in a.windows(n) {
        if let Some(count) = left.get_mut(gram).filter(|count| **count > 0) {
            *count -= 1;
            hits += 1;
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 5] =
        ["The cat sat on the mat.", "A b c d e f a b", "今天天气很好。", "x y z w", "1,000 - 2 (3)"];

    #[test]
    fn identical_texts_score_100_and_nothing_scores_0() {
        for text in TEXTS {
            for language in [Language::En, Language::Zh] {
                let same = BleuCounts::of(text, text, language);
                assert!((same.sentence().score - 100.0).abs() < 1e-9, "{text}");
                for worthless in ["", " ", "qqq"] {
                    assert_eq!(BleuCounts::of(worthless, text, language).sentence().score, 0.0, "{text}");
                    assert_eq!(BleuCounts::of(worthless, text, language).corpus().score, 0.0, "{text}");
                }
                assert_eq!(BleuCounts::of(text, "", language).corpus().score, 0.0, "{text}");
            }
        }
        assert_eq!(BleuCounts::default().corpus().score, 0.0);
    }

    #[test]
    fn a_corpus_does_not_depend_on_the_order_of_its_segments() {
        let pairs: Vec<BleuCounts> = TEXTS
            .iter()
            .zip(TEXTS.iter().cycle().skip(1))
            .map(|(a, b)| BleuCounts::of(&format!("{a} {b}"), a, Language::En))
            .collect();
        let sum = |order: &[usize]| {
            let mut sum = BleuCounts::default();
            order.iter().for_each(|at| sum.add(&pairs[*at]));
            sum.corpus()
        };
        assert_eq!(sum(&[0, 1, 2, 3, 4]), sum(&[3, 1, 4, 0, 2]));
        assert!(sum(&[0, 1, 2, 3, 4]).score > 0.0);
    }

    #[test]
    fn repeating_a_right_word_earns_nothing() {
        // The first example of the paper: 2 of 7 unigrams.
        let counts = BleuCounts::of("the the the the the the the", "The cat is on the mat and the dog", Language::En);
        assert!((counts.sentence().precisions[0] - 200.0 / 7.0).abs() < 1e-12);
    }

    #[test]
    fn orders_without_a_hit_are_halved_again_and_again() {
        let counts = BleuCounts::of("a b c d e", "a x b y c", Language::En);
        let wanted = [60.0, 100.0 / (2.0 * 4.0), 100.0 / (4.0 * 3.0), 100.0 / (8.0 * 2.0)];
        assert_eq!(counts.corpus().precisions, wanted);
    }

    #[test]
    fn short_answers_are_judged_by_the_orders_they_have() {
        let counts = BleuCounts::of("yes", "yes", Language::En);
        assert!((counts.sentence().score - 100.0).abs() < 1e-9);
        assert_eq!(counts.corpus().score, 0.0);
    }
}
