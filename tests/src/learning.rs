//! Real training on the sample model: what each stage is for does happen, by more than chance allows.

use std::path::{Path, PathBuf};

use luthier_engine::protocol::{Event, Outcome, StepReport};
use luthier_engine::recipe::{FinetuningType, Interval, Recipe, RewardModelType, SchedulerType, Stage};

use crate::bench::{Done, drive, gather, run};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/sample").join(name)
}

fn recipe(stage: Stage, dataset: &str, out: &Path) -> Recipe {
    Recipe {
        model_name_or_path: sample("model"),
        dataset: vec![sample(dataset).display().to_string()],
        stage,
        output_dir: out.to_owned(),
        device: "cpu".into(),
        cutoff_len: 96,
        lr_scheduler_type: SchedulerType::Constant,
        seed: 42,
        ..Recipe::default()
    }
}

/// Mean, and the standard error of that mean.
fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

fn metric(steps: &[StepReport], name: &str) -> Vec<f64> {
    steps.iter().map(|step| f64::from(step.metrics[name])).collect()
}

/// The last evaluation's, on rows set aside.
fn held_out(done: &Done, name: &str) -> f64 {
    f64::from(done.evals.last().expect("an evaluation").metrics[name])
}

/// Evaluates `count` rows at the end.
fn with_held_out(recipe: Recipe, count: usize) -> Recipe {
    let eval_steps = Some(recipe.max_steps as usize);
    Recipe { val_size: count as f64, eval_strategy: Interval::Steps, eval_steps, ..recipe }
}

#[test]
fn dpo_tells_held_out_answers_apart() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = Recipe {
        per_device_train_batch_size: 8,
        learning_rate: 1e-3,
        max_steps: 24,
        ..recipe(Stage::Dpo, "preference.jsonl", dir.path())
    };
    let done = run(&with_held_out(recipe, 32), false);
    let (first, last) = (metric(&done.steps[..1], "rewards/margins")[0], metric(&done.steps[16..], "rewards/margins"));
    let (mean, error) = mean_and_error(&last);
    let accuracy = held_out(&done, "rewards/accuracies");
    eprintln!(
        "dpo: margins {first} to {mean} +- {error}, held out {accuracy} by {}",
        held_out(&done, "rewards/margins")
    );
    assert!(first.abs() < 1e-4 && mean > 0.1 && mean > 6.0 * error, "{first} {mean} {error}");
    // 27 or more of 32 by chance: sum of C(32, k) / 2^32 for k >= 27 is 5.7e-5.
    assert!(accuracy >= 27.0 / 32.0, "{accuracy}");
    assert!(held_out(&done, "rewards/margins") > 0.1);
}

#[test]
fn kto_lifts_liked_answers_above_disliked_ones() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = Recipe {
        per_device_train_batch_size: 8,
        learning_rate: 1e-3,
        max_steps: 30,
        ..recipe(Stage::Kto, "kto.jsonl", dir.path())
    };
    let recipe = Recipe { per_device_eval_batch_size: 32, ..with_held_out(recipe, 32) };
    let done = run(&recipe, false);
    let both: Vec<StepReport> =
        done.steps.iter().filter(|step| step.metrics.contains_key("rewards/margins")).cloned().collect();
    let (first, last) = (metric(&both[..1], "rewards/margins")[0], metric(&both[both.len() - 10..], "rewards/margins"));
    let (mean, error) = mean_and_error(&last);
    eprintln!("kto: margins {first} to {mean} +- {error}, held out {}", held_out(&done, "rewards/margins"));
    assert!(first.abs() < 1e-4 && mean > 0.1 && mean > 6.0 * error, "{first} {mean} {error}");
    assert!(held_out(&done, "rewards/margins") > 0.1);
    assert!(done.steps.iter().all(|step| step.metrics["kl"].is_finite()));
}

/// Mean score and its error of some updates' answers.
fn scores(events: &[Event], updates: std::ops::Range<usize>) -> (f64, f64) {
    let scored = |event: &Event| match event {
        Event::RolloutsSampled { rollouts, .. } => {
            Some(rollouts.iter().map(|r| f64::from(r.score)).collect::<Vec<_>>())
        }
        _ => None,
    };
    let all: Vec<Vec<f64>> = events.iter().filter_map(scored).collect();
    mean_and_error(&all[updates].concat())
}

fn ppo(dataset: &str, out: &Path) -> Recipe {
    Recipe {
        per_device_train_batch_size: 24,
        ppo_epochs: 4,
        max_steps: 12,
        max_new_tokens: 16,
        temperature: 1.0,
        top_p: 1.0,
        top_k: 0,
        learning_rate: 3e-3,
        ..recipe(Stage::Ppo, dataset, out)
    }
}

/// Scores rise from the first three updates to the last three by more than six standard errors of their
/// difference: by chance less than once in 10^8 runs.
fn scores_rise(recipe: &Recipe, what: &str) {
    let (events, outcome) = drive(recipe, false, |_, _| {});
    assert!(matches!(outcome, Outcome::Completed { .. }), "{outcome:?}");
    let last = usize::try_from(recipe.max_steps).expect("updates");
    let ((before, error), (after, error_after)) = (scores(&events, 0..3), scores(&events, last - 3..last));
    let steps = gather(events, outcome).steps;
    let kl = metric(&steps, "objective/kl");
    let most = kl.iter().copied().fold(0.0, f64::max);
    eprintln!("{what}: scores {before} +- {error} to {after} +- {error_after}, largest KL {most}");
    assert!(after - before > 6.0 * error.hypot(error_after), "{what}: {before} +- {error} to {after} +- {error_after}");
    // In nats an answer; a policy that has lost its language is hundreds away.
    assert!(kl.iter().all(|kl| kl.is_finite()) && most < 30.0, "{what}: {kl:?}");
}

#[test]
fn ppo_raises_the_score_of_a_rule() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = Recipe {
        reward_rule: Some("length:4".into()),
        learning_rate: 6e-3,
        max_steps: 16,
        ..ppo("sft.jsonl", dir.path())
    };
    scores_rise(&recipe, "ppo by a rule");
}

/// A reward model learns from pairs which answers are better, and the policy from the reward model.
#[test]
fn ppo_raises_the_score_of_a_reward_model_that_learned_from_pairs() {
    let dir = tempfile::tempdir().unwrap();
    let reward = Recipe {
        finetuning_type: FinetuningType::Full,
        per_device_train_batch_size: 8,
        learning_rate: 3e-4,
        max_steps: 36,
        ..recipe(Stage::Rm, "preference.jsonl", &dir.path().join("reward"))
    };
    let done = run(&with_held_out(reward.clone(), 32), false);
    let accuracy = held_out(&done, "accuracy");
    eprintln!("rm: held out {accuracy}, margin {}", held_out(&done, "margin"));
    // As with DPO: 5.7e-5 by chance.
    assert!(accuracy >= 27.0 / 32.0, "{accuracy}");
    let policy = Recipe {
        reward_model: Some(reward.output_dir),
        reward_model_type: RewardModelType::Full,
        // It has learned of whole answers only: what it says of half an answer means little.
        max_new_tokens: 24,
        ppo_missing_eos_penalty: Some(1.0),
        ..ppo("preference.jsonl", &dir.path().join("policy"))
    };
    scores_rise(&policy, "ppo by a reward model");
}
