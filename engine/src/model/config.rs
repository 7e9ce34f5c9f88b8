//! What a decoder is made of, read from config.json in either of its two spellings.

use std::path::Path;

use serde_json::Value;

use crate::{Error, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Llama,
    Mistral,
    Qwen2,
}

impl Family {
    pub fn name(self) -> &'static str {
        match self {
            Self::Llama => "Llama",
            Self::Mistral => "Mistral",
            Self::Qwen2 => "Qwen2",
        }
    }
}

/// How rotary frequencies are stretched for contexts longer than the model was trained on.
#[derive(Debug, Clone, PartialEq)]
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

#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    pub family: Family,
    pub hidden: usize,
    pub intermediate: usize,
    pub layers: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    pub vocab: usize,
    pub max_positions: usize,
    pub norm_eps: f64,
    pub rope_theta: f64,
    pub rope_scaling: RopeScaling,
    pub qkv_bias: bool,
    pub output_bias: bool,
    pub mlp_bias: bool,
    pub tied: bool,
    /// By layer: how far back a position sees.
    pub windows: Vec<Option<usize>>,
}

/// The linear layers of a block by the last part of their names.
const LINEAR_NAMES: [&str; 7] = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

/// One linear layer of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinearSpec {
    /// q_proj
    pub name: &'static str,
    /// model.layers.0.self_attn.q_proj; the weight is `PATH.weight`, the bias `PATH.bias`.
    pub path: String,
    pub out: usize,
    pub input: usize,
    pub bias: bool,
    /// The weight is stored as [in, out] (GPT-2), not [out, in].
    pub transposed: bool,
}

impl LinearSpec {
    pub fn weight(&self) -> String {
        format!("{}.weight", self.path)
    }
}

impl ModelConfig {
    /// `place` names the file in errors.
    ///
    /// # Errors
    /// `ModelUnsupported` for another architecture, `BadModel` for a key that is missing or makes no sense.
    pub fn from_json(config: &Value, place: &Path) -> Result<Self> {
        let bad = |key: &str, why: String| Error::model(place, key, why);
        let model_type = config["model_type"].as_str().unwrap_or_default();
        let family = match model_type {
            "llama" => Family::Llama,
            "mistral" => Family::Mistral,
            "qwen2" => Family::Qwen2,
            "" => return Err(bad("model_type", "is missing, so the architecture is unknown".into())),
            other => {
                return Err(Error::ModelUnsupported {
                    path: place.to_owned(),
                    reason: format!(
                        "the architecture '{other}' is not one of those this version knows: Llama, Mistral, Qwen2"
                    ),
                });
            }
        };
        let positive = |key: &str| -> Result<usize> {
            match config[key].as_u64() {
                Some(n @ 1..=16_777_216) => Ok(n as usize),
                _ => Err(bad(key, format!("must be a whole number above 0, not {}", config[key]))),
            }
        };
        let (hidden, layers, heads) =
            (positive("hidden_size")?, positive("num_hidden_layers")?, positive("num_attention_heads")?);
        if layers > 1024 {
            return Err(bad("num_hidden_layers", format!("{layers} layers are more than any known model has")));
        }
        let kv_heads = if config["num_key_value_heads"].is_null() { heads } else { positive("num_key_value_heads")? };
        if heads % kv_heads != 0 {
            return Err(bad("num_key_value_heads", format!("{kv_heads} does not divide the {heads} heads")));
        }
        let head_dim = if config["head_dim"].is_null() {
            if hidden % heads != 0 {
                return Err(bad("num_attention_heads", format!("{heads} does not divide hidden_size {hidden}")));
            }
            hidden / heads
        } else {
            positive("head_dim")?
        };
        if head_dim % 2 != 0 {
            return Err(bad("head_dim", format!("{head_dim} is odd: rotary embedding needs an even number")));
        }
        match config["hidden_act"].as_str() {
            None | Some("silu") => {}
            Some(other) => {
                return Err(bad("hidden_act", format!("'{other}' is not supported for {model_type} (silu is)")));
            }
        }
        let number = |key: &str, default: f64| match &config[key] {
            Value::Null => Ok(default),
            value => value.as_f64().ok_or_else(|| bad(key, format!("must be a number, not {value}"))),
        };
        // transformers 5 writes rope_parameters with rope_theta inside, older versions rope_theta and rope_scaling.
        let parameters = &config["rope_parameters"];
        let scaling = if parameters.is_object() { parameters } else { &config["rope_scaling"] };
        let theta_default = 10_000.0;
        let rope_theta = match parameters["rope_theta"].as_f64() {
            Some(theta) => theta,
            None => number("rope_theta", theta_default)?,
        };
        let flag = |key: &str| config[key].as_bool().unwrap_or(false);
        let window = config["sliding_window"].as_u64().map(|w| w as usize).filter(|w| *w > 0);
        let windows = (0..layers)
            .map(|layer| match (family, config["layer_types"][layer].as_str()) {
                (_, Some("full_attention")) => None,
                (_, Some("sliding_attention")) | (Family::Mistral, None) => window,
                (Family::Qwen2, None) if flag("use_sliding_window") => {
                    let from = config["max_window_layers"].as_u64().unwrap_or(0) as usize;
                    if layer >= from { window } else { None }
                }
                _ => None,
            })
            .collect();
        let attention_bias = flag("attention_bias");
        Ok(Self {
            family,
            hidden,
            intermediate: positive("intermediate_size")?,
            layers,
            heads,
            kv_heads,
            head_dim,
            vocab: positive("vocab_size")?,
            max_positions: config["max_position_embeddings"].as_u64().unwrap_or(2048) as usize,
            norm_eps: number("rms_norm_eps", 1e-6)?,
            rope_theta,
            rope_scaling: rope_scaling(scaling, config, &bad)?,
            qkv_bias: family == Family::Qwen2 || attention_bias,
            output_bias: family == Family::Llama && attention_bias,
            mlp_bias: flag("mlp_bias"),
            tied: flag("tie_word_embeddings"),
            windows,
        })
    }

