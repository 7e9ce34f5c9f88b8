//! How far an adapter moves the weights it is on, one tensor at a time.

use burn::tensor::Tensor;

use super::merge::merged_weight;
use super::{Form, base_weight};
use crate::model::{Model, Tape};
use crate::{Result, ops};

impl Model {
    /// |W' - W|^2 of the weight of an adapted layer, W' as the adapter makes it. A plain LoRA's needs only its factors;
    /// DoRA and OFT have no such form, so W' is made and let go again. None: this layer has no adapter.
    ///
    /// # Errors
    /// `Device` or `OutOfMemory` where the numbers cannot be read back.
    pub(crate) fn adapter_change_squared(&self, path: &str) -> Result<Option<f64>> {
        let Some(site) = self.adapter.as_ref().and_then(|adapter| adapter.sites.get(path)) else { return Ok(None) };
        match &site.form {
            Form::Lora(lora) if lora.magnitude.is_none() => {
                let plain = |name: &str| self.matrix(name, &mut Tape::off());
                lora.change_squared(plain(&lora.a), plain(&lora.b)).map(Some)
            }
            _ => square_sum(merged_weight(self, site) - base_weight(self, &site.spec)).map(Some),
        }
    }

    /// |W|^2 of the frozen weight of an adapted layer; 0 where the layer has no adapter.
    ///
    /// # Errors
    /// As [`Model::adapter_change_squared`].
    pub(crate) fn adapted_weight_squared(&self, path: &str) -> Result<f64> {
        match self.adapter.as_ref().and_then(|adapter| adapter.sites.get(path)) {
            Some(site) => square_sum(base_weight(self, &site.spec)),
            None => Ok(0.0),
        }
    }
}

fn square_sum(x: Tensor<2>) -> Result<f64> {
    let [rows, columns] = x.dims();
    ops::square_sum(&x.reshape([rows * columns]))
}
