use super::*;
use crate::protocol::DeviceKind;
use crate::recipe::UnfreezePreset;

const GB: u64 = 1_000_000_000;

fn config(hidden: usize, intermediate: usize, layers: usize) -> ModelConfig {
    let json = serde_json::json!({
        "model_type": "llama", "hidden_size": hidden, "intermediate_size": intermediate, "num_hidden_layers": layers,
        "num_attention_heads": hidden / 64, "num_key_value_heads": hidden / 64, "vocab_size": 32_000,
        "max_position_embeddings": 4096, "hidden_act": "silu",
    });
    ModelConfig::from_json(&json, std::path::Path::new("config.json")).unwrap()
}

/// SmolLM2-135M by and large.
fn small() -> ModelConfig {
    config(576, 1536, 30)
}

/// Llama 2 7B by and large: 27 GB in f32.
fn seven() -> ModelConfig {
    config(4096, 11_008, 32)
}

fn situation(rows: usize, memory: Option<f64>, config: ModelConfig) -> Situation {
    let base = Recipe {
        model_name_or_path: "/models/m".into(),
        dataset: vec!["/data/d.jsonl".into()],
        output_dir: "/out".into(),
        ..Recipe::default()
    };
    let memory_bytes = memory.map(|gb| (gb * GB as f64) as u64);
    Situation {
        goal: Goal::Task,
        station: None,
        base,
        config,
        rows,
        kind: DataKind::Sft,
        balance: None,
        lengths: Lengths { mean: 150.0, longest: 900, learned_share: 0.7 },
        machine: Machine { kind: DeviceKind::Cpu, memory_bytes, flops: 5e10 },
        reward_model: false,
    }
}

fn weights(rows: usize, gb: f64) -> FinetuningType {
    advise(&situation(rows, Some(gb), small())).recipe.finetuning_type
}

#[test]
fn rows_decide_between_an_adapter_and_all_weights() {
    let rule_of = |rows| {
        let proposal = advise(&situation(rows, Some(100.0), small()));
        (proposal.choice(What::Weights).unwrap().reasons[0].rule, proposal.recipe)
    };
    let (rule, recipe) = rule_of(9_999);
    assert_eq!((rule, recipe.finetuning_type), (Rule::DataSmall, FinetuningType::Lora));
    assert_eq!(recipe.freeze_layers, ["first:22"], "most layers frozen");
    let (rule, recipe) = rule_of(10_000);
    assert_eq!((rule, recipe.finetuning_type), (Rule::DataMiddle, FinetuningType::Lora));
    assert_eq!(recipe.freeze_layers, ["half"], "the bottom frozen");
    assert_eq!(rule_of(100_000).0, Rule::DataMiddle);
    let (rule, recipe) = rule_of(100_001);
    assert_eq!((rule, recipe.finetuning_type), (Rule::DataLarge, FinetuningType::Full));
    assert!(recipe.freeze_layers.is_empty(), "optional");
    assert!((2e-5..=5e-5).contains(&recipe.learning_rate) && recipe.early_stopping_steps.is_some());
}

#[test]
fn memory_has_four_classes_with_their_own_ways() {
    let of = |gb: f64| advise(&situation(50_000, Some(gb), small()));
    let tiny = of(7.9);
    assert!(tiny.follows(Rule::MemoryTiny) && tiny.recipe.quantization_bit == Some(4));
    assert!(tiny.recipe.finetuning_type == FinetuningType::Lora && !tiny.recipe.freeze_layers.is_empty());
    assert_eq!((tiny.recipe.per_device_train_batch_size, tiny.recipe.gradient_accumulation_steps), (1, 16));
    for gb in [8.0, 15.9] {
        let small = of(gb);
        assert!(small.follows(Rule::MemorySmall) && small.recipe.quantization_bit.is_none(), "{gb}");
        assert!(small.recipe.gradient_accumulation_steps > 1 && !small.recipe.freeze_layers.is_empty(), "{gb}");
    }
    for gb in [16.0, 80.0] {
        assert!(of(gb).follows(Rule::MemoryMiddle), "{gb}");
        assert_eq!(weights(50_000, gb), FinetuningType::Lora);
    }
    assert!(of(80.1).follows(Rule::MemoryLarge));
    assert!(advise(&situation(50_000, None, small())).follows(Rule::MemoryUnknown));
    // Freezing is by memory where the rows would not ask for it.
    let large = |gb| advise(&situation(200_000, Some(gb), small()));
    assert_eq!(large(12.0).choice(What::Freezing).unwrap().reasons[0].rule, Rule::MemorySmall);
    assert_eq!(large(40.0).choice(What::Freezing).unwrap().reasons[0].rule, Rule::FreezeNothing);
}

