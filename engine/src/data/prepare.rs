//! From a recipe's datasets to token rows: read, map, encode, mix, set rows aside for evaluation.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::batch::SplitMix;
use super::detect::detect;
use super::encode::{Coded, Encoded, Encoder};
use super::mapping::{DataKind, Mapping};
use super::progress::{Bar, Gauge};
use super::read::Table;
use super::sample::{Dialogue, Sample};
use super::source::Source;
use crate::error::{Error, Result};
use crate::recipe::{MixStrategy, Recipe, Stage};
use crate::tokenizer::TextTokenizer;

/// Rows that one thread encodes before it counts them.
const CHUNK: usize = 32;
/// Rows that a warning names.
const NAMED: usize = 5;
/// Below this confidence a detected mapping is said aloud.
const CERTAIN: f32 = 0.75;
/// Random streams of the seed; epochs count up from 0.
const SPLIT_STREAM: u64 = u64::MAX;
const MIX_STREAM: u64 = u64::MAX - 1;
const SAMPLE_STREAM: u64 = u64::MAX - 2;

/// Rows ready for training, in the order of their files.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    pub train: Vec<Encoded>,
    pub eval: Vec<Encoded>,
    /// Rows left out because something is wrong with them or because nothing of the answer fits into `cutoff_len`.
    pub dropped: usize,
    /// What the person should know, each once.
    pub warnings: Vec<String>,
}

/// Reads and encodes the recipe's `dataset` and `eval_dataset`, or sets `val_size` rows of `dataset` aside (chosen by
/// `seed`). `progress` gets (done, total) in bytes of the files; its `Break` stops.
///
/// # Errors
/// `BadRecipe` for unknown names, `BadData` with file and place, `Io`, `Stopped`.
pub fn prepare(
    recipe: &Recipe,
    tokenizer: &TextTokenizer,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<Prepared> {
    let find = |names: &[String]| -> Result<Vec<Source>> {
        names.iter().map(|name| Source::named(name, &recipe.dataset_dir)).collect()
    };
    let (sources, eval_sources) = (find(&recipe.dataset)?, find(&recipe.eval_dataset)?);
    if sources.is_empty() {
        return Err(Error::recipe("dataset", "no dataset is named", "write the path of a data file"));
    }
    let total: u64 = sources.iter().chain(&eval_sources).map(Source::bytes).sum();
    let mut preparation = Preparation {
        recipe,
        encoder: Encoder::new(tokenizer, recipe.into()),
        bar: Bar::new(progress, total),
        total: total.max(1),
        dropped: 0,
        warnings: Vec::new(),
    };
    let mut encode_all = |sources: &[Source]| -> Result<Vec<Vec<Encoded>>> {
        sources.iter().map(|source| preparation.encode(source)).collect()
    };
    let train = encode_all(&sources)?;
    let eval = encode_all(&eval_sources)?.concat();
    let (dropped, warnings) = (preparation.dropped, preparation.warnings);
    let train = mix(train, recipe)?;
    let (train, eval) = if eval.is_empty() { split(train, recipe.val_size, recipe.seed)? } else { (train, eval) };
    Ok(Prepared { train, eval, dropped, warnings })
}

/// What preparing one dataset after the other needs and leaves behind.
struct Preparation<'a> {
    recipe: &'a Recipe,
    encoder: Encoder<'a>,
    bar: Bar<'a>,
    /// Bytes of all files.
    total: u64,
    dropped: usize,
    warnings: Vec<String>,
}

