//! Every evaluation that is kept, newest first; removed ones can be brought back.

use egui::{Align, Label, Layout, Ui};

use crate::bench::Bench;
use crate::desks::newest;
use crate::library::StoredEval;
use crate::text::t;
use crate::widgets::{Card, IconButton, Notice, Push, hairline};
use crate::{format, icons, theme};

/// Shown before the fold is opened.
const SHOWN: usize = 6;

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    removed(ui, bench);
    if bench.shelf.evaluations.is_empty() {
        return;
    }
    let id = ui.make_persistent_id("all evaluations");
    let mut all = ui.data(|d| d.get_temp::<bool>(id)).unwrap_or(false);
    let (mut shown, mut gone) = (None, None);
    Card::new(t!("evaluate.earlier")).icon(icons::CLOCK_COUNTER_CLOCKWISE).show(ui, |ui| {
        let count = bench.shelf.evaluations.len();
        let most = if all { count } else { SHOWN };
        for (at, stored) in bench.shelf.evaluations.iter().take(most).enumerate() {
            if at > 0 {
                hairline(ui);
            }
            let who = who(bench, stored);
            ui.horizontal(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let name = t!("evaluate.remove", model = who, set = stored.set);
                    if ui.add(IconButton::new(icons::TRASH, name)).clicked() {
                        gone = Some(stored.id);
                    }
                    let look = t!("evaluate.look_at", model = who, set = stored.set);
                    if ui.add(IconButton::new(icons::EYE, look)).clicked() {
                        shown = Some((stored.set.clone(), stored.id));
                    }
                    ui.label(theme::soft(ui, first_number(stored)));
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        let line = t!("evaluate.on", model = who, set = stored.set);
                        ui.add(Label::new(line).truncate());
                    });
                });
            });
        }
        if count > SHOWN {
            let word = if all { t!("evaluate.fewer") } else { t!("evaluate.all", n = count) };
            if ui.add(Push::quiet(word).small()).clicked() {
                all = !all;
            }
        }
    });
    ui.data_mut(|d| d.insert_temp(id, all));
    if let Some((set, eval)) = shown {
        let desk = &mut bench.desks.evaluate;
        (desk.set, desk.looked_at) = (Some(set), Some(eval));
    }
    if let Some(id) = gone {
        bench.remove_evaluation(id);
    }
}

/// Who was measured.
pub(super) fn who(bench: &Bench, stored: &StoredEval) -> String {
    match &stored.run {
        Some(run) => bench.run_name(run),
        None => format::short_path(&stored.outcome.model),
    }
}

/// The report's most important number with its name.
fn first_number(stored: &StoredEval) -> String {
    let metric = newest(stored).metrics().into_iter().next();
    metric.map_or_else(String::new, |metric| {
        format!("{} {}", super::results::metric_name(&metric.name), super::results::value(&metric.name, metric.value))
    })
}

fn removed(ui: &mut Ui, bench: &mut Bench) {
    let Some(stored) = &bench.desks.evaluate.removed else { return };
    let (mut back, mut done) = (false, false);
    let text = t!("evaluate.removed", model = who(bench, stored), set = stored.set);
    Notice::info(text).show_with(ui, |ui| {
        ui.horizontal(|ui| {
            back = ui.add(Push::plain(t!("evaluate.bring_back")).icon(icons::ARROW_U_UP_LEFT).small()).clicked();
            done = ui.add(Push::quiet(t!("evaluate.close")).small()).clicked();
        });
    });
    if back {
        bench.bring_back_evaluation();
    } else if done {
        bench.desks.evaluate.removed = None;
    }
}
