//! Labels as files for other tools.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::formats::{FileFormat, Holds};
use super::settle::grouped;
use super::{
    Asked, Balance, LeftOut, PairRules, Said, Ties, Verdict, argilla, balance, chats, label_studio, marks, pairs,
    settle, split,
};
use crate::data::{dataset_info_entry, read_text};
use crate::error::{Error, Result};
use crate::protocol::ChatMessage;

const INFO_FILE: &str = "dataset_info.json";
/// An entry of ours says so, because only those are written anew.
const MADE_BY: (&str, &str) = ("made_by", "Luthier");

/// What a person chooses of an export.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Exporting {
    pub format: FileFormat,
    pub rules: PairRules,
    /// Share of the records, 0 to 0.5, that is set aside for evaluation by prompt.
    pub eval_share: f64,
    pub seed: u64,
}

impl Default for Exporting {
    fn default() -> Self {
        Self::to(FileFormat::default())
    }
}

impl Exporting {
    /// The usual way to a format. One that can say that two answers are equal keeps its ties.
    pub fn to(format: FileFormat) -> Self {
        let ties = if format.holds() == Holds::Verdicts { Ties::Keep } else { Ties::LeaveOut };
        Self { format, rules: PairRules { ties, ..PairRules::default() }, eval_share: 0.0, seed: 42 }
    }
}

/// Records in the words of a format, and what was left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Records {
    pub train: Vec<Value>,
    /// Of prompts that `train` does not have.
    pub eval: Vec<Value>,
    /// Of marks.
    pub balance: Option<Balance>,
    pub left_out: LeftOut,
}

/// The records of decisions that stand, in the order in which they were made. Trainers' formats get one verdict an item
/// ([`settle`]); the tools that keep everybody's word get each person's latest.
pub fn records(said: &[Said<'_>], how: &Exporting) -> Records {
    let mut found = Records::default();
    match how.format.holds() {
        Holds::Verdicts => {
            let mut items: Vec<Vec<Said<'_>>> = Vec::new();
            for (_, said) in grouped(said.iter().copied()) {
                let count = said.len();
                let kept: Vec<Said<'_>> = said
                    .into_iter()
                    .filter(|said| how.rules.ties != Ties::LeaveOut || said.judged.verdict != Verdict::Tie)
                    .collect();
                found.left_out.ties += count - kept.len();
                if kept.iter().any(|said| said.judged.verdict != Verdict::Skipped) {
                    items.push(kept);
                } else if !kept.is_empty() {
                    found.left_out.skipped += 1;
                }
            }
            let write = |item: &Vec<Said<'_>>| match how.format {
                FileFormat::Argilla => argilla::record(item),
                _ => label_studio::task(item),
            };
            let (train, eval) = split(items, how.eval_share, how.seed);
            (found.train, found.eval) = (train.iter().map(write).collect(), eval.iter().map(write).collect());
        }
        holds => {
            let settled = settle(said.iter().copied());
            if holds == Holds::Pairs {
                let paired = pairs(&settled.judged, &how.rules);
                found.left_out = paired.left_out;
                let (train, eval) = split(paired.pairs, how.eval_share, how.seed);
                found.keep(&train, &eval, |pair| chats::pair_record(pair, how.format));
            } else {
                let marked = marks(&settled.judged);
                (found.left_out, found.balance) = (marked.left_out, Some(balance(&marked.marks)));
                let (train, eval) = split(marked.marks, how.eval_share, how.seed);
                found.keep(&train, &eval, |mark| chats::mark_record(mark, how.format));
            }
            found.left_out.disagreed += settled.disagreed.len();
            found.left_out.skipped += settled.skipped;
        }
    }
    found
}

impl Records {
    fn keep<T>(&mut self, train: &[T], eval: &[T], write: impl Fn(&T) -> Option<Value>) {
        self.train = train.iter().filter_map(&write).collect();
        self.eval = eval.iter().filter_map(&write).collect();
        self.left_out.unwritable += train.len() + eval.len() - self.train.len() - self.eval.len();
    }

    /// The first record laid out over lines, its texts cut to `longest` characters: for people to look at.
    pub fn example(&self, longest: usize) -> Option<String> {
        let mut first = self.train.first().or(self.eval.first())?.clone();
        cut(&mut first, longest);
        serde_json::to_string_pretty(&first).ok()
    }

