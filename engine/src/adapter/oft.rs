//! OFT (Qiu et al. 2023): the frozen layer's input, cut into blocks, is turned before it enters: `W blockdiag(R)^T`.
//!
//! A block's R comes from a skew matrix Q by the Cayley transform `(I - Q)(I + Q)^-1`, or by the series
//! `I + 2Q + 2Q^2 + ... + Q^k` (Qiu et al. 2025). The two turn opposite ways: PEFT's forms, and an adapter trained with
//! one must be used with it. `oft_R.weight` holds the strictly upper triangles of Q, row by row, [blocks, b (b - 1) / 2].

use burn::tensor::{Int, Tensor, TensorData};
use rayon::prelude::*;

use super::{OftConfig, peft_name};
use crate::model::{LinearSpec, Model, Tape};
use crate::ops;

#[derive(Debug, Clone)]
pub struct Oft {
    /// Name in the parameter map.
    pub r: String,
    /// Blocks of the input.
    pub blocks: usize,
    /// Their size b.
    pub size: usize,
    /// All blocks turn by the same R.
    pub shared: bool,
    /// Terms of the series; None: the exact transform.
    pub terms: Option<usize>,
}

/// Divisors of `input`, from 2, next below and above `size`.
fn nearest_divisors(input: usize, size: usize) -> String {
    let divides = |n: &usize| *n > 1 && input.is_multiple_of(*n);
    let below = (2..=size.min(input)).rev().find(divides);
    let above = (size + 1..=input).find(divides);
    below.into_iter().chain(above).map(|n| n.to_string()).collect::<Vec<_>>().join(" or ")
}

impl Oft {
    /// # Errors
    /// The key of PEFT's config, and the reason, where blocks do not divide the layer's input.
    pub(super) fn new(config: &OftConfig, spec: &LinearSpec) -> Result<Self, (&'static str, String)> {
        let LinearSpec { path, input, .. } = spec;
        let (blocks, size) = match (config.r, config.block_size) {
            (0, size) if size >= 2 && input.is_multiple_of(size) => (input / size, size),
            (0, size) => {
                let near = nearest_divisors(*input, size);
                let reason = format!("blocks of {size} do not divide the {input} inputs of {path}: {near} would");
                return Err(("oft_block_size", reason));
            }
            (blocks, 0) if input.is_multiple_of(blocks) && input / blocks >= 2 => (blocks, input / blocks),
            (blocks, 0) => {
                let near = nearest_divisors(*input / 2, blocks);
                let reason = format!("{blocks} blocks do not divide the {input} inputs of {path}: {near} would");
                return Err(("r", reason));
            }
            _ => return Err(("r", "r and oft_block_size are both set: one of them must be 0".into())),
        };
        let r = peft_name(&format!("{path}.oft_R.weight"));
        Ok(Self { r, blocks, size, shared: config.block_share, terms: config.neumann_terms })
    }

    pub(super) fn shape(&self) -> [usize; 2] {
        [if self.shared { 1 } else { self.blocks }, self.size * (self.size - 1) / 2]
    }

    /// x [rows, in] -> [rows, out]: turned, then through the frozen weight.
    pub(super) fn forward(
        &self,
        model: &Model,
        spec: &LinearSpec,
        x: &Tensor<2>,
        dropout: f32,
        tape: &mut Tape,
    ) -> Tensor<2> {
        let mut r = self.rotation(model.matrix(&self.r, tape));
        if let (Some(key), true) = (tape.dropout, dropout > 0.0 && !self.shared) {
            // PEFT's multiplicative dropout: a fixed number of blocks stands still in each pass.
            let still = key.choose(&spec.path, (f64::from(dropout) * self.blocks as f64) as usize, self.blocks);
            let turns: Vec<f32> = (0..self.blocks).map(|at| if still.contains(&at) { 0.0 } else { 1.0 }).collect();
            let turns = Tensor::<3>::from_data(TensorData::new(turns, [self.blocks, 1, 1]), &r.device());
            let identity = self.identity(&r);
            r = (r - identity.clone()) * turns + identity;
        }
        model.project(spec, self.turn(x.clone(), r), tape)
    }

    /// Each block of each row of x [rows, in], as a row vector, times its R [blocks or 1, b, b].
    pub(super) fn turn(&self, x: Tensor<2>, r: Tensor<3>) -> Tensor<2> {
        let [rows, input] = x.dims();
        if self.shared {
            let r = r.reshape([self.size, self.size]);
            return x.reshape([rows * self.blocks, self.size]).matmul(r).reshape([rows, input]);
        }
        let pieces = x.reshape([rows, self.blocks, self.size]).swap_dims(0, 1);
        pieces.matmul(r).swap_dims(0, 1).reshape([rows, input])
    }

    fn identity(&self, like: &Tensor<3>) -> Tensor<3> {
        Tensor::<2>::eye(self.size, &like.device()).unsqueeze::<3>()
    }

    /// R [blocks or 1, b, b] of `oft_R.weight`.
    pub(super) fn rotation(&self, weight: Tensor<2>) -> Tensor<3> {
        let q = self.skew(weight);
        match self.terms {
            Some(terms) => self.series(q, terms),
            None => self.exact(q),
        }
    }

