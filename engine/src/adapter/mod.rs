//! Adapters beside frozen weights, in PEFT's names and formulas: LoRA (`lora.rs`), with DoRA's magnitudes and PiSSA's
//! start, and OFT (`oft.rs`); modules that train whole beside them (`whole.rs`).
//!
//! An adapter's tensors live in the model's parameter map under PEFT's names, so learning, saving and resuming treat
//! them as any other. `peft.rs` reads and writes adapter_config.json, `folder.rs` the tensors, `start.rs` begins anew or
//! from a recipe, `merge.rs` folds an adapter into the weights.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use burn::tensor::Tensor;

use crate::model::{LinearSpec, Model, ModelConfig, Tape};
use crate::{Error, Result};

mod chain;
mod folder;
mod lora;
mod merge;
mod movement;
mod oft;
mod peft;
mod start;
mod svd;
mod targets;
mod whole;

pub use folder::read_config;
pub use lora::Lora;
pub use merge::Merged;
pub use oft::Oft;
pub use start::{from_recipe, tensors_of_recipe};
pub use targets::{Targets, is_pattern};

use targets::{Blame, Patterns, layer_patterns};

pub const CONFIG_FILE: &str = "adapter_config.json";
pub const WEIGHTS_FILE: &str = "adapter_model.safetensors";

/// The part of PEFT's adapter_config.json that changes the computation.
#[derive(Debug, Clone, PartialEq)]
pub struct AdapterConfig {
    pub method: Method,
    pub target_modules: Targets,
    pub exclude_modules: Option<Targets>,
    /// None: every layer.
    pub layers_to_transform: Option<BTreeSet<usize>>,
    pub layers_pattern: Vec<String>,
    /// Modules that train whole beside the adapter.
    pub modules_to_save: Vec<String>,
    /// LoRA: share of a layer's inputs that is dropped while training. OFT: share of a layer's blocks that do not turn.
    pub dropout: f32,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Method {
    Lora(LoraConfig),
    Oft(OftConfig),
}

#[derive(Debug, Clone, PartialEq)]
pub struct LoraConfig {
    pub r: usize,
    pub lora_alpha: f64,
    /// Scale by alpha / sqrt(r) (Kalajdzievski 2023).
    pub use_rslora: bool,
    /// Magnitude and direction apart (Liu et al. 2024).
    pub use_dora: bool,
    /// Other ranks and alphas by pattern of the path; the first match decides.
    pub rank_pattern: Vec<(String, usize)>,
    pub alpha_pattern: Vec<(String, f64)>,
    /// Start from the weights' main directions (PiSSA, Meng et al. 2024). Only of a start: a saved adapter is plain LoRA.
    pub pissa: bool,
}

impl Default for LoraConfig {
    /// PEFT's defaults.
    fn default() -> Self {
        Self {
            r: 8,
            lora_alpha: 8.0,
            use_rslora: false,
            use_dora: false,
            rank_pattern: Vec::new(),
            alpha_pattern: Vec::new(),
            pissa: false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OftConfig {
    /// Blocks of a layer; 0: `block_size` decides.
    pub r: usize,
    /// Size of a block; 0: `r` decides.
    pub block_size: usize,
    pub block_share: bool,
    /// Terms of the Cayley-Neumann series; None: the exact Cayley transform.
    pub neumann_terms: Option<usize>,
}

impl AdapterConfig {
    /// For the layers of these names ("q_proj"), without dropout.
    pub fn new(method: Method, targets: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            method,
            target_modules: Targets::Names(targets.into_iter().map(Into::into).collect()),
            exclude_modules: None,
            layers_to_transform: None,
            layers_pattern: Vec::new(),
            modules_to_save: Vec::new(),
            dropout: 0.0,
        }
    }
}

/// One adapted linear layer.
#[derive(Debug, Clone)]
pub struct Site {
    pub spec: LinearSpec,
    pub form: Form,
}

#[derive(Debug, Clone)]
pub enum Form {
    Lora(Lora),
    Oft(Oft),
}

#[derive(Debug, Clone)]
pub struct Adapter {
    pub config: AdapterConfig,
    /// By module path: model.layers.0.self_attn.q_proj.
    pub sites: BTreeMap<String, Site>,
    /// Tensors that train whole: the base's name, and that of the copy that learns.
    pub whole: BTreeMap<String, String>,
    /// Off: the model answers as its base.
    pub enabled: bool,
    /// Folder it was read from.
    pub source: Option<PathBuf>,
    /// An adapter that was merged into the weights before this one began; saved together with it.
    pub below: chain::Below,
}

impl Site {
    /// Names and shapes of its tensors.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        match &self.form {
            Form::Lora(lora) => lora.tensors(&self.spec),
            Form::Oft(oft) => vec![(oft.r.clone(), oft.shape().to_vec())],
        }
    }
}

impl Adapter {
    /// The adapted layer without its bias: x [rows, in] -> [rows, out]. None: this layer has no adapter.
    pub(crate) fn forward(
        &self,
        model: &Model,
        spec: &LinearSpec,
        x: &Tensor<2>,
        tape: &mut Tape,
    ) -> Option<Tensor<2>> {
        let site = self.sites.get(&spec.path)?;
        Some(match &site.form {
            Form::Lora(lora) => lora.forward(model, spec, x, self.config.dropout, tape),
            Form::Oft(oft) => oft.forward(model, spec, x, self.config.dropout, tape),
        })
    }

