//! The Try panel: the same question to the model as it was and as it is now, side by side.

use egui::{Align, CornerRadius, Frame, Key, Label, Layout, Margin, Modifiers, ScrollArea, Stroke, TextEdit, Ui, vec2};
use luthier_engine::protocol::{FinishReason, Sampling};

use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::state::{Speaker, Talk, Turn, Who};
use crate::text::t;
use crate::widgets::{
    Card, IconButton, Push, Setting, columns, empty_state, hairline, icon_label, number, problem_box, segmented,
};
use crate::{format, icons, theme};

const SIDE: f32 = 308.0;

#[derive(Default)]
pub struct TryPanel {
    settings_hidden: bool,
}

impl TryPanel {
    /// `arrived`: the person has just come here, and may begin to type.
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench, arrived: bool) {
        if !self.settings_hidden {
            egui::Panel::right("try-side")
                .exact_size(SIDE)
                .resizable(false)
                .show_separator_line(false)
                .frame(Frame::NONE)
                .show(ui, |ui| {
                    ScrollArea::vertical().id_salt("try-side").auto_shrink([false, false]).show(ui, |ui| {
                        ui.add_space(16.0);
                        ui.set_width(SIDE - 20.0);
                        settings(ui, bench);
                        ui.add_space(16.0);
                    });
                });
        }
        let margin = Frame::new().inner_margin(Margin { left: 20, right: 20, top: 0, bottom: 16 });
        egui::Panel::bottom("composer")
            .resizable(false)
            .show_separator_line(false)
            .frame(margin)
            .show(ui, |ui| composer(ui, bench, arrived));
        let margin = Frame::new().inner_margin(Margin { left: 20, right: 20, top: 16, bottom: 8 });
        egui::CentralPanel::no_frame().frame(margin).show(ui, |ui| {
            self.heads(ui, bench);
            conversation(ui, bench);
        });
    }

    /// What can be done with the conversation, and who speaks in each column.
    fn heads(&mut self, ui: &mut Ui, bench: &mut Bench) {
        let tuned = bench.state.talk.tuned_speaker.clone();
        ui.allocate_ui_with_layout(vec2(ui.available_width(), 32.0), Layout::right_to_left(Align::Center), |ui| {
            let word = if self.settings_hidden { t!("try.show_settings") } else { t!("try.hide_settings") };
            if ui.add(IconButton::new(icons::SLIDERS_HORIZONTAL, word).size(32.0)).clicked() {
                self.settings_hidden = !self.settings_hidden;
            }
            let clear = IconButton::new(icons::ERASER, t!("command.clear_conversation")).size(32.0);
            if ui.add_enabled(!bench.state.talk.is_empty(), clear).clicked() {
                bench.clear_talk();
            }
            let adapter = IconButton::new(icons::PAPERCLIP, t!("try.choose_adapter")).size(32.0);
            if ui.add_enabled(bench.state.model.ready().is_some(), adapter).clicked() {
                bench.dialogs.ask(Ask::AdapterFolder);
            }
            if tuned.is_some() {
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.add(Label::new(theme::soft(ui, t!("try.empty_both_about"))).truncate());
                });
            }
        });
        let base = bench.base_speaker().map_or_else(|| t!("try.no_model"), |s| format::short_path(&s.model));
        columns(ui, if tuned.is_some() { 2 } else { 1 }, |ui, side| match &tuned {
            Some(speaker) if side == 1 => head(ui, icons::GUITAR, &t!("try.tuned"), &speaker_name(speaker), true),
            _ => head(ui, icons::CUBE, &t!("try.base"), &base, false),
        });
    }
}

fn speaker_name(speaker: &Speaker) -> String {
    match &speaker.adapter {
        Some(adapter) => t!("try.with_adapter", name = format::short_path(adapter)),
        None => format::short_path(&speaker.model),
    }
}

