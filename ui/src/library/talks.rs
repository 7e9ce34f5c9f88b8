//! The table of conversations: each is one row, whole, as JSON.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::rows::{change, json};
use crate::state::{Conversation, TalkId};

/// The row of each conversation that this window has read or written, and the revision it had then.
pub(super) type Known = HashMap<TalkId, (i64, i64)>;

/// All of them. What a later version has written differently is passed over.
pub(super) fn all(books: &Connection, known: &mut Known) -> Result<Vec<Conversation>> {
    let mut all = books.prepare("SELECT id, revision, body FROM talks")?;
    let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)))?;
    let mut talks = Vec::new();
    for row in rows {
        let (id, revision, body): (i64, i64, String) = row?;
        if let Ok(talk) = serde_json::from_str::<Conversation>(&body) {
            known.insert(id, (id, revision));
            // One that two windows have written was given a row of its own.
            talks.push(Conversation { id, ..talk });
        }
    }
    Ok(talks)
}

/// Writes a conversation. Where another window has changed it meanwhile, both stay: this one gets a row of its own.
pub(super) fn keep(books: &mut Connection, known: &mut Known, talk: &Conversation) -> Result<()> {
    let (row, revision) = known.get(&talk.id).copied().unwrap_or((talk.id, 0));
    let (body, changed) = (json(talk), talk.changed_unix_secs as i64);
    let written = change(books, |books| {
        let there = "SELECT revision FROM talks WHERE id = ?1";
        let there: Option<i64> = books.query_row(there, [row], |row| row.get(0)).optional()?;
        let next = revision + 1;
        match there {
            Some(there) if there == revision => {
                let sql = "UPDATE talks SET revision = ?2, changed_unix_secs = ?3, body = ?4 WHERE id = ?1";
                books.execute(sql, params![row, next, changed, body])?;
                Ok((row, next))
            }
            there => {
                let id = there.is_none().then_some(row);
                let sql = "INSERT INTO talks (id, revision, changed_unix_secs, body) VALUES (?1, ?2, ?3, ?4)";
                books.execute(sql, params![id, next, changed, body])?;
                Ok((books.last_insert_rowid(), next))
            }
        }
    })?;
    known.insert(talk.id, written);
    Ok(())
}

/// Takes a conversation out, unless another window has gone on with it.
pub(super) fn remove(books: &Connection, known: &Known, id: TalkId) -> Result<()> {
    if let Some((row, revision)) = known.get(&id) {
        books.execute("DELETE FROM talks WHERE id = ?1 AND revision = ?2", [row, revision])?;
    }
    Ok(())
}
