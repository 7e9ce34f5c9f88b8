//! Chips of the top bar, and small coloured tags.

use egui::accesskit::Role;
use egui::{
    Align2, Color32, CornerRadius, FontId, Response, Sense, Stroke, StrokeKind, Ui, Widget, WidgetInfo, pos2, vec2,
};

use crate::icons;
use crate::theme::{self, Palette};

/// How a part of the path stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Nothing there yet.
    Missing,
    Ready,
    /// Being read.
    Busy,
    Wrong,
}

impl Mark {
    pub fn colour(self, p: &Palette) -> Color32 {
        match self {
            Self::Missing => p.edge_strong,
            Self::Ready => p.good,
            Self::Busy => p.string,
            Self::Wrong => p.bad,
        }
    }
}

/// A station of the path in the top bar: what it is, what is chosen, how it stands. A click goes there.
#[must_use = "add it with ui.add"]
pub struct Chip {
    pub icon: char,
    pub title: String,
    pub value: String,
    pub mark: Mark,
    pub width: f32,
    pub here: bool,
}

impl Widget for Chip {
    fn ui(self, ui: &mut Ui) -> Response {
        let (rect, response) = ui.allocate_exact_size(vec2(self.width, 40.0), Sense::click());
        response.widget_info(|| {
            WidgetInfo::labeled(Role::Button, ui.is_enabled(), format!("{}: {}", self.title, self.value))
        });
        if ui.is_rect_visible(rect) {
            let p = theme::palette(ui);
            let ground = if response.hovered() { p.raised } else { p.board };
            let border = if self.here {
                p.varnish
            } else if response.hovered() {
                p.edge_strong
            } else {
                p.edge
            };
            ui.painter().rect(
                rect,
                CornerRadius::same(theme::RADIUS),
                ground,
                Stroke::new(1.0, border),
                StrokeKind::Inside,
            );
            let icon_at = pos2(rect.left() + 20.0, rect.center().y);
            let ink = if self.mark == Mark::Missing { p.ink_soft } else { p.varnish };
            ui.painter().text(icon_at, Align2::CENTER_CENTER, self.icon, icons::regular(20.0), ink);
            let left = rect.left() + 38.0;
            let room = rect.right() - 22.0 - left;
            let title = elided(ui, &self.title, FontId::proportional(11.0), p.ink_soft, room);
            ui.painter().galley(pos2(left, rect.top() + 5.0), title, p.ink_soft);
            let value_ink = if self.mark == Mark::Missing { p.ink_soft } else { p.ink };
            let value = elided(ui, &self.value, FontId::proportional(13.0), value_ink, room);
            ui.painter().galley(pos2(left, rect.top() + 18.0), value, value_ink);
            let dot = pos2(rect.right() - 12.0, rect.center().y);
            match self.mark {
                Mark::Missing => ui.painter().circle_stroke(dot, 3.5, Stroke::new(1.5, self.mark.colour(p))),
                _ => ui.painter().circle_filled(dot, 3.5, self.mark.colour(p)),
            };
        }
        response.on_hover_cursor(egui::CursorIcon::PointingHand).on_hover_text(self.value)
    }
}

/// One line of text that ends in … where it would be too wide.
pub fn elided(ui: &Ui, text: &str, font: FontId, colour: Color32, width: f32) -> std::sync::Arc<egui::Galley> {
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, colour);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width.max(8.0));
    ui.painter().layout_job(job)
}

/// A word on a soft ground of its own colour: a state, a format.
pub fn tag(ui: &mut Ui, text: &str, ink: Color32, ground: Color32) -> Response {
    let galley = ui.painter().layout_no_wrap(text.to_owned(), FontId::proportional(12.0), ink);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(14.0, 6.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    ui.painter().rect_filled(rect, CornerRadius::same(255), ground);
    ui.painter().galley(rect.min + vec2(7.0, 3.0), galley, ink);
    response
}
