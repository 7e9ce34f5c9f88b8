//! PPO's arithmetic over plain numbers: rewards by token, advantages, loss and gradients.
//!
//! All tables are [answers, width], row by row; `width` is the longest answer's. Equal to TRL 0.24 (reference/README.md,
//! "PPO"): the score is paid one position after the last token where there is room, and values count up to there.
//! Sums are f64.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::method::mean;
use crate::recipe::{KlEstimator, Recipe};

/// What TRL puts into log-probabilities of padding (`INVALID_LOGPROB`); only objective/entropy shows it.
const HIDDEN_LOGPROB: f32 = 1.0;

/// Guard of the root in [`whiten`].
const VARIANCE_FLOOR: f64 = 1e-8;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PpoConfig {
    pub kl_estimator: KlEstimator,
    pub missing_eos_penalty: Option<f64>,
    pub whiten_rewards: bool,
    pub gamma: f64,
    pub lambda: f64,
    pub cliprange: f64,
    pub cliprange_value: f64,
    pub vf_coef: f64,
}

impl PpoConfig {
    pub fn new(recipe: &Recipe) -> Self {
        Self {
            kl_estimator: recipe.ppo_kl_estimator,
            missing_eos_penalty: recipe.ppo_missing_eos_penalty,
            whiten_rewards: recipe.ppo_whiten_rewards,
            gamma: recipe.ppo_gamma,
            lambda: recipe.ppo_lambda,
            cliprange: recipe.ppo_cliprange,
            cliprange_value: recipe.ppo_cliprange_value,
            vf_coef: recipe.ppo_vf_coef,
        }
    }
}

/// Sampled answers side by side, each cut after its first end token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    pub width: usize,
    /// Tokens of each answer, its end token included: 1 to `width`.
    pub lengths: Vec<usize>,
    /// Whether the answer ends by itself.
    pub ended: Vec<bool>,
}

impl Answers {
    /// Reads where the answers end; what comes after the first of `end_ids` does not count. `width` is raised to the
    /// longest answer's length. An answer without tokens counts as one token long.
    pub fn new(tokens: &[Vec<u32>], end_ids: &[u32], width: usize) -> Self {
        let end = |row: &Vec<u32>| row.iter().position(|id| end_ids.contains(id));
        let lengths = tokens.iter().map(|row| end(row).map_or(row.len().max(1), |at| at + 1)).collect::<Vec<_>>();
        let width = lengths.iter().copied().max().unwrap_or(0).max(width);
        Self { width, ended: tokens.iter().map(|row| end(row).is_some()).collect(), lengths }
    }

    pub fn count(&self) -> usize {
        self.lengths.len()
    }

    /// Those of some answers alone, for a minibatch: same width.
    pub fn select(&self, rows: &[usize]) -> Self {
        let lengths = rows.iter().map(|&row| self.lengths[row]).collect();
        Self { width: self.width, lengths, ended: rows.iter().map(|&row| self.ended[row]).collect() }
    }

    /// True at the answers' tokens: where the policy's loss counts.
    pub fn tokens(&self) -> Vec<bool> {
        self.mask(0)
    }

    /// True at the answers' tokens and one place further: where values and rewards count.
    pub fn values(&self) -> Vec<bool> {
        self.mask(1)
    }

    fn mask(&self, more: usize) -> Vec<bool> {
        self.lengths.iter().flat_map(|&length| (0..self.width).map(move |t| t < length + more)).collect()
    }

    /// Puts `filler` where `keep` is false.
    pub fn hide(table: &mut [f32], keep: &[bool], filler: f32) {
        debug_assert_eq!(table.len(), keep.len());
        for (number, _) in table.iter_mut().zip(keep).filter(|(_, keep)| !**keep) {
            *number = filler;
        }
    }

    /// Where the score of an answer is paid: one past its last token, or at it where the table ends.
    fn payday(&self, row: usize) -> usize {
        self.lengths[row].min(self.width - 1)
    }

