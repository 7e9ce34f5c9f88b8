//! Answers to fixed questions: nothing to compare them with but those of another model.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::generation::spoken;
use crate::generate::{generate, prompt_ids};
use crate::model::Model;
use crate::protocol::{ChatMessage, FinishReason, PromptText, Sampling};
use crate::tokenizer::TextTokenizer;
use crate::{Error, Result};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptReply {
    pub prompt: String,
    /// Without the model's thoughts.
    pub answer: String,
    /// Tokens that were generated.
    pub tokens: usize,
    /// It was cut at max_new_tokens.
    pub cut: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptsReport {
    /// In the order of the prompts.
    pub answers: Vec<PromptReply>,
    /// Prompts that fill the model's context; not answered.
    pub left_out: usize,
}

/// A question as it is put to the model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    text: String,
    ids: Vec<u32>,
}

/// # Errors
/// `Refused` where there is no prompt or one is empty; `Template`.
pub(super) fn read<'a>(prompts: impl Iterator<Item = &'a String>, tokenizer: &TextTokenizer) -> Result<Vec<Asked>> {
    let asked = prompts.map(|text| Ok(Asked { text: text.clone(), ids: asked_ids(tokenizer, text)? }));
    let asked = asked.collect::<Result<Vec<_>>>()?;
    if asked.is_empty() {
        return Err(Error::Refused("there is no prompt: write at least one".into()));
    }
    Ok(asked)
}

/// A question's ids: a turn of a conversation where the model has a chat template, else text to be continued.
///
/// # Errors
/// Those of [`prompt_ids`].
pub(crate) fn asked_ids(tokenizer: &TextTokenizer, text: &str) -> Result<Vec<u32>> {
    let text = match tokenizer.has_template() {
        true => PromptText::Chat(vec![ChatMessage { role: "user".into(), content: text.to_owned() }]),
        false => PromptText::Plain(text.to_owned()),
    };
    prompt_ids(tokenizer, &text)
}

pub(super) fn measure(
    model: &Model,
    tokenizer: &TextTokenizer,
    prompts: &[Asked],
    sampling: &Sampling,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<PromptsReport> {
    let (total, mut answers) = (prompts.len() as u64, Vec::with_capacity(prompts.len()));
    for (index, asked) in prompts.iter().enumerate() {
        if asked.ids.len() < model.config.max_positions {
            let mut go_on = || progress(index as u64, total).is_continue();
            let done = generate(model, tokenizer, &asked.ids, sampling, &mut |_| go_on())?;
            if done.reason == FinishReason::Cancelled {
                return Err(Error::Stopped);
            }
            answers.push(PromptReply {
                prompt: asked.text.clone(),
                answer: spoken(&tokenizer.decode(&done.ids, true)).to_owned(),
                tokens: done.ids.len(),
                cut: done.reason == FinishReason::LengthLimit,
            });
        }
        if progress(index as u64 + 1, total).is_break() {
            return Err(Error::Stopped);
        }
    }
    Ok(PromptsReport { left_out: prompts.len() - answers.len(), answers })
}
