//! A list of prompts that can be written.

use egui::{Id, Key, TextEdit, Ui, vec2};

use super::button::{IconButton, Push};
use crate::icons;
use crate::text::t;
use crate::theme::{self, CONTROL};

/// A list of prompts, one a line, and a line for another. A line that is left empty goes. True when the list changed.
pub fn prompt_lines(ui: &mut Ui, id: &str, list: &mut Vec<String>) -> bool {
    let mut changed = false;
    let mut gone = None;
    for (at, prompt) in list.iter_mut().enumerate() {
        ui.horizontal(|ui| {
            let number = format!("{}", at + 1);
            ui.add_sized(vec2(16.0, CONTROL), egui::Label::new(theme::soft(ui, number)).selectable(false));
            let width = (ui.available_width() - 40.0).max(80.0);
            let edit = ui
                .add(TextEdit::singleline(prompt).desired_width(width).min_size(vec2(0.0, CONTROL)))
                .accessible_name(t!("prompts.number", n = at + 1));
            changed |= edit.changed();
            let remove = ui.add(IconButton::new(icons::X, t!("prompts.remove", n = at + 1)));
            if remove.clicked() || (edit.lost_focus() && prompt.trim().is_empty()) {
                gone = Some(at);
            }
        });
    }
    if let Some(at) = gone {
        list.remove(at);
        changed = true;
    }
    changed | another(ui, ui.make_persistent_id(id), list)
}

/// The line in which the next prompt is written.
fn another(ui: &mut Ui, id: Id, list: &mut Vec<String>) -> bool {
    let mut text = ui.data(|d| d.get_temp::<String>(id)).unwrap_or_default();
    let mut add = false;
    ui.horizontal(|ui| {
        let label = t!("prompts.add");
        let width = (ui.available_width() - 96.0).max(80.0);
        let edit =
            TextEdit::singleline(&mut text).id(id.with("new")).desired_width(width).hint_text(t!("prompts.hint"));
        let edit = ui.add(edit.min_size(vec2(0.0, CONTROL))).accessible_name(t!("prompts.new"));
        let entered = edit.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        if entered {
            edit.request_focus();
        }
        let button = ui.add_enabled(!text.trim().is_empty(), Push::plain(label).icon(icons::PLUS));
        add = (entered || button.clicked()) && !text.trim().is_empty();
    });
    if add {
        list.push(text.trim().to_owned());
        text.clear();
    }
    ui.data_mut(|d| d.insert_temp(id, text));
    add
}
