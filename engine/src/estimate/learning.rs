//! What learns in a run, by name and size, told by the recipe and the model's shapes alone.

use std::collections::BTreeMap;

use crate::freeze::{self, Course};
use crate::model::{ModelConfig, SCORE};
use crate::recipe::{FinetuningType, Recipe, Stage, ValueModel};
use crate::{Result, adapter};

/// What learns when, and how large it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Learning {
    pub course: Course,
    /// Numbers of every tensor that ever learns, adapters' included, by its name.
    pub sizes: BTreeMap<String, usize>,
    /// Numbers of everything that an adapter adds, learning or not.
    pub adapter: u64,
}

impl Learning {
    /// Numbers that ever learn.
    pub fn parameters(&self) -> u64 {
        self.sizes.values().map(|size| *size as u64).sum()
    }
}

/// Every tensor that ever learns in a run, adapters' included, with its number of parameters; layers that join late as
/// if the run were long enough for all of them. An adapter that the recipe continues is taken to be as the recipe's keys
/// would make a fresh one.
///
/// # Errors
/// `BadRecipe` where the recipe does not fit the model: see [`freeze::course`] and [`adapter::from_recipe`].
pub fn learning_names(recipe: &Recipe, config: &ModelConfig) -> Result<BTreeMap<String, usize>> {
    Ok(learning(recipe, config, 1 << 40, 1)?.sizes)
}

/// What learns in a run of so many steps.
///
/// # Errors
/// As [`learning_names`], and where the schedule goes beyond the run's end.
pub fn learning(recipe: &Recipe, config: &ModelConfig, total_steps: usize, steps_per_epoch: usize) -> Result<Learning> {
    let scores = has_score_head(recipe);
    let layers = freeze::adapter_layers(recipe, config)?;
    let mut shapes: BTreeMap<String, Vec<usize>> = match recipe.finetuning_type {
        FinetuningType::Lora | FinetuningType::Oft => {
            adapter::tensors_of_recipe(recipe, config, scores, layers.as_ref())?.into_iter().collect()
        }
        FinetuningType::Freeze | FinetuningType::Full => BTreeMap::new(),
    };
    let adapter = shapes.values().map(|shape| numbers(shape) as u64).sum();
    let able = freeze::able_to_learn(recipe, config, &shapes.keys().cloned().collect())?;
    let mut course = freeze::course_of(recipe, config, able, total_steps, steps_per_epoch)?;
    let copy = shapes.keys().find(|name| name.starts_with("base_model.") && name.ends_with(SCORE)).cloned();
    let score = scores.then(|| copy.unwrap_or_else(|| SCORE.to_owned()));
    course.score_instead_of_head(recipe, config, score);
    shapes.extend(config.tensors());
    shapes.insert(SCORE.to_owned(), vec![1, config.hidden]);
    let sizes = course.all().into_iter().filter_map(|name| Some((name.clone(), numbers(shapes.get(&name)?))));
    Ok(Learning { sizes: sizes.collect(), course, adapter })
}

/// Whether the model gets a score head: a reward model, and a policy whose value is read on it.
fn has_score_head(recipe: &Recipe) -> bool {
    recipe.stage == Stage::Rm || (recipe.stage == Stage::Ppo && recipe.ppo_value_model == ValueModel::Head)
}

