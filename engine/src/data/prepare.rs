//! From a recipe's datasets to token rows: read, map, encode, mix, set rows aside for evaluation.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::batch::SplitMix;
use super::detect::detect;
use super::encode::{Encoded, Encoder};
use super::example::Example;
use super::mapping::{DataKind, Mapping};
use super::mix::{mix, replay, replay_count, split};
use super::progress::{Bar, Gauge};
use super::read::Table;
use super::source::Source;
use super::stage::{Outcome, StageReader, check_kind};
use super::tally::{one_sided, tally};
use crate::error::{Error, Result};
use crate::recipe::{Recipe, Stage};
use crate::tokenizer::TextTokenizer;

/// Rows that one thread encodes before it counts them.
const CHUNK: usize = 32;
/// Below this confidence a detected mapping is said aloud.
const CERTAIN: f32 = 0.75;
/// Random stream of the seed; epochs count up from 0.
const SAMPLE_STREAM: u64 = u64::MAX - 2;
/// Rows of `forgetting_dataset` that are measured: enough for a steady perplexity, few enough to do so often.
const FORGETTING_ROWS: usize = 200;

/// Rows ready for training, in the order of their files, as the stage learns them.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    pub train: Vec<Example>,
    pub eval: Vec<Example>,
    /// General rows among `train`, of `replay_dataset`.
    pub replayed: usize,
    /// Rows of `forgetting_dataset`, at most 200 drawn by the seed, always as text or answers.
    pub forgetting: Vec<Encoded>,
    /// Rows left out because something is wrong with them or because nothing of the answer fits into `cutoff_len`.
    pub dropped: usize,
    /// What the person should know, each once.
    pub warnings: Vec<String>,
}

/// Reads and encodes the recipe's `dataset` and `eval_dataset`, or sets `val_size` rows of `dataset` aside (chosen by
/// `seed`); mixes `replay_dataset` into what is trained on and reads `forgetting_dataset`. `progress` gets (done, total)
/// in bytes of the files; its `Break` stops.
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
    let (replay_sources, forgetting_sources) = (find(&recipe.replay_dataset)?, find(&recipe.forgetting_dataset)?);
    if sources.is_empty() {
        return Err(Error::recipe("dataset", "no dataset is named", "write the path of a data file"));
    }
    let all = sources.iter().chain(&eval_sources).chain(&replay_sources).chain(&forgetting_sources);
    let total: u64 = all.map(Source::bytes).sum();
    let mut preparation = Preparation {
        recipe,
        encoder: Encoder::new(tokenizer, recipe.into()),
        bar: Bar::new(progress, total),
        total: total.max(1),
        dropped: 0,
        warnings: Vec::new(),
    };
    let mut read_own = |sources: &[Source]| -> Result<Vec<Vec<Example>>> {
        sources.iter().map(|source| preparation.read(source, Pick::Own)).collect()
    };
    let train = read_own(&sources)?;
    let eval = read_own(&eval_sources)?.concat();
    let train = mix(train, recipe)?;
    preparation.warnings.extend(one_sided(&train));
    let (mut train, eval) = if eval.is_empty() { split(train, recipe.val_size, recipe.seed)? } else { (train, eval) };

    let own = train.len();
    if !replay_sources.is_empty() {
        let count = replay_count(own, recipe.replay_ratio);
        let general = preparation.read_general(&replay_sources, count)?;
        train = replay(train, general, count, recipe);
    }
    let forgetting = preparation.read_general(&forgetting_sources, FORGETTING_ROWS)?;
    let forgetting = forgetting.into_iter().take(FORGETTING_ROWS).map(|row| row.first().clone()).collect();
    let Preparation { dropped, warnings, .. } = preparation;
    Ok(Prepared { replayed: train.len() - own, train, eval, forgetting, dropped, warnings })
}

