//! The Runs panel: every run, runs laid over one another, and searches over settings.

mod compare;
mod list;
mod sweep;

use egui::{Frame, Margin, Ui};

use crate::bench::Bench;
use crate::desks::RunsPage;
use crate::text::t;
use crate::widgets::segmented;

pub use list::{can_go_on, csv};

#[derive(Default)]
pub struct RunsPanel {
    list: list::RunList,
    compare: compare::Compare,
    sweep: sweep::Sweep,
}

impl RunsPanel {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        egui::Panel::top("runs-pages")
            .exact_size(48.0)
            .resizable(false)
            .show_separator_line(false)
            .frame(Frame::NONE.inner_margin(Margin { left: 24, right: 24, top: 14, bottom: 2 }))
            .show(ui, |ui| {
                let chosen = bench.desks.runs.chosen.len();
                let compare = if chosen == 0 { t!("runs.compare") } else { t!("runs.compare_n", n = chosen) };
                let pages = [
                    (RunsPage::List, t!("runs.list")),
                    (RunsPage::Compare, compare),
                    (RunsPage::Sweep, t!("runs.sweep")),
                ];
                segmented(ui, &mut bench.desks.runs.page, &pages);
            });
        match bench.desks.runs.page {
            RunsPage::List => self.list.ui(ui, bench),
            RunsPage::Compare => self.compare.ui(ui, bench),
            RunsPage::Sweep => self.sweep.ui(ui, bench),
        }
    }
}
