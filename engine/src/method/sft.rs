//! Supervised fine-tuning and continued pre-training: -log p of the labelled tokens, a mean over all of a step's.
//!
//! With `kl_penalty` c the loss of a token is -log p + c KL(p || p_0), p_0 the starting model's distribution.

use super::{Base, Measured, Method, Turn, as_sequences};
use crate::Result;
use crate::data::{Encoded, Example};
use crate::model::Model;
use crate::trainer::{Anchor, Layout, TokenHead};

pub struct Sft {
    pub train: Vec<Example>,
    pub eval: Vec<Example>,
    pub kl_penalty: f64,
    /// There where `kl_penalty` is.
    pub base: Option<Base>,
}

fn rows_of<'a>(data: &'a [Example], rows: &'a [usize]) -> impl Iterator<Item = &'a Encoded> {
    rows.iter().map(|&row| data[row].first())
}

impl Method for Sft {
    fn rows(&self) -> &[Example] {
        &self.train
    }

    fn eval_rows(&self) -> usize {
        self.eval.len()
    }

    /// The labelled tokens of all micro-batches: not a mean of means, so accumulation changes nothing.
    fn divisor(&self, groups: &[Vec<usize>]) -> f64 {
        let tokens: usize = groups.iter().flatten().map(|&row| self.train[row].first().learned_tokens()).sum();
        tokens.max(1) as f64
    }

    fn micro_batch(&mut self, turn: Turn, rows: &[usize]) -> Result<Measured> {
        let layout = Layout::new(turn.model, &as_sequences(rows_of(&self.train, rows)));
        let hidden = self.base.as_ref().map(|base| base.hidden(turn.model, &layout));
        let mut head = TokenHead::new(turn.model, turn.pass.learning);
        if let (Some(base), Some(hidden)) = (&self.base, &hidden) {
            let weight = (self.kl_penalty * turn.share) as f32;
            head.anchor = Some(Anchor { model: base.model(turn.model), hidden, weight });
        }
        let scales = vec![turn.share as f32; layout.scored()];
        let scored = turn.pass.run(turn.model, &layout, Some(turn.dropout), turn.sum, |x, back| {
            head.score_and_go_back(x, &layout, &scales, back)
        })?;
        let nll = -scored.sum(&(0..layout.scored()));
        let kl: f64 = scored.divergence.iter().map(|kl| f64::from(*kl)).sum();
        let mut measured = Measured {
            loss: nll + self.kl_penalty * kl,
            weight: layout.scored() as f64,
            hits: scored.hit_count(),
            labelled: layout.scored(),
            read: layout.read,
            ..Measured::default()
        };
        if self.base.is_some() {
            let tokens = layout.scored().max(1) as f64;
            measured.metrics.extend([("kl", kl / tokens), ("nll_loss", nll / tokens)]);
        }
        Ok(measured)
    }

    fn evaluate(&mut self, model: &Model, rows: &[usize]) -> Result<Measured> {
        evaluate(model, rows_of(&self.eval, rows))
    }
}

/// -log p of the labelled tokens of some rows, without gradient.
pub fn evaluate<'a>(model: &Model, rows: impl IntoIterator<Item = &'a Encoded>) -> Result<Measured> {
    let layout = Layout::new(model, &as_sequences(rows));
    let nothing = Default::default();
    let x = model.hidden(&layout.ids, &layout.lengths);
    let scored = TokenHead::new(model, &nothing).read(&x, &layout, false)?;
    Ok(Measured {
        loss: -scored.sum(&(0..layout.scored())),
        weight: layout.scored() as f64,
        hits: scored.hit_count(),
        labelled: layout.scored(),
        read: layout.read,
        ..Measured::default()
    })
}
