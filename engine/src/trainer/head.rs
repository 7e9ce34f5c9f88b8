//! What becomes of the last hidden states: log-probabilities of the scored tokens, or one score a sequence, with their
//! gradients made by hand in chunks, so that logits exist for scored positions only and a chunk at a time.

use burn::tensor::{IndexingUpdateOp, Int, Tensor, TensorData};

use super::layout::Layout;
use super::pass::Back;
use crate::model::{Model, SCORE, Tape};
use crate::{Result, ops};

/// Logits of one chunk stay below this many bytes.
pub const CHUNK_BYTES: usize = 48 << 20;
/// Gradients by logits that are kept between scoring and going back; beyond it they are computed again.
pub const HEAD_KEPT_BYTES: usize = 256 << 20;

/// What the head says of each scored token.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scored {
    /// log p of the token, in nats.
    pub logps: Vec<f32>,
    /// The token was the most likely one.
    pub hits: Vec<bool>,
    /// KL of the model's distribution from the starting model's, in nats; empty where it was not asked for.
    pub divergence: Vec<f32>,
}

impl Scored {
    pub fn hit_count(&self) -> usize {
        self.hits.iter().filter(|hit| **hit).count()
    }

    /// Sum of log p over a sequence's scored tokens.
    pub fn sum(&self, span: &std::ops::Range<usize>) -> f64 {
        self.logps[span.clone()].iter().map(|lp| f64::from(*lp)).sum()
    }
}

/// The starting model's last hidden states of the same sequences, for a penalty on the divergence from it.
pub struct Anchor<'a> {
    /// The model that answers as the starting one when its adapter is off.
    pub model: &'a Model,
    pub hidden: &'a Tensor<2>,
    /// Weight of each token's divergence in the loss.
    pub weight: f32,
}

/// The language head.
pub struct TokenHead<'a> {
    pub model: &'a Model,
    pub learning: &'a std::collections::BTreeSet<String>,
    /// Logits are divided by it (PPO); 1 elsewhere.
    pub temperature: f32,
    pub anchor: Option<Anchor<'a>>,
}

struct Chunk<'a> {
    index: Tensor<1, Int>,
    /// Hidden states of the chunk's rows, leaves of the graph up to `normed`.
    picked: Tensor<2>,
    normed: Tensor<2>,
    tape: Tape<'a>,
    /// Gradient by the head's raw logits.
    dlogits: Tensor<2>,
}

/// What scoring leaves for going back.
pub struct Kept<'a>(Option<Vec<Chunk<'a>>>);

impl<'a> TokenHead<'a> {
    pub fn new(model: &'a Model, learning: &'a std::collections::BTreeSet<String>) -> Self {
        Self { model, learning, temperature: 1.0, anchor: None }
    }

    /// Scores the tokens and goes back at once: the loss is the sum of `scales[t] * -log p_t`.
    pub fn score_and_go_back(&self, x: &Tensor<2>, layout: &Layout, scales: &[f32], back: &mut Back) -> Result<Scored> {
        let mut scored = Scored::default();
        for range in self.ranges(layout) {
            let chunk = self.chunk(x, layout, range.clone(), &scales[range], back.dx.is_some(), &mut scored)?;
            self.go_back(chunk, back);
        }
        Ok(scored)
    }

    /// Scores the tokens; what the loss makes of them comes in [`TokenHead::back`].
    pub fn score(&self, x: &Tensor<2>, layout: &Layout, want_dx: bool) -> Result<(Scored, Kept<'a>)> {
        let keep = layout.scored() * self.model.config.vocab * 4 <= HEAD_KEPT_BYTES;
        let (mut scored, mut kept) = (Scored::default(), keep.then(Vec::new));
        for range in self.ranges(layout) {
            let ones = vec![1.0; range.len()];
            match &mut kept {
                Some(kept) => kept.push(self.chunk(x, layout, range, &ones, want_dx, &mut scored)?),
                None => self.look(x, layout, range, &Tape::off, &mut scored)?,
            }
        }
        Ok((scored, Kept(kept)))
    }

