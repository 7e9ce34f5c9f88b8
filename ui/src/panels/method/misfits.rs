//! Changed settings that no other card draws: those of another method, left over after a switch, and those of a recipe
//! file that the form has no control for. Start may hang on them, so each can be seen and taken back.

use std::collections::BTreeSet;

use egui::{Label, Ui};

use crate::bench::Bench;
use crate::state::{back_to_default, written_value};
use crate::text::{t, try_say};
use crate::widgets::{Card, Push, hairline};
use crate::{icons, theme};

/// Chosen in cards of their own, or with the model and the data.
const ELSEWHERE: [&str; 5] = ["model_name_or_path", "dataset", "dataset_dir", "finetuning_type", "stage"];

/// Of use beside the form whatever the method: how Try samples, what becomes of the folder, and the epochs that a number
/// of steps stands before.
const HARMLESS: [&str; 7] = [
    "temperature",
    "top_p",
    "top_k",
    "max_new_tokens",
    "overwrite_output_dir",
    "resume_from_checkpoint",
    "num_train_epochs",
];

/// The Data panel has them once there is data.
const WITH_DATA: [&str; 5] = ["cutoff_len", "train_on_prompt", "mask_history", "val_size", "eval_dataset"];

/// `drawn` are the settings that the other cards have drawn in this frame.
pub(super) fn ui(ui: &mut Ui, bench: &mut Bench, drawn: &BTreeSet<String>) {
    let has_data = bench.state.data.summary.is_some();
    let elsewhere =
        |key: &str| ELSEWHERE.contains(&key) || HARMLESS.contains(&key) || (has_data && WITH_DATA.contains(&key));
    let changed = bench.state.recipe.changed_from_default().into_iter();
    // What has a label is drawn by some method, only not by this one.
    let (misfits, plain): (Vec<_>, Vec<_>) = changed
        .filter(|key| !elsewhere(key) && !drawn.contains(*key))
        .map(|key| (key, try_say(&format!("field.{key}.label"))))
        .partition(|(_, label)| label.is_some());
    card(ui, bench, t!("method.misfits"), t!("method.misfits_about"), misfits);
    card(ui, bench, t!("method.file_only"), t!("method.file_only_about"), plain);
}

fn card(ui: &mut Ui, bench: &mut Bench, title: String, about: String, keys: Vec<(&'static str, Option<String>)>) {
    if keys.is_empty() {
        return;
    }
    Card::new(title).about(about).icon(icons::WARNING_CIRCLE).show(ui, |ui| {
        for (i, (key, label)) in keys.into_iter().enumerate() {
            if i > 0 {
                hairline(ui);
            }
            let label = label.unwrap_or_else(|| key.to_owned());
            let value = written_value(&bench.state.recipe, key);
            ui.horizontal(|ui| {
                let back = Push::plain(t!("method.back"))
                    .icon(icons::ARROW_COUNTER_CLOCKWISE)
                    .small()
                    .name(t!("method.back_of", label = label));
                if ui.add(back).clicked() {
                    back_to_default(&mut bench.state.recipe, key);
                }
                ui.add(Label::new(theme::strong(&label)));
                ui.add(Label::new(theme::soft(ui, value)).truncate());
            });
        }
    });
}
