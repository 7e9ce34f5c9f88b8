//! The window's end of a thread that keeps books: orders go one way, answers come the other, and nobody waits.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

pub struct Clerk<Order, Answer> {
    send: Box<dyn Fn(Order)>,
    receive: Box<dyn FnMut() -> Option<Answer>>,
    thread: Option<JoinHandle<()>>,
}

impl<Order: Send + 'static, Answer: Send + 'static> Clerk<Order, Answer> {
    /// `work` is done on a thread called `name`, until the orders end.
    pub(crate) fn hire(name: &str, work: impl FnOnce(&Receiver<Order>, &Sender<Answer>) + Send + 'static) -> Self {
        let (orders, taken) = mpsc::channel();
        let (answers, told) = mpsc::channel();
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || work(&taken, &answers));
        let send = move |order| drop(orders.send(order));
        Self { send: Box::new(send), receive: Box::new(move || told.try_recv().ok()), thread: thread.ok() }
    }
}

impl<Order, Answer> Clerk<Order, Answer> {
    #[cfg(test)]
    pub fn new(send: impl Fn(Order) + 'static, receive: impl FnMut() -> Option<Answer> + 'static) -> Self {
        Self { send: Box::new(send), receive: Box::new(receive), thread: None }
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

impl<Order, Answer> Drop for Clerk<Order, Answer> {
    fn drop(&mut self) {
        self.close();
    }
}
