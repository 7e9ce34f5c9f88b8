//! What is in a data file: for the Data panel and `luthier data inspect`.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::detect::detect;
use super::encode::{Coded, EncodeOptions, Encoder, IGNORED};
use super::mapping::{DataKind, Format, Mapping};
use super::prepare::media_warning;
use super::progress::{Bar, Gauge};
use super::read::Table;
use super::sample::{Dialogue, Sample};
use super::source::{Source, check_columns};
use super::tally::one_sided_count;
use crate::error::Result;
use crate::protocol::DataSource;
use crate::tokenizer::TextTokenizer;

const QUESTIONS_ONLY: &str =
    "no column has answers: these questions serve stage ppo only; choose the column for response to learn answers";
/// Problems that a summary lists.
const LISTED: usize = 50;
/// Rows shown as the model will see them.
const SHOWN: usize = 50;
/// Rows that are tokenised to learn the lengths: so many at most, fewer where rows are long, but not less than that.
const TOKENISED: usize = 2_000;
const TOKENISED_BYTES: u64 = 500_000;
const TOKENISED_AT_LEAST: usize = 200;
const BUCKETS: usize = 20;
/// Longest text of a preview segment, in characters.
const SHOWN_CHARACTERS: usize = 20_000;
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

/// Lengths in tokens, as the model sees the rows but before they are cut off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenStats {
    /// Rows that were tokenised, spread over the file.
    pub sampled: usize,
    pub min: usize,
    pub mean: f32,
    pub p50: usize,
    pub p95: usize,
    pub max: usize,
    /// Bucket i counts lengths from i x `bucket_tokens` (included) to (i+1) x `bucket_tokens`.
    pub bucket_tokens: usize,
    /// 20 buckets.
    pub histogram: Vec<usize>,
    /// Share of rows longer than `cutoff_len`.
    pub cut_share: f32,
    /// Share of rows of which no answer token is left then.
    pub lost_share: f32,
    /// Learned tokens by all tokens, after the cut.
    pub learned_share: f32,
}

/// A row as the model will see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreviewRow {
    /// From 1.
    pub row: usize,
    pub segments: Vec<Segment>,
    /// The worse answer of a pair, with its question.
    pub rejected: Vec<Segment>,
    /// KTO: whether the answer is liked.
    pub liked: Option<bool>,
    /// After the cut; None without a tokenizer.
    pub tokens: Option<usize>,
    /// Why the row cannot be used.
    pub problem: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    pub text: String,
    /// Learned, not only read.
    pub learned: bool,
}

/// Reads a data file, finds out what it is, checks every row and shows the first ones. `progress` gets (done, total) in
/// bytes of the file; its `Break` stops.
///
/// # Errors
/// `Io`, `BadData` for a broken or empty file or a chosen column that is not there, `Stopped`.
pub fn inspect(source: &DataSource, progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>) -> Result<DataSummary> {
    let started = Instant::now();
    let found = Source::at(&source.path)?;
    let bytes = found.bytes();
    let mut bar = Bar::new(progress, bytes);
    let read_share = if source.model.is_some() { 0.5 } else { 0.8 };
    let (table, tokenizer) = bar.stretch(read_share, bytes, |gauge| {
        let tokenizer = || source.model.as_deref().map(TextTokenizer::load);
        let (table, tokenizer) = rayon::join(|| Table::read(&found.path, &found.files, gauge), tokenizer);
        Ok((table?, tokenizer))
    })?;
    let (mapping, confidence) = match (&source.mapping, found.declared_mapping(&table)?) {
        (Some(chosen), _) => {
            check_columns(chosen, &table)?;
            (chosen.clone(), 1.0)
        }
        (None, Some(declared)) => (declared, 1.0),
        (None, None) => detect(&table),
    };
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
        warnings: table.warnings.iter().cloned().chain(media_warning(&table)).collect(),
        elapsed_secs: 0.0,
        mapping,
    };
    if missing.is_empty() {
        let mapping = &summary.mapping;
        let (problems, balance) =
            bar.stretch(0.2, table.rows.len() as u64, |gauge| check_rows(&table, mapping, gauge))?;
        match summary.kind {
            DataKind::Kto => {
                summary.warnings.extend(one_sided_count(balance.liked, balance.disliked));
                summary.balance = Some(balance);
            }
            DataKind::Prompts => summary.warnings.push(QUESTIONS_ONLY.into()),
            _ => {}
        }
        summary.problem_count = problems.len();
        summary.problems = problems.into_iter().take(LISTED).collect();
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
        let encoder = tokenizer.as_ref().map(|tokenizer| (Encoder::new(tokenizer, options), tokenizer));
        if let Some((encoder, _)) = &encoder {
            let row_bytes = bytes / table.rows.len().max(1) as u64;
            let count = (TOKENISED_BYTES / row_bytes.max(1)) as usize;
            let count = count.clamp(TOKENISED_AT_LEAST, TOKENISED).min(table.rows.len());
            let step = table.rows.len().div_ceil(count);
            let mapping = &summary.mapping;
            let (stats, rejected, warnings) =
                bar.stretch(0.3, count as u64, |gauge| measure(&table, mapping, step, encoder, gauge))?;
            (summary.tokens, summary.rejected_tokens) = (stats, rejected);
            summary.warnings.extend(warnings);
        }
        let shown = 0..table.rows.len().min(SHOWN);
        let encoder = encoder.as_ref().map(|(encoder, tokenizer)| (encoder, *tokenizer));
        summary.preview =
            shown.into_par_iter().map(|index| preview(&table, index, &summary.mapping, encoder)).collect();
    } else {
        let parts: Vec<&str> = missing.iter().map(|part| part.name()).collect();
        summary.problem_count = table.rows.len();
        summary.warnings.push(format!("choose the column for {}", parts.join(" and ")));
    }
    summary.elapsed_secs = started.elapsed().as_secs_f64();
    // Freeing a hundred thousand rows takes a while, and nobody needs to wait for it.
    rayon::spawn(move || drop(table));
    Ok(summary)
}

