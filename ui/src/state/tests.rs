use luthier_engine::protocol::{DataSource, ForgettingReport, Outcome, Phase, Rollout};
use luthier_engine::recipe::FinetuningType;

use super::*;
use crate::testing::{data, devices, eval, facts, model, step};

fn problem(code: &str) -> Problem {
    Problem { code: code.into(), message: format!("{code} happened") }
}

fn running() -> AppState {
    let mut state = AppState { run: Some(Run::new("run-1".into(), Recipe::default())), ..AppState::default() };
    state.apply(Event::RunStarted { id: "run-1".into(), facts: Box::new(facts(Recipe::default(), 40)) });
    state
}

fn stepped(state: &mut AppState, n: usize) {
    state.apply(Event::StepReported { id: "run-1".into(), report: step(n) });
}

#[test]
fn answers_to_replaced_requests_change_nothing() {
    let mut state = AppState { model: Slot::Reading { request: 2, path: "/new".into() }, ..AppState::default() };
    state.apply(Event::ModelInspected { request: 1, summary: model() });
    assert!(matches!(state.model, Slot::Reading { request: 2, .. }));
    state.apply(Event::CommandFailed { request: Some(1), problem: problem("io") });
    assert!(matches!(state.model, Slot::Reading { request: 2, .. }));
    state.apply(Event::ModelInspected { request: 2, summary: model() });
    assert_eq!(state.model.ready().map(|m| m.layers), Some(30));
    assert_eq!(state.recipe.model_name_or_path, model().path);
}

#[test]
fn data_keeps_its_last_summary_while_it_is_read_again() {
    let mut state = AppState::default();
    state.data.reading = Some(1);
    state.apply(Event::DataProgress { request: 1, done: 30, total: 120 });
    assert_eq!(state.data.fraction(), Some(0.25));
    state.apply(Event::DataInspected { request: 1, summary: Box::new(data()) });
    assert!(state.data.usable());
    state.data.reading = Some(2);
    assert!(state.data.summary.is_some() && !state.data.usable());
    state.apply(Event::CommandFailed { request: Some(2), problem: problem("stopped") });
    assert!(state.data.problem.is_none(), "a cancelled reading is no problem");
    state.data.reading = Some(3);
    state.apply(Event::CommandFailed { request: Some(3), problem: problem("bad_data") });
    assert_eq!(state.data.problem.as_ref().map(|p| p.code.as_str()), Some("bad_data"));
}

#[test]
fn a_run_is_told_by_its_events() {
    let mut state = running();
    state.apply(Event::RunProgress { id: "run-1".into(), phase: Phase::WarmingUp, fraction: None });
    assert!(state.run.as_ref().is_some_and(|r| r.busy.is_some()));
    for n in 1..=10 {
        stepped(&mut state, n);
    }
    state.apply(Event::EvalReported { id: "run-1".into(), report: eval(10) });
    state.apply(Event::CheckpointSaved { id: "run-1".into(), step: 10, path: "/c/10".into() });
    stepped(&mut state, 99); // a later step of the same run, for order
    state.apply(Event::StepReported { id: "another".into(), report: step(50) });
    let run = state.run.as_ref().expect("there is a run");
    assert_eq!((run.steps.len(), run.evals.len(), run.checkpoints.len()), (11, 1, 1));
    assert!(run.busy.is_none() && run.is_going());

    // Resumed from step 10: what was reported beyond it is taken again.
    stepped(&mut state, 11);
    assert_eq!(
        state.run.as_ref().map(|r| r.steps.iter().map(|s| s.step).collect::<Vec<_>>()),
        Some((1..=11).collect())
    );

    state.apply(Event::RunPaused { id: "run-1".into() });
    assert_eq!(state.run.as_ref().map(|r| r.course.clone()), Some(Course::Paused));
    state.apply(Event::RunResumed { id: "run-1".into() });
    state.apply(Event::RunFinished { id: "another".into(), outcome: Outcome::Failed { problem: problem("internal") } });
    assert!(state.running(), "another run's end is not this one's");
    state.apply(Event::RunFinished { id: "run-1".into(), outcome: Outcome::Completed { result: "/out".into() } });
    assert!(!state.running());
    assert_eq!(state.run.as_ref().map(Run::fraction), Some(1.0));
    let tuned = state.talk.tuned.clone().expect("the result can be talked to").speaker;
    assert_eq!(tuned.adapter, Some("/out".into()), "LoRA's result is an adapter on the base");
}

