//! Rows as the model will see them: what is learned, what is only read, and where the tokens end.

use serde::{Deserialize, Serialize};

use super::encode::{Coded, Encoder, IGNORED};
use super::mapping::Mapping;
use super::read::Table;
use super::sample::{Dialogue, Sample};
use crate::tokenizer::TextTokenizer;

/// Longest text of a preview segment, in characters.
const SHOWN_CHARACTERS: usize = 20_000;
/// Longest text of a cell, in characters.
const CELL_CHARACTERS: usize = 240;

/// A row as the model will see it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PreviewRow {
    /// From 1.
    pub row: usize,
    pub segments: Vec<Segment>,
    /// The worse answer of a pair, with its question.
    pub rejected: Vec<Segment>,
    /// KTO: whether the answer is liked.
    pub liked: Option<bool>,
    /// After the cut; None without a tokenizer.
    pub tokens: Option<usize>,
    /// Why the row cannot be used.
    pub problem: Option<String>,
    /// The beginnings, without the chat template: of the last question, the (better) answer, and the worse one. Of
    /// plain text the answer is the text.
    #[serde(default)]
    pub question: String,
    #[serde(default)]
    pub answer: String,
    #[serde(default)]
    pub worse_answer: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    pub text: String,
    /// Learned, not only read.
    pub learned: bool,
    /// Bytes of `text` that each of its tokens ends, in order: 0 for a token that is only a part of a character. Empty
    /// where they are not known, as without a tokenizer.
    #[serde(default)]
    pub tokens: Vec<u32>,
}

/// Shows rows of one table.
pub(super) struct Previewer<'a> {
    pub table: &'a Table,
    pub mapping: &'a Mapping,
    pub encoder: Option<(&'a Encoder<'a>, &'a TextTokenizer)>,
}

impl Previewer<'_> {
    /// `index` counts from 0 and lies within the table.
    pub(super) fn row(&self, index: usize) -> PreviewRow {
        let mut shown = PreviewRow { row: index + 1, ..PreviewRow::default() };
        let sample = match Sample::read(&self.table.rows[index].fields, self.mapping) {
            Ok(sample) => sample,
            Err(reason) => {
                // What there is of it says more than the reason alone.
                if let Ok(Sample::Prompt(question)) = Sample::question(&self.table.rows[index].fields, self.mapping) {
                    shown.question = question_of(&question);
                }
                return PreviewRow { problem: Some(reason), ..shown };
            }
        };
        match &sample {
            Sample::Text(text) => shown.answer = cell(text),
            Sample::Sft(dialogue) | Sample::Kto { answer: dialogue, .. } => {
                (shown.question, shown.answer) = (question_of(dialogue), answer_of(dialogue));
            }
            Sample::Prompt(dialogue) => shown.question = question_of(dialogue),
            Sample::Preference { chosen, rejected } => {
                (shown.question, shown.answer) = (question_of(chosen), answer_of(chosen));
                shown.worse_answer = answer_of(rejected);
            }
        }
        if let Sample::Kto { liked, .. } = &sample {
            shown.liked = Some(*liked);
        }
        let Some((encoder, tokenizer)) = self.encoder else {
            (shown.segments, shown.rejected) = plain(&sample);
            return shown;
        };
        match encoder.encode(&sample) {
            Ok(coded) => {
                shown.tokens = Some(coded.input_ids.len());
                shown.segments = self.runs(tokenizer, &coded);
                if let Sample::Preference { rejected, .. } = &sample
                    && let Ok(coded) = encoder.encode_dialogue(rejected)
                {
                    shown.rejected = self.runs(tokenizer, &coded);
                }
            }
            Err(reason) => shown.problem = Some(reason),
        }
        shown
    }

    /// Tokens as text again, learned and read ones apart.
    fn runs(&self, tokenizer: &TextTokenizer, coded: &Coded) -> Vec<Segment> {
        let mut segments: Vec<Segment> = Vec::new();
        let mut start = 0;
        let mut shown = String::new();
        let mut stream = tokenizer.stream(false);
        for part in coded.labels.chunk_by(|a, b| (*a == IGNORED) == (*b == IGNORED)) {
            let end = start + part.len();
            // Some tokenizers drop a text's first blank: a run is what the text so far has more than the text before it.
            let so_far = tokenizer.decode(&coded.input_ids[..end], false);
            let text = match so_far.strip_prefix(&shown) {
                Some(text) => text.to_owned(),
                None => tokenizer.decode(&coded.input_ids[start..end], false),
            };
            let length = |id: &u32| stream.push(*id).map_or(0, |text| text.len() as u32);
            let mut tokens: Vec<u32> = coded.input_ids[start..end].iter().map(length).collect();
            // A tokenizer that writes a token differently by itself has no edges to show.
            let told: usize = tokens.iter().map(|length| *length as usize).sum();
            if told != text.len() && told != text.trim_end_matches('\u{fffd}').len() {
                tokens.clear();
            }
            segments.push(Segment { tokens, ..segment(text, part[0] != IGNORED) });
            (start, shown) = (end, so_far);
        }
        // The cut may go through a character.
        if coded.full_len > coded.input_ids.len()
            && let Some(last) = segments.last_mut()
        {
            last.text.truncate(last.text.trim_end_matches('\u{fffd}').len());
        }
        segments
    }
}

