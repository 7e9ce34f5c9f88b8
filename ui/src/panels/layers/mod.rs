//! The Layers panel: the model drawn layer by layer, and which parts of it learn when.

use egui::Ui;

use crate::bench::Bench;

#[derive(Default)]
pub struct LayersPanel {}

impl LayersPanel {
    pub fn ui(&mut self, _ui: &mut Ui, _bench: &mut Bench) {}
}
