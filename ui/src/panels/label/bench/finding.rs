//! The search over the bench: a field, filters, and what was found; one call brings an item to the front.

use std::time::Duration;

use egui::accesskit::Role;
use egui::{
    Align2, Area, CornerRadius, FontId, Frame, Id, Key, Modal, Modifiers, Order, ScrollArea, Sense, TextEdit, Ui,
    WidgetInfo, pos2, vec2,
};
use luthier_engine::feedback::{Strength, Verdict};

use crate::bench::Bench;
use crate::labels::{Found, Only, QueueId};
use crate::text::t;
use crate::widgets::{elided, segmented};
use crate::{format, icons, theme};

/// How long a person stops typing before the search is asked for, in seconds.
const PAUSE: f64 = 0.15;
const ROW: f32 = 50.0;
/// As many as the labels' thread tells at most.
const MOST: usize = 500;

#[derive(Default)]
pub struct FindingView {
    /// When a letter was last typed that has not been asked for.
    typed: Option<f64>,
    /// How far the list is scrolled.
    offset: f32,
}

impl FindingView {
    /// Draws it while it is open.
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        let Some(queue) = bench.desks.label.open.filter(|_| bench.desks.label.finding.open) else {
            self.typed = None;
            return;
        };
        let screen = ui.ctx().content_rect();
        let id = Id::unique("finding");
        let from_top = (screen.height() * 0.1).clamp(8.0, 72.0);
        let area = Area::new(id)
            .kind(egui::UiKind::Modal)
            .order(Order::Foreground)
            .anchor(Align2::CENTER_TOP, vec2(0.0, from_top))
            .sense(Sense::hover())
            .interactable(true);
        let frame = Frame::popup(ui.style()).inner_margin(12);
        let modal = Modal::new(id).area(area).frame(frame).backdrop_color(theme::palette(ui).veil);
        let shown = modal.show(ui.ctx(), |ui| {
            ui.set_width((screen.width() - 64.0).min(760.0));
            ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
            self.field(ui, bench, queue);
            filters(ui, bench);
            let room = screen.height() - from_top - 176.0;
            self.list(ui, bench, room.clamp(ROW * 2.0, ROW * 9.0));
            foot(ui, bench);
        });
        if shown.should_close() {
            bench.close_finding();
        }
    }

    fn field(&mut self, ui: &mut Ui, bench: &mut Bench, queue: QueueId) {
        let id = Id::unique("finding field");
        let typing = ui.memory(|m| m.has_focus(id));
        let pressed = |ui: &Ui, key| ui.input_mut(|i| i.consume_key(Modifiers::NONE, key));
        let steps = [(Key::ArrowUp, -1), (Key::ArrowDown, 1), (Key::PageUp, -8), (Key::PageDown, 8)];
        for (_, steps) in steps.into_iter().filter(|(key, _)| pressed(ui, *key)) {
            bench.desks.label.finding.move_choice(steps);
        }
        let enter = typing && pressed(ui, Key::Enter);
        let field = TextEdit::singleline(&mut bench.desks.label.finding.sought.text)
            .id(id)
            .desired_width(f32::INFINITY)
            .hint_text(t!("judging.find_hint"))
            .font(FontId::proportional(16.0))
            .min_size(vec2(0.0, 36.0));
        let field = ui.add(field).accessible_name(t!("judging.find"));
        // From the start, and again after a click beside it; Tab leads on to the filters.
        if ui.memory(|m| m.focused().is_none()) {
            field.request_focus();
        }
        let now = ui.input(|i| i.time);
        if field.changed() {
            self.typed = Some(now);
        }
        if let Some(typed) = self.typed {
            let left = PAUSE - (now - typed);
            if left > 0.0 && !enter {
                ui.ctx().request_repaint_after(Duration::from_secs_f64(left));
                return;
            }
            self.typed = None;
            if bench.desks.label.finding.is_new(queue) {
                bench.find();
                return;
            }
        }
        let desk = &bench.desks.label.finding;
        if enter && !desk.is_waiting() {
            bench.call_found(desk.chosen);
        }
    }

    fn list(&mut self, ui: &mut Ui, bench: &mut Bench, height: f32) {
        let desk = &mut bench.desks.label.finding;
        if desk.found.is_empty() {
            let nothing = if desk.is_waiting() { t!("judging.finding") } else { t!("judging.found_nothing") };
            ui.allocate_ui_with_layout(
                vec2(ui.available_width(), ROW * 1.5),
                egui::Layout::centered_and_justified(egui::Direction::TopDown),
                |ui| ui.label(theme::soft(ui, nothing)),
            );
            return;
        }
        let seek = std::mem::take(&mut desk.seek);
        let mut called = None;
        ui.spacing_mut().item_spacing.y = 0.0;
        let mut area = ScrollArea::vertical().id_salt("found").max_height(height).min_scrolled_height(height);
        area = area.auto_shrink([false, true]);
        if seek {
            let (top, shown) = (desk.chosen as f32 * ROW, height.min(desk.found.len() as f32 * ROW));
            area = area.vertical_scroll_offset(self.offset.clamp((top + ROW - shown).max(0.0), top));
        }
        let shown = area.show_rows(ui, ROW, desk.found.len(), |ui, rows| {
            for at in rows {
                if row(ui, &desk.found[at], at == desk.chosen) {
                    called = Some(at);
                }
            }
        });
        self.offset = shown.state.clamped_offset().y;
        ui.spacing_mut().item_spacing.y = 8.0;
        if let Some(at) = called {
            bench.call_found(at);
        }
    }
}