fn check_rows(table: &Table, mapping: &Mapping, gauge: &Gauge) -> Result<(Vec<RowProblem>, Balance)> {
    let chunks = table.rows.par_chunks(CHUNK).enumerate().map(|(chunk, rows)| {
        gauge.add(rows.len())?;
        let (mut problems, mut balance) = (Vec::new(), Balance::default());
        for (index, row) in rows.iter().enumerate() {
            match Sample::read(&row.fields, mapping) {
                Err(reason) => {
                    problems.push(RowProblem { row: chunk * CHUNK + index + 1, line: row.line, reason });
                }
                Ok(Sample::Kto { liked: true, .. }) => balance.liked += 1,
                Ok(Sample::Kto { liked: false, .. }) => balance.disliked += 1,
                Ok(_) => {}
            }
        }
        Ok((problems, balance))
    });
    let (mut problems, mut balance) = (Vec::new(), Balance::default());
    for (more, counted) in chunks.collect::<Result<Vec<_>>>()? {
        problems.extend(more);
        balance.liked += counted.liked;
        balance.disliked += counted.disliked;
    }
    Ok((problems, balance))
}

/// A row's lengths: a pair has two.
type Measured = Result<(Coded, Option<Coded>), String>;

/// Lengths of every `step`-th row, and what the person should know of them.
fn measure(
    table: &Table,
    mapping: &Mapping,
    step: usize,
    encoder: &Encoder<'_>,
    gauge: &Gauge,
) -> Result<(Option<TokenStats>, Option<TokenStats>, Vec<String>)> {
    let indices: Vec<usize> = (0..table.rows.len()).step_by(step).collect();
    let coded: Vec<(usize, Measured)> = indices
        .par_iter()
        .filter_map(|index| {
            if let Err(stopped) = gauge.add(1) {
                return Some(Err(stopped));
            }
            let sample = Sample::read(&table.rows[*index].fields, mapping).ok()?;
            Some(Ok((*index, code(encoder, &sample))))
        })
        .collect::<Result<_>>()?;
    let mut warnings = Vec::new();
    if let Some((index, Err(reason))) = coded.iter().find(|(_, outcome)| outcome.is_err()) {
        let count = coded.iter().filter(|(_, outcome)| outcome.is_err()).count();
        warnings.push(format!(
            "{count} of {} rows looked at cannot be laid out; {}: {reason}",
            coded.len(),
            table.place(*index)
        ));
    }
    let good: Vec<&Coded> = coded.iter().filter_map(|(_, outcome)| Some(&outcome.as_ref().ok()?.0)).collect();
    let rejected: Vec<&Coded> = coded.iter().filter_map(|(_, outcome)| outcome.as_ref().ok()?.1.as_ref()).collect();
    if good.iter().any(|coded| coded.last_turn_only) {
        warnings
            .push("the chat template rewrites earlier turns: only the last answer of a conversation is learned".into());
    }
    if good.iter().any(|coded| coded.unclosed && coded.full_len == coded.input_ids.len()) {
        warnings.push(
            "the chat template ends an answer with no special token: the model does not learn where to stop".into(),
        );
    }
    if good.iter().any(|coded| coded.tools_unseen) {
        warnings.push("the chat template does not show the tools".into());
    }
    let stats = statistics(&good).map(|stats| match mapping.kind() {
        // Nothing of a question is learned; one that fills the limit is lost.
        DataKind::Prompts => TokenStats { lost_share: stats.cut_share, ..stats },
        _ => stats,
    });
    Ok((stats, statistics(&rejected), warnings))
}

fn code(encoder: &Encoder<'_>, sample: &Sample) -> Measured {
    let rejected = match sample {
        Sample::Preference { rejected, .. } => Some(encoder.encode_dialogue(rejected)?),
        _ => None,
    };
    Ok((encoder.encode(sample)?, rejected))
}

