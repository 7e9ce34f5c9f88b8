//! A conversation: who speaks in its columns, what was asked, and every answer that was given.

use std::collections::BTreeMap;
use std::path::PathBuf;

use luthier_engine::protocol::{ChatMessage, PromptText, Sampling};
use serde::{Deserialize, Serialize};

use super::take::{Take, Takes};

/// Unique among all windows on one library.
pub type TalkId = i64;
pub type ColumnId = u32;

/// Side by side at most; the engine keeps as many models loaded (engine/src/worker/loaded.rs).
pub const MOST_COLUMNS: usize = 4;

/// A model that answers: a folder or GGUF file, and the adapter on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Speaker {
    pub model: PathBuf,
    pub adapter: Option<PathBuf>,
}

/// What a column is to the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Voice {
    /// The model as it was before training.
    Before,
    /// What a run has made of it.
    After,
    #[default]
    Chosen,
}

/// Settings of one column that differ from the conversation's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OwnSampling {
    pub temperature: f32,
    pub seed: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Column {
    pub id: ColumnId,
    pub voice: Voice,
    /// None: the model that is loaded when the first question is asked.
    pub speaker: Option<Speaker>,
    /// The run that made it.
    pub run: Option<String>,
    /// The run's name; empty: it is called after its files.
    pub name: String,
    pub own: Option<OwnSampling>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Turn {
    pub asked: String,
    /// Of columns that were taken away too: they come back with their answers.
    pub answers: BTreeMap<ColumnId, Takes>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conversation {
    pub id: TalkId,
    /// Empty: it is called by its first question.
    pub name: String,
    pub changed_unix_secs: u64,
    /// From left to right.
    pub columns: Vec<Column>,
    pub turns: Vec<Turn>,
    pub sampling: Sampling,
    pub system: String,
    /// Through the chat template, or continued as it stands.
    pub as_chat: bool,
    /// Whether answers come with the chances of their tokens.
    pub chances: bool,
    /// What is being typed.
    pub draft: String,
}

impl Default for Conversation {
    fn default() -> Self {
        Self {
            id: 0,
            name: String::new(),
            changed_unix_secs: 0,
            columns: vec![Column { voice: Voice::Before, ..Column::default() }],
            turns: Vec::new(),
            sampling: Sampling { max_new_tokens: 256, ..Sampling::default() },
            system: String::new(),
            as_chat: true,
            chances: false,
            draft: String::new(),
        }
    }
}

impl Conversation {
    /// Another one with the same columns and settings.
    pub(super) fn successor(&self, id: TalkId) -> Self {
        Self {
            id,
            name: String::new(),
            turns: Vec::new(),
            draft: String::new(),
            columns: self.columns.clone(),
            system: self.system.clone(),
            sampling: self.sampling.clone(),
            ..*self
        }
    }

    pub fn column(&self, id: ColumnId) -> Option<&Column> {
        self.columns.iter().find(|column| column.id == id)
    }

    pub fn column_mut(&mut self, id: ColumnId) -> Option<&mut Column> {
        self.columns.iter_mut().find(|column| column.id == id)
    }

    pub fn has_after(&self) -> bool {
        self.columns.iter().any(|column| column.voice == Voice::After)
    }

    /// Whether it is worth keeping.
    pub fn is_blank(&self) -> bool {
        self.turns.is_empty() && self.name.is_empty() && self.system.trim().is_empty()
    }

    /// As people know it; empty before the first question.
    pub fn title(&self) -> String {
        if !self.name.is_empty() {
            return self.name.clone();
        }
        let first = self.turns.first().map_or("", |turn| turn.asked.as_str());
        let line: String = first.split_whitespace().collect::<Vec<_>>().join(" ");
        line.chars().take(80).collect()
    }

    /// `sought` is in lower case.
    pub fn holds(&self, sought: &str) -> bool {
        let texts = self.turns.iter().flat_map(|turn| {
            let takes = turn.answers.values().flat_map(|takes| &takes.all).map(|take| take.text.as_str());
            takes.chain([turn.asked.as_str()])
        });
        [self.name.as_str(), self.system.as_str()]
            .into_iter()
            .chain(texts)
            .any(|text| text.to_lowercase().contains(sought))
    }

    pub fn takes(&self, turn: usize, column: ColumnId) -> Option<&Takes> {
        self.turns.get(turn)?.answers.get(&column)
    }

    pub(super) fn takes_mut(&mut self, turn: usize, column: ColumnId) -> Option<&mut Takes> {
        self.turns.get_mut(turn)?.answers.get_mut(&column)
    }

    pub fn sampling_of(&self, column: &Column) -> Sampling {
        let own =
            column.own.unwrap_or(OwnSampling { temperature: self.sampling.temperature, seed: self.sampling.seed });
        Sampling { temperature: own.temperature, seed: own.seed, ..self.sampling.clone() }
    }

    /// Puts a question to all columns that have somebody to answer; returns those.
    pub(super) fn ask(&mut self, text: &str) -> Vec<ColumnId> {
        self.turns.push(Turn { asked: text.to_owned(), ..Turn::default() });
        let turn = self.turns.len() - 1;
        let able = self.columns.iter().filter(|column| column.speaker.is_some()).map(|column| column.id);
        let able: Vec<ColumnId> = able.collect();
        able.iter().for_each(|column| self.again(turn, *column));
        able
    }

    /// A new version of an answer, still empty. With every version the seed moves on, or the same would be said again.
    pub(super) fn again(&mut self, turn: usize, column: ColumnId) {
        let Some(sampling) = self.column(column).map(|column| self.sampling_of(column)) else { return };
        let Some(turn) = self.turns.get_mut(turn) else { return };
        let takes = turn.answers.entry(column).or_default();
        let given = takes.all.iter().filter(|take| !take.edited && !take.is_blank()).count() as u64;
        let seed = sampling.seed.wrapping_add(given);
        takes.add(Take { sampling: Some(Sampling { seed, ..sampling }), ..Take::default() });
    }

    /// What a column is asked at a turn; `more`: its answer so far is gone on with.
    pub(super) fn prompt_text(&self, turn: usize, column: ColumnId, more: bool) -> PromptText {
        let so_far = || self.takes(turn, column).map_or("", Takes::said);
        if !self.as_chat {
            let asked = self.turns.get(turn).map_or("", |turn| turn.asked.as_str());
            let said = self.takes(turn, column).and_then(Takes::shown).filter(|_| more);
            return PromptText::Plain(format!("{asked}{}", said.map_or("", |take| take.text.as_str())));
        }
        let mut messages = self.messages(turn, column);
        if more {
            messages.push(message("assistant", so_far()));
        }
        PromptText::Chat(messages)
    }

    /// All that was said in a column up to a question, and the question.
    pub fn messages(&self, turn: usize, column: ColumnId) -> Vec<ChatMessage> {
        let mut messages = Vec::new();
        if !self.system.trim().is_empty() {
            messages.push(message("system", self.system.trim()));
        }
        for (at, earlier) in self.turns.iter().enumerate().take(turn + 1) {
            let said = earlier.answers.get(&column).map_or("", Takes::said);
            // An answer that failed is left out, together with its question.
            if at < turn && said.is_empty() {
                continue;
            }
            messages.push(message("user", &earlier.asked));
            if at < turn {
                messages.push(message("assistant", said));
            }
        }
        messages
    }

    /// Another column at the right; None where there are as many as can be.
    pub fn add_column(&mut self, column: Column) -> Option<ColumnId> {
        if self.columns.len() >= MOST_COLUMNS {
            return None;
        }
        let answered = self.turns.iter().flat_map(|turn| turn.answers.keys().copied());
        let id = self.columns.iter().map(|column| column.id).chain(answered).max().map_or(0, |id| id + 1);
        self.columns.push(Column { id, ..column });
        Some(id)
    }

    /// Another model in the place of a column; what the former one has said is not the new one's.
    pub fn replace_column(&mut self, id: ColumnId, column: Column) {
        let Some(at) = self.columns.iter().position(|column| column.id == id) else { return };
        let old = self.columns.remove(at);
        match self.add_column(column) {
            Some(_) => self.columns[at..].rotate_right(1),
            None => self.columns.insert(at, old),
        }
    }

    pub fn remove_column(&mut self, id: ColumnId) {
        if self.columns.len() > 1 {
            self.columns.retain(|column| column.id != id);
        }
    }

    pub fn move_column(&mut self, id: ColumnId, by: isize) {
        let Some(at) = self.columns.iter().position(|column| column.id == id) else { return };
        if let Some(to) = at.checked_add_signed(by).filter(|to| *to < self.columns.len()) {
            self.columns.swap(at, to);
        }
    }

    /// The person's own words in the place of an answer; the model's stay as a version.
    pub(super) fn edit_answer(&mut self, turn: usize, column: ColumnId, text: &str) {
        let Some(takes) = self.takes_mut(turn, column) else { return };
        takes.add(Take { text: text.to_owned(), edited: true, ..Take::default() });
    }
}

fn message(role: &str, content: &str) -> ChatMessage {
    ChatMessage { role: role.to_owned(), content: content.to_owned() }
}
