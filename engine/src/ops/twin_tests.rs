//! The fused CPU operations against the same composed of Burn's, values and gradients.

use burn::tensor::{Device, Tensor, TensorData};

use super::{AttentionSpec, Segment, composed, fused, read};

fn wave(rows: usize, cols: usize, f: f32) -> Tensor<2> {
    let values: Vec<f32> = (0..rows * cols).map(|i| (i as f32 * f).sin() * 1.5 + 0.1).collect();
    Tensor::from_data(TensorData::new(values, [rows, cols]), &Device::flex())
}

fn leaf(rows: usize, cols: usize, f: f32) -> Tensor<2> {
    wave(rows, cols, f).autodiff().require_grad()
}

/// A value and its gradients by the leaves, one below the other.
fn all_of(leaves: &[Tensor<2>], y: Tensor<2>) -> Vec<f32> {
    let [rows, cols] = y.dims();
    let mut values = read(y.clone().without_autodiff(), "test").unwrap();
    let mut grads = (y * wave(rows, cols, 0.83)).sum().backward();
    for leaf in leaves {
        values.extend(read(leaf.grad_remove(&mut grads).expect("a gradient"), "test").unwrap());
    }
    values
}

fn agree(what: &str, fused: &[f32], composed: &[f32]) {
    assert_eq!(fused.len(), composed.len());
    let worst = fused.iter().zip(composed).map(|(a, b)| (a - b).abs() / (1.0 + b.abs())).fold(0.0, f32::max);
    assert!(worst < 2e-5, "{what}: {worst}");
}

#[test]
fn layer_norm() {
    let run = |f: &dyn Fn(Tensor<2>, Tensor<1>, Tensor<1>) -> Tensor<2>| {
        let all = [leaf(9, 48, 0.37), leaf(1, 48, 0.91), leaf(1, 48, 0.53)];
        let [x, gain, bias] = all.clone();
        all_of(&all, f(x, gain.reshape([48]), bias.reshape([48])))
    };
    let eps = 1e-5;
    agree(
        "layer norm",
        &run(&|x, g, b| fused::layer_norm(x, g, b, 1e-5)),
        &run(&|x, g, b| composed::layer_norm(x, g, b, eps)),
    );
}

#[test]
fn gelu_with_and_without_a_gate() {
    let run = |f: &dyn Fn(Tensor<2>, Tensor<2>) -> Tensor<2>| {
        let all = [leaf(7, 40, 0.37), leaf(7, 40, 0.91)];
        let [gate, up] = all.clone();
        all_of(&all, f(gate, up))
    };
    agree("geglu", &run(&fused::geglu), &run(&|gate, up| composed::gelu(gate) * up));
    agree("gelu", &run(&|x, y| fused::gelu(x + y)), &run(&|x, y| composed::gelu(x + y)));
}

#[test]
fn rope_that_turns_a_part_of_each_head() {
    let (cos, sin) = (wave(6, 3, 0.21).cos(), wave(6, 3, 0.21).sin());
    for dim in [6, 10] {
        let run = |f: &dyn Fn(Tensor<2>) -> Tensor<2>| {
            let x = leaf(6, 3 * dim, 0.37);
            all_of(&[x.clone()], f(x))
        };
        agree("rope", &run(&|x| fused::rope(x, &cos, &sin, dim)), &run(&|x| composed::rope(x, &cos, &sin, dim)));
    }
}

/// Parts of a fused projection reach the kernels as views, and their gradients come back together.
#[test]
fn views_of_a_wider_tensor() {
    let run = |f: &dyn Fn(Tensor<2>, Tensor<2>) -> Tensor<2>| {
        let both = leaf(5, 32, 0.37);
        all_of(&[both.clone()], f(both.clone().narrow(1, 0, 16), both.narrow(1, 16, 16)))
    };
    agree("halves", &run(&fused::swiglu), &run(&|gate, up| burn::tensor::activation::silu(gate) * up));
}

#[test]
fn soft_cap() {
    let x = wave(5, 30, 0.37).mul_scalar(8.0);
    let capped = fused::soft_cap(x.clone(), 6.0);
    agree("cap", &read(capped.clone(), "test").unwrap(), &read(composed::soft_cap(x, 6.0), "test").unwrap());
    let grads = [fused::soft_cap_gradient, composed::soft_cap_gradient]
        .map(|f| read(f(&capped, wave(5, 30, 0.9), 6.0), "test").unwrap());
    agree("its gradient", &grads[0], &grads[1]);
}

/// One query a sequence, as in decoding side by side: keys of different lengths, somewhere in a common buffer.
#[test]
fn attention_to_keys_of_different_lengths() {
    let segment = |i: usize, k_start, k_len| Segment { q_start: i, q_len: 1, k_start, k_len };
    let several = [segment(0, 0, 9), segment(1, 12, 30), segment(2, 50, 1)];
    for segments in [&several[..], &several[..1], &[segment(0, 12, 30)], &[segment(0, 0, 20), segment(1, 20, 20)]] {
        for (window, softcap) in [(None, None), (Some(7), Some(2.0))] {
            let segments = segments.into();
            let spec = AttentionSpec { heads: 4, kv_heads: 2, head_dim: 8, scale: 0.35, window, softcap, segments };
            let (q, k, v) = (wave(spec.segments.len(), 32, 0.37), wave(60, 16, 0.73), wave(60, 16, 0.11));
            let [fused, composed] =
                [fused::attention, composed::attention].map(|f| f(q.clone(), k.clone(), v.clone(), &spec));
            agree("attention", &read(fused, "test").unwrap(), &read(composed, "test").unwrap());
        }
    }
}
