//! The Runs panel: every run, runs laid over one another, and searches over settings.

mod compare;
mod list;
mod sweep;

use egui::Ui;

use crate::bench::Bench;
use crate::desks::RunsPage;

#[derive(Default)]
pub struct RunsPanel {
    list: list::RunList,
    compare: compare::Compare,
    sweep: sweep::Sweep,
}

impl RunsPanel {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        match bench.desks.runs.page {
            RunsPage::List => self.list.ui(ui, bench),
            RunsPage::Compare => self.compare.ui(ui, bench),
            RunsPage::Sweep => self.sweep.ui(ui, bench),
        }
    }
}
