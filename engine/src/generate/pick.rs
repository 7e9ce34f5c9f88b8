//! One token from logits.

use rand::Rng;
use rand::rngs::StdRng;

use crate::protocol::Sampling;

/// Temperature, then top-k, then top-p (the order of transformers). None where a logit is NaN.
pub(super) fn pick(logits: &mut [f32], sampling: &Sampling, rng: &mut StdRng) -> Option<u32> {
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
    use rand::SeedableRng;

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
