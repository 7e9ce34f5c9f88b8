//! Sequences forward and back, block by block.
//!
//! On the way back each block's graph is either still there (`Graph::Kept`) or made again from the block's input
//! (`Graph::Recomputed`). Blocks below the lowest learning layer run without a graph and are never gone back through.
//! What is done with the last hidden states is the caller's: see `head.rs`.

use std::collections::BTreeSet;

use burn::tensor::Tensor;

use super::layout::Layout;
use crate::Result;
use crate::freeze::layer_of;
use crate::model::{DropoutKey, GradientSum, Model, Rows, Tape};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Graph {
    Kept,
    Recomputed,
}

/// What a run's passes have in common.
#[derive(Clone, Copy)]
pub struct Pass<'a> {
    /// Names of the tensors that learn.
    pub learning: &'a BTreeSet<String>,
    pub graph: Graph,
}

/// Where gradients go: into the blocks (`dx`, the gradient by the last hidden states; None where no block learns and
/// nothing below) and by name.
pub struct Back<'a> {
    pub dx: Option<Tensor<2>>,
    pub sum: &'a mut GradientSum,
}

impl Pass<'_> {
    /// The lowest layer that something learns in, 0 where the embedding learns.
    fn lowest(&self, model: &Model) -> usize {
        if model.embedding_learns(self.learning) {
            return 0;
        }
        self.learning.iter().filter_map(|name| layer_of(name)).min().unwrap_or(model.config.layers)
    }

    /// Runs the blocks, hands the last hidden states [rows, hidden] to `head`, which adds its gradients to `Back`, and
    /// goes back through the blocks.
    ///
    /// # Errors
    /// Those of `head`.
    pub fn run<T>(
        &self,
        model: &Model,
        layout: &Layout,
        dropout: Option<DropoutKey>,
        sum: &mut GradientSum,
        head: impl FnOnce(&Tensor<2>, &mut Back) -> Result<T>,
    ) -> Result<T> {
        let rows = model.rows(&layout.lengths, 0);
        let layers = model.config.layers;
        let lowest = self.lowest(model);
        let embedding_learns = model.embedding_learns(self.learning);
        // A block's input is a leaf where something before the block learns.
        let leaf = |layer: usize, x: Tensor<2>| {
            if layer > lowest || embedding_learns { x.autodiff().require_grad() } else { x }
        };
        let mut quiet = Tape::off(); // dropout as in training, but nothing is recorded
        quiet.dropout = dropout;
        let mut x = model.embed(&layout.ids, &rows, &mut quiet);
        let mut inputs = Vec::with_capacity(layers - lowest);
        let mut kept = Vec::new();
        for layer in 0..layers {
            if layer < lowest || self.graph == Graph::Recomputed {
                if layer >= lowest {
                    inputs.push(x.clone());
                }
                x = model.block(layer, x, &rows, None, &mut quiet);
                continue;
            }
            let input = leaf(layer, x);
            let mut tape = Tape::on(self.learning, dropout);
            let output = model.block(layer, input.clone(), &rows, None, &mut tape);
            x = output.clone().without_autodiff();
            kept.push((input, output, tape));
        }
        let want_dx = lowest < layers || embedding_learns;
        let zeros = want_dx.then(|| Tensor::zeros(x.dims(), &model.device));
        let mut back = Back { dx: zeros, sum };
        let told = head(&x, &mut back)?;
        let (mut dx, sum) = (back.dx, back.sum);
        for layer in (lowest..layers).rev() {
            let (input, output, tape) = match self.graph {
                Graph::Kept => kept.pop().expect("one graph a layer"),
                Graph::Recomputed => {
                    let input = leaf(layer, inputs.pop().expect("one input a layer"));
                    self.again(model, layer, input, &rows, dropout)
                }
            };
            let Some(grad) = dx.take() else { break };
            if tape.is_empty() && !(layer > lowest || embedding_learns) {
                break;
            }
            // The sum's gradient by the output is `grad` itself: it enters the graph as a constant.
            let mut grads = (output * grad).sum().backward();
            if layer > lowest || embedding_learns {
                dx = input.grad_remove(&mut grads);
            }
            tape.collect(&mut grads, sum);
        }
        if let (true, Some(dx)) = (embedding_learns, dx) {
            model.embedding_gradient(&layout.ids, &rows, dx, self.learning, sum);
        }
        Ok(told)
    }

    fn again<'b>(
        &'b self,
        model: &Model,
        layer: usize,
        input: Tensor<2>,
        rows: &Rows,
        dropout: Option<DropoutKey>,
    ) -> (Tensor<2>, Tensor<2>, Tape<'b>) {
        let mut tape = Tape::on(self.learning, dropout);
        let output = model.block(layer, input.clone(), rows, None, &mut tape);
        (input, output, tape)
    }
}

/// Bytes that keeping the blocks' graphs takes for `tokens` read tokens.
pub fn kept_bytes(model: &Model, tokens: usize) -> u64 {
    let c = &model.config;
    let attention = c.head_dim * (2 * c.heads + 2 * c.kv_heads);
    let per_token = 6 * c.hidden + attention + 3 * c.intermediate;
    (tokens * c.layers * per_token * 4) as u64
}
