//! What people stayed blind to in preference runs: a margin that never moves, a loss that stays at ln 2.

use std::collections::BTreeMap;

/// Steps without any movement before it is said.
const PATIENCE: usize = 10;

#[derive(Debug, Clone, Default)]
pub struct Watch {
    flat_margin: usize,
    flat_loss: usize,
    told: bool,
}

impl Watch {
    /// Looks at a step's loss and metrics. Some: what the person should know, once a run.
    pub fn look(&mut self, step: usize, rate: f64, loss: f32, metrics: &BTreeMap<String, f32>) -> Option<String> {
        let margin = metrics.get("rewards/margins")?;
        // A step with a rate of 0 (the first of a warm-up) cannot move anything.
        let counts = rate > 0.0;
        let count = |still: bool, so_far: usize| if !still { 0 } else { so_far + usize::from(counts) };
        self.flat_margin = count(margin.abs() < 1e-4, self.flat_margin);
        self.flat_loss = count((loss - std::f32::consts::LN_2).abs() < 1e-4, self.flat_loss);
        if self.told || self.flat_margin.max(self.flat_loss) <= PATIENCE {
            return None;
        }
        self.told = true;
        let what = if self.flat_loss > PATIENCE {
            "the loss has stayed at 0.6931 (ln 2)"
        } else {
            "the reward margin has stayed at zero"
        };
        Some(format!(
            "step {step}: {what} for {PATIENCE} steps, so the model does not learn to tell the answers apart: raise the learning rate or the rank, and check that chosen and rejected answers differ"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(margin: f32) -> BTreeMap<String, f32> {
        BTreeMap::from([("rewards/margins".to_owned(), margin)])
    }

    #[test]
    fn a_stuck_loss_is_told_once_and_a_moving_one_never() {
        let mut watch = Watch::default();
        let told: Vec<usize> =
            (1..40).filter(|&step| watch.look(step, 1e-4, 0.693_15, &metrics(0.0)).is_some()).collect();
        assert_eq!(told.len(), 1);
        let mut watch = Watch::default();
        assert!((1..40).all(|step| watch.look(step, 1e-4, 0.69 - step as f32 * 1e-3, &metrics(0.01)).is_none()));
        let mut watch = Watch::default();
        assert!((1..40).all(|step| watch.look(step, 0.0, 0.693_15, &metrics(0.0)).is_none()));
        assert!((1..40).all(|step| watch.look(step, 1e-4, 0.2, &BTreeMap::new()).is_none()));
    }
}
