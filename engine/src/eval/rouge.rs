//! ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004), the numbers of Google's rouge_score without its stemmer.

use serde::{Deserialize, Serialize};

use super::bleu::overlap;

/// Shares from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Overlap {
    pub precision: f64,
    pub recall: f64,
    /// Their harmonic mean.
    pub f: f64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Rouge {
    /// Single tokens.
    pub rouge1: Overlap,
    /// Pairs of neighbours.
    pub rouge2: Overlap,
    /// Longest common subsequence.
    #[serde(rename = "rougeL")]
    pub rouge_l: Overlap,
}

impl Overlap {
    fn new(common: u64, hypothesis: usize, reference: usize) -> Self {
        let precision = common as f64 / hypothesis.max(1) as f64;
        let recall = common as f64 / reference.max(1) as f64;
        let f = if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
        Self { precision, recall, f }
    }

    fn map2(self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            precision: f(self.precision, other.precision),
            recall: f(self.recall, other.recall),
            f: f(self.f, other.f),
        }
    }
}

impl Rouge {
    /// Of one answer, from tokens (see [`super::Language::rouge_tokens`]).
    pub fn of(hypothesis: &[String], reference: &[String]) -> Self {
        let grams = |n: usize| {
            let count = |tokens: &[String]| (tokens.len() + 1).saturating_sub(n);
            Overlap::new(overlap(hypothesis, reference, n), count(hypothesis), count(reference))
        };
        let common = longest_common_subsequence(hypothesis, reference);
        Self { rouge1: grams(1), rouge2: grams(2), rouge_l: Overlap::new(common, hypothesis.len(), reference.len()) }
    }

    /// Mean over answers; zero where there are none.
    pub fn mean(all: &[Self]) -> Self {
        let share = 1.0 / all.len().max(1) as f64;
        all.iter().fold(Self::default(), |sum, one| {
            let add = |sum: Overlap, one: Overlap| sum.map2(one, |sum, one| sum + one * share);
            Self {
                rouge1: add(sum.rouge1, one.rouge1),
                rouge2: add(sum.rouge2, one.rouge2),
                rouge_l: add(sum.rouge_l, one.rouge_l),
            }
        })
    }
}

/// Its length; time len(a) len(b), memory len(b).
fn longest_common_subsequence(a: &[String], b: &[String]) -> u64 {
    let mut row = vec![0u64; b.len() + 1];
    for token in a {
        let mut diagonal = 0;
        for (at, other) in b.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if token == other { diagonal + 1 } else { above.max(row[at]) };
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_subsequence_may_have_gaps_but_keeps_its_order() {
        // The sentences of the paper: both candidates have ROUGE-2 alike, ROUGE-L tells them apart.
        let reference = tokens("police killed the gunman");
        let first = Rouge::of(&tokens("police kill the gunman"), &reference);
        let second = Rouge::of(&tokens("the gunman kill police"), &reference);
        assert_eq!((first.rouge2.f, second.rouge2.f), (1.0 / 3.0, 1.0 / 3.0));
        assert_eq!((first.rouge_l.f, second.rouge_l.f), (0.75, 0.5));
    }

    #[test]
    fn the_same_text_is_1_and_an_empty_one_0() {
        let text = tokens("one two three two");
        let same = Rouge::of(&text, &text);
        assert_eq!((same.rouge1.f, same.rouge2.f, same.rouge_l.f), (1.0, 1.0, 1.0));
        assert_eq!(Rouge::of(&[], &text), Rouge::default());
        assert_eq!(Rouge::of(&text, &[]), Rouge::default());
        assert_eq!(Rouge::of(&[], &[]), Rouge::default());
    }

    #[test]
    fn exchanging_the_texts_exchanges_precision_and_recall() {
        let (a, b) = (tokens("a b c d b"), tokens("b c a"));
        let (there, back) = (Rouge::of(&a, &b), Rouge::of(&b, &a));
        for (x, y) in [(there.rouge1, back.rouge1), (there.rouge2, back.rouge2), (there.rouge_l, back.rouge_l)] {
            assert_eq!((x.precision, x.recall, x.f), (y.recall, y.precision, y.f));
        }
    }

    #[test]
    fn a_mean_is_over_answers() {
        let text = tokens("a b");
        let mean = Rouge::mean(&[Rouge::of(&text, &text), Rouge::of(&[], &text)]);
        assert_eq!(mean.rouge1, Overlap { precision: 0.5, recall: 0.5, f: 0.5 });
        assert_eq!(Rouge::mean(&[]), Rouge::default());
    }
}