    /// Names of all its tensors: all of them learn.
    pub fn learning_names(&self) -> BTreeSet<String> {
        let of_sites = self.sites.values().flat_map(Site::tensors).map(|(name, _)| name);
        of_sites.chain(self.whole.values().cloned()).collect()
    }

    /// The name of the adapter's own copy of a tensor of the base.
    pub(crate) fn copy_of(&self, name: &str) -> Option<&str> {
        self.whole.get(name).map(String::as_str)
    }
}

/// How much faster than the others a tensor learns: LoRA+ (Hayou et al. 2024) speeds up B, and in PEFT and
/// LLaMA-Factory every vector with it, so DoRA's magnitudes too.
pub fn rate_factor(loraplus_lr_ratio: Option<f64>, name: &str) -> f64 {
    let fast = name.contains("lora_B") || name.contains("lora_magnitude_vector");
    if fast { loraplus_lr_ratio.unwrap_or(1.0) } else { 1.0 }
}

/// An adapter's name of a tensor or module of the base.
fn peft_name(name: &str) -> String {
    format!("base_model.model.{name}")
}

/// The largest rank that a layer may have. A PiSSA start is saved with twice its rank, so what is read may have that.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Fresh,
    Saved,
}

/// The layers that a config means in a model.
///
/// # Errors
/// What `blame` makes of a target that the model does not have, of a rank or block size that does not fit a layer.
fn sites(config: &AdapterConfig, model: &ModelConfig, origin: Origin, blame: Blame) -> Result<BTreeMap<String, Site>> {
    let target = config.target_modules.compile("target_modules", blame)?;
    let excluded = match &config.exclude_modules {
        Some(modules) => Some(modules.compile("exclude_modules", blame)?),
        None => None,
    };
    let lists = layer_patterns(&config.layers_pattern, "layers_pattern", blame)?;
    let in_layer = |layer: usize, path: &str| match &config.layers_to_transform {
        None => true,
        Some(layers) => layers.contains(&layer) && (lists.is_empty() || lists.iter().any(|list| list.is_match(path))),
    };
    let (ranks, alphas) = match &config.method {
        Method::Lora(lora) => (
            Patterns::compile(&lora.rank_pattern, "rank_pattern", blame)?,
            Patterns::compile(&lora.alpha_pattern, "alpha_pattern", blame)?,
        ),
        Method::Oft(_) => (Patterns::none(), Patterns::none()),
    };
    let mut found = BTreeMap::new();
    let mut named = Vec::new();
    for (layer, spec) in model.linears() {
        if !target.matches(&spec.path) {
            continue;
        }
        named.push(spec.path.clone());
        let set_aside = excluded.as_ref().is_some_and(|modules| modules.matches(&spec.path))
            || whole::is_within(&spec.path, &config.modules_to_save);
        if set_aside || !in_layer(layer, &spec.path) {
            continue;
        }
        let form = match &config.method {
            Method::Lora(lora) => {
                let by_pattern = ranks.of(&spec.path);
                let rank = by_pattern.unwrap_or(lora.r);
                let alpha = alphas.of(&spec.path).unwrap_or(lora.lora_alpha);
                let key = if by_pattern.is_some() { "rank_pattern" } else { "r" };
                check_rank(rank, &spec, origin).map_err(|reason| blame(key, reason))?;
                Form::Lora(Lora::new(lora, &spec, rank, alpha))
            }
            Method::Oft(oft) => Form::Oft(Oft::new(oft, &spec).map_err(|(key, reason)| blame(key, reason))?),
        };
        found.insert(spec.path.clone(), Site { spec, form });
    }
    if let Targets::Names(names) = &config.target_modules {
        let known = |name: &&String| named.iter().any(|path| targets::ends_with_module(path, name));
        if let Some(stranger) = names.iter().find(|name| !known(name)) {
            let linear = model.linear_names().join(", ");
            return Err(blame(
                "target_modules",
                format!("names '{stranger}', but this model's linear layers are {linear}"),
            ));
        }
    }
    if let Some(layer) = config.layers_to_transform.iter().flatten().find(|layer| **layer >= model.layers) {
        let reason = format!("names layer {layer}, but this model has {} (counted from 0)", model.layers);
        return Err(blame("layers_to_transform", reason));
    }
    if found.is_empty() {
        return Err(blame("target_modules", "names no linear layer of this model".into()));
    }
    Ok(found)
}

fn check_rank(rank: usize, spec: &LinearSpec, origin: Origin) -> std::result::Result<(), String> {
    let smaller = spec.out.min(spec.input);
    let largest = if origin == Origin::Saved { 2 * smaller } else { smaller };
    if (1..=largest).contains(&rank) {
        return Ok(());
    }
    let LinearSpec { path, out, input, .. } = spec;
    Err(format!("a rank of {rank} does not fit {path}, which is {out} x {input}: write a number from 1 to {smaller}"))
}

/// The frozen weight of a layer, dense, as [out, in].
fn base_weight(model: &Model, spec: &LinearSpec) -> Tensor<2> {
    let stored = model.dense(&spec.weight());
    if spec.transposed { stored.transpose() } else { stored }
}

impl Model {
    /// Takes the adapter off again.
    pub fn drop_adapter(&mut self) {
        if let Some(adapter) = self.adapter.take() {
            for name in adapter.learning_names() {
                self.params.remove(&name);
            }
        }
    }

    fn adapter_or_error(&self) -> Result<&Adapter> {
        self.adapter.as_ref().ok_or_else(|| Error::Internal("no adapter is on the model".into()))
    }
}
