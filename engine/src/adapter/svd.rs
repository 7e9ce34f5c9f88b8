//! The largest singular values and vectors of a matrix, by subspace iteration from random directions (Halko, Martinsson
//! & Tropp 2011, algorithm 4.4): the products with the matrix on its device, the rest in f64 on the host.

use burn::tensor::{Tensor, TensorData};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::{Result, ops};

/// Directions beyond the wanted ones: they take up what is not yet told apart.
const OVERSAMPLING: usize = 16;
/// LLaMA-Factory's default for PiSSA.
const ITERATIONS: usize = 16;

pub(super) struct Directions {
    /// Left singular vectors as rows, [r, m].
    pub left: Tensor<2>,
    /// In falling order.
    pub values: Vec<f64>,
    /// Right singular vectors as rows, [r, n].
    pub right: Tensor<2>,
}

/// The `r` largest of a matrix [m, n]; r must not be above either side. The same matrix gives the same vectors.
///
/// # Errors
/// `Device`, `OutOfMemory`.
pub(super) fn largest(matrix: &Tensor<2>, r: usize) -> Result<Directions> {
    let ([m, n], device) = (matrix.dims(), matrix.device());
    let k = (r + OVERSAMPLING).min(m).min(n);
    let upload = |rows: &[Vec<f64>]| {
        let width = rows.first().map_or(0, Vec::len);
        let values: Vec<f32> = rows.iter().flatten().map(|x| *x as f32).collect();
        Tensor::<2>::from_data(TensorData::new(values, [rows.len(), width]), &device)
    };
    let onto_left = |right: &[Vec<f64>]| download(upload(right).matmul(matrix.clone().transpose()), m);
    let onto_right = |left: &[Vec<f64>]| download(upload(left).matmul(matrix.clone()), n);
    let mut rng = StdRng::seed_from_u64(0);
    let mut right: Vec<Vec<f64>> = (0..k).map(|_| (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()).collect();
    let mut left = orthonormal(onto_left(&right)?);
    for _ in 0..ITERATIONS {
        right = orthonormal(onto_right(&left)?);
        left = orthonormal(onto_left(&right)?);
    }
    // With Y the rows of `left`: Y W = P S V^T by the eigenvectors P of (Y W)(Y W)^T, and W's left vectors are Y^T P.
    let small = onto_right(&left)?;
    let gram: Vec<Vec<f64>> = small.iter().map(|a| small.iter().map(|b| dot(a, b)).collect()).collect();
    let pairs = eigen(gram);
    let mixed = |rows: &[Vec<f64>], p: &[f64], scale: f64| -> Vec<f64> {
        let mut sum = vec![0.0; rows[0].len()];
        for (row, weight) in rows.iter().zip(p) {
            sum.iter_mut().zip(row).for_each(|(s, x)| *s += weight * x * scale);
        }
        sum
    };
    let (mut values, mut lefts, mut rights) = (Vec::new(), Vec::new(), Vec::new());
    for (square, p) in pairs.into_iter().take(r) {
        let value = square.max(0.0).sqrt();
        lefts.push(mixed(&left, &p, 1.0));
        rights.push(mixed(&small, &p, if value > 0.0 { 1.0 / value } else { 0.0 }));
        values.push(value);
    }
    Ok(Directions { left: upload(&lefts), values, right: upload(&rights) })
}

fn download(product: Tensor<2>, width: usize) -> Result<Vec<Vec<f64>>> {
    let values = ops::read(product, "finding a weight's main directions")?;
    Ok(values.chunks(width).map(|row| row.iter().map(|x| f64::from(*x)).collect()).collect())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Gram-Schmidt, twice, so that nearly parallel rows come out orthogonal as well. A row that the others span becomes 0.
fn orthonormal(mut rows: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    for at in 0..rows.len() {
        let (done, rest) = rows.split_at_mut(at);
        let row = &mut rest[0];
        let before = dot(row, row).sqrt();
        for _ in 0..2 {
            for other in done.iter() {
                let along = dot(row, other);
                row.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
            }
        }
        let length = dot(row, row).sqrt();
        let scale = if length > 1e-12 * before { 1.0 / length } else { 0.0 };
        row.iter_mut().for_each(|x| *x *= scale);
    }
    rows
}

/// Eigenvalues, largest first, and eigenvectors of a symmetric matrix, by cyclic Jacobi rotations (Golub & Van Loan,
/// algorithm 8.5.3).
fn eigen(mut a: Vec<Vec<f64>>) -> Vec<(f64, Vec<f64>)> {
    let n = a.len();
    let mut vectors: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| if i == j { 1.0 } else { 0.0 }).collect()).collect();
    let size: f64 = a.iter().flatten().map(|x| x * x).sum();
    for _ in 0..60 {
        let off: f64 = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i][j] * a[i][j]).sum();
        if off <= 1e-30 * size {
            break;
        }
        for (p, q) in (0..n).flat_map(|p| (p + 1..n).map(move |q| (p, q))) {
            if a[p][q] == 0.0 {
                continue;
            }
            let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
            let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
            let c = 1.0 / (t * t + 1.0).sqrt();
            let s = t * c;
            for row in a.iter_mut().chain(vectors.iter_mut()) {
                let (x, y) = (row[p], row[q]);
                (row[p], row[q]) = (c * x - s * y, s * x + c * y);
            }
            for i in 0..n {
                let (x, y) = (a[p][i], a[q][i]);
                (a[p][i], a[q][i]) = (c * x - s * y, s * x + c * y);
            }
        }
    }
    let mut pairs: Vec<(f64, Vec<f64>)> =
        (0..n).map(|j| (a[j][j], vectors.iter().map(|row| row[j]).collect())).collect();
    pairs.sort_by(|x, y| y.0.total_cmp(&x.0));
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jacobi_finds_what_made_the_matrix() {
        let rows =
            orthonormal((0..4).map(|i| (0..4).map(|j| (((i + 1) * (j + 2)) as f64 * 0.7).sin()).collect()).collect());
        let values = [9.0, 4.0, 1.0, 0.25];
        let entry = |i: usize, j: usize| (0..4).map(|k| values[k] * rows[k][i] * rows[k][j]).sum();
        let pairs = eigen((0..4).map(|i| (0..4).map(|j| entry(i, j)).collect()).collect());
        for ((value, vector), (expected, row)) in pairs.iter().zip(values.iter().zip(&rows)) {
            assert!((value - expected).abs() < 1e-12);
            assert!((dot(vector, row).abs() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_largest_of_a_matrix_are_those_of_its_making() {
        let (m, n, r) = (90, 50, 3);
        let wave = |count: usize, width: usize, f: f64| {
            orthonormal(
                (0..count).map(|i| (0..width).map(|j| (((i + 1) * j) as f64 * f + i as f64).sin()).collect()).collect(),
            )
        };
        let (u, v) = (wave(40, m, 0.37), wave(40, n, 0.53));
        let values: Vec<f64> = (0..40).map(|k| 5.0 * 0.8f64.powi(k)).collect();
        let matrix: Vec<f32> =
            (0..m * n).map(|at| (0..40).map(|k| values[k] * u[k][at / n] * v[k][at % n]).sum::<f64>() as f32).collect();
        let device = crate::device::unchecked("cpu").unwrap();
        let found = largest(&Tensor::from_data(TensorData::new(matrix, [m, n]), &device), r).unwrap();
        let (left, right) = (download(found.left, m).unwrap(), download(found.right, n).unwrap());
        for k in 0..r {
            assert!((found.values[k] - values[k]).abs() < 1e-4 * values[k], "{:?}", found.values);
            let (along_u, along_v) = (dot(&left[k], &u[k]), dot(&right[k], &v[k]));
            assert!((along_u.abs() - 1.0).abs() < 1e-4 && (along_v.abs() - 1.0).abs() < 1e-4);
            assert_eq!(along_u > 0.0, along_v > 0.0);
        }
    }
}
