//! Modules that train whole beside an adapter (PEFT's `modules_to_save`, the recipe's `additional_target`): the original
//! stays as it is, a copy learns.

use std::collections::BTreeMap;

use super::peft_name;
use super::targets::Blame;
use crate::Result;
use crate::model::{Model, ModelConfig, Param};

/// The modules that a tensor is in, innermost last: model, model.layers, ..., model.layers.0.mlp.up_proj.
fn modules(tensor: &str) -> impl Iterator<Item = &str> {
    tensor.match_indices('.').map(|(at, _)| &tensor[..at])
}

/// Whether a module is one of these or inside one: such modules get no adapter (PEFT's `check_target_module_exists`).
pub(super) fn is_within(path: &str, names: &[String]) -> bool {
    let path = format!(".{path}.");
    names.iter().any(|name| path.contains(&format!(".{name}.")))
}

/// The model's tensors in the modules of these names (PEFT takes any module whose path ends with the name), and what
/// their copies are called. Names without a tensor are passed over: PEFT writes `classifier` and `score` for every
/// model that scores.
///
/// # Errors
/// What `blame` makes of a quantised tensor, and of an embedding that is the head as well.
pub(super) fn copies(model: &Model, names: &[String], blame: Blame) -> Result<BTreeMap<String, String>> {
    let own = model.params.iter().filter(|(name, _)| !name.starts_with("base_model."));
    let tensors = own.map(|(name, param)| (name.as_str(), matches!(param, Param::Packed(_))));
    copies_among(tensors, &model.config, names, blame)
}

/// [`copies`] among tensors by name, each with whether it is quantised.
pub(super) fn copies_among<'a>(
    tensors: impl Iterator<Item = (&'a str, bool)>,
    config: &ModelConfig,
    names: &[String],
    blame: Blame,
) -> Result<BTreeMap<String, String>> {
    let ends = |module: &str| names.iter().any(|name| !name.is_empty() && module.ends_with(name.as_str()));
    let mut found = BTreeMap::new();
    for (tensor, packed) in tensors {
        if modules(tensor).any(ends) {
            if packed {
                return Err(blame("modules_to_save", format!("{tensor} is quantised, and so cannot train")));
            }
            found.insert(tensor.to_owned(), peft_name(tensor));
        }
    }
    if config.tied && (ends("lm_head") || found.contains_key(config.embedding_name())) {
        let reason = "this model's head and embedding are one matrix: a copy of one of them would part them, and PEFT \
                      would go on with two. Leave them out, or train the embedding with finetuning_type freeze or full";
        return Err(blame("modules_to_save", reason.into()));
    }
    Ok(found)
}
