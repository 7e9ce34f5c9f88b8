//! Rows as token ids and labels, by the rules of the reference ("Text to tokens" in its README).

use std::ops::Range;

use serde_json::{Map, Value};

use super::chat::{self, Rendered, Roles};
use super::sample::{Dialogue, Sample};
use super::turn::Turn;
use crate::error::Result;
use crate::protocol::ChatMessage;
use crate::recipe::{Recipe, Stage};
use crate::tokenizer::TextTokenizer;

/// Label of a token that is context only.
pub const IGNORED: i32 = -100;

/// A row ready for training.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// Its number in its file, from 1.
    pub row: usize,
    pub input_ids: Vec<u32>,
    /// As long as `input_ids` and not shifted: the id where the token is learned, else [`IGNORED`].
    pub labels: Vec<i32>,
}

impl Encoded {
    /// Tokens that are predicted and learned: the first token of a row is never predicted.
    pub fn learned_tokens(&self) -> usize {
        self.labels.iter().skip(1).filter(|label| **label != IGNORED).count()
    }
}

/// What shapes the rows besides the tokenizer: keys of the recipe.
#[derive(Debug, Clone)]
pub(super) struct EncodeOptions {
    pub cutoff_len: usize,
    pub train_on_prompt: bool,
    pub mask_history: bool,
    pub default_system: Option<String>,
    pub kwargs: Map<String, Value>,
}

impl EncodeOptions {
    pub(super) fn new(cutoff_len: usize, train_on_prompt: bool) -> Self {
        Self { cutoff_len, train_on_prompt, mask_history: false, default_system: None, kwargs: Map::new() }
    }
}

impl From<&Recipe> for EncodeOptions {
    fn from(recipe: &Recipe) -> Self {
        let mut kwargs = Map::new();
        // On is what every template takes as its default.
        if recipe.enable_thinking == Some(false) {
            kwargs.insert("enable_thinking".into(), Value::Bool(false));
        }
        Self {
            cutoff_len: recipe.cutoff_len,
            // A preference is one for an answer, so the prompt is never part of it.
            train_on_prompt: recipe.train_on_prompt && matches!(recipe.stage, Stage::Sft | Stage::Pt),
            mask_history: recipe.mask_history,
            default_system: recipe.default_system.clone().filter(|system| !system.is_empty()),
            kwargs,
        }
    }
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Coded {
    pub input_ids: Vec<u32>,
    pub labels: Vec<i32>,
    /// Tokens before the row was cut.
    pub full_len: usize,
    /// See [`Rendered::last_turn_only`].
    pub last_turn_only: bool,
    /// No special token ends the last answer: the model does not learn to stop.
    pub unclosed: bool,
    /// The template does not show the tools.
    pub tools_unseen: bool,
}

impl Coded {
    /// A row of which nothing is learned.
    pub(super) fn unlabelled(ids: Vec<u32>) -> Self {
        coded(ids, &[])
    }
}

pub(super) struct Encoder<'a> {
    tokenizer: &'a TextTokenizer,
    options: EncodeOptions,
    /// None: the tokenizer has no chat template.
    roles: Option<Roles>,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(tokenizer: &'a TextTokenizer, options: EncodeOptions) -> Self {
        let roles = tokenizer.has_template().then(|| Roles::probe(tokenizer));
        Self { tokenizer, options, roles }
    }

    pub(super) fn has_template(&self) -> bool {
        self.roles.is_some()
    }

    /// A row's ids and labels, cut to `cutoff_len`. Of a pair of answers, the better one.
    ///
    /// # Errors
    /// What is wrong with the row, for the person.
    pub(super) fn encode(&self, sample: &Sample) -> Result<Coded, String> {
        match sample {
            Sample::Text(text) => Ok(self.cut(self.text(text)?)),
            Sample::Sft(dialogue)
            | Sample::Preference { chosen: dialogue, .. }
            | Sample::Kto { answer: dialogue, .. } => self.encode_dialogue(dialogue),
            Sample::Prompt(dialogue) => {
                let mut coded = Coded::unlabelled(self.prompt(dialogue)?);
                coded.input_ids.truncate(self.options.cutoff_len);
                coded.labels.truncate(self.options.cutoff_len);
                Ok(coded)
            }
        }
    }

