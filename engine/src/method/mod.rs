//! What a stage learns from its rows: a loss over a micro-batch, its gradient, and what is measured beside it.
//!
//! Losses are pure functions of log-probabilities or scores (`pair_loss`, `kto_loss`); the methods bring the numbers
//! together and send the slopes back through the head. The loop that calls them is `trainer`.

mod base;
mod build;
mod compare;
mod critic;
mod kto;
pub mod kto_loss;
pub mod pair_loss;
pub mod ppo;
mod preference;
mod reference;
mod reward;
mod sft;
mod watch;

use std::collections::BTreeMap;
use std::path::Path;

pub use base::Base;
pub use build::{Start, build};
pub use critic::Critic;
pub use kto::Kto;
pub use preference::Preference;
pub use reference::Reference;
pub use reward::RewardModelling;
pub use sft::Sft;
pub use watch::Watch;

use crate::Result;
use crate::data::{Encoded, Example};
use crate::model::{DropoutKey, GradientSum, Model};
use crate::protocol::Rollout;
use crate::trainer::{Pass, Plan, Sequence};

/// The surroundings of one micro-batch.
pub struct Turn<'a> {
    pub model: &'a Model,
    pub pass: Pass<'a>,
    pub dropout: DropoutKey,
    /// 1 / the step's divisor: what a micro-batch's loss is multiplied by before its gradient is taken.
    pub share: f64,
    pub sum: &'a mut GradientSum,
}

/// What a micro-batch gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    /// Its part of the step's loss before the division by the divisor.
    pub loss: f64,
    /// Its part of the divisor.
    pub weight: f64,
    /// Scored tokens whose most likely continuation was the label, and all scored tokens; 0 where that means nothing.
    pub hits: usize,
    pub labelled: usize,
    /// All tokens that were read.
    pub read: usize,
    /// By TRL's names; a step's value is the mean over its micro-batches that have one.
    pub metrics: BTreeMap<&'static str, f64>,
}

impl Measured {
    pub fn mean(&self) -> f64 {
        self.loss / if self.weight > 0.0 { self.weight } else { 1.0 }
    }
}

/// Adds up micro-batches: losses and counts are sums, metrics means.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub total: Measured,
    sums: BTreeMap<&'static str, (f64, usize)>,
}

impl Tally {
    pub fn add(&mut self, part: Measured) {
        let all = &mut self.total;
        all.loss += part.loss;
        all.weight += part.weight;
        all.hits += part.hits;
        all.labelled += part.labelled;
        all.read += part.read;
        for (name, value) in part.metrics {
            let sum = self.sums.entry(name).or_default();
            *sum = (sum.0 + value, sum.1 + 1);
        }
    }

    pub fn metrics(&self) -> BTreeMap<String, f32> {
        self.sums.iter().map(|(name, (sum, n))| ((*name).to_owned(), (sum / *n as f64) as f32)).collect()
    }
}

/// A stage's way of learning. It holds its rows; the loop asks for them by number, from 0.
pub trait Method {
    /// Rows to learn from.
    fn rows(&self) -> &[Example];
    /// Numbers of a micro-batch's rows in their file, for messages.
    fn row_numbers(&self, rows: &[usize]) -> Vec<usize> {
        rows.iter().filter_map(|&row| Some(self.rows().get(row)?.row())).collect()
    }

    fn eval_rows(&self) -> usize;

    /// Once before the first step: what has to be known of the starting model. `progress` gets a fraction and says
    /// whether to go on.
    fn begin(&mut self, _: &Model, _: &Plan, _: &mut dyn FnMut(f32) -> Result<()>) -> Result<()> {
        Ok(())
    }

    /// What the losses of a step's micro-batches are divided by. One each, so that a step's loss is a mean over its
    /// micro-batches, unless a method says otherwise.
    fn divisor(&self, groups: &[Vec<usize>]) -> f64 {
        groups.len().max(1) as f64
    }

    /// Before each step, `step` of them done: PPO samples its answers here and returns them when they are new.
    fn before_step(
        &mut self,
        _: &Model,
        _: &Plan,
        _step: usize,
        _progress: &mut dyn FnMut(f32) -> Result<()>,
    ) -> Result<Vec<Rollout>> {
        Ok(Vec::new())
    }

    /// A second model that learns beside the policy.
    fn critic(&mut self) -> Option<&mut Critic> {
        None
    }

    /// Into a checkpoint's folder: what a resumed run needs besides weights and moments.
    fn save(&self, _folder: &Path) -> Result<()> {
        Ok(())
    }

    fn load(&mut self, _folder: &Path) -> Result<()> {
        Ok(())
    }

    /// Adds the gradients of `turn.share` times the micro-batch's loss.
    fn micro_batch(&mut self, turn: Turn, rows: &[usize]) -> Result<Measured>;

    /// The loss on rows set aside; `weight` counts what its mean is over.
    fn evaluate(&mut self, model: &Model, rows: &[usize]) -> Result<Measured>;
}

fn as_sequences<'a>(rows: impl IntoIterator<Item = &'a Encoded>) -> Vec<Sequence<'a>> {
    rows.into_iter().map(Sequence::from).collect()
}

/// ln(1 / (1 + e^-x)) without overflow.
fn log_sigmoid(x: f64) -> f64 {
    if x >= 0.0 { -(-x).exp().ln_1p() } else { x - x.exp().ln_1p() }
}

fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}

fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, n) = values.into_iter().fold((0.0, 0usize), |(sum, n), value| (sum + value, n + 1));
    sum / n.max(1) as f64
}
