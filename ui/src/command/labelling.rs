//! What can be done by name and by key: pairs of answers, and what every way of labelling shares.

use egui::{Key, KeyboardShortcut, Modifiers};
use luthier_engine::feedback::{Strength, Verdict};

use super::{Around, Named};
use crate::bench::Bench;
use crate::desks::LabelPage;
use crate::icons;
use crate::panels::Panel;
use crate::text::t;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabellingCommand {
    // With Shift before those without: a shortcut without Shift is heard with it as well.
    ASlightly,
    BSlightly,
    A,
    B,
    Tie,
    BothGood,
    BothBad,
    Edit,
    Write,
    KeepText,
    Leave,
    Strength,
    Differences,
    AsWritten,
    Skip,
    Flag,
    Note,
    Undo,
    Queues,
    Bench,
    Review,
    Rounds,
}

impl LabellingCommand {
    fn page(self) -> Option<LabelPage> {
        match self {
            Self::Queues => Some(LabelPage::Queues),
            Self::Bench => Some(LabelPage::Bench),
            Self::Review => Some(LabelPage::Review),
            Self::Rounds => Some(LabelPage::Rounds),
            _ => None,
        }
    }
}

impl Named for LabellingCommand {
    fn all() -> &'static [Self] {
        &[
            Self::ASlightly,
            Self::BSlightly,
            Self::A,
            Self::B,
            Self::Tie,
            Self::BothGood,
            Self::BothBad,
            Self::Edit,
            Self::Write,
            Self::KeepText,
            Self::Leave,
            Self::Strength,
            Self::Differences,
            Self::AsWritten,
            Self::Skip,
            Self::Flag,
            Self::Note,
            Self::Undo,
            Self::Queues,
            Self::Bench,
            Self::Review,
            Self::Rounds,
        ]
    }

    fn label(self) -> String {
        match self {
            Self::ASlightly => t!("command.label_a_slightly"),
            Self::BSlightly => t!("command.label_b_slightly"),
            Self::A => t!("command.label_a"),
            Self::B => t!("command.label_b"),
            Self::Tie => t!("command.label_tie"),
            Self::BothGood => t!("command.label_both_good"),
            Self::BothBad => t!("command.label_both_bad"),
            Self::Edit => t!("command.label_edit"),
            Self::Write => t!("command.label_write"),
            Self::KeepText => t!("command.label_keep_text"),
            Self::Leave => t!("command.label_leave"),
            Self::Strength => t!("command.label_strength"),
            Self::Differences => t!("command.label_differences"),
            Self::AsWritten => t!("command.label_as_written"),
            Self::Skip => t!("command.label_skip"),
            Self::Flag => t!("command.label_flag"),
            Self::Note => t!("command.label_note"),
            Self::Undo => t!("command.label_undo"),
            Self::Queues => t!("command.label_queues"),
            Self::Bench => t!("command.label_bench"),
            Self::Review => t!("command.label_review"),
            Self::Rounds => t!("command.label_rounds"),
        }
    }

    fn icon(self) -> char {
        match self {
            Self::A | Self::ASlightly => icons::ARROW_LEFT,
            Self::B | Self::BSlightly => icons::ARROW_RIGHT,
            Self::Tie => icons::EQUALS,
            Self::BothGood => icons::THUMBS_UP,
            Self::BothBad => icons::THUMBS_DOWN,
            Self::Edit => icons::PENCIL_SIMPLE,
            Self::Write => icons::CHAT_CENTERED_TEXT,
            Self::KeepText => icons::CHECK,
            Self::Leave => icons::X,
            Self::Strength | Self::Bench => icons::SCALES,
            Self::Differences => icons::GIT_DIFF,
            Self::AsWritten => icons::CODE,
            Self::Skip => icons::SKIP_FORWARD,
            Self::Flag => icons::FLAG,
            Self::Note => icons::NOTE_PENCIL,
            Self::Undo => icons::ARROW_U_UP_LEFT,
            Self::Queues => icons::QUEUE,
            Self::Review => icons::SEAL_CHECK,
            Self::Rounds => icons::GIT_BRANCH,
        }
    }

    fn shortcut(self) -> Option<KeyboardShortcut> {
        let bare = |key| Some(KeyboardShortcut::new(Modifiers::NONE, key));
        match self {
            Self::ASlightly => Some(KeyboardShortcut::new(Modifiers::SHIFT, Key::Num1)),
            Self::BSlightly => Some(KeyboardShortcut::new(Modifiers::SHIFT, Key::Num2)),
            Self::KeepText => Some(KeyboardShortcut::new(Modifiers::COMMAND, Key::Enter)),
            Self::A => bare(Key::Num1),
            Self::B => bare(Key::Num2),
            Self::Tie => bare(Key::Equals),
            Self::BothGood => bare(Key::G),
            Self::BothBad => bare(Key::B),
            Self::Edit => bare(Key::E),
            Self::Write => bare(Key::W),
            Self::Leave => bare(Key::Escape),
            Self::Strength => bare(Key::X),
            Self::Differences => bare(Key::D),
            Self::AsWritten => bare(Key::M),
            Self::Skip => bare(Key::S),
            Self::Flag => bare(Key::F),
            Self::Note => bare(Key::N),
            Self::Undo => bare(Key::U),
            Self::Queues | Self::Bench | Self::Review | Self::Rounds => None,
        }
    }

    fn also(self) -> &'static [Key] {
        match self {
            Self::A => &[Key::ArrowLeft],
            Self::B => &[Key::ArrowRight],
            Self::Skip => &[Key::Space],
            Self::Undo => &[Key::Backspace],
            _ => &[],
        }
    }

    fn available(self, bench: &Bench) -> bool {
        let desk = &bench.desks.label;
        match self {
            Self::KeepText => bench.panel == Panel::Label && desk.pair.writing.is_some() && !desk.deciding,
            Self::Leave => {
                let open = desk.pair.writing.is_some() || desk.now.note.is_some() || desk.pair.asking;
                bench.panel == Panel::Label && desk.page == LabelPage::Bench && open
            }
            Self::Skip | Self::Flag | Self::Note | Self::AsWritten => bench.can_handle(),
            Self::Undo => bench.can_undo(),
            Self::Queues | Self::Bench | Self::Review | Self::Rounds => {
                bench.panel != Panel::Label || self.page() != Some(desk.page)
            }
            _ => bench.can_judge_pair(),
        }
    }

    fn run(self, bench: &mut Bench, _around: &mut Around<'_>) {
        let pair = &mut bench.desks.label.pair;
        let strength = pair.strength;
        match self {
            Self::ASlightly => bench.choose_side(0, Strength::Slightly),
            Self::BSlightly => bench.choose_side(1, Strength::Slightly),
            Self::A => bench.choose_side(0, strength),
            Self::B => bench.choose_side(1, strength),
            Self::Tie => bench.decide_pair(Verdict::Tie),
            Self::BothGood => bench.decide_pair(Verdict::BothGood),
            Self::BothBad => bench.decide_pair(Verdict::BothBad),
            Self::Edit => bench.ask_which_to_edit(),
            Self::Write => bench.write_own(),
            Self::KeepText => bench.keep_text(),
            Self::Leave => {
                pair.asking = false;
                bench.end_note(false);
                bench.leave_text();
            }
            Self::Strength => pair.turn_strength(),
            Self::Differences => pair.differences = !pair.differences,
            Self::AsWritten => bench.desks.label.now.as_written = !bench.desks.label.now.as_written,
            Self::Skip => bench.skip_item(),
            Self::Flag => bench.flag_item(),
            Self::Note => bench.write_note(),
            Self::Undo => bench.undo_decision(),
            Self::Queues | Self::Bench | Self::Review | Self::Rounds => {
                bench.panel = Panel::Label;
                bench.desks.label.page = self.page().unwrap_or_default();
            }
        }
    }
}
