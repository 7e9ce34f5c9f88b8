//! How long and how fast the run learns, and how it is judged on the way.

use egui::Ui;
use luthier_engine::recipe::{Interval, SchedulerType};

use super::form::Form;
use crate::bench::Bench;
use crate::icons;
use crate::panels::Panel;
use crate::text::{say, t};
use crate::theme;
use crate::widgets::{Card, Notice, Push, number, toggle};

const MORE: &[&str] = &[
    "warmup_steps",
    "weight_decay",
    "max_grad_norm",
    "adam_beta1",
    "adam_beta2",
    "adam_epsilon",
    "seed",
    "disable_shuffling",
];

pub(super) fn training(ui: &mut Ui, bench: &mut Bench) {
    let title = t!("method.training");
    Card::new(&title).icon(icons::FLAME).show(ui, |ui| {
        let mut form = Form::new(&mut bench.state.recipe);
        form.number(ui, "learning_rate", |r| &mut r.learning_rate, 0.0..=1.0, 1e-6);
        length(ui, &mut form);
        form.number(ui, "per_device_train_batch_size", |r| &mut r.per_device_train_batch_size, 1..=4096, 0.1);
        form.number(ui, "gradient_accumulation_steps", |r| &mut r.gradient_accumulation_steps, 1..=4096, 0.1);
        form.choice(ui, "lr_scheduler_type", |r| &mut r.lr_scheduler_type, SchedulerType::ALL);
        form.number(ui, "warmup_ratio", |r| &mut r.warmup_ratio, 0.0..=1.0, 0.002);
        form.more(ui, &title, MORE, |ui, form| {
            form.number(ui, "warmup_steps", |r| &mut r.warmup_steps, 0..=1_000_000, 0.5);
            form.number(ui, "weight_decay", |r| &mut r.weight_decay, 0.0..=10.0, 0.002);
            form.number(ui, "max_grad_norm", |r| &mut r.max_grad_norm, 0.0..=1000.0, 0.01);
            form.number(ui, "adam_beta1", |r| &mut r.adam_beta1, 0.0..=0.9999, 0.001);
            form.number(ui, "adam_beta2", |r| &mut r.adam_beta2, 0.0..=0.9999, 0.001);
            form.number(ui, "adam_epsilon", |r| &mut r.adam_epsilon, 0.0..=1.0, 1e-9);
            form.number(ui, "seed", |r| &mut r.seed, 0..=u64::from(u32::MAX), 1.0);
            form.on_off(ui, "disable_shuffling", |r| &mut r.disable_shuffling);
        });
    });
}

/// Passes over the data, or a number of steps instead.
fn length(ui: &mut Ui, form: &mut Form<'_>) {
    let by_steps = form.recipe.max_steps > 0;
    if !by_steps {
        form.number(ui, "num_train_epochs", |r| &mut r.num_train_epochs, 0.01..=1000.0, 0.02);
    }
    let back = form.own(ui, "max_steps", by_steps, t!("word.no"), |ui, recipe| {
        let mut on = recipe.max_steps > 0;
        let label = say("field.max_steps.label");
        if toggle(ui, &mut on).accessible_name(t!("method.own_value", label = label)).changed() {
            recipe.max_steps = if on { 100 } else { -1 };
        }
        if on {
            number(ui, &mut recipe.max_steps, 1..=10_000_000, 0.5);
        } else {
            ui.label(theme::soft(ui, t!("method.by_epochs")));
        }
    });
    if back {
        form.recipe.max_steps = -1;
    }
}

pub(super) fn evaluation(ui: &mut Ui, bench: &mut Bench) {
    let has_rows = bench.state.recipe.has_eval_data();
    Card::new(t!("method.evaluation")).about(t!("method.evaluation_about")).icon(icons::TARGET).show(ui, |ui| {
        if !has_rows {
            Notice::info(t!("method.no_eval_rows")).show_with(ui, |ui| {
                if ui.add(Push::plain(t!("method.to_data")).small()).clicked() {
                    bench.panel = Panel::Data;
                }
            });
            return;
        }
        let interval = bench.state.recipe.logging_steps;
        let mut form = Form::new(&mut bench.state.recipe);
        form.choice(ui, "eval_strategy", |r| &mut r.eval_strategy, Interval::ALL);
        if form.recipe.eval_strategy == Interval::Steps {
            form.optional(
                ui,
                "eval_steps",
                |r| &mut r.eval_steps,
                1..=1_000_000,
                50,
                &t!("method.eval_auto", n = interval),
            );
        }
        form.number(ui, "per_device_eval_batch_size", |r| &mut r.per_device_eval_batch_size, 1..=4096, 0.1);
        form.optional(ui, "early_stopping_steps", |r| &mut r.early_stopping_steps, 1..=1000, 3, &t!("word.no"));
    });
}
