//! The Layers panel: the model drawn layer by layer, and which parts of it learn when.

mod bill;
mod canvas;
mod edit;
mod geometry;
mod lanes;
mod measured;
mod paint;
mod picture;
mod tools;
mod words;

use egui::{Align, Label, Layout, Ui, vec2};
use luthier_engine::protocol::LayerReport;

pub use edit::{Edit, Keys, Preset, apply};
pub use picture::{Length, Picture, picture_of};

use crate::bench::Bench;
use crate::desks::LayersView;
use crate::panels::Panel;
use crate::state::Run;
use crate::text::t;
use crate::widgets::{IconButton, Notice, board, column, empty_state, segmented};
use crate::{format, icons, theme};
use canvas::{Canvas, Look};
use measured::{Measured, Quantity, Scale};

/// The bill stands beside the picture from this width on.
const BESIDE: f32 = 820.0;
const BILL: f32 = 240.0;

#[derive(Default)]
pub struct LayersPanel {
    canvas: Canvas,
}

impl LayersPanel {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        column(ui, "layers-panel", |ui| {
            let Some(picture) = bench.picture() else {
                let button = Some((icons::CUBE, t!("primary.choose_model")));
                let button = button.as_ref().map(|(icon, word)| (*icon, word.as_str()));
                if empty_state(ui, icons::STACK, &t!("layers.empty"), &t!("layers.empty_about"), button) {
                    bench.panel = Panel::Model;
                }
                return;
            };
            views(ui, bench);
            match bench.desks.layers.view {
                LayersView::Learns => self.learns(ui, bench, &picture),
                view => self.measured(ui, bench, &picture, view),
            }
        });
    }

    fn learns(&mut self, ui: &mut Ui, bench: &mut Bench, picture: &Picture) {
        tools::presets(ui, bench, picture);
        if ui.available_width() < BESIDE {
            self.editable(ui, bench, picture);
            bill::ui(ui, bench, picture);
            return;
        }
        ui.horizontal_top(|ui| {
            let width = ui.available_width() - BILL - 12.0;
            ui.vertical(|ui| {
                ui.set_width(width);
                self.editable(ui, bench, picture);
            });
            ui.add_space(4.0);
            ui.vertical(|ui| {
                ui.set_width(BILL);
                bill::ui(ui, bench, picture);
            });
        });
    }

    fn editable(&mut self, ui: &mut Ui, bench: &mut Bench, picture: &Picture) {
        let desk = &bench.desks.layers;
        let run = bench.state.run.as_ref().filter(|run| run.is_going());
        let look = Look {
            measured: None,
            playhead: run.map(Run::fraction),
            in_steps: desk.in_steps && picture.length.known,
            zoom: desk.zoom,
        };
        let edits = board(ui, |ui| {
            if let Some(patterns) = &self.canvas.patterns {
                tools::legend(ui, patterns, picture);
            }
            let edits = self.canvas.ui(ui, picture, &look);
            tools::joining(ui, bench, picture);
            edits
        });
        if !edits.is_empty() {
            bench.edit_layers(&edits);
        }
    }

    fn measured(&mut self, ui: &mut Ui, bench: &mut Bench, picture: &Picture, view: LayersView) {
        let gradients =
            view == LayersView::Gradients || (view == LayersView::OverTime && bench.desks.layers.heat_of_gradients);
        let quantity = if gradients { Quantity::Gradient } else { Quantity::Movement };
        let Some((name, reports)) = bench.layers_run().map(|run| (run.id.clone(), run.layers.clone())) else {
            let button = t!("layers.to_method");
            if empty_state(
                ui,
                icons::GAUGE,
                &t!("layers.no_run"),
                &t!("layers.no_run_about"),
                Some((icons::PLAY, &button)),
            ) {
                bench.panel = Panel::Method;
            }
            return;
        };
        let fits = |report: &LayerReport| report.cells.iter().all(|c| c.cell.layer.is_none_or(|l| l < picture.layers));
        let scale = Scale::over(quantity, reports.iter());
        let (Some(scale), true) = (scale, reports.iter().all(fits)) else {
            let waits = reports.is_empty() || reports.iter().all(fits);
            Notice::info(if waits { t!("layers.waiting") } else { t!("layers.other_model") }).show(ui);
            return;
        };
        board(ui, |ui| {
            ui.allocate_ui_with_layout(vec2(ui.available_width(), 28.0), Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(theme::name(&name, 14.0)).truncate());
            });
            let about = if gradients { t!("layers.gradients_about") } else { t!("layers.movement_about") };
            ui.add(Label::new(theme::soft(ui, about)).wrap());
            if view == LayersView::OverTime {
                let options = [(false, t!("layers.movement")), (true, t!("layers.gradients"))];
                segmented(ui, &mut bench.desks.layers.heat_of_gradients, &options);
                measured::heat_map(ui, &reports, &scale, picture.layers);
                scale.legend(ui);
                return;
            }
            let newest = reports.len() - 1;
            let shown = bench.desks.layers.measurement.unwrap_or(newest).min(newest);
            let measured = Measured::new(scale, &reports[shown]);
            let look =
                Look { measured: Some(&measured), playhead: None, in_steps: false, zoom: bench.desks.layers.zoom };
            self.canvas.ui(ui, picture, &look);
            measurement(ui, bench, &reports, shown);
            scale.legend(ui);
        });
    }
}

