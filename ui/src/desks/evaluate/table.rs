//! Results beside one another: each model's newest on one set, and how a run's differ from those of the model it grew from.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use luthier_engine::eval::{EvalReport, Measured, Metric};

use crate::export::csv::quoted;
use crate::library::{Shelf, StoredEval};

/// The numbers that have a column; subjects of a multiple-choice set are in the copied table only.
const COLUMNS: [&str; 12] = [
    "perplexity",
    "loss",
    "token_accuracy",
    "accuracy",
    "subject_mean",
    "right_probability",
    "accuracy_by_text",
    "bleu4",
    "rouge1",
    "rougeL",
    "exact_match",
    "answer_tokens",
];

/// 1: more is better; -1: less is; 0: neither.
pub fn direction(metric: &str) -> i8 {
    match metric {
        "perplexity" | "loss" => -1,
        "answer_tokens" => 0,
        _ => 1,
    }
}

/// What an evaluation measured last: after training, where it compared.
pub fn newest(stored: &StoredEval) -> &EvalReport {
    match &stored.outcome.measured {
        Measured::Single(report) => report,
        Measured::Compared { after, .. } => after,
    }
}

/// The order of the lines: by the name as they come, or by a column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sort {
    /// None: models as they came first, then runs, newest first.
    pub metric: Option<String>,
    pub falling: bool,
}

/// How a number differs from that of the model before training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Move {
    pub difference: f64,
    /// More than twice the standard error of the difference; None: not known.
    pub certain: Option<bool>,
    /// None: neither.
    pub better: Option<bool>,
}

/// A number with its standard error and its move.
pub type Metrics = Vec<(Metric, Option<Move>)>;

/// One model's results.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub eval: i64,
    /// None: a model as it came.
    pub run: Option<String>,
    pub model: PathBuf,
    /// Rows, questions or answers.
    pub count: usize,
    /// In the order of the report, all of them.
    pub metrics: Metrics,
}

impl Line {
    pub fn metric(&self, name: &str) -> Option<&(Metric, Option<Move>)> {
        self.metrics.iter().find(|(metric, _)| metric.name == name)
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct EvalTable {
    /// Names of the columns that any line has.
    pub columns: Vec<&'static str>,
    pub lines: Vec<Line>,
}

impl EvalTable {
    /// Of the evaluations on `set`, newest first, the newest of each model.
    pub fn new(shelf: &Shelf, set: &str, sort: &Sort) -> Self {
        let mut kept: Vec<&StoredEval> = Vec::new();
        for stored in shelf.evaluations.iter().filter(|stored| stored.set == set) {
            if !kept.iter().any(|known| subject(known) == subject(stored)) {
                kept.push(stored);
            }
        }
        kept.sort_by_key(|stored| stored.run.is_some());
        let mut lines: Vec<Line> = kept.iter().map(|stored| line(shelf, stored, &kept)).collect();
        if let Some(metric) = &sort.metric {
            let value = |line: &Line| line.metric(metric).map(|(metric, _)| metric.value);
            lines.sort_by(|a, b| {
                let order = value(a).partial_cmp(&value(b)).unwrap_or(Ordering::Equal);
                if sort.falling { order.reverse() } else { order }
            });
        }
        let has = |name: &&&str| lines.iter().any(|line| line.metric(name).is_some());
        Self { columns: COLUMNS.iter().filter(has).copied().collect(), lines }
    }
}

/// Whose numbers they are.
fn subject(stored: &StoredEval) -> (Option<&str>, Option<&Path>) {
    match &stored.run {
        Some(run) => (Some(run), None),
        None => (None, Some(&stored.outcome.model)),
    }
}

fn line(shelf: &Shelf, stored: &StoredEval, all: &[&StoredEval]) -> Line {
    let report = newest(stored);
    let base = base_of(shelf, stored, all).map(newest).filter(|base| comparable(base, report));
    let before = base.map(EvalReport::metrics).unwrap_or_default();
    let metrics = report.metrics().into_iter().map(|metric| {
        let from = before.iter().find(|from| from.name == metric.name);
        let moved = from.map(|from| moved(from, &metric));
        (metric, moved)
    });
    Line {
        eval: stored.id,
        run: stored.run.clone(),
        model: stored.outcome.model.clone(),
        count: report.count(),
        metrics: metrics.collect(),
    }
}

/// The same measurement of as much: else a difference says nothing about the models.
fn comparable(a: &EvalReport, b: &EvalReport) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b) && a.count() == b.count()
}

