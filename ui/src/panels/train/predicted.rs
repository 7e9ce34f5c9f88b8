//! What was expected of the run beside what is measured: memory by part with the peak as a mark, the steps' time.

use egui::accesskit::Role;
use egui::{Align2, Color32, CornerRadius, Rect, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use luthier_engine::estimate::{Estimate, MemoryPart};

use crate::state::Run;
use crate::text::t;
use crate::widgets::{Card, columns, elided};
use crate::{format, icons, theme};

/// Under this width memory and time stand one below the other.
const SIDE_BY_SIDE: f32 = 620.0;
const BAR: f32 = 18.0;
/// Room above a bar for the mark's word.
const ABOVE: f32 = 18.0;

pub(super) fn ui(ui: &mut Ui, run: &Run) {
    let Some(estimate) = run.facts.as_ref().and_then(|facts| facts.estimate.as_ref()) else { return };
    Card::new(t!("predicted.title")).icon(icons::GAUGE).show(ui, |ui| {
        if ui.available_width() < SIDE_BY_SIDE {
            memory(ui, run, estimate);
            ui.add_space(8.0);
            time(ui, run, estimate);
        } else {
            columns(ui, 2, |ui, i| if i == 0 { memory(ui, run, estimate) } else { time(ui, run, estimate) });
        }
    });
}

/// Parts by series colour; what they are called stands below, in their order from the left.
fn memory(ui: &mut Ui, run: &Run, estimate: &Estimate) {
    let (expected, measured) = (estimate.peak_bytes(), run.last().map(|step| step.peak_memory_bytes));
    let told = t!("predicted.memory_expected", bytes = format::bytes(expected));
    heading(ui, &t!("predicted.memory"), &told, measured.map(|measured| off(measured as f64, expected as f64)));
    let scale = expected.max(measured.unwrap_or(0)).max(1) as f64 * 1.04;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ABOVE + BAR), Sense::hover());
    let mark = measured.map(|bytes| (bytes, t!("predicted.memory_measured", bytes = format::bytes(bytes))));
    response.widget_info(|| {
        let parts = estimate.memory.iter().map(|share| format!("{} {}", word(share.part), format::bytes(share.bytes)));
        let said = mark.iter().map(|(_, said)| said.clone());
        let all: Vec<String> = std::iter::once(told.clone()).chain(said).chain(parts).collect();
        WidgetInfo::labeled(Role::Image, true, format!("{}: {}", t!("predicted.memory"), all.join(", ")))
    });
    let bar = Rect::from_min_max(pos2(rect.left(), rect.top() + ABOVE), rect.max);
    let p = theme::palette(ui);
    ui.painter().rect_filled(bar, CornerRadius::same(3), p.inset);
    let mut left = bar.left();
    for (i, share) in estimate.memory.iter().enumerate() {
        let right = left + (share.bytes as f64 / scale) as f32 * bar.width();
        let part = Rect::from_min_max(pos2(left, bar.top()), pos2(right, bar.bottom()));
        ui.painter().rect_filled(part, CornerRadius::ZERO, theme::series(ui, i));
        // Neighbours are told apart by an edge as well as by colour.
        ui.painter().vline(right, bar.y_range(), Stroke::new(1.0, p.board));
        left = right;
    }
    match &mark {
        Some((bytes, said)) => {
            let x = bar.left() + (*bytes as f64 / scale) as f32 * bar.width();
            pointer(ui, x, bar, said);
        }
        None => {
            let font = egui::FontId::proportional(12.0);
            let text = t!("predicted.nothing_yet");
            ui.painter().text(rect.left_top(), Align2::LEFT_TOP, text, font, p.ink_soft);
        }
    }
    let parts = estimate.memory.iter().enumerate();
    let entries = parts.map(|(i, share)| (theme::series(ui, i), word(share.part), format::bytes(share.bytes)));
    legend(ui, &entries.collect::<Vec<_>>());
}

/// The steps' time as it was expected, and as it goes: elapsed filled, the rest in outline.
fn time(ui: &mut Ui, run: &Run, estimate: &Estimate) {
    let expected = estimate.step_secs * estimate.total_steps as f64;
    let last = run.last();
    let elapsed = last.map_or(0.0, |step| step.elapsed_secs);
    let left = last.filter(|_| run.is_going()).map_or(0.0, |step| step.remaining_secs);
    let now = elapsed + left;
    let told = t!("predicted.time_expected", time = format::duration(expected));
    // A run that was broken off has not taken what was expected for all of it.
    let whole = run.is_going() || run.last().is_some_and(|step| step.step == run.total_steps());
    let difference = last.filter(|_| whole).map(|_| off(now, expected));
    heading(ui, &t!("predicted.time"), &told, difference);
    let scale = expected.max(now).max(1e-9) * 1.04;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ABOVE + BAR), Sense::hover());
    let said = match (last, run.is_going()) {
        (None, _) => t!("predicted.nothing_yet"),
        (Some(_), true) => t!("predicted.time_now", time = format::duration(now)),
        (Some(_), false) => t!("predicted.time_taken", time = format::duration(now)),
    };
    response
        .widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{}: {told}, {said}", t!("predicted.time"))));
    let bar = Rect::from_min_max(pos2(rect.left(), rect.top() + ABOVE), rect.max);
    let p = theme::palette(ui);
    let at = |secs: f64| bar.left() + (secs / scale) as f32 * bar.width();
    let font = egui::FontId::proportional(12.0);
    ui.painter().text(rect.left_top(), Align2::LEFT_TOP, &said, font, p.ink_soft);
    ui.painter().rect_filled(bar, CornerRadius::same(3), p.inset);
    let done = Rect::from_min_max(bar.min, pos2(at(elapsed), bar.bottom()));
    ui.painter().rect_filled(done, CornerRadius::same(3), p.varnish);
    let rest = Rect::from_min_max(pos2(at(elapsed), bar.top()), pos2(at(now), bar.bottom()));
    ui.painter().rect(rest, CornerRadius::ZERO, Color32::TRANSPARENT, Stroke::new(1.0, p.varnish), StrokeKind::Inside);
    // Where it should end.
    let x = at(expected);
    ui.painter().vline(x, (bar.top() - 4.0)..=(bar.bottom() + 4.0), Stroke::new(2.0, p.ink));
    let mut entries = vec![(p.varnish, t!("predicted.elapsed"), format::duration(elapsed))];
    if run.is_going() {
        entries.push((Color32::TRANSPARENT, t!("predicted.left"), format::duration(left)));
    }
    legend(ui, &entries);
    if estimate.total_secs > expected * 1.05 {
        ui.label(theme::soft(ui, t!("predicted.all", time = format::duration(estimate.total_secs))));
    }
}

