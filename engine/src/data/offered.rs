//! Rows of a data file as questions with the answers that they come with, for labelling: any format that can be trained
//! on, read by the same readers.

use std::path::Path;

use rayon::prelude::*;
use serde_json::{Map, Value};

use super::detect::detect;
use super::mapping::{DataKind, Format};
use super::progress::Gauge;
use super::read::Table;
use super::sample::{Dialogue, Sample};
use super::source::Source;
use super::turn::Turn;
use crate::error::{Error, Result};
use crate::protocol::ChatMessage;

/// A data file's rows as they stand in it.
pub(crate) struct Rows {
    source: Source,
    table: Table,
}

/// A question and its answers: of a pair the better one first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Offered {
    /// From 0.
    pub index: usize,
    pub prompt: Vec<ChatMessage>,
    pub answers: Vec<String>,
    pub liked: Option<bool>,
}

/// All rows of a file, read through its mapping.
#[derive(Debug)]
pub(crate) struct Offers {
    pub kind: DataKind,
    pub format: Format,
    pub rows: Vec<Offered>,
    /// Index of each row that cannot be used, and why.
    pub bad: Vec<(usize, String)>,
    pub warnings: Vec<String>,
}

impl Rows {
    /// # Errors
    /// `Io`; `BadData` with file and line where the file is broken, empty, or not in a known encoding.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let source = Source::at(path)?;
        let table = Table::read(&source.path, &source.files, &Gauge::new())?;
        Ok(Self { source, table })
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &Map<String, Value>> {
        self.table.rows.iter().map(|row| &row.fields)
    }

    pub(crate) fn has_column(&self, name: &str) -> bool {
        self.table.columns.iter().any(|column| column == name)
    }

    pub(crate) fn warnings(&self) -> &[String] {
        &self.table.warnings
    }

    /// "row 3 (line 9)"; `index` counts from 0.
    pub(crate) fn place(&self, index: usize) -> String {
        self.table.place(index)
    }

    /// Every row by the declared or detected meaning of its columns.
    ///
    /// # Errors
    /// `BadData` where the columns do not tell what they mean.
    pub(crate) fn offers(&self) -> Result<Offers> {
        let mapping = match self.source.declared_mapping(&self.table)? {
            Some(mapping) => mapping,
            None => {
                let (mapping, confidence) = detect(&self.table);
                if confidence == 0.0 || !mapping.missing().is_empty() {
                    let reason = format!(
                        "the columns {} do not tell what is a question and what an answer; name them prompt, chosen and \
                         rejected (pairs), prompt, completion and label (marks), or prompt alone",
                        self.table.columns.join(", ")
                    );
                    return Err(Error::data(&self.table.path, "the first row", reason));
                }
                mapping
            }
        };
        let kind = mapping.kind();
        let read = |(index, row): (usize, &super::read::Row)| {
            let sample = Sample::read(&row.fields, &mapping);
            sample.and_then(|sample| offered(index, sample)).map_err(|reason| (index, reason))
        };
        let outcomes: Vec<Result<Offered, (usize, String)>> =
            self.table.rows.par_iter().enumerate().map(read).collect();
        let mut offers = Offers {
            kind,
            format: mapping.format,
            rows: Vec::with_capacity(outcomes.len()),
            bad: Vec::new(),
            warnings: self.table.warnings.clone(),
        };
        for outcome in outcomes {
            match outcome {
                Ok(row) => offers.rows.push(row),
                Err(bad) => offers.bad.push(bad),
            }
        }
        Ok(offers)
    }
}

fn offered(index: usize, sample: Sample) -> Result<Offered, String> {
    let row =
        |(prompt, answer): (Vec<ChatMessage>, String), liked| Offered { index, prompt, answers: vec![answer], liked };
    match sample {
        Sample::Text(text) => Ok(Offered { index, prompt: vec![user(text)], answers: Vec::new(), liked: None }),
        Sample::Prompt(Dialogue::Plain { prompt, .. }) => {
            Ok(Offered { index, prompt: vec![user(prompt)], answers: Vec::new(), liked: None })
        }
        Sample::Prompt(Dialogue::Chat { turns, .. }) => {
            let prompt = turns.into_iter().map(|turn| turn.message).collect();
            Ok(Offered { index, prompt, answers: Vec::new(), liked: None })
        }
        Sample::Sft(dialogue) => Ok(row(last_answer(dialogue)?, None)),
        Sample::Kto { answer, liked } => Ok(row(last_answer(answer)?, Some(liked))),
        Sample::Preference { chosen, rejected } => {
            let (better, worse) = (last_answer(chosen)?, last_answer(rejected)?);
            if better.0 != worse.0 {
                return Err("the two conversations part before their last answers, which is more than can be \
                            compared side by side"
                    .into());
            }
            Ok(Offered { index, prompt: better.0, answers: vec![better.1, worse.1], liked: None })
        }
    }
}

/// The question and the answer to it.
fn last_answer(dialogue: Dialogue) -> Result<(Vec<ChatMessage>, String), String> {
    let (prompt, answer) = match dialogue {
        Dialogue::Plain { prompt, answer } if prompt.trim().is_empty() => (Vec::new(), answer),
        Dialogue::Plain { prompt, answer } => (vec![user(prompt)], answer),
        Dialogue::Chat { mut turns, .. } => {
            let Some(Turn { message, .. }) = turns.pop() else { return Err("there is no turn".into()) };
            (turns.into_iter().map(|turn| turn.message).collect(), message.content)
        }
    };
    if prompt.iter().all(|message| message.content.trim().is_empty()) {
        return Err("there is no question before the answer".into());
    }
    Ok((prompt, answer))
}

fn user(content: String) -> ChatMessage {
    ChatMessage { role: "user".into(), content }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers(text: &str) -> Result<Offers> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rows.jsonl");
        std::fs::write(&file, text).unwrap();
        Rows::read(&file)?.offers()
    }

    #[test]
    fn rows_become_questions_with_answers() {
        let text = r#"{"prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}], "chosen": [{"role": "assistant", "content": "a"}], "rejected": [{"role": "assistant", "content": "b"}]}
            {"chosen": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "rejected": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "b"}]}
            {"chosen": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "rejected": [{"role": "user", "content": "r"}, {"role": "assistant", "content": "b"}]}"#;
        let found = offers(text).unwrap();
        assert_eq!((found.kind, found.rows.len(), found.bad.len()), (DataKind::Preference, 2, 1));
        assert_eq!((found.rows[0].prompt.len(), found.rows[1].prompt.len()), (2, 1));
        assert_eq!(found.rows[0].answers, ["a", "b"]);
        assert_eq!((found.bad[0].0, found.bad[0].1.contains("part before")), (2, true));
    }

    #[test]
    fn a_file_that_tells_nothing_says_so() {
        let reason = offers(r#"{"x": 1, "y": 2}"#).unwrap_err().to_string();
        assert!(reason.contains("x, y") && reason.contains("chosen"), "{reason}");
    }
}
