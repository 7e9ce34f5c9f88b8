//! PPO against TRL 0.24's PPOTrainer on stored answers: the loss of each of 12 steps, advantages, the trainer's metrics.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use luthier_engine::Error;
use luthier_engine::data::{Encoded, Example, IGNORED};
use luthier_engine::files::read_safetensors_f32;
use luthier_engine::files::read_safetensors_i64;
use luthier_engine::method::ppo::{Ppo, Reward};
use luthier_engine::method::{Critic, Method, Tally, Turn};
use luthier_engine::model::{DropoutKey, GradientSum, Model, Param, SCORE};
use luthier_engine::optimizer::AdamW;
use luthier_engine::recipe::{FinetuningType, Recipe, RewardModelType, Stage, ValueModel};
use luthier_engine::tokenizer::TextTokenizer;
use luthier_engine::trainer::{Graph, Pass, Plan};
use serde_json::Value;

use crate::bench::{fixture, worst};
use crate::reference::load;

fn recipe() -> Recipe {
    Recipe {
        model_name_or_path: fixture("models/qwen2-tiny"),
        stage: Stage::Ppo,
        finetuning_type: FinetuningType::Full,
        per_device_train_batch_size: 4,
        temperature: 0.7,
        ppo_missing_eos_penalty: Some(1.0),
        ppo_kl_coef: 0.05,
        ppo_epochs: 2,
        ppo_mini_batches: 2,
        ppo_value_model: ValueModel::Model,
        reward_model_type: RewardModelType::Full,
        max_new_tokens: 10,
        max_steps: 3,
        learning_rate: 1e-4,
        max_grad_norm: 0.0,
        disable_shuffling: true,
        reward_rule: Some("length:10".into()),
        ..Recipe::default()
    }
}

/// A score head from the reference's file.
fn with_head(mut model: Model, name: &str) -> Model {
    let (_, head) = read_safetensors_f32(&fixture("ppo/trajectory/rollouts.safetensors"), name).unwrap().unwrap();
    model.add_score_head(0).expect("a head");
    let old = model.params[SCORE].clone();
    let flat =
        burn::tensor::Tensor::from_data(burn::tensor::TensorData::new(head.clone(), [head.len()]), &model.device);
    model.params.insert(SCORE.into(), Param::from_flat(flat, &old.shape()));
    model
}

