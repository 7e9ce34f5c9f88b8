//! Data files that were read a moment ago, so that a few of their rows are there at once and a change of a setting needs
//! no reading from disk.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use rayon::prelude::*;

use super::detect::detect;
use super::encode::{EncodeOptions, Encoder};
use super::mapping::Mapping;
use super::preview::{PreviewRow, Previewer};
use super::progress::Gauge;
use super::read::Table;
use super::source::{Source, check_columns};
use crate::error::{Error, Result};
use crate::protocol::DataSource;
use crate::tokenizer::TextTokenizer;

/// Files that are kept: the one that is looked at and the one before.
const KEPT: usize = 2;
/// They are not more than this together; a larger file is read again for every look at its rows. In memory, rows take
/// about three times their room on disk.
const KEPT_BYTES: u64 = 1_000_000_000;

/// Size and time of change of every file that was read, as they were then.
type Stamp = Vec<(PathBuf, u64, Option<SystemTime>)>;

fn stamp(files: impl IntoIterator<Item = PathBuf>) -> Stamp {
    let of = |file: PathBuf| {
        let facts = file.metadata().ok()?;
        Some((file, facts.len(), facts.modified().ok()))
    };
    files.into_iter().filter_map(of).collect()
}

/// A file that was read.
pub(super) struct Opened {
    /// As the person names it.
    asked: PathBuf,
    stamp: Stamp,
    pub table: Table,
    detected: OnceLock<(Mapping, f32)>,
}

impl Opened {
    /// How the rows are read, and how sure that is.
    ///
    /// # Errors
    /// `BadData` for a column that is not there.
    pub(super) fn mapping(&self, source: &DataSource, found: &Source) -> Result<(Mapping, f32)> {
        match (&source.mapping, found.declared_mapping(&self.table)?) {
            (Some(chosen), _) => {
                check_columns(chosen, &self.table)?;
                Ok((chosen.clone(), 1.0))
            }
            (None, Some(declared)) => Ok((declared, 1.0)),
            (None, None) => Ok(self.detected.get_or_init(|| detect(&self.table)).clone()),
        }
    }
}

struct ReadTokenizer {
    model: PathBuf,
    stamp: Stamp,
    tokenizer: Arc<TextTokenizer>,
}

#[derive(Default)]
struct Kept {
    /// The latest first.
    files: VecDeque<Arc<Opened>>,
    tokenizer: Option<ReadTokenizer>,
}

/// The last files that were read, and the last tokenizer.
#[derive(Default)]
pub struct Shelf {
    kept: Mutex<Kept>,
}

impl Shelf {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file's rows, from here if it has not changed.
    pub(super) fn open(&self, asked: &Path, found: &Source, gauge: &Gauge) -> Result<Arc<Opened>> {
        let now = stamp(found.files.iter().cloned());
        let known = self.kept().files.iter().find(|file| file.asked == asked && file.stamp == now).cloned();
        let opened = match known {
            Some(opened) => opened,
            None => {
                let table = Table::read(&found.path, &found.files, gauge)?;
                Arc::new(Opened { asked: asked.to_owned(), stamp: now, table, detected: OnceLock::new() })
            }
        };
        self.keep(&opened);
        Ok(opened)
    }

    fn keep(&self, opened: &Arc<Opened>) {
        let mut kept = self.kept();
        let before = std::mem::take(&mut kept.files);
        let mut room = KEPT_BYTES;
        let mut gone = Vec::new();
        let others = before.into_iter().filter(|file| file.asked != opened.asked || !Arc::ptr_eq(file, opened));
        for file in std::iter::once(opened.clone()).chain(others) {
            let bytes: u64 = file.stamp.iter().map(|(_, bytes, _)| bytes).sum();
            let is_older = kept.files.iter().any(|newer| newer.asked == file.asked);
            if kept.files.len() < KEPT && bytes <= room && !is_older {
                room -= bytes;
                kept.files.push_back(file);
            } else {
                gone.push(file);
            }
        }
        drop(kept);
        // Freeing many rows takes a while, and nobody needs to wait for it.
        rayon::spawn(move || drop(gone));
    }

    /// The tokenizer of a model folder or GGUF file.
    pub(super) fn tokenizer(&self, model: &Path) -> Result<Arc<TextTokenizer>> {
        let names = [
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "chat_template.jinja",
            "chat_template.json",
            "generation_config.json",
            "config.json",
        ];
        let now = stamp(names.iter().map(|name| model.join(name)).chain([model.to_owned()]));
        let known = self.kept().tokenizer.as_ref().and_then(|read| {
            let same = read.model == model && read.stamp == now;
            same.then(|| read.tokenizer.clone())
        });
        if let Some(tokenizer) = known {
            return Ok(tokenizer);
        }
        let tokenizer = Arc::new(TextTokenizer::load(model)?);
        self.kept().tokenizer =
            Some(ReadTokenizer { model: model.to_owned(), stamp: now, tokenizer: tokenizer.clone() });
        Ok(tokenizer)
    }

    /// Rows (from 0) as the model will see them. A row that cannot be used says why.
    ///
    /// # Errors
    /// `BadData` for a row beyond the end, for columns that are not there or not known, and where the file is another
    /// than the one that was inspected; `Io`.
    pub fn read_rows(&self, source: &DataSource, rows: &[usize]) -> Result<Vec<PreviewRow>> {
        let found = Source::at(&source.path)?;
        let now = stamp(found.files.iter().cloned());
        let changed = self.kept().files.iter().any(|file| file.asked == source.path && file.stamp != now);
        if changed {
            let reason = "it has changed since it was read, so that its rows may be others now: read it again";
            return Err(Error::data(&source.path, "the whole file", reason));
        }
        let opened = self.open(&source.path, &found, &Gauge::new())?;
        let table = &opened.table;
        if let Some(beyond) = rows.iter().find(|row| **row >= table.rows.len()) {
            let reason = format!("there is no such row: the file has {}", table.rows.len());
            return Err(Error::data(&table.path, format!("row {}", beyond.saturating_add(1)), reason));
        }
        let (mapping, _) = opened.mapping(source, &found)?;
        if let Some(part) = mapping.missing().first() {
            return Err(Error::data(&table.path, "columns", format!("choose the column for {}", part.name())));
        }
        // A model without a readable tokenizer still leaves the texts to look at; the summary has said so.
        let tokenizer = source.model.as_deref().and_then(|model| self.tokenizer(model).ok());
        let options = EncodeOptions::new(source.cutoff_len.max(1), source.train_on_prompt);
        let encoder = tokenizer.as_deref().map(|tokenizer| (Encoder::new(tokenizer, options), tokenizer));
        let encoder = encoder.as_ref().map(|(encoder, tokenizer)| (encoder, *tokenizer));
        let previewer = Previewer { table, mapping: &mapping, encoder };
        Ok(rows.par_iter().map(|row| previewer.row(*row)).collect())
    }
}