    fn rows<'a>(&self, table: &'a [f32]) -> std::slice::ChunksExact<'a, f32> {
        assert_eq!(table.len(), self.count() * self.width, "a table of [{}, {}]", self.count(), self.width);
        table.chunks_exact(self.width.max(1))
    }
}

/// What an answer earns at each token.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rewards {
    /// The estimate of KL(policy || reference) by token; 0 beyond the answers.
    pub kl: Vec<f32>,
    /// -coefficient * kl.
    pub non_score: Vec<f32>,
    /// By answer, the penalty for a missing end taken off.
    pub scores: Vec<f32>,
    /// `non_score` with the scores paid in; whitened if the config says so.
    pub by_token: Vec<f32>,
}

/// Rewards by token (Ziegler et al. 2019, equation 2): -`kl_coef` * kl, and each answer's score at its end. `logprobs`
/// and `reference` [answers, width] are what policy and reference give the sampled tokens, `scores` [answers]; numbers
/// beyond the answers do not count. KL is estimated as k1 or k3 of Schulman (2020), with samples of the policy.
pub fn rewards(
    config: &PpoConfig,
    kl_coef: f64,
    answers: &Answers,
    logprobs: &[f32],
    reference: &[f32],
    scores: &[f32],
) -> Rewards {
    let keep = answers.tokens();
    let estimate = |(at, keep): (usize, &bool)| {
        let log_ratio = f64::from(logprobs[at]) - f64::from(reference[at]);
        match config.kl_estimator {
            _ if !keep => 0.0,
            KlEstimator::K1 => log_ratio as f32,
            KlEstimator::K3 => ((-log_ratio).exp_m1() + log_ratio) as f32,
        }
    };
    let kl: Vec<f32> = keep.iter().enumerate().map(estimate).collect();
    let non_score: Vec<f32> = kl.iter().map(|&kl| (-kl_coef * f64::from(kl)) as f32).collect();
    let penalty = config.missing_eos_penalty.unwrap_or(0.0) as f32;
    let scores: Vec<f32> =
        scores.iter().zip(&answers.ended).map(|(&score, &ended)| if ended { score } else { score - penalty }).collect();
    let mut by_token = non_score.clone();
    for (row, score) in scores.iter().enumerate() {
        by_token[row * answers.width + answers.payday(row)] += score;
    }
    if config.whiten_rewards {
        let keep = answers.values();
        by_token = whiten(&by_token, &keep, false);
        Answers::hide(&mut by_token, &keep, 0.0);
    }
    Rewards { kl, non_score, scores, by_token }
}

/// (x - mean) / sqrt(variance + 1e-8) over the kept numbers, the variance with n - 1 below; with `shift_mean` false the
/// mean is put back. Numbers that are not kept are moved alike: hide them afterwards.
pub fn whiten(numbers: &[f32], keep: &[bool], shift_mean: bool) -> Vec<f32> {
    let kept: Vec<f64> = numbers.iter().zip(keep).filter(|(_, keep)| **keep).map(|(x, _)| f64::from(*x)).collect();
    let mean = mean(kept.iter().copied());
    let squares: f64 = kept.iter().map(|x| (x - mean).powi(2)).sum();
    // One number alone has no spread: TRL refuses it, here it whitens to zero.
    let variance = squares / (kept.len().saturating_sub(1)).max(1) as f64;
    let scale = 1.0 / (variance + VARIANCE_FLOOR).sqrt();
    let back = if shift_mean { 0.0 } else { mean };
    numbers.iter().map(|&x| ((f64::from(x) - mean) * scale + back) as f32).collect()
}

#[derive(Debug, Clone, PartialEq)]
pub struct Advantages {
    /// Before whitening.
    pub raw: Vec<f32>,
    /// What the values should have been: raw + value.
    pub returns: Vec<f32>,
    /// Whitened over the answers' tokens, 0 beyond.
    pub whitened: Vec<f32>,
}

