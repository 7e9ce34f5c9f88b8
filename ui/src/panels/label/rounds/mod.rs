//! Rounds of labelling and training as a chain, and the two steps that lead from one to the next.

mod chain;
mod lesson;
mod next;
mod win_bar;

use egui::{Align, Label, Layout, Ui, vec2};

use crate::bench::Bench;
use crate::desks::LabelPage;
use crate::labels::QueueId;
use crate::text::t;
use crate::widgets::{IconButton, ask_guide, column, dropdown, empty_state};
use crate::{icons, theme};

#[derive(Default)]
pub struct Rounds;

impl Rounds {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        column(ui, "label-rounds", |ui| {
            let rounds = &bench.desks.label.rounds;
            if rounds.lesson.is_some() {
                return lesson::ui(ui, bench);
            }
            if rounds.next.is_some() {
                return next::ui(ui, bench);
            }
            let Some(root) = bench.desks.label.shown_chain() else {
                let (title, about, button) = (t!("rounds.empty"), t!("rounds.empty_about"), t!("rounds.to_queues"));
                if empty_state(ui, icons::GIT_BRANCH, &title, &about, Some((icons::QUEUE, &button))) {
                    bench.desks.label.page = LabelPage::Queues;
                }
                return;
            };
            bench.want_numbers(root);
            if bench.desks.label.rounds.counting() {
                ui.ctx().request_repaint_after(std::time::Duration::from_millis(100));
            }
            head(ui, bench, root);
            chain::ui(ui, bench, root);
        });
    }
}

/// What rounds are, and which chain is shown where there are several.
fn head(ui: &mut Ui, bench: &mut Bench, root: QueueId) {
    let desk = &bench.desks.label;
    let chains = desk.chains();
    let named = |root: &QueueId| {
        let name = desk.card(*root).map(|card| card.name.clone()).unwrap_or_default();
        let rounds = desk.links(*root).iter().filter(|link| matches!(link, crate::desks::Link::Round(_))).count();
        (*root, t!("rounds.chain_of", name = name, n = rounds))
    };
    let options: Vec<(QueueId, String)> = chains.iter().map(named).collect();
    let mut shown = root;
    let chooser = |ui: &mut Ui, shown: &mut QueueId| {
        ui.name_inputs(&t!("rounds.chain"), |ui| dropdown(ui, "label-chain", 280.0, shown, &options))
    };
    let beside = ui.available_width() >= 640.0;
    ui.allocate_ui_with_layout(vec2(ui.available_width(), 32.0), Layout::right_to_left(Align::Center), |ui| {
        if ui.add(IconButton::new(icons::QUESTION, t!("rounds.help"))).clicked() {
            ask_guide(ui, "rounds");
        }
        if options.len() > 1 && beside {
            chooser(ui, &mut shown);
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(Label::new(theme::soft(ui, t!("rounds.about"))).wrap());
        });
    });
    if options.len() > 1 && !beside {
        chooser(ui, &mut shown);
    }
    if shown != root {
        bench.desks.label.rounds.chain = Some(shown);
    }
}
