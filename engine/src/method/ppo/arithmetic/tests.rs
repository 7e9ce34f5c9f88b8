//! TRL's numbers, finite differences, and what must hold at the start.

use std::path::Path;

use safetensors::SafeTensors;

use super::*;

const LIMIT: f64 = 1e-5;
const END: u32 = 2;

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/ppo").join(name)).unwrap()
}

struct Reference<'a>(SafeTensors<'a>);

impl Reference<'_> {
    fn floats(&self, name: &str) -> Vec<f32> {
        let data = self.0.tensor(name).unwrap().data();
        data.chunks_exact(4).map(|c| f32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect()
    }

    fn ids(&self, name: &str) -> Vec<u32> {
        let data = self.0.tensor(name).unwrap().data();
        data.chunks_exact(8).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect()
    }

    fn flags(&self, name: &str) -> Vec<bool> {
        self.0.tensor(name).unwrap().data().iter().map(|&byte| byte != 0).collect()
    }

    fn check(&self, name: &str, found: &[f32]) {
        let expected = self.floats(name);
        assert_eq!(found.len(), expected.len(), "{name}");
        for (at, (a, b)) in found.iter().zip(&expected).enumerate() {
            assert!(f64::from((a - b).abs()) <= LIMIT, "{name}[{at}]: {a}, TRL says {b}");
        }
    }
}

fn config(settings: &serde_json::Value) -> PpoConfig {
    let number = |key: &str| settings[key].as_f64().unwrap();
    PpoConfig {
        kl_estimator: if settings["kl_estimator"] == "k3" { KlEstimator::K3 } else { KlEstimator::K1 },
        missing_eos_penalty: settings["missing_eos_penalty"].as_f64(),
        whiten_rewards: settings["whiten_rewards"].as_bool().unwrap(),
        gamma: number("gamma"),
        lambda: number("lam"),
        cliprange: number("cliprange"),
        cliprange_value: number("cliprange_value"),
        vf_coef: number("vf_coef"),
    }
}

#[test]
fn every_number_is_trls() {
    let settings: serde_json::Value = serde_json::from_slice(&bytes("settings.json")).unwrap();
    for case in ["ppo-k1", "ppo-k1-whiten-rewards"] {
        let file = bytes(&format!("{case}.safetensors"));
        let reference = Reference(SafeTensors::deserialize(&file).unwrap());
        let (config, kl_coef) = (config(&settings[case]), settings[case]["kl_coef"].as_f64().unwrap());
        let width = reference.0.tensor("in.responses").unwrap().shape()[1];
        let tokens: Vec<Vec<u32>> = reference.ids("in.responses").chunks_exact(width).map(<[u32]>::to_vec).collect();
        let answers = Answers::new(&tokens, &[END], width);
        let last: Vec<u32> = answers.lengths.iter().map(|&length| length as u32 - 1).collect();
        assert_eq!(last, reference.ids("out.sequence_lengths"));
        assert_eq!(answers.ended, reference.flags("out.contain_eos"));
        let not = |flags: Vec<bool>| flags.into_iter().map(|flag| !flag).collect::<Vec<_>>();
        assert_eq!(not(answers.tokens()), reference.flags("out.padding_mask"));
        assert_eq!(not(answers.values()), reference.flags("out.padding_mask_p1"));

        let old = reference.floats("in.logprobs");
        let (base, scores) = (reference.floats("in.ref_logprobs"), reference.floats("in.scores"));
        let earned = rewards(&config, kl_coef, &answers, &old, &base, &scores);
        reference.check("out.kl", &earned.kl);
        reference.check("out.non_score_reward", &earned.non_score);
        reference.check("out.scores_after_penalty", &earned.scores);
        reference.check("out.rewards", &earned.by_token);
        let unwhitened = PpoConfig { whiten_rewards: false, ..config };
        let before = rewards(&unwhitened, kl_coef, &answers, &old, &base, &scores);
        reference.check("out.rewards_before_whiten", &before.by_token);

        let values = reference.floats("in.values");
        let gae = advantages(&config, &answers, &earned.by_token, &values);
        reference.check("out.advantages_raw", &gae.raw);
        reference.check("out.returns", &gae.returns);
        reference.check("out.advantages", &gae.whitened);

        let rollout = Rollout {
            answers: &answers,
            logprobs: &old,
            values: &values,
            returns: &gae.returns,
            advantages: &gae.whitened,
        };
        let found = loss(&config, &rollout, &reference.floats("in.new_logprobs"), &reference.floats("in.vpred"));
        reference.check("out.ratio", &found.ratio);
        reference.check("out.pg_loss", &[found.parts.policy as f32]);
        reference.check("out.vf_loss", &[found.parts.value as f32]);
        reference.check("out.loss", &[found.loss as f32]);
        reference.check("out.approxkl", &[found.parts.approxkl as f32]);
        reference.check("out.pg_clipfrac", &[found.parts.policy_clipfrac as f32]);
        reference.check("out.vf_clipfrac", &[found.parts.value_clipfrac as f32]);
        reference.check("out.grad_new_logprobs", &found.by_logprob);
        reference.check("out.grad_vpred", &found.by_value);
    }
}

