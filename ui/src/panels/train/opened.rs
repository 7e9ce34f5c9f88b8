//! A run of the past in the Train panel: it says so, and the run of now is one press away.

use egui::{Ui, vec2};

use crate::bench::Bench;
use crate::text::t;
use crate::widgets::{Notice, Push, column};
use crate::{icons, theme};

pub(super) enum Act {
    Back,
    Again,
}

impl Act {
    pub(super) fn take(self, bench: &mut Bench) {
        match self {
            Self::Back => bench.close_opened(),
            Self::Again => {
                if let Some(id) = bench.desks.runs.opened.clone() {
                    bench.again(&id);
                }
            }
        }
    }
}

/// Above the run; nothing where the run in view is this session's.
pub(super) fn banner(ui: &mut Ui, bench: &Bench) -> Option<Act> {
    let id = bench.desks.runs.opened.as_ref()?;
    let name = bench.shelf.card(id).map_or(id, |card| &card.name);
    let mut act = None;
    Notice::info(t!("opened.about", name = name)).show_with(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
            let back = if bench.state.running() { t!("opened.back_to_running") } else { t!("opened.back") };
            if ui.add(Push::plain(back).icon(icons::ARROW_LEFT).small()).clicked() {
                act = Some(Act::Back);
            }
            // A run that has ended offers it below, among its next steps.
            let broken = bench.run_in_view().is_some_and(|run| run.is_going());
            if broken && ui.add(Push::plain(t!("runs.do_again")).icon(icons::COPY_SIMPLE).small()).clicked() {
                act = Some(Act::Again);
            }
        });
    });
    act
}

/// While the events of the opened run are being read.
pub(super) fn reading(ui: &mut Ui, bench: &Bench) -> Option<Act> {
    let mut act = None;
    column(ui, "train-reading", |ui| {
        act = banner(ui, bench);
        ui.vertical_centered(|ui| {
            ui.add_space(32.0);
            ui.label(theme::soft(ui, bench.reading_word()));
        });
    });
    act
}
