//! What is being measured, how far it is, and what waits.

use egui::{Align, Label, Layout, Ui};
use luthier_engine::eval::{EvalPhase, EvalProgress};

use super::choose::kind_icon;
use crate::bench::Bench;
use crate::text::t;
use crate::widgets::{Card, IconButton, Notice, Push, hairline, icon_label, progress_bar};
use crate::{format, icons, theme};

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    if !bench.evaluating() {
        return;
    }
    let (mut stop, mut drop, mut stop_all) = (false, None, false);
    let desk = &bench.desks.evaluate;
    let several = !desk.waiting.is_empty();
    let card = Card::new(t!("evaluate.measuring")).icon(icons::HOURGLASS);
    card.show_with(
        ui,
        |ui| {
            if several {
                stop_all = ui.add(Push::quiet(t!("evaluate.cancel_all")).icon(icons::X).small()).clicked();
            }
        },
        |ui| {
            if let Some(going) = &desk.going {
                ui.horizontal(|ui| {
                    icon_label(ui, kind_icon(going.set.kind()), 18.0, theme::palette(ui).varnish);
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        let cancel = Push::danger(t!("evaluate.cancel")).icon(icons::STOP).small();
                        stop = ui.add(cancel).clicked();
                        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                            ui.add(Label::new(going.label()).truncate());
                        });
                    });
                });
                let progress = bench.state.exam.progress;
                progress_bar(ui, &t!("evaluate.progress"), progress.and_then(fraction));
                let left = progress.and_then(|progress| desk.left_secs(progress.done, progress.total));
                ui.label(theme::soft(ui, stage(progress, left)));
            } else {
                Notice::info(t!("evaluate.after_run")).show(ui);
            }
            for (at, sitting) in desk.waiting.iter().enumerate() {
                if at > 0 || desk.going.is_some() {
                    hairline(ui);
                }
                ui.horizontal(|ui| {
                    let p = theme::palette(ui);
                    icon_label(ui, icons::QUEUE, 16.0, p.ink_soft);
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        let name = t!("evaluate.take_out", what = sitting.label());
                        if ui.add(IconButton::new(icons::X, name)).clicked() {
                            drop = Some(at);
                        }
                        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                            ui.add(Label::new(theme::soft(ui, sitting.label())).truncate());
                        });
                    });
                });
            }
        },
    );
    if let Some(at) = drop {
        bench.drop_sitting(at);
    }
    if stop_all {
        bench.cancel_exams();
    } else if stop {
        bench.cancel_exam();
    }
}

fn fraction(progress: EvalProgress) -> Option<f32> {
    (progress.total > 0).then(|| (progress.done as f64 / progress.total as f64) as f32)
}

/// What it is doing, and how long that will take.
fn stage(progress: Option<EvalProgress>, left: Option<f64>) -> String {
    let word = match progress.map(|progress| progress.phase) {
        None => t!("evaluate.begins"),
        Some(EvalPhase::PreparingData) => t!("train.preparing_data"),
        Some(EvalPhase::LoadingModel) => t!("train.loading_model"),
        Some(EvalPhase::Before | EvalPhase::Measuring) => t!("evaluate.measuring"),
    };
    match left {
        Some(left) => t!("evaluate.left", what = word, time = format::duration(left)),
        None => word,
    }
}
