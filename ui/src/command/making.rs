//! What can be done by name and by key: queues.

use egui::KeyboardShortcut;

use super::{Around, Named};
use crate::bench::Bench;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MakingCommand {}

impl Named for MakingCommand {
    fn all() -> &'static [Self] {
        &[]
    }

    fn label(self) -> String {
        match self {}
    }

    fn icon(self) -> char {
        match self {}
    }

    fn shortcut(self) -> Option<KeyboardShortcut> {
        match self {}
    }

    fn available(self, _bench: &Bench) -> bool {
        match self {}
    }

    fn run(self, _bench: &mut Bench, _around: &mut Around<'_>) {
        match self {}
    }
}
