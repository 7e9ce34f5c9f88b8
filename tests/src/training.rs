//! Properties of training that hold whatever the numbers: on the tiny Llama and through the worker's real channel.

use std::collections::BTreeSet;
use std::path::Path;

use luthier_engine::adapter::{AdapterConfig, LoraConfig, Method as AdapterMethod};
use luthier_engine::data::{Encoded, Example};
use luthier_engine::method::{Method, Sft, Turn};
use luthier_engine::model::{DropoutKey, GradientSum, Model, Param};
use luthier_engine::ops;
use luthier_engine::protocol::{Command, Event, Outcome, Phase};
use luthier_engine::recipe::{FinetuningType, Interval, Recipe, SchedulerType};
use luthier_engine::run_folder::{checkpoint_dirs, read_events};
use luthier_engine::trainer::{Graph, Pass};

use crate::bench::{Done, drive, fixture, gather, run, worst};
use crate::reference::load;

/// 8 steps of LoRA with dropout on the tiny Llama, into `out`.
fn lora(out: &Path) -> Recipe {
    let (mut recipe, _) = Recipe::load(fixture("train/sft-lora-all/recipe.yaml")).expect("recipe");
    recipe.adapter_name_or_path = None;
    recipe.lora_dropout = 0.1;
    recipe.disable_shuffling = false;
    recipe.max_steps = 8;
    recipe.gradient_accumulation_steps = 2;
    recipe.per_device_train_batch_size = 2;
    recipe.device = "cpu".into();
    recipe.output_dir = out.join("run");
    recipe
}

fn losses(done: &Done) -> Vec<f32> {
    done.steps.iter().map(|s| s.loss).collect()
}

fn tiny() -> Model {
    load(&fixture("models/llama-tiny"), "cpu")
}

fn with_lora(r: usize, rslora: bool) -> Model {
    let mut model = tiny();
    let lora = LoraConfig { r, lora_alpha: 16.0, use_rslora: rslora, ..LoraConfig::default() };
    let names = model.config.linear_names().to_vec();
    model.add_adapter(AdapterConfig::new(AdapterMethod::Lora(lora), names), 7).expect("lora");
    model
}

/// Makes every B non-zero, so that the adapter says something.
fn stir(model: &mut Model) {
    let names: Vec<String> = model.params.keys().filter(|n| n.contains("lora_B")).cloned().collect();
    for name in names {
        if let Some(Param::Matrix(t)) = model.params.get(&name).cloned() {
            let [rows, cols] = t.dims();
            let wave: Vec<f32> = (0..rows * cols).map(|i| (i as f32 * 0.37).sin() * 0.02).collect();
            let moved =
                t + burn::tensor::Tensor::from_data(burn::tensor::TensorData::new(wave, [rows, cols]), &model.device);
            model.params.insert(name, Param::Matrix(moved));
        }
    }
}

fn some_logits(model: &Model) -> Vec<f32> {
    let ids: Vec<u32> = (0..20).map(|i| i * 23 % 500 + 3).collect();
    ops::read(model.logits(&ids, &[12, 8]), "test").expect("logits")
}

#[test]
fn a_fresh_adapter_changes_nothing_and_an_adapter_switched_off_is_the_base() {
    let base = some_logits(&tiny());
    let mut model = with_lora(8, false);
    assert!(worst(&some_logits(&model), &base) == 0.0);
    stir(&mut model);
    assert!(worst(&some_logits(&model), &base) > 1e-2);
    model.adapter.as_mut().expect("adapter").enabled = false;
    assert!(worst(&some_logits(&model), &base) == 0.0);
}

#[test]
fn merged_equals_unmerged() {
    for rslora in [false, true] {
        let mut model = with_lora(4, rslora);
        stir(&mut model);
        let apart = some_logits(&model);
        model.merge_adapter();
        assert!(worst(&some_logits(&model), &apart) < 2e-4);
    }
}