impl Preparation<'_> {
    fn encode(&mut self, source: &Source) -> Result<Vec<Encoded>> {
        let bytes = source.bytes();
        let share = bytes as f64 / self.total as f64;
        let table = self.bar.stretch(share * 0.2, bytes, |gauge| Table::read(&source.path, &source.files, gauge))?;
        let mapping = self.mapping(source, &table)?;
        check_kind(mapping.kind(), self.recipe.stage, &table)?;
        let picked = picked(table.rows.len(), source, self.recipe);
        let encoder = &self.encoder;
        let outcomes = self.bar.stretch(share * 0.8, picked.len() as u64, |gauge| {
            encode_rows(&table, &mapping, &picked, encoder, gauge)
        })?;
        self.tally(&table, outcomes)
    }

    fn mapping(&mut self, source: &Source, table: &Table) -> Result<Mapping> {
        self.warnings.extend(table.warnings.iter().map(|warning| format!("{}: {warning}", table.path.display())));
        self.warnings.extend(media_warning(table));
        let (mapping, confidence) = match source.declared_mapping(table)? {
            Some(mapping) => (mapping, 1.0),
            None => detect(table),
        };
        if confidence == 0.0 {
            let reason = format!(
                "the columns {} do not tell what to learn; describe the file in dataset_info.json",
                table.columns.join(", ")
            );
            return Err(Error::data(&table.path, "the first line", reason));
        }
        if let Some(part) = mapping.missing().first() {
            let reason = format!("no column is named for {}; the file has {}", part.name(), table.columns.join(", "));
            return Err(Error::data(&table.path, "columns", reason));
        }
        if confidence < CERTAIN {
            let columns: Vec<String> =
                mapping.columns.iter().map(|(part, column)| format!("{} = {column}", part.name())).collect();
            self.warnings.push(format!("{}: the columns were guessed: {}", table.path.display(), columns.join(", ")));
        }
        Ok(mapping)
    }

    /// Counts what was left out and what the person should know.
    fn tally(&mut self, table: &Table, outcomes: Vec<(usize, Outcome)>) -> Result<Vec<Encoded>> {
        let cutoff = self.recipe.cutoff_len;
        let mut kept = Vec::with_capacity(outcomes.len());
        let total = outcomes.len();
        let mut bad: Vec<String> = Vec::new();
        let (mut bad_count, mut too_long, mut cut, mut last_only, mut unclosed, mut unseen, mut plain_chats) =
            (0, 0, 0, 0, 0, 0, 0);
        for (index, outcome) in outcomes {
            let Outcome { is_chat, result } = outcome;
            let coded = match result {
                Ok(coded) => coded,
                Err(reason) => {
                    bad_count += 1;
                    if bad.len() < NAMED {
                        bad.push(format!("{}: {reason}", table.place(index)));
                    }
                    continue;
                }
            };
            let is_cut = coded.full_len > coded.input_ids.len();
            last_only += usize::from(coded.last_turn_only);
            unclosed += usize::from(coded.unclosed && !is_cut);
            unseen += usize::from(coded.tools_unseen);
            plain_chats += usize::from(is_chat && !self.encoder.has_template());
            let row = Encoded { row: index + 1, input_ids: coded.input_ids, labels: coded.labels };
            if row.learned_tokens() == 0 {
                too_long += 1;
                continue;
            }
            cut += usize::from(is_cut);
            kept.push(row);
        }
        if bad_count > 0 && !self.recipe.skip_bad_rows && bad_count < total {
            let more = if bad_count > bad.len() { "; ..." } else { "" };
            let reason = format!(
                "{bad_count} of {} cannot be used: {}{more}; mend them, or write skip_bad_rows: true to leave them out",
                rows(total),
                bad.join("; ")
            );
            return Err(Error::data(&table.path, "rows", reason));
        }
        self.dropped += bad_count + too_long;
        let mut warn = |count: usize, text: String| {
            if count > 0 {
                self.warnings.push(format!("{}: {text}", table.path.display()));
            }
        };
        let more = if bad_count > bad.len() { "; ..." } else { "" };
        warn(bad_count, format!("{} left out: {}{more}", rows(bad_count), bad.join("; ")));
        warn(too_long, format!("{} left out: no token of the answer lies within cutoff_len {cutoff}", rows(too_long)));
        warn(cut, format!("{} longer than cutoff_len {cutoff} and cut off there", rows(cut)));
        let rewritten = "the chat template writes earlier turns differently once more follow";
        warn(last_only, format!("of {} only the last answer is learned: {rewritten}", rows(last_only)));
        let stop = "the chat template ends an answer with no special token, so the model does not learn where to stop";
        warn(unclosed, format!("{stop} ({})", rows(unclosed)));
        warn(unseen, format!("the chat template does not show the tools of {}", rows(unseen)));
        let layout = "the model has no chat template; conversations are laid out as ### Instruction: and ### Response:";
        warn(plain_chats, layout.to_owned());
        if kept.is_empty() {
            let reason = match bad.first() {
                Some(first) => format!("no row can be used; {first}"),
                None => format!("no row can be used: no answer begins within cutoff_len {cutoff}"),
            };
            return Err(Error::data(&table.path, "the whole file", reason));
        }
        Ok(kept)
    }
}

fn rows(count: usize) -> String {
    if count == 1 { "1 row".into() } else { format!("{count} rows") }
}

/// What is said of a file with pictures or sound.
pub(super) fn media_warning(table: &Table) -> Option<String> {
    let media =
        table.columns.iter().find(|column| ["images", "image", "videos", "audios"].contains(&column.as_str()))?;
    Some(format!("{}: the column {media} is not read: Luthier trains on text", table.path.display()))
}

fn check_kind(kind: DataKind, stage: Stage, table: &Table) -> Result<()> {
    let (fits, remedy) = match stage {
        Stage::Sft => (matches!(kind, DataKind::Text | DataKind::Sft), "choose a file of questions and answers"),
        Stage::Pt => (kind == DataKind::Text, "choose a file with one column of text, or stage: sft"),
        other => {
            let reason = format!("rows for {other:?} cannot be prepared yet");
            return Err(Error::recipe("stage", reason, "write stage: sft"));
        }
    };
    if fits {
        return Ok(());
    }
    let also = match kind {
        DataKind::Preference => ", or write stage: dpo",
        DataKind::Kto => ", or write stage: kto",
        _ => "",
    };
    let reason = format!("it holds {}, which this stage cannot learn: {remedy}{also}", kind.about());
    Err(Error::data(&table.path, "the whole file", reason))
}