    /// Rotary frequency of each pair of dimensions, [head_dim / 2], radians per position.
    pub fn inverse_frequencies(&self) -> Vec<f32> {
        let half = self.head_dim / 2;
        (0..half)
            .map(|i| {
                let plain = 1.0 / self.rope_theta.powf(2.0 * i as f64 / self.head_dim as f64);
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

    /// Last parts of the names of a block's linear layers, in the order of the computation.
    pub fn linear_names(&self) -> &'static [&'static str] {
        &LINEAR_NAMES
    }

    /// A linear layer of a block; `name` is one of [`ModelConfig::linear_names`].
    pub fn linear(&self, layer: usize, name: &str) -> LinearSpec {
        let name = self.linear_names().iter().find(|known| **known == name).copied().unwrap_or_default();
        let [out, input] = self.linear_shape(name);
        let (path, bias) = (Self::linear_path(layer, name), self.linear_has_bias(name));
        LinearSpec { name, path, out, input, bias, transposed: false }
    }

    /// All linear layers of all blocks.
    pub fn linears(&self) -> impl Iterator<Item = (usize, LinearSpec)> + '_ {
        (0..self.layers)
            .flat_map(move |layer| self.linear_names().iter().map(move |name| (layer, self.linear(layer, name))))
    }

    /// Path of a linear layer of a block, without `.weight`.
    fn linear_path(layer: usize, name: &str) -> String {
        let part = if matches!(name, "gate_proj" | "up_proj" | "down_proj") { "mlp" } else { "self_attn" };
        format!("model.layers.{layer}.{part}.{name}")
    }

    /// [out, in] of a block's linear layer.
    fn linear_shape(&self, name: &str) -> [usize; 2] {
        let (q, kv) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        match name {
            "q_proj" => [q, self.hidden],
            "k_proj" | "v_proj" => [kv, self.hidden],
            "o_proj" => [self.hidden, q],
            "down_proj" => [self.hidden, self.intermediate],
            _ => [self.intermediate, self.hidden],
        }
    }

    fn linear_has_bias(&self, name: &str) -> bool {
        match name {
            "q_proj" | "k_proj" | "v_proj" => self.qkv_bias,
            "o_proj" => self.output_bias,
            _ => self.mlp_bias,
        }
    }

    /// Every tensor that the model has, with its shape, in Hugging Face's names.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut all = vec![("model.embed_tokens.weight".to_owned(), vec![self.vocab, self.hidden])];
        for layer in 0..self.layers {
            let block = format!("model.layers.{layer}");
            all.push((format!("{block}.input_layernorm.weight"), vec![self.hidden]));
            all.push((format!("{block}.post_attention_layernorm.weight"), vec![self.hidden]));
            for name in self.linear_names() {
                let (path, shape) = (Self::linear_path(layer, name), self.linear_shape(name));
                if self.linear_has_bias(name) {
                    all.push((format!("{path}.bias"), vec![shape[0]]));
                }
                all.push((format!("{path}.weight"), shape.to_vec()));
            }
        }
        all.push(("model.norm.weight".to_owned(), vec![self.hidden]));
        if !self.tied {
            all.push(("lm_head.weight".to_owned(), vec![self.vocab, self.hidden]));
        }
        all
    }