fn rows() -> Vec<Encoded> {
    (0..5u32)
        .map(|r| {
            let len = 9 + 5 * r as usize;
            let input_ids: Vec<u32> = (0..len as u32).map(|i| (i * 31 + r * 17) % 500 + 3).collect();
            let labels = input_ids.iter().enumerate().map(|(i, &id)| if i < 4 { -100 } else { id as i32 }).collect();
            Encoded { row: r as usize, input_ids, labels }
        })
        .collect()
}

fn gradients(model: &Model, learning: &BTreeSet<String>, graph: Graph, parts: &[&[Encoded]]) -> (f64, GradientSum) {
    let total: usize =
        parts.iter().flat_map(|p| p.iter()).map(|e| e.labels[1..].iter().filter(|l| **l >= 0).count()).sum();
    let (mut sum, mut nll) = (GradientSum::default(), 0.0);
    for (i, part) in parts.iter().enumerate() {
        let train = part.iter().cloned().map(Example::Answer).collect();
        let mut sft = Sft { train, eval: Vec::new(), kl_penalty: 0.0, base: None };
        let dropout = DropoutKey { seed: 1, step: 0, micro_batch: i as u64 };
        let (pass, share) = (Pass { learning, graph }, 1.0 / total as f64);
        let all: Vec<usize> = (0..part.len()).collect();
        nll += sft.micro_batch(Turn { model, pass, dropout, share, sum: &mut sum }, &all).expect("pass").loss;
    }
    (nll / total as f64, sum)
}

pub fn apart(a: &GradientSum, b: &GradientSum) -> f32 {
    assert_eq!(a.0.keys().collect::<Vec<_>>(), b.0.keys().collect::<Vec<_>>());
    let values = |t: &burn::tensor::Tensor<1>| ops::read(t.clone(), "test").expect("values");
    a.0.iter().map(|(name, grad)| worst(&values(grad), &values(&b.0[name]))).fold(0.0, f32::max)
}

fn everything(model: &Model) -> BTreeSet<String> {
    model.params.keys().cloned().collect()
}

#[test]
fn kept_and_recomputed_graphs_give_the_same_gradients() {
    let mut model = with_lora(4, false);
    stir(&mut model);
    model.adapter.as_mut().expect("adapter").config.dropout = 0.2;
    let (learning, data) = (everything(&model), rows());
    let (kept_loss, kept) = gradients(&model, &learning, Graph::Kept, &[&data]);
    let (again_loss, again) = gradients(&model, &learning, Graph::Recomputed, &[&data]);
    assert_eq!(kept_loss, again_loss);
    assert!(apart(&kept, &again) < 1e-6);
}

#[test]
fn micro_batches_add_up_to_the_whole_batch() {
    let model = tiny();
    let (learning, data) = (everything(&model), rows());
    let (whole_loss, whole) = gradients(&model, &learning, Graph::Kept, &[&data]);
    let singles: Vec<&[Encoded]> = data.chunks(1).collect();
    let (parts_loss, parts) = gradients(&model, &learning, Graph::Kept, &singles);
    assert!((whole_loss - parts_loss).abs() < 1e-6);
    assert!(apart(&whole, &parts) < 2e-6);
}

