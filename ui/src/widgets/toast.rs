//! Short confirmations that come and go at the lower edge: "Copied", "Recipe saved".

use std::time::Duration;

use egui::{Align2, Area, Frame, Id, Label, Margin, Order, Stroke, Ui, vec2};

use crate::theme;

const SHOWN_SECS: f64 = 4.0;

#[derive(Default)]
pub struct Toasts {
    /// (text, when it goes; None until it was first drawn)
    shown: Vec<(String, Option<f64>)>,
}

impl Toasts {
    pub fn push(&mut self, text: impl Into<String>) {
        self.shown.push((text.into(), None));
    }

    pub fn ui(&mut self, ui: &Ui) {
        let now = ui.input(|i| i.time);
        for (_, until) in &mut self.shown {
            until.get_or_insert(now + SHOWN_SECS);
        }
        self.shown.retain(|(_, until)| until.is_some_and(|t| t > now));
        let Some(next) = self.shown.iter().filter_map(|(_, t)| *t).min_by(f64::total_cmp) else { return };
        ui.ctx().request_repaint_after(Duration::from_secs_f64((next - now).max(0.05)));
        let p = theme::palette(ui);
        let area = Area::new(Id::unique("toasts")).order(Order::Tooltip).interactable(false);
        area.anchor(Align2::CENTER_BOTTOM, vec2(0.0, -44.0)).show(ui.ctx(), |ui| {
            for (text, _) in &self.shown {
                Frame::new()
                    .fill(p.ink)
                    .stroke(Stroke::new(1.0, p.edge))
                    .corner_radius(theme::RADIUS)
                    .inner_margin(Margin::symmetric(14, 8))
                    .show(ui, |ui| ui.add(Label::new(egui::RichText::new(text).color(p.bench)).extend()));
            }
        });
    }
}