fn statistics(rows: &[&Coded]) -> Option<TokenStats> {
    let mut lengths: Vec<usize> = rows.iter().map(|row| row.full_len).collect();
    lengths.sort_unstable();
    let (min, max) = (*lengths.first()?, *lengths.last()?);
    // Nearest rank.
    let rank = |share: f64| lengths[((share * lengths.len() as f64).ceil() as usize).clamp(1, lengths.len()) - 1];
    let bucket_tokens = (max + 1).div_ceil(BUCKETS);
    let mut histogram = vec![0; BUCKETS];
    lengths.iter().for_each(|length| histogram[(length / bucket_tokens).min(BUCKETS - 1)] += 1);
    let learned = |row: &Coded| row.labels.iter().skip(1).filter(|label| **label != IGNORED).count();
    let share = |count: usize| count as f32 / lengths.len() as f32;
    let seen: usize = rows.iter().map(|row| row.input_ids.len()).sum();
    Some(TokenStats {
        sampled: lengths.len(),
        min,
        mean: lengths.iter().sum::<usize>() as f32 / lengths.len() as f32,
        p50: rank(0.5),
        p95: rank(0.95),
        max,
        bucket_tokens,
        cut_share: share(rows.iter().filter(|row| row.full_len > row.input_ids.len()).count()),
        lost_share: share(rows.iter().filter(|row| learned(row) == 0).count()),
        learned_share: rows.iter().map(|row| learned(row)).sum::<usize>() as f32 / seen.max(1) as f32,
        histogram,
    })
}

fn preview(
    table: &Table,
    index: usize,
    mapping: &Mapping,
    encoder: Option<(&Encoder<'_>, &TextTokenizer)>,
) -> PreviewRow {
    let mut shown =
        PreviewRow { row: index + 1, segments: vec![], rejected: vec![], liked: None, tokens: None, problem: None };
    let sample = match Sample::read(&table.rows[index].fields, mapping) {
        Ok(sample) => sample,
        Err(reason) => return PreviewRow { problem: Some(reason), ..shown },
    };
    if let Sample::Kto { liked, .. } = &sample {
        shown.liked = Some(*liked);
    }
    let coded = encoder.map(|(encoder, tokenizer)| (encoder.encode(&sample), encoder, tokenizer));
    match coded {
        Some((Ok(coded), encoder, tokenizer)) => {
            shown.tokens = Some(coded.input_ids.len());
            shown.segments = runs(tokenizer, &coded);
            if let Sample::Preference { rejected, .. } = &sample
                && let Ok(coded) = encoder.encode_dialogue(rejected)
            {
                shown.rejected = runs(tokenizer, &coded);
            }
        }
        Some((Err(reason), ..)) => shown.problem = Some(reason),
        None => {
            let (segments, rejected) = match &sample {
                Sample::Text(text) => (vec![segment(text.clone(), true)], vec![]),
                Sample::Sft(dialogue) | Sample::Kto { answer: dialogue, .. } | Sample::Prompt(dialogue) => {
                    (plain_segments(dialogue), vec![])
                }
                Sample::Preference { chosen, rejected } => (plain_segments(chosen), plain_segments(rejected)),
            };
            (shown.segments, shown.rejected) = (segments, rejected);
        }
    }
    shown
}

fn segment(mut text: String, learned: bool) -> Segment {
    if let Some((end, _)) = text.char_indices().nth(SHOWN_CHARACTERS) {
        text.truncate(end);
        text.push_str(" ...");
    }
    Segment { text, learned }
}

/// Tokens as text again, learned and read ones apart.
fn runs(tokenizer: &TextTokenizer, coded: &Coded) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut start = 0;
    let mut shown = String::new();
    for part in coded.labels.chunk_by(|a, b| (*a == IGNORED) == (*b == IGNORED)) {
        let end = start + part.len();
        // Some tokenizers drop a text's first blank: a run is what the text so far has more than the text before it.
        let so_far = tokenizer.decode(&coded.input_ids[..end], false);
        let text = match so_far.strip_prefix(&shown) {
            Some(text) => text.to_owned(),
            None => tokenizer.decode(&coded.input_ids[start..end], false),
        };
        segments.push(segment(text, part[0] != IGNORED));
        (start, shown) = (end, so_far);
    }
    // The cut may go through a character.
    if coded.full_len > coded.input_ids.len()
        && let Some(last) = segments.last_mut()
    {
        last.text.truncate(last.text.trim_end_matches('\u{fffd}').len());
    }
    segments
}

/// Without a tokenizer: the texts, each turn under its speaker's name.
fn plain_segments(dialogue: &Dialogue) -> Vec<Segment> {
    match dialogue {
        Dialogue::Plain { prompt, answer } => {
            let answer = (!answer.is_empty()).then(|| segment(answer.clone(), true));
            [segment(prompt.clone(), false)].into_iter().chain(answer).collect()
        }
        Dialogue::Chat { turns, .. } => {
            let mut segments: Vec<Segment> = Vec::new();
            for (index, turn) in turns.iter().enumerate() {
                let gap = if index == 0 { "" } else { "\n\n" };
                segments.push(segment(format!("{gap}{}: ", turn.message.role), false));
                segments.push(segment(turn.message.content.clone(), turn.learned));
            }
            segments
        }
    }
}