#[test]
fn gradients_are_finite_differences() {
    let mut model = with_lora(4, false);
    stir(&mut model);
    let (learning, data) = (everything(&model), rows());
    let (_, grads) = gradients(&model, &learning, Graph::Kept, &[&data]);
    let nothing = BTreeSet::new();
    let loss = |model: &Model| gradients(model, &nothing, Graph::Kept, &[&data]).0;
    for name in [
        "model.embed_tokens.weight",
        "model.layers.0.input_layernorm.weight",
        "model.layers.1.self_attn.k_proj.weight",
        "model.layers.2.mlp.gate_proj.weight",
        "model.norm.weight",
        "lm_head.weight",
        "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight",
        "base_model.model.model.layers.3.mlp.down_proj.lora_B.weight",
    ] {
        let grad = ops::read(grads.0[name].clone(), "test").expect("gradient");
        let at = (0..grad.len()).max_by(|&a, &b| grad[a].abs().total_cmp(&grad[b].abs())).expect("not empty");
        let original = model.params[name].clone();
        let mut moved = |by: f32| {
            let mut values = ops::read(original.clone().into_flat(), "test").expect("values");
            values[at] += by;
            let len = values.len();
            let flat = burn::tensor::Tensor::from_data(burn::tensor::TensorData::new(values, [len]), &model.device);
            model.params.insert(name.into(), Param::from_flat(flat, &original.shape()));
            let value = loss(&model);
            model.params.insert(name.into(), original.clone());
            value
        };
        let slope = (moved(5e-3) - moved(-5e-3)) / 1e-2;
        let off = (slope - f64::from(grad[at])).abs() / slope.abs().max(1e-3);
        assert!(off < 2e-2, "{name}: {slope} by difference, {} by the backward pass", grad[at]);
    }
}

#[test]
fn four_times_one_equals_one_times_four() {
    let dir = tempfile::tempdir().unwrap();
    let mut whole = lora(&dir.path().join("whole"));
    whole.lora_dropout = 0.0;
    whole.per_device_train_batch_size = 4;
    whole.gradient_accumulation_steps = 1;
    let mut parts = Recipe { output_dir: dir.path().join("parts"), ..whole.clone() };
    parts.per_device_train_batch_size = 1;
    parts.gradient_accumulation_steps = 4;
    let (a, b) = (losses(&run(&whole, false)), losses(&run(&parts, false)));
    assert!(worst(&a, &b) < 1e-4, "{a:?} {b:?}");
}

/// Stops a run through the channel after three steps, resumes it, and compares with one that was never stopped.
#[test]
fn resumed_equals_uninterrupted() {
    for kind in [FinetuningType::Lora, FinetuningType::Freeze] {
        let dir = tempfile::tempdir().unwrap();
        let recipe = Recipe { finetuning_type: kind, learning_rate: 2e-3, ..lora(&dir.path().join("whole")) };
        let whole = run(&recipe, false);
        let halved = Recipe { output_dir: dir.path().join("halves"), ..recipe };
        let (events, outcome) = drive(&halved, false, |event, link| {
            if matches!(event, Event::StepReported { report, .. } if report.step == 3) {
                link.send(Command::StopRun);
            }
        });
        assert!(matches!(outcome, Outcome::Stopped { result: Some(_), .. }), "{outcome:?}");
        let first = gather(events, outcome);
        let done = checkpoint_dirs(&halved.output_dir).pop().expect("a checkpoint").0;
        assert!(done < 8 && done == first.steps.len());
        let rest = run(&halved, true);
        assert_eq!(rest.facts.first_step, done);
        let both: Vec<f32> = losses(&first).into_iter().chain(losses(&rest)).collect();
        assert_eq!(both, losses(&whole), "{kind:?}");
        let norms = |d: &Done| d.steps.iter().map(|s| s.grad_norm).collect::<Vec<_>>();
        assert_eq!([norms(&first), norms(&rest)].concat(), norms(&whole));
        let replayed = read_events(&halved.output_dir).unwrap();
        let steps = replayed.iter().filter(|(_, e)| matches!(e, Event::StepReported { .. })).count();
        assert_eq!(steps, 8, "the folder's log has each step once");
    }
}

#[test]
fn pause_save_and_resume_are_answered_within_a_micro_batch() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = lora(dir.path());
    let (mut paused, mut saved) = (0, 0);
    let (events, outcome) = drive(&recipe, false, |event, link| match event {
        Event::StepReported { report, .. } if report.step == 2 => {
            link.send(Command::PauseRun);
            link.send(Command::SaveNow);
        }
        Event::RunPaused { .. } => paused += 1,
        Event::CheckpointSaved { .. } => {
            saved += 1;
            if saved == 1 {
                // Saving does not end the pause.
                std::thread::sleep(std::time::Duration::from_millis(300));
                assert!(link.try_recv().is_none(), "the run went on while it was paused");
                link.send(Command::ResumeRun);
            }
        }
        _ => {}
    });
    assert!(matches!(outcome, Outcome::Completed { .. }));
    assert_eq!((paused, gather(events, outcome).steps.len()), (1, 8));
    assert!(saved >= 1);
}

