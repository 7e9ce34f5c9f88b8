//! Labels and prompts from files of other tools.

use std::collections::BTreeMap;
use std::path::Path;

use super::formats::FileFormat;
use super::wording::fits;
use super::{Answer, Judged, Mode, Strength, Verdict, argilla, label_studio};
use crate::data::{DataKind, Format, Offered, Rows};
use crate::error::{Error, Result};
use crate::protocol::ChatMessage;

/// A row as something to judge.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// In the file, from 1.
    pub row: usize,
    pub prompt: Vec<ChatMessage>,
    pub answers: Vec<Answer>,
    /// What the file says of it already, one a person.
    pub judged: Vec<Judged>,
}

/// What a file brings.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// None: a data file that is none of the formats for labels.
    pub format: Option<FileFormat>,
    /// None: prompts alone, for which answers are still to be generated.
    pub mode: Option<Mode>,
    pub items: Vec<Item>,
    /// Rows that cannot be used.
    pub left_out: usize,
    /// The first few of them, each with the reason.
    pub reasons: Vec<String>,
    pub warnings: Vec<String>,
}

/// Reasons that are kept.
const NAMED: usize = 5;

impl Imported {
    pub(super) fn leave_out(&mut self, place: String, reason: String) {
        self.left_out += 1;
        if self.reasons.len() < NAMED {
            self.reasons.push(format!("{place}: {reason}"));
        }
    }
}

impl Judged {
    /// A verdict of which no more is known; the answers were shown in their order.
    pub(super) fn on(prompt: &[ChatMessage], answers: &[Answer], verdict: Verdict) -> Self {
        Self {
            prompt: prompt.to_vec(),
            answers: answers.to_vec(),
            verdict,
            shown: (0..answers.len()).collect(),
            tags: Vec::new(),
            note: String::new(),
            annotator: String::new(),
            seconds: 0.0,
            judged_unix_ms: 0,
        }
    }
}

/// Reads a file of labels, of answers, or of prompts, whichever it is: TRL's, LLaMA-Factory's (with a dataset_info.json
/// beside it or without), OpenAI's, Argilla's, Label Studio's, and any data file that Luthier trains on. Answers whose
/// verdict the file does not say come with none. Authors that the file does not name are called after it.
///
/// # Errors
/// `Io`; `BadData` with file and line or row where it is broken, in another encoding, tells nothing, or has no usable row.
pub fn import(path: &Path) -> Result<Imported> {
    let rows = Rows::read(path)?;
    let author = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut imported = Imported {
        format: None,
        mode: None,
        items: Vec::new(),
        left_out: 0,
        reasons: Vec::new(),
        warnings: rows.warnings().to_vec(),
    };
    if argilla::is_it(&rows) {
        imported.format = Some(FileFormat::Argilla);
        argilla::read(&rows, &mut imported, &author);
        imported.keep_one_mode(&rows);
    } else if label_studio::is_it(&rows) {
        imported.format = Some(FileFormat::LabelStudio);
        label_studio::read(&rows, &mut imported, &author);
        imported.keep_one_mode(&rows);
    } else {
        imported.take_offers(&rows, &author)?;
    }
    imported.filled(path)
}

impl Imported {
    fn take_offers(&mut self, rows: &Rows, author: &str) -> Result<()> {
        let offers = rows.offers()?;
        (self.mode, self.warnings) = (mode_of(offers.kind), offers.warnings);
        self.format = format_of(offers.kind, offers.format, rows);
        let verdict = |row: &Offered| match (offers.kind, row.liked) {
            (DataKind::Preference, _) => Some(Verdict::Better { answer: 0, strength: Strength::Clearly }),
            (_, Some(true)) => Some(Verdict::Good),
            (_, Some(false)) => Some(Verdict::Bad),
            _ => None,
        };
        for (index, reason) in offers.bad {
            self.leave_out(rows.place(index), reason);
        }
        for row in offers.rows {
            let verdict = verdict(&row);
            let answers: Vec<Answer> =
                row.answers.into_iter().map(|text| Answer { text, author: author.to_owned() }).collect();
            let judged = verdict
                .map(|verdict| Judged { annotator: author.to_owned(), ..Judged::on(&row.prompt, &answers, verdict) });
            let judged = judged.into_iter().collect();
            self.items.push(Item { row: row.index + 1, prompt: row.prompt, answers, judged });
        }
        Ok(())
    }

    /// A queue has one mode: that of most items. The others are left out.
    fn keep_one_mode(&mut self, rows: &Rows) {
        let by_count = |count: usize| match count {
            0 => None,
            1 => Some(Mode::Single),
            2 => Some(Mode::Pair),
            _ => Some(Mode::Rank),
        };
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for item in &self.items {
            *counts.entry(item.answers.len()).or_default() += 1;
        }
        let usual = counts.iter().max_by_key(|(_, count)| **count).map_or(0, |(answers, _)| *answers);
        self.mode = by_count(usual);
        for item in std::mem::take(&mut self.items) {
            let answers = item.answers.len();
            let odd = item.judged.iter().find_map(|judged| fits(&judged.verdict, answers).err());
            let place = rows.place(item.row - 1);
            match odd {
                _ if by_count(answers) != self.mode => {
                    self.leave_out(place, format!("it has {answers} answers, and most items have {usual}"));
                }
                Some(reason) => self.leave_out(place, reason),
                None => self.items.push(item),
            }
        }
    }

    fn filled(self, path: &Path) -> Result<Self> {
        if !self.items.is_empty() {
            return Ok(self);
        }
        let reason = self.reasons.first().map_or_else(
            || "there is nothing to label in it".to_owned(),
            |first| format!("no row can be used; the first: {first}"),
        );
        Err(Error::data(path, "the whole file", reason))
    }
}

fn mode_of(kind: DataKind) -> Option<Mode> {
    match kind {
        DataKind::Preference => Some(Mode::Pair),
        DataKind::Kto | DataKind::Sft => Some(Mode::Single),
        DataKind::Text | DataKind::Prompts => None,
    }
}

fn format_of(kind: DataKind, format: Format, rows: &Rows) -> Option<FileFormat> {
    match (kind, format) {
        (DataKind::Preference, Format::PromptCompletion) => Some(FileFormat::TrlPreference),
        (DataKind::Preference, Format::Messages) if rows.has_column("preferred_output") => Some(FileFormat::OpenAi),
        (DataKind::Preference, Format::Sharegpt | Format::Messages) => Some(FileFormat::LlamaFactoryRanking),
        (DataKind::Preference, Format::Alpaca) => Some(FileFormat::LlamaFactoryAlpaca),
        (DataKind::Kto, Format::PromptCompletion) => Some(FileFormat::TrlUnpaired),
        (DataKind::Kto, _) => Some(FileFormat::LlamaFactoryKto),
        _ => None,
    }
}
