//! Parallel coordinates: an axis a setting that varies, one for the result, a line a run.

use egui::accesskit::Role;
use egui::{Align2, Color32, FontId, Rect, Sense, Shape, Stroke, Ui, WidgetInfo, lerp, pos2, vec2};
use std::collections::BTreeMap;

use crate::bench::Bench;
use crate::desks::{Measure, best};
use crate::text::t;
use crate::widgets::{Card, Notice, Push, dropdown, elided, icon_label, tag};
use crate::{icons, theme};

/// More would stand too close to be read.
const MOST_AXES: usize = 8;

/// An axis with a value for each run.
struct Axis {
    name: String,
    values: Vec<Option<f64>>,
    /// As text, for each run.
    shown: Vec<String>,
    /// What stands beside it, with its place.
    marks: Vec<(f64, String)>,
}

impl Axis {
    /// Numbers stand where they are; words in the order of the alphabet, equally far apart.
    fn of_texts(name: &str, shown: Vec<String>) -> Self {
        let numbers: Option<Vec<f64>> = shown.iter().map(|text| text.parse::<f64>().ok()).collect();
        let mut marks: Vec<(f64, String)>;
        let values: Vec<Option<f64>> = match numbers {
            Some(numbers) => {
                let (low, high) = ends(numbers.iter().copied());
                // Values that lie decades apart are compared by their factors.
                let logarithmic = low > 0.0 && high / low >= 20.0;
                let place = |x: f64| if logarithmic { x.log10() } else { x };
                marks = numbers.iter().zip(&shown).map(|(x, text)| (place(*x), text.clone())).collect();
                numbers.into_iter().map(|x| Some(place(x))).collect()
            }
            None => {
                let mut words: Vec<&String> = shown.iter().collect();
                words.sort();
                words.dedup();
                marks = words.iter().enumerate().map(|(n, word)| (n as f64, (*word).clone())).collect();
                shown.iter().map(|text| words.iter().position(|word| *word == text).map(|n| n as f64)).collect()
            }
        };
        marks.sort_by(|a, b| a.0.total_cmp(&b.0));
        marks.dedup();
        if marks.len() > 6 {
            let last = marks.pop();
            marks.truncate(1);
            marks.extend(last);
        }
        Self { name: name.to_owned(), values, shown, marks }
    }

    fn of_measure(measure: &Measure, values: Vec<Option<f64>>) -> Self {
        let shown =
            values.iter().map(|value| value.map_or_else(|| "–".to_owned(), |value| measure.show(value))).collect();
        let (low, high) = ends(values.iter().flatten().copied());
        let marks = if low <= high { vec![(low, measure.show(low)), (high, measure.show(high))] } else { Vec::new() };
        Self { name: measure.label(), values, shown, marks }
    }

    /// 0 at the foot to 1 at the top.
    fn share(&self, run: usize) -> Option<f64> {
        let value = self.values[run]?;
        Some(self.place(value))
    }

    fn place(&self, value: f64) -> f64 {
        let (low, high) = ends(self.values.iter().flatten().copied());
        if high > low { (value - low) / (high - low) } else { 0.5 }
    }
}

fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
}

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    let ids = bench.seen_ids();
    coordinates(ui, bench, &ids);
}

