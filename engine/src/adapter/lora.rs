//! LoRA (Hu et al. 2021, equation 3): `W + s B A`; s = alpha / r, or alpha / sqrt(r) with rsLoRA (Kalajdzievski 2023).
//!
//! DoRA (Liu et al. 2024, equation 5): `m * V / |V|` with `V = W + s B A` and a norm for each output row, which counts as
//! a constant in the backward pass (section 4.3).
//!
//! PiSSA (Meng et al. 2024) trains B A from W's main singular directions B0 A0 over the rest `W - s B0 A0`. The weights
//! stay as they are here: what is added is `s (B A - B0 A0)`, the same function. So the adapter switched off is the base
//! model, packed weights need not be packed anew, and `[A; A0]`, `[B, -B0]` is the plain LoRA that is saved.

use burn::tensor::Tensor;

use super::{LoraConfig, base_weight, peft_name, svd};
use crate::model::{LinearSpec, Model, Tape};
use crate::{Result, ops};

/// A [r, in] and B [out, r] of one layer.
#[derive(Debug, Clone)]
pub struct Lora {
    /// Names in the parameter map.
    pub a: String,
    pub b: String,
    /// DoRA's magnitudes [out].
    pub magnitude: Option<String>,
    pub rank: usize,
    /// s
    pub scale: f32,
    /// PiSSA's A0 and B0.
    pub(super) start: Option<[Tensor<2>; 2]>,
    /// |W_i|^2 of the frozen weight's rows, [out]; with magnitudes only.
    pub(super) row_squares: Option<Tensor<1>>,
}

impl Lora {
    pub(super) fn new(config: &LoraConfig, spec: &LinearSpec, rank: usize, alpha: f64) -> Self {
        let root = if config.use_rslora { (rank as f64).sqrt() } else { rank as f64 };
        let name = |part: &str| peft_name(&format!("{}.{part}", spec.path));
        Self {
            a: name("lora_A.weight"),
            b: name("lora_B.weight"),
            magnitude: config.use_dora.then(|| name("lora_magnitude_vector")),
            rank,
            scale: (alpha / root) as f32,
            start: None,
            row_squares: None,
        }
    }

    pub(super) fn tensors(&self, spec: &LinearSpec) -> Vec<(String, Vec<usize>)> {
        let mut all = vec![(self.a.clone(), vec![self.rank, spec.input]), (self.b.clone(), vec![spec.out, self.rank])];
        all.extend(self.magnitude.iter().map(|name| (name.clone(), vec![spec.out])));
        all
    }

    /// PiSSA's A0 = diag(sqrt(S / s)) V^T and B0 = U diag(sqrt(S / s)) of the layer's weight U S V^T.
    pub(super) fn main_directions(&self, model: &Model, spec: &LinearSpec) -> Result<[Tensor<2>; 2]> {
        let svd::Directions { left, values, right } = svd::largest(&base_weight(model, spec), self.rank)?;
        let roots: Vec<f32> = values.iter().map(|s| (s / f64::from(self.scale)).sqrt() as f32).collect();
        let roots = Tensor::<1>::from_floats(roots.as_slice(), &model.device).reshape([self.rank, 1]);
        Ok([right * roots.clone(), (left * roots).transpose()])
    }

    /// Looks once at the frozen weight, which DoRA's norms need. Must be called before the first forward pass.
    pub(super) fn measure(&mut self, model: &Model, spec: &LinearSpec) {
        if self.magnitude.is_some() {
            let weight = base_weight(model, spec);
            self.row_squares = Some((weight.clone() * weight).sum_dim(1).reshape([spec.out]));
        }
    }

