//! Gelu by its tanh form (Hendrycks & Gimpel 2016; gelu_new and gelu_pytorch_tanh of Hugging Face), and gated by it, on the CPU.
//!
//! gelu(x) = x (1 + tanh u) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3), which is x sigmoid(2 u).

use rayon::prelude::*;

use super::{exp, multiversion};

const STEP: usize = 16_384;
/// 2 sqrt(2 / pi)
pub(in crate::ops) const TWICE_ROOT: f32 = 1.595_769_1;
pub(in crate::ops) const CUBIC: f32 = 0.044_715;

/// sigmoid(2 u)
#[inline(always)]
fn gate_of(x: f32) -> f32 {
    1.0 / (1.0 + exp(-TWICE_ROOT * (x + CUBIC * x * x * x)))
}

/// d gelu / dx, from x and sigmoid(2 u).
#[inline(always)]
fn slope(x: f32, s: f32) -> f32 {
    s + x * s * (1.0 - s) * TWICE_ROOT * (1.0 + 3.0 * CUBIC * x * x)
}

multiversion! {
    fn plain_part(x: &[f32], out: &mut [f32]) {
        for i in 0..out.len() {
            out[i] = x[i] * gate_of(x[i]);
        }
    }
}

/// gelu(x), element by element.
pub(in crate::ops) fn gelu(x: &[f32]) -> Vec<f32> {
    let mut out = vec![0f32; x.len()];
    out.par_chunks_mut(STEP).zip(x.par_chunks(STEP)).for_each(|(out, x)| plain_part(x, out));
    out
}

multiversion! {
    fn plain_part_backward(x: &[f32], grad: &[f32], dx: &mut [f32]) {
        for i in 0..dx.len() {
            dx[i] = grad[i] * slope(x[i], gate_of(x[i]));
        }
    }
}

/// Gradient of [`gelu`].
pub(in crate::ops) fn gelu_backward(x: &[f32], grad: &[f32]) -> Vec<f32> {
    let mut dx = vec![0f32; x.len()];
    dx.par_chunks_mut(STEP)
        .zip(x.par_chunks(STEP).zip(grad.par_chunks(STEP)))
        .for_each(|(dx, (x, grad))| plain_part_backward(x, grad, dx));
    dx
}

multiversion! {
    fn gated_part(gate: &[f32], up: &[f32], out: &mut [f32]) {
        for i in 0..out.len() {
            out[i] = gate[i] * gate_of(gate[i]) * up[i];
        }
    }
}

/// gelu(gate) * up, element by element (Shazeer 2020).
pub(in crate::ops) fn geglu(gate: &[f32], up: &[f32]) -> Vec<f32> {
    let mut out = vec![0f32; gate.len()];
    out.par_chunks_mut(STEP)
        .zip(gate.par_chunks(STEP).zip(up.par_chunks(STEP)))
        .for_each(|(out, (gate, up))| gated_part(gate, up, out));
    out
}

multiversion! {
    fn gated_part_backward(gate: &[f32], up: &[f32], grad: &[f32], dgate: &mut [f32], dup: &mut [f32]) {
        for i in 0..grad.len() {
            let g = gate[i];
            let s = gate_of(g);
            dup[i] = grad[i] * g * s;
            dgate[i] = grad[i] * up[i] * slope(g, s);
        }
    }
}

/// Gradients of [`geglu`]: (dgate, dup).
pub(in crate::ops) fn geglu_backward(gate: &[f32], up: &[f32], grad: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let (mut dgate, mut dup) = (vec![0f32; grad.len()], vec![0f32; grad.len()]);
    dgate
        .par_chunks_mut(STEP)
        .zip(dup.par_chunks_mut(STEP))
        .zip(gate.par_chunks(STEP).zip(up.par_chunks(STEP)).zip(grad.par_chunks(STEP)))
        .for_each(|((dgate, dup), ((gate, up), grad))| gated_part_backward(gate, up, grad, dgate, dup));
    (dgate, dup)
}

