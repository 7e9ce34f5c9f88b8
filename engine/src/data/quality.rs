//! What a person may want to look at before learning from a file: rows that repeat others, answers with next to nothing
//! in them, rows that the limit cuts, and the languages of the answers.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::language::{LanguageShare, language};
use super::mapping::Mapping;
use super::read::Table;
use super::sample::{Dialogue, Sample};

/// Rows of a kind that are listed: 400 kB a list at most.
const LISTED: usize = 100_000;
/// Answers whose language is looked at.
const LANGUAGES_OF: usize = 1_500;
/// Letters and digits of which an answer needs more than these few; a Chinese character counts twice.
const NEAR_EMPTY: usize = 2;

/// All rows count from 0, as `ReadRows` takes them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Rows that cannot be used.
    pub unusable: RowList,
    /// Rows that say word for word what an earlier one says.
    pub duplicates: RowList,
    /// The first row that says the same, for each in `duplicates`.
    pub duplicate_of: Vec<u32>,
    /// Rows that ask what an earlier one asks and answer it otherwise.
    pub asked_again: RowList,
    /// Rows whose answer (or text) has at most two letters or digits.
    pub near_empty: RowList,
    /// What `cutoff_len` does; None without a tokenizer.
    pub cut: Option<Cut>,
    /// The languages of the answers, most frequent first.
    pub languages: Vec<LanguageShare>,
    /// Rows whose language was looked at, spread over the file.
    pub languages_of: usize,
    /// Lengths in tokens of the rows that were tokenised, in order: `TokenStats::sampled` of them.
    pub lengths: Vec<u32>,
}

/// How many rows, and which: the first 100,000 of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowList {
    pub count: usize,
    pub list: Vec<u32>,
}

impl RowList {
    pub(super) fn add(&mut self, index: usize) {
        self.count += 1;
        if self.list.len() < LISTED {
            self.list.push(index as u32);
        }
    }

    /// Whether `index` is listed; the lists are in order.
    pub fn has(&self, index: usize) -> bool {
        u32::try_from(index).is_ok_and(|index| self.list.binary_search(&index).is_ok())
    }
}

/// Rows longer than `cutoff_len`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// All rows were counted; else the counts are what the sample lets expect, and the lists are the sample's.
    pub exact: bool,
    pub cut: RowList,
    /// Those of which nothing of an answer is left.
    pub lost: RowList,
}

/// What is remembered of a row that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    /// Of all that is said in it, and of its question; 0: it has none.
    whole: u64,
    question: u64,
    near_empty: bool,
    /// Of the texts, without a chat template: a token has a byte at least. Of a pair, of the longer side.
    pub bytes: u32,
    pub turns: u32,
}

impl Facts {
    pub(super) fn of(sample: &Sample) -> Self {
        let mut whole = DefaultHasher::new();
        let mut facts = Self { whole: 0, question: 0, near_empty: false, bytes: 0, turns: 2 };
        match sample {
            Sample::Text(text) => {
                text.hash(&mut whole);
                (facts.near_empty, facts.bytes) = (is_near_empty(text), text.len() as u32);
            }
            Sample::Sft(dialogue) => facts.read(dialogue, &mut whole),
            Sample::Kto { answer, liked } => {
                facts.read(answer, &mut whole);
                liked.hash(&mut whole);
            }
            Sample::Prompt(dialogue) => {
                facts.read(dialogue, &mut whole);
                (facts.question, facts.near_empty) = (0, is_near_empty(last_words(dialogue)));
            }
            Sample::Preference { chosen, rejected } => {
                facts.read(rejected, &mut whole);
                let worse = facts;
                facts.read(chosen, &mut whole);
                facts.near_empty |= worse.near_empty;
                (facts.bytes, facts.turns) = (facts.bytes.max(worse.bytes), facts.turns.max(worse.turns));
            }
        }
        facts.whole = whole.finish();
        facts
    }

