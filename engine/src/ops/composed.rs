//! The same operations out of Burn's own, for devices whose memory the CPU kernels cannot reach.

use burn::tensor::{Int, Tensor, TensorData, activation};

use super::kernels::gelu::{CUBIC, TWICE_ROOT};
use super::{AdamWStep, AttentionSpec, HeadLoss, Segment, read};

pub(super) fn rms_norm(x: Tensor<2>, weight: Tensor<1>, eps: f64) -> Tensor<2> {
    let r = (x.clone() * x.clone()).mean_dim(1).add_scalar(eps).sqrt().recip();
    x * r * weight.unsqueeze::<2>()
}

pub(super) fn layer_norm(x: Tensor<2>, gain: Tensor<1>, bias: Tensor<1>, eps: f64) -> Tensor<2> {
    let centred = x.clone() - x.mean_dim(1);
    let r = (centred.clone() * centred.clone()).mean_dim(1).add_scalar(eps).sqrt().recip();
    centred * r * gain.unsqueeze::<2>() + bias.unsqueeze::<2>()
}

pub(super) fn gelu(x: Tensor<2>) -> Tensor<2> {
    let u = (x.clone() * x.clone() * x.clone()).mul_scalar(CUBIC) + x.clone();
    x * activation::sigmoid(u.mul_scalar(TWICE_ROOT))
}

pub(super) fn soft_cap(x: Tensor<2>, cap: f32) -> Tensor<2> {
    x.div_scalar(cap).tanh().mul_scalar(cap)
}

pub(super) fn soft_cap_gradient(capped: &Tensor<2>, grad: Tensor<2>, cap: f32) -> Tensor<2> {
    let t = capped.clone().div_scalar(cap);
    grad * (t.clone() * t).neg().add_scalar(1.0)
}

pub(super) fn rope(x: Tensor<2>, cos: &Tensor<2>, sin: &Tensor<2>, dim: usize) -> Tensor<2> {
    let ([rows, width], half) = (x.dims(), cos.dims()[1]);
    let x = x.reshape([rows, width / dim, dim]);
    let (a, b) = (x.clone().narrow(2, 0, half), x.clone().narrow(2, half, half));
    let (cos, sin) = (cos.clone().unsqueeze_dim::<3>(1), sin.clone().unsqueeze_dim::<3>(1));
    let first = a.clone() * cos.clone() - b.clone() * sin.clone();
    let mut parts = vec![first, b * cos + a * sin];
    if dim > 2 * half {
        parts.push(x.narrow(2, 2 * half, dim - 2 * half));
    }
    Tensor::cat(parts, 2).reshape([rows, width])
}

/// [batch * len, heads * dim] -> [batch, heads, len, dim].
fn split(x: Tensor<2>, batch: usize, heads: usize, dim: usize) -> Tensor<4> {
    let len = x.dims()[0] / batch;
    x.reshape([batch, len, heads, dim]).swap_dims(1, 2)
}

/// K/V heads are repeated by hand: Burn's fused attention reads out of bounds for grouped heads.
fn repeated(x: Tensor<4>, groups: usize) -> Tensor<4> {
    if groups == 1 {
        return x;
    }
    let [batch, heads, len, dim] = x.dims();
    x.unsqueeze_dim::<5>(2).expand([batch, heads, groups, len, dim]).reshape([batch, heads * groups, len, dim])
}

/// Keys or values of all segments at one length: [batch * longest, width]. A shorter segment ends with the others and
/// gets rows of no meaning before its first.
fn level(x: Tensor<2>, segments: &[Segment], longest: usize) -> Tensor<2> {
    let level = |(i, s): (usize, &Segment)| s.k_len == longest && s.k_start == i * longest;
    if segments.iter().enumerate().all(level) {
        return if x.dims()[0] == segments.len() * longest { x } else { x.narrow(0, 0, segments.len() * longest) };
    }
    if let [only] = segments {
        return x.narrow(0, only.k_start, only.k_len);
    }
    let row = |s: &Segment, j: usize| (s.k_start + j.saturating_sub(longest - s.k_len)) as i32;
    let index: Vec<i32> = segments.iter().flat_map(|s| (0..longest).map(move |j| row(s, j))).collect();
    let index = Tensor::<1, Int>::from_data(TensorData::new(index, [segments.len() * longest]), &x.device().inner());
    x.select(0, index)
}

