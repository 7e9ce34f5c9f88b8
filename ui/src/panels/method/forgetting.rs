//! Against forgetting: general data mixed in, a pull towards the starting model, and a meter with a limit.

use egui::Ui;
use luthier_engine::recipe::{Recipe, Stage};

use super::form::Form;
use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::icons;
use crate::text::t;
use crate::widgets::Card;

/// Those that the card draws for `recipe`.
fn keys(recipe: &Recipe) -> Vec<&'static str> {
    let learns_text = matches!(recipe.stage, Stage::Sft | Stage::Pt);
    let replays = !recipe.replay_dataset.is_empty();
    let measures = !recipe.forgetting_dataset.is_empty() || recipe.forgetting_limit.is_some();
    [
        // First, as the fold is remembered by it.
        ("forgetting_dataset", true),
        // Rows of another kind cannot stand among pairs or likes; a recipe that asks for it can be set right here.
        ("replay_dataset", learns_text || replays),
        ("replay_ratio", replays),
        // The other stages are held to their reference by pref_beta or ppo_kl_coef, and the engine refuses both at once.
        ("kl_penalty", learns_text || recipe.kl_penalty != Recipe::default().kl_penalty),
        ("forgetting_steps", measures),
        ("forgetting_limit", measures),
    ]
    .into_iter()
    .filter_map(|(key, drawn)| drawn.then_some(key))
    .collect()
}

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    let title = t!("method.forgetting");
    let Bench { state, dialogs, .. } = bench;
    Card::new(&title).about(t!("method.forgetting_about")).icon(icons::CLOCK).show(ui, |ui| {
        let mut form = Form::new(&mut state.recipe);
        let keys = keys(form.recipe);
        let draws = |key: &str| keys.contains(&key);
        form.more(ui, &title, &keys, |ui, form| {
            if draws("replay_dataset") {
                form.files(ui, "replay_dataset", |r| &mut r.replay_dataset, (dialogs, Ask::ReplayFile));
            }
            if draws("replay_ratio") {
                form.number(ui, "replay_ratio", |r| &mut r.replay_ratio, 0.0..=0.99, 0.005);
            }
            if draws("kl_penalty") {
                form.number(ui, "kl_penalty", |r| &mut r.kl_penalty, 0.0..=100.0, 0.005);
            }
            form.files(ui, "forgetting_dataset", |r| &mut r.forgetting_dataset, (dialogs, Ask::ForgettingFile));
            if draws("forgetting_steps") {
                form.number(ui, "forgetting_steps", |r| &mut r.forgetting_steps, 1..=1_000_000, 0.5);
                let never = t!("method.no_limit");
                form.optional(ui, "forgetting_limit", |r| &mut r.forgetting_limit, 0.001..=100.0, 0.2, &never);
            }
        });
    });
}
