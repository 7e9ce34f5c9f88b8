//! Properties of the preference, KTO, reward and PPO stages that hold whatever the numbers, through the worker's real
//! channel: first losses, accumulation, the cache of the reference, early stopping, what a person is warned of.

use std::collections::BTreeMap;
use std::path::Path;

use luthier_engine::model::{Param, save_companions, save_full};
use luthier_engine::ops;
use luthier_engine::protocol::{Event, Outcome, StepReport};
use luthier_engine::recipe::{FinetuningType, Interval, PrefLoss, Recipe, ValueModel};
use serde_json::Value;

use crate::bench::{drive, fixture, fresh, gather, run};
use crate::reference::load;
use crate::resumed::ppo;

fn full(recipe: Recipe) -> Recipe {
    Recipe { finetuning_type: FinetuningType::Full, learning_rate: 1e-3, ..recipe }
}

fn first(recipe: &Recipe) -> StepReport {
    run(recipe, false).steps.remove(0)
}

fn near(got: f32, want: f64, limit: f64, what: &str) {
    assert!((f64::from(got) - want).abs() < limit, "{what}: {got} instead of {want}");
}

/// The policy begins as its reference: every log-ratio is 0, and the losses are those of 0.
#[test]
fn first_losses_are_those_of_a_model_that_is_its_reference() {
    let dir = tempfile::tempdir().unwrap();
    let one = |name: &str, recipe: Recipe| Recipe { max_steps: 1, output_dir: dir.path().join(name), ..recipe };
    let beta = 0.2;
    let ln2 = std::f64::consts::LN_2;
    let smoothed = (PrefLoss::Robust, 0.1);
    for (kind, smoothing, want) in [
        (PrefLoss::Sigmoid, 0.0, ln2),
        (PrefLoss::Sigmoid, 0.1, ln2),
        // ((1 - e) ln 2 - e ln 2) / (1 - 2 e)
        (smoothed.0, smoothed.1, ln2),
        (PrefLoss::Ipo, 0.0, 1.0 / (4.0 * beta * beta)),
        (PrefLoss::Hinge, 0.0, 1.0),
    ] {
        for (how, recipe) in [("lora", fresh("dpo-ipo", dir.path())), ("full", full(fresh("dpo-ipo", dir.path())))] {
            let what = format!("{kind:?} {smoothing} {how}");
            let recipe = Recipe { pref_loss: kind, dpo_label_smoothing: smoothing, pref_beta: beta, ..recipe };
            let step = first(&one(&what, recipe));
            near(step.loss, want, 2e-5 * want, &what);
            near(step.metrics["rewards/margins"], 0.0, 1e-5, &what);
            assert!(step.grad_norm > 1e-2, "{what}");
        }
    }
    let weights = Recipe { kto_chosen_weight: 3.0, kto_rejected_weight: 3.0, ..fresh("kto-lora", dir.path()) };
    let step = first(&one("kto", weights));
    near(step.loss, 1.5, 1e-5, "kto: the weight times 1 - sigmoid(0)");
    near(step.metrics["kl"], 0.0, 1e-5, "kto: the estimate of KL");
}

/// Before the first step the policy is the one that sampled.
#[test]
fn ppo_begins_at_a_ratio_of_one() {
    let dir = tempfile::tempdir().unwrap();
    for (name, value) in [("head", ValueModel::Head), ("model", ValueModel::Model)] {
        let recipe = Recipe { ppo_value_model: value, max_steps: 1, ..ppo(&dir.path().join(name)) };
        let recipe = if value == ValueModel::Model { full(recipe) } else { recipe };
        let done = run(&recipe, false);
        let metrics: Vec<_> = done.steps.iter().map(|step| &step.metrics).collect();
        near(metrics[0]["val/ratio"], 1.0, 1e-5, name);
        near(metrics[0]["policy/approxkl_avg"], 0.0, 1e-9, name);
        assert_eq!(metrics[0]["policy/clipfrac_avg"], 0.0, "{name}");
        near(metrics[0]["objective/kl"], 0.0, 1e-4, name);
        // The last step of the same answers is another policy's.
        assert!(metrics[3]["policy/approxkl_avg"] > 1e-8, "{name}: {:?}", metrics[3]);
    }
}

