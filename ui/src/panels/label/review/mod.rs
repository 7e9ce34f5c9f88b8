//! What the labels are worth: agreement, biases, disagreements.

mod agreement;
mod bars;
mod bias;
mod item;
mod line;
mod list;
mod pace;
mod repeats;
mod words;

use std::time::Duration;

use egui::{Align, Label, Layout, Ui};

pub use line::bias_line;

use crate::bench::Bench;
use crate::desks::{Insight, LabelPage};
use crate::labels::QueueId;
use crate::labels::trust::Report;
use crate::text::t;
use crate::widgets::{column, columns, dropdown, empty_state, problem_box};
use crate::{format, icons, theme};

#[derive(Default)]
pub struct Review {
    list: list::List,
    item: item::ItemView,
}

impl Review {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        let Some(queue) = bench.review_queue() else {
            column(ui, "trust", |ui| no_queue(ui, bench));
            return;
        };
        let now = ui.input(|i| i.time);
        if let Some(wait) = bench.watch_trust(queue, now) {
            ui.ctx().request_repaint_after(Duration::from_secs_f64(wait));
        }
        if let Some(disputed) = bench.disputed() {
            self.item.ui(ui, bench, &disputed);
            return;
        }
        column(ui, "trust", |ui| {
            head(ui, bench, queue);
            problem(ui, bench);
            let Some(insight) = bench.insight(queue).cloned() else {
                ui.label(theme::soft(ui, t!("review.reading")));
                return;
            };
            if insight.report.verdicts.is_empty() {
                nothing_yet(ui, bench, queue);
                return;
            }
            self.cards(ui, bench, &insight);
        });
    }

    fn cards(&mut self, ui: &mut Ui, bench: &mut Bench, insight: &Insight) {
        let report = &insight.report;
        ui.add(Label::new(theme::soft(ui, summary(report))).wrap());
        side_by_side(
            ui,
            bench,
            |ui, bench| agreement::ui(ui, bench, insight.queue, report),
            |ui, _| bias::ui(ui, report),
        );
        self.list.ui(ui, bench, insight);
        side_by_side(ui, bench, |ui, _| pace::ui(ui, report), |ui, _| pace::verdicts(ui, report));
        repeats::ui(ui, bench, insight.queue);
    }
}

/// Two cards, under each other where there is no room.
fn side_by_side(
    ui: &mut Ui,
    bench: &mut Bench,
    left: impl FnOnce(&mut Ui, &mut Bench),
    right: impl FnOnce(&mut Ui, &mut Bench),
) {
    if ui.available_width() > 760.0 {
        let (mut left, mut right) = (Some(left), Some(right));
        columns(ui, 2, |ui, side| match (side, left.take()) {
            (0, Some(left)) => left(ui, bench),
            _ => {
                if let Some(right) = right.take() {
                    right(ui, bench);
                }
            }
        });
    } else {
        left(ui, bench);
        right(ui, bench);
    }
}

fn head(ui: &mut Ui, bench: &mut Bench, queue: QueueId) {
    let options: Vec<(QueueId, String)> =
        bench.desks.label.cards.iter().map(|card| (card.id, card.name.clone())).collect();
    let mut chosen = queue;
    ui.horizontal(|ui| {
        ui.add(Label::new(theme::heading(t!("review.title"))).selectable(false).truncate());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let width = 220.0_f32.min(ui.available_width() - 8.0).max(80.0);
            ui.name_inputs(&t!("review.queue"), |ui| dropdown(ui, "trust queue", width, &mut chosen, &options));
        });
    });
    if chosen != queue {
        bench.review(chosen);
    }
}

/// What could not be written stays to be read until it is tried again.
fn problem(ui: &mut Ui, bench: &Bench) {
    if let Some(problem) = &bench.desks.label.problem {
        problem_box(ui, &t!("review.not_written"), &problem.message, None);
    }
}

fn no_queue(ui: &mut Ui, bench: &mut Bench) {
    let button = (icons::QUEUE, &*t!("review.to_queues"));
    if empty_state(ui, icons::SCALES, &t!("review.empty"), &t!("review.no_queue"), Some(button)) {
        bench.desks.label.page = LabelPage::Queues;
    }
}

fn nothing_yet(ui: &mut Ui, bench: &mut Bench, queue: QueueId) {
    let button = (icons::PLAY, &*t!("review.to_bench"));
    if empty_state(ui, icons::SCALES, &t!("review.empty"), &t!("review.nothing_yet"), Some(button)) {
        bench.open_queue(queue);
    }
}

fn summary(report: &Report) -> String {
    let count = |n: usize| format::count(n as u64);
    t!(
        "review.summary",
        decisions = count(report.decisions),
        items = count(report.items),
        people = count(report.paces.len()),
        twice = count(report.twice)
    )
}
