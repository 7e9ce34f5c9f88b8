//! Recipes as people write them: whole files, mistakes, what is written back.

use std::path::{Path, PathBuf};

use super::*;

/// reference/train/sft-lora-all as it lies there.
const LORA: &str = "model_name_or_path: ../../models/llama-tiny\nstage: sft\ndo_train: true\nfinetuning_type: lora\nlora_rank: 8\nlora_alpha: 16\nlora_target: all\nlora_dropout: 0.0\nadapter_name_or_path: init_adapter\ndataset: train.jsonl\ncutoff_len: 64\nper_device_train_batch_size: 4\ngradient_accumulation_steps: 1\nlearning_rate: 0.005\nlr_scheduler_type: constant\nwarmup_ratio: 0.0\nweight_decay: 0.0\nmax_grad_norm: 1.0\nmax_steps: 10\noutput_dir: output\ndisable_shuffling: true\nseed: 42\nlogging_steps: 1\nbf16: false\n";

/// In the manner of LLaMA-Factory's examples.
const EXAMPLE: &str = r#"
### model
model_name_or_path: Qwen/Qwen2.5-0.5B-Instruct
trust_remote_code: true

### method
stage: sft
finetuning_type: freeze
freeze_trainable_layers: -3
freeze_extra_modules: norm,lm_head
deepspeed: examples/deepspeed/ds_z3_config.json  # choices: [ds_z0_config.json]

### dataset
dataset: identity, alpaca_en_demo
template: qwen
max_samples: 1000
overwrite_cache: true
preprocessing_num_workers: 16

### output
output_dir: saves/qwen/freeze
save_steps: 500
plot_loss: true
report_to: none

### train
per_device_train_batch_size: 1
learning_rate: "1.0e-4"
num_train_epochs: 3.0
lr_scheduler_type: cosine
warmup_ratio: 0.1
bf16: yes
ddp_timeout: 180000000
optim: adamw_torch
resume_from_checkpoint: null

### eval
val_size: 0.1
evaluation_strategy: no
eval_steps: 500
"#;

fn read(text: &str) -> (Recipe, Vec<String>) {
    Recipe::from_yaml(text, Path::new("/base/run")).unwrap()
}

fn problems(outcome: Result<impl std::fmt::Debug>) -> Vec<RecipeProblem> {
    match outcome {
        Err(Error::BadRecipe(problems)) => problems,
        other => panic!("no problems: {other:?}"),
    }
}

fn fields(problems: &[RecipeProblem]) -> Vec<&str> {
    problems.iter().map(|problem| problem.field.as_str()).collect()
}

#[test]
fn reference_recipe_is_read_and_resolved() {
    let (recipe, warnings) = read(LORA);
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(recipe.model_name_or_path, Path::new("/models/llama-tiny"));
    assert_eq!(recipe.adapter_name_or_path.as_deref(), Some(Path::new("/base/run/init_adapter")));
    assert_eq!(recipe.dataset, ["/base/run/train.jsonl"]);
    assert_eq!(recipe.output_dir, Path::new("/base/run/output"));
    assert_eq!((recipe.lora_rank, recipe.lora_alpha), (8, Some(16.0)));
    assert_eq!((recipe.max_steps, recipe.learning_rate), (10, 0.005));
    assert_eq!(recipe.lr_scheduler_type, SchedulerType::Constant);
    assert_eq!(recipe.save_steps, 500, "a default");
}

#[test]
fn llama_factory_example_is_read_with_warnings() {
    let (recipe, warnings) = read(EXAMPLE);
    assert_eq!(recipe.dataset, ["identity", "alpaca_en_demo"]);
    assert_eq!(recipe.freeze_extra_modules, ["norm", "lm_head"]);
    assert_eq!((recipe.freeze_trainable_layers, recipe.learning_rate), (-3, 1e-4));
    assert_eq!((recipe.bf16, recipe.eval_strategy), (true, Interval::No));
    let idle = "without effect in Luthier: trust_remote_code, deepspeed, preprocessing_num_workers, ddp_timeout";
    assert_eq!(warnings, ["evaluation_strategy is now called eval_strategy", idle]);
}

