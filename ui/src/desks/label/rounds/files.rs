//! The files that a run learns from: rows split by prompt, and the dataset_info.json that tells what they are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use luthier_engine::feedback::{
    Exporting, FileFormat, Judged, Mark, Pair, PairRules, Said, Ties, marks, pairs, prompt_key, records, settle, split,
};
use luthier_engine::protocol::ChatMessage;
use luthier_engine::recipe::Stage;

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

fn rules(ties: Ties) -> PairRules {
    PairRules { ties, ..PairRules::default() }
}

pub(super) fn said(decisions: &[Decision]) -> Vec<Said<'_>> {
    decisions.iter().map(|it| Said { item: it.item, last_word: it.last_word, judged: &it.judged }).collect()
}

pub(super) fn pair_rows(judged: &[&Judged], ties: Ties, held_out: f64) -> Rows {
    let pairs = pairs(judged, &rules(ties)).pairs;
    let share = share(pairs.iter().map(|pair| &pair.prompt[..]), held_out);
    let (train, eval) = split(pairs, share, SEED);
    Rows::Pairs { train, eval }
}

/// Verdicts that make no pair, since both answers are the same.
pub(super) fn same_texts(judged: &[&Judged], ties: Ties) -> usize {
    pairs(judged, &rules(ties)).left_out.same_text
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

    fn held_out_items(&self, decisions: &[Decision]) -> Vec<ItemId> {
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
    /// Items whose prompts are held out.
    pub held_out: Vec<ItemId>,
}

/// Files for a stage in `folder`, in LLaMA-Factory's form with their dataset_info.json. Their names hold a checksum of
/// the decisions, so that labels that come later do not change what an earlier run has learned from.
///
/// # Errors
/// `BadData` or `Io` for a dataset_info.json that is there already and cannot be read.
pub(super) fn write(
    decisions: &[Decision],
    stage: Stage,
    ties: Ties,
    held_out: f64,
    folder: &Path,
) -> luthier_engine::Result<Written> {
    let said = said(decisions);
    let judged = settle(said.iter().copied()).judged;
    let (word, format, rows) = match stage {
        Stage::Kto => ("marks", FileFormat::LlamaFactoryKto, mark_rows(&judged, held_out)),
        _ => ("pairs", FileFormat::LlamaFactoryRanking, pair_rows(&judged, ties, held_out)),
    };
    let eval_share = if rows.sizes().1 > 0 { held_out } else { 0.0 };
    let how = Exporting { format, rules: rules(ties), eval_share, seed: SEED };
    let sum = decisions.iter().fold(0, |sum, decision| crc32c::crc32c_append(sum, &decision.id.to_le_bytes()));
    let sum = crc32c::crc32c_append(sum, format!("{ties:?} {eval_share}").as_bytes());
    let mut files = records(&said, &how).files(format, folder, &format!("{word}-{sum:08x}"))?;
    let info = files.pop();
    let mut paths = files.iter().map(|(path, _)| path.clone());
    let (train, eval) = (paths.next().unwrap_or_default(), paths.next());
    files.extend(info);
    Ok(Written { files, train, eval, held_out: rows.held_out_items(decisions) })
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
