//! A choice that deserves more than a word: cards side by side, each with what it does, its formula behind the "?", and,
//! where it cannot be chosen, why.

use std::sync::Arc;

use egui::accesskit::Role;
use egui::{
    Align2, Color32, CornerRadius, FontId, Galley, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2,
    vec2,
};

use super::card::columns;
use super::formula::Formula;
use crate::text::t;
use crate::{icons, theme};

pub struct ChoiceCard<T> {
    pub value: T,
    pub icon: char,
    pub name: String,
    pub about: String,
    /// A second, softer sentence; may be empty.
    pub cost: String,
    /// Why it cannot be chosen now.
    pub refused: Option<String>,
    pub formula: Option<Formula>,
}

/// A card is not narrower than this.
const NARROW: f32 = 148.0;

struct Texts {
    about: Arc<Galley>,
    under: Arc<Galley>,
}

impl Texts {
    /// Of both, one under the other.
    fn height(&self) -> f32 {
        self.under_at() + self.under.size().y
    }

    /// Where the second begins.
    fn under_at(&self) -> f32 {
        match (self.about.text().is_empty(), self.under.text().is_empty()) {
            (true, _) => 0.0,
            (false, true) => self.about.size().y - self.under.size().y,
            (false, false) => self.about.size().y + 6.0,
        }
    }
}

/// Lays the cards out in rows of `per_row`, those of a row as high as the longest needs. True when the choice changed.
pub fn choice_cards<T: PartialEq + Copy>(ui: &mut Ui, chosen: &mut T, per_row: usize, cards: &[ChoiceCard<T>]) -> bool {
    // In a narrow window fewer stand side by side: a word needs its width.
    let per_row = per_row.min((ui.available_width() / NARROW) as usize).max(1);
    let gaps = (per_row as f32 - 1.0) * ui.spacing().item_spacing.x;
    let width = (ui.available_width() - gaps) / per_row as f32 - 28.0;
    let lines = |text: &str, size: f32| {
        ui.painter().layout(text.to_owned(), FontId::proportional(size), Color32::PLACEHOLDER, width)
    };
    // Where a card cannot be chosen, the reason is all it says.
    let texts: Vec<Texts> = cards
        .iter()
        .map(|card| match &card.refused {
            Some(reason) => Texts { about: lines("", 13.0), under: lines(reason, 12.0) },
            None => Texts { about: lines(&card.about, 13.0), under: lines(&card.cost, 12.0) },
        })
        .collect();
    let mut changed = false;
    for (row, texts) in cards.chunks(per_row).zip(texts.chunks(per_row)) {
        let height = texts.iter().map(Texts::height).fold(0.0, f32::max) + 56.0;
        columns(ui, per_row, |ui, i| {
            if let (Some(card), Some(texts)) = (row.get(i), texts.get(i))
                && one(ui, card, texts, height, card.value == *chosen)
            {
                *chosen = card.value;
                changed = true;
            }
        });
    }
    changed
}

fn one<T>(ui: &mut Ui, card: &ChoiceCard<T>, texts: &Texts, height: f32, on: bool) -> bool {
    let open = card.refused.is_none();
    let sense = if open { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), sense);
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, open, on, &card.name));
    let p = theme::palette(ui);
    let border = match (on, open && response.hovered()) {
        (true, _) => Stroke::new(1.5, p.varnish),
        (false, true) => Stroke::new(1.0, p.edge_strong),
        (false, false) => Stroke::new(1.0, p.edge),
    };
    let ground = match (on, open) {
        (true, _) => p.varnish_soft,
        (false, true) => p.board,
        (false, false) => p.bench,
    };
    ui.painter().rect(rect, CornerRadius::same(theme::RADIUS), ground, border, StrokeKind::Inside);
    let inner = rect.shrink2(vec2(14.0, 12.0));
    let line = inner.top() + 12.0;
    let (mark, ink) = if on { (p.varnish, p.ink) } else { (p.ink_soft, if open { p.ink } else { p.ink_soft }) };
    ui.painter().text(pos2(inner.left() + 10.0, line), Align2::CENTER_CENTER, card.icon, icons::regular(22.0), mark);
    let room = inner.width() - 30.0 - if on { 46.0 } else { 24.0 };
    let name = super::chip::elided(ui, &card.name, theme::strong_font(15.0), ink, room);
    ui.painter().galley(pos2(inner.left() + 30.0, line - name.size().y / 2.0), name, ink);
    if on {
        let at = pos2(inner.right() - 30.0, line);
        ui.painter().text(at, Align2::CENTER_CENTER, icons::CHECK_CIRCLE, icons::filled(18.0), p.varnish);
    }
    let top = inner.top() + 32.0;
    ui.painter().galley(pos2(inner.left(), top), texts.about.clone(), ink);
    ui.painter().galley(pos2(inner.left(), top + texts.under_at()), texts.under.clone(), p.ink_soft);
    if let Some(formula) = &card.formula {
        let corner = Rect::from_center_size(pos2(inner.right() - 6.0, line), vec2(22.0, 22.0));
        question_mark(ui, corner, &response, card, formula);
        response.clone().on_hover_ui(|ui| tooltip(ui, card, formula));
    }
    response.on_hover_cursor(if open { egui::CursorIcon::PointingHand } else { egui::CursorIcon::Default }).clicked()
        && !on
}

/// In the card's corner, over the card itself.
fn question_mark<T>(ui: &mut Ui, rect: Rect, on: &Response, card: &ChoiceCard<T>, formula: &Formula) {
    let response = ui.interact(rect, on.id.with("help"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, t!("field_row.help", label = card.name)));
    let p = theme::palette(ui);
    let ink = if response.hovered() { p.string } else { p.ink_soft };
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, icons::QUESTION, icons::regular(16.0), ink);
    if response.has_focus() {
        response.show_tooltip_ui(|ui| tooltip(ui, card, formula));
    }
    response.on_hover_cursor(egui::CursorIcon::Help).on_hover_ui(|ui| tooltip(ui, card, formula));
}

fn tooltip<T>(ui: &mut Ui, card: &ChoiceCard<T>, formula: &Formula) {
    ui.set_max_width(520.0);
    ui.label(theme::strong(&card.name));
    ui.label(&card.about);
    formula.lines(ui);
}
