//! The advisor: what the person wants and has, what follows from it and why, and where that lies on the way.

mod effect;
mod map;
mod proposal;
mod questions;
mod routes;
mod table;
mod words;

use egui::{Frame, Margin, Ui, vec2};

use crate::bench::Bench;
use crate::desks::MethodPage;
use crate::icons;
use crate::panels::Panel;
use crate::text::t;
use crate::theme;
use crate::widgets::{board, column, empty_state, segmented};

pub(super) use table::Comparison;
pub use words::because;

/// Below this width questions and proposal stand one under the other.
const SIDE_BY_SIDE: f32 = 860.0;
/// Share of the width that the questions take beside the proposal.
const QUESTIONS: f32 = 0.4;

/// The pages of the panel in a row at its top; the one that is open.
pub(super) fn page_switch(ui: &mut Ui, bench: &mut Bench) -> MethodPage {
    let mut page = bench.desks.advisor.page.unwrap_or(MethodPage::Settings);
    egui::Panel::top("method-pages")
        .exact_size(48.0)
        .resizable(false)
        .show_separator_line(false)
        .frame(Frame::new().inner_margin(Margin { left: 24, right: 24, top: 12, bottom: 0 }))
        .show(ui, |ui| {
            let pages = [
                (MethodPage::Advisor, t!("advisor.title")),
                (MethodPage::Settings, t!("advisor.settings")),
                (MethodPage::Compare, t!("advisor.compare")),
            ];
            if segmented(ui, &mut page, &pages) {
                bench.open_method(page);
            }
        });
    page
}

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    let advice = bench.advice();
    column(ui, "advisor", |ui| {
        match &advice {
            None => {
                missing(ui, bench);
                map::ui(ui, bench);
            }
            Some(advice) => {
                let width = ui.available_width();
                if width < SIDE_BY_SIDE {
                    questions::ui(ui, bench);
                    proposal::ui(ui, bench, advice);
                    map::ui(ui, bench);
                } else {
                    let left = (width * QUESTIONS).round();
                    ui.horizontal_top(|ui| {
                        ui.spacing_mut().item_spacing.x = 12.0;
                        let part = |ui: &mut Ui, width: f32, body: &mut dyn FnMut(&mut Ui)| {
                            ui.vertical(|ui| {
                                ui.set_width(width);
                                ui.spacing_mut().item_spacing = vec2(theme::GRID, 12.0);
                                body(ui);
                            });
                        };
                        part(ui, left, &mut |ui| {
                            questions::ui(ui, bench);
                            map::ui(ui, bench);
                        });
                        part(ui, width - left - 12.0, &mut |ui| proposal::ui(ui, bench, advice));
                    });
                }
            }
        }
        routes::ui(ui, bench);
    });
}

/// Without a model or data there is nothing to reckon with.
fn missing(ui: &mut Ui, bench: &mut Bench) {
    let no_model = bench.state.model.ready().is_none();
    let (panel, word) =
        if no_model { (Panel::Model, t!("primary.choose_model")) } else { (Panel::Data, t!("primary.import_data")) };
    board(ui, |ui| {
        let about = if no_model { t!("advisor.needs_model") } else { t!("advisor.needs_data") };
        if empty_state(ui, icons::COMPASS, &t!("advisor.empty"), &about, Some((panel.icon(), &word))) {
            bench.panel = panel;
        }
    });
}
