//! What can be done by name and by key: a grid or random search over recipe keys.

use egui::KeyboardShortcut;

use super::{Around, Named};
use crate::bench::Bench;
use crate::desks::RunsPage;
use crate::icons;
use crate::panels::Panel;
use crate::text::t;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SweepCommand {
    New,
    Enqueue,
    CompareRuns,
}

fn here(bench: &Bench) -> bool {
    bench.panel == Panel::Runs && bench.desks.runs.page == RunsPage::Sweep
}

impl Named for SweepCommand {
    fn all() -> &'static [Self] {
        &[Self::New, Self::Enqueue, Self::CompareRuns]
    }

    fn label(self) -> String {
        match self {
            Self::New => t!("sweep_command.new"),
            Self::Enqueue => t!("sweep_command.enqueue"),
            Self::CompareRuns => t!("sweep_command.compare"),
        }
    }

    fn icon(self) -> char {
        match self {
            Self::New => icons::GRID_FOUR,
            Self::Enqueue => icons::QUEUE,
            Self::CompareRuns => icons::CHART_SCATTER,
        }
    }

    fn shortcut(self) -> Option<KeyboardShortcut> {
        None
    }

    fn available(self, bench: &Bench) -> bool {
        match self {
            Self::New => true,
            Self::Enqueue => here(bench) && bench.desks.sweep.shown.is_none() && bench.sweep_missing().is_none(),
            Self::CompareRuns => here(bench) && bench.desks.sweep.shown.is_some(),
        }
    }

    fn run(self, bench: &mut Bench, _around: &mut Around<'_>) {
        match self {
            Self::New => {
                (bench.panel, bench.desks.runs.page) = (Panel::Runs, RunsPage::Sweep);
                bench.desks.sweep.shown = None;
            }
            Self::Enqueue => bench.enqueue_sweep(),
            Self::CompareRuns => {
                if let Some(name) = bench.desks.sweep.shown.clone() {
                    bench.compare_sweep(&name);
                }
            }
        }
    }
}