fn losses_of(recipe: &Recipe, rows: usize, parts: usize, dir: &Path) -> Vec<[f32; 2]> {
    let recipe = Recipe {
        per_device_train_batch_size: rows,
        gradient_accumulation_steps: parts,
        max_steps: 6, // an epoch of 24 rows: every micro-batch is a full one
        output_dir: dir.join(format!("{}-{rows}x{parts}", recipe.pref_loss)),
        ..recipe.clone()
    };
    run(&recipe, false).steps.iter().map(|step| [step.loss, step.grad_norm]).collect()
}

/// Means over pairs: with as many pairs in each micro-batch a mean of means is the mean.
#[test]
fn four_times_one_equals_one_times_four_for_pairs() {
    let dir = tempfile::tempdir().unwrap();
    for case in ["dpo-sigmoid-lora", "simpo", "rm-lora"] {
        let dir = dir.path().join(case);
        let recipe = full(fresh(case, &dir));
        let (whole, parts) = (losses_of(&recipe, 4, 1, &dir), losses_of(&recipe, 1, 4, &dir));
        for (step, (a, b)) in whole.iter().zip(&parts).enumerate() {
            for (a, b) in a.iter().zip(b) {
                assert!((a - b).abs() < 2e-4 * a.abs(), "{case}, step {}: {whole:?} {parts:?}", step + 1);
            }
        }
        assert!((whole[0][0] - whole[5][0]).abs() > 1e-2, "{case}: nothing was learned: {whole:?}");
    }
}

/// KTO's estimate of KL is a micro-batch's own (an answer alone is its own mismatch), so later steps differ by how the
/// rows are cut up, in TRL as here. While the policy is its reference every estimate is 0, and the cut means nothing.
#[test]
fn four_times_one_equals_one_times_four_for_ktos_first_step() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = full(fresh("kto-lora", dir.path()));
    let (whole, parts) = (losses_of(&recipe, 4, 1, dir.path()), losses_of(&recipe, 1, 4, dir.path()));
    for (a, b) in whole[0].iter().zip(&parts[0]) {
        assert!((a - b).abs() < 2e-5 * a.abs(), "{whole:?} {parts:?}");
    }
    assert!((whole[3][0] - parts[3][0]).abs() > 1e-4 * whole[3][0], "{whole:?} {parts:?}");
}

/// Everything in the stored file doubled: whoever believes it sees log-ratios that are not 0.
fn doubled(text: &str) -> String {
    let mut stored: Value = serde_json::from_str(text).expect("JSON");
    for value in stored["logps"].as_object_mut().expect("a table").values_mut() {
        let number: f64 = value.as_str().and_then(|text| text.parse().ok()).expect("a number");
        *value = (number * 2.0).to_string().into();
    }
    stored.to_string()
}

#[test]
fn stored_log_probabilities_serve_the_same_model_and_rows_only() {
    let dir = tempfile::tempdir().unwrap();
    let mut recipe = fresh("dpo-sigmoid-lora", &dir.path().join("run"));
    (recipe.overwrite_output_dir, recipe.max_steps) = (true, 1);
    // A model folder and rows that can be changed.
    let (folder, rows) = (dir.path().join("model"), dir.path().join("rows.jsonl"));
    let mut model = load(&fixture("models/llama-tiny"), "cpu");
    save_full(&model, &folder).expect("saved");
    save_companions(&fixture("models/llama-tiny"), &folder).expect("saved");
    let text = std::fs::read_to_string(fixture("train/dpo-sigmoid-lora/train.jsonl")).unwrap();
    std::fs::write(&rows, &text).unwrap();
    (recipe.model_name_or_path, recipe.dataset) = (folder.clone(), vec![rows.display().to_string()]);
    let stored = recipe.output_dir.join("reference_logps.json");
    let untouched = |recipe: &Recipe, what: &str| {
        near(first(recipe).loss, std::f64::consts::LN_2, 1e-5, what);
    };
    untouched(&recipe, "the first run");
    let wrong = doubled(&std::fs::read_to_string(&stored).expect("stored"));
    std::fs::write(&stored, &wrong).unwrap();
    let believed = first(&recipe).loss;
    assert!((believed - std::f32::consts::LN_2).abs() > 1e-2, "the stored numbers are not used: {believed}");
    assert_eq!(std::fs::read_to_string(&stored).unwrap(), wrong, "nothing was asked again");

    // Every answer another one.
    std::fs::write(&rows, text.replace("\", \"rejected\"", " Yes.\", \"rejected\"").replace("\"}", " No.\"}")).unwrap();
    untouched(&recipe, "other rows");
    std::fs::write(&rows, &text).unwrap();

    std::fs::write(&stored, &wrong).unwrap();
    untouched(&Recipe { quantization_bit: Some(4), ..recipe.clone() }, "4 bits");

    // One weight of one layer.
    std::fs::write(&stored, &wrong).unwrap();
    let name = "model.layers.1.mlp.up_proj.weight";
    let shape = model.params[name].shape();
    let mut values = ops::read(model.params[name].clone().into_flat(), "test").unwrap();
    values[77] += 0.5;
    let flat =
        burn::tensor::Tensor::from_data(burn::tensor::TensorData::new(values, [shape[0] * shape[1]]), &model.device);
    model.params.insert(name.into(), Param::from_flat(flat, &shape));
    save_full(&model, &folder).expect("saved");
    untouched(&recipe, "other weights");
}

