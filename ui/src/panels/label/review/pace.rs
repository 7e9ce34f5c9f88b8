//! How fast people label, and what their verdicts are.

use egui::{Grid, Label, ScrollArea, Ui};

use super::bars;
use super::words::{kind, person};
use crate::labels::trust::{HASTY_CHARACTERS, HASTY_SECS, Pace, Report};
use crate::text::t;
use crate::widgets::{Card, Fact, Notice, facts, hairline};
use crate::{format, icons, theme};

pub fn ui(ui: &mut Ui, report: &Report) {
    Card::new(t!("review.pace")).icon(icons::GAUGE).about(t!("review.pace_about")).show(ui, |ui| {
        let pace = &report.pace;
        if pace.timed == 0 {
            ui.add(Label::new(theme::soft(ui, t!("review.no_pace"))).wrap());
            return;
        }
        facts(
            ui,
            118.0,
            vec![
                Fact::new(t!("review.median"), format::duration(pace.median_secs)),
                Fact::new(t!("review.per_hour"), format::count(pace.per_hour().round() as u64)),
                Fact::new(t!("review.total"), format::duration(pace.total_secs)),
            ],
        );
        if report.paces.len() > 1 {
            hairline(ui);
            people(ui, &report.paces);
        }
        if pace.hasty > 0 {
            let text =
                t!("review.hasty", n = pace.hasty, secs = format!("{HASTY_SECS:.0}"), characters = HASTY_CHARACTERS);
            Notice::warn(text).show(ui);
        }
    });
}

fn people(ui: &mut Ui, paces: &[Pace]) {
    ScrollArea::horizontal().id_salt("paces").auto_shrink([false, true]).show(ui, |ui| {
        ui.spacing_mut().interact_size.y = 20.0;
        Grid::new("paces").spacing([20.0, 6.0]).show(ui, |ui| {
            let head = [
                t!("review.person"),
                t!("review.decisions"),
                t!("review.median"),
                t!("review.per_hour"),
                t!("review.hasty_head"),
            ];
            for word in head {
                ui.add(Label::new(theme::soft(ui, word)).extend());
            }
            ui.end_row();
            for pace in paces {
                ui.add(Label::new(theme::name(&person(&pace.person), 13.0)).extend());
                ui.label(format::count(pace.decisions as u64));
                if pace.timed > 0 {
                    ui.label(format::duration(pace.median_secs));
                    ui.label(format::count(pace.per_hour().round() as u64));
                } else {
                    ui.label("–");
                    ui.label("–");
                }
                ui.label(format::count(pace.hasty as u64));
                ui.end_row();
            }
        });
    });
}

pub fn verdicts(ui: &mut Ui, report: &Report) {
    Card::new(t!("review.verdicts")).icon(icons::LIST_CHECKS).about(t!("review.verdicts_about")).show(ui, |ui| {
        let parts: Vec<_> = report.verdicts.iter().map(|(said, n)| (kind(*said), *n)).collect();
        bars::parts(ui, &t!("review.verdicts"), &parts);
    });
}
