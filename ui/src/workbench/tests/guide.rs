use super::*;
use crate::command::{Named, UiCommand};

#[test]
fn a_setting_leads_to_its_page_and_the_page_to_others_and_back() {
    let (bench, _engine) = ready_bench(Language::English);
    let mut window = window(bench);
    go(&mut window, Panel::Data);
    window.state_mut().bench.open_guide("kto");
    window.run();
    assert!(says(&window, "thumbs-up log"));
    click(&mut window, "Next page: Reward models");
    assert_eq!(window.state().bench.desks.guide.open_page(), "reward-model");
    window.get_all_by_role_and_label(Role::Link, "PPO").last().expect("the page links to PPO").click();
    window.run();
    assert_eq!(window.state().bench.desks.guide.open_page(), "ppo");
    window.key_press(Key::Backspace);
    window.run();
    assert_eq!(window.state().bench.desks.guide.open_page(), "reward-model");
}

#[test]
fn the_guide_is_searched_by_keys_alone() {
    let (bench, _engine) = ready_bench(Language::Chinese);
    let mut window = window(bench);
    window.key_press(Key::F1);
    window.run();
    assert_eq!(window.state().bench.panel, Panel::Guide);
    window.key_press(Key::Slash);
    window.run();
    window.get_by_label("搜索指南").type_text("逐步 解冻");
    window.run();
    window.key_press(Key::Enter);
    window.run();
    assert_eq!(window.state().bench.desks.guide.open_page(), "gradual");
    assert!(says(&window, "Howard 与 Ruder"));
}

#[test]
fn a_question_mark_opens_the_page_of_its_field() {
    let (bench, _engine) = ready_bench(Language::English);
    let mut window = window_of(bench, 2400.0);
    window.state_mut().bench.state.recipe.lora_rank = 16;
    go(&mut window, Panel::Method);
    let marks: Vec<String> = window
        .query_all_by(|node| node.label().is_some_and(|label| label.contains("Learning rate")))
        .filter_map(|node| node.accesskit_node().label())
        .collect();
    let mark = marks.iter().find(|label| label.as_str() != "Learning rate" && !label.contains("default"));
    let mark = mark.unwrap_or_else(|| panic!("no question mark among {marks:?}")).clone();
    click(&mut window, &mark);
    assert_eq!(window.state().bench.panel, Panel::Guide);
    assert_eq!(window.state().bench.desks.guide.open_page(), "learning-rate");
}

#[test]
fn letters_are_commands_only_where_nothing_is_typed() {
    let (bench, _engine) = ready_bench(Language::English);
    let mut window = window(bench);
    go(&mut window, Panel::Guide);
    window.get_by_label("Search the guide").focus();
    window.run();
    window.get_by_label("Search the guide").type_text("a/b");
    window.key_press(Key::Backspace);
    window.run();
    assert_eq!(window.state().bench.desks.guide.sought, "a/");
    assert!(crate::command::GuideCommand::all().iter().all(|c| UiCommand::all().contains(&UiCommand::from(*c))));
}
