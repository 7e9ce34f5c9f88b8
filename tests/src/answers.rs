//! Fixed prompts answered while a run goes: when, and that the training does not notice.

use std::path::Path;

use luthier_engine::protocol::{Command, Event, Outcome, Phase, PromptAnswer};
use luthier_engine::recipe::{FinetuningType, Interval, Recipe};
use luthier_engine::run_folder::read_events;

use crate::bench::{drive, fresh, run};

fn asking(out: &Path) -> Recipe {
    Recipe {
        sample_prompts: vec!["Hello, world".into(), "What is a violin?".into()],
        sample_max_new_tokens: 12,
        finetuning_type: FinetuningType::Full,
        learning_rate: 1e-3,
        ..fresh("sft-full", out)
    }
}

fn rounds(events: &[Event]) -> Vec<(usize, Vec<PromptAnswer>)> {
    let round = |event: &Event| match event {
        Event::PromptsAnswered { step, answers, .. } => Some((*step, answers.clone())),
        _ => None,
    };
    events.iter().filter_map(round).collect()
}

fn steps_of(recipe: &Recipe) -> Vec<usize> {
    let (events, outcome) = drive(recipe, false, |_, _| {});
    assert!(matches!(outcome, Outcome::Completed { .. }), "{outcome:?}");
    let rounds = rounds(&events);
    for (step, answers) in &rounds {
        let asked: Vec<&String> = answers.iter().map(|answer| &answer.prompt).collect();
        assert_eq!(asked, recipe.sample_prompts.iter().collect::<Vec<_>>(), "step {step}");
    }
    assert_ne!(rounds[0].1, rounds[rounds.len() - 1].1, "the model has learned something");
    rounds.into_iter().map(|(step, _)| step).collect()
}

#[test]
fn answers_come_at_the_start_on_the_way_and_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    assert_eq!(steps_of(&Recipe { sample_steps: 3, ..asking(&at("every")) }), [0, 3, 6, 8]);
    // Of eight steps a tenth is less than one.
    assert_eq!(steps_of(&asking(&at("tenths"))), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    let evaluated =
        Recipe { val_size: 4.0, eval_strategy: Interval::Steps, eval_steps: Some(5), ..asking(&at("evaluated")) };
    assert_eq!(steps_of(&evaluated), [0, 5, 8]);
}

#[test]
fn a_run_that_is_stopped_early_answers_at_its_last_step() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = Recipe {
        val_size: 6.0,
        eval_strategy: Interval::Steps,
        eval_steps: Some(2),
        early_stopping_steps: Some(2),
        sample_steps: 1000,
        max_steps: 400,
        learning_rate: 2e-2,
        ..asking(dir.path())
    };
    let (events, outcome) = drive(&recipe, false, |_, _| {});
    assert!(matches!(outcome, Outcome::Stopped { result: Some(_), .. }), "{outcome:?}");
    let last = events.iter().rev().find_map(|event| match event {
        Event::StepReported { report, .. } => Some(report.step),
        _ => None,
    });
    let steps: Vec<usize> = rounds(&events).into_iter().map(|(step, _)| step).collect();
    assert_eq!(steps, [0, last.expect("steps were taken")]);
}

#[test]
fn the_training_is_bit_for_bit_that_of_a_run_that_is_not_asked() {
    let dir = tempfile::tempdir().unwrap();
    for (name, finetuning_type, lora_dropout) in
        [("full", FinetuningType::Full, 0.0), ("lora", FinetuningType::Lora, 0.1)]
    {
        let recipe = |folder: &str, sample_prompts| Recipe {
            finetuning_type,
            lora_dropout,
            sample_prompts,
            output_dir: dir.path().join(format!("{name}-{folder}")),
            ..asking(dir.path())
        };
        let asked = run(&recipe("asked", asking(dir.path()).sample_prompts), false);
        let silent = run(&recipe("silent", Vec::new()), false);
        let numbers = |done: &crate::bench::Done| -> Vec<(u32, u32, u64)> {
            done.steps.iter().map(|s| (s.loss.to_bits(), s.grad_norm.to_bits(), s.total_tokens)).collect()
        };
        assert_eq!(numbers(&asked), numbers(&silent), "{name}");
        let file = if name == "full" { "model.safetensors" } else { "adapter_model.safetensors" };
        let weights = |folder: &str| std::fs::read(dir.path().join(format!("{name}-{folder}")).join(file)).unwrap();
        assert!(weights("asked") == weights("silent"), "{name}: the results differ");
    }
}

#[test]
fn a_stop_is_heard_while_answering_and_the_resumed_run_answers_each_step_once() {
    let dir = tempfile::tempdir().unwrap();
    // Long answers, so that the command comes in time on a busy machine.
    let recipe = |name: &str| Recipe {
        sample_steps: 4,
        sample_max_new_tokens: 200,
        output_dir: dir.path().join(name),
        ..asking(dir.path())
    };
    let whole = recipe("whole");
    let (events, _) = drive(&whole, false, |_, _| {});
    let halved = recipe("halved");
    let (mut stepped, mut asked) = (0, false);
    let (_, outcome) = drive(&halved, false, |event, link| match event {
        Event::StepReported { report, .. } => stepped = report.step,
        Event::RunProgress { phase: Phase::Answering, .. } if stepped == 4 && !asked => {
            asked = true;
            link.send(Command::StopRun);
        }
        _ => {}
    });
    assert!(asked && matches!(outcome, Outcome::Stopped { result: Some(_), .. }), "{outcome:?}");
    run(&halved, true);
    let told: Vec<Event> = read_events(&halved.output_dir).unwrap().into_iter().map(|(_, event)| event).collect();
    assert_eq!(rounds(&told), rounds(&events), "as the run without a stop");
}

#[test]
fn a_prompt_that_leaves_no_room_is_told_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let long = "word ".repeat(20_000);
    let (_, outcome) = drive(&Recipe { sample_prompts: vec![long], ..asking(&out) }, false, |_, _| {});
    let Outcome::Failed { problem } = outcome else { panic!("{outcome:?}") };
    assert!(problem.message.contains("sample_prompts") && problem.message.contains("prompt 1"), "{problem:?}");
    assert!(!out.exists());
}
