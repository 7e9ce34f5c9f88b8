//! Numbers of the runs side by side; the best of each column has a sign and a word.

use egui::{ScrollArea, Ui, vec2};

use crate::bench::Bench;
use crate::desks::Measure;
use crate::text::t;
use crate::widgets::{Card, IconButton, Push, icon_label, tag};
use crate::{icons, theme};

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    let results = bench.results();
    let order = results.order(bench.desks.compare.sort.as_ref());
    let mut copied = false;
    let sets = results.measures.iter().any(|measure| matches!(measure, Measure::Set { .. }));
    let about = if sets { t!("compare.results_about") } else { t!("compare.results_no_sets") };
    Card::new(t!("compare.results_title")).icon(icons::TABLE).about(about).show_with(
        ui,
        |ui| copied = ui.add(IconButton::new(icons::COPY, t!("compare.copy_table"))).clicked(),
        |ui| {
            ScrollArea::horizontal().id_salt("compare-results").show(ui, |ui| {
                egui::Grid::new("compare-results-grid").spacing(vec2(16.0, 8.0)).min_row_height(28.0).show(ui, |ui| {
                    ui.label(theme::soft(ui, t!("compare.run")));
                    for measure in &results.measures {
                        header(ui, measure, &mut bench.desks.compare.sort);
                    }
                    ui.end_row();
                    for row in &order {
                        let (id, cells) = &results.rows[*row];
                        super::run_label(ui, bench, id, 190.0);
                        for (at, cell) in cells.iter().enumerate() {
                            let measure = &results.measures[at];
                            let Some(cell) = cell else {
                                ui.label(theme::soft(ui, "–")).on_hover_text(t!("compare.not_measured"));
                                continue;
                            };
                            ui.vertical(|ui| {
                                ui.spacing_mut().item_spacing = vec2(4.0, 0.0);
                                ui.horizontal(|ui| {
                                    ui.label(measure.show(cell.value));
                                    if results.best[at] == Some(*row) {
                                        let p = theme::palette(ui);
                                        icon_label(ui, icons::TROPHY, 14.0, p.good);
                                        tag(ui, &t!("compare.best"), p.good, p.good_soft);
                                    }
                                });
                                if let Some(before) = cell.before {
                                    let before = measure.show(before);
                                    ui.label(theme::soft(ui, t!("compare.before", value = before)));
                                }
                            });
                        }
                        ui.end_row();
                    }
                });
            });
        },
    );
    if copied {
        ui.ctx().copy_text(results.csv(&order, |id| bench.run_name(id)));
        bench.notes.push(t!("note.copied"));
    }
    if !sets && ui.add(Push::plain(t!("compare.evaluate")).icon(icons::EXAM)).clicked() {
        let ids = bench.compared_ids();
        bench.evaluate_runs(ids);
    }
}

fn header(ui: &mut Ui, measure: &Measure, sort: &mut Option<(Measure, bool)>) {
    let now = sort.as_ref().filter(|(by, _)| by == measure).map(|(_, rising)| *rising);
    let mut button = Push::quiet(measure.label()).small().name(t!("runs.sort_by", column = measure.label()));
    button = match now {
        Some(true) => button.icon(icons::CARET_UP).selected(true),
        Some(false) => button.icon(icons::CARET_DOWN).selected(true),
        None => button,
    };
    if ui.add(button).clicked() {
        *sort = match now {
            None => Some((measure.clone(), measure.direction() <= 0)),
            Some(rising) if rising == (measure.direction() <= 0) => Some((measure.clone(), !rising)),
            Some(_) => None,
        };
    }
}
