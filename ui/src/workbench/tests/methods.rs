//! Every method in the window: what can be chosen, what is shown then, and a run as its events tell it.

use luthier_engine::protocol::ForgettingReport;
use luthier_engine::recipe::{FinetuningType, Interval, PrefLoss, Recipe, Stage, UnfreezePreset};

use super::*;
use crate::state::Run;
use crate::testing::{ppo_step, preference_step, rollouts};

fn with_data(language: Language, name: &str) -> (Bench, Engine) {
    let (mut bench, engine) = ready_bench(language);
    bench.open_data(format!("/data/{name}.jsonl").into());
    engine.answer_all();
    bench.poll();
    bench.panel = Panel::Method;
    (bench, engine)
}

/// The settings, high enough for every card to be in sight.
fn tall(mut bench: Bench) -> Window {
    bench.desks.advisor.page = Some(crate::desks::MethodPage::Settings);
    window_of(bench, 4000.0)
}

fn disabled(window: &Window, card: &str) -> bool {
    window.get_by_role_and_label(Role::RadioButton, card).accesskit_node().is_disabled()
}

fn unfold(window: &mut Window, card: &str) {
    click(window, &format!("More settings: {card}"));
}

#[test]
fn only_what_the_data_can_serve_can_be_chosen() {
    let (bench, engine) = ready_bench(Language::English);
    let mut window = tall(bench);
    go(&mut window, Panel::Method);
    assert!(disabled(&window, "Preferences (DPO)") && disabled(&window, "Likes (KTO)"));
    assert!(!disabled(&window, "Answers (SFT)") && !disabled(&window, "Reinforcement (PPO)"));
    window.get_by_role_and_label(Role::RadioButton, "Preferences (DPO)").click();
    window.run();
    assert_eq!(window.state().bench.state.recipe.stage, Stage::Sft);

    window.state_mut().bench.open_data("/data/pairs.jsonl".into());
    window.run();
    engine.answer_all();
    window.run();
    assert_eq!(window.state().bench.state.recipe.stage, Stage::Dpo);
    assert!(says(&window, "Switched to Preferences (DPO) to match the data"));
    assert!(disabled(&window, "Answers (SFT)") && !disabled(&window, "Reward model (RM)"));
    window.get_by_role_and_label(Role::RadioButton, "Reward model (RM)").click();
    window.run();
    assert_eq!(window.state().bench.state.recipe.stage, Stage::Rm);
}

#[test]
fn each_loss_on_pairs_shows_its_formula_and_its_own_settings() {
    let (bench, _engine) = with_data(Language::English, "pairs");
    let mut window = tall(bench);
    window.run();
    assert!(says(&window, "Rafailov et al. 2023"));
    assert!(window.query_by_role_and_label(Role::SpinButton, "Label smoothing").is_some());
    assert!(window.query_by_role_and_label(Role::SpinButton, "Gamma").is_none());
    click(&mut window, "SimPO");
    assert_eq!(window.state().bench.state.recipe.pref_loss, PrefLoss::Simpo);
    assert!(says(&window, "Meng et al. 2024"));
    assert!(window.query_by_role_and_label(Role::SpinButton, "Gamma").is_some());
    assert!(window.query_by_role_and_label(Role::SpinButton, "Label smoothing").is_none());
    click(&mut window, "Loss: back to default (DPO)");
    assert_eq!(window.state().bench.state.recipe.pref_loss, PrefLoss::Sigmoid);
}

#[test]
fn every_card_tells_its_formula_to_the_keyboard_too() {
    let (bench, _engine) = with_data(Language::English, "alpaca");
    let mut window = tall(bench);
    window.run();
    for (card, source) in
        [("Likes (KTO)", "Ethayarajh et al. 2024"), ("LoRA", "Hu et al. 2021"), ("OFT", "Qiu et al. 2023")]
    {
        assert!(!says(&window, source), "{card} is not asked yet");
        window.get_by_label(&format!("About {card}")).focus();
        window.run();
        assert!(says(&window, source), "{card}");
    }
}

#[test]
fn unbalanced_likes_are_counted_and_weighed() {
    let (bench, _engine) = with_data(Language::English, "likes");
    let mut window = tall(bench);
    window.run();
    assert_eq!(window.state().bench.state.recipe.stage, Stage::Kto);
    assert!(says(&window, "666 liked and 333 disliked answers."));
    click(&mut window, "Use these weights");
    let recipe = &window.state().bench.state.recipe;
    assert_eq!((recipe.kto_chosen_weight, recipe.kto_rejected_weight), (1.0, 2.0));
    assert!(says(&window, "both kinds count about the same"));
}

