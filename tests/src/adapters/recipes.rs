//! The adapter that a recipe asks for.

use std::collections::BTreeSet;

use burn::tensor::Tensor;
use luthier_engine::adapter::{from_recipe, rate_factor};
use luthier_engine::model::{Model, Param};
use luthier_engine::recipe::{FinetuningType, Recipe, Stage};

use super::{some_logits, stir, tiny, values};
use crate::bench::{fixture, worst};

/// A LoRA on the tiny Llama, changed.
pub fn recipe(change: impl FnOnce(&mut Recipe)) -> Recipe {
    let (mut recipe, _) = Recipe::load(fixture("train/sft-lora-all/recipe.yaml")).expect("recipe");
    recipe.adapter_name_or_path = None;
    change(&mut recipe);
    recipe
}

fn begun(recipe: &Recipe, layers: Option<&BTreeSet<usize>>) -> Model {
    let mut model = tiny();
    from_recipe(&mut model, recipe, layers).expect("adapter");
    model
}

#[test]
fn a_recipe_limits_layers_and_ranks() {
    let recipe = recipe(|r| r.lora_rank_pattern.extend([("down_proj".into(), 3)]));
    let model = begun(&recipe, Some(&BTreeSet::from([1, 3])));
    let adapter = model.adapter.as_ref().expect("adapter");
    assert_eq!(adapter.sites.len(), 14);
    let shape = |path: &str| model.params[&format!("base_model.model.model.layers.3.{path}.lora_A.weight")].shape();
    assert_eq!((shape("mlp.down_proj"), shape("mlp.up_proj")), (vec![3, 160], vec![8, 64]));
    let ratio = Recipe { loraplus_lr_ratio: Some(16.0), ..recipe };
    let factor = |name: &str| rate_factor(ratio.loraplus_lr_ratio, name);
    assert_eq!((factor("x.lora_B.weight"), factor("x.lora_A.weight")), (16.0, 1.0));
}

/// Stage rm: the score head learns as a copy beside a fresh adapter and beside one that knew none.
#[test]
fn a_score_head_learns_beside_the_adapter() {
    let rslora = fixture("adapters/sft-rslora");
    for given in [None, Some(rslora)] {
        let mut model = tiny();
        let head = Tensor::<2>::ones([1, model.config.hidden], &model.device);
        model.params.insert("score.weight".into(), Param::Matrix(head));
        let recipe = recipe(|r| (r.stage, r.adapter_name_or_path) = (Stage::Rm, given));
        from_recipe(&mut model, &recipe, None).expect("adapter");
        assert!(model.adapter.as_ref().expect("adapter").learning_names().contains("base_model.model.score.weight"));
        let folder = tempfile::tempdir().unwrap();
        model.save_adapter(folder.path()).expect("saved");
        let config = std::fs::read_to_string(folder.path().join("adapter_config.json")).unwrap();
        assert!(config.contains("SEQ_CLS") && config.contains("\"score\""), "{config}");
        let mut again = tiny();
        again.load_adapter(folder.path()).expect("a reward model's adapter");
        assert_eq!(values(&again.params["base_model.model.score.weight"]), vec![1.0; model.config.hidden]);
    }
}

/// `create_new_adapter`: the given adapter goes into the base, a fresh one starts, and nothing has changed yet.
#[test]
fn a_new_adapter_starts_over_the_merged_one() {
    let folder = fixture("adapters/sft-rslora");
    let mut given = tiny();
    given.load_adapter(&folder).expect("adapter");
    let continued = begun(&recipe(|r| r.adapter_name_or_path = Some(folder.clone())), None);
    assert_eq!(some_logits(&continued), some_logits(&given));
    let mut fresh = recipe(|r| (r.adapter_name_or_path, r.create_new_adapter) = (Some(folder), true));
    let model = begun(&fresh, None);
    let adapter = model.adapter.as_ref().expect("adapter");
    assert!(adapter.source.is_none() && adapter.learning_names().iter().all(|name| !name.contains("magnitude")));
    assert!(worst(&some_logits(&model), &some_logits(&given)) < 2e-4);
    fresh.finetuning_type = FinetuningType::Full;
    let model = begun(&fresh, None);
    assert!(model.adapter.is_none() && worst(&some_logits(&model), &some_logits(&given)) < 2e-4);
}

/// Both adapters of a chain are saved as one, which does the same on the base as it lies on the disk.
#[test]
fn a_chain_of_adapters_is_saved_for_the_untouched_base() {
    let given = fixture("adapters/sft-rslora");
    for change in [
        (|_| {}) as fn(&mut Recipe),
        |r| (r.lora_target, r.lora_rank, r.lora_alpha) = (vec!["q_proj".into(), "down_proj".into()], 3, Some(7.0)),
        |r| r.pissa_init = true,
    ] {
        let recipe = recipe(|r| {
            (r.adapter_name_or_path, r.create_new_adapter) = (Some(given.clone()), true);
            change(r);
        });
        let mut model = begun(&recipe, None);
        stir(&mut model);
        let wanted = some_logits(&model);
        let folder = tempfile::tempdir().unwrap();
        model.save_adapter(folder.path()).expect("saved");
        let mut again = tiny();
        assert!(worst(&some_logits(&again), &wanted) > 1e-2);
        again.load_adapter(folder.path()).expect("one adapter");
        let off = worst(&some_logits(&again), &wanted);
        assert!(off < 5e-4, "{off}");
    }
}

#[test]
fn a_chain_that_is_no_sum_is_refused() {
    let refused = |given: &str, change: fn(&mut Recipe)| {
        let recipe = recipe(|r| {
            (r.adapter_name_or_path, r.create_new_adapter) = (Some(fixture(given)), true);
            change(r);
        });
        from_recipe(&mut tiny(), &recipe, None).unwrap_err().to_string()
    };
    for said in [refused("adapters/sft-dora", |_| {}), refused("adapters/sft-rslora", |r| r.use_dora = true)] {
        assert!(said.contains("create_new_adapter") && said.contains("together"), "{said}");
    }
}