#[test]
fn the_estimate_overrules_the_class() {
    // 16 to 80 GB is LoRA by class, but all weights of a small model fit with ease.
    let fits = advise(&situation(200_000, Some(24.0), small()));
    assert_eq!(fits.recipe.finetuning_type, FinetuningType::Full);
    assert!(fits.follows(Rule::FullFits) && fits.fits);
    // Over 80 GB is full by class, and 7 billion weights with AdamW in f32 take more.
    let large = advise(&situation(200_000, Some(90.0), seven()));
    assert_eq!(large.recipe.finetuning_type, FinetuningType::Lora);
    assert!(large.follows(Rule::FullTooLarge) && large.fits);
}

#[test]
fn what_does_not_fit_steps_down_and_says_so() {
    // 27 GB of dense weights in 24 GB: 4 bits.
    let packed = advise(&situation(50_000, Some(24.0), seven()));
    assert!(packed.recipe.quantization_bit == Some(4) || !packed.fits, "{:?}", packed.choices);
    assert!(packed.follows(Rule::FitFourBits));
    // Nothing of it fits into half a GB.
    let none = advise(&situation(50_000, Some(0.5), seven()));
    assert!(!none.fits && none.follows(Rule::NothingFits));
    assert!(none.recipe.per_device_train_batch_size == 1 && none.recipe.cutoff_len < 2048);
    assert!(none.follows(Rule::FitCutOff) && none.bigger.is_none());
    // A small model under 8 GB has room for exact weights.
    let tiny = advise(&situation(500, Some(7.9), small()));
    assert_eq!(tiny.bigger.as_ref().map(|b| (b.rule, b.recipe.quantization_bit)), Some((Rule::RoomDense, None)));
    let middle = advise(&situation(50_000, Some(24.0), small()));
    assert_eq!(middle.bigger.as_ref().map(|b| b.rule), Some(Rule::RoomFull));
}

#[test]
fn goals_freeze_in_their_own_ways() {
    let of = |goal| advise(&Situation { goal, ..situation(50_000, Some(40.0), small()) });
    assert_eq!(of(Goal::Task).recipe.freeze_layers, ["half"]);
    let keep = of(Goal::Keep);
    assert_eq!(keep.recipe.freeze_layers, ["first:7"]);
    assert!(keep.follows(Rule::FreezeBottom) && keep.follows(Rule::OftKeeps) && keep.follows(Rule::HoldBase));
    assert_eq!(keep.recipe.finetuning_type, FinetuningType::Oft);
    let knowledge = of(Goal::Knowledge);
    assert!(knowledge.follows(Rule::FreezeEmbeddings) && knowledge.recipe.freeze_layers.is_empty());
    assert!(knowledge.recipe.lora_rank > of(Goal::Style).recipe.lora_rank);
    let complex = of(Goal::Complex);
    assert!(complex.follows(Rule::FreezeGradual));
    assert_eq!(complex.recipe.unfreeze_preset, Some(UnfreezePreset::TopDown));
    // All weights learn: then the embeddings are named.
    let full = advise(&Situation { goal: Goal::Keep, ..situation(200_000, Some(100.0), small()) });
    assert_eq!((full.recipe.finetuning_type, full.recipe.learning_rate), (FinetuningType::Full, 2e-5));
    assert_eq!(
        (&full.recipe.freeze_layers[..], &full.recipe.freeze_modules[..]),
        (&["first:7".to_owned()][..], &["embed_tokens".to_owned()][..])
    );
}

#[test]
fn labels_and_a_judge_decide_how_to_align() {
    let of = |kind, rows, judge| {
        let mut here =
            Situation { goal: Goal::Align, kind, reward_model: judge, ..situation(rows, Some(40.0), small()) };
        here.base.reward_model = judge.then(|| "/runs/judge".into());
        here.balance = (kind == DataKind::Kto).then_some(Balance { liked: 700, disliked: 300 });
        advise(&here)
    };
    assert_eq!(of(DataKind::Preference, 5_000, false).recipe.stage, Stage::Dpo);
    assert_eq!(of(DataKind::Preference, 5_000, true).recipe.stage, Stage::Dpo, "few labels");
    let judged = of(DataKind::Preference, 20_000, true);
    assert_eq!((judged.recipe.stage, judged.recipe.reward_rule.as_deref()), (Stage::Ppo, None));
    assert!(judged.follows(Rule::StagePpo) && judged.recipe.early_stopping_steps.is_none());
    assert_eq!(of(DataKind::Preference, 20_000, false).next.stage, Some(Stage::Rm), "many labels make a judge");
    let likes = of(DataKind::Kto, 1_000, false);
    assert_eq!(likes.recipe.stage, Stage::Kto);
    assert!(likes.follows(Rule::KtoBalance) && likes.recipe.kto_rejected_weight > 2.0);
    let answers = of(DataKind::Sft, 1_000, false);
    assert!(answers.recipe.stage == Stage::Sft && answers.follows(Rule::AlignNeedsLabels));
    assert_eq!(answers.next.stage, Some(Stage::Kto), "few rows: then DPO or KTO");
    assert_eq!(of(DataKind::Sft, 1_000, true).recipe.stage, Stage::Ppo);
    let prompts = of(DataKind::Prompts, 1_000, false);
    assert_eq!((prompts.recipe.stage, prompts.recipe.reward_rule.as_deref()), (Stage::Ppo, Some("length:200")));
    assert_eq!(of(DataKind::Text, 1_000, false).recipe.stage, Stage::Pt);
}