    /// The files of an export: names in the folder of `target`, and what is in them. `target` is the file that the person
    /// chose, or the folder for a format of several files, whose rows are then called after `name`. A dataset_info.json
    /// that is there keeps its entries, and a file that is not ours keeps its name.
    ///
    /// # Errors
    /// `BadData` for a dataset_info.json that is no JSON object, with its line; `Io`.
    pub fn files(&self, format: FileFormat, target: &Path, name: &str) -> Result<Vec<(std::path::PathBuf, Vec<u8>)>> {
        if format.is_folder() {
            return self.folder(format, target, name);
        }
        let ending = target.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        let usual = format.ending();
        let target = match ending.as_deref() {
            Some("json" | "jsonl") => target.to_owned(),
            _ => appended(target, &format!(".{usual}")),
        };
        let lines = target.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("jsonl"));
        let stem = target.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let ending = target.extension().unwrap_or_default().to_string_lossy().into_owned();
        let mut files = vec![(target.clone(), bytes(&self.train, lines)?)];
        if !self.eval.is_empty() {
            files.push((target.with_file_name(format!("{stem}-eval.{ending}")), bytes(&self.eval, lines)?));
        }
        if let Some(first) = self.train.first().filter(|_| format == FileFormat::LabelStudio) {
            let config = label_studio::config(first).into_bytes();
            files.push((target.with_file_name(format!("{stem}-config.xml")), config));
        }
        Ok(files)
    }

    fn folder(&self, format: FileFormat, folder: &Path, name: &str) -> Result<Vec<(std::path::PathBuf, Vec<u8>)>> {
        let info_file = folder.join(INFO_FILE);
        let mut info: Map<String, Value> = if info_file.exists() {
            let text = read_text(&info_file)?;
            serde_json::from_str(&text).map_err(|error| {
                let reason = format!("not a valid dataset_info.json, so no entry can be added to it: {error}");
                Error::data(&info_file, format!("line {}", error.line()), reason)
            })?
        } else {
            Map::new()
        };
        let plain = entry_name(name);
        let free = |name: &str| match info.get(name) {
            Some(entry) => entry[MADE_BY.0] == MADE_BY.1,
            None => !folder.join(format!("{name}.json")).exists(),
        };
        let both = |name: &str| free(name) && (self.eval.is_empty() || free(&format!("{name}_eval")));
        let name = std::iter::once(plain.clone())
            .chain((2..).map(|number| format!("{plain}_{number}")))
            .find(|name| both(name))
            .unwrap_or(plain);
        let mut files = Vec::new();
        for (name, rows) in [(name.clone(), &self.train), (format!("{name}_eval"), &self.eval)] {
            if rows.is_empty() && !files.is_empty() {
                continue;
            }
            let file = format!("{name}.json");
            let mut entry = dataset_info_entry(&chats::mapping(format), Path::new(&file));
            entry[MADE_BY.0] = MADE_BY.1.into();
            info.insert(name, entry);
            files.push((folder.join(file), bytes(rows, false)?));
        }
        // Last: an entry never names a file that is not there yet.
        let mut text = serde_json::to_vec_pretty(&info).map_err(|error| Error::Internal(error.to_string()))?;
        text.push(b'\n');
        files.push((info_file, text));
        Ok(files)
    }
}

fn cut(value: &mut Value, longest: usize) {
    match value {
        Value::String(text) => {
            if let Some((end, _)) = text.char_indices().nth(longest) {
                text.truncate(end);
                text.push('…');
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| cut(value, longest)),
        Value::Object(fields) => fields.values_mut().for_each(|value| cut(value, longest)),
        _ => {}
    }
}

fn appended(path: &Path, ending: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// A name for datasets: what can stand in a recipe's list and in a file's name.
fn entry_name(name: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() || c == '-' { c } else { '_' };
    let plain: String = name.trim().chars().map(kept).take(80).collect();
    let plain = plain.trim_matches('_');
    if plain.is_empty() { "labels".into() } else { plain.into() }
}

fn bytes(rows: &[Value], lines: bool) -> Result<Vec<u8>> {
    let failed = |error: serde_json::Error| Error::Internal(error.to_string());
    if !lines {
        let mut text = serde_json::to_vec_pretty(rows).map_err(failed)?;
        text.push(b'\n');
        return Ok(text);
    }
    let mut text = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut text, row).map_err(failed)?;
        text.push(b'\n');
    }
    Ok(text)
}

/// All that was said of one item has one prompt.
impl Asked for Vec<Said<'_>> {
    fn prompt(&self) -> &[ChatMessage] {
        self.first().map_or(&[], |said| &said.judged.prompt)
    }
}
