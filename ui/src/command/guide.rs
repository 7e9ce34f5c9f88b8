//! What can be done by name and by key: the handbook: the page that is open, what is searched for.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::{Around, Named};
use crate::bench::Bench;
use crate::guide::neighbours;
use crate::icons;
use crate::panels::Panel;
use crate::text::t;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuideCommand {
    Search,
    Next,
    Previous,
    Back,
    Troubles,
}

impl Named for GuideCommand {
    fn all() -> &'static [Self] {
        &[Self::Search, Self::Next, Self::Previous, Self::Back, Self::Troubles]
    }

    fn label(self) -> String {
        match self {
            Self::Search => t!("guide.search"),
            Self::Next => t!("guide.next"),
            Self::Previous => t!("guide.previous"),
            Self::Back => t!("guide.back"),
            Self::Troubles => t!("guide.troubles"),
        }
    }

    fn icon(self) -> char {
        match self {
            Self::Search => icons::MAGNIFYING_GLASS,
            Self::Next => icons::ARROW_RIGHT,
            Self::Previous => icons::ARROW_LEFT,
            Self::Back => icons::ARROW_U_UP_LEFT,
            Self::Troubles => icons::QUESTION,
        }
    }

    fn shortcut(self) -> Option<KeyboardShortcut> {
        let key = match self {
            Self::Search => Key::Slash,
            Self::Next => Key::ArrowRight,
            Self::Previous => Key::ArrowLeft,
            Self::Back => Key::Backspace,
            Self::Troubles => return None,
        };
        Some(KeyboardShortcut::new(Modifiers::NONE, key))
    }

    fn available(self, bench: &Bench) -> bool {
        let here = bench.panel == Panel::Guide;
        let (before, after) = neighbours(bench.desks.guide.open_page());
        match self {
            Self::Search => here,
            Self::Next => here && after.is_some(),
            Self::Previous => here && before.is_some(),
            Self::Back => here && !bench.desks.guide.read.is_empty(),
            Self::Troubles => true,
        }
    }

    fn run(self, bench: &mut Bench, _around: &mut Around<'_>) {
        match self {
            Self::Search => bench.desks.guide.seek = true,
            Self::Next => bench.turn_guide(true),
            Self::Previous => bench.turn_guide(false),
            Self::Back => bench.guide_back(),
            Self::Troubles => bench.open_guide("troubles"),
        }
    }
}