#[test]
fn ppo_wants_a_reward_and_takes_a_rule() {
    let (bench, engine) = with_data(Language::English, "alpaca");
    let mut window = tall(bench);
    window.state_mut().bench.state.recipe.stage = Stage::Ppo;
    window.run();
    assert!(says(&window, "Choose a reward model, or let a rule score the answers."));
    click(&mut window, "Choose: Reward model");
    assert_eq!(engine.asked.borrow_mut().pop(), Some(Ask::RewardModel));
    engine.answer(Ask::RewardModel, "/runs/judge");
    window.run();
    assert_eq!(window.state().bench.state.recipe.reward_model, Some("/runs/judge".into()));
    click(&mut window, "Rule");
    let recipe = &window.state().bench.state.recipe;
    assert_eq!(
        (recipe.reward_rule.as_deref(), &recipe.reward_model),
        (Some("length:200"), &None),
        "one of the two scores"
    );
    assert!(window.query_by_role_and_label(Role::SpinButton, "Length").is_some());
    assert!(window.query_by_role_and_label(Role::SpinButton, "Target KL").is_none());
    window.get_by_role_and_label(Role::CheckBox, "Adaptive KL").click();
    window.run();
    assert!(window.query_by_role_and_label(Role::SpinButton, "Target KL").is_some());
    unfold(&mut window, "Learning from the answers (PPO)");
    assert!(window.query_by_role_and_label(Role::SpinButton, "Clip range").is_some());
}

#[test]
fn a_finished_reward_model_goes_on_to_ppo() {
    let (mut bench, engine) = with_data(Language::English, "pairs");
    bench.state.recipe.stage = Stage::Rm;
    bench.state.run = Some(Run::new("r".into(), bench.state.recipe.clone()));
    bench.panel = Panel::Train;
    let mut window = tall(bench);
    engine.say(Event::StepReported { id: "r".into(), report: step(1) });
    let outcome = Outcome::Completed { result: "/out/judge".into() };
    engine.say(Event::RunFinished { id: "r".into(), outcome });
    window.run();
    assert!(window.query_by_label("Talk to it").is_none());
    click(&mut window, "Use it for PPO");
    let bench = &window.state().bench;
    assert_eq!((bench.state.recipe.stage, bench.panel), (Stage::Ppo, Panel::Method));
    assert_eq!(bench.state.recipe.reward_model, Some("/out/judge".into()));
    assert!(!bench.state.missing().contains(&crate::state::Missing::Reward));
}

#[test]
fn quantised_weights_do_not_outlive_the_adapter() {
    let (bench, _engine) = with_data(Language::English, "alpaca");
    let mut window = tall(bench);
    window.run();
    window.get_by_role_and_label(Role::CheckBox, "Quantise to 4 bits").click();
    window.run();
    assert_eq!(window.state().bench.state.recipe.quantization_bit, Some(4));
    assert!(says(&window, "QLoRA, rank 8"), "the top bar names it");
    assert!(says(&window, "The weights of the blocks then take about 54.8 MB instead of 425 MB."));
    window.get_by_role_and_label(Role::RadioButton, "Full").click();
    window.run();
    assert_eq!(window.state().bench.state.recipe.quantization_bit, None);
}

#[test]
fn folded_settings_say_that_they_differ() {
    let (bench, engine) = with_data(Language::English, "alpaca");
    let mut window = tall(bench);
    window.state_mut().bench.state.recipe.unfreeze_preset = Some(UnfreezePreset::TopDown);
    window.state_mut().bench.state.recipe.unfreeze_every = 5;
    window.run();
    assert!(says(&window, "2 changed"));
    unfold(&mut window, "Gradual unfreezing");
    assert!(says(&window, "Layer 29 learns from the start, layer 28 joins at step 5"));
    unfold(&mut window, "Against forgetting");
    click(&mut window, "Choose: Replayed data");
    assert_eq!(engine.asked.borrow_mut().pop(), Some(Ask::ReplayFile));
    engine.answer(Ask::ReplayFile, "/data/general.jsonl");
    window.run();
    assert_eq!(window.state().bench.state.recipe.replay_dataset, ["/data/general.jsonl"]);
    assert!(window.query_by_role_and_label(Role::SpinButton, "Share of the rows").is_some());
    click(&mut window, "Fewer settings: Against forgetting");
    assert!(window.query_by_role_and_label(Role::SpinButton, "Share of the rows").is_none());
}

