use egui::accesskit::{Role, Toggled};
use egui::{Key, Modifiers, Theme, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use luthier_engine::protocol::{Command, Event, FinishReason, Outcome, Problem};

use super::*;
use crate::dialogs::Ask;
use crate::panels::Panel;
use crate::state::Slot;
use crate::testing::{Engine, bench, eval, facts, ready_bench, step};
use crate::text::Language;

mod advisor;
mod alerts;
mod charts;
mod compare;
mod evaluate;
mod exchange;
mod guide;
mod judging;
mod labelling;
mod layers;
mod making;
mod methods;
mod rounds;
mod rows;
mod runs;
mod talk;
mod trust;

type Window = Harness<'static, Workbench>;

/// A window of the smallest comfortable size around `bench`; a character without a glyph fails the test.
fn window(bench: Bench) -> Window {
    window_of(bench, 800.0)
}

fn window_of(bench: Bench, height: f32) -> Window {
    Harness::builder()
        .with_size(vec2(1280.0, height))
        .with_theme(Theme::Dark)
        .with_max_steps(32)
        .with_context_setup(|ctx| {
            ctx.set_fonts(crate::fonts::definitions());
            theme::apply(ctx);
        })
        .build_ui_state(
            |ui, workbench: &mut Workbench| {
                workbench.ui(ui);
            },
            Workbench::new(bench),
        )
}

fn go(window: &mut Window, panel: Panel) {
    window.state_mut().bench.panel = panel;
    window.run();
}

fn click(window: &mut Window, label: &str) {
    window.get_by_label(label).click();
    window.run();
}

fn says(window: &Window, text: &str) -> bool {
    window
        .query_all_by(|node| {
            let holds = |said: Option<String>| said.is_some_and(|s| s.contains(text));
            holds(node.label()) || holds(node.value())
        })
        .next()
        .is_some()
}

/// The Start button of the Method panel is disabled.
fn start_disabled(window: &Window) -> bool {
    window.get_all_by_label("Start training").last().is_some_and(|button| button.accesskit_node().is_disabled())
}

fn started(engine: &Engine) -> String {
    let sent = engine.take();
    let id = sent.iter().find_map(|c| if let Command::StartRun { id, .. } = c { Some(id.clone()) } else { None });
    id.unwrap_or_else(|| panic!("no run was started: {sent:?}"))
}

#[test]
fn every_panel_draws_in_both_languages_with_nothing_and_with_everything() {
    for language in Language::ALL {
        for full in [false, true] {
            let (bench, _engine) = if full { ready_bench(language) } else { bench(language) };
            let mut window = window(bench);
            for panel in Panel::ALL {
                go(&mut window, panel);
                let name = panel.name();
                let tab = window.get_by_role_and_label(Role::Tab, &name);
                assert_eq!(tab.accesskit_node().toggled(), Some(Toggled::True), "{panel:?}");
            }
        }
    }
}

#[test]
fn start_is_disabled_and_says_why() {
    let (bench, engine) = bench(Language::English);
    let mut window = window(bench);
    go(&mut window, Panel::Method);
    assert!(start_disabled(&window));
    assert!(says(&window, "Choose a model.") && says(&window, "Import data."));

    window.state_mut().bench.open_model("/models/a".into());
    window.run();
    assert!(says(&window, "The model is still being read."));
    engine.answer_all();
    window.state_mut().bench.open_data("/data/a.jsonl".into());
    window.run();
    engine.answer_all();
    window.run();
    assert!(!start_disabled(&window));
    window.state_mut().bench.state.recipe.learning_rate = 0.0;
    window.run();
    assert!(start_disabled(&window));
    assert!(says(&window, "Learning rate: "));
}

#[test]
fn one_click_on_the_sample_loads_it_and_starts_a_run() {
    if crate::assets::find("sample/recipe.yaml").is_none() {
        panic!("assets/sample/recipe.yaml is not there");
    }
    let (bench, engine) = bench(Language::English);
    let mut window = window(bench);
    window.run();
    click(&mut window, "Try the sample");
    let sent = engine.take();
    assert!(sent.iter().any(|c| matches!(c, Command::InspectModel { path, .. } if path.exists())), "{sent:?}");
    let recipe = sent.iter().find_map(|c| if let Command::StartRun { recipe, .. } = c { Some(recipe) } else { None });
    let recipe = recipe.unwrap_or_else(|| panic!("no run was started: {sent:?}"));
    assert!(recipe.output_dir.starts_with("/home/luthier/runs"));
    assert_eq!(recipe.setting_problems(), []);
    assert_eq!(window.state().bench.panel, Panel::Train);
}

#[test]
fn a_run_can_be_watched_paused_saved_and_stopped() {
    let (bench, engine) = ready_bench(Language::English);
    let mut window = window(bench);
    window.run();
    click(&mut window, "Start training");
    let id = started(&engine);
    let recipe = window.state().bench.state.recipe.clone();
    engine.say(Event::RunStarted { id: id.clone(), facts: Box::new(facts(recipe, 120)) });
    for n in 1..=30 {
        engine.say(Event::StepReported { id: id.clone(), report: step(n) });
    }
    engine.say(Event::EvalReported { id: id.clone(), report: eval(30) });
    window.run();
    assert!(says(&window, "Step: 30 of 120"));
    assert!(says(&window, &format!("Loss: {}", crate::format::loss(f64::from(step(30).loss)))));
    assert!(says(&window, "Time left: 3 min 00 s"));
    assert!(says(&window, "step 30: evaluation loss"));

    window.get_all_by_label("Pause").next().expect("a Pause button").click();
    window.run();
    assert!(matches!(&engine.take()[..], [Command::PauseRun]));
    engine.say(Event::RunPaused { id: id.clone() });
    window.run();
    window.get_all_by_label("Resume").next().expect("a Resume button").click();
    window.run();
    assert!(matches!(&engine.take()[..], [Command::ResumeRun]));
    engine.say(Event::RunResumed { id: id.clone() });
    window.run();
    click(&mut window, "Save now");
    assert!(matches!(&engine.take()[..], [Command::SaveNow]));
    assert!(says(&window, "Saving"));
    engine.say(Event::CheckpointSaved { id: id.clone(), step: 30, path: "/c/checkpoint-30".into() });
    window.run();
    click(&mut window, "Stop");
    assert!(matches!(&engine.take()[..], [Command::StopRun]));
    assert!(window.get_by_label("Stop").accesskit_node().is_disabled(), "stopping twice makes no sense");
    engine.say(Event::RunFinished { id, outcome: Outcome::Completed { result: "/out".into() } });
    window.run();
    click(&mut window, "Talk to it");
    assert_eq!(window.state().bench.panel, Panel::Try);
}

#[test]
fn a_failed_run_shows_the_whole_problem_and_what_to_do() {
    let (bench, engine) = ready_bench(Language::English);
    let mut window = window(bench);
    window.run();
    click(&mut window, "Start training");
    let id = started(&engine);
    engine.say(Event::CheckpointSaved { id: id.clone(), step: 20, path: "/c/checkpoint-20".into() });
    let message = "loss became NaN at step 23, batch 1 (rows 7, 8); the last good checkpoint is checkpoint-20";
    let problem = Problem { code: "diverged".into(), message: message.into() };
    engine.say(Event::RunFinished { id, outcome: Outcome::Failed { problem } });
    window.run();
    assert!(says(&window, message));
    assert!(says(&window, "The training went astray"));
    assert!(says(&window, "Lower the learning rate") && says(&window, "step 20: /c/checkpoint-20"));
    click(&mut window, "Copy the message");
    let copied = window
        .output()
        .platform_output
        .commands
        .iter()
        .any(|c| matches!(c, egui::OutputCommand::CopyText(t) if t.contains(message)));
    assert!(copied || says(&window, message));
}

#[test]
fn the_palette_opens_by_key_finds_by_words_and_runs() {
    let (bench, _engine) = bench(Language::English);
    let mut window = window(bench);
    window.run();
    window.key_press_modifiers(Modifiers::COMMAND, Key::K);
    window.run();
    window.get_by_label("Search commands").type_text("dark look");
    window.run();
    assert!(window.query_by_label("Look: dark").is_some());
    assert!(window.query_by_label("Look: light").is_none());
    window.key_press(Key::Enter);
    window.run();
    assert_eq!(window.state().bench.settings.look, Look::Dark);
    assert!(window.query_by_label("Search commands").is_none(), "it closes");
    window.key_press_modifiers(Modifiers::COMMAND, Key::K);
    window.run();
    window.key_press(Key::Escape);
    window.run();
    assert!(window.query_by_label("Search commands").is_none());
    window.key_press_modifiers(Modifiers::COMMAND, Key::Num4);
    window.run();
    assert_eq!(window.state().bench.panel, Panel::Method);
}

#[test]
fn control_enter_takes_the_next_step() {
    let (bench, engine) = bench(Language::English);
    let mut window = window(bench);
    window.run();
    window.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    window.run();
    assert_eq!(window.state().bench.panel, Panel::Model);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    window.run();
    assert_eq!(engine.asked.borrow_mut().drain(..).collect::<Vec<_>>(), [Ask::ModelFolder]);
    engine.answer(Ask::ModelFolder, "/models/chosen");
    window.run();
    engine.answer_all();
    window.run();
    assert!(matches!(window.state().bench.state.model, Slot::Ready(_)));
    window.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    window.run();
    assert_eq!(window.state().bench.panel, Panel::Data);
}

#[test]
fn the_language_changes_at_once_and_back() {
    let (bench, _engine) = ready_bench(Language::English);
    let mut window = window(bench);
    window.run();
    click(&mut window, "简体中文");
    assert!(window.query_by_label("开始训练").is_some());
    window.state_mut().bench.open_method(crate::desks::MethodPage::Settings);
    window.run();
    assert!(window.query_by_role_and_label(Role::SpinButton, "学习率").is_some());
    go(&mut window, Panel::Settings);
    window.get_by_role_and_label(Role::RadioButton, "English").click();
    window.run();
    assert!(window.query_by_label("Start training").is_some());
}

#[test]
fn a_changed_column_reads_the_data_again() {
    let (bench, engine) = ready_bench(Language::English);
    let mut window = window(bench);
    go(&mut window, Panel::Data);
    assert!(says(&window, "98 % sure"));
    window.get_by_role_and_label(Role::ComboBox, "Answer").click();
    window.run();
    click(&mut window, "source");
    let sent = engine.answer_all();
    let mapped = sent.iter().any(|c| match c {
        Command::InspectData { source, .. } => {
            source.mapping.as_ref().and_then(|m| m.column(luthier_engine::data::Part::Response)) == Some("source")
        }
        _ => false,
    });
    assert!(mapped, "{sent:?}");
    window.run();
    assert!(says(&window, "Chosen by you"));
    click(&mut window, "Detect again");
    let sent = engine.take();
    assert!(
        sent.iter().any(|c| matches!(c, Command::InspectData { source, .. } if source.mapping.is_none())),
        "{sent:?}"
    );
}

#[test]
fn reading_shows_progress_and_can_be_cancelled() {
    let (bench, engine) = bench(Language::English);
    let mut window = window(bench);
    window.state_mut().bench.open_data("/data/large.jsonl".into());
    go(&mut window, Panel::Data);
    let sent = engine.take();
    let [Command::InspectData { request, .. }] = &sent[..] else { panic!("{sent:?}") };
    engine.say(Event::DataProgress { request: *request, done: 40_000_000, total: 100_000_000 });
    window.run();
    assert!(says(&window, "40.0 MB of 100 MB (40 %)"));
    click(&mut window, "Cancel reading");
    assert!(matches!(&engine.take()[..], [Command::CancelInspect { request: r }] if r == request));
    let problem = Problem { code: "stopped".into(), message: "stopped".into() };
    engine.say(Event::CommandFailed { request: Some(*request), problem });
    window.run();
    assert!(window.query_by_label("Cancel reading").is_none());
}

#[test]
fn a_changed_setting_is_marked_and_goes_back() {
    let (bench, _engine) = ready_bench(Language::English);
    let mut window = window_of(bench, 1600.0);
    window.state_mut().bench.state.recipe.lora_rank = 32;
    go(&mut window, Panel::Method);
    assert!(says(&window, "Changed settings: 1"));
    click(&mut window, "Rank: back to default (8)");
    assert_eq!(window.state().bench.state.recipe.lora_rank, 8);
    assert!(!says(&window, "Changed settings"));
    window.get_by_role_and_label(Role::RadioButton, "Freeze").click();
    window.run();
    assert!(window.query_by_role_and_label(Role::SpinButton, "Layers that learn").is_some());
    assert!(window.query_by_role_and_label(Role::SpinButton, "Rank").is_none());
}

#[test]
fn both_models_answer_the_same_question() {
    let (bench, engine) = ready_bench(Language::English);
    let mut window = window(bench);
    window.run();
    click(&mut window, "Start training");
    let id = started(&engine);
    engine.say(Event::RunFinished { id, outcome: Outcome::Completed { result: "/out/adapter".into() } });
    go(&mut window, Panel::Try);
    click(&mut window, "Your question");
    window.get_by_label("Your question").type_text("What sounds first?");
    window.run();
    click(&mut window, "Send");
    let mut answered = Vec::new();
    for answer in ["The bow, perhaps.", "The strings do."] {
        let sent = engine.take();
        let [Command::Generate { request, prompt }] = &sent[..] else { panic!("{sent:?}") };
        answered.push(prompt.adapter.clone());
        engine.say(Event::TokenSampled { request: *request, text: answer.into(), chances: vec![] });
        let reason = FinishReason::EndOfText;
        engine.say(Event::GenerateFinished {
            request: *request,
            prompt_tokens: 9,
            new_tokens: 4,
            elapsed_secs: 0.5,
            reason,
        });
        window.run();
    }
    assert_eq!(answered, [None, Some("/out/adapter".into())]);
    assert!(says(&window, "The bow, perhaps.") && says(&window, "The strings do."));
    assert!(says(&window, "4 tokens, 8.0 a second, ended by itself"));
    click(&mut window, "Clear the conversation");
    assert!(!says(&window, "The strings do."));
}

#[test]
fn closing_during_a_run_asks_and_saves_first() {
    let (bench, engine) = ready_bench(Language::English);
    let mut window = window(bench);
    window.run();
    assert!(window.state_mut().may_close(), "nothing runs");
    click(&mut window, "Start training");
    let id = started(&engine);
    assert!(!window.state_mut().may_close());
    window.run();
    click(&mut window, "Keep training");
    assert!(window.query_by_label("Save and quit").is_none());
    assert!(engine.take().is_empty());
    assert!(!window.state_mut().may_close());
    window.run();
    click(&mut window, "Save and quit");
    assert!(matches!(&engine.take()[..], [Command::StopRun]));
    assert!(!window.state_mut().may_close(), "the checkpoint is still being written");
    let outcome = Outcome::Stopped { result: Some("/out".into()), reason: "stopped by the person".into() };
    engine.say(Event::RunFinished { id, outcome });
    window.step();
    assert!(window.state_mut().may_close());
}

#[test]
fn tab_reaches_the_controls() {
    let (bench, _engine) = bench(Language::English);
    let mut window = window(bench);
    window.run();
    let mut reached = std::collections::BTreeSet::new();
    for _ in 0..32 {
        window.key_press(Key::Tab);
        window.run();
        let focused = window.query_all_by(|n| n.is_focused()).filter_map(|n| n.accesskit_node().label()).next();
        reached.extend(focused);
    }
    for label in ["Model", "Try the sample", "Choose model folder", "Settings"] {
        assert!(reached.contains(label), "{label} was not among {reached:?}");
    }
}
