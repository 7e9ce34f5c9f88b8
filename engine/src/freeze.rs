//! Which parameters learn, and from which step on: sets of names, from the recipe. Freezing is orthogonal to the method.
//!
//! `finetuning_type` says what could learn: all weights, the chosen layers of `freeze` (LLaMA-Factory's keys), or the
//! adapter's tensors. `freeze_layers` and `freeze_modules` take away from that, whatever the type. `unfreeze_schedule`
//! or `unfreeze_preset` let layers of the rest join later (gradual unfreezing: Howard & Ruder 2018, section 3.3).
//!
//! Where the head is tied to the embedding, both are one matrix: freezing `embed_tokens` freezes the head too, and
//! freezing `lm_head` the embedding.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::RecipeProblem;
use crate::model::{Model, ModelConfig};
use crate::recipe::{FinetuningType, Recipe, Stage};
use crate::{Error, Result};

mod cells;
mod names;
mod schedule;
mod span;

pub use cells::{cell_of, cells};
pub use names::layer_of;
pub use span::Span;

/// Layers that begin to learn together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// Optimiser steps done before: the layers learn in the step after these.
    pub step: usize,
    /// From 0, ascending.
    pub layers: Vec<usize>,
    /// Their tensors that learn from then on.
    pub names: BTreeSet<String>,
}

/// What learns when, over a whole run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Course {
    /// Learns from the first step on.
    pub initial: BTreeSet<String>,
    /// By ascending step, each step once.
    pub joins: Vec<Join>,
    /// Layers whose turn in a preset comes after the end of the run, ascending: they never learn.
    pub unreached: Vec<usize>,
}

impl Course {
    /// What learns in the step that follows `step` optimiser steps.
    pub fn learning_at(&self, step: usize) -> BTreeSet<String> {
        let mut names = self.initial.clone();
        for join in self.joins.iter().filter(|join| join.step <= step) {
            names.extend(join.names.iter().cloned());
        }
        names
    }

    /// Everything that ever learns.
    pub fn all(&self) -> BTreeSet<String> {
        self.learning_at(usize::MAX)
    }

    /// A score head (by the name under which it learns) learns from the start; a reward model has no language head.
    pub fn score_instead_of_head(&mut self, recipe: &Recipe, config: &ModelConfig, score: Option<String>) {
        self.initial.extend(score);
        if recipe.stage == Stage::Rm && !config.tied {
            self.initial.remove(config.head_name());
        }
    }

    /// The layers that join once `step` optimiser steps are done.
    pub fn joining(&self, step: usize) -> Option<&Join> {
        self.joins.iter().find(|join| join.step == step)
    }
}

/// The course of a run; an adapter must be on the model already. `total_steps` and `steps_per_epoch` are optimiser
/// steps.
///
/// # Errors
/// `BadRecipe` where a layer or module is named that the model does not have, where the schedule contradicts itself,
/// `freeze_layers` or the run's length, or where nothing would learn in the first step.
pub fn course(recipe: &Recipe, model: &Model, total_steps: usize, steps_per_epoch: usize) -> Result<Course> {
    let able = able_to_learn(recipe, &model.config, &adapter_names(model))?;
    course_of(recipe, &model.config, able, total_steps, steps_per_epoch)
}

/// [`course`] of tensors `able` to learn by the method alone: where more than the decoder and its adapter learns, such
/// as the head of a reward model.
///
/// # Errors
/// As [`course`].
pub fn course_of(
    recipe: &Recipe,
    config: &ModelConfig,
    able: BTreeSet<String>,
    total_steps: usize,
    steps_per_epoch: usize,
) -> Result<Course> {
    let problems = setting_problems(recipe);
    if !problems.is_empty() {
        return Err(Error::BadRecipe(problems));
    }
    let free = unfrozen(recipe, config, &able)?;
    if free.is_empty() {
        let (field, remedy) = match (able.is_empty(), recipe.freeze_layers.is_empty()) {
            (true, _) => ("finetuning_type", "choose at least one layer"),
            (false, false) => ("freeze_layers", "freeze fewer layers or modules"),
            (false, true) => ("freeze_modules", "freeze fewer modules"),
        };
        return Err(Error::recipe(field, "with these settings nothing would learn", remedy));
    }
    let mut by_layer: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    let mut initial = BTreeSet::new();
    for name in free {
        match layer_of(&name) {
            Some(layer) => by_layer.entry(layer).or_default().insert(name),
            None => initial.insert(name),
        };
    }
    let learners: Vec<usize> = by_layer.keys().copied().collect();
    let (turns, unreached) = schedule::turns(recipe, config.layers, &learners, total_steps, steps_per_epoch)?;
    let mut joins = Vec::new();
    for (step, layers) in turns {
        let names = layers.iter().flat_map(|layer| by_layer.remove(layer).unwrap_or_default()).collect();
        joins.push(Join { step, layers, names });
    }
    for layer in &unreached {
        by_layer.remove(layer);
    }
    initial.extend(by_layer.into_values().flatten());
    if initial.is_empty() && joins.first().is_none_or(|join| join.step > 0) {
        let first = joins.first().map_or(total_steps, |join| join.step);
        let reason = format!("nothing would learn in the first {first} steps");
        let remedy = "let some layers join at: 0, or leave them out of the schedule";
        return Err(Error::recipe("unfreeze_schedule", reason, remedy));
    }
    Ok(Course { initial, joins, unreached })
}

