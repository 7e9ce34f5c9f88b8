//! Settings of the window itself: how it looks, what it speaks, where things are kept.

use egui::{Label, RichText, Ui};

use crate::bench::Bench;
use crate::format;
use crate::icons;
use crate::store::{Look, Settings, home};
use crate::text::{Language, speak, t};
use crate::theme;
use crate::widgets::{Card, Push, Setting, column, hairline, number, segmented};

pub fn ui(ui: &mut Ui, bench: &mut Bench) {
    column(ui, "settings", |ui| {
        Card::new(t!("settings.look")).icon(icons::SUN).show(ui, |ui| {
            let settings = &mut bench.settings;
            let back = Setting::new("look").changed(settings.look != Look::System, t!("look.system")).show(ui, |ui| {
                let options =
                    [(Look::System, t!("look.system")), (Look::Light, t!("look.light")), (Look::Dark, t!("look.dark"))];
                segmented(ui, &mut settings.look, &options);
            });
            if back {
                settings.look = Look::System;
            }
            hairline(ui);
            Setting::new("language").show(ui, |ui| {
                let options = Language::ALL.map(|l| (l, l.own_name().to_owned()));
                if segmented(ui, &mut settings.language, &options) {
                    speak(settings.language);
                }
            });
            hairline(ui);
            let changed = (settings.zoom - 1.0).abs() > 1e-3;
            let back = Setting::new("zoom").changed(changed, "100 %").show(ui, |ui| {
                let mut percent = (settings.zoom * 100.0).round();
                if number(ui, &mut percent, 75.0..=200.0, 0.5).changed() {
                    settings.zoom = percent / 100.0;
                }
            });
            if back {
                settings.zoom = Settings::default().zoom;
            }
        });
        Card::new(t!("settings.keeping")).about(t!("settings.keeping_about")).icon(icons::FOLDER).show(ui, |ui| {
            ui.add(Label::new(RichText::new(format::path(&home())).monospace()).wrap());
            ui.horizontal(|ui| {
                if ui.add(Push::plain(t!("settings.copy_path")).icon(icons::COPY)).clicked() {
                    ui.ctx().copy_text(home().display().to_string());
                    bench.notes.push(t!("note.copied"));
                }
                if ui.add(Push::plain(t!("settings.forget_recent")).icon(icons::ERASER)).clicked() {
                    bench.settings.recent_models.clear();
                    bench.settings.recent_data.clear();
                    bench.settings.recent_recipes.clear();
                }
            });
        });
        Card::new(t!("settings.memory")).about(t!("settings.memory_about")).icon(icons::MEMORY).show(ui, |ui| {
            if ui.add(Push::plain(t!("command.free_models")).icon(icons::MEMORY)).clicked() {
                bench.unload_models();
            }
        });
        Card::new(t!("settings.about")).icon(icons::INFO).show(ui, |ui| {
            ui.label(t!("settings.version", version = env!("CARGO_PKG_VERSION")));
            let about = theme::soft(ui, t!("settings.licence"));
            ui.add(Label::new(about).wrap());
        });
    });
}