/// Two answers of a table of four: one of two tokens with its end, one that was cut off.
fn small() -> (PpoConfig, Answers) {
    let config = PpoConfig { missing_eos_penalty: Some(1.0), ..PpoConfig::new(&Recipe::default()) };
    (config, Answers::new(&[vec![5, END, 7, END], vec![5, 6, 7, 8]], &[END], 4))
}

const OLD: [f32; 8] = [-1.0, -2.0, -9.0, -9.0, -0.5, -1.5, -0.25, -3.0];
const VALUES: [f32; 8] = [0.5, -0.25, 1.0, 9.0, 0.125, 0.75, -1.0, 0.5];

#[test]
fn the_first_ratio_is_one() {
    let (config, answers) = small();
    let earned = rewards(&config, 0.05, &answers, &OLD, &OLD, &[1.0, 3.0]);
    assert_eq!(earned.by_token, [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 2.0]);
    let gae = advantages(&config, &answers, &earned.by_token, &VALUES);
    let rollout = Rollout {
        answers: &answers,
        logprobs: &OLD,
        values: &VALUES,
        returns: &gae.returns,
        advantages: &gae.whitened,
    };
    let found = loss(&config, &rollout, &OLD, &VALUES);
    assert_eq!(found.ratio, [1.0; 8]);
    assert_eq!(found.parts.ratio, 1.0);
    assert_eq!((found.parts.approxkl, found.parts.policy_clipfrac, found.parts.value_clipfrac), (0.0, 0.0, 0.0));
    // Whitened advantages have a mean of zero.
    assert!(found.parts.policy.abs() < 1e-7, "{:?}", found.parts);
    // The gradient is that of -A log p: reinforcement without any clipping.
    for (at, keep) in answers.tokens().into_iter().enumerate() {
        let expected = if keep { -gae.whitened[at] / 6.0 } else { 0.0 };
        assert!((found.by_logprob[at] - expected).abs() < 1e-7);
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let (config, answers) = small();
    let advantages = [1.0, -1.0, 0.0, 0.0, 0.75, -0.5, 1.5, -2.0];
    let returns = [0.25, 0.5, -0.5, 0.0, 1.0, -1.0, 0.75, 0.125];
    let rollout =
        Rollout { answers: &answers, logprobs: &OLD, values: &VALUES, returns: &returns, advantages: &advantages };
    // Inside the range, beyond it on the side that is held, and on the side that is not.
    let moves = [0.05, -0.5, 1.0, 1.0, 0.5, 0.5, -0.5, -0.1];
    let step = 1.0 / 256.0;
    let logprobs: Vec<f32> = OLD.iter().zip(moves).map(|(x, d)| x + d).collect();
    let values: Vec<f32> = VALUES.iter().zip(moves).map(|(x, d)| x + d).collect();
    let found = loss(&config, &rollout, &logprobs, &values);
    assert!(found.parts.policy_clipfrac > 0.0 && found.parts.value_clipfrac > 0.0, "{:?}", found.parts);
    let nudged = |table: &[f32], at: usize, by: f32| {
        let mut table = table.to_vec();
        table[at] += by;
        table
    };
    for at in 0..8 {
        let at_logprob = |by| loss(&config, &rollout, &nudged(&logprobs, at, by), &values).loss;
        let at_value = |by| loss(&config, &rollout, &logprobs, &nudged(&values, at, by)).loss;
        for (slope, gradient) in [
            ((at_logprob(step) - at_logprob(-step)) / (2.0 * f64::from(step)), found.by_logprob[at]),
            ((at_value(step) - at_value(-step)) / (2.0 * f64::from(step)), found.by_value[at]),
        ] {
            assert!((slope - f64::from(gradient)).abs() < 1e-5, "{at}: {slope} {gradient}");
        }
    }
    assert_eq!((found.by_logprob[2], found.by_value[3]), (0.0, 0.0));
    assert!(found.by_value[2] != 0.0);
}

#[test]
fn what_lies_beyond_an_answer_does_not_count() {
    let (config, answers) = small();
    let through = |filler: f32| {
        let (mut old, mut new, mut base, mut values) = (OLD, OLD.map(|x| x + 0.125), OLD.map(|x| x - 0.25), VALUES);
        for table in [&mut old, &mut new, &mut base] {
            (table[2], table[3]) = (filler, filler);
        }
        values[3] = filler;
        let earned = rewards(&config, 0.05, &answers, &old, &base, &[1.0, 3.0]);
        let gae = advantages(&config, &answers, &earned.by_token, &values);
        let (returns, advantages) = (&gae.returns, &gae.whitened);
        let rollout = Rollout { answers: &answers, logprobs: &old, values: &values, returns, advantages };
        let found = loss(&config, &rollout, &new, &values);
        (metrics(&answers, &old, &earned, 3, &[found.parts]), earned, gae, found)
    };
    assert_eq!(through(-9.0), through(f32::NAN));
}

#[test]
fn k3_is_never_negative_and_near_half_the_square() {
    let (config, answers) = small();
    let config = PpoConfig { kl_estimator: KlEstimator::K3, ..config };
    for change in [-2.0, -0.01, 0.0, 0.01, 2.0f32] {
        let base = OLD.map(|x| x - change);
        let kl = rewards(&config, 0.05, &answers, &OLD, &base, &[0.0, 0.0]).kl[0];
        assert!(kl >= 0.0 && (kl == 0.0) == (change == 0.0), "{change}: {kl}");
        if change.abs() < 0.1 {
            assert!((kl - change * change / 2.0).abs() < 1e-6, "{change}: {kl}");
        } else {
            assert!((f64::from(kl) - ((-f64::from(change)).exp() - 1.0 + f64::from(change))).abs() < 1e-6);
        }
    }
}

#[test]
fn whitening_has_mean_zero_and_variance_one() {
    let keep = [true, false, true, true];
    let white = whiten(&[1.0, 100.0, 2.0, 6.0], &keep, true);
    assert!((white[0] + white[2] + white[3]).abs() < 1e-6);
    assert!(((white[0].powi(2) + white[2].powi(2) + white[3].powi(2)) / 2.0 - 1.0).abs() < 1e-6);
    let back = whiten(&[1.0, 100.0, 2.0, 6.0], &keep, false);
    assert!(back.iter().zip(&white).all(|(b, w)| (b - w - 3.0).abs() < 1e-5));
    assert_eq!(whiten(&[7.0], &[true], true), [0.0]);
}

#[test]
fn answers_end_at_their_first_end_token() {
    let answers = Answers::new(&[vec![4, 9, 3], vec![3, END, 9], vec![4], vec![]], &[END, 9], 2);
    assert_eq!(answers.lengths, [2, 2, 1, 1]);
    assert_eq!(answers.ended, [true, true, false, false]);
    assert_eq!(answers.width, 2);
    let some = answers.select(&[2, 0]);
    assert_eq!((some.lengths, some.ended, some.width), (vec![1, 2], vec![false, true], 2));
    assert_eq!(Answers::new(&[vec![1, 1, 1]], &[END], 2).width, 3);
}

#[test]
fn metrics_have_trls_names_and_means() {
    let (config, answers) = small();
    let base = OLD.map(|x| x - 0.5);
    let earned = rewards(&config, 0.1, &answers, &OLD, &base, &[1.0, 3.0]);
    let parts = |policy, ratio| LossParts { policy, ratio, value: 2.0, ..LossParts::default() };
    let found = metrics(&answers, &OLD, &earned, 2, &[parts(0.5, 1.0), parts(-0.25, 1.25)]);
    let near = |name: &str, expected: f64| assert!((found[name] - expected).abs() < 1e-6, "{name}: {found:?}");
    // 0.5 nats for each of 2 and 4 tokens.
    near("objective/kl", 1.5);
    near("objective/non_score_reward", -0.15);
    near("objective/scores", 1.5);
    near("objective/rlhf_reward", 1.35);
    // 3 nats, less one for each of two places of padding; 5.25 nats.
    near("objective/entropy", 3.125);
    near("loss/policy_avg", 0.125);
    near("loss/value_avg", 2.0);
    near("val/ratio", 1.125);
    near("val/ratio_var", 0.03125);
    near("val/num_eos_tokens", 2.0);
}
