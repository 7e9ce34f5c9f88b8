//! The status line: device memory, the run and its step, the time left, and the last message, which opens the log.

use egui::{Align, FontId, Label, Layout, Stroke, Ui};

use crate::bench::Bench;
use crate::state::{Course, Entry};
use crate::text::t;
use crate::{format, theme};

pub fn status_line(ui: &mut Ui, bench: &Bench, log_open: &mut bool) {
    let p = theme::palette(ui);
    let rect = ui.max_rect();
    let whole = ui.ctx().content_rect().x_range();
    ui.painter().with_clip_rect(egui::Rect::EVERYTHING).hline(
        rect.left() - 16.0..=whole.max,
        rect.top() + 0.5,
        Stroke::new(1.0, p.edge),
    );
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 20.0;
        for text in facts(bench) {
            ui.add(Label::new(theme::soft(ui, text)).selectable(false));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            last_message(ui, bench, log_open);
        });
    });
}

fn facts(bench: &Bench) -> Vec<String> {
    let state = &bench.state;
    let mut facts = Vec::new();
    let total = state.device().and_then(|d| d.memory_bytes);
    let run = state.run.as_ref();
    match (run.filter(|r| r.is_going()).and_then(|r| r.last()), total) {
        (Some(step), Some(total)) => {
            facts.push(t!("status.memory_of", used = format::bytes(step.memory_bytes), total = format::bytes(total)));
        }
        (Some(step), None) => facts.push(t!("status.memory", used = format::bytes(step.memory_bytes))),
        (None, Some(total)) => facts.push(t!("status.memory_total", total = format::bytes(total))),
        (None, None) => {}
    }
    let waiting = bench.desks.queue.waiting.len();
    if waiting > 0 {
        facts.push(t!("queue.waiting", n = waiting));
    }
    let Some(run) = run else { return facts };
    let of = (run.last().map_or(0, |s| s.step), run.total_steps());
    match &run.course {
        Course::Starting => facts.push(t!("status.starting")),
        Course::Stepping | Course::Paused => {
            facts.push(t!("train.step_of", step = of.0, total = of.1));
            if run.course == Course::Paused {
                facts.push(t!("train.paused"));
            } else if let Some(step) = run.last() {
                facts.push(t!("status.left", time = format::duration(step.remaining_secs)));
            }
        }
        Course::Finished(_) => facts.push(t!("status.run_ended", id = run.id)),
    }
    facts
}

fn last_message(ui: &mut Ui, bench: &Bench, log_open: &mut bool) {
    let last = bench.state.log.last_message();
    let text = last.map_or_else(|| t!("status.quiet"), Entry::say);
    let line = text.lines().next().unwrap_or_default();
    let p = theme::palette(ui);
    let colour = match last.map(Entry::level) {
        Some(crate::state::Level::Bad) => p.bad,
        Some(crate::state::Level::Warn) => p.warn,
        _ => p.ink_soft,
    };
    let room = ui.available_width() - 8.0;
    let galley = crate::widgets::elided(ui, line, FontId::proportional(12.0), colour, room);
    let (rect, response) = ui.allocate_exact_size(egui::vec2(galley.size().x, 24.0), egui::Sense::click());
    let name = if *log_open { t!("status.hide_log") } else { t!("status.show_log") };
    response.widget_info(|| egui::WidgetInfo {
        current_text_value: Some(text.clone()),
        ..egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, &name)
    });
    ui.painter().galley(egui::pos2(rect.left(), rect.center().y - galley.size().y / 2.0), galley, colour);
    if response.clicked() {
        *log_open = !*log_open;
    }
    response.on_hover_cursor(egui::CursorIcon::PointingHand).on_hover_text(text);
}
