//! The bill: what the picture costs, beside it, and what it would cost if nothing were frozen.

use egui::{Label, Ui};
use luthier_engine::estimate::Estimate;

use super::picture::Picture;
use crate::bench::Bench;
use crate::panels::Panel;
use crate::text::t;
use crate::widgets::{Card, Notice, Push, hairline};
use crate::{format, icons, theme};

pub fn ui(ui: &mut Ui, bench: &mut Bench, picture: &Picture) {
    let (now, open) = (bench.estimate(), bench.estimate_unfrozen());
    let title = if bench.state.running() { t!("layers.bill_next") } else { t!("layers.bill") };
    Card::new(title).icon(icons::SCALES).show(ui, |ui| {
        if let Some(problem) = &picture.problem {
            Notice::warn(problem).show(ui);
        }
        let share = picture.trainable as f64 / picture.parameters.max(1) as f64;
        let all = open.as_ref().map(|estimate| format::short_count(estimate.trainable_parameters));
        line(ui, &t!("layers.trainable"), &format::short_count(picture.trainable), all.as_deref());
        share_bar(ui, share);
        let word = t!("layers.share", percent = percent(share), all = format::short_count(picture.parameters));
        ui.add(Label::new(theme::soft(ui, word)).wrap());
        hairline(ui);
        let Some(now) = now else {
            let about =
                if bench.state.data.summary.is_none() { t!("layers.needs_data") } else { t!("layers.no_estimate") };
            ui.add(Label::new(theme::soft(ui, about)).wrap());
            if bench.state.data.summary.is_none()
                && ui.add(Push::plain(t!("primary.import_data")).icon(icons::DATABASE).small()).clicked()
            {
                bench.panel = Panel::Data;
            }
            return;
        };
        let told = |of: fn(&Estimate) -> String| open.as_ref().map(of);
        let memory = told(|e| format::bytes(e.peak_bytes()));
        line(ui, &t!("layers.memory"), &format::bytes(now.peak_bytes()), memory.as_deref());
        let step = told(|e| format::duration(e.step_secs));
        line(ui, &t!("layers.step_time"), &format::duration(now.step_secs), step.as_deref());
        let time = told(|e| format::duration(e.total_secs));
        line(ui, &t!("layers.time"), &format::duration(now.total_secs), time.as_deref());
        ui.add(Label::new(theme::soft(ui, t!("layers.bill_about"))).wrap());
    });
}

/// 1.8 %, 0.042 %.
fn percent(share: f64) -> String {
    format::significant(share * 100.0, if share < 0.1 { 2 } else { 3 })
}

/// A number, and beside it softly what it would be with nothing frozen.
fn line(ui: &mut Ui, caption: &str, value: &str, open: Option<&str>) {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.label(theme::soft(ui, caption));
        ui.horizontal_wrapped(|ui| {
            ui.label(theme::strong(value).size(16.0));
            if let Some(open) = open.filter(|open| *open != value) {
                ui.label(theme::soft(ui, t!("layers.unfrozen", value = open)));
            }
        });
    });
}

fn share_bar(ui: &mut Ui, share: f64) {
    let p = theme::palette(ui);
    let (rect, _) = ui.allocate_exact_size(egui::vec2(ui.available_width(), 8.0), egui::Sense::hover());
    ui.painter().rect_filled(rect, egui::CornerRadius::same(4), p.inset);
    let mut filled = rect;
    filled.set_width((rect.width() * share.clamp(0.0, 1.0) as f32).max(2.0));
    ui.painter().rect_filled(filled, egui::CornerRadius::same(4), p.varnish);
}
