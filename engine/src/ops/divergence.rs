//! Kullback-Leibler divergence of a model's next-token distributions from another's, with its gradient.

use burn::tensor::{Tensor, activation};

use super::read;

/// What [`divergence`] gives.
pub struct Divergence {
    /// KL(p || q) of each row, in nats.
    pub rows: Vec<f32>,
    /// Gradient of the sum over the rows by the first logits, [rows, vocabulary]; None where it was not asked for.
    pub grad: Option<Tensor<2>>,
}

/// KL(p || q) by rows: p from `logits`, q from `base`, both [rows, vocabulary] without autodiff.
///
/// With l the logits of p: d KL / d l = p (log p - log q - KL).
pub fn divergence(logits: Tensor<2>, base: Tensor<2>, want_grad: bool) -> crate::Result<Divergence> {
    let log_p = activation::log_softmax(logits, 1);
    let ratio = log_p.clone() - activation::log_softmax(base, 1);
    let p = log_p.exp();
    let kl = (p.clone() * ratio.clone()).sum_dim(1);
    let grad = want_grad.then(|| p * (ratio - kl.clone()));
    Ok(Divergence { rows: read(kl, "measuring the divergence from the starting model")?, grad })
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    fn rows(values: &[f32]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values.to_vec(), [1, values.len()]), &Device::flex())
    }

    #[test]
    fn gradient_is_the_finite_difference_and_equal_rows_do_not_diverge() {
        let (p, q) = ([0.3f32, -1.0, 2.0, 0.1], [1.0f32, 0.5, -0.5, 0.2]);
        let kl = |p: &[f32]| divergence(rows(p), rows(&q), false).unwrap().rows[0];
        assert!(kl(&q).abs() < 1e-6 && kl(&p) > 0.1);
        let grad = read(divergence(rows(&p), rows(&q), true).unwrap().grad.unwrap(), "test").unwrap();
        for (i, exact) in grad.iter().enumerate() {
            let moved = |by: f32| {
                let mut moved = p;
                moved[i] += by;
                kl(&moved)
            };
            let slope = (moved(1e-2) - moved(-1e-2)) / 2e-2;
            assert!((slope - exact).abs() < 1e-3, "{i}: {slope} {exact}");
        }
    }
}
