//! What stands of a queue, without its texts: small enough to be held for 100,000 items.

use std::collections::HashMap;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result, Row};

use super::rows::Kind;
use super::{DecisionId, ItemId, QueueId};

/// A person, by the order in which their names were met.
pub(super) type Who = u16;

/// A verdict that was not taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stand {
    pub id: DecisionId,
    pub pass: u32,
    pub who: Who,
    pub kind: Kind,
    /// It is no skip.
    pub counts: bool,
}

impl Stand {
    /// One takes the other's place: of the same person in the same pass, or both last words.
    fn replaces(&self, other: &Self) -> bool {
        let last_words = (self.kind == Kind::LastWord, other.kind == Kind::LastWord);
        match last_words {
            (true, true) => true,
            (false, false) => self.who == other.who && self.pass == other.pass,
            _ => false,
        }
    }
}

/// What was decided about one item.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    /// Verdicts that were not taken back, in the order in which they were made.
    pub rows: Vec<Stand>,
    /// By the latest row about it.
    pub flag: (DecisionId, bool),
    pub noted: (DecisionId, bool),
}

impl Standing {
    /// The latest of each person and pass, and the latest last word.
    pub fn latest(&self) -> impl Iterator<Item = &Stand> {
        let rows = self.rows.iter().enumerate();
        rows.filter(|(at, row)| !self.rows[at + 1..].iter().any(|later| later.replaces(row))).map(|(_, row)| row)
    }

    pub fn labelled(&self) -> bool {
        self.latest().any(|row| row.counts)
    }

    pub fn skipped(&self) -> bool {
        !self.rows.is_empty() && !self.labelled()
    }

    /// Somebody has labelled it again.
    pub fn again_done(&self) -> bool {
        self.latest().any(|row| row.pass > 0 && row.counts && row.kind != Kind::LastWord)
    }

    /// Takes a row in; one that it has already changes nothing.
    fn take(&mut self, row: &Taken, who: Who) {
        match row.kind {
            Kind::Verdict | Kind::LastWord | Kind::Import => {
                if !self.rows.iter().any(|stand| stand.id == row.id) {
                    self.rows.push(Stand { id: row.id, pass: row.pass, who, kind: row.kind, counts: row.counts });
                }
            }
            Kind::Undo => self.rows.retain(|stand| Some(stand.id) != row.undoes),
            Kind::Flag => self.flag = self.flag.max((row.id, row.counts)),
            Kind::Note => self.noted = self.noted.max((row.id, row.counts)),
        }
    }
}

/// An item in the index.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub id: ItemId,
    pub answered: bool,
    pub key: i64,
    pub margin: Option<f32>,
    pub standing: Standing,
}

/// A row of decisions without its texts.
struct Taken {
    id: DecisionId,
    item: ItemId,
    pass: u32,
    kind: Kind,
    counts: bool,
    undoes: Option<DecisionId>,
}

const ROW: &str = "SELECT id, item, pass, annotator, kind, counts, undoes, queue FROM decisions";

/// Names of people, each a small number.
#[derive(Debug, Default)]
pub(super) struct People(Vec<String>);

impl People {
    pub fn who(&mut self, name: &str) -> Who {
        let known = self.0.iter().position(|known| known == name);
        let at = known.unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        });
        at as Who
    }

    pub fn name(&self, who: Who) -> &str {
        self.0.get(usize::from(who)).map_or("", String::as_str)
    }

    fn of(&mut self, row: &Row<'_>) -> Result<Who> {
        let ValueRef::Text(name) = row.get_ref(3)? else { return Ok(self.who("")) };
        Ok(self.who(&String::from_utf8_lossy(name)))
    }
}

fn taken(row: &Row<'_>) -> Result<Taken> {
    Ok(Taken {
        id: row.get(0)?,
        item: row.get(1)?,
        pass: row.get(2)?,
        kind: row.get(4)?,
        counts: row.get(5)?,
        undoes: row.get(6)?,
    })
}

/// What stands of a queue's items that anything was decided about.
pub(super) fn standings(books: &Connection, queue: QueueId, people: &mut People) -> Result<HashMap<ItemId, Standing>> {
    let mut standings: HashMap<ItemId, Standing> = HashMap::new();
    let mut find = books.prepare(&format!("{ROW} INDEXED BY decisions_of_queue WHERE queue = ?1"))?;
    let mut rows = find.query([queue])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push((taken(row)?, people.of(row)?));
    }
    all.sort_unstable_by_key(|(row, _)| row.id);
    for (row, who) in &all {
        standings.entry(row.item).or_default().take(row, *who);
    }
    Ok(standings)
}

