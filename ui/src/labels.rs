//! What people think of the models' answers: queues of items to be judged and every decision there ever was, in
//! `labels.sqlite` in Luthier's home, on a thread of its own. The window sends orders and takes answers; it never waits.
//!
//! Decisions are only ever added: taking one back is a row too. The file is apart from the library's, which can be made
//! anew from the runs' folders; labels cannot.

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use luthier_engine::feedback::{Judged, Mode, Verdict};
use luthier_engine::protocol::{ChatMessage, Problem, Sampling};
use serde::{Deserialize, Serialize};

mod ahead;
mod database;
mod exchange;
mod rounds;
mod rows;
mod session;
mod thread;
mod trust;

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

/// A prompt on its way into a queue, with the answers that it has already.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewItem {
    pub prompt: Vec<ChatMessage>,
    pub answers: Vec<String>,
    /// In the file it came from, from 1.
    pub row: Option<usize>,
    /// What the file says already, kept as a decision of `annotator`.
    pub judged: Option<Box<Judged>>,
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

#[derive(Debug, Clone)]
pub enum Order {
    /// Answer: `Queues`.
    MakeQueue(Box<Draft>),
    RenameQueue {
        queue: QueueId,
        name: String,
    },
    ArchiveQueue {
        queue: QueueId,
        archived: bool,
    },
    /// Order, repeats and tags can be changed at any time.
    ChangeQueue {
        queue: QueueId,
        settings: Box<QueueSettings>,
    },
    /// A run was trained on these labels.
    Trained {
        queue: QueueId,
        run: String,
    },
    /// Puts a queue on the bench. Answer: `Lot`, and again whenever it changes.
    Open {
        queue: QueueId,
        annotator: String,
    },
    Close,
    /// Answer: `Lot`, after the row is on the disk. A decision on an item that another window has decided meanwhile is
    /// kept as well; nothing is overwritten.
    Decide(Box<Judgement>),
    /// Takes the last decision that stands of this person back. Answer: `Lot` with its item first.
    Undo {
        queue: QueueId,
        annotator: String,
    },
    Flag {
        queue: QueueId,
        item: ItemId,
        annotator: String,
        flagged: bool,
    },
    Note {
        queue: QueueId,
        item: ItemId,
        annotator: String,
        note: String,
    },
    /// Calls an item to the front. Answer: `Lot`.
    Call {
        queue: QueueId,
        item: ItemId,
    },
    /// Answer: `Found`.
    Search {
        queue: QueueId,
        sought: Sought,
    },
    /// Answer: `Wanted`.
    Wanted {
        queue: QueueId,
        most: usize,
    },
    /// Answer: `Lot` where it is the open queue.
    KeepAnswers {
        queue: QueueId,
        answers: Vec<Generated>,
    },
    /// Items whose margin is not known, with their answers. Answer: `Unsure`.
    Unscored {
        queue: QueueId,
        most: usize,
    },
    KeepMargins {
        queue: QueueId,
        margins: Vec<(ItemId, f32)>,
    },
    /// Answer: `Decisions`.
    Decisions {
        queue: QueueId,
    },
    /// A final decision on an item about which people, or one person twice, disagree.
    Settle(Box<Judgement>),
    /// The same prompts to other models. Answer: `Queues`.
    NextRound {
        parent: QueueId,
        name: String,
        authors: Vec<Author>,
    },
    /// Writes files; each whole or not at all. Answer: `Written` with the last one.
    Write {
        files: Vec<(PathBuf, Vec<u8>)>,
    },
    /// Reads the questions of a data file, on a thread beside. Answer: `Prompts`.
    ReadPrompts {
        path: PathBuf,
        /// What its columns mean; None: detected.
        mapping: Option<Box<luthier_engine::data::Mapping>>,
    },
    /// Reads a file into a new queue, on a thread beside. Answer: `Queues` or `Failed`.
    Import {
        path: PathBuf,
        settings: Box<QueueSettings>,
        /// Empty: after the file.
        name: String,
    },
}

#[derive(Debug, Clone)]
pub enum Answer {
    /// All of them, newest first; after every change.
    Queues(Vec<QueueCard>),
    /// A queue was made, by this window.
    Made(QueueId),
    Lot(Box<Lot>),
    Found {
        queue: QueueId,
        found: Vec<Found>,
    },
    Wanted {
        queue: QueueId,
        wanted: Vec<Wanted>,
    },
    Unsure {
        queue: QueueId,
        items: Vec<Arc<Item>>,
    },
    /// Those that stand, in the order in which they were made.
    Decisions {
        queue: QueueId,
        decisions: Arc<Vec<Decision>>,
    },
    /// What a round is beside its queue: `parent`'s labels, kept prompts and so on are in the cards.
    Written {
        path: PathBuf,
    },
    /// The questions of a file, or why it could not be read.
    Prompts {
        path: PathBuf,
        read: Result<Arc<luthier_engine::data::FilePrompts>, Problem>,
    },
    Imported {
        queue: QueueId,
        items: usize,
        /// Rows that were left out, with the reason of the first.
        left_out: usize,
        reason: String,
    },
    /// What could not be done; the decision on screen stays there.
    Failed {
        problem: Problem,
    },
}

/// The window's end.
pub struct Labels {
    send: Box<dyn Fn(Order)>,
    receive: Box<dyn FnMut() -> Option<Answer>>,
    thread: Option<JoinHandle<()>>,
}

impl Labels {
    #[cfg(test)]
    pub fn new(send: impl Fn(Order) + 'static, receive: impl FnMut() -> Option<Answer> + 'static) -> Self {
        Self { send: Box::new(send), receive: Box::new(receive), thread: None }
    }

    /// The database in `home`, on a thread of its own. `wake` is called when an answer has come. Without an order it
    /// tells its `Queues`, or `Failed` where the database cannot be used.
    pub fn system(home: PathBuf, wake: impl Fn() + Send + 'static) -> Self {
        let (orders, taken) = mpsc::channel();
        let (answers, told) = mpsc::channel();
        let work = move || thread::run(home, &taken, &answers, &wake);
        let thread = std::thread::Builder::new().name("labels".into()).spawn(work);
        let send = move |order| drop(orders.send(order));
        Self { send: Box::new(send), receive: Box::new(move || told.try_recv().ok()), thread: thread.ok() }
    }

    pub fn order(&self, order: Order) {
        (self.send)(order);
    }

    pub fn answer(&mut self) -> Option<Answer> {
        (self.receive)()
    }

    /// Waits until every order has been carried out.
    pub fn close(&mut self) {
        self.send = Box::new(|_| {});
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Labels {
    fn drop(&mut self) {
        self.close();
    }
}
