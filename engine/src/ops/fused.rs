//! Glue between Burn's tensors and the CPU kernels, with the backward passes registered in Burn's autodiff.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::NoCheckpointing};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::{Tensor, TensorData};

use super::attention::{self, AttentionSpec};
use super::{AdamWStep, HeadLoss, kernels};

pub(crate) type Tracked = <Autodiff<Flex> as burn::backend::BackendTypes>::FloatTensorPrimitive;

/// The CPU tensor under a plain tensor, laid out row by row.
pub(crate) fn cpu<const D: usize>(x: Tensor<D>) -> FlexTensor {
    let x = x.try_into_primitive::<Flex>().expect("a CPU tensor without autodiff");
    if x.as_slice::<f32>().is_some() { x } else { x.to_contiguous() }
}

/// The tracked CPU tensor; a plain one becomes a constant.
pub(crate) fn tracked<const D: usize>(x: Tensor<D>) -> Tracked {
    let x = if x.is_autodiff() { x } else { x.autodiff() };
    x.try_into_primitive::<Autodiff<Flex>>().expect("a CPU tensor")
}

pub(crate) fn row_major(x: &FlexTensor) -> FlexTensor {
    if x.as_slice::<f32>().is_some() { x.clone() } else { x.to_contiguous() }
}

pub(crate) fn floats(x: &FlexTensor) -> &[f32] {
    x.as_slice::<f32>().expect("contiguous f32")
}

fn like(x: &FlexTensor, values: Vec<f32>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, x.layout().shape().clone()))
}

pub(crate) fn plain<const D: usize>(x: FlexTensor) -> Tensor<D> {
    Tensor::from_primitive::<Flex>(x)
}

pub(crate) fn lifted<const D: usize>(x: Tracked) -> Tensor<D> {
    Tensor::from_primitive::<Autodiff<Flex>>(x)
}

#[derive(Debug)]
struct RmsNorm;

impl Backward<Flex, 2> for RmsNorm {
    type State = (FlexTensor, FlexTensor, f32);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = row_major(&grads.consume::<Flex>(&ops.node));
        let (x, weight, eps) = ops.state;
        let (dx, dw) = kernels::rms_norm_backward(floats(&x), floats(&weight), floats(&grad), eps);
        let [x_node, weight_node] = ops.parents;
        if let Some(node) = x_node {
            grads.register::<Flex>(node.id, like(&x, dx));
        }
        if let Some(node) = weight_node {
            grads.register::<Flex>(node.id, like(&weight, dw));
        }
    }
}

pub(super) fn rms_norm(x: Tensor<2>, weight: Tensor<1>, eps: f32) -> Tensor<2> {
    let run = |x: &FlexTensor, w: &FlexTensor| like(x, kernels::rms_norm(floats(x), floats(w), eps));
    if !x.is_autodiff() && !weight.is_autodiff() {
        let (x, w) = (cpu(x), cpu(weight));
        return plain(run(&x, &w));
    }
    let (x, w) = (tracked(x), tracked(weight));
    let (xp, wp) = (row_major(x.primitive()), row_major(w.primitive()));
    let out = run(&xp, &wp);
    lifted(match RmsNorm.prepare::<NoCheckpointing>([x.node(), w.node()]).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish((xp, wp, eps), out),
        OpsKind::UnTracked(prep) => prep.finish(out),
    })
}

#[derive(Debug)]
struct LayerNorm;

impl Backward<Flex, 3> for LayerNorm {
    type State = (FlexTensor, FlexTensor, f32);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = row_major(&grads.consume::<Flex>(&ops.node));
        let (x, gain, eps) = ops.state;
        let (dx, dgain, dbias) = kernels::layer_norm::backward(floats(&x), floats(&gain), floats(&grad), eps);
        for ((node, like_it), d) in ops.parents.into_iter().zip([&x, &gain, &gain]).zip([dx, dgain, dbias]) {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, like(like_it, d));
            }
        }
    }
}

pub(super) fn layer_norm(x: Tensor<2>, gain: Tensor<1>, bias: Tensor<1>, eps: f32) -> Tensor<2> {
    let run = |x: &FlexTensor, g: &FlexTensor, b: &FlexTensor| {
        like(x, kernels::layer_norm::forward(floats(x), floats(g), floats(b), eps))
    };
    if !x.is_autodiff() && !gain.is_autodiff() && !bias.is_autodiff() {
        let (x, g, b) = (cpu(x), cpu(gain), cpu(bias));
        return plain(run(&x, &g, &b));
    }
    let (x, g, b) = (tracked(x), tracked(gain), tracked(bias));
    let (xp, gp, bp) = (row_major(x.primitive()), row_major(g.primitive()), row_major(b.primitive()));
    let out = run(&xp, &gp, &bp);
    lifted(match LayerNorm.prepare::<NoCheckpointing>([x.node(), g.node(), b.node()]).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish((xp, gp, eps), out),
        OpsKind::UnTracked(prep) => prep.finish(out),
    })
}

