//! A fresh adapter, and the adapter that a recipe asks for.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::Tensor;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::targets::{Blame, blame_file};
use super::{
    Adapter, AdapterConfig, Form, LoraConfig, Method, OftConfig, Origin, Targets, chain, peft_name, sites, whole,
};
use crate::model::{Model, ModelConfig, Param, SCORE, param};
use crate::recipe::{FinetuningType, Recipe, Stage};
use crate::{Error, Result};

impl Model {
    /// Puts a fresh adapter on the model; nothing changes yet. LoRA's A is uniform in +-1/sqrt(in) (PEFT's Kaiming start)
    /// and B zero; with PiSSA both are the weight's main directions; DoRA's magnitudes are the rows' norms; OFT does not
    /// turn. An adapter that is on the model is taken off first.
    ///
    /// # Errors
    /// `BadModel` where the config does not fit the model.
    pub fn add_adapter(&mut self, config: AdapterConfig, seed: u64) -> Result<()> {
        let source = self.source.clone();
        self.begin_adapter(config, seed, &blame_file(&source))
    }

    fn begin_adapter(&mut self, config: AdapterConfig, seed: u64, blame: Blame) -> Result<()> {
        self.drop_adapter();
        let sites = sites(&config, &self.config, Origin::Fresh, blame)?;
        let whole = whole::copies(self, &config.modules_to_save, blame)?;
        let mut adapter = Adapter { config, sites, whole, enabled: true, source: None, below: BTreeMap::new() };
        let pissa = matches!(&adapter.config.method, Method::Lora(lora) if lora.pissa);
        let mut rng = StdRng::seed_from_u64(seed);
        let mut fresh: BTreeMap<String, Param> = BTreeMap::new();
        for site in adapter.sites.values_mut() {
            let spec = &site.spec;
            let zeros = |shape: [usize; 2]| Param::Matrix(Tensor::zeros(shape, &self.device));
            match &mut site.form {
                Form::Oft(oft) => {
                    fresh.insert(oft.r.clone(), zeros(oft.shape()));
                }
                Form::Lora(lora) => {
                    if pissa {
                        let [a, b] = lora.main_directions(self, spec)?;
                        fresh.insert(lora.a.clone(), Param::Matrix(a.clone()));
                        fresh.insert(lora.b.clone(), Param::Matrix(b.clone()));
                        lora.start = Some([a, b]);
                    } else {
                        let bound = 1.0 / (spec.input as f32).sqrt();
                        let count = lora.rank * spec.input;
                        let a: Vec<f32> = (0..count).map(|_| rng.random_range(-bound..=bound)).collect();
                        fresh.insert(lora.a.clone(), param(a, &[lora.rank, spec.input], &self.device));
                        fresh.insert(lora.b.clone(), zeros([spec.out, lora.rank]));
                    }
                    lora.measure(self, spec);
                    if let (Some(name), Some(squares)) = (&lora.magnitude, &lora.row_squares) {
                        fresh.insert(name.clone(), Param::Vector(squares.clone().sqrt()));
                    }
                }
            }
        }
        for (name, copy) in &adapter.whole {
            fresh.extend(self.params.get(name).map(|param| (copy.clone(), param.clone())));
        }
        self.params.extend(fresh);
        self.adapter = Some(adapter);
        Ok(())
    }
}

/// Puts the adapter of a recipe on the model: the one that it continues, or a fresh one, after the given one was merged
/// where `create_new_adapter` says so. A recipe that trains weights gets none. `layers` may carry a fresh adapter (None:
/// all); it is written as PEFT's layers_to_transform.
///
/// # Errors
/// `BadRecipe` where rank, block size or targets do not fit the model; those of [`Model::load_adapter`].
pub fn from_recipe(model: &mut Model, recipe: &Recipe, layers: Option<&BTreeSet<usize>>) -> Result<()> {
    let adapts = matches!(recipe.finetuning_type, FinetuningType::Lora | FinetuningType::Oft);
    let mut below = chain::Below::new();
    if let Some(folder) = recipe.adapter_name_or_path.as_ref().filter(|_| adapts || recipe.create_new_adapter) {
        model.load_adapter(folder)?;
        if recipe.create_new_adapter {
            // Where weights train whole, the merge is part of them.
            below = if adapts { chain::below(model)? } else { chain::Below::new() };
            model.merge_adapter();
        } else {
            check_kind(model, recipe)?;
            if recipe.stage == Stage::Rm {
                score_beside(model);
            }
            return Ok(());
        }
    }
    if !adapts {
        return Ok(());
    }
    let config = config_of(&model.config, model.has_score_head(), recipe, layers);
    let named: Vec<&String> = config.modules_to_save.iter().filter(|name| *name != "score").collect();
    for name in named {
        if whole::copies(model, std::slice::from_ref(name), &blame_recipe(recipe))?.is_empty() {
            let reason = format!("this model has no module '{name}'");
            return Err(Error::recipe("additional_target", reason, "embed_tokens, lm_head and norm are usual"));
        }
    }
    if !below.is_empty() {
        chain::check_new(&config)?;
    }
    model.begin_adapter(config, recipe.seed, &blame_recipe(recipe))?;
    if let Some(adapter) = &mut model.adapter {
        adapter.below = below;
    }
    Ok(())
}

