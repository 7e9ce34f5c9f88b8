//! Layers that join later, the forgetting meter and its limit, and general rows mixed in, in real runs on the tiny Llama.

use std::collections::BTreeMap;
use std::path::Path;

use luthier_engine::files::read_safetensors_f32;
use luthier_engine::freeze::layer_of;
use luthier_engine::protocol::{Event, ForgettingReport, Outcome};
use luthier_engine::recipe::{Recipe, UnfreezePreset, UnfreezeStage};
use serde_json::Value;

use crate::bench::{drive, fixture, fresh, run};

/// Six steps of all weights, a checkpoint after each, at a constant rate.
fn full(out: &Path) -> Recipe {
    let mut recipe = fresh("sft-full", out);
    (recipe.max_steps, recipe.save_steps) = (6, 1);
    recipe
}

fn joins(events: &[Event]) -> Vec<(usize, Vec<usize>)> {
    let join = |event: &Event| match event {
        Event::LayersJoined { step, layers, .. } => Some((*step, layers.clone())),
        _ => None,
    };
    events.iter().filter_map(join).collect()
}

/// The learned tensors after `step` steps, by name.
fn after(recipe: &Recipe, step: usize, names: &[String]) -> BTreeMap<String, Vec<f32>> {
    let file = recipe.output_dir.join(format!("checkpoint-{step}/trained.safetensors"));
    let read = |name: &String| (name.clone(), read_safetensors_f32(&file, name).expect("readable").expect("there").1);
    names.iter().map(read).collect()
}

fn largest_move(a: &[f32], b: &[f32]) -> f32 {
    crate::bench::worst(a, b)
}

#[test]
fn a_layer_stands_still_until_it_joins_and_its_adam_begins_there() {
    let dir = tempfile::tempdir().unwrap();
    let stages = vec![UnfreezeStage { at: 3.0, layers: vec![0, 1] }, UnfreezeStage { at: 5.0, layers: vec![2] }];
    let recipe = Recipe { unfreeze_schedule: stages, ..full(dir.path()) };
    let (events, outcome) = drive(&recipe, false, |_, _| {});
    assert!(matches!(outcome, Outcome::Completed { .. }), "{outcome:?}");
    assert_eq!(joins(&events), [(3, vec![0, 1]), (5, vec![2])]);
    let original = fixture("models/llama-tiny/model.safetensors");
    let model = crate::reference::load(&fixture("models/llama-tiny"), "cpu");
    let names: Vec<String> = model.params.keys().cloned().collect();
    let mut weights = vec![BTreeMap::new()];
    for name in &names {
        let (_, values) = read_safetensors_f32(&original, name).expect("readable").expect("there");
        weights[0].insert(name.clone(), values);
    }
    weights.extend((1..=6).map(|step| after(&recipe, step, &names)));
    let rate = recipe.learning_rate as f32;
    for name in &names {
        let joined = match layer_of(name) {
            Some(0 | 1) => 3,
            Some(2) => 5,
            _ => 0,
        };
        for step in 1..=6 {
            let moved = largest_move(&weights[step][name], &weights[step - 1][name]);
            if step <= joined {
                assert_eq!(weights[step][name], weights[0][name], "{name} moved in step {step}, before it joined");
            } else if step == joined + 1 {
                // Adam's first step is rate * g / (|g| + eps) whatever g is. Were the moments' steps counted from the
                // start of the run, a layer that joins after 3 of them would move by 0.58 of the rate.
                assert!((0.99 * rate..1.01 * rate).contains(&moved), "{name}: {moved} in its first step");
            } else {
                assert!(moved > 0.0, "{name} stood still in step {step}");
            }
        }
    }
    // The optimiser says so too.
    let state = std::fs::read_to_string(recipe.output_dir.join("checkpoint-6/state.json")).unwrap();
    let state: Value = serde_json::from_str(&state).unwrap();
    let steps = |name: &str| state["moment_steps"][name].as_u64();
    let gain = |layer: usize| format!("model.layers.{layer}.input_layernorm.weight");
    assert_eq!([0, 1, 2, 3].map(|layer| steps(&gain(layer))), [Some(3), Some(3), Some(1), Some(6)]);
}

