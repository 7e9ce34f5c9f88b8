//! The config.json that a GGUF file's metadata amounts to.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use serde_json::{Value, json};

use super::gguf_families::{Family, ROPE_FREQS};
use super::gguf_meta::Metadata;
use super::gguf_tokenizer::token_id;
use super::stored::{Conversion, StoredTensor};
use crate::error::{Error, Result};

type Tensors = BTreeMap<String, (StoredTensor, Conversion)>;

/// `attention.head_count_kv`, which files without grouped heads leave out.
pub(super) fn key_value_heads(metadata: &Metadata<'_>, prefix: &str) -> Result<usize> {
    let key = format!("{prefix}.attention.head_count_kv");
    match metadata.count(&key)? {
        Some(_) => metadata.required(&key),
        None => metadata.required(&format!("{prefix}.attention.head_count")),
    }
}

/// # Errors
/// `BadModel` with the key that is missing or at odds with the tensors, `ModelUnsupported` for
/// experts, partial rotary and other features that would silently give wrong numbers.
pub(super) fn config(metadata: &Metadata<'_>, family: Family, tensors: &Tensors) -> Result<Value> {
    let prefix = family.architecture;
    let key = |name: &str| format!("{prefix}.{name}");
    let bad = |name: &str, reason: String| Error::model(metadata.file, key(name), reason);
    refuse_unread_features(metadata, prefix)?;

    let hidden = metadata.required(&key("embedding_length"))?;
    let layers = metadata.required(&key("block_count"))?;
    if layers > tensors.len() {
        return Err(bad("block_count", format!("claims {layers} layers, but the file has {} tensors", tensors.len())));
    }
    let heads = metadata.required(&key("attention.head_count"))?;
    let vocab = vocabulary_size(metadata, family, tensors, hidden)?;
    let eps_name =
        if family.model_type == "gpt2" { "attention.layer_norm_epsilon" } else { "attention.layer_norm_rms_epsilon" };
    let eps = metadata.number(&key(eps_name))?;
    let eps = eps.ok_or_else(|| bad(eps_name, "this metadata key is missing".into()))?;
    let mut config = json!({
        "architectures": [family.class],
        "model_type": family.model_type,
        "vocab_size": vocab,
        "tie_word_embeddings": !tensors.contains_key("lm_head.weight"),
    });
    for (name, value) in token_ids(metadata, vocab)? {
        config[name] = value;
    }
    let feed_forward = metadata.required(&key("feed_forward_length"))?;
    if family.model_type == "gpt2" {
        config["n_embd"] = json!(hidden);
        config["n_layer"] = json!(layers);
        config["n_head"] = json!(heads);
        config["n_inner"] = json!(feed_forward);
        config["n_positions"] = json!(metadata.required(&key("context_length"))?);
        config["layer_norm_epsilon"] = json!(eps);
        config["activation_function"] = json!("gelu_new");
        return Ok(config);
    }

    let head_dim = head_dim(metadata, prefix, hidden, heads)?;
    config["hidden_size"] = json!(hidden);
    config["num_hidden_layers"] = json!(layers);
    config["num_attention_heads"] = json!(heads);
    config["num_key_value_heads"] = json!(key_value_heads(metadata, prefix)?);
    config["head_dim"] = json!(head_dim);
    config["intermediate_size"] = json!(feed_forward);
    config["hidden_act"] = json!("silu");
    config["rms_norm_eps"] = json!(eps);
    config["rope_theta"] = json!(metadata.number(&key("rope.freq_base"))?.unwrap_or(10_000.0));
    config["rope_scaling"] = rope_scaling(metadata, prefix, tensors, head_dim)?;
    config["max_position_embeddings"] = json!(metadata.count(&key("context_length"))?.unwrap_or(2048));
    config["attention_bias"] = json!(tensors.contains_key("model.layers.0.self_attn.q_proj.bias"));
    config["mlp_bias"] = json!(tensors.contains_key("model.layers.0.mlp.up_proj.bias"));
    if let Some(window) = metadata.count(&key("attention.sliding_window"))? {
        config["sliding_window"] = json!(window);
    }
    if family.model_type == "gemma2" {
        for name in ["hidden_act", "hidden_activation"] {
            config[name] = json!("gelu_pytorch_tanh");
        }
        // The file does not say it; llama.cpp takes 46 layers for Gemma 2 27B, the one whose scale is of another size.
        config["query_pre_attn_scalar"] = json!(if layers == 46 { hidden / heads } else { head_dim });
        for name in ["attn_logit_softcapping", "final_logit_softcapping"] {
            if let Some(cap) = metadata.number(&key(name))? {
                config[name] = json!(cap);
            }
        }
    }
    Ok(config)
}

