//! One disagreement: the texts, who said what, and the last word on it.

use egui::{Align, Frame, Label, Layout, Margin, RichText, Ui};

use super::words::{letter, order, person, verdict};
use crate::bench::Bench;
use crate::command::{Named, ReviewCommand};
use crate::desks::{Disputed, FinalWord};
use crate::labels::Decision;
use crate::panels::label::annotator::annotator_chooser;
use crate::text::t;
use crate::widgets::{
    IconButton, Keyed, Push, Reading, board, column, columns, frame, hairline, icon_label, problem_box, tag,
};
use crate::{format, icons, theme};

/// Side by side from this width on.
const ABREAST: f32 = 640.0;

#[derive(Default)]
pub struct ItemView;

impl ItemView {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench, disputed: &Disputed) {
        let p = theme::palette(ui);
        let foot = Frame::NONE.fill(p.rail).inner_margin(Margin::symmetric(24, 10));
        egui::Panel::bottom("last-word").resizable(false).show_separator_line(false).frame(foot).show(ui, |ui| {
            last_word(ui, bench, disputed);
        });
        column(ui, "disagreement", |ui| {
            head(ui, bench, disputed);
            if let Some(problem) = &bench.desks.label.problem {
                problem_box(ui, &t!("review.not_written"), &problem.message, None);
            }
            statements(ui, disputed);
            prompt(ui, disputed);
            answers(ui, disputed);
        });
    }
}

fn head(ui: &mut Ui, bench: &mut Bench, disputed: &Disputed) {
    let p = theme::palette(ui);
    let mut step = 0;
    ui.horizontal(|ui| {
        if ui.add(Push::quiet(t!("review.back")).icon(icons::ARROW_LEFT)).clicked() {
            bench.close_dispute();
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let last = disputed.at + 1 >= disputed.of();
            let next = IconButton::new(icons::CARET_RIGHT, t!("review.next"));
            if ui.add_enabled(!last, next).clicked() {
                step = 1;
            }
            let previous = IconButton::new(icons::CARET_LEFT, t!("review.previous"));
            if ui.add_enabled(disputed.at > 0, previous).clicked() {
                step = -1;
            }
            if !bench.settings.annotator.is_empty() {
                annotator_chooser(ui, bench);
            }
            if disputed.last_word().is_some() {
                tag(ui, &t!("review.settled"), p.good, p.good_soft);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let title = t!("review.place", n = disputed.at + 1, of = disputed.of());
                ui.add(Label::new(theme::heading(title)).selectable(false).truncate());
            });
        });
    });
    if step != 0 {
        bench.step_dispute(step);
    }
}

/// Everybody's verdict; below it the last word, where there is one.
fn statements(ui: &mut Ui, disputed: &Disputed) {
    let sides = disputed.sides();
    board(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        for decision in disputed.said() {
            statement(ui, icons::USER, decision, &sides);
        }
        if let Some(last) = disputed.last_word() {
            hairline(ui);
            statement(ui, icons::GAVEL, last, &sides);
        }
    });
}

fn statement(ui: &mut Ui, icon: char, decision: &Decision, sides: &[usize]) {
    let p = theme::palette(ui);
    let judged = &decision.judged;
    ui.horizontal_wrapped(|ui| {
        let ink = if icon == icons::GAVEL { p.good } else { p.ink_soft };
        icon_label(ui, icon, 18.0, ink);
        ui.add(Label::new(theme::name(&person(&judged.annotator), 14.0)).selectable(false));
        ui.add(Label::new(RichText::new(verdict(&judged.verdict, sides)).color(p.varnish)));
        let mut when = format::date_time(judged.judged_unix_ms / 1000);
        if judged.seconds > 0.0 {
            when = format!("{when}  ·  {}", format::duration(judged.seconds));
        }
        if decision.pass > 0 && !decision.last_word {
            when = format!("{when}  ·  {}", t!("review.again"));
        }
        ui.label(theme::soft(ui, when));
        for word in judged.tags.iter().take(12) {
            let word: String = word.chars().take(40).collect();
            tag(ui, &word, p.ink, p.raised);
        }
        if !judged.note.is_empty() {
            let note: String = judged.note.chars().take(400).collect();
            ui.add(Label::new(theme::soft(ui, format!("“{note}”"))).wrap());
        }
    });
}

