//! How long the panel takes for a frame, without a graphics card: laying out, pointing, tessellating.

use std::time::Instant;

use egui::{Event, Modifiers, PointerButton, Pos2, RawInput, Rect, pos2, vec2};

use super::LayersPanel;
use super::edit::tests::config;
use crate::bench::Bench;
use crate::panels::Panel;
use crate::state::Slot;
use crate::testing::{model, ready_bench};
use crate::text::Language;

fn frame(ctx: &egui::Context, panel: &mut LayersPanel, bench: &mut Bench, events: Vec<Event>, time: f64) -> f64 {
    let input = RawInput {
        screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(1200.0, 632.0))),
        time: Some(time),
        events,
        ..RawInput::default()
    };
    let began = Instant::now();
    let output = ctx.run_ui(input, |ui| panel.ui(ui, bench));
    let shapes = ctx.tessellate(output.shapes, output.pixels_per_point);
    let took = began.elapsed().as_secs_f64() * 1000.0;
    assert!(!shapes.is_empty());
    took
}

/// Times in milliseconds of `count` frames in which the pointer goes over the picture, `down` or not.
pub fn times(layers: usize, count: usize, down: bool) -> Vec<f64> {
    let (mut bench, _engine) = ready_bench(Language::English);
    let shapes = config("llama", layers, true);
    bench.state.model = Slot::Ready(luthier_engine::protocol::ModelSummary { layers, config: shapes, ..model() });
    bench.panel = Panel::Layers;
    let ctx = egui::Context::default();
    ctx.set_fonts(crate::fonts::definitions());
    crate::theme::apply(&ctx);
    let mut panel = LayersPanel::default();
    for i in 0..8 {
        frame(&ctx, &mut panel, &mut bench, Vec::new(), f64::from(i) / 60.0);
    }
    let at = |i: usize| pos2(150.0 + (i * 7 % 700) as f32, 220.0 + (i % 90) as f32);
    let press = |pressed, pos| Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    let mut all = Vec::new();
    for i in 0..count {
        let mut events = vec![Event::PointerMoved(at(i))];
        // A stroke of twenty frames, then let go: the picture and the bill are made anew.
        match i % 24 {
            2 if down => events.push(press(true, at(i))),
            22 if down => events.push(press(false, at(i))),
            _ => {}
        }
        all.push(frame(&ctx, &mut panel, &mut bench, events, 1.0 + i as f64 / 60.0));
    }
    all.sort_by(f64::total_cmp);
    all
}

#[test]
#[ignore = "measures: run it optimised, and alone"]
fn frame_times_of_a_100_layer_canvas() {
    for (what, down) in [("hovering", false), ("dragging", true)] {
        let all = times(100, 600, down);
        let at = |share: f64| all[((all.len() - 1) as f64 * share) as usize];
        println!("{what}: p50 {:.2} ms, p99 {:.2} ms, most {:.2} ms of {}", at(0.5), at(0.99), at(1.0), all.len());
    }
}