fn refuse_unread_features(metadata: &Metadata<'_>, prefix: &str) -> Result<()> {
    let unsupported = |reason: String| Error::ModelUnsupported { path: metadata.file.to_owned(), reason };
    if metadata.count(&format!("{prefix}.expert_count"))?.unwrap_or(0) > 0 {
        return Err(unsupported("is a mixture of experts, which Luthier does not train".into()));
    }
    for name in ["logit_scale", "residual_scale", "embedding_scale", "attention.scale"] {
        let key = format!("{prefix}.{name}");
        if let Some(scale) = metadata.number(&key)?
            && scale != 0.0
            && scale != 1.0
        {
            return Err(unsupported(format!("{key} = {scale}: scaled models of this kind are not read")));
        }
    }
    Ok(())
}

fn head_dim(metadata: &Metadata<'_>, prefix: &str, hidden: usize, heads: usize) -> Result<usize> {
    let key = |name: &str| format!("{prefix}.{name}");
    let unsupported = |reason: String| Error::ModelUnsupported { path: metadata.file.to_owned(), reason };
    let head_dim = match metadata.count(&key("attention.key_length"))? {
        Some(n) if n > 0 => n,
        _ if hidden.is_multiple_of(heads) => hidden / heads,
        _ => {
            let reason = format!("{heads} heads do not divide an embedding_length of {hidden}");
            return Err(Error::model(metadata.file, key("attention.head_count"), reason));
        }
    };
    let values = metadata.count(&key("attention.value_length"))?.unwrap_or(head_dim);
    if values != head_dim {
        return Err(unsupported(format!("keys of {head_dim} and values of {values} numbers a head are not read")));
    }
    let rotated = metadata.count(&key("rope.dimension_count"))?.unwrap_or(head_dim);
    if rotated != head_dim {
        return Err(unsupported(format!("rotates {rotated} of {head_dim} numbers a head: partial rotary is not read")));
    }
    Ok(head_dim)
}

/// Rows of the embedding, whose width must be the hidden size.
fn vocabulary_size(metadata: &Metadata<'_>, family: Family, tensors: &Tensors, hidden: usize) -> Result<usize> {
    let name = "token_embd.weight";
    let Some((embedding, _)) = tensors.get(family.embedding_name()) else {
        return Err(Error::model(metadata.file, name, "this tensor is missing"));
    };
    match embedding.shape[..] {
        [vocab, width] if vocab > 0 && width == hidden => Ok(vocab),
        _ => {
            let reason = format!("has shape {:?}; [vocabulary, {hidden}] is expected", embedding.shape);
            Err(Error::model(metadata.file, name, reason))
        }
    }
}

/// `bos_token_id`, `eos_token_id`, `pad_token_id`; null when the file has none. Where a turn ends
/// with a token of its own (`eot`), `eos_token_id` is a list, as in Hugging Face configs.
fn token_ids(metadata: &Metadata<'_>, vocab: usize) -> Result<Vec<(&'static str, Value)>> {
    let id = |name: &str| token_id(metadata, name, vocab);
    let eos = match (id("eos")?, id("eot")?) {
        (Some(eos), Some(eot)) if eos != eot => json!([eos, eot]),
        (Some(eos), _) | (None, Some(eos)) => json!(eos),
        (None, None) => Value::Null,
    };
    Ok(vec![("bos_token_id", json!(id("bos")?)), ("eos_token_id", eos), ("pad_token_id", json!(id("padding")?))])
}