/// The evaluation of the model that a run grew from.
fn base_of<'a>(shelf: &Shelf, stored: &StoredEval, all: &[&'a StoredEval]) -> Option<&'a StoredEval> {
    let run = stored.run.as_ref()?;
    let model = match &stored.outcome.adapter {
        Some(_) => &stored.outcome.model,
        None => &shelf.card(run)?.recipe.model_name_or_path,
    };
    all.iter().find(|other| other.run.is_none() && other.outcome.model == *model).copied()
}

fn moved(from: &Metric, to: &Metric) -> Move {
    let difference = to.value - from.value;
    let certain = from.error.zip(to.error).map(|(a, b)| difference.abs() > 2.0 * a.hypot(b));
    let better = match direction(&to.name) {
        0 => None,
        _ if difference == 0.0 => None,
        way => Some(difference * f64::from(way) > 0.0),
    };
    Move { difference, certain, better }
}

/// The table with every metric as CSV. `name` says what a line's model is called.
pub fn csv(set: &str, table: &EvalTable, name: impl Fn(&Line) -> String) -> String {
    let mut metrics: Vec<&str> = Vec::new();
    for (metric, _) in table.lines.iter().flat_map(|line| &line.metrics) {
        if !metrics.contains(&metric.name.as_str()) {
            metrics.push(&metric.name);
        }
    }
    let mut text = String::from("set,model,run,n");
    for metric in &metrics {
        let name = quoted(metric);
        text += &format!(",{name},{name} standard error,{name} difference");
    }
    text.push('\n');
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    for line in &table.lines {
        let run = line.run.as_deref().unwrap_or_default();
        text += &format!("{},{},{},{}", quoted(set), quoted(&name(line)), quoted(run), line.count);
        for metric in &metrics {
            let found = line.metric(metric);
            let value = number(found.map(|(metric, _)| metric.value));
            let error = number(found.and_then(|(metric, _)| metric.error));
            let difference = number(found.and_then(|(_, moved)| Some((*moved)?.difference)));
            text += &format!(",{value},{error},{difference}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::stored;

    fn shelf() -> Shelf {
        Shelf {
            evaluations: vec![
                stored(5, Some("b"), "law, short", 8.0, 100),
                stored(4, Some("a"), "law, short", 11.9, 100),
                stored(3, Some("a"), "law, short", 9.0, 100),
                stored(2, None, "law, short", 12.0, 100),
                stored(1, None, "other", 3.0, 100),
            ],
            ..Shelf::default()
        }
    }

    #[test]
    fn the_newest_of_each_model_stands_beside_its_base() {
        let table = EvalTable::new(&shelf(), "law, short", &Sort::default());
        assert_eq!(table.columns, ["perplexity", "loss", "token_accuracy"]);
        let shown: Vec<(i64, Option<&str>)> = table.lines.iter().map(|l| (l.eval, l.run.as_deref())).collect();
        assert_eq!(shown, [(2, None), (5, Some("b")), (4, Some("a"))]);
        let moves = |line: usize| table.lines[line].metric("perplexity").expect("measured").1;
        assert_eq!(moves(0), None);
        assert_eq!(moves(1), Some(Move { difference: -4.0, certain: Some(true), better: Some(true) }));
        let small = moves(2).expect("a base");
        assert!(small.certain == Some(false) && (small.difference + 0.1).abs() < 1e-9, "{small:?}");
    }

    #[test]
    fn lines_are_ordered_by_a_column_and_other_counts_are_not_compared() {
        let mut shelf = shelf();
        shelf.evaluations[0] = stored(5, Some("b"), "law, short", 8.0, 50);
        let sort = Sort { metric: Some("perplexity".into()), falling: false };
        let table = EvalTable::new(&shelf, "law, short", &sort);
        assert_eq!(table.lines.iter().map(|line| line.eval).collect::<Vec<_>>(), [5, 4, 2]);
        assert_eq!(table.lines[0].metric("loss").expect("measured").1, None);
    }

    #[test]
    fn the_copied_table_has_every_number() {
        let table = EvalTable::new(&shelf(), "law, short", &Sort::default());
        let text = csv("law, short", &table, |line| line.run.clone().unwrap_or_else(|| "base \"7\"".into()));
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].starts_with("set,model,run,n,perplexity,perplexity standard error,perplexity difference,loss")
        );
        assert!(lines[1].starts_with("\"law, short\",\"base \"\"7\"\"\",,100,12,"), "{}", lines[1]);
        assert!(lines[2].starts_with("\"law, short\",b,b,100,8,") && lines[2].contains(",-4,"), "{}", lines[2]);
        assert_eq!(lines.len(), 4);
    }
}
