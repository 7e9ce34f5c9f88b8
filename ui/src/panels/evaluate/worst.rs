//! Where a model is at its worst: rows with the highest loss, questions answered wrong, answers far from the file's. For
//! fixed prompts every answer, as what differs from the model before training.

use egui::{Align2, CornerRadius, FontId, Frame, Label, Margin, Rect, Sense, Ui, vec2};
use luthier_engine::eval::{
    AnswerScore, ChoiceReport, EvalReport, GenerationReport, PerplexityReport, PromptsReport, WrongAnswer,
};

use super::results::stored_of;
use crate::bench::Bench;
use crate::desks::{EvalTable, newest};
use crate::text::t;
use crate::widgets::{
    Card, Piece, Push, diff_legend, diff_text, dropdown, hairline, icon_label, segmented, tag, word_diff,
};
use crate::{format, icons, theme};

/// Examples before "Show more".
const SHOWN: usize = 5;
const LETTERS: [char; 4] = ['A', 'B', 'C', 'D'];

#[derive(Default)]
pub struct Worst {
    /// How many are shown of the evaluation with this id.
    shown: (i64, usize),
    /// Of this evaluation against that one: an answer's pieces each.
    diffs: Option<((i64, Option<i64>), Vec<Vec<Piece>>)>,
}

/// The evaluation whose examples are shown: the one that was chosen, else the first run's, else the first.
pub(super) fn looked_at(bench: &Bench, table: &EvalTable) -> Option<i64> {
    let chosen = bench.desks.evaluate.looked_at.filter(|id| table.lines.iter().any(|line| line.eval == *id));
    let run = table.lines.iter().find(|line| line.run.is_some()).or(table.lines.first());
    chosen.or_else(|| run.map(|line| line.eval))
}

