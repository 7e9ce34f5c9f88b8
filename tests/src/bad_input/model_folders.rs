//! Model folders that are no model, or none that Luthier knows.

use std::path::PathBuf;

use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

use super::{logits_of, recipe, refused_training};
use crate::binary::{luthier, tiny_model, write};

/// The tiny model with keys of config.json set anew.
fn with_config(changes: &[(&str, Value)]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let model = tiny_model(folder.path());
    let file = model.join("config.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for (key, value) in changes {
        config[*key] = value.clone();
    }
    write(file, config.to_string());
    (folder, model)
}

#[test]
fn an_unknown_architecture_is_refused_by_name() {
    let changes = [("architectures", json!(["MambaForCausalLM"])), ("model_type", json!("mamba"))];
    let (folder, model) = with_config(&changes);
    let ended = logits_of(&model, folder.path()).refused(&["llama-tiny"]);
    assert!(ended.stderr.to_lowercase().contains("mamba"), "{}", ended.stderr);
}

#[test]
fn a_config_that_makes_no_model() {
    for (key, value) in [
        ("hidden_size", json!(0)),
        ("num_hidden_layers", json!(1_000_000_000_u64)),
        ("num_attention_heads", json!(0)),
        ("num_key_value_heads", json!(3)),
        ("vocab_size", json!("many")),
        ("rms_norm_eps", json!("tiny")),
        ("rope_scaling", json!({"rope_type": "yarnish", "factor": 2.0})),
        ("hidden_act", json!("sparkle")),
    ] {
        let (folder, model) = with_config(&[(key, value.clone())]);
        let ended = logits_of(&model, folder.path());
        assert_eq!(ended.code, Some(2), "{key}: {value}: {}", ended.stderr);
        ended.says(&["config.json"]);
    }
}

#[test]
fn a_folder_that_is_no_model() {
    let folder = tempfile::tempdir().unwrap();
    logits_of(&folder.path().join("absent"), folder.path()).refused(&["absent"]);
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    logits_of(&empty, folder.path()).refused(&["empty"]);
    let model = tiny_model(folder.path());
    let config = std::fs::read(model.join("config.json")).unwrap();
    write(model.join("config.json"), &config[..config.len() / 2]);
    logits_of(&model, folder.path()).refused(&["config.json", "line"]);
    write(model.join("config.json"), config);
    std::fs::remove_file(model.join("model.safetensors")).unwrap();
    logits_of(&model, folder.path()).refused(&["llama-tiny", "safetensors"]);
}

#[test]
fn an_adapter_that_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let model = tiny_model(folder.path());
    let adapter = folder.path().join("adapter");
    std::fs::create_dir(&adapter).unwrap();
    let input = super::input_ids(folder.path(), &[1, 2]);
    let out = folder.path().join("out.safetensors");
    let run = || {
        let paths = [&model, &adapter, &out].map(|path| path.to_str().unwrap().to_owned());
        let [model, adapter, out] = &paths;
        luthier(["logits", model, "--adapter", adapter, "--input", &input, "--out", out, "--device", "cpu"])
    };
    run().refused(&["adapter"]);
    let config = json!({"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]});
    write(adapter.join("adapter_config.json"), config.to_string());
    run().refused(&["adapter_model.safetensors"]);
    let data = vec![0; 2 * 63 * 4];
    let name = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";
    let view = TensorView::new(safetensors::Dtype::F32, vec![2, 63], &data).unwrap();
    write(adapter.join("adapter_model.safetensors"), safetensors::serialize([(name, view)], None).unwrap());
    run().refused(&["adapter_model.safetensors", "q_proj"]);
    assert!(!out.exists());
}

/// 512 tokens over 256 embeddings: ids would run out of the table.
#[test]
fn a_tokenizer_that_does_not_fit_the_vocabulary() {
    let (folder, model) = with_config(&[("vocab_size", json!(256))]);
    let file = model.join("model.safetensors");
    let bytes = std::fs::read(&file).unwrap();
    let sound = SafeTensors::deserialize(&bytes).unwrap();
    let shrunk = sound.tensors().into_iter().map(|(name, view)| match name.as_str() {
        "model.embed_tokens.weight" | "lm_head.weight" => {
            let data = &view.data()[..view.data().len() / 2];
            (name, TensorView::new(view.dtype(), vec![256, view.shape()[1]], data).unwrap())
        }
        _ => (name, view),
    });
    let shrunk = safetensors::serialize(shrunk, None).unwrap();
    write(&file, shrunk);
    let arguments = ["generate", model.to_str().unwrap(), "--prompt", "a", "--max-new-tokens", "2", "--device", "cpu"];
    luthier(arguments).refused(&["tokenizer", "256"]);
    write(folder.path().join("rows.json"), r#"[{"instruction": "a", "output": "b"}]"#);
    let recipe = recipe(folder.path(), &model, "rows.json", "");
    refused_training(folder.path(), &recipe, &["tokenizer", "256"]);
}

#[test]
fn a_tokenizer_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let model = tiny_model(folder.path());
    let generate = || luthier(["generate", model.to_str().unwrap(), "--prompt", "a", "--device", "cpu"]);
    write(model.join("tokenizer.json"), "{\"version\": \"1.0\", \"model\": {\"type\": \"Telepathy\"}}");
    generate().refused(&["tokenizer.json"]);
    std::fs::remove_file(model.join("tokenizer.json")).unwrap();
    generate().refused(&["tokenizer.json"]);
}
