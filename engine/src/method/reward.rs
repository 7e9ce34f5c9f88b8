//! Stage rm: a reward model learns to score the better answer of a pair higher (Ouyang et al. 2022, equation 1).
//!
//! The score is a bias-free linear layer on the final norm's output at the sequence's last token; the loss of a pair is
//! -log sigmoid(s_chosen - s_rejected).

use super::{Measured, Method, Turn, as_sequences, log_sigmoid, mean, sigmoid};
use crate::Result;
use crate::data::{Encoded, Example};
use crate::model::Model;
use crate::trainer::{Layout, ScoreHead};

pub struct RewardModelling {
    pub train: Vec<Example>,
    pub eval: Vec<Example>,
}

/// Chosen sequences first, then rejected ones.
fn lay_out(model: &Model, data: &[Example], rows: &[usize]) -> Layout {
    let pairs: Vec<(&Encoded, &Encoded)> = rows
        .iter()
        .filter_map(|&row| match &data[row] {
            Example::Pair { chosen, rejected } => Some((chosen, rejected)),
            _ => None, // preparing the data let only pairs through
        })
        .collect();
    Layout::new(model, &as_sequences(pairs.iter().map(|p| p.0).chain(pairs.iter().map(|p| p.1))))
}

/// The mean loss of scores (chosen, then rejected) and its slope by each.
fn judge(scores: &[f32], read: usize) -> (Measured, Vec<f32>) {
    let n = scores.len() / 2;
    let (chosen, rejected) = scores.split_at(n);
    let margins: Vec<f64> = chosen.iter().zip(rejected).map(|(c, j)| f64::from(*c) - f64::from(*j)).collect();
    let by = |margin: &f64| (-sigmoid(-margin) / n as f64) as f32;
    let slopes = margins.iter().map(by).chain(margins.iter().map(|m| -by(m))).collect();
    let extreme = |pick: fn(f32, f32) -> f32| f64::from(scores.iter().copied().reduce(pick).unwrap_or(0.0));
    let metrics = [
        ("min_reward", extreme(f32::min)),
        ("mean_reward", mean(scores.iter().map(|s| f64::from(*s)))),
        ("max_reward", extreme(f32::max)),
        ("accuracy", mean(margins.iter().map(|m| if *m > 0.0 { 1.0 } else { 0.0 }))),
        ("margin", mean(margins.iter().copied())),
    ];
    let loss = mean(margins.iter().map(|m| -log_sigmoid(*m)));
    (Measured { loss, weight: 1.0, read, metrics: metrics.into(), ..Measured::default() }, slopes)
}

impl Method for RewardModelling {
    fn rows(&self) -> &[Example] {
        &self.train
    }

    fn eval_rows(&self) -> usize {
        self.eval.len()
    }

    fn micro_batch(&mut self, turn: Turn, rows: &[usize]) -> Result<Measured> {
        let layout = lay_out(turn.model, &self.train, rows);
        let head = ScoreHead { model: turn.model, learning: turn.pass.learning };
        turn.pass.run(turn.model, &layout, None, turn.sum, |x, back| {
            let scores = head.read(x, &layout.ends)?;
            let (measured, mut slopes) = judge(&scores, layout.read);
            slopes.iter_mut().for_each(|slope| *slope *= turn.share as f32);
            head.back(x, &layout.ends, &slopes, back)?;
            Ok(measured)
        })
    }

    fn evaluate(&mut self, model: &Model, rows: &[usize]) -> Result<Measured> {
        let layout = lay_out(model, &self.eval, rows);
        let x = model.hidden(&layout.ids, &layout.lengths);
        let nothing = Default::default();
        let scores = ScoreHead { model, learning: &nothing }.read(&x, &layout.ends)?;
        let (mut measured, _) = judge(&scores, layout.read);
        measured.weight = rows.len() as f64;
        measured.loss *= rows.len() as f64;
        Ok(measured)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_finite_differences() {
        let scores = [0.3f32, -1.2, 0.8, 0.1];
        let (_, slopes) = judge(&scores, 0);
        for i in 0..4 {
            let moved = |by: f32| {
                let mut moved = scores;
                moved[i] += by;
                judge(&moved, 0).0.loss
            };
            assert!(((moved(1e-2) - moved(-1e-2)) / 2e-2 - f64::from(slopes[i])).abs() < 1e-4, "{i}");
        }
    }
}
