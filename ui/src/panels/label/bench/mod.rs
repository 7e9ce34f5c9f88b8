//! The bench: the item that is judged, between a head that says how far and a foot with what can be decided.

#[cfg(test)]
mod beside_a_run;
mod empty;
mod finding;
mod foot;
#[cfg(test)]
mod frame_times;
mod head;
mod hearing;
pub mod keys;
mod pair;
mod rank;
mod single;
mod tags;
pub mod text;
pub mod words;
mod writing;

use std::sync::Arc;

use egui::{Frame, Margin, Rect, ScrollArea, Ui, UiBuilder, vec2};
use luthier_engine::feedback::Mode;

use crate::bench::Bench;
use crate::icons;
use crate::labels::Item;
use crate::text::t;
use crate::widgets::{Push, problem_box};

/// Below this height everything scrolls together and the foot is one line.
const LOW: f32 = 380.0;

#[derive(Default)]
pub struct LabelBench {
    pair: pair::PairView,
    single: single::SingleView,
    rank: rank::RankView,
    finding: finding::FindingView,
    foot: foot::Foot,
}

impl LabelBench {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        let Some(mode) = bench.desks.label.open_card().map(|card| card.settings.mode) else {
            return empty::no_queue(ui, bench);
        };
        hearing::hear(ui, bench, mode);
        let low = ui.available_height() < LOW;
        let side = if ui.available_width() < 720.0 { 12 } else { 24 };
        let margin = |top, bottom| Frame::NONE.inner_margin(Margin { left: side, right: side, top, bottom });
        let item = bench.item_in_front().cloned();
        let Self { pair, single, rank, finding, foot } = self;
        if item.is_some() || bench.can_undo() {
            egui::Panel::bottom("label-foot")
                .resizable(false)
                .show_separator_line(false)
                .frame(margin(if low { 4 } else { 8 }, if low { 4 } else { 8 }))
                .show(ui, |ui| {
                    foot.ui(
                        ui,
                        bench,
                        low,
                        |ui, bench, low| match (item.is_some(), mode) {
                            (false, _) => {}
                            (_, Mode::Pair) => {
                                if !low {
                                    tags::tags_of_pair(ui, bench, low);
                                }
                                pair.choices(ui, bench, low);
                                if low {
                                    tags::tags_of_pair(ui, bench, low);
                                }
                            }
                            (_, Mode::Single) => single.choices(ui, bench, low),
                            (_, Mode::Rank) => rank.choices(ui, bench, low),
                        },
                        |ui, bench| match mode {
                            _ if item.is_none() => {}
                            Mode::Pair => {
                                pair::small_choices(ui, bench);
                                tags::opener(ui, bench);
                            }
                            Mode::Single | Mode::Rank => pair::reading_choices(ui, bench),
                        },
                    );
                });
        }
        egui::CentralPanel::no_frame().frame(margin(6, 0)).show(ui, |ui| {
            let mut body = |ui: &mut Ui, bench: &mut Bench, height: f32| {
                let top = ui.cursor().top();
                head::ui(ui, bench);
                trouble(ui, bench);
                let Some(item) = &item else { return empty::no_item(ui, bench) };
                let most = (height * 0.34).max(96.0);
                text::prompt(ui, ("prompt", item.id), &item.prompt, bench.desks.label.now.as_written, most);
                ui.add_space(2.0);
                text::read_ahead(ui, bench);
                let left = (height - (ui.cursor().top() - top)).max(match low {
                    // One above the other, each of a few lines at least.
                    true if ui.available_width() < 640.0 => 400.0,
                    true => 220.0,
                    false => 140.0,
                });
                let room = Rect::from_min_size(ui.cursor().min, vec2(ui.available_width(), left));
                ui.scope_builder(UiBuilder::new().max_rect(room), |ui| {
                    answers(ui, bench, (pair, single, rank), item, mode)
                });
            };
            ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
            let height = ui.available_height();
            if low {
                ScrollArea::vertical()
                    .id_salt("label-low")
                    .auto_shrink([false, false])
                    .show(ui, |ui| body(ui, bench, height));
            } else {
                body(ui, bench, height);
            }
        });
        finding.ui(ui, bench);
        keys::sheet(ui, bench, mode);
    }
}

fn answers(
    ui: &mut Ui,
    bench: &mut Bench,
    (pair, single, rank): (&mut pair::PairView, &mut single::SingleView, &mut rank::RankView),
    item: &Arc<Item>,
    mode: Mode,
) {
    match mode {
        Mode::Pair => pair.answers(ui, bench, item),
        Mode::Single => single.answers(ui, bench, item),
        Mode::Rank => rank.answers(ui, bench, item),
    }
}

/// What could not be kept. The item stays where it is and the keys work again.
fn trouble(ui: &mut Ui, bench: &mut Bench) {
    let Some(problem) = bench.desks.label.problem.clone() else { return };
    problem_box(ui, &t!("label.not_kept"), &problem.message, Some(&t!("labelling.not_kept_remedy")));
    if ui.add(Push::quiet(t!("labelling.put_away")).icon(icons::X).small()).clicked() {
        bench.desks.label.problem = None;
    }
}
