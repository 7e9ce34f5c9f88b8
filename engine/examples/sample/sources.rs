//! Reads the hand-written sources of the sample model: tables of facts, question-and-answer blocks over them,
//! and manners of asking and answering.
//!
//! ```text
//! == table NAME: column | column | ...     rows follow, cells split by |, "-" is an empty cell
//! == LANG each TABLE[,TABLE] [COUNT] [other=COLUMN]     COUNT draws for every row (default 1)
//! == LANG group TABLE COLUMN [COUNT]       COUNT draws for every value of COLUMN
//! == LANG free COUNT                       COUNT draws in all
//! Q question   A answer   S short answer   T follow-up question      one a line, one is drawn
//! == manner LANG KIND                      one text a line, {} is the question or the answer
//! == manner LANG as ROLE                   how this role answers
//! ```
//!
//! `[this|that]` is a choice, `{column}` a cell of the row; see `draw.rs` for the other references.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use luthier_engine::{Error, Result};

/// Facts: one row a thing, the cells in both languages.
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// The cell, or nothing where the source has "-" or no such column.
    pub fn cell(&self, row: usize, column: &str) -> Option<&str> {
        let at = self.columns.iter().position(|c| c == column)?;
        self.rows.get(row)?.get(at).map(String::as_str).filter(|cell| *cell != "-")
    }
}

/// What a block is drawn over.
pub enum Over {
    Each { tables: Vec<String>, other: Option<String> },
    Group { table: String, column: String },
    Free,
}

/// Questions that have the same answers.
pub struct Block {
    pub lang: Lang,
    pub over: Over,
    pub count: f64,
    pub questions: Vec<String>,
    pub answers: Vec<String>,
    pub shorts: Vec<String>,
    pub follow_ups: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lang {
    En,
    Zh,
}

impl Lang {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "en" => Some(Self::En),
            "zh" => Some(Self::Zh),
            _ => None,
        }
    }
}

#[derive(Default)]
pub struct Sources {
    pub tables: BTreeMap<String, Table>,
    pub blocks: Vec<Block>,
    pub manners: BTreeMap<(Lang, String), Vec<String>>,
}

impl Sources {
    /// Reads every `.txt` of `folder` in the order of their names, and adds the counted tables.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut sources = Self::default();
        crate::counting::add_tables(&mut sources.tables);
        let entries = fs::read_dir(folder).map_err(|e| Error::io(folder, e))?;
        let mut files: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        files.retain(|file| file.extension().is_some_and(|ext| ext == "txt"));
        files.sort();
        for file in files {
            let text = fs::read_to_string(&file).map_err(|e| Error::io(&file, e))?;
            sources.read_file(&file, &text)?;
        }
        Ok(sources)
    }

    /// The roles of a language: name, and how it answers ({} is the answer).
    pub fn roles(&self, lang: Lang) -> Vec<(&str, &str)> {
        let own = self.manners.iter().filter(|((at, _), _)| *at == lang);
        own.filter_map(|((_, kind), texts)| Some((kind.strip_prefix("as ")?, texts.first()?.as_str()))).collect()
    }

    fn read_file(&mut self, file: &Path, text: &str) -> Result<()> {
        enum Place {
            Nowhere,
            Table(String),
            Block,
            Manner((Lang, String)),
        }
        let mut place = Place::Nowhere;
        for (number, line) in text.lines().enumerate() {
            let bad = |reason: &str| Error::data(file, format!("line {}", number + 1), reason);
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(head) = line.strip_prefix("== ") {
                if let Some(table) = head.strip_prefix("table ") {
                    let (name, columns) = table.split_once(':').ok_or_else(|| bad("a table needs a colon"))?;
                    self.tables.insert(name.to_owned(), Table { columns: cells(columns), rows: Vec::new() });
                    place = Place::Table(name.to_owned());
                } else if let Some(manner) = head.strip_prefix("manner ") {
                    let (lang, kind) = manner.split_once(' ').ok_or_else(|| bad("a manner needs a kind"))?;
                    let lang = Lang::parse(lang).ok_or_else(|| bad("the language is en or zh"))?;
                    place = Place::Manner((lang, kind.to_owned()));
                } else {
                    self.blocks.push(block(head).ok_or_else(|| bad("this is no head of a block"))?);
                    place = Place::Block;
                }
                continue;
            }
            match &place {
                Place::Nowhere => return Err(bad("text before the first head")),
                Place::Table(name) => {
                    let table = self.tables.get_mut(name).ok_or_else(|| bad("this table was not opened"))?;
                    let row = cells(line);
                    if row.len() != table.columns.len() {
                        let count = (row.len(), table.columns.len());
                        return Err(bad(&format!("{} cells, but the table has {} columns", count.0, count.1)));
                    }
                    table.rows.push(row);
                }
                Place::Block => {
                    let block = self.blocks.last_mut().ok_or_else(|| bad("no block is open"))?;
                    let (kind, text) = line.split_once(' ').ok_or_else(|| bad("a line is a letter and a text"))?;
                    let list = match kind {
                        "Q" => &mut block.questions,
                        "A" => &mut block.answers,
                        "S" => &mut block.shorts,
                        "T" => &mut block.follow_ups,
                        _ => return Err(bad("a line begins with Q, A, S or T")),
                    };
                    list.push(text.to_owned());
                }
                Place::Manner(key) => self.manners.entry(key.clone()).or_default().push(line.to_owned()),
            }
        }
        Ok(())
    }
}

fn cells(line: &str) -> Vec<String> {
    line.split('|').map(|cell| cell.trim().to_owned()).collect()
}

fn block(head: &str) -> Option<Block> {
    let mut words = head.split_whitespace();
    let lang = Lang::parse(words.next()?)?;
    let mut over = match words.next()? {
        "each" => Over::Each { tables: words.next()?.split(',').map(str::to_owned).collect(), other: None },
        "group" => Over::Group { table: words.next()?.to_owned(), column: words.next()?.to_owned() },
        "free" => Over::Free,
        _ => return None,
    };
    let mut count = 1.0;
    for word in words {
        match (word.strip_prefix("other="), &mut over) {
            (Some(column), Over::Each { other, .. }) => *other = Some(column.to_owned()),
            _ => count = word.parse().ok()?,
        }
    }
    let lists = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    Some(Block { lang, over, count, questions: lists.0, answers: lists.1, shorts: lists.2, follow_ups: lists.3 })
}