impl Worst {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench, table: &EvalTable) {
        let Some(eval) = looked_at(bench, table) else { return };
        if self.shown.0 != eval {
            self.shown = (eval, SHOWN);
        }
        let mut by = bench.desks.evaluate.worst_by;
        let mut whose = eval;
        let names: Vec<(i64, String)> =
            table.lines.iter().map(|line| (line.eval, super::results::name_of(bench, line))).collect();
        let Some((stored, _)) = stored_of(bench, eval) else { return };
        let report = newest(stored);
        let (title, about) = match report {
            EvalReport::Perplexity(_) => (t!("evaluate.worst_rows"), t!("evaluate.worst_rows_about")),
            EvalReport::Choice(_) => (t!("evaluate.wrong"), t!("evaluate.wrong_about")),
            EvalReport::Generation(_) => (t!("evaluate.worst_answers"), t!("evaluate.worst_answers_about")),
            EvalReport::Prompts(_) => (t!("evaluate.answers"), t!("evaluate.answers_about")),
        };
        Card::new(title).about(about).icon(icons::MAGNIFYING_GLASS).show_with(
            ui,
            |ui| {
                if names.len() > 1 {
                    ui.name_inputs(&t!("evaluate.whose"), |ui| {
                        dropdown(ui, "worst of", 200.0, &mut whose, &names);
                    });
                }
            },
            |ui| match report {
                EvalReport::Perplexity(report) => self.rows(ui, report),
                EvalReport::Choice(report) => self.wrong(ui, report),
                EvalReport::Generation(report) => self.generated(ui, report, &mut by),
                EvalReport::Prompts(report) => self.prompts(ui, bench, table, eval, report),
            },
        );
        bench.desks.evaluate.worst_by = by;
        if whose != eval {
            bench.desks.evaluate.looked_at = Some(whose);
        }
    }

    fn more(&mut self, ui: &mut Ui, count: usize) {
        if count > self.shown.1 {
            let word = t!("evaluate.show_more", n = count - self.shown.1);
            if ui.add(Push::quiet(word).icon(icons::CARET_DOWN).small()).clicked() {
                self.shown.1 += 15;
            }
        }
    }

    fn rows(&mut self, ui: &mut Ui, report: &PerplexityReport) {
        if report.worst.is_empty() {
            ui.label(theme::soft(ui, t!("evaluate.no_examples")));
        }
        for (at, row) in report.worst.iter().take(self.shown.1).enumerate() {
            if at > 0 {
                hairline(ui);
            }
            ui.horizontal_wrapped(|ui| {
                let p = theme::palette(ui);
                tag(ui, &t!("evaluate.row", n = format::count(row.row as u64)), p.ink, p.raised);
                tag(ui, &t!("evaluate.row_loss", loss = format::loss(row.loss)), p.warn, p.warn_soft);
                let times = format::significant((row.loss - report.loss).exp(), 2);
                let line = t!("evaluate.row_about", tokens = format::count(row.tokens as u64), times = times);
                ui.label(theme::soft(ui, line));
            });
            quoted(ui, |ui| {
                ui.add(Label::new(row.text.as_str()).wrap().selectable(true));
            });
        }
        self.more(ui, report.worst.len());
    }

    fn wrong(&mut self, ui: &mut Ui, report: &ChoiceReport) {
        if report.wrong.is_empty() {
            ui.label(theme::soft(ui, t!("evaluate.none_wrong")));
        }
        for (at, wrong) in report.wrong.iter().take(self.shown.1).enumerate() {
            if at > 0 {
                hairline(ui);
            }
            ui.horizontal_wrapped(|ui| {
                let p = theme::palette(ui);
                tag(ui, &wrong.subject, p.string, p.string_soft);
                ui.label(theme::soft(ui, t!("evaluate.line", n = wrong.line)));
            });
            ui.add(Label::new(wrong.question.as_str()).wrap().selectable(true));
            for option in 0..LETTERS.len() {
                one_option(ui, wrong, option);
            }
        }
        self.more(ui, report.wrong.len());
    }

    fn generated(&mut self, ui: &mut Ui, report: &GenerationReport, by: &mut AnswerScore) {
        let options = [
            (AnswerScore::RougeL, "ROUGE-L".to_owned()),
            (AnswerScore::Rouge1, "ROUGE-1".to_owned()),
            (AnswerScore::Bleu, "BLEU".to_owned()),
        ];
        segmented(ui, by, &options);
        for (at, answer) in report.worst(*by).into_iter().take(self.shown.1).enumerate() {
            if at > 0 {
                hairline(ui);
            }
            ui.horizontal_wrapped(|ui| {
                let p = theme::palette(ui);
                tag(ui, &t!("evaluate.row", n = format::count(answer.row as u64)), p.ink, p.raised);
                let scores = t!(
                    "evaluate.scores",
                    bleu = format!("{:.1}", answer.bleu),
                    rouge = format!("{:.1} %", answer.rouge_l * 100.0)
                );
                ui.label(theme::soft(ui, scores));
            });
            question(ui, answer.prompt.trim());
            let texts = [(t!("evaluate.said"), &answer.answer), (t!("evaluate.reference"), &answer.reference)];
            for (label, text) in texts {
                quoted(ui, |ui| {
                    ui.label(theme::soft(ui, label));
                    ui.add(Label::new(text.as_str()).wrap().selectable(true));
                });
            }
        }
        self.more(ui, report.answers.len());
    }

    /// Against the model as it came, where that was asked the same.
    fn prompts(&mut self, ui: &mut Ui, bench: &Bench, table: &EvalTable, eval: i64, report: &PromptsReport) {
        let base = table.lines.iter().find(|line| line.run.is_none() && line.eval != eval).map(|line| line.eval);
        if self.diffs.as_ref().is_none_or(|(made, _)| *made != (eval, base)) {
            let before = base.and_then(|id| stored_of(bench, id)).map(|(stored, _)| newest(stored));
            let pieces = |reply: &luthier_engine::eval::PromptReply| {
                let old = match before {
                    Some(EvalReport::Prompts(before)) => before.answers.iter().find(|old| old.prompt == reply.prompt),
                    _ => None,
                };
                word_diff(old.map_or(&reply.answer, |old| &old.answer), &reply.answer)
            };
            self.diffs = Some(((eval, base), report.answers.iter().map(pieces).collect()));
        }
        let Some((_, diffs)) = &self.diffs else { return };
        if base.is_some() {
            ui.horizontal(|ui| {
                ui.label(theme::soft(ui, t!("evaluate.against_base")));
                diff_legend(ui);
            });
        }
        for (reply, pieces) in report.answers.iter().zip(diffs).take(self.shown.1) {
            question(ui, &reply.prompt);
            quoted(ui, |ui| {
                if pieces.is_empty() {
                    ui.label(theme::soft(ui, t!("answers.says_nothing")));
                } else {
                    diff_text(ui, pieces);
                }
                if reply.cut {
                    ui.label(theme::soft(ui, t!("evaluate.cut")));
                }
            });
        }
        self.more(ui, report.answers.len());
    }
}

