//! A search over recipe keys.

use egui::Ui;

use crate::bench::Bench;

#[derive(Default)]
pub struct Sweep {}

impl Sweep {
    pub fn ui(&mut self, _ui: &mut Ui, _bench: &mut Bench) {}
}
