//! Where the data is: a path, the system's dialog, or one of the files used before.

use egui::Ui;

use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::icons;
use crate::panels::start::recent_buttons;
use crate::text::t;
use crate::widgets::{Card, Push, field_and_buttons, path_entry};

pub fn ui(ui: &mut Ui, bench: &mut Bench, typed: &mut String) {
    let mut chosen = None;
    Card::new(t!("data.choose")).about(t!("data.choose_about")).icon(icons::DATABASE).show(ui, |ui| {
        let mut entered = None;
        field_and_buttons(
            ui,
            "data path",
            |ui, width| entered = path_entry(ui, &t!("data.path"), &t!("data.path_hint"), typed, width),
            |ui| {
                if ui.add(Push::plain(t!("command.import_data")).icon(icons::FILE_ARROW_DOWN)).clicked() {
                    bench.dialogs.ask(Ask::DataFile);
                }
            },
        );
        chosen = recent_buttons(ui, &bench.settings.recent_data).or(entered);
    });
    if let Some(path) = chosen {
        bench.desks.rows.choosing = false;
        bench.open_data(path);
    }
}
