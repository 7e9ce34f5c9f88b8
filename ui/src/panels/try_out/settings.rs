//! How the models answer: settings of the conversation.

use egui::{Align, Label, Layout, TextEdit, Ui};
use luthier_engine::protocol::Sampling;

use super::tokens;
use crate::bench::Bench;
use crate::state::Conversation;
use crate::text::t;
use crate::widgets::{Card, Setting, hairline, number, segmented, toggle};
use crate::{format, icons, theme};

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    let talk = bench.state.talk.front_mut();
    let kept = |talk: &Conversation| (talk.as_chat, talk.chances, talk.sampling.clone());
    let before = kept(talk);
    Card::new(t!("try.settings")).icon(icons::SLIDERS_HORIZONTAL).show(ui, |ui| {
        let options = [(true, t!("try.as_chat")), (false, t!("try.as_text"))];
        segmented(ui, &mut talk.as_chat, &options);
        let about = if talk.as_chat { t!("try.as_chat_about") } else { t!("try.as_text_about") };
        ui.add(Label::new(theme::soft(ui, about)).wrap());
        let default = Conversation::default().sampling;
        let s: &mut Sampling = &mut talk.sampling;
        row(ui, "temperature", &mut s.temperature, default.temperature, 0.0..=2.0, 0.01);
        row(ui, "top_p", &mut s.top_p, default.top_p, 0.01..=1.0, 0.005);
        row(ui, "top_k", &mut s.top_k, default.top_k, 0..=1000, 0.5);
        row(ui, "max_new_tokens", &mut s.max_new_tokens, default.max_new_tokens, 1..=32_768, 1.0);
        row(ui, "sample_seed", &mut s.seed, default.seed, 0..=u64::from(u32::MAX), 1.0);
    });
    let mut typed = false;
    if talk.as_chat {
        Card::new(t!("try.system")).about(t!("try.system_about")).icon(icons::NOTE).show(ui, |ui| {
            let edit = TextEdit::multiline(&mut talk.system)
                .desired_rows(3)
                .desired_width(f32::INFINITY)
                .hint_text(t!("try.system_hint"));
            typed = ui.add(edit).accessible_name(t!("try.system")).changed();
        });
    }
    Card::new("").show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.add(Label::new(theme::strong(t!("try.chances")).size(15.0)).selectable(false));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.name_inputs(t!("try.chances"), |ui| toggle(ui, &mut talk.chances));
            });
        });
        ui.add(Label::new(theme::soft(ui, t!("try.chances_about"))).wrap());
        if talk.chances {
            tokens::legend(ui);
        }
    });
    bench.desks.talk.unsettled |= typed || before != kept(bench.state.talk.front());
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
