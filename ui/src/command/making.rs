//! What can be done by name and by key: queues.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::{Around, Named};
use crate::bench::Bench;
use crate::desks::LabelPage;
use crate::icons;
use crate::panels::Panel;
use crate::text::t;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MakingCommand {
    New,
    Make,
    Likely,
    BringBack,
    Archived,
    Pause,
}

impl Named for MakingCommand {
    fn all() -> &'static [Self] {
        &[Self::New, Self::Make, Self::Likely, Self::BringBack, Self::Archived, Self::Pause]
    }

    fn label(self) -> String {
        match self {
            Self::New => t!("making.new"),
            Self::Make => t!("making.command_make"),
            Self::Likely => t!("making.likely"),
            Self::BringBack => t!("making.command_bring_back"),
            Self::Archived => t!("making.command_archived"),
            Self::Pause => t!("making.command_pause"),
        }
    }

    fn icon(self) -> char {
        match self {
            Self::New => icons::PLUS,
            Self::Make => icons::CHECK,
            Self::Likely => icons::SPARKLE,
            Self::BringBack => icons::ARROW_U_UP_LEFT,
            Self::Archived => icons::ARCHIVE,
            Self::Pause => icons::PAUSE,
        }
    }

    fn shortcut(self) -> Option<KeyboardShortcut> {
        let key = match self {
            Self::New => Key::N,
            Self::Make => Key::M,
            Self::BringBack => Key::U,
            Self::Archived => Key::A,
            Self::Pause => Key::P,
            Self::Likely => return None,
        };
        Some(KeyboardShortcut::new(Modifiers::NONE, key))
    }

    /// Its bare keys are heard on the page of queues only.
    fn available(self, bench: &Bench) -> bool {
        let label = &bench.desks.label;
        let here = bench.panel == Panel::Label && label.page == LabelPage::Queues;
        match self {
            Self::New => here && !label.making.making,
            Self::Make => here && label.making.making && bench.can_make_queue(),
            Self::Likely => bench.can_make_likely_queue(),
            Self::BringBack => here && label.making.archived.is_some(),
            Self::Archived => here && label.cards.iter().any(|card| card.archived),
            Self::Pause => here && bench.pausable_ahead().is_some(),
        }
    }

    fn run(self, bench: &mut Bench, _around: &mut Around<'_>) {
        match self {
            Self::New => bench.begin_queue(),
            Self::Make => bench.make_queue(),
            Self::Likely => bench.make_likely_queue(),
            Self::BringBack => {
                if let Some(queue) = bench.desks.label.making.archived {
                    bench.unarchive_queue(queue);
                }
            }
            Self::Archived => bench.desks.label.making.show_archived ^= true,
            Self::Pause => match bench.pausable_ahead() {
                Some((queue, true)) => bench.resume_ahead(queue),
                Some((queue, false)) => bench.pause_ahead(queue),
                None => {}
            },
        }
    }
}
