//! What stays as it is: the freeze method's own choice, parts that any method leaves alone, and layers that join later.

use egui::{Label, Ui};
use luthier_engine::recipe::{Recipe, UnfreezePreset};

use super::form::Form;
use crate::bench::Bench;
use crate::panels::Panel;
use crate::text::t;
use crate::widgets::{Card, Push, number, segmented};
use crate::{format, icons, theme};

/// Layers named one by one in the sentence on unfreezing.
const NAMED: usize = 3;

pub(super) fn trainable(ui: &mut Ui, bench: &mut Bench) {
    let layers = bench.state.model.ready().map(|m| m.layers as i64);
    let title = t!("method.freeze_group");
    Card::new(&title).about(t!("method.freeze_about")).icon(icons::FLAME).show(ui, |ui| {
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

pub(super) fn frozen(ui: &mut Ui, bench: &mut Bench) {
    let title = t!("method.frozen");
    let tied = bench.state.model.ready().is_some_and(|m| m.tied_head);
    let open = |ui: &mut Ui| ui.add(Push::quiet(t!("layers.open")).icon(icons::STACK).small()).clicked();
    let card = Card::new(&title).about(t!("method.frozen_about")).icon(icons::SNOWFLAKE);
    let mut to_layers = false;
    card.show_with(
        ui,
        |ui| to_layers = open(ui),
        |ui| {
            let mut form = Form::new(&mut bench.state.recipe);
            form.more(ui, &title, &["freeze_layers", "freeze_modules"], |ui, form| {
                form.words(ui, "freeze_layers", |r| &mut r.freeze_layers);
                let kinds = ["embed_tokens", "self_attn", "mlp", "norm", "lm_head"].map(str::to_owned);
                form.chips(ui, "freeze_modules", |r| &mut r.freeze_modules, &kinds);
                if tied {
                    ui.add(Label::new(theme::soft(ui, t!("method.tied_head"))).wrap());
                }
            });
        },
    );
    if to_layers {
        bench.panel = Panel::Layers;
    }
}

pub(super) fn gradual(ui: &mut Ui, bench: &mut Bench) {
    let layers = bench.state.model.ready().map(|m| m.layers);
    let steps = super::planned_steps(bench);
    let title = t!("method.gradual");
    Card::new(&title).about(t!("method.gradual_about")).icon(icons::STACK).show(ui, |ui| {
        let mut form = Form::new(&mut bench.state.recipe);
        let top_down = form.recipe.unfreeze_preset == Some(UnfreezePreset::TopDown);
        let every: &[&str] = if top_down { &["unfreeze_every"] } else { &[] };
        let keys = [&["unfreeze_preset", "unfreeze_schedule"], every].concat();
        form.more(ui, &title, &keys, |ui, form| {
            preset(ui, form);
            if top_down {
                form.number(ui, "unfreeze_every", |r| &mut r.unfreeze_every, 0..=1_000_000, 0.5);
            }
            own_schedule(ui, form);
            if let Some(course) = course(form.recipe, layers, steps) {
                ui.add(Label::new(course).wrap());
            }
        });
    });
}

fn preset(ui: &mut Ui, form: &mut Form<'_>) {
    let own = form.recipe.unfreeze_preset.is_some();
    let back = form.own(ui, "unfreeze_preset", own, t!("method.unfreeze_none"), |ui, recipe| {
        let options = [
            (None, t!("method.unfreeze_none")),
            (Some(UnfreezePreset::TopDown), t!("method.unfreeze_top_down")),
            (Some(UnfreezePreset::Ulmfit), t!("method.unfreeze_ulmfit")),
        ];
        segmented(ui, &mut recipe.unfreeze_preset, &options);
    });
    if back {
        form.recipe.unfreeze_preset = None;
    }
}

/// A schedule that a recipe file brought along: shown, and taken away if asked.
fn own_schedule(ui: &mut Ui, form: &mut Form<'_>) {
    if form.recipe.unfreeze_schedule.is_empty() {
        return;
    }
    let stages: Vec<String> = form
        .recipe
        .unfreeze_schedule
        .iter()
        .map(|stage| {
            let layers = format::numbers(&stage.layers);
            if stage.at < 1.0 && stage.at > 0.0 {
                let percent = format::significant(stage.at * 100.0, 3);
                t!("method.joins_at_share", layers = layers, percent = percent)
            } else {
                t!("method.joins_at", layers = layers, step = stage.at)
            }
        })
        .collect();
    let back = form.own(ui, "unfreeze_schedule", true, t!("word.none"), |ui, _| {
        ui.add(Label::new(theme::soft(ui, t!("method.stages", n = stages.len()))));
    });
    for stage in &stages {
        ui.add(Label::new(theme::soft(ui, stage)).wrap());
    }
    if back {
        form.recipe.unfreeze_schedule.clear();
    }
}

/// What the preset means for this model, in a sentence. Layers count from 0.
fn course(recipe: &Recipe, layers: Option<usize>, steps: Option<u64>) -> Option<String> {
    let preset = recipe.unfreeze_preset?;
    let layers = layers.filter(|n| *n > NAMED)?;
    let top: Vec<usize> = (0..NAMED).map(|i| layers - 1 - i).collect();
    if preset == UnfreezePreset::Ulmfit {
        return Some(t!("method.course_ulmfit", a = top[0], b = top[1], c = top[2]));
    }
    // As engine/src/freeze/schedule.rs: the topmost learns from the start; by itself the lowest joins half-way.
    let below = layers as u64 - 1;
    let joins = |turn: u64| match (recipe.unfreeze_every as u64, steps) {
        (0, steps) => steps.map(|steps| (turn * (steps / 2)).div_ceil(below)),
        (every, _) => Some(turn * every),
    };
    let (Some(first), Some(second), Some(last)) = (joins(1), joins(2), joins(below)) else {
        return Some(t!("method.course_even"));
    };
    let text = t!(
        "method.course_top_down",
        a = top[0],
        b = top[1],
        c = top[2],
        first = format::count(first),
        second = format::count(second),
        all = format::count(last)
    );
    let late = steps.is_some_and(|steps| last >= steps);
    Some(if late { format!("{text} {}", t!("method.course_late")) } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_course_of_unfreezing_is_told_in_numbers() {
        crate::text::speak(crate::text::Language::English);
        let mut recipe = Recipe::default();
        assert_eq!(course(&recipe, Some(30), Some(1000)), None);
        recipe.unfreeze_preset = Some(UnfreezePreset::TopDown);
        recipe.unfreeze_every = 20;
        let text = course(&recipe, Some(30), Some(1000)).unwrap_or_default();
        assert!(text.contains("29") && text.contains("step 20") && text.contains("step 580"), "{text}");
        assert!(!text.contains(&t!("method.course_late")));
        let text = course(&recipe, Some(30), Some(500)).unwrap_or_default();
        assert!(text.contains(&t!("method.course_late")), "580 steps are more than there are: {text}");
        recipe.unfreeze_every = 0;
        let text = course(&recipe, Some(30), Some(600)).unwrap_or_default();
        assert!(text.contains("step 11") && text.contains("step 300"), "evenly over the first half: {text}");
    }
}
