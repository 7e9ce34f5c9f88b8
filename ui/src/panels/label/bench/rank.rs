//! Several answers, put in order.

use egui::Ui;

use crate::bench::Bench;

#[derive(Default)]
pub struct RankView;

impl RankView {
    pub fn ui(&mut self, _ui: &mut Ui, _bench: &mut Bench) {}
}
