//! Answers to fixed prompts while a run goes: how it speaks at the start, on the way, and at the end.
//!
//! Always the likeliest token, so that two answers differ only where the model does. Nothing of the training is touched,
//! and the time does not count to its speed.

use super::{Trainer, Wish};
use crate::eval::asked_ids;
use crate::generate::generate_many;
use crate::model::Model;
use crate::protocol::{Event, Phase, PromptAnswer, Sampling};
use crate::recipe::{Interval, Recipe, Stage};
use crate::tokenizer::TextTokenizer;
use crate::{Error, Result};

/// Rounds of answers in a run that says nothing of when.
const ROUNDS: usize = 10;

pub struct FixedPrompts {
    texts: Vec<String>,
    ids: Vec<Vec<u32>>,
    tokenizer: TextTokenizer,
    sampling: Sampling,
}

impl FixedPrompts {
    /// None where the recipe has no prompts, or what it trains writes no text.
    ///
    /// # Errors
    /// `BadRecipe` for a prompt that the template refuses or that leaves no room for an answer.
    pub fn new(recipe: &Recipe, tokenizer: TextTokenizer, model: &Model) -> Result<Option<Self>> {
        if recipe.sample_prompts.is_empty() || recipe.stage == Stage::Rm {
            return Ok(None);
        }
        let context = model.config.max_positions;
        let read = |(at, text): (usize, &String)| {
            let wrong = |reason: String| {
                Error::recipe("sample_prompts", format!("prompt {}: {reason}", at + 1), "shorten it, or remove it")
            };
            let ids = asked_ids(&tokenizer, text).map_err(|error| wrong(error.to_string()))?;
            if ids.len() >= context {
                return Err(wrong(format!("it has {} tokens, and the model's context {context}", ids.len())));
            }
            Ok(ids)
        };
        let ids = recipe.sample_prompts.iter().enumerate().map(read).collect::<Result<_>>()?;
        let sampling =
            Sampling { max_new_tokens: recipe.sample_max_new_tokens, temperature: 0.0, ..Sampling::default() };
        Ok(Some(Self { texts: recipe.sample_prompts.clone(), ids, tokenizer, sampling }))
    }
}

impl Trainer<'_> {
    pub(super) fn answers_due(&self) -> bool {
        let (step, total) = (self.state.step, self.plan.total_steps);
        let evaluates = self.recipe.eval_strategy != Interval::No && self.method.eval_rows() > 0;
        let due = match self.recipe.sample_steps {
            0 if evaluates => self.due(self.recipe.eval_strategy, self.eval_steps()),
            0 => step.is_multiple_of(total.div_ceil(ROUNDS).max(1)),
            every => step.is_multiple_of(every),
        };
        self.prompts.is_some() && (due || step == 0 || step == total) && self.state.prompts_answered != Some(step)
    }

    /// The last answers of a run that ends before its last step.
    pub(super) fn answer_at_the_end(&mut self) -> Result<()> {
        if self.state.prompts_answered == Some(self.state.step) { Ok(()) } else { self.answer_prompts() }
    }

    /// Answers every prompt with the weights as they are. A stop is heard at every token, and then nothing is told; a save
    /// waits for the answers, so that a run that goes on from it does not give them twice.
    pub(super) fn answer_prompts(&mut self) -> Result<()> {
        let Self { model, desk, id, prompts, .. } = self;
        let Some(prompts) = prompts else { return Ok(()) };
        let samplings = vec![prompts.sampling.clone(); prompts.ids.len()];
        let most = (prompts.ids.len() * prompts.sampling.max_new_tokens).max(1) as f32;
        let (mut save, mut stop, mut told) = (false, false, -1.0);
        let done = generate_many(model, &prompts.tokenizer, &prompts.ids, &samplings, &mut |new_tokens| {
            let fraction = new_tokens as f32 / most;
            if fraction - told >= 0.02 || told < 0.0 {
                told = fraction;
                desk.tell(Event::RunProgress { id: id.clone(), phase: Phase::Answering, fraction: Some(fraction) });
            }
            let wish = desk.wish();
            save |= wish == Wish::Save;
            stop |= wish == Wish::Stop;
            !stop
        })?;
        if stop {
            return Err(Error::Stopped);
        }
        let answers = prompts.texts.iter().zip(done).map(|(prompt, done)| PromptAnswer {
            prompt: prompt.clone(),
            answer: prompts.tokenizer.decode(&done.ids, true).trim().to_owned(),
        });
        let (step, answers) = (self.state.step, answers.collect());
        self.state.prompts_answered = Some(step);
        self.publish(Event::PromptsAnswered { id: self.id.clone(), step, answers })?;
        if save { self.save_if_possible() } else { Ok(()) }
    }
}
