//! One error type for the engine. Variants are named for what the person can do about them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One mistake in a recipe: which key, what is wrong, what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipeProblem {
    pub field: String,
    pub reason: String,
    pub remedy: String,
}

impl std::fmt::Display for RecipeProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)?;
        if !self.remedy.is_empty() {
            write!(f, " ({})", self.remedy)?;
        }
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Every problem of a recipe at once.
    #[error("the recipe has {} problem{}:\n{}", .0.len(), if .0.len() == 1 { "" } else { "s" }, lines(.0))]
    BadRecipe(Vec<RecipeProblem>),
    /// A data file: `place` is "line 12", "row 3, column output", "the whole file".
    #[error("{}, {place}: {reason}", file.display())]
    BadData { file: PathBuf, place: String, reason: String },
    /// A model file that is damaged or does not fit its config: `place` is a tensor's or a key's name.
    #[error("{}, {place}: {reason}", file.display())]
    BadModel { file: PathBuf, place: String, reason: String },
    /// A sound model of a kind Luthier does not know.
    #[error("{}: {reason}", path.display())]
    ModelUnsupported { path: PathBuf, reason: String },
    /// The chat template's own `raise_exception`, or an error inside it.
    #[error("the chat template says: {0}")]
    Template(String),
    #[error("device {device}: {reason}")]
    Device { device: String, reason: String },
    #[error("out of memory while {during}")]
    OutOfMemory { during: String },
    /// NaN or infinity in loss or gradient.
    #[error(
        "{what} became {value} at step {step}, batch {batch} (rows {rows}); the last good checkpoint is {checkpoint}"
    )]
    Diverged { step: usize, batch: usize, rows: String, what: String, value: f32, checkpoint: String },
    #[error("{}: {reason}", path.display())]
    Io { path: PathBuf, reason: String },
    /// The worker is busy or the command makes no sense now.
    #[error("{0}")]
    Refused(String),
    #[error("internal error: {0}")]
    Internal(String),
    /// Not a failure: the person pressed Stop.
    #[error("stopped")]
    Stopped,
}

fn lines(problems: &[RecipeProblem]) -> String {
    problems.iter().map(|p| format!("  - {p}")).collect::<Vec<_>>().join("\n")
}

impl Error {
    pub fn io(path: impl AsRef<Path>, error: std::io::Error) -> Self {
        Self::Io { path: path.as_ref().to_owned(), reason: error.to_string() }
    }

    pub fn data(file: impl AsRef<Path>, place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::BadData { file: file.as_ref().to_owned(), place: place.into(), reason: reason.into() }
    }

    pub fn model(file: impl AsRef<Path>, place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::BadModel { file: file.as_ref().to_owned(), place: place.into(), reason: reason.into() }
    }

    pub fn recipe(field: &str, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::BadRecipe(vec![RecipeProblem { field: field.into(), reason: reason.into(), remedy: remedy.into() }])
    }

    /// Stable word for the kind of error: what the window translates by.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadRecipe(_) => "bad_recipe",
            Self::BadData { .. } => "bad_data",
            Self::BadModel { .. } => "bad_model",
            Self::ModelUnsupported { .. } => "model_unsupported",
            Self::Template(_) => "template",
            Self::Device { .. } => "device",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::Diverged { .. } => "diverged",
            Self::Io { .. } => "io",
            Self::Refused(_) => "refused",
            Self::Internal(_) => "internal",
            Self::Stopped => "stopped",
        }
    }

    /// Exit code of the command line, see [`exit_code`].
    pub fn exit_code(&self) -> u8 {
        exit_code(self.code())
    }
}

/// Exit code of the command line for an error's code: 2 for bad input, 3 for a run that failed, 130 for stopped.
pub fn exit_code(code: &str) -> u8 {
    match code {
        "stopped" => 130,
        "device" | "out_of_memory" | "diverged" | "internal" => 3,
        _ => 2,
    }
}