#[test]
fn a_run_that_diverges_stops_and_names_step_batch_and_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let mut recipe = lora(dir.path());
    recipe.finetuning_type = FinetuningType::Full;
    recipe.learning_rate = 1e12;
    recipe.max_grad_norm = 0.0;
    // The first step's rate is 0: its checkpoint is good, the second's is not.
    recipe.lr_scheduler_type = SchedulerType::ConstantWithWarmup;
    recipe.warmup_steps = 4;
    recipe.save_steps = 1;
    let (_, outcome) = drive(&recipe, false, |_, _| {});
    let Outcome::Failed { problem } = outcome else { panic!("{outcome:?}") };
    assert_eq!(problem.code, "diverged");
    assert!(problem.message.contains("at step") && problem.message.contains("batch"), "{}", problem.message);
    let good = recipe.output_dir.join("checkpoint-1");
    assert!(good.is_dir() && problem.message.contains(&good.display().to_string()), "{}", problem.message);
}

#[test]
fn evaluation_finds_the_best_step_and_early_stopping_brings_it_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut recipe = lora(dir.path());
    recipe.lora_dropout = 0.0;
    recipe.val_size = 6.0;
    recipe.eval_strategy = Interval::Steps;
    recipe.eval_steps = Some(2);
    recipe.max_steps = 400;
    recipe.learning_rate = 2e-2;
    recipe.early_stopping_steps = Some(2);
    let (events, outcome) = drive(&recipe, false, |_, _| {});
    assert!(matches!(&outcome, Outcome::Stopped { reason, .. } if reason.contains("evaluation")), "{outcome:?}");
    let done = gather(events, outcome);
    assert_eq!(done.facts.eval_rows, 6);
    let best = done.evals.iter().map(|e| e.loss).fold(f32::INFINITY, f32::min);
    assert!(done.evals.len() >= 3 && done.evals.last().unwrap().loss > best);
    let mut check =
        Recipe { output_dir: dir.path().join("check"), adapter_name_or_path: Some(recipe.output_dir), ..recipe };
    check.early_stopping_steps = None;
    check.learning_rate = 1e-12;
    check.max_steps = 2;
    let again = run(&check, false);
    assert!((again.evals[0].loss - best).abs() < 1e-3, "{} {best}", again.evals[0].loss);
}

/// Stopped in the middle of an evaluation, nothing is lost, and the resumed run makes that evaluation up.
#[test]
fn a_stop_during_an_evaluation_keeps_the_work() {
    let dir = tempfile::tempdir().unwrap();
    let mut recipe = lora(dir.path());
    recipe.val_size = 12.0;
    recipe.eval_strategy = Interval::Steps;
    recipe.eval_steps = Some(4);
    recipe.per_device_eval_batch_size = 1;
    let whole = run(&Recipe { output_dir: dir.path().join("whole"), ..recipe.clone() }, false);
    let (events, outcome) = drive(&recipe, false, |event, link| {
        if matches!(event, Event::RunProgress { phase: Phase::Evaluating, .. }) {
            link.send(Command::StopRun);
        }
    });
    assert!(matches!(outcome, Outcome::Stopped { result: Some(_), .. }), "{outcome:?}");
    let first = gather(events, outcome);
    let rest = run(&recipe, true);
    let evals = |d: &Done| d.evals.iter().map(|e| (e.step, e.loss)).collect::<Vec<_>>();
    assert_eq!([evals(&first), evals(&rest)].concat(), evals(&whole));
    assert_eq!([losses(&first), losses(&rest)].concat(), losses(&whole));
}
