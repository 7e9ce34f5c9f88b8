//! Answers that one update learns from, with everything that stays as it was when they were sampled.

use serde::{Deserialize, Serialize};

use super::Ppo;
use super::arithmetic::{self, Answers, Rewards};
use super::reward::joined;
use crate::Result;
use crate::data::Encoded;
use crate::method::as_sequences;
use crate::model::Model;
use crate::protocol;
use crate::trainer::{Layout, ScoreHead, TokenHead};

/// Every table is [answers, width].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Buffer {
    /// Number of the update, from 0.
    pub update: usize,
    /// Rows of the prompts in their file, from 1.
    pub numbers: Vec<usize>,
    pub prompts: Vec<Vec<u32>>,
    /// Cut after the first end token, which is kept.
    pub tokens: Vec<Vec<u32>>,
    pub answers: Answers,
    pub logprobs: Vec<f32>,
    pub values: Vec<f32>,
    pub returns: Vec<f32>,
    pub advantages: Vec<f32>,
    pub rewards: Rewards,
    /// By answer, as the reward gave it.
    pub scores: Vec<f32>,
}

impl Buffer {
    /// Whether what a checkpoint holds fits together.
    pub(super) fn check(&self) -> std::result::Result<(), String> {
        let (count, width) = (self.answers.lengths.len(), self.answers.width);
        let rows = [self.numbers.len(), self.prompts.len(), self.tokens.len(), self.answers.ended.len()];
        let rewards = &self.rewards;
        let tables = [&self.logprobs, &self.values, &self.returns, &self.advantages, &rewards.kl, &rewards.non_score];
        let fits = |(len, ids): (&usize, &Vec<u32>)| (1..=width).contains(len) && ids.len() <= *len;
        let whole = rows.iter().chain([&self.scores.len(), &rewards.scores.len()]).all(|len| *len == count)
            && tables.iter().all(|table| table.len() == count * width)
            && self.answers.lengths.iter().zip(&self.tokens).all(fits)
            && self.prompts.iter().all(|prompt| !prompt.is_empty());
        if whole { Ok(()) } else { Err("its tables do not have the same size: the file is damaged".into()) }
    }

    /// Prompt and answer of some rollouts as rows.
    pub fn rows(&self, rollouts: &[usize]) -> Vec<Encoded> {
        rollouts.iter().map(|&i| joined(&self.prompts[i], &self.tokens[i])).collect()
    }

    /// Sum over each answer of the log-ratio to the reference.
    fn kl(&self) -> impl Iterator<Item = f32> {
        self.rewards.kl.chunks_exact(self.answers.width).map(|row| row.iter().sum())
    }

    /// The rows of a table that belong to some rollouts.
    pub fn pick(&self, table: &[f32], rollouts: &[usize]) -> Vec<f32> {
        let width = self.answers.width;
        rollouts.iter().flat_map(|&i| table[i * width..(i + 1) * width].iter().copied()).collect()
    }
}

/// Where the values of each sequence are read: of the token at t one position earlier, up to one past the answer.
/// Gives positions and, for each, its place in a table of `width`.
pub(super) fn value_places(layout: &Layout, prompts: &[usize], answers: &Answers) -> (Vec<i32>, Vec<usize>) {
    let (mut positions, mut places) = (Vec::new(), Vec::new());
    let mut start = 0;
    for (i, &prompt) in prompts.iter().enumerate() {
        for t in 0..(answers.lengths[i] + 1).min(answers.width) {
            positions.push((start + prompt + t - 1) as i32);
            places.push(i * answers.width + t);
        }
        start += layout.lengths[i];
    }
    (positions, places)
}

/// Scored log-probabilities laid out as a table of `width`.
pub(super) fn table(layout: &Layout, logps: &[f32], width: usize) -> Vec<f32> {
    let mut table = vec![0.0; layout.spans.len() * width];
    for (i, span) in layout.spans.iter().enumerate() {
        table[i * width..i * width + span.len()].copy_from_slice(&logps[span.clone()]);
    }
    table
}