multiversion! {
    fn cap_part(x: &mut [f32], cap: f32) {
        for v in x.iter_mut() {
            // tanh by the fast exponential; exact to a unit or two in the last place of 1.
            *v = cap * (1.0 - 2.0 / (exp(2.0 * *v / cap) + 1.0));
        }
    }
}

/// cap * tanh(x / cap) in place (Gemma 2).
pub(in crate::ops) fn soft_cap(x: &mut [f32], cap: f32) {
    x.par_chunks_mut(STEP).for_each(|x| cap_part(x, cap));
}

multiversion! {
    fn cap_part_backward(capped: &[f32], grad: &mut [f32], cap: f32) {
        for i in 0..grad.len() {
            let t = capped[i] / cap;
            grad[i] *= 1.0 - t * t;
        }
    }
}

/// Gradient of [`soft_cap`], in place of the gradient by its result.
pub(in crate::ops) fn soft_cap_backward(capped: &[f32], grad: &mut [f32], cap: f32) {
    grad.par_chunks_mut(STEP).zip(capped.par_chunks(STEP)).for_each(|(grad, c)| cap_part_backward(c, grad, cap));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(x: f64) -> f64 {
        0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x * x * x)).tanh())
    }

    fn line() -> Vec<f32> {
        (-900..=900).map(|i| i as f32 / 100.0).collect()
    }

    fn slope_at(f: impl Fn(f64) -> f64, x: f32) -> f64 {
        (f(f64::from(x) + 1e-4) - f(f64::from(x) - 1e-4)) / 2e-4
    }

    #[test]
    fn gelu_and_its_slope_are_the_definition() {
        let x = line();
        let g: Vec<f32> = x.iter().map(|x| (x * 3.0).cos()).collect();
        let (out, dx) = (gelu(&x), gelu_backward(&x, &g));
        for i in 0..x.len() {
            assert!((f64::from(out[i]) - exact(f64::from(x[i]))).abs() < 2e-6, "{}", x[i]);
            assert!((f64::from(dx[i]) - slope_at(exact, x[i]) * f64::from(g[i])).abs() < 3e-6, "{}", x[i]);
        }
    }

    #[test]
    fn geglu_and_its_slopes_are_the_definition() {
        let gate = line();
        let up: Vec<f32> = gate.iter().map(|x| (x * 1.3).sin() * 2.0).collect();
        let g: Vec<f32> = gate.iter().map(|x| (x * 3.0).cos()).collect();
        let (out, (dgate, dup)) = (geglu(&gate, &up), geglu_backward(&gate, &up, &g));
        for i in 0..gate.len() {
            let (x, u, g) = (f64::from(gate[i]), f64::from(up[i]), f64::from(g[i]));
            assert!((f64::from(out[i]) - exact(x) * u).abs() < 4e-6, "{x}");
            assert!((f64::from(dup[i]) - exact(x) * g).abs() < 4e-6, "{x}");
            assert!((f64::from(dgate[i]) - slope_at(exact, gate[i]) * u * g).abs() < 6e-6, "{x}");
        }
    }

    #[test]
    fn soft_cap_and_its_slope_are_the_definition() {
        let cap = |x: f64| 6.0 * (x / 6.0).tanh();
        let x: Vec<f32> = line().iter().map(|x| x * 4.0).collect();
        let (mut capped, mut grad) = (x.clone(), vec![0.7; x.len()]);
        soft_cap(&mut capped, 6.0);
        soft_cap_backward(&capped, &mut grad, 6.0);
        for i in 0..x.len() {
            assert!((f64::from(capped[i]) - cap(f64::from(x[i]))).abs() < 2e-6, "{}", x[i]);
            assert!((f64::from(grad[i]) - 0.7 * slope_at(cap, x[i])).abs() < 2e-6, "{}", x[i]);
        }
    }
}
