//! Which parameters learn: a set of names, from the recipe. Freezing is orthogonal to the method.

use std::collections::BTreeSet;

use crate::model::{Model, ModelConfig};
use crate::recipe::{FinetuningType, Recipe};
use crate::{Error, Result};

/// Layers that learn for `freeze_trainable_layers`: n > 0 the last n, n < 0 the first n.
pub fn trainable_layers(layers: usize, setting: i64) -> std::ops::Range<usize> {
    let count = (setting.unsigned_abs() as usize).min(layers);
    if setting > 0 { layers - count..layers } else { 0..count }
}

/// The layer that a tensor belongs to; None outside the layers.
pub fn layer_of(name: &str) -> Option<usize> {
    let rest = &name[name.find("model.layers.")? + "model.layers.".len()..];
    rest.split('.').next()?.parse().ok()
}

/// Whether one of the dot-separated parts of a name is `module` ("mlp", "self_attn", "q_proj", "norm", "lm_head").
fn has_part(name: &str, module: &str) -> bool {
    name.split('.').any(|part| part == module) || name.strip_suffix(".weight") == Some(module)
}

/// Names of the base's tensors that learn with `finetuning_type: freeze`.
fn frozen_method(recipe: &Recipe, config: &ModelConfig) -> Result<BTreeSet<String>> {
    let range = trainable_layers(config.layers, recipe.freeze_trainable_layers);
    let all = recipe.freeze_trainable_modules.iter().any(|m| m == "all");
    let mut found: BTreeSet<&str> = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (name, _) in config.tensors() {
        match layer_of(&name) {
            Some(layer) => {
                let hit = recipe.freeze_trainable_modules.iter().find(|m| has_part(&name, m));
                found.extend(hit.map(String::as_str));
                if range.contains(&layer) && (all || hit.is_some()) {
                    names.insert(name);
                }
            }
            None => {
                if let Some(hit) = recipe.freeze_extra_modules.iter().find(|m| has_part(&name, m)) {
                    found.insert(hit);
                    names.insert(name);
                }
            }
        }
    }
    let strangers = |field: &'static str, list: &[String], known: &str| -> Result<()> {
        match list.iter().find(|m| *m != "all" && !found.contains(m.as_str())) {
            None => Ok(()),
            Some(m) => {
                Err(Error::recipe(field, format!("this model has no module '{m}'"), format!("known are {known}")))
            }
        }
    };
    let inside = "all, mlp, self_attn, q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj, input_layernorm, post_attention_layernorm";
    strangers("freeze_trainable_modules", &recipe.freeze_trainable_modules, inside)?;
    let outside = if config.tied {
        "embed_tokens, norm (the head shares the embedding's weights)"
    } else {
        "embed_tokens, norm, lm_head"
    };
    strangers("freeze_extra_modules", &recipe.freeze_extra_modules, outside)?;
    Ok(names)
}

/// Names of all tensors that learn in this run.
///
/// # Errors
/// `BadRecipe` where a module is named that the model does not have, or where nothing would learn.
pub fn learning(recipe: &Recipe, model: &Model) -> Result<BTreeSet<String>> {
    let names: BTreeSet<String> = match recipe.finetuning_type {
        FinetuningType::Full => model.config.tensors().into_iter().map(|(name, _)| name).collect(),
        FinetuningType::Freeze => frozen_method(recipe, &model.config)?,
        _ => match &model.adapter {
            Some(adapter) => adapter.sites.values().flat_map(|s| [s.a.clone(), s.b.clone()]).collect(),
            None => BTreeSet::new(),
        },
    };
    if names.is_empty() {
        return Err(Error::recipe(
            "finetuning_type",
            "with these settings nothing would learn",
            "choose at least one layer",
        ));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_and_first_layers() {
        assert_eq!(trainable_layers(4, 2), 2..4);
        assert_eq!(trainable_layers(4, -1), 0..1);
        assert_eq!(trainable_layers(4, 9), 0..4);
    }

    #[test]
    fn layers_are_read_from_names() {
        assert_eq!(layer_of("model.layers.12.mlp.up_proj.weight"), Some(12));
        assert_eq!(layer_of("base_model.model.model.layers.3.self_attn.q_proj.lora_A.weight"), Some(3));
        assert_eq!(layer_of("model.norm.weight"), None);
        assert!(has_part("model.norm.weight", "norm") && !has_part("model.layers.0.input_layernorm.weight", "norm"));
    }
}