/// Which of the measurements is shown.
fn measurement(ui: &mut Ui, bench: &mut Bench, reports: &[LayerReport], shown: usize) {
    let newest = reports.len() - 1;
    ui.horizontal_wrapped(|ui| {
        let word = t!("layers.after_step", n = format::count(reports[shown].step as u64));
        ui.label(theme::strong(word));
        if newest > 0 {
            let mut at = shown;
            let name = t!("layers.measurement");
            let slider = egui::Slider::new(&mut at, 0..=newest).show_value(false);
            if ui.add(slider).accessible_name(name).changed() {
                bench.desks.layers.measurement = (at < newest).then_some(at);
            }
        }
        ui.label(theme::soft(ui, t!("layers.measurement_of", n = shown + 1, all = newest + 1)));
    });
}

/// What the colours mean, and the tools that serve every view.
fn views(ui: &mut Ui, bench: &mut Bench) {
    ui.horizontal_wrapped(|ui| {
        let options = [
            (LayersView::Learns, t!("layers.learns")),
            (LayersView::Movement, t!("layers.movement")),
            (LayersView::Gradients, t!("layers.gradients")),
            (LayersView::OverTime, t!("layers.over_time")),
        ];
        segmented(ui, &mut bench.desks.layers.view, &options);
        let view = bench.desks.layers.view;
        if view == LayersView::Learns {
            let (undo, redo) = (bench.can_undo_layers(), bench.can_redo_layers());
            if ui.add_enabled(undo, IconButton::new(icons::ARROW_COUNTER_CLOCKWISE, t!("layers.undo"))).clicked() {
                bench.undo_layers();
            }
            if ui.add_enabled(redo, IconButton::new(icons::CLOCK_COUNTER_CLOCKWISE, t!("layers.redo"))).clicked() {
                bench.redo_layers();
            }
        }
        if view != LayersView::OverTime {
            let zoom = bench.desks.layers.zoom;
            if ui.add_enabled(zoom > 1.0, IconButton::new(icons::MINUS, t!("layers.farther"))).clicked() {
                bench.zoom_layers(1.0 / 1.5);
            }
            if ui
                .add_enabled(zoom > 1.0, IconButton::new(icons::ARROWS_OUT_LINE_HORIZONTAL, t!("layers.fit")))
                .clicked()
            {
                bench.zoom_layers(0.0);
            }
            if ui.add_enabled(zoom < 8.0, IconButton::new(icons::PLUS, t!("layers.closer"))).clicked() {
                bench.zoom_layers(1.5);
            }
        }
        if let Some(id) = bench.desks.layers.run.clone().filter(|_| view != LayersView::Learns) {
            let own = crate::widgets::Push::quiet(t!("layers.back_to_own")).icon(icons::X).small().name(id);
            if ui.add(own).clicked() {
                bench.desks.layers.run = None;
            }
        }
    });
}

#[cfg(test)]
mod frame_times;