/// What the gate goes through.
#[derive(Debug, Clone, Copy)]
enum Gate {
    Silu,
    Gelu,
}

#[derive(Debug)]
struct Gated(Gate);

impl Backward<Flex, 2> for Gated {
    type State = (FlexTensor, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = row_major(&grads.consume::<Flex>(&ops.node));
        let (gate, up) = ops.state;
        let (dgate, dup) = match self.0 {
            Gate::Silu => kernels::swiglu_backward(floats(&gate), floats(&up), floats(&grad)),
            Gate::Gelu => kernels::gelu::geglu_backward(floats(&gate), floats(&up), floats(&grad)),
        };
        let [gate_node, up_node] = ops.parents;
        if let Some(node) = gate_node {
            grads.register::<Flex>(node.id, like(&gate, dgate));
        }
        if let Some(node) = up_node {
            grads.register::<Flex>(node.id, like(&up, dup));
        }
    }
}

fn gated(by: Gate, gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
    let run = |g: &FlexTensor, u: &FlexTensor| match by {
        Gate::Silu => like(g, kernels::swiglu(floats(g), floats(u))),
        Gate::Gelu => like(g, kernels::gelu::geglu(floats(g), floats(u))),
    };
    if !gate.is_autodiff() && !up.is_autodiff() {
        let (g, u) = (cpu(gate), cpu(up));
        return plain(run(&g, &u));
    }
    let (gate, up) = (tracked(gate), tracked(up));
    let (gp, upp) = (row_major(gate.primitive()), row_major(up.primitive()));
    let out = run(&gp, &upp);
    lifted(match Gated(by).prepare::<NoCheckpointing>([gate.node(), up.node()]).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish((gp, upp), out),
        OpsKind::UnTracked(prep) => prep.finish(out),
    })
}

pub(super) fn swiglu(gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
    gated(Gate::Silu, gate, up)
}

pub(super) fn geglu(gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
    gated(Gate::Gelu, gate, up)
}

#[derive(Debug)]
struct Gelu;

impl Backward<Flex, 1> for Gelu {
    type State = FlexTensor;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = row_major(&grads.consume::<Flex>(&ops.node));
        let x = ops.state;
        let [node] = ops.parents;
        if let Some(node) = node {
            grads.register::<Flex>(node.id, like(&x, kernels::gelu::gelu_backward(floats(&x), floats(&grad))));
        }
    }
}

pub(super) fn gelu(x: Tensor<2>) -> Tensor<2> {
    if !x.is_autodiff() {
        let x = cpu(x);
        return plain(like(&x, kernels::gelu::gelu(floats(&x))));
    }
    let x = tracked(x);
    let xp = row_major(x.primitive());
    let out = like(&xp, kernels::gelu::gelu(floats(&xp)));
    lifted(match Gelu.prepare::<NoCheckpointing>([x.node()]).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish(xp, out),
        OpsKind::UnTracked(prep) => prep.finish(out),
    })
}

pub(super) fn soft_cap(x: Tensor<2>, cap: f32) -> Tensor<2> {
    let mut x = cpu(x);
    kernels::gelu::soft_cap(x.storage_mut::<f32>(), cap);
    plain(x)
}

pub(super) fn soft_cap_gradient(capped: &Tensor<2>, grad: Tensor<2>, cap: f32) -> Tensor<2> {
    let (capped, mut grad) = (cpu(capped.clone()), cpu(grad));
    kernels::gelu::soft_cap_backward(floats(&capped), grad.storage_mut::<f32>(), cap);
    plain(grad)
}

#[derive(Debug)]
struct Rope;

impl Backward<Flex, 1> for Rope {
    type State = (FlexTensor, FlexTensor, usize);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = row_major(&grads.consume::<Flex>(&ops.node));
        let (cos, sin, dim) = ops.state;
        let [node] = ops.parents;
        if let Some(node) = node {
            grads.register::<Flex>(node.id, turned(&grad, &cos, &sin, dim, -1.0));
        }
    }
}

