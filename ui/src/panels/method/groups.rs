//! The settings of a run, in groups.

use egui::{Label, Ui, vec2};
use luthier_engine::protocol::ModelSummary;
use luthier_engine::recipe::{FinetuningType, Interval, SchedulerType};

use super::form::Form;
use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::format;
use crate::icons;
use crate::text::{say, t};
use crate::theme;
use crate::widgets::{Card, IconButton, Push, Setting, hairline, number, segmented, toggle};

pub fn ui(ui: &mut Ui, bench: &mut Bench) {
    match bench.state.recipe.finetuning_type {
        FinetuningType::Lora | FinetuningType::Oft => adapter(ui, bench),
        FinetuningType::Freeze => freeze(ui, bench),
        FinetuningType::Full => {}
    }
    training(ui, bench);
    evaluation(ui, bench);
    keeping(ui, bench);
}

fn adapter(ui: &mut Ui, bench: &mut Bench) {
    let model = bench.state.model.ready().cloned();
    Card::new(t!("method.adapter")).about(t!("method.adapter_about")).icon(icons::PAPERCLIP).show(ui, |ui| {
        let recipe = &mut bench.state.recipe;
        let twice = t!("method.alpha_auto", alpha = recipe.lora_rank * 2);
        let start = recipe.lora_rank as f64 * 2.0;
        let mut form = Form::new(recipe);
        form.number(ui, "lora_rank", |r| &mut r.lora_rank, 1..=1024, 0.2);
        form.optional(ui, "lora_alpha", |r| &mut r.lora_alpha, 0.001..=4096.0, start, &twice);
        form.number(ui, "lora_dropout", |r| &mut r.lora_dropout, 0.0..=0.95, 0.005);
        form.on_off(ui, "use_rslora", |r| &mut r.use_rslora);
        targets(ui, &mut form, model.as_ref());
    });
}

/// All linear layers, or those that are ticked; without a model, their names.
fn targets(ui: &mut Ui, form: &mut Form<'_>, model: Option<&ModelSummary>) {
    let is_all = form.recipe.lora_target == ["all"];
    let back = form.own(ui, "lora_target", !is_all, t!("choice.all"), |ui, recipe| {
        let mut all = recipe.lora_target == ["all"];
        let options = [(true, t!("choice.all")), (false, t!("method.some"))];
        if segmented(ui, &mut all, &options) {
            let usual = ["q_proj", "v_proj"];
            let known = model.map(|m| m.linear_names.clone()).unwrap_or_else(|| usual.map(str::to_owned).to_vec());
            let some = known.into_iter().filter(|name| usual.contains(&name.as_str())).collect();
            recipe.lora_target = if all { vec!["all".into()] } else { some };
        }
    });
    if back {
        form.recipe.lora_target = vec!["all".into()];
    }
    if form.recipe.lora_target == ["all"] {
        return;
    }
    let known = model.map(|m| m.linear_names.clone()).unwrap_or_default();
    if known.is_empty() {
        crate::widgets::words(ui, "lora_target_words", 360.0, &mut form.recipe.lora_target);
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        for name in &known {
            let on = form.recipe.lora_target.contains(name);
            if ui.add(Push::plain(name).small().selected(on).name(t!("method.target", name = name))).clicked() {
                if on {
                    form.recipe.lora_target.retain(|n| n != name);
                } else {
                    form.recipe.lora_target.push(name.clone());
                }
            }
        }
    });
}

fn freeze(ui: &mut Ui, bench: &mut Bench) {
    let layers = bench.state.model.ready().map(|m| m.layers as i64);
    Card::new(t!("method.freeze_group")).about(t!("method.freeze_about")).icon(icons::SNOWFLAKE).show(ui, |ui| {
        let mut form = Form::new(&mut bench.state.recipe);
        let count = form.recipe.freeze_trainable_layers;
        let back = form.own(ui, "freeze_trainable_layers", count != 2, t!("method.last_n", n = 2), |ui, recipe| {
            let mut n = recipe.freeze_trainable_layers.abs().max(1);
            let mut last = recipe.freeze_trainable_layers > 0;
            number(ui, &mut n, 1..=layers.unwrap_or(512), 0.1);
            segmented(ui, &mut last, &[(true, t!("method.last")), (false, t!("method.first"))]);
            recipe.freeze_trainable_layers = if last { n } else { -n };
        });
        if back {
            form.recipe.freeze_trainable_layers = 2;
        }
        form.words(ui, "freeze_trainable_modules", |r| &mut r.freeze_trainable_modules);
        form.words(ui, "freeze_extra_modules", |r| &mut r.freeze_extra_modules);
    });
}

fn training(ui: &mut Ui, bench: &mut Bench) {
    Card::new(t!("method.training")).icon(icons::FLAME).show(ui, |ui| {
        let mut form = Form::new(&mut bench.state.recipe);
        form.number(ui, "learning_rate", |r| &mut r.learning_rate, 0.0..=1.0, 1e-6);
        length(ui, &mut form);
        form.number(ui, "per_device_train_batch_size", |r| &mut r.per_device_train_batch_size, 1..=4096, 0.1);
        form.number(ui, "gradient_accumulation_steps", |r| &mut r.gradient_accumulation_steps, 1..=4096, 0.1);
        form.choice(ui, "lr_scheduler_type", |r| &mut r.lr_scheduler_type, SchedulerType::ALL);
        form.number(ui, "warmup_ratio", |r| &mut r.warmup_ratio, 0.0..=1.0, 0.002);
        form.number(ui, "warmup_steps", |r| &mut r.warmup_steps, 0..=1_000_000, 0.5);
        form.number(ui, "weight_decay", |r| &mut r.weight_decay, 0.0..=10.0, 0.002);
        form.number(ui, "max_grad_norm", |r| &mut r.max_grad_norm, 0.0..=1000.0, 0.01);
        form.number(ui, "seed", |r| &mut r.seed, 0..=u64::from(u32::MAX), 1.0);
        form.on_off(ui, "disable_shuffling", |r| &mut r.disable_shuffling);
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

fn evaluation(ui: &mut Ui, bench: &mut Bench) {
    let has_rows = bench.state.recipe.has_eval_data();
    Card::new(t!("method.evaluation")).about(t!("method.evaluation_about")).icon(icons::TARGET).show(ui, |ui| {
        if !has_rows {
            crate::widgets::Notice::info(t!("method.no_eval_rows")).show_with(ui, |ui| {
                if ui.add(Push::plain(t!("method.to_data")).small()).clicked() {
                    bench.panel = super::super::Panel::Data;
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

fn keeping(ui: &mut Ui, bench: &mut Bench) {
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
            crate::widgets::dropdown(ui, "device", 236.0, &mut recipe.device, &devices);
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