    /// Takes a dialogue in, and puts it into `whole`.
    fn read(&mut self, dialogue: &Dialogue, whole: &mut DefaultHasher) {
        let mut question = DefaultHasher::new();
        match dialogue {
            Dialogue::Plain { prompt, answer } => {
                prompt.hash(&mut question);
                answer.hash(whole);
                (self.bytes, self.turns) = ((prompt.len() + answer.len()) as u32, 2);
            }
            Dialogue::Chat { turns, tools } => {
                let (last, before) = match turns.split_last() {
                    Some((last, before)) if last.message.role == "assistant" => (Some(last), before),
                    _ => (None, turns.as_slice()),
                };
                before.iter().for_each(|turn| (&turn.message.role, &turn.message.content).hash(&mut question));
                last.iter().for_each(|turn| turn.message.content.hash(whole));
                let tools = tools.as_ref().map(ToString::to_string).unwrap_or_default();
                tools.hash(&mut question);
                let words: usize = turns.iter().map(|turn| turn.message.content.len()).sum();
                (self.bytes, self.turns) = ((words + tools.len()) as u32, turns.len() as u32);
            }
        }
        let question = question.finish();
        question.hash(whole);
        self.question =
            if matches!(dialogue, Dialogue::Plain { prompt, .. } if prompt.is_empty()) { 0 } else { question };
        self.near_empty = is_near_empty(last_words(dialogue));
    }
}

fn last_words(dialogue: &Dialogue) -> &str {
    match dialogue {
        Dialogue::Plain { prompt, answer } if answer.is_empty() => prompt,
        Dialogue::Plain { answer, .. } => answer,
        Dialogue::Chat { turns, .. } => turns.last().map_or("", |turn| turn.message.content.as_str()),
    }
}

fn is_near_empty(text: &str) -> bool {
    let weight = |c: char| if c >= '\u{2E80}' { 2 } else { 1 };
    let mut sum = 0;
    text.chars().filter(|c| c.is_alphanumeric()).all(|c| {
        sum += weight(c);
        sum <= NEAR_EMPTY
    })
}

/// Passes a hash on: it is one already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

type First = HashMap<u64, u32, BuildHasherDefault<AsItIs>>;

/// What the rows' facts say of the file; a row without facts cannot be used.
pub(super) fn quality(rows: &[Option<Facts>]) -> Quality {
    let mut quality = Quality::default();
    let mut said = First::with_capacity_and_hasher(rows.len(), Default::default());
    let mut asked = First::with_capacity_and_hasher(rows.len(), Default::default());
    for (index, row) in rows.iter().enumerate() {
        let Some(facts) = row else {
            quality.unusable.add(index);
            continue;
        };
        let first = *said.entry(facts.whole).or_insert(index as u32);
        let is_new = first as usize == index;
        if !is_new {
            quality.duplicates.add(index);
            if quality.duplicate_of.len() < quality.duplicates.list.len() {
                quality.duplicate_of.push(first);
            }
        }
        if facts.question != 0 {
            let before = *asked.entry(facts.question).or_insert(index as u32);
            if is_new && before as usize != index {
                quality.asked_again.add(index);
            }
        }
        if facts.near_empty {
            quality.near_empty.add(index);
        }
    }
    quality
}

/// The languages of the answers (of questions and texts, where that is all there is) of rows spread over the table.
pub(super) fn languages(table: &Table, mapping: &Mapping) -> (Vec<LanguageShare>, usize) {
    let step = table.rows.len().div_ceil(LANGUAGES_OF).max(1);
    let indices: Vec<usize> = (0..table.rows.len()).step_by(step).collect();
    let told: Vec<(u32, &'static str)> = indices
        .par_iter()
        .filter_map(|index| {
            let sample = Sample::read(&table.rows[*index].fields, mapping).ok()?;
            let text = match &sample {
                Sample::Text(text) => text,
                Sample::Sft(dialogue)
                | Sample::Prompt(dialogue)
                | Sample::Kto { answer: dialogue, .. }
                | Sample::Preference { chosen: dialogue, .. } => last_words(dialogue),
            };
            Some((*index as u32, language(text)))
        })
        .collect();
    let mut shares: Vec<LanguageShare> = Vec::new();
    for (index, language) in &told {
        match shares.iter_mut().find(|share| share.language == *language) {
            Some(share) => share.rows.push(*index),
            None => shares.push(LanguageShare { language: (*language).into(), rows: vec![*index] }),
        }
    }
    shares.sort_by_key(|share| std::cmp::Reverse(share.rows.len()));
    (shares, told.len())
}