impl Ppo {
    /// Samples answers to the prompts, scores them and works out what they are worth.
    pub(super) fn collect(
        &mut self,
        model: &Model,
        update: usize,
        asked: &[Encoded],
        progress: &mut dyn FnMut(f32) -> Result<()>,
    ) -> Result<Vec<protocol::Rollout>> {
        progress(0.0)?;
        let numbers = asked.iter().map(|prompt| prompt.row).collect();
        let prompts: Vec<Vec<u32>> = asked.iter().map(|prompt| prompt.input_ids.clone()).collect();
        let mut tokens = (self.sampler)(model, &prompts, update, progress)?;
        let answers = Answers::new(&tokens, self.tokenizer.eos_ids(), self.width);
        tokens.iter_mut().zip(&answers.lengths).for_each(|(tokens, length)| tokens.truncate(*length));
        let count = answers.count();
        let mut buffer = Buffer {
            update,
            numbers,
            prompts,
            tokens,
            logprobs: Vec::new(),
            values: Vec::new(),
            returns: Vec::new(),
            advantages: Vec::new(),
            rewards: Rewards::default(),
            scores: Vec::new(),
            answers,
        };
        let mut reference = Vec::new();
        let all: Vec<usize> = (0..count).collect();
        for part in all.chunks(self.micro) {
            progress(part[0] as f32 / count as f32)?;
            let rows = buffer.rows(part);
            let layout = Layout::new(model, &as_sequences(&rows));
            let nothing = Default::default();
            let x = model.hidden(&layout.ids, &layout.lengths);
            let head = TokenHead { temperature: self.temperature, ..TokenHead::new(model, &nothing) };
            let policy = head.read(&x, &layout, false)?;
            buffer.logprobs.extend(table(&layout, &policy.logps, buffer.answers.width));
            let base = self.base.model(model);
            let head = TokenHead { temperature: self.temperature, ..TokenHead::new(base, &nothing) };
            let base = head.read(&self.base.hidden(model, &layout), &layout, true)?;
            reference.extend(table(&layout, &base.logps, buffer.answers.width));
            let answers = buffer.answers.select(part);
            let lengths: Vec<usize> = part.iter().map(|&i| buffer.prompts[i].len()).collect();
            let (positions, places) = value_places(&layout, &lengths, &answers);
            let read = match &self.critic {
                Some(critic) => {
                    let x = critic.model.hidden(&layout.ids, &layout.lengths);
                    ScoreHead { model: &critic.model, learning: &nothing }.read(&x, &positions)?
                }
                None => ScoreHead { model, learning: &nothing }.read(&x, &positions)?,
            };
            let mut values = vec![0.0; part.len() * answers.width];
            places.iter().zip(read).for_each(|(place, value)| values[*place] = value);
            buffer.values.extend(values);
            let prompts: Vec<&[u32]> = part.iter().map(|&i| buffer.prompts[i].as_slice()).collect();
            let tokens: Vec<&[u32]> = part.iter().map(|&i| buffer.tokens[i].as_slice()).collect();
            buffer.scores.extend(self.reward.scores(&prompts, &tokens, &self.tokenizer)?);
        }
        let scores = match &mut self.norm {
            Some(norm) => {
                norm.update(&buffer.scores);
                norm.apply(&buffer.scores)
            }
            None => buffer.scores.clone(),
        };
        let coefficient = self.control.coefficient;
        let config = &self.config;
        buffer.rewards =
            arithmetic::rewards(config, coefficient, &buffer.answers, &buffer.logprobs, &reference, &scores);
        let gained = arithmetic::advantages(config, &buffer.answers, &buffer.rewards.by_token, &buffer.values);
        (buffer.returns, buffer.advantages) = (gained.returns, gained.whitened);
        self.control.update(f64::from(buffer.kl().sum::<f32>()) / count.max(1) as f64, count);
        let told = self.told(&buffer);
        self.buffer = Some(buffer);
        Ok(told)
    }

    /// The answers as a person reads them.
    pub(super) fn told(&self, buffer: &Buffer) -> Vec<protocol::Rollout> {
        let text = |ids: &[u32]| self.tokenizer.decode(ids, true);
        let told = buffer.kl().enumerate().map(|(i, kl)| protocol::Rollout {
            prompt: text(&buffer.prompts[i]),
            answer: text(&buffer.tokens[i]),
            score: buffer.scores[i],
            kl,
        });
        told.collect()
    }
}
