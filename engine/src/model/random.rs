//! A model with random weights: the start of training from nothing, and of benchmarks.

use std::path::PathBuf;

use burn::tensor::Device;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::load::param;
use super::{Family, Model, ModelConfig};

/// A number from N(0, `deviation`), by Box and Muller; one of their pair is enough here.
pub(super) fn normal(rng: &mut StdRng, deviation: f64) -> f32 {
    let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    ((-2.0 * u.ln()).sqrt() * (2.0 * std::f64::consts::PI * v).cos() * deviation) as f32
}

impl Model {
    /// Norms that scale by 1 (Gemma keeps a gain as its distance from 1), biases 0, the rest normal with standard deviation 0.02 (GPT-2's and Llama's start).
    pub fn random(config: ModelConfig, device: &Device, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let params = config
            .tensors()
            .into_iter()
            .map(|(name, shape)| {
                let len = shape.iter().product();
                let values = match shape.len() {
                    1 if name.ends_with("bias") || config.family == Family::Gemma2 => vec![0.0; len],
                    1 => vec![1.0; len],
                    _ => (0..len).map(|_| normal(&mut rng, 0.02)).collect(),
                };
                let value = param(values, &shape, device);
                (name, value)
            })
            .collect();
        let inverse_frequencies = config.inverse_frequencies();
        Self {
            config,
            device: device.clone(),
            source: PathBuf::new(),
            source_dtype: "F32".into(),
            params,
            adapter: None,
            inverse_frequencies,
        }
    }
}