    pub fn parameters(&self) -> u64 {
        self.tensors().iter().map(|(_, shape)| shape.iter().map(|n| *n as u64).product::<u64>()).sum()
    }
}

fn rope_scaling(scaling: &Value, config: &Value, bad: &dyn Fn(&str, String) -> Error) -> Result<RopeScaling> {
    let kind = scaling["rope_type"].as_str().or_else(|| scaling["type"].as_str()).unwrap_or("default");
    let need = |key: &str| {
        scaling[key]
            .as_f64()
            .filter(|n| *n > 0.0)
            .ok_or_else(|| bad(&format!("rope_scaling.{key}"), "must be a number above 0".into()))
    };
    Ok(match kind {
        "default" => RopeScaling::None,
        "linear" => RopeScaling::Linear { factor: need("factor")? },
        "llama3" => RopeScaling::Llama3 {
            factor: need("factor")?,
            low: need("low_freq_factor")?,
            high: need("high_freq_factor")?,
            original: scaling["original_max_position_embeddings"]
                .as_f64()
                .or_else(|| config["max_position_embeddings"].as_f64())
                .unwrap_or(8192.0),
        },
        // The factors themselves are read from the file when the model is loaded.
        "gguf_factors" => RopeScaling::Factors(Vec::new()),
        other => {
            return Err(bad("rope_scaling", format!("the kind '{other}' is not supported (linear and llama3 are)")));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn base() -> Value {
        json!({"model_type": "llama", "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 2,
               "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 512, "rms_norm_eps": 1e-6})
    }

    fn read(config: &Value) -> Result<ModelConfig> {
        ModelConfig::from_json(config, Path::new("config.json"))
    }

    #[test]
    fn both_spellings_of_rope_are_read() {
        let mut old = base();
        old["rope_theta"] = json!(5e5);
        let mut new = base();
        new["rope_parameters"] = json!({"rope_theta": 5e5, "rope_type": "default"});
        assert_eq!(read(&old).unwrap(), read(&new).unwrap());
    }

    #[test]
    fn llama3_scaling_keeps_short_waves_and_slows_long_ones() {
        let mut config = base();
        config["head_dim"] = json!(128);
        config["rope_theta"] = json!(5e5);
        let plain = read(&config).unwrap().inverse_frequencies();
        config["rope_scaling"] = json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 8192});
        let scaled = read(&config).unwrap().inverse_frequencies();
        assert_eq!(plain[0], scaled[0]);
        assert!((plain[63] / scaled[63] - 8.0).abs() < 1e-4);
        assert!(plain.iter().zip(&scaled).any(|(p, s)| (1.01..7.99).contains(&(p / s))));
    }

    #[test]
    fn nonsense_is_named() {
        for (key, value) in [
            ("hidden_size", json!(-3)),
            ("num_key_value_heads", json!(3)),
            ("num_hidden_layers", json!(99999)),
            ("hidden_act", json!("gelu")),
        ] {
            let mut config = base();
            config[key] = value;
            assert!(read(&config).unwrap_err().to_string().contains(key), "{key}");
        }
        let mut config = base();
        config["model_type"] = json!("mamba");
        assert!(matches!(read(&config), Err(Error::ModelUnsupported { .. })));
    }
}
