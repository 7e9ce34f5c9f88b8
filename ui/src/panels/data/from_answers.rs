//! Where preferences are wanted and the data has none: the way to make them.

use egui::Ui;
use luthier_engine::advice::{Goal, Station};
use luthier_engine::data::DataKind;
use luthier_engine::recipe::Stage;

use crate::bench::Bench;
use crate::desks::LabelPage;
use crate::icons;
use crate::panels::Panel;
use crate::text::t;
use crate::widgets::{Notice, Push};

/// A line with one button, where the person is after preferences and these rows hold none.
pub fn hint(ui: &mut Ui, bench: &mut Bench, kind: Option<DataKind>) {
    let aligns = bench.desks.advisor.goal == Goal::Align
        || bench.desks.advisor.station == Some(Station::Align)
        || matches!(bench.state.recipe.stage, Stage::Dpo | Stage::Kto | Stage::Rm);
    if !aligns || matches!(kind, Some(DataKind::Preference | DataKind::Kto)) {
        return;
    }
    Notice::info(t!("data.from_answers")).show_with(ui, |ui| {
        if ui.add(Push::quiet(t!("data.to_label")).icon(icons::SCALES).small()).clicked() {
            bench.desks.label.page = LabelPage::Queues;
            bench.panel = Panel::Label;
        }
    });
}
