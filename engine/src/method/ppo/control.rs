//! What PPO adjusts between updates: the weight of the KL penalty, and the scale of the scores.

use serde::{Deserialize, Serialize};

use crate::recipe::Recipe;

/// Answers over which the controller acts in full.
const HORIZON: f64 = 10_000.0;

/// The weight of the KL penalty, fixed or steered towards a target (Ziegler et al. 2019, section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct KlControl {
    #[serde(with = "crate::files::exact")]
    pub coefficient: f64,
    /// KL of an answer, in nats, that is aimed at; None: the coefficient stays.
    pub target: Option<f64>,
}

impl KlControl {
    pub fn new(recipe: &Recipe) -> Self {
        let target = recipe.ppo_adaptive_kl.then_some(recipe.ppo_target);
        Self { coefficient: recipe.ppo_kl_coef, target }
    }

    /// After an update of so many answers whose mean KL, summed over tokens, was `kl`:
    /// `coefficient *= 1 + clip(kl / target - 1, -0.2, 0.2) * answers / 10000`.
    pub fn update(&mut self, kl: f64, answers: usize) {
        if let Some(target) = self.target {
            let error = (kl / target - 1.0).clamp(-0.2, 0.2);
            self.coefficient *= 1.0 + error * answers as f64 / HORIZON;
        }
    }
}

/// Mean and spread of all scores so far, by which new ones are normalised (`ppo_score_norm`: LLaMA-Factory switches on
/// `use_score_norm` and `use_score_scaling` of TRL before 0.12). Moments are merged as in Chan et al. (1979).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ScoreNorm {
    pub count: usize,
    #[serde(with = "crate::files::exact")]
    pub mean: f64,
    /// With n below.
    #[serde(with = "crate::files::exact")]
    pub variance: f64,
}

impl Default for ScoreNorm {
    fn default() -> Self {
        Self { count: 0, mean: 0.0, variance: 1.0 }
    }
}

impl ScoreNorm {
    /// Takes the scores of a batch in.
    pub fn update(&mut self, scores: &[f32]) {
        if scores.is_empty() {
            return;
        }
        let (old, new) = (self.count as f64, scores.len() as f64);
        let mean = scores.iter().map(|&score| f64::from(score)).sum::<f64>() / new;
        let squares: f64 = scores.iter().map(|&score| (f64::from(score) - mean).powi(2)).sum();
        let (delta, total) = (mean - self.mean, old + new);
        self.variance = (self.variance * old + delta * delta * old * new / total + squares) / total;
        self.mean += delta * new / total;
        self.count += scores.len();
    }

    /// Standard deviation with n - 1 below; 1 before there are two scores.
    pub fn deviation(&self) -> f64 {
        match self.count {
            0 | 1 => 1.0,
            count => (self.variance * count as f64 / (count - 1) as f64).sqrt(),
        }
    }

    /// (score - mean) / (deviation + epsilon), of scores that [`ScoreNorm::update`] has taken in already.
    pub fn apply(&self, scores: &[f32]) -> Vec<f32> {
        let scale = self.deviation() + f64::from(f32::EPSILON);
        scores.iter().map(|&score| ((f64::from(score) - self.mean) / scale) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weight_moves_towards_the_target_and_no_faster_than_a_fifth() {
        let mut control = KlControl { coefficient: 0.2, target: Some(6.0) };
        control.update(6.6, 256);
        assert!((control.coefficient - 0.2 * (1.0 + 0.1 * 0.0256)).abs() < 1e-12, "{control:?}");
        let before = control.coefficient;
        control.update(600.0, 256);
        assert!((control.coefficient / before - (1.0 + 0.2 * 0.0256)).abs() < 1e-12);
        let before = control.coefficient;
        control.update(-3.0, 5000);
        assert!((control.coefficient / before - 0.9).abs() < 1e-12);
        let mut fixed = KlControl { coefficient: 0.05, target: None };
        fixed.update(100.0, 10_000);
        assert_eq!(fixed.coefficient, 0.05);
        let recipe = Recipe { ppo_adaptive_kl: true, ppo_target: 3.0, ppo_kl_coef: 0.1, ..Recipe::default() };
        assert_eq!(KlControl::new(&recipe), KlControl { coefficient: 0.1, target: Some(3.0) });
        assert_eq!(KlControl::new(&Recipe::default()).target, None);
    }

    #[test]
    fn moments_of_batches_are_those_of_all_scores() {
        let all = [0.5f32, -1.25, 3.0, 3.0, 2.75, -0.5, 10.0, 0.125, 0.25];
        let mut norm = ScoreNorm::default();
        for batch in [&all[..1], &all[1..5], &[], &all[5..]] {
            norm.update(batch);
        }
        let mean = all.iter().map(|&x| f64::from(x)).sum::<f64>() / 9.0;
        let deviation = (all.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / 8.0).sqrt();
        assert!((norm.mean - mean).abs() < 1e-12 && (norm.deviation() - deviation).abs() < 1e-12, "{norm:?}");
        let scaled = norm.apply(&all);
        assert!((f64::from(scaled[6]) - (10.0 - mean) / deviation).abs() < 1e-6);
        assert!(scaled.iter().sum::<f32>().abs() < 1e-5);
    }

    #[test]
    fn few_or_equal_scores_stay_finite() {
        let mut norm = ScoreNorm::default();
        norm.update(&[4.0]);
        assert_eq!(norm.apply(&[4.0]), [0.0]);
        norm.update(&[4.0, 4.0]);
        assert_eq!(norm.apply(&[4.0, 4.0]), [0.0, 0.0]);
    }
}
