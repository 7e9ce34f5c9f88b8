//! Parity with PyTorch, PEFT and TRL: fixtures/README.md says where the numbers come from.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;

use luthier_engine::files::{read_safetensors_f32, read_safetensors_i64};
use luthier_engine::generate::generate;
use luthier_engine::model::Model;
use luthier_engine::protocol::Sampling;
use luthier_engine::quant::Quantisation;
use luthier_engine::recipe::{FinetuningType, Recipe, Stage};
use luthier_engine::tokenizer::TextTokenizer;
use luthier_engine::trainer::ScoreHead;
use luthier_engine::{device, logits};
use serde_json::Value;

use crate::bench::{fixture, run, worst};

/// One tiny model a family.
pub const MODELS: [&str; 7] =
    ["llama-tiny", "mistral-tiny", "qwen2-tiny", "qwen3-tiny", "phi3-tiny", "gemma2-tiny", "gpt2-tiny"];

pub fn load(path: &Path, device_id: &str) -> Model {
    let device = device::unchecked(device_id).expect("device");
    Model::load(path, &device, &mut |_, _| ControlFlow::Continue(())).expect("model")
}

/// Largest difference to the reference's logits, padded rows included.
pub fn forward_difference(name: &str, device_id: &str) -> f32 {
    let model = load(&fixture(&format!("models/{name}")), device_id);
    let file = fixture(&format!("forward/{name}.safetensors"));
    let mut largest = 0f32;
    for prefix in ["", "padded."] {
        let tensor = |part: &str| read_safetensors_i64(&file, &format!("{prefix}{part}")).expect("readable");
        let (shape, ids) = tensor("input_ids").expect("input_ids");
        let mask = tensor("attention_mask").map_or(vec![1; ids.len()], |(_, mask)| mask);
        let (_, expected) = read_safetensors_f32(&file, &format!("{prefix}logits")).expect("readable").expect("logits");
        let got = logits::of_batch(&model, &ids, &mask, shape[0], shape[1], &file).expect("logits");
        largest = largest.max(worst(&got, &expected));
    }
    largest
}

fn forward_agrees(name: &str) {
    let difference = forward_difference(name, "cpu");
    assert!(difference < 2e-3, "{name}: {difference}");
}

#[test]
fn llama_logits() {
    forward_agrees("llama-tiny");
}

#[test]
fn mistral_logits_with_its_window() {
    forward_agrees("mistral-tiny");
}

#[test]
fn qwen2_logits_with_biases_and_a_tied_head() {
    forward_agrees("qwen2-tiny");
}

#[test]
fn qwen3_logits_with_norms_by_head() {
    forward_agrees("qwen3-tiny");
}

#[test]
fn phi3_logits_with_fused_projections() {
    forward_agrees("phi3-tiny");
}

#[test]
fn gemma2_logits_with_caps_and_alternating_windows() {
    forward_agrees("gemma2-tiny");
}

#[test]
fn gpt2_logits_with_learned_positions() {
    forward_agrees("gpt2-tiny");
}

#[test]
fn greedy_generation_with_the_cache_is_the_reference() {
    for name in MODELS {
        let path = fixture(&format!("models/{name}"));
        let (model, tokenizer) = (load(&path, "cpu"), TextTokenizer::load(&path).expect("tokenizer"));
        let file = fixture(&format!("forward/{name}.safetensors"));
        let (_, expected) = read_safetensors_i64(&file, "greedy.input_ids").expect("readable").expect("there");
        let expected: Vec<u32> = expected.iter().map(|&id| id as u32).collect();
        let sampling = Sampling { max_new_tokens: 16, temperature: 0.0, ..Sampling::default() };
        let got = generate(&model, &tokenizer, &expected[..8], &sampling, &mut |_| true).expect("generated");
        let eos = expected[8..].iter().position(|id| tokenizer.eos_ids().contains(id));
        assert_eq!(got.ids, expected[8..eos.map_or(24, |at| 8 + at)], "{name}");
    }
}

