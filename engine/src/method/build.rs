//! The method of a recipe's stage.

use super::reference::fingerprint;
use std::collections::BTreeSet;

use super::ppo::Ppo;
use super::{Base, Critic, Kto, Method, Preference, Reference, RewardModelling, Sft};
use crate::Result;
use crate::data::Example;
use crate::model::{GradientSum, Model, SCORE};
use crate::optimizer::AdamW;
use crate::recipe::{Recipe, Stage, ValueModel};
use crate::run_folder::REFERENCE;

/// What a method begins with.
pub struct Start<'a> {
    pub recipe: &'a Recipe,
    pub train: Vec<Example>,
    pub eval: Vec<Example>,
    /// The starting model with its adapter on, before any checkpoint was read into it.
    pub model: &'a Model,
    /// Everything that ever learns in it.
    pub learning: &'a BTreeSet<String>,
    /// `ref_model`, where one is named.
    pub ref_model: Option<Model>,
}

/// # Errors
/// `Io` where the model's files cannot be looked at.
pub fn build(start: Start) -> Result<Box<dyn Method>> {
    let recipe = start.recipe;
    Ok(match recipe.stage {
        Stage::Pt | Stage::Sft => {
            let base = (recipe.kl_penalty > 0.0).then(|| Base::of(start.model));
            Box::new(Sft { train: start.train, eval: start.eval, kl_penalty: recipe.kl_penalty, base })
        }
        Stage::Dpo => {
            let reference = if recipe.compares_with_reference() {
                Some(reference(recipe, start.model, start.ref_model)?)
            } else {
                None
            };
            Box::new(Preference::new(recipe, start.train, start.eval, reference))
        }
        Stage::Kto => {
            let reference = reference(recipe, start.model, start.ref_model)?;
            Box::new(Kto::new(recipe, start.train, start.eval, reference))
        }
        Stage::Rm => Box::new(RewardModelling { train: start.train, eval: start.eval }),
        Stage::Ppo => {
            let critic = match recipe.ppo_value_model {
                ValueModel::Head => None,
                ValueModel::Model => Some(critic(recipe, start.model, start.learning)?),
            };
            let mut ppo = Ppo::new(recipe, start.train, start.model, critic)?;
            if let Some(model) = start.ref_model {
                ppo.base = Base::Beside(Box::new(model));
            }
            Box::new(ppo)
        }
    })
}

/// A value model of its own: the starting policy with a score head, which learns what the policy learns.
fn critic(recipe: &Recipe, policy: &Model, learning: &BTreeSet<String>) -> Result<Critic> {
    let mut model = policy.clone(); // tensors are shared until they learn
    model.add_score_head(recipe.seed)?;
    let mut learning = learning.clone();
    learning.insert(SCORE.into());
    if !model.config.tied {
        learning.remove(model.head_name()); // a value model has no use for the language head
    }
    Ok(Critic { model, learning, optimizer: AdamW::new(recipe), grads: GradientSum::default() })
}

fn reference(recipe: &Recipe, model: &Model, ref_model: Option<Model>) -> Result<Reference> {
    let loaded = format!("{} {:?} {}", recipe.device, recipe.quantization_bit, recipe.double_quantization);
    let mut paths = vec![recipe.ref_model.as_deref().unwrap_or(&recipe.model_name_or_path)];
    // A merged adapter is part of the starting model.
    let merged = recipe.adapter_name_or_path.as_deref().filter(|_| recipe.create_new_adapter);
    paths.extend(merged.filter(|_| recipe.ref_model.is_none()));
    let of = fingerprint(&paths, &loaded)?;
    let base = ref_model.map_or_else(|| Base::of(model), |model| Base::Beside(Box::new(model)));
    Ok(Reference::new(base, of, &recipe.output_dir.join(REFERENCE)))
}
