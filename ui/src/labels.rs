//! What people think of the models' answers: queues of items to be judged and every decision there ever was, in
//! `labels.sqlite` in Luthier's home, on a thread of its own. The window sends orders and takes answers; it never waits.
//!
//! Decisions are only ever added: taking one back is a row too. The file is apart from the library's, which can be made
//! anew from the runs' folders; labels cannot.

use std::path::PathBuf;
use std::sync::Arc;

use crate::clerk::Clerk;

mod ahead;
mod cards;
mod carrying;
mod chance;
mod claims;
mod database;
mod deciding;
mod desk;
mod exchange;
mod index;
mod line;
mod making;
mod orders;
mod reading;
mod rounds;
mod rows;
mod search;
mod session;
mod thread;
pub mod trust;
mod words;

#[cfg(test)]
mod tests;

pub use exchange::Parcel;
pub use line::{ListedQueue, export_labels, import_labels, labels_listing};
pub use orders::{Answer, Order};
pub use rounds::{Finding, WinRate};
pub use words::*;

/// The window's end.
pub type Labels = Clerk<Order, Answer>;

impl Labels {
    /// The database in `home`, on a thread of its own. `wake` is called when an answer has come. Without an order it
    /// tells its `Queues`, or `Failed` where the database cannot be used.
    pub fn system(home: PathBuf, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let wake: thread::Wake = Arc::new(wake);
        Self::hire("labels", move |orders, answers| thread::run(home, orders, answers, &wake))
    }
}