fn turned(x: &FlexTensor, cos: &FlexTensor, sin: &FlexTensor, dim: usize, sign: f32) -> FlexTensor {
    let half = cos.layout().shape()[1];
    like(x, kernels::rope(floats(x), floats(cos), floats(sin), half, dim, sign))
}

pub(super) fn rope(x: Tensor<2>, cos: &Tensor<2>, sin: &Tensor<2>, dim: usize) -> Tensor<2> {
    let (cos, sin) = (cpu(cos.clone()), cpu(sin.clone()));
    if !x.is_autodiff() {
        return plain(turned(&cpu(x), &cos, &sin, dim, 1.0));
    }
    let x = tracked(x);
    let out = turned(&row_major(x.primitive()), &cos, &sin, dim, 1.0);
    lifted(match Rope.prepare::<NoCheckpointing>([x.node()]).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish((cos, sin, dim), out),
        OpsKind::UnTracked(prep) => prep.finish(out),
    })
}

#[derive(Debug)]
struct Attention;

#[derive(Debug, Clone)]
struct AttentionState {
    q: FlexTensor,
    k: FlexTensor,
    v: FlexTensor,
    out: FlexTensor,
    lse: std::sync::Arc<Vec<f32>>,
    spec: AttentionSpec,
}

impl Backward<Flex, 3> for Attention {
    type State = AttentionState;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = row_major(&grads.consume::<Flex>(&ops.node));
        let s = ops.state;
        let inputs = (floats(&s.q), floats(&s.k), floats(&s.v));
        let (dq, dk, dv) = attention::backward(inputs, floats(&s.out), &s.lse, floats(&grad), &s.spec);
        for (node, x, d) in
            ops.parents.into_iter().zip([&s.q, &s.k, &s.v]).zip([dq, dk, dv]).map(|((n, x), d)| (n, x, d))
        {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, like(x, d));
            }
        }
    }
}

pub(super) fn attention(q: Tensor<2>, k: Tensor<2>, v: Tensor<2>, spec: &AttentionSpec) -> Tensor<2> {
    check(&q.dims(), &k.dims(), spec);
    if !q.is_autodiff() && !k.is_autodiff() && !v.is_autodiff() {
        let (q, k, v) = (cpu(q), cpu(k), cpu(v));
        let (out, _) = attention::forward(floats(&q), floats(&k), floats(&v), spec);
        return plain(like(&q, out));
    }
    let (q, k, v) = (tracked(q), tracked(k), tracked(v));
    let (qp, kp, vp) = (row_major(q.primitive()), row_major(k.primitive()), row_major(v.primitive()));
    let (out, lse) = attention::forward(floats(&qp), floats(&kp), floats(&vp), spec);
    let out = like(&qp, out);
    lifted(match Attention.prepare::<NoCheckpointing>([q.node(), k.node(), v.node()]).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let state = AttentionState { q: qp, k: kp, v: vp, out: out.clone(), lse: lse.into(), spec: spec.clone() };
            prep.finish(state, out)
        }
        OpsKind::UnTracked(prep) => prep.finish(out),
    })
}

/// The kernels index without checks: refuse segments that reach outside.
fn check(q: &[usize; 2], k: &[usize; 2], spec: &AttentionSpec) {
    assert_eq!(q[1], spec.heads * spec.head_dim, "query width");
    assert_eq!(k[1], spec.kv_heads * spec.head_dim, "key width");
    for s in spec.segments.iter() {
        assert!(s.q_len <= s.k_len && s.q_start + s.q_len <= q[0] && s.k_start + s.k_len <= k[0], "segment {s:?}");
    }
}

pub(super) fn cross_entropy(logits: Tensor<2>, targets: &[u32], scales: &[f32], want_grad: bool) -> HeadLoss {
    let mut logits = cpu(logits);
    let rows = kernels::cross_entropy(logits.storage_mut::<f32>(), targets, scales);
    HeadLoss { rows, grad: want_grad.then(|| plain(logits)) }
}

pub(super) fn adamw(w: Tensor<1>, m: Tensor<1>, v: Tensor<1>, g: Tensor<1>, step: AdamWStep) -> [Tensor<1>; 3] {
    let (mut w, mut m, mut v, g) = (cpu(w), cpu(m), cpu(v), cpu(g));
    kernels::adamw(w.storage_mut(), m.storage_mut(), v.storage_mut(), floats(&g), step);
    [plain(w), plain(m), plain(v)]
}

pub(super) fn square_sum(x: &Tensor<1>) -> f64 {
    kernels::square_sum(floats(&cpu(x.clone())))
}
