//! Prompts that a run answers on the way.

use egui::Ui;
use luthier_engine::recipe::{Recipe, Stage};

use super::form::Form;
use crate::bench::Bench;
use crate::icons;
use crate::text::t;
use crate::widgets::{Card, drawn, hairline, prompt_lines};

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    let recipe = &mut bench.state.recipe;
    // A reward model writes no text; what a recipe says of it all the same is among the settings that do not fit.
    if recipe.stage == Stage::Rm {
        return;
    }
    Card::new(t!("prompts.title")).about(t!("prompts.about")).icon(icons::CHATS_CIRCLE).show(ui, |ui| {
        drawn(ui, "sample_prompts");
        prompt_lines(ui, "run prompts", &mut recipe.sample_prompts);
        let default = Recipe::default();
        let told = !recipe.sample_prompts.is_empty()
            || recipe.sample_steps != default.sample_steps
            || recipe.sample_max_new_tokens != default.sample_max_new_tokens;
        if told {
            hairline(ui);
            let mut form = Form::new(recipe);
            form.number(ui, "sample_steps", |r| &mut r.sample_steps, 0..=1_000_000, 0.5);
            form.number(ui, "sample_max_new_tokens", |r| &mut r.sample_max_new_tokens, 1..=4096, 1.0);
        }
    });
}
