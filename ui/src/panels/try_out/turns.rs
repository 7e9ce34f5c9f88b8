//! Questions, and under each the columns' answers.

use egui::{Align, CornerRadius, Frame, Key, Label, Layout, ScrollArea, Stroke, TextEdit, Ui};
use luthier_engine::protocol::FinishReason;

use super::tokens;
use crate::bench::Bench;
use crate::desks::Edit;
use crate::state::{Column, ColumnId, Take, Takes, TalkId};
use crate::text::t;
use crate::widgets::{IconButton, Push, Reading, columns, icon_label, problem_box};
use crate::{format, icons, theme};

/// Answers that would be higher are shown through a window of `SCROLLED` points.
const LONG: f32 = 1600.0;
const SCROLLED: f32 = 480.0;

/// What was pressed; done when all is drawn.
enum Act {
    Again(usize, Option<ColumnId>),
    GoOn(usize, ColumnId),
    Edit(usize, Option<ColumnId>),
    Flip(usize, ColumnId, isize),
    Remove(usize),
    Label(usize),
    FinishEdit,
    LeaveEdit,
}

impl Act {
    fn take(self, bench: &mut Bench) {
        match self {
            Self::Again(turn, column) => bench.answer_again(turn, column),
            Self::GoOn(turn, column) => bench.go_on_answering(turn, column),
            Self::Edit(turn, column) => bench.begin_edit(turn, column),
            Self::Flip(turn, column, by) => bench.state.talk.flip(turn, column, by),
            Self::Remove(turn) => bench.remove_turn(turn),
            Self::Label(turn) => bench.label_turns(turn..turn + 1),
            Self::FinishEdit => bench.finish_edit(),
            Self::LeaveEdit => bench.desks.talk.editing = None,
        }
    }
}

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    let front = bench.state.talk.front().id;
    // Lent out, so that its text can be typed while the rest is read.
    let mut editing = bench.desks.talk.editing.take().filter(|edit| edit.talk == front);
    let mut acts = Vec::new();
    let titles: Vec<String> = bench.state.talk.front().columns.iter().map(|c| bench.column_title(c)).collect();
    ScrollArea::vertical().id_salt(("talk", front)).auto_shrink([false, false]).stick_to_bottom(true).show(ui, |ui| {
        for at in 0..bench.state.talk.front().turns.len() {
            match editing.as_mut().filter(|edit| edit.turn == at && edit.column.is_none()) {
                Some(edit) => rewording(ui, bench, edit, &mut acts),
                None => question(ui, bench, at, &mut acts),
            }
            columns(ui, titles.len(), |ui, place| {
                let column = &bench.state.talk.front().columns[place];
                let edit = editing.as_mut().filter(|edit| edit.turn == at && edit.column == Some(column.id));
                match edit {
                    Some(edit) => rewording(ui, bench, edit, &mut acts),
                    None => answer(ui, bench, at, column, &titles[place], &mut acts),
                }
            });
            ui.add_space(8.0);
        }
    });
    bench.desks.talk.editing = editing;
    acts.into_iter().for_each(|act| act.take(bench));
}

fn question(ui: &mut Ui, bench: &Bench, at: usize, acts: &mut Vec<Act>) {
    let p = theme::palette(ui);
    let turn = &bench.state.talk.front().turns[at];
    let (busy, may) = (bench.state.talk.busy(), bench.cannot_ask().is_none());
    ui.horizontal_top(|ui| {
        icon_label(ui, icons::USER, 18.0, p.ink_soft);
        let room = ui.available_width() - 4.0 * 26.0 - 8.0;
        ui.vertical(|ui| {
            ui.set_width(room.max(80.0));
            ui.add(Label::new(theme::name(&turn.asked, 14.0)).wrap().selectable(true));
        });
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            let n = at + 1;
            for (able, icon, word, act) in [
                (!busy, icons::TRASH, t!("turn.remove", n = n), Act::Remove(at)),
                (bench.can_label_turn(at), icons::SCALES, t!("turn.label", n = n), Act::Label(at)),
                (may, icons::ARROWS_CLOCKWISE, t!("turn.again_all", n = n), Act::Again(at, None)),
                (!busy, icons::PENCIL_SIMPLE, t!("turn.edit", n = n), Act::Edit(at, None)),
            ] {
                if ui.add_enabled(able, IconButton::new(icon, word).size(24.0)).clicked() {
                    acts.push(act);
                }
            }
        });
    });
}

