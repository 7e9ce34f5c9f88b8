//! Decisions that stand, with the texts they were about.

use std::sync::Arc;

use rusqlite::{Connection, Result, Statement};

use super::index::{Index, People, Standing, standings};
use super::rows::{Kind, Shown};
use super::{Decision, DecisionId, QueueId};

/// Decisions as they were last read: they are asked for after every one.
#[derive(Default)]
pub(super) struct Read {
    queue: QueueId,
    newest: DecisionId,
    decisions: Arc<Vec<Decision>>,
}

impl Read {
    /// All that stand, in the order in which they were made. `index` is that of the queue where it is at hand.
    pub fn decisions(
        &mut self,
        books: &Connection,
        queue: QueueId,
        index: Option<&Index>,
    ) -> Result<Arc<Vec<Decision>>> {
        let mut newest = books.prepare("SELECT coalesce(max(id), 0) FROM decisions")?;
        let newest: DecisionId = newest.query_row([], |row| row.get(0))?;
        if (self.queue, self.newest) != (queue, newest) {
            let known = if self.queue == queue { std::mem::take(&mut self.decisions) } else { Arc::default() };
            let stand = match index {
                Some(index) => stand(index.slots.iter().map(|slot| &slot.standing)),
                None => stand(standings(books, queue, &mut People::default())?.values()),
            };
            self.decisions = Arc::new(read(books, stand, known)?);
            (self.queue, self.newest) = (queue, newest);
        }
        Ok(self.decisions.clone())
    }
}

fn stand<'a>(standings: impl Iterator<Item = &'a Standing>) -> Vec<(DecisionId, Kind)> {
    let mut ids: Vec<_> = standings.flat_map(Standing::latest).map(|row| (row.id, row.kind)).collect();
    ids.sort_unstable_by_key(|(id, _)| *id);
    ids
}

/// Rows never change, so those that are known are not read again.
fn read(books: &Connection, ids: Vec<(DecisionId, Kind)>, known: Arc<Vec<Decision>>) -> Result<Vec<Decision>> {
    let mut known = Arc::try_unwrap(known).unwrap_or_else(|shared| shared.to_vec());
    known.retain(|decision| ids.binary_search_by_key(&decision.id, |(id, _)| *id).is_ok());
    let mut known = known.into_iter().peekable();
    let mut find = books.prepare(
        "SELECT item, pass, annotator, made_unix_ms, seconds, verdict, tags, note, shown FROM decisions WHERE id = ?1",
    )?;
    let mut decisions = Vec::with_capacity(ids.len());
    for (id, kind) in ids {
        match known.next_if(|decision| decision.id == id) {
            Some(decision) => decisions.push(decision),
            None => decisions.extend(one(&mut find, id, kind)?),
        }
    }
    Ok(decisions)
}

/// `None` where another version has written it in words that this one does not know.
fn one(find: &mut Statement<'_>, id: DecisionId, kind: Kind) -> Result<Option<Decision>> {
    find.query_row([id], |row| {
        let text = |at: usize| row.get_ref(at).map(|value| value.as_str().unwrap_or_default());
        let verdict = serde_json::from_str(text(5)?).ok();
        let shown = serde_json::from_str::<Shown>(text(8)?).ok();
        let Some((verdict, shown)) = verdict.zip(shown) else { return Ok(None) };
        let mut judged = shown.judged(verdict);
        judged.annotator = row.get(2)?;
        judged.judged_unix_ms = row.get::<_, i64>(3)?.max(0) as u64;
        judged.seconds = row.get(4)?;
        judged.tags = serde_json::from_str(text(6)?).unwrap_or_default();
        judged.note = row.get(7)?;
        Ok(Some(Decision { id, item: row.get(0)?, pass: row.get(1)?, last_word: kind == Kind::LastWord, judged }))
    })
}