#[test]
fn lists_and_words_come_in_several_forms() {
    let (recipe, _) = read("lora_target: [q_proj, v_proj]\ndataset: ['a,b.jsonl']\neval_strategy: steps\nstage: SFT");
    assert_eq!(recipe.lora_target, ["q_proj", "v_proj"]);
    assert_eq!(recipe.dataset, ["/base/run/a,b.jsonl"]);
    assert_eq!(recipe.stage, Stage::Sft);
    let (recipe, _) =
        read("interleave_probs: 0.3,0.7\nunfreeze_schedule: [{at: 0.5, layers: [0, 1]}]\nenable_thinking: null");
    assert_eq!(recipe.interleave_probs, [0.3, 0.7]);
    assert_eq!(recipe.unfreeze_schedule, [UnfreezeStage { at: 0.5, layers: vec![0, 1] }]);
    assert_eq!(recipe.enable_thinking, None);
}

#[test]
fn three_mistakes_come_at_once() {
    let (dir, _) = sound();
    let wrong =
        "lerning_rate: 1e-4\nlora_rank: eight\nlr_scheduler_type: cosin\nneftune_noise_alpha: 5\nwarmup_ratio: 7\n";
    let text = format!("{wrong}model_name_or_path: model\ndataset: rows.jsonl\noutput_dri: out\n");
    let problems = problems(Recipe::from_yaml(&text, dir.path()));
    let expected =
        ["lerning_rate", "lora_rank", "lr_scheduler_type", "neftune_noise_alpha", "output_dri", "warmup_ratio"];
    assert_eq!(fields(&problems), expected);
    assert_eq!(problems[0].remedy, "did you mean learning_rate?");
    let foreign = Recipe::from_yaml("model: x", dir.path()).unwrap_err().to_string();
    assert!(foreign.contains("model: unknown key (did you mean model_name_or_path?)"), "{foreign}");
    assert_eq!(problems[1].reason, "\"eight\" is not a whole number");
    assert!(problems[2].reason.ends_with("nearest: cosine"), "{}", problems[2].reason);
}

#[test]
fn bad_numbers_name_their_key() {
    let (dir, _) = sound();
    let wrong =
        "learning_rate: .nan\nsave_steps: -5\nseed: 1.5\nlora_rank: [8]\nbf16: maybe\nmodel_name_or_path: {a: 1}";
    let text = format!("{wrong}\ndataset: rows.jsonl\noutput_dir: out\n");
    let problems = problems(Recipe::from_yaml(&text, dir.path()));
    assert_eq!(fields(&problems), ["learning_rate", "save_steps", "seed", "lora_rank", "bf16", "model_name_or_path"]);
}

#[test]
fn broken_yaml_names_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.yaml");
    for text in ["stage: sft\nlora_rank: [8\n", "stage: sft\nstage: pt\n", "- a\n- b\n", "", "\u{0}"] {
        std::fs::write(&path, text).unwrap();
        let error = Recipe::load(&path).unwrap_err();
        assert!(matches!(error, Error::BadData { .. }), "{text:?}: {error}");
        assert!(error.to_string().contains("r.yaml"), "{error}");
    }
    std::fs::write(&path, "stage: sft\nstage: pt\n").unwrap();
    assert!(Recipe::load(&path).unwrap_err().to_string().contains("line 2"));
}

#[test]
fn written_recipe_reads_back_equal() {
    let (example, _) = read(EXAMPLE);
    let odd = Recipe {
        model_name_or_path: "/模型/it's: a #test".into(),
        output_dir: "/out".into(),
        dataset_dir: "/d".into(),
        dataset: vec!["/a,b.jsonl".into(), "yes".into(), "1e5".into()],
        lora_target: vec!["null".into()],
        freeze_trainable_modules: Vec::new(),
        template: Some("a\n\"b\"\\".into()),
        default_system: Some(" no ".into()),
        lora_alpha: Some(16.0),
        learning_rate: 1.234e-7,
        adam_epsilon: 1e-13,
        kl_penalty: 1e300,
        enable_thinking: None,
        packing: Some(false),
        seed: u64::MAX,
        quantization_bit: Some(4),
        unfreeze_schedule: vec![UnfreezeStage { at: 10.0, layers: vec![2] }],
        ..Recipe::default()
    };
    for recipe in [example, odd] {
        let text = recipe.to_yaml();
        let (back, warnings) =
            Recipe::from_yaml(&text, Path::new("/elsewhere")).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!(back, recipe, "{text}");
        assert!(warnings.is_empty());
        let json = serde_json::to_string(&recipe).unwrap();
        assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), recipe);
    }
}

#[test]
fn form_sees_what_differs() {
    let mut recipe = Recipe::default();
    assert!(recipe.changed_from_default().is_empty());
    recipe.lora_rank = 16;
    recipe.seed = 1;
    assert_eq!(recipe.changed_from_default(), ["lora_rank", "seed"]);
    assert_eq!(KEYS.len(), recipe.values().len());
    assert!(KEYS.iter().find(|key| key.name == "device").is_some_and(|key| key.ours && key.about.starts_with("Where")));
}

