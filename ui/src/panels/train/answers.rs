//! Answers to the run's fixed prompts over time: each as what changed since the one before, or since the start.

use egui::{Frame, Label, Margin, Slider, Ui};
use luthier_engine::protocol::PromptAnswer;

use crate::state::Run;
use crate::text::t;
use crate::theme;
use crate::widgets::{Card, IconButton, Piece, diff_legend, diff_text, icon_label, segmented, word_diff};
use crate::{format, icons};

/// What an answer is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Against {
    #[default]
    Before,
    Start,
}

/// What the diffs were made of.
#[derive(Debug, PartialEq)]
struct Key {
    run: String,
    step: usize,
    against: Option<usize>,
}

#[derive(Default)]
pub struct AnswersView {
    /// The round in sight; None: the newest.
    at: Option<usize>,
    against: Against,
    made: Option<(Key, Vec<Vec<Piece>>)>,
}

impl AnswersView {
    pub fn ui(&mut self, ui: &mut Ui, run: &Run) {
        if run.recipe.sample_prompts.is_empty() && run.answers.is_empty() {
            return;
        }
        let last = run.answers.len().saturating_sub(1);
        let mut at = self.at.unwrap_or(last).min(last);
        let several = run.answers.len() > 1;
        Card::new(t!("answers.title")).about(t!("answers.about")).icon(icons::CHATS_CIRCLE).show_with(
            ui,
            |ui| {
                if several {
                    ui.spacing_mut().item_spacing.x = 12.0;
                    diff_legend(ui);
                }
            },
            |ui| {
                if run.answers.is_empty() {
                    ui.label(theme::soft(ui, t!("answers.none_yet")));
                    return;
                }
                if several {
                    self.choose(ui, run, &mut at, last);
                }
                self.at = (at < last).then_some(at);
                self.rounds(ui, run, at);
            },
        );
    }

    /// Which round, and against which.
    fn choose(&mut self, ui: &mut Ui, run: &Run, at: &mut usize, last: usize) {
        ui.horizontal_wrapped(|ui| {
            let earlier = IconButton::new(icons::CARET_LEFT, t!("answers.earlier"));
            if ui.add_enabled(*at > 0, earlier).clicked() {
                *at -= 1;
            }
            ui.spacing_mut().slider_width = (ui.available_width() - 420.0).clamp(100.0, 280.0);
            ui.add(Slider::new(at, 0..=last).show_value(false)).accessible_name(t!("answers.round"));
            let later = IconButton::new(icons::CARET_RIGHT, t!("answers.later"));
            if ui.add_enabled(*at < last, later).clicked() {
                *at += 1;
            }
            let step = run.answers.get(*at).map_or(0, |(step, _)| *step);
            let word = match step {
                0 => t!("answers.at_start"),
                _ => t!("answers.at_step", step = format::count(step as u64)),
            };
            ui.add(Label::new(theme::strong(word)).selectable(false));
            let options = [(Against::Before, t!("answers.with_before")), (Against::Start, t!("answers.with_start"))];
            segmented(ui, &mut self.against, &options);
        });
    }

    fn rounds(&mut self, ui: &mut Ui, run: &Run, at: usize) {
        let Some((step, answers)) = run.answers.get(at) else { return };
        let from = match self.against {
            _ if at == 0 => None,
            Against::Before => run.answers.get(at - 1),
            Against::Start => run.answers.first(),
        };
        let key = Key { run: run.id.clone(), step: *step, against: from.map(|(step, _)| *step) };
        if self.made.as_ref().is_none_or(|(made, _)| *made != key) {
            let old = |answer: &PromptAnswer| {
                let before = from.and_then(|(_, earlier)| earlier.iter().find(|other| other.prompt == answer.prompt));
                before.map_or(answer.answer.as_str(), |before| before.answer.as_str()).to_owned()
            };
            let diffs = answers.iter().map(|answer| word_diff(&old(answer), &answer.answer)).collect();
            self.made = Some((key, diffs));
        }
        let Some((_, diffs)) = &self.made else { return };
        for (answer, pieces) in answers.iter().zip(diffs) {
            one(ui, answer, pieces, from.is_some());
        }
    }
}

fn one(ui: &mut Ui, answer: &PromptAnswer, pieces: &[Piece], compared: bool) {
    let p = theme::palette(ui);
    ui.horizontal_top(|ui| {
        icon_label(ui, icons::USER, 18.0, p.ink_soft);
        ui.add(Label::new(theme::name(&answer.prompt, 14.0)).wrap().selectable(true));
    });
    let frame = Frame::new().fill(p.inset).corner_radius(theme::RADIUS).inner_margin(Margin::symmetric(12, 8));
    frame.show(ui, |ui| {
        ui.take_available_width();
        if answer.answer.is_empty() && pieces.is_empty() {
            ui.label(theme::soft(ui, t!("answers.says_nothing")));
            return;
        }
        diff_text(ui, pieces);
        if compared && pieces.iter().all(|piece| piece.change == crate::widgets::Change::Same) {
            ui.label(theme::soft(ui, t!("answers.unchanged")));
        }
    });
}
