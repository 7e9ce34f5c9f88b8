//! Every run there ever was, and what is kept about them: one SQLite database in Luthier's home, on a thread of its own.
//! The window sends orders and takes answers; it never waits.

use std::path::PathBuf;
use std::sync::Arc;

use luthier_engine::eval::EvalOutcome;
use luthier_engine::protocol::Problem;
use luthier_engine::recipe::Recipe;
use serde::{Deserialize, Serialize};

use crate::clerk::Clerk;
use crate::desks::Queued;
use crate::state::{Conversation, Run, TalkId};

mod book;
mod folder;
mod line;
mod reading;
mod rows;
mod talks;
mod thread;

pub use line::{Listed, listing, register};

/// How a run stands, as far as its folder tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    Running,
    Completed,
    Stopped,
    Failed,
    /// Its folder ends in the middle: the program was killed.
    Broken,
    /// Its folder is not there any more.
    Missing,
}

/// A run as the list shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunCard {
    /// As in the engine's events.
    pub id: String,
    pub name: String,
    pub folder: PathBuf,
    pub status: RunStatus,
    pub recipe: Arc<Recipe>,
    pub started_unix_secs: u64,
    pub elapsed_secs: f64,
    pub steps: usize,
    pub total_steps: usize,
    pub last_loss: Option<f32>,
    pub best_eval_loss: Option<f32>,
    /// Perplexity of the general dataset: of the starting model, and at the last measurement.
    pub forgetting: Option<(f32, f32)>,
    pub peak_memory_bytes: u64,
    pub trainable_parameters: u64,
    pub parameters: u64,
    /// What was written at its end.
    pub result: Option<PathBuf>,
    pub tags: Vec<String>,
    pub note: String,
    pub starred: bool,
    pub archived: bool,
    /// In the bin since then; its files go when the bin is emptied.
    pub deleted_unix_secs: Option<u64>,
    /// The sweep it belongs to, and what that varied, as `lora_rank=16, learning_rate=1e-4`.
    pub sweep: Option<(String, String)>,
    /// Its colour among theme::series, everywhere.
    pub colour: usize,
}

/// An evaluation that was made in the window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredEval {
    pub id: i64,
    pub made_unix_secs: u64,
    /// The run whose result was measured; None: a model as it came.
    pub run: Option<String>,
    /// What the person calls the set.
    pub set: String,
    pub outcome: EvalOutcome,
}

#[derive(Debug, Clone)]
pub enum Order {
    /// Looks at the folders again. Answer: `Runs`.
    Refresh,
    /// A run has begun in this folder, or one from elsewhere is taken in. Answer: `Runs`.
    Register {
        folder: PathBuf,
        sweep: Option<(String, String)>,
    },
    Rename {
        id: String,
        name: String,
    },
    SetTags {
        id: String,
        tags: Vec<String>,
    },
    SetNote {
        id: String,
        note: String,
    },
    SetStarred {
        ids: Vec<String>,
        starred: bool,
    },
    SetArchived {
        ids: Vec<String>,
        archived: bool,
    },
    /// Into the bin; nothing on the disk changes.
    Delete {
        ids: Vec<String>,
    },
    Undelete {
        ids: Vec<String>,
    },
    /// Removes the folders of these runs from the disk, for good.
    Destroy {
        ids: Vec<String>,
    },
    /// Reads a run's events. Answer: `Loaded`.
    Load {
        id: String,
    },
    KeepEvaluation {
        run: Option<String>,
        set: String,
        outcome: Box<EvalOutcome>,
    },
    RemoveEvaluation {
        id: i64,
    },
    /// Replaces what is kept of the queue.
    KeepQueue {
        waiting: Vec<Queued>,
    },
    /// Writes a conversation of the Try panel, whole.
    KeepTalk {
        talk: Box<Conversation>,
    },
    RemoveTalk {
        id: TalkId,
    },
    /// Writes a file (plots, tables, reports); whole or not at all. Answer: `Written`.
    Write {
        path: PathBuf,
        bytes: Vec<u8>,
    },
}

#[derive(Debug, Clone)]
pub enum Answer {
    /// All of them, newest first; after every change.
    Runs(Vec<RunCard>),
    Loaded {
        id: String,
        run: Arc<Run>,
    },
    /// All of them, newest first; after every change.
    Evaluations(Vec<StoredEval>),
    /// Once, at the start: what was waiting when the window was closed.
    Queue(Vec<Queued>),
    /// Once, at the start: the conversations of the Try panel.
    Talks(Vec<Conversation>),
    Written {
        path: PathBuf,
    },
    Failed {
        problem: Problem,
    },
}

/// The window's end.
pub type Library = Clerk<Order, Answer>;

impl Library {
    /// The database in `home`, on a thread of its own. `wake` is called when an answer has come. Without an order it
    /// tells what it holds: `Queue`, `Talks`, `Evaluations` and `Runs`, or `Failed` where the database cannot be used.
    pub fn system(home: PathBuf, wake: impl Fn() + Send + 'static) -> Self {
        Self::hire("library", move |orders, answers| thread::run(home, orders, answers, &wake))
    }
}

/// What the window knows of it.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    pub runs: Vec<RunCard>,
    pub evaluations: Vec<StoredEval>,
    /// Runs whose events have been read, by id.
    pub loaded: std::collections::BTreeMap<String, Arc<Run>>,
    /// Grows with every change of the above, so that what is worked out from it can be kept.
    pub revision: u64,
}

impl Shelf {
    pub fn card(&self, id: &str) -> Option<&RunCard> {
        self.runs.iter().find(|card| card.id == id)
    }
}

#[cfg(test)]
mod tests;
