//! New queues, filled step by step, so that nobody waits long for the file.

use luthier_engine::feedback::{Answer, Mode, Verdict};
use rusqlite::{Connection, Result, Statement, Transaction, params};

use super::rows::{self, By, Entry, Kind, Shown, ShownAnswer};
use super::{Draft, NewItem, QueueId, QueueSettings};

/// Of one transaction: items, and bytes of text.
const STEP_ITEMS: usize = 500;
const STEP_BYTES: usize = 4 << 20;

/// A queue on its way into the file. It is listed when all of it is there.
pub(super) struct Making {
    draft: Draft,
    queue: Option<QueueId>,
    /// Items that are there.
    done: usize,
    /// How often it may still run into a busy file.
    tries: usize,
}

impl Making {
    pub fn new(draft: Draft) -> Self {
        Self { draft, queue: None, done: 0, tries: 3 }
    }

    /// A step came to nothing. False: it is given up.
    pub fn tries_again(&mut self) -> bool {
        self.tries = self.tries.saturating_sub(1);
        self.tries > 0
    }

    /// Writes some more. Returns the queue when it is whole.
    pub fn step(&mut self, books: &mut Connection) -> Result<Option<QueueId>> {
        let (draft, began, done) = (&self.draft, self.queue, self.done);
        let (queue, done, whole) = rows::change(books, |books| {
            let queue = match began {
                Some(queue) => queue,
                None => begin(books, draft)?,
            };
            let mut tables = Tables::new(books)?;
            let (mut at, mut bytes) = (done, 0);
            while let Some(item) = draft.items.get(at) {
                if at >= done + STEP_ITEMS || bytes > STEP_BYTES {
                    break;
                }
                bytes += tables.insert(queue, at, item, &draft.settings)?;
                at += 1;
            }
            let whole = at == draft.items.len();
            if whole {
                books.execute("UPDATE queues SET whole = 1 WHERE id = ?1", [queue])?;
            }
            Ok((queue, at, whole))
        })?;
        (self.queue, self.done) = (Some(queue), done);
        Ok(whole.then_some(queue))
    }
}

/// Makes a whole queue.
pub(super) fn make(books: &mut Connection, draft: Draft) -> Result<QueueId> {
    let mut making = Making::new(draft);
    loop {
        if let Some(queue) = making.step(books)? {
            return Ok(queue);
        }
    }
}

/// Adds items at the end of a queue, all or none. False where there is no such queue.
pub(super) fn add(books: &mut Connection, queue: QueueId, items: &[NewItem]) -> Result<bool> {
    rows::change(books, |books| {
        let Some(settings) = rows::settings(books, queue)? else { return Ok(false) };
        let next = "SELECT COALESCE(MAX(position), -1) + 1 FROM items WHERE queue = ?1";
        let next: i64 = books.query_row(next, [queue], |row| row.get(0))?;
        let mut tables = Tables::new(books)?;
        for (at, item) in items.iter().enumerate() {
            tables.insert(queue, next as usize + at, item, &settings)?;
        }
        Ok(true)
    })
}

fn begin(books: &Transaction<'_>, draft: &Draft) -> Result<QueueId> {
    books.prepare("INSERT INTO queues (made_unix_ms, name, settings, parent) VALUES (?1, ?2, ?3, ?4)")?.insert(params![
        rows::now() as i64,
        draft.name,
        rows::json(&draft.settings),
        draft.parent
    ])
}

/// Statements that are carried out for every item.
struct Tables<'a> {
    books: &'a Connection,
    items: Statement<'a>,
    answers: Statement<'a>,
}

impl<'a> Tables<'a> {
    fn new(books: &'a Connection) -> Result<Self> {
        let items = books.prepare(
            "INSERT INTO items (queue, position, prompt, prompt_key, row, answered) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let answers = books
            .prepare("INSERT INTO answers (item, place, text, author, made_unix_ms) VALUES (?1, ?2, ?3, ?4, ?5)")?;
        Ok(Self { books, items, answers })
    }

    /// Returns about how many bytes it wrote.
    fn insert(&mut self, queue: QueueId, at: usize, new: &NewItem, settings: &QueueSettings) -> Result<usize> {
        let prompt = rows::json(&new.prompt);
        let answered = new.answers.len() >= answers_wanted(settings);
        let (key, row) = (rows::prompt_key(&new.prompt), new.row.map(|row| row as i64));
        let item = self.items.insert(params![queue, at as i64, prompt, key, row, answered])?;
        let mut bytes = prompt.len();
        for (place, text) in new.answers.iter().enumerate() {
            let told = new.judged.first().and_then(|judged| judged.answers.get(place));
            let author = match (settings.authors.get(place), told) {
                (Some(author), _) => &author.name,
                (None, Some(answer)) if !answer.author.is_empty() => &answer.author,
                _ => &settings.source,
            };
            self.answers.execute(params![item, place as i64, text, author, rows::now() as i64])?;
            bytes += text.len();
        }
        for judged in &new.judged {
            let answer = |(place, answer): (usize, &Answer)| ShownAnswer {
                text: answer.text.clone(),
                author: match settings.authors.get(place) {
                    Some(author) => By::Known(author.clone()),
                    None => By::Named(answer.author.clone()),
                },
            };
            let answers = judged.answers.iter().enumerate().map(answer).collect();
            let shown = Shown { prompt: judged.prompt.clone(), answers, order: judged.shown.clone() };
            let made_unix_ms = if judged.judged_unix_ms == 0 { rows::now() } else { judged.judged_unix_ms };
            let entry = Entry {
                made_unix_ms,
                seconds: judged.seconds,
                verdict: rows::json(&judged.verdict),
                counts: judged.verdict != Verdict::Skipped,
                tags: &judged.tags,
                note: &judged.note,
                shown: rows::json(&shown),
                ..Entry::about(Kind::Import, queue, item, &judged.annotator)
            };
            bytes += entry.shown.len();
            entry.insert(self.books)?;
        }
        Ok(bytes)
    }
}

/// Answers without which an item cannot be judged.
pub(super) fn answers_wanted(settings: &QueueSettings) -> usize {
    match (settings.authors.len(), settings.mode) {
        (0, Mode::Single) => 1,
        (0, _) => 2,
        (authors, _) => authors,
    }
}