const MISFITS: &str = "Settings that do not fit this method";

#[test]
fn a_penalty_on_kl_is_offered_where_the_engine_takes_it() {
    let (bench, _engine) = with_data(Language::English, "pairs");
    let mut window = tall(bench);
    window.run();
    unfold(&mut window, "Against forgetting");
    assert!(window.query_by_role_and_label(Role::SpinButton, "KL penalty").is_none());
    window.state_mut().bench.state.recipe.kl_penalty = 0.5;
    window.run();
    assert!(window.query_by_role_and_label(Role::SpinButton, "KL penalty").is_some());
    click(&mut window, "KL penalty: back to default (0)");
    assert_eq!(window.state().bench.state.recipe.kl_penalty, 0.0);
    assert!(window.query_by_role_and_label(Role::SpinButton, "KL penalty").is_none());
}

#[test]
fn what_another_method_left_behind_is_seen_and_taken_back() {
    let (bench, _engine) = with_data(Language::English, "pairs");
    let mut window = tall(bench);
    window.state_mut().bench.state.recipe.ref_model = Some("/models/reference".into());
    window.run();
    assert!(!says(&window, MISFITS), "DPO has a place for it, folded away or not");
    click(&mut window, "ORPO");
    assert!(says(&window, MISFITS) && says(&window, "/models/reference"));
    assert!(start_disabled(&window));
    click(&mut window, "Reference model: back to default");
    assert_eq!(window.state().bench.state.recipe.ref_model, None);
    assert!(!says(&window, MISFITS) && !start_disabled(&window));

    // No rows to evaluate on any more, an adapter that nothing goes on from, and the reward of another stage.
    let recipe = &mut window.state_mut().bench.state.recipe;
    recipe.early_stopping_steps = Some(3);
    recipe.adapter_name_or_path = Some("/out/adapter".into());
    recipe.finetuning_type = FinetuningType::Full;
    recipe.reward_rule = Some("json".into());
    recipe.max_samples = Some(100);
    window.run();
    for label in ["Early stopping", "Continue from an adapter", "Rule", "max_samples"] {
        click(&mut window, &format!("{label}: back to default"));
    }
    assert!(!says(&window, MISFITS) && !says(&window, "Settings from the recipe file"));
    assert!(!start_disabled(&window));
}

#[test]
fn a_setting_of_lora_is_listed_apart_wherever_lora_is_not() {
    let (bench, _engine) = with_data(Language::English, "alpaca");
    let mut window = tall(bench);
    for stage in [Stage::Sft, Stage::Dpo, Stage::Kto, Stage::Rm, Stage::Ppo] {
        for kind in [FinetuningType::Lora, FinetuningType::Oft, FinetuningType::Freeze, FinetuningType::Full] {
            let recipe = &mut window.state_mut().bench.state.recipe;
            *recipe = Recipe { stage, finetuning_type: kind, ..Recipe::default() };
            recipe.loraplus_lr_ratio = Some(16.0);
            window.run();
            assert_eq!(says(&window, MISFITS), kind != FinetuningType::Lora, "{stage} {kind}");
        }
    }
}

#[test]
fn what_blocks_start_can_go_back_from_the_list() {
    let (bench, _engine) = with_data(Language::English, "alpaca");
    let mut window = tall(bench);
    let recipe = &mut window.state_mut().bench.state.recipe;
    recipe.finetuning_type = FinetuningType::Oft;
    (recipe.eval_strategy, recipe.oft_rank) = (Interval::Epoch, 8);
    window.run();
    assert!(start_disabled(&window));
    click(&mut window, "Before it can start: Evaluate back to default");
    click(&mut window, "Before it can start: Blocks back to default");
    let recipe = &window.state().bench.state.recipe;
    assert_eq!((recipe.eval_strategy, recipe.oft_rank, recipe.oft_block_size), (Interval::No, 0, 32));
    assert!(!start_disabled(&window));
}

