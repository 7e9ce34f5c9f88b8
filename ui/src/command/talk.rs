//! What can be done by name and by key: conversations.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::{Around, Named};
use crate::bench::Bench;
use crate::icons;
use crate::panels::Panel;
use crate::text::t;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TalkCommand {
    New,
    Duplicate,
    Rename,
    Delete,
    Undo,
    Earlier,
    Later,
    Again,
    LabelLast,
    LabelAll,
    Chances,
}

impl Named for TalkCommand {
    fn all() -> &'static [Self] {
        &[
            Self::New,
            Self::Duplicate,
            Self::Rename,
            Self::Delete,
            Self::Undo,
            Self::Earlier,
            Self::Later,
            Self::Again,
            Self::LabelLast,
            Self::LabelAll,
            Self::Chances,
        ]
    }

    fn label(self) -> String {
        match self {
            Self::New => t!("conversation.new"),
            Self::Duplicate => t!("conversation.duplicate"),
            Self::Rename => t!("conversation.rename"),
            Self::Delete => t!("conversation.delete"),
            Self::Undo => t!("conversation.undo"),
            Self::Earlier => t!("conversation.previous"),
            Self::Later => t!("conversation.next"),
            Self::Again => t!("conversation.again"),
            Self::LabelLast => t!("conversation.label_last"),
            Self::LabelAll => t!("conversation.label_all"),
            Self::Chances => t!("conversation.chances"),
        }
    }

    fn icon(self) -> char {
        match self {
            Self::New => icons::NOTE_PENCIL,
            Self::Duplicate => icons::COPY,
            Self::Rename => icons::PENCIL_SIMPLE,
            Self::Delete => icons::TRASH,
            Self::Undo => icons::ARROW_U_UP_LEFT,
            Self::Earlier => icons::ARROW_UP,
            Self::Later => icons::ARROW_DOWN,
            Self::Again => icons::ARROWS_CLOCKWISE,
            Self::LabelLast | Self::LabelAll => icons::SCALES,
            Self::Chances => icons::CHART_BAR,
        }
    }

    fn shortcut(self) -> Option<KeyboardShortcut> {
        let bare = |key| Some(KeyboardShortcut::new(Modifiers::NONE, key));
        match self {
            Self::New => Some(KeyboardShortcut::new(Modifiers::COMMAND, Key::N)),
            Self::Undo => bare(Key::U),
            Self::Earlier => bare(Key::OpenBracket),
            Self::Later => bare(Key::CloseBracket),
            Self::Again => bare(Key::R),
            Self::LabelLast => bare(Key::L),
            Self::Chances => bare(Key::P),
            Self::Duplicate | Self::Rename | Self::Delete | Self::LabelAll => None,
        }
    }

    fn available(self, bench: &Bench) -> bool {
        let talk = &bench.state.talk;
        let turns = talk.front().turns.len();
        bench.panel == Panel::Try
            && match self {
                Self::New => !talk.is_empty(),
                Self::Duplicate => !talk.front().is_blank(),
                Self::Rename | Self::Chances => true,
                Self::Delete => talk.conversations.len() > 1 || !talk.front().is_blank(),
                Self::Undo => bench.can_undo_talk(),
                Self::Earlier | Self::Later => talk.conversations.len() > 1,
                Self::Again => turns > 0 && bench.cannot_ask().is_none(),
                Self::LabelLast => turns > 0 && bench.can_label_turn(turns - 1),
                Self::LabelAll => (0..turns).any(|turn| bench.can_label_turn(turn)),
            }
    }

    fn run(self, bench: &mut Bench, _around: &mut Around<'_>) {
        let turns = bench.state.talk.front().turns.len();
        match self {
            Self::New => bench.new_talk(),
            Self::Duplicate => bench.duplicate_talk(),
            Self::Rename => {
                bench.desks.talk.list_open = Some(true);
                bench.desks.talk.renaming = Some(bench.state.talk.front().title());
            }
            Self::Delete => bench.delete_talk(),
            Self::Undo => bench.undo_talk(),
            Self::Earlier => bench.step_talk(-1),
            Self::Later => bench.step_talk(1),
            Self::Again => bench.answer_again(turns.saturating_sub(1), None),
            Self::LabelLast => bench.label_turns(turns.saturating_sub(1)..turns),
            Self::LabelAll => bench.label_turns(0..turns),
            Self::Chances => {
                let front = bench.state.talk.front_mut();
                front.chances = !front.chances;
                bench.state.talk.touch();
            }
        }
    }
}