/// Names and shapes of the tensors of the fresh adapter that a recipe asks for, modules that train whole included, told
/// by the model's shapes alone. `scores`: the model will have a score head.
///
/// # Errors
/// As [`from_recipe`] for a fresh adapter.
pub fn tensors_of_recipe(
    recipe: &Recipe,
    model: &ModelConfig,
    scores: bool,
    layers: Option<&BTreeSet<usize>>,
) -> Result<Vec<(String, Vec<usize>)>> {
    let config = config_of(model, scores, recipe, layers);
    let blame = blame_recipe(recipe);
    let mut found: Vec<(String, Vec<usize>)> =
        sites(&config, model, Origin::Fresh, &blame)?.values().flat_map(super::Site::tensors).collect();
    if config.modules_to_save.is_empty() {
        return Ok(found);
    }
    let mut own: BTreeMap<String, Vec<usize>> = model.tensors().into_iter().collect();
    own.extend(scores.then(|| (SCORE.to_owned(), vec![1, model.hidden])));
    let linear: BTreeSet<String> = match recipe.quantization_bit {
        Some(_) => model.linears().map(|(_, spec)| spec.weight()).collect(),
        None => BTreeSet::new(),
    };
    let named = own.keys().map(|name| (name.as_str(), linear.contains(name)));
    let copies = whole::copies_among(named, model, &config.modules_to_save, &blame)?;
    found.extend(copies.into_iter().filter_map(|(name, copy)| Some((copy, own.remove(&name)?))));
    Ok(found)
}

/// The base's score head, where it has one, learns beside a continued adapter that brings none.
fn score_beside(model: &mut Model) {
    let Some(adapter) = &mut model.adapter else { return };
    let copy = peft_name(SCORE);
    if let Some(head) = model.params.get(SCORE).cloned().filter(|_| !adapter.whole.contains_key(SCORE)) {
        adapter.config.modules_to_save.push("score".into());
        adapter.whole.insert(SCORE.into(), copy.clone());
        model.params.insert(copy, head);
    }
}

fn check_kind(model: &Model, recipe: &Recipe) -> Result<()> {
    let kind = match model.adapter_or_error()?.config.method {
        Method::Lora(_) => FinetuningType::Lora,
        Method::Oft(_) => FinetuningType::Oft,
    };
    if kind == recipe.finetuning_type {
        return Ok(());
    }
    let reason = format!("{} is asked for, but the adapter in adapter_name_or_path is {kind}", recipe.finetuning_type);
    Err(Error::recipe("finetuning_type", reason, format!("write {kind}, or set create_new_adapter: true")))
}

/// `scores`: the model has a score head.
fn config_of(model: &ModelConfig, scores: bool, recipe: &Recipe, layers: Option<&BTreeSet<usize>>) -> AdapterConfig {
    let lora = recipe.finetuning_type == FinetuningType::Lora;
    let (method, targets, dropout) = if lora {
        let config = LoraConfig {
            r: recipe.lora_rank,
            lora_alpha: recipe.lora_alpha.unwrap_or(2.0 * recipe.lora_rank as f64),
            use_rslora: recipe.use_rslora,
            use_dora: recipe.use_dora,
            rank_pattern: recipe.lora_rank_pattern.clone().into_iter().collect(),
            alpha_pattern: recipe.lora_alpha_pattern.clone().into_iter().collect(),
            pissa: recipe.pissa_init,
        };
        (Method::Lora(config), &recipe.lora_target, recipe.lora_dropout)
    } else {
        let config = OftConfig {
            r: recipe.oft_rank,
            block_size: recipe.oft_block_size,
            block_share: recipe.oft_block_share,
            neumann_terms: recipe.oft_use_cayley_neumann.then_some(5),
        };
        (Method::Oft(config), &recipe.oft_target, recipe.module_dropout)
    };
    let all = targets.iter().any(|target| target == "all");
    let names: Vec<String> =
        if all { model.linear_names().iter().map(|name| (*name).to_owned()).collect() } else { targets.clone() };
    let mut modules_to_save = recipe.additional_target.clone();
    if recipe.stage == Stage::Rm && scores && !modules_to_save.iter().any(|m| m == "score") {
        modules_to_save.push("score".into());
    }
    AdapterConfig {
        method,
        target_modules: Targets::Names(names),
        exclude_modules: None,
        layers_to_transform: layers.cloned(),
        layers_pattern: Vec::new(),
        modules_to_save,
        dropout: dropout as f32,
    }
}

/// Blames the recipe's key of the same meaning.
fn blame_recipe(recipe: &Recipe) -> impl Fn(&str, String) -> Error + use<> {
    let lora = recipe.finetuning_type == FinetuningType::Lora;
    move |key, reason| {
        let field = match (key, lora) {
            ("r", true) => "lora_rank",
            ("r", false) => "oft_rank",
            ("rank_pattern", _) => "lora_rank_pattern",
            ("alpha_pattern", _) => "lora_alpha_pattern",
            ("target_modules", true) => "lora_target",
            ("target_modules", false) => "oft_target",
            ("modules_to_save", _) => "additional_target",
            ("layers_to_transform", _) => "freeze_layers",
            (other, _) => other,
        };
        Error::recipe(field, reason, "")
    }
}
