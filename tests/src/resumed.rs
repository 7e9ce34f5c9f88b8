//! A run that was interrupted and resumed is the run that never was, whatever its stage and wherever it broke off.

use std::path::Path;

use luthier_engine::protocol::{Command, Event, Outcome, Phase};
use luthier_engine::recipe::{FinetuningType, Interval, Recipe, Stage, UnfreezeStage, ValueModel};
use luthier_engine::run_folder::read_events;

use crate::bench::{drive, fixture, fresh, run};

/// PPO by a rule: two updates of four answers, each learned from in four steps of two micro-batches.
pub fn ppo(out: &Path) -> Recipe {
    let mut recipe = fresh("sft-full", out);
    recipe.stage = Stage::Ppo;
    recipe.finetuning_type = FinetuningType::Lora;
    recipe.reward_rule = Some("length:20".into());
    recipe.max_new_tokens = 8;
    recipe.per_device_train_batch_size = 1;
    recipe.gradient_accumulation_steps = 4;
    recipe.ppo_epochs = 2;
    recipe.ppo_mini_batches = 2;
    recipe.max_steps = 2;
    recipe.ppo_adaptive_kl = true;
    recipe.ppo_score_norm = true;
    recipe
}

/// What a folder's log says of the run itself, bit for bit, apart from times and what belongs to a session.
fn told(folder: &Path) -> Vec<String> {
    let events = read_events(folder).expect("events").into_iter();
    let line = |event| match event {
        Event::StepReported { report: r, .. } => {
            let numbers = (r.loss, r.grad_norm, r.learning_rate, r.token_accuracy, r.total_tokens, r.metrics);
            Some(format!("step {} {numbers:?}", r.step))
        }
        Event::EvalReported { report: r, .. } => {
            Some(format!("evaluation {} {:?}", r.step, (r.loss, r.best, r.metrics)))
        }
        Event::ForgettingMeasured { report, .. } => Some(format!("{report:?}")),
        Event::LayersJoined { step, layers, .. } => Some(format!("layers {step} {layers:?}")),
        Event::PromptsAnswered { step, answers, .. } => Some(format!("answers {step} {answers:?}")),
        Event::RolloutsSampled { step, rollouts, .. } => Some(format!("rollouts {step} {rollouts:?}")),
        _ => None,
    };
    events.filter_map(|(_, event)| line(event)).collect()
}

/// The lines of trainer_log.jsonl without their times.
fn logged(folder: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(folder.join("trainer_log.jsonl")).expect("a log");
    let line = |line: &str| {
        let mut line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let fields = line.as_object_mut().expect("an object");
        fields.retain(|name, _| !["elapsed_time", "remaining_time", "throughput"].contains(&name.as_str()));
        line
    };
    text.lines().map(line).collect()
}

fn weights(folder: &Path) -> Vec<u8> {
    let names = ["adapter_model.safetensors", "model.safetensors"];
    let path = names.iter().map(|name| folder.join(name)).find(|path| path.exists()).expect("a result");
    std::fs::read(path).expect("readable")
}

fn same(a: &Path, b: &Path, what: &str) {
    let (ours, theirs) = (told(a), told(b));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs, "{what}");
    }
    assert_eq!(ours.len(), theirs.len(), "{what}: {ours:?}");
    assert_eq!(logged(a), logged(b), "{what}");
    assert!(weights(a) == weights(b), "{what}: the results differ");
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir_all(to).expect("made");
        for entry in std::fs::read_dir(from).expect("readable") {
            let entry = entry.expect("an entry");
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        std::fs::copy(from, to).expect("copied");
    }
}

/// A run's folder as if the machine had gone down some time after the checkpoint of `step`: the logs know of later
/// steps, and nothing but the logs and that checkpoint is left, so that the reference is asked anew.
fn broken_off(whole: &Path, to: &Path, step: usize) {
    std::fs::create_dir(to).expect("made");
    for name in ["events.jsonl".to_owned(), "trainer_log.jsonl".to_owned(), format!("checkpoint-{step}")] {
        copy(&whole.join(&name), &to.join(&name));
    }
}