/// Indices of the rows to use: `num_samples` drawn at random (each row once before any comes again), at most `max_samples`.
fn picked(len: usize, source: &Source, recipe: &Recipe) -> Vec<usize> {
    let mut picked: Vec<usize> = (0..len).collect();
    if let Some(count) = source.declared.as_ref().and_then(|declared| declared.num_samples) {
        let mut random = SplitMix::new(recipe.seed, SAMPLE_STREAM);
        random.shuffle(&mut picked);
        picked.truncate(count);
        picked.extend((picked.len()..count).map(|_| random.below(len)).collect::<Vec<_>>());
    }
    picked.truncate(recipe.max_samples.unwrap_or(usize::MAX));
    picked
}

struct Outcome {
    is_chat: bool,
    result: Result<Coded, String>,
}

fn encode_rows(
    table: &Table,
    mapping: &Mapping,
    picked: &[usize],
    encoder: &Encoder<'_>,
    gauge: &Gauge,
) -> Result<Vec<(usize, Outcome)>> {
    let encode = |index: &usize| {
        let sample = Sample::read(&table.rows[*index].fields, mapping);
        let is_chat = matches!(sample, Ok(Sample::Sft(Dialogue::Chat { .. })));
        (*index, Outcome { is_chat, result: sample.and_then(|sample| encoder.encode(&sample)) })
    };
    let chunks = picked.par_chunks(CHUNK).map(|chunk| {
        gauge.add(chunk.len())?;
        Ok(chunk.iter().map(encode).collect::<Vec<_>>())
    });
    Ok(chunks.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// Several datasets as one. Interleaving takes one row of each in turn, or of one drawn by `interleave_probs`, until the
/// first is used up (`interleave_under`) or until all are, those that end early beginning again (`interleave_over`).
fn mix(mut datasets: Vec<Vec<Encoded>>, recipe: &Recipe) -> Result<Vec<Encoded>> {
    if datasets.len() == 1 {
        return Ok(datasets.remove(0));
    }
    let over = match recipe.mix_strategy {
        MixStrategy::Concat => return Ok(datasets.concat()),
        MixStrategy::InterleaveUnder => false,
        MixStrategy::InterleaveOver => true,
    };
    let chances = &recipe.interleave_probs;
    let sum: f64 = chances.iter().sum();
    let usable = chances.len() == datasets.len() && chances.iter().all(|chance| *chance > 0.0) && sum.is_finite();
    if !chances.is_empty() && !usable {
        let reason = format!("{} datasets need as many chances, each above 0", datasets.len());
        return Err(Error::recipe("interleave_probs", reason, "write one for each dataset, or none"));
    }
    let mut random = SplitMix::new(recipe.seed, MIX_STREAM);
    let mut draw = |turn: usize| -> usize {
        if chances.is_empty() {
            return turn % datasets.len();
        }
        let mut point = random.unit() * sum;
        let beyond = |chance: &f64| {
            point -= chance;
            point < 0.0
        };
        chances.iter().position(beyond).unwrap_or(chances.len() - 1)
    };
    let mut next = vec![0usize; datasets.len()];
    let mut mixed = Vec::new();
    for turn in 0.. {
        let rounds_done = next.iter().zip(&datasets).filter(|(next, rows)| **next >= rows.len()).count();
        // In turns, a round is finished even if the first dataset ended within it.
        let between_rounds = !chances.is_empty() || turn % datasets.len() == 0;
        if between_rounds && (rounds_done == datasets.len() || (rounds_done > 0 && !over)) {
            break;
        }
        let chosen = draw(turn);
        let rows = &datasets[chosen];
        mixed.push(rows[next[chosen] % rows.len()].clone());
        next[chosen] += 1;
    }
    Ok(mixed)
}

/// Sets rows aside for evaluation: `val_size` of them (1 or more), or that share of them (below 1, rounded up). Which
/// ones depends on `seed`; both parts keep the order of the file.
fn split(rows: Vec<Encoded>, val_size: f64, seed: u64) -> Result<(Vec<Encoded>, Vec<Encoded>)> {
    let count =
        if val_size >= 1.0 { val_size.floor() } else { (val_size.max(0.0) * rows.len() as f64).ceil() } as usize;
    if count == 0 {
        return Ok((rows, Vec::new()));
    }
    if count >= rows.len() {
        let reason = format!("it would take {count} rows for evaluation, and there are {}", rows.len());
        return Err(Error::recipe("val_size", reason, "lower it, or name an eval_dataset"));
    }
    let mut order: Vec<usize> = (0..rows.len()).collect();
    SplitMix::new(seed, SPLIT_STREAM).shuffle(&mut order);
    let mut is_eval = vec![false; rows.len()];
    order[..count].iter().for_each(|index| is_eval[*index] = true);
    let (eval, train): (Vec<_>, Vec<_>) = rows.into_iter().zip(is_eval).partition(|(_, is_eval)| *is_eval);
    let bare = |rows: Vec<(Encoded, bool)>| rows.into_iter().map(|(row, _)| row).collect();
    Ok((bare(train), bare(eval)))
}
