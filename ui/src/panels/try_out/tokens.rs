//! An answer whose tokens show how likely the model held them. The colour says it roughly, an underline says it without
//! colour, and a small table says it exactly: under the pointer, or with the arrow keys.

use egui::accesskit::Role;
use egui::text::{CCursor, LayoutJob, TextFormat};
use egui::{
    Color32, CornerRadius, EventFilter, FontId, Galley, Key, Modifiers, Rect, Response, Sense, Stroke, StrokeKind,
    Tooltip, Ui, WidgetInfo, pos2, vec2,
};
use luthier_engine::protocol::TokenChance;

use crate::icons;
use crate::state::{ColumnId, Span, Take, TalkId};
use crate::text::t;
use crate::theme::{self, Palette};
use crate::widgets::elided;

/// Tokens that are laid out one by one at most; that is done in every frame.
pub(super) const MOST: usize = 3000;
/// Upper ends of the classes but the surest.
const BOUNDS: [f32; 3] = [0.05, 0.2, 0.5];
/// Tokens of one character in the table.
const MOST_TOKENS: usize = 4;

/// 0 for the least likely, 3 for the surest.
fn class(chance: f32) -> usize {
    BOUNDS.iter().take_while(|bound| chance >= **bound).count()
}

/// Ground and underline of a class.
fn look(class: usize, p: &Palette) -> (Color32, Stroke) {
    match class {
        0 => (p.bad_soft, Stroke::new(2.5, p.bad)),
        1 => (p.warn_soft, Stroke::new(1.5, p.warn)),
        2 => (p.string_soft, Stroke::new(1.0, p.string)),
        _ => (Color32::TRANSPARENT, Stroke::NONE),
    }
}

fn format_of(span: &Span, p: &Palette) -> TextFormat {
    let (background, underline) = span.chance().map_or((Color32::TRANSPARENT, Stroke::NONE), |c| look(class(c), p));
    TextFormat { background, underline, ..TextFormat::simple(FontId::proportional(14.0), p.ink) }
}

/// The pieces of an answer as they are shown: where each begins, in characters, and its span.
struct Pieces<'a> {
    starts: Vec<usize>,
    spans: Vec<&'a Span>,
    end: usize,
}

impl<'a> Pieces<'a> {
    /// And the text to be laid out; blanks before the first word are left out.
    fn of(take: &'a Take, p: &Palette) -> (Self, LayoutJob) {
        let mut pieces = Self { starts: Vec::new(), spans: Vec::new(), end: 0 };
        let mut job = LayoutJob::default();
        let lead = take.text.len() - take.text.trim_start().len();
        let mut at = 0;
        for span in take.spans.iter() {
            let whole = at..(at + span.bytes).min(take.text.len());
            at = whole.end;
            let Some(text) = take.text.get(whole.start.max(lead)..whole.end).filter(|text| !text.is_empty()) else {
                continue;
            };
            pieces.starts.push(pieces.end);
            pieces.spans.push(span);
            pieces.end += text.chars().count();
            job.append(text, 0.0, format_of(span, p));
        }
        (pieces, job)
    }

    fn at(&self, character: usize) -> Option<usize> {
        let after = self.starts.partition_point(|start| *start <= character);
        after.checked_sub(1).filter(|_| character < self.end)
    }

    /// Where a piece is drawn; the part in its first row.
    fn rect(&self, piece: usize, galley: &Galley) -> Rect {
        let end = self.starts.get(piece + 1).copied().unwrap_or(self.end);
        let first = galley.pos_from_cursor(CCursor::new(self.starts[piece]));
        let last = galley.pos_from_cursor(CCursor { prefer_next_row: false, ..CCursor::new(end) });
        let right = if (last.top() - first.top()).abs() < 1.0 { last.right() } else { galley.rect.right() };
        Rect::from_min_max(first.min, pos2(right.max(first.left() + 4.0), first.bottom()))
    }
}