/// A model folder, a data file and a recipe that is fine.
fn sound() -> (tempfile::TempDir, Recipe) {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::create_dir(at("model")).unwrap();
    std::fs::write(at("model/config.json"), "{}").unwrap();
    std::fs::write(at("rows.jsonl"), "{}").unwrap();
    let text = "model_name_or_path: model\ndataset: rows.jsonl\noutput_dir: out\n";
    let (recipe, _) = Recipe::from_yaml(text, dir.path()).unwrap();
    (dir, recipe)
}

#[test]
fn sound_recipe_passes() {
    let (_dir, recipe) = sound();
    assert_eq!(recipe.validate().unwrap(), Vec::<String>::new());
}

#[test]
fn every_impossible_setting_is_named() {
    let (dir, recipe) = sound();
    type Change = fn(&mut Recipe);
    let cases: [(&str, Change); 57] = [
        ("lora_rank", |r| r.lora_rank = 0),
        ("lora_dropout", |r| r.lora_dropout = 1.0),
        ("learning_rate", |r| r.learning_rate = 0.0),
        ("learning_rate", |r| r.learning_rate = f64::NAN),
        ("per_device_train_batch_size", |r| r.per_device_train_batch_size = 0),
        ("warmup_ratio", |r| r.warmup_ratio = 1.5),
        ("cutoff_len", |r| r.cutoff_len = 1),
        ("val_size", |r| r.val_size = 1.5),
        ("num_train_epochs", |r| r.num_train_epochs = 0.0),
        ("max_steps", |r| r.max_steps = -2),
        ("device", |r| r.device = "tpu".into()),
        ("device", |r| r.device = "gpu:x".into()),
        ("eval_strategy", |r| r.eval_strategy = Interval::Steps),
        ("early_stopping_steps", |r| r.early_stopping_steps = Some(3)),
        ("replay_dataset", |r| (r.stage, r.replay_dataset) = (Stage::Dpo, r.dataset.clone())),
        ("replay_dataset", |r| r.replay_dataset = vec!["/nowhere/rows.jsonl".into()]),
        ("replay_ratio", |r| r.replay_ratio = 1.0),
        ("forgetting_dataset", |r| r.forgetting_dataset = vec!["/nowhere/rows.jsonl".into()]),
        ("forgetting_limit", |r| (r.forgetting_limit, r.forgetting_dataset) = (Some(0.0), r.dataset.clone())),
        ("forgetting_limit", |r| r.forgetting_limit = Some(0.2)),
        ("loraplus_lr_ratio", |r| r.loraplus_lr_ratio = Some(0.0)),
        ("lora_rank_pattern", |r| r.lora_rank_pattern.extend([("(".into(), 4)])),
        ("lora_rank_pattern", |r| r.lora_rank_pattern.extend([("q_proj".into(), 0)])),
        ("lora_alpha_pattern", |r| r.lora_alpha_pattern.extend([("q_proj".into(), -1.0)])),
        ("per_device_train_batch_size", |r| r.per_device_train_batch_size = 1_000_001),
        ("per_device_eval_batch_size", |r| r.per_device_eval_batch_size = 1_000_001),
        ("gradient_accumulation_steps", |r| r.gradient_accumulation_steps = 1_000_001),
        ("gradient_accumulation_steps", |r| {
            (r.per_device_train_batch_size, r.gradient_accumulation_steps) = (10_001, 1_000)
        }),
        ("ppo_buffer_size", |r| r.ppo_buffer_size = 1_250_001),
        ("ppo_buffer_size", |r| r.ppo_buffer_size = usize::MAX),
        ("ppo_epochs", |r| r.ppo_epochs = 10_001),
        ("ppo_mini_batches", |r| r.ppo_mini_batches = 10_001),
        ("max_new_tokens", |r| r.max_new_tokens = 1_000_001),
        ("num_train_epochs", |r| r.num_train_epochs = 1e7),
        ("max_steps", |r| r.max_steps = 1_000_000_001),
        ("replay_ratio", |r| r.replay_ratio = 0.995),
        ("sample_prompts", |r| r.sample_prompts = vec!["a question?".into(), " ".into()]),
        ("sample_prompts", |r| r.sample_prompts = vec!["a question?".into(); 65]),
        ("sample_max_new_tokens", |r| r.sample_max_new_tokens = 0),
        ("lora_rank", |r| r.lora_rank = 65_537),
        ("lora_rank_pattern", |r| r.lora_rank_pattern.extend([("q_proj".into(), 65_537)])),
        ("interleave_probs", |r| {
            r.dataset.push(r.dataset[0].clone());
            (r.mix_strategy, r.interleave_probs) = (MixStrategy::InterleaveOver, vec![1.0, 1e-300]);
        }),
        ("interleave_probs", |r| {
            r.dataset.push(r.dataset[0].clone());
            (r.mix_strategy, r.interleave_probs) = (MixStrategy::InterleaveUnder, vec![1.0, 0.0]);
        }),
        ("ld_alpha", |r| (r.stage, r.pref_loss, r.ld_alpha) = (Stage::Dpo, PrefLoss::Orpo, Some(0.5))),
        ("ld_alpha", |r| (r.stage, r.pref_loss, r.ld_alpha) = (Stage::Dpo, PrefLoss::Simpo, Some(0.5))),
        ("freeze_modules", |r| (r.stage, r.freeze_modules) = (Stage::Rm, vec!["score".into()])),
        ("ref_model", |r| (r.stage, r.ref_model) = (Stage::Dpo, Some("/nowhere".into()))),
        ("ref_model", |r| (r.stage, r.ref_model) = (Stage::Kto, Some(r.dataset[0].clone().into()))),
        ("quantization_bit", |r| {
            let adapter = r.model_name_or_path.join("adapter");
            std::fs::create_dir(&adapter).unwrap();
            std::fs::write(adapter.join("adapter_config.json"), "{}").unwrap();
            (r.quantization_bit, r.create_new_adapter, r.adapter_name_or_path) = (Some(4), true, Some(adapter));
        }),
        ("output_dir", |r| r.output_dir = r.model_name_or_path.clone()),
        ("output_dir", |r| r.output_dir = PathBuf::new()),
        ("dataset", |r| r.dataset = vec![]),
        ("dataset", |r| r.dataset = vec!["identity".into()]),
        ("dataset", |r| r.dataset = vec!["/nowhere/rows.jsonl".into()]),
        ("model_name_or_path", |r| r.model_name_or_path = "/nowhere".into()),
        ("adapter_name_or_path", |r| r.adapter_name_or_path = Some("/nowhere".into())),
        ("resume_from_checkpoint", |r| r.resume_from_checkpoint = Some("/nowhere".into())),
    ];
    for (field, change) in cases {
        let mut wrong = recipe.clone();
        change(&mut wrong);
        let problems = problems(wrong.validate());
        assert_eq!(fields(&problems), [field], "{problems:?}");
        assert!(!problems[0].reason.is_empty() && !problems[0].remedy.is_empty());
    }
    let mut frozen = recipe.clone();
    frozen.finetuning_type = FinetuningType::Freeze;
    frozen.freeze_trainable_layers = 0;
    frozen.quantization_bit = Some(4);
    let found = problems(frozen.validate());
    assert_eq!(fields(&found), ["freeze_trainable_layers", "quantization_bit"]);
    let packed = Recipe { quantization_bit: Some(4), ..recipe.clone() };
    packed.validate().unwrap();
    let eight = Recipe { quantization_bit: Some(8), quantization_type: QuantizationType::Fp4, ..packed };
    let found = problems(eight.validate());
    assert_eq!(fields(&found), ["quantization_bit", "quantization_type"]);
    assert!(found[0].reason.contains("8 bits") && found[1].reason.contains("fp4"), "{found:?}");

    std::fs::create_dir(dir.path().join("out")).unwrap();
    std::fs::write(dir.path().join("out/report.json"), "{}").unwrap();
    assert_eq!(fields(&problems(recipe.validate())), ["output_dir"]);
    let elsewhere = Recipe { resume_from_checkpoint: Some(recipe.model_name_or_path.clone()), ..recipe.clone() };
    assert_eq!(fields(&problems(elsewhere.validate())), ["output_dir"], "a run goes on from another folder");
    Recipe { resume_from_checkpoint: Some(dir.path().join("out")), ..recipe.clone() }.validate().unwrap();
    Recipe { overwrite_output_dir: true, ..recipe }.validate().unwrap();
}

