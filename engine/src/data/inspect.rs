//! What is in a data file: for the Data panel and `luthier data inspect`.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::encode::{EncodeOptions, Encoder};
use super::lengths::{Measure, TokenStats};
use super::mapping::{DataKind, Format, Mapping};
use super::prepare::media_warning;
use super::preview::{PreviewRow, Previewer};
use super::progress::{Bar, Gauge};
use super::quality::{Facts, Quality, languages, quality};
use super::read::Table;
use super::sample::Sample;
use super::shelf::Shelf;
use super::source::Source;
use super::tally::one_sided_count;
use crate::error::Result;
use crate::protocol::DataSource;

const QUESTIONS_ONLY: &str =
    "no column has answers: these questions serve stage ppo only; choose the column for response to learn answers";
/// Problems that a summary lists.
const LISTED: usize = 50;
/// Rows shown as the model will see them.
const SHOWN: usize = 50;
/// Rows that one thread checks before it counts them.
const CHUNK: usize = 1_024;

/// All that the window shows of a data file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSummary {
    pub path: PathBuf,
    pub bytes: u64,
    pub kind: DataKind,
    pub format: Format,
    /// 0 to 1; 1 where the mapping was declared or chosen. With 0, nothing is known of the file.
    pub confidence: f32,
    pub mapping: Mapping,
    /// Every column that some row has.
    pub columns: Vec<String>,
    pub rows: usize,
    /// The first 50 rows that cannot be used.
    pub problems: Vec<RowProblem>,
    pub problem_count: usize,
    /// Where a tokenizer was given. Of pairs, the better answers with their questions.
    pub tokens: Option<TokenStats>,
    /// Of pairs, the worse answers with their questions.
    #[serde(default)]
    pub rejected_tokens: Option<TokenStats>,
    /// Of marked answers, how many of the usable rows are liked and disliked.
    #[serde(default)]
    pub balance: Option<Balance>,
    /// The first 50 rows.
    pub preview: Vec<PreviewRow>,
    pub warnings: Vec<String>,
    /// None where the columns are not known.
    #[serde(default)]
    pub quality: Option<Quality>,
    pub elapsed_secs: f64,
}

/// Liked and disliked answers among the usable rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    pub liked: usize,
    pub disliked: usize,
}

/// A row that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowProblem {
    /// From 1.
    pub row: usize,
    /// From 1; 0 where the format has no lines.
    pub line: usize,
    pub reason: String,
}

/// Reads a data file, finds out what it is, checks every row and shows the first ones. `progress` gets (done, total) in
/// bytes of the file; its `Break` stops.
///
/// # Errors
/// `Io`, `BadData` for a broken or empty file or a chosen column that is not there, `Stopped`.
pub fn inspect(source: &DataSource, progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>) -> Result<DataSummary> {
    let shelf = Shelf::default();
    let summary = shelf.inspect(source, progress);
    // Freeing a hundred thousand rows takes a while, and nobody needs to wait for it.
    rayon::spawn(move || drop(shelf));
    summary
}

