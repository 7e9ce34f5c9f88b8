//! Stage kto: learning from single answers that were liked or not. The loss of an answer is in `kto_loss`.
//!
//! The KL estimate of a micro-batch comes from mismatched answers: row i's prompt with the answer of row i - 1, row 0's
//! with the last one's, without gradient.

use std::rc::Rc;

use super::compare::{self, Judgement};
use super::kto_loss::{KtoLoss, kl_estimate};
use super::{Measured, Method, Reference, Turn, as_sequences, mean};
use crate::Result;
use crate::data::{Encoded, Example, mismatched};
use crate::model::Model;
use crate::recipe::Recipe;
use crate::trainer::{Layout, Plan, Scored, TokenHead};

pub struct Kto {
    train: Rc<[Example]>,
    eval: Rc<[Example]>,
    loss: KtoLoss,
    /// Weight of the mean -log p of liked answers' tokens (LLaMA-Factory's pref_ftx).
    ftx: f64,
    cutoff: usize,
    reference: Reference,
}

struct Marks<'a> {
    rows: Vec<(&'a Encoded, bool)>,
    layout: Layout,
    reference: Vec<f64>,
    kl: f64,
}

impl Kto {
    pub fn new(recipe: &Recipe, train: Vec<Example>, eval: Vec<Example>, reference: Reference) -> Self {
        let loss = KtoLoss {
            beta: recipe.pref_beta,
            chosen_weight: recipe.kto_chosen_weight,
            rejected_weight: recipe.kto_rejected_weight,
        };
        Self {
            train: train.into(),
            eval: eval.into(),
            loss,
            ftx: recipe.pref_ftx,
            cutoff: recipe.cutoff_len,
            reference,
        }
    }

    fn marks<'a>(&mut self, model: &Model, examples: &[&'a Example]) -> Result<Marks<'a>> {
        let rows: Vec<(&Encoded, bool)> = examples.iter().copied().filter_map(marked).collect();
        let reference = self.own(model, &rows)?;
        let others: Vec<Encoded> = (0..rows.len())
            .map(|i| mismatched(rows[i].0, rows[(i + rows.len() - 1) % rows.len()].0, self.cutoff))
            .collect();
        let layout = Layout::new(model, &as_sequences(&others));
        let nothing = Default::default();
        let x = model.hidden(&layout.ids, &layout.lengths);
        let policy = TokenHead::new(model, &nothing).read(&x, &layout, false)?;
        let base = self.reference.base()?.scored(model, &layout)?;
        let ratios: Vec<f64> = layout.spans.iter().map(|span| policy.sum(span) - base.sum(span)).collect();
        let layout = Layout::new(model, &as_sequences(rows.iter().map(|(row, _)| *row)));
        Ok(Marks { rows, layout, reference, kl: kl_estimate(&ratios) })
    }

    fn own(&mut self, model: &Model, rows: &[(&Encoded, bool)]) -> Result<Vec<f64>> {
        let weights: Vec<Vec<f32>> = rows.iter().map(|(row, _)| vec![1.0; row.learned_tokens()]).collect();
        let asked: Vec<(&Encoded, &[f32])> =
            rows.iter().zip(&weights).map(|((row, _), weights)| (*row, weights.as_slice())).collect();
        self.reference.logps(model, &asked)
    }

    /// The mean loss, and its slope by each scored token's -log p.
    fn judge(&self, marks: &Marks, scored: &Scored) -> Judgement {
        let n = marks.rows.len().max(1) as f64;
        let mut slopes = vec![0f32; scored.logps.len()];
        let mut measured = Measured { weight: 1.0, read: marks.layout.read, ..Measured::default() };
        let liked = marks.rows.iter().filter(|(_, liked)| *liked).count();
        let (mut rewards, mut logps) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        for (i, (_, is_liked)) in marks.rows.iter().enumerate() {
            let span = &marks.layout.spans[i];
            let logp = scored.sum(span);
            let ratio = logp - marks.reference[i];
            let (loss, mut slope) = self.loss.of(ratio, marks.kl, *is_liked);
            measured.loss += loss / n;
            slope /= n;
            if self.ftx > 0.0 && *is_liked {
                let per_token = self.ftx / (liked * span.len().max(1)) as f64;
                measured.loss -= per_token * logp;
                slope -= per_token;
            }
            span.clone().for_each(|t| slopes[t] -= slope as f32);
            let side = usize::from(!*is_liked);
            rewards[side].push(self.loss.beta * ratio);
            logps[side].push(logp);
        }
        let m = &mut measured.metrics;
        m.insert("kl", marks.kl);
        let names = [("rewards/chosen", "logps/chosen"), ("rewards/rejected", "logps/rejected")];
        for (side, (reward, logp)) in names.into_iter().enumerate().filter(|(side, _)| !rewards[*side].is_empty()) {
            m.insert(reward, mean(rewards[side].iter().copied()));
            m.insert(logp, mean(logps[side].iter().copied()));
        }
        if let (Some(chosen), Some(rejected)) = (m.get("rewards/chosen"), m.get("rewards/rejected")) {
            let margin = chosen - rejected;
            m.insert("rewards/margins", margin);
        }
        (measured, slopes)
    }
}

impl Method for Kto {
    fn rows(&self) -> &[Example] {
        &self.train
    }

    fn eval_rows(&self) -> usize {
        self.eval.len()
    }

    fn begin(&mut self, model: &Model, plan: &Plan, progress: &mut dyn FnMut(f32) -> Result<()>) -> Result<()> {
        let (train, eval) = (Rc::clone(&self.train), Rc::clone(&self.eval));
        let visited = plan.visited();
        let all: Vec<(&Encoded, bool)> =
            visited.iter().map(|&row| &train[row]).chain(eval.iter()).filter_map(marked).collect();
        let asked = compare::ask_all(&all, plan.micro(), progress, |part| self.own(model, part).map(|_| ()));
        asked.and(self.reference.save()) // what was asked before a stop, too
    }

    fn micro_batch(&mut self, turn: Turn, rows: &[usize]) -> Result<Measured> {
        let train = Rc::clone(&self.train);
        let examples: Vec<&Example> = rows.iter().map(|&row| &train[row]).collect();
        let marks = self.marks(turn.model, &examples)?;
        compare::learn(turn, &marks.layout, |scored| self.judge(&marks, scored))
    }

    fn evaluate(&mut self, model: &Model, rows: &[usize]) -> Result<Measured> {
        let eval = Rc::clone(&self.eval);
        let examples: Vec<&Example> = rows.iter().map(|&row| &eval[row]).collect();
        let marks = self.marks(model, &examples)?;
        compare::evaluate(model, &marks.layout, rows.len(), |scored| self.judge(&marks, scored))
    }
}

/// Preparing the data let only marked answers through.
fn marked(example: &Example) -> Option<(&Encoded, bool)> {
    match example {
        Example::Marked { answer, liked } => Some((answer, *liked)),
        _ => None,
    }
}
