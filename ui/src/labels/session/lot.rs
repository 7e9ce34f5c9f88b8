//! What lies on the bench, with its texts.

use std::sync::Arc;

use luthier_engine::feedback::Verdict;
use rusqlite::{Connection, Result};

use super::Session;
use crate::labels::chance::{number, shuffled};
use crate::labels::{Item, ItemId, Lot, rows};

/// Items whose texts are ready to follow the one that is shown.
const AHEAD: usize = 4;

impl Session {
    /// The texts of an item are read anew.
    pub fn reread(&mut self, item: ItemId) {
        self.ready.retain(|(id, _), _| *id != item);
    }

    /// What lies on the bench now.
    pub fn lot(&mut self, books: &Connection, elsewhere: &[ItemId]) -> Result<Lot> {
        let mut items = Vec::with_capacity(1 + AHEAD);
        if let Some(front) = self.front.clone() {
            let mut taken = self.taken(elsewhere);
            items.extend(self.item(books, front.at, front.pass, front.earlier)?);
            taken.insert(front.at);
            let mut since = if front.pass > 0 { 0 } else { self.since_again + 1 };
            while items.len() <= AHEAD {
                let Some((at, pass)) = self.next(&taken, since) else { break };
                items.extend(self.item(books, at, pass, None)?);
                taken.insert(at);
                since = if pass > 0 { 0 } else { since + 1 };
            }
        }
        self.ready = items.iter().map(|item| ((item.id, item.pass), item.clone())).collect();
        Ok(Lot { queue: self.queue, annotator: self.annotator.clone(), items, progress: self.progress })
    }

    /// An item with its texts. `None` where it is gone from the file.
    pub fn item(
        &self,
        books: &Connection,
        at: usize,
        pass: u32,
        earlier: Option<Verdict>,
    ) -> Result<Option<Arc<Item>>> {
        let slot = &self.index.slots[at];
        let flagged = slot.standing.flag.1;
        if let Some(ready) = self.ready.get(&(slot.id, pass)) {
            if ready.flagged == flagged && ready.earlier == earlier {
                return Ok(Some(ready.clone()));
            }
        }
        let Some(texts) = rows::texts(books, self.queue, slot.id)? else { return Ok(None) };
        // An item that has come back is judged as if it were new.
        let note = match pass {
            0 => rows::note_of(books, self.queue, slot.id, &self.annotator)?,
            _ => String::new(),
        };
        let seeds = [self.settings.seed, slot.id as u64, u64::from(pass), 2, number(&self.annotator)];
        let shown = shuffled(texts.answers.len(), &seeds);
        Ok(Some(Arc::new(Item {
            id: slot.id,
            position: texts.position,
            pass,
            prompt: texts.prompt,
            answers: texts.answers,
            shown,
            flagged,
            note,
            earlier,
            twins: self.index.twins(at),
        })))
    }
}
