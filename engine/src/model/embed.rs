//! The two ends of a decoder: token embeddings, and the logits' cap.

use std::collections::BTreeSet;

use burn::tensor::{IndexingUpdateOp, Int, Tensor, TensorData};

use super::{GradientSum, Model, Rows, Tape};

impl Model {
    /// Name of the token embedding.
    pub fn embedding_name(&self) -> &'static str {
        super::EMBEDDING
    }

    /// ids -> [ids, hidden]. The ids must be below the vocabulary's size (see [`Model::check_ids`]); `rows` says their
    /// positions.
    pub fn embed(&self, ids: &[u32], _rows: &Rows, tape: &mut Tape) -> Tensor<2> {
        self.matrix(self.embedding_name(), tape).select(0, self.index(ids))
    }

    /// Whether something below the first block learns.
    pub fn embedding_learns(&self, learning: &BTreeSet<String>) -> bool {
        learning.contains(&self.learned_name(self.embedding_name()))
    }

    /// Adds the gradients of what [`Model::embed`] read, from `dx` [ids, hidden], the gradient by its result.
    pub fn embedding_gradient(
        &self,
        ids: &[u32],
        _rows: &Rows,
        dx: Tensor<2>,
        learning: &BTreeSet<String>,
        sum: &mut GradientSum,
    ) {
        let (vocab, hidden) = (self.config.vocab, self.config.hidden);
        let name = self.learned_name(self.embedding_name());
        if learning.contains(&name) {
            let zeros = Tensor::<2>::zeros([vocab, hidden], &self.device);
            let grad = zeros.select_assign(0, self.index(ids), dx, IndexingUpdateOp::Add);
            sum.add(&name, grad.reshape([vocab * hidden]));
        }
    }

    /// Raw logits of the head to those the model means: cap * tanh(logits / cap) where the family caps them.
    pub fn cap_logits(&self, logits: Tensor<2>) -> Tensor<2> {
        logits
    }

    /// Gradient by raw logits, from the gradient by capped ones and the capped logits themselves.
    pub fn cap_gradient(&self, _capped: &Tensor<2>, grad: Tensor<2>) -> Tensor<2> {
        grad
    }

    /// Whether [`Model::cap_logits`] changes anything.
    pub fn caps_logits(&self) -> bool {
        false
    }

    fn index(&self, ids: &[u32]) -> Tensor<1, Int> {
        let ids: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
        let len = ids.len();
        Tensor::from_data(TensorData::new(ids, [len]), &self.device)
    }
}
