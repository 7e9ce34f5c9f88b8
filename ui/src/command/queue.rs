//! What can be done by name and by key: runs that wait for their turn.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::{Around, Named};
use crate::bench::Bench;
use crate::icons;
use crate::text::t;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueCommand {
    Add,
    Hold,
    GoOn,
    PutBack,
}

impl Named for QueueCommand {
    fn all() -> &'static [Self] {
        &[Self::Add, Self::Hold, Self::GoOn, Self::PutBack]
    }

    fn label(self) -> String {
        match self {
            Self::Add => t!("queue.add"),
            Self::Hold => t!("queue.hold"),
            Self::GoOn => t!("queue.go_on"),
            Self::PutBack => t!("queue.put_back"),
        }
    }

    fn icon(self) -> char {
        match self {
            Self::Add => icons::QUEUE,
            Self::Hold => icons::PAUSE,
            Self::GoOn => icons::SKIP_FORWARD,
            Self::PutBack => icons::ARROW_U_UP_LEFT,
        }
    }

    fn shortcut(self) -> Option<KeyboardShortcut> {
        let modifiers = Modifiers::COMMAND | Modifiers::SHIFT;
        (self == Self::Add).then(|| KeyboardShortcut::new(modifiers, Key::Enter))
    }

    fn available(self, bench: &Bench) -> bool {
        let queue = &bench.desks.queue;
        match self {
            Self::Add => bench.can_add_to_queue(),
            Self::Hold => queue.held.is_none() && !queue.waiting.is_empty(),
            Self::GoOn => queue.held.is_some() && !queue.waiting.is_empty(),
            Self::PutBack => queue.can_put_back(),
        }
    }

    fn run(self, bench: &mut Bench, _around: &mut Around<'_>) {
        match self {
            Self::Add => bench.add_to_queue(),
            Self::Hold => bench.hold_queue(),
            Self::GoOn => bench.queue_goes_on(),
            Self::PutBack => bench.put_back_queued(),
        }
    }
}
