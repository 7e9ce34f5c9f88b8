//! Row-wise f32 kernels for the CPU: norm, gated activation, rotary embedding, cross-entropy, AdamW.
//!
//! Each kernel is written once as plain loops and compiled twice on x86: for the baseline, and for AVX2 + FMA,
//! chosen at run time. Rows are shared among rayon's threads.

pub(super) mod gelu;
pub(super) mod layer_norm;

use rayon::prelude::*;

/// Compiles a kernel for the baseline and, on x86-64, for AVX2 + FMA; the call picks at run time.
macro_rules! multiversion {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$doc])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn body($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn wide($($arg: $ty),*) $(-> $ret)? {
                    body($($arg),*)
                }
                if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
                    // SAFETY: the features were just detected.
                    return unsafe { wide($($arg),*) };
                }
            }
            body($($arg),*)
        }
    };
}
pub(super) use multiversion;

/// e^x to about 1e-7 relative, without branches, so that loops over it become SIMD.
/// Cody-Waite reduction and a degree-6 polynomial (Cephes `expf`).
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LN2_HI: f32 = 0.693_359_4;
    const LN2_LO: f32 = -2.121_944_4e-4;
    const MAGIC: f32 = 12_582_912.0; // 1.5 * 2^23: adding it rounds to an integer
    let x = x.clamp(-87.0, 88.0);
    let t = x * LOG2_E + MAGIC;
    let n = t - MAGIC;
    let r = x - n * LN2_HI - n * LN2_LO;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 5e-1;
    let y = p * r * r + r + 1.0;
    f32::from_bits(((t.to_bits() << 23) as i32).wrapping_add(y.to_bits() as i32) as u32)
}

/// Sum of `f(i)` over sixteen lanes, so that the additions are SIMD (float sums are not reordered by the compiler).
#[inline(always)]
pub(super) fn lane_sum(len: usize, f: impl Fn(usize) -> f32) -> f32 {
    let mut lanes = [0f32; 16];
    let whole = len / 16 * 16;
    for i in (0..whole).step_by(16) {
        for (l, lane) in lanes.iter_mut().enumerate() {
            *lane += f(i + l);
        }
    }
    let mut sum: f32 = lanes.iter().sum();
    for i in whole..len {
        sum += f(i);
    }
    sum
}

#[inline(always)]
pub(super) fn lane_max(row: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; 16];
    let chunks = row.chunks_exact(16);
    let mut max = chunks.remainder().iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for chunk in chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane = if *v > *lane { *v } else { *lane };
        }
    }
    for lane in lanes {
        max = max.max(lane);
    }
    max
}

/// How many rows one task takes: enough work to be worth a hand-over.
pub(super) fn rows_per_task(width: usize) -> usize {
    (16_384 / width.max(1)).clamp(1, 256)
}

multiversion! {
    fn rms_rows(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
        let width = weight.len();
        for (row, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            let mean = lane_sum(width, |i| row[i] * row[i]) / width as f32;
            let r = 1.0 / (mean + eps).sqrt();
            for i in 0..width {
                out[i] = row[i] * r * weight[i];
            }
        }
    }
}

/// y = x / sqrt(mean(x^2) + eps) * weight, by rows of `weight.len()`.
pub(super) fn rms_norm(x: &[f32], weight: &[f32], eps: f32) -> Vec<f32> {
    let width = weight.len();
    let mut out = vec![0f32; x.len()];
    let step = rows_per_task(width) * width;
    out.par_chunks_mut(step).zip(x.par_chunks(step)).for_each(|(out, x)| rms_rows(x, weight, eps, out));
    out
}