fn head(ui: &mut Ui, icon: char, title: &str, name: &str, tuned: bool) {
    let p = theme::palette(ui);
    let (ground, ink) = if tuned { (p.varnish_soft, p.varnish) } else { (p.board, p.ink_soft) };
    let frame = Frame::new()
        .fill(ground)
        .stroke(Stroke::new(1.0, p.edge))
        .corner_radius(theme::RADIUS)
        .inner_margin(Margin::symmetric(12, 6));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            icon_label(ui, icon, 20.0, ink);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                ui.add(Label::new(theme::strong(title)).selectable(false).truncate());
                ui.add(Label::new(theme::soft(ui, name)).selectable(false).truncate());
            });
        });
    });
}

fn conversation(ui: &mut Ui, bench: &mut Bench) {
    if bench.state.talk.is_empty() {
        let (title, about) = match (bench.base_speaker().is_some(), bench.state.talk.tuned_speaker.is_some()) {
            (false, _) => (t!("try.empty_no_model"), t!("try.empty_no_model_about")),
            (true, false) => (t!("try.empty_base"), t!("try.empty_base_about")),
            (true, true) => (t!("try.empty_both"), t!("try.empty_both_about")),
        };
        let sample = (bench.base_speaker().is_none()).then(|| t!("command.try_sample"));
        if empty_state(ui, icons::CHATS_CIRCLE, &title, &about, sample.as_deref().map(|word| (icons::PLAY, word))) {
            bench.try_sample();
        }
        return;
    }
    let talk = &bench.state.talk;
    let both = talk.tuned_speaker.is_some();
    ScrollArea::vertical().id_salt("talk").auto_shrink([false, false]).stick_to_bottom(true).show(ui, |ui| {
        for (i, base) in talk.base.turns.iter().enumerate() {
            question(ui, &base.asked);
            if both {
                let sides = [(Who::Base, t!("try.base")), (Who::Tuned, t!("try.tuned"))];
                columns(ui, sides.len(), |ui, side| answer(ui, talk, sides[side].0, i, &sides[side].1));
            } else {
                answer(ui, talk, Who::Base, i, &t!("try.base"));
            }
            ui.add_space(8.0);
        }
    });
}

fn question(ui: &mut Ui, text: &str) {
    let p = theme::palette(ui);
    ui.horizontal_top(|ui| {
        icon_label(ui, icons::USER, 18.0, p.ink_soft);
        ui.add(Label::new(theme::name(text, 14.0)).wrap().selectable(true));
    });
}

fn answer(ui: &mut Ui, talk: &Talk, who: Who, i: usize, name: &str) {
    let side = talk.side(who);
    let Some(turn) = side.turns.get(i) else { return };
    let last = i + 1 == side.turns.len();
    let writing = last && side.request.is_some() && !side.dropped;
    let waiting = last && talk.waiting.contains(&who);
    let p = theme::palette(ui);
    let border = if writing { p.varnish } else { p.edge };
    let frame = Frame::new()
        .fill(p.board)
        .stroke(Stroke::new(1.0, border))
        .corner_radius(CornerRadius::same(theme::RADIUS))
        .inner_margin(12);
    frame.show(ui, |ui| {
        ui.take_available_width();
        if turn.answer.is_empty() && (writing || waiting) {
            let text = if writing { t!("try.thinking") } else { t!("try.waiting") };
            ui.label(theme::soft(ui, text));
        } else if !turn.answer.is_empty() {
            ui.add(Label::new(turn.answer.trim_start()).wrap().selectable(true));
        }
        if let Some(problem) = &turn.problem {
            problem_box(ui, &t!("try.failed"), &problem.message, None);
        }
        foot(ui, turn, writing || waiting, name);
    });
}

fn foot(ui: &mut Ui, turn: &Turn, busy: bool, name: &str) {
    let text = match &turn.ending {
        Some(ending) => {
            let speed = format::per_second(ending.new_tokens as f64 / ending.elapsed_secs.max(1e-3));
            let how = match ending.reason {
                FinishReason::EndOfText => t!("try.ended"),
                FinishReason::LengthLimit => t!("try.limit"),
                FinishReason::Cancelled => t!("try.cancelled"),
            };
            t!("try.foot", tokens = ending.new_tokens, speed = speed, how = how)
        }
        None if busy || turn.problem.is_some() => return,
        None => t!("try.not_asked"),
    };
    ui.horizontal(|ui| {
        ui.label(theme::soft(ui, text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let copy = IconButton::new(icons::COPY, t!("try.copy_answer", who = name)).size(22.0);
            if ui.add_enabled(!turn.answer.is_empty(), copy).clicked() {
                ui.ctx().copy_text(turn.answer.trim().to_owned());
            }
        });
    });
}

