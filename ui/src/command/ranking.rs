//! What can be done by name and by key: answers put in order.

use egui::{Key, KeyboardShortcut, Modifiers};
use luthier_engine::feedback::Mode;

use super::{Area, Around, Named, UiCommand};
use crate::bench::Bench;
use crate::icons;
use crate::text::t;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RankingCommand {
    /// Gives the answer on this side (from 0) the next place.
    Put(usize),
    Tie,
    Back,
    Keep,
    MoveUp,
    MoveDown,
    FocusUp,
    FocusDown,
    Unfold,
}

impl Named for RankingCommand {
    fn all() -> &'static [Self] {
        &[
            Self::Put(0),
            Self::Put(1),
            Self::Put(2),
            Self::Put(3),
            Self::Put(4),
            Self::Put(5),
            Self::Tie,
            Self::Back,
            Self::Keep,
            // With Alt before without: a key without modifiers hears the others too.
            Self::MoveUp,
            Self::MoveDown,
            Self::FocusUp,
            Self::FocusDown,
            Self::Unfold,
        ]
    }

    fn label(self) -> String {
        match self {
            Self::Put(side) => t!("judging.put", n = char::from(b'A' + side as u8)),
            Self::Tie => t!("judging.tie_next"),
            Self::Back => t!("judging.step_back"),
            Self::Keep => t!("judging.keep_order"),
            Self::MoveUp => t!("judging.move_up"),
            Self::MoveDown => t!("judging.move_down"),
            Self::FocusUp => t!("judging.focus_up"),
            Self::FocusDown => t!("judging.focus_down"),
            Self::Unfold => t!("judging.unfold"),
        }
    }

    fn icon(self) -> char {
        match self {
            Self::Put(_) => icons::RANKING,
            Self::Tie => icons::EQUALS,
            Self::Back => icons::ARROW_U_UP_LEFT,
            Self::Keep => icons::CHECK,
            Self::MoveUp => icons::ARROW_UP,
            Self::MoveDown => icons::ARROW_DOWN,
            Self::FocusUp => icons::CARET_UP,
            Self::FocusDown => icons::CARET_DOWN,
            Self::Unfold => icons::ROWS,
        }
    }

    fn shortcut(self) -> Option<KeyboardShortcut> {
        let digits = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6];
        let (modifiers, key) = match self {
            Self::Put(side) => (Modifiers::NONE, *digits.get(side)?),
            Self::Tie => (Modifiers::NONE, Key::Equals),
            Self::Back => (Modifiers::NONE, Key::Backspace),
            Self::Keep => (Modifiers::NONE, Key::Enter),
            Self::MoveUp => (Modifiers::ALT, Key::ArrowUp),
            Self::MoveDown => (Modifiers::ALT, Key::ArrowDown),
            Self::FocusUp => (Modifiers::NONE, Key::ArrowUp),
            Self::FocusDown => (Modifiers::NONE, Key::ArrowDown),
            Self::Unfold => (Modifiers::NONE, Key::A),
        };
        Some(KeyboardShortcut::new(modifiers, key))
    }

    fn available(self, bench: &Bench) -> bool {
        let Some(item) = bench.item_in_front().filter(|_| bench.can_judge(Mode::Rank)) else { return false };
        let desk = Some(&bench.desks.label.rank).filter(|desk| desk.is_of(item));
        match self {
            Self::Put(side) => side < item.shown.len(),
            Self::Tie => desk.is_some_and(|desk| desk.placed() > 0 && desk.placed() < item.shown.len()),
            Self::Back => desk.is_some_and(|desk| desk.has_steps()),
            Self::Keep => desk.is_some_and(|desk| desk.is_done()),
            Self::MoveUp | Self::MoveDown | Self::FocusUp | Self::FocusDown | Self::Unfold => true,
        }
    }

    fn run(self, bench: &mut Bench, _around: &mut Around<'_>) {
        if self == Self::Keep {
            bench.keep_order();
            return;
        }
        let Some(desk) = bench.ranking() else { return };
        match self {
            Self::Put(side) => desk.put(side),
            Self::Tie => desk.tie(),
            Self::Back => desk.back(),
            Self::Keep => {}
            Self::MoveUp => desk.shift(false),
            Self::MoveDown => desk.shift(true),
            Self::FocusUp => desk.move_focus(false),
            Self::FocusDown => desk.move_focus(true),
            Self::Unfold => desk.unfold_focused(),
        }
    }
}

impl UiCommand {
    /// Its key is one that a control has a use for while the keyboard is on it.
    pub fn is_for_control(self) -> bool {
        let key = self.shortcut().map(|keys| keys.logical_key);
        matches!(self, Self::Area(Area::Ranking(_)))
            && matches!(key, Some(Key::Enter | Key::ArrowUp | Key::ArrowDown | Key::Backspace))
    }
}
