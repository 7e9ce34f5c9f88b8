//! Every queue, and a new one as it is put together.

mod bar;
mod list;
mod models;
mod new;
mod prompts;
mod words;

use egui::{Align, Layout, Ui};

use super::exchange::import_notice;
use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::text::t;
use crate::widgets::{Notice, Push, column, empty_state};
use crate::{icons, theme};

#[derive(Default)]
pub struct Queues;

impl Queues {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        column(ui, "queues", |ui| {
            if bench.desks.label.making.making {
                new::ui(ui, bench);
            } else if bench.desks.label.cards.is_empty() {
                first_time(ui, bench);
                return;
            } else {
                head(ui, bench);
            }
            archived_last(ui, bench);
            import_notice(ui, bench);
            list::ui(ui, bench);
        });
    }
}

fn first_time(ui: &mut Ui, bench: &mut Bench) {
    let likely = bench.can_make_likely_queue();
    let (icon, word) = match likely {
        true => (icons::SPARKLE, t!("making.likely")),
        false => (icons::PLUS, t!("making.new")),
    };
    if empty_state(ui, icons::SCALES, &t!("making.empty"), &t!("making.empty_about"), Some((icon, &word))) {
        if likely { bench.make_likely_queue() } else { bench.begin_queue() }
    }
    ui.vertical_centered(|ui| {
        if likely {
            ui.add(egui::Label::new(theme::soft(ui, likely_words(bench))).wrap());
            ui.add_space(8.0);
            if ui.add(Push::quiet(t!("making.new")).icon(icons::PLUS)).clicked() {
                bench.begin_queue();
            }
        }
        if bench.desks.label.making.is_reading() {
            ui.label(theme::soft(ui, t!("making.reading")));
        }
    });
}

/// What the one click will do.
fn likely_words(bench: &Bench) -> String {
    let model = bench.state.model.ready().map(|model| crate::format::short_path(&model.path)).unwrap_or_default();
    let file = bench.loaded_prompts().map(|path| crate::format::short_path(&path)).unwrap_or_default();
    t!("making.likely_about", model = model, file = file)
}

fn head(ui: &mut Ui, bench: &mut Bench) {
    let archived = bench.desks.label.cards.iter().filter(|card| card.archived).count();
    ui.horizontal(|ui| {
        ui.label(theme::heading(t!("making.title")));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.add(Push::primary(t!("making.new")).icon(icons::PLUS)).clicked() {
                bench.begin_queue();
            }
            import(ui, bench);
            let shown = bench.desks.label.making.show_archived;
            if archived > 0 || shown {
                let word = t!("making.archived_count", n = archived);
                if ui.add(Push::quiet(word).icon(icons::ARCHIVE).selected(shown)).clicked() {
                    bench.desks.label.making.show_archived = !shown;
                }
            }
        });
    });
}

/// Labels that were made elsewhere.
fn import(ui: &mut Ui, bench: &mut Bench) {
    if ui.add(Push::quiet(t!("exchange_command.import")).icon(icons::DOWNLOAD_SIMPLE)).clicked() {
        bench.dialogs.ask(Ask::LabelsFile);
    }
}

/// The way back for what has just been put away.
fn archived_last(ui: &mut Ui, bench: &mut Bench) {
    let Some((queue, name)) = bench.archived_last() else { return };
    let mut back = false;
    Notice::info(t!("making.was_archived", name = name)).show_with(ui, |ui| {
        back = ui.add(Push::plain(t!("making.bring_back")).icon(icons::ARROW_U_UP_LEFT).small()).clicked();
    });
    if back {
        bench.unarchive_queue(queue);
    }
}
