//! What people think of the models' answers: queues of items to be judged and every decision there ever was, in
//! `labels.sqlite` in Luthier's home, on a thread of its own. The window sends orders and takes answers; it never waits.
//!
//! Decisions are only ever added: taking one back is a row too. The file is apart from the library's, which can be made
//! anew from the runs' folders; labels cannot.

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

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
    pub fn system(home: PathBuf, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let (orders, taken) = mpsc::channel();
        let (answers, told) = mpsc::channel();
        let wake: thread::Wake = Arc::new(wake);
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
