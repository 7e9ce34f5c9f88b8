//! The starting model, as the reference that a method holds the learning one to.

use burn::tensor::Tensor;

use crate::Result;
use crate::model::Model;
use crate::trainer::{Layout, Scored, TokenHead};

/// Where the starting model's answers come from.
pub enum Base {
    /// The learning model with its adapter off.
    AdapterOff,
    /// A model beside it: a copy of the starting weights (tensors that do not learn are shared), or another model.
    Beside(Box<Model>),
}

impl Base {
    /// For a model that is about to learn.
    pub fn of(model: &Model) -> Self {
        if model.adapter.is_some() { Self::AdapterOff } else { Self::Beside(Box::new(model.clone())) }
    }

    pub fn model<'a>(&'a self, learning: &'a Model) -> &'a Model {
        match self {
            Self::AdapterOff => learning,
            Self::Beside(model) => model,
        }
    }

    /// Last hidden states [rows, hidden].
    pub fn hidden(&self, learning: &Model, layout: &Layout) -> Tensor<2> {
        self.model(learning).base_hidden(&layout.ids, &layout.lengths)
    }

    /// log p of the scored tokens.
    pub fn scored(&self, learning: &Model, layout: &Layout) -> Result<Scored> {
        let (model, nothing) = (self.model(learning), Default::default());
        TokenHead::new(model, &nothing).read(&self.hidden(learning, layout), layout, true)
    }
}
