//! AdamW over named tensors, global-norm clipping, and the learning rate's course.

use std::collections::BTreeMap;

use burn::tensor::Tensor;

use crate::adapter::rate_factor;
use crate::model::{GradientSum, Param};
use crate::ops::{self, AdamWStep};
use crate::recipe::{Recipe, SchedulerType};
use crate::{Error, Result};

/// First and second moment of one tensor, flat, and how many steps they have seen.
#[derive(Debug, Clone)]
pub struct Moments {
    pub m: Tensor<1>,
    pub v: Tensor<1>,
    pub steps: u64,
}

#[derive(Debug, Clone)]
pub struct AdamW {
    pub moments: BTreeMap<String, Moments>,
    beta1: f64,
    beta2: f64,
    eps: f64,
    weight_decay: f64,
    loraplus_lr_ratio: Option<f64>,
}

impl AdamW {
    pub fn new(recipe: &Recipe) -> Self {
        Self {
            moments: BTreeMap::new(),
            beta1: recipe.adam_beta1,
            beta2: recipe.adam_beta2,
            eps: recipe.adam_epsilon,
            weight_decay: recipe.weight_decay,
            loraplus_lr_ratio: recipe.loraplus_lr_ratio,
        }
    }

    /// One step on every tensor that has a gradient; `grad_scale` multiplies the gradients first.
    pub fn step(&mut self, params: &mut BTreeMap<String, Param>, grads: GradientSum, rate: f64, grad_scale: f64) {
        for (name, grad) in grads.0 {
            // Taken out of the map, the tensor has one owner and is updated in place.
            let Some(param) = params.remove(&name) else { continue };
            let Moments { m, v, steps } = self.moments.remove(&name).unwrap_or_else(|| Moments {
                m: grad.zeros_like(),
                v: grad.zeros_like(),
                steps: 0,
            });
            let t = steps as i32 + 1;
            let decay = if decays(&name) { self.weight_decay } else { 0.0 };
            let step = AdamWStep {
                learning_rate: (rate * rate_factor(self.loraplus_lr_ratio, &name)) as f32,
                beta1: self.beta1 as f32,
                beta2: self.beta2 as f32,
                eps: self.eps as f32,
                weight_decay: decay as f32,
                correction1: (1.0 - self.beta1.powi(t)) as f32,
                correction2: (1.0 - self.beta2.powi(t)) as f32,
                grad_scale: grad_scale as f32,
            };
            let shape = param.shape();
            let [w, m, v] = ops::adamw(param.into_flat(), m, v, grad, step);
            params.insert(name.clone(), Param::from_flat(w, &shape));
            self.moments.insert(name, Moments { m, v, steps: steps + 1 });
        }
    }
}

/// Biases and norm gains do not decay (by name, as transformers does).
fn decays(name: &str) -> bool {
    !["bias", "norm", ".ln_"].iter().any(|part| name.contains(part))
}

/// L2 norm over all gradients.
pub fn global_norm(grads: &GradientSum) -> Result<f64> {
    let mut sum = 0.0;
    for grad in grads.0.values() {
        sum += ops::square_sum(grad)?;
    }
    Ok(sum.sqrt())
}

/// What clipping multiplies the gradients by: min(1, max / (norm + 1e-6)); `max` of 0 means no clipping.
pub fn clip_factor(norm: f64, max: f64) -> f64 {
    if max > 0.0 { (max / (norm + 1e-6)).min(1.0) } else { 1.0 }
}

/// The learning rate's course over a run.
#[derive(Debug, Clone)]
pub struct Schedule {
    kind: SchedulerType,
    peak: f64,
    warmup: usize,
    total: usize,
}

impl Schedule {
    pub fn new(recipe: &Recipe, total: usize) -> Self {
        let warmup = match recipe.warmup_steps {
            0 => (total as f64 * recipe.warmup_ratio).ceil() as usize,
            steps => steps,
        };
        Self { kind: recipe.lr_scheduler_type, peak: recipe.learning_rate, warmup, total }
    }

    /// The rate of step `k`, counted from 0.
    pub fn rate(&self, k: usize) -> f64 {
        if self.kind != SchedulerType::Constant && k < self.warmup {
            return self.peak * k as f64 / self.warmup as f64;
        }
        let rest = (self.total.saturating_sub(self.warmup)).max(1) as f64;
        let done = (k.saturating_sub(self.warmup) as f64 / rest).min(1.0);
        self.peak
            * match self.kind {
                SchedulerType::Constant | SchedulerType::ConstantWithWarmup => 1.0,
                SchedulerType::Linear => 1.0 - done,
                SchedulerType::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * done).cos()),
            }
    }
}

/// Refuses a loss or norm that is no number, with the place; `rows` are the data's row numbers, from 1.
pub fn finite(value: f64, what: &str, step: usize, batch: usize, rows: &[usize]) -> Result<()> {
    if value.is_finite() {
        return Ok(());
    }
    let rows = rows.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Err(Error::Diverged { step, batch, rows, what: what.into(), value: value as f32, checkpoint: "none yet".into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(kind: SchedulerType, warmup_ratio: f64) -> Schedule {
        let recipe = Recipe { lr_scheduler_type: kind, warmup_ratio, learning_rate: 0.01, ..Recipe::default() };
        Schedule::new(&recipe, 12)
    }

    /// The rates of reference/train/sft-lora-qv.
    #[test]
    fn cosine_after_warm_up_is_the_reference() {
        let s = schedule(SchedulerType::Cosine, 0.1);
        let expected = [0.0, 0.005, 0.01, 0.009755282581475769, 0.009045084971874737, 0.007938926261462366];
        for (k, rate) in expected.into_iter().enumerate() {
            assert!((s.rate(k) - rate).abs() < 1e-12, "{k}");
        }
    }

    #[test]
    fn linear_ends_at_zero_and_constant_ignores_warm_up() {
        assert!(schedule(SchedulerType::Linear, 0.0).rate(12).abs() < 1e-12);
        assert!((schedule(SchedulerType::Constant, 0.5).rate(0) - 0.01).abs() < 1e-12);
        assert!(schedule(SchedulerType::ConstantWithWarmup, 0.5).rate(0).abs() < 1e-12);
    }

    #[test]
    fn clipping_only_shrinks() {
        assert!((clip_factor(4.0, 1.0) - 0.25).abs() < 1e-6);
        assert!((clip_factor(0.5, 1.0) - 1.0).abs() < 1e-12);
        assert!((clip_factor(9.0, 0.0) - 1.0).abs() < 1e-12);
    }
}
