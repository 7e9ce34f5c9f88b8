//! What went wrong, what to mind, what is not there yet.

use egui::accesskit::Role;
use egui::{Align, Align2, Color32, CornerRadius, Frame, Label, Layout, Margin, RichText, Sense, Stroke, Ui, vec2};

use super::button::{IconButton, Push};
use super::card::icon_label;
use crate::text::t;
use crate::{icons, theme};

/// A few words on a soft ground, with a sign that tells its kind without colour.
#[must_use = "call .show()"]
pub struct Notice {
    icon: char,
    kind: Kind,
    text: String,
}

#[derive(Clone, Copy)]
enum Kind {
    Info,
    Good,
    Warn,
    Bad,
}

impl Notice {
    pub fn info(text: impl Into<String>) -> Self {
        Self { icon: icons::INFO, kind: Kind::Info, text: text.into() }
    }

    pub fn good(text: impl Into<String>) -> Self {
        Self { icon: icons::CHECK_CIRCLE, kind: Kind::Good, text: text.into() }
    }

    pub fn warn(text: impl Into<String>) -> Self {
        Self { icon: icons::WARNING, kind: Kind::Warn, text: text.into() }
    }

    pub fn bad(text: impl Into<String>) -> Self {
        Self { icon: icons::WARNING_CIRCLE, kind: Kind::Bad, text: text.into() }
    }

    pub fn show(self, ui: &mut Ui) {
        self.show_with(ui, |_| {});
    }

    /// With something under the words, as a button.
    pub fn show_with(self, ui: &mut Ui, below: impl FnOnce(&mut Ui)) {
        let p = theme::palette(ui);
        let (ink, ground) = match self.kind {
            Kind::Info => (p.string, p.string_soft),
            Kind::Good => (p.good, p.good_soft),
            Kind::Warn => (p.warn, p.warn_soft),
            Kind::Bad => (p.bad, p.bad_soft),
        };
        ground_frame(ground).show(ui, |ui| {
            ui.take_available_width();
            ui.horizontal_top(|ui| {
                icon_label(ui, self.icon, 18.0, ink);
                ui.vertical(|ui| {
                    ui.add(Label::new(self.text).wrap());
                    below(ui);
                });
            });
        });
    }
}

fn ground_frame(ground: Color32) -> Frame {
    Frame::new().fill(ground).corner_radius(CornerRadius::same(theme::RADIUS)).inner_margin(Margin::symmetric(12, 10))
}

/// A problem in full: a heading, the message as the engine gave it, what to do. The button copies all of it.
pub fn problem_box(ui: &mut Ui, heading: &str, message: &str, remedy: Option<&str>) {
    let p = theme::palette(ui);
    let frame = ground_frame(p.bad_soft).stroke(Stroke::new(1.0, p.bad));
    frame.show(ui, |ui| {
        ui.take_available_width();
        ui.horizontal(|ui| {
            icon_label(ui, icons::WARNING_CIRCLE, 20.0, p.bad);
            ui.add(Label::new(theme::strong(heading).color(p.bad)).wrap());
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.add(IconButton::new(icons::COPY, t!("notice.copy_problem")).colour(p.bad)).clicked() {
                    let all = [heading, message, remedy.unwrap_or_default()];
                    ui.ctx().copy_text(all.iter().filter(|s| !s.is_empty()).copied().collect::<Vec<_>>().join("\n"));
                }
            });
        });
        ui.add(Label::new(RichText::new(message).monospace()).wrap().selectable(true));
        if let Some(remedy) = remedy {
            ui.add(Label::new(remedy).wrap());
        }
    });
}

/// Nothing here yet: what belongs here, and the one button that changes it. True when that was pressed.
pub fn empty_state(ui: &mut Ui, icon: char, title: &str, about: &str, button: Option<(char, &str)>) -> bool {
    let p = theme::palette(ui);
    let mut pressed = false;
    ui.vertical_centered(|ui| {
        ui.add_space(24.0);
        let (rect, _) = ui.allocate_exact_size(vec2(64.0, 64.0), Sense::hover());
        ui.painter().circle(rect.center(), 31.0, p.varnish_soft, Stroke::new(1.0, p.edge));
        ui.painter().text(rect.center(), Align2::CENTER_CENTER, icon, icons::regular(30.0), p.varnish);
        ui.add_space(4.0);
        ui.add(Label::new(theme::heading(title)).selectable(false));
        ui.scope(|ui| {
            ui.set_max_width(460.0);
            ui.add(Label::new(RichText::new(about).color(p.ink_soft)).wrap().halign(Align::Center));
        });
        if let Some((icon, label)) = button {
            ui.add_space(8.0);
            pressed = ui.add(Push::primary(label).icon(icon).large()).clicked();
        }
        ui.add_space(24.0);
    });
    ui.response().widget_info(|| egui::WidgetInfo::labeled(Role::Group, true, title));
    pressed
}
