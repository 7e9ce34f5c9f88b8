//! For random edits on models of every kind the picture is what the engine says learns.

use std::collections::BTreeSet;
use std::path::Path;

use luthier_engine::estimate::learning_names;
use luthier_engine::freeze::cell_of;
use luthier_engine::model::ModelConfig;
use luthier_engine::protocol::{Cell, CellPart};
use luthier_engine::recipe::{FinetuningType, Recipe, UnfreezePreset};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::super::picture::CellView;
use super::*;

pub fn config(family: &str, layers: usize, tied: bool) -> ModelConfig {
    let json = match family {
        "gpt2" => {
            serde_json::json!({"model_type": "gpt2", "n_embd": 64, "n_layer": layers, "n_head": 4, "n_positions": 128,
            "vocab_size": 256, "activation_function": "gelu_new", "tie_word_embeddings": tied})
        }
        _ => serde_json::json!({"model_type": family, "hidden_size": 64, "intermediate_size": 128, "head_dim": 16,
            "num_hidden_layers": layers, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 256,
            "hidden_act": "silu", "rms_norm_eps": 1e-6, "tie_word_embeddings": tied}),
    };
    ModelConfig::from_json(&json, Path::new("config.json")).expect("the config is sound")
}

const LENGTH: Length = Length { total: 100, per_epoch: 25, known: true };

fn recipe(kind: FinetuningType) -> Recipe {
    Recipe { finetuning_type: kind, lora_rank: 2, oft_block_size: 4, ..Recipe::default() }
}

/// The cells that the engine says learn; None: the engine refuses the recipe.
fn engine(recipe: &Recipe, config: &ModelConfig) -> Option<BTreeSet<Cell>> {
    Some(learning_names(recipe, config).ok()?.keys().map(|name| cell_of(name)).collect())
}

#[test]
fn what_is_painted_is_what_the_engine_trains() {
    let mut rng = StdRng::seed_from_u64(7);
    let kinds = [FinetuningType::Full, FinetuningType::Freeze, FinetuningType::Lora, FinetuningType::Oft];
    for (family, tied) in [("llama", true), ("llama", false), ("qwen3", true), ("qwen2", false), ("gpt2", true)] {
        let config = config(family, 5, tied);
        for kind in kinds {
            let mut recipe = recipe(kind);
            let mut accepted = 0;
            for round in 0..60 {
                let before = picture_of(&recipe, &config, LENGTH);
                let able: Vec<Cell> = before.cells.iter().filter(|view| view.able).map(|view| view.cell).collect();
                let cells: Vec<Cell> = able.iter().copied().filter(|_| rng.random_bool(0.3)).collect();
                let learns = rng.random_bool(0.6);
                let mut wanted = before.learning_cells();
                for cell in &cells {
                    if learns {
                        wanted.insert(*cell)
                    } else {
                        wanted.remove(cell)
                    };
                }
                let what = format!("{family} {kind} round {round}: {cells:?} {learns}");
                apply(&Edit::Set { cells, learns }, &mut recipe, &config, LENGTH);
                let after = picture_of(&recipe, &config, LENGTH);
                match engine(&recipe, &config) {
                    Some(learning) => {
                        accepted += 1;
                        assert_eq!(learning, wanted, "{what}: {:?}", Keys::of(&recipe));
                        assert_eq!(after.learning_cells(), learning, "{what}");
                        assert_eq!(after.problem, None, "{what}");
                        let partial: Vec<&CellView> = after.cells.iter().filter(|view| view.partial).collect();
                        assert!(partial.is_empty(), "{what}: {partial:?}");
                        let whole: usize = learning_names(&recipe, &config).unwrap().values().sum();
                        assert_eq!(after.trainable, whole as u64, "{what}");
                    }
                    None => {
                        assert!(after.problem.is_some(), "{what}");
                        let nothing = wanted.is_empty() || !wanted.iter().any(|cell| cell.layer.is_some());
                        assert!(nothing, "{what}: {:?} {:?}", after.problem, Keys::of(&recipe));
                        apply(&Edit::Preset(Preset::All), &mut recipe, &config, LENGTH);
                    }
                }
            }
            assert!(accepted > 40, "{family} {kind}: only {accepted} edits made a sound recipe");
        }
    }
}

