//! One micro-batch forward and back, block by block.
//!
//! The head's loss and gradient are made by hand in chunks of the labelled positions only. On the way back each
//! block's graph is either still there (`Graph::Kept`) or made again from the block's input (`Graph::Recomputed`).
//! Blocks below the lowest learning layer run without a graph and are never gone back through.

use std::collections::BTreeSet;

use burn::tensor::{IndexingUpdateOp, Int, Tensor, TensorData};

use crate::data::Batch;
use crate::freeze::layer_of;
use crate::model::{DropoutKey, EMBEDDING, GradientSum, Model, Rows, Tape};
use crate::{Result, ops};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Graph {
    Kept,
    Recomputed,
}

/// Logits of one chunk of the head stay below this many bytes.
const HEAD_CHUNK_BYTES: usize = 48 << 20;

/// Sums over the labelled tokens of a micro-batch.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokenSums {
    /// Sum of -log p.
    pub nll: f64,
    /// Tokens whose most likely continuation was the label.
    pub hits: usize,
    pub labelled: usize,
    /// All tokens that were read.
    pub read: usize,
}

impl TokenSums {
    pub fn add(&mut self, other: Self) {
        self.nll += other.nll;
        self.hits += other.hits;
        self.labelled += other.labelled;
        self.read += other.read;
    }

    pub fn mean(&self) -> f64 {
        self.nll / self.labelled.max(1) as f64
    }
}

/// What a run's passes have in common.
pub struct Pass<'a> {
    /// Names of the tensors that learn.
    pub learning: &'a BTreeSet<String>,
    pub graph: Graph,
}

/// A batch's rows as the device wants them: packed on the CPU, padded to multiples of 64 on a GPU.
struct Layout {
    ids: Vec<u32>,
    lengths: Vec<usize>,
    /// Row of each position that has a label after it, and that label.
    positions: Vec<i32>,
    targets: Vec<u32>,
    /// Tokens without padding.
    read: usize,
}

fn layout(model: &Model, batch: &Batch) -> Layout {
    let packed = ops::is_cpu(&model.device);
    let padded = batch.width.next_multiple_of(64);
    let read = batch.lengths.iter().sum();
    let mut out = Layout { ids: Vec::new(), lengths: Vec::new(), positions: Vec::new(), targets: Vec::new(), read };
    for (row, &len) in batch.lengths.iter().enumerate() {
        let start = out.ids.len();
        let from = row * batch.width;
        out.ids.extend_from_slice(&batch.ids[from..from + len]);
        for at in 0..len.saturating_sub(1) {
            if let Ok(target) = u32::try_from(batch.labels[from + at + 1]) {
                out.positions.push((start + at) as i32);
                out.targets.push(target);
            }
        }
        if !packed {
            out.ids.resize(start + padded, 0); // nothing looks ahead, so any id will do
        }
        out.lengths.push(out.ids.len() - start);
    }
    out
}

