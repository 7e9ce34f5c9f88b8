//! The score head of reward and value models: `score.weight` [1, hidden], no bias, on the final norm's output.

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{Model, param, random::normal};
use crate::files::WeightFiles;
use crate::{Error, Result};

/// A score head's name among the model's tensors.
pub const SCORE: &str = "score.weight";

impl Model {
    /// # Errors
    /// `ModelUnsupported` for a reward model, which cannot speak.
    pub fn require_language_head(&self) -> Result<()> {
        if !self.config.scores {
            return Ok(());
        }
        let reason = "this is a reward model: it scores answers and has no language head to write with";
        Err(Error::ModelUnsupported { path: self.source.clone(), reason: reason.into() })
    }

    /// Takes the score head from the model's own files where they have one, else draws it from N(0, 0.02), as
    /// transformers does.
    ///
    /// # Errors
    /// `BadModel` where the files' head is not [1, hidden].
    pub fn add_score_head(&mut self, seed: u64) -> Result<()> {
        let shape = [1, self.config.hidden];
        let files = WeightFiles::open(&self.source)?;
        let values = match files.shape(SCORE) {
            Some(found) if found == shape => files.read_f32(SCORE)?,
            Some(found) => {
                let reason = format!("has shape {found:?}, a reward model needs {shape:?}");
                return Err(Error::model(&self.source, SCORE, reason));
            }
            None => {
                let mut rng = StdRng::seed_from_u64(seed);
                (0..self.config.hidden).map(|_| normal(&mut rng, 0.02)).collect()
            }
        };
        self.params.insert(SCORE.into(), param(values, &shape, &self.device));
        Ok(())
    }

    pub fn has_score_head(&self) -> bool {
        self.params.contains_key(SCORE)
    }
}
