//! Stage dpo: learning from pairs of a better and a worse answer. The loss of a pair is in `pair_loss`.
//!
//! ORPO adds the mean -log p over the whole chosen sequence, prompt included, of the micro-batch (as TRL does); `pref_ftx`
//! adds a multiple of the mean -log p of the chosen answer (as LLaMA-Factory does); `ld_alpha` (LD-DPO, Liu et al. 2024)
//! weighs the tokens beyond the shorter answer's length.

use std::rc::Rc;

use super::compare::{self, Judgement};
use super::pair_loss::{PairLoss, PairValue, Side};
use super::{Measured, Method, Reference, Turn, mean};
use crate::Result;
use crate::data::{Encoded, Example, IGNORED};
use crate::model::Model;
use crate::recipe::{PrefLoss, Recipe};
use crate::trainer::{Layout, Plan, Scored, Sequence};

pub struct Preference {
    train: Rc<[Example]>,
    eval: Rc<[Example]>,
    loss: PairLoss,
    ftx: f64,
    ld_alpha: Option<f64>,
    reference: Option<Reference>,
}

/// A micro-batch's pairs: chosen answers first, then rejected ones.
struct Pairs<'a> {
    layout: Layout,
    rows: Vec<(&'a Encoded, &'a Encoded)>,
    /// By scored token: its weight in its answer's log p; 0 for a token of the prompt (ORPO scores those too).
    weights: Vec<f32>,
    /// Reference log p of chosen and rejected, by pair.
    reference: Vec<[f64; 2]>,
}

impl Preference {
    pub fn new(recipe: &Recipe, train: Vec<Example>, eval: Vec<Example>, reference: Option<Reference>) -> Self {
        let loss = PairLoss {
            kind: recipe.pref_loss,
            beta: recipe.pref_beta,
            smoothing: recipe.dpo_label_smoothing,
            gamma: recipe.simpo_gamma,
        };
        Self {
            train: train.into(),
            eval: eval.into(),
            loss,
            ftx: recipe.pref_ftx,
            ld_alpha: recipe.ld_alpha,
            reference,
        }
    }

    fn whole_chosen(&self) -> bool {
        self.loss.kind == PrefLoss::Orpo
    }

    /// Weights of both answers' tokens.
    fn weights(&self, chosen: &Encoded, rejected: &Encoded) -> [Vec<f32>; 2] {
        let (nc, nj) = (chosen.learned_tokens(), rejected.learned_tokens());
        let shorter = nc.min(nj);
        let weigh = |n: usize| match self.ld_alpha {
            Some(alpha) => (0..n).map(|i| if i < shorter { 1.0 } else { alpha as f32 }).collect(),
            None => vec![1.0; n],
        };
        [weigh(nc), weigh(nj)]
    }

