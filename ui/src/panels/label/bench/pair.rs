//! Two answers side by side, blind.

use egui::Ui;

use crate::bench::Bench;

#[derive(Default)]
pub struct PairView;

impl PairView {
    pub fn ui(&mut self, _ui: &mut Ui, _bench: &mut Bench) {}
}
