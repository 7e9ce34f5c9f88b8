//! Losses of one preference pair as pure functions of log-probabilities, with their slopes.
//!
//! DPO (Rafailov et al. 2023, equation 7), its conservative and robust forms (Mitchell 2023; Chowdhury et al. 2024),
//! hinge (SLiC, Zhao et al. 2023), IPO (Azar et al. 2023, equation 17, on averages as in TRL), ORPO (Hong et al. 2024,
//! equations 6 and 7), SimPO (Meng et al. 2024, equation 6).

use super::{log_sigmoid, sigmoid};
use crate::recipe::PrefLoss;

/// One answer of a pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Side {
    /// Sum of log p over the answer's tokens, in nats.
    pub logp: f64,
    /// The same by the reference; not looked at by ORPO and SimPO.
    pub reference: f64,
    /// Number of the answer's tokens.
    pub tokens: usize,
}

impl Side {
    fn mean(&self) -> f64 {
        self.logp / self.tokens.max(1) as f64
    }

    fn ratio(&self) -> f64 {
        self.logp - self.reference
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairLoss {
    pub kind: PrefLoss,
    pub beta: f64,
    /// Label smoothing of sigmoid and robust.
    pub smoothing: f64,
    /// SimPO's margin.
    pub gamma: f64,
}

/// Loss of a pair and its derivatives by each side's summed log p.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairValue {
    pub loss: f64,
    pub by_chosen: f64,
    pub by_rejected: f64,
    /// As TRL logs them: beta times the log-ratio, or times the mean log p where there is no reference.
    pub rewards: [f64; 2],
    /// ORPO's log odds ratio; 0 elsewhere.
    pub odds: f64,
}

impl PairLoss {
    /// Whether the loss compares with a reference model.
    pub fn has_reference(&self) -> bool {
        !matches!(self.kind, PrefLoss::Orpo | PrefLoss::Simpo)
    }

    /// ORPO's term for the chosen sequence's own likelihood is the caller's; the rest of the loss is here.
    pub fn of(&self, chosen: Side, rejected: Side) -> PairValue {
        let (b, e) = (self.beta, self.smoothing);
        let (nc, nj) = (chosen.tokens.max(1) as f64, rejected.tokens.max(1) as f64);
        let d = chosen.ratio() - rejected.ratio();
        let even = |loss: f64, slope: f64| (loss, slope, -slope, 0.0);
        let (loss, by_chosen, by_rejected, odds) = match self.kind {
            PrefLoss::Sigmoid | PrefLoss::KtoPair => even(
                -(1.0 - e) * log_sigmoid(b * d) - e * log_sigmoid(-b * d),
                b * (e * sigmoid(b * d) - (1.0 - e) * sigmoid(-b * d)),
            ),
            PrefLoss::Robust => even(
                (-(1.0 - e) * log_sigmoid(b * d) + e * log_sigmoid(-b * d)) / (1.0 - 2.0 * e),
                -b * ((1.0 - e) * sigmoid(-b * d) + e * sigmoid(b * d)) / (1.0 - 2.0 * e),
            ),
            PrefLoss::Hinge => even((1.0 - b * d).max(0.0), if b * d < 1.0 { -b } else { 0.0 }),
            PrefLoss::Ipo => {
                let off = chosen.ratio() / nc - rejected.ratio() / nj - 1.0 / (2.0 * b);
                (off * off, 2.0 * off / nc, -2.0 * off / nj, 0.0)
            }
            PrefLoss::Orpo => {
                let (a, z) = (chosen.mean(), rejected.mean());
                let log_odds = |mean: f64| mean - (-mean.exp()).ln_1p();
                let odds = log_odds(a) - log_odds(z);
                let slope = -b * sigmoid(-odds);
                (-b * log_sigmoid(odds), slope / (1.0 - a.exp()) / nc, -slope / (1.0 - z.exp()) / nj, odds)
            }
            PrefLoss::Simpo => {
                let x = b * (chosen.mean() - rejected.mean()) - self.gamma;
                let slope = -b * sigmoid(-x);
                (-log_sigmoid(x), slope / nc, -slope / nj, 0.0)
            }
        };
        let reward = |side: Side| b * if self.has_reference() { side.ratio() } else { side.mean() };
        PairValue { loss, by_chosen, by_rejected, rewards: [reward(chosen), reward(rejected)], odds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [(PrefLoss, f64); 7] = [
        (PrefLoss::Sigmoid, 0.0),
        (PrefLoss::Sigmoid, 0.1),
        (PrefLoss::Robust, 0.1),
        (PrefLoss::Hinge, 0.0),
        (PrefLoss::Ipo, 0.0),
        (PrefLoss::Orpo, 0.0),
        (PrefLoss::Simpo, 0.0),
    ];

    fn side(logp: f64, reference: f64, tokens: usize) -> Side {
        Side { logp, reference, tokens }
    }

    #[test]
    fn slopes_are_finite_differences() {
        for (kind, smoothing) in KINDS {
            let loss = PairLoss { kind, beta: 0.3, smoothing, gamma: 0.5 };
            for (c, j) in [(-9.0, -14.0), (-20.5, -6.25), (-3.0, -3.5)] {
                let at = |c: f64, j: f64| loss.of(side(c, -10.0, 7), side(j, -12.0, 5));
                let value = at(c, j);
                let by_c = (at(c + 1e-5, j).loss - at(c - 1e-5, j).loss) / 2e-5;
                let by_j = (at(c, j + 1e-5).loss - at(c, j - 1e-5).loss) / 2e-5;
                assert!((by_c - value.by_chosen).abs() < 1e-6, "{kind:?} {smoothing}: {by_c} {}", value.by_chosen);
                assert!((by_j - value.by_rejected).abs() < 1e-6, "{kind:?} {smoothing}: {by_j} {}", value.by_rejected);
            }
        }
    }

    #[test]
    fn first_losses_are_known() {
        let equal = side(-10.0, -10.0, 4);
        let first =
            |kind, beta| PairLoss { kind, beta, smoothing: 0.0, gamma: 0.5 }.of(equal, side(-8.0, -8.0, 3)).loss;
        assert!((first(PrefLoss::Sigmoid, 0.1) - std::f64::consts::LN_2).abs() < 1e-12);
        assert!((first(PrefLoss::Ipo, 0.1) - 25.0).abs() < 1e-9);
        assert!((first(PrefLoss::Hinge, 0.1) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn far_apart_sides_do_not_overflow() {
        for (kind, smoothing) in KINDS {
            let loss = PairLoss { kind, beta: 5.0, smoothing, gamma: 0.5 };
            for (c, j) in [(-1e4, -1.0), (-1.0, -1e4)] {
                let value = loss.of(side(c, -1.0, 3), side(j, -1.0, 3));
                assert!(
                    value.loss.is_finite() && value.by_chosen.is_finite() && value.by_rejected.is_finite(),
                    "{kind:?}"
                );
            }
        }
    }
}
