//! The labels' thread: carries out orders one after the other, and looks around between them.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::{Answer, Order, desk::Desk};

/// Between looks at what other windows have done.
const LOOK: Duration = Duration::from_secs(2);

/// Between looks at whether a file has been read.
const SOON: Duration = Duration::from_millis(20);

/// Told to the window when an answer has come.
pub(super) type Wake = Arc<dyn Fn() + Send + Sync>;

pub(super) fn run(home: PathBuf, orders: &Receiver<Order>, answers: &Sender<Answer>, wake: &Wake) {
    let mut desk = Desk::open(home, answers, wake);
    let mut looked = Instant::now();
    // What could not be done yet because the file was busy or the disk full, and loses nothing by being late.
    let mut late: VecDeque<Order> = VecDeque::new();
    loop {
        // New queues are filled between orders.
        let patience = match desk.is_making() {
            true => Duration::ZERO,
            false if desk.is_reading() => SOON,
            false => LOOK.saturating_sub(looked.elapsed()),
        };
        match orders.recv_timeout(patience) {
            Ok(order) => late.extend(desk.carry_out(order)),
            Err(RecvTimeoutError::Timeout) => {
                desk.make_on();
                desk.read_on();
                if looked.elapsed() >= LOOK {
                    for _ in 0..late.len() {
                        let Some(order) = late.pop_front() else { break };
                        late.extend(desk.carry_out_late(order));
                    }
                    desk.look_around();
                    looked = Instant::now();
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    late.into_iter().for_each(|order| drop(desk.carry_out_late(order)));
    desk.finish();
}