    fn pairs<'a>(&self, model: &Model, examples: &[&'a Example]) -> Result<(Pairs<'a>, Vec<[Vec<f32>; 2]>)> {
        let rows: Vec<(&Encoded, &Encoded)> = examples
            .iter()
            .filter_map(|example| match example {
                Example::Pair { chosen, rejected } => Some((chosen, rejected)),
                _ => None, // preparing the data let only pairs through
            })
            .collect();
        let answer_weights: Vec<[Vec<f32>; 2]> = rows.iter().map(|(c, j)| self.weights(c, j)).collect();
        let whole: Vec<Vec<i32>> =
            rows.iter().map(|(chosen, _)| chosen.input_ids.iter().map(|&id| id as i32).collect()).collect();
        let chosen = rows.iter().zip(&whole).map(|((row, _), whole)| Sequence {
            ids: &row.input_ids,
            labels: if self.whole_chosen() { whole } else { &row.labels },
        });
        let sequences: Vec<Sequence> = chosen.chain(rows.iter().map(|(_, row)| Sequence::from(*row))).collect();
        let layout = Layout::new(model, &sequences);
        let mut weights = Vec::with_capacity(layout.scored());
        for ((row, _), answer) in rows.iter().zip(&answer_weights) {
            let mut answer = answer[0].iter();
            for label in row.labels.iter().skip(1) {
                match (*label != IGNORED, self.whole_chosen()) {
                    (true, _) => weights.push(*answer.next().expect("a weight a token")),
                    (false, true) => weights.push(0.0),
                    (false, false) => {}
                }
            }
        }
        answer_weights.iter().for_each(|both| weights.extend_from_slice(&both[1]));
        Ok((Pairs { layout, rows, weights, reference: Vec::new() }, answer_weights))
    }

    /// Asks the cache, and the starting model for what is not in it.
    fn with_reference<'a>(&mut self, model: &Model, examples: &[&'a Example]) -> Result<Pairs<'a>> {
        let (mut pairs, weights) = self.pairs(model, examples)?;
        if let Some(reference) = &mut self.reference {
            let asked: Vec<(&Encoded, &[f32])> = pairs
                .rows
                .iter()
                .zip(&weights)
                .flat_map(|((c, j), [wc, wj])| [(*c, wc.as_slice()), (*j, wj.as_slice())])
                .collect();
            let logps = reference.logps(model, &asked)?;
            pairs.reference = logps.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect();
        } else {
            pairs.reference = vec![[0.0, 0.0]; pairs.rows.len()];
        }
        Ok(pairs)
    }

    /// Each pair's loss, and the slope of their mean by each scored token's -log p.
    fn judge(&self, pairs: &Pairs, scored: &Scored) -> Judgement {
        let n = pairs.rows.len();
        let spans = &pairs.layout.spans;
        let weighted = |span: &std::ops::Range<usize>| -> f64 {
            span.clone().map(|t| f64::from(scored.logps[t]) * f64::from(pairs.weights[t])).sum()
        };
        let mut slopes = vec![0f32; scored.logps.len()];
        let mut values: Vec<PairValue> = Vec::with_capacity(n);
        let mut logps = Vec::with_capacity(n);
        let mut firsts = Vec::with_capacity(n); // mean log p of the chosen answers' tokens
        for (i, (chosen, rejected)) in pairs.rows.iter().enumerate() {
            let (c, j) = (&spans[i], &spans[n + i]);
            let [rc, rj] = pairs.reference[i];
            let chosen = Side { logp: weighted(c), reference: rc, tokens: chosen.learned_tokens() };
            let rejected = Side { logp: weighted(j), reference: rj, tokens: rejected.learned_tokens() };
            let mut value = self.loss.of(chosen, rejected);
            firsts.push(chosen.logp / chosen.tokens.max(1) as f64);
            if self.ftx > 0.0 {
                let per_token = self.ftx / chosen.tokens.max(1) as f64;
                value.loss -= per_token * chosen.logp;
                value.by_chosen -= per_token;
            }
            for (span, by) in [(c, value.by_chosen), (j, value.by_rejected)] {
                span.clone().for_each(|t| slopes[t] -= (by / n as f64) as f32 * pairs.weights[t]);
            }
            values.push(value);
            let by_token = !self.loss.has_reference();
            let per = |side: Side| if by_token { side.logp / side.tokens.max(1) as f64 } else { side.logp };
            logps.push([per(chosen), per(rejected)]);
        }
        let mut loss = mean(values.iter().map(|v| v.loss));
        let mut measured = Measured { read: pairs.layout.read, ..Measured::default() };
        let m = &mut measured.metrics;
        if self.whole_chosen() {
            let tokens: usize = spans[..n].iter().map(std::ops::Range::len).sum();
            let nll = -spans[..n].iter().map(|span| scored.sum(span)).sum::<f64>() / tokens.max(1) as f64;
            spans[..n].iter().flat_map(Clone::clone).for_each(|t| slopes[t] += 1.0 / tokens.max(1) as f32);
            loss += nll;
            m.insert("nll_loss", nll);
            m.insert("log_odds_ratio", mean(values.iter().map(|v| super::log_sigmoid(v.odds))));
            m.insert("log_odds_chosen", mean(values.iter().map(|v| v.odds)));
        }
        if self.loss.kind == PrefLoss::Simpo || (self.ftx > 0.0 && !self.whole_chosen()) {
            // TRL logs 0 where the term is off.
            let nll = if self.ftx > 0.0 { -mean(firsts.iter().copied()) } else { 0.0 };
            m.insert("nll_loss", nll);
        }
        let reward = |side: usize| mean(values.iter().map(|v| v.rewards[side]));
        m.insert("rewards/chosen", reward(0));
        m.insert("rewards/rejected", reward(1));
        m.insert("rewards/margins", mean(values.iter().map(|v| v.rewards[0] - v.rewards[1])));
        let won = |v: &PairValue| if v.rewards[0] > v.rewards[1] { 1.0 } else { 0.0 };
        m.insert("rewards/accuracies", mean(values.iter().map(won)));
        m.insert("logps/chosen", mean(logps.iter().map(|pair| pair[0])));
        m.insert("logps/rejected", mean(logps.iter().map(|pair| pair[1])));
        measured.loss = loss;
        measured.weight = 1.0;
        (measured, slopes)
    }
}

impl Method for Preference {
    fn rows(&self) -> &[Example] {
        &self.train
    }

    fn eval_rows(&self) -> usize {
        self.eval.len()
    }

    fn begin(&mut self, model: &Model, plan: &Plan, progress: &mut dyn FnMut(f32) -> Result<()>) -> Result<()> {
        if self.reference.is_none() {
            return Ok(());
        }
        let (train, eval) = (Rc::clone(&self.train), Rc::clone(&self.eval));
        let all: Vec<&Example> = plan.visited().iter().map(|&row| &train[row]).chain(eval.iter()).collect();
        let asked = compare::ask_all(&all, plan.micro(), progress, |part| self.with_reference(model, part).map(|_| ()));
        let saved = self.reference.as_mut().map_or(Ok(()), Reference::save); // what was asked before a stop, too
        asked.and(saved)?;
        if let Some(reference) = &mut self.reference {
            reference.release();
        }
        Ok(())
    }

    fn micro_batch(&mut self, turn: Turn, rows: &[usize]) -> Result<Measured> {
        let train = Rc::clone(&self.train);
        let examples: Vec<&Example> = rows.iter().map(|&row| &train[row]).collect();
        let pairs = self.with_reference(turn.model, &examples)?;
        compare::learn(turn, &pairs.layout, |scored| self.judge(&pairs, scored))
    }

    fn evaluate(&mut self, model: &Model, rows: &[usize]) -> Result<Measured> {
        let eval = Rc::clone(&self.eval);
        let examples: Vec<&Example> = rows.iter().map(|&row| &eval[row]).collect();
        let pairs = self.with_reference(model, &examples)?;
        compare::evaluate(model, &pairs.layout, rows.len(), |scored| self.judge(&pairs, scored))
    }
}