fn question(ui: &mut Ui, text: &str) {
    let p = theme::palette(ui);
    ui.horizontal_top(|ui| {
        icon_label(ui, icons::USER, 18.0, p.ink_soft);
        ui.add(Label::new(theme::name(text, 14.0)).wrap().selectable(true));
    });
}

fn quoted(ui: &mut Ui, body: impl FnOnce(&mut Ui)) {
    let ground = theme::palette(ui).inset;
    let frame = Frame::new().fill(ground).corner_radius(theme::RADIUS).inner_margin(Margin::symmetric(12, 8));
    frame.show(ui, |ui| {
        ui.take_available_width();
        body(ui);
    });
}

/// A letter with its probability as a bar behind it, and what it was.
fn one_option(ui: &mut Ui, wrong: &WrongAnswer, option: usize) {
    let p = theme::palette(ui);
    let (mark, ink) = match option {
        _ if option == wrong.right => (Some((icons::CHECK, t!("evaluate.right"))), p.good),
        _ if option == wrong.given => (Some((icons::X, t!("evaluate.given"))), p.bad),
        _ => (None, p.ink_soft),
    };
    ui.horizontal_top(|ui| {
        let share = wrong.probabilities[option];
        let (bar, response) = ui.allocate_exact_size(vec2(96.0, 20.0), Sense::hover());
        let shown = format!("{:.0} %", share * 100.0);
        response.widget_info(|| {
            let said = format!("{}: {shown}", LETTERS[option]);
            egui::WidgetInfo::labeled(egui::accesskit::Role::Label, true, said)
        });
        let line = Rect::from_min_size(egui::pos2(bar.left(), bar.center().y - 3.0), vec2(56.0, 6.0));
        let full = Rect::from_min_size(line.min, vec2(56.0 * share.clamp(0.0, 1.0) as f32, 6.0));
        ui.painter().rect_filled(line, CornerRadius::same(3), p.raised);
        ui.painter().rect_filled(full, CornerRadius::same(3), ink);
        let font = FontId::proportional(12.0);
        ui.painter().text(bar.right_center(), Align2::RIGHT_CENTER, shown, font, p.ink_soft);
        ui.add_space(4.0);
        match &mark {
            Some((icon, _)) => icon_label(ui, *icon, 18.0, ink),
            None => {
                ui.allocate_exact_size(vec2(18.0, 18.0), Sense::hover());
            }
        }
        let text = format!("{}. {}", LETTERS[option], wrong.options[option]);
        let said = mark.as_ref().map(|(_, word)| word.clone());
        let room = ui.available_width() - if said.is_some() { 90.0 } else { 0.0 };
        ui.allocate_ui(vec2(room.max(60.0), 20.0), |ui| {
            ui.add(Label::new(text).wrap().selectable(true));
        });
        if let Some(word) = said {
            ui.label(theme::small(word).color(ink));
        }
    });
}