/// Of these runs: what varies among them, and what came of it.
pub(in crate::panels::runs) fn coordinates(ui: &mut Ui, bench: &mut Bench, ids: &[String]) {
    let recipes: Vec<_> = ids.iter().filter_map(|id| bench.shelf.card(id).map(|card| card.recipe.clone())).collect();
    if recipes.len() < 2 || recipes.len() != ids.len() {
        Notice::info(t!("compare.needs_two")).show(ui);
        return;
    }
    let cards: Vec<_> = ids.iter().filter_map(|id| bench.shelf.card(id)).collect();
    let results = crate::desks::Results::new(&bench.shelf, &cards);
    let measured: Vec<Measure> = results
        .measures
        .iter()
        .enumerate()
        .filter(|(at, _)| results.rows.iter().any(|(_, cells)| cells[*at].is_some()))
        .map(|(_, measure)| measure.clone())
        .collect();
    let usual = || [Measure::BestEval, Measure::FinalLoss].into_iter().find(|measure| measured.contains(measure));
    let chosen = bench.desks.compare.target.clone().filter(|measure| measured.contains(measure));
    let Some(mut target) = chosen.or_else(usual).or_else(|| measured.first().cloned()) else {
        Notice::info(t!("compare.no_results")).show(ui);
        return;
    };
    let of_target: Vec<Option<f64>> = ids.iter().map(|id| results.value(id, &target).map(|cell| cell.value)).collect();
    let ids_revision = (bench.shelf.revision, ids.to_vec());
    let differences = ui.ctx().memory_mut(|memory| {
        // Recipes of hundreds of runs are not compared in every frame.
        type Kept = ((u64, Vec<String>), std::sync::Arc<Vec<crate::desks::Difference>>);
        let kept = memory.data.get_temp_mut_or_insert_with::<Option<Kept>>(egui::Id::unique("parallel"), || None);
        match kept {
            Some((of, rows)) if *of == ids_revision => rows.clone(),
            _ => {
                let recipes: Vec<_> = recipes.iter().map(|recipe| &**recipe).collect();
                let rows = std::sync::Arc::new(crate::desks::differences(&recipes));
                *kept = Some((ids_revision.clone(), rows.clone()));
                rows
            }
        }
    });
    let varied = differences.iter().filter(|row| row.differs);
    let mut axes: Vec<Axis> = varied.take(MOST_AXES).map(|row| Axis::of_texts(row.key, row.values.clone())).collect();
    axes.push(Axis::of_measure(&target, of_target.clone()));
    let brushes = bench.desks.compare.brushes.clone();
    let inside = |run: usize| {
        axes.iter().all(|axis| match brushes.get(&axis.name) {
            Some((low, high)) => axis.share(run).is_some_and(|share| (*low..=*high).contains(&share)),
            None => true,
        })
    };
    let kept: Vec<bool> = (0..ids.len()).map(inside).collect();
    let winner = best(&of_target, target.direction() <= 0);
    Card::new(t!("compare.parallel_title")).icon(icons::GRAPH).about(t!("compare.parallel_about")).show(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.label(theme::soft(ui, t!("compare.result")));
            let options: Vec<(Measure, String)> = measured.iter().map(|m| (m.clone(), m.label())).collect();
            ui.name_inputs(t!("compare.result"), |ui| dropdown(ui, "compare-target", 200.0, &mut target, &options));
            let few = kept.iter().filter(|kept| **kept).count();
            ui.label(theme::soft(ui, t!("compare.brushed", n = few, all = ids.len())));
            if !brushes.is_empty() && ui.add(Push::plain(t!("compare.clear_brushes")).icon(icons::X).small()).clicked()
            {
                bench.desks.compare.brushes.clear();
            }
        });
        draw(ui, &axes, &kept, winner, &mut bench.desks.compare.brushes);
        list(ui, bench, ids, &axes, &kept, winner);
    });
    bench.desks.compare.target = Some(target);
}

/// From low to high, for every kind of sight: the two ends differ in lightness too.
fn shade(ui: &Ui, share: Option<f64>) -> Color32 {
    let p = theme::palette(ui);
    let Some(share) = share else { return p.edge_strong };
    egui::lerp(egui::Rgba::from(p.string)..=egui::Rgba::from(p.warn), share.clamp(0.0, 1.0) as f32).into()
}