/// Linear scaling by its factor; factors per frequency as Llama 3's parameters where they are
/// exactly those, else `{"rope_type": "gguf_factors"}` (the tensor `rope_freqs` has them). Any
/// other kind keeps its name, for the model to refuse it.
fn rope_scaling(metadata: &Metadata<'_>, prefix: &str, tensors: &Tensors, head_dim: usize) -> Result<Value> {
    let key = |name: &str| format!("{prefix}.{name}");
    // Phi-3 with a long context: two sets of factors, and the sequence's length decides.
    if tensors.contains_key("rope_factors_long.weight") {
        let reason = "has rope_factors_long.weight: the rotary scaling 'longrope' is not supported".to_owned();
        return Err(Error::ModelUnsupported { path: metadata.file.to_owned(), reason });
    }
    if let Some((factors, _)) = tensors.get(ROPE_FREQS) {
        if factors.shape != [head_dim / 2] || !factors.element.is_float() {
            let reason = format!("has shape {:?}; [{}] floats are expected", factors.shape, head_dim / 2);
            return Err(Error::model(metadata.file, "rope_freqs.weight", reason));
        }
        let factors = factors.to_f32(metadata.bytes, Conversion::AsStored);
        let theta = metadata.number(&key("rope.freq_base"))?.unwrap_or(10_000.0);
        return Ok(llama3_scaling(&factors, theta).unwrap_or_else(|| json!({"rope_type": "gguf_factors"})));
    }
    let factor = match metadata.number(&key("rope.scaling.factor"))? {
        Some(factor) => Some(factor),
        None => metadata.number(&key("rope.scale_linear"))?,
    };
    match (metadata.text(&key("rope.scaling.type"))?.unwrap_or("linear"), factor) {
        ("none", _) | ("linear", None | Some(0.0 | 1.0)) => Ok(Value::Null),
        ("linear", Some(factor)) => Ok(json!({"rope_type": "linear", "factor": factor})),
        (other, factor) => {
            let original = metadata.count(&key("rope.scaling.original_context_length"))?;
            Ok(json!({"rope_type": other, "factor": factor, "original_max_position_embeddings": original}))
        }
    }
}

/// The Llama 3 parameters that give these factors, if the published ones do (low 1, high 4, 8192 positions;
/// llama.cpp's converter writes the factors and drops the parameters).
fn llama3_scaling(factors: &[f32], theta: f64) -> Option<Value> {
    let (low, high, original) = (1.0, 4.0, 8192.0);
    let factor = f64::from(factors.iter().copied().fold(1.0, f32::max));
    for (i, &found) in factors.iter().enumerate() {
        let wavelength = TAU * theta.powf(i as f64 / factors.len() as f64);
        let expected = if wavelength < original / high {
            1.0
        } else if wavelength > original / low {
            factor
        } else {
            let smooth = (original / wavelength - low) / (high - low);
            1.0 / ((1.0 - smooth) / factor + smooth)
        };
        if (f64::from(found) - expected).abs() > 1e-4 * expected {
            return None;
        }
    }
    if factor == 1.0 {
        return Some(Value::Null);
    }
    let original = original as u64;
    Some(json!({"rope_type": "llama3", "factor": factor, "low_freq_factor": low, "high_freq_factor": high,
        "original_max_position_embeddings": original}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn llama3_parameters_are_recognised() {
        // Llama 3.2 (theta 500000, head size 64, factor 32): what llama.cpp's converter writes, in float32.
        let mut factors = vec![1.0; 15];
        factors.extend([1.651_329_3, 3.292_262_8, 9.666_731]);
        factors.resize(32, 32.0);
        let scaling = llama3_scaling(&factors, 500_000.0).unwrap();
        assert_eq!((scaling["rope_type"].as_str(), scaling["factor"].as_f64()), (Some("llama3"), Some(32.0)));
        assert_eq!(llama3_scaling(&[1.0; 32], 500_000.0), Some(Value::Null));
        factors[5] = 1.5;
        assert!(llama3_scaling(&factors, 500_000.0).is_none());
    }
}