/// Steps, and the logits after training, against expected.json within the limits of the reference's README.
fn trajectory_agrees(case: &str) {
    let folder = fixture(&format!("train/{case}"));
    let out = tempfile::tempdir().expect("temp");
    let (mut recipe, _) = Recipe::load(folder.join("recipe.yaml")).expect("recipe");
    recipe.output_dir = out.path().join("run");
    recipe.device = "cpu".into();
    let done = run(&recipe, false);
    let expected: Value = serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let steps = expected["steps"].as_array().expect("steps");
    assert_eq!(done.steps.len(), steps.len(), "{case}: number of steps");
    assert_eq!(done.facts.trainable_parameters, expected["trainable_parameters"].as_u64().unwrap(), "{case}");
    assert_eq!(done.facts.train_rows as u64, expected["rows_trained_on"].as_u64().unwrap(), "{case}");
    let near = |got: f64, want: &Value, limit: f64, what: &str, step: usize| {
        let want = want.as_f64().expect(what);
        let off = (got - want).abs() / want.abs().max(1e-12);
        assert!(off < limit || got == want, "{case} step {step}: {what} {got} instead of {want}");
    };
    // Names of what TRL logs and Luthier does not: means over the whole vocabulary, of no use to a person.
    let unlogged = ["step", "entropy", "mean_token_accuracy", "logits/chosen", "logits/rejected"];
    for (got, want) in done.steps.iter().zip(steps) {
        for (name, want) in want.as_object().expect("a step") {
            if unlogged.contains(&name.as_str()) || ["loss", "grad_norm", "learning_rate"].contains(&name.as_str()) {
                continue;
            }
            let want = want.as_f64().expect(name);
            let got_value = f64::from(*got.metrics.get(name).unwrap_or_else(|| panic!("{case}: {name} is missing")));
            let off = (got_value - want).abs() / want.abs().max(1.0);
            assert!(off < 2e-3, "{case} step {}: {name} {got_value} instead of {want}", got.step);
        }
        near(f64::from(got.loss), &want["loss"], 2e-4, "loss", got.step);
        near(f64::from(got.grad_norm), &want["grad_norm"], 2e-3, "grad_norm", got.step);
        near(got.learning_rate, &want["learning_rate"], 1e-6, "learning_rate", got.step);
    }
    let probe = folder.join("probe.safetensors");
    let (shape, ids) = read_safetensors_i64(&probe, "probe.input_ids").unwrap().unwrap();
    let what = if recipe.stage == Stage::Rm { "rewards" } else { "logits" };
    let (_, wanted) = read_safetensors_f32(&probe, &format!("probe.{what}")).unwrap().unwrap();
    let (_, before) = read_safetensors_f32(&probe, &format!("probe.{what}_initial")).unwrap().unwrap();
    let model = match recipe.finetuning_type {
        FinetuningType::Lora | FinetuningType::Oft => {
            let mut model = base_of(&recipe);
            if recipe.stage == Stage::Rm {
                model.add_score_head(0).expect("score head");
            }
            model.load_adapter(&recipe.output_dir).expect("the result is a PEFT folder");
            model
        }
        _ => load(&recipe.output_dir, "cpu"),
    };
    let got = if recipe.stage == Stage::Rm {
        rewards(&model, &ids)
    } else {
        logits::of_batch(&model, &ids, &vec![1; ids.len()], shape[0], shape[1], &probe).unwrap()
    };
    assert!(worst(&got, &wanted) < 5e-3, "{case}: probe logits off by {}", worst(&got, &wanted));
    assert!(worst(&before, &wanted) > 5e-2, "{case}: the probe would not notice a run that learned nothing");
}

/// The starting model as the run had it, its weights through 4 bits where the recipe says so.
fn base_of(recipe: &Recipe) -> Model {
    let device = device::unchecked("cpu").expect("device");
    let quantise = recipe.quantization_bit.map(|_| Quantisation { double: recipe.double_quantization });
    let path = &recipe.model_name_or_path;
    Model::load_with(path, &device, quantise, &mut |_, _| ControlFlow::Continue(())).expect("model")
}