fn segment(mut text: String, learned: bool) -> Segment {
    if let Some((end, _)) = text.char_indices().nth(SHOWN_CHARACTERS) {
        text.truncate(end);
        text.push_str(" ...");
    }
    Segment { text, learned, tokens: Vec::new() }
}

fn plain(sample: &Sample) -> (Vec<Segment>, Vec<Segment>) {
    match sample {
        Sample::Text(text) => (vec![segment(text.clone(), true)], vec![]),
        Sample::Sft(dialogue) | Sample::Kto { answer: dialogue, .. } | Sample::Prompt(dialogue) => {
            (plain_segments(dialogue), vec![])
        }
        Sample::Preference { chosen, rejected } => (plain_segments(chosen), plain_segments(rejected)),
    }
}

/// Without a tokenizer: the texts, each turn under its speaker's name.
fn plain_segments(dialogue: &Dialogue) -> Vec<Segment> {
    match dialogue {
        Dialogue::Plain { prompt, answer } => {
            let answer = (!answer.is_empty()).then(|| segment(answer.clone(), true));
            [segment(prompt.clone(), false)].into_iter().chain(answer).collect()
        }
        Dialogue::Chat { turns, .. } => {
            let mut segments: Vec<Segment> = Vec::new();
            for (index, turn) in turns.iter().enumerate() {
                let gap = if index == 0 { "" } else { "\n\n" };
                segments.push(segment(format!("{gap}{}: ", turn.message.role), false));
                segments.push(segment(turn.message.content.clone(), turn.learned));
            }
            segments
        }
    }
}

fn cell(text: &str) -> String {
    text.trim().chars().take(CELL_CHARACTERS).collect()
}

/// The last thing that was asked.
fn question_of(dialogue: &Dialogue) -> String {
    match dialogue {
        Dialogue::Plain { prompt, .. } => cell(prompt),
        Dialogue::Chat { turns, .. } => {
            let asked = turns.iter().rfind(|turn| turn.message.role != "assistant");
            asked.map(|turn| cell(&turn.message.content)).unwrap_or_default()
        }
    }
}

fn answer_of(dialogue: &Dialogue) -> String {
    match dialogue {
        Dialogue::Plain { answer, .. } => cell(answer),
        Dialogue::Chat { turns, .. } => match turns.last() {
            Some(turn) if turn.message.role == "assistant" => cell(&turn.message.content),
            _ => String::new(),
        },
    }
}