/// Generalised advantage estimates (Schulman et al. 2016, equation 16): backwards over each row,
/// `A_t = r_t + gamma v_(t+1) - v_t + gamma lambda A_(t+1)`. `rewards` and `values` [answers, width]; values more than
/// one place beyond an answer count as 0.
pub fn advantages(config: &PpoConfig, answers: &Answers, rewards: &[f32], values: &[f32]) -> Advantages {
    let mut values = values.to_vec();
    Answers::hide(&mut values, &answers.values(), 0.0);
    let mut raw = Vec::with_capacity(values.len());
    for (rewards, values) in answers.rows(rewards).zip(answers.rows(&values)) {
        let (mut next_value, mut carried) = (0.0, 0.0);
        let mut row = vec![0.0; answers.width];
        for t in (0..answers.width).rev() {
            let value = f64::from(values[t]);
            let delta = f64::from(rewards[t]) + config.gamma * next_value - value;
            carried = delta + config.gamma * config.lambda * carried;
            row[t] = carried as f32;
            next_value = value;
        }
        raw.extend(row);
    }
    let returns = raw.iter().zip(&values).map(|(a, v)| a + v).collect();
    let keep = answers.tokens();
    let mut whitened = whiten(&raw, &keep, true);
    Answers::hide(&mut whitened, &keep, 0.0);
    Advantages { raw, returns, whitened }
}

/// What the rollout fixed for the answers of a minibatch; every table [answers, width].
#[derive(Debug, Clone, Copy)]
pub struct Rollout<'a> {
    pub answers: &'a Answers,
    /// Of the policy that sampled.
    pub logprobs: &'a [f32],
    /// Of the value function at that time.
    pub values: &'a [f32],
    pub returns: &'a [f32],
    pub advantages: &'a [f32],
}

/// Loss of a minibatch and its gradients.
#[derive(Debug, Clone, PartialEq)]
pub struct PpoLoss {
    /// policy + vf_coef * value.
    pub loss: f64,
    /// Gradient of `loss` by the new log-probabilities [answers, width].
    pub by_logprob: Vec<f32>,
    /// Gradient of `loss` by the new values [answers, width].
    pub by_value: Vec<f32>,
    /// exp(new - old) [answers, width]; 1 beyond the answers.
    pub ratio: Vec<f32>,
    pub parts: LossParts,
}

/// Numbers of one minibatch that the log averages.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LossParts {
    pub policy: f64,
    pub value: f64,
    /// 0.5 * mean of the squared log-ratio, over the whole table as TRL has it.
    pub approxkl: f64,
    /// Share of the tokens whose ratio was cut off.
    pub policy_clipfrac: f64,
    /// Share of the values that were cut off.
    pub value_clipfrac: f64,
    /// Mean ratio over the whole table.
    pub ratio: f64,
}

/// Value of two bids and the weights of their gradients: the larger one's, or half of each where they are equal.
fn larger(a: f64, b: f64) -> (f64, f64, f64) {
    if a == b {
        (a, 0.5, 0.5)
    } else if a > b {
        (a, 1.0, 0.0)
    } else {
        (b, 0.0, 1.0)
    }
}