/// Which rows of a dataset are read, and as what.
#[derive(Debug, Clone, Copy)]
enum Pick {
    /// As the recipe's stage learns them, as many as the recipe says.
    Own,
    /// As text or answers, so many at most, drawn by the seed.
    General(usize),
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
    fn read(&mut self, source: &Source, pick: Pick) -> Result<Vec<Example>> {
        let (bytes, recipe) = (source.bytes(), self.recipe);
        let share = bytes as f64 / self.total as f64;
        let table = self.bar.stretch(share * 0.2, bytes, |gauge| Table::read(&source.path, &source.files, gauge))?;
        let mapping = self.mapping(source, &table)?;
        let (stage, picked) = match pick {
            Pick::Own => (recipe.stage, picked(table.rows.len(), source, recipe)),
            Pick::General(count) => (Stage::Sft, drawn(table.rows.len(), count, recipe.seed)),
        };
        check_kind(mapping.kind(), stage, &table)?;
        if stage == Stage::Kto && mapping.kind() == DataKind::Preference {
            let reading = "each pair is read as one liked and one disliked answer";
            self.warnings.push(format!("{}: {reading}", table.path.display()));
        }
        let reader = StageReader { stage, mapping: &mapping, encoder: &self.encoder, cutoff_len: recipe.cutoff_len };
        let outcomes =
            self.bar.stretch(share * 0.8, picked.len() as u64, |gauge| read_rows(&table, &picked, &reader, gauge))?;
        let kept = tally(&table, outcomes, recipe, stage)?;
        self.dropped += kept.dropped;
        self.warnings.extend(kept.warnings);
        Ok(kept.examples)
    }

    /// At most `count` rows of each of `sources`, one drawn from each in turn.
    fn read_general(&mut self, sources: &[Source], count: usize) -> Result<Vec<Example>> {
        let mut each = Vec::with_capacity(sources.len());
        for source in sources {
            each.push(self.read(source, Pick::General(count))?.into_iter());
        }
        let mut rows = Vec::new();
        loop {
            let before = rows.len();
            rows.extend(each.iter_mut().filter_map(Iterator::next));
            if rows.len() == before {
                return Ok(rows);
            }
        }
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
}

/// What is said of a file with pictures or sound.
pub(super) fn media_warning(table: &Table) -> Option<String> {
    let media =
        table.columns.iter().find(|column| ["images", "image", "videos", "audios"].contains(&column.as_str()))?;
    Some(format!("{}: the column {media} is not read: Luthier trains on text", table.path.display()))
}

/// At most `count` of `len` indices, drawn by the seed.
fn drawn(len: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut drawn: Vec<usize> = (0..len).collect();
    SplitMix::new(seed, SAMPLE_STREAM).shuffle(&mut drawn);
    drawn.truncate(count.max(1));
    drawn
}

/// Indices of the rows to use: `num_samples` drawn at random (each row once before any comes again), at most `max_samples`.
fn picked(len: usize, source: &Source, recipe: &Recipe) -> Vec<usize> {
    let mut picked: Vec<usize> = (0..len).collect();
    if let Some(count) = source.declared.as_ref().and_then(|declared| declared.num_samples) {
        // Cut before drawing: rows beyond max_samples would be listed for nothing.
        let count = count.min(recipe.max_samples.unwrap_or(usize::MAX));
        let mut random = SplitMix::new(recipe.seed, SAMPLE_STREAM);
        random.shuffle(&mut picked);
        picked.truncate(count);
        picked.extend((picked.len()..count).map(|_| random.below(len)).collect::<Vec<_>>());
    }
    picked.truncate(recipe.max_samples.unwrap_or(usize::MAX));
    picked
}

fn read_rows(
    table: &Table,
    picked: &[usize],
    reader: &StageReader<'_>,
    gauge: &Gauge,
) -> Result<Vec<(usize, Outcome)>> {
    let chunks = picked.par_chunks(CHUNK).map(|chunk| {
        gauge.add(chunk.len())?;
        Ok(chunk.iter().map(|index| (*index, reader.read(&table.rows[*index], index + 1))).collect::<Vec<_>>())
    });
    Ok(chunks.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}
