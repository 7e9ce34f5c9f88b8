//! What of the rows is learned, how long they may be, and which are set aside to measure with.

use egui::Ui;
use luthier_engine::data::DataSummary;

use super::share_bar::{Share, share_bar};
use crate::bench::Bench;
use crate::desks::RowFilter;
use crate::dialogs::Ask;
use crate::state::usable_rows;
use crate::text::t;
use crate::widgets::{Card, Push, Setting, hairline, number, toggle};
use crate::{format, icons, theme};

pub fn ui(ui: &mut Ui, bench: &mut Bench, summary: &DataSummary) {
    Card::new(t!("split.title")).icon(icons::SCISSORS).show(ui, |ui| {
        let recipe = &mut bench.state.recipe;
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
        hairline(ui);
        eval_file(ui, bench);
        hairline(ui);
        bar(ui, bench);
    });
}

/// How many rows are learned and how many are set aside.
fn bar(ui: &mut Ui, bench: &mut Bench) {
    let mix = bench.mix();
    let learned = mix.learned();
    if learned + mix.aside == 0 {
        return;
    }
    let share = |name: String, rows: usize, colour, hatched| Share {
        name,
        amount: rows as f64,
        said: format::count(rows as u64),
        colour,
        hatched,
        faint: false,
    };
    let mut shares = vec![share(t!("rows.to_learn"), learned, theme::series(ui, 0), false)];
    if mix.aside > 0 {
        shares.push(share(t!("rows.set_aside"), mix.aside, theme::series(ui, 1), true));
    }
    if share_bar(ui, &t!("split.title"), &shares) == Some(1) && bench.rows_aside().is_some() {
        bench.filter_rows(RowFilter::Aside);
    }
    if mix.aside > 0 {
        ui.label(theme::soft(ui, t!("split.aside", n = format::count(mix.aside as u64))));
    }
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
