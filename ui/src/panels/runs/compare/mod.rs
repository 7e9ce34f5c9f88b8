//! Runs laid over one another.

use egui::Ui;

use crate::bench::Bench;

#[derive(Default)]
pub struct Compare {}

impl Compare {
    pub fn ui(&mut self, _ui: &mut Ui, _bench: &mut Bench) {}
}