pub(super) fn ui(ui: &mut Ui, key: (TalkId, usize, ColumnId), take: &Take, name: &str) {
    let p = theme::palette(ui);
    let (pieces, mut job) = Pieces::of(take, p);
    job.wrap.max_width = ui.available_width();
    let galley = ui.painter().layout_job(job);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), galley.size().y), Sense::click());
    response.widget_info(|| WidgetInfo {
        label: Some(t!("try.tokens_of", who = name)),
        current_text_value: Some(take.text.trim().to_owned()),
        ..WidgetInfo::new(Role::Document)
    });
    if !ui.is_rect_visible(rect) && !response.has_focus() {
        return;
    }
    ui.painter().galley(rect.min, galley.clone(), p.ink);
    let id = response.id.with(("token", key));
    let chosen = by_keys(ui, &response, id, pieces.spans.len());
    let hovered = response.hover_pos().and_then(|pointer| {
        let inside = pointer - rect.min;
        let piece = pieces.at(galley.cursor_from_pos(inside).index.0)?;
        // Beside the end of a row there is no token.
        pieces.rect(piece, &galley).expand(3.0).contains(inside.to_pos2()).then_some(piece)
    });
    let Some(piece) = hovered.or(chosen).filter(|piece| *piece < pieces.spans.len()) else { return };
    let place = pieces.rect(piece, &galley).translate(rect.min.to_vec2());
    let radius = CornerRadius::same(3);
    ui.painter().rect_stroke(place.expand(1.0), radius, Stroke::new(1.5, p.varnish), StrokeKind::Outside);
    if chosen == Some(piece) && hovered.is_none() {
        ui.scroll_to_rect(place, None);
    }
    let tokens = &pieces.spans[piece].tokens;
    if !tokens.is_empty() {
        let tooltip = Tooltip::always_open(ui.ctx().clone(), ui.layer_id(), response.id, place);
        tooltip.width(260.0).show(|ui| table(ui, tokens));
    }
}

/// The piece that the arrow keys have come to, while the answer has the focus.
fn by_keys(ui: &Ui, response: &Response, id: egui::Id, count: usize) -> Option<usize> {
    if response.clicked() {
        response.request_focus();
    }
    if !response.has_focus() || count == 0 {
        return None;
    }
    let arrows = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(response.id, arrows));
    let now = ui.data(|d| d.get_temp::<usize>(id)).unwrap_or(0).min(count - 1);
    let pressed = |key| ui.input_mut(|i| i.consume_key(Modifiers::NONE, key));
    let to = match () {
        () if pressed(Key::ArrowRight) => (now + 1).min(count - 1),
        () if pressed(Key::ArrowLeft) => now.saturating_sub(1),
        () if pressed(Key::Home) => 0,
        () if pressed(Key::End) => count - 1,
        () => now,
    };
    ui.data_mut(|d| d.insert_temp(id, to));
    Some(to)
}

/// Each token of a piece with its likeliest alternatives.
fn table(ui: &mut Ui, tokens: &[TokenChance]) {
    ui.spacing_mut().item_spacing.y = 3.0;
    if tokens.len() > 1 {
        ui.label(theme::soft(ui, t!("try.token_parts", n = tokens.len())));
    }
    for token in tokens.iter().take(MOST_TOKENS) {
        ui.horizontal(|ui| {
            ui.label(theme::strong(visible(&token.text)));
            ui.label(theme::soft(ui, t!("try.token_rank", chance = percent(token.chance), rank = token.rank + 1)));
        });
        for (rank, (text, chance)) in token.likeliest.iter().enumerate() {
            line(ui, text, *chance, rank == token.rank);
        }
        if token.rank >= token.likeliest.len() {
            line(ui, &token.text, token.chance, true);
        }
    }
}

