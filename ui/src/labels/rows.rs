//! The tables: queues, items, answers, decisions.

use std::time::{SystemTime, UNIX_EPOCH};

use luthier_engine::feedback::{Answer, Judged, Verdict};
use luthier_engine::protocol::ChatMessage;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Connection, OptionalExtension, Result, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

use super::{Author, DecisionId, ItemId, QueueId, QueueSettings};

/// What a row of decisions is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Verdict,
    LastWord,
    Undo,
    Flag,
    Note,
    Import,
}

impl Kind {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Verdict, "verdict"),
        (Self::LastWord, "last_word"),
        (Self::Undo, "undo"),
        (Self::Flag, "flag"),
        (Self::Note, "note"),
        (Self::Import, "import"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("verdict", |(_, name)| name)
    }
}

impl FromSql for Kind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = value.as_str()?;
        Self::ALL.iter().find(|(_, called)| *called == name).map(|(kind, _)| *kind).ok_or(FromSqlError::InvalidType)
    }
}

/// A row on its way into the table of decisions.
pub(super) struct Entry<'a> {
    pub queue: QueueId,
    pub item: ItemId,
    pub pass: u32,
    pub annotator: &'a str,
    pub kind: Kind,
    pub made_unix_ms: u64,
    pub seconds: f64,
    pub verdict: String,
    pub counts: bool,
    pub tags: &'a [String],
    pub note: &'a str,
    /// [`Shown`] as JSON, or empty.
    pub shown: String,
    pub undoes: Option<DecisionId>,
}

impl<'a> Entry<'a> {
    /// Of now, about an item; nothing is said yet.
    pub fn about(kind: Kind, queue: QueueId, item: ItemId, annotator: &'a str) -> Self {
        Self {
            queue,
            item,
            pass: 0,
            annotator,
            kind,
            made_unix_ms: now(),
            seconds: 0.0,
            verdict: String::new(),
            counts: true,
            tags: &[],
            note: "",
            shown: String::new(),
            undoes: None,
        }
    }

    pub fn insert(&self, books: &Connection) -> Result<DecisionId> {
        let mut insert = books.prepare(
            "INSERT INTO decisions (queue, item, pass, annotator, kind, made_unix_ms, seconds, verdict, counts, tags,
             note, shown, undoes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?;
        let tags = json(&self.tags);
        // SQLite would make NULL of what is no number.
        let seconds = if self.seconds.is_finite() { self.seconds } else { 0.0 };
        insert.insert(params![
            self.queue,
            self.item,
            self.pass,
            self.annotator,
            self.kind.name(),
            self.made_unix_ms as i64,
            seconds,
            self.verdict,
            self.counts,
            tags,
            self.note,
            self.shown,
            self.undoes
        ])
    }
}

/// Exactly what was on the screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Shown {
    pub prompt: Vec<ChatMessage>,
    /// In the order of their places.
    pub answers: Vec<ShownAnswer>,
    /// Places from left to right, or from the top.
    pub order: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ShownAnswer {
    pub text: String,
    pub author: By,
}

/// Who wrote an answer, as far as it is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum By {
    Known(Author),
    Named(String),
}

impl Shown {
    pub fn new(prompt: &[ChatMessage], answers: &[Answer], order: &[usize], authors: &[Author]) -> Self {
        let by = |place: usize, name: &str| match authors.get(place) {
            Some(author) => By::Known(author.clone()),
            None => By::Named(name.to_owned()),
        };
        let shown = |(place, answer): (usize, &Answer)| ShownAnswer {
            text: answer.text.clone(),
            author: by(place, &answer.author),
        };
        Self {
            prompt: prompt.to_vec(),
            answers: answers.iter().enumerate().map(shown).collect(),
            order: order.to_vec(),
        }
    }

    /// The decision that was made about it.
    pub fn judged(self, verdict: Verdict) -> Judged {
        let name = |author| match author {
            By::Known(author) => author.name,
            By::Named(name) => name,
        };
        let answer = |shown: ShownAnswer| Answer { text: shown.text, author: name(shown.author) };
        Judged {
            prompt: self.prompt,
            answers: self.answers.into_iter().map(answer).collect(),
            verdict,
            shown: self.order,
            tags: Vec::new(),
            note: String::new(),
            annotator: String::new(),
            seconds: 0.0,
            judged_unix_ms: 0,
        }
    }
}

