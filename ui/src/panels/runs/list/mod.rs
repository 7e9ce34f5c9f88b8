//! Every run there ever was.

use egui::Ui;

use crate::bench::Bench;

#[derive(Default)]
pub struct RunList {}

impl RunList {
    pub fn ui(&mut self, _ui: &mut Ui, _bench: &mut Bench) {}
}
