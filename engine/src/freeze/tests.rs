//! Courses over a model's config alone: no tensors are made.

use std::path::Path;

use serde_json::json;

use super::*;
use crate::recipe::{UnfreezePreset, UnfreezeStage};

fn config(layers: usize, tied: bool) -> ModelConfig {
    let json = json!({"model_type": "llama", "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": layers,
        "num_attention_heads": 2, "vocab_size": 32, "tie_word_embeddings": tied});
    ModelConfig::from_json(&json, Path::new("config.json")).unwrap()
}

/// LoRA's tensors on q_proj of these layers.
fn adapter(layers: impl IntoIterator<Item = usize>) -> BTreeSet<String> {
    let name = |layer, part| format!("base_model.model.model.layers.{layer}.self_attn.q_proj.{part}.weight");
    layers.into_iter().flat_map(|layer| [name(layer, "lora_A"), name(layer, "lora_B")]).collect()
}

fn full() -> Recipe {
    Recipe { finetuning_type: FinetuningType::Full, ..Recipe::default() }
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

fn stages(list: &[(f64, &[usize])]) -> Vec<UnfreezeStage> {
    list.iter().map(|(at, layers)| UnfreezeStage { at: *at, layers: layers.to_vec() }).collect()
}

/// The course in a model of four layers and ten steps, four to an epoch.
fn run(recipe: &Recipe) -> Result<Course> {
    let config = config(4, false);
    let able = able_to_learn(recipe, &config, &adapter(0..4))?;
    course_of(recipe, &config, able, 10, 4)
}

fn layers(names: &BTreeSet<String>) -> Vec<usize> {
    names.iter().filter_map(|name| layer_of(name)).collect::<BTreeSet<_>>().into_iter().collect()
}

fn joins(course: &Course) -> Vec<(usize, Vec<usize>)> {
    for join in &course.joins {
        assert_eq!(layers(&join.names), join.layers);
    }
    course.joins.iter().map(|join| (join.step, join.layers.clone())).collect()
}

fn problems(outcome: Result<Course>) -> Vec<(String, String)> {
    match outcome {
        Err(Error::BadRecipe(problems)) => problems.into_iter().map(|p| (p.field, p.reason)).collect(),
        other => panic!("no problem: {other:?}"),
    }
}

fn refused(recipe: &Recipe, field: &str, part: &str) {
    let found = problems(run(recipe));
    assert!(found.iter().any(|(f, reason)| f == field && reason.contains(part)), "{field}, {part}: {found:?}");
}

#[test]
fn last_and_first_layers() {
    assert_eq!(trainable_layers(4, 2), 2..4);
    assert_eq!(trainable_layers(4, -1), 0..1);
    assert_eq!(trainable_layers(4, 9), 0..4);
}

#[test]
fn layers_are_read_from_names() {
    for (name, layer) in [
        ("model.layers.12.mlp.up_proj.weight", Some(12)),
        ("base_model.model.model.layers.3.self_attn.q_proj.lora_A.weight", Some(3)),
        ("transformer.h.7.attn.c_attn.bias", Some(7)),
        ("base_model.model.transformer.h.0.mlp.c_fc.oft_R.weight", Some(0)),
        ("model.norm.weight", None),
        ("transformer.ln_f.weight", None),
        ("base_model.model.score.weight", None),
    ] {
        assert_eq!(layer_of(name), layer, "{name}");
    }
}

#[test]
fn modules_are_read_from_names() {
    for (name, kinds) in [
        ("model.embed_tokens.weight", &["embed_tokens"][..]),
        ("transformer.wpe.weight", &["embed_tokens", "wpe"]),
        ("model.layers.0.self_attn.q_norm.weight", &["self_attn", "attn", "norm", "q_norm"]),
        ("model.layers.0.post_attention_layernorm.weight", &["norm", "post_attention_layernorm"]),
        ("transformer.h.1.ln_1.bias", &["norm", "ln_1"]),
        ("transformer.ln_f.weight", &["norm", "ln_f"]),
        ("transformer.h.1.attn.c_proj.weight", &["self_attn", "attn", "c_proj", "attn.c_proj"]),
        ("transformer.h.1.mlp.c_proj.weight", &["mlp", "c_proj", "mlp.c_proj"]),
        ("base_model.model.model.layers.3.mlp.up_proj.lora_A.weight", &["mlp", "up_proj"]),
        ("lm_head.weight", &["lm_head", "head"]),
    ] {
        let all = [
            "embed_tokens",
            "self_attn",
            "attn",
            "mlp",
            "norm",
            "lm_head",
            "head",
            "wpe",
            "q_norm",
            "ln_1",
            "ln_f",
            "post_attention_layernorm",
            "c_proj",
            "attn.c_proj",
            "mlp.c_proj",
            "up_proj",
        ];
        for kind in all {
            assert_eq!(names::belongs(name, kind), kinds.contains(&kind), "{name}: {kind}");
        }
    }
}

#[test]
fn spans_name_layers() {
    let frozen =
        |list: &[&str], layers| span::frozen_layers(&words(list), layers).unwrap().into_iter().collect::<Vec<_>>();
    assert_eq!(frozen(&["0-2", "5"], 6), [0, 1, 2, 5]);
    assert_eq!(frozen(&["0-2, 5"], 6), [0, 1, 2, 5]);
    assert_eq!(frozen(&["first:2", "last:1"], 6), [0, 1, 5]);
    assert_eq!(frozen(&["half"], 5), [0, 1]);
    for wrong in ["6", "4-6", "first:7", "last:7", "first:0", "5-2", "all", "-1", "1-", "first:", "1.5"] {
        let outcome = span::frozen_layers(&words(&[wrong]), 6);
        assert!(matches!(&outcome, Err(Error::BadRecipe(p)) if p[0].field == "freeze_layers"), "{wrong}: {outcome:?}");
    }
    let both = span::frozen_layers(&words(&["9", "first:8"]), 6);
    assert!(matches!(both, Err(Error::BadRecipe(p)) if p.len() == 2));
}

#[test]
fn without_freezing_everything_learns_from_the_start() {
    let course = run(&full()).unwrap();
    assert_eq!(course.initial.len(), config(4, false).tensors().len());
    assert!(course.joins.is_empty() && course.unreached.is_empty());
    let lora = run(&Recipe::default()).unwrap();
    assert_eq!(lora.initial, adapter(0..4));
}

#[test]
fn freezing_takes_away_from_any_type() {
    let frozen =
        Recipe { freeze_layers: words(&["first:2"]), freeze_modules: words(&["embed_tokens", "norm"]), ..full() };
    let course = run(&frozen).unwrap();
    assert_eq!(layers(&course.initial), [2, 3]);
    assert!(course.initial.contains("lm_head.weight"));
    assert!(!course.initial.iter().any(|name| name.contains("norm") || name.contains("embed")));
    let lora = Recipe { finetuning_type: FinetuningType::Lora, ..frozen.clone() };
    assert_eq!(run(&lora).unwrap().initial, adapter(2..4));
    let freeze = Recipe { finetuning_type: FinetuningType::Freeze, freeze_trainable_layers: 3, ..frozen };
    assert_eq!(layers(&run(&freeze).unwrap().initial), [2, 3]);
}

#[test]
fn a_tied_head_and_the_embedding_freeze_together() {
    let tied = config(2, true);
    for module in ["lm_head", "head", "embed_tokens"] {
        let recipe = Recipe { freeze_modules: words(&[module]), ..full() };
        let able = able_to_learn(&recipe, &tied, &BTreeSet::new()).unwrap();
        let course = course_of(&recipe, &tied, able, 1, 1).unwrap();
        assert!(!course.initial.contains("model.embed_tokens.weight"), "{module}");
        assert!(course.initial.contains("model.norm.weight"));
    }
    let untied = run(&Recipe { freeze_modules: words(&["lm_head"]), ..full() }).unwrap();
    assert!(untied.initial.contains("model.embed_tokens.weight") && !untied.initial.contains("lm_head.weight"));
}

#[test]
fn the_freeze_method_chooses_as_llama_factory_does() {
    let recipe = Recipe {
        finetuning_type: FinetuningType::Freeze,
        freeze_trainable_layers: -1,
        freeze_trainable_modules: words(&["mlp", "input_layernorm"]),
        freeze_extra_modules: words(&["norm", "lm_head"]),
        ..Recipe::default()
    };
    let expected = [
        "lm_head.weight",
        "model.layers.0.input_layernorm.weight",
        "model.layers.0.mlp.down_proj.weight",
        "model.layers.0.mlp.gate_proj.weight",
        "model.layers.0.mlp.up_proj.weight",
        "model.norm.weight",
    ];
    assert_eq!(run(&recipe).unwrap().initial.into_iter().collect::<Vec<_>>(), expected);
    let later = Recipe { unfreeze_schedule: stages(&[(5.0, &[3])]), ..recipe };
    let course = run(&later).unwrap();
    assert_eq!(joins(&course), [(5, vec![3])]);
    assert_eq!(course.joins[0].names.len(), 4);
}

#[test]
fn unknown_modules_are_named_with_those_that_are_known() {
    let freeze = |trainable: &[&str], extra: &[&str]| Recipe {
        finetuning_type: FinetuningType::Freeze,
        freeze_trainable_modules: words(trainable),
        freeze_extra_modules: words(extra),
        ..Recipe::default()
    };
    refused(&freeze(&["mlp", "c_attn"], &[]), "freeze_trainable_modules", "'c_attn'");
    refused(&freeze(&["all"], &["score"]), "freeze_extra_modules", "'score'");
    refused(&Recipe { freeze_modules: words(&["wte"]), ..full() }, "freeze_modules", "'wte'");
    let Err(Error::BadRecipe(found)) = run(&freeze(&["x"], &[])) else { panic!("accepted") };
    assert!(found[0].remedy.contains("all, input_layernorm") && found[0].remedy.contains("down_proj"), "{found:?}");
}

#[test]
fn layers_join_when_the_schedule_says() {
    let recipe = Recipe { unfreeze_schedule: stages(&[(0.5, &[1]), (2.0, &[2]), (5.0, &[0])]), ..full() };
    let course = run(&recipe).unwrap();
    assert_eq!(layers(&course.initial), [3]);
    assert_eq!(joins(&course), [(2, vec![2]), (5, vec![0, 1])]);
    assert_eq!(layers(&course.learning_at(1)), [3]);
    assert_eq!(layers(&course.learning_at(2)), [2, 3]);
    assert_eq!(layers(&course.learning_at(9)), [0, 1, 2, 3]);
    assert_eq!(course.all(), run(&full()).unwrap().initial);
    assert_eq!(course.joining(5).map(|join| &join.layers[..]), Some(&[0, 1][..]));
    assert!(course.joining(4).is_none());
    let share = |at, total| {
        let recipe = Recipe { unfreeze_schedule: stages(&[(at, &[0])]), ..full() };
        let (config, names) = (config(4, false), BTreeSet::new());
        course_of(&recipe, &config, able_to_learn(&recipe, &config, &names).unwrap(), total, 1).unwrap().joins[0].step
    };
    assert_eq!((share(0.29, 100), share(0.999, 7), share(0.0, 7), share(6.0, 7)), (29, 6, 0, 6));
}

#[test]
fn an_adapters_layers_join_as_well() {
    for finetuning_type in [FinetuningType::Lora, FinetuningType::Oft] {
        let recipe = Recipe { finetuning_type, unfreeze_schedule: stages(&[(3.0, &[0, 1])]), ..Recipe::default() };
        let course = run(&recipe).unwrap();
        assert_eq!((&course.initial, &course.joins[0].names), (&adapter(2..4), &adapter(0..2)));
    }
}

#[test]
fn a_schedule_that_cannot_be_is_refused() {
    let with = |list: &[(f64, &[usize])]| Recipe { unfreeze_schedule: stages(list), ..full() };
    let field = "unfreeze_schedule";
    refused(&with(&[(1.0, &[4])]), field, "layer 4 does not exist");
    refused(&with(&[(10.0, &[1])]), field, "beyond the run, which takes 10 steps");
    refused(&with(&[(2.0, &[1]), (0.5, &[1])]), field, "layer 1 joins twice");
    refused(&with(&[(-0.1, &[1])]), field, "neither a share nor a step");
    refused(&with(&[(1.5, &[1])]), field, "neither a share nor a step");
    refused(&with(&[(1.0, &[])]), field, "names no layers");
    refused(&Recipe { freeze_layers: words(&["0-1"]), ..with(&[(1.0, &[1])]) }, field, "in freeze_layers as well");
    refused(
        &Recipe { freeze_modules: words(&["self_attn"]), ..lora(&[(1.0, &[1])]) },
        "freeze_modules",
        "nothing would",
    );
    refused(&Recipe { unfreeze_preset: Some(UnfreezePreset::Ulmfit), ..with(&[(1.0, &[1])]) }, field, "already");
    assert_eq!(problems(run(&with(&[(10.0, &[1, 7])]))).len(), 2);
}

fn lora(list: &[(f64, &[usize])]) -> Recipe {
    Recipe { unfreeze_schedule: stages(list), ..Recipe::default() }
}

#[test]
fn something_must_learn_in_the_first_step() {
    refused(&lora(&[(2.0, &[0, 1]), (4.0, &[2, 3])]), "unfreeze_schedule", "in the first 2 steps");
    let course = run(&lora(&[(0.0, &[0, 1]), (4.0, &[2, 3])])).unwrap();
    assert!(course.initial.is_empty());
    assert_eq!(layers(&course.learning_at(0)), [0, 1]);
    refused(&Recipe { freeze_layers: words(&["0-3"]), ..Recipe::default() }, "freeze_layers", "nothing would learn");
    let gone = able_to_learn(&Recipe::default(), &config(4, false), &BTreeSet::new()).unwrap();
    let found = problems(course_of(&Recipe::default(), &config(4, false), gone, 10, 4));
    assert_eq!(found[0].0, "finetuning_type");
    // An adapter that a layer does not carry cannot join there.
    let found = problems(course_of(&lora(&[(2.0, &[0])]), &config(4, false), adapter(2..4), 10, 4));
    assert!(found[0].1.contains("layer 0 has nothing that could learn"), "{found:?}");
}

#[test]
fn presets_go_from_the_top_down() {
    let preset = |preset, every| Recipe { unfreeze_preset: Some(preset), unfreeze_every: every, ..full() };
    let course = run(&preset(UnfreezePreset::TopDown, 0)).unwrap();
    assert_eq!(layers(&course.initial), [3]);
    assert!(course.initial.contains("model.embed_tokens.weight") && course.initial.contains("lm_head.weight"));
    assert_eq!(joins(&course), [(2, vec![2]), (4, vec![1]), (5, vec![0])]);
    let course = run(&preset(UnfreezePreset::TopDown, 4)).unwrap();
    assert_eq!(joins(&course), [(4, vec![2]), (8, vec![1])]);
    assert_eq!(course.unreached, [0]);
    assert_eq!(layers(&course.all()), [1, 2, 3]);
    let course = run(&preset(UnfreezePreset::Ulmfit, 0)).unwrap();
    assert_eq!(joins(&course), [(4, vec![2]), (8, vec![1])]);
    // Layers that are frozen have no turn.
    let frozen = Recipe { freeze_layers: words(&["last:1"]), ..preset(UnfreezePreset::TopDown, 1) };
    let course = run(&frozen).unwrap();
    assert_eq!((layers(&course.initial), joins(&course)), (vec![2], vec![(1, vec![1]), (2, vec![0])]));
}

#[test]
fn adapters_stay_off_frozen_layers() {
    let config = config(4, false);
    let on = |list: &[&str]| adapter_layers(&Recipe { freeze_layers: words(list), ..Recipe::default() }, &config);
    assert_eq!(on(&[]).unwrap(), None);
    assert_eq!(on(&["half"]).unwrap(), Some(BTreeSet::from([2, 3])));
    assert!(on(&["0-3"]).is_err() && on(&["4"]).is_err());
}

#[test]
fn mistakes_show_before_a_model_is_loaded() {
    let wrong = Recipe {
        freeze_layers: words(&["5-2"]),
        unfreeze_schedule: stages(&[(1.5, &[0])]),
        unfreeze_preset: Some(UnfreezePreset::TopDown),
        ..full()
    };
    let fields: Vec<String> = wrong.setting_problems().into_iter().map(|problem| problem.field).collect();
    let ours = fields.iter().filter(|field| field.contains("freeze")).collect::<Vec<_>>();
    assert_eq!(ours, ["freeze_layers", "unfreeze_schedule", "unfreeze_schedule"]);
    let idle = Recipe { unfreeze_every: 3, ..full() };
    assert!(idle.setting_warnings().iter().any(|warning| warning.contains("unfreeze_every")));
    let used = Recipe { unfreeze_preset: Some(UnfreezePreset::TopDown), ..idle };
    assert!(!used.setting_warnings().iter().any(|warning| warning.contains("unfreeze_every")));
}
