//! What can be done by name and by key: single answers, words for what is wrong, finding an item, the keys on screen.

use egui::{Key, KeyboardShortcut, Modifiers};
use luthier_engine::feedback::{Mode, Verdict};

use super::{Around, Named};
use crate::bench::Bench;
use crate::icons;
use crate::text::t;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JudgingCommand {
    Good,
    Bad,
    /// Marks the answer with one of the first words that are offered, from 0.
    Tag(usize),
    NewTag,
    Find,
    Keys,
}

/// The keys of the words that are offered, in their order: 1 and 2 are verdicts.
const TAG_KEYS: [Key; 8] = [Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9, Key::Num0];

impl JudgingCommand {
    /// Words that have a key.
    pub const TAGS: usize = TAG_KEYS.len();
}

impl Named for JudgingCommand {
    fn all() -> &'static [Self] {
        &[
            Self::Good,
            Self::Bad,
            Self::Tag(0),
            Self::Tag(1),
            Self::Tag(2),
            Self::Tag(3),
            Self::Tag(4),
            Self::Tag(5),
            Self::Tag(6),
            Self::Tag(7),
            Self::NewTag,
            Self::Find,
            Self::Keys,
        ]
    }

    fn label(self) -> String {
        match self {
            Self::Good => t!("judging.good"),
            Self::Bad => t!("judging.bad"),
            Self::Tag(at) => t!("judging.tag", n = at + 1),
            Self::NewTag => t!("judging.new_tag"),
            Self::Find => t!("judging.find"),
            Self::Keys => t!("judging.keys"),
        }
    }

    fn icon(self) -> char {
        match self {
            Self::Good => icons::THUMBS_UP,
            Self::Bad => icons::THUMBS_DOWN,
            Self::Tag(_) => icons::TAG,
            Self::NewTag => icons::PLUS,
            Self::Find => icons::MAGNIFYING_GLASS,
            Self::Keys => icons::KEYBOARD,
        }
    }

    fn shortcut(self) -> Option<KeyboardShortcut> {
        let key = match self {
            Self::Good => Key::Num1,
            Self::Bad => Key::Num2,
            Self::Tag(at) => *TAG_KEYS.get(at)?,
            Self::NewTag => Key::T,
            Self::Find => Key::Slash,
            Self::Keys => Key::Questionmark,
        };
        Some(KeyboardShortcut::new(Modifiers::NONE, key))
    }

    fn also(self) -> &'static [Key] {
        match self {
            Self::Good => &[Key::ArrowLeft, Key::G],
            Self::Bad => &[Key::ArrowRight, Key::B],
            _ => &[],
        }
    }

    fn available(self, bench: &Bench) -> bool {
        match self {
            Self::Good | Self::Bad => bench.can_judge(Mode::Single),
            Self::Tag(at) => bench.can_tag() && at < bench.offered_tags().len(),
            Self::NewTag => bench.can_tag(),
            Self::Find => bench.at_the_bench(),
            Self::Keys => bench.at_the_bench() || bench.desks.label.keys,
        }
    }

    fn run(self, bench: &mut Bench, _around: &mut Around<'_>) {
        match self {
            Self::Good => bench.judge_single(Verdict::Good),
            Self::Bad => bench.judge_single(Verdict::Bad),
            Self::Tag(at) => bench.mark_tag(at),
            Self::NewTag => bench.begin_tag(),
            Self::Find => bench.open_finding(),
            Self::Keys => bench.desks.label.keys = !bench.desks.label.keys,
        }
    }
}
