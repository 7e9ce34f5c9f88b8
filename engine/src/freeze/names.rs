//! Tensor names read: the layer they are in, the module they belong to.

use crate::{Error, Result};

/// The layer that a tensor belongs to, in a decoder's names (`model.layers.3.mlp...`), PEFT's
/// (`base_model.model.model.layers.3...`) and GPT-2's (`transformer.h.3...`); None outside the layers.
pub fn layer_of(name: &str) -> Option<usize> {
    let mut parts = name.split('.');
    parts.find(|part| matches!(*part, "layers" | "h"))?;
    parts.next()?.parse().ok()
}

/// Whether a tensor belongs to a module: a kind (embed_tokens, self_attn or attn, mlp, norm, lm_head or head), or a
/// part of the name as it stands (q_proj, input_layernorm, attn.c_proj).
pub(super) fn belongs(name: &str, module: &str) -> bool {
    let mut parts = name.split('.');
    match module {
        "embed_tokens" => parts.any(|part| matches!(part, "embed_tokens" | "wte" | "wpe")),
        "self_attn" | "attn" => parts.any(|part| matches!(part, "self_attn" | "attn")),
        "norm" => parts.any(|part| part.contains("norm") || part.starts_with("ln_")),
        "lm_head" | "head" => parts.any(|part| part == "lm_head"),
        _ => name.match_indices(module).any(|(at, _)| {
            let (before, after) = (&name[..at], &name[at + module.len()..]);
            (before.is_empty() || before.ends_with('.')) && (after.is_empty() || after.starts_with('.'))
        }),
    }
}

/// A module that is asked for many tensors: the layer picture names single cells (`layers.3.mlp`) by the hundred.
pub(super) struct Word<'a> {
    module: &'a str,
    layer: Option<usize>,
}

impl<'a> Word<'a> {
    pub fn new(module: &'a str) -> Self {
        Self { module, layer: layer_of(module) }
    }

    /// [`belongs`], of a tensor whose layer is known.
    pub fn holds(&self, name: &str, layer: Option<usize>) -> bool {
        (self.layer.is_none() || self.layer == layer) && belongs(name, self.module)
    }
}

/// Whether each of `modules` names some of these tensors.
///
/// # Errors
/// `BadRecipe` for `field` with the modules that are known: `before`, those of the tensors, `after`.
pub(super) fn check_known<'a>(
    field: &str,
    mut modules: impl Iterator<Item = &'a String>,
    tensors: &[&String],
    before: &str,
    after: &str,
) -> Result<()> {
    let layers: Vec<Option<usize>> = tensors.iter().map(|name| layer_of(name)).collect();
    let known = |module: &&String| {
        let word = Word::new(module);
        tensors.iter().zip(&layers).any(|(name, layer)| word.holds(name, *layer))
    };
    let Some(stranger) = modules.find(|module| !known(module)) else {
        return Ok(());
    };
    let mut known: Vec<&str> = Vec::new();
    for part in tensors.iter().flat_map(|name| modules_of(name)) {
        if !known.contains(&part) && !before.contains(&format!("{part},")) {
            known.push(part);
        }
    }
    let reason = format!("this model has no module '{stranger}'");
    Err(Error::recipe(field, reason, format!("known are {before}{}{after}", known.join(", "))))
}

/// The parts of a name that tell modules apart: `self_attn`, `q_proj` of `model.layers.0.self_attn.q_proj.weight`.
fn modules_of(name: &str) -> impl Iterator<Item = &str> {
    let common = ["base_model", "model", "transformer", "layers", "h", "weight", "bias"];
    name.split('.').filter(move |part| !common.contains(part) && part.parse::<usize>().is_err())
}
