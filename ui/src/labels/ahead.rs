//! What is generated ahead of the labelling: items that want answers, answers that have come, margins.

use std::sync::Arc;

use rusqlite::{Connection, Result, params};

use super::making::answers_wanted;
use super::session::Session;
use super::{Generated, Item, ItemId, QueueId, Wanted, rows};

/// Items whose answers are still to be generated, those that are needed first in front.
pub(super) fn wanted(
    books: &Connection,
    session: Option<&Session>,
    queue: QueueId,
    most: usize,
) -> Result<Vec<Wanted>> {
    let Some(settings) = rows::settings(books, queue)? else { return Ok(Vec::new()) };
    let items: Vec<ItemId> = match session.filter(|session| session.queue == queue) {
        Some(session) => session.waiting().take(most).collect(),
        None => {
            let mut find =
                books.prepare("SELECT id FROM items WHERE queue = ?1 AND answered = 0 ORDER BY position LIMIT ?2")?;
            find.query_map(params![queue, most as i64], |row| row.get(0))?.collect::<Result<_>>()?
        }
    };
    let mut wanted = Vec::new();
    for item in items {
        let Some(texts) = rows::texts(books, queue, item)? else { continue };
        let mut find = books.prepare("SELECT place FROM answers WHERE item = ?1")?;
        let there = find.query_map([item], |row| row.get::<_, i64>(0))?.collect::<Result<Vec<_>>>()?;
        let places = (0..settings.authors.len()).filter(|place| !there.contains(&(*place as i64))).collect();
        wanted.push(Wanted { item, prompt: texts.prompt, places });
    }
    Ok(wanted)
}

/// Keeps answers; one that is there already stays as it is. Returns how many items have all of theirs now.
pub(super) fn keep_answers(books: &mut Connection, queue: QueueId, answers: &[Generated]) -> Result<usize> {
    rows::change(books, |books| {
        let Some(settings) = rows::settings(books, queue)? else { return Ok(0) };
        let mut insert = books.prepare(
            "INSERT OR IGNORE INTO answers (item, place, text, author, new_tokens, made_unix_ms)
             SELECT id, ?2, ?3, ?4, ?5, ?6 FROM items WHERE id = ?1 AND queue = ?7",
        )?;
        let mut complete = books.prepare(
            "UPDATE items SET answered = 1 WHERE id = ?1 AND queue = ?2 AND answered = 0
             AND (SELECT count(*) FROM answers WHERE item = ?1) >= ?3",
        )?;
        let mut answered = 0;
        for answer in answers {
            // Of an author that the queue does not have.
            let Some(author) = settings.authors.get(answer.place) else { continue };
            insert.execute(params![
                answer.item,
                answer.place as i64,
                answer.text,
                author.name,
                answer.new_tokens as i64,
                rows::now() as i64,
                queue
            ])?;
            answered += complete.execute(params![answer.item, queue, answers_wanted(&settings) as i64])?;
        }
        Ok(answered)
    })
}

/// Items to be labelled whose margin is not known, with their answers.
pub(super) fn unscored(
    books: &Connection,
    session: Option<&Session>,
    queue: QueueId,
    most: usize,
) -> Result<Vec<Arc<Item>>> {
    let opened;
    let session = match session.filter(|session| session.queue == queue) {
        Some(session) => session,
        None => match Session::open(books, queue, "")? {
            Some(session) => {
                opened = session;
                &opened
            }
            None => return Ok(Vec::new()),
        },
    };
    let items = session.unscored().take(most).map(|at| session.item(books, at, 0, None));
    Ok(items.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// What is no number is as unsure as can be told: it comes last, and is not asked for again.
pub(super) fn keep_margins(
    books: &mut Connection,
    queue: QueueId,
    margins: &[(ItemId, f32)],
) -> Result<Vec<(ItemId, f32)>> {
    let number = |margin: f32| if margin.is_finite() { margin } else { f32::MAX };
    let margins: Vec<_> = margins.iter().map(|(item, margin)| (*item, number(*margin))).collect();
    rows::change(books, |books| {
        let mut keep = books.prepare("UPDATE items SET margin = ?1 WHERE id = ?2 AND queue = ?3")?;
        for (item, margin) in &margins {
            keep.execute(params![margin, item, queue])?;
        }
        Ok(())
    })?;
    Ok(margins)
}