multiversion! {
    fn rms_rows_backward(x: &[f32], weight: &[f32], grad: &[f32], eps: f32, dx: &mut [f32], dw: &mut [f32]) {
        let width = weight.len();
        for ((row, g), dx) in x.chunks_exact(width).zip(grad.chunks_exact(width)).zip(dx.chunks_exact_mut(width)) {
            let mean = lane_sum(width, |i| row[i] * row[i]) / width as f32;
            let r = 1.0 / (mean + eps).sqrt();
            let dot = lane_sum(width, |i| g[i] * weight[i] * row[i]) * r * r / width as f32;
            for i in 0..width {
                dx[i] = r * (g[i] * weight[i] - row[i] * dot);
                dw[i] += g[i] * row[i] * r;
            }
        }
    }
}

/// Gradients of [`rms_norm`]: (dx, dweight).
pub(super) fn rms_norm_backward(x: &[f32], weight: &[f32], grad: &[f32], eps: f32) -> (Vec<f32>, Vec<f32>) {
    let width = weight.len();
    let mut dx = vec![0f32; x.len()];
    let step = rows_per_task(width) * width;
    // Partial sums are added in row order: the result does not depend on which thread was first.
    let parts: Vec<Vec<f32>> = dx
        .par_chunks_mut(step)
        .zip(x.par_chunks(step).zip(grad.par_chunks(step)))
        .map(|(dx, (x, g))| {
            let mut dw = vec![0f32; width];
            rms_rows_backward(x, weight, g, eps, dx, &mut dw);
            dw
        })
        .collect();
    let mut dw = vec![0f32; width];
    for part in parts {
        for (a, b) in dw.iter_mut().zip(part) {
            *a += b;
        }
    }
    (dx, dw)
}

multiversion! {
    fn swiglu_part(gate: &[f32], up: &[f32], out: &mut [f32]) {
        for i in 0..out.len() {
            let g = gate[i];
            out[i] = g / (1.0 + exp(-g)) * up[i];
        }
    }
}

/// silu(gate) * up, element by element (Shazeer 2020, "GLU variants improve transformer").
pub(super) fn swiglu(gate: &[f32], up: &[f32]) -> Vec<f32> {
    let mut out = vec![0f32; gate.len()];
    const STEP: usize = 16_384;
    out.par_chunks_mut(STEP)
        .zip(gate.par_chunks(STEP).zip(up.par_chunks(STEP)))
        .for_each(|(out, (gate, up))| swiglu_part(gate, up, out));
    out
}

multiversion! {
    fn swiglu_part_backward(gate: &[f32], up: &[f32], grad: &[f32], dgate: &mut [f32], dup: &mut [f32]) {
        for i in 0..grad.len() {
            let g = gate[i];
            let s = 1.0 / (1.0 + exp(-g));
            let silu = g * s;
            dup[i] = grad[i] * silu;
            dgate[i] = grad[i] * up[i] * (s + silu * (1.0 - s));
        }
    }
}

/// Gradients of [`swiglu`]: (dgate, dup).
pub(super) fn swiglu_backward(gate: &[f32], up: &[f32], grad: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let (mut dgate, mut dup) = (vec![0f32; grad.len()], vec![0f32; grad.len()]);
    const STEP: usize = 16_384;
    dgate
        .par_chunks_mut(STEP)
        .zip(dup.par_chunks_mut(STEP))
        .zip(gate.par_chunks(STEP).zip(up.par_chunks(STEP)).zip(grad.par_chunks(STEP)))
        .for_each(|((dgate, dup), ((gate, up), grad))| swiglu_part_backward(gate, up, grad, dgate, dup));
    (dgate, dup)
}

multiversion! {
    fn rope_row(x: &[f32], cos: &[f32], sin: &[f32], dim: usize, sign: f32, out: &mut [f32]) {
        let half = cos.len();
        for (x, out) in x.chunks_exact(dim).zip(out.chunks_exact_mut(dim)) {
            let (a, rest) = x.split_at(half);
            let (b, kept) = rest.split_at(half);
            let (oa, rest) = out.split_at_mut(half);
            let (ob, same) = rest.split_at_mut(half);
            for i in 0..half {
                let s = sin[i] * sign;
                oa[i] = a[i] * cos[i] - b[i] * s;
                ob[i] = b[i] * cos[i] + a[i] * s;
            }
            same.copy_from_slice(kept);
        }
    }
}