#[test]
fn keys_that_change_nothing_are_told() {
    type Change = fn(&mut Recipe);
    let cases: &[(&str, Change)] = &[
        ("dpo_label_smoothing", |r| (r.stage, r.pref_loss, r.dpo_label_smoothing) = (Stage::Dpo, PrefLoss::Hinge, 0.1)),
        ("module_dropout", |r| (r.stage, r.module_dropout) = (Stage::Dpo, 0.1)),
        ("lora_dropout", |r| (r.stage, r.lora_dropout) = (Stage::Rm, 0.1)),
        ("reward_model", |r| r.reward_model = Some("/reward".into())),
        ("reward_rule", |r| r.reward_rule = Some("json".into())),
        ("interleave_probs", |r| r.interleave_probs = vec![1.0]),
        ("ld_alpha", |r| (r.stage, r.ld_alpha) = (Stage::Kto, Some(0.5))),
        ("ppo_target", |r| (r.stage, r.reward_rule, r.ppo_target) = (Stage::Ppo, Some("json".into()), 3.0)),
        ("simpo_gamma", |r| (r.stage, r.simpo_gamma) = (Stage::Dpo, 1.0)),
        ("pref_ftx", |r| (r.stage, r.pref_ftx) = (Stage::Kto, 0.1)),
        ("pref_loss", |r| (r.stage, r.pref_loss) = (Stage::Rm, PrefLoss::Ipo)),
        ("kto_chosen_weight", |r| r.kto_chosen_weight = 2.0),
        ("kto_rejected_weight", |r| r.kto_rejected_weight = 2.0),
        ("replay_ratio", |r| r.replay_ratio = 0.5),
        ("forgetting_steps", |r| r.forgetting_steps = 5),
        ("sample_prompts", |r| (r.stage, r.sample_prompts) = (Stage::Rm, vec!["a question?".into()])),
        ("sample_steps", |r| r.sample_steps = 5),
        ("sample_max_new_tokens", |r| r.sample_max_new_tokens = 5),
        ("quantization_type", |r| r.quantization_type = QuantizationType::Fp4),
        ("double_quantization", |r| r.double_quantization = false),
        ("lm_head in freeze_modules", |r| (r.stage, r.freeze_modules) = (Stage::Rm, vec!["lm_head".into()])),
        ("lm_head in additional_target", |r| (r.stage, r.additional_target) = (Stage::Rm, vec!["lm_head".into()])),
        ("lm_head in freeze_extra_modules", |r| {
            (r.stage, r.finetuning_type) = (Stage::Rm, FinetuningType::Freeze);
            r.freeze_extra_modules = vec!["lm_head".into()];
        }),
        ("unfreeze_every", |r| r.unfreeze_every = 5),
        ("packing", |r| r.stage = Stage::Pt),
    ];
    for (field, change) in cases {
        let mut recipe = Recipe::default();
        change(&mut recipe);
        let warnings = recipe.setting_warnings();
        assert!(warnings.len() == 1 && warnings[0].starts_with(field), "{field}: {warnings:?}");
    }
    let aimed = Recipe { stage: Stage::Dpo, dpo_label_smoothing: 0.1, ld_alpha: Some(0.5), ..Recipe::default() };
    assert!(aimed.setting_warnings().is_empty());
}