/// What is wrong with the keys of freezing whatever the model is.
pub fn setting_problems(recipe: &Recipe) -> Vec<RecipeProblem> {
    let mut problems = Vec::new();
    for word in &recipe.freeze_layers {
        if let Err(reason) = Span::read_all(word) {
            problems.push(span::problem(reason));
        }
    }
    schedule::setting_problems(recipe, &mut problems);
    problems
}

/// The layers that may carry an adapter: those outside `freeze_layers`. None: all of them.
///
/// # Errors
/// `BadRecipe` where `freeze_layers` cannot be read, names layers that the model does not have, or all of them.
pub fn adapter_layers(recipe: &Recipe, config: &ModelConfig) -> Result<Option<BTreeSet<usize>>> {
    let frozen = span::frozen_layers(&recipe.freeze_layers, config.layers)?;
    let adapts = matches!(recipe.finetuning_type, FinetuningType::Lora | FinetuningType::Oft);
    if frozen.is_empty() || !adapts {
        return Ok(None);
    }
    let free: BTreeSet<usize> = (0..config.layers).filter(|layer| !frozen.contains(layer)).collect();
    if free.is_empty() {
        let reason = "every layer is frozen, so an adapter has no place";
        return Err(Error::recipe("freeze_layers", reason, "leave at least one layer out"));
    }
    Ok(Some(free))
}

/// The adapter's tensors that learn.
fn adapter_names(model: &Model) -> BTreeSet<String> {
    model.adapter.iter().flat_map(|adapter| adapter.learning_names()).collect()
}

/// Names that `finetuning_type` alone would train; `adapter` are the tensors of the adapter that is on the model.
///
/// # Errors
/// `BadRecipe` where `freeze` names a module that the model does not have.
pub fn able_to_learn(recipe: &Recipe, config: &ModelConfig, adapter: &BTreeSet<String>) -> Result<BTreeSet<String>> {
    match recipe.finetuning_type {
        FinetuningType::Full => Ok(config.tensors().into_iter().map(|(name, _)| name).collect()),
        FinetuningType::Freeze => chosen_weights(recipe, config),
        FinetuningType::Lora | FinetuningType::Oft => Ok(adapter.clone()),
    }
}

/// Layers that learn for `freeze_trainable_layers`: n > 0 the last n, n < 0 the first n.
pub fn trainable_layers(layers: usize, setting: i64) -> std::ops::Range<usize> {
    let count = (setting.unsigned_abs() as usize).min(layers);
    if setting > 0 { layers - count..layers } else { 0..count }
}

/// The weights that learn with `finetuning_type: freeze`. Layers of `unfreeze_schedule` are among them even outside
/// `freeze_trainable_layers`: to be named there is to be chosen.
fn chosen_weights(recipe: &Recipe, config: &ModelConfig) -> Result<BTreeSet<String>> {
    let mut layers: BTreeSet<usize> = trainable_layers(config.layers, recipe.freeze_trainable_layers).collect();
    layers.extend(recipe.unfreeze_schedule.iter().flat_map(|stage| &stage.layers));
    let all = recipe.freeze_trainable_modules.iter().any(|m| m == "all");
    let tensors: Vec<String> = config.tensors().into_iter().map(|(name, _)| name).collect();
    let (inside, outside): (Vec<&String>, Vec<&String>) = tensors.iter().partition(|name| layer_of(name).is_some());
    let named = recipe.freeze_trainable_modules.iter().filter(|m| *m != "all");
    names::check_known("freeze_trainable_modules", named, &inside, "all, ", "")?;
    let shared = if config.tied { " (the head shares the embedding's weights)" } else { "" };
    names::check_known("freeze_extra_modules", recipe.freeze_extra_modules.iter(), &outside, "", shared)?;
    let hit = |name: &str, modules: &[String]| modules.iter().any(|module| names::belongs(name, module));
    let within = |name: &&&String| {
        layer_of(name).is_some_and(|layer| layers.contains(&layer))
            && (all || hit(name, &recipe.freeze_trainable_modules))
    };
    let beside = |name: &&&String| hit(name, &recipe.freeze_extra_modules);
    let inside = inside.iter().filter(within);
    Ok(inside.chain(outside.iter().filter(beside)).map(|name| (*name).clone()).collect())
}

/// `able` without what `freeze_layers` and `freeze_modules` name: what learns sooner or later.
///
/// # Errors
/// `BadRecipe` where a layer or module is named that the model does not have.
pub fn unfrozen(recipe: &Recipe, config: &ModelConfig, able: &BTreeSet<String>) -> Result<BTreeSet<String>> {
    let frozen = span::frozen_layers(&recipe.freeze_layers, config.layers)?;
    let tensors: Vec<String> = config.tensors().into_iter().map(|(name, _)| name).collect();
    // A tied head is no tensor of its own.
    let modules: Vec<String> = recipe
        .freeze_modules
        .iter()
        .map(|module| match module.as_str() {
            "lm_head" | "head" if config.tied => "embed_tokens".to_owned(),
            other => other.to_owned(),
        })
        .collect();
    let known: Vec<&String> = tensors.iter().chain(able).collect();
    names::check_known("freeze_modules", modules.iter(), &known, "embed_tokens, self_attn, mlp, norm, lm_head, ", "")?;
    let words: Vec<names::Word> = modules.iter().map(|module| names::Word::new(module)).collect();
    let kept = |name: &&String| {
        let layer = layer_of(name);
        !layer.is_some_and(|layer| frozen.contains(&layer)) && !words.iter().any(|word| word.holds(name, layer))
    };
    Ok(able.iter().filter(kept).cloned().collect())
}

#[cfg(test)]
mod tests;
