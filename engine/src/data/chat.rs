//! A conversation as text, and which parts of that text are answers to learn.
//!
//! Chat templates do not say where an answer begins, so it is found by rendering prefixes: an answer begins where the
//! conversation before it, rendered with the generation prompt, ends (that is all the model sees when it has to answer),
//! and ends where the conversation up to it, rendered without, ends. A template that writes earlier turns differently
//! once more follow (Qwen3 drops their thoughts) breaks the second rule: then the last answer only is learned. One that
//! writes the question differently once it is answered (Mistral moves the system message to the last question) breaks
//! the first: then the text is the prompt as it is when the model has to answer, and the answer behind it.

use std::ops::Range;

use serde_json::{Map, Value};

use super::turn::Turn;
use crate::error::Result;
use crate::protocol::ChatMessage;
use crate::tokenizer::TextTokenizer;

/// Text of a whole conversation with the byte ranges of its answers, in order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rendered {
    pub text: String,
    pub answers: Vec<Range<usize>>,
    /// Earlier answers are context only, because the template rewrites them.
    pub last_turn_only: bool,
}

/// How a model's chat template takes to roles that not every template knows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Roles {
    pub system: bool,
    pub tool: bool,
}

impl Roles {
    /// Tries the template on a conversation with either role: it may raise, or leave the turn out.
    pub(super) fn probe(tokenizer: &TextTokenizer) -> Self {
        const MARK: &str = "luthier probe";
        let shows_mark = |roles: &[&str], marked: usize| {
            let content = |index| if index == marked { MARK } else { "text" };
            let message =
                |(index, role): (usize, &&str)| ChatMessage { role: (*role).into(), content: content(index).into() };
            let messages: Vec<ChatMessage> = roles.iter().enumerate().map(message).collect();
            tokenizer.render(&messages, false, &Map::new()).is_ok_and(|text| text.contains(MARK))
        };
        Self {
            system: shows_mark(&["system", "user"], 0),
            tool: shows_mark(&["user", "assistant", "tool", "assistant"], 2),
        }
    }

    /// The turns as this template can show them: a system message it does not know moves into the first question, a
    /// tool's answer is told by the user.
    pub(super) fn adapt(self, turns: &[Turn]) -> Vec<Turn> {
        let mut turns = turns.to_vec();
        if !self.tool {
            turns
                .iter_mut()
                .filter(|turn| turn.message.role == "tool")
                .for_each(|turn| turn.message.role = "user".into());
        }
        let has_system = turns.first().is_some_and(|turn| turn.message.role == "system");
        if !self.system && has_system && turns.get(1).is_some_and(|turn| turn.message.role == "user") {
            let system = turns.remove(0).message.content;
            turns[0].message.content = format!("{system}\n\n{}", turns[0].message.content);
        }
        turns
    }
}