/// The items of a queue in their order, with all that stands about them.
#[derive(Debug, Default)]
pub(super) struct Index {
    queue: QueueId,
    /// Sorted by position, and so by item.
    pub slots: Vec<Slot>,
    pub people: People,
    /// Rows up to this one are in it.
    last_row: DecisionId,
    last_answer: i64,
    /// Items of each prompt.
    prompts: HashMap<i64, usize>,
}

/// How far an index has read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark(DecisionId);

impl Index {
    pub fn load(books: &Connection, queue: QueueId) -> Result<Self> {
        // All from one moment.
        let moment = books.unchecked_transaction()?;
        let newest = |table: &str| {
            moment.query_row(&format!("SELECT coalesce(max(id), 0) FROM {table}"), [], |row| row.get::<_, i64>(0))
        };
        let mut index = Self {
            queue,
            last_row: newest("decisions")?,
            last_answer: newest("answers")?,
            slots: Vec::new(),
            people: People::default(),
            prompts: HashMap::new(),
        };
        let mut standings = standings(&moment, queue, &mut index.people)?;
        let mut find = moment.prepare(
            "SELECT id, answered, prompt_key, margin FROM items INDEXED BY items_of_queue WHERE queue = ?1
             ORDER BY position",
        )?;
        let mut rows = find.query([queue])?;
        while let Some(row) = rows.next()? {
            let (id, key) = (row.get(0)?, row.get(2)?);
            let standing = standings.remove(&id).unwrap_or_default();
            *index.prompts.entry(key).or_default() += 1;
            index.slots.push(Slot { id, answered: row.get(1)?, key, margin: row.get(3)?, standing });
        }
        Ok(index)
    }

    pub fn at(&self, item: ItemId) -> Option<usize> {
        self.slots.binary_search_by_key(&item, |slot| slot.id).ok()
    }

    /// Other items with the same prompt.
    pub fn twins(&self, at: usize) -> usize {
        self.prompts.get(&self.slots[at].key).map_or(0, |count| count - 1)
    }

    /// Items were added at its end since it was loaded.
    pub fn has_grown(&self, books: &Connection) -> Result<bool> {
        let last = "SELECT coalesce(max(position), -1) + 1 FROM items INDEXED BY items_of_queue WHERE queue = ?1";
        Ok(books.query_row(last, [self.queue], |row| row.get::<_, i64>(0))? != self.slots.len() as i64)
    }

    pub fn mark(&self) -> Mark {
        Mark(self.last_row)
    }

    /// Reads on from there once more; what was taken in since is met again.
    pub fn back_to(&mut self, mark: Mark) {
        self.last_row = mark.0;
    }

    /// Takes in what was written since, by anybody. `touched` is told of each item before it changes.
    pub fn read_on(&mut self, books: &Connection, mut touched: impl FnMut(usize, &Slot)) -> Result<()> {
        let mut find = books.prepare(&format!("{ROW} WHERE id > ?1 ORDER BY id"))?;
        let mut rows = find.query([self.last_row])?;
        while let Some(row) = rows.next()? {
            let queue: QueueId = row.get(7)?;
            let who = self.people.of(row)?;
            let row = taken(row)?;
            self.last_row = row.id;
            if let Some(at) = self.at(row.item).filter(|_| queue == self.queue) {
                touched(at, &self.slots[at]);
                self.slots[at].standing.take(&row, who);
            }
        }
        let mut find = books.prepare(
            "SELECT a.id, a.item, i.answered, i.queue FROM answers a JOIN items i ON i.id = a.item
             WHERE a.id > ?1 ORDER BY a.id",
        )?;
        let mut rows = find.query([self.last_answer])?;
        while let Some(row) = rows.next()? {
            self.last_answer = row.get(0)?;
            let (answered, queue): (bool, QueueId) = (row.get(2)?, row.get(3)?);
            let Some(at) = self.at(row.get(1)?).filter(|_| queue == self.queue) else { continue };
            if answered && !self.slots[at].answered {
                touched(at, &self.slots[at]);
                self.slots[at].answered = true;
            }
        }
        Ok(())
    }
}