#[test]
fn early_stopping_and_evaluation_with_pairs() {
    let dir = tempfile::tempdir().unwrap();
    let mut recipe = fresh("dpo-sigmoid-lora", dir.path());
    recipe.val_size = 6.0;
    recipe.eval_strategy = Interval::Steps;
    recipe.eval_steps = Some(2);
    recipe.per_device_eval_batch_size = 4; // 4 pairs and 2: the loss is a mean over pairs all the same
    recipe.max_steps = 300;
    recipe.learning_rate = 2e-2;
    recipe.early_stopping_steps = Some(2);
    let (events, outcome) = drive(&recipe, false, |_, _| {});
    let done = gather(events, outcome);
    let Outcome::Stopped { reason, result: Some(result) } = &done.outcome else { panic!("{:?}", done.outcome) };
    assert!(reason.contains("evaluation"), "{reason}");
    let best = done.evals.iter().min_by(|a, b| a.loss.total_cmp(&b.loss)).expect("evaluations");
    assert!(reason.contains(&format!("step {}", best.step)) && done.evals.len() >= 3, "{reason}");
    for eval in &done.evals {
        for name in ["rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies", "logps/chosen"] {
            assert!(eval.metrics[name].is_finite(), "{name}");
        }
    }
    // The result is the best one: continued without learning it has the best one's loss.
    let mut check = Recipe { early_stopping_steps: None, output_dir: dir.path().join("check"), ..recipe.clone() };
    (check.adapter_name_or_path, check.learning_rate) = (Some(result.clone()), 1e-12);
    (check.max_steps, check.per_device_eval_batch_size) = (2, 1);
    let again = run(&check, false);
    near(again.evals[0].loss, f64::from(best.loss), 1e-3, "the result's evaluation loss");
}

/// The message that a person gets, once; and none where the run learns.
#[test]
fn a_run_that_does_not_move_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let warnings = |rate: f64, name: &str| -> Vec<String> {
        let recipe = Recipe {
            learning_rate: rate,
            max_steps: 30,
            output_dir: dir.path().join(name),
            ..fresh("dpo-sigmoid-lora", dir.path())
        };
        let (events, _) = drive(&recipe, false, |_, _| {});
        let text = |event| match event {
            Event::Warned { message, .. } if message.contains("0.6931") => Some(message),
            _ => None,
        };
        events.into_iter().filter_map(text).collect()
    };
    let stuck = warnings(1e-12, "stuck");
    assert_eq!(stuck.len(), 1, "{stuck:?}");
    assert!(stuck[0].starts_with("step 11:") && stuck[0].contains("learning rate"), "{stuck:?}");
    assert!(warnings(5e-3, "learns").is_empty());
}

/// What a step tells under TRL's names, so that a panel finds it.
#[test]
fn every_stage_tells_its_metrics() {
    let dir = tempfile::tempdir().unwrap();
    let pairs = [
        "rewards/chosen",
        "rewards/rejected",
        "rewards/margins",
        "rewards/accuracies",
        "logps/chosen",
        "logps/rejected",
    ];
    let wanted: BTreeMap<&str, Vec<&str>> = BTreeMap::from([
        ("dpo-sigmoid-lora", pairs.to_vec()),
        ("orpo", [&pairs[..], &["nll_loss", "log_odds_ratio", "log_odds_chosen"]].concat()),
        ("kto-lora", vec!["kl", "rewards/chosen", "rewards/rejected", "rewards/margins"]),
        ("rm-lora", vec!["accuracy", "margin", "mean_reward", "min_reward", "max_reward"]),
    ]);
    for (case, names) in wanted {
        let step = first(&Recipe { max_steps: 1, ..fresh(case, &dir.path().join(case)) });
        for name in names {
            assert!(step.metrics[name].is_finite(), "{case}: {name}");
        }
    }
}
