//! The path of a person who has just opened Luthier, in the real window: sample, run, answers, language, palette.

use std::time::Duration;

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use luthier_engine::protocol::{Event, Outcome};
use luthier_engine::run_folder::read_events;

use crate::screen::Screen;

const CTRL: Modifiers = Modifiers { ctrl: true, command: true, ..Modifiers::NONE };

#[test]
fn the_sample_runs_from_one_click_to_two_answers_side_by_side() {
    let home = tempfile::tempdir().unwrap();
    let Some(mut screen) = Screen::open(home.path()) else { return };
    screen.click(Role::Button, "Try the sample");
    screen.wait("Pause", Duration::from_secs(90));
    screen.wait("Talk to it", Duration::from_secs(400));

    let runs: Vec<_> = std::fs::read_dir(home.path().join("runs")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(runs.len(), 1);
    let events: Vec<Event> = read_events(&runs[0]).unwrap().into_iter().map(|(_, event)| event).collect();
    let losses: Vec<f32> = events
        .iter()
        .filter_map(|e| if let Event::StepReported { report, .. } = e { Some(report.loss) } else { None })
        .collect();
    let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
    let (first, last) = (mean(&losses[..5]), mean(&losses[losses.len() - 5..]));
    assert!(last < 0.6 * first, "the loss should visibly fall: {first} to {last}");
    assert!(events.iter().any(|e| matches!(e, Event::RunFinished { outcome: Outcome::Completed { .. }, .. })));
    assert!(runs[0].join("adapter_model.safetensors").is_file());

    screen.click(Role::Button, "Talk to it");
    screen.wait("Send", Duration::from_secs(20));
    screen.type_text("What is your name?");
    screen.press(Key::Enter, Modifiers::NONE);
    screen.wait("Copy the answer (After)", Duration::from_secs(120));
    let picture = screen.picture();
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 20_000);
}

#[test]
fn language_palette_and_the_start_button_answer_keys_and_clicks() {
    let home = tempfile::tempdir().unwrap();
    let Some(mut screen) = Screen::open(home.path()) else { return };
    screen.wait("Fine-tune a language model, here", Duration::from_secs(60));
    screen.press(Key::K, CTRL);
    screen.type_text("Method");
    screen.press(Key::Enter, Modifiers::NONE);
    screen.wait("Learning rate", Duration::from_secs(20));
    let start = screen.see().into_iter().find(|s| s.role == Role::Button && s.text == "Start training");
    assert!(start.expect("there is a Start button").disabled, "without model and data nothing can start");
    screen.click(Role::Tab, "简体中文");
    screen.wait("学习率", Duration::from_secs(20));
    screen.click(Role::Tab, "English");
    screen.press(Key::Num1, CTRL);
    screen.wait("Try the sample", Duration::from_secs(20));
}

/// Sample, a first run, a second one with another rank, both laid over one another: as a person would, with the real
/// engine, library and keys.
#[test]
fn two_runs_are_trained_and_compared() {
    let home = tempfile::tempdir().unwrap();
    let Some(mut screen) = Screen::open(home.path()) else { return };
    let long = Duration::from_secs(400);
    let soon = Duration::from_secs(60);
    screen.click(Role::Button, "Try the sample");
    screen.wait("Talk to it", long);

    // Again with another rank.
    screen.press(Key::Num4, CTRL);
    screen.click(Role::RadioButton, "All settings");
    screen.wait("Rank", soon);
    screen.scroll_to(Role::SpinButton, "Rank");
    screen.click(Role::SpinButton, "Rank");
    screen.press(Key::A, CTRL);
    screen.type_text("2");
    screen.press(Key::Enter, Modifiers::NONE);
    screen.click(Role::Button, "Start training");
    screen.wait("Pause", soon);
    screen.wait("Talk to it", long);

    // The library knows both; they are chosen by a click each and laid over one another.
    screen.press(Key::Num7, CTRL);
    screen.wait("Choose ", soon);
    let rows = screen.named(Role::CheckBox, "Choose ");
    assert_eq!(rows.len(), 2, "{rows:?}");
    rows.iter().for_each(|row| screen.click(Role::CheckBox, row));
    screen.click(Role::RadioButton, "Compare (2)");
    screen.wait("Loss", soon);
    screen.click(Role::RadioButton, "Recipes");
    screen.wait("lora_rank", soon);
    for value in ["2", "8"] {
        assert!(screen.see().iter().any(|s| s.text == value), "rank {value} is not shown");
    }
    screen.click(Role::RadioButton, "Results");
    screen.wait("Results", soon);
    let picture = screen.picture();
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 20_000);
    drop(screen);

    // After a restart both are still there.
    let Some(mut screen) = Screen::open(home.path()) else { return };
    screen.wait("Fine-tune a language model, here", soon);
    screen.press(Key::Num7, CTRL);
    screen.wait("Choose ", soon);
    assert_eq!(screen.named(Role::CheckBox, "Choose ").len(), 2);
    let runs = rusqlite::Connection::open(home.path().join("luthier.sqlite"))
        .and_then(|db| db.query_row("SELECT count(*) FROM runs", [], |row| row.get::<_, i64>(0)));
    assert_eq!(runs.unwrap(), 2);
}
