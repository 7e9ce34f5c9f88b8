//! Searches over settings: put together, queued, and what came of them.

mod axis;
mod outcome;
mod plan;

use egui::{Ui, vec2};

use crate::bench::Bench;
use crate::desks::SWEEPABLE;
use crate::text::t;
use crate::widgets::{Card, Push, column, dropdown, empty_state, number, segmented};
use crate::{icons, theme};

#[derive(Default)]
pub struct Sweep {}

impl Sweep {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        column(ui, "sweep", |ui| {
            which(ui, bench);
            match bench.desks.sweep.shown.clone() {
                Some(name) => outcome::ui(ui, bench, &name),
                None => builder(ui, bench),
            }
        });
    }
}

/// A new sweep, or the results of an earlier one.
fn which(ui: &mut Ui, bench: &mut Bench) {
    let names = bench.sweeps();
    if names.is_empty() {
        bench.desks.sweep.shown = None;
        return;
    }
    let shown = &mut bench.desks.sweep.shown;
    shown.take_if(|name| !names.contains(name));
    ui.horizontal_wrapped(|ui| {
        ui.label(theme::soft(ui, t!("sweep.which")));
        let new = std::iter::once((None, t!("sweep.new")));
        let options: Vec<_> = new.chain(names.into_iter().map(|name| (Some(name.clone()), name))).collect();
        ui.name_inputs(t!("sweep.which"), |ui| dropdown(ui, "sweep-which", 280.0, shown, &options));
    });
}

fn builder(ui: &mut Ui, bench: &mut Bench) {
    if !bench.sync_plan() {
        ui.ctx().request_repaint();
    }
    Card::new(t!("sweep.title")).icon(icons::GRID_FOUR).about(t!("sweep.about")).show(ui, |ui| {
        if bench.desks.sweep.axes.is_empty() {
            let word = t!("sweep.start_with");
            if empty_state(
                ui,
                icons::GRID_FOUR,
                &t!("sweep.empty"),
                &t!("sweep.empty_about"),
                Some((icons::PLUS, &word)),
            ) {
                bench.add_axis("learning_rate");
                let at = bench.desks.sweep.axes.len() - 1;
                let axis = &mut bench.desks.sweep.axes[at];
                axis.given = crate::desks::Given::Range;
            }
        }
        let random = bench.desks.sweep.random;
        let problem = bench.desks.sweep.plan.problem;
        let mut removed = None;
        for (at, axis) in bench.desks.sweep.axes.iter_mut().enumerate() {
            let why = problem.filter(|(key, _)| *key == Some(axis.key)).map(|(_, why)| why);
            if axis::ui(ui, axis, random, why) {
                removed = Some(at);
            }
        }
        if let Some(at) = removed {
            bench.desks.sweep.axes.remove(at);
        }
        ui.horizontal_wrapped(|ui| {
            add_key(ui, bench);
        });
    });
    if bench.desks.sweep.axes.is_empty() {
        return;
    }
    Card::new(t!("sweep.how")).icon(icons::SHUFFLE).show(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(8.0, 6.0);
            let desk = &mut bench.desks.sweep;
            segmented(ui, &mut desk.random, &[(false, t!("sweep.grid")), (true, t!("sweep.random"))]);
            if desk.random {
                ui.label(theme::soft(ui, t!("sweep.samples")));
                number(ui, &mut desk.samples, 1..=crate::desks::MOST_RUNS, 0.1).accessible_name(t!("sweep.samples"));
                ui.label(theme::soft(ui, t!("sweep.seed")));
                number(ui, &mut desk.seed, 0..=u64::MAX, 1.0).accessible_name(t!("sweep.seed"));
            }
        });
        let word = if bench.desks.sweep.random { t!("sweep.random_about") } else { t!("sweep.grid_about") };
        ui.add(egui::Label::new(theme::soft(ui, word)).wrap());
    });
    plan::ui(ui, bench);
}

/// All keys that can vary, to search in.
fn add_key(ui: &mut Ui, bench: &mut Bench) {
    let button = ui.add(Push::plain(t!("sweep.add_key")).icon(icons::PLUS));
    egui::Popup::menu(&button).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        ui.set_width(300.0);
        let hint = t!("sweep.search_keys");
        let edit = egui::TextEdit::singleline(&mut bench.desks.sweep.search).hint_text(&hint).desired_width(280.0);
        let response = ui.add(edit).accessible_name(&hint);
        if button.clicked() {
            response.request_focus();
        }
        let words = bench.desks.sweep.search.to_lowercase();
        egui::ScrollArea::vertical().max_height(280.0).auto_shrink([false, true]).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            let mut added = None;
            for (key, _) in SWEEPABLE.iter() {
                let label = crate::text::try_say(&format!("field.{key}.label")).unwrap_or_default();
                let there = bench.desks.sweep.axes.iter().any(|axis| axis.key == *key);
                if there || !(key.contains(&words) || label.to_lowercase().contains(&words)) {
                    continue;
                }
                let shown = if label.is_empty() { (*key).to_owned() } else { format!("{key}  ·  {label}") };
                if ui.add(Push::quiet(shown).small().name(t!("sweep.vary", key = key))).clicked() {
                    added = Some(*key);
                }
            }
            if let Some(key) = added {
                bench.add_axis(key);
                bench.desks.sweep.search.clear();
                ui.close();
            }
        });
    });
}
