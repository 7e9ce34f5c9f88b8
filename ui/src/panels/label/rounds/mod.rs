//! Rounds of labelling and training as a chain.

use egui::Ui;

use crate::bench::Bench;

#[derive(Default)]
pub struct Rounds;

impl Rounds {
    pub fn ui(&mut self, _ui: &mut Ui, _bench: &mut Bench) {}
}