#[test]
fn kto_weights_keep_the_papers_range() {
    for liked in [1, 2, 3, 5, 7, 30, 99, 666, 10_000] {
        for disliked in [1, 2, 3, 5, 8, 31, 100, 333, 9_999] {
            let (w, l) = stage::kto_weights(Balance { liked, disliked }).unwrap();
            let share = liked as f64 * w / (disliked as f64 * l);
            assert!((1.0 - 1e-9..=4.0 / 3.0).contains(&share), "{liked} {disliked}: {w} {l} {share}");
            assert!(w >= 1.0 && l >= 1.0, "the rarer kind is raised, none is lowered");
        }
    }
    assert_eq!(stage::kto_weights(Balance { liked: 666, disliked: 333 }), Some((1.0, 2.0)));
    assert_eq!(stage::kto_weights(Balance { liked: 0, disliked: 9 }), None);
    let mut one_sided = Situation { kind: DataKind::Kto, ..situation(900, Some(40.0), small()) };
    one_sided.balance = Some(Balance { liked: 900, disliked: 0 });
    assert!(advise(&one_sided).follows(Rule::KtoOneSided));
}

#[test]
fn forgetting_is_held_back_where_the_means_are_there() {
    let mut here = Situation { goal: Goal::Keep, ..situation(50_000, Some(40.0), small()) };
    let without = advise(&here);
    assert!(without.follows(Rule::ReplayMissing) && without.follows(Rule::CheckMissing));
    assert_eq!(
        (without.recipe.replay_ratio, without.recipe.forgetting_limit),
        (0.1, None),
        "nothing that has no effect"
    );
    assert!(without.follows(Rule::TrialFirst) && without.follows(Rule::StopEarly));
    assert!(without.recipe.kl_penalty > 0.0);
    here.base.replay_dataset = vec!["/data/general.jsonl".into()];
    here.base.forgetting_dataset = vec!["/data/general.jsonl".into()];
    let with = advise(&here);
    assert_eq!((with.recipe.replay_ratio, with.recipe.forgetting_limit), (0.2, Some(0.2)));
    here.rows = 5_000;
    assert!(!advise(&here).follows(Rule::TrialFirst));
    here.rows = 49;
    assert_eq!(advise(&here).recipe.early_stopping_steps, None, "too few to set aside");
}

#[test]
fn the_path_can_be_chosen() {
    let of = |station| advise(&Situation { station: Some(station), ..situation(50_000, Some(40.0), small()) });
    let adapt = of(Station::Adapt);
    assert!(adapt.recipe.freeze_layers.is_empty() && station_of(&adapt.recipe) == Station::Adapt);
    let refine = of(Station::Refine);
    assert!(adapts(&refine.recipe) && station_of(&refine.recipe) == Station::Refine);
    let pairs =
        Situation { kind: DataKind::Preference, station: Some(Station::Align), ..situation(500, None, small()) };
    assert_eq!(station_of(&advise(&pairs).recipe), Station::Align);
}

#[test]
fn what_the_person_has_chosen_stays() {
    let mut here = situation(500, Some(40.0), small());
    here.base.device = "cpu".into();
    here.base.seed = 7;
    here.base.eval_dataset = vec!["/data/test.jsonl".into()];
    here.base.lora_rank = 999;
    here.base.learning_rate = 1.0;
    let recipe = advise(&here).recipe;
    assert_eq!((recipe.device.as_str(), recipe.seed, &recipe.eval_dataset), ("cpu", 7, &here.base.eval_dataset));
    assert_eq!(
        (&recipe.model_name_or_path, &recipe.output_dir),
        (&here.base.model_name_or_path, &here.base.output_dir)
    );
    assert!(recipe.lora_rank == 8 && recipe.learning_rate < 0.1 && recipe.val_size == 0.0);
    // A proposal that was taken proposes itself.
    here.base = recipe.clone();
    assert_eq!(advise(&here).recipe, recipe);
}

