//! Prompts and answers as they are read on the bench, in review and in rounds: blind, with nothing that loads or runs.

use std::fmt::Debug;
use std::hash::Hash;

use egui::{
    Align, CornerRadius, Frame, Label, Layout, Margin, Rect, ScrollArea, Stroke, StrokeKind, Ui, UiBuilder, vec2,
};
use luthier_engine::protocol::ChatMessage;

use crate::bench::Bench;
use crate::text::t;
use crate::theme;
use crate::widgets::{Push, Reading, is_unseen};

/// A turn is folded beyond this height.
const FOLD: f32 = 132.0;
/// What the system says is small up to this length, in bytes.
const BRIEF: usize = 600;
/// Texts beyond this size are read before they are shown, in bytes.
const LARGE: usize = 8_000;
/// Beyond this height a turn that is unfolded scrolls by itself, so that only what is in sight is laid out.
const LONG: f32 = 1_600.0;

/// The letter of the answer on this side: A is the leftmost.
pub fn letter(side: usize) -> char {
    char::from(b'A' + (side % 26) as u8)
}

/// All turns of a prompt, at most `height` high: the system's word small, long turns folded. Of several turns the last,
/// which is the question, is in sight.
pub fn prompt(ui: &mut Ui, id: impl Hash + Debug, turns: &[ChatMessage], as_written: bool, height: f32) {
    let id = ui.make_persistent_id(id);
    ScrollArea::vertical().id_salt(id).max_height(height).min_scrolled_height(48.0).auto_shrink([false, true]).show(
        ui,
        |ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            for (at, turn) in turns.iter().enumerate() {
                one_turn(ui, id.with(at), turn, (as_written, height), turns.len() > 1);
            }
            // Until head and foot have taken their places.
            let frames = ui.data(|data| data.get_temp::<u8>(id)).unwrap_or_default();
            if turns.len() > 1 && frames < 3 {
                ui.scroll_to_cursor_animation(Some(Align::BOTTOM), egui::style::ScrollAnimation::none());
                ui.data_mut(|data| data.insert_temp(id, frames + 1));
                ui.ctx().request_repaint();
            }
        },
    );
}

fn one_turn(ui: &mut Ui, id: egui::Id, turn: &ChatMessage, (as_written, height): (bool, f32), named: bool) {
    let p = theme::palette(ui);
    let system = turn.role == "system";
    let who = match turn.role.as_str() {
        "system" => t!("labelling.turn_system"),
        "assistant" => t!("labelling.turn_assistant"),
        "user" => t!("labelling.turn_user"),
        other => other.to_owned(),
    };
    let frame = Frame::new()
        .fill(if turn.role == "assistant" { p.board } else { p.raised })
        .corner_radius(CornerRadius::same(theme::RADIUS))
        .inner_margin(Margin::symmetric(16, if system { 6 } else { 10 }));
    frame.show(ui, |ui| {
        ui.take_available_width();
        ui.spacing_mut().item_spacing.y = 4.0;
        if named || system {
            ui.add(Label::new(theme::soft(ui, who)).selectable(false));
        }
        if turn.content.is_empty() {
            return empty(ui);
        }
        if system && turn.content.len() < BRIEF {
            let seen: String = turn.content.chars().filter(|c| !is_unseen(*c)).collect();
            ui.add(Label::new(theme::soft(ui, seen)).wrap());
            return;
        }
        let reading = Reading::of(ui, &turn.content, as_written);
        let full = reading.guess(ui.available_width());
        let mut all = ui.data(|data| data.get_temp::<bool>(id)).unwrap_or(false);
        // The button below it stays in sight.
        let fold = if system { FOLD / 2.0 } else { FOLD }.min((height - 64.0).max(44.0));
        if full <= fold * 1.4 {
            reading.show(ui, f32::INFINITY);
            return;
        }
        match all {
            true if full > LONG => reading.scroll(ui, id.with("text"), (height - 72.0).max(64.0)),
            true => {
                reading.show(ui, f32::INFINITY);
            }
            false => folded(ui, &reading, fold),
        }
        let word = if all { t!("labelling.show_less") } else { t!("labelling.show_all") };
        if ui.add(Push::quiet(word).small()).clicked() {
            all = !all;
            ui.data_mut(|data| data.insert_temp(id, all));
        }
    });
}

/// The beginning of a text, cut off at `height`.
fn folded(ui: &mut Ui, reading: &Reading, height: f32) {
    let room = Rect::from_min_size(ui.cursor().min, vec2(ui.available_width(), height));
    let mut inner = ui.new_child(UiBuilder::new().max_rect(room));
    inner.shrink_clip_rect(room);
    reading.show(&mut inner, height);
    ui.allocate_rect(room, egui::Sense::hover());
}

/// The text of an answer in a scroll area of its own.
pub fn answer(ui: &mut Ui, id: impl Hash + Debug, text: &str, as_written: bool, height: f32) {
    if text.is_empty() {
        return empty(ui);
    }
    Reading::of(ui, text, as_written).scroll(ui, id, height);
}

/// Reads the large texts of the item that follows while the one in front is looked at.
pub fn read_ahead(ui: &Ui, bench: &Bench) {
    let Some(next) = bench.desks.label.lot.as_ref().and_then(|lot| lot.items.get(1)) else { return };
    let mut large = next.answers.iter().filter(|answer| answer.text.len() > LARGE).peekable();
    if large.peek().is_none() {
        return;
    }
    if bench.desks.label.now.seconds() < 0.1 {
        ui.ctx().request_repaint_after(std::time::Duration::from_millis(120));
        return;
    }
    for answer in large {
        Reading::of(ui, &answer.text, bench.desks.label.now.as_written);
    }
}

/// What stands where there is no text.
pub fn empty(ui: &mut Ui) {
    ui.add(Label::new(theme::soft(ui, t!("labelling.empty")).size(14.0).italics()).selectable(false));
}

/// The board of an answer that fills `rect`: its letter or title above, and `body` with the height that is left.
pub fn board(
    ui: &mut Ui,
    rect: Rect,
    title: &str,
    lit: bool,
    actions: impl FnOnce(&mut Ui),
    body: impl FnOnce(&mut Ui, f32),
) {
    let p = theme::palette(ui);
    let stroke = if lit { Stroke::new(1.5, p.varnish) } else { Stroke::new(1.0, p.edge) };
    ui.painter().rect(rect, CornerRadius::same(theme::RADIUS + 2), p.board, stroke, StrokeKind::Inside);
    let inner = rect.shrink2(vec2(16.0, 8.0));
    ui.scope_builder(UiBuilder::new().max_rect(inner).id_salt(title), |ui| {
        ui.spacing_mut().item_spacing = vec2(8.0, 4.0);
        ui.allocate_ui_with_layout(vec2(inner.width(), 28.0), Layout::left_to_right(Align::Center), |ui| {
            ui.add(Label::new(theme::strong(title).color(p.varnish).size(15.0)).selectable(false));
            ui.with_layout(Layout::right_to_left(Align::Center), actions);
        });
        let left = (inner.bottom() - ui.cursor().top()).max(40.0);
        body(ui, left);
    });
}
