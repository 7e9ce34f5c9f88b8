//! What can be done by name and by key: how the run in Train is looked at.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::{Around, Named};
use crate::bench::Bench;
use crate::desks::TrainPage;
use crate::icons;
use crate::panels::Panel;
use crate::plot::Along;
use crate::text::t;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainCommand {
    NextPage,
    Along(Along),
    Logarithmic,
    Clipped,
    Smoother,
    Rougher,
    WholeAxis,
}

impl Named for TrainCommand {
    fn all() -> &'static [Self] {
        &[
            Self::NextPage,
            Self::Along(Along::Step),
            Self::Along(Along::Tokens),
            Self::Along(Along::Time),
            Self::Logarithmic,
            Self::Clipped,
            Self::Smoother,
            Self::Rougher,
            Self::WholeAxis,
        ]
    }

    fn label(self) -> String {
        match self {
            Self::NextPage => t!("train.next_page"),
            Self::Along(Along::Step) => t!("train.along_step"),
            Self::Along(Along::Tokens) => t!("train.along_tokens"),
            Self::Along(Along::Time) => t!("train.along_time"),
            Self::Logarithmic => t!("train.toggle_log"),
            Self::Clipped => t!("train.toggle_clip"),
            Self::Smoother => t!("train.smoother"),
            Self::Rougher => t!("train.rougher"),
            Self::WholeAxis => t!("train.whole_axis"),
        }
    }

    fn icon(self) -> char {
        match self {
            Self::NextPage => icons::CARET_RIGHT,
            Self::Along(_) => icons::ARROWS_OUT_LINE_HORIZONTAL,
            Self::Logarithmic => icons::CHART_LINE,
            Self::Clipped => icons::SCISSORS,
            Self::Smoother | Self::Rougher => icons::WAVE_SINE,
            Self::WholeAxis => icons::ARROW_COUNTER_CLOCKWISE,
        }
    }

    fn shortcut(self) -> Option<KeyboardShortcut> {
        let key = match self {
            Self::NextPage => Key::T,
            Self::Along(Along::Step) => Key::X,
            Self::Along(_) => return None,
            Self::Logarithmic => Key::G,
            Self::Clipped => Key::C,
            Self::Smoother => Key::CloseBracket,
            Self::Rougher => Key::OpenBracket,
            Self::WholeAxis => Key::Z,
        };
        Some(KeyboardShortcut::new(Modifiers::NONE, key))
    }

    fn available(self, bench: &Bench) -> bool {
        let here = bench.panel == Panel::Train && bench.run_in_view().is_some();
        let curves = here && bench.train_page() == TrainPage::Curves;
        match self {
            Self::NextPage => here,
            Self::Along(Along::Step) => curves,
            Self::Along(along) => curves && bench.desks.train.along != along,
            Self::Smoother => curves && bench.settings.smoothing < 0.99,
            Self::Rougher => curves && bench.settings.smoothing > 0.0,
            _ => curves,
        }
    }

    fn run(self, bench: &mut Bench, _around: &mut Around<'_>) {
        let desk = &mut bench.desks.train;
        let smoothing = &mut bench.settings.smoothing;
        match self {
            Self::NextPage => bench.next_train_page(),
            // The key goes round.
            Self::Along(Along::Step) => {
                desk.along = match desk.along {
                    Along::Step => Along::Tokens,
                    Along::Tokens => Along::Time,
                    Along::Time => Along::Step,
                }
            }
            Self::Along(along) => desk.along = along,
            Self::Logarithmic => desk.logarithmic = !desk.logarithmic,
            Self::Clipped => desk.clipped = !desk.clipped,
            Self::Smoother => *smoothing = (*smoothing + 0.1).min(0.99),
            Self::Rougher => *smoothing = (*smoothing - 0.1).max(0.0),
            Self::WholeAxis => desk.reset_zoom = true,
        }
    }
}