    /// x [rows, in] -> [rows, out], the frozen weight's part included.
    pub(super) fn forward(
        &self,
        model: &Model,
        spec: &LinearSpec,
        x: &Tensor<2>,
        dropout: f32,
        tape: &mut Tape,
    ) -> Tensor<2> {
        let a = model.matrix(&self.a, tape);
        let b = model.matrix(&self.b, tape);
        let dropped = match tape.dropout {
            Some(key) if dropout > 0.0 => Some(x.clone() * key.mask(&spec.path, dropout, x)),
            _ => None,
        };
        let entered = dropped.clone().unwrap_or_else(|| x.clone());
        // B A and PiSSA's B0 A0 are taken from each other first: at the start what is added is exactly zero.
        let delta = self.times(entered, a.clone(), b.clone());
        let base = model.project(spec, x.clone(), tape);
        let Some(name) = &self.magnitude else { return base + self.less_start(delta, x) };
        let norm = self.row_norms(model, spec, a.without_autodiff(), b.without_autodiff());
        let factor = (model.vector(name, tape) / norm).unsqueeze::<2>();
        match dropped {
            None => (base + self.less_start(delta, x)) * factor,
            // PEFT drops nothing of the frozen part, and everything of what DoRA changes about it.
            Some(dropped) => {
                let entered = self.less_start(model.project(spec, dropped.clone(), tape), &dropped);
                self.less_start(base, x) + entered * factor.clone().sub_scalar(1.0) + delta * factor
            }
        }
    }

    /// s B A x
    fn times(&self, x: Tensor<2>, a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
        x.matmul(a.transpose()).matmul(b.transpose()).mul_scalar(self.scale)
    }

    /// y - s B0 A0 x, where there is a start.
    fn less_start(&self, y: Tensor<2>, x: &Tensor<2>) -> Tensor<2> {
        match &self.start {
            None => y,
            Some([a, b]) => y - self.times(x.clone(), a.clone(), b.clone()),
        }
    }

    /// A and B of the whole change of the weight: with PiSSA's start, twice the rank.
    pub(super) fn change(&self, a: Tensor<2>, b: Tensor<2>) -> [Tensor<2>; 2] {
        match &self.start {
            None => [a, b],
            Some([a0, b0]) => [Tensor::cat(vec![a, a0.clone()], 0), Tensor::cat(vec![b, b0.clone().neg()], 1)],
        }
    }

    /// |s B A|^2, or |s (B A - B0 A0)|^2 with PiSSA's start, by the Gram matrices of the factors. B A - B0 A0 is taken as
    /// (B - B0) A + B0 (A - A0), which is exactly zero at the start.
    pub(super) fn change_squared(&self, a: Tensor<2>, b: Tensor<2>) -> Result<f64> {
        let (a, b) = match &self.start {
            None => (a, b),
            Some([a0, b0]) => {
                let left = Tensor::cat(vec![b - b0.clone(), b0.clone()], 1);
                (Tensor::cat(vec![a.clone(), a - a0.clone()], 0), left)
            }
        };
        let inner = ops::read(a.clone().matmul(a.transpose()), "measuring an adapter")?;
        let outer = ops::read(b.clone().transpose().matmul(b), "measuring an adapter")?;
        let trace: f64 = inner.iter().zip(&outer).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
        Ok(f64::from(self.scale).powi(2) * trace.max(0.0))
    }

    /// |V_i| of the rows of V = W + s B A, [out], without building B A:
    /// |V_i|^2 = |W_i|^2 + 2 s (W A^T)_i . B_i + s^2 B_i (A A^T) B_i^T.
    pub(super) fn row_norms(&self, model: &Model, spec: &LinearSpec, a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let [a, b] = self.change(a, b);
        let crossed = model.project(spec, a.clone(), &mut Tape::off()).transpose().mul_scalar(2.0 * self.scale);
        let squared = b.clone().matmul(a.clone().matmul(a.transpose())).mul_scalar(self.scale * self.scale);
        let added = ((crossed + squared) * b).sum_dim(1).reshape([spec.out]);
        let squares = self.row_squares.clone().unwrap_or_else(|| {
            let weight = base_weight(model, spec);
            (weight.clone() * weight).sum_dim(1).reshape([spec.out])
        });
        // Rounding must not make a vanishing row's square negative.
        (squares + added).clamp_min(f32::MIN_POSITIVE).sqrt()
    }
}
