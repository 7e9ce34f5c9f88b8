//! What the labels are worth: agreement, biases, disagreements.

use egui::Ui;

use crate::bench::Bench;

#[derive(Default)]
pub struct Review;

impl Review {
    pub fn ui(&mut self, _ui: &mut Ui, _bench: &mut Bench) {}
}
