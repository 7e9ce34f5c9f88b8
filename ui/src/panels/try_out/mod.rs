//! The Try panel: conversations with one model or several side by side, the same question to all.

use egui::{Align, Frame, Label, Layout, Margin, ScrollArea, Ui, vec2};

use crate::bench::Bench;
use crate::desks::{Gone, Told};
use crate::state::MOST_COLUMNS;
use crate::text::t;
use crate::widgets::{IconButton, Push, columns, empty_state, icon_label};
use crate::{icons, theme};

mod composer;
mod heads;
mod list;
mod settings;
mod tokens;
mod turns;

const SETTINGS: f32 = 308.0;
const LIST: f32 = 236.0;
/// Below this a column is not narrowed any more: the conversation scrolls sideways.
const NARROWEST: f32 = 210.0;

#[derive(Default)]
pub struct TryPanel {
    list: list::ListView,
}

impl TryPanel {
    /// `arrived`: the person has just come here, and may begin to type.
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench, arrived: bool) {
        let (width, height) = (ui.available_width(), ui.available_height());
        let count = bench.state.talk.front().columns.len();
        let sides = Sides::of(bench, width, count);
        if sides.settings {
            side(egui::Panel::right("try-side").exact_size(SETTINGS), "try-side", ui, |ui| settings::ui(ui, bench));
        }
        if sides.list {
            let panel = egui::Panel::left("try-list").exact_size(LIST);
            panel.resizable(false).show_separator_line(false).frame(Frame::NONE).show(ui, |ui| {
                self.list.ui(ui, bench);
            });
        }
        let low = height < 420.0;
        let margin = Margin { left: 20, right: 20, top: 0, bottom: if low { 8 } else { 16 } };
        egui::Panel::bottom("composer")
            .resizable(false)
            .show_separator_line(false)
            .frame(Frame::new().inner_margin(margin))
            .show(ui, |ui| {
                told(ui, bench);
                composer::ui(ui, bench, arrived, low);
            });
        let margin = Margin { left: 20, right: 20, top: if low { 8 } else { 16 }, bottom: 8 };
        egui::CentralPanel::no_frame().frame(Frame::new().inner_margin(margin)).show(ui, |ui| {
            toolbar(ui, bench, &sides);
            conversation(ui, bench, low);
        });
        let calm = !ui.ctx().text_edit_focused() && !ui.input(|i| i.pointer.any_down());
        if calm && std::mem::take(&mut bench.desks.talk.unsettled) {
            bench.state.talk.touch();
        }
    }
}

fn side(panel: egui::Panel, id: &str, ui: &mut Ui, body: impl FnOnce(&mut Ui)) {
    panel.resizable(false).show_separator_line(false).frame(Frame::NONE).show(ui, |ui| {
        ScrollArea::vertical().id_salt(id).auto_shrink([false, false]).show(ui, |ui| {
            ui.add_space(16.0);
            ui.set_width(SETTINGS - 20.0);
            body(ui);
            ui.add_space(16.0);
        });
    });
}

/// Which of the panes beside the conversation are there.
struct Sides {
    list: bool,
    settings: bool,
    /// Only one of them has room.
    one: bool,
}

impl Sides {
    /// As the person wants it; else as long as the columns keep a width that reads well.
    fn of(bench: &Bench, width: f32, count: usize) -> Self {
        let desk = &bench.desks.talk;
        let wanted = count as f32 * 250.0 + 56.0;
        let settings = desk.settings_open.unwrap_or(width - SETTINGS >= wanted.max(420.0));
        let beside = if settings { SETTINGS } else { 0.0 };
        let list = desk.list_open.unwrap_or(width - beside - LIST >= wanted.max(700.0));
        Self { list, settings, one: width < LIST + SETTINGS + 320.0 }
    }

    fn toggle_list(&self, bench: &mut Bench) {
        let desk = &mut bench.desks.talk;
        desk.list_open = Some(!self.list);
        if self.one && !self.list {
            desk.settings_open = Some(false);
        }
    }

    fn toggle_settings(&self, bench: &mut Bench) {
        let desk = &mut bench.desks.talk;
        desk.settings_open = Some(!self.settings);
        if self.one && !self.settings {
            desk.list_open = Some(false);
        }
    }
}

