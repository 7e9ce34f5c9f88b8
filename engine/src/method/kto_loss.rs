//! KTO (Ethayarajh et al. 2024, equation 8) of one marked answer as a pure function, with its slope.

use super::sigmoid;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KtoLoss {
    pub beta: f64,
    pub chosen_weight: f64,
    pub rejected_weight: f64,
}

impl KtoLoss {
    /// `ratio`: log p of the answer minus the reference's, in nats; `kl`: the micro-batch's KL estimate, a constant.
    /// Returns the loss and its derivative by log p.
    pub fn of(&self, ratio: f64, kl: f64, liked: bool) -> (f64, f64) {
        let (weight, sign) = if liked { (self.chosen_weight, 1.0) } else { (self.rejected_weight, -1.0) };
        let s = sigmoid(sign * self.beta * (ratio - kl));
        (weight * (1.0 - s), -sign * weight * self.beta * s * (1.0 - s))
    }
}

/// The KL estimate of a micro-batch: the mean log-ratio of the mismatched answers, never below zero.
pub fn kl_estimate(ratios: &[f64]) -> f64 {
    super::mean(ratios.iter().copied()).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slope_is_the_finite_difference_and_pulls_the_right_way() {
        let loss = KtoLoss { beta: 0.1, chosen_weight: 1.0, rejected_weight: 2.7 };
        for liked in [true, false] {
            for ratio in [-8.0, 0.0, 3.0] {
                let (_, slope) = loss.of(ratio, 0.4, liked);
                let by = (loss.of(ratio + 1e-5, 0.4, liked).0 - loss.of(ratio - 1e-5, 0.4, liked).0) / 2e-5;
                assert!((by - slope).abs() < 1e-8, "{liked} {ratio}");
                assert_eq!(slope < 0.0, liked);
            }
        }
    }

    #[test]
    fn kl_estimate_is_not_negative() {
        assert_eq!(kl_estimate(&[-1.0, -2.0]), 0.0);
        assert_eq!(kl_estimate(&[1.0, 2.0]), 1.5);
    }
}
