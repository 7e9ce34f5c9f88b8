//! Labels for the command line, which has no thread for them.

use std::path::Path;

use luthier_engine::feedback::{Exporting, Mode};
use luthier_engine::protocol::Problem;
use serde::Serialize;

use super::database::{self, BOOK};
use super::exchange::{self, Parcel};
use super::{Answer, QueueCard, QueueId, QueueSettings, cards};

/// A queue in the list of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListedQueue {
    pub id: QueueId,
    pub name: String,
    pub mode: Mode,
    pub round: u32,
    pub items: usize,
    pub answered: usize,
    pub labelled: usize,
    pub skipped: usize,
    pub flagged: usize,
    pub archived: bool,
    pub made_unix_ms: u64,
    pub last_unix_ms: Option<u64>,
    /// The file that it came from.
    pub source: String,
    /// The queue of the round before.
    pub parent: Option<QueueId>,
    /// The run that was trained on its labels.
    pub run: Option<String>,
    /// Rows of the file that were left out, with the first of the reasons. Of an import only.
    #[serde(skip)]
    pub left_out: (usize, String),
}

impl From<QueueCard> for ListedQueue {
    fn from(card: QueueCard) -> Self {
        Self {
            id: card.id,
            name: card.name,
            mode: card.settings.mode,
            round: card.settings.round,
            items: card.items,
            answered: card.answered,
            labelled: card.labelled,
            skipped: card.skipped,
            flagged: card.flagged,
            archived: card.archived,
            made_unix_ms: card.made_unix_ms,
            last_unix_ms: card.last_unix_ms,
            source: card.settings.source,
            parent: card.parent,
            run: card.run,
            left_out: (0, String::new()),
        }
    }
}

/// Every queue in `home`, newest first.
///
/// # Errors
/// Those of the database.
pub fn labels_listing(home: &Path) -> Result<Vec<ListedQueue>, Problem> {
    let (books, _) = database::open(home)?;
    let cards = cards::all(&books, &[]).map_err(|error| BOOK.failure(home, &error))?;
    Ok(cards.into_iter().map(ListedQueue::from).collect())
}

/// Writes the labels of a queue, named by its number or its name.
///
/// # Errors
/// `labels_no_queue` where none is called so, or several are; those of the export and the database.
pub fn export_labels(home: &Path, queue: &str, how: &Exporting, to: &Path) -> Result<Parcel, Problem> {
    let listed = labels_listing(home)?;
    let refused = |message: String| Problem { code: "labels_no_queue".into(), message };
    let by_number = listed.iter().find(|card| card.id.to_string() == queue.trim());
    let named: Vec<&ListedQueue> = listed.iter().filter(|card| card.name == queue).collect();
    let found = match (named.as_slice(), by_number) {
        ([only], _) => only,
        ([], Some(card)) => card,
        ([], None) => return Err(refused(format!("there is no queue {queue:?}; luthier labels list shows them"))),
        (several, _) => {
            let numbers: Vec<String> = several.iter().map(|card| card.id.to_string()).collect();
            let numbers = numbers.join(", ");
            return Err(refused(format!("several queues are called {queue:?}: name one by its number ({numbers})")));
        }
    };
    exchange::export(home, found.id, how, Some(to))
}

/// Reads a file of labels, or of answers to be labelled, into a new queue. Without a name it is called after the file.
///
/// # Errors
/// Those of reading the file, with line or row; those of the database.
pub fn import_labels(home: &Path, file: &Path, name: &str) -> Result<ListedQueue, Problem> {
    let (mut books, _) = database::open(home)?;
    let told = exchange::import(&mut books, home, file, QueueSettings::default(), name)?;
    let Answer::Imported { queue, left_out, reason, .. } = told else {
        return Err(Problem { code: "internal".into(), message: "an import ended in something else".into() });
    };
    let made = labels_listing(home)?.into_iter().find(|card| card.id == queue);
    let made = made.map(|card| ListedQueue { left_out: (left_out, reason), ..card });
    made.ok_or_else(|| Problem { code: "internal".into(), message: "the queue that was made is not there".into() })
}
