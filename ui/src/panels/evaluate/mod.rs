//! The Evaluate panel: what models can do, before and after training.

use egui::Ui;

use crate::bench::Bench;

#[derive(Default)]
pub struct EvaluatePanel {}

impl EvaluatePanel {
    pub fn ui(&mut self, _ui: &mut Ui, _bench: &mut Bench) {}
}