fn answer(ui: &mut Ui, bench: &Bench, at: usize, column: &Column, name: &str, acts: &mut Vec<Act>) {
    let talk = bench.state.talk.front();
    let takes = talk.takes(at, column.id);
    let writing = bench.state.talk.writes(talk.id, at, column.id);
    let waiting = bench.state.talk.waits(talk.id, at, column.id);
    let p = theme::palette(ui);
    let border = if writing { p.varnish } else { p.edge };
    let frame = Frame::new()
        .fill(p.board)
        .stroke(Stroke::new(1.0, border))
        .corner_radius(CornerRadius::same(theme::RADIUS))
        .inner_margin(12);
    frame.show(ui, |ui| {
        ui.take_available_width();
        let blank = Take::default();
        let take = takes.and_then(Takes::shown).unwrap_or(&blank);
        if take.text.is_empty() && (writing || waiting) {
            let text = if writing { t!("try.thinking") } else { t!("try.waiting") };
            ui.label(theme::soft(ui, text));
        } else if talk.chances && !take.spans.is_empty() && take.spans.len() <= tokens::MOST {
            tokens::ui(ui, (talk.id, at, column.id), take, name);
        } else if !take.text.is_empty() {
            text(ui, (talk.id, at, column.id), take.text.trim(), !talk.as_chat);
            if talk.chances && take.spans.len() > tokens::MOST {
                ui.label(theme::soft(ui, t!("try.too_many_tokens")));
            }
        } else if take.ending.is_some() {
            ui.label(theme::soft(ui, t!("try.said_nothing")));
        }
        if let Some(problem) = &take.problem {
            problem_box(ui, &t!("try.failed"), &problem.message, None);
        }
        if !writing && !waiting {
            let foot = Foot { at, column: column.id, name, take, takes, may: bench.cannot_ask().is_none() };
            foot.ui(ui, bench, acts);
        }
    });
}

/// A long answer scrolls by itself, so that only what is in sight is laid out.
fn text(ui: &mut Ui, key: (TalkId, usize, ColumnId), text: &str, as_written: bool) {
    let reading = Reading::of(ui, text, as_written);
    if reading.guess(ui.available_width()) > LONG {
        reading.scroll(ui, ("answer", key), SCROLLED);
    } else {
        reading.show(ui, f32::INFINITY);
    }
}

/// Under an answer: how it ended, its versions, and what can be done with it.
struct Foot<'a> {
    at: usize,
    column: ColumnId,
    name: &'a str,
    take: &'a Take,
    takes: Option<&'a Takes>,
    may: bool,
}

