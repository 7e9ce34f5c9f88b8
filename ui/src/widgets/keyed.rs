//! Choices that are made by keys: big buttons with their keys drawn on them as keycaps.

use egui::accesskit::Role;
use egui::{
    Align2, Color32, CornerRadius, FontId, Galley, Painter, Pos2, Rect, Response, Sense, Stroke, StrokeKind, Ui,
    Widget, WidgetInfo, pos2, vec2,
};
use std::sync::Arc;

use crate::icons;
use crate::theme::{self, Palette};

const CAP: f32 = 20.0;
const GAP: f32 = 4.0;

/// The sign on a key: a letter, a word, or an icon for arrows.
fn sign(painter: &Painter, key: &str, ink: Color32) -> Arc<Galley> {
    let icon = match key {
        "left" => Some(icons::ARROW_LEFT),
        "right" => Some(icons::ARROW_RIGHT),
        "up" => Some(icons::ARROW_UP),
        "down" => Some(icons::ARROW_DOWN),
        _ => None,
    };
    match icon {
        Some(icon) => painter.layout_no_wrap(icon.to_string(), icons::regular(12.0), ink),
        None => painter.layout_no_wrap(key.to_owned(), FontId::monospace(11.5), ink),
    }
}

fn cap_width(galley: &Galley) -> f32 {
    (galley.size().x + 10.0).max(CAP)
}

/// Draws the cap of a key with its left edge at `at`; the width it took.
fn cap(painter: &Painter, at: Pos2, galley: Arc<Galley>, p: &Palette) -> f32 {
    let width = cap_width(&galley);
    let rect = Rect::from_min_size(pos2(at.x, at.y - CAP / 2.0), vec2(width, CAP));
    let radius = CornerRadius::same(4);
    painter.rect(rect, radius, p.board, Stroke::new(1.0, p.edge_strong), StrokeKind::Inside);
    // The lip of the cap: a key seen from a little above.
    painter.hline(rect.left() + 3.0..=rect.right() - 3.0, rect.bottom() - 2.0, Stroke::new(1.0, p.edge_strong));
    painter.galley(rect.center() - galley.size() / 2.0 - vec2(0.0, 1.0), galley, p.ink);
    width
}

/// A key in a line of text; it is read with the words beside it.
pub fn keycap(ui: &mut Ui, key: &str) -> Response {
    let p = theme::palette(ui);
    let galley = sign(ui.painter(), key, p.ink);
    let (rect, response) = ui.allocate_exact_size(vec2(cap_width(&galley), CAP), Sense::hover());
    cap(ui.painter(), rect.left_center(), galley, p);
    response
}

/// A button with a word and the keys that press it.
#[must_use = "add it with ui.add"]
pub struct Keyed<'a> {
    label: String,
    name: Option<String>,
    icon: Option<char>,
    keys: &'a [&'a str],
    height: f32,
    width: f32,
    selected: bool,
    quiet: bool,
}

impl<'a> Keyed<'a> {
    /// `keys` as they stand on the keyboard; `left`, `right`, `up` and `down` are drawn as arrows.
    pub fn new(label: impl Into<String>, keys: &'a [&'a str]) -> Self {
        let label = label.into();
        Self { label, name: None, icon: None, keys, height: 44.0, width: 0.0, selected: false, quiet: false }
    }

    pub fn icon(mut self, icon: char) -> Self {
        self.icon = Some(icon);
        self
    }

    /// What a screen reader says, where the word alone would not be enough.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    pub fn small(mut self) -> Self {
        self.height = 30.0;
        self
    }

    /// Without a border until the pointer is over it.
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    pub fn width(mut self, width: f32) -> Self {
        self.width = width;
        self
    }

    pub fn selected(mut self, selected: bool) -> Self {
        self.selected = selected;
        self
    }

    fn text_size(&self) -> f32 {
        if self.height < 40.0 { 12.5 } else { 14.0 }
    }

    /// How wide it gets at least.
    pub fn natural_width(&self, ui: &Ui) -> f32 {
        let font = FontId::proportional(self.text_size());
        let word = ui.painter().layout_no_wrap(self.label.clone(), font, Color32::PLACEHOLDER);
        let caps = self.keys.iter().map(|key| cap_width(&sign(ui.painter(), key, Color32::PLACEHOLDER)) + GAP);
        let icon = if self.icon.is_some() { 22.0 } else { 0.0 };
        word.size().x + icon + caps.sum::<f32>() + 4.0 + if self.quiet { 12.0 } else { 20.0 }
    }
}

impl Widget for Keyed<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        let p = theme::palette(ui);
        let natural = self.natural_width(ui);
        let (rect, response) = ui.allocate_exact_size(vec2(self.width.max(natural), self.height), Sense::click());
        let name = self.name.as_ref().unwrap_or(&self.label);
        response.widget_info(|| WidgetInfo::selected(Role::Button, ui.is_enabled(), self.selected, name));
        if ui.is_rect_visible(rect) {
            let over = response.hovered() && ui.is_enabled();
            let down = response.is_pointer_button_down_on();
            let (ground, border) = match () {
                () if self.selected || down => (p.varnish_soft, p.varnish),
                () if self.quiet && !over => (Color32::TRANSPARENT, Color32::TRANSPARENT),
                () => (p.raised, if over { p.edge_strong } else { p.edge }),
            };
            let radius = CornerRadius::same(theme::RADIUS);
            ui.painter().rect(rect, radius, ground, Stroke::new(1.0, border), StrokeKind::Inside);
            let ink = if ui.is_enabled() { p.ink } else { p.ink_soft };
            let word = ui.painter().layout_no_wrap(self.label.clone(), FontId::proportional(self.text_size()), ink);
            let padding = if self.quiet { 6.0 } else { 10.0 };
            let mut x = rect.center().x - natural / 2.0 + padding;
            for key in self.keys {
                let galley = sign(ui.painter(), key, ink);
                x += cap(ui.painter(), pos2(x, rect.center().y), galley, p) + GAP;
            }
            x += 4.0;
            if let Some(icon) = self.icon {
                let at = pos2(x + 8.0, rect.center().y);
                ui.painter().text(at, Align2::CENTER_CENTER, icon, icons::regular(17.0), ink);
                x += 22.0;
            }
            ui.painter().galley(pos2(x, rect.center().y - word.size().y / 2.0), word, ink);
        }
        response.on_hover_cursor(egui::CursorIcon::PointingHand)
    }
}
