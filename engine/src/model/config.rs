//! What a decoder is made of, read from config.json in either of its two spellings.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::RopeScaling;
use crate::{Error, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Family {
    Llama,
    Mistral,
    Qwen2,
    Qwen3,
    Phi3,
    Gemma2,
    Gpt2,
}

impl Family {
    pub const ALL: [Self; 7] =
        [Self::Llama, Self::Mistral, Self::Qwen2, Self::Qwen3, Self::Phi3, Self::Gemma2, Self::Gpt2];

    pub fn name(self) -> &'static str {
        match self {
            Self::Llama => "Llama",
            Self::Mistral => "Mistral",
            Self::Qwen2 => "Qwen2",
            Self::Qwen3 => "Qwen3",
            Self::Phi3 => "Phi-3",
            Self::Gemma2 => "Gemma 2",
            Self::Gpt2 => "GPT-2",
        }
    }

    /// What transformers' class names begin with.
    pub fn class(self) -> &'static str {
        match self {
            Self::Phi3 => "Phi3",
            Self::Gemma2 => "Gemma2",
            Self::Gpt2 => "GPT2",
            other => other.name(),
        }
    }

    /// `model_type` of config.json.
    pub fn model_type(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Mistral => "mistral",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
            Self::Phi3 => "phi3",
            Self::Gemma2 => "gemma2",
            Self::Gpt2 => "gpt2",
        }
    }

    /// What a key of the other families is called in this one's config.json.
    fn key(self, key: &'static str) -> &'static str {
        match (self, key) {
            (Self::Gpt2, "hidden_size") => "n_embd",
            (Self::Gpt2, "num_hidden_layers") => "n_layer",
            (Self::Gpt2, "num_attention_heads") => "n_head",
            (Self::Gpt2, "max_position_embeddings") => "n_positions",
            (Self::Gpt2, "intermediate_size") => "n_inner",
            (Self::Gpt2, "rms_norm_eps") => "layer_norm_epsilon",
            _ => key,
        }
    }
}

/// What a block's feed-forward part does between its linear layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activation {
    /// silu(gate) * up (Shazeer 2020).
    SwiGlu,
    /// gelu(gate) * up, by the tanh form of gelu.
    GeGlu,
    /// gelu by its tanh form, without a gate.
    Gelu,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    pub activation: Activation,
    /// How many numbers of a head rotary embedding turns, from its first; 0 where positions are learned.
    pub rotary_dim: usize,
    pub rope_theta: f64,
    pub rope_scaling: RopeScaling,
    pub qkv_bias: bool,
    pub output_bias: bool,
    pub mlp_bias: bool,
    /// The head is the embedding; so it is said of a model without a language head, too.
    pub tied: bool,
    /// A reward or value model (`...ForSequenceClassification`): a score head and no language head.
    pub scores: bool,
    /// By layer: how far back a position sees.
    pub windows: Vec<Option<usize>>,
    /// What query times key is multiplied by.
    pub attention_scale: f32,
    /// Attention scores s become cap * tanh(s / cap) (Gemma 2).
    pub attention_cap: Option<f32>,
    /// The same for the logits.
    pub logit_cap: Option<f32>,
}

/// config.json with its path, for errors that name both.
struct Keys<'a> {
    family: Family,
    config: &'a Value,
    place: &'a Path,
}

