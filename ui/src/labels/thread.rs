//! The labels' thread: carries out orders one after the other, and looks around between them.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender};

use super::{Answer, Order};

pub(super) fn run(home: PathBuf, orders: &Receiver<Order>, answers: &Sender<Answer>, wake: &dyn Fn()) {
    match super::database::BOOK.open(&home) {
        Ok(_) => drop(answers.send(Answer::Queues(Vec::new()))),
        Err(problem) => drop(answers.send(Answer::Failed { problem })),
    }
    wake();
    while orders.recv().is_ok() {}
}