pub(super) fn attention(q: Tensor<2>, k: Tensor<2>, v: Tensor<2>, spec: &AttentionSpec) -> Tensor<2> {
    let (batch, device) = (spec.segments.len(), q.device().inner());
    let q_len = spec.segments[0].q_len;
    assert!(spec.segments.iter().all(|s| s.q_len == q_len), "on a GPU all segments have as many queries");
    let longest = spec.segments.iter().map(|s| s.k_len).max().unwrap_or(0);
    let [rows, width] = q.dims();
    let q = split(q, batch, spec.heads, spec.head_dim);
    let groups = spec.heads / spec.kv_heads;
    let [k, v] =
        [k, v].map(|x| repeated(split(level(x, &spec.segments, longest), batch, spec.kv_heads, spec.head_dim), groups));
    let mut scores = q.matmul(k.swap_dims(2, 3)).mul_scalar(spec.scale);
    if let Some(cap) = spec.softcap {
        scores = scores.div_scalar(cap).tanh().mul_scalar(cap);
    }
    let offset = longest - q_len;
    let bias = |before: usize| {
        (0..q_len).flat_map(move |i| {
            (0..longest).map(move |j| {
                let hidden = j < before || j > offset + i || spec.window.is_some_and(|w| j + w <= offset + i);
                if hidden { -1e9 } else { 0.0 }
            })
        })
    };
    // Where none is shorter, one table serves all.
    let shorter: Vec<usize> = spec.segments.iter().map(|s| longest - s.k_len).collect();
    let tables = if shorter.iter().all(|n| *n == 0) { &shorter[..1] } else { &shorter[..] };
    let values: Vec<f32> = tables.iter().flat_map(|&before| bias(before)).collect();
    let bias = Tensor::<4>::from_data(TensorData::new(values, [tables.len(), 1, q_len, longest]), &device);
    let p = activation::softmax(scores + bias, 3);
    p.matmul(v).swap_dims(1, 2).reshape([rows, width])
}

pub(super) fn cross_entropy(
    logits: Tensor<2>,
    targets: &[u32],
    scales: &[f32],
    want_grad: bool,
) -> crate::Result<HeadLoss> {
    let [rows, _] = logits.dims();
    let device = logits.device();
    let ids: Vec<i32> = targets.iter().map(|&t| t as i32).collect();
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [rows, 1]), &device);
    let log_p = activation::log_softmax(logits, 1);
    let picked = log_p.clone().gather(1, ids.clone());
    let best = log_p.clone().max_dim(1);
    let stats = read(Tensor::cat(vec![picked, best], 1), "computing the loss")?;
    let rows_out = stats.chunks_exact(2).map(|pair| (-pair[0], pair[0] >= pair[1])).collect();
    let grad = want_grad.then(|| {
        let minus = Tensor::<2>::full([rows, 1], -1.0, &device);
        log_p.exp().scatter(1, ids, minus, burn::tensor::IndexingUpdateOp::Add)
            * Tensor::<2>::from_data(TensorData::new(scales.to_vec(), [rows, 1]), &device)
    });
    Ok(HeadLoss { rows: rows_out, grad })
}

pub(super) fn adamw(w: Tensor<1>, m: Tensor<1>, v: Tensor<1>, g: Tensor<1>, s: AdamWStep) -> [Tensor<1>; 3] {
    let g = g.mul_scalar(s.grad_scale);
    let m = m.mul_scalar(s.beta1) + g.clone().mul_scalar(1.0 - s.beta1);
    let v = v.mul_scalar(s.beta2) + (g.clone() * g).mul_scalar(1.0 - s.beta2);
    let root = v.clone().sqrt().mul_scalar(1.0 / s.correction2.sqrt()).add_scalar(s.eps);
    let w = w.mul_scalar(1.0 - s.learning_rate * s.weight_decay)
        - (m.clone() / root).mul_scalar(s.learning_rate / s.correction1);
    [w, m, v]
}

pub(super) fn square_sum(x: &Tensor<1>) -> crate::Result<f64> {
    Ok(read((x.clone() * x.clone()).sum(), "measuring the gradient")?.first().copied().map_or(0.0, f64::from))
}