/// Renders `turns`, which end with an answer to learn.
///
/// # Errors
/// What the template raises, or why the answer cannot be found; in words for the person.
pub(super) fn render(
    tokenizer: &TextTokenizer,
    turns: &[Turn],
    kwargs: &Map<String, Value>,
) -> Result<Rendered, String> {
    let messages: Vec<ChatMessage> = turns.iter().map(|turn| turn.message.clone()).collect();
    let shown = |count: usize, to_answer: bool| {
        tokenizer.render(&messages[..count], to_answer, kwargs).map_err(|error| error.to_string())
    };
    let Some(last) = messages.len().checked_sub(1) else { return Err("an empty conversation".into()) };
    let text = shown(messages.len(), false)?;
    // Where the answer of turn `index` begins; None: its question reads differently in the whole text.
    let begin = |index: usize| -> Result<Option<usize>, String> {
        if index == 0 {
            return Ok(Some(shown(0, true).map_or(0, |opening| common_prefix(&opening, &text))));
        }
        let asked = shown(index, true)?;
        if text.starts_with(&asked) {
            return Ok(Some(asked.len()));
        }
        // A generation prompt that begins the answer in other words than the template does afterwards (DeepSeek R1).
        Ok(text.starts_with(&shown(index, false)?).then(|| common_prefix(&asked, &text)))
    };
    let earlier = |index: usize| -> Option<Range<usize>> {
        let begin = begin(index).ok()??;
        let closed = shown(index + 1, false).ok()?;
        let end = common_prefix(&closed, &text);
        // Some templates close the whole text with more than the turn (Phi-3): the answer's words must be there.
        let is_same = end == closed.len() || text.get(begin..end)?.contains(messages[index].content.trim());
        (is_same && begin < end).then_some(begin..end)
    };
    let learned_before: Vec<usize> = (0..last).filter(|index| turns[*index].learned).collect();
    let answers: Option<Vec<Range<usize>>> = learned_before.iter().map(|index| earlier(*index)).collect();

    let Some(start) = begin(last)? else {
        let (text, start) = answer_behind_prompt(&shown(last, true)?, &text, &messages[last].content)?;
        let end = text.len();
        return Ok(Rendered { text, answers: vec![start..end], last_turn_only: !learned_before.is_empty() });
    };
    let last_turn_only = answers.is_none();
    let mut answers = answers.unwrap_or_default();
    answers.push(start..text.len());
    Ok(Rendered { text, answers, last_turn_only })
}

/// `asked` (all that the model sees when it has to answer) followed by the answer as `whole` has it. The seam is where
/// `whole` looks most like the end of `asked`, shortly before the answer's words.
fn answer_behind_prompt(asked: &str, whole: &str, content: &str) -> Result<(String, usize), String> {
    const SHORTEST_MATCH: usize = 4;
    const SEARCHED: usize = 256;
    let lost = || "the chat template renders the answer so that it cannot be told from the question".to_owned();
    let words = whole.rfind(content.trim()).ok_or_else(lost)?;
    let alike = |end: usize| whole[..end].bytes().rev().zip(asked.bytes().rev()).take_while(|(a, b)| a == b).count();
    let ends = (words.saturating_sub(SEARCHED)..=words).filter(|end| whole.is_char_boundary(*end));
    let (likeness, seam) = ends.map(|end| (alike(end), end)).max().ok_or_else(lost)?;
    if likeness < SHORTEST_MATCH {
        return Err(lost());
    }
    Ok((format!("{asked}{}", &whole[seam..]), asked.len()))
}

/// Length in bytes of what both begin with, at a character's boundary.
fn common_prefix(a: &str, b: &str) -> usize {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    (0..=same).rev().find(|end| b.is_char_boundary(*end)).unwrap_or(0)
}

const ALPACA_SYSTEM: &str =
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.";

/// The layout for models without a chat template, LLaMA-Factory's `alpaca`: a system line, then
/// `### Instruction:` and `### Response:` for every turn, each answer closed by `eos`. Ends after the last turn given:
/// after a question, that is where the model begins to answer.
pub fn alpaca_layout(messages: &[ChatMessage], eos: &str) -> String {
    let turns: Vec<Turn> = messages.iter().map(|message| Turn { message: message.clone(), learned: false }).collect();
    render_alpaca(&turns, eos).text
}

pub(super) fn render_alpaca(turns: &[Turn], eos: &str) -> Rendered {
    let (system, turns) = match turns.split_first() {
        Some((first, rest)) if first.message.role == "system" => (first.message.content.trim_end(), rest),
        _ => (ALPACA_SYSTEM, turns),
    };
    let mut text = format!("{system}\n\n");
    let mut answers = Vec::new();
    for (index, turn) in turns.iter().enumerate() {
        let content = &turn.message.content;
        if turn.message.role == "assistant" {
            let start = text.len();
            text.push_str(content);
            if !content.ends_with(eos) {
                text.push_str(eos);
            }
            if turn.learned {
                answers.push(start..text.len());
            }
            if index + 1 < turns.len() {
                text.push_str("\n\n");
            }
        } else {
            text.push_str(&format!("### Instruction:\n{content}\n\n### Response:\n"));
        }
    }
    Rendered { text, answers, last_turn_only: false }
}
