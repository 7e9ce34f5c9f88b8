//! What can be done by name and by key: rounds of labelling and training.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::{Around, Named};
use crate::bench::Bench;
use crate::desks::{LabelPage, Link};
use crate::icons;
use crate::labels::QueueId;
use crate::panels::Panel;
use crate::text::t;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundsCommand {
    Show,
    TrainOn,
    LabelNew,
    Write,
    Begin,
}

impl Named for RoundsCommand {
    fn all() -> &'static [Self] {
        &[Self::Show, Self::TrainOn, Self::LabelNew, Self::Write, Self::Begin]
    }

    fn label(self) -> String {
        match self {
            Self::Show => t!("rounds_command.show"),
            Self::TrainOn => t!("rounds_command.train_on"),
            Self::LabelNew => t!("rounds_command.label_new"),
            Self::Write => t!("rounds_command.write"),
            Self::Begin => t!("rounds_command.begin"),
        }
    }

    fn icon(self) -> char {
        match self {
            Self::Show => icons::GIT_BRANCH,
            Self::TrainOn => icons::GRADUATION_CAP,
            Self::LabelNew => icons::SCALES,
            Self::Write => icons::FLOPPY_DISK,
            Self::Begin => icons::PLAY,
        }
    }

    fn shortcut(self) -> Option<KeyboardShortcut> {
        let key = match self {
            Self::TrainOn => Key::T,
            Self::LabelNew => Key::L,
            Self::Show | Self::Write | Self::Begin => return None,
        };
        Some(KeyboardShortcut::new(Modifiers::NONE, key))
    }

    fn available(self, bench: &Bench) -> bool {
        let desk = &bench.desks.label;
        let page = bench.panel == Panel::Label && desk.page == LabelPage::Rounds;
        let chain = page && desk.rounds.lesson.is_none() && desk.rounds.next.is_none();
        match self {
            Self::Show => !page && !desk.cards.is_empty(),
            Self::TrainOn => chain && last_labelled(bench).is_some(),
            Self::LabelNew => chain && last_run(bench).is_some(),
            Self::Write => page && desk.rounds.lesson.is_some() && !desk.rounds.writing(),
            Self::Begin => page && desk.rounds.next.is_some(),
        }
    }

    fn run(self, bench: &mut Bench, _around: &mut Around<'_>) {
        match self {
            Self::Show => {
                bench.desks.label.page = LabelPage::Rounds;
                bench.panel = Panel::Label;
            }
            Self::TrainOn => {
                if let Some(queue) = last_labelled(bench) {
                    bench.train_on(queue);
                }
            }
            Self::LabelNew => {
                if let Some(run) = last_run(bench) {
                    bench.label_new_model(&run);
                }
            }
            Self::Write => bench.write_lesson(),
            Self::Begin => bench.begin_next_round(),
        }
    }
}

fn links(bench: &Bench) -> Vec<Link> {
    let desk = &bench.desks.label;
    desk.shown_chain().map(|root| desk.links(root)).unwrap_or_default()
}

/// The last round of the shown chain that has labels.
fn last_labelled(bench: &Bench) -> Option<QueueId> {
    links(bench).into_iter().rev().find_map(|link| match link {
        Link::Round(queue) => bench.desks.label.card(queue).filter(|card| card.labelled > 0).map(|card| card.id),
        Link::Run(_) => None,
    })
}

/// The last run of the shown chain whose model can be labelled.
fn last_run(bench: &Bench) -> Option<String> {
    links(bench).into_iter().rev().find_map(|link| match link {
        Link::Run(queue) => bench.desks.label.card(queue)?.run.clone().filter(|run| bench.can_label_new(run)),
        Link::Round(_) => None,
    })
}
