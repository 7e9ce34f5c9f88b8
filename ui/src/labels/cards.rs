//! Queues as the list shows them.

use rusqlite::{Connection, Result, Row};

use super::index::{People, standings};
use super::{Progress, QueueCard, QueueId};

const CARD: &str = "SELECT id, made_unix_ms, name, settings, parent, run, archived FROM queues WHERE whole";

/// All of them, newest first. Those that are in `known` keep their counts.
pub(super) fn all(books: &Connection, known: &[QueueCard]) -> Result<Vec<QueueCard>> {
    let mut find = books.prepare(&format!("{CARD} ORDER BY id DESC"))?;
    let mut cards = find.query_map([], card)?.collect::<Result<Vec<_>>>()?;
    for card in &mut cards {
        match known.iter().find(|known| known.id == card.id) {
            Some(known) => {
                let counted = known.clone();
                *card = QueueCard {
                    items: counted.items,
                    answered: counted.answered,
                    labelled: counted.labelled,
                    skipped: counted.skipped,
                    flagged: counted.flagged,
                    last_unix_ms: counted.last_unix_ms,
                    ..card.clone()
                };
            }
            None => count(books, card)?,
        }
    }
    Ok(cards)
}

fn card(row: &Row<'_>) -> Result<QueueCard> {
    let settings: String = row.get(3)?;
    Ok(QueueCard {
        id: row.get(0)?,
        made_unix_ms: row.get::<_, i64>(1)?.max(0) as u64,
        name: row.get(2)?,
        // What another version has written differently is shown with what it is today.
        settings: serde_json::from_str(&settings).unwrap_or_default(),
        parent: row.get(4)?,
        run: row.get(5)?,
        archived: row.get(6)?,
        items: 0,
        answered: 0,
        labelled: 0,
        skipped: 0,
        flagged: 0,
        last_unix_ms: None,
    })
}

/// Counts a queue's items and decisions.
pub(super) fn count(books: &Connection, card: &mut QueueCard) -> Result<()> {
    let mut find =
        books.prepare("SELECT count(*), total(answered) FROM items INDEXED BY items_of_queue WHERE queue = ?1")?;
    (card.items, card.answered) =
        find.query_row([card.id], |row| Ok((row.get::<_, i64>(0)?.max(0) as usize, row.get::<_, f64>(1)? as usize)))?;
    let standings = standings(books, card.id, &mut People::default())?;
    card.labelled = standings.values().filter(|standing| standing.labelled()).count();
    card.skipped = standings.values().filter(|standing| standing.skipped()).count();
    card.flagged = standings.values().filter(|standing| standing.flag.1).count();
    let mut find = books.prepare(
        "SELECT max(made_unix_ms) FROM decisions INDEXED BY decisions_of_queue WHERE queue = ?1 AND kind <> 'import'",
    )?;
    let last = find.query_row([card.id], |row| row.get::<_, Option<i64>>(0))?;
    card.last_unix_ms = last.map(|last| last.max(0) as u64);
    Ok(())
}

/// Takes the counts over from the bench.
pub(super) fn counted(card: &mut QueueCard, progress: &Progress) {
    card.items = progress.items;
    card.answered = progress.answered;
    card.labelled = progress.labelled;
    card.skipped = progress.skipped;
    card.flagged = progress.flagged;
}

/// Queues that anybody has decided in or answered since, and how far that is read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    row: i64,
    answer: i64,
}

impl Seen {
    pub fn now(books: &Connection) -> Result<Self> {
        let newest = |table: &str| {
            books.query_row(&format!("SELECT coalesce(max(id), 0) FROM {table}"), [], |row| row.get::<_, i64>(0))
        };
        Ok(Self { row: newest("decisions")?, answer: newest("answers")? })
    }

    pub fn touched(self, books: &Connection) -> Result<Vec<QueueId>> {
        let mut find = books.prepare(
            "SELECT queue FROM decisions WHERE id > ?1 UNION
             SELECT i.queue FROM answers a JOIN items i ON i.id = a.item WHERE a.id > ?2",
        )?;
        find.query_map([self.row, self.answer], |row| row.get(0))?.collect()
    }
}
