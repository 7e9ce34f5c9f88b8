//! The Guide: the handbook, searchable.

use egui::Ui;

use crate::bench::Bench;

#[derive(Default)]
pub struct GuidePanel {}

impl GuidePanel {
    pub fn ui(&mut self, _ui: &mut Ui, _bench: &mut Bench) {}
}