    /// Q = -Q^T from its strictly upper triangle.
    fn skew(&self, weight: Tensor<2>) -> Tensor<3> {
        let (b, [blocks, _]) = (self.size, weight.dims());
        let (mut index, mut sign) = (vec![0i32; b * b], vec![0f32; b * b]);
        for (at, (row, column)) in (0..b).flat_map(|row| (row + 1..b).map(move |column| (row, column))).enumerate() {
            (index[row * b + column], sign[row * b + column]) = (at as i32, 1.0);
            (index[column * b + row], sign[column * b + row]) = (at as i32, -1.0);
        }
        let device = weight.device();
        let index = Tensor::<1, Int>::from_data(TensorData::new(index, [b * b]), &device);
        let sign = Tensor::<2>::from_data(TensorData::new(sign, [1, b * b]), &device);
        (weight.select(1, index) * sign).reshape([blocks, b, b])
    }

    /// I + 2Q + 2Q^2 + ... with the last of `terms` single. PEFT's own count: 3 and 4 terms are the same.
    fn series(&self, q: Tensor<3>, terms: usize) -> Tensor<3> {
        let identity = self.identity(&q);
        match terms {
            0 | 1 => q.mul_scalar(0.0) + identity,
            2 => q.mul_scalar(2.0) + identity,
            _ => {
                let mut power = q.clone().matmul(q.clone());
                let mut sum = q.clone().mul_scalar(2.0) + identity + power.clone().mul_scalar(2.0);
                for _ in 3..terms.saturating_sub(1) {
                    power = power.matmul(q.clone());
                    sum = sum + power.clone().mul_scalar(2.0);
                }
                sum + power.matmul(q)
            }
        }
    }

    /// (I - Q)(I + Q)^-1, and its exact gradient without inverting in the graph: at Q0 with M = (I + Q0)^-1 and
    /// R0 = (I - Q0) M, dR = -(I + R0) dQ M.
    fn exact(&self, q: Tensor<3>) -> Tensor<3> {
        let ([blocks, b, _], plain) = (q.dims(), q.clone().without_autodiff());
        let device = plain.device();
        // Where reading back fails, the device is lost or full: the loss, read next, tells it as an error.
        let values = ops::read(plain.clone(), "turning blocks").unwrap_or_else(|_| vec![f32::NAN; blocks * b * b]);
        let (mut inverse, mut rotation) = (vec![0f32; values.len()], vec![0f32; values.len()]);
        let each = inverse.par_chunks_mut(b * b).zip(rotation.par_chunks_mut(b * b)).zip(values.par_chunks(b * b));
        each.for_each(|((inverse, rotation), q)| cayley(q, b, inverse, rotation));
        let tensor = |values| Tensor::<3>::from_data(TensorData::new(values, [blocks, b, b]), &device);
        let r0 = tensor(rotation);
        if !q.is_autodiff() {
            return r0;
        }
        let around = r0.clone() + self.identity(&r0);
        r0 - around.matmul(q - plain).matmul(tensor(inverse))
    }
}

/// M = (I + Q)^-1 and R = (I - Q) M = 2 M - I of one skew block, in f64. I + Q is never singular: Q's eigenvalues are
/// imaginary.
fn cayley(q: &[f32], b: usize, inverse: &mut [f32], rotation: &mut [f32]) {
    let one = |row: usize, column: usize| if row == column { 1.0 } else { 0.0 };
    let at = |i: usize| (i / b, i % b);
    let mut left: Vec<f64> = (0..b * b).map(|i| f64::from(q[i]) + one(at(i).0, at(i).1)).collect();
    let mut right: Vec<f64> = (0..b * b).map(|i| one(at(i).0, at(i).1)).collect();
    for pivot in 0..b {
        let largest = (pivot..b).max_by(|&x, &y| left[x * b + pivot].abs().total_cmp(&left[y * b + pivot].abs()));
        let row = largest.unwrap_or(pivot);
        if row != pivot {
            for column in 0..b {
                left.swap(row * b + column, pivot * b + column);
                right.swap(row * b + column, pivot * b + column);
            }
        }
        let scale = 1.0 / left[pivot * b + pivot];
        for column in 0..b {
            left[pivot * b + column] *= scale;
            right[pivot * b + column] *= scale;
        }
        for row in (0..b).filter(|row| *row != pivot) {
            let factor = left[row * b + pivot];
            for column in 0..b {
                left[row * b + column] -= factor * left[pivot * b + column];
                right[row * b + column] -= factor * right[pivot * b + column];
            }
        }
    }
    for i in 0..b * b {
        inverse[i] = right[i] as f32;
        rotation[i] = (2.0 * right[i] - one(at(i).0, at(i).1)) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divisors_on_either_side_are_named() {
        assert_eq!(nearest_divisors(160, 24), "20 or 32");
        assert_eq!(nearest_divisors(64, 0), "2");
        assert_eq!(nearest_divisors(64, 100), "64");
    }

    #[test]
    fn the_cayley_transform_of_a_plane_is_a_rotation_by_minus_two_arctan() {
        let t = 0.4f32;
        let (mut inverse, mut rotation) = ([0f32; 4], [0f32; 4]);
        cayley(&[0.0, t, -t, 0.0], 2, &mut inverse, &mut rotation);
        let angle = 2.0 * t.atan();
        let expected = [angle.cos(), -angle.sin(), angle.sin(), angle.cos()];
        for (got, want) in rotation.iter().zip(expected) {
            assert!((got - want).abs() < 1e-6, "{rotation:?} {expected:?}");
        }
        // M (I + Q) = I
        let product = [inverse[0] - t * inverse[1], t * inverse[0] + inverse[1]];
        assert!((product[0] - 1.0).abs() < 1e-6 && product[1].abs() < 1e-6);
    }
}
