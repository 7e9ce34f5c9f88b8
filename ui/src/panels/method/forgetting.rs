//! Against forgetting: general data mixed in, a pull towards the starting model, and a meter with a limit.

use egui::Ui;
use luthier_engine::recipe::Stage;

use super::form::Form;
use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::icons;
use crate::text::t;
use crate::widgets::Card;

const KEYS: &[&str] =
    &["replay_dataset", "replay_ratio", "kl_penalty", "forgetting_dataset", "forgetting_steps", "forgetting_limit"];

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    let title = t!("method.forgetting");
    let Bench { state, dialogs, .. } = bench;
    Card::new(&title).about(t!("method.forgetting_about")).icon(icons::CLOCK).show(ui, |ui| {
        let mut form = Form::new(&mut state.recipe);
        form.more(ui, &title, KEYS, |ui, form| {
            // Rows of another kind cannot stand among pairs or likes.
            let mixes = matches!(form.recipe.stage, Stage::Sft | Stage::Pt) || !form.recipe.replay_dataset.is_empty();
            if mixes {
                form.files(ui, "replay_dataset", |r| &mut r.replay_dataset, (dialogs, Ask::ReplayFile));
            }
            if !form.recipe.replay_dataset.is_empty() {
                form.number(ui, "replay_ratio", |r| &mut r.replay_ratio, 0.0..=0.99, 0.005);
            }
            // PPO has a penalty of its own.
            if form.recipe.stage != Stage::Ppo {
                form.number(ui, "kl_penalty", |r| &mut r.kl_penalty, 0.0..=100.0, 0.005);
            }
            form.files(ui, "forgetting_dataset", |r| &mut r.forgetting_dataset, (dialogs, Ask::ForgettingFile));
            if !form.recipe.forgetting_dataset.is_empty() || form.recipe.forgetting_limit.is_some() {
                form.number(ui, "forgetting_steps", |r| &mut r.forgetting_steps, 1..=1_000_000, 0.5);
                let never = t!("method.no_limit");
                form.optional(ui, "forgetting_limit", |r| &mut r.forgetting_limit, 0.001..=100.0, 0.2, &never);
            }
        });
    });
}