#[test]
fn every_method_draws_with_all_its_settings_in_both_languages() {
    for language in Language::ALL {
        for (data, stage) in [
            ("alpaca", Stage::Sft),
            ("text", Stage::Pt),
            ("pairs", Stage::Dpo),
            ("pairs", Stage::Rm),
            ("likes", Stage::Kto),
            ("alpaca", Stage::Ppo),
        ] {
            for kind in [FinetuningType::Lora, FinetuningType::Oft, FinetuningType::Freeze, FinetuningType::Full] {
                let (mut bench, _engine) = with_data(language, data);
                let recipe = &mut bench.state.recipe;
                (recipe.stage, recipe.finetuning_type) = (stage, kind);
                (recipe.quantization_bit, recipe.ppo_adaptive_kl) = (Some(4), true);
                recipe.lora_target = vec!["q_proj".into()];
                recipe.oft_target = vec!["q_proj".into()];
                recipe.unfreeze_preset = Some(UnfreezePreset::Ulmfit);
                recipe.forgetting_dataset = vec!["/data/general.jsonl".into()];
                let mut window = tall(bench);
                window.run();
                let more = crate::text::t!("method.more");
                let folds: Vec<String> = window
                    .query_all_by(|node| node.label().is_some_and(|label| label.starts_with(&more)))
                    .filter_map(|node| node.accesskit_node().label())
                    .collect();
                assert!(folds.len() >= 3, "{stage} {kind}: {folds:?}");
                for fold in folds {
                    click(&mut window, &fold);
                }
            }
        }
    }
}

#[test]
fn a_run_shows_what_its_method_measures() {
    let (mut bench, engine) = ready_bench(Language::English);
    bench.state.run = Some(Run::new("r".into(), bench.state.recipe.clone()));
    bench.panel = Panel::Train;
    let recipe = bench.state.recipe.clone();
    let id = || "r".to_owned();
    let mut window = tall(bench);
    engine.say(Event::RunStarted { id: id(), facts: Box::new(facts(recipe, 120)) });
    for n in 1..=10 {
        engine.say(Event::StepReported { id: id(), report: preference_step(n) });
    }
    let report = ForgettingReport { step: 10, perplexity: 13.0, base_perplexity: 12.0, kl: 0.01 };
    engine.say(Event::ForgettingMeasured { id: id(), report });
    engine.say(Event::LayersJoined { id: id(), step: 5, layers: vec![28] });
    for _ in 0..3 {
        engine.say(Event::Warned { id: Some(id()), message: "the reward margin stays at zero".into() });
    }
    window.run();
    assert!(says(&window, "the reward margin stays at zero (3 times)"));
    for seen in ["Margin", "Pairs judged right", "Log-probabilities", "Perplexity on general data", "layers join"] {
        assert!(says(&window, seen), "{seen}");
    }
    assert!(says(&window, "rewards/margins"), "TRL's name stands beside the word");
    click(&mut window, "Margins");
    assert!(says(&window, "Better and worse answers"));
    click(&mut window, "This run's settings");
    assert!(says(&window, "step 5: layers 28 join the training"));
}

#[test]
fn answers_stay_quick_to_show_and_open_at_a_click() {
    let (mut bench, engine) = ready_bench(Language::English);
    bench.state.recipe.stage = Stage::Ppo;
    bench.state.run = Some(Run::new("r".into(), bench.state.recipe.clone()));
    bench.panel = Panel::Train;
    let mut window = tall(bench);
    for n in 1..=1000 {
        engine.say(Event::RolloutsSampled { id: "r".into(), step: n - 1, rollouts: rollouts(n) });
        engine.say(Event::StepReported { id: "r".into(), report: ppo_step(n) });
    }
    window.run();
    assert!(says(&window, "objective/scores"));
    click(&mut window, "Sampled answers");
    let rows = window.query_all_by(|n| n.label().is_some_and(|l| l.starts_with("Answer ") && l.contains("of step")));
    let shown = rows.count();
    assert!((4..20).contains(&shown), "{shown} of 512 rows were laid out");
    let first = "Answer 1 of step 1000, score 20";
    window.get_by_label(first).click();
    window.run();
    assert!(says(&window, "the bow makes them swing, and the bridge carries it on."));
    window.get_by_label(first).click();
    window.run();
    assert!(!says(&window, "the bow makes them swing, and the bridge carries it on."));
}
