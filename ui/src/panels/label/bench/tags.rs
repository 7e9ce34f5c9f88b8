//! Words for what is wrong with an answer, as chips with their keys.

use egui::{Key, TextEdit, Ui, vec2};

use super::keys::caps;
use crate::bench::Bench;
use crate::command::{JudgingCommand, Named as _};
use crate::text::t;
use crate::widgets::Keyed;
use crate::{icons, theme};

/// Characters of a word that are shown; a queue's settings may hold anything.
const SHOWN: usize = 40;

/// The words that are offered, each pressed on and off, and a field for another one.
pub fn tag_chips(ui: &mut Ui, bench: &mut Bench) {
    let offered = bench.offered_tags();
    let can = bench.can_tag();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        ui.label(theme::soft(ui, t!("judging.tags")));
        let mut pressed = None;
        ui.add_enabled_ui(can, |ui| {
            for (at, tag) in offered.iter().enumerate() {
                let on = bench.desks.label.now.tags.contains(tag);
                let keys = JudgingCommand::Tag(at).shortcut().map(caps).unwrap_or_default();
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                let word: String = tag.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
                let name = t!("judging.tag_said", tag = word);
                let mut chip = Keyed::new(word, &keys).small().name(name).selected(on);
                // The ground alone would tell it by colour.
                if on {
                    chip = chip.icon(icons::CHECK);
                }
                if ui.add(chip).clicked() {
                    pressed = Some(at);
                }
            }
        });
        if let Some(at) = pressed {
            bench.mark_tag(at);
        }
        another(ui, bench, can);
    });
}

/// The same beside a pair: in sight once one is marked or asked for.
pub fn tags_of_pair(ui: &mut Ui, bench: &mut Bench) {
    let desk = &bench.desks.label;
    if desk.single.tags_shown || desk.single.new_tag.is_some() || !desk.now.tags.is_empty() {
        tag_chips(ui, bench);
    }
}

/// Opens and closes [`tags_of_pair`].
pub fn opener(ui: &mut Ui, bench: &mut Bench) {
    let signs = |at| JudgingCommand::Tag(at).shortcut().map(caps).unwrap_or_default().concat();
    let last = bench.offered_tags().len().clamp(1, JudgingCommand::TAGS) - 1;
    let keys = format!("{}-{}", signs(0), signs(last));
    let shown = bench.desks.label.single.tags_shown;
    let keys = [keys.as_str()];
    let button = Keyed::new(t!("judging.keys_tags"), &keys).small().quiet().selected(shown);
    if ui.add(button).clicked() {
        bench.desks.label.single.tags_shown = !shown;
    }
}

fn another(ui: &mut Ui, bench: &mut Bench, can: bool) {
    let Some(text) = &mut bench.desks.label.single.new_tag else {
        let keys = JudgingCommand::NewTag.shortcut().map(caps).unwrap_or_default();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let button = Keyed::new(t!("judging.new_tag_short"), &keys).small().quiet().name(t!("judging.new_tag"));
        if ui.add_enabled(can, button.icon(icons::PLUS)).clicked() {
            bench.begin_tag();
        }
        return;
    };
    let field = TextEdit::singleline(text).desired_width(200.0).hint_text(t!("judging.new_tag_hint"));
    let field = ui.add(field.min_size(vec2(0.0, 30.0))).accessible_name(t!("judging.new_tag"));
    if field.lost_focus() {
        // A click beside it keeps the word, as Enter does.
        bench.end_tag(!ui.input(|i| i.key_pressed(Key::Escape)));
    } else {
        field.request_focus();
    }
}
