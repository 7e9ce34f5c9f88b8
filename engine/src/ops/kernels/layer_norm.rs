//! Layer norm by rows on the CPU (Ba, Kiros & Hinton 2016), forward and backward.

use rayon::prelude::*;

use super::{lane_sum, multiversion, rows_per_task};

/// Mean and 1 / sqrt(variance + eps) of a row.
#[inline(always)]
fn moments(row: &[f32], eps: f32) -> (f32, f32) {
    let width = row.len();
    let mean = lane_sum(width, |i| row[i]) / width as f32;
    let variance = lane_sum(width, |i| (row[i] - mean) * (row[i] - mean)) / width as f32;
    (mean, 1.0 / (variance + eps).sqrt())
}

multiversion! {
    fn rows_forward(x: &[f32], gain: &[f32], bias: &[f32], eps: f32, out: &mut [f32]) {
        let width = gain.len();
        for (row, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            let (mean, r) = moments(row, eps);
            for i in 0..width {
                out[i] = (row[i] - mean) * r * gain[i] + bias[i];
            }
        }
    }
}

/// y = (x - mean) / sqrt(variance + eps) * gain + bias, by rows of `gain.len()`.
pub(in crate::ops) fn forward(x: &[f32], gain: &[f32], bias: &[f32], eps: f32) -> Vec<f32> {
    let width = gain.len();
    let mut out = vec![0f32; x.len()];
    let step = rows_per_task(width) * width;
    out.par_chunks_mut(step).zip(x.par_chunks(step)).for_each(|(out, x)| rows_forward(x, gain, bias, eps, out));
    out
}

multiversion! {
    fn rows_backward(x: &[f32], gain: &[f32], grad: &[f32], eps: f32, dx: &mut [f32], dgain: &mut [f32], dbias: &mut [f32]) {
        let width = gain.len();
        for ((row, g), dx) in x.chunks_exact(width).zip(grad.chunks_exact(width)).zip(dx.chunks_exact_mut(width)) {
            let (mean, r) = moments(row, eps);
            let sum = lane_sum(width, |i| g[i] * gain[i]) / width as f32;
            let dot = lane_sum(width, |i| g[i] * gain[i] * (row[i] - mean) * r) / width as f32;
            for i in 0..width {
                let centred = (row[i] - mean) * r;
                dx[i] = r * (g[i] * gain[i] - sum - centred * dot);
                dgain[i] += g[i] * centred;
                dbias[i] += g[i];
            }
        }
    }
}

/// Gradients of [`forward`]: (dx, dgain, dbias).
pub(in crate::ops) fn backward(x: &[f32], gain: &[f32], grad: &[f32], eps: f32) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let width = gain.len();
    let mut dx = vec![0f32; x.len()];
    let step = rows_per_task(width) * width;
    // Partial sums are added in row order: the result does not depend on which thread was first.
    let parts: Vec<(Vec<f32>, Vec<f32>)> = dx
        .par_chunks_mut(step)
        .zip(x.par_chunks(step).zip(grad.par_chunks(step)))
        .map(|(dx, (x, g))| {
            let (mut dgain, mut dbias) = (vec![0f32; width], vec![0f32; width]);
            rows_backward(x, gain, g, eps, dx, &mut dgain, &mut dbias);
            (dgain, dbias)
        })
        .collect();
    let (mut dgain, mut dbias) = (vec![0f32; width], vec![0f32; width]);
    for (part_gain, part_bias) in parts {
        for i in 0..width {
            dgain[i] += part_gain[i];
            dbias[i] += part_bias[i];
        }
    }
    (dx, dgain, dbias)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(n: usize, f: f32) -> Vec<f32> {
        (0..n).map(|i| (i as f32 * f).sin() * 1.7 + 0.4).collect()
    }

    /// The definition in f64, summed against `g`.
    fn loss(x: &[f32], gain: &[f32], bias: &[f32], g: &[f32]) -> f64 {
        let n = gain.len();
        let mut total = 0.0;
        for (row, g) in x.chunks(n).zip(g.chunks(n)) {
            let mean = row.iter().map(|v| f64::from(*v)).sum::<f64>() / n as f64;
            let variance = row.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n as f64;
            for i in 0..n {
                let y = (f64::from(row[i]) - mean) / (variance + 1e-5).sqrt() * f64::from(gain[i]) + f64::from(bias[i]);
                total += y * f64::from(g[i]);
            }
        }
        total
    }

    #[test]
    fn forward_is_the_definition() {
        let (x, gain, bias) = (wave(37 * 48, 0.71), wave(48, 0.37), wave(48, 1.3));
        let out = forward(&x, &gain, &bias, 1e-5);
        for at in [0, 47, 48, 1000, 37 * 48 - 1] {
            let mut pick = vec![0.0; x.len()];
            pick[at] = 1.0;
            assert!((f64::from(out[at]) - loss(&x, &gain, &bias, &pick)).abs() < 1e-5, "{at}");
        }
    }

    #[test]
    fn backward_is_the_finite_difference() {
        // More rows than one task takes at this width.
        let rows = 700;
        let (x, gain, bias, g) = (wave(rows * 48, 0.71), wave(48, 0.37), wave(48, 1.3), wave(rows * 48, 0.19));
        let (dx, dgain, dbias) = backward(&x, &gain, &g, 1e-5);
        for (which, exact, places) in [(0, &dx, [0, 100, 33_000]), (1, &dgain, [0, 20, 47]), (2, &dbias, [0, 20, 47])] {
            for at in places {
                let moved = |by: f32| {
                    let mut all = [x.clone(), gain.clone(), bias.clone()];
                    all[which][at] += by;
                    loss(&all[0], &all[1], &all[2], &g)
                };
                let slope = (moved(1e-2) - moved(-1e-2)) / 2e-2;
                let off = (slope - f64::from(exact[at])).abs();
                assert!(off < 1e-3 * (1.0 + slope.abs()), "{which} {at}: {slope} {}", exact[at]);
            }
        }
    }
}