impl Shelf {
    /// [`inspect`] for a file that may still lie here, and that stays here for [`Shelf::read_rows`].
    ///
    /// # Errors
    /// As `inspect`.
    pub fn inspect(
        &self,
        source: &DataSource,
        progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<DataSummary> {
        let started = Instant::now();
        let found = Source::at(&source.path)?;
        let bytes = found.bytes();
        let mut bar = Bar::new(progress, bytes);
        let read_share = if source.model.is_some() { 0.5 } else { 0.8 };
        let (opened, tokenizer) = bar.stretch(read_share, bytes, |gauge| {
            let tokenizer = || source.model.as_deref().map(|model| self.tokenizer(model));
            let (opened, tokenizer) = rayon::join(|| self.open(&source.path, &found, gauge), tokenizer);
            Ok((opened?, tokenizer))
        })?;
        let table = &opened.table;
        let (mapping, confidence) = opened.mapping(source, &found)?;
        let missing = mapping.missing();
        let mut summary = DataSummary {
            path: found.path.clone(),
            bytes,
            kind: mapping.kind(),
            format: mapping.format,
            confidence: if missing.is_empty() { confidence } else { 0.0 },
            columns: table.columns.clone(),
            rows: table.rows.len(),
            problems: Vec::new(),
            problem_count: 0,
            tokens: None,
            rejected_tokens: None,
            balance: None,
            preview: Vec::new(),
            warnings: table.warnings.iter().cloned().chain(media_warning(table)).collect(),
            quality: None,
            elapsed_secs: 0.0,
            mapping,
        };
        if missing.is_empty() {
            let tokenizer = match tokenizer {
                Some(Ok(tokenizer)) => Some(tokenizer),
                Some(Err(error)) => {
                    summary
                        .warnings
                        .push(format!("the lengths are not known, because the tokenizer cannot be read: {error}"));
                    None
                }
                None => None,
            };
            let options = EncodeOptions::new(source.cutoff_len.max(1), source.train_on_prompt);
            let encoder = tokenizer.as_deref().map(|tokenizer| (Encoder::new(tokenizer, options), tokenizer));
            let encoder = encoder.as_ref().map(|(encoder, tokenizer)| (encoder, *tokenizer));
            let mapping = summary.mapping.clone();
            let checks = bar.stretch(0.2, table.rows.len() as u64, |gauge| check_rows(table, &mapping, gauge))?;
            match summary.kind {
                DataKind::Kto => {
                    summary.warnings.extend(one_sided_count(checks.balance.liked, checks.balance.disliked));
                    summary.balance = Some(checks.balance);
                }
                DataKind::Prompts => summary.warnings.push(QUESTIONS_ONLY.into()),
                _ => {}
            }
            summary.problem_count = checks.problems.len();
            summary.problems = checks.problems.into_iter().take(LISTED).collect();
            let mut quality = quality(&checks.facts);
            (quality.languages, quality.languages_of) = languages(table, &mapping);
            if let Some((encoder, _)) = encoder {
                let measure = Measure { table, mapping: &mapping, encoder, cutoff: source.cutoff_len.max(1), bytes };
                let count = measure.sampled() as u64;
                let lengths = bar.stretch(0.3, count, |gauge| measure.measure(&checks.facts, gauge))?;
                (summary.tokens, summary.rejected_tokens) = (lengths.tokens, lengths.rejected);
                (quality.lengths, quality.cut) = (lengths.sorted, Some(lengths.cut));
                summary.warnings.extend(lengths.warnings);
            }
            summary.quality = Some(quality);
            let previewer = Previewer { table, mapping: &mapping, encoder };
            let shown = 0..table.rows.len().min(SHOWN);
            summary.preview = shown.into_par_iter().map(|index| previewer.row(index)).collect();
        } else {
            let parts: Vec<&str> = missing.iter().map(|part| part.name()).collect();
            summary.problem_count = table.rows.len();
            summary.warnings.push(format!("choose the column for {}", parts.join(" and ")));
        }
        summary.elapsed_secs = started.elapsed().as_secs_f64();
        Ok(summary)
    }
}

/// What a look at every row tells.
struct Checks {
    problems: Vec<RowProblem>,
    balance: Balance,
    /// Of each row, None where it cannot be used.
    facts: Vec<Option<Facts>>,
}

fn check_rows(table: &Table, mapping: &Mapping, gauge: &Gauge) -> Result<Checks> {
    let chunks = table.rows.par_chunks(CHUNK).enumerate().map(|(chunk, rows)| {
        gauge.add(rows.len())?;
        let (mut problems, mut balance) = (Vec::new(), Balance::default());
        let mut facts = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let sample = Sample::read(&row.fields, mapping);
            facts.push(sample.as_ref().ok().map(Facts::of));
            match sample {
                Err(reason) => {
                    problems.push(RowProblem { row: chunk * CHUNK + index + 1, line: row.line, reason });
                }
                Ok(Sample::Kto { liked: true, .. }) => balance.liked += 1,
                Ok(Sample::Kto { liked: false, .. }) => balance.disliked += 1,
                Ok(_) => {}
            }
        }
        Ok(Checks { problems, balance, facts })
    });
    let mut all =
        Checks { problems: Vec::new(), balance: Balance::default(), facts: Vec::with_capacity(table.rows.len()) };
    for chunk in chunks.collect::<Result<Vec<_>>>()? {
        all.problems.extend(chunk.problems);
        all.balance.liked += chunk.balance.liked;
        all.balance.disliked += chunk.balance.disliked;
        all.facts.extend(chunk.facts);
    }
    Ok(all)
}
