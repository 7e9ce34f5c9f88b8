//! The words of labelling: queues, items, decisions, and what lies on the bench.

use std::path::PathBuf;
use std::sync::Arc;

use luthier_engine::feedback::{Judged, Mode, Verdict};
use luthier_engine::protocol::{ChatMessage, Sampling};
use serde::{Deserialize, Serialize};

pub type QueueId = i64;
pub type ItemId = i64;
pub type DecisionId = i64;

/// A model that answers, so that it is known again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Author {
    /// As people know it: the model's folder, the run's name, or the file that the answers came from.
    pub name: String,
    /// Empty for answers from a file.
    pub model: PathBuf,
    pub adapter: Option<PathBuf>,
    /// The run that made it.
    pub run: Option<String>,
    pub sampling: Sampling,
    /// Sizes and times of its files when the queue was made: another training into the same folder is another model.
    #[serde(default)]
    pub stamp: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemOrder {
    #[default]
    AsTheyCome,
    Random,
    /// What the current model is least sure of comes first: the smallest margin.
    LeastSure,
}

/// Who labels an item again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Again {
    SamePerson,
    OtherPerson,
    #[default]
    Anyone,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct QueueSettings {
    pub mode: Mode,
    /// One for each answer of an item, in the order of its places. Empty: the items came with their answers.
    pub authors: Vec<Author>,
    pub order: ItemOrder,
    /// Share of the items that come back blind, 0 to 0.5.
    pub again_share: f64,
    pub again_by: Again,
    /// Of sides, order and repeats.
    pub seed: u64,
    /// 1, and one more for each round of training and labelling.
    pub round: u32,
    pub device: String,
    /// The file that prompts came from, for people.
    pub source: String,
    /// Words offered for what is wrong with an answer.
    pub tags: Vec<String>,
    /// Items whose prompts the last training on this queue did not learn from.
    pub held_out: Vec<ItemId>,
    /// Its prompts were held out from the training before it.
    pub only_held_out: bool,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            mode: Mode::Pair,
            authors: Vec::new(),
            order: ItemOrder::default(),
            again_share: 0.1,
            again_by: Again::default(),
            seed: 42,
            round: 1,
            device: "auto".into(),
            source: String::new(),
            tags: Vec::new(),
            held_out: Vec::new(),
            only_held_out: false,
        }
    }
}

/// A queue as the list shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueCard {
    pub id: QueueId,
    pub made_unix_ms: u64,
    pub name: String,
    pub settings: QueueSettings,
    /// The queue whose labels the model behind this one was trained on.
    pub parent: Option<QueueId>,
    /// The run that was trained on these labels.
    pub run: Option<String>,
    pub archived: bool,
    pub items: usize,
    /// Items that have all their answers.
    pub answered: usize,
    /// Items with a verdict that stands, skips not counted.
    pub labelled: usize,
    pub skipped: usize,
    pub flagged: usize,
    pub last_unix_ms: Option<u64>,
}

impl QueueCard {
    /// Items that a run on these labels does not learn from: those that were held out, and those that nobody has judged.
    pub fn unlearned(&self) -> usize {
        self.settings.held_out.len() + self.items.saturating_sub(self.labelled)
    }
}

/// A prompt on its way into a queue, with the answers that it has already.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewItem {
    pub prompt: Vec<ChatMessage>,
    pub answers: Vec<String>,
    /// In the file it came from, from 1.
    pub row: Option<usize>,
    /// What the file says already, each kept as a decision of its annotator.
    pub judged: Vec<Judged>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub name: String,
    pub settings: QueueSettings,
    pub parent: Option<QueueId>,
    pub items: Vec<NewItem>,
}

/// An item as it is shown. Sides are by `shown`; who wrote what is not for the eyes before the decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub id: ItemId,
    /// From 0, in the queue.
    pub position: usize,
    /// 0: for the first time; else it has come back blind.
    pub pass: u32,
    pub prompt: Vec<ChatMessage>,
    /// In the order of their places.
    pub answers: Vec<luthier_engine::feedback::Answer>,
    /// Places from left to right, or from the top.
    pub shown: Vec<usize>,
    pub flagged: bool,
    pub note: String,
    /// What this person has decided before, where the item was called back to be changed.
    pub earlier: Option<Verdict>,
    /// Other items of the queue with the same prompt.
    pub twins: usize,
}

/// Counts for the head of the bench, of the annotator who is labelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    pub items: usize,
    pub answered: usize,
    pub labelled: usize,
    pub skipped: usize,
    pub flagged: usize,
    /// Items to come back, and those that have.
    pub again: usize,
    pub again_done: usize,
    /// Decisions of this person that can be taken back.
    pub undoable: usize,
}

/// What lies on the bench now: the first is shown, the others are ready to follow it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lot {
    pub queue: QueueId,
    pub annotator: String,
    pub items: Vec<Arc<Item>>,
    pub progress: Progress,
}

/// A person's decision on the item that is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    pub queue: QueueId,
    pub item: ItemId,
    pub pass: u32,
    pub annotator: String,
    pub verdict: Verdict,
    pub tags: Vec<String>,
    pub note: String,
    /// From the moment it was shown.
    pub seconds: f64,
    pub shown: Vec<usize>,
}

/// A decision that stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub id: DecisionId,
    pub item: ItemId,
    pub pass: u32,
    /// Made on the review list: it counts before all others.
    pub last_word: bool,
    pub judged: Judged,
}

/// An item in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub item: ItemId,
    pub position: usize,
    /// The beginning of the question.
    pub text: String,
    pub answered: bool,
    pub flagged: bool,
    pub note: String,
    pub verdict: Option<Verdict>,
    pub annotator: String,
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sought {
    /// In questions, answers and notes; empty: everything.
    pub text: String,
    pub only: Only,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Only {
    #[default]
    All,
    Open,
    Labelled,
    Skipped,
    Flagged,
    Noted,
}

/// An item whose answers are still to be generated: in the order in which they will be needed.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    pub item: ItemId,
    pub prompt: Vec<ChatMessage>,
    /// Places, each with its author's index in the settings.
    pub places: Vec<usize>,
}

/// An answer that was generated.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    pub item: ItemId,
    pub place: usize,
    pub text: String,
    pub new_tokens: usize,
}
