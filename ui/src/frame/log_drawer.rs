//! The log: everything of note since the start, newest at the foot.

use egui::{Align, Label, Layout, RichText, ScrollArea, Ui};

use crate::state::{Entry, Level, Log};
use crate::text::t;
use crate::widgets::IconButton;
use crate::{icons, theme};

pub fn log_drawer(ui: &mut Ui, log: &Log, open: &mut bool) {
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        ui.add_space(12.0);
        ui.add(Label::new(theme::strong(t!("log.title"))).selectable(false));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_space(8.0);
            if ui.add(IconButton::new(icons::X, t!("log.close"))).clicked() {
                *open = false;
            }
            copy_button(ui, log);
        });
    });
    ui.horizontal(|ui| {
        ui.add_space(12.0);
        ui.vertical(|ui| log_lines(ui, log, "drawer", ui.available_height()));
    });
}

pub fn copy_button(ui: &mut Ui, log: &Log) {
    if ui.add_enabled(!log.entries.is_empty(), IconButton::new(icons::COPY, t!("log.copy"))).clicked() {
        ui.ctx().copy_text(log.as_text());
    }
}

/// The lines, only those in sight put into words.
pub fn log_lines(ui: &mut Ui, log: &Log, id: &str, height: f32) {
    if log.entries.is_empty() {
        ui.add(Label::new(theme::soft(ui, t!("status.quiet"))).selectable(false));
        return;
    }
    let p = theme::palette(ui);
    ui.spacing_mut().item_spacing.y = 2.0;
    let row = ui.text_style_height(&egui::TextStyle::Monospace);
    let area = ScrollArea::vertical()
        .id_salt(("log", id))
        .max_height(height)
        .min_scrolled_height(height)
        .auto_shrink([false, false])
        .stick_to_bottom(true);
    area.show_rows(ui, row, log.entries.len(), |ui, range| {
        for entry in log.entries.range(range) {
            let colour = match (entry.level(), entry) {
                (Level::Bad, _) => p.bad,
                (Level::Warn, _) => p.warn,
                (_, Entry::Stepped { .. } | Entry::Sampled { .. }) => p.ink_soft,
                _ => p.ink,
            };
            let text = entry.say().replace('\n', "  ");
            ui.add(Label::new(RichText::new(text).monospace().size(12.0).color(colour)).truncate());
        }
    });
}
