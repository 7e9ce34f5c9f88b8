//! The panels. Each keeps only what concerns its view, reads the bench's state, and calls the bench.

pub mod data;
pub mod method;
mod model;
mod settings;
mod start;
mod train;
mod try_out;

use egui::Ui;

use crate::bench::Bench;
use crate::icons;
use crate::text::t;

/// The stations of the rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Panel {
    Start,
    Model,
    Data,
    Method,
    Train,
    Try,
    Settings,
}

impl Panel {
    pub const ALL: [Self; 7] =
        [Self::Start, Self::Model, Self::Data, Self::Method, Self::Train, Self::Try, Self::Settings];

    pub fn name(self) -> String {
        match self {
            Self::Start => t!("panel.start"),
            Self::Model => t!("panel.model"),
            Self::Data => t!("panel.data"),
            Self::Method => t!("panel.method"),
            Self::Train => t!("panel.train"),
            Self::Try => t!("panel.try"),
            Self::Settings => t!("panel.settings"),
        }
    }

    pub const fn icon(self) -> char {
        match self {
            Self::Start => icons::HOUSE_LINE,
            Self::Model => icons::CUBE,
            Self::Data => icons::DATABASE,
            Self::Method => icons::SLIDERS_HORIZONTAL,
            Self::Train => icons::CHART_LINE_DOWN,
            Self::Try => icons::CHATS_CIRCLE,
            Self::Settings => icons::GEAR_SIX,
        }
    }
}

/// What the panels remember of their own views.
#[derive(Default)]
pub struct Panels {
    model: model::ModelPanel,
    data: data::DataPanel,
    method: method::MethodPanel,
    train: train::TrainPanel,
    try_out: try_out::TryPanel,
    last: Option<Panel>,
}

impl Panels {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        let arrived = self.last.replace(bench.panel) != Some(bench.panel);
        match bench.panel {
            Panel::Start => start::ui(ui, bench),
            Panel::Model => self.model.ui(ui, bench),
            Panel::Data => self.data.ui(ui, bench),
            Panel::Method => self.method.ui(ui, bench),
            Panel::Train => self.train.ui(ui, bench),
            Panel::Try => self.try_out.ui(ui, bench, arrived),
            Panel::Settings => settings::ui(ui, bench),
        }
    }
}
