//! Buttons: one primary, plain, quiet and dangerous kind, with an icon before the word; and small buttons of an icon alone.

use egui::accesskit::Role;
use egui::{
    Align2, Color32, CornerRadius, FontId, Response, Sense, Stroke, StrokeKind, Ui, Vec2, Widget, WidgetInfo, vec2,
};

use crate::icons;
use crate::theme::{self, CONTROL, Palette};

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Primary,
    Plain,
    Quiet,
    Danger,
}

/// A button with a word.
#[must_use = "add it with ui.add"]
pub struct Push {
    label: String,
    name: Option<String>,
    icon: Option<char>,
    kind: Kind,
    height: f32,
    width: Option<f32>,
    selected: bool,
}

impl Push {
    fn new(label: impl Into<String>, kind: Kind) -> Self {
        Self { label: label.into(), name: None, icon: None, kind, height: CONTROL, width: None, selected: false }
    }

    /// The next sensible step. One a screen.
    pub fn primary<S: Into<String>>(label: S) -> Self {
        Self::new(label, Kind::Primary)
    }

    pub fn plain<S: Into<String>>(label: S) -> Self {
        Self::new(label, Kind::Plain)
    }

    /// Without a border until the pointer is over it.
    pub fn quiet(label: impl Into<String>) -> Self {
        Self::new(label, Kind::Quiet)
    }

    pub fn danger(label: impl Into<String>) -> Self {
        Self::new(label, Kind::Danger)
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

    pub fn large(mut self) -> Self {
        self.height = 40.0;
        self
    }

    pub fn small(mut self) -> Self {
        self.height = 26.0;
        self
    }

    pub fn width(mut self, width: f32) -> Self {
        self.width = Some(width);
        self
    }

    pub fn selected(mut self, selected: bool) -> Self {
        self.selected = selected;
        self
    }
}

/// (ground, border, text)
fn colours(kind: Kind, p: &Palette, over: bool, down: bool, selected: bool) -> (Color32, Color32, Color32) {
    match kind {
        Kind::Primary if over || down => (p.varnish_hover, p.varnish_hover, p.on_varnish),
        Kind::Primary => (p.varnish, p.varnish, p.on_varnish),
        Kind::Danger if over || down => (p.bad_soft, p.bad, p.bad),
        Kind::Danger => (p.board, p.edge, p.bad),
        _ if selected || down => (p.varnish_soft, p.varnish, p.ink),
        Kind::Plain => (p.raised, if over { p.edge_strong } else { p.edge }, p.ink),
        Kind::Quiet if over => (p.raised, p.edge, p.ink),
        Kind::Quiet => (Color32::TRANSPARENT, Color32::TRANSPARENT, p.ink),
    }
}

impl Widget for Push {
    fn ui(self, ui: &mut Ui) -> Response {
        let small = self.height < CONTROL;
        let text_size = if small { 12.0 } else { 14.0 };
        let font =
            if self.kind == Kind::Primary { theme::strong_font(text_size) } else { FontId::proportional(text_size) };
        let word = ui.painter().layout_no_wrap(self.label.clone(), font, Color32::PLACEHOLDER);
        let icon_size = if small { 14.0 } else { 17.0 };
        let icon_width =
            if self.icon.is_some() { icon_size + if self.label.is_empty() { 0.0 } else { 6.0 } } else { 0.0 };
        let padding = if small { 8.0 } else { 12.0 };
        let natural = word.size().x + icon_width + 2.0 * padding;
        let width = self.width.map_or(natural, |w| w.max(natural));
        let (rect, response) = ui.allocate_exact_size(vec2(width, self.height), Sense::click());
        let name = self.name.as_ref().unwrap_or(&self.label);
        response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
        if ui.is_rect_visible(rect) {
            let p = theme::palette(ui);
            let down = response.is_pointer_button_down_on();
            let (ground, border, ink) =
                colours(self.kind, p, response.hovered() && ui.is_enabled(), down, self.selected);
            let radius = CornerRadius::same(theme::RADIUS);
            ui.painter().rect(rect, radius, ground, Stroke::new(1.0, border), StrokeKind::Inside);
            let start = rect.center().x - (natural - 2.0 * padding) / 2.0;
            if let Some(icon) = self.icon {
                let at = egui::pos2(start + icon_size / 2.0, rect.center().y);
                ui.painter().text(at, Align2::CENTER_CENTER, icon, icons::regular(icon_size), ink);
            }
            let at = egui::pos2(start + icon_width, rect.center().y - word.size().y / 2.0);
            ui.painter().galley(at, word, ink);
        }
        response.on_hover_cursor(egui::CursorIcon::PointingHand)
    }
}

/// A button of an icon alone; `name` is its tooltip and what a screen reader says.
#[must_use = "add it with ui.add"]
pub struct IconButton {
    icon: char,
    name: String,
    size: f32,
    colour: Option<Color32>,
    filled: bool,
}

impl IconButton {
    pub fn new(icon: char, name: impl Into<String>) -> Self {
        Self { icon, name: name.into(), size: 26.0, colour: None, filled: false }
    }

    pub fn colour(mut self, colour: Color32) -> Self {
        self.colour = Some(colour);
        self
    }

    pub fn size(mut self, size: f32) -> Self {
        self.size = size;
        self
    }
}

impl Widget for IconButton {
    fn ui(self, ui: &mut Ui) -> Response {
        let (rect, response) = ui.allocate_exact_size(Vec2::splat(self.size), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), &self.name));
        if ui.is_rect_visible(rect) {
            let p = theme::palette(ui);
            if response.hovered() && ui.is_enabled() {
                ui.painter().rect_filled(rect, CornerRadius::same(theme::RADIUS), p.raised);
            }
            let ink = self.colour.unwrap_or(if response.hovered() { p.ink } else { p.ink_soft });
            let size = (self.size * 0.65).round();
            let font = if self.filled { icons::filled(size) } else { icons::regular(size) };
            ui.painter().text(rect.center(), Align2::CENTER_CENTER, self.icon, font, ink);
        }
        response
            .on_hover_cursor(egui::CursorIcon::PointingHand)
            .on_hover_text(&self.name)
            .on_disabled_hover_text(&self.name)
    }
}