#[test]
fn patterns_keep_their_order() {
    let (recipe, _) =
        read("lora_rank_pattern: {z: 4, a: 2, m: 3}\nlora_alpha_pattern:\n  v_proj: 8\n  '.*proj': 1.5\n");
    let alphas = vec![("v_proj".to_owned(), 8.0), (".*proj".to_owned(), 1.5)];
    assert_eq!(recipe.lora_rank_pattern, [("z".to_owned(), 4), ("a".to_owned(), 2), ("m".to_owned(), 3)]);
    assert_eq!(recipe.lora_alpha_pattern, alphas);
    assert_eq!(read(&recipe.to_yaml()).0, recipe);
}

#[test]
fn dataset_names_are_looked_up() {
    let (dir, mut recipe) = sound();
    std::fs::create_dir(dir.path().join("data")).unwrap();
    std::fs::write(dir.path().join("data/dataset_info.json"), r#"{"identity": {"file_name": "identity.json"}}"#)
        .unwrap();
    recipe.dataset = vec!["identity".into()];
    recipe.validate().unwrap();
    recipe.dataset = vec!["identty".into()];
    assert_eq!(problems(recipe.validate())[0].remedy, "did you mean identity?");
}

/// The project's reference runs, where they are.
#[test]
fn all_reference_recipes_parse() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/reference/train");
    let Ok(cases) = std::fs::read_dir(shared) else { return };
    for case in cases {
        let path = case.unwrap().path().join("recipe.yaml");
        let (recipe, _) = Recipe::load(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(recipe.model_name_or_path.join("config.json").is_file(), "{}", path.display());
    }
}
