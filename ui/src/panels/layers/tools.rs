//! Around the picture: ready-made choices, what the colours and patterns mean, and how layers join.

use egui::{Align, Label, Layout, Ui, vec2};
use luthier_engine::protocol::{Cell, CellPart};
use luthier_engine::recipe::{FinetuningType, UnfreezePreset};

use super::edit::{Edit, Preset, meant};
use super::paint::{Patterns, sample};
use super::picture::{CellView, Picture, State};
use crate::bench::Bench;
use crate::format;
use crate::text::t;
use crate::theme;
use crate::widgets::{Push, number, segmented, tag};

/// The preset that the picture is now; None: the person's own.
fn current(picture: &Picture, presets: &[Preset]) -> Option<Preset> {
    let partial = picture.cells.iter().any(|view| view.partial);
    let able = |cell: &Cell| picture.cell(*cell).is_some_and(|view| view.able);
    let learning = picture.learning_cells().into_iter().filter(able).collect();
    presets.iter().copied().find(|preset| !partial && meant(*preset, picture) == learning)
}

pub fn presets(ui: &mut Ui, bench: &mut Bench, picture: &Picture) {
    let desk = &mut bench.desks.layers;
    (desk.first, desk.last) = (desk.first.clamp(1, picture.layers), desk.last.clamp(1, picture.layers));
    let (first, last) = (desk.first, desk.last);
    let all = [
        Preset::All,
        Preset::FreezeEmbedding,
        Preset::FreezeFirst(first),
        Preset::FreezeHalf,
        Preset::TrainLast(last),
        Preset::Nothing,
    ];
    let now = current(picture, &all);
    let adapts = matches!(bench.state.recipe.finetuning_type, FinetuningType::Lora | FinetuningType::Oft);
    let mut chosen = None;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        for preset in all {
            // An adapter never touches the embedding, so this would be "all" once more.
            if adapts && preset == Preset::FreezeEmbedding {
                continue;
            }
            let word = match preset {
                Preset::All => t!("layers.preset_all"),
                Preset::FreezeEmbedding => t!("layers.preset_embedding"),
                Preset::FreezeFirst(n) if adapts => t!("layers.preset_first_only", n = n),
                Preset::FreezeFirst(n) => t!("layers.preset_first", n = n),
                Preset::FreezeHalf => t!("layers.preset_half"),
                Preset::TrainLast(n) => t!("layers.preset_last", n = n),
                Preset::Nothing => t!("layers.preset_nothing"),
            };
            if ui.add(Push::plain(word).small().selected(now == Some(preset))).clicked() {
                chosen = Some(preset);
            }
            let count = match preset {
                Preset::FreezeFirst(_) => Some((first, &mut bench.desks.layers.first, t!("layers.how_many_first"))),
                Preset::TrainLast(_) => Some((last, &mut bench.desks.layers.last, t!("layers.how_many_last"))),
                _ => None,
            };
            if let Some((was, count, name)) = count {
                ui.scope(|ui| {
                    ui.spacing_mut().interact_size.y = 26.0;
                    let field = egui::DragValue::new(count).range(1..=picture.layers).speed(0.1);
                    ui.add(field).accessible_name(name);
                });
                // The count of the choice that stands is that choice with another count.
                if *count != was && now == Some(preset) {
                    let with = |n| {
                        if matches!(preset, Preset::FreezeFirst(_)) {
                            Preset::FreezeFirst(n)
                        } else {
                            Preset::TrainLast(n)
                        }
                    };
                    chosen = Some(with(*count));
                }
            }
        }
        if now.is_none() {
            let p = theme::palette(ui);
            tag(ui, &t!("layers.preset_own"), p.varnish, p.varnish_soft);
        }
    });
    if let Some(preset) = chosen {
        bench.edit_layers(&[Edit::Preset(preset)]);
    }
}

