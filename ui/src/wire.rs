//! The wire to the engine: commands go one way, events come the other. A test holds both ends.

use luthier_engine::protocol::{Command, Event};

pub struct Wire {
    send: Box<dyn Fn(Command)>,
    receive: Box<dyn FnMut() -> Option<Event>>,
}

impl Wire {
    pub fn new(send: impl Fn(Command) + 'static, receive: impl FnMut() -> Option<Event> + 'static) -> Self {
        Self { send: Box::new(send), receive: Box::new(receive) }
    }

    pub fn send(&self, command: Command) {
        (self.send)(command);
    }

    pub fn receive(&mut self) -> Option<Event> {
        (self.receive)()
    }
}
