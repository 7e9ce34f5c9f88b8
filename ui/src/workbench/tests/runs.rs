//! The list of runs and the queue, driven as a person drives them.

use super::*;
use crate::desks::{Column, RunsPage};
use crate::library::{Answer, Order};
use crate::testing::cards::{card, replayed, tell};

fn list(n: usize, language: Language) -> (Window, Engine) {
    let (mut bench, engine) = ready_bench(language);
    tell(&engine, n);
    bench.poll();
    let mut window = window(bench);
    go(&mut window, Panel::Runs);
    (window, engine)
}

fn row(n: usize) -> String {
    format!("{}: {}", card(n).name, crate::desks::status_word(card(n).status))
}

#[test]
fn a_run_is_found_focused_opened_and_done_again() {
    let (mut window, engine) = list(30, Language::English);
    window.get_by_label(&row(1)).click();
    window.run();
    assert!(says(&window, "Again with changes") && says(&window, "Reading the run…"));
    let wanted = engine.orders.borrow().iter().any(|order| matches!(order, Order::Load { id } if id == "run-1"));
    assert!(wanted, "its events are read");
    engine.tell(Answer::Loaded { id: "run-1".into(), run: replayed(&card(1), 90) });
    window.run();
    assert!(says(&window, "over 90 steps"));

    window.key_press(Key::Slash);
    window.run();
    window.get_by_label("Search the runs").type_text("tag:中文 star");
    window.run();
    let order = |window: &Window| window.state().bench.desks.runs.listing.order.clone();
    assert_eq!(order(&window), [11, 26]);
    window.get_all_by_label("Clear the search").next().expect("the way out").click();
    window.run();
    assert!(order(&window).len() > 20);

    click(&mut window, "Open");
    assert_eq!(window.state().bench.panel, Panel::Train);
    assert!(says(&window, "A run of the past"));
    click(&mut window, "Again with changes");
    assert_eq!(window.state().bench.panel, Panel::Method);
    assert_eq!(window.state().bench.state.recipe.lora_rank, card(1).recipe.lora_rank);
}

#[test]
fn the_list_is_worked_by_keys() {
    let (mut window, engine) = list(30, Language::English);
    for _ in 0..3 {
        window.key_press(Key::ArrowDown);
        window.run();
    }
    let focus = |window: &Window| window.state().bench.desks.runs.focus.clone().unwrap_or_default();
    assert_eq!(focus(&window), "run-2");
    window.key_press(Key::Space);
    window.run();
    window.key_press_modifiers(Modifiers::SHIFT, Key::ArrowDown);
    window.run();
    assert_eq!(window.state().bench.desks.runs.chosen.len(), 2);
    assert!(says(&window, "Chosen: 2"));
    window.key_press(Key::Delete);
    window.run();
    let last = || engine.orders.borrow().iter().rev().find(|order| !matches!(order, Order::Load { .. })).cloned();
    assert!(matches!(last(), Some(Order::Delete { ids }) if ids.len() == 2), "{:?}", last());
    assert!(says(&window, "Moved to the bin: 2"));
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    window.run();
    assert!(matches!(last(), Some(Order::Undelete { ids }) if ids.len() == 2), "{:?}", last());
    window.key_press(Key::Enter);
    window.run();
    assert_eq!(window.state().bench.panel, Panel::Train);
}

#[test]
fn what_is_written_about_a_run_is_kept_when_the_person_turns_to_another() {
    let (mut window, engine) = list(12, Language::English);
    window.get_by_label(&row(3)).click();
    window.run();
    window.get_by_label("Note").focus();
    window.run();
    window.get_by_label("Note").type_text("Too fast");
    window.get_by_label("Tags").focus();
    window.step();
    window.get_by_label("Tags").type_text("fast");
    window.step();
    window.get_by_label(&row(2)).click();
    window.run();
    let orders = engine.orders.borrow();
    let note = orders
        .iter()
        .any(|order| matches!(order, Order::SetNote { id, note } if id == "run-3" && note.contains("Too fast")));
    let tags = orders.iter().any(
        |order| matches!(order, Order::SetTags { id, tags } if id == "run-3" && tags.contains(&"fast".to_owned())),
    );
    assert!(note && tags, "{orders:?}");
}

#[test]
fn columns_sort_and_pages_switch_in_both_languages() {
    for language in Language::ALL {
        let (mut window, _engine) = list(12, language);
        let name = crate::text::t!("runs.sort_by", column = Column::Loss.label());
        click(&mut window, &name);
        assert_eq!(window.state().bench.desks.runs.sort, (Column::Loss, true), "the best first");
        let name = crate::text::t!("runs.sorted_up", column = Column::Loss.label());
        click(&mut window, &name);
        assert_eq!(window.state().bench.desks.runs.sort, (Column::Loss, false));
        click(&mut window, &crate::text::t!("runs.sweep"));
        assert_eq!(window.state().bench.desks.runs.page, RunsPage::Sweep);
    }
    crate::text::speak(Language::English);
}

#[test]
fn a_run_is_queued_from_the_form_and_the_queue_worked_in_train() {
    let (bench, engine) = ready_bench(Language::English);
    let mut window = window(bench);
    window.state_mut().bench.start_training();
    started(&engine);
    window.state_mut().bench.open_method(crate::desks::MethodPage::Settings);
    window.run();
    click(&mut window, "Add to the queue");
    click(&mut window, "Add to the queue");
    assert_eq!(window.state().bench.desks.queue.waiting.len(), 2);
    go(&mut window, Panel::Train);
    assert!(says(&window, "Queue: 2 waiting"));
    click(&mut window, "Hold the queue");
    assert!(says(&window, "The queue is held"));
    let last = window.state().bench.desks.queue.waiting[1].id.clone();
    click(&mut window, &format!("Sooner: {last}"));
    assert_eq!(window.state().bench.desks.queue.waiting[0].id, last);
    click(&mut window, &format!("Remove from the queue: {last}"));
    assert_eq!(window.state().bench.desks.queue.waiting.len(), 1);
    click(&mut window, "Put back what was removed from the queue");
    assert_eq!(window.state().bench.desks.queue.waiting[0].id, last);
}

#[test]
#[ignore = "prints how long frames take; for a quiet machine"]
fn frame_times_of_1_000_runs() {
    let (mut window, engine) = list(1000, Language::English);
    engine.tell(Answer::Loaded { id: "run-1".into(), run: replayed(&card(1), 5000) });
    window.state_mut().bench.focus_run("run-1");
    window.run();
    let mut measure = |what: &str, act: &mut dyn FnMut(&mut Window, usize)| {
        let mut times: Vec<f64> = (0..300)
            .map(|n| {
                act(&mut window, n);
                let began = std::time::Instant::now();
                window.step();
                began.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!("1,000 runs, {what}: p50 {:.2} ms, p99 {:.2} ms", times[150], times[296]);
    };
    measure("at rest", &mut |_, _| {});
    measure("moving down by key", &mut |window, _| window.key_press(Key::ArrowDown));
    measure("typing a search", &mut |window, n| {
        window.state_mut().bench.desks.runs.search.words = "qwen lora star"[..n % 15].to_owned();
    });
    measure("sorting", &mut |window, n| {
        window.state_mut().bench.desks.runs.sort = (Column::ALL[n % Column::ALL.len()], n % 2 == 0);
    });
    measure("new cards every frame", &mut |_, _| tell(&engine, 1000));
}