/// Breaks the run off after each of `cuts` steps.
fn resumes(what: &str, recipe: Recipe, cuts: &[usize]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let recipe = Recipe { output_dir: dir.path().join("whole"), save_steps: 1, ..recipe };
    let whole = run(&recipe, false);
    assert!(whole.steps.iter().any(|step| step.grad_norm > 0.0) && whole.steps.len() == whole.facts.total_steps);
    for &cut in cuts {
        let again = Recipe { output_dir: dir.path().join(format!("cut-{cut}")), ..recipe.clone() };
        broken_off(&recipe.output_dir, &again.output_dir, cut);
        let rest = run(&again, true);
        assert_eq!(rest.facts.first_step, cut);
        same(&again.output_dir, &recipe.output_dir, &format!("{what}, resumed at {cut}"));
    }
    told(&recipe.output_dir)
}

/// Sends StopRun at the first event that `when` says yes to, resumes, and compares with a run without a stop.
fn stopped_and_resumed(what: &str, recipe: &Recipe, when: impl Fn(&Event) -> bool) {
    let dir = tempfile::tempdir().unwrap();
    let whole = Recipe { output_dir: dir.path().join("whole"), ..recipe.clone() };
    run(&whole, false);
    let halved = Recipe { output_dir: dir.path().join("halves"), ..recipe.clone() };
    let mut asked = false;
    let (_, outcome) = drive(&halved, false, |event, link| {
        if !asked && when(event) {
            asked = true;
            link.send(Command::StopRun);
        }
    });
    assert!(matches!(outcome, Outcome::Stopped { result: Some(_), .. }), "{what}: {outcome:?}");
    let ends = |folder: &Path| {
        let events = read_events(folder).expect("events");
        events.iter().filter(|(_, event)| matches!(event, Event::RunFinished { .. })).count()
    };
    assert_eq!(ends(&halved.output_dir), 1, "{what}");
    assert!(told(&halved.output_dir).len() < told(&whole.output_dir).len(), "{what}: the stop came too late");
    run(&halved, true);
    same(&halved.output_dir, &whole.output_dir, what);
}

fn full(case: &str) -> Recipe {
    Recipe { finetuning_type: FinetuningType::Full, learning_rate: 1e-3, ..fresh(case, Path::new("")) }
}

fn lora(case: &str) -> Recipe {
    fresh(case, Path::new(""))
}

#[test]
fn preference_runs() {
    resumes("dpo, lora", lora("dpo-sigmoid-lora"), &[3]);
    // Without the stored log-probabilities: asked of the checkpoint's weights, they would be others.
    resumes("dpo, full", full("dpo-sigmoid-full"), &[3]);
    resumes("orpo", lora("orpo"), &[3]);
    let at_step = |event: &Event| matches!(event, Event::StepReported { report, .. } if report.step == 3);
    stopped_and_resumed("dpo, full, stopped", &Recipe { max_steps: 16, ..full("dpo-sigmoid-full") }, at_step);
}

#[test]
fn kto_runs() {
    resumes("kto, lora", lora("kto-lora"), &[3]);
    resumes("kto, full", full("kto-lora"), &[3]);
}

#[test]
fn reward_model_runs() {
    resumes("rm, lora", lora("rm-lora"), &[3]);
    resumes("rm, full", full("rm-lora"), &[3]);
}

#[test]
fn quantised_runs() {
    resumes("qlora", lora("sft-qlora-nf4"), &[3]);
}

#[test]
fn supervised_runs_held_to_their_start() {
    let recipe = Recipe { kl_penalty: 0.2, logging_steps: 3, ..full("sft-full") };
    resumes("kl_penalty", recipe, &[4]);
}

/// Before the join, right at it, and after it; with everything else that a run measures.
#[test]
fn runs_whose_layers_join_later() {
    let general = fixture("train/sft-lora-trunc/train.jsonl").display().to_string();
    let recipe = Recipe {
        unfreeze_schedule: vec![UnfreezeStage { at: 4.0, layers: vec![0, 1] }],
        forgetting_dataset: vec![general],
        forgetting_steps: 2,
        sample_prompts: vec!["Hello, world".into()],
        sample_steps: 2,
        sample_max_new_tokens: 8,
        val_size: 4.0,
        eval_strategy: Interval::Steps,
        eval_steps: Some(2),
        ..full("sft-full")
    };
    let lines = resumes("unfreezing", recipe, &[2, 4, 5]);
    let count = |word: &str| lines.iter().filter(|line| line.starts_with(word)).count();
    let counts = ["step", "evaluation", "Forgetting", "layers", "answers"].map(count);
    assert_eq!(counts, [8, 4, 5, 1, 5], "{lines:?}");
}

