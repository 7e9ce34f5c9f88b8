//! Stage ppo as a method of the loop: sample, score, then some passes of clipped steps over the same answers.

use std::path::Path;
use std::rc::Rc;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::arithmetic::{self, PpoConfig, Rollout};
use super::control::{KlControl, ScoreNorm};
use super::reward::Reward;
use super::rollout::{Buffer, table, value_places};
use crate::data::{Encoded, Example};
use crate::files::write_json_atomic;
use crate::generate::generate_many;
use crate::method::{Base, Critic, Measured, Method, Turn, as_sequences};
use crate::model::{GradientSum, Model, SCORE};
use crate::protocol::Sampling;
use crate::recipe::{Recipe, ValueModel};
use crate::tokenizer::TextTokenizer;
use crate::trainer::{Layout, Plan, ScoreHead, TokenHead};
use crate::{Error, Result};

const STATE: &str = "ppo.json";
const CRITIC: &str = "value_model";

/// Answers the prompts of an update: (policy, prompts as ids, update, progress from 0 to 1) -> by prompt the ids with the
/// end token, if it came. An error of progress, as at a stop, ends the sampling.
pub type Sampler =
    Box<dyn FnMut(&Model, &[Vec<u32>], usize, &mut dyn FnMut(f32) -> Result<()>) -> Result<Vec<Vec<u32>>>>;

pub struct Ppo {
    pub train: Vec<Example>,
    pub config: PpoConfig,
    /// Added 1e-7, as TRL does, so that 0 (greedy sampling) stays defined.
    pub temperature: f32,
    /// Tokens of the longest answer.
    pub width: usize,
    /// Answers that go through the model at once.
    pub micro: usize,
    pub sampler: Sampler,
    pub tokenizer: Rc<TextTokenizer>,
    pub reward: Reward,
    pub base: Base,
    /// None: the value is read by a head on the policy.
    pub critic: Option<Critic>,
    pub control: KlControl,
    pub norm: Option<ScoreNorm>,
    pub buffer: Option<Buffer>,
}

/// What a checkpoint keeps besides weights and moments.
#[derive(serde::Serialize, serde::Deserialize)]
struct State {
    control: KlControl,
    norm: Option<ScoreNorm>,
    buffer: Option<Buffer>,
}

impl Ppo {
    /// `model`: the policy with its adapter on, and its score head where the value is read on it.
    ///
    /// # Errors
    /// Those of the reward model.
    pub fn new(recipe: &Recipe, train: Vec<Example>, model: &Model, critic: Option<Critic>) -> Result<Self> {
        let tokenizer = Rc::new(TextTokenizer::load(&recipe.model_name_or_path)?);
        debug_assert_eq!(critic.is_some(), recipe.ppo_value_model == ValueModel::Model);
        Ok(Self {
            train,
            config: PpoConfig::new(recipe),
            temperature: recipe.temperature as f32 + 1e-7,
            width: recipe.max_new_tokens,
            micro: recipe.per_device_train_batch_size.max(1),
            sampler: sampler(recipe, Rc::clone(&tokenizer)),
            reward: Reward::new(recipe, model, &tokenizer)?,
            base: Base::of(model),
            critic,
            control: KlControl::new(recipe),
            norm: recipe.ppo_score_norm.then(ScoreNorm::default),
            buffer: None,
            tokenizer,
        })
    }

    fn buffer(&self) -> Result<&Buffer> {
        self.buffer.as_ref().ok_or_else(|| Error::Internal("a PPO step without sampled answers".into()))
    }
}

