//! The Method panel: what of the model is trained and how, and the button that starts it, with what is still missing.

mod adapter;
mod advisor;
mod cards;
mod forgetting;
mod form;
mod formulas;
mod freezing;
mod groups;
mod keeping;
mod misfits;
mod ppo;
mod preference;
mod prompts;
mod recipe_view;
mod training;

use egui::{Frame, Label, ScrollArea, Ui, vec2};
use luthier_engine::recipe::{FinetuningType, PrefLoss, Recipe, Stage};

pub use advisor::because;

use super::data::kind_name;
use crate::bench::Bench;
use crate::desks::MethodPage;
use crate::state::{Missing, back_to_default, to_take_back};
use crate::text::{say, t, try_say};
use crate::widgets::{Card, Fact, Notice, Push, column, facts, icon_label, tag};
use crate::{format, icons, theme};

/// Width of the column at the right, which stays while the settings scroll.
const SIDE: f32 = 332.0;

#[derive(Default)]
pub struct MethodPanel {
    recipe_view: recipe_view::RecipeView,
    comparison: advisor::Comparison,
}

impl MethodPanel {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench, arrived: bool) {
        // Whoever has set something, or comes with a recipe, wants the settings.
        let untouched = changed(&bench.state.recipe) == 0 && bench.state.recipe.finetuning_type == FinetuningType::Lora;
        let ready = bench.state.model.ready().is_some() && bench.state.data.usable();
        if arrived && ready && untouched && bench.desks.advisor.page.is_none() {
            bench.desks.advisor.page = Some(MethodPage::Advisor);
        }
        match advisor::page_switch(ui, bench) {
            MethodPage::Advisor => advisor::ui(ui, bench),
            MethodPage::Compare => self.comparison.ui(ui, bench),
            MethodPage::Settings => self.settings(ui, bench),
        }
    }

    fn settings(&mut self, ui: &mut Ui, bench: &mut Bench) {
        let beside = ui.available_width() >= SIDE + 420.0;
        if beside {
            self.side(ui, bench);
        }
        column(ui, "method", |ui| {
            if !beside {
                start_card(ui, bench);
            }
            if let Some(card) = bench.lesson_of_form() {
                Notice::info(t!("rounds.form_note", name = card.name)).show(ui);
            }
            cards::what_is_learned(ui, bench);
            cards::which_weights(ui, bench);
            changed_line(ui, bench);
            groups::ui(ui, bench);
            if !beside {
                self.recipe_view.ui(ui, bench);
            }
        });
    }

    /// What stays in sight while the settings scroll, where there is room for it.
    fn side(&mut self, ui: &mut Ui, bench: &mut Bench) {
        egui::Panel::right("method-side")
            .exact_size(SIDE)
            .resizable(false)
            .show_separator_line(false)
            .frame(Frame::NONE)
            .show(ui, |ui| {
                ScrollArea::vertical().id_salt("method-side").auto_shrink([false, false]).show(ui, |ui| {
                    ui.add_space(16.0);
                    ui.set_width(SIDE - 24.0);
                    ui.spacing_mut().item_spacing.y = 12.0;
                    start_card(ui, bench);
                    self.recipe_view.ui(ui, bench);
                    ui.add_space(24.0);
                });
            });
    }
}

/// The method in two words, for the top bar.
pub fn short_name(recipe: &Recipe) -> String {
    let weights = match recipe.finetuning_type {
        FinetuningType::Lora if recipe.quantization_bit.is_some() => {
            t!("method.short_qlora", rank = recipe.lora_rank)
        }
        FinetuningType::Lora if recipe.use_dora => t!("method.short_dora", rank = recipe.lora_rank),
        FinetuningType::Lora => t!("method.short_lora", rank = recipe.lora_rank),
        FinetuningType::Freeze => t!("method.short_freeze", n = recipe.freeze_trainable_layers.abs()),
        FinetuningType::Full => t!("method.short_full"),
        FinetuningType::Oft => t!("method.short_oft"),
    };
    match recipe.stage {
        Stage::Sft => weights,
        Stage::Dpo if recipe.pref_loss != PrefLoss::Sigmoid => {
            format!("{}, {weights}", say(&format!("loss.{}", recipe.pref_loss)))
        }
        stage => format!("{}, {weights}", stage.as_str().to_uppercase()),
    }
}