    /// Ids of a question, not cut: as generation would read it. Its answer, if it has one, is left out.
    ///
    /// # Errors
    /// What is wrong with the row, for the person.
    pub(super) fn prompt(&self, dialogue: &Dialogue) -> Result<Vec<u32>, String> {
        let ids = match dialogue {
            Dialogue::Plain { prompt, .. } => self.ids(prompt, true)?,
            Dialogue::Chat { turns, tools } => {
                let asked = turns.iter().rposition(|turn| turn.message.role != "assistant").map_or(0, |last| last + 1);
                let turns = self.with_system(&turns[..asked]);
                let Some(roles) = self.roles else {
                    let eos = self.tokenizer.eos_text().unwrap_or_default();
                    return self.ids(&chat::render_alpaca(&turns, eos).text, true);
                };
                let messages: Vec<ChatMessage> = roles.adapt(&turns).into_iter().map(|turn| turn.message).collect();
                let mut kwargs = self.options.kwargs.clone();
                kwargs.extend(tools.iter().map(|tools| ("tools".to_owned(), tools.clone())));
                let text = self.tokenizer.render(&messages, true, &kwargs).map_err(|error| error.to_string())?;
                self.ids(&text, false)?
            }
        };
        if ids.is_empty() { Err("no question: the prompt is empty".into()) } else { Ok(ids) }
    }

    /// The same for a question with one of its answers.
    ///
    /// # Errors
    /// What is wrong with the row, for the person.
    pub(super) fn encode_dialogue(&self, dialogue: &Dialogue) -> Result<Coded, String> {
        let coded = match dialogue {
            Dialogue::Plain { prompt, answer } => self.plain(prompt, answer)?,
            Dialogue::Chat { turns, tools } => self.chat(turns, tools.as_ref())?,
        };
        Ok(self.cut(coded))
    }

    fn cut(&self, mut coded: Coded) -> Coded {
        if self.options.train_on_prompt {
            coded.labels = coded.input_ids.iter().map(|id| *id as i32).collect();
        }
        coded.input_ids.truncate(self.options.cutoff_len);
        coded.labels.truncate(self.options.cutoff_len);
        coded
    }

    fn text(&self, text: &str) -> Result<Coded, String> {
        let ids = self.ids(&self.closed(text), true)?;
        let all = 0..ids.len();
        Ok(coded(ids, &[all]))
    }

    /// The answer begins where the ids of the prompt and of prompt and answer first differ.
    fn plain(&self, prompt: &str, answer: &str) -> Result<Coded, String> {
        let ids = self.ids(&format!("{prompt}{}", self.closed(answer)), true)?;
        let start = common_prefix(&self.ids(prompt, true)?, &ids);
        let answer = start..ids.len();
        Ok(coded(ids, &[answer]))
    }

    fn with_system(&self, turns: &[Turn]) -> Vec<Turn> {
        let mut turns = turns.to_vec();
        if let Some(system) = &self.options.default_system
            && turns.first().is_some_and(|turn| turn.message.role != "system")
        {
            let message = ChatMessage { role: "system".into(), content: system.clone() };
            turns.insert(0, Turn { message, learned: false });
        }
        turns
    }

    fn chat(&self, turns: &[Turn], tools: Option<&Value>) -> Result<Coded, String> {
        let mut turns = self.with_system(turns);
        if self.options.mask_history {
            let last = turns.len().saturating_sub(1);
            turns[..last].iter_mut().for_each(|turn| turn.learned = false);
        }
        let Some(roles) = self.roles else {
            let rendered = chat::render_alpaca(&turns, self.tokenizer.eos_text().unwrap_or_default());
            return self.rendered(&rendered, true);
        };
        let turns = roles.adapt(&turns);
        let mut kwargs = self.options.kwargs.clone();
        if let Some(tools) = tools {
            kwargs.insert("tools".into(), tools.clone());
        }
        let rendered = chat::render(self.tokenizer, &turns, &kwargs)?;
        let mut coded = self.rendered(&rendered, false)?;
        if tools.is_some() {
            kwargs.remove("tools");
            coded.tools_unseen =
                chat::render(self.tokenizer, &turns, &kwargs).is_ok_and(|bare| bare.text == rendered.text);
        }
        Ok(coded)
    }