fn prompt(ui: &mut Ui, disputed: &Disputed) {
    board(ui, |ui| {
        for (at, message) in disputed.judged().prompt.iter().enumerate() {
            let role = match message.role.as_str() {
                "system" => t!("review.role_system"),
                "user" => t!("review.role_user"),
                "assistant" => t!("review.role_assistant"),
                other => other.chars().take(40).collect(),
            };
            ui.add(Label::new(theme::soft(ui, role)).selectable(false));
            read(ui, ("prompt", at), &message.content, 160.0);
        }
    });
}

fn answers(ui: &mut Ui, disputed: &Disputed) {
    let sides = disputed.sides();
    let wide = ui.available_width() > ABREAST;
    let abreast = if wide { sides.len().clamp(1, 2) } else { 1 };
    for (row, line) in sides.chunks(abreast).enumerate() {
        columns(ui, abreast, |ui, column| {
            let Some(place) = line.get(column) else { return };
            let side = row * abreast + column;
            let text = disputed.judged().answers.get(*place).map(|answer| answer.text.as_str()).unwrap_or_default();
            frame(ui).show(ui, |ui| {
                ui.take_available_width();
                if sides.len() > 1 {
                    ui.add(Label::new(theme::heading(letter(side))).selectable(false));
                }
                read(ui, ("answer", side), text, 360.0);
            });
        });
    }
}

/// Text of anybody, in full where it is short, else with a scroll bar of its own.
fn read(ui: &mut Ui, id: (&str, usize), text: &str, height: f32) {
    if text.trim().is_empty() {
        ui.label(theme::soft(ui, t!("review.no_text")));
        return;
    }
    let reading = Reading::of(ui, text, false);
    if reading.guess(ui.available_width()) > height {
        reading.scroll(ui, id, height);
    } else {
        reading.show(ui, f32::INFINITY);
    }
}

/// The buttons, with their keys; who decides.
fn last_word(ui: &mut Ui, bench: &mut Bench, disputed: &Disputed) {
    let mut said = None;
    ui.horizontal_wrapped(|ui| {
        if bench.settings.annotator.is_empty() {
            ui.label(t!("review.who_decides"));
            annotator_chooser(ui, bench);
        } else {
            let may = bench.may_settle();
            // Where there is little room, the words are enough.
            let signs = ui.available_width() > 700.0;
            for word in disputed.words() {
                let key =
                    ReviewCommand::of(word).and_then(Named::shortcut).map(|keys| keys.logical_key.symbol_or_name());
                let keys: Vec<&str> = key.into_iter().collect();
                let button = Keyed::new(words(word, disputed), &keys).small();
                let button = if signs { button.icon(sign(word)) } else { button };
                let button = ui.add_enabled(may, button.selected(is_last(word, disputed)));
                if button.clicked() {
                    said = Some(word);
                }
            }
        }
    });
    if let Some(word) = said {
        let now = ui.input(|i| i.time);
        bench.settle(word, now);
    }
}

fn words(word: FinalWord, disputed: &Disputed) -> String {
    use luthier_engine::feedback::Mode;
    match word {
        FinalWord::Side(n) if disputed.mode == Mode::Rank => {
            disputed.orders().get(n).map(|places| order(places, &disputed.sides())).unwrap_or_default()
        }
        FinalWord::Side(side) => t!("review.better", answer = letter(side)),
        FinalWord::Tie if disputed.mode == Mode::Rank => t!("review.all_equal"),
        FinalWord::Tie => t!("review.kind_tie"),
        FinalWord::BothGood => t!("review.kind_both_good"),
        FinalWord::BothBad => t!("review.kind_both_bad"),
        FinalWord::Good => t!("review.kind_good"),
        FinalWord::Bad => t!("review.kind_bad"),
    }
}

fn sign(word: FinalWord) -> char {
    match word {
        FinalWord::Side(_) => icons::TROPHY,
        FinalWord::Tie => icons::EQUALS,
        FinalWord::BothGood | FinalWord::Good => icons::THUMBS_UP,
        FinalWord::BothBad | FinalWord::Bad => icons::THUMBS_DOWN,
    }
}

/// This is what was decided.
fn is_last(word: FinalWord, disputed: &Disputed) -> bool {
    disputed.last_word().is_some_and(|last| disputed.says(word, &last.judged.verdict))
}