impl Keys<'_> {
    fn bad(&self, key: &str, why: impl Into<String>) -> Error {
        Error::model(self.place, key, why)
    }

    fn positive(&self, key: &'static str) -> Result<usize> {
        let key = self.family.key(key);
        match self.config[key].as_u64() {
            Some(n @ 1..=16_777_216) => Ok(n as usize),
            _ => Err(self.bad(key, format!("must be a whole number above 0, not {}", self.config[key]))),
        }
    }

    fn positive_or(&self, key: &'static str, default: usize) -> Result<usize> {
        if self.config[self.family.key(key)].is_null() { Ok(default) } else { self.positive(key) }
    }

    fn number(&self, key: &'static str, default: f64) -> Result<f64> {
        let key = self.family.key(key);
        match &self.config[key] {
            Value::Null => Ok(default),
            value => value.as_f64().ok_or_else(|| self.bad(key, format!("must be a number, not {value}"))),
        }
    }

    /// A cap: `default` where the key is missing, none where it is null.
    fn cap(&self, key: &'static str, default: f32) -> Result<Option<f32>> {
        match self.config.get(key) {
            None => Ok(Some(default)),
            Some(Value::Null) => Ok(None),
            Some(value) => match value.as_f64() {
                Some(cap) if cap > 0.0 => Ok(Some(cap as f32)),
                _ => Err(self.bad(key, format!("must be a number above 0 or null, not {value}"))),
            },
        }
    }

    fn flag(&self, key: &str, default: bool) -> bool {
        self.config[key].as_bool().unwrap_or(default)
    }

    fn heads(&self, hidden: usize) -> Result<(usize, usize, usize)> {
        let heads = self.positive("num_attention_heads")?;
        let gpt2 = self.family == Family::Gpt2;
        let kv_heads = if gpt2 { heads } else { self.positive_or("num_key_value_heads", heads)? };
        if heads % kv_heads != 0 {
            return Err(self.bad("num_key_value_heads", format!("{kv_heads} does not divide the {heads} heads")));
        }
        let usual = match self.family {
            Family::Qwen3 => Some(128),
            Family::Gemma2 => Some(256),
            _ => None,
        };
        let head_dim = match usual {
            _ if !gpt2 && !self.config["head_dim"].is_null() => self.positive("head_dim")?,
            Some(usual) => usual,
            None if hidden % heads != 0 => {
                let (heads_key, hidden_key) = (self.family.key("num_attention_heads"), self.family.key("hidden_size"));
                return Err(self.bad(heads_key, format!("{heads} does not divide {hidden_key} {hidden}")));
            }
            None => hidden / heads,
        };
        Ok((heads, kv_heads, head_dim))
    }

    fn activation(&self) -> Result<Activation> {
        let (key, known, activation) = match self.family {
            // Gemma's older configs say hidden_act, the newer hidden_activation, some both.
            Family::Gemma2 if self.config["hidden_activation"].is_null() => {
                ("hidden_act", ["gelu_pytorch_tanh", "gelu_new"], Activation::GeGlu)
            }
            Family::Gemma2 => ("hidden_activation", ["gelu_pytorch_tanh", "gelu_new"], Activation::GeGlu),
            Family::Gpt2 => ("activation_function", ["gelu_new", "gelu_pytorch_tanh"], Activation::Gelu),
            _ => ("hidden_act", ["silu", "swish"], Activation::SwiGlu),
        };
        match &self.config[key] {
            Value::Null => Ok(activation),
            Value::String(word) if known.contains(&word.as_str()) => Ok(activation),
            other => {
                let reason = format!("{other} is not supported for {} ({} is)", self.family.name(), known[0]);
                Err(self.bad(key, reason))
            }
        }
    }

    /// By layer: how far back a position sees.
    fn windows(&self, layers: usize) -> Result<Vec<Option<usize>>> {
        let window = match self.config.get("sliding_window") {
            None if self.family == Family::Gemma2 => Some(4096),
            other => other.and_then(Value::as_u64).map(|w| w as usize).filter(|w| *w > 0),
        };
        let by_layer = |layer: usize| match (self.family, self.config["layer_types"][layer].as_str()) {
            (Family::Gpt2, _) | (_, Some("full_attention")) => Ok(None),
            (_, Some("sliding_attention")) | (Family::Mistral | Family::Phi3, None) => Ok(window),
            (Family::Gemma2, None) => Ok(if layer % 2 == 0 { window } else { None }),
            (Family::Qwen2 | Family::Qwen3, None) if self.flag("use_sliding_window", false) => {
                let from = self.config["max_window_layers"].as_u64().unwrap_or(0) as usize;
                Ok(if layer >= from { window } else { None })
            }
            (_, None) => Ok(None),
            (_, Some(other)) => {
                let reason = format!("'{other}' is not supported (full_attention and sliding_attention are)");
                Err(self.bad(&format!("layer_types[{layer}]"), reason))
            }
        };
        (0..layers).map(by_layer).collect()
    }

    /// How many numbers of a head are turned.
    fn rotary_dim(&self, head_dim: usize) -> Result<usize> {
        if self.family == Family::Gpt2 {
            return Ok(0);
        }
        let inside = &self.config["rope_parameters"]["partial_rotary_factor"];
        let factor = match inside.as_f64() {
            Some(factor) => factor,
            None => self.number("partial_rotary_factor", 1.0)?,
        };
        if factor != 1.0 && self.family != Family::Phi3 {
            let reason = format!("{factor}: turning a part of each head is not supported for {}", self.family.name());
            return Err(self.bad("partial_rotary_factor", reason));
        }
        let turned = (head_dim as f64 * factor) as usize;
        if factor > 1.0 || turned == 0 || turned % 2 != 0 {
            let (key, what) = if factor == 1.0 { ("head_dim", head_dim) } else { ("partial_rotary_factor", turned) };
            return Err(self.bad(key, format!("turns {what} of {head_dim} numbers a head: an even number is needed")));
        }
        Ok(turned)
    }

    /// Switches of GPT-2 that would silently change the numbers.
    fn refuse_gpt2_variants(&self) -> Result<()> {
        for (key, usual) in
            [("scale_attn_weights", true), ("scale_attn_by_inverse_layer_idx", false), ("add_cross_attention", false)]
        {
            if self.flag(key, usual) != usual {
                return Err(self.bad(key, format!("{} is not supported ({usual} is)", !usual)));
            }
        }
        Ok(())
    }
}

