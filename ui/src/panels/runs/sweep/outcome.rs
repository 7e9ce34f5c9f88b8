//! What came of a sweep: its runs with their values and results, the best marked.

use egui::{ScrollArea, Ui, vec2};

use crate::bench::Bench;
use crate::desks::{Measure, best, parts, status_word};
use crate::export::csv;
use crate::text::t;
use crate::widgets::{Card, IconButton, Push, dropdown, icon_label, segmented, tag};
use crate::{icons, theme};

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench, name: &str) {
    let cards: Vec<_> = bench.runs_of_sweep(name).into_iter().cloned().collect();
    let waiting: Vec<String> = bench
        .desks
        .queue
        .waiting
        .iter()
        .filter_map(|queued| queued.sweep.as_ref())
        .filter(|(sweep, _)| sweep == name)
        .map(|(_, named)| named.clone())
        .collect();
    let measure = bench.desks.sweep.measure.clone();
    let values: Vec<Option<f64>> = cards.iter().map(|card| measure.of_run(card)).collect();
    let winner = best(&values, bench.desks.sweep.lower);
    let mut keys: Vec<String> = Vec::new();
    let named = || cards.iter().filter_map(|card| card.sweep.as_ref()).map(|(_, named)| named).chain(&waiting);
    for (key, _) in named().flat_map(|named| parts(named)) {
        if !keys.iter().any(|known| known == key) {
            keys.push(key.to_owned());
        }
    }
    let value = |named: &str, key: &str| {
        parts(named)
            .into_iter()
            .find(|(known, _)| *known == key)
            .map_or("–".to_owned(), |(_, value)| value.to_owned())
    };
    let (mut again, mut copied) = (None, false);
    let about = t!("sweep.outcome_about", done = cards.len(), waiting = waiting.len());
    Card::of(name).icon(icons::GRID_FOUR).about(about).show_with(
        ui,
        |ui| copied = ui.add(IconButton::new(icons::COPY, t!("compare.copy_table"))).clicked(),
        |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing = vec2(8.0, 6.0);
                ui.label(theme::soft(ui, t!("sweep.best_by")));
                let options: Vec<_> = Measure::OF_RUNS.into_iter().map(|m| (m.clone(), m.label())).collect();
                let desk = &mut bench.desks.sweep;
                let mut taken = false;
                ui.name_inputs(t!("sweep.best_by"), |ui| {
                    taken = dropdown(ui, "sweep-measure", 190.0, &mut desk.measure, &options);
                });
                if taken {
                    desk.lower = desk.measure.direction() <= 0;
                }
                segmented(ui, &mut desk.lower, &[(true, t!("sweep.lower")), (false, t!("sweep.higher"))]);
                if let Some(at) = winner
                    && ui.add(Push::primary(t!("sweep.use_best")).icon(icons::TROPHY)).clicked()
                {
                    again = Some(cards[at].id.clone());
                }
                if cards.len() > 1 && ui.add(Push::plain(t!("sweep.compare")).icon(icons::CHART_SCATTER)).clicked() {
                    bench.compare_sweep(name);
                }
            });
            ScrollArea::horizontal().id_salt("sweep-outcome").show(ui, |ui| {
                egui::Grid::new("sweep-outcome-grid").spacing(vec2(18.0, 6.0)).min_row_height(26.0).show(ui, |ui| {
                    for key in &keys {
                        ui.label(theme::soft(ui, key));
                    }
                    ui.label(theme::soft(ui, measure.label()));
                    ui.label(theme::soft(ui, t!("sweep.state")));
                    ui.end_row();
                    for (at, card) in cards.iter().enumerate() {
                        let named = card.sweep.as_ref().map(|(_, named)| named.as_str()).unwrap_or_default();
                        for key in &keys {
                            ui.label(value(named, key));
                        }
                        ui.horizontal(|ui| {
                            let p = theme::palette(ui);
                            ui.label(values[at].map_or_else(|| "–".to_owned(), |value| measure.show(value)));
                            if winner == Some(at) {
                                icon_label(ui, icons::TROPHY, 14.0, p.good);
                                tag(ui, &t!("compare.best"), p.good, p.good_soft);
                            }
                        });
                        ui.label(status_word(card.status));
                        if ui.add(Push::quiet(t!("sweep.use")).small().name(t!("sweep.use_of", run = named))).clicked()
                        {
                            again = Some(card.id.clone());
                        }
                        ui.end_row();
                    }
                    for named in &waiting {
                        for key in &keys {
                            ui.label(value(named, key));
                        }
                        ui.label("–");
                        ui.label(theme::soft(ui, t!("sweep.waits")));
                        ui.end_row();
                    }
                });
            });
        },
    );
    if copied {
        let titles: Vec<String> = keys.iter().cloned().chain([measure.label(), t!("sweep.state")]).collect();
        let lines: Vec<Vec<String>> = cards
            .iter()
            .zip(&values)
            .map(|(card, result)| {
                let named = card.sweep.as_ref().map(|(_, named)| named.as_str()).unwrap_or_default();
                let result = result.map(|value| value.to_string()).unwrap_or_default();
                keys.iter().map(|key| value(named, key)).chain([result, status_word(card.status)]).collect()
            })
            .collect();
        ui.ctx().copy_text(csv::table(&titles, &lines));
        bench.notes.push(t!("note.copied"));
    }
    if cards.len() > 1 {
        let ids: Vec<String> = cards.iter().map(|card| card.id.clone()).collect();
        super::super::compare::coordinates(ui, bench, &ids);
    }
    if let Some(id) = again {
        bench.again(&id);
    }
}
