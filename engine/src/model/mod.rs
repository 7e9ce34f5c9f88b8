//! One decoder for the families Llama, Mistral, Qwen2, Qwen3, Phi-3, Gemma 2 and GPT-2.
//!
//! Activations are [rows, width] with the rows of all sequences one below the other. Weights keep Hugging Face's
//! names and layout ([out, in], in GPT-2 [in, out]) in one map, so loading, freezing, optimising and saving are loops
//! over names.

mod block;
mod cache;
mod config;
mod embed;
mod linear;
mod load;
mod names;
mod random;
mod rope;
mod save;
mod score;
mod tape;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

pub use cache::KvCache;
pub use config::{Activation, Family, ModelConfig};
pub(crate) use load::param;
pub use load::{LoadProgress, StartWeights, inspect};
pub use names::LinearSpec;
pub use rope::RopeScaling;
pub use save::{checkpoint_dtype, save_companions, save_full, save_reward_model};
pub use score::SCORE;
pub use tape::{DropoutKey, GradientSum, Param, Tape};

use crate::adapter::Adapter;
use crate::ops::Segment;

#[derive(Clone)]
pub struct Model {
    pub config: ModelConfig,
    pub device: Device,
    /// Where it was loaded from.
    pub source: PathBuf,
    /// Storage type of most weights in the source: F32, BF16, Q4_1.
    pub source_dtype: String,
    /// All tensors, adapter's included.
    pub params: BTreeMap<String, Param>,
    pub adapter: Option<Adapter>,
    inverse_frequencies: Vec<f32>,
}

/// Which rows are which sequence, their positions, and the rotary tables for those.
pub struct Rows {
    /// Position of each row within its sequence.
    positions: Vec<u32>,
    cos: Tensor<2>,
    sin: Tensor<2>,
    segments: Arc<[Segment]>,
}

impl Model {
    /// Rows for sequences of these lengths, one below the other, each counting positions from `from`.
    pub fn rows(&self, lengths: &[usize], from: usize) -> Rows {
        let mut segments = Vec::with_capacity(lengths.len());
        let mut start = 0;
        for &len in lengths {
            segments.push(Segment { q_start: start, q_len: len, k_start: start, k_len: len + from });
            start += len;
        }
        self.rows_of(segments)
    }

    /// Rows of segments whose queries lie one below the other; a segment's last position is that of its last key.
    fn rows_of(&self, segments: Vec<Segment>) -> Rows {
        let positions: Vec<u32> =
            segments.iter().flat_map(|s| (s.k_len - s.q_len..s.k_len).map(|p| p as u32)).collect();
        let rows = positions.len();
        let half = self.inverse_frequencies.len();
        let angles = positions.iter().flat_map(|&p| self.inverse_frequencies.iter().map(move |f| p as f32 * f));
        let (cos, sin): (Vec<f32>, Vec<f32>) = angles.map(|a| (a.cos(), a.sin())).unzip();
        // Where positions are learned there is nothing to turn, and a tensor needs a width.
        let table = |values: Vec<f32>| match half {
            0 => Tensor::zeros([1, 1], &self.device),
            _ => Tensor::from_data(TensorData::new(values, [rows, half]), &self.device),
        };
        Rows { cos: table(cos), sin: table(sin), positions, segments: segments.into() }
    }

    pub(crate) fn matrix(&self, name: &str, tape: &mut Tape) -> Tensor<2> {
        let name = self.worn(name, tape);
        match self.params.get(name) {
            Some(Param::Matrix(t)) => tape.matrix(name, t),
            Some(Param::Packed(packed)) => packed.dense(),
            _ => unreachable!("the loader checked that {name} is there"),
        }
    }

    pub(crate) fn vector(&self, name: &str, tape: &mut Tape) -> Tensor<1> {
        let name = self.worn(name, tape);
        match self.params.get(name) {
            Some(Param::Vector(t)) => tape.vector(name, t),
            _ => unreachable!("the loader checked that {name} is there"),
        }
    }

    /// # Errors
    /// `BadData` naming the first id that the vocabulary does not have.
    pub fn check_ids(&self, ids: &[u32], file: &std::path::Path) -> crate::Result<()> {
        match ids.iter().position(|&id| id as usize >= self.config.vocab) {
            None => Ok(()),
            Some(at) => Err(crate::Error::data(
                file,
                format!("position {at}"),
                format!("token id {} is outside the model's vocabulary of {}", ids[at], self.config.vocab),
            )),
        }
    }

    /// # Errors
    /// `BadData` where learned positions end before the sequence does. (Rotary positions have no end.)
    pub fn check_length(&self, length: usize, file: &std::path::Path, place: &str) -> crate::Result<()> {
        let Some(limit) = self.config.learned_positions().filter(|limit| length > *limit) else { return Ok(()) };
        let reason = format!("has {length} tokens, but this model has learned {limit} positions: shorten it");
        Err(crate::Error::data(file, place, reason))
    }

    /// Name of the matrix that makes logits: the embedding where the head is tied.
    pub fn head_name(&self) -> &'static str {
        self.config.head_name()
    }

    /// The name under which a tensor of the model learns: an adapter may keep a copy of its own of it.
    pub fn learned_name(&self, name: &str) -> String {
        self.copy_of(name).unwrap_or(name).to_owned()
    }

    /// The name of an adapter's own copy of a tensor.
    fn copy_of(&self, name: &str) -> Option<&str> {
        self.adapter.as_ref().filter(|adapter| adapter.enabled)?.copy_of(name)
    }

    /// The name of the tensor that answers for `name` in this pass.
    fn worn<'a>(&'a self, name: &'a str, tape: &Tape) -> &'a str {
        if tape.adapter { self.copy_of(name).unwrap_or(name) } else { name }
    }

    /// The head's matrix [vocabulary, hidden].
    pub fn head(&self) -> Tensor<2> {
        self.matrix(self.head_name(), &mut Tape::off())
    }

    /// All hidden states before the final norm, for sequences of these lengths. No autodiff.
    pub fn hidden(&self, ids: &[u32], lengths: &[usize]) -> Tensor<2> {
        self.hidden_on(ids, lengths, &mut Tape::off())
    }

    /// The same with the adapter off.
    pub fn base_hidden(&self, ids: &[u32], lengths: &[usize]) -> Tensor<2> {
        self.hidden_on(ids, lengths, &mut Tape::base())
    }

    fn hidden_on(&self, ids: &[u32], lengths: &[usize], tape: &mut Tape) -> Tensor<2> {
        let rows = self.rows(lengths, 0);
        let mut x = self.embed(ids, &rows, tape);
        for layer in 0..self.config.layers {
            x = self.block(layer, x, &rows, None, tape);
        }
        x
    }

    /// Logits [rows, vocabulary] of packed sequences.
    pub fn logits(&self, ids: &[u32], lengths: &[usize]) -> Tensor<2> {
        let h = self.final_norm(self.hidden(ids, lengths), &mut Tape::off());
        self.cap_logits(h.matmul(self.head().transpose()))
    }

    pub fn parameters(&self) -> u64 {
        self.config.parameters()
    }
}