fn filters(ui: &mut Ui, bench: &mut Bench) {
    let mut only = bench.desks.label.finding.sought.only;
    let options = [
        (Only::All, t!("judging.only_all")),
        (Only::Open, t!("judging.only_open")),
        (Only::Labelled, t!("judging.only_labelled")),
        (Only::Skipped, t!("judging.only_skipped")),
        (Only::Flagged, t!("judging.only_flagged")),
        (Only::Noted, t!("judging.only_noted")),
    ];
    ScrollArea::horizontal().id_salt("finding filters").show(ui, |ui| {
        if segmented(ui, &mut only, &options) {
            bench.find_only(only);
        }
    });
}

fn foot(ui: &mut Ui, bench: &Bench) {
    let found = bench.desks.label.finding.found.len();
    let count = if found >= MOST {
        t!("judging.found_most", n = format::count(MOST as u64))
    } else {
        t!("judging.found", n = format::count(found as u64))
    };
    ui.horizontal(|ui| {
        ui.label(theme::soft(ui, count));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.add(egui::Label::new(theme::soft(ui, t!("judging.find_keys"))).truncate());
        });
    });
}

/// A verdict in a list: its sign and its word. Which answer it was is not said; the bench stays blind.
fn verdict(verdict: Option<&Verdict>, answered: bool) -> (char, String) {
    match verdict {
        None if answered => (icons::CHAT_CENTERED_TEXT, t!("judging.is_open")),
        None => (icons::HOURGLASS, t!("judging.is_unanswered")),
        Some(Verdict::Better { strength: Strength::Clearly, .. }) => (icons::CHECK, t!("judging.is_better")),
        Some(Verdict::Better { .. }) => (icons::CHECK, t!("judging.is_slightly_better")),
        Some(Verdict::Tie) => (icons::EQUALS, t!("judging.is_tie")),
        Some(Verdict::BothGood) => (icons::THUMBS_UP, t!("judging.is_both_good")),
        Some(Verdict::BothBad) => (icons::THUMBS_DOWN, t!("judging.is_both_bad")),
        Some(Verdict::Edited { .. }) => (icons::PENCIL_SIMPLE, t!("judging.is_edited")),
        Some(Verdict::Written { .. }) => (icons::NOTE_PENCIL, t!("judging.is_written")),
        Some(Verdict::Good) => (icons::THUMBS_UP, t!("judging.is_good")),
        Some(Verdict::Bad) => (icons::THUMBS_DOWN, t!("judging.is_bad")),
        Some(Verdict::Ranked { .. }) => (icons::RANKING, t!("judging.is_ranked")),
        Some(Verdict::Skipped) => (icons::SKIP_FORWARD, t!("judging.is_skipped")),
    }
}

/// On one line, whatever was in it.
fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ").chars().take(240).collect()
}

/// Two lines: the question; the verdict, who gave it, the note. True when it was clicked.
fn row(ui: &mut Ui, found: &Found, chosen: bool) -> bool {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let number = format::count(found.position as u64 + 1);
    let (text, note) = (one_line(&found.text), one_line(&found.note));
    let (sign, word) = verdict(found.verdict.as_ref(), found.answered);
    response.widget_info(|| {
        let flag = if found.flagged { t!("judging.is_flagged") } else { String::new() };
        let parts = [word.as_str(), &found.annotator, &flag, &note];
        let rest: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let name = t!("judging.found_item", n = number, text = text, rest = rest.join(", "));
        WidgetInfo::labeled(Role::Button, true, name)
    });
    if chosen || response.hovered() {
        let ground = if chosen { p.varnish_soft } else { p.raised };
        ui.painter().rect_filled(rect, CornerRadius::same(theme::RADIUS), ground);
    }
    let small = || FontId::proportional(12.0);
    let left = rect.left() + 56.0;
    let (first, second) = (rect.top() + 16.0, rect.top() + 35.0);
    let painter = ui.painter();
    painter.text(pos2(left - 12.0, first), Align2::RIGHT_CENTER, number, small(), p.ink_soft);
    let mut right = rect.right() - 12.0;
    if found.flagged {
        painter.text(pos2(right - 7.0, first), Align2::CENTER_CENTER, icons::FLAG, icons::filled(14.0), p.warn);
        right -= 24.0;
    }
    let question = elided(ui, &text, FontId::proportional(14.0), p.ink, right - left);
    painter.galley(pos2(left, first - question.size().y / 2.0), question, p.ink);

    let mut x = left;
    let mut part = |ui: &Ui, icon: Option<char>, text: &str, ink| {
        if let Some(icon) = icon {
            ui.painter().text(pos2(x + 6.0, second), Align2::CENTER_CENTER, icon, icons::regular(13.0), ink);
            x += 17.0;
        }
        let galley = elided(ui, text, small(), ink, rect.right() - 12.0 - x);
        let width = galley.size().x;
        ui.painter().galley(pos2(x, second - galley.size().y / 2.0), galley, ink);
        x += width + 14.0;
    };
    part(ui, Some(sign), &word, p.ink_soft);
    if !found.annotator.is_empty() {
        part(ui, Some(icons::USER), &one_line(&found.annotator), p.ink_soft);
    }
    if !note.is_empty() {
        part(ui, Some(icons::NOTE), &note, p.ink_soft);
    }
    response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_a_line() {
        assert_eq!(one_line(" a\r\n\tb\u{0}c\u{85} "), "a b c");
        assert_eq!(one_line(&"长".repeat(100_000)).chars().count(), 240);
        assert_eq!(one_line(""), "");
    }
}
