//! The two ends of a decoder: token embeddings with learned positions, and the logits' cap.

use std::collections::BTreeSet;

use burn::tensor::{IndexingUpdateOp, Int, Tensor, TensorData};

use super::{Family, GradientSum, Model, ModelConfig, Rows, Tape};
use crate::ops;

impl ModelConfig {
    /// Whether something below the first block learns: the tensors themselves or an adapter's copies.
    pub fn embedding_learns(&self, learning: &BTreeSet<String>) -> bool {
        let mut names = std::iter::once(self.embedding_name()).chain(self.positions_name());
        names.any(|name| learning.contains(name) || learning.contains(&format!("base_model.model.{name}")))
    }
}

impl Model {
    /// Name of the token embedding.
    pub fn embedding_name(&self) -> &'static str {
        self.config.embedding_name()
    }

    /// ids -> [ids, hidden]. The ids must be below the vocabulary's size (see [`Model::check_ids`]); `rows` says their
    /// positions, which learned ones limit (see [`Model::check_length`]).
    pub fn embed(&self, ids: &[u32], rows: &Rows, tape: &mut Tape) -> Tensor<2> {
        let tokens = self.matrix(self.embedding_name(), tape).select(0, self.index(ids));
        match (self.config.positions_name(), self.embedding_scale()) {
            (Some(name), _) => tokens + self.matrix(name, tape).select(0, self.index(&self.learned(rows))),
            (None, Some(scale)) => tokens.mul_scalar(scale),
            (None, None) => tokens,
        }
    }

    /// What embeddings are multiplied by: sqrt(hidden) in Gemma.
    fn embedding_scale(&self) -> Option<f32> {
        (self.config.family == Family::Gemma2).then(|| (self.config.hidden as f32).sqrt())
    }

    /// Rows of the learned positions. Only padding can be past their end, and nothing looks at padding.
    fn learned(&self, rows: &Rows) -> Vec<u32> {
        rows.positions.iter().map(|&p| p.min(self.config.max_positions as u32 - 1)).collect()
    }

    /// Whether something below the first block learns.
    pub fn embedding_learns(&self, learning: &BTreeSet<String>) -> bool {
        self.config.embedding_learns(learning)
    }

    /// Adds the gradients of what [`Model::embed`] read, from `dx` [ids, hidden], the gradient by its result.
    pub fn embedding_gradient(
        &self,
        ids: &[u32],
        rows: &Rows,
        dx: Tensor<2>,
        learning: &BTreeSet<String>,
        sum: &mut GradientSum,
    ) {
        let hidden = self.config.hidden;
        let scattered = |count: usize, index: &[u32], dx: Tensor<2>| {
            let zeros = Tensor::<2>::zeros([count, hidden], &self.device);
            zeros.select_assign(0, self.index(index), dx, IndexingUpdateOp::Add).reshape([count * hidden])
        };
        let positions = self.config.positions_name().map(|name| self.learned_name(name));
        if let Some(name) = positions.filter(|name| learning.contains(name)) {
            sum.add(&name, scattered(self.config.max_positions, &self.learned(rows), dx.clone()));
        }
        let name = self.learned_name(self.embedding_name());
        if learning.contains(&name) {
            let dx = match self.embedding_scale() {
                Some(scale) => dx.mul_scalar(scale),
                None => dx,
            };
            sum.add(&name, scattered(self.config.vocab, ids, dx));
        }
    }

    /// Raw logits of the head to those the model means: cap * tanh(logits / cap) where the family caps them.
    pub fn cap_logits(&self, logits: Tensor<2>) -> Tensor<2> {
        match self.config.logit_cap {
            Some(cap) => ops::soft_cap(logits, cap),
            None => logits,
        }
    }

    /// Gradient by raw logits, from the gradient by capped ones and the capped logits themselves.
    pub fn cap_gradient(&self, capped: &Tensor<2>, grad: Tensor<2>) -> Tensor<2> {
        match self.config.logit_cap {
            Some(cap) => ops::soft_cap_gradient(capped, grad, cap),
            None => grad,
        }
    }

    /// Whether [`Model::cap_logits`] changes anything.
    pub fn caps_logits(&self) -> bool {
        self.config.logit_cap.is_some()
    }

    fn index(&self, ids: &[u32]) -> Tensor<1, Int> {
        let ids: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
        let len = ids.len();
        Tensor::from_data(TensorData::new(ids, [len]), &self.device)
    }
}
