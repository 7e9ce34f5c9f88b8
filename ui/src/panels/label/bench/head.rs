//! The head of the bench: which queue, how far, who labels.

use egui::accesskit::Role;
use egui::{Align, CornerRadius, Label, Layout, Rect, Sense, Ui, WidgetInfo, vec2};

use super::super::annotator::annotator_chooser;
use super::super::review::bias_line;
use crate::bench::Bench;
use crate::labels::Progress;
use crate::text::t;
use crate::widgets::tag;
use crate::{format, theme};

pub fn ui(ui: &mut Ui, bench: &mut Bench) {
    let Some(card) = bench.desks.label.open_card() else { return };
    let name = card.name.clone();
    let progress = bench.desks.label.lot.as_ref().map(|lot| lot.progress).unwrap_or_default();
    let p = theme::palette(ui);
    ui.spacing_mut().item_spacing = vec2(10.0, 4.0);
    ui.allocate_ui_with_layout(vec2(ui.available_width(), 26.0), Layout::right_to_left(Align::Center), |ui| {
        if !bench.settings.annotator.is_empty() {
            annotator_chooser(ui, bench);
        }
        if bench.item_in_front().is_some_and(|item| item.flagged) {
            tag(ui, &t!("labelling.flagged"), p.warn, p.warn_soft);
        }
        let narrow = ui.available_width() < 420.0;
        if progress.answered < progress.items && !narrow {
            let word = t!("labelling.answers_coming", n = count(progress.answered), all = count(progress.items));
            ui.add(Label::new(theme::soft(ui, word)).selectable(false))
                .on_hover_text(t!("labelling.answers_coming_about"));
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            if let Some(item) = bench.item_in_front() {
                let of = t!(
                    "labelling.position",
                    n = count(item.position + 1),
                    labelled = count(progress.labelled),
                    all = count(progress.items)
                );
                let at = theme::soft(ui, of);
                let room = (ui.available_width() - 150.0).max(60.0);
                ui.scope(|ui| {
                    ui.set_max_width(room);
                    ui.add(Label::new(theme::name(&name, 16.0)).selectable(false).truncate());
                });
                ui.add(Label::new(at).selectable(false).truncate());
            } else {
                ui.add(Label::new(theme::name(&name, 16.0)).selectable(false).truncate());
            }
        });
    });
    bar(ui, &progress);
    bias_line(ui, bench);
    ui.add_space(2.0);
}

fn count(n: usize) -> String {
    format::count(n as u64)
}

/// What is labelled, of what has its answers, of all. Items that come back are counted like any other.
fn bar(ui: &mut Ui, progress: &Progress) {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 6.0), Sense::hover());
    let done = progress.labelled + progress.skipped;
    let said = t!(
        "labelling.progress",
        labelled = count(progress.labelled),
        answered = count(progress.answered),
        all = count(progress.items)
    );
    let share = |n: usize| (n as f32 / progress.items.max(1) as f32).clamp(0.0, 1.0);
    response.widget_info(|| WidgetInfo {
        value: Some(f64::from(share(done)) * 100.0),
        ..WidgetInfo::labeled(Role::ProgressIndicator, true, &said)
    });
    let radius = CornerRadius::same(3);
    let part = |n: usize| Rect::from_min_size(rect.min, vec2(rect.width() * share(n), rect.height()));
    ui.painter().rect_filled(rect, radius, p.raised);
    ui.painter().rect_filled(part(progress.answered), radius, p.edge_strong);
    ui.painter().rect_filled(part(done), radius, p.varnish);
    response.on_hover_text(said);
}