impl Pass<'_> {
    /// The lowest layer that something learns in or below of which the embedding learns.
    fn lowest(&self, layers: usize) -> usize {
        if self.learning.contains(EMBEDDING) {
            return 0;
        }
        self.learning.iter().filter_map(|name| layer_of(name)).min().unwrap_or(layers)
    }

    /// Adds the gradient of `scale * sum of -log p` to `sum`.
    pub fn forward_backward(
        &self,
        model: &Model,
        batch: &Batch,
        scale: f32,
        dropout: DropoutKey,
        sum: &mut GradientSum,
    ) -> Result<TokenSums> {
        let layout = layout(model, batch);
        let rows = model.rows(&layout.lengths, 0);
        let layers = model.config.layers;
        let lowest = self.lowest(layers);
        let embedding_learns = self.learning.contains(EMBEDDING);
        // A block's input is a leaf where something before the block learns.
        let leaf = |layer: usize, x: Tensor<2>| {
            if layer > lowest || embedding_learns { x.autodiff().require_grad() } else { x }
        };
        let mut x = model.embed(&layout.ids, &rows, &mut Tape::off());
        let mut inputs = Vec::with_capacity(layers - lowest);
        let mut kept = Vec::new();
        for layer in 0..layers {
            if layer < lowest {
                x = model.block(layer, x, &rows, None, &mut Tape::off());
                continue;
            }
            if self.graph == Graph::Recomputed {
                inputs.push(x.clone());
                x = model.block(layer, x, &rows, None, &mut self.quiet(Some(dropout)));
                continue;
            }
            let input = leaf(layer, x);
            let mut tape = Tape::on(self.learning, Some(dropout));
            let output = model.block(layer, input.clone(), &rows, None, &mut tape);
            x = output.clone().without_autodiff();
            kept.push((input, output, tape));
        }
        let (sums, mut dx) = self.head(model, x, &layout, scale, lowest < layers || embedding_learns, sum)?;
        for layer in (lowest..layers).rev() {
            let (input, output, tape) = match self.graph {
                Graph::Kept => kept.pop().expect("one graph a layer"),
                Graph::Recomputed => {
                    self.again(model, layer, leaf(layer, inputs.pop().expect("one input a layer")), &rows, dropout)
                }
            };
            let Some(grad) = dx.take() else { break };
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
        Ok(sums)
    }

    /// Dropout as in training, but nothing is recorded.
    fn quiet(&self, dropout: Option<DropoutKey>) -> Tape<'static> {
        let mut tape = Tape::off();
        tape.dropout = dropout;
        tape
    }

    fn again<'b>(
        &'b self,
        model: &Model,
        layer: usize,
        input: Tensor<2>,
        rows: &Rows,
        dropout: DropoutKey,
    ) -> (Tensor<2>, Tensor<2>, Tape<'b>) {
        let mut tape = Tape::on(self.learning, Some(dropout));
        let output = model.block(layer, input.clone(), rows, None, &mut tape);
        (input, output, tape)
    }

    /// Loss at the labelled positions; the gradient by the last block's output where `want_dx`.
    fn head(
        &self,
        model: &Model,
        x: Tensor<2>,
        layout: &Layout,
        scale: f32,
        want_dx: bool,
        sum: &mut GradientSum,
    ) -> Result<(TokenSums, Option<Tensor<2>>)> {
        let [all, hidden] = x.dims();
        let (head, head_name) = (model.head(), model.head_name());
        let head_learns = self.learning.contains(head_name);
        let mut sums = TokenSums { labelled: layout.targets.len(), read: layout.read, ..TokenSums::default() };
        let mut dx = want_dx.then(|| Tensor::zeros([all, hidden], &model.device));
        for (positions, targets) in chunks(model, layout) {
            let index =
                Tensor::<1, Int>::from_data(TensorData::new(positions.to_vec(), [positions.len()]), &model.device);
            let picked = x.clone().select(0, index.clone()).autodiff();
            let picked = if want_dx { picked.require_grad() } else { picked };
            let mut tape = Tape::on(self.learning, None);
            let h = model.final_norm(picked.clone(), &mut tape);
            let plain = h.clone().without_autodiff();
            let loss = ops::cross_entropy(plain.clone().matmul(head.clone().transpose()), targets, scale, true)?;
            sums.nll += loss.rows.iter().map(|(nll, _)| f64::from(*nll)).sum::<f64>();
            sums.hits += loss.rows.iter().filter(|(_, hit)| *hit).count();
            let Some(dlogits) = loss.grad else { continue };
            if head_learns {
                let grad = dlogits.clone().transpose().matmul(plain);
                sum.add(head_name, grad.reshape([model.config.vocab * hidden]));
            }
            if want_dx || !tape.is_empty() {
                let mut grads = (h * dlogits.matmul(head.clone())).sum().backward();
                if let (Some(all), Some(part)) = (dx.take(), picked.grad_remove(&mut grads)) {
                    dx = Some(all.select_assign(0, index, part, IndexingUpdateOp::Add));
                }
                tape.collect(&mut grads, sum);
            }
        }
        Ok((sums, dx))
    }
}

/// The labelled positions in parts whose logits fit.
fn chunks<'a>(model: &Model, layout: &'a Layout) -> impl Iterator<Item = (&'a [i32], &'a [u32])> + use<'a> {
    let rows = (HEAD_CHUNK_BYTES / (4 * model.config.vocab)).max(16);
    layout.positions.chunks(rows).zip(layout.targets.chunks(rows))
}

/// Loss sums of a batch without any gradient.
pub fn evaluate(model: &Model, batch: &Batch) -> Result<TokenSums> {
    let layout = layout(model, batch);
    let x = model.hidden(&layout.ids, &layout.lengths);
    let head = model.head();
    let mut sums = TokenSums { labelled: layout.targets.len(), read: layout.read, ..TokenSums::default() };
    for (positions, targets) in chunks(model, &layout) {
        let index = Tensor::<1, Int>::from_data(TensorData::new(positions.to_vec(), [positions.len()]), &model.device);
        let h = model.final_norm(x.clone().select(0, index), &mut Tape::off());
        let loss = ops::cross_entropy(h.matmul(head.clone().transpose()), targets, 1.0, false)?;
        sums.nll += loss.rows.iter().map(|(nll, _)| f64::from(*nll)).sum::<f64>();
        sums.hits += loss.rows.iter().filter(|(_, hit)| *hit).count();
    }
    Ok(sums)
}

/// Bytes that keeping the blocks' graphs takes for `tokens` read tokens.
pub fn kept_bytes(model: &Model, tokens: usize) -> u64 {
    let c = &model.config;
    let attention = c.head_dim * (2 * c.heads + 2 * c.kv_heads);
    let per_token = 6 * c.hidden + attention + 3 * c.intermediate;
    (tokens * c.layers * per_token * 4) as u64
}
