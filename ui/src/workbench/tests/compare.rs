//! Compare, Sweep and exports, driven as a person drives them.

use super::*;
use crate::desks::{ComparePage, RunsPage};
use crate::export::ExportKind;
use crate::library::Order;
use crate::pictures::compare::bench as compared;

fn written(engine: &Engine) -> Option<(std::path::PathBuf, Vec<u8>)> {
    engine.orders.borrow().iter().rev().find_map(|order| match order {
        Order::Write { path, bytes } => Some((path.clone(), bytes.clone())),
        _ => None,
    })
}

#[test]
fn every_comparison_draws_in_both_languages() {
    for language in Language::ALL {
        for chosen in [0, 1, 3] {
            let mut window = window(compared(language, chosen).0);
            for page in [
                ComparePage::Overlay,
                ComparePage::Recipes,
                ComparePage::Results,
                ComparePage::Tradeoff,
                ComparePage::Answers,
                ComparePage::Parallel,
            ] {
                window.state_mut().bench.desks.compare.page = page;
                window.run();
            }
        }
    }
}

#[test]
fn runs_are_added_hidden_and_taken_out_and_the_difference_is_told() {
    let (bench, engine) = compared(Language::English, 2);
    let mut window = window(bench);
    window.run();
    click(&mut window, "Add ranks-03 to the comparison");
    let asked =
        engine.orders.borrow().iter().filter(|order| matches!(order, Order::Load { id } if id == "sweep-2")).count();
    assert_eq!(asked, 1, "its events are asked for, once");
    click(&mut window, "Draw ranks-01");
    assert_eq!(window.state().bench.seen_ids().len(), 2);
    click(&mut window, "Take ranks-03 out of the comparison");
    assert_eq!(window.state().bench.compared_ids().len(), 2);
    window.key_press(Key::Num2);
    window.run();
    assert!(says(&window, "lora_rank") && !says(&window, "weight_decay"));
    click(&mut window, "Show what is the same");
    assert!(says(&window, "weight_decay"));
    window.key_press(Key::Num5);
    window.run();
    assert!(says(&window, "Which part of a violin sounds first?"));
}

#[test]
fn exports_go_where_the_person_says() {
    let (mut bench, engine) = compared(Language::English, 2);
    bench.export_compared(ExportKind::Svg);
    assert_eq!(engine.asked.borrow().last(), Some(&Ask::SaveExport(ExportKind::Svg)));
    engine.answer(Ask::SaveExport(ExportKind::Svg), "/home/luthier/plots");
    bench.poll();
    let (path, bytes) = written(&engine).expect("it was written");
    assert_eq!(path, std::path::Path::new("/home/luthier/plots.svg"));
    let text = String::from_utf8(bytes).expect("it is text");
    assert!(text.starts_with("<svg") && text.contains("ranks-01"), "{text}");
    bench.export_run("sweep-1", ExportKind::TensorBoard);
    engine.answer(Ask::SaveExport(ExportKind::TensorBoard), "/home/luthier/run");
    bench.poll();
    assert_eq!(written(&engine).expect("written").0, std::path::Path::new("/home/luthier/run.tfevents.luthier"));
    bench.export_run("sweep-1", ExportKind::Html);
    engine.answer(Ask::SaveExport(ExportKind::Html), "/home/luthier/report.html");
    bench.poll();
    let page = String::from_utf8(written(&engine).expect("written").1).expect("text");
    assert!(page.contains("<h1>ranks-02</h1>") && page.contains("lora_rank"));
}

#[test]
fn a_sweep_is_put_together_queued_and_its_best_taken() {
    let (mut bench, engine) = ready_bench(Language::English);
    bench.desks.runs.page = RunsPage::Sweep;
    let mut window = window(bench);
    go(&mut window, Panel::Runs);
    click(&mut window, "Start with the learning rate");
    window.state_mut().bench.add_axis("lora_rank");
    window.state_mut().bench.desks.sweep.axes[1].list = "8, -4".into();
    window.run();
    assert!(says(&window, "is left out"), "a rank below zero cannot be");
    window.get_by_label("Add 3 runs to the queue").click_accesskit();
    window.run();
    let sent = engine.take();
    let first =
        sent.iter().find_map(|c| if let Command::StartRun { recipe, .. } = c { Some(recipe.clone()) } else { None });
    assert_eq!(first.expect("the first begins at once").lora_rank, 8);
    let waiting = &window.state().bench.desks.queue.waiting;
    assert_eq!(waiting.len(), 2);
    let folders: std::collections::BTreeSet<_> = waiting.iter().map(|queued| &queued.recipe.output_dir).collect();
    assert_eq!(folders.len(), 2, "each has a folder of its own");
    let (name, named) = waiting[0].sweep.clone().expect("it belongs to the sweep");
    assert!(name.contains("learning_rate") && named.contains("lora_rank=8"), "{name}: {named}");

    let (mut bench, _engine) = compared(Language::English, 9);
    (bench.desks.runs.page, bench.desks.sweep.shown) = (RunsPage::Sweep, Some("ranks".into()));
    let mut window = super::window(bench);
    window.run();
    let best = window
        .state()
        .bench
        .runs_of_sweep("ranks")
        .into_iter()
        .min_by(|a, b| a.best_eval_loss.partial_cmp(&b.best_eval_loss).unwrap());
    let rank = best.expect("there are nine").recipe.lora_rank;
    click(&mut window, "Use the best's settings");
    assert_eq!(window.state().bench.state.recipe.lora_rank, rank);
    assert_eq!(window.state().bench.panel, Panel::Method);
}
