//! Where an answer's score comes from: a reward model, or a rule.

use std::ops::ControlFlow;
use std::path::Path;

use super::rule::RewardRule;
use crate::data::{Encoded, IGNORED};
use crate::model::{Model, SCORE};
use crate::recipe::{Recipe, RewardModelType};
use crate::tokenizer::TextTokenizer;
use crate::trainer::{Layout, ScoreHead, Sequence};
use crate::{Error, Result};

pub enum Reward {
    Rule(RewardRule),
    Model(Box<Model>),
}

impl Reward {
    /// From `reward_rule` or `reward_model`; a reward adapter sits on the policy's own base.
    ///
    /// # Errors
    /// `BadRecipe` for a rule that cannot be read, the model's own errors, `BadModel` for another tokenizer.
    pub fn new(recipe: &Recipe, policy: &Model, tokenizer: &TextTokenizer) -> Result<Self> {
        if let Some(rule) = &recipe.reward_rule {
            return Ok(Self::Rule(RewardRule::parse(rule)?));
        }
        let folder = recipe.reward_model.as_deref().unwrap_or(Path::new(""));
        same_tokenizer(folder, tokenizer)?;
        let mut model = match recipe.reward_model_type {
            RewardModelType::Full => load(folder, policy)?,
            // The reward adapter was made for the base as it lies on the disk.
            _ if recipe.create_new_adapter => load(&recipe.model_name_or_path, policy)?,
            _ => policy.clone(), // tensors are shared
        };
        model.drop_adapter();
        tokenizer.check_fits(model.config.vocab)?;
        model.add_score_head(recipe.seed)?;
        if recipe.reward_model_type != RewardModelType::Full {
            model.load_adapter(folder)?;
        }
        let has_head = match recipe.reward_model_type {
            RewardModelType::Full => crate::files::WeightFiles::open(folder)?.contains(SCORE),
            _ => model.learned_name(SCORE) != SCORE,
        };
        if !has_head {
            let reason = "has no score head (score.weight): it is no reward model; train one with stage: rm";
            return Err(Error::model(folder, SCORE, reason));
        }
        Ok(Self::Model(Box::new(model)))
    }

    /// The score of each answer.
    pub fn scores(&self, prompts: &[&[u32]], answers: &[&[u32]], tokenizer: &TextTokenizer) -> Result<Vec<f32>> {
        match self {
            Self::Rule(rule) => {
                let text = |ids: &[u32]| tokenizer.decode(ids, true);
                Ok(prompts.iter().zip(answers).map(|(p, a)| rule.score(&text(p), &text(a))).collect())
            }
            Self::Model(model) => {
                let rows: Vec<Encoded> = prompts.iter().zip(answers).map(|(p, a)| joined(p, a)).collect();
                let sequences: Vec<Sequence> = rows.iter().map(Sequence::from).collect();
                let layout = Layout::new(model, &sequences);
                let x = model.hidden(&layout.ids, &layout.lengths);
                let nothing = Default::default();
                let scores = ScoreHead { model, learning: &nothing }.read(&x, &layout.ends)?;
                match scores.iter().find(|score| !score.is_finite()) {
                    Some(score) => {
                        Err(Error::model(&model.source, "score.weight", format!("gives a score of {score}")))
                    }
                    None => Ok(scores),
                }
            }
        }
    }
}

fn load(path: &Path, policy: &Model) -> Result<Model> {
    Model::load(path, &policy.device, &mut |_, _| ControlFlow::Continue(()))
}

/// Prompt and answer as one row; the answer is labelled.
pub(super) fn joined(prompt: &[u32], answer: &[u32]) -> Encoded {
    let labels = vec![IGNORED; prompt.len()].into_iter().chain(answer.iter().map(|&id| id as i32)).collect();
    Encoded { row: 0, input_ids: [prompt, answer].concat(), labels }
}

/// Ids mean the same words only with the same vocabulary. A folder without a tokenizer of its own goes by its base's.
fn same_tokenizer(folder: &Path, tokenizer: &TextTokenizer) -> Result<()> {
    if folder.is_dir() && !folder.join("tokenizer.json").exists() {
        return Ok(());
    }
    let other = TextTokenizer::load(folder)?;
    match tokenizer.first_difference(&other) {
        None => Ok(()),
        Some(difference) => {
            let reason = format!(
                "is not the policy's tokenizer ({difference}): a reward model must be trained on a model of the same family"
            );
            Err(Error::model(folder.join("tokenizer.json"), "vocabulary", reason))
        }
    }
}