#[test]
fn a_full_run_speaks_for_itself_and_a_failed_one_not_at_all() {
    for (outcome, expected) in [
        (Outcome::Completed { result: "/out".into() }, Some(Speaker { model: "/out".into(), adapter: None })),
        (Outcome::Failed { problem: problem("diverged") }, None),
    ] {
        let recipe = Recipe { finetuning_type: FinetuningType::Full, ..Recipe::default() };
        let mut state = AppState { run: Some(Run::new("r".into(), recipe)), ..AppState::default() };
        state.apply(Event::RunFinished { id: "r".into(), outcome });
        assert_eq!(state.talk.tuned.map(|tuned| tuned.speaker), expected);
    }
}

#[test]
fn a_reward_model_is_nobody_to_talk_to() {
    let recipe = Recipe { stage: Stage::Rm, ..Recipe::default() };
    let mut state = AppState { run: Some(Run::new("r".into(), recipe)), ..AppState::default() };
    state.apply(Event::RunFinished { id: "r".into(), outcome: Outcome::Completed { result: "/out".into() } });
    assert_eq!(state.talk.tuned, None);
}

#[test]
fn what_is_missing_is_listed_and_then_nothing() {
    let mut state = AppState::default();
    assert_eq!(state.missing(), [Missing::Model, Missing::Data]);
    state.recipe.learning_rate = -1.0;
    state.recipe.lora_rank = 0;
    let settings: Vec<_> = state.missing().into_iter().filter(|m| matches!(m, Missing::Setting(_))).collect();
    assert!(settings.len() >= 2, "all problems at once: {settings:?}");

    let mut state = AppState { model: Slot::Ready(model()), ..AppState::default() };
    state.data.source =
        Some(DataSource { path: "/data".into(), mapping: None, model: None, cutoff_len: 2048, train_on_prompt: false });
    state.data.summary = Some(std::sync::Arc::new(data()));
    assert_eq!(state.missing(), []);
    let mut preference = data();
    preference.kind = DataKind::Preference;
    state.data.summary = Some(std::sync::Arc::new(preference));
    let (kind, stage) = (DataKind::Preference, Stage::Sft);
    assert_eq!(state.missing(), [Missing::DataKind { kind, stage }]);
    state.recipe.stage = Stage::Dpo;
    let of_data = |missing: &Missing| matches!(missing, Missing::DataKind { .. } | Missing::Reward);
    assert!(!state.missing().iter().any(of_data), "pairs are what DPO learns from");
    state.recipe.stage = Stage::Ppo;
    assert!(state.missing().iter().any(|m| matches!(m, Missing::Reward)));
    state.recipe.reward_rule = Some("json".into());
    assert!(!state.missing().iter().any(of_data));
    state.recipe.stage = Stage::Sft;
    let mut unreadable = data();
    unreadable.problem_count = unreadable.rows;
    state.data.summary = Some(std::sync::Arc::new(unreadable));
    assert_eq!(state.missing(), [Missing::DataUnusable]);
}

#[test]
fn the_training_follows_the_data_only_where_it_must() {
    let mut state = AppState::default();
    let read = |state: &mut AppState, kind| {
        state.data.reading = Some(1);
        let summary = Box::new(crate::testing::data_of(kind));
        state.apply(Event::DataInspected { request: 1, summary });
        state.recipe.stage
    };
    assert_eq!(read(&mut state, DataKind::Text), Stage::Sft, "plain text serves SFT as well");
    assert_eq!(read(&mut state, DataKind::Preference), Stage::Dpo);
    state.recipe.stage = Stage::Rm;
    assert_eq!(read(&mut state, DataKind::Preference), Stage::Rm, "what fits stays");
    assert_eq!(read(&mut state, DataKind::Kto), Stage::Kto);
    state.recipe.stage = Stage::Ppo;
    assert_eq!(read(&mut state, DataKind::Sft), Stage::Ppo);
    assert_eq!(read(&mut state, DataKind::Text), Stage::Pt);
    assert_eq!(read(&mut state, DataKind::Prompts), Stage::Ppo);
}

