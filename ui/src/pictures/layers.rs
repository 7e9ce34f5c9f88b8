//! The layer picture of models of several depths, and what runs measured in them.

use luthier_engine::model::ModelConfig;
use luthier_engine::protocol::{Cell, CellPart, CellReport, Event, LayerReport, ModelSummary};
use luthier_engine::recipe::{FinetuningType, Recipe, UnfreezePreset};

use super::{Scene, full};
use crate::bench::Bench;
use crate::desks::LayersView;
use crate::panels::Panel;
use crate::panels::layers::{Edit, Preset};
use crate::state::Slot;
use crate::testing::{Engine, config, facts, model, step};
use crate::text::Language;

pub(super) fn scenes(language: Language) -> Vec<Scene> {
    let learns = move |layers, change: fn(&mut Recipe), edits: fn() -> Vec<Edit>| {
        let (mut b, e) = deep(language, layers);
        change(&mut b.state.recipe);
        b.edit_layers(&edits());
        (b, e)
    };
    vec![
        ("layers_lora", Box::new(move || learns(30, |_| {}, || vec![Edit::Preset(Preset::FreezeFirst(12))]))),
        (
            "layers_full",
            Box::new(move || {
                learns(
                    30,
                    |r| r.finetuning_type = FinetuningType::Full,
                    || vec![Edit::Preset(Preset::FreezeFirst(6)), Edit::Gradual(Some(UnfreezePreset::TopDown))],
                )
            }),
        ),
        (
            "layers_six",
            Box::new(move || {
                learns(
                    6,
                    |r| r.finetuning_type = FinetuningType::Freeze,
                    || {
                        let cell = |layer, part| Cell { layer: Some(layer), part };
                        let cells = vec![cell(1, CellPart::Mlp), cell(2, CellPart::Mlp), cell(3, CellPart::Norm)];
                        vec![
                            Edit::Preset(Preset::All),
                            Edit::Set { cells, learns: false },
                            Edit::Join { layers: vec![0, 1], at: 0.6 },
                            Edit::Join { layers: vec![3], at: 0.25 },
                        ]
                    },
                )
            }),
        ),
        (
            "layers_hundred",
            Box::new(move || learns(100, |r| r.quantization_bit = Some(4), || vec![Edit::Preset(Preset::FreezeHalf)])),
        ),
        ("layers_movement", Box::new(move || measured(language, LayersView::Movement))),
        ("layers_time", Box::new(move || measured(language, LayersView::OverTime))),
        (
            "layers_none",
            Box::new(move || {
                let (mut b, e) = crate::testing::bench(language);
                b.panel = Panel::Layers;
                (b, e)
            }),
        ),
    ]
}

fn deep(language: Language, layers: usize) -> (Bench, Engine) {
    let (mut b, e) = full(language);
    let config = ModelConfig { layers, ..config() };
    b.state.model = Slot::Ready(ModelSummary { layers, parameters: config.parameters(), config, ..model() });
    b.panel = Panel::Layers;
    (b, e)
}

/// Half-way through a run: upper layers have moved farther, and the gap opens.
fn measured(language: Language, view: LayersView) -> (Bench, Engine) {
    let (mut b, e) = deep(language, 30);
    b.edit_layers(&[Edit::Preset(Preset::FreezeFirst(6))]);
    b.start_training();
    let id = b.state.run.as_ref().expect("it has just been started").id.clone();
    e.say(Event::RunStarted { id: id.clone(), facts: Box::new(facts(b.state.recipe.clone(), 120)) });
    for i in 1..=90 {
        e.say(Event::StepReported { id: id.clone(), report: step(i) });
        if i % 6 == 0 {
            let cell = |layer: usize, part: CellPart| {
                let depth = layer as f32 / 30.0;
                let wave = ((layer * 7 + i * 3) as f32).sin() * 0.2 + 1.0;
                let much = if part == CellPart::Mlp { 1.6 } else { 1.0 };
                CellReport {
                    cell: Cell { layer: Some(layer), part },
                    movement: 2e-4 * i as f32 * (0.15 + depth * depth) * much * wave,
                    grad_norm: 0.4 * (0.2 + depth) * much * wave * (-(i as f32) / 60.0).exp(),
                }
            };
            let cells = (6..30).flat_map(|layer| [CellPart::Attention, CellPart::Mlp].map(|part| cell(layer, part)));
            let report = LayerReport { step: i, cells: cells.collect() };
            e.say(Event::LayersMeasured { id: id.clone(), report });
        }
    }
    b.panel = Panel::Layers;
    b.desks.layers.view = view;
    b.poll();
    (b, e)
}
