//! Questions with answers from elsewhere, as training would read them.

use super::encode::{EncodeOptions, Encoded, Encoder};
use super::sample::Dialogue;
use super::turn::Turn;
use crate::protocol::ChatMessage;
use crate::tokenizer::TextTokenizer;
use crate::{Error, Result};

/// Each prompt with each of its answers: the prompt is context, the answer (with what ends it) is labelled. Cut to
/// `cutoff_len` tokens. Without a chat template in the layout of [`alpaca_layout`](super::alpaca_layout).
///
/// # Errors
/// `Refused` with the number of the prompt, from 1, and what is wrong with it.
pub(crate) fn answered(
    tokenizer: &TextTokenizer,
    rows: &[(Vec<ChatMessage>, Vec<String>)],
    cutoff_len: usize,
) -> Result<Vec<Vec<Encoded>>> {
    let encoder = Encoder::new(tokenizer, EncodeOptions::new(cutoff_len.max(1), false));
    let one = |row: usize, prompt: &[ChatMessage], answer: &String| {
        let context = prompt.iter().map(|message| Turn { message: message.clone(), learned: false });
        let message = ChatMessage { role: "assistant".into(), content: answer.clone() };
        let turns = context.chain([Turn { message, learned: true }]).collect();
        let coded = encoder
            .encode_dialogue(&Dialogue::Chat { turns, tools: None })
            .map_err(|reason| Error::Refused(format!("prompt {row}: {reason}")))?;
        Ok(Encoded { row, input_ids: coded.input_ids, labels: coded.labels })
    };
    let of_row = |(at, (prompt, answers)): (usize, &(Vec<ChatMessage>, Vec<String>))| {
        answers.iter().map(|answer| one(at + 1, prompt, answer)).collect()
    };
    rows.iter().enumerate().map(of_row).collect()
}
