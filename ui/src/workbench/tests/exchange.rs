//! Labels out and in through the window.

use std::path::PathBuf;

use luthier_engine::feedback::{FileFormat, Mode, Ties};
use luthier_engine::protocol::Problem;

use super::*;
use crate::labels::{Answer, Order, Parcel};
use crate::testing::labels::{exported, queue_card};

fn queues(mode: Mode) -> (Window, Engine) {
    let (mut bench, engine) = ready_bench(Language::English);
    engine.tell_labels(Answer::Queues(vec![queue_card(mode)]));
    bench.poll();
    let mut window = window(bench);
    go(&mut window, Panel::Label);
    (window, engine)
}

fn parcel(train: usize) -> Parcel {
    Parcel { train, eval: 0, balance: None, left_out: Default::default(), example: "{}".into(), files: Vec::new() }
}

/// The last export that was ordered: format, ties, share held out, and where to.
fn ordered(engine: &Engine) -> (FileFormat, Ties, f64, Option<PathBuf>) {
    let orders = engine.label_orders.borrow();
    let last = orders.iter().rev().find_map(|order| match order {
        Order::Export { how, to, .. } => Some((how.format, how.rules.ties, how.eval_share, to.clone())),
        _ => None,
    });
    last.expect("an export was ordered")
}

fn answered(window: &mut Window, engine: &Engine, told: Parcel) {
    exported(&mut window.state_mut().bench, engine, told);
    window.run();
}

#[test]
fn labels_are_exported_by_clicks() {
    let (mut window, engine) = queues(Mode::Pair);
    window.key_press_modifiers(Modifiers::COMMAND, Key::E);
    window.run();
    assert_eq!(ordered(&engine), (FileFormat::TrlPreference, Ties::LeaveOut, 0.0, None));
    answered(&mut window, &engine, parcel(24));
    assert!(says(&window, "Pairs: 24"));

    click(&mut window, "LLaMA-Factory ranking (sharegpt)");
    assert_eq!(ordered(&engine).0, FileFormat::LlamaFactoryRanking);
    click(&mut window, "Both ways");
    click(&mut window, "10 %");
    // One at a time: what has changed since is asked for when the answer is there.
    answered(&mut window, &engine, parcel(24));
    assert_eq!(ordered(&engine), (FileFormat::LlamaFactoryRanking, Ties::Split, 0.1, None));
    answered(&mut window, &engine, parcel(26));
    click(&mut window, "Export to a folder");
    assert_eq!(engine.asked.borrow().last(), Some(&Ask::LabelsFolder));
    engine.answer(Ask::LabelsFolder, "/data/sets");
    window.run();
    assert_eq!(ordered(&engine).3, Some("/data/sets".into()));
    let files = vec!["/data/sets/workshop.json".into(), "/data/sets/dataset_info.json".into()];
    answered(&mut window, &engine, Parcel { files, ..parcel(26) });
    assert!(says(&window, "/data/sets/workshop.json"));

    // A format that can say so keeps ties; going back, they are left out again.
    click(&mut window, "Argilla records");
    assert_eq!(ordered(&engine).1, Ties::Keep);
    click(&mut window, "Close the export");
    assert!(window.state().bench.desks.label.exchange.export.is_none());
}

#[test]
fn nothing_to_export_and_trouble_are_told() {
    let (mut window, engine) = queues(Mode::Single);
    window.key_press_modifiers(Modifiers::COMMAND, Key::E);
    window.run();
    assert_eq!(ordered(&engine).0, FileFormat::TrlUnpaired);
    let disabled = |window: &Window| window.get_by_label("Export to a file").accesskit_node().is_disabled();
    assert!(disabled(&window));
    answered(&mut window, &engine, parcel(0));
    assert!(disabled(&window) && says(&window, "No label makes a record"));
    click(&mut window, "OpenAI preference");
    let how = Box::new(window.state().bench.desks.label.exchange.export.as_ref().unwrap().how);
    let problem = Problem { code: "labels_busy".into(), message: "the database of labels is locked".into() };
    engine.tell_labels(Answer::Exported { queue: 1, how, parcel: Err(problem) });
    window.run();
    assert!(disabled(&window) && says(&window, "the database of labels is locked"));
    window.key_press(Key::Escape);
    window.run();
    assert!(window.state().bench.desks.label.exchange.export.is_none());
}

#[test]
fn a_file_of_labels_becomes_a_queue() {
    let (mut window, engine) = queues(Mode::Pair);
    window.key_press_modifiers(Modifiers::COMMAND, Key::K);
    window.run();
    window.get_by_label("Search commands").type_text("Import labels");
    window.run();
    window.key_press(Key::Enter);
    window.run();
    assert_eq!(engine.asked.borrow().last(), Some(&Ask::LabelsFile));
    engine.answer(Ask::LabelsFile, "/data/dpo_en_demo.json");
    window.run();
    assert!(says(&window, "Reading"));
    let orders = engine.label_orders.borrow().len();
    assert!(
        matches!(&engine.label_orders.borrow()[orders - 1], Order::Import { path, .. } if path.ends_with("dpo_en_demo.json"))
    );
    let reason = "row 17: the chosen answer is empty".into();
    engine.tell_labels(Answer::Imported { queue: 1, items: 299, left_out: 1, reason });
    window.run();
    assert!(says(&window, "299 items") && says(&window, "row 17"));
    click(&mut window, "Open it");
    assert_eq!(window.state().bench.desks.label.open, Some(1));
}
