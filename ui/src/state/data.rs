//! What is known of the data: the dataset that the Data panel shows, and the others that are mixed with it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use luthier_engine::data::{DataSummary, PreviewRow};
use luthier_engine::protocol::{DataSource, Problem, RequestId};

/// The data file: while it is read again with another mapping, the last summary stays in sight.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Data {
    pub source: Option<DataSource>,
    pub reading: Option<RequestId>,
    /// (done, total), in the engine's units; total 0 while unknown.
    pub progress: (u64, u64),
    pub summary: Option<Arc<DataSummary>>,
    /// Differs from one summary to the next: for what is worked out of it and kept.
    pub revision: RequestId,
    pub problem: Option<Problem>,
    /// Rows that are at hand, by their place from 0; anew when the file is.
    pub rows: BTreeMap<usize, PreviewRow>,
    pub rows_wanted: Option<RequestId>,
    /// Why rows could not be read; nothing more is asked for until the file is read again.
    pub rows_problem: Option<Problem>,
    /// The other datasets of the mix, by their paths.
    pub others: BTreeMap<PathBuf, Other>,
}

/// A dataset of the mix that is not shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Other {
    pub source: Option<DataSource>,
    pub reading: Option<RequestId>,
    pub summary: Option<Arc<DataSummary>>,
    pub problem: Option<Problem>,
}

impl Data {
    /// True where the summary is that of the dataset in sight.
    pub(super) fn inspected(&mut self, request: RequestId, summary: DataSummary) -> bool {
        if self.reading == Some(request) {
            self.reading = None;
            self.problem = None;
            self.show(request, Arc::new(summary));
            return true;
        }
        if let Some(other) = self.others.values_mut().find(|other| other.reading == Some(request)) {
            (other.reading, other.problem) = (None, None);
            other.summary = Some(Arc::new(summary));
        }
        false
    }

    /// Puts a summary in sight, its first rows at hand.
    pub(crate) fn show(&mut self, revision: RequestId, summary: Arc<DataSummary>) {
        self.rows = summary.preview.iter().map(|row| (row.row.saturating_sub(1), row.clone())).collect();
        (self.rows_wanted, self.rows_problem) = (None, None);
        self.revision = revision;
        self.summary = Some(summary);
    }

    pub(super) fn rows_read(&mut self, request: RequestId, rows: Vec<PreviewRow>) {
        if self.rows_wanted == Some(request) {
            self.rows_wanted = None;
            self.rows.extend(rows.into_iter().map(|row| (row.row.saturating_sub(1), row)));
        }
    }

    /// True where the request was one for data.
    pub(super) fn failed(&mut self, request: RequestId, problem: &Problem) -> bool {
        // Stopped: the person cancelled; what was known before still holds.
        let stopped = problem.code == "stopped";
        if self.reading == Some(request) {
            self.reading = None;
            self.problem = (!stopped).then(|| problem.clone());
            if self.summary.is_none() && self.problem.is_none() {
                self.source = None;
            }
            return true;
        }
        if self.rows_wanted == Some(request) {
            self.rows_wanted = None;
            self.rows_problem = Some(problem.clone());
            return true;
        }
        let Some(other) = self.others.values_mut().find(|other| other.reading == Some(request)) else { return false };
        other.reading = None;
        match stopped {
            true => other.source = None,
            false => other.problem = Some(problem.clone()),
        }
        true
    }

    pub fn fraction(&self) -> Option<f32> {
        let (done, total) = self.progress;
        (total > 0).then(|| (done as f64 / total as f64) as f32)
    }

    /// Its rows can be trained on as they stand.
    pub fn usable(&self) -> bool {
        self.reading.is_none() && self.problem.is_none() && self.summary.as_ref().is_some_and(|s| usable_rows(s) > 0)
    }
}

/// Rows that can be trained on.
pub fn usable_rows(summary: &DataSummary) -> usize {
    if summary.mapping.missing().is_empty() { summary.rows.saturating_sub(summary.problem_count) } else { 0 }
}