/// In the middle of an update, and between two.
#[test]
fn ppo_runs() {
    let lines = resumes("ppo, value head", ppo(Path::new("")), &[2, 4]);
    let count = |word: &str| lines.iter().filter(|line| line.starts_with(word)).count();
    assert_eq!(["step", "rollouts"].map(count), [8, 2], "{lines:?}");
    let model = Recipe {
        ppo_value_model: ValueModel::Model,
        finetuning_type: FinetuningType::Full,
        learning_rate: 1e-3,
        ..ppo(Path::new(""))
    };
    resumes("ppo, value model", model, &[2, 5]);
}

#[test]
fn a_stop_while_the_reference_is_asked_loses_nothing() {
    let asks = |event: &Event| matches!(event, Event::RunProgress { phase: Phase::Reference, .. });
    // One row at a time: many chances for the stop.
    let one = |recipe| Recipe { per_device_train_batch_size: 1, gradient_accumulation_steps: 4, ..recipe };
    stopped_and_resumed("dpo", &one(full("dpo-sigmoid-full")), asks);
    stopped_and_resumed("kto", &one(lora("kto-lora")), asks);
}

#[test]
fn a_stop_while_answers_are_sampled_loses_nothing() {
    let recipe = Recipe { max_new_tokens: 24, ..ppo(Path::new("")) };
    let samples = |event: &Event| matches!(event, Event::RunProgress { phase: Phase::Sampling, .. });
    stopped_and_resumed("the first answers", &recipe, samples);
    let half = |event: &Event| matches!(event, Event::RunProgress { phase: Phase::Sampling, fraction: Some(f), .. } if *f >= 0.5);
    stopped_and_resumed("half of the answers", &recipe, half);
}

/// A run during which SaveNow is sent at the first event that `when` says yes to, then broken off at the checkpoint of
/// `step`, which that made.
fn saved_and_broken_off(what: &str, recipe: &Recipe, step: usize, when: impl Fn(&Event) -> bool) {
    let dir = tempfile::tempdir().unwrap();
    let whole = Recipe { output_dir: dir.path().join("whole"), ..recipe.clone() };
    let mut asked = false;
    let (_, outcome) = drive(&whole, false, |event, link| {
        if !asked && when(event) {
            asked = true;
            link.send(Command::SaveNow);
        }
    });
    assert!(matches!(outcome, Outcome::Completed { .. }), "{what}: {outcome:?}");
    let again = Recipe { output_dir: dir.path().join("again"), ..recipe.clone() };
    broken_off(&whole.output_dir, &again.output_dir, step);
    run(&again, true);
    same(&again.output_dir, &whole.output_dir, what);
}

/// A checkpoint may hold answers that no step has learned from yet. The log of the resumed run must show them.
#[test]
fn answers_saved_before_their_first_step_stay_in_the_log() {
    let samples = |event: &Event| matches!(event, Event::RunProgress { phase: Phase::Sampling, .. });
    // Long answers, so that the command comes in time on a busy machine.
    saved_and_broken_off("answers", &Recipe { max_new_tokens: 64, ..ppo(Path::new("")) }, 0, samples);
}

/// What was being measured when the checkpoint was made comes again, and stands in the log once.
#[test]
fn measurements_during_which_was_saved_stand_in_the_log_once() {
    let general = fixture("train/sft-lora-trunc/train.jsonl").display().to_string();
    let evaluated = fixture("train/sft-lora-all/train.jsonl").display().to_string();
    // Many small parts of each, so that the command comes in time on a busy machine.
    let recipe = Recipe {
        forgetting_dataset: vec![general; 12],
        forgetting_steps: 4,
        eval_dataset: vec![evaluated; 8],
        eval_strategy: Interval::Steps,
        eval_steps: Some(3),
        per_device_eval_batch_size: 1,
        ..full("sft-full")
    };
    let evaluates = |event: &Event| matches!(event, Event::RunProgress { phase: Phase::Evaluating, .. });
    saved_and_broken_off("an evaluation", &recipe, 3, evaluates);
    let measures = |event: &Event| matches!(event, Event::RunProgress { phase: Phase::Forgetting, .. });
    saved_and_broken_off("the meter", &recipe, 0, measures);
}
