//! The bench: the item that is judged.

mod finding;
mod pair;
mod rank;
mod single;

use egui::Ui;
use luthier_engine::feedback::Mode;

use crate::bench::Bench;

#[derive(Default)]
pub struct LabelBench {
    pair: pair::PairView,
    single: single::SingleView,
    rank: rank::RankView,
    finding: finding::FindingView,
}

impl LabelBench {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        let Some(mode) = bench.desks.label.open_card().map(|card| card.settings.mode) else { return };
        match mode {
            Mode::Pair => self.pair.ui(ui, bench),
            Mode::Single => self.single.ui(ui, bench),
            Mode::Rank => self.rank.ui(ui, bench),
        }
        self.finding.ui(ui, bench);
    }
}