#[test]
fn single_keys_are_taken_over() {
    let (one, mut other) = (Recipe::default(), Recipe::default());
    (other.lora_rank, other.learning_rate) = (64, 1e-3);
    let mixed = with_keys(&one, &other, What::Rank.keys());
    assert_eq!((mixed.lora_rank, mixed.learning_rate), (64, one.learning_rate));
    for key in What::ALL.iter().flat_map(|what| what.keys()) {
        assert!(crate::recipe::KEYS.iter().any(|known| known.name == *key), "{key} is no key");
    }
}

#[test]
fn every_proposal_can_be_started_and_fits_where_anything_does() {
    let kinds = [DataKind::Text, DataKind::Sft, DataKind::Preference, DataKind::Kto, DataKind::Prompts];
    let memories = [None, Some(0.3), Some(1.0), Some(4.0), Some(7.9), Some(8.0), Some(16.0), Some(80.0), Some(81.0)];
    // One layer, and blocks that nothing divides; a small and a large model.
    let odd = ModelConfig { hidden: 576, intermediate: 1534, ..config(576, 1536, 1) };
    let mut count = 0;
    for (config, kind) in [odd, config(256, 512, 4), small(), seven()].iter().flat_map(|c| kinds.map(|k| (c, k))) {
        for (rows, memory) in [10, 9_999, 10_000, 100_001].into_iter().flat_map(|r| memories.map(|m| (r, m))) {
            // Two goals each, in turn: all of them meet everything else.
            for (n, goal) in [Goal::ALL[count / 2 % 6], Goal::ALL[(count / 2 + 3) % 6]].into_iter().enumerate() {
                let stations = [None, Some(Station::Adapt), Some(Station::Refine), Some(Station::Align)];
                let station = stations[(count / 3 + n) % 4];
                let mut here = Situation { goal, kind, station, ..situation(rows, memory, config.clone()) };
                here.reward_model = count / 4 % 2 == 0;
                here.balance = (kind == DataKind::Kto).then_some(Balance { liked: 3, disliked: 4 });
                if count / 5 % 3 == 0 {
                    here.base.adapter_name_or_path = Some("/out/adapter".into());
                    here.base.create_new_adapter = true;
                    here.base.replay_dataset = vec!["/data/general.jsonl".into()];
                    here.base.forgetting_dataset = here.base.replay_dataset.clone();
                }
                count += 1;
                let proposal = advise(&here);
                let name = format!("{goal:?} {station:?} {kind:?} {rows} {memory:?} {} layers", config.layers);
                assert!(
                    proposal.recipe.setting_problems().is_empty(),
                    "{name}: {:?}",
                    proposal.recipe.setting_problems()
                );
                assert!(kind.stages().contains(&proposal.recipe.stage), "{name}");
                assert!(proposal.estimate.is_some(), "{name}");
                assert_eq!(proposal.fits, !proposal.follows(Rule::NothingFits), "{name}");
                if !proposal.fits {
                    let least = Recipe { lora_rank: 1, per_device_train_batch_size: 1, ..proposal.recipe.clone() };
                    assert!(here.estimate(&least).is_none_or(|e| !e.fits(&here.machine)), "{name}: a smaller one fits");
                    assert!(least.quantization_bit == Some(4) && least.cutoff_len <= 64 * 2, "{name}");
                }
            }
        }
    }
    assert!(count > 1_400);
}

#[test]
fn every_method_is_compared_and_can_be_taken() {
    for kind in [DataKind::Text, DataKind::Sft, DataKind::Preference, DataKind::Kto, DataKind::Prompts] {
        let mut here = Situation { kind, goal: Goal::Keep, ..situation(5_000, Some(24.0), small()) };
        here.balance = Some(Balance { liked: 10, disliked: 30 });
        let all = compare(&here, &advise(&here));
        assert_eq!(all.len(), Method::ALL.len());
        for one in &all {
            assert!(one.recipe.setting_problems().is_empty(), "{:?}: {:?}", one.method, one.recipe.setting_problems());
            assert!(one.estimate.is_some(), "{:?}", one.method);
            assert_eq!(one.serves, kind.stages().contains(&one.recipe.stage));
        }
        let share = |method| {
            let one = all.iter().find(|one| one.method == method).unwrap();
            one.estimate.as_ref().unwrap().trainable_parameters
        };
        assert!(share(Method::Full) > share(Method::Freeze) && share(Method::Freeze) > share(Method::Lora));
    }
}

#[test]
#[ignore = "prints how long a proposal takes"]
fn how_long_a_proposal_takes() {
    for config in [small(), config(4096, 11_008, 100)] {
        let here = situation(200_000, Some(40.0), config);
        let began = std::time::Instant::now();
        let proposal = advise(&here);
        let proposed = began.elapsed();
        let all = compare(&here, &proposal);
        let layers = here.config.layers;
        println!(
            "{layers} layers: proposed in {proposed:?}, {} methods in {:?}",
            all.len(),
            began.elapsed() - proposed
        );
    }
}
