//! One answer: good or bad, and what is wrong with it.

use egui::Ui;
use luthier_engine::feedback::Verdict;

use super::keys::all_caps;
use super::{tags, text};
use crate::bench::Bench;
use crate::command::{JudgingCommand, Named as _};
use crate::labels::Item;
use crate::text::t;
use crate::widgets::Keyed;

#[derive(Default)]
pub struct SingleView;

impl SingleView {
    /// The answer of the item in front, in all the room that `ui` has.
    pub fn answers(&mut self, ui: &mut Ui, bench: &mut Bench, item: &Item) {
        let Some(answer) = item.shown.first().and_then(|place| item.answers.get(*place)) else { return };
        let rect = ui.available_rect_before_wrap();
        let as_written = bench.desks.label.now.as_written;
        let body = |ui: &mut Ui, height| text::answer(ui, "single answer", &answer.text, as_written, height);
        text::board(ui, rect, &t!("judging.answer"), false, |_| {}, body);
    }

    /// Words for what is wrong, then the two verdicts, each where its arrow points; `low`: in one line with others.
    pub fn choices(&mut self, ui: &mut Ui, bench: &mut Bench, low: bool) {
        if !low {
            tags::tag_chips(ui, bench, low);
        }
        let mut pressed = None;
        let mut row = |ui: &mut Ui| {
            let half = (ui.available_width() - ui.spacing().item_spacing.x) / 2.0;
            for (command, verdict) in [(JudgingCommand::Good, Verdict::Good), (JudgingCommand::Bad, Verdict::Bad)] {
                let keys = all_caps(command);
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                let button = Keyed::new(command.label(), &keys).icon(command.icon());
                let button = if low { button.small() } else { button.width(half) };
                if ui.add(button).clicked() {
                    pressed = Some(verdict);
                }
            }
        };
        if low {
            row(ui);
            tags::tag_chips(ui, bench, low);
        } else {
            ui.horizontal(row);
        }
        if let Some(verdict) = pressed {
            bench.judge_single(verdict);
        }
    }
}