/// An item with its texts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Texts {
    pub position: usize,
    pub prompt: Vec<ChatMessage>,
    pub answers: Vec<Answer>,
    /// The latest, of anybody.
    pub note: String,
}

pub(super) fn texts(books: &Connection, queue: QueueId, item: ItemId) -> Result<Option<Texts>> {
    let mut find = books.prepare("SELECT position, prompt FROM items WHERE id = ?1 AND queue = ?2")?;
    let found =
        find.query_row([item, queue], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))).optional()?;
    let Some((position, prompt)) = found else { return Ok(None) };
    let note = note(books, queue, item)?;
    let answers = answers(books, item)?;
    Ok(Some(Texts { position: position.max(0) as usize, prompt: messages(&prompt), answers, note }))
}

fn answers(books: &Connection, item: ItemId) -> Result<Vec<Answer>> {
    let mut find = books.prepare("SELECT text, author FROM answers WHERE item = ?1 ORDER BY place")?;
    find.query_map([item], |row| Ok(Answer { text: row.get(0)?, author: row.get(1)? }))?.collect()
}

fn note(books: &Connection, queue: QueueId, item: ItemId) -> Result<String> {
    let mut find = books.prepare(
        "SELECT verdict FROM decisions WHERE id = (SELECT max(id) FROM decisions WHERE queue = ?1 AND item = ?2
         AND kind = 'note')",
    )?;
    Ok(find.query_row([queue, item], |row| row.get(0)).optional()?.unwrap_or_default())
}

/// The latest that this person has noted.
pub(super) fn note_of(books: &Connection, queue: QueueId, item: ItemId, annotator: &str) -> Result<String> {
    let mut find = books.prepare(
        "SELECT verdict FROM decisions WHERE id = (SELECT max(id) FROM decisions WHERE queue = ?1 AND item = ?2
         AND kind = 'note' AND annotator = ?3)",
    )?;
    Ok(find.query_row((queue, item, annotator), |row| row.get(0)).optional()?.unwrap_or_default())
}

/// The verdict of one row.
pub(super) fn verdict(books: &Connection, id: DecisionId) -> Result<Option<Verdict>> {
    let mut find = books.prepare("SELECT verdict FROM decisions WHERE id = ?1")?;
    let text = find.query_row([id], |row| row.get::<_, String>(0)).optional()?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// A prompt's text in the table as messages. What is none becomes one question.
pub(super) fn messages(text: &str) -> Vec<ChatMessage> {
    serde_json::from_str(text).unwrap_or_else(|_| vec![ChatMessage { role: "user".into(), content: text.to_owned() }])
}

pub(super) fn settings(books: &Connection, queue: QueueId) -> Result<Option<QueueSettings>> {
    let mut find = books.prepare("SELECT settings FROM queues WHERE id = ?1 AND whole")?;
    let text = find.query_row([queue], |row| row.get::<_, String>(0)).optional()?;
    Ok(text.map(|text| serde_json::from_str(&text).unwrap_or_default()))
}

/// A stable number of a prompt, the same for the same roles and contents: FNV-1a of 64 bits over each, a byte that no
/// UTF-8 text has between them. <http://www.isthe.com/chongo/tech/comp/fnv/>
pub(super) fn prompt_key(prompt: &[ChatMessage]) -> i64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for text in prompt.iter().flat_map(|message| [&message.role, &message.content]) {
        for byte in text.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash as i64
}

pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_millis() as u64)
}

pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    // None of the types here has keys that are no text, which is all that can fail.
    serde_json::to_string(value).unwrap_or_default()
}

/// Changes all or nothing; other windows wait.
pub(super) fn change<T>(books: &mut Connection, make: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
    let transaction = books.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let made = make(&transaction)?;
    transaction.commit()?;
    Ok(made)
}