    /// Adds the gradients of a loss whose derivative by token t's -log p is `scales[t]`.
    pub fn back(&self, x: &Tensor<2>, layout: &Layout, kept: Kept<'a>, scales: &[f32], back: &mut Back) -> Result<()> {
        let ranges: Vec<_> = self.ranges(layout).collect();
        let Some(chunks) = kept.0 else {
            self.score_and_go_back(x, layout, scales, back)?;
            return Ok(());
        };
        for (mut chunk, range) in chunks.into_iter().zip(ranges) {
            let len = range.len();
            let scale = Tensor::<2>::from_data(TensorData::new(scales[range].to_vec(), [len, 1]), &self.model.device);
            chunk.dlogits = chunk.dlogits * scale;
            self.go_back(chunk, back);
        }
        Ok(())
    }

    fn ranges(&self, layout: &Layout) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
        let (rows, all) = ((CHUNK_BYTES / (4 * self.model.config.vocab)).max(16), layout.scored());
        (0..all.div_ceil(rows)).map(move |i| i * rows..all.min((i + 1) * rows))
    }

    fn chunk(
        &self,
        x: &Tensor<2>,
        layout: &Layout,
        range: std::ops::Range<usize>,
        scales: &[f32],
        want_dx: bool,
        scored: &mut Scored,
    ) -> Result<Chunk<'a>> {
        let model = self.model;
        let index = index(model, &layout.positions[range.clone()]);
        let picked = x.clone().select(0, index.clone()).autodiff();
        let picked = if want_dx { picked.require_grad() } else { picked };
        let mut tape = Tape::on(self.learning, None);
        let normed = model.final_norm(picked.clone(), &mut tape);
        let logits = self.logits(normed.clone().without_autodiff(), &mut Tape::off());
        let capped = model.caps_logits().then(|| logits.clone());
        let mut extra = None;
        if let Some(anchor) = &self.anchor {
            let told = ops::divergence(logits.clone(), anchor.logits(index.clone()), true)?;
            extra = told.grad.map(|grad| grad.mul_scalar(anchor.weight));
            scored.divergence.extend(told.rows);
        }
        let grad = self.note(logits, &layout.targets[range], scales, true, scored)?;
        let mut dlogits = grad.expect("it was asked for");
        if self.temperature != 1.0 {
            dlogits = dlogits.div_scalar(self.temperature);
        }
        if let Some(extra) = extra {
            dlogits = dlogits + extra;
        }
        if let Some(capped) = capped {
            dlogits = model.cap_gradient(&(capped), dlogits);
        }
        Ok(Chunk { index, picked, normed, tape, dlogits })
    }

    fn go_back(&self, chunk: Chunk, back: &mut Back) {
        let Chunk { index, picked, normed, tape, dlogits } = chunk;
        let (model, name) = (self.model, self.model.learned_name(self.model.head_name()));
        if self.learning.contains(&name) {
            let grad = dlogits.clone().transpose().matmul(normed.clone().without_autodiff());
            back.sum.add(&name, grad.reshape([model.config.vocab * model.config.hidden]));
        }
        through_norm(index, picked, normed, dlogits.matmul(model.head()), tape, back);
    }

    /// Scores without any gradient.
    fn look(
        &self,
        x: &Tensor<2>,
        layout: &Layout,
        range: std::ops::Range<usize>,
        tape: &dyn Fn() -> Tape<'static>,
        scored: &mut Scored,
    ) -> Result<()> {
        let index = index(self.model, &layout.positions[range.clone()]);
        let normed = self.model.final_norm(x.clone().select(0, index.clone()), &mut tape());
        let logits = self.logits(normed, &mut tape());
        if let Some(anchor) = &self.anchor {
            scored.divergence.extend(ops::divergence(logits.clone(), anchor.logits(index), false)?.rows);
        }
        let ones = vec![1.0; range.len()];
        self.note(logits, &layout.targets[range], &ones, false, scored)?;
        Ok(())
    }

    /// Adds what the logits say of the targets; the gradient by the tempered logits where it is asked for.
    fn note(
        &self,
        logits: Tensor<2>,
        targets: &[u32],
        scales: &[f32],
        want_grad: bool,
        scored: &mut Scored,
    ) -> Result<Option<Tensor<2>>> {
        let tempered = if self.temperature == 1.0 { logits } else { logits.div_scalar(self.temperature) };
        let loss = ops::cross_entropy(tempered, targets, scales, want_grad)?;
        scored.logps.extend(loss.rows.iter().map(|(nll, _)| -nll));
        scored.hits.extend(loss.rows.iter().map(|(_, hit)| *hit));
        Ok(loss.grad)
    }

    fn logits(&self, normed: Tensor<2>, tape: &mut Tape) -> Tensor<2> {
        self.model.cap_logits(normed.matmul(self.model.matrix(self.model.head_name(), tape).transpose()))
    }

    /// Scores without any gradient; `base`: with the adapter off.
    pub fn read(&self, x: &Tensor<2>, layout: &Layout, base: bool) -> Result<Scored> {
        let mut scored = Scored::default();
        let tape: &dyn Fn() -> Tape<'static> = if base { &Tape::base } else { &Tape::off };
        for range in self.ranges(layout) {
            self.look(x, layout, range, tape, &mut scored)?;
        }
        Ok(scored)
    }
}

