//! A value model of its own, which learns beside the policy.

use std::collections::BTreeSet;
use std::path::Path;

use crate::Result;
use crate::model::{GradientSum, Model};
use crate::optimizer::{AdamW, global_norm};
use crate::trainer::RunState;

pub struct Critic {
    pub model: Model,
    pub learning: BTreeSet<String>,
    pub optimizer: AdamW,
    /// Of the step that is being taken.
    pub grads: GradientSum,
}

impl Critic {
    pub fn norm(&self) -> Result<f64> {
        global_norm(&self.grads)
    }

    pub fn step(&mut self, rate: f64, clip: f64) {
        let grads = std::mem::take(&mut self.grads);
        self.optimizer.step(&mut self.model.params, grads, rate, clip);
    }

    /// Into a folder of its own inside a checkpoint.
    pub fn save(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder).map_err(|e| crate::Error::io(folder, e))?;
        crate::trainer::save_learned(folder, &self.model, &self.learning, &self.optimizer, &RunState::default())
    }

    pub fn load(&mut self, folder: &Path) -> Result<()> {
        crate::trainer::load_learned(folder, &mut self.model, &self.learning, &mut self.optimizer).map(|_| ())
    }
}
