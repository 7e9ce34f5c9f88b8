//! Configs in every spelling, with what they leave out, and nonsense.

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

fn gpt2() -> Value {
    json!({"model_type": "gpt2", "n_embd": 48, "n_layer": 2, "n_head": 4, "vocab_size": 512})
}

/// config.json of the published gpt2, gemma-2 and Phi-3 leave out what transformers has a default for.
#[test]
fn missing_keys_have_the_familys_defaults() {
    let read = |config: &Value| read(config).unwrap();
    let small = read(&gpt2());
    assert_eq!((small.intermediate, small.max_positions, small.norm_eps, small.tied), (192, 1024, 1e-5, true));
    assert!(small.inverse_frequencies().is_empty());
    let mut config = base();
    assert!(!read(&config).tied);
    config["model_type"] = json!("gemma2");
    let gemma = read(&config);
    assert_eq!((gemma.attention_cap, gemma.logit_cap, gemma.head_dim), (Some(50.0), Some(30.0), 256));
    assert_eq!((gemma.attention_scale, gemma.tied), (1.0 / 16.0, true));
    assert_eq!(gemma.windows, [Some(4096), None]);
    config["final_logit_softcapping"] = Value::Null;
    assert_eq!(read(&config).logit_cap, None);
}

#[test]
fn a_part_of_each_head_can_be_turned_in_phi3() {
    let mut config = base();
    config["model_type"] = json!("phi3");
    config["partial_rotary_factor"] = json!(0.5);
    let half = read(&config).unwrap();
    assert_eq!((half.rotary_dim, half.inverse_frequencies().len()), (8, 4));
    config["model_type"] = json!("llama");
    assert!(read(&config).unwrap_err().to_string().contains("partial_rotary_factor"));
}

#[test]
fn what_a_family_does_not_do_is_refused_by_name() {
    for (model_type, key, value) in [
        ("gpt2", "scale_attn_by_inverse_layer_idx", json!(true)),
        ("gpt2", "activation_function", json!("relu")),
        ("gpt2", "n_embd", json!("wide")),
        ("gpt2", "n_positions", json!(0)),
        ("gemma2", "hidden_activation", json!("gelu")),
        ("gemma2", "attn_logit_softcapping", json!(-1)),
        ("gemma2", "query_pre_attn_scalar", json!(0)),
        ("qwen3", "layer_types", json!(["chunked_attention", "full_attention"])),
        ("phi3", "rope_scaling", json!({"type": "longrope", "short_factor": [1.0], "long_factor": [2.0]})),
    ] {
        let mut config = if model_type == "gpt2" { gpt2() } else { base() };
        config["model_type"] = json!(model_type);
        config[key] = value.clone();
        let error = read(&config).unwrap_err().to_string();
        assert!(error.contains(key) && error.contains("config.json"), "{error}");
        if let Some(word) = value["type"].as_str() {
            assert!(error.contains(word), "{error}");
        }
    }
}