/// Clipped policy loss (Schulman et al. 2017, equation 7) and clipped value loss, each a mean over the tokens that
/// count: `mean(max(-A ratio, -A clip(ratio, 1 +- cliprange)))` and
/// `0.5 mean(max((v - R)^2, (clip(v, v_old +- cliprange_value) - R)^2))`. `logprobs` and `values` are the new ones
/// [answers, width].
pub fn loss(config: &PpoConfig, rollout: &Rollout, logprobs: &[f32], values: &[f32]) -> PpoLoss {
    let Rollout { answers, .. } = rollout;
    let (tokens, places) = (answers.tokens(), answers.values());
    let count = |keep: &[bool]| keep.iter().filter(|keep| **keep).count().max(1) as f64;
    let (token_count, place_count, size) = (count(&tokens), count(&places), tokens.len().max(1) as f64);
    let mut parts = LossParts::default();
    let (mut by_logprob, mut by_value) = (vec![0.0; tokens.len()], vec![0.0; tokens.len()]);
    let mut ratios = vec![1.0; tokens.len()];
    for at in 0..tokens.len() {
        if tokens[at] {
            let change = f64::from(logprobs[at]) - f64::from(rollout.logprobs[at]);
            let (ratio, advantage) = (change.exp(), f64::from(rollout.advantages[at]));
            let clipped = ratio.clamp(1.0 - config.cliprange, 1.0 + config.cliprange);
            let (free, held) = (-advantage * ratio, -advantage * clipped);
            let (bid, free_weight, held_weight) = larger(free, held);
            let moving = free_weight + if clipped == ratio { held_weight } else { 0.0 };
            by_logprob[at] = (moving * free / token_count) as f32;
            ratios[at] = ratio as f32;
            parts.policy += bid / token_count;
            parts.policy_clipfrac += f64::from(u8::from(held > free)) / token_count;
            parts.approxkl += 0.5 * change * change / size;
        }
        if places[at] {
            let (value, old, goal) =
                (f64::from(values[at]), f64::from(rollout.values[at]), f64::from(rollout.returns[at]));
            let clipped = value.clamp(old - config.cliprange_value, old + config.cliprange_value);
            let (free, held) = ((value - goal).powi(2), (clipped - goal).powi(2));
            let (bid, free_weight, held_weight) = larger(free, held);
            let moving = free_weight + if clipped == value { held_weight } else { 0.0 };
            by_value[at] = (config.vf_coef * moving * (value - goal) / place_count) as f32;
            parts.value += 0.5 * bid / place_count;
            parts.value_clipfrac += f64::from(u8::from(held > free)) / place_count;
        }
    }
    parts.ratio = mean(ratios.iter().map(|&ratio| f64::from(ratio)));
    let loss = parts.policy + config.vf_coef * parts.value;
    PpoLoss { loss, by_logprob, by_value, ratio: ratios, parts }
}

/// TRL's metrics of one update: of the rollouts and of all its minibatches. `logprobs` [answers, width] are the
/// sampling policy's; `end_tokens` is how many end tokens were sampled. `policy/entropy_avg` and `lr` are the caller's.
pub fn metrics(
    answers: &Answers,
    logprobs: &[f32],
    rewards: &Rewards,
    end_tokens: usize,
    minibatches: &[LossParts],
) -> BTreeMap<&'static str, f64> {
    let by_answer = |table: &[f32]| mean(answers.rows(table).map(|row| row.iter().map(|&x| f64::from(x)).sum()));
    let mut surprise: Vec<f32> = logprobs.iter().map(|logprob| -logprob).collect();
    // TRL sums its filler too: one nat less for every place of padding.
    Answers::hide(&mut surprise, &answers.tokens(), -HIDDEN_LOGPROB);
    let (non_score, score) = (by_answer(&rewards.non_score), mean(rewards.scores.iter().map(|&s| f64::from(s))));
    let average = |part: fn(&LossParts) -> f64| mean(minibatches.iter().map(part));
    let ratio = average(|m| m.ratio);
    let spread: f64 = minibatches.iter().map(|m| (m.ratio - ratio).powi(2)).sum();
    [
        ("objective/kl", by_answer(&rewards.kl)),
        ("objective/entropy", by_answer(&surprise)),
        ("objective/non_score_reward", non_score),
        ("objective/rlhf_reward", non_score + score),
        ("objective/scores", score),
        ("policy/approxkl_avg", average(|m| m.approxkl)),
        ("policy/clipfrac_avg", average(|m| m.policy_clipfrac)),
        ("loss/policy_avg", average(|m| m.policy)),
        ("loss/value_avg", average(|m| m.value)),
        ("val/clipfrac_avg", average(|m| m.value_clipfrac)),
        ("val/ratio", ratio),
        ("val/ratio_var", spread / minibatches.len().saturating_sub(1).max(1) as f64),
        ("val/num_eos_tokens", end_tokens as f64),
    ]
    .into()
}

#[cfg(test)]
mod tests;