impl Foot<'_> {
    fn ui(&self, ui: &mut Ui, bench: &Bench, acts: &mut Vec<Act>) {
        let told = self.told();
        if ui.available_width() >= 420.0 {
            ui.allocate_ui_with_layout(
                egui::vec2(ui.available_width(), 24.0),
                Layout::right_to_left(Align::Center),
                |ui| {
                    self.buttons(ui, bench, acts);
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        ui.add(Label::new(theme::soft(ui, told)).truncate());
                    });
                },
            );
        } else {
            ui.add(Label::new(theme::soft(ui, told)).wrap());
            let room = egui::vec2(ui.available_width(), 24.0);
            ui.allocate_ui_with_layout(room, Layout::right_to_left(Align::Center), |ui| self.buttons(ui, bench, acts));
        }
    }

    fn told(&self) -> String {
        match &self.take.ending {
            Some(ending) => {
                let speed = format::per_second(ending.new_tokens as f64 / ending.elapsed_secs.max(1e-3));
                let how = match ending.reason {
                    FinishReason::EndOfText => t!("try.ended"),
                    FinishReason::LengthLimit => t!("try.limit"),
                    FinishReason::Cancelled => t!("try.cancelled"),
                };
                t!("try.foot", tokens = ending.new_tokens, speed = speed, how = how)
            }
            None if self.take.edited => t!("try.edited"),
            None if self.take.problem.is_some() => String::new(),
            None => t!("try.not_asked"),
        }
    }

    /// From the right.
    fn buttons(&self, ui: &mut Ui, bench: &Bench, acts: &mut Vec<Act>) {
        ui.spacing_mut().item_spacing.x = 2.0;
        let (at, column, who) = (self.at, self.column, self.name);
        let there = !self.take.text.trim().is_empty();
        let small = |icon, word| IconButton::new(icon, word).size(22.0);
        if ui.add_enabled(there, small(icons::COPY, t!("try.copy_answer", who = who))).clicked() {
            ui.ctx().copy_text(self.take.text.trim().to_owned());
        }
        let edit = small(icons::PENCIL_SIMPLE, t!("turn.edit_answer", who = who));
        if ui.add_enabled(there && !bench.state.talk.busy(), edit).clicked() {
            acts.push(Act::Edit(at, Some(column)));
        }
        let again = small(icons::ARROWS_CLOCKWISE, t!("turn.again", who = who));
        if ui.add_enabled(self.may, again).clicked() {
            acts.push(Act::Again(at, Some(column)));
        }
        if self.take.is_cut() {
            let go_on = small(icons::SKIP_FORWARD, t!("turn.go_on", who = who));
            if ui.add_enabled(self.may, go_on).clicked() {
                acts.push(Act::GoOn(at, column));
            }
        }
        let Some(takes) = self.takes.filter(|takes| takes.all.len() > 1) else { return };
        ui.add_space(4.0);
        let later = small(icons::CARET_RIGHT, t!("turn.later", who = who));
        if ui.add_enabled(takes.shown + 1 < takes.all.len(), later).clicked() {
            acts.push(Act::Flip(at, column, 1));
        }
        ui.label(theme::soft(ui, t!("turn.version", n = takes.shown + 1, all = takes.all.len())));
        if ui.add_enabled(takes.shown > 0, small(icons::CARET_LEFT, t!("turn.earlier", who = who))).clicked() {
            acts.push(Act::Flip(at, column, -1));
        }
    }
}

/// The field in which a question or an answer is changed.
fn rewording(ui: &mut Ui, bench: &Bench, edit: &mut Edit, acts: &mut Vec<Act>) {
    let after = bench.state.talk.front().turns.len().saturating_sub(edit.turn + 1);
    let question = edit.column.is_none();
    let name = if question { t!("turn.edited_question") } else { t!("turn.edited_answer") };
    ui.vertical(|ui| {
        let id = egui::Id::unique("turn-edit");
        ScrollArea::vertical().id_salt("turn-edit-scroll").max_height(220.0).show(ui, |ui| {
            let field = TextEdit::multiline(&mut edit.text).id(id).desired_rows(2).desired_width(f32::INFINITY);
            let field = ui.add(field).accessible_name(name);
            if !std::mem::replace(&mut edit.begun, true) {
                field.request_focus();
            }
            if field.has_focus() && ui.input(|i| i.key_pressed(Key::Escape)) {
                acts.push(Act::LeaveEdit);
            }
        });
        let told = match (question, after) {
            (true, _) => Some(t!("turn.edit_question_about")),
            (false, 0) => Some(t!("turn.edit_answer_about")),
            (false, n) => Some(t!("turn.edit_answer_drops", n = n)),
        };
        if let Some(told) = told {
            ui.add(Label::new(theme::soft(ui, told)).wrap());
        }
        ui.horizontal_wrapped(|ui| {
            let able = !edit.text.trim().is_empty() && (!question || bench.cannot_ask().is_none());
            let (word, icon) = match question {
                true => (t!("turn.ask_edited"), icons::PAPER_PLANE_RIGHT),
                false => (t!("turn.keep_edited"), icons::CHECK),
            };
            if ui.add_enabled(able, Push::plain(word).icon(icon).small()).clicked() {
                acts.push(Act::FinishEdit);
            }
            if ui.add(Push::quiet(t!("turn.leave_edit")).small()).clicked() {
                acts.push(Act::LeaveEdit);
            }
        });
    });
}
