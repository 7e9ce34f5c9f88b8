//! What the window asks of the labels' thread, and what it is told.

use std::path::PathBuf;
use std::sync::Arc;

use luthier_engine::data::{FilePrompts, Mapping};
use luthier_engine::feedback::Exporting;
use luthier_engine::protocol::Problem;

use super::{
    Author, Decision, Draft, Found, Generated, Item, ItemId, Judgement, Lot, NewItem, Parcel, QueueCard, QueueId,
    QueueSettings, Sought, Wanted,
};

#[derive(Debug, Clone)]
pub enum Order {
    /// Answer: `Queues`.
    MakeQueue(Box<Draft>),
    /// More items at the end of a queue, with their answers. Answer: `Queues`, and `Lot` where it is the open queue.
    AddItems {
        queue: QueueId,
        items: Vec<NewItem>,
    },
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
        /// Of the parent's prompts those that no run has learned from: of these items, and of items that nobody has
        /// judged. None: all prompts.
        only: Option<Vec<ItemId>>,
    },
    /// Writes files; each whole or not at all. Answer: `Written` with the last one.
    Write {
        files: Vec<(PathBuf, Vec<u8>)>,
    },
    /// A queue's labels in the words of a format, on a thread beside. Answer: `Exported`.
    Export {
        queue: QueueId,
        how: Box<Exporting>,
        /// A file, or a folder for a format of several. None: only to see what it would hold.
        to: Option<PathBuf>,
    },
    /// Reads the questions of a data file, on a thread beside. Answer: `Prompts`.
    ReadPrompts {
        path: PathBuf,
        /// What its columns mean; None: detected.
        mapping: Option<Box<Mapping>>,
    },
    /// Reads labels, or answers to be labelled, into a new queue, on a thread beside. The mode is the file's. Answer:
    /// `Imported` or `Failed`.
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
    Exported {
        queue: QueueId,
        how: Box<Exporting>,
        parcel: Result<Box<Parcel>, Problem>,
    },
    /// The questions of a file, or why it could not be read.
    Prompts {
        path: PathBuf,
        read: Result<Arc<FilePrompts>, Problem>,
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
