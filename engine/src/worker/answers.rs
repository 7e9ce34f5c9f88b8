//! Answers beside a person's work: sampled ahead for the labelling bench, and scored. A question from Try is answered in
//! between; a run or an evaluation that waits ends them.

use std::sync::Arc;

use super::loaded::{self, Loaded};
use super::{WorkerDesk, guarded};
use crate::data::{self, Encoded};
use crate::eval::token_nll;
use crate::files::WeightFiles;
use crate::generate;
use crate::model::{Model, SCORE};
use crate::protocol::{Command, Event, FinishReason, PromptText, RequestId, SampleBatch, SampledAnswer, ScoreBatch};
use crate::tokenizer::TextTokenizer;
use crate::trainer::{Layout, ScoreHead, Sequence};
use crate::{Error, Result};

/// Answers to all prompts of the batch, in their order. A model without a chat template continues a conversation in the
/// layout that training gives it.
///
/// # Errors
/// Those of loading and of [`generate::generate_many`]; `Stopped` after a cancel, and where it gave way.
pub(super) fn sample(
    loaded: &mut Vec<Loaded>,
    request: RequestId,
    batch: &SampleBatch,
    desk: &mut WorkerDesk,
) -> Result<Vec<SampledAnswer>> {
    let place = (batch.model.as_path(), batch.device.as_str());
    let (model, tokenizer) = loaded::borrow(loaded, place, batch.adapter.as_deref(), request, desk)?;
    let numbered = |(at, (text, _)): (usize, &(PromptText, _))| {
        ids(&tokenizer, text).map_err(|error| Error::Refused(format!("prompt {}: {error}", at + 1)))
    };
    let prompts = batch.asked.iter().enumerate().map(numbered).collect::<Result<Vec<_>>>()?;
    let samplings: Vec<_> = batch.asked.iter().map(|(_, sampling)| sampling.clone()).collect();
    let mut go_on = Ok(());
    let answers = generate::generate_many(&model, &tokenizer, &prompts, &samplings, &mut |_| {
        go_on = between(loaded, request, desk);
        go_on.is_ok()
    })?;
    go_on?;
    let answer = |done: generate::Generated| SampledAnswer {
        text: tokenizer.decode(&done.ids, true),
        new_tokens: done.ids.len(),
        reason: done.reason,
    };
    let answers: Vec<SampledAnswer> = answers.into_iter().map(answer).collect();
    match answers.iter().any(|answer| answer.reason == FinishReason::Cancelled) {
        true => Err(Error::Stopped),
        false => Ok(answers),
    }
}

fn ids(tokenizer: &TextTokenizer, text: &PromptText) -> Result<Vec<u32>> {
    match text {
        PromptText::Chat(messages) if !tokenizer.has_template() => {
            let text = data::alpaca_layout(messages, tokenizer.eos_text().unwrap_or_default());
            generate::prompt_ids(tokenizer, &PromptText::Plain(text))
        }
        _ => generate::prompt_ids(tokenizer, text),
    }
}

/// Between two tokens or two rows: answers a question that has come from Try.
///
/// # Errors
/// `Stopped` after a cancel, and where a run or an evaluation waits.
fn between(loaded: &mut Vec<Loaded>, request: RequestId, desk: &mut WorkerDesk) -> Result<()> {
    loop {
        if desk.cancelled(request) {
            return Err(Error::Stopped);
        }
        let of_person = |command: &Command| matches!(command, Command::StartRun { .. } | Command::Evaluate { .. });
        if desk.waiting.iter().any(of_person) {
            return Err(Error::Stopped);
        }
        let asked = desk.waiting.iter().position(|command| matches!(command, Command::Generate { .. }));
        let Some(Command::Generate { request: question, prompt }) = asked.and_then(|at| desk.waiting.remove(at)) else {
            return Ok(());
        };
        desk.serving.push(question);
        if let Err(error) = guarded(|| loaded::answer(loaded, question, &prompt, desk)) {
            desk.out.tell(Event::CommandFailed { request: Some(question), problem: (&error).into() });
        }
        desk.serving.pop();
    }
}

/// Who says how good an answer is.
enum Judge {
    /// By its score head.
    Reward(Model),
    /// By how much more likely the answer is with the adapter than without.
    Implicit { tuned: Model, base: Model },
    /// By the mean log-probability of its tokens, in nats.
    Likelihood(Model),
}

impl Judge {
    fn new(model: Model) -> Result<Self> {
        if model.learned_name(SCORE) != SCORE {
            return Ok(Self::Reward(model));
        }
        if model.adapter.as_ref().is_some_and(|adapter| adapter.enabled) {
            let mut base = model.clone();
            base.drop_adapter();
            return Ok(Self::Implicit { tuned: model, base });
        }
        if WeightFiles::open(&model.source)?.contains(SCORE) {
            let mut model = model;
            model.add_score_head(0)?; // its files have one: nothing is drawn
            return Ok(Self::Reward(model));
        }
        Ok(Self::Likelihood(model))
    }

    fn score(&self, row: &Encoded) -> Result<f32> {
        let log_p = |model: &Model| token_nll(model, std::slice::from_ref(row)).map(|nll| (-nll.sum, nll.count));
        let (model, score) = match self {
            Self::Reward(model) => {
                let layout = Layout::new(model, &[Sequence::from(row)]);
                let x = model.hidden(&layout.ids, &layout.lengths);
                let nothing = Default::default();
                (model, ScoreHead { model, learning: &nothing }.read(&x, &layout.ends)?[0])
            }
            Self::Implicit { tuned, base } => (tuned, (log_p(tuned)?.0 - log_p(base)?.0) as f32),
            Self::Likelihood(model) => {
                let (sum, count) = log_p(model)?;
                (model, (sum / count.max(1) as f64) as f32)
            }
        };
        match score.is_finite() {
            true => Ok(score),
            false => Err(Error::model(&model.source, "scores", format!("an answer's score is {score}"))),
        }
    }
}

/// A score for each answer of each row, as [`ScoreBatch`] says.
///
/// # Errors
/// Those of loading and reading; `Refused` for a prompt that the chat template refuses; `Stopped` after a cancel, and
/// where it gave way.
pub(super) fn score(
    loaded: &mut Vec<Loaded>,
    request: RequestId,
    batch: &ScoreBatch,
    desk: &mut WorkerDesk,
) -> Result<Vec<Vec<f32>>> {
    let place = (batch.model.as_path(), batch.device.as_str());
    let (model, tokenizer): (Model, Arc<TextTokenizer>) =
        loaded::borrow(loaded, place, batch.adapter.as_deref(), request, desk)?;
    let most = batch.cutoff_len.min(model.config.max_positions);
    let rows = data::answered(&tokenizer, &batch.rows, most)?;
    let judge = Judge::new(model)?;
    let mut scores = Vec::with_capacity(rows.len());
    for answers in &rows {
        let mut of_row = Vec::with_capacity(answers.len());
        for answer in answers {
            between(loaded, request, desk)?;
            of_row.push(judge.score(answer)?);
        }
        scores.push(of_row);
    }
    Ok(scores)
}
