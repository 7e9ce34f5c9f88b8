//! One answer: good or bad, and what is wrong with it.

use egui::Ui;

use crate::bench::Bench;

#[derive(Default)]
pub struct SingleView;

impl SingleView {
    pub fn ui(&mut self, _ui: &mut Ui, _bench: &mut Bench) {}
}
