//! Every queue, and a new one as it is put together.

use egui::Ui;

use crate::bench::Bench;

#[derive(Default)]
pub struct Queues;

impl Queues {
    pub fn ui(&mut self, _ui: &mut Ui, _bench: &mut Bench) {}
}
