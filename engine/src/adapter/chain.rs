//! A new LoRA on a base that an earlier one was merged into. The base on the disk knows nothing of the merge, so both are
//! saved as one LoRA: B2 A2 s2 + B1 A1 s1 = [s2 B2, s1 B1] [A2; A1], of both ranks together.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::Tensor;

use super::{Adapter, AdapterConfig, Form, LoraConfig, Method, Targets, peft_name};
use crate::model::{Model, Param, Tape};
use crate::{Error, Result};

/// A and s B of the merged adapter, by module path.
pub(crate) type Below = BTreeMap<String, [Tensor<2>; 2]>;

/// Takes what a LoRA adds out of the model that wears it, before it is merged.
///
/// # Errors
/// `BadRecipe` for an adapter that is not a plain LoRA, which cannot be saved together with another one.
pub(super) fn below(model: &Model) -> Result<Below> {
    let adapter = model.adapter_or_error()?;
    let refuse = |what: &str| {
        let reason = format!("adapter_name_or_path {what}, and cannot be saved together with a new one");
        Err(Error::recipe("create_new_adapter", reason, "train on with it (create_new_adapter: false)"))
    };
    if !adapter.whole.is_empty() {
        return refuse("trains whole modules beside it");
    }
    let mut below = Below::new();
    for (path, site) in &adapter.sites {
        match &site.form {
            Form::Lora(lora) if lora.magnitude.is_none() => {
                let plain = |name: &str| model.matrix(name, &mut Tape::off());
                let [a, b] = lora.change(plain(&lora.a), plain(&lora.b));
                below.insert(path.clone(), [a, b.mul_scalar(lora.scale)]);
            }
            Form::Lora(_) => return refuse("is a DoRA"),
            Form::Oft(_) => return refuse("is an OFT"),
        }
    }
    Ok(below)
}

/// Refuses a new adapter that is not a sum, as the saved one must be.
///
/// # Errors
/// `BadRecipe`.
pub(super) fn check_new(config: &AdapterConfig) -> Result<()> {
    match &config.method {
        Method::Lora(lora) if !lora.use_dora => Ok(()),
        _ => {
            let reason = "only a plain LoRA can be saved together with the adapter that was merged before it";
            Err(Error::recipe("create_new_adapter", reason, "write finetuning_type: lora and use_dora: false"))
        }
    }
}

/// Config and tensors of both adapters as one: every layer of either by its path, at one rank (zeros fill up) and scale 1.
pub(super) fn as_one(model: &Model, adapter: &Adapter) -> (AdapterConfig, BTreeMap<String, Param>) {
    let plain = |name: &str| model.matrix(name, &mut Tape::off());
    let own = |path: &str| match adapter.sites.get(path).map(|site| &site.form) {
        Some(Form::Lora(lora)) => {
            let [a, b] = lora.change(plain(&lora.a), plain(&lora.b));
            Some([a, b.mul_scalar(lora.scale)])
        }
        _ => None,
    };
    let paths: BTreeSet<&String> = adapter.sites.keys().chain(adapter.below.keys()).collect();
    let both = paths.into_iter().map(|path| {
        let parts: Vec<[Tensor<2>; 2]> = own(path).into_iter().chain(adapter.below.get(path).cloned()).collect();
        let (a, b): (Vec<_>, Vec<_>) = parts.into_iter().map(|[a, b]| (a, b)).unzip();
        (path, Tensor::cat(a, 0), Tensor::cat(b, 1))
    });
    let both: Vec<_> = both.collect();
    let rank = both.iter().map(|(_, a, _)| a.dims()[0]).max().unwrap_or(1);
    let mut params = BTreeMap::new();
    for (path, a, b) in &both {
        let ([r, input], out) = (a.dims(), b.dims()[0]);
        let rows = Tensor::zeros([rank - r, input], &model.device);
        let columns = Tensor::zeros([out, rank - r], &model.device);
        let (a, b) = if r < rank {
            (Tensor::cat(vec![a.clone(), rows], 0), Tensor::cat(vec![b.clone(), columns], 1))
        } else {
            (a.clone(), b.clone())
        };
        params.insert(format!("{}.lora_A.weight", peft_name(path)), Param::Matrix(a));
        params.insert(format!("{}.lora_B.weight", peft_name(path)), Param::Matrix(b));
    }
    for copy in adapter.whole.values() {
        params.extend(model.params.get(copy).map(|param| (copy.clone(), param.clone())));
    }
    let lora = LoraConfig { r: rank, lora_alpha: rank as f64, ..LoraConfig::default() };
    let config = AdapterConfig {
        method: Method::Lora(lora),
        target_modules: Targets::Names(both.iter().map(|(path, ..)| (*path).clone()).collect()),
        exclude_modules: None,
        layers_to_transform: None,
        layers_pattern: Vec::new(),
        modules_to_save: adapter.config.modules_to_save.clone(),
        dropout: adapter.config.dropout,
    };
    (config, params)
}
