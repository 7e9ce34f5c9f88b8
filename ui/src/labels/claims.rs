//! Which window shows which item, so that two people are not shown the same.

use std::path::PathBuf;

use rusqlite::{Connection, Result, params};

use super::{ItemId, rows};
use crate::windows::Window;

/// This window among those that are open on one home.
pub(super) struct Seat {
    home: PathBuf,
    window: Window,
}

impl Seat {
    pub fn take(home: PathBuf) -> Self {
        let window = Window::open(&home);
        Self { home, window }
    }

    /// Items on the screens of other windows that are open.
    pub fn elsewhere(&self, books: &Connection) -> Result<Vec<ItemId>> {
        let mut find = books.prepare("SELECT item, window FROM claims WHERE window <> ?1")?;
        let claims = find.query_map([&self.window.name], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
        let claims = claims.collect::<Result<Vec<_>>>()?;
        // Windows show one item each.
        let open = |(item, name): (ItemId, String)| Window::is_open(&self.home, &name).then_some(item);
        Ok(claims.into_iter().filter_map(open).collect())
    }

    /// This window shows `item` and nothing else. What is shown `elsewhere` stays there.
    pub fn show(&self, books: &Connection, annotator: &str, item: Option<ItemId>, elsewhere: &[ItemId]) -> Result<()> {
        let mut lift = books.prepare("DELETE FROM claims WHERE window = ?1")?;
        lift.execute([&self.window.name])?;
        let Some(item) = item.filter(|item| !elsewhere.contains(item)) else { return Ok(()) };
        let mut lay = books.prepare(
            "INSERT INTO claims (item, window, annotator, made_unix_ms) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (item) DO UPDATE SET window = excluded.window, annotator = excluded.annotator,
             made_unix_ms = excluded.made_unix_ms",
        )?;
        lay.execute(params![item, self.window.name, annotator, rows::now() as i64])?;
        Ok(())
    }
}