fn draw(ui: &mut Ui, axes: &[Axis], kept: &[bool], winner: Option<usize>, brushes: &mut BTreeMap<String, (f64, f64)>) {
    let p = theme::palette(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 260.0), Sense::hover());
    let field = rect.shrink2(vec2(56.0, 30.0));
    let n = (axes.len() - 1).max(1) as f32;
    let x = |at: usize| if axes.len() == 1 { field.center().x } else { lerp(field.x_range(), at as f32 / n) };
    let y = |share: f64| lerp(field.bottom()..=field.top(), share as f32);
    let result = axes.last();
    for (run, inside) in kept.iter().enumerate() {
        let points: Vec<egui::Pos2> =
            axes.iter().enumerate().filter_map(|(at, axis)| Some(pos2(x(at), y(axis.share(run)?)))).collect();
        let best = winner == Some(run);
        let stroke = match (inside, best) {
            (false, _) => Stroke::new(0.7, p.edge),
            (true, false) => Stroke::new(1.4, shade(ui, result.and_then(|axis| axis.share(run)))),
            (true, true) => Stroke::new(3.0, p.good),
        };
        ui.painter().add(Shape::line(points, stroke));
    }
    for (at, axis) in axes.iter().enumerate() {
        let x = x(at);
        let line = Rect::from_min_max(pos2(x - 14.0, field.top()), pos2(x + 14.0, field.bottom()));
        let response = ui.interact(line, ui.scope_id().with(("axis", at)), Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, t!("compare.axis", name = axis.name)));
        let over = response.hovered() || response.dragged();
        let ink = if over { p.varnish } else { p.ink_soft };
        ui.painter().vline(x, field.y_range(), Stroke::new(if over { 2.0 } else { 1.0 }, ink));
        let share = |y: f32| f64::from((field.bottom() - y) / field.height()).clamp(0.0, 1.0);
        let from = ui.input(|i| i.pointer.press_origin());
        if let (true, Some(from), Some(now)) = (response.dragged(), from, response.interact_pointer_pos()) {
            let (a, b) = (share(from.y), share(now.y));
            brushes.insert(axis.name.clone(), (a.min(b) - 0.01, a.max(b) + 0.01));
        }
        if response.clicked() {
            brushes.remove(&axis.name);
        }
        if let Some((low, high)) = brushes.get(&axis.name) {
            let band = Rect::from_min_max(pos2(x - 6.0, y(*high)), pos2(x + 6.0, y(*low)));
            ui.painter().rect(
                band,
                2.0,
                p.varnish_soft.gamma_multiply(0.7),
                Stroke::new(1.0, p.varnish),
                egui::StrokeKind::Inside,
            );
        }
        let room = (field.width() / n).min(150.0) - 4.0;
        let name = elided(ui, &axis.name, theme::strong_font(12.0), p.ink, room);
        let left = (x - name.size().x / 2.0).clamp(rect.left(), rect.right() - name.size().x);
        ui.painter().galley(pos2(left, rect.top() + 2.0), name, p.ink);
        for (value, text) in &axis.marks {
            let text = elided(ui, text, FontId::proportional(11.0), p.ink, room / 2.0);
            let at = pos2(x + 8.0, y(axis.place(*value)) - text.size().y / 2.0);
            let ground = Rect::from_min_size(at, text.size()).expand2(vec2(2.0, 0.0));
            ui.painter().rect_filled(ground, 2.0, p.board.gamma_multiply(0.85));
            ui.painter().galley(at, text, p.ink);
        }
        response.on_hover_cursor(egui::CursorIcon::ResizeVertical).on_hover_text(t!("compare.axis_hint"));
    }
    ui.painter().text(
        rect.left_bottom(),
        Align2::LEFT_BOTTOM,
        t!("compare.shades"),
        FontId::proportional(11.0),
        p.ink_soft,
    );
}

/// The same as words, best first: for keys and for reading aloud.
fn list(ui: &mut Ui, bench: &Bench, ids: &[String], axes: &[Axis], kept: &[bool], winner: Option<usize>) {
    let p = theme::palette(ui);
    egui::ScrollArea::both().id_salt("parallel-list").max_height(260.0).auto_shrink([false, true]).show(ui, |ui| {
        egui::Grid::new("parallel-grid").spacing(vec2(16.0, 4.0)).min_row_height(24.0).show(ui, |ui| {
            ui.label(theme::soft(ui, t!("compare.run")));
            for axis in axes {
                ui.label(theme::soft(ui, &axis.name));
            }
            ui.end_row();
            let lasts = axes.last().map(|axis| &axis.values);
            let mut order: Vec<usize> = (0..ids.len()).filter(|run| kept[*run]).collect();
            let value = |run: &usize| lasts.and_then(|values| values[*run]).unwrap_or(f64::INFINITY);
            order.sort_by(|a, b| (winner != Some(*a)).cmp(&(winner != Some(*b))).then(value(a).total_cmp(&value(b))));
            for run in order {
                super::run_label(ui, bench, &ids[run], 190.0);
                for axis in axes {
                    ui.label(&axis.shown[run]);
                }
                if winner == Some(run) {
                    icon_label(ui, icons::TROPHY, 14.0, p.good);
                    tag(ui, &t!("compare.best"), p.good, p.good_soft);
                }
                ui.end_row();
            }
        });
    });
}