/// Rotates halves (Su et al. 2021, in the layout of Hugging Face models). `x` [rows, heads * dim], `cos` and `sin`
/// [rows, half]: the first 2 * half numbers of a head are turned, the rest stay. `sign` -1 turns back, which is also
/// the backward pass.
pub(super) fn rope(x: &[f32], cos: &[f32], sin: &[f32], half: usize, dim: usize, sign: f32) -> Vec<f32> {
    let rows = cos.len() / half.max(1);
    let width = x.len() / rows.max(1);
    let mut out = vec![0f32; x.len()];
    if rows == 0 {
        return out;
    }
    out.par_chunks_mut(width)
        .zip(x.par_chunks(width))
        .zip(cos.par_chunks(half).zip(sin.par_chunks(half)))
        .with_min_len(rows_per_task(width))
        .for_each(|((out, x), (cos, sin))| rope_row(x, cos, sin, dim, sign, out));
    out
}

multiversion! {
    fn xent_row(row: &mut [f32], target: usize, scale: f32) -> (f32, bool) {
        let max = lane_max(row);
        let hit = row[target] >= max;
        let shifted = row[target] - max;
        for v in row.iter_mut() {
            *v = exp(*v - max);
        }
        let view = &*row;
        let sum = lane_sum(view.len(), |i| view[i]);
        let inverse = scale / sum;
        for v in row.iter_mut() {
            *v *= inverse;
        }
        row[target] -= scale;
        (sum.ln() - shifted, hit)
    }
}

/// Cross-entropy of each row and, in place of the logits, its gradient times that row's scale.
/// Returns (-log p of the target, whether the target was the most likely token) by row.
pub(super) fn cross_entropy(logits: &mut [f32], targets: &[u32], scales: &[f32]) -> Vec<(f32, bool)> {
    let width = logits.len() / targets.len().max(1);
    logits
        .par_chunks_mut(width.max(1))
        .zip(targets.par_iter().zip(scales.par_iter()))
        .map(|(row, (&target, &scale))| xent_row(row, target as usize, scale))
        .collect()
}

/// The numbers of one AdamW step that are the same for a whole tensor.
#[derive(Debug, Clone, Copy)]
pub struct AdamWStep {
    pub learning_rate: f32,
    pub beta1: f32,
    pub beta2: f32,
    pub eps: f32,
    pub weight_decay: f32,
    /// 1 - beta1^t and 1 - beta2^t.
    pub correction1: f32,
    pub correction2: f32,
    /// What the gradient is multiplied by first (clipping).
    pub grad_scale: f32,
}

multiversion! {
    fn adamw_part(w: &mut [f32], m: &mut [f32], v: &mut [f32], g: &[f32], s: AdamWStep) {
        let decay = 1.0 - s.learning_rate * s.weight_decay;
        let rate = s.learning_rate / s.correction1;
        let root = 1.0 / s.correction2.sqrt();
        for i in 0..w.len() {
            let g = g[i] * s.grad_scale;
            m[i] = s.beta1 * m[i] + (1.0 - s.beta1) * g;
            v[i] = s.beta2 * v[i] + (1.0 - s.beta2) * g * g;
            w[i] = w[i] * decay - rate * m[i] / (v[i].sqrt() * root + s.eps);
        }
    }
}

/// AdamW in place (Loshchilov & Hutter 2019, algorithm 2; eps outside the root, as in PyTorch).
pub(super) fn adamw(w: &mut [f32], m: &mut [f32], v: &mut [f32], g: &[f32], step: AdamWStep) {
    const STEP: usize = 65_536;
    w.par_chunks_mut(STEP)
        .zip(m.par_chunks_mut(STEP).zip(v.par_chunks_mut(STEP)))
        .zip(g.par_chunks(STEP))
        .for_each(|((w, (m, v)), g)| adamw_part(w, m, v, g, step));
}

