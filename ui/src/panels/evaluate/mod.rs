//! The Evaluate panel: what a model can do, in numbers; before training and after, side by side.

mod choose;
mod earlier;
mod going;
mod models;
mod results;
mod worst;

use egui::{Align, Layout, Ui};

use crate::bench::Bench;
use crate::text::t;
use crate::widgets::{IconButton, Push, column, columns, empty_state, problem_box};
use crate::{icons, theme};

#[derive(Default)]
pub struct EvaluatePanel {
    results: results::Results,
}

impl EvaluatePanel {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        column(ui, "evaluate", |ui| {
            let nothing = bench.shelf.evaluations.is_empty()
                && !bench.evaluating()
                && !bench.desks.evaluate.making
                && bench.desks.evaluate.problems.is_empty();
            if nothing {
                first_time(ui, bench);
                return;
            }
            head(ui, bench);
            if bench.desks.evaluate.making {
                making(ui, bench);
            }
            going::ui(ui, bench);
            problems(ui, bench);
            self.results.ui(ui, bench);
            earlier::ui(ui, bench);
        });
    }
}

/// What can be measured right away, as the icon, the words and the deed.
type Suggestion = (char, String, fn(&mut Bench));

/// The likeliest first.
fn suggestions(bench: &Bench) -> Vec<Suggestion> {
    let mut list: Vec<Suggestion> = Vec::new();
    if bench.recipe_with_rows_set_aside().is_some() {
        list.push((icons::TARGET, t!("evaluate.on_set_aside"), Bench::draft_set_aside));
    }
    if bench.has_sample_model() {
        list.push((icons::GUITAR, t!("evaluate.on_sample"), Bench::draft_sample));
    }
    list.push((icons::LIST_CHECKS, t!("evaluate.choose"), Bench::begin_evaluation));
    list
}

fn first_time(ui: &mut Ui, bench: &mut Bench) {
    let mut list = suggestions(bench).into_iter();
    let Some((icon, word, deed)) = list.next() else { return };
    let mut chosen = None;
    if empty_state(ui, icons::EXAM, &t!("evaluate.empty"), &t!("evaluate.empty_about"), Some((icon, &word))) {
        chosen = Some(deed);
    }
    ui.vertical_centered(|ui| {
        for (icon, word, deed) in list {
            if ui.add(Push::quiet(word).icon(icon)).clicked() {
                chosen = Some(deed);
            }
        }
    });
    if let Some(deed) = chosen {
        deed(bench);
    }
}

fn head(ui: &mut Ui, bench: &mut Bench) {
    ui.horizontal(|ui| {
        ui.label(theme::heading(t!("evaluate.title")));
        if !bench.desks.evaluate.making {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.add(Push::primary(t!("evaluate.new")).icon(icons::PLUS)).clicked() {
                    bench.begin_evaluation();
                }
            });
        }
    });
}

/// What and whom, side by side where there is room.
fn making(ui: &mut Ui, bench: &mut Bench) {
    if ui.available_width() > 860.0 {
        columns(ui, 2, |ui, side| {
            if side == 0 {
                choose::ui(ui, bench);
            } else {
                models::ui(ui, bench);
                foot(ui, bench);
            }
        });
    } else {
        choose::ui(ui, bench);
        models::ui(ui, bench);
        foot(ui, bench);
    }
}

fn foot(ui: &mut Ui, bench: &mut Bench) {
    let count = bench.chosen_examinees().len();
    let ready = bench.can_evaluate();
    ui.horizontal(|ui| {
        let word = if count > 1 { t!("evaluate.measure_several", n = count) } else { t!("evaluate.measure") };
        let measure = ui.add_enabled(ready, Push::primary(word).icon(icons::PLAY).large());
        if measure.clicked() {
            bench.evaluate();
        }
        if ui.add(Push::quiet(t!("evaluate.close")).large()).clicked() {
            bench.desks.evaluate.making = false;
        }
    });
    let reason = match (bench.desks.evaluate.draft.set().is_some(), count) {
        (false, _) => Some(t!("evaluate.needs_set")),
        (true, 0) => Some(t!("evaluate.needs_model")),
        _ if bench.state.running() => Some(t!("evaluate.after_run")),
        _ => None,
    };
    if let Some(reason) = reason {
        ui.label(theme::soft(ui, reason));
    }
}

fn problems(ui: &mut Ui, bench: &mut Bench) {
    let mut gone = None;
    for (at, (label, problem)) in bench.desks.evaluate.problems.iter().enumerate() {
        ui.horizontal_top(|ui| {
            let width = ui.available_width() - 36.0;
            ui.vertical(|ui| {
                ui.set_width(width);
                problem_box(ui, &t!("evaluate.failed", what = label), &problem.message, None);
            });
            if ui.add(IconButton::new(icons::X, t!("evaluate.dismiss", what = label))).clicked() {
                gone = Some(at);
            }
        });
    }
    if let Some(at) = gone {
        bench.desks.evaluate.problems.remove(at);
    }
}