fn numbers(shape: &[usize]) -> usize {
    shape.iter().product()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use burn::tensor::Device;

    use super::*;
    use crate::model::{Model, Param};
    use crate::recipe::UnfreezePreset;
    use crate::trainer::Plan;

    fn sample() -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/sample/model"))
    }

    /// What the engine itself counts, as trainer/run.rs puts a run together.
    fn counted(recipe: &Recipe, total: usize, per_epoch: usize) -> BTreeMap<String, usize> {
        let device: Device = crate::device::unchecked("cpu").unwrap();
        let quantise = recipe.quantization_bit.map(|_| crate::quant::Quantisation { double: true });
        let on = &mut |_, _| std::ops::ControlFlow::Continue(());
        let mut model = Model::load_with(&sample(), &device, quantise, on).unwrap();
        if has_score_head(recipe) {
            model.add_score_head(1).unwrap();
        }
        let layers = freeze::adapter_layers(recipe, &model.config).unwrap();
        adapter::from_recipe(&mut model, recipe, layers.as_ref()).unwrap();
        let mut course = freeze::course(recipe, &model, total, per_epoch).unwrap();
        let score = model.has_score_head().then(|| model.learned_name(SCORE));
        course.score_instead_of_head(recipe, &model.config, score);
        let sizes = course.all().into_iter().filter_map(|n| Some((n.clone(), model.params.get(&n).map(Param::len)?)));
        sizes.collect()
    }

    #[test]
    fn what_learns_is_what_the_engine_counts() {
        let config = crate::model::inspect(&sample()).unwrap().config;
        let lora = Recipe { model_name_or_path: sample(), lora_target: vec!["all".into()], ..Recipe::default() };
        let of = |kind: FinetuningType| Recipe { finetuning_type: kind, ..lora.clone() };
        let last = config.layers - 1;
        let recipes = [
            Recipe { lora_target: vec!["q_proj".into(), "v_proj".into()], lora_rank: 4, ..lora.clone() },
            Recipe { use_dora: true, quantization_bit: Some(4), ..lora.clone() },
            Recipe { lora_rank_pattern: vec![("layers.0.*q_proj".into(), 3)], ..lora.clone() },
            Recipe { freeze_layers: vec!["first:1".into()], additional_target: vec!["norm".into()], ..lora.clone() },
            Recipe { freeze_modules: vec!["mlp".into()], ..lora.clone() },
            Recipe { oft_block_size: 16, ..of(FinetuningType::Oft) },
            Recipe { oft_block_size: 16, oft_block_share: true, ..of(FinetuningType::Oft) },
            Recipe {
                freeze_trainable_layers: 1,
                freeze_extra_modules: vec!["norm".into()],
                ..of(FinetuningType::Freeze)
            },
            Recipe { unfreeze_preset: Some(UnfreezePreset::Ulmfit), ..of(FinetuningType::Full) },
            Recipe { freeze_modules: vec!["embed_tokens".into()], ..of(FinetuningType::Full) },
            Recipe { freeze_layers: vec![format!("0-{}", last - 1)], ..of(FinetuningType::Full) },
            Recipe { stage: Stage::Rm, ..lora.clone() },
            Recipe { stage: Stage::Rm, ..of(FinetuningType::Full) },
            Recipe { stage: Stage::Ppo, ..lora.clone() },
            Recipe { stage: Stage::Ppo, ppo_value_model: ValueModel::Model, ..lora.clone() },
        ];
        for recipe in recipes {
            let plan = Plan::new(&Recipe { max_steps: 4, ..recipe.clone() }, 16);
            let found = learning(&recipe, &config, plan.total_steps, plan.steps_per_epoch).unwrap();
            let changed = recipe.changed_from_default();
            assert_eq!(found.sizes, counted(&recipe, plan.total_steps, plan.steps_per_epoch), "{changed:?}");
            assert!(found.parameters() > 0, "{changed:?}");
        }
    }

    #[test]
    fn without_an_end_every_layer_gets_its_turn() {
        let config = crate::model::inspect(&sample()).unwrap().config;
        let recipe = Recipe {
            finetuning_type: FinetuningType::Full,
            unfreeze_preset: Some(UnfreezePreset::Ulmfit),
            ..Recipe::default()
        };
        assert_eq!(learning_names(&recipe, &config).unwrap().len(), config.tensors().len());
        let bad = Recipe { lora_target: vec!["x_proj".into()], ..Recipe::default() };
        assert_eq!(learning_names(&bad, &config).unwrap_err().code(), "bad_recipe");
    }
}
