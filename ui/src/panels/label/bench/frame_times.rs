//! How long the bench takes for a frame, without a graphics card: ordinary pairs, pairs of 100 kB answers, the frame in
//! which another item comes.

use std::sync::Arc;
use std::time::Instant;

use egui::{Event, RawInput, Rect, pos2, vec2};
use luthier_engine::feedback::Mode;

use super::super::LabelPanel;
use crate::bench::Bench;
use crate::labels::{Answer, Lot};
use crate::pictures::label::pair_of;
use crate::testing::labels::{labelling_bench, lot};
use crate::text::Language;

fn frame(ctx: &egui::Context, panel: &mut LabelPanel, bench: &mut Bench, events: Vec<Event>, time: f64) -> f64 {
    let input = RawInput {
        screen_rect: Some(Rect::from_min_size(pos2(0.0, 0.0), vec2(1200.0, 632.0))),
        time: Some(time),
        events,
        ..RawInput::default()
    };
    let began = Instant::now();
    bench.poll();
    let output = ctx.run_ui(input, |ui| panel.ui(ui, bench));
    let shapes = ctx.tessellate(output.shapes, output.pixels_per_point);
    let took = began.elapsed().as_secs_f64() * 1000.0;
    assert!(!shapes.is_empty());
    took
}

/// Markdown of every kind, `bytes` long; `seed` makes texts differ.
fn markdown(bytes: usize, seed: usize) -> String {
    let mut text = String::new();
    let mut n = seed;
    while text.len() < bytes {
        n = n * 7919 % 10_007;
        text += &format!(
            "## Part {n}\n\nThe **bow** makes the string *swing* {n} times, `frequency({n})`. 琴弓使琴弦振动。\n\n- one {n}\n- two\n\n```python\nx = {n}\n```\n\n| a | b |\n|---|---|\n| {n} | 2 |\n\n"
        );
    }
    text
}

fn prose(bytes: usize, seed: usize) -> String {
    let words = (0..).map(|n| format!("word{} ", (n * 7919 + seed * 31) % 997));
    let mut text = String::new();
    for word in words {
        if text.len() >= bytes {
            break;
        }
        text += &word;
    }
    text
}

/// Frames of the wheel over both answers, and frames in which another item arrives.
fn times(make: fn(usize, usize) -> String, bytes: usize, differences: bool) -> (Vec<f64>, Vec<f64>) {
    let (mut bench, engine) = labelling_bench(Language::English, Mode::Pair, 0);
    bench.desks.label.pair.differences = differences;
    let ctx = egui::Context::default();
    ctx.set_fonts(crate::fonts::definitions());
    crate::theme::apply(&ctx);
    let mut panel = LabelPanel::default();
    let (mut still, mut arriving) = (Vec::new(), Vec::new());
    let mut time = 0.0;
    for n in 0..12 {
        let prompt = lot(Mode::Pair, n, 24).items[0].prompt.clone();
        let mut item = pair_of(prompt, &make(bytes, n * 2 + 1), &make(bytes, n * 2 + 2));
        item.id = n as i64 + 1;
        let lot = Lot { items: vec![Arc::new(item)], ..lot(Mode::Pair, n, 24) };
        engine.tell_labels(Answer::Lot(Box::new(lot)));
        for i in 0..40 {
            time += 1.0 / 60.0;
            let x = if i % 2 == 0 { 300.0 } else { 900.0 };
            let wheel = Event::MouseWheel {
                unit: egui::MouseWheelUnit::Point,
                delta: vec2(0.0, -180.0),
                modifiers: egui::Modifiers::NONE,
                phase: egui::TouchPhase::Move,
                source: egui::MouseWheelSource::Wheel,
            };
            let events = if i > 4 { vec![Event::PointerMoved(pos2(x, 360.0)), wheel] } else { Vec::new() };
            let took = frame(&ctx, &mut panel, &mut bench, events, time);
            if n > 1 {
                if i == 0 { arriving.push(took) } else { still.push(took) }
            }
        }
    }
    still.sort_by(f64::total_cmp);
    arriving.sort_by(f64::total_cmp);
    (still, arriving)
}

#[test]
#[ignore = "measures: run it optimised, and alone"]
fn frame_times_of_the_labelling_bench() {
    for (what, make, bytes, differences) in [
        ("ordinary answers", markdown as fn(usize, usize) -> String, 600, false),
        ("100 kB of Markdown", markdown, 100_000, false),
        ("100 kB of one paragraph", prose, 100_000, false),
        ("100 kB of Markdown, differences", markdown, 100_000, true),
        ("100 kB of one paragraph, differences", prose, 100_000, true),
    ] {
        let (still, arriving) = times(make, bytes, differences);
        let at = |all: &[f64], share: f64| all[((all.len() - 1) as f64 * share) as usize];
        println!(
            "{what}: p50 {:.2} ms, p99 {:.2} ms, most {:.2} ms of {}; another item: p50 {:.2} ms, most {:.2} ms",
            at(&still, 0.5),
            at(&still, 0.99),
            at(&still, 1.0),
            still.len(),
            at(&arriving, 0.5),
            at(&arriving, 1.0)
        );
    }
}
