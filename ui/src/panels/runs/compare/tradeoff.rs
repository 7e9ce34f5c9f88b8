//! Gained on the task against lost in general, a point a run.

use egui::accesskit::Role;
use egui::{Align2, FontId, Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::bench::Bench;
use crate::desks::{FORGOT, Measure, Quadrant, Spot, percent};
use crate::text::t;
use crate::widgets::{Card, Notice, dropdown, elided};
use crate::{icons, theme};

fn word(quadrant: Quadrant) -> String {
    match quadrant {
        Quadrant::GainedKept => t!("compare.gained_kept"),
        Quadrant::GainedForgot => t!("compare.gained_forgot"),
        Quadrant::NothingKept => t!("compare.nothing_kept"),
        Quadrant::NothingForgot => t!("compare.nothing_forgot"),
    }
}

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench, waiting: bool) {
    let results = bench.results();
    let sets: Vec<Measure> =
        results.measures.iter().filter(|m| matches!(m, Measure::Set { .. }) && m.direction() != 0).cloned().collect();
    let options = |first: String| -> Vec<(Option<Measure>, String)> {
        std::iter::once((None, first)).chain(sets.iter().map(|m| (Some(m.clone()), m.label()))).collect()
    };
    let (mut points, mut missing) = (Vec::new(), Vec::new());
    Card::new(t!("compare.tradeoff_title")).icon(icons::CHART_SCATTER).about(t!("compare.tradeoff_about")).show(
        ui,
        |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.label(theme::soft(ui, t!("compare.gained_by")));
                let desk = &mut bench.desks.compare;
                ui.name_inputs(t!("compare.gained_by"), |ui| {
                    dropdown(ui, "compare-task", 200.0, &mut desk.task, &options(t!("compare.eval_in_training")));
                });
                ui.label(theme::soft(ui, t!("compare.lost_by")));
                ui.name_inputs(t!("compare.lost_by"), |ui| {
                    dropdown(ui, "compare-general", 200.0, &mut desk.general, &options(t!("compare.forgetting")));
                });
            });
            for id in bench.seen_ids() {
                match bench.spot_of(&id, &results) {
                    (Some(gained), Some(lost)) => points.push((id, Spot { gained, lost })),
                    (gained, lost) => missing.push((id, gained.is_none(), lost.is_none())),
                }
            }
            if points.is_empty() {
                Notice::info(if waiting { t!("compare.reading") } else { t!("compare.no_spots") }).show(ui);
            } else {
                plot(ui, bench, &points);
                for (id, spot) in &points {
                    ui.horizontal_wrapped(|ui| {
                        super::run_label(ui, bench, id, 220.0);
                        let (gained, lost) = (percent(spot.gained), percent(spot.lost));
                        ui.label(t!("compare.spot", gained = gained, lost = lost, word = word(spot.quadrant())));
                    });
                }
            }
            for (id, no_gain, no_loss) in &missing {
                ui.horizontal_wrapped(|ui| {
                    super::run_label(ui, bench, id, 220.0);
                    let text = match (no_gain, no_loss) {
                        (true, true) => t!("compare.misses_both"),
                        (true, false) => t!("compare.misses_gain"),
                        (false, _) => t!("compare.misses_loss"),
                    };
                    ui.label(theme::soft(ui, text));
                });
            }
        },
    );
}

