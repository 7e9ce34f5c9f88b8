//! What the benchmarks compute with.

use luthier_engine::model::ModelConfig;

/// SmolLM2-135M's.
pub fn smollm2_135m() -> ModelConfig {
    let config = serde_json::json!({
        "model_type": "llama", "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
        "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49152, "rms_norm_eps": 1e-5,
        "rope_theta": 100000.0, "tie_word_embeddings": true, "max_position_embeddings": 8192
    });
    ModelConfig::from_json(&config, std::path::Path::new("bench")).expect("config")
}
