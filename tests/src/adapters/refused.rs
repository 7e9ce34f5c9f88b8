//! Adapters that do not fit, told by name before anything is trained.

use luthier_engine::Error;
use luthier_engine::adapter::from_recipe;
use luthier_engine::recipe::{FinetuningType, Recipe};
use serde_json::{Value, json};

use super::recipes::recipe;
use super::{copy_of, tiny};
use crate::bench::fixture;
use crate::reference::load;

/// Loads an adapter whose config was changed.
#[track_caller]
fn refused(case: &str, change: impl FnOnce(&mut Value), words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    copy_of(case, folder.path());
    let path = folder.path().join("adapter_config.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut config);
    std::fs::write(&path, config.to_string()).unwrap();
    let mut model = tiny();
    let message = model.load_adapter(folder.path()).expect_err("it does not fit").to_string();
    assert!(words.iter().all(|word| message.contains(word)), "{message}");
    assert!(model.adapter.is_none() && model.params.len() == model.config.tensors().len());
}

#[test]
fn configs_that_change_what_is_computed() {
    refused("sft-rslora", |c| c["peft_type"] = json!("IA3"), &["adapter_config.json", "IA3", "OFT"]);
    refused("sft-rslora", |c| c["peft_type"] = Value::Null, &["(none)"]);
    for (key, value) in [
        ("lora_bias", json!(true)),
        ("use_qalora", json!(true)),
        ("use_bdlora", json!({"nblocks": 2})),
        ("alora_invocation_tokens", json!([1, 2])),
        ("target_parameters", json!(["experts"])),
        ("layer_replication", json!([[0, 2]])),
        ("trainable_token_indices", json!([7])),
        ("bias", json!("all")),
        ("init_lora_weights", json!("pissa")),
    ] {
        refused("sft-rslora", |c| c[key] = value, &[key]);
    }
    refused("sft-oft-cayley", |c| c["coft"] = json!(true), &["coft"]);
    refused("sft-oft-cayley", |c| c["oft_block_size"] = Value::Null, &["oft_block_size", "0.15"]);
    refused("sft-oft-neumann", |c| c["peft_version"] = json!("0.17.1"), &["use_cayley_neumann", "0.18"]);
}

#[test]
fn configs_that_make_no_sense() {
    refused("sft-rslora", |c| c["r"] = json!(0), &["r", "at least 1"]);
    refused("sft-rslora", |c| c["r"] = json!("many"), &["r", "whole number", "many"]);
    refused("sft-rslora", |c| c["lora_dropout"] = json!(1.5), &["lora_dropout", "1.5"]);
    refused("sft-rslora", |c| c["target_modules"] = json!(["wavelet"]), &["target_modules", "wavelet", "q_proj"]);
    refused("sft-rslora", |c| c["target_modules"] = json!("(q_proj"), &["target_modules", "(q_proj"]);
    refused("sft-rslora", |c| c["rank_pattern"] = json!({"[": 4}), &["rank_pattern", "["]);
    refused("sft-rslora", |c| c["layers_to_transform"] = json!([9]), &["layers_to_transform", "9", "4"]);
    refused("sft-oft-cayley", |c| c["r"] = json!(4), &["oft_block_size"]);
}

#[test]
fn adapters_of_another_base_or_shape() {
    refused("sft-rslora", |c| c["r"] = json!(4), &["adapter_model.safetensors", "lora_A", "[16, ", "[4, "]);
    refused("sft-rslora", |c| c["target_modules"] = json!(["k_proj"]), &["adapter_model.safetensors", "no place"]);
    refused("sft-rslora", |c| c["use_dora"] = json!(true), &["lora_magnitude_vector", "missing"]);
    refused("sft-dora", |c| c["use_dora"] = json!(false), &["lora_magnitude_vector", "no place"]);
    refused("sft-oft-cayley", |c| c["oft_block_size"] = json!(16), &["oft_R", "[20, 28]", "[10, 120]"]);
    refused("sft-oft-cayley", |c| c["oft_block_size"] = json!(24), &["24", "64 inputs", "16 or 32"]);
    let mut other = load(&fixture("models/qwen2-tiny"), "cpu");
    let message = other.load_adapter(&fixture("adapters/sft-rslora")).expect_err("another base").to_string();
    assert!(message.contains("adapter_model.safetensors") && message.contains("layers."), "{message}");
}

#[track_caller]
fn refused_recipe(change: impl FnOnce(&mut Recipe), field: &str, words: &[&str]) {
    let recipe = recipe(change);
    let error = from_recipe(&mut tiny(), &recipe, None).expect_err("it does not fit");
    let Error::BadRecipe(problems) = &error else { panic!("{error}") };
    assert_eq!(problems[0].field, field, "{error}");
    assert!(words.iter().all(|word| problems[0].reason.contains(word)), "{error}");
}

#[test]
fn recipes_that_do_not_fit_the_model() {
    refused_recipe(|r| r.lora_rank = 65, "lora_rank", &["65", "model.layers.0.self_attn.q_proj", "64 x 64"]);
    // k and v have 32 outputs.
    refused_recipe(|r| r.lora_rank = 40, "lora_rank", &["40", "k_proj", "32 x 64"]);
    refused_recipe(|r| r.lora_rank_pattern.extend([("v_proj".into(), 33)]), "lora_rank_pattern", &["33", "v_proj"]);
    refused_recipe(|r| r.lora_target = vec!["wavelet".into()], "lora_target", &["wavelet", "q_proj"]);
    refused_recipe(|r| r.additional_target = vec!["wavelet".into()], "additional_target", &["wavelet"]);
    let oft = |r: &mut Recipe| r.finetuning_type = FinetuningType::Oft;
    refused_recipe(|r| (oft(r), r.oft_block_size = 48).1, "oft_block_size", &["48", "q_proj", "64", "32 or 64"]);
    refused_recipe(
        |r| (oft(r), (r.oft_rank, r.oft_block_size) = (7, 0)).1,
        "oft_rank",
        &["7 blocks", "64 inputs", "4 or 8"],
    );
    let folder = fixture("adapters/sft-dora");
    refused_recipe(
        |r| (oft(r), r.adapter_name_or_path = Some(folder)).1,
        "finetuning_type",
        &["oft", "lora", "adapter_name_or_path"],
    );
}

/// One matrix cannot be two copies.
#[test]
fn a_tied_head_does_not_train_beside_an_adapter() {
    for module in ["embed_tokens", "lm_head"] {
        let recipe = recipe(|r| r.additional_target = vec![module.into()]);
        let mut model = load(&fixture("models/qwen2-tiny"), "cpu");
        let message = from_recipe(&mut model, &recipe, None).expect_err("tied").to_string();
        assert!(message.contains("additional_target") && message.contains("one matrix"), "{message}");
    }
}