impl Anchor<'_> {
    fn logits(&self, index: Tensor<1, Int>) -> Tensor<2> {
        let model = self.model;
        let normed = model.final_norm(self.hidden.clone().select(0, index), &mut Tape::base());
        model.cap_logits(normed.matmul(model.matrix(model.head_name(), &mut Tape::base()).transpose()))
    }
}

/// The score head (`score.weight` [1, hidden], no bias) on the final norm's output at chosen rows.
pub struct ScoreHead<'a> {
    pub model: &'a Model,
    pub learning: &'a std::collections::BTreeSet<String>,
}

impl ScoreHead<'_> {
    /// Scores at `rows`, without gradient.
    pub fn read(&self, x: &Tensor<2>, rows: &[i32]) -> Result<Vec<f32>> {
        let normed = self.model.final_norm(x.clone().select(0, index(self.model, rows)), &mut Tape::off());
        ops::read(normed.matmul(self.model.matrix(SCORE, &mut Tape::off()).transpose()), "scoring")
    }

    /// Adds the gradients of a loss whose derivative by the score at `rows[i]` is `slopes[i]`.
    pub fn back(&self, x: &Tensor<2>, rows: &[i32], slopes: &[f32], back: &mut Back) -> Result<()> {
        let model = self.model;
        let index = index(model, rows);
        let picked = x.clone().select(0, index.clone()).autodiff();
        let picked = if back.dx.is_some() { picked.require_grad() } else { picked };
        let mut tape = Tape::on(self.learning, None);
        let normed = model.final_norm(picked.clone(), &mut tape);
        let slopes = Tensor::<2>::from_data(TensorData::new(slopes.to_vec(), [rows.len(), 1]), &model.device);
        let name = model.learned_name(SCORE);
        if self.learning.contains(&name) {
            let grad = slopes.clone().transpose().matmul(normed.clone().without_autodiff());
            back.sum.add(&name, grad.reshape([model.config.hidden]));
        }
        let score = model.matrix(SCORE, &mut Tape::off());
        through_norm(index, picked, normed, slopes.matmul(score), tape, back);
        Ok(())
    }
}

fn index(model: &Model, rows: &[i32]) -> Tensor<1, Int> {
    Tensor::from_data(TensorData::new(rows.to_vec(), [rows.len()]), &model.device)
}

/// From the gradient by the final norm's output to that by the hidden states, and to the norm's own.
fn through_norm(
    index: Tensor<1, Int>,
    picked: Tensor<2>,
    normed: Tensor<2>,
    grad: Tensor<2>,
    tape: Tape,
    back: &mut Back,
) {
    if back.dx.is_none() && tape.is_empty() {
        return;
    }
    let mut grads = (normed * grad).sum().backward();
    if let (Some(all), Some(part)) = (back.dx.take(), picked.grad_remove(&mut grads)) {
        back.dx = Some(all.select_assign(0, index, part, IndexingUpdateOp::Add));
    }
    tape.collect(&mut grads, back.sum);
}
