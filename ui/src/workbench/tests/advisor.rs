//! The advisor in the window: asked, answered, taken, changed, undone; methods compared and one of them taken.

use luthier_engine::advice::{Goal, Station};
use luthier_engine::recipe::{FinetuningType, Recipe, Stage};

use super::*;
use crate::desks::MethodPage;

fn advised(language: Language) -> (Window, Engine) {
    let (mut bench, engine) = ready_bench(language);
    bench.panel = Panel::Method;
    let mut window = window_of(bench, 2400.0);
    window.run();
    (window, engine)
}

fn recipe(window: &Window) -> &Recipe {
    &window.state().bench.state.recipe
}

#[test]
fn whoever_has_set_nothing_meets_the_advisor_first() {
    let (window, _engine) = advised(Language::English);
    assert_eq!(window.state().bench.desks.advisor.page, Some(MethodPage::Advisor));
    assert!(says(&window, "999 rows are fewer than 10,000"));
    let (mut bench, _engine) = ready_bench(Language::English);
    bench.state.recipe.learning_rate = 1e-3;
    let mut window = window_of(bench, 900.0);
    go(&mut window, Panel::Method);
    assert!(window.query_by_role_and_label(Role::SpinButton, "Learning rate").is_some());
    click(&mut window, "Advisor");
    assert!(says(&window, "What do you want?"));
    click(&mut window, "All settings");
    assert!(window.query_by_role_and_label(Role::SpinButton, "Learning rate").is_some());
}

#[test]
fn a_proposal_is_taken_by_one_click_and_undone() {
    let (mut window, _engine) = advised(Language::English);
    let before = recipe(&window).clone();
    click(&mut window, "Use this proposal");
    assert!(says(&window, "In use"));
    let now = recipe(&window);
    assert_eq!((now.freeze_layers.as_slice(), now.early_stopping_steps), (&["first:22".to_owned()][..], Some(3)));
    assert!(window.state().bench.state.missing().is_empty());
    // A change is told with what it does, and goes back by itself.
    window.state_mut().bench.state.recipe.num_train_epochs = 6.0;
    window.run();
    assert!(says(&window, "You have: 6.") && says(&window, "more time"));
    click(&mut window, "Back to the proposal: Passes");
    assert_eq!(recipe(&window).num_train_epochs, 3.0);
    click(&mut window, "Undo the proposal");
    assert_eq!(*recipe(&window), before);
}

#[test]
fn goal_and_memory_change_what_is_proposed() {
    let (mut window, engine) = advised(Language::English);
    window.get_by_role_and_label(Role::RadioButton, "Complex").click();
    window.run();
    assert_eq!(window.state().bench.desks.advisor.goal, Goal::Complex);
    assert!(says(&window, "the rest joins from the top"));
    window.state_mut().bench.desks.advisor.memory_gb = Some(6.0);
    window.run();
    assert!(says(&window, "4 bits (NF4)") && says(&window, "There is room for more"));
    click(&mut window, "Use the larger way");
    assert_eq!(recipe(&window).quantization_bit, None);
    click(&mut window, "Back to the device's own memory");
    assert_eq!(window.state().bench.desks.advisor.memory_gb, None);
    click(&mut window, "Choose a file: General data mixed in");
    assert_eq!(engine.asked.borrow_mut().pop(), Some(Ask::ReplayFile));
}

#[test]
fn the_map_proposes_a_stage_and_the_routes_open_the_guide() {
    let (mut window, _engine) = advised(Language::English);
    click(&mut window, "3. Align");
    assert_eq!(window.state().bench.desks.advisor.station, Some(Station::Align));
    assert!(says(&window, "this file has none"));
    click(&mut window, "Let goal and data decide");
    assert_eq!(window.state().bench.desks.advisor.station, None);
    let first = window.query_all_by(|node| node.label().is_some_and(|label| label.starts_with("Step 2: "))).next();
    first.expect("there are steps").click();
    window.run();
    let bench = &window.state().bench;
    assert_eq!((bench.panel, bench.desks.guide.page.as_deref()), (Panel::Guide, Some("data")));
}

#[test]
fn methods_are_compared_sorted_and_taken() {
    let (mut window, _engine) = advised(Language::English);
    click(&mut window, "Compare methods");
    let order = |window: &Window| -> Vec<String> {
        let cells = window.query_all_by(|node| node.value().is_some_and(|text| text.contains(", Memory: ")));
        let name = |text: String| text.split(", ").next().map(str::to_owned);
        cells.filter_map(|node| node.accesskit_node().value()).filter_map(name).collect()
    };
    assert_eq!(order(&window).len(), 9);
    assert_eq!(order(&window)[0], "Full SFT");
    click(&mut window, "Sort by Memory");
    let rising = order(&window);
    let place = |name: &str| rising.iter().position(|known| known == name);
    assert!(place("QLoRA") < place("LoRA") && place("LoRA") < place("Full SFT"), "{rising:?}");
    click(&mut window, "Sort by Memory");
    assert_eq!(order(&window), rising.into_iter().rev().collect::<Vec<_>>());
    assert!(window.get_by_label("Take DPO").accesskit_node().is_disabled(), "there are no pairs");
    click(&mut window, "Take Freeze");
    let now = recipe(&window);
    assert_eq!((now.stage, now.finetuning_type), (Stage::Sft, FinetuningType::Freeze));
    assert!(window.state().bench.state.missing().is_empty());
}

#[test]
fn every_page_draws_in_both_languages_wide_and_narrow() {
    for language in Language::ALL {
        for (width, zoom) in [(1280.0, 1.0), (1280.0, 2.0)] {
            for page in [MethodPage::Advisor, MethodPage::Compare] {
                let (mut bench, _engine) = ready_bench(language);
                bench.settings.zoom = zoom;
                bench.open_method(page);
                bench.take_proposal();
                bench.state.recipe.lora_rank = 64;
                let mut window = window_of(bench, 720.0);
                window.set_size(vec2(width, 720.0));
                window.run();
                let title = crate::text::t!("advisor.compare");
                assert!(window.query_by_label(&title).is_some());
            }
        }
    }
}

#[test]
fn keys_and_palette_reach_the_advisor() {
    let (mut window, _engine) = advised(Language::English);
    let keys = Modifiers::COMMAND | Modifiers::SHIFT;
    window.key_press_modifiers(keys, Key::M);
    window.run();
    assert_eq!(window.state().bench.desks.advisor.page, Some(MethodPage::Compare));
    window.key_press_modifiers(keys, Key::A);
    window.run();
    window.key_press(Key::U);
    window.run();
    assert!(window.state().bench.can_undo_proposal());
    window.key_press(Key::Z);
    window.run();
    assert!(!window.state().bench.can_undo_proposal());
}
