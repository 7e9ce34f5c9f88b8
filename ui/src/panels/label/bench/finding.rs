//! The search over the bench.

use egui::Ui;

use crate::bench::Bench;

#[derive(Default)]
pub struct FindingView;

impl FindingView {
    pub fn ui(&mut self, _ui: &mut Ui, _bench: &mut Bench) {}
}
