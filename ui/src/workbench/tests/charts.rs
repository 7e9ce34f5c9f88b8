//! The pages of a run in Train, how its charts are looked at, and what to do when it has ended.

use super::*;
use crate::desks::{RunsPage, TrainPage};
use crate::testing::{ppo_step, preference_step, rollouts};

fn running(report: fn(usize) -> luthier_engine::protocol::StepReport) -> (Window, Engine, String) {
    let (mut bench, engine) = ready_bench(Language::English);
    bench.start_training();
    let id = bench.state.run.as_ref().expect("a run").id.clone();
    engine.say(Event::RunStarted { id: id.clone(), facts: Box::new(facts(bench.state.recipe.clone(), 120)) });
    for n in 1..=40 {
        engine.say(Event::StepReported { id: id.clone(), report: report(n) });
    }
    let mut window = window_of(bench, 2400.0);
    window.run_ok();
    (window, engine, id)
}

#[test]
fn a_preference_run_has_a_page_for_its_margins_and_keys_go_round() {
    let (mut window, _engine, _id) = running(preference_step);
    click(&mut window, "Margins");
    assert_eq!(window.state().bench.train_page(), TrainPage::Margins);
    window.key_press(Key::T);
    window.run_ok();
    assert_eq!(window.state().bench.train_page(), TrainPage::Settings);
    window.key_press(Key::T);
    window.run_ok();
    assert_eq!(window.state().bench.train_page(), TrainPage::Curves);
}

#[test]
fn keys_change_how_curves_are_drawn() {
    let (mut window, _engine, _id) = running(step);
    let smoothing = window.state().bench.settings.smoothing;
    for key in [Key::G, Key::C, Key::X, Key::OpenBracket] {
        window.key_press(key);
        window.run_ok();
    }
    let look = window.state().bench.train_look();
    assert!(look.logarithmic && look.clipped);
    assert_eq!(look.along, crate::plot::Along::Tokens);
    assert!((look.smoothing - (smoothing - 0.1)).abs() < 1e-6);
}

#[test]
fn a_chart_that_is_left_out_stays_out() {
    let (mut window, _engine, _id) = running(step);
    let there = |window: &Window| {
        let named = |said: Option<String>| said.as_deref() == Some("Gradient norm");
        window.query_all_by(|node| node.role() == Role::Image && named(node.label())).count()
    };
    assert_eq!(there(&window), 1);
    window.get_by_label_contains("Charts: ").click();
    window.run_ok();
    window.get_by_role_and_label(Role::CheckBox, "Gradient norm").click();
    window.run_ok();
    assert_eq!(window.state().bench.settings.hidden_charts, ["grad_norm"]);
    assert_eq!(there(&window), 0);
}

#[test]
fn the_settings_of_a_running_run_are_not_the_forms() {
    let (mut window, _engine, _id) = running(step);
    window.state_mut().bench.state.recipe.lora_rank = 64;
    window.run_ok();
    assert!(says(&window, "The form differs in 1"));
    click(&mut window, "This run's settings");
    assert!(says(&window, "The form has other settings by now"));
    assert!(says(&window, "64"));
    let run = window.state().bench.state.run.as_ref().expect("it goes on");
    assert_ne!(run.recipe.lora_rank, 64);
}

#[test]
fn sampled_answers_are_sorted_by_their_score() {
    let (mut bench, engine) = ready_bench(Language::English);
    bench.state.recipe.stage = luthier_engine::recipe::Stage::Ppo;
    bench.state.run = Some(crate::state::Run::new("p".into(), bench.state.recipe.clone()));
    for n in 1..=3 {
        engine.say(Event::RolloutsSampled { id: "p".into(), step: n - 1, rollouts: rollouts(n * 10) });
        engine.say(Event::StepReported { id: "p".into(), report: ppo_step(n) });
    }
    bench.panel = Panel::Train;
    bench.desks.train.page = TrainPage::Rollouts;
    let mut window = window_of(bench, 1600.0);
    window.run_ok();
    let first = |window: &Window| {
        let rows = window.query_all_by(|node| node.label().is_some_and(|l| l.starts_with("Answer ")));
        let highest = rows.min_by(|a, b| a.rect().top().total_cmp(&b.rect().top())).expect("rows");
        highest.accesskit_node().label().expect("a row is read aloud")
    };
    assert!(first(&window).starts_with("Answer 1 of step 3"), "{}", first(&window));
    click(&mut window, "Worst score");
    assert!(first(&window).starts_with("Answer 1 of step 1"), "{}", first(&window));
    click(&mut window, "Best score");
    assert!(first(&window).starts_with("Answer 4 of step 3"), "{}", first(&window));
}

#[test]
fn a_run_that_has_ended_leads_on() {
    let (mut window, engine, id) = running(step);
    let outcome = Outcome::Completed { result: "/home/luthier/runs/x".into() };
    engine.say(Event::RunFinished { id: id.clone(), outcome });
    window.run_ok();
    window.state_mut().bench.state.recipe.lora_rank = 64;
    window.get_all_by_label("Compare").last().expect("a button").click();
    window.run_ok();
    let bench = &window.state().bench;
    assert_eq!((bench.panel, bench.desks.runs.page), (Panel::Runs, RunsPage::Compare));
    assert!(bench.desks.runs.chosen.contains(&id));
    go(&mut window, Panel::Train);
    click(&mut window, "Again with changes");
    let bench = &window.state().bench;
    assert_eq!(bench.panel, Panel::Method);
    assert_ne!(bench.state.recipe.lora_rank, 64, "the form has the run's settings again");
    assert!(bench.state.recipe.output_dir.as_os_str().is_empty());
}