impl ModelConfig {
    /// `place` names the file in errors.
    ///
    /// # Errors
    /// `ModelUnsupported` for another architecture, `BadModel` for a key that is missing or makes no sense.
    pub fn from_json(config: &Value, place: &Path) -> Result<Self> {
        let model_type = config["model_type"].as_str().unwrap_or_default();
        let Some(family) = Family::ALL.into_iter().find(|family| family.model_type() == model_type) else {
            if model_type.is_empty() {
                return Err(Error::model(place, "model_type", "is missing, so the architecture is unknown"));
            }
            let known = Family::ALL.map(Family::name).join(", ");
            let reason = format!("the architecture '{model_type}' is not one of those this version knows: {known}");
            return Err(Error::ModelUnsupported { path: place.to_owned(), reason });
        };
        let keys = Keys { family, config, place };
        let gpt2 = family == Family::Gpt2;
        if gpt2 {
            keys.refuse_gpt2_variants()?;
        }
        let (hidden, layers) = (keys.positive("hidden_size")?, keys.positive("num_hidden_layers")?);
        if layers > 1024 {
            let key = family.key("num_hidden_layers");
            return Err(keys.bad(key, format!("{layers} layers are more than any known model has")));
        }
        let (heads, kv_heads, head_dim) = keys.heads(hidden)?;
        // transformers 5 writes rope_parameters with rope_theta inside, older versions rope_theta and rope_scaling.
        let parameters = &config["rope_parameters"];
        let scaling = if parameters.is_object() { parameters } else { &config["rope_scaling"] };
        let rope_theta = match parameters["rope_theta"].as_f64() {
            Some(theta) => theta,
            None => keys.number("rope_theta", 10_000.0)?,
        };
        let rope_scaling =
            if gpt2 { RopeScaling::None } else { RopeScaling::read(scaling, config, &|key, why| keys.bad(key, why))? };
        let attention_bias = keys.flag("attention_bias", false);
        let gemma2 = family == Family::Gemma2;
        let scaled_by = if gemma2 { keys.number("query_pre_attn_scalar", 256.0)? } else { head_dim as f64 };
        if scaled_by <= 0.0 {
            return Err(keys.bad("query_pre_attn_scalar", format!("must be above 0, not {scaled_by}")));
        }
        let cap = |key, default| if gemma2 { keys.cap(key, default) } else { Ok(None) };
        let architecture = config["architectures"][0].as_str().unwrap_or_default();
        let scores = architecture.ends_with("ForSequenceClassification");
        Ok(Self {
            family,
            hidden,
            intermediate: if gpt2 {
                keys.positive_or("intermediate_size", 4 * hidden)?
            } else {
                keys.positive("intermediate_size")?
            },
            layers,
            heads,
            kv_heads,
            head_dim,
            vocab: keys.positive("vocab_size")?,
            max_positions: if gpt2 {
                keys.positive_or("max_position_embeddings", 1024)?
            } else {
                config["max_position_embeddings"].as_u64().unwrap_or(2048) as usize
            },
            norm_eps: keys
                .number("rms_norm_eps", if matches!(family, Family::Phi3 | Family::Gpt2) { 1e-5 } else { 1e-6 })?,
            activation: keys.activation()?,
            rotary_dim: keys.rotary_dim(head_dim)?,
            rope_theta,
            rope_scaling,
            qkv_bias: gpt2 || family == Family::Qwen2 || (family != Family::Phi3 && attention_bias),
            output_bias: gpt2 || (matches!(family, Family::Llama | Family::Qwen3 | Family::Gemma2) && attention_bias),
            mlp_bias: gpt2 || keys.flag("mlp_bias", false),
            // Where the key is missing, each family's own default in transformers.
            tied: scores || keys.flag("tie_word_embeddings", gpt2 || gemma2),
            scores,
            windows: keys.windows(layers)?,
            attention_scale: (1.0 / scaled_by.sqrt()) as f32,
            attention_cap: cap("attn_logit_softcapping", 50.0)?,
            logit_cap: cap("final_logit_softcapping", 30.0)?,
        })
    }
}

#[cfg(test)]
mod tests;