fn composer(ui: &mut Ui, bench: &mut Bench, arrived: bool) {
    let busy = bench.state.talk.busy();
    let cannot = bench.cannot_ask();
    let p = theme::palette(ui);
    if let Some(reason) = cannot.as_ref().filter(|_| !busy) {
        ui.horizontal(|ui| {
            icon_label(ui, icons::INFO, 16.0, p.string);
            ui.label(theme::soft(ui, reason));
        });
    }
    ui.horizontal_top(|ui| {
        let width = ui.available_width() - 110.0;
        let enter = ui.memory(|m| m.has_focus(egui::Id::unique("draft")));
        let send = enter && ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Enter));
        let draft = &mut bench.state.talk.draft;
        let edit = TextEdit::multiline(draft)
            .id(egui::Id::unique("draft"))
            .desired_rows(2)
            .desired_width(width)
            .hint_text(t!("try.hint"));
        let edit = edit
            .return_key(egui::KeyboardShortcut::new(Modifiers::SHIFT, Key::Enter))
            .margin(Margin::symmetric(12, 10));
        let field = ui.add(edit).accessible_name(t!("try.prompt"));
        if arrived {
            field.request_focus();
        }
        ui.with_layout(Layout::top_down(Align::Max), |ui| {
            if busy {
                if ui
                    .add(Push::danger(t!("try.stop")).icon(icons::STOP).large().width(96.0).name(t!("try.stop_answer")))
                    .clicked()
                {
                    bench.stop_answer();
                }
            } else {
                let ready = cannot.is_none() && !bench.state.talk.draft.trim().is_empty();
                let button = Push::primary(t!("try.send")).icon(icons::PAPER_PLANE_RIGHT).large().width(96.0);
                if ui.add_enabled(ready, button).clicked() || (send && ready) {
                    bench.send_draft();
                }
            }
        });
    });
}

fn settings(ui: &mut Ui, bench: &mut Bench) {
    let talk = &mut bench.state.talk;
    Card::new(t!("try.settings")).icon(icons::SLIDERS_HORIZONTAL).show(ui, |ui| {
        let options = [(true, t!("try.as_chat")), (false, t!("try.as_text"))];
        segmented(ui, &mut talk.as_chat, &options);
        let about = if talk.as_chat { t!("try.as_chat_about") } else { t!("try.as_text_about") };
        ui.add(Label::new(theme::soft(ui, about)).wrap());
        let default = Sampling { max_new_tokens: Talk::default().sampling.max_new_tokens, ..Sampling::default() };
        let s = &mut talk.sampling;
        row(ui, "temperature", &mut s.temperature, default.temperature, 0.0..=2.0, 0.01);
        row(ui, "top_p", &mut s.top_p, default.top_p, 0.01..=1.0, 0.005);
        row(ui, "top_k", &mut s.top_k, default.top_k, 0..=1000, 0.5);
        row(ui, "max_new_tokens", &mut s.max_new_tokens, default.max_new_tokens, 1..=32_768, 1.0);
        row(ui, "sample_seed", &mut s.seed, default.seed, 0..=u64::from(u32::MAX), 1.0);
    });
    if talk.as_chat {
        Card::new(t!("try.system")).about(t!("try.system_about")).icon(icons::NOTE).show(ui, |ui| {
            let edit = TextEdit::multiline(&mut talk.system)
                .desired_rows(3)
                .desired_width(f32::INFINITY)
                .hint_text(t!("try.system_hint"));
            ui.add(edit).accessible_name(t!("try.system"));
        });
    }
}

fn row<N: egui::emath::Numeric + PartialEq>(
    ui: &mut Ui,
    name: &str,
    value: &mut N,
    default: N,
    range: std::ops::RangeInclusive<N>,
    speed: f64,
) {
    hairline(ui);
    let shown = format::setting(default.to_f64());
    if Setting::new(name).narrow().changed(*value != default, shown).show(ui, |ui| {
        number(ui, value, range, speed);
    }) {
        *value = default;
    }
}