#[test]
fn a_run_keeps_what_its_method_tells() {
    let mut state = running();
    let id = || "run-1".to_owned();
    for step in [0, 20, 40] {
        let report = ForgettingReport { step, perplexity: 11.0, base_perplexity: 10.0, kl: 0.1 };
        state.apply(Event::ForgettingMeasured { id: id(), report });
    }
    state.apply(Event::LayersJoined { id: id(), step: 10, layers: vec![28] });
    state.apply(Event::LayersJoined { id: id(), step: 20, layers: vec![27] });
    state.apply(Event::LayersJoined { id: "another".into(), step: 30, layers: vec![26] });
    let answer = Rollout { prompt: "p".into(), answer: "a".into(), score: 1.5, kl: 0.25 };
    state.apply(Event::RunProgress { id: id(), phase: Phase::Sampling, fraction: None });
    state.apply(Event::RolloutsSampled { id: id(), step: 3, rollouts: vec![answer.clone(), answer] });
    // Resumed at 15: what is told again takes the place of what was told before.
    let report = ForgettingReport { step: 20, perplexity: 12.0, base_perplexity: 10.0, kl: 0.1 };
    state.apply(Event::ForgettingMeasured { id: id(), report });
    state.apply(Event::LayersJoined { id: id(), step: 20, layers: vec![27] });
    let run = state.run.as_ref().expect("a run");
    assert_eq!(run.forgetting.iter().map(|r| (r.step, r.perplexity)).collect::<Vec<_>>(), [(0, 11.0), (20, 12.0)]);
    assert_eq!(run.joined, [(10, vec![28]), (20, vec![27])]);
    assert_eq!(run.rollouts.newest(), Some((4, 1.5, 0.25)));
    assert_eq!(run.busy, None, "sampling is over");
    let said: Vec<String> = state.log.entries.iter().map(Entry::say).collect();
    assert!(said.contains(&"step 4: 2 answers sampled, mean score 1.5, KL 0.25".to_owned()), "{said:?}");
    assert!(said.contains(&"step 10: layers 28 join the training".to_owned()), "{said:?}");
}

#[test]
fn automatic_means_the_best_trusted_device() {
    let mut state = AppState { devices: Some(devices()), ..AppState::default() };
    assert_eq!(state.device().map(|d| d.id.as_str()), Some("cpu"));
    let mut gpu = devices()[1].clone();
    gpu.software = false;
    gpu.verdict = Verdict::Trusted { largest_difference: 1e-6 };
    state.devices = Some(vec![devices()[0].clone(), gpu]);
    assert_eq!(state.device().map(|d| d.id.as_str()), Some("gpu:0"));
    state.recipe.device = "gpu".into();
    assert_eq!(state.device().map(|d| d.id.as_str()), Some("gpu:0"));
    state.recipe.device = "cuda".into();
    assert_eq!(state.device(), None);
}

#[test]
fn the_log_follows_the_language() {
    let mut state = running();
    state.apply(Event::CheckpointSaved { id: "run-1".into(), step: 3, path: "/c".into() });
    let english = state.log.last_message().map(Entry::say).unwrap_or_default();
    crate::text::speak(crate::text::Language::Chinese);
    let chinese = state.log.last_message().map(Entry::say).unwrap_or_default();
    crate::text::speak(crate::text::Language::English);
    assert_eq!(english, "step 3: checkpoint saved in /c");
    assert_eq!(chinese, "第 3 步：检查点已保存到 /c");
}

#[test]
fn a_failed_save_is_over_too() {
    let mut state = running();
    let saving = |state: &AppState| state.run.as_ref().is_some_and(|run| run.saving);
    let warn = |state: &mut AppState, id: &str, message: &str| {
        state.apply(Event::Warned { id: Some(id.into()), message: message.into() });
    };
    if let Some(run) = &mut state.run {
        run.saving = true;
    }
    warn(&mut state, "run-1", "the gradients are large");
    warn(&mut state, "another", "no checkpoint was saved, the run goes on: the disk is full");
    assert!(saving(&state), "neither is about this save");
    warn(&mut state, "run-1", "no checkpoint was saved, the run goes on: the disk is full");
    assert!(!saving(&state) && state.running());
    assert_eq!(state.run.as_ref().map(|run| run.warnings.len()), Some(2));
}

#[test]
fn every_key_can_go_back_to_its_default_alone() {
    let changed = Recipe { kl_penalty: 0.5, oft_rank: 8, ref_model: Some("/r".into()), ..Recipe::default() };
    let mut recipe = changed.clone();
    for key in luthier_engine::recipe::KEYS {
        back_to_default(&mut recipe, key.name);
    }
    assert_eq!(recipe, Recipe::default());
    let mut recipe = changed.clone();
    back_to_default(&mut recipe, "kl_penalty");
    assert_eq!(recipe, Recipe { kl_penalty: 0.0, ..changed.clone() });
    back_to_default(&mut recipe, "no_such_key");
    assert_eq!(recipe.changed_from_default().len(), 2);
    assert_eq!((written_value(&changed, "oft_rank"), written_value(&changed, "oft")), ("8".into(), String::new()));
    assert_eq!(to_take_back(&changed, "oft_block_size"), ["oft_rank"]);
    assert!(to_take_back(&changed, "learning_rate").is_empty());
}
