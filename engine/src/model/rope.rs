//! Rotary frequencies, and how they are stretched for contexts longer than the model was trained on.

use serde_json::Value;

use super::ModelConfig;
use crate::{Error, Result};

/// How rotary frequencies are stretched for contexts longer than the model was trained on.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum RopeScaling {
    None,
    Linear {
        factor: f64,
    },
    /// Llama 3.1: long waves slowed by `factor`, short ones kept, a ramp between.
    Llama3 {
        factor: f64,
        low: f64,
        high: f64,
        original: f64,
    },
    /// GGUF's rope_freqs tensor: each frequency divided by its own factor.
    Factors(Vec<f32>),
}

impl RopeScaling {
    /// `scaling` is rope_scaling or rope_parameters of `config`; `bad` makes the error for a key.
    pub(super) fn read(scaling: &Value, config: &Value, bad: &dyn Fn(&str, String) -> Error) -> Result<Self> {
        let kind = scaling["rope_type"].as_str().or_else(|| scaling["type"].as_str()).unwrap_or("default");
        let need = |key: &str| {
            scaling[key]
                .as_f64()
                .filter(|n| *n > 0.0)
                .ok_or_else(|| bad(&format!("rope_scaling.{key}"), "must be a number above 0".into()))
        };
        Ok(match kind {
            "default" => Self::None,
            "linear" => Self::Linear { factor: need("factor")? },
            "llama3" => Self::Llama3 {
                factor: need("factor")?,
                low: need("low_freq_factor")?,
                high: need("high_freq_factor")?,
                original: scaling["original_max_position_embeddings"]
                    .as_f64()
                    .or_else(|| config["max_position_embeddings"].as_f64())
                    .unwrap_or(8192.0),
            },
            // The factors themselves are read from the file when the model is loaded.
            "gguf_factors" => Self::Factors(Vec::new()),
            other => {
                return Err(bad(
                    "rope_scaling",
                    format!("the kind '{other}' is not supported (linear and llama3 are)"),
                ));
            }
        })
    }
}

impl ModelConfig {
    /// Rotary frequency of each pair of turned dimensions, [rotary_dim / 2], radians per position; none where
    /// positions are learned.
    pub fn inverse_frequencies(&self) -> Vec<f32> {
        (0..self.rotary_dim / 2)
            .map(|i| {
                let plain = 1.0 / self.rope_theta.powf(2.0 * i as f64 / self.rotary_dim as f64);
                let scaled = match &self.rope_scaling {
                    RopeScaling::None => plain,
                    RopeScaling::Linear { factor } => plain / factor,
                    RopeScaling::Factors(factors) => plain / f64::from(factors.get(i).copied().unwrap_or(1.0)),
                    RopeScaling::Llama3 { factor, low, high, original } => {
                        let wave = 2.0 * std::f64::consts::PI / plain;
                        if wave < original / high {
                            plain
                        } else if wave > original / low {
                            plain / factor
                        } else {
                            let smooth = (original / wave - low) / (high - low);
                            (1.0 - smooth) * plain / factor + smooth * plain
                        }
                    }
                };
                scaled as f32
            })
            .collect()
    }
}
