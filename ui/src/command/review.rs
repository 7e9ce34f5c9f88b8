//! What can be done by name and by key: disagreements.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::{Around, Named};
use crate::bench::Bench;
use crate::desks::FinalWord;
use crate::icons;
use crate::text::t;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewCommand {
    Next,
    Previous,
    Back,
    First,
    Second,
    Third,
    Fourth,
    Tie,
    Good,
    Bad,
}

impl ReviewCommand {
    /// The command whose key says this.
    pub fn of(word: FinalWord) -> Option<Self> {
        Some(match word {
            FinalWord::Side(0) => Self::First,
            FinalWord::Side(1) => Self::Second,
            FinalWord::Side(2) => Self::Third,
            FinalWord::Side(3) => Self::Fourth,
            FinalWord::Side(_) => return None,
            FinalWord::Tie => Self::Tie,
            FinalWord::BothGood | FinalWord::Good => Self::Good,
            FinalWord::BothBad | FinalWord::Bad => Self::Bad,
        })
    }

    /// What it says of the disagreement in front: of a pair "good" is said of both.
    fn word(self, bench: &Bench) -> Option<FinalWord> {
        bench.disputed()?.words().into_iter().find(|word| Self::of(*word) == Some(self))
    }
}

impl Named for ReviewCommand {
    fn all() -> &'static [Self] {
        &[
            Self::Next,
            Self::Previous,
            Self::Back,
            Self::First,
            Self::Second,
            Self::Third,
            Self::Fourth,
            Self::Tie,
            Self::Good,
            Self::Bad,
        ]
    }

    fn label(self) -> String {
        match self {
            Self::Next => t!("review.command_next"),
            Self::Previous => t!("review.command_previous"),
            Self::Back => t!("review.command_back"),
            Self::First => t!("review.command_first"),
            Self::Second => t!("review.command_second"),
            Self::Third => t!("review.command_third"),
            Self::Fourth => t!("review.command_fourth"),
            Self::Tie => t!("review.command_tie"),
            Self::Good => t!("review.command_good"),
            Self::Bad => t!("review.command_bad"),
        }
    }

    fn icon(self) -> char {
        match self {
            Self::Next => icons::CARET_DOWN,
            Self::Previous => icons::CARET_UP,
            Self::Back => icons::ARROW_LEFT,
            Self::First | Self::Second | Self::Third | Self::Fourth => icons::GAVEL,
            Self::Tie => icons::EQUALS,
            Self::Good => icons::THUMBS_UP,
            Self::Bad => icons::THUMBS_DOWN,
        }
    }

    fn shortcut(self) -> Option<KeyboardShortcut> {
        let key = match self {
            Self::Next => Key::J,
            Self::Previous => Key::K,
            Self::Back => Key::Escape,
            Self::First => Key::Num1,
            Self::Second => Key::Num2,
            Self::Third => Key::Num3,
            Self::Fourth => Key::Num4,
            Self::Tie => Key::Equals,
            Self::Good => Key::G,
            Self::Bad => Key::B,
        };
        Some(KeyboardShortcut::new(Modifiers::NONE, key))
    }

    fn available(self, bench: &Bench) -> bool {
        // Asked first: the other questions cost more, and this is asked in each frame.
        if !bench.reviewing() {
            return false;
        }
        match self {
            Self::Next | Self::Previous => bench.has_disputes(),
            Self::Back => bench.desks.label.review.item.is_some(),
            _ => bench.may_settle() && self.word(bench).is_some(),
        }
    }

    fn run(self, bench: &mut Bench, around: &mut Around<'_>) {
        match self {
            Self::Next => bench.step_dispute(1),
            Self::Previous => bench.step_dispute(-1),
            Self::Back => bench.close_dispute(),
            _ => {
                if let Some(word) = self.word(bench) {
                    bench.settle(word, around.ctx.input(|i| i.time));
                }
            }
        }
    }
}
