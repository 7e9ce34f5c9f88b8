//! What leaves the window as a file: plots, numbers, reports. Pure functions from what is known to bytes.

pub mod csv;
pub mod html;
pub mod png;
pub mod scale;
pub mod svg;
pub mod tensorboard;

use luthier_engine::recipe::{KEYS, Recipe};
use serde_json::Value;

/// What kind of file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportKind {
    Svg,
    Png,
    Csv,
    /// An event file, as TensorBoard reads it.
    TensorBoard,
    /// A report of a run.
    Html,
}

impl ExportKind {
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Csv => "csv",
            Self::TensorBoard => "luthier",
            Self::Html => "html",
        }
    }

    /// What the dialog proposes. TensorBoard finds its files by the word "tfevents" in their names.
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Svg => "plots.svg",
            Self::Png => "plots.png",
            Self::Csv => "numbers.csv",
            Self::TensorBoard => "events.out.tfevents.luthier",
            Self::Html => "report.html",
        }
    }
}

/// All keys of a recipe with their values as a person reads them, in the order of the recipe file.
pub fn recipe_values(recipe: &Recipe) -> Vec<(&'static str, String)> {
    let whole = serde_json::to_value(recipe).unwrap_or_default();
    KEYS.iter().map(|key| (key.name, value_text(&whole[key.name]))).collect()
}

pub fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "–".into(),
        Value::String(text) if text.is_empty() => "–".into(),
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => crate::format::setting(number.as_f64().unwrap_or_default()),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Array(items) if items.is_empty() => "–".into(),
        Value::Array(items) => items.iter().map(value_text).collect::<Vec<_>>().join(", "),
        Value::Object(_) => value.to_string(),
    }
}
