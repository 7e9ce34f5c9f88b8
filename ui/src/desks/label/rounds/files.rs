//! The files that a run learns from: rows split by prompt, and the dataset_info.json that tells what they are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use luthier_engine::data::{Format, Mapping, Part, dataset_info_entry};
use luthier_engine::feedback::{Judged, Mark, Pair, PairRules, Ties, marks, pairs, prompt_key, split};
use luthier_engine::protocol::ChatMessage;
use serde_json::{Map, Value, json};

use crate::labels::{Decision, ItemId, QueueCard, QueueId};

/// Share of the prompts that is held out where nothing else is said.
pub const HELD_OUT: f64 = 0.1;
/// Of fewer prompts none is held out.
pub const LEAST_PROMPTS: usize = 20;
/// Of the draw that decides which prompts are held out: the same in every round, so that a prompt that was held out
/// once stays so.
const SEED: u64 = 42;

/// Rows to learn from and rows held out.
#[derive(Debug, Clone, PartialEq)]
pub enum Rows {
    Pairs { train: Vec<Pair>, eval: Vec<Pair> },
    Marks { train: Vec<Mark>, eval: Vec<Mark> },
}

pub(super) fn pair_rows(judged: &[&Judged], ties: Ties, held_out: f64) -> Rows {
    let pairs = pairs(judged, &PairRules { ties, ..PairRules::default() }).pairs;
    let share = share(pairs.iter().map(|pair| &pair.prompt[..]), held_out);
    let (train, eval) = split(pairs, share, SEED);
    Rows::Pairs { train, eval }
}

pub(super) fn mark_rows(judged: &[&Judged], held_out: f64) -> Rows {
    let marks = marks(judged).marks;
    let share = share(marks.iter().map(|mark| &mark.prompt[..]), held_out);
    let (train, eval) = split(marks, share, SEED);
    Rows::Marks { train, eval }
}

fn keys<'a>(prompts: impl Iterator<Item = &'a [ChatMessage]>) -> BTreeSet<String> {
    prompts.map(prompt_key).collect()
}

/// Nothing is held out of a handful of prompts.
fn share<'a>(prompts: impl Iterator<Item = &'a [ChatMessage]>, held_out: f64) -> f64 {
    if keys(prompts).len() < LEAST_PROMPTS { 0.0 } else { held_out }
}

impl Rows {
    /// To learn from, and held out.
    pub fn sizes(&self) -> (usize, usize) {
        match self {
            Self::Pairs { train, eval } => (train.len(), eval.len()),
            Self::Marks { train, eval } => (train.len(), eval.len()),
        }
    }

    fn prompts(&self, held_out: bool) -> BTreeSet<String> {
        match self {
            Self::Pairs { train, eval } => keys(if held_out { eval } else { train }.iter().map(|row| &row.prompt[..])),
            Self::Marks { train, eval } => keys(if held_out { eval } else { train }.iter().map(|row| &row.prompt[..])),
        }
    }

    /// Different prompts on both sides.
    pub fn count_prompts(&self) -> usize {
        self.prompts(false).len() + self.prompts(true).len()
    }

    /// Items whose prompts are held out.
    pub(super) fn held_out_items(&self, decisions: &[Decision]) -> Vec<ItemId> {
        let held_out = self.prompts(true);
        if held_out.is_empty() {
            return Vec::new();
        }
        let items = decisions.iter().filter(|decision| held_out.contains(&prompt_key(&decision.judged.prompt)));
        items.map(|decision| decision.item).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// What is to be written, and which of it is which.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub files: Vec<(PathBuf, Vec<u8>)>,
    pub train: PathBuf,
    pub eval: Option<PathBuf>,
}

/// Files for `rows` in `folder`. Their names hold a checksum, so that labels that come later do not change what an
/// earlier run has learned from.
pub(super) fn write(rows: &Rows, folder: &Path) -> Written {
    let mapping = Mapping::new(Format::Messages).with(Part::Messages, "messages");
    let (word, mapping, train, eval) = match rows {
        Rows::Pairs { train, eval } => {
            let mapping = mapping.with(Part::Chosen, "chosen").with(Part::Rejected, "rejected");
            ("pairs", mapping, lines(train.iter().map(pair)), lines(eval.iter().map(pair)))
        }
        Rows::Marks { train, eval } => {
            let mapping = mapping.with(Part::KtoTag, "kto_tag");
            ("marks", mapping, lines(train.iter().map(mark)), lines(eval.iter().map(mark)))
        }
    };
    let sum = crc32c::crc32c_append(crc32c::crc32c(&train), &eval);
    let mut info = Map::new();
    let mut files = Vec::new();
    let mut add = |side: &str, bytes: Vec<u8>| {
        let name = format!("{word}-{sum:08x}-{side}.jsonl");
        let path = folder.join(&name);
        info.insert(name.trim_end_matches(".jsonl").to_owned(), dataset_info_entry(&mapping, Path::new(&name)));
        files.push((path.clone(), bytes));
        path
    };
    let train = add("train", train);
    let eval = (!eval.is_empty()).then(|| add("held-out", eval));
    let info = serde_json::to_vec_pretty(&Value::Object(info)).unwrap_or_default();
    files.push((folder.join("dataset_info.json"), info));
    Written { files, train, eval }
}

fn pair(pair: &Pair) -> Value {
    let answer = |text: &str| json!({ "role": "assistant", "content": text });
    json!({ "messages": pair.prompt, "chosen": answer(&pair.chosen), "rejected": answer(&pair.rejected) })
}

fn mark(mark: &Mark) -> Value {
    let mut messages = mark.prompt.clone();
    messages.push(ChatMessage { role: "assistant".into(), content: mark.answer.clone() });
    json!({ "messages": messages, "kto_tag": mark.liked })
}

fn lines(rows: impl Iterator<Item = Value>) -> Vec<u8> {
    rows.flat_map(|row| format!("{row}\n").into_bytes()).collect()
}

/// `labels/7-workshop questions`: the number tells a queue apart, the name is for people.
pub(super) fn folder(home: &Path, card: &QueueCard) -> PathBuf {
    let plain = |c: char| if c.is_alphanumeric() || c == ' ' || c == '_' { c } else { '-' };
    let name: String = card.name.chars().map(plain).take(40).collect();
    home.join("labels").join(format!("{}-{}", card.id, name.trim()))
}

/// The queue whose labels a file holds.
pub(super) fn queue_of(home: &Path, file: &Path) -> Option<QueueId> {
    let folder = file.strip_prefix(home.join("labels")).ok()?.components().next()?;
    folder.as_os_str().to_str()?.split('-').next()?.parse().ok()
}
