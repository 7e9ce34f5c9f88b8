//! What of the rows is learned, how long they may be, and which are set aside to measure with.

use egui::Ui;
use luthier_engine::data::DataSummary;
use luthier_engine::recipe::Recipe;

use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::state::usable_rows;
use crate::text::t;
use crate::widgets::{Card, Push, Setting, hairline, number, toggle};
use crate::{format, icons};

pub fn ui(ui: &mut Ui, bench: &mut Bench, summary: &DataSummary) {
    let default = Recipe::default();
    Card::new(t!("split.title")).icon(icons::SCISSORS).show(ui, |ui| {
        let recipe = &mut bench.state.recipe;
        let changed = recipe.cutoff_len != default.cutoff_len;
        let back = Setting::new("cutoff_len").changed(changed, default.cutoff_len.to_string()).show(ui, |ui| {
            number(ui, &mut recipe.cutoff_len, 1..=1_000_000, 8.0);
        });
        if back {
            recipe.cutoff_len = default.cutoff_len;
        }
        hairline(ui);
        let back = Setting::new("train_on_prompt").changed(recipe.train_on_prompt, t!("word.no")).show(ui, |ui| {
            toggle(ui, &mut recipe.train_on_prompt);
        });
        if back {
            recipe.train_on_prompt = false;
        }
        hairline(ui);
        let back = Setting::new("mask_history").changed(recipe.mask_history, t!("word.no")).show(ui, |ui| {
            toggle(ui, &mut recipe.mask_history);
        });
        if back {
            recipe.mask_history = false;
        }
        hairline(ui);
        let mut val_size = recipe.val_size;
        let none_named = recipe.eval_dataset.is_empty();
        let back = Setting::new("val_size").enabled(none_named).changed(val_size != 0.0, "0").show(ui, |ui| {
            number(ui, &mut val_size, 0.0..=usable_rows(summary) as f64, 0.01);
        });
        let val_size = if back { 0.0 } else { val_size };
        if val_size != bench.state.recipe.val_size {
            bench.set_val_size(val_size);
        }
        let aside = rows_aside(val_size, usable_rows(summary));
        if aside > 0 && none_named {
            ui.label(crate::theme::soft(ui, t!("split.aside", n = format::count(aside as u64))));
        }
        hairline(ui);
        eval_file(ui, bench);
    });
}

/// As the engine splits: a share below 1, else a number of rows.
fn rows_aside(val_size: f64, rows: usize) -> usize {
    if val_size < 1.0 { (val_size * rows as f64).ceil() as usize } else { (val_size as usize).min(rows) }
}

fn eval_file(ui: &mut Ui, bench: &mut Bench) {
    let named = bench.state.recipe.eval_dataset.first().cloned();
    let shown = named.as_deref().map(|n| format::path(std::path::Path::new(n)));
    let back = Setting::new("eval_dataset").wide().changed(named.is_some(), t!("word.none")).show(ui, |ui| {
        if ui.add(Push::plain(t!("split.choose_file")).icon(icons::FILE_ARROW_DOWN)).clicked() {
            bench.dialogs.ask(Ask::EvalDataFile);
        }
        if let Some(shown) = shown {
            ui.add(egui::Label::new(shown).truncate());
        }
    });
    if back {
        bench.state.recipe.eval_dataset.clear();
        bench.set_val_size(bench.state.recipe.val_size);
    }
}
