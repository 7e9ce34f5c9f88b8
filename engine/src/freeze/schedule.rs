//! When layers join: `unfreeze_schedule` as it is written, or a preset's.

use std::collections::{BTreeMap, BTreeSet};

use super::span::frozen_layers;
use crate::error::RecipeProblem;
use crate::recipe::{Recipe, UnfreezePreset, UnfreezeStage};
use crate::{Error, Result};

/// Layers by the optimiser step after which they join, and layers whose turn never comes.
pub(super) type Turns = (BTreeMap<usize, Vec<usize>>, Vec<usize>);

const FIELD: &str = "unfreeze_schedule";

fn problem(reason: String, remedy: &str) -> RecipeProblem {
    RecipeProblem { field: FIELD.into(), reason, remedy: remedy.into() }
}

/// What is wrong with the schedule whatever the model and the run's length.
pub(super) fn setting_problems(recipe: &Recipe, problems: &mut Vec<RecipeProblem>) {
    let mut seen = BTreeSet::new();
    for UnfreezeStage { at, layers } in &recipe.unfreeze_schedule {
        let sound = at.is_finite() && *at >= 0.0 && (*at < 1.0 || at.fract() == 0.0);
        if !sound {
            let remedy = "write a share of the run below 1, or a whole number of steps";
            problems.push(problem(format!("at: {at} is neither a share nor a step"), remedy));
        }
        if layers.is_empty() {
            problems.push(problem(format!("at: {at} names no layers"), "write layers: [..] with numbers from 0"));
        }
        for layer in layers.iter().filter(|layer| !seen.insert(**layer)) {
            problems.push(problem(format!("layer {layer} joins twice"), "name each layer once"));
        }
    }
    if let (Some(preset), false) = (recipe.unfreeze_preset, recipe.unfreeze_schedule.is_empty()) {
        let reason = format!("unfreeze_preset: {preset} is a schedule already");
        problems.push(problem(reason, "remove one of the two"));
    }
}

/// Who joins when. `learners` are the layers that have something to learn, ascending.
///
/// A preset goes over the learners from the top: the topmost learns from the start (with what lies outside the layers).
/// `top_down` adds one every `unfreeze_every` steps, or evenly so that the lowest joins at the middle of the run;
/// `ulmfit` adds one an epoch (Howard & Ruder 2018, section 3.3).
///
/// # Errors
/// `BadRecipe` with everything that does not fit the model or the run.
pub(super) fn turns(
    recipe: &Recipe,
    layers: usize,
    learners: &[usize],
    total_steps: usize,
    steps_per_epoch: usize,
) -> Result<Turns> {
    let Some(preset) = recipe.unfreeze_preset else {
        return Ok((written(recipe, layers, learners, total_steps)?, Vec::new()));
    };
    let later = learners.len().saturating_sub(1);
    let mut joins: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut unreached = Vec::new();
    for (turn, &layer) in learners.iter().rev().enumerate().skip(1) {
        let step = match preset {
            UnfreezePreset::Ulmfit => turn.saturating_mul(steps_per_epoch),
            UnfreezePreset::TopDown if recipe.unfreeze_every > 0 => turn.saturating_mul(recipe.unfreeze_every),
            UnfreezePreset::TopDown => (turn * (total_steps / 2)).div_ceil(later),
        };
        if step < total_steps {
            joins.entry(step).or_default().insert(0, layer);
        } else {
            unreached.insert(0, layer);
        }
    }
    Ok((joins, unreached))
}

fn written(
    recipe: &Recipe,
    layers: usize,
    learners: &[usize],
    total_steps: usize,
) -> Result<BTreeMap<usize, Vec<usize>>> {
    let frozen = frozen_layers(&recipe.freeze_layers, layers)?;
    let (mut joins, mut problems) = (BTreeMap::<usize, Vec<usize>>::new(), Vec::new());
    for stage in &recipe.unfreeze_schedule {
        // The small addition keeps 0.29 of 100 steps from becoming 28.
        let step = if stage.at < 1.0 {
            ((stage.at * total_steps as f64 + 1e-9) as usize).min(total_steps.saturating_sub(1))
        } else {
            stage.at as usize
        };
        if step >= total_steps {
            let reason = format!("at: {} is beyond the run, which takes {total_steps} steps", stage.at);
            problems.push(problem(reason, "write an earlier step, or a share below 1"));
        }
        for &layer in &stage.layers {
            if layer >= layers {
                let reason = format!("layer {layer} does not exist");
                problems.push(problem(reason, &format!("this model has {layers} layers, counted from 0")));
            } else if frozen.contains(&layer) {
                let reason = format!("layer {layer} is in freeze_layers as well");
                problems.push(problem(reason, "take it out of one of the two"));
            } else if !learners.contains(&layer) {
                let reason = format!("layer {layer} has nothing that could learn");
                problems.push(problem(reason, "take it out of the schedule"));
            } else {
                joins.entry(step).or_default().push(layer);
            }
        }
    }
    joins.values_mut().for_each(|layers| layers.sort_unstable());
    if problems.is_empty() { Ok(joins) } else { Err(Error::BadRecipe(problems)) }
}
