//! A summary as text, for the command line.

use std::fmt::{self, Display, Formatter, Write};

use super::inspect::DataSummary;
use super::mapping::Format;
use super::preview::{PreviewRow, Segment};
use super::quality::{Quality, RowList};

/// Rows that are written out.
const SHOWN: usize = 3;
const SHOWN_CHARACTERS: usize = 1_200;
const BAR: usize = 40;
/// Rows of a kind that are named.
const NAMED: usize = 5;

/// What `luthier data inspect FILE` prints.
pub fn describe(summary: &DataSummary) -> String {
    summary.to_string()
}

impl Display for DataSummary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let size = size(self.bytes);
        writeln!(f, "{}: {} rows, {size}, read in {:.2} s", self.path.display(), self.rows, self.elapsed_secs)?;
        let sure = (self.confidence * 100.0).round();
        writeln!(f, "format: {}, {} (confidence {sure} %)", self.format.name(), self.kind.about())?;
        for (part, column) in &self.mapping.columns {
            writeln!(f, "  {:<9} {column}", part.name())?;
        }
        if matches!(self.format, Format::Sharegpt | Format::Messages) {
            let tags = &self.mapping.tags;
            let words = [&tags.role, &tags.content, &tags.user, &tags.assistant].map(String::as_str);
            writeln!(
                f,
                "  turns are written {:?} and {:?}; {:?} asks, {:?} answers",
                words[0], words[1], words[2], words[3]
            )?;
        }
        let unused: Vec<&str> = self.columns.iter().map(String::as_str).filter(|name| !self.is_mapped(name)).collect();
        if !unused.is_empty() {
            writeln!(f, "  not used: {}", unused.join(", "))?;
        }
        match self.problem_count {
            0 => writeln!(f, "problems: none")?,
            count => writeln!(f, "problems: {count} of {} rows cannot be used", self.rows)?,
        }
        for problem in &self.problems {
            let line = if problem.line > 0 { format!(" (line {})", problem.line) } else { String::new() };
            writeln!(f, "  row {}{line}: {}", problem.row, problem.reason)?;
        }
        if self.problems.len() < self.problem_count && !self.problems.is_empty() {
            writeln!(f, "  ... and {} more", self.problem_count - self.problems.len())?;
        }
        if let Some(balance) = &self.balance {
            writeln!(f, "answers: {} liked, {} disliked", balance.liked, balance.disliked)?;
        }
        self.warnings.iter().try_for_each(|warning| writeln!(f, "warning: {warning}"))?;
        self.quality.iter().try_for_each(|quality| write_quality(f, quality))?;
        self.write_lengths(f)?;
        self.preview.iter().take(SHOWN).try_for_each(|row| write_row(f, row))
    }
}

impl DataSummary {
    fn is_mapped(&self, column: &str) -> bool {
        self.mapping.columns.values().any(|mapped| mapped == column)
    }

    fn write_lengths(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(tokens) = &self.tokens else { return Ok(()) };
        writeln!(
            f,
            "tokens a row (of {} rows): {} to {}, mean {:.1}, half are up to {}, 95 % up to {}",
            tokens.sampled, tokens.min, tokens.max, tokens.mean, tokens.p50, tokens.p95
        )?;
        let percent = |share: f32| share * 100.0;
        writeln!(
            f,
            "  {:.1} % are cut off, {:.1} % lose the whole answer; {:.1} % of the tokens are learned",
            percent(tokens.cut_share),
            percent(tokens.lost_share),
            percent(tokens.learned_share)
        )?;
        if let Some(rejected) = &self.rejected_tokens {
            writeln!(
                f,
                "  rejected answers with their questions: {} to {}, mean {:.1}, {:.1} % are cut off",
                rejected.min,
                rejected.max,
                rejected.mean,
                percent(rejected.cut_share)
            )?;
        }
        let most = tokens.histogram.iter().copied().max().unwrap_or(0).max(1);
        let last = tokens.histogram.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
        for (bucket, count) in tokens.histogram[..last].iter().enumerate() {
            let from = bucket * tokens.bucket_tokens;
            writeln!(f, "  {from:>7} {:<BAR$} {count}", "#".repeat((count * BAR).div_ceil(most)))?;
        }
        Ok(())
    }
}

fn write_quality(f: &mut Formatter<'_>, quality: &Quality) -> fmt::Result {
    let firsts = quality.duplicates.list.iter().zip(&quality.duplicate_of);
    let pairs = firsts.take(NAMED).map(|(row, first)| format!("{} = {}", row + 1, first + 1));
    write_rows(f, "repeat an earlier row word for word", &quality.duplicates, pairs.collect())?;
    write_rows(
        f,
        "ask what an earlier row asks and answer otherwise",
        &quality.asked_again,
        named(&quality.asked_again),
    )?;
    write_rows(f, "have next to nothing as their answer", &quality.near_empty, named(&quality.near_empty))?;
    if let Some(cut) = quality.cut.as_ref().filter(|cut| cut.cut.count > 0) {
        let about = if cut.exact { "" } else { "about " };
        let (cut, lost) = (cut.cut.count, cut.lost.count);
        writeln!(f, "{about}{cut} rows are longer than the limit; of {about}{lost} nothing of the answer is left")?;
    }
    if !quality.languages.is_empty() {
        let share = |count: usize| count as f64 / quality.languages_of.max(1) as f64 * 100.0;
        let list = quality.languages.iter().map(|one| format!("{} {:.1} %", one.language, share(one.rows.len())));
        writeln!(f, "languages (of {} answers): {}", quality.languages_of, list.collect::<Vec<_>>().join(", "))?;
    }
    Ok(())
}

fn named(rows: &RowList) -> Vec<String> {
    rows.list.iter().take(NAMED).map(|row| (row + 1).to_string()).collect()
}

/// Nothing where there are none.
fn write_rows(f: &mut Formatter<'_>, what: &str, rows: &RowList, named: Vec<String>) -> fmt::Result {
    match rows.count {
        0 => Ok(()),
        count => {
            let more = if count > named.len() { ", ..." } else { "" };
            writeln!(f, "{count} rows {what} (rows {}{more})", named.join(", "))
        }
    }
}

fn write_row(f: &mut Formatter<'_>, row: &PreviewRow) -> fmt::Result {
    let mut title = format!("row {}", row.row);
    if let Some(tokens) = row.tokens {
        write!(title, ", {tokens} tokens")?;
    }
    if let Some(liked) = row.liked {
        title.push_str(if liked { ", liked" } else { ", disliked" });
    }
    writeln!(f, "--- {title}; what stands between [[ and ]] is learned")?;
    if let Some(problem) = &row.problem {
        writeln!(f, "cannot be used: {problem}")?;
    }
    writeln!(f, "{}", marked(&row.segments))?;
    if !row.rejected.is_empty() {
        writeln!(f, "--- rejected\n{}", marked(&row.rejected))?;
    }
    Ok(())
}

fn marked(segments: &[Segment]) -> String {
    let mut text = String::new();
    for segment in segments {
        let shown: String = segment.text.chars().take(SHOWN_CHARACTERS).collect();
        let more = if shown.len() < segment.text.len() { " ..." } else { "" };
        let (open, close) = if segment.learned { ("[[", "]]") } else { ("", "") };
        text.push_str(&format!("{open}{shown}{more}{close}"));
    }
    text
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
