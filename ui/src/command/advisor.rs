//! What can be done by name and by key: the advisor: what the person wants, and what is proposed.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::{Around, Named};
use crate::bench::Bench;
use crate::desks::MethodPage;
use crate::icons;
use crate::panels::Panel;
use crate::text::t;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdvisorCommand {
    Open,
    Settings,
    Compare,
    Use,
    Undo,
}

impl Named for AdvisorCommand {
    fn all() -> &'static [Self] {
        &[Self::Open, Self::Settings, Self::Compare, Self::Use, Self::Undo]
    }

    fn label(self) -> String {
        match self {
            Self::Open => t!("advisor.open"),
            Self::Settings => t!("advisor.open_settings"),
            Self::Compare => t!("advisor.open_compare"),
            Self::Use => t!("advisor.use"),
            Self::Undo => t!("advisor.undo"),
        }
    }

    fn icon(self) -> char {
        match self {
            Self::Open => icons::COMPASS,
            Self::Settings => icons::SLIDERS_HORIZONTAL,
            Self::Compare => icons::TABLE,
            Self::Use => icons::MAGIC_WAND,
            Self::Undo => icons::ARROW_U_UP_LEFT,
        }
    }

    fn shortcut(self) -> Option<KeyboardShortcut> {
        let with_shift = |key| Some(KeyboardShortcut::new(Modifiers::COMMAND | Modifiers::SHIFT, key));
        match self {
            Self::Open => with_shift(Key::A),
            Self::Settings => with_shift(Key::E),
            Self::Compare => with_shift(Key::M),
            Self::Use => Some(KeyboardShortcut::new(Modifiers::NONE, Key::U)),
            Self::Undo => Some(KeyboardShortcut::new(Modifiers::NONE, Key::Z)),
        }
    }

    fn available(self, bench: &Bench) -> bool {
        match self {
            Self::Open | Self::Settings | Self::Compare => true,
            Self::Use => {
                bench.panel == Panel::Method && bench.state.model.ready().is_some() && bench.state.data.usable()
            }
            Self::Undo => bench.panel == Panel::Method && bench.can_undo_proposal(),
        }
    }

    fn run(self, bench: &mut Bench, _around: &mut Around<'_>) {
        match self {
            Self::Open => bench.open_method(MethodPage::Advisor),
            Self::Settings => bench.open_method(MethodPage::Settings),
            Self::Compare => bench.open_method(MethodPage::Compare),
            Self::Use => bench.take_proposal(),
            Self::Undo => bench.undo_proposal(),
        }
    }
}