/// Why Start is disabled, in a sentence.
pub fn reason(missing: &Missing) -> String {
    match missing {
        Missing::Model => t!("missing.model"),
        Missing::ModelBeingRead => t!("missing.model_being_read"),
        Missing::Data => t!("missing.data"),
        Missing::DataBeingRead => t!("missing.data_being_read"),
        Missing::DataUnusable => t!("missing.data_unusable"),
        Missing::DataKind { kind, stage } => {
            let (stage, needs) = (say(&format!("stage.{stage}")), say(&format!("needs.{stage}")));
            t!("missing.data_kind", stage = stage, needs = needs, kind = kind_name(*kind))
        }
        Missing::Reward => t!("missing.reward"),
        Missing::RunGoingOn => t!("missing.run_going_on"),
        Missing::Setting(problem) => {
            let label = field_label(&problem.field);
            match problem.remedy.as_str() {
                "" => t!("missing.setting", label = label, reason = problem.reason),
                remedy => t!("missing.setting_remedy", label = label, reason = problem.reason, remedy = remedy),
            }
        }
    }
}

/// Settings of the run itself, which the method cards, the model and the data do not choose.
fn changed(recipe: &Recipe) -> usize {
    let chosen_elsewhere = ["model_name_or_path", "dataset", "finetuning_type", "stage"];
    recipe.changed_from_default().iter().filter(|key| !chosen_elsewhere.contains(key)).count()
}

fn changed_line(ui: &mut Ui, bench: &mut Bench) {
    let n = changed(&bench.state.recipe);
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), 28.0),
        egui::Layout::left_to_right(egui::Align::Center),
        |ui| {
            let p = theme::palette(ui);
            if n == 0 {
                ui.label(theme::soft(ui, t!("method.all_default")));
                return;
            }
            tag(ui, &t!("method.changed", n = n), p.varnish, p.varnish_soft);
            if ui.add(Push::quiet(t!("method.reset_all")).icon(icons::ARROW_COUNTER_CLOCKWISE).small()).clicked() {
                let kept = &bench.state.recipe;
                bench.state.recipe = Recipe {
                    model_name_or_path: kept.model_name_or_path.clone(),
                    dataset: kept.dataset.clone(),
                    finetuning_type: kept.finetuning_type,
                    stage: kept.stage,
                    ..Recipe::default()
                };
                bench.notes.push(t!("note.reset"));
            }
        },
    );
}

fn start_card(ui: &mut Ui, bench: &mut Bench) {
    let missing = bench.state.missing();
    let title = if missing.is_empty() { t!("method.ready") } else { t!("method.missing") };
    Card::new(title).icon(if missing.is_empty() { icons::CHECK_CIRCLE } else { icons::LIST_CHECKS }).show(ui, |ui| {
        let p = theme::palette(ui);
        for missing in &missing {
            ui.horizontal_top(|ui| {
                icon_label(ui, icons::WARNING_CIRCLE, 16.0, p.warn);
                ui.add(Label::new(reason(missing)).wrap());
            });
            if let Missing::Setting(problem) = missing {
                take_back(ui, &mut bench.state.recipe, &problem.field);
            }
        }
        if missing.is_empty() {
            plan(ui, bench);
        }
        ui.add_space(4.0);
        if bench.can_add_to_queue() {
            let wait = Push::primary(t!("queue.add")).icon(icons::QUEUE).large().width(ui.available_width());
            if ui.add(wait).on_hover_text(t!("queue.add_hint")).clicked() {
                bench.add_to_queue();
            }
            return;
        }
        let button = Push::primary(t!("command.start_training")).icon(icons::PLAY).large().width(ui.available_width());
        if ui.add_enabled(missing.is_empty(), button).clicked() {
            bench.start_training();
        }
    });
}