#[test]
fn trajectory_is_the_reference() {
    let file = fixture("ppo/trajectory/rollouts.safetensors");
    let expected: Value =
        serde_json::from_slice(&std::fs::read(fixture("ppo/trajectory/expected.json")).unwrap()).unwrap();
    let recipe = recipe();
    let tokenizer = TextTokenizer::load(&recipe.model_name_or_path).expect("tokenizer");
    let prompts: Vec<Example> = expected["prompts"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .map(|(row, text)| {
            let input_ids = tokenizer.encode(text.as_str().unwrap()).expect("ids");
            Example::Prompt(Encoded { row: row + 1, labels: vec![IGNORED; input_ids.len()], input_ids })
        })
        .collect();
    let mut model = load(&recipe.model_name_or_path, "cpu");
    let learning = model.config.tensors().into_iter().map(|(name, _)| name).collect();
    let value = with_head(model.clone(), "value.score.weight");
    let mut value_learns: std::collections::BTreeSet<String> = Clone::clone(&learning);
    value_learns.insert(SCORE.into());
    let critic =
        Critic { model: value, learning: value_learns, optimizer: AdamW::new(&recipe), grads: GradientSum::default() };
    let mut ppo = Ppo::new(&recipe, prompts.clone(), &model, Some(critic)).expect("ppo");
    let reward = Model::load(&fixture("models/llama-tiny"), &model.device, &mut |_, _| ControlFlow::Continue(()));
    ppo.reward = Reward::Model(Box::new(with_head(reward.expect("reward model"), "reward.score.weight")));
    let stored = file.clone();
    ppo.sampler = Box::new(move |_, prompts, update, _| {
        let name = format!("rollout.{update}.responses");
        let (shape, ids) = read_safetensors_i64(&stored, &name).unwrap().unwrap();
        assert_eq!(shape[0], prompts.len());
        // What follows the first end token is padding in the file.
        let cut = |row: &[i64]| row.iter().position(|id| *id == 2).map_or(row.len(), |at| at + 1);
        Ok(ids.chunks(shape[1]).map(|row| row[..cut(row)].iter().map(|&id| id as u32).collect()).collect())
    });
    let plan = Plan::new(&recipe, prompts.len());
    assert_eq!(plan.total_steps, 12);
    let mut optimizer = AdamW::new(&recipe);
    let losses = expected["loss_of_each_optimizer_step"].as_array().unwrap();
    let mut metrics: Vec<BTreeMap<String, f32>> = Vec::new();
    for k in 0..plan.total_steps {
        let sampled = ppo.before_step(&model, &plan, k, &mut |_| Ok(())).expect("rollouts");
        assert_eq!(sampled.len(), if k % 4 == 0 { 4 } else { 0 });
        if k % 4 == 0 {
            let buffer = ppo.buffer.as_ref().expect("rollouts");
            let update = k / 4;
            let (_, advantages) =
                read_safetensors_f32(&file, &format!("rollout.{update}.advantages")).unwrap().unwrap();
            let off = worst(&buffer.advantages, &advantages);
            assert!(off < 2e-3, "update {update}: advantages off by {off}");
        }
        let (mut grads, mut tally) = (GradientSum::default(), Tally::default());
        let groups = plan.step(k);
        for (i, rows) in groups.iter().enumerate() {
            let dropout = DropoutKey { seed: 0, step: k as u64, micro_batch: i as u64 };
            let pass = Pass { learning: &learning, graph: Graph::Kept };
            let turn = Turn { model: &model, pass, dropout, share: 1.0 / groups.len() as f64, sum: &mut grads };
            tally.add(ppo.micro_batch(turn, rows).expect("a step"));
        }
        let (got, want) = (tally.total.loss / groups.len() as f64, losses[k].as_f64().unwrap());
        assert!((got - want).abs() / want.abs().max(1.0) < 2e-4, "step {}: loss {got} instead of {want}", k + 1);
        metrics.push(tally.metrics());
        optimizer.step(&mut model.params, grads, 1e-4, 1.0);
        ppo.critic().expect("a value model").step(1e-4, 1.0);
    }
    for (update, want) in expected["updates"].as_array().unwrap().iter().enumerate() {
        let steps = &metrics[update * 4..(update + 1) * 4];
        for (name, want) in want.as_object().unwrap() {
            // Not per step: the entropy of whole distributions, and a variance over the steps.
            if ["lr", "policy/entropy_avg", "val/ratio_var"].contains(&name.as_str()) {
                continue;
            }
            let got = steps.iter().map(|step| f64::from(step[name])).sum::<f64>() / 4.0;
            let want = want.as_f64().unwrap();
            assert!((got - want).abs() / want.abs().max(1.0) < 2e-3, "update {update}: {name} {got} instead of {want}");
        }
    }
}

/// What a run that is resumed relies on: an answer comes from the seed, the update and its place.
#[test]
fn answers_of_an_update_can_be_sampled_again() {
    let recipe = Recipe { ppo_value_model: ValueModel::Head, ..recipe() };
    let model = load(&recipe.model_name_or_path, "cpu");
    let prompts: Vec<Vec<u32>> = vec![vec![5, 6, 7], vec![5, 6, 7], vec![9, 8, 7, 6, 5]];
    let sampler = || Ppo::new(&recipe, Vec::new(), &model, None).expect("ppo").sampler;
    let sample = |update, prompts: &[Vec<u32>]| {
        let mut told = Vec::new();
        let mut progress = |fraction| {
            told.push(fraction);
            Ok(())
        };
        let answers = sampler()(&model, prompts, update, &mut progress).expect("answers");
        assert!(told.is_sorted() && told.iter().all(|fraction| (0.0..=1.0).contains(fraction)), "{told:?}");
        answers
    };
    let first = sample(1, &prompts);
    assert!(first.iter().all(|answer| (1..=10).contains(&answer.len())));
    assert_eq!(first, sample(1, &prompts));
    assert_ne!(first[0], first[1], "one prompt at two places");
    assert_ne!(first, sample(2, &prompts), "another update");
    let mut tokens = 0;
    let stopped = sampler()(&model, &prompts, 1, &mut |_| {
        tokens += 1;
        if tokens == 4 { Err(Error::Stopped) } else { Ok(()) }
    });
    assert!(matches!(stopped, Err(Error::Stopped)), "{stopped:?}");
    assert_eq!(tokens, 4, "nothing is sampled after a stop");
}
