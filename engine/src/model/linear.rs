//! A block's linear layers: the weight as it is stored, the bias, and the adapter that is on it.

use burn::tensor::Tensor;

use super::{LinearSpec, Model, Param, Tape};

impl Model {
    /// x [rows, in] -> [rows, out] by the stored weight alone: no bias, no adapter.
    pub(crate) fn project(&self, spec: &LinearSpec, x: Tensor<2>, tape: &mut Tape) -> Tensor<2> {
        let name = spec.weight();
        if let Some(Param::Packed(packed)) = self.params.get(&name) {
            return packed.project(x, spec.transposed);
        }
        let weight = self.matrix(&name, tape);
        if spec.transposed { x.matmul(weight) } else { x.matmul(weight.transpose()) }
    }

    /// A matrix of the model by its parameter's name, dense and in its stored orientation; a packed one is made dense
    /// for the caller.
    pub fn dense(&self, name: &str) -> Tensor<2> {
        self.matrix(name, &mut Tape::off())
    }

    /// x [rows, in] -> [rows, out] through a block's linear layer, with its adapter where one is on.
    pub(super) fn linear(&self, layer: usize, name: &str, x: Tensor<2>, tape: &mut Tape) -> Tensor<2> {
        let spec = self.config.linear(layer, name);
        let adapter = self.adapter.as_ref().filter(|adapter| adapter.enabled && tape.adapter);
        let y = match adapter.and_then(|adapter| adapter.forward(self, &spec, &x, tape)) {
            Some(adapted) => adapted,
            None => self.project(&spec, x, tape),
        };
        if spec.bias { y + self.vector(&format!("{}.bias", spec.path), tape).unsqueeze::<2>() } else { y }
    }
}
