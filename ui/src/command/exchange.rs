//! What can be done by name and by key: labels as files.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::{Around, Named};
use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::icons;
use crate::labels::QueueId;
use crate::panels::Panel;
use crate::text::t;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExchangeCommand {
    Export,
    Import,
}

impl Named for ExchangeCommand {
    fn all() -> &'static [Self] {
        &[Self::Export, Self::Import]
    }

    fn label(self) -> String {
        match self {
            Self::Export => t!("exchange_command.export"),
            Self::Import => t!("exchange_command.import"),
        }
    }

    fn icon(self) -> char {
        match self {
            Self::Export => icons::UPLOAD_SIMPLE,
            Self::Import => icons::DOWNLOAD_SIMPLE,
        }
    }

    fn shortcut(self) -> Option<KeyboardShortcut> {
        match self {
            Self::Export => Some(KeyboardShortcut::new(Modifiers::COMMAND, Key::E)),
            Self::Import => None,
        }
    }

    fn available(self, bench: &Bench) -> bool {
        match self {
            Self::Export => bench.panel == Panel::Label && labelled(bench).is_some(),
            Self::Import => bench.desks.label.exchange.reading.is_none(),
        }
    }

    fn run(self, bench: &mut Bench, _around: &mut Around<'_>) {
        match self {
            Self::Export => {
                if let Some(queue) = labelled(bench) {
                    bench.begin_export(queue);
                }
            }
            Self::Import => {
                bench.panel = Panel::Label;
                bench.dialogs.ask(Ask::LabelsFile);
            }
        }
    }
}

/// The queue on the bench, else the newest that has labels.
fn labelled(bench: &Bench) -> Option<QueueId> {
    let desk = &bench.desks.label;
    let newest = || desk.cards.iter().find(|card| card.labelled > 0 && !card.archived);
    desk.open_card().or_else(newest).map(|card| card.id)
}