/// How far the measured lies from the expected, with its sign: +12 %.
fn off(measured: f64, expected: f64) -> String {
    let share = (measured / expected.max(1e-9) - 1.0) * 100.0;
    let text = format!("{share:+.0} %");
    if text.starts_with("-0 ") { "+0 %".into() } else { text.replace('-', "−") }
}

fn heading(ui: &mut Ui, word: &str, told: &str, difference: Option<String>) {
    ui.horizontal_wrapped(|ui| {
        ui.label(theme::strong(word));
        ui.label(theme::soft(ui, told));
        if let Some(difference) = difference {
            ui.label(theme::small(difference).color(theme::palette(ui).ink));
        }
    });
}

/// A mark on a bar at `x`, its word above it on the side where there is room.
fn pointer(ui: &Ui, x: f32, bar: Rect, word: &str) {
    let p = theme::palette(ui);
    ui.painter().vline(x, (bar.top() - 4.0)..=(bar.bottom() + 2.0), Stroke::new(2.0, p.ink));
    let tip = bar.top() - 3.0;
    let arrow = vec![pos2(x - 5.0, tip - 7.0), pos2(x + 5.0, tip - 7.0), pos2(x, tip)];
    ui.painter().add(Shape::convex_polygon(arrow, p.ink, Stroke::NONE));
    let text = elided(ui, word, egui::FontId::proportional(12.0), p.ink_soft, bar.width());
    let right = x + 8.0 + text.size().x <= bar.right();
    let from = if right { x + 8.0 } else { (x - 8.0 - text.size().x).max(bar.left()) };
    ui.painter().galley(pos2(from, bar.top() - ABOVE), text, p.ink_soft);
}

/// Colours with their words and numbers, in as many lines as they need. Outlined where the colour is none.
fn legend(ui: &mut Ui, entries: &[(Color32, String, String)]) {
    const LINE: f32 = 18.0;
    const SWATCH: f32 = 15.0;
    const GAP: f32 = 14.0;
    let p = theme::palette(ui);
    let font = egui::FontId::proportional(12.0);
    let text = |text: &str, ink: Color32| ui.painter().layout_no_wrap(text.to_owned(), font.clone(), ink);
    let laid: Vec<_> = entries.iter().map(|(_, word, value)| (text(word, p.ink_soft), text(value, p.ink))).collect();
    let (width, mut at, mut places) = (ui.available_width(), vec2(0.0, 0.0), Vec::new());
    for (word, value) in &laid {
        let needs = SWATCH + word.size().x + 5.0 + value.size().x;
        if at.x > 0.0 && at.x + needs > width {
            at = vec2(0.0, at.y + LINE);
        }
        places.push(at);
        at.x += needs + GAP;
    }
    let (rect, _) = ui.allocate_exact_size(vec2(width, at.y + LINE), Sense::hover());
    for (((colour, ..), (word, value)), place) in entries.iter().zip(laid).zip(places) {
        let from = rect.min + place;
        let edge = if *colour == Color32::TRANSPARENT { Stroke::new(1.0, p.varnish) } else { Stroke::NONE };
        let swatch = Rect::from_min_size(from + vec2(0.0, 4.0), vec2(10.0, 10.0));
        ui.painter().rect(swatch, CornerRadius::same(2), *colour, edge, StrokeKind::Inside);
        let after = word.size().x + 5.0;
        ui.painter().galley(from + vec2(SWATCH, 1.0), word, p.ink_soft);
        ui.painter().galley(from + vec2(SWATCH + after, 1.0), value, p.ink);
    }
}

fn word(part: MemoryPart) -> String {
    match part {
        MemoryPart::Program => t!("memory_part.program"),
        MemoryPart::Weights => t!("memory_part.weights"),
        MemoryPart::Adapter => t!("memory_part.adapter"),
        MemoryPart::Gradients => t!("memory_part.gradients"),
        MemoryPart::Optimizer => t!("memory_part.optimizer"),
        MemoryPart::Activations => t!("memory_part.activations"),
        MemoryPart::Head => t!("memory_part.head"),
        MemoryPart::Companions => t!("memory_part.companions"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_has_a_sign() {
        assert_eq!(off(112.0, 100.0), "+12 %");
        assert_eq!(off(80.0, 100.0), "−20 %");
        assert_eq!((off(99.9, 100.0), off(100.0, 100.0)), ("+0 %".into(), "+0 %".into()));
    }
}
