//! What can be done by name and by key: single answers, answers put in order, finding an item.

use egui::KeyboardShortcut;

use super::{Around, Named};
use crate::bench::Bench;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JudgingCommand {}

impl Named for JudgingCommand {
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
