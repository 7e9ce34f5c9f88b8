//! The panels. Each keeps only what concerns its view, reads the bench's state, and calls the bench.

pub mod data;
mod evaluate;
mod guide;
mod label;
pub mod layers;
pub mod method;
mod model;
pub mod runs;
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
    Layers,
    Train,
    Runs,
    Evaluate,
    Try,
    Label,
    Guide,
    Settings,
}

impl Panel {
    pub const ALL: [Self; 12] = [
        Self::Start,
        Self::Model,
        Self::Data,
        Self::Method,
        Self::Layers,
        Self::Train,
        Self::Runs,
        Self::Evaluate,
        Self::Try,
        Self::Label,
        Self::Guide,
        Self::Settings,
    ];

    pub fn name(self) -> String {
        match self {
            Self::Start => t!("panel.start"),
            Self::Model => t!("panel.model"),
            Self::Data => t!("panel.data"),
            Self::Method => t!("panel.method"),
            Self::Layers => t!("panel.layers"),
            Self::Train => t!("panel.train"),
            Self::Runs => t!("panel.runs"),
            Self::Evaluate => t!("panel.evaluate"),
            Self::Guide => t!("panel.guide"),
            Self::Try => t!("panel.try"),
            Self::Label => t!("panel.label"),
            Self::Settings => t!("panel.settings"),
        }
    }

    pub const fn icon(self) -> char {
        match self {
            Self::Start => icons::HOUSE_LINE,
            Self::Model => icons::CUBE,
            Self::Data => icons::DATABASE,
            Self::Method => icons::SLIDERS_HORIZONTAL,
            Self::Layers => icons::STACK,
            Self::Train => icons::CHART_LINE_DOWN,
            Self::Runs => icons::CHART_SCATTER,
            Self::Evaluate => icons::EXAM,
            Self::Guide => icons::BOOK_OPEN,
            Self::Try => icons::CHATS_CIRCLE,
            Self::Label => icons::SCALES,
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
    layers: layers::LayersPanel,
    train: train::TrainPanel,
    runs: runs::RunsPanel,
    evaluate: evaluate::EvaluatePanel,
    guide: guide::GuidePanel,
    try_out: try_out::TryPanel,
    label: label::LabelPanel,
    last: Option<Panel>,
}

impl Panels {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        let arrived = self.last.replace(bench.panel) != Some(bench.panel);
        match bench.panel {
            Panel::Start => start::ui(ui, bench),
            Panel::Model => self.model.ui(ui, bench),
            Panel::Data => self.data.ui(ui, bench),
            Panel::Method => self.method.ui(ui, bench, arrived),
            Panel::Layers => self.layers.ui(ui, bench),
            Panel::Train => self.train.ui(ui, bench),
            Panel::Runs => self.runs.ui(ui, bench),
            Panel::Evaluate => self.evaluate.ui(ui, bench),
            Panel::Guide => self.guide.ui(ui, bench),
            Panel::Try => self.try_out.ui(ui, bench, arrived),
            Panel::Label => self.label.ui(ui, bench),
            Panel::Settings => settings::ui(ui, bench),
        }
    }
}