multiversion! {
    fn square_sum_part(x: &[f32]) -> f32 {
        lane_sum(x.len(), |i| x[i] * x[i])
    }
}

/// Sum of squares, in f64 over parts of 65,536.
pub(super) fn square_sum(x: &[f32]) -> f64 {
    let parts: Vec<f64> = x.par_chunks(65_536).map(|part| f64::from(square_sum_part(part))).collect();
    parts.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_right_to_a_few_units() {
        let worst = (-8700..8800)
            .map(|i| i as f32 / 100.0)
            .map(|x| ((f64::from(exp(x)) - f64::from(x).exp()) / f64::from(x).exp()).abs())
            .fold(0.0, f64::max);
        assert!(worst < 3e-7, "{worst}");
    }

    #[test]
    fn cross_entropy_gradient_sums_to_zero_and_matches_the_definition() {
        let mut logits = vec![0.1f32, 2.0, -1.0, 0.5, 0.0, 0.0, 0.0, 3.0];
        let stats = cross_entropy(&mut logits, &[1, 0], &[1.0, 1.0]);
        let z: f32 = [0.1f32, 2.0, -1.0, 0.5].iter().map(|v| v.exp()).sum();
        assert!((stats[0].0 - (z.ln() - 2.0)).abs() < 1e-6);
        assert!(stats[0].1 && !stats[1].1);
        assert!(logits[..4].iter().sum::<f32>().abs() < 1e-6);
        assert!((logits[0] - 0.1f32.exp() / z).abs() < 1e-6);
    }

    #[test]
    fn rope_turned_back_is_the_input() {
        let x: Vec<f32> = (0..36).map(|i| (i as f32 * 0.7).sin()).collect();
        let angles: Vec<f32> = (0..6).map(|i| i as f32 * 0.3).collect();
        let (cos, sin): (Vec<f32>, Vec<f32>) = angles.iter().map(|a| (a.cos(), a.sin())).unzip();
        for dim in [4, 6] {
            let turned = rope(&x, &cos, &sin, 2, dim, 1.0);
            let back = rope(&turned, &cos, &sin, 2, dim, -1.0);
            assert!(x.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-6));
            for (head, (x, turned)) in x.chunks(dim).zip(turned.chunks(dim)).enumerate() {
                let angle = angles[head * dim / 12 * 2 + 1];
                assert!((turned[1] - (x[1] * angle.cos() - x[3] * angle.sin())).abs() < 1e-6);
                assert_eq!(x[4..], turned[4..], "what is past the turned part stays");
            }
        }
    }

    #[test]
    fn rms_norm_gradient_is_the_finite_difference() {
        let (x, w, g) = (vec![0.3f32, -1.2, 0.8, 2.0], vec![1.0f32, 0.5, -0.7, 1.3], vec![0.2f32, -0.4, 1.0, 0.1]);
        let loss =
            |x: &[f32], w: &[f32]| -> f64 { rms_norm(x, w, 1e-5).iter().zip(&g).map(|(y, g)| f64::from(y * g)).sum() };
        let (dx, dw) = rms_norm_backward(&x, &w, &g, 1e-5);
        for i in 0..4 {
            let (mut up, mut down) = (x.clone(), x.clone());
            up[i] += 1e-2;
            down[i] -= 1e-2;
            assert!(((loss(&up, &w) - loss(&down, &w)) / 2e-2 - f64::from(dx[i])).abs() < 1e-3);
            let (mut up, mut down) = (w.clone(), w.clone());
            up[i] += 1e-2;
            down[i] -= 1e-2;
            assert!(((loss(&x, &up) - loss(&x, &down)) / 2e-2 - f64::from(dw[i])).abs() < 1e-3);
        }
    }
}
