//! Files in and out.

use std::path::{Path, PathBuf};

use luthier_engine::files::write_atomic;
use luthier_engine::protocol::{ChatMessage, Problem};
use rusqlite::Connection;

use super::database::BOOK;
use super::{Answer, Draft, NewItem, QueueSettings, making};

/// Reads a file into a new queue: each line that is not empty is a question. Runs on a thread of its own.
///
/// # Errors
/// `labels_import` where the file cannot be read as UTF-8 text or asks nothing; those of the database.
pub(super) fn import(
    books: &mut Connection,
    home: &Path,
    path: &Path,
    settings: QueueSettings,
    name: &str,
) -> Result<Answer, Problem> {
    let told =
        |reason: &str| Problem { code: "labels_import".into(), message: format!("{}: {reason}", path.display()) };
    let text = std::fs::read_to_string(path).map_err(|error| told(&error.to_string()))?;
    let asked = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let item = |(at, line): (usize, &str)| NewItem {
        prompt: vec![ChatMessage { role: "user".into(), content: line.trim().to_owned() }],
        row: Some(at + 1),
        ..NewItem::default()
    };
    let items: Vec<NewItem> = asked.map(item).collect();
    if items.is_empty() {
        return Err(told("it asks nothing; a line is a question"));
    }
    let called = if name.is_empty() { path.file_stem().unwrap_or_default().to_string_lossy() } else { name.into() };
    let count = items.len();
    let draft = Draft { name: called.into_owned(), settings, parent: None, items };
    let queue = making::make(books, draft).map_err(|error| BOOK.failure(home, &error))?;
    Ok(Answer::Imported { queue, items: count, left_out: 0, reason: String::new() })
}

/// Writes files, each whole or not at all. Returns the last one.
///
/// # Errors
/// Of the first that could not be written; those before it are there.
pub(super) fn write(files: &[(PathBuf, Vec<u8>)]) -> Result<Option<PathBuf>, Problem> {
    for (path, bytes) in files {
        write_atomic(path, bytes).map_err(|error| Problem::from(&error))?;
    }
    Ok(files.last().map(|(path, _)| path.clone()))
}