#[test]
fn presets_are_what_they_say() {
    let config = config("llama", 6, false);
    let part = |layer, part| Cell { layer, part };
    for kind in [FinetuningType::Full, FinetuningType::Freeze, FinetuningType::Lora] {
        for preset in [Preset::All, Preset::FreezeEmbedding, Preset::FreezeFirst(4), Preset::FreezeHalf] {
            let mut recipe = recipe(kind);
            recipe.freeze_modules = vec!["q_proj".into()];
            apply(&Edit::Preset(preset), &mut recipe, &config, LENGTH);
            let learning = engine(&recipe, &config).expect("sound");
            assert_eq!(learning, meant(preset, &picture_of(&recipe, &config, LENGTH)), "{kind} {preset:?}");
            let lowest = match preset {
                Preset::FreezeFirst(n) => n,
                Preset::FreezeHalf => 3,
                _ => 0,
            };
            assert_eq!(learning.iter().filter_map(|cell| cell.layer).min(), Some(lowest), "{kind} {preset:?}");
            let embedding = kind != FinetuningType::Lora && preset == Preset::All;
            assert_eq!(learning.contains(&part(None, CellPart::Embedding)), embedding, "{kind} {preset:?}");
        }
    }
    let mut recipe = recipe(FinetuningType::Freeze);
    apply(&Edit::Preset(Preset::TrainLast(2)), &mut recipe, &config, LENGTH);
    assert_eq!(
        (recipe.freeze_trainable_layers, recipe.freeze_layers.len()),
        (2, 0),
        "the key that LLaMA-Factory knows"
    );
    let mut lora = super::tests::recipe(FinetuningType::Lora);
    let all_mlp = (0..6).map(|layer| part(Some(layer), CellPart::Mlp)).collect();
    apply(&Edit::Set { cells: all_mlp, learns: false }, &mut lora, &config, LENGTH);
    assert_eq!(lora.lora_target, ["q_proj", "k_proj", "v_proj", "o_proj"], "no adapter where none is wanted");
    assert!(lora.freeze_modules.is_empty());
}

#[test]
fn layers_join_where_they_are_dragged_and_presets_become_schedules() {
    let config = config("llama", 4, true);
    for kind in [FinetuningType::Full, FinetuningType::Freeze, FinetuningType::Lora] {
        let mut recipe = recipe(kind);
        recipe.freeze_trainable_layers = 4;
        apply(&Edit::Gradual(Some(UnfreezePreset::TopDown)), &mut recipe, &config, LENGTH);
        let steps = |recipe: &Recipe| {
            let picture = picture_of(recipe, &config, LENGTH);
            (0..4).map(|layer| picture.joins_at(layer)).collect::<Vec<_>>()
        };
        let turns = steps(&recipe);
        assert_eq!(turns, [Some(50), Some(34), Some(17), Some(0)], "{kind}");
        apply(&Edit::Own, &mut recipe, &config, LENGTH);
        assert!(recipe.unfreeze_preset.is_none());
        assert_eq!(steps(&recipe), turns, "{kind}: written down it is the same");
        apply(&Edit::Join { layers: vec![0, 1], at: 0.25 }, &mut recipe, &config, LENGTH);
        assert_eq!(steps(&recipe), [Some(25), Some(25), Some(17), Some(0)], "{kind}");
        apply(&Edit::Join { layers: vec![2], at: 0.0 }, &mut recipe, &config, LENGTH);
        assert_eq!(steps(&recipe), [Some(25), Some(25), Some(0), Some(0)], "{kind}");
        let cells = PARTS.map(|part| Cell { layer: Some(1), part }).to_vec();
        apply(&Edit::Set { cells, learns: false }, &mut recipe, &config, LENGTH);
        assert_eq!(steps(&recipe), [Some(25), None, Some(0), Some(0)], "{kind}: a frozen layer leaves the schedule");
        apply(&Edit::Join { layers: vec![1], at: 60.0 }, &mut recipe, &config, LENGTH);
        assert_eq!(steps(&recipe), [Some(25), Some(60), Some(0), Some(0)], "{kind}: to join it must be free");
        assert!(learning_names(&recipe, &config).is_ok(), "{kind}");
    }
}

#[test]
fn turns_after_the_end_are_frozen_when_they_are_written_down() {
    let config = config("llama", 4, true);
    let mut recipe = recipe(FinetuningType::Full);
    (recipe.unfreeze_preset, recipe.unfreeze_every) = (Some(UnfreezePreset::TopDown), 45);
    let picture = picture_of(&recipe, &config, LENGTH);
    assert!(picture.unreached(0) && !picture.unreached(1));
    let trainable = picture.trainable;
    apply(&Edit::Own, &mut recipe, &config, LENGTH);
    let picture = picture_of(&recipe, &config, LENGTH);
    assert_eq!((picture.joins_at(0), picture.joins_at(1), picture.trainable), (None, Some(90), trainable));
}

#[test]
fn undo_brings_the_keys_back() {
    let config = config("llama", 4, false);
    let mut recipe = recipe(FinetuningType::Full);
    let before = recipe.clone();
    let keys = Keys::of(&recipe);
    apply(&Edit::Preset(Preset::FreezeHalf), &mut recipe, &config, LENGTH);
    apply(&Edit::Join { layers: vec![3], at: 0.5 }, &mut recipe, &config, LENGTH);
    assert_ne!(recipe, before);
    keys.put(&mut recipe);
    assert_eq!(recipe, before);
}
