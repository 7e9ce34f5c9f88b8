//! What can be done by name and by key: the layer picture: what learns in it and how it is looked at.

use egui::{Key, KeyboardShortcut, Modifiers};
use luthier_engine::recipe::UnfreezePreset;

use super::{Around, Named};
use crate::bench::Bench;
use crate::desks::LayersView;
use crate::icons;
use crate::panels::Panel;
use crate::panels::layers::{Edit, Preset};
use crate::text::t;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayersCommand {
    Show(LayersView),
    All,
    FreezeEmbedding,
    FreezeFirst,
    FreezeHalf,
    TrainLast,
    Nothing,
    JoinAtOnce,
    JoinTopDown,
    JoinByEpoch,
    OwnSchedule,
    Undo,
    Redo,
    Closer,
    Farther,
    Fit,
}

impl LayersCommand {
    fn edit(self, bench: &Bench) -> Option<Edit> {
        let desk = &bench.desks.layers;
        Some(match self {
            Self::All => Edit::Preset(Preset::All),
            Self::FreezeEmbedding => Edit::Preset(Preset::FreezeEmbedding),
            Self::FreezeFirst => Edit::Preset(Preset::FreezeFirst(desk.first)),
            Self::FreezeHalf => Edit::Preset(Preset::FreezeHalf),
            Self::TrainLast => Edit::Preset(Preset::TrainLast(desk.last)),
            Self::Nothing => Edit::Preset(Preset::Nothing),
            Self::JoinAtOnce => Edit::Gradual(None),
            Self::JoinTopDown => Edit::Gradual(Some(UnfreezePreset::TopDown)),
            Self::JoinByEpoch => Edit::Gradual(Some(UnfreezePreset::Ulmfit)),
            Self::OwnSchedule => Edit::Own,
            _ => return None,
        })
    }
}

impl Named for LayersCommand {
    fn all() -> &'static [Self] {
        &[
            Self::Show(LayersView::Learns),
            Self::Show(LayersView::Movement),
            Self::Show(LayersView::Gradients),
            Self::Show(LayersView::OverTime),
            Self::All,
            Self::FreezeEmbedding,
            Self::FreezeFirst,
            Self::FreezeHalf,
            Self::TrainLast,
            Self::Nothing,
            Self::JoinAtOnce,
            Self::JoinTopDown,
            Self::JoinByEpoch,
            Self::OwnSchedule,
            Self::Undo,
            Self::Redo,
            Self::Closer,
            Self::Farther,
            Self::Fit,
        ]
    }

    fn label(self) -> String {
        match self {
            Self::Show(LayersView::Learns) => t!("layers.command_learns"),
            Self::Show(LayersView::Movement) => t!("layers.command_movement"),
            Self::Show(LayersView::Gradients) => t!("layers.command_gradients"),
            Self::Show(LayersView::OverTime) => t!("layers.command_over_time"),
            Self::All => t!("layers.command_all"),
            Self::FreezeEmbedding => t!("layers.command_embedding"),
            Self::FreezeFirst => t!("layers.command_first"),
            Self::FreezeHalf => t!("layers.command_half"),
            Self::TrainLast => t!("layers.command_last"),
            Self::Nothing => t!("layers.command_nothing"),
            Self::JoinAtOnce => t!("layers.command_at_once"),
            Self::JoinTopDown => t!("layers.command_top_down"),
            Self::JoinByEpoch => t!("layers.command_ulmfit"),
            Self::OwnSchedule => t!("layers.command_own"),
            Self::Undo => t!("layers.undo"),
            Self::Redo => t!("layers.redo"),
            Self::Closer => t!("layers.closer"),
            Self::Farther => t!("layers.farther"),
            Self::Fit => t!("layers.fit"),
        }
    }

    fn icon(self) -> char {
        match self {
            Self::Show(LayersView::Learns) => icons::STACK,
            Self::Show(LayersView::Movement) => icons::GAUGE,
            Self::Show(LayersView::Gradients) => icons::CHART_BAR,
            Self::Show(LayersView::OverTime) => icons::GRID_FOUR,
            Self::All => icons::FLAME,
            Self::FreezeEmbedding | Self::FreezeFirst | Self::FreezeHalf | Self::Nothing => icons::SNOWFLAKE,
            Self::TrainLast => icons::FLAME,
            Self::JoinAtOnce | Self::JoinTopDown | Self::JoinByEpoch => icons::STEPS,
            Self::OwnSchedule => icons::PENCIL_SIMPLE,
            Self::Undo => icons::ARROW_COUNTER_CLOCKWISE,
            Self::Redo => icons::ARROW_U_UP_LEFT,
            Self::Closer => icons::PLUS,
            Self::Farther => icons::MINUS,
            Self::Fit => icons::ARROWS_OUT_LINE_HORIZONTAL,
        }
    }

    fn shortcut(self) -> Option<KeyboardShortcut> {
        let bare = |key| Some(KeyboardShortcut::new(Modifiers::NONE, key));
        match self {
            Self::Show(LayersView::Learns) => bare(Key::Num1),
            Self::Show(LayersView::Movement) => bare(Key::Num2),
            Self::Show(LayersView::Gradients) => bare(Key::Num3),
            Self::Show(LayersView::OverTime) => bare(Key::Num4),
            Self::Undo => Some(KeyboardShortcut::new(Modifiers::COMMAND, Key::Z)),
            Self::Redo => Some(KeyboardShortcut::new(Modifiers::COMMAND, Key::Y)),
            Self::Closer => bare(Key::Period),
            Self::Farther => bare(Key::Comma),
            Self::Fit => bare(Key::Num0),
            _ => None,
        }
    }

    fn available(self, bench: &Bench) -> bool {
        let here = bench.panel == Panel::Layers;
        let model = bench.state.model.ready().is_some();
        match self {
            Self::Show(_) | Self::Fit => here && model,
            Self::Undo => here && bench.can_undo_layers(),
            Self::Redo => here && bench.can_redo_layers(),
            Self::Closer => here && model && bench.desks.layers.zoom < 8.0,
            Self::Farther => here && model && bench.desks.layers.zoom > 1.0,
            Self::OwnSchedule => model && bench.state.recipe.unfreeze_preset.is_some(),
            _ => model,
        }
    }

    fn run(self, bench: &mut Bench, _around: &mut Around<'_>) {
        match self {
            Self::Show(view) => bench.desks.layers.view = view,
            Self::Undo => bench.undo_layers(),
            Self::Redo => bench.redo_layers(),
            Self::Closer => bench.zoom_layers(1.5),
            Self::Farther => bench.zoom_layers(1.0 / 1.5),
            Self::Fit => bench.zoom_layers(0.0),
            _ => {
                if let Some(edit) = self.edit(bench) {
                    bench.set_layers(edit);
                }
            }
        }
    }
}
