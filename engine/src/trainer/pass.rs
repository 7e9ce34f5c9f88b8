//! Sequences forward and back, block by block.
//!
//! On the way back each block's graph is either still there (`Graph::Kept`) or made again from the block's input
//! (`Graph::Recomputed`). Blocks below the lowest learning layer run without a graph and are never gone back through.
//! What is done with the last hidden states is the caller's: see `head.rs`.

use std::collections::BTreeSet;

use burn::tensor::Tensor;

use super::layout::Layout;
use super::memory::note_resident;
use crate::Result;
use crate::freeze::layer_of;
use crate::model::{Activation, DropoutKey, Family, GradientSum, Model, ModelConfig, Rows, Tape};
use crate::recipe::Recipe;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Graph {
    Kept,
    Recomputed,
}

impl Graph {
    /// Keeping every block's graph is faster; recomputing takes less memory. Kept where it fits easily. `room`: bytes that
    /// are free once the model is loaded; `tokens`: of the largest micro-batch.
    pub fn choose(
        recipe: &Recipe,
        config: &ModelConfig,
        learning: &BTreeSet<String>,
        cpu: bool,
        room: Option<u64>,
        tokens: usize,
    ) -> Self {
        if recipe.disable_gradient_checkpointing {
            return Self::Kept;
        }
        // On a GPU a kept graph would hold a packed weight's dense twin.
        if recipe.quantization_bit.is_some() && !cpu {
            return Self::Recomputed;
        }
        // A GPU does not say what is free: half a gigabyte of activations is taken as small.
        let room = if cpu { room.unwrap_or(u64::MAX) / 2 } else { 1 << 29 };
        if kept_bytes(config, learning, tokens) < room { Self::Kept } else { Self::Recomputed }
    }

    pub fn word(self) -> &'static str {
        if self == Self::Kept { "kept" } else { "recomputed" }
    }
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
        let lowest = lowest_layer(&model.config, self.learning);
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
        note_resident(); // all graphs that are kept are there now
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
            if layer + 1 == layers {
                note_resident(); // one block's graph, its gradients and what the head has left
            }
            tape.collect(&mut grads, sum);
        }
        note_resident(); // every gradient is there
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

/// The lowest layer that something learns in, 0 where the embedding learns, the number of layers where none does.
pub fn lowest_layer(config: &ModelConfig, learning: &BTreeSet<String>) -> usize {
    if config.embedding_learns(learning) {
        return 0;
    }
    learning.iter().filter_map(|name| layer_of(name)).min().unwrap_or(config.layers)
}

/// Bytes that keeping the blocks' graphs takes for `tokens` read tokens.
pub fn kept_bytes(config: &ModelConfig, learning: &BTreeSet<String>, tokens: usize) -> u64 {
    let kept = (lowest_layer(config, learning)..config.layers).map(|layer| kept_numbers(config, learning, layer));
    (kept.sum::<usize>() * tokens * 4) as u64
}

/// Numbers a token that a block's graph keeps: what norms, attention and the gate have read, and the inputs of linear
/// layers that learn.
pub fn kept_numbers(c: &ModelConfig, learning: &BTreeSet<String>, layer: usize) -> usize {
    let (q, kv) = (c.heads * c.head_dim, c.kv_heads * c.head_dim);
    let gate = if c.activation == Activation::Gelu { c.intermediate } else { 2 * c.intermediate };
    let mut numbers = 2 * c.hidden + 2 * q + 2 * kv + gate;
    match c.family {
        Family::Gemma2 => numbers += 2 * c.hidden,
        Family::Qwen3 => numbers += q + kv,
        _ => {}
    }
    // Layers side by side read the same numbers, and attention keeps what the output layer reads.
    let mut read = [false; 3];
    for name in c.linear_names() {
        let spec = c.linear(layer, name);
        let adapter = format!("base_model.model.{}.", spec.path);
        let own = |after: &str| learning.range(adapter.clone()..).next().is_some_and(|n| n.starts_with(after));
        let magnitude = learning.contains(&format!("{adapter}lora_magnitude_vector"));
        if learning.contains(&spec.weight()) || own(&adapter) {
            match *name {
                "o_proj" | "attn.c_proj" => {}
                "down_proj" | "mlp.c_proj" => read[2] = true,
                "gate_proj" | "up_proj" | "gate_up_proj" | "c_fc" => read[1] = true,
                _ => read[0] = true,
            }
        }
        // Outputs before DoRA's magnitudes.
        numbers += if magnitude { spec.out } else { 0 };
    }
    let widths = [c.hidden, c.hidden, c.intermediate];
    numbers + read.iter().zip(widths).filter(|(read, _)| **read).map(|(_, width)| width).sum::<usize>()
}