fn line(ui: &mut Ui, text: &str, chance: f32, taken: bool) {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(244.0, 18.0), Sense::hover());
    let said = match taken {
        true => t!("try.token_taken", text = visible(text), chance = percent(chance)),
        false => t!("try.token_other", text = visible(text), chance = percent(chance)),
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &said));
    let middle = rect.center().y;
    if taken {
        let at = pos2(rect.left() + 7.0, middle);
        ui.painter().text(at, egui::Align2::CENTER_CENTER, icons::CHECK, icons::regular(13.0), p.varnish);
    }
    let word = elided(ui, &visible(text), FontId::proportional(13.0), p.ink, 96.0);
    ui.painter().galley(pos2(rect.left() + 18.0, middle - word.size().y / 2.0), word, p.ink);
    let bar = Rect::from_min_size(pos2(rect.left() + 120.0, middle - 4.0), vec2(70.0, 8.0));
    ui.painter().rect_filled(bar, CornerRadius::same(2), p.inset);
    let filled = Rect::from_min_size(bar.min, vec2(bar.width() * chance.clamp(0.0, 1.0), bar.height()));
    ui.painter().rect_filled(filled, CornerRadius::same(2), if taken { p.varnish } else { p.edge_strong });
    let at = pos2(rect.right(), middle);
    let font = FontId::proportional(12.0);
    ui.painter().text(at, egui::Align2::RIGHT_CENTER, percent(chance), font, p.ink_soft);
}

/// A token as it can be read: blanks and breaks are written out.
fn visible(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars().take(40) {
        match c {
            ' ' => shown.push('·'),
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            c if c.is_control() => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

fn percent(chance: f32) -> String {
    match chance * 100.0 {
        p if p >= 9.95 => format!("{p:.0} %"),
        p if p >= 0.095 => format!("{p:.1} %"),
        _ => "< 0.1 %".into(),
    }
}

/// What the grounds and underlines mean.
pub(super) fn legend(ui: &mut Ui) {
    let p = theme::palette(ui);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        let words = [t!("try.chance_least"), t!("try.chance_low"), t!("try.chance_middle"), t!("try.chance_sure")];
        for (class, word) in words.iter().enumerate().rev() {
            let (ground, line) = look(class, p);
            let galley = ui.painter().layout_no_wrap(word.clone(), FontId::proportional(12.0), p.ink);
            let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(12.0, 8.0), Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, word));
            let frame = Stroke::new(1.0, p.edge);
            ui.painter().rect(rect, CornerRadius::same(3), ground, frame, StrokeKind::Inside);
            ui.painter().hline(rect.shrink(5.0).x_range(), rect.bottom() - 3.0, line);
            ui.painter().galley(rect.min + vec2(6.0, 3.0), galley, p.ink);
        }
    });
    ui.add(egui::Label::new(theme::soft(ui, t!("try.legend_about"))).wrap());
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn classes_begin_at_their_bounds() {
        assert_eq!([0.0, 0.049, 0.05, 0.2, 0.5, 1.0].map(class), [0, 0, 1, 2, 3, 3]);
        assert_eq!([0.5, 0.0213, 0.0004].map(percent), ["50 %", "2.1 %", "< 0.1 %"]);
        assert_eq!(visible(" a\n"), "·a\\n");
    }

    #[test]
    fn pieces_are_found_by_characters_after_the_leading_blank() {
        let token = |text: &str| TokenChance { text: text.into(), chance: 0.3, rank: 1, likeliest: Vec::new() };
        let span = |text: &str| Span { bytes: text.len(), tokens: vec![token(text)] };
        let spans = vec![span(" "), span("琴弦"), span(" first")];
        let take = Take { text: " 琴弦 first".into(), spans: Arc::new(spans), ..Take::default() };
        let (pieces, job) = Pieces::of(&take, &theme::DARK);
        assert_eq!((job.text.as_str(), pieces.starts.as_slice(), pieces.end), ("琴弦 first", &[0, 2][..], 8));
        assert_eq!([0, 1, 2, 7, 8].map(|at| pieces.at(at)), [Some(0), Some(0), Some(1), Some(1), None]);
    }
}