/// The conversation's name, and what can be done with all of it.
fn toolbar(ui: &mut Ui, bench: &mut Bench, sides: &Sides) {
    ui.allocate_ui_with_layout(vec2(ui.available_width(), 32.0), Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let word = if sides.settings { t!("try.hide_settings") } else { t!("try.show_settings") };
        if ui.add(IconButton::new(icons::SLIDERS_HORIZONTAL, word).size(32.0)).clicked() {
            sides.toggle_settings(bench);
        }
        let said = !bench.state.talk.is_empty();
        let clear = IconButton::new(icons::ERASER, t!("command.clear_conversation")).size(32.0);
        if ui.add_enabled(said, clear).clicked() {
            bench.clear_talk();
        }
        let turns = bench.state.talk.front().turns.len();
        let label = IconButton::new(icons::SCALES, t!("conversation.label_all")).size(32.0);
        if ui.add_enabled((0..turns).any(|turn| bench.can_label_turn(turn)), label).clicked() {
            bench.label_turns(0..turns);
        }
        let more = bench.state.talk.front().columns.len() < MOST_COLUMNS && !bench.state.talk.busy();
        let add = ui.add_enabled(more, IconButton::new(icons::PLUS, t!("try.add_column")).size(32.0));
        heads::choices_menu(bench, &add, None);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let (icon, word) = match sides.list {
                true => (icons::CARET_LEFT, t!("try.hide_list")),
                false => (icons::CHATS, t!("try.show_list")),
            };
            if ui.add(IconButton::new(icon, word).size(32.0)).clicked() {
                sides.toggle_list(bench);
            }
            let title = bench.talk_title(bench.state.talk.front());
            ui.add(Label::new(theme::name(&title, 14.0)).truncate().selectable(false));
        });
    });
}

fn conversation(ui: &mut Ui, bench: &mut Bench, low: bool) {
    let count = bench.state.talk.front().columns.len();
    let width = ui.available_width().max(count as f32 * (NARROWEST + 8.0) - 8.0);
    ScrollArea::horizontal().id_salt("talk-across").auto_shrink([false, false]).show(ui, |ui| {
        ui.set_width(width);
        columns(ui, count, |ui, at| heads::head(ui, bench, at, low));
        if bench.state.talk.is_empty() {
            nothing_yet(ui, bench);
        } else {
            turns::ui(ui, bench);
        }
    });
}

fn nothing_yet(ui: &mut Ui, bench: &mut Bench) {
    let talk = bench.state.talk.front();
    let somebody = talk.columns.iter().any(|column| bench.speaker_of(column).is_some());
    let (title, about) = match (somebody, talk.columns.len()) {
        (false, _) => (t!("try.empty_no_model"), t!("try.empty_no_model_about")),
        (true, 1) => (t!("try.empty_base"), t!("try.empty_base_about")),
        (true, 2) if talk.has_after() => (t!("try.empty_both"), t!("try.empty_both_about")),
        (true, _) => (t!("try.empty_many"), t!("try.empty_many_about")),
    };
    let sample = (!somebody).then(|| t!("command.try_sample"));
    ScrollArea::vertical().id_salt("talk-empty").auto_shrink([false, false]).show(ui, |ui| {
        if empty_state(ui, icons::CHATS_CIRCLE, &title, &about, sample.as_deref().map(|word| (icons::PLAY, word))) {
            bench.try_sample();
        }
    });
}

/// What was just done, and the way back or on.
fn told(ui: &mut Ui, bench: &mut Bench) {
    let Some(told) = bench.desks.talk.told.clone() else { return };
    let text = match &told {
        Told::Gone(Gone::Conversation) => t!("talk.gone_conversation"),
        Told::Gone(Gone::Answers) => t!("talk.gone_answers"),
        Told::Gone(Gone::Turn) => t!("talk.gone_turn"),
        Told::Gone(Gone::Column) => t!("talk.gone_column"),
        Told::Copied => t!("talk.copied"),
        Told::Sent { queue, items } => t!("talk.sent", n = items, queue = queue),
    };
    let p = theme::palette(ui);
    let frame = Frame::new().fill(p.string_soft).corner_radius(theme::RADIUS).inner_margin(Margin::symmetric(10, 4));
    frame.show(ui, |ui| {
        ui.allocate_ui_with_layout(vec2(ui.available_width(), 26.0), Layout::right_to_left(Align::Center), |ui| {
            if ui.add(IconButton::new(icons::X, t!("talk.put_away")).size(22.0)).clicked() {
                bench.desks.talk.told = None;
            }
            match told {
                Told::Gone(_) => {
                    let undo = Push::plain(t!("talk.undo")).icon(icons::ARROW_U_UP_LEFT).small();
                    if ui.add_enabled(bench.can_undo_talk(), undo).clicked() {
                        bench.undo_talk();
                    }
                }
                Told::Sent { .. } => {
                    if ui.add(Push::plain(t!("talk.to_label")).icon(icons::SCALES).small()).clicked() {
                        bench.show_queues();
                    }
                }
                Told::Copied => {}
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                icon_label(ui, icons::INFO, 16.0, p.string);
                ui.add(Label::new(text).truncate());
            });
        });
    });
    ui.add_space(6.0);
}
