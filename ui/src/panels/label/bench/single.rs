//! One answer: good or bad, and what is wrong with it.

use egui::Ui;

use crate::bench::Bench;
use crate::labels::Item;

#[derive(Default)]
pub struct SingleView;

impl SingleView {
    /// The answers of the item in front, in all the room that `ui` has.
    pub fn answers(&mut self, _ui: &mut Ui, _bench: &mut Bench, _item: &Item) {}

    /// The big buttons of the foot; `low`: in one line with the others.
    pub fn choices(&mut self, _ui: &mut Ui, _bench: &mut Bench, _low: bool) {}
}