pub fn legend(ui: &mut Ui, patterns: &Patterns, picture: &Picture) {
    let view = |state, packed| CellView {
        cell: Cell { layer: None, part: CellPart::Mlp },
        parameters: 1,
        learning: 0,
        state,
        partial: false,
        packed,
        able: true,
    };
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(14.0, 2.0);
        let there = |wanted: fn(&CellView) -> bool| picture.cells.iter().any(wanted);
        sample(ui, patterns, &view(State::Frozen, false), &t!("layers.legend_frozen"));
        if there(|view| view.state == State::Trains) {
            sample(ui, patterns, &view(State::Trains, false), &t!("layers.legend_trains"));
        }
        if there(|view| view.state == State::Adapter) {
            sample(ui, patterns, &view(State::Adapter, false), &t!("layers.legend_adapter"));
        }
        if there(|view| matches!(view.state, State::Joins(_))) {
            sample(ui, patterns, &view(State::Joins(1), false), &t!("layers.legend_joins"));
        }
        if there(|view| view.state == State::Unreached) {
            sample(ui, patterns, &view(State::Unreached, false), &t!("layers.legend_unreached"));
        }
        if there(|view| view.packed) {
            sample(ui, patterns, &view(State::Frozen, true), &t!("layers.legend_packed"));
        }
        ui.label(theme::soft(ui, t!("layers.legend_size")));
    });
}

/// How layers join, in a line, and the way from a preset to a schedule of one's own.
pub fn joining(ui: &mut Ui, bench: &mut Bench, picture: &Picture) {
    let recipe = &bench.state.recipe;
    let before = (recipe.unfreeze_preset, recipe.unfreeze_schedule.is_empty());
    let mut edit = None;
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), 0.0),
        Layout::left_to_right(Align::Center).with_main_wrap(true),
        |ui| {
            ui.label(theme::strong(t!("layers.joining")));
            let mut chosen = match before {
                (Some(UnfreezePreset::TopDown), _) => 1,
                (Some(UnfreezePreset::Ulmfit), _) => 2,
                (None, false) => 3,
                (None, true) => 0,
            };
            let mut options =
                vec![(0, t!("layers.join_at_once")), (1, t!("layers.join_top_down")), (2, t!("layers.join_ulmfit"))];
            if chosen == 3 {
                options.push((3, t!("layers.join_own")));
            }
            if segmented(ui, &mut chosen, &options) {
                edit = match chosen {
                    0 => Some(Edit::Gradual(None)),
                    1 => Some(Edit::Gradual(Some(UnfreezePreset::TopDown))),
                    2 => Some(Edit::Gradual(Some(UnfreezePreset::Ulmfit))),
                    _ => None,
                };
            }
            if before.0.is_some()
                && ui.add(Push::plain(t!("layers.make_own")).icon(crate::icons::PENCIL_SIMPLE).small()).clicked()
            {
                edit = Some(Edit::Own);
            }
            if before.0 == Some(UnfreezePreset::TopDown) {
                let mut every = bench.state.recipe.unfreeze_every;
                let label = crate::text::say("field.unfreeze_every.label");
                ui.name_inputs(&label, |ui| number(ui, &mut every, 0..=1_000_000, 0.2));
                bench.state.recipe.unfreeze_every = every;
                let word = if every == 0 { t!("layers.every_even") } else { t!("layers.every_steps") };
                ui.label(theme::soft(ui, word));
            }
            if picture.length.known {
                let options = [(false, t!("layers.in_shares")), (true, t!("layers.in_steps"))];
                segmented(ui, &mut bench.desks.layers.in_steps, &options);
            }
        },
    );
    let about = if picture.length.known {
        t!("layers.lanes_about", n = format::count(picture.length.total as u64))
    } else {
        t!("layers.lanes_about_unknown")
    };
    ui.add(Label::new(theme::soft(ui, about)).wrap());
    if let Some(edit) = edit {
        bench.edit_layers(&[edit]);
    }
}