/// Samples as the recipe's generation keys say; an answer's random numbers depend on the seed, the update and its place.
fn sampler(recipe: &Recipe, tokenizer: Rc<TextTokenizer>) -> Sampler {
    let sampling = Sampling {
        max_new_tokens: recipe.max_new_tokens,
        temperature: recipe.temperature as f32,
        top_p: recipe.top_p as f32,
        top_k: recipe.top_k,
        seed: 0,
    };
    let seed = recipe.seed;
    Box::new(move |model, prompts, update, progress| {
        let samplings = (0..prompts.len()).map(|place| {
            let mixed = ((update as u64) << 20 | place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            Sampling { seed: StdRng::seed_from_u64(seed ^ mixed).random(), ..sampling.clone() }
        });
        let samplings: Vec<Sampling> = samplings.collect();
        let most = (prompts.len() * sampling.max_new_tokens).max(1) as f32;
        let mut stopped = Ok(());
        let done = generate_many(model, &tokenizer, prompts, &samplings, &mut |tokens| {
            stopped = progress(tokens as f32 / most);
            stopped.is_ok()
        })?;
        stopped?;
        Ok(done.into_iter().map(|answer| answer.ids.into_iter().chain(answer.end_id).collect()).collect())
    })
}

impl Method for Ppo {
    fn rows(&self) -> &[Example] {
        &self.train
    }

    fn row_numbers(&self, rows: &[usize]) -> Vec<usize> {
        self.buffer.as_ref().map_or(Vec::new(), |buffer| rows.iter().map(|&i| buffer.numbers[i]).collect())
    }

    fn eval_rows(&self) -> usize {
        0
    }

    fn before_step(
        &mut self,
        model: &Model,
        plan: &Plan,
        step: usize,
        progress: &mut dyn FnMut(f32) -> Result<()>,
    ) -> Result<Vec<crate::protocol::Rollout>> {
        let update = plan.update_of(step);
        // Answers that were kept under a recipe with another batch are of no use: sample again.
        let fits = |buffer: &&Buffer| buffer.update == update && buffer.tokens.len() == plan.answers();
        if let Some(buffer) = self.buffer.as_ref().filter(fits) {
            // Saved before their first step, they are not in the resumed run's log yet.
            let fresh = step == 0 || plan.update_of(step - 1) != update;
            return Ok(if fresh { self.told(buffer) } else { Vec::new() });
        }
        let asked: Vec<Encoded> = plan.prompts(update).iter().map(|&row| self.train[row].first().clone()).collect();
        self.collect(model, update, &asked, progress)
    }

    fn critic(&mut self) -> Option<&mut Critic> {
        self.critic.as_mut()
    }

    fn save(&self, folder: &Path) -> Result<()> {
        let state = State { control: self.control, norm: self.norm, buffer: self.buffer.clone() };
        write_json_atomic(&folder.join(STATE), &state)?;
        self.critic.as_ref().map_or(Ok(()), |critic| critic.save(&folder.join(CRITIC)))
    }

    fn load(&mut self, folder: &Path) -> Result<()> {
        let path = folder.join(STATE);
        let text = std::fs::read_to_string(&path).map_err(|e| Error::io(&path, e))?;
        let state: State = serde_json::from_str(&text)
            .map_err(|e| Error::model(&path, format!("line {}", e.line()), e.to_string()))?;
        self.control.coefficient = state.control.coefficient; // the target is the recipe's, which may have changed
        (self.norm, self.buffer) = (self.norm.and(state.norm).or(self.norm), state.buffer);
        if let Some(buffer) = &self.buffer {
            buffer.check().map_err(|reason| Error::model(&path, "buffer", reason))?;
        }
        self.critic.as_mut().map_or(Ok(()), |critic| critic.load(&folder.join(CRITIC)))
    }

    /// `rows` count the update's answers.
    fn micro_batch(&mut self, turn: Turn, rows: &[usize]) -> Result<Measured> {
        let buffer = self.buffer()?;
        let sequences = buffer.rows(rows);
        let layout = Layout::new(turn.model, &as_sequences(&sequences));
        let answers = buffer.answers.select(rows);
        let lengths: Vec<usize> = rows.iter().map(|&i| buffer.prompts[i].len()).collect();
        let (positions, places) = value_places(&layout, &lengths, &answers);
        let [logprobs, values, returns, advantages] =
            [&buffer.logprobs, &buffer.values, &buffer.returns, &buffer.advantages].map(|t| buffer.pick(t, rows));
        let fixed = Rollout {
            answers: &answers,
            logprobs: &logprobs,
            values: &values,
            returns: &returns,
            advantages: &advantages,
        };
        let (config, width, share) = (self.config, answers.width, turn.share);
        let spread = |read: Vec<f32>| {
            let mut table = vec![0.0; rows.len() * width];
            places.iter().zip(read).for_each(|(place, value)| table[*place] = value);
            table
        };
        let slopes_at = |by_value: &[f32]| -> Vec<f32> {
            places.iter().map(|&place| (f64::from(by_value[place]) * share) as f32).collect()
        };
        let policy_head = TokenHead { temperature: self.temperature, ..TokenHead::new(turn.model, turn.pass.learning) };
        let own_value = self.critic.is_none();
        // The policy's loss does not depend on the values, nor the value loss on the log-probabilities: each is asked
        // for with the other's old numbers.
        let (mut loss, read) = turn.pass.run(turn.model, &layout, None, turn.sum, |x, back| {
            let (scored, kept) = policy_head.score(x, &layout, back.dx.is_some())?;
            let value_head = ScoreHead { model: turn.model, learning: turn.pass.learning };
            let read = if own_value { Some(value_head.read(x, &positions)?) } else { None };
            let new_values = read.clone().map_or_else(|| values.clone(), &spread);
            let new = table(&layout, &scored.logps, width);
            let loss = arithmetic::loss(&config, &fixed, &new, &new_values);
            let mut scales = vec![0.0; scored.logps.len()];
            for (i, span) in layout.spans.iter().enumerate() {
                for (t, at) in span.clone().enumerate() {
                    scales[at] = (-f64::from(loss.by_logprob[i * width + t]) * share) as f32;
                }
            }
            policy_head.back(x, &layout, kept, &scales, back)?;
            if own_value {
                value_head.back(x, &positions, &slopes_at(&loss.by_value), back)?;
            }
            Ok((loss, new))
        })?;
        if let Some(critic) = &mut self.critic {
            // What the policy has not unfrozen yet, the value model has not either.
            let unfrozen = |name: &&String| name.as_str() == SCORE || turn.pass.learning.contains(*name);
            let learning = critic.learning.iter().filter(unfrozen).cloned().collect();
            let pass = crate::trainer::Pass { learning: &learning, graph: turn.pass.graph };
            let mut sum = GradientSum(std::mem::take(&mut critic.grads.0));
            let model = &critic.model;
            loss = pass.run(model, &layout, None, &mut sum, |x, back| {
                let value_head = ScoreHead { model, learning: &learning };
                let new_values = spread(value_head.read(x, &positions)?);
                let loss = arithmetic::loss(&config, &fixed, &read, &new_values);
                value_head.back(x, &positions, &slopes_at(&loss.by_value), back)?;
                Ok(loss)
            })?;
            critic.grads = sum;
        }
        let buffer = self.buffer()?;
        let ends = buffer.answers.ended.iter().filter(|ended| **ended).count();
        let mut metrics = arithmetic::metrics(&buffer.answers, &buffer.logprobs, &buffer.rewards, ends, &[loss.parts]);
        metrics.remove("val/ratio_var"); // of one micro-batch alone it means nothing
        metrics.insert("objective/kl_coef", self.control.coefficient);
        Ok(Measured { loss: loss.loss, weight: 1.0, read: layout.read, metrics, ..Measured::default() })
    }

    fn evaluate(&mut self, _: &Model, _: &[usize]) -> Result<Measured> {
        Ok(Measured::default()) // no rows are set aside for a stage that makes its own
    }
}
