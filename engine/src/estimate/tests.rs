use super::*;
use crate::recipe::{FinetuningType, Stage, ValueModel};

/// SmolLM2-135M's shapes.
fn config() -> ModelConfig {
    let json = r#"{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 576,
        "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3,
        "vocab_size": 49152, "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 100000.0,
        "hidden_act": "silu", "tie_word_embeddings": true}"#;
    let json = serde_json::from_str(json).unwrap();
    ModelConfig::from_json(&json, std::path::Path::new("config.json")).unwrap()
}

fn of(change: impl FnOnce(&mut Recipe, &mut Workload, &mut Machine)) -> Estimate {
    let mut recipe =
        Recipe { per_device_train_batch_size: 4, lora_target: vec!["all".into()], max_steps: 6, ..Recipe::default() };
    let mut workload =
        Workload { rows: 250, eval_rows: 0, mean_tokens: 75.0, longest_tokens: 142, learned_share: 0.45 };
    let mut machine = Machine { kind: DeviceKind::Cpu, memory_bytes: Some(25 << 30), flops: 8e10 };
    change(&mut recipe, &mut workload, &mut machine);
    estimate(&recipe, &config(), &workload, &machine).unwrap()
}

fn part(estimate: &Estimate, part: MemoryPart) -> u64 {
    estimate.memory.iter().find(|share| share.part == part).map_or(0, |share| share.bytes)
}

/// Measured by this engine on SmolLM2-135M-Instruct on a CPU: the peak of six steps, in MB.
#[test]
fn peaks_are_within_a_quarter_of_what_was_measured() {
    type Change = fn(&mut Recipe, &mut Workload);
    let measured: [(&str, f64, Change); 9] = [
        ("lora q, v", 954.0, |r, _| r.lora_target = vec!["q_proj".into(), "v_proj".into()]),
        ("lora all", 1086.0, |_, _| {}),
        ("16 rows", 2093.0, |r, _| r.per_device_train_batch_size = 16),
        ("qlora", 733.0, |r, _| r.quantization_bit = Some(4)),
        ("full", 2337.0, |r, _| r.finetuning_type = FinetuningType::Full),
        ("full, accumulated", 2683.0, |r, _| {
            (r.finetuning_type, r.gradient_accumulation_steps) = (FinetuningType::Full, 2);
        }),
        ("freeze", 725.0, |r, _| r.finetuning_type = FinetuningType::Freeze),
        ("top ten layers", 790.0, |r, _| r.freeze_layers = vec!["first:20".into()]),
        ("dora", 1371.0, |r, _| r.use_dora = true),
    ];
    for (name, megabytes, change) in measured {
        let found = of(|recipe, workload, _| change(recipe, workload));
        let ratio = found.peak_bytes() as f64 / 1e6 / megabytes;
        assert!((0.75..1.25).contains(&ratio), "{name}: {ratio:.2} of {megabytes} MB, {:?}", found.memory);
    }
}

#[test]
fn parts_add_up_and_follow_the_method() {
    let lora = of(|_, _, _| {});
    assert_eq!(lora.trainable_parameters, 2_442_240);
    assert!((lora.time.iter().map(|share| share.secs).sum::<f64>() - lora.total_secs).abs() < 1e-6);
    assert_eq!(part(&lora, MemoryPart::Companions), 0);
    assert_eq!(part(&lora, MemoryPart::Optimizer), 2_442_240 * 8);
    let full = of(|r, _, _| r.finetuning_type = FinetuningType::Full);
    assert_eq!(full.trainable_parameters, config().parameters());
    assert!(full.peak_bytes() > 2 * lora.peak_bytes() - (500 << 20) && full.step_secs > lora.step_secs);
    let penalised = of(|r, _, _| (r.finetuning_type, r.kl_penalty) = (FinetuningType::Full, 0.1));
    assert_eq!(part(&penalised, MemoryPart::Companions), config().parameters() * 4, "the starting weights stay");
    let held = of(|r, _, _| r.kl_penalty = 0.1);
    assert_eq!(part(&held, MemoryPart::Companions), 0, "an adapter is switched off instead");
    assert!(held.step_secs > 1.2 * lora.step_secs);
    let critic = of(|r, _, _| {
        (r.stage, r.finetuning_type, r.ppo_value_model) = (Stage::Ppo, FinetuningType::Full, ValueModel::Model);
        (r.reward_rule, r.max_new_tokens) = (Some("json".into()), 32);
    });
    assert!(part(&critic, MemoryPart::Optimizer) == 2 * part(&full, MemoryPart::Optimizer));
}

#[test]
fn short_memory_means_recomputing_which_takes_longer() {
    let wide = of(|r, w, _| (r.per_device_train_batch_size, w.mean_tokens, w.longest_tokens) = (16, 400.0, 600));
    let narrow = of(|r, w, m| {
        (r.per_device_train_batch_size, w.mean_tokens, w.longest_tokens) = (16, 400.0, 600);
        m.memory_bytes = Some(6 << 30);
    });
    assert_eq!((wide.graph.as_str(), narrow.graph.as_str()), ("kept", "recomputed"));
    assert!(narrow.peak_bytes() < wide.peak_bytes() / 3 && narrow.step_secs > 1.15 * wide.step_secs);
    let narrow_machine = Machine { kind: DeviceKind::Cpu, memory_bytes: Some(6 << 30), flops: 8e10 };
    assert!(narrow.fits(&narrow_machine) && !wide.fits(&narrow_machine));
}

#[test]
fn what_is_frozen_below_costs_no_way_back() {
    let all = of(|_, _, _| {});
    let top = of(|r, _, _| r.freeze_layers = vec!["first:20".into()]);
    assert!(top.step_secs < 0.8 * all.step_secs, "{} {}", top.step_secs, all.step_secs);
    assert!(part(&top, MemoryPart::Activations) < part(&all, MemoryPart::Activations) / 2);
}

#[test]
fn evaluations_and_references_take_time_of_their_own() {
    let has = |estimate: &Estimate, part| estimate.time.iter().any(|share| share.part == part);
    let plain = of(|_, _, _| {});
    let evaluated = of(|r, w, _| {
        (r.eval_strategy, r.eval_steps, w.eval_rows) = (crate::recipe::Interval::Steps, Some(2), 50);
    });
    assert!(has(&evaluated, TimePart::Evaluation) && !has(&plain, TimePart::Evaluation));
    assert!((evaluated.step_secs - plain.step_secs).abs() < 1e-9 && evaluated.total_secs > plain.total_secs);
    let compared = of(|r, _, _| r.stage = Stage::Dpo);
    assert!(has(&compared, TimePart::Reference));
    assert!(compared.total_secs > compared.step_secs * 6.0 * 1.1);
    let alone = of(|r, _, _| (r.stage, r.pref_loss) = (Stage::Dpo, crate::recipe::PrefLoss::Simpo));
    assert!(!has(&alone, TimePart::Reference));
}

#[test]
fn a_hundred_layers_are_estimated_in_no_time() {
    let config = ModelConfig { layers: 100, windows: vec![None; 100], ..config() };
    let recipe = Recipe { lora_target: vec!["all".into()], ..Recipe::default() };
    let workload = Workload { rows: 250, eval_rows: 0, mean_tokens: 75.0, longest_tokens: 142, learned_share: 0.45 };
    let machine = Machine { kind: DeviceKind::Cpu, memory_bytes: None, flops: 8e10 };
    let began = std::time::Instant::now();
    for _ in 0..4 {
        estimate(&recipe, &config, &workload, &machine).unwrap();
    }
    assert!(began.elapsed().as_millis() < 400, "{:?} for four", began.elapsed());
}
