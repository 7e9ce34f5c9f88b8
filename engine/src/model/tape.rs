//! Which tensors a forward pass records for learning.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::{Gradients, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::quant::PackedMatrix;

/// A tensor that learns or may learn, a matrix [out, in] or a vector, or a frozen matrix in 4 bits.
#[derive(Debug, Clone)]
pub enum Param {
    Matrix(Tensor<2>),
    Vector(Tensor<1>),
    Packed(PackedMatrix),
}

impl Param {
    pub fn shape(&self) -> Vec<usize> {
        match self {
            Self::Matrix(t) => t.dims().to_vec(),
            Self::Vector(t) => t.dims().to_vec(),
            Self::Packed(packed) => packed.shape().to_vec(),
        }
    }

    pub fn len(&self) -> usize {
        self.shape().iter().product()
    }

    /// All values in row order; a packed matrix becomes dense.
    pub fn into_flat(self) -> Tensor<1> {
        let len = self.len();
        match self {
            Self::Matrix(t) => t.reshape([len]),
            Self::Vector(t) => t,
            Self::Packed(packed) => packed.dense().reshape([len]),
        }
    }

    /// The inverse of [`Param::into_flat`] for dense parameters.
    pub fn from_flat(flat: Tensor<1>, shape: &[usize]) -> Self {
        match *shape {
            [rows, cols] => Self::Matrix(flat.reshape([rows, cols])),
            _ => Self::Vector(flat),
        }
    }
}

/// Flat gradients by parameter name, summed over micro-batches.
#[derive(Debug, Default)]
pub struct GradientSum(pub BTreeMap<String, Tensor<1>>);

impl GradientSum {
    pub fn add(&mut self, name: &str, grad: Tensor<1>) {
        let sum = match self.0.remove(name) {
            Some(old) => old + grad,
            None => grad,
        };
        self.0.insert(name.to_owned(), sum);
    }
}

/// Makes dropout masks that are the same when a block is recomputed and after a resume: a mask is a function of
/// run seed, step, micro-batch and site, not of a generator's state.
#[derive(Debug, Clone, Copy)]
pub struct DropoutKey {
    pub seed: u64,
    pub step: u64,
    pub micro_batch: u64,
}

impl DropoutKey {
    /// A mask [rows, width] of 0 and 1 / (1 - p).
    pub fn mask(&self, site: &str, p: f32, like: &Tensor<2>) -> Tensor<2> {
        let [rows, width] = like.dims();
        let mut rng = self.rng(site);
        let keep = 1.0 / (1.0 - p);
        let values: Vec<f32> = (0..rows * width).map(|_| if rng.random::<f32>() < p { 0.0 } else { keep }).collect();
        Tensor::from_data(TensorData::new(values, [rows, width]), &like.device().inner())
    }

    /// `count` different numbers below `all`.
    pub fn choose(&self, site: &str, count: usize, all: usize) -> BTreeSet<usize> {
        rand::seq::index::sample(&mut self.rng(site), all, count.min(all)).into_iter().collect()
    }

    fn rng(&self, site: &str) -> StdRng {
        let mut hash = 0xcbf2_9ce4_8422_2325u64; // FNV-1a
        for byte in site.bytes().chain(self.step.to_le_bytes()).chain(self.micro_batch.to_le_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
        StdRng::seed_from_u64(self.seed ^ hash)
    }
}

/// Hands out parameters during a forward pass: those that learn as leaves of the autodiff graph, the rest as they are.
pub struct Tape<'a> {
    learning: Option<&'a BTreeSet<String>>,
    pub dropout: Option<DropoutKey>,
    /// Off: the model answers as its base (the reference of DPO, KTO, PPO).
    pub adapter: bool,
    leaves: Vec<(String, Param)>,
}

impl<'a> Tape<'a> {
    /// Records nothing.
    pub fn off() -> Self {
        Self { learning: None, dropout: None, adapter: true, leaves: Vec::new() }
    }

    /// Records nothing, adapters off.
    pub fn base() -> Self {
        Self { adapter: false, ..Self::off() }
    }

    pub fn on(learning: &'a BTreeSet<String>, dropout: Option<DropoutKey>) -> Self {
        Self { learning: Some(learning), dropout, adapter: true, leaves: Vec::new() }
    }

    fn learns(&self, name: &str) -> bool {
        self.learning.is_some_and(|set| set.contains(name))
    }

    pub fn matrix(&mut self, name: &str, t: &Tensor<2>) -> Tensor<2> {
        if !self.learns(name) {
            return t.clone();
        }
        let leaf = t.clone().autodiff().require_grad();
        self.leaves.push((name.to_owned(), Param::Matrix(leaf.clone())));
        leaf
    }

    pub fn vector(&mut self, name: &str, t: &Tensor<1>) -> Tensor<1> {
        if !self.learns(name) {
            return t.clone();
        }
        let leaf = t.clone().autodiff().require_grad();
        self.leaves.push((name.to_owned(), Param::Vector(leaf.clone())));
        leaf
    }

    pub fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    /// Moves the leaves' gradients into the sum.
    pub fn collect(self, grads: &mut Gradients, sum: &mut GradientSum) {
        for (name, leaf) in self.leaves {
            let flat = match leaf {
                Param::Matrix(t) => {
                    let len = t.dims().iter().product::<usize>();
                    t.grad_remove(grads).map(|g| g.reshape([len]))
                }
                Param::Vector(t) => t.grad_remove(grads),
                Param::Packed(_) => unreachable!("a packed matrix is never a leaf"),
            };
            if let Some(flat) = flat {
                sum.add(&name, flat);
            }
        }
    }
}
