//! One token from logits.

use std::cmp::Ordering;

use rand::Rng;
use rand::rngs::StdRng;

use crate::protocol::Sampling;

/// Temperature, then top-k, then top-p (the order of transformers). None where a logit is NaN.
pub(super) fn pick(logits: &[f32], sampling: &Sampling, rng: &mut StdRng) -> Option<u32> {
    if logits.iter().any(|l| l.is_nan()) {
        return None;
    }
    let best = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b]).then(b.cmp(&a)))?;
    if sampling.temperature <= 0.0 || sampling.top_k == 1 {
        return Some(best as u32);
    }
    let max = logits[best];
    let mut ranked = Ranked::new(logits, sampling.top_k);
    let weight = |id: u32| f64::from((logits[id as usize] - max) / sampling.temperature).exp();
    let total: f64 = ranked.order.iter().map(|&id| weight(id)).sum();
    let (mut mass, mut kept) = (total, ranked.order.len());
    if sampling.top_p < 1.0 {
        (mass, kept) = (0.0, 0);
        while kept < ranked.order.len() && (kept == 0 || mass < f64::from(sampling.top_p) * total) {
            mass += weight(ranked.at(kept));
            kept += 1;
        }
    }
    let mut at = rng.random::<f64>() * mass;
    for rank in 0..kept {
        let id = ranked.at(rank);
        at -= weight(id);
        if at <= 0.0 {
            return Some(id);
        }
    }
    Some(ranked.at(kept - 1))
}

/// Tokens by falling logit. They are sorted as far as is asked for: a draw seldom goes beyond the first few, and to sort
/// a whole vocabulary takes as long as a layer of a small model.
pub(super) struct Ranked<'a> {
    logits: &'a [f32],
    order: Vec<u32>,
    sorted: usize,
}

impl<'a> Ranked<'a> {
    /// The `top_k` largest; 0: all.
    pub(super) fn new(logits: &'a [f32], top_k: usize) -> Self {
        let mut order: Vec<u32> = (0..logits.len() as u32).collect();
        if (1..order.len()).contains(&top_k) {
            order.select_nth_unstable_by(top_k - 1, |a, b| falling(logits, *a, *b));
            order.truncate(top_k);
        }
        Self { logits, order, sorted: 0 }
    }

    pub(super) fn at(&mut self, rank: usize) -> u32 {
        while self.sorted <= rank {
            let rest = &mut self.order[self.sorted..];
            let count = (3 * self.sorted).max(64).min(rest.len());
            if count < rest.len() {
                rest.select_nth_unstable_by(count - 1, |a, b| falling(self.logits, *a, *b));
            }
            rest[..count].sort_unstable_by(|a, b| falling(self.logits, *a, *b));
            self.sorted += count;
        }
        self.order[rank]
    }
}

/// The larger logit first, of equal ones the lower id.
fn falling(logits: &[f32], a: u32, b: u32) -> Ordering {
    logits[b as usize].total_cmp(&logits[a as usize]).then(a.cmp(&b))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn sampling(temperature: f32, top_p: f32, top_k: usize) -> Sampling {
        Sampling { max_new_tokens: 1, temperature, top_p, top_k, seed: 1 }
    }

    fn counts(s: &Sampling) -> [usize; 4] {
        let mut rng = StdRng::seed_from_u64(3);
        let mut counts = [0; 4];
        for _ in 0..2000 {
            counts[pick(&[1.0, 3.0, 2.0, -1.0], s, &mut rng).unwrap() as usize] += 1;
        }
        counts
    }

    #[test]
    fn greedy_takes_the_first_of_the_largest() {
        let mut rng = StdRng::seed_from_u64(0);
        assert_eq!(pick(&[0.0, 2.0, 2.0], &sampling(0.0, 1.0, 0), &mut rng), Some(1));
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
        assert_eq!(pick(&[0.0, f32::NAN], &sampling(1.0, 1.0, 0), &mut rng), None);
    }

    #[test]
    fn ranks_are_those_of_a_whole_sort() {
        let logits: Vec<f32> = (0..1000).map(|i| ((i * 37 % 91) as f32 * 0.3).sin()).collect();
        let mut all: Vec<u32> = (0..1000).collect();
        all.sort_by(|a, b| falling(&logits, *a, *b));
        for (top_k, kept) in [(0, 1000), (300, 300), (1000, 1000), (2000, 1000)] {
            let mut ranked = Ranked::new(&logits, top_k);
            assert_eq!(ranked.at(70), all[70]);
            assert_eq!((0..ranked.order.len()).map(|rank| ranked.at(rank)).collect::<Vec<_>>(), all[..kept]);
        }
    }
}
