//! Where the run computes, and what of it is kept where.

use egui::{Label, Ui};
use luthier_engine::recipe::Interval;

use super::form::Form;
use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::text::t;
use crate::widgets::{Card, IconButton, Setting, dropdown, hairline, toggle};
use crate::{format, icons, theme};

pub(super) fn keeping(ui: &mut Ui, bench: &mut Bench) {
    let device = bench.state.device().map(|d| d.name.clone());
    Card::new(t!("method.keeping")).icon(icons::FLOPPY_DISK).show(ui, |ui| {
        output_folder(ui, bench);
        hairline(ui);
        if !bench.state.recipe.output_dir.as_os_str().is_empty() {
            used_folder(ui, bench);
            hairline(ui);
        }
        let devices: Vec<(String, String)> = std::iter::once(("auto".to_owned(), t!("device.auto")))
            .chain(bench.state.trusted_devices().map(|d| (d.id.clone(), d.name.clone())))
            .collect();
        let recipe = &mut bench.state.recipe;
        let back = Setting::new("device").changed(recipe.device != "auto", t!("device.auto")).show(ui, |ui| {
            dropdown(ui, "device", 236.0, &mut recipe.device, &devices);
        });
        if back {
            recipe.device = "auto".into();
        }
        if let Some(device) = device.filter(|_| bench.state.recipe.device == "auto") {
            ui.label(theme::soft(ui, t!("device.auto_now", name = device)));
        }
        hairline(ui);
        let mut form = Form::new(&mut bench.state.recipe);
        form.choice(ui, "save_strategy", |r| &mut r.save_strategy, Interval::ALL);
        if form.recipe.save_strategy == Interval::Steps {
            form.number(ui, "save_steps", |r| &mut r.save_steps, 1..=1_000_000, 1.0);
        }
        form.optional(ui, "save_total_limit", |r| &mut r.save_total_limit, 1..=1000, 2, &t!("method.keep_all"));
        form.number(ui, "logging_steps", |r| &mut r.logging_steps, 1..=10_000, 0.1);
        form.number(ui, "layer_stats_steps", |r| &mut r.layer_stats_steps, -1..=1_000_000, 0.2);
    });
}

/// What to do where the chosen folder already holds a run.
fn used_folder(ui: &mut Ui, bench: &mut Bench) {
    let recipe = &mut bench.state.recipe;
    let mut resume = recipe.resume_from_checkpoint.is_some();
    let back = Setting::new("resume_from_checkpoint").changed(resume, t!("word.no")).show(ui, |ui| {
        toggle(ui, &mut resume);
    });
    if resume != recipe.resume_from_checkpoint.is_some() || back {
        recipe.resume_from_checkpoint = (resume && !back).then(|| recipe.output_dir.clone());
    }
    hairline(ui);
    let on = recipe.overwrite_output_dir;
    let back = Setting::new("overwrite_output_dir").changed(on, t!("word.no")).show(ui, |ui| {
        toggle(ui, &mut recipe.overwrite_output_dir);
    });
    if back {
        recipe.overwrite_output_dir = false;
    }
}

fn output_folder(ui: &mut Ui, bench: &mut Bench) {
    let folder = bench.state.recipe.output_dir.clone();
    let own = !folder.as_os_str().is_empty();
    let back = Setting::new("output_dir").changed(own, t!("method.output_auto")).show(ui, |ui| {
        if ui.add(IconButton::new(icons::FOLDER_OPEN, t!("method.choose_output")).size(30.0)).clicked() {
            bench.dialogs.ask(Ask::OutputFolder);
        }
        let shown = if own { format::path(&folder) } else { t!("method.output_auto") };
        ui.add(Label::new(theme::soft(ui, shown)).truncate());
    });
    if back {
        bench.state.recipe.output_dir = std::path::PathBuf::new();
    }
}
