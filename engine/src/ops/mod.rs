//! The operations of a decoder that are worth more than a chain of small tensor operations.
//!
//! On the CPU each is one threaded kernel with its own backward pass; on a GPU it is composed of Burn's operations,
//! whose autodiff then gives the backward pass. Both paths are compared by tests.

mod attention;
mod composed;
mod divergence;
pub(crate) mod fused;
mod kernels;

#[cfg(test)]
mod twin_tests;

use burn::backend::DispatchDevice;
use burn::tensor::{Device, Tensor};

pub use attention::{AttentionSpec, Segment};
pub use divergence::{Divergence, divergence};
pub use kernels::AdamWStep;

/// Whether tensors of this device are plain memory that the kernels can work on.
pub fn is_cpu(device: &Device) -> bool {
    matches!(device.clone().inner().as_dispatch(), DispatchDevice::Flex(_))
}

/// Root-mean-square norm by rows (Zhang & Sennrich 2019). `x` [rows, width], `weight` [width].
pub fn rms_norm(x: Tensor<2>, weight: Tensor<1>, eps: f64) -> Tensor<2> {
    if is_cpu(&x.device()) { fused::rms_norm(x, weight, eps as f32) } else { composed::rms_norm(x, weight, eps) }
}

/// silu(gate) * up. Both [rows, width].
pub fn swiglu(gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
    if is_cpu(&gate.device()) { fused::swiglu(gate, up) } else { burn::tensor::activation::silu(gate) * up }
}

/// Layer norm by rows (Ba, Kiros & Hinton 2016). `x` [rows, width], `gain` and `bias` [width].
pub fn layer_norm(x: Tensor<2>, gain: Tensor<1>, bias: Tensor<1>, eps: f64) -> Tensor<2> {
    if is_cpu(&x.device()) {
        fused::layer_norm(x, gain, bias, eps as f32)
    } else {
        composed::layer_norm(x, gain, bias, eps)
    }
}

/// gelu(gate) * up with gelu's tanh form. Both [rows, width].
pub fn geglu(gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
    if is_cpu(&gate.device()) { fused::geglu(gate, up) } else { composed::gelu(gate) * up }
}

/// Gelu by its tanh form. `x` [rows, width].
pub fn gelu(x: Tensor<2>) -> Tensor<2> {
    if is_cpu(&x.device()) { fused::gelu(x) } else { composed::gelu(x) }
}

/// cap * tanh(x / cap). No autodiff: see [`soft_cap_gradient`].
pub fn soft_cap(x: Tensor<2>, cap: f32) -> Tensor<2> {
    if is_cpu(&x.device()) { fused::soft_cap(x, cap) } else { composed::soft_cap(x, cap) }
}

/// Gradient by what [`soft_cap`] got, from its result and the gradient by that.
pub fn soft_cap_gradient(capped: &Tensor<2>, grad: Tensor<2>, cap: f32) -> Tensor<2> {
    if is_cpu(&grad.device()) {
        fused::soft_cap_gradient(capped, grad, cap)
    } else {
        composed::soft_cap_gradient(capped, grad, cap)
    }
}

/// Rotary embedding by rotated halves. `x` [rows, heads * dim], `cos` and `sin` [rows, half]; the first 2 * half
/// numbers of each head are turned.
pub fn rope(x: Tensor<2>, cos: &Tensor<2>, sin: &Tensor<2>, dim: usize) -> Tensor<2> {
    if is_cpu(&x.device()) { fused::rope(x, cos, sin, dim) } else { composed::rope(x, cos, sin, dim) }
}

/// Causal attention of packed segments. `q` [rows, heads * dim], `k` and `v` [rows, kv_heads * dim];
/// returns [rows, heads * dim]. On a GPU all segments must have as many queries.
pub fn attention(q: Tensor<2>, k: Tensor<2>, v: Tensor<2>, spec: &AttentionSpec) -> Tensor<2> {
    if is_cpu(&q.device()) { fused::attention(q, k, v, spec) } else { composed::attention(q, k, v, spec) }
}

/// What the head's loss gives for some rows.
pub struct HeadLoss {
    /// -log p of each target, and whether it was the most likely token.
    pub rows: Vec<(f32, bool)>,
    /// Gradient of the sum of `scale * -log p` over the rows by the logits, [rows, vocabulary]; None where it was not asked for.
    pub grad: Option<Tensor<2>>,
}

/// Softmax cross-entropy of logits [rows, vocabulary] (no autodiff) with one target id and one scale a row.
pub fn cross_entropy(logits: Tensor<2>, targets: &[u32], scales: &[f32], want_grad: bool) -> crate::Result<HeadLoss> {
    if is_cpu(&logits.device()) {
        Ok(fused::cross_entropy(logits, targets, scales, want_grad))
    } else {
        composed::cross_entropy(logits, targets, scales, want_grad)
    }
}

/// One AdamW step on flat tensors: (weight, first moment, second moment) and the gradient. Returns the new three.
pub fn adamw(w: Tensor<1>, m: Tensor<1>, v: Tensor<1>, g: Tensor<1>, step: AdamWStep) -> [Tensor<1>; 3] {
    if is_cpu(&w.device()) { fused::adamw(w, m, v, g, step) } else { composed::adamw(w, m, v, g, step) }
}

/// Sum of squares of a flat tensor.
pub fn square_sum(x: &Tensor<1>) -> crate::Result<f64> {
    if is_cpu(&x.device()) { Ok(fused::square_sum(x)) } else { composed::square_sum(x) }
}

/// Reads a float tensor back; an out-of-memory or lost device shows here.
pub fn read<const D: usize>(tensor: Tensor<D>, what: &str) -> crate::Result<Vec<f32>> {
    tensor.try_into_vec_as::<f32>().map_err(|e| device_error(&e.to_string(), what))
}

pub(crate) fn device_error(message: &str, during: &str) -> crate::Error {
    let lower = message.to_lowercase();
    if lower.contains("memory") || lower.contains("alloc") {
        crate::Error::OutOfMemory { during: format!("{during} ({message})") }
    } else {
        crate::Error::Device { device: "the run's device".into(), reason: format!("{message} (while {during})") }
    }
}