/// Right: gained. Up: forgot.
fn plot(ui: &mut Ui, bench: &Bench, points: &[(String, Spot)]) {
    let p = theme::palette(ui);
    let size = vec2(ui.available_width(), 320.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let told = points.iter().map(|(id, spot)| format!("{}: {}", bench.run_name(id), word(spot.quadrant())));
    let told = told.collect::<Vec<_>>().join("; ");
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &told));
    let field = Rect::from_min_max(rect.min + vec2(56.0, 8.0), rect.max - vec2(12.0, 30.0));
    let reach = |values: &mut dyn Iterator<Item = f64>, least: f64| {
        let (mut low, mut high) = (-least, least);
        for value in values {
            (low, high) = (low.min(value * 1.2), high.max(value * 1.2));
        }
        (low, high)
    };
    let (x0, x1) = reach(&mut points.iter().map(|(_, spot)| spot.gained), 0.05);
    let (y0, y1) = reach(&mut points.iter().map(|(_, spot)| spot.lost), 0.05);
    let at = |gained: f64, lost: f64| {
        let x = field.left() + ((gained - x0) / (x1 - x0)) as f32 * field.width();
        pos2(x, field.bottom() - ((lost - y0) / (y1 - y0)) as f32 * field.height())
    };
    let painter = ui.painter();
    painter.rect(field, 4.0, p.inset, Stroke::new(1.0, p.edge), StrokeKind::Inside);
    let cross = at(0.0, FORGOT);
    let good = Rect::from_min_max(cross, field.max);
    painter.rect_filled(good.intersect(field), 0.0, p.good_soft);
    painter.hline(field.x_range(), cross.y, Stroke::new(1.0, p.edge_strong));
    painter.vline(cross.x, field.y_range(), Stroke::new(1.0, p.edge_strong));
    let corners = [
        (Quadrant::GainedForgot, field.right_top() + vec2(-8.0, 6.0), Align2::RIGHT_TOP),
        (Quadrant::GainedKept, field.right_bottom() + vec2(-8.0, -6.0), Align2::RIGHT_BOTTOM),
        (Quadrant::NothingForgot, field.left_top() + vec2(8.0, 6.0), Align2::LEFT_TOP),
        (Quadrant::NothingKept, field.left_bottom() + vec2(8.0, -6.0), Align2::LEFT_BOTTOM),
    ];
    // Beside a narrow quadrant its word would stand in the next one.
    let roomy = |align: Align2| {
        let width = if align.x() == egui::Align::LEFT { cross.x - field.left() } else { field.right() - cross.x };
        let height = if align.y() == egui::Align::TOP { cross.y - field.top() } else { field.bottom() - cross.y };
        width > 150.0 && height > 22.0
    };
    for (quadrant, place, align) in corners.into_iter().filter(|(_, _, align)| roomy(*align)) {
        painter.text(place, align, word(quadrant), FontId::proportional(12.0), p.ink_soft);
    }
    for tick in crate::export::scale::ticks(x0, x1, 6) {
        let place = pos2(at(tick, 0.0).x, field.bottom() + 4.0);
        painter.text(place, Align2::CENTER_TOP, percent(tick), FontId::proportional(11.0), p.ink_soft);
    }
    for tick in crate::export::scale::ticks(y0, y1, 5) {
        let place = pos2(field.left() - 6.0, at(0.0, tick).y);
        painter.text(place, Align2::RIGHT_CENTER, percent(tick), FontId::proportional(11.0), p.ink_soft);
    }
    let pointer = response.hover_pos();
    let near = |spot: &Spot| pointer.map_or(f32::INFINITY, |pointer| at(spot.gained, spot.lost).distance(pointer));
    let over = points.iter().filter(|(_, spot)| near(spot) < 16.0).min_by(|a, b| near(&a.1).total_cmp(&near(&b.1)));
    for (n, (id, spot)) in points.iter().enumerate() {
        let place = at(spot.gained, spot.lost);
        let colour = theme::series(ui, bench.shelf.card(id).map_or(0, |card| card.colour));
        painter.circle(place, 6.0, colour, Stroke::new(1.5, p.ink));
        if points.len() <= 12 || over.is_some_and(|(known, _)| known == id) {
            let name = elided(ui, &bench.run_name(id), FontId::proportional(12.0), p.ink, 170.0);
            let right = place.x + 14.0 + name.size().x < field.right();
            let x = if right { place.x + 10.0 } else { place.x - 10.0 - name.size().x };
            // Names of neighbours stand one above and one below.
            let y = if n % 2 == 0 { place.y - 16.0 } else { place.y + 2.0 };
            painter.galley(pos2(x, y), name, p.ink);
        }
    }
    if let Some((id, spot)) = over {
        let (gained, lost) = (percent(spot.gained), percent(spot.lost));
        let text = t!("compare.spot", gained = gained, lost = lost, word = word(spot.quadrant()));
        response.on_hover_text_at_pointer(format!("{}\n{text}", bench.run_name(id)));
    }
    ui.label(theme::soft(ui, t!("compare.axes")));
}
