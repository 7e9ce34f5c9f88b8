//! What differs between the recipes of the runs.

use egui::{RichText, ScrollArea, Ui, vec2};

use crate::bench::Bench;
use crate::export::csv;
use crate::text::t;
use crate::widgets::{Card, IconButton, Notice, Push, icon_label};
use crate::{icons, theme};

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    let ids = bench.compared_ids();
    if ids.len() < 2 {
        Notice::info(t!("compare.needs_two")).show(ui);
    }
    let rows = bench.recipe_differences();
    let words = bench.desks.compare.key_search.to_lowercase();
    let all = bench.desks.compare.all_keys || ids.len() < 2;
    let differing = rows.iter().filter(|row| row.differs).count();
    let shown: Vec<_> = rows
        .iter()
        .filter(|row| all || row.differs)
        .filter(|row| {
            words.is_empty() || row.key.contains(&words) || row.values.iter().any(|v| v.to_lowercase().contains(&words))
        })
        .collect();
    let mut copied = false;
    let about = t!("compare.recipes_about", n = differing, same = rows.len() - differing);
    Card::new(t!("compare.recipes_title")).icon(icons::GIT_DIFF).about(about).show_with(
        ui,
        |ui| copied = ui.add(IconButton::new(icons::COPY, t!("compare.copy_table"))).clicked(),
        |ui| {
            ui.horizontal_wrapped(|ui| {
                let desk = &mut bench.desks.compare;
                super::search_field(ui, "compare-keys", &mut desk.key_search, &t!("compare.search_keys"), 180.0);
                let word = if desk.all_keys { t!("compare.fold_same") } else { t!("compare.show_same") };
                if ui.add(Push::plain(word).small().selected(desk.all_keys)).clicked() {
                    desk.all_keys = !desk.all_keys;
                }
            });
            if shown.is_empty() {
                let word = if words.is_empty() { t!("compare.same_recipe") } else { t!("compare.no_key") };
                ui.label(theme::soft(ui, word));
                return;
            }
            let p = theme::palette(ui);
            ScrollArea::horizontal().id_salt("compare-recipes").show(ui, |ui| {
                egui::Grid::new("compare-recipe-grid").spacing(vec2(18.0, 6.0)).min_row_height(24.0).show(ui, |ui| {
                    ui.label("");
                    ui.label(theme::soft(ui, t!("compare.key")));
                    for id in &ids {
                        super::run_label(ui, bench, id, 150.0);
                    }
                    ui.end_row();
                    for row in shown {
                        if row.differs {
                            icon_label(ui, icons::GIT_DIFF, 14.0, p.varnish);
                        } else {
                            ui.label("");
                        }
                        ui.label(RichText::new(row.key).monospace());
                        for value in &row.values {
                            // What differs is strong as well as marked at the line's beginning.
                            let text = if row.differs { theme::name(value, 13.0) } else { theme::soft(ui, value) };
                            ui.add(egui::Label::new(text).truncate().selectable(true)).on_hover_text(value);
                        }
                        ui.end_row();
                    }
                });
            });
        },
    );
    if copied {
        let titles: Vec<String> =
            std::iter::once(t!("compare.key")).chain(ids.iter().map(|id| bench.run_name(id))).collect();
        let lines: Vec<Vec<String>> = rows
            .iter()
            .filter(|row| all || row.differs)
            .map(|row| std::iter::once(row.key.to_owned()).chain(row.values.iter().cloned()).collect())
            .collect();
        ui.ctx().copy_text(csv::table(&titles, &lines));
        bench.notes.push(t!("note.copied"));
    }
}