#[test]
fn presets_let_layers_join_from_the_top() {
    let dir = tempfile::tempdir().unwrap();
    let top_down = Recipe {
        unfreeze_preset: Some(UnfreezePreset::TopDown),
        unfreeze_every: 1,
        ..full(&dir.path().join("top_down"))
    };
    let (events, _) = drive(&top_down, false, |_, _| {});
    assert_eq!(joins(&events), [(1, vec![2]), (2, vec![1]), (3, vec![0])]);
    // Evenly, so that the lowest joins at the middle.
    let even = Recipe { unfreeze_every: 0, output_dir: dir.path().join("even"), ..top_down.clone() };
    assert_eq!(joins(&drive(&even, false, |_, _| {}).0), [(1, vec![2]), (2, vec![1]), (3, vec![0])]);
    // One an epoch of two steps; the lowest layer's turn would come after the sixth and last step.
    let ulmfit = Recipe {
        unfreeze_preset: Some(UnfreezePreset::Ulmfit),
        per_device_train_batch_size: 12,
        output_dir: dir.path().join("ulmfit"),
        ..top_down
    };
    let (events, _) = drive(&ulmfit, false, |_, _| {});
    assert_eq!(joins(&events), [(2, vec![2]), (4, vec![1])]);
    let told = events
        .iter()
        .filter(|event| matches!(event, Event::Warned { message, .. } if message.contains("never learn: layers 0")));
    assert_eq!(told.count(), 1);
}

fn measured(events: &[Event]) -> Vec<ForgettingReport> {
    let report = |event: &Event| match event {
        Event::ForgettingMeasured { report, .. } => Some(report.clone()),
        _ => None,
    };
    events.iter().filter_map(report).collect()
}

/// `recipe` with the meter on rows that it does not train on.
fn metered(recipe: Recipe) -> Recipe {
    let general = fixture("train/sft-lora-trunc/train.jsonl").display().to_string();
    Recipe { forgetting_dataset: vec![general], forgetting_steps: 2, max_steps: 5, ..recipe }
}

#[test]
fn the_meter_begins_at_nothing_and_measures_on_time() {
    let dir = tempfile::tempdir().unwrap();
    for (name, recipe) in [
        ("full", full(&dir.path().join("full"))),
        ("lora", fresh("sft-lora-all", &dir.path().join("lora"))),
        ("pairs", fresh("dpo-sigmoid-lora", &dir.path().join("pairs"))),
    ] {
        let recipe = metered(recipe);
        let (events, outcome) = drive(&recipe, false, |_, _| {});
        assert!(matches!(outcome, Outcome::Completed { .. }), "{name}: {outcome:?}");
        let reports = measured(&events);
        assert_eq!(reports.iter().map(|r| r.step).collect::<Vec<_>>(), [0, 2, 4, 5], "{name}");
        let first = &reports[0];
        assert!(first.kl.abs() < 1e-6 && first.base_perplexity > 1.0, "{name}: {first:?}");
        assert!((first.perplexity / first.base_perplexity - 1.0).abs() < 1e-6, "{name}: {first:?}");
        for later in &reports[1..] {
            assert_eq!(later.base_perplexity, first.base_perplexity, "{name}: the starting model does not change");
            assert!(later.kl > 1e-4, "{name}: {later:?}");
        }
    }
}

#[test]
fn the_limit_ends_a_run_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    // The sample model knows its own conversations; the fixtures' rows take that away.
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/sample");
    let known = std::fs::read_to_string(sample.join("sft.jsonl")).unwrap();
    let general = dir.path().join("general.jsonl");
    std::fs::write(&general, known.lines().take(12).flat_map(|line| [line, "\n"]).collect::<String>()).unwrap();
    let recipe = Recipe {
        model_name_or_path: sample.join("model"),
        forgetting_limit: Some(0.05),
        forgetting_dataset: vec![general.display().to_string()],
        learning_rate: 3e-3,
        max_steps: 40,
        save_steps: 500,
        ..metered(full(&dir.path().join("run")))
    };
    let (events, outcome) = drive(&recipe, false, |_, _| {});
    let Outcome::Stopped { result: Some(result), reason } = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("5 %") && reason.contains("forgetting"), "{reason}");
    let reports = measured(&events);
    let risen = |r: &ForgettingReport| r.perplexity / r.base_perplexity - 1.0;
    let (last, earlier) = reports.split_last().expect("measured");
    assert!(risen(last) > 0.05 && earlier.iter().all(|r| risen(r) <= 0.05) && last.step < 40, "{reports:?}");
    assert!(result.join("model.safetensors").is_file());
    let steps = events.iter().filter(|event| matches!(event, Event::StepReported { .. })).count();
    assert_eq!(steps, last.step, "no step after the limit");
}

#[test]
fn general_rows_take_their_share() {
    let dir = tempfile::tempdir().unwrap();
    let general = fixture("train/sft-lora-remainder/train.jsonl").display().to_string();
    for (ratio, rows) in [(0.25, 32), (0.5, 48), (0.0, 24)] {
        let recipe = Recipe {
            replay_dataset: vec![general.clone()],
            replay_ratio: ratio,
            max_steps: 1,
            output_dir: dir.path().join(format!("{ratio}")),
            ..full(dir.path())
        };
        assert_eq!(run(&recipe, false).facts.train_rows, rows, "{ratio}");
    }
}