fn rewards(model: &Model, ids: &[i64]) -> Vec<f32> {
    let ids: Vec<u32> = ids.iter().map(|&id| id as u32).collect();
    let nothing = BTreeSet::new();
    let x = model.hidden(&ids, &[ids.len()]);
    ScoreHead { model, learning: &nothing }.read(&x, &[ids.len() as i32 - 1]).expect("scores")
}

macro_rules! trajectories {
    ($($name:ident: $case:literal,)+) => {
        $(#[test]
        fn $name() {
            trajectory_agrees($case);
        })+

        #[test]
        fn every_reference_case_has_a_test() {
            let tested = BTreeSet::from([$($case.to_owned(),)+]);
            let there: BTreeSet<String> = std::fs::read_dir(fixture("train"))
                .unwrap()
                .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
                .collect();
            assert_eq!(tested, there);
        }
    };
}

trajectories! {
    dpo_with_accumulation: "dpo-accum",
    dpo_hinge: "dpo-hinge",
    dpo_ipo: "dpo-ipo",
    dpo_conservative: "dpo-label-smoothing",
    dpo_robust: "dpo-robust",
    dpo_full_on_qwen3: "dpo-sigmoid-full",
    dpo_lora: "dpo-sigmoid-lora",
    kto: "kto-lora",
    orpo: "orpo",
    simpo: "simpo",
    reward_model: "rm-lora",
    dora: "sft-dora",
    oft_by_the_exact_cayley_form: "sft-oft-cayley",
    oft_from_the_identity: "sft-oft-identity",
    oft_by_the_series: "sft-oft-neumann",
    oft_with_shared_blocks: "sft-oft-share",
    qlora: "sft-qlora-nf4",
    full_gpt2: "sft-full-gpt2",
    lora_on_gpt2: "sft-lora-gpt2",
    lora_on_gemma2: "sft-lora-gemma2",
    lora_on_phi3: "sft-lora-phi3",
    full: "sft-full",
    full_with_weight_decay_and_a_tied_head: "sft-full-wd",
    freeze_all_but_the_embedding: "sft-freeze-embed",
    freeze_all_but_the_last_two: "sft-freeze-last2",
    lora_on_all_layers: "sft-lora-all",
    lora_on_q_and_v_with_accumulation_and_cosine: "sft-lora-qv",
    lora_with_a_remainder_at_each_epoch: "sft-lora-remainder",
    lora_with_truncated_rows: "sft-lora-trunc",
    rank_stabilised_lora: "sft-rslora",
}

/// The first micro-batch is the one that the reference's trainer saw, padding included.
#[test]
fn first_batches_are_the_reference() {
    for case in ["sft-full", "sft-lora-qv", "sft-lora-trunc", "sft-full-wd"] {
        let folder = fixture(&format!("train/{case}"));
        let (recipe, _) = Recipe::load(folder.join("recipe.yaml")).expect("recipe");
        let tokenizer = TextTokenizer::load(&recipe.model_name_or_path).expect("tokenizer");
        let data =
            luthier_engine::data::prepare(&recipe, &tokenizer, &mut |_, _| ControlFlow::Continue(())).expect("data");
        let plan = luthier_engine::trainer::Plan::new(&recipe, data.train.len());
        let rows: Vec<_> = plan.step(0)[0].iter().map(|&row| data.train[row].first()).collect();
        let batch = luthier_engine::data::Batch::collate(&rows, tokenizer.pad_id());
        let expected: Value = serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
        let flat = |key: &str| -> Vec<i64> {
            let rows = expected["first_batch"][key].as_array().unwrap().iter();
            rows.flat_map(|row| row.as_array().unwrap().iter().map(|v| v.as_i64().unwrap())).collect()
        };
        assert_eq!(batch.ids.iter().map(|&id| i64::from(id)).collect::<Vec<_>>(), flat("input_ids"), "{case}");
        assert_eq!(batch.labels.iter().map(|&id| i64::from(id)).collect::<Vec<_>>(), flat("labels"), "{case}");
    }
}
