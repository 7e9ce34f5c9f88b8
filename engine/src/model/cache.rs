//! Keys and values of the positions that were already read, for generation.

use burn::tensor::{Device, Tensor};

use super::ModelConfig;

/// Room for `capacity` positions; each layer's keys and values are [capacity, kv_heads * head_dim].
pub struct KvCache {
    layers: Vec<(Tensor<2>, Tensor<2>)>,
    capacity: usize,
    len: usize,
}

impl KvCache {
    pub fn new(config: &ModelConfig, capacity: usize, device: &Device) -> Self {
        let width = config.kv_heads * config.head_dim;
        let empty = || Tensor::zeros([capacity, width], device);
        Self { layers: (0..config.layers).map(|_| (empty(), empty())).collect(), capacity, len: 0 }
    }

    /// Positions read so far.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Adds the new rows of a layer and returns all keys and values so far.
    pub(super) fn extend(&mut self, layer: usize, k: Tensor<2>, v: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let [new, width] = k.dims();
        let (from, to) = (self.len, self.len + new);
        let (keys, values) = &mut self.layers[layer];
        // `inplace` gives the only handle away, so that the assignment needs no copy of the whole cache.
        keys.inplace(|t| t.slice_assign([from..to, 0..width], k));
        values.inplace(|t| t.slice_assign([from..to, 0..width], v));
        (keys.clone().slice([0..to, 0..width]), values.clone().slice([0..to, 0..width]))
    }

    /// After a pass through all layers.
    pub fn advance(&mut self, rows: usize) {
        self.len += rows;
    }
}
