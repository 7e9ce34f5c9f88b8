//! Methods, adapters and reward models that do not fit: said before training starts, nothing written.

use std::path::Path;

use super::refused_training;
use crate::binary::{fixture, luthier, tiny_model, write};

const PAIR: &str = r#"{"prompt": "Q: Name a colour.\n", "chosen": "Blue.", "rejected": "Seven or eight."}"#;
const ANSWER: &str = r#"{"prompt": "Q: Name a colour.\n", "completion": "Blue."}"#;

/// A recipe on llama-tiny with these lines and rows.
fn recipe(folder: &Path, row: &str, lines: &str) -> String {
    write(folder.join("rows.jsonl"), format!("{row}\n{}\n", row.replace("colour", "tree")));
    let text = format!(
        "model_name_or_path: {}\ndataset: rows.jsonl\noutput_dir: out\nper_device_train_batch_size: 2\nmax_steps: 2\n\
         device: cpu\n{lines}\n",
        fixture("models/llama-tiny").display()
    );
    write(folder.join("recipe.yaml"), text)
}

#[track_caller]
fn refused(row: &str, lines: &str, words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    refused_training(folder.path(), &recipe(folder.path(), row, lines), words);
}

#[test]
fn an_adapter_made_for_another_base_names_tensor_and_shapes() {
    let other = fixture("train/sft-lora-phi3/init_adapter");
    let lines = format!("stage: sft\nfinetuning_type: lora\nadapter_name_or_path: {}", other.display());
    refused(ANSWER, &lines, &["init_adapter", "gate_up_proj", "q_proj"]);
    // The same names with other shapes.
    let other = fixture("train/dpo-sigmoid-lora/init_adapter");
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe(folder.path(), ANSWER, "stage: sft\nfinetuning_type: lora");
    let text = std::fs::read_to_string(&recipe).unwrap().replace("llama-tiny", "gemma2-tiny");
    write(&recipe, format!("{text}adapter_name_or_path: {}\n", other.display()));
    refused_training(folder.path(), &recipe, &["adapter_model.safetensors", "lora_", "shape", "[8, "]);
}

#[test]
fn ranks_and_blocks_that_do_not_fit_the_layers() {
    refused(ANSWER, "stage: sft\nfinetuning_type: lora\nlora_rank: 65", &["lora_rank", "65", "64"]);
    refused(ANSWER, "stage: sft\nfinetuning_type: oft\noft_block_size: 48", &["oft_block_size", "48", "64"]);
}

#[test]
fn schedules_and_spans_name_layers_that_are_there() {
    let schedule = "unfreeze_schedule: [{at: 0, layers: [3]}, {at: 1, layers: [9]}]";
    refused(ANSWER, &format!("stage: sft\nfinetuning_type: full\n{schedule}"), &["unfreeze_schedule", "9", "4"]);
    refused(ANSWER, "stage: sft\nfinetuning_type: lora\nfreeze_layers: 2-7", &["freeze_layers", "7"]);
    let both = "freeze_layers: 0-2\nunfreeze_schedule: [{at: 0.5, layers: [2]}]";
    refused(ANSWER, &format!("stage: sft\nfinetuning_type: full\n{both}"), &["unfreeze_schedule", "freeze_layers"]);
}

#[test]
fn a_reward_model_with_another_tokenizer() {
    let folder = tempfile::tempdir().unwrap();
    let other = tiny_model(folder.path());
    let tokenizer = other.join("tokenizer.json");
    let text = std::fs::read_to_string(&tokenizer).unwrap();
    let swapped = text.replace("\"#\": 5", "\"#\": 6").replace("\"$\": 6", "\"$\": 5");
    assert_ne!(text, swapped);
    write(&tokenizer, swapped);
    let lines = format!(
        "stage: ppo\nfinetuning_type: lora\nmax_new_tokens: 4\nreward_model: {}\nreward_model_type: full",
        other.display()
    );
    let text = recipe(folder.path(), ANSWER, &lines);
    refused_training(folder.path(), &text, &["tokenizer.json", "policy's tokenizer", "family"]);
}

#[test]
fn a_reward_model_that_cannot_score_and_one_that_cannot_speak() {
    let plain = fixture("train/sft-lora-all/init_adapter");
    let lines = format!("stage: ppo\nfinetuning_type: lora\nmax_new_tokens: 4\nreward_model: {}", plain.display());
    refused(ANSWER, &lines, &["init_adapter", "score"]);
    refused(ANSWER, "stage: ppo\nfinetuning_type: lora", &["reward_model", "reward_rule"]);
    refused(ANSWER, "stage: ppo\nfinetuning_type: lora\nreward_rule: \"regex:(\"", &["reward_rule"]);

    let folder = tempfile::tempdir().unwrap();
    let lines = "stage: rm\nfinetuning_type: full\nsave_strategy: no";
    luthier(["train", &recipe(folder.path(), PAIR, lines)]).done();
    let model = folder.path().join("out");
    let config = std::fs::read_to_string(model.join("config.json")).unwrap();
    assert!(config.contains("LlamaForSequenceClassification"), "{config}");
    let model = model.to_str().unwrap();
    luthier(["generate", model, "--prompt", "Hello", "--device", "cpu"]).refused(&["reward model"]);
}

#[test]
fn preference_settings_that_contradict_themselves() {
    refused(PAIR, "stage: dpo\nfinetuning_type: lora\npref_loss: kto_pair", &["pref_loss", "stage: kto"]);
    let robust = "stage: dpo\nfinetuning_type: lora\npref_loss: robust\ndpo_label_smoothing: 0.5";
    refused(PAIR, robust, &["dpo_label_smoothing", "0.5"]);
    refused(PAIR, "stage: dpo\nfinetuning_type: full\nquantization_bit: 4", &["quantization_bit"]);
}
