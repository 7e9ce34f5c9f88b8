//! An adapter folded into the weights, and taken out again.

use std::collections::BTreeMap;

use burn::tensor::Tensor;

use super::{Adapter, Form, Lora, Oft, Site, base_weight};
use crate::model::{Model, Param, Tape};

/// What [`Model::merge_adapter`] took away: dropped, it frees the memory; given back, the adapter is apart again.
#[derive(Debug)]
pub struct Merged {
    adapter: Adapter,
    /// The adapter's tensors, and the base's before the merge.
    apart: BTreeMap<String, Param>,
}

impl Model {
    /// Adds the adapter into the weights and takes it off: the same answers without the extra products. Packed weights
    /// become dense where the adapter is. None: there is no adapter.
    pub fn merge_adapter(&mut self) -> Option<Merged> {
        let adapter = self.adapter.take()?;
        let mut apart = BTreeMap::new();
        for site in adapter.sites.values() {
            let merged = merged_weight(self, site);
            let merged = if site.spec.transposed { merged.transpose() } else { merged };
            apart
                .extend(self.params.insert(site.spec.weight(), Param::Matrix(merged)).map(|p| (site.spec.weight(), p)));
        }
        for (name, copy) in &adapter.whole {
            if let Some(learned) = self.params.get(copy).cloned() {
                apart.extend(self.params.insert(name.clone(), learned).map(|param| (name.clone(), param)));
            }
        }
        for name in adapter.learning_names() {
            apart.extend(self.params.remove(&name).map(|param| (name, param)));
        }
        Some(Merged { adapter, apart })
    }

    /// Undoes [`Model::merge_adapter`]: the base's weights are bit for bit what they were.
    pub fn unmerge_adapter(&mut self, merged: Merged) {
        let Merged { adapter, apart } = merged;
        for name in adapter.whole.keys().filter(|name| !apart.contains_key(*name)) {
            self.params.remove(name); // the base never had it: a score head that only the adapter knows
        }
        self.params.extend(apart);
        self.adapter = Some(adapter);
    }
}

/// W as the adapter makes it, [out, in].
pub(super) fn merged_weight(model: &Model, site: &Site) -> Tensor<2> {
    let weight = base_weight(model, &site.spec);
    let plain = |name: &str| model.matrix(name, &mut Tape::off());
    match &site.form {
        Form::Oft(oft) => turned(oft, weight, plain(&oft.r)),
        Form::Lora(lora) => {
            let (a, b) = (plain(&lora.a), plain(&lora.b));
            let factor = magnitude_factor(model, site, lora, &a, &b);
            let [a, b] = lora.change(a, b);
            let whole = weight + b.matmul(a).mul_scalar(lora.scale);
            match factor {
                Some(factor) => whole * factor,
                None => whole,
            }
        }
    }
}

/// m / |V| by row, [out, 1].
fn magnitude_factor(model: &Model, site: &Site, lora: &Lora, a: &Tensor<2>, b: &Tensor<2>) -> Option<Tensor<2>> {
    let magnitude = model.vector(lora.magnitude.as_ref()?, &mut Tape::off());
    let norms = lora.row_norms(model, &site.spec, a.clone(), b.clone());
    Some((magnitude / norms).reshape([site.spec.out, 1]))
}

/// W blockdiag(R)^T: each row of W, cut into blocks, times R^T.
fn turned(oft: &Oft, weight: Tensor<2>, values: Tensor<2>) -> Tensor<2> {
    oft.turn(weight, oft.rotation(values).swap_dims(1, 2))
}