/// The way back to the default, under a setting that blocks Start: wherever it is drawn, nobody is stuck.
fn take_back(ui: &mut Ui, recipe: &mut Recipe, field: &str) {
    let keys = to_take_back(recipe, field);
    if keys.is_empty() {
        return;
    }
    ui.horizontal(|ui| {
        ui.add_space(24.0);
        let name = t!("missing.back_of", label = field_label(field));
        let back = Push::plain(t!("method.back")).icon(icons::ARROW_COUNTER_CLOCKWISE).small().name(name);
        if ui.add(back).clicked() {
            keys.into_iter().for_each(|key| back_to_default(recipe, key));
        }
    });
}

/// What the form calls a setting; its key where the form has no word for it.
pub(super) fn field_label(field: &str) -> String {
    try_say(&format!("field.{field}.label")).unwrap_or_else(|| field.to_owned())
}

/// What pressing Start will do.
fn plan(ui: &mut Ui, bench: &Bench) {
    let recipe = &bench.state.recipe;
    let rows = bench.rows_of_mix();
    let steps = planned_steps(bench).map_or_else(|| "–".to_owned(), |n| format!("≈ {}", format::count(n)));
    facts(
        ui,
        130.0,
        vec![
            Fact::new(t!("plan.rows"), format::count(rows as u64)),
            Fact::new(t!("plan.per_step"), format::count(recipe.rows_per_step().max(1) as u64))
                .hint(t!("plan.per_step_hint")),
            Fact::new(t!("plan.steps"), steps),
            Fact::new(t!("plan.rate"), format::rate(recipe.learning_rate)),
        ],
    );
    for warning in recipe.setting_warnings() {
        ui.label(theme::soft(ui, warning));
    }
}

/// Steps that the run will take, about; None without data.
fn planned_steps(bench: &Bench) -> Option<u64> {
    steps_for(&bench.state.recipe, bench.rows_of_mix())
}

/// As engine/src/trainer/plan.rs counts, except that rows set aside for evaluation still count here.
fn steps_for(recipe: &Recipe, rows: usize) -> Option<u64> {
    let chosen = u64::try_from(recipe.max_steps).ok().filter(|n| *n > 0);
    let passes = |turns: usize| (turns as f64 * recipe.num_train_epochs).ceil() as u64;
    if recipe.stage == Stage::Ppo {
        // max_steps and epochs count updates, and each takes several steps.
        let turns = (rows / recipe.answers_per_update().max(1)).max(1);
        let updates = chosen.or_else(|| (rows > 0).then(|| passes(turns)))?;
        return Some(updates.saturating_mul(recipe.ppo_epochs as u64).saturating_mul(recipe.ppo_mini_batches as u64));
    }
    chosen.or_else(|| (rows > 0).then(|| passes(rows.div_ceil(recipe.rows_per_step().max(1)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ppo_takes_several_steps_an_update() {
        let mut recipe = Recipe { num_train_epochs: 1.0, per_device_train_batch_size: 4, ..Recipe::default() };
        assert_eq!((steps_for(&recipe, 0), steps_for(&recipe, 10)), (None, Some(3)));
        recipe.stage = Stage::Ppo;
        (recipe.ppo_buffer_size, recipe.ppo_epochs, recipe.ppo_mini_batches) = (2, 3, 2);
        assert_eq!(steps_for(&recipe, 33), Some(4 * 3 * 2), "updates are of 8 answers, what is left over is not one");
        assert_eq!(steps_for(&recipe, 5), Some(3 * 2), "at least one update a pass");
        recipe.max_steps = 7;
        assert_eq!(steps_for(&recipe, 33), Some(7 * 3 * 2));
        recipe.stage = Stage::Sft;
        assert_eq!(steps_for(&recipe, 33), Some(7));
    }
}
