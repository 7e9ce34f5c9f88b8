//! What the run in view was started with, and where the form now says otherwise.

use egui::{Grid, Label, RichText, Ui};

use super::super::method::field_label;
use crate::bench::Bench;
use crate::desks::differing;
use crate::state::{Run, written_values};
use crate::text::t;
use crate::widgets::Card;
use crate::{icons, theme};

pub(super) fn ui(ui: &mut Ui, bench: &Bench, run: &Run) {
    let p = theme::palette(ui);
    let changed = run.recipe.changed_from_default();
    let written = written_values(&run.recipe);
    let about = t!("train.own_settings_about", n = changed.len());
    Card::new(t!("train.own_settings")).about(about).icon(icons::SLIDERS_HORIZONTAL).show(ui, |ui| {
        Grid::new("own settings").num_columns(2).spacing([24.0, 5.0]).show(ui, |ui| {
            for key in changed {
                name(ui, key);
                value(ui, written.get(key).map_or("", String::as_str), p.ink);
                ui.end_row();
            }
        });
    });
    let apart = differing(&run.recipe, &bench.whole_recipe());
    if !apart.is_empty() {
        Card::new(t!("train.form_differs")).about(t!("train.form_differs_about")).icon(icons::GIT_DIFF).show(
            ui,
            |ui| {
                Grid::new("form settings").num_columns(3).spacing([24.0, 5.0]).show(ui, |ui| {
                    ui.label("");
                    ui.label(theme::small(t!("train.this_run")).color(p.ink_soft));
                    ui.label(theme::small(t!("train.the_form")).color(p.ink_soft));
                    ui.end_row();
                    for apart in apart {
                        name(ui, apart.key);
                        value(ui, &apart.one, p.ink);
                        value(ui, &apart.other, p.varnish);
                        ui.end_row();
                    }
                });
            },
        );
    }
}

fn name(ui: &mut Ui, key: &str) {
    let label = field_label(key);
    ui.add(Label::new(theme::soft(ui, label)).truncate()).on_hover_text(key);
}

fn value(ui: &mut Ui, text: &str, ink: egui::Color32) {
    let text = if text.is_empty() { "–" } else { text };
    ui.add(Label::new(RichText::new(text).monospace().size(12.0).color(ink)).truncate().selectable(true));
}
