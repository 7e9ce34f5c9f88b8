//! Finding items by what is written in them.

use std::collections::BTreeSet;

use rusqlite::{Connection, Result};

use super::index::{Slot, Stand};
use super::rows::{self, Kind};
use super::session::Session;
use super::{Found, ItemId, Only, Sought};

/// More are of no use on a screen.
const MOST: usize = 500;
/// Characters of the question in a list.
const BEGINNING: usize = 200;

/// Items of a queue in their order, 500 at most.
pub(super) fn search(books: &Connection, session: &Session, sought: &Sought) -> Result<Vec<Found>> {
    let slots = &session.index.slots;
    let fits = |slot: &Slot| match sought.only {
        Only::All => true,
        Only::Open => slot.standing.rows.is_empty(),
        Only::Labelled => slot.standing.labelled(),
        Only::Skipped => slot.standing.skipped(),
        Only::Flagged => slot.standing.flag.1,
        Only::Noted => slot.standing.noted.1,
    };
    let needle = Needle::new(&sought.text);
    let mut hits = BTreeSet::new();
    match needle {
        None => hits.extend((0..slots.len()).filter(|at| fits(&slots[*at])).take(MOST)),
        Some(needle) => {
            let at = |item: ItemId| session.index.at(item).filter(|at| fits(&slots[*at]));
            in_notes(books, session, &needle, &at, &mut hits)?;
            in_texts(books, session, &needle, &at, &mut hits)?;
        }
    }
    hits.into_iter().take(MOST).map(|at| found(books, session, at)).collect()
}

/// Questions and answers, side by side, so that the first items are found first.
fn in_texts(
    books: &Connection,
    session: &Session,
    needle: &Needle,
    at: &dyn Fn(ItemId) -> Option<usize>,
    hits: &mut BTreeSet<usize>,
) -> Result<()> {
    let slots = &session.index.slots;
    let (Some(first), Some(last)) = (slots.first(), slots.last()) else { return Ok(()) };
    let mut prompts = books.prepare("SELECT id, prompt FROM items WHERE id BETWEEN ?1 AND ?2 ORDER BY id")?;
    let mut answers = books.prepare("SELECT item, text FROM answers WHERE item BETWEEN ?1 AND ?2 ORDER BY item")?;
    // Some thousands at a time.
    let mut from = first.id;
    while from <= last.id && hits.len() < MOST {
        let to = from + 4095;
        let mut rows = prompts.query([from, to])?;
        while let Some(row) = rows.next()? {
            if let Some(at) = at(row.get(0)?) {
                let text = row.get_ref(1)?.as_str().unwrap_or_default();
                if needle.may_be_in_json(text) && rows::messages(text).iter().any(|m| needle.is_in(&m.content)) {
                    hits.insert(at);
                }
            }
        }
        let mut rows = answers.query([from, to])?;
        while let Some(row) = rows.next()? {
            if let Some(at) = at(row.get(0)?) {
                if needle.is_in(row.get_ref(1)?.as_str().unwrap_or_default()) {
                    hits.insert(at);
                }
            }
        }
        from = to + 1;
    }
    Ok(())
}

/// Notes about items, and notes beside verdicts that stand.
fn in_notes(
    books: &Connection,
    session: &Session,
    needle: &Needle,
    at: &dyn Fn(ItemId) -> Option<usize>,
    hits: &mut BTreeSet<usize>,
) -> Result<()> {
    let mut find = books
        .prepare("SELECT item, max(id), verdict FROM decisions WHERE queue = ?1 AND kind = 'note' GROUP BY item")?;
    let mut rows = find.query([session.queue])?;
    while let Some(row) = rows.next()? {
        if let Some(at) = at(row.get(0)?).filter(|_| needle.is_in(&row.get::<_, String>(2).unwrap_or_default())) {
            hits.insert(at);
        }
    }
    let mut find = books.prepare("SELECT id, item, note FROM decisions WHERE queue = ?1 AND note <> ''")?;
    let mut rows = find.query([session.queue])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let stands = |at: &usize| session.index.slots[*at].standing.latest().any(|row| row.id == id);
        let said = row.get_ref(2)?.as_str().unwrap_or_default();
        if let Some(at) = at(row.get(1)?).filter(stands).filter(|_| needle.is_in(said)) {
            hits.insert(at);
        }
    }
    Ok(())
}

fn found(books: &Connection, session: &Session, at: usize) -> Result<Found> {
    let slot = &session.index.slots[at];
    let texts = rows::texts(books, session.queue, slot.id)?;
    let (position, prompt, note) =
        texts.map_or((at, Vec::new(), String::new()), |texts| (texts.position, texts.prompt, texts.note));
    let question = prompt.iter().rev().find(|message| message.role == "user").or(prompt.last());
    // The last word before all others, then the newest.
    let weight = |row: &&Stand| (row.kind == Kind::LastWord, row.id);
    let stands = slot.standing.latest().max_by_key(weight);
    let (verdict, annotator) = match stands {
        Some(row) => (rows::verdict(books, row.id)?, session.index.people.name(row.who).to_owned()),
        None => (None, String::new()),
    };
    Ok(Found {
        item: slot.id,
        position,
        text: question.map_or(String::new(), |message| message.content.chars().take(BEGINNING).collect()),
        answered: slot.answered,
        flagged: slot.standing.flag.1,
        note,
        verdict,
        annotator,
    })
}

/// Text that is looked for, whatever its case.
struct Needle {
    text: String,
    /// None of its letters has a case beyond ASCII: bytes can be compared.
    plain: bool,
    /// JSON writes it as it is.
    in_json: bool,
    /// Where its rarest byte is: most of a text is passed over by looking for that one alone.
    rare: usize,
}

/// Letters from frequent to rare, in English; what is not among them is rarer still.
const FREQUENT: &[u8] = b" etaoinsrhdlcumfpgwybvkxjqz";
/// Bytes that are compared at once.
const STRIDE: usize = 64;

impl Needle {
    fn new(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let cased = |c: char| !c.is_ascii() && (c.is_lowercase() || c.is_uppercase());
        let plain = !text.chars().any(cased);
        let in_json = !text.chars().any(|c| c.is_control() || c == '"' || c == '\\');
        let common = |byte: &u8| FREQUENT.iter().rev().position(|letter| letter == byte).map_or(0, |at| at + 1);
        let rare = text.bytes().enumerate().min_by_key(|(_, byte)| common(byte)).map(|(at, _)| at)?;
        Some(Self { text, plain, in_json, rare })
    }

    fn may_be_in_json(&self, text: &str) -> bool {
        !self.in_json || self.is_in(text)
    }

    fn is_in(&self, text: &str) -> bool {
        if !self.plain {
            return text.to_lowercase().contains(&self.text);
        }
        let (needle, text) = (self.text.as_bytes(), text.as_bytes());
        let (lower, upper) = (needle[self.rare], needle[self.rare].to_ascii_uppercase());
        let begins = |at: usize| {
            let from = at.checked_sub(self.rare)?;
            text.get(from..from + needle.len()).filter(|there| there.eq_ignore_ascii_case(needle))
        };
        text.chunks(STRIDE).enumerate().any(|(number, chunk)| {
            // Without an early end, so that the compiler compares many at a time.
            let near = chunk.iter().fold(false, |near, byte| near | (*byte == lower) | (*byte == upper));
            let hit = |at: &usize| chunk[*at] == lower || chunk[*at] == upper;
            near && (0..chunk.len()).filter(hit).any(|at| begins(number * STRIDE + at).is_some())
        })
    }
}
