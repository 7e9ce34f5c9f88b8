//! What can be done by name and by key: evaluations.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::{Around, Named};
use crate::bench::Bench;
use crate::icons;
use crate::panels::Panel;
use crate::text::t;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvaluateCommand {
    New,
    Measure,
    MeasureSetAside,
    Cancel,
    BringBack,
}

impl Named for EvaluateCommand {
    fn all() -> &'static [Self] {
        &[Self::New, Self::Measure, Self::MeasureSetAside, Self::Cancel, Self::BringBack]
    }

    fn label(self) -> String {
        match self {
            Self::New => t!("evaluate.new"),
            Self::Measure => t!("evaluate.command_measure"),
            Self::MeasureSetAside => t!("evaluate.on_set_aside"),
            Self::Cancel => t!("evaluate.command_cancel"),
            Self::BringBack => t!("evaluate.command_bring_back"),
        }
    }

    fn icon(self) -> char {
        match self {
            Self::New => icons::EXAM,
            Self::Measure => icons::PLAY,
            Self::MeasureSetAside => icons::TARGET,
            Self::Cancel => icons::STOP,
            Self::BringBack => icons::ARROW_U_UP_LEFT,
        }
    }

    fn shortcut(self) -> Option<KeyboardShortcut> {
        let key = match self {
            Self::New => Key::N,
            Self::Measure => Key::M,
            Self::BringBack => Key::U,
            Self::MeasureSetAside | Self::Cancel => return None,
        };
        Some(KeyboardShortcut::new(Modifiers::NONE, key))
    }

    /// Its bare keys are heard only while the panel is in front, where alone `New`, `Measure` and `BringBack` are offered.
    fn available(self, bench: &Bench) -> bool {
        let here = bench.panel == Panel::Evaluate;
        match self {
            Self::New => here && !bench.desks.evaluate.making,
            Self::Measure => here && bench.desks.evaluate.making && bench.can_evaluate(),
            Self::MeasureSetAside => bench.recipe_with_rows_set_aside().is_some(),
            Self::Cancel => bench.evaluating(),
            Self::BringBack => here && bench.desks.evaluate.removed.is_some(),
        }
    }

    fn run(self, bench: &mut Bench, _around: &mut Around<'_>) {
        match self {
            Self::New => bench.begin_evaluation(),
            Self::Measure => bench.evaluate(),
            Self::MeasureSetAside => bench.draft_set_aside(),
            Self::Cancel => bench.cancel_exams(),
            Self::BringBack => bench.bring_back_evaluation(),
        }
    }
}