    /// `additions`: what the tokenizer itself adds (BOS) is wanted; a chat template writes its own.
    fn rendered(&self, rendered: &Rendered, additions: bool) -> Result<Coded, String> {
        let (ids, mut ranges) = self.locate(&rendered.text, &rendered.answers, additions)?;
        let mut unclosed = false;
        for range in &mut ranges {
            // The line break behind an end-of-turn token belongs to the template, not to the answer.
            let blank = |id: &u32| !self.is_special(*id) && self.tokenizer.decode(&[*id], true).trim().is_empty();
            let words =
                ids[range.clone()].iter().rposition(|id| !blank(id)).map_or(range.start, |at| range.start + at + 1);
            let closed = words > range.start && self.is_special(ids[words - 1]);
            unclosed = !closed;
            if closed {
                range.end = words;
            }
        }
        let eos = self.tokenizer.eos_text().unwrap_or_default();
        unclosed &= eos.is_empty() || !rendered.text.trim_end().ends_with(eos);
        Ok(Coded { last_turn_only: rendered.last_turn_only, unclosed, ..coded(ids, &ranges) })
    }

    /// Ids of `text` and the index ranges of `spans` (byte ranges in order): a token across a span's beginning belongs
    /// to it, one across its end does not.
    fn locate(
        &self,
        text: &str,
        spans: &[Range<usize>],
        additions: bool,
    ) -> Result<(Vec<u32>, Vec<Range<usize>>), String> {
        let ids = self.ids(text, additions)?;
        // Usually the pieces can be encoded one by one, which is as long a way as the whole.
        let mut joined = Vec::with_capacity(ids.len());
        let mut ends = Vec::with_capacity(spans.len() * 2);
        let mut from = 0;
        for cut in spans.iter().flat_map(|span| [span.start, span.end]).chain([text.len()]) {
            let piece = text.get(from..cut).ok_or("an answer's place in the text is lost")?;
            if from == 0 && additions {
                joined.extend(self.ids(piece, true)?);
            } else if !piece.is_empty() {
                joined.extend(self.ids(piece, false)?);
            }
            ends.push(joined.len());
            from = cut;
        }
        if joined == ids {
            return Ok((ids, ends.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect()));
        }
        // Where a token would cross a border, the border is where the ids of the text so far stop agreeing.
        let border = |cut: usize| Ok::<_, String>(common_prefix(&self.ids(&text[..cut], additions)?, &ids));
        let mut ranges = Vec::with_capacity(spans.len());
        for span in spans {
            let start = border(span.start)?;
            let end = if span.end == text.len() { ids.len() } else { border(span.end)? };
            ranges.push(start..end.max(start));
        }
        Ok((ids, ranges))
    }

    fn closed(&self, text: &str) -> String {
        let eos = self.tokenizer.eos_text().unwrap_or_default();
        if text.ends_with(eos) { text.to_owned() } else { format!("{text}{eos}") }
    }

    fn ids(&self, text: &str, additions: bool) -> Result<Vec<u32>, String> {
        let ids = if additions { self.tokenizer.encode(text) } else { self.tokenizer.encode_bare(text) };
        ids.map_err(|error| error.to_string())
    }

    fn is_special(&self, id: u32) -> bool {
        self.tokenizer.decode(&[id], true).is_empty() && !self.tokenizer.decode(&[id], false).is_empty()
    }
}

fn coded(ids: Vec<u32>, learned: &[Range<usize>]) -> Coded {
    let mut labels = vec![IGNORED; ids.len()];
    for range in learned {
        labels[range.clone()].iter_mut().zip(&ids[range.clone()]).for_each(|(label, id)| *label = *id as i32);
    }
    let full_len = ids.len();
    Coded { input_ids: ids, labels, full_len, last_turn_only: false, unclosed: false, tools_unseen: false }
}

fn common_prefix(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
