//! The three-stage path as a map: where the recipe stands, where a run goes on, and each station a proposal of its own.

use egui::accesskit::Role;
use egui::{
    Align2, Color32, CornerRadius, FontId, Pos2, Rect, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};
use luthier_engine::advice::{Station, station_of};

use crate::bench::Bench;
use crate::icons;
use crate::text::{say, t};
use crate::theme;
use crate::widgets::{Card, Push};

const fn word(station: Station) -> &'static str {
    match station {
        Station::Adapt => "adapt",
        Station::Refine => "refine",
        Station::Align => "align",
    }
}

const fn icon(station: Station) -> char {
    match station {
        Station::Adapt => icons::TARGET,
        Station::Refine => icons::PAPERCLIP,
        Station::Align => icons::SCALES,
    }
}

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    let here = station_of(&bench.state.recipe);
    let run = bench.state.run.as_ref().filter(|run| run.is_going()).map(|run| station_of(&run.recipe));
    let asked = bench.desks.advisor.station;
    Card::new(t!("advisor.map")).about(t!("advisor.map_about")).icon(icons::MAP_TRIFOLD).show(ui, |ui| {
        let side_by_side = ui.available_width() >= 600.0;
        let gap = if side_by_side { 36.0 } else { 22.0 };
        let width =
            if side_by_side { ((ui.available_width() - 2.0 * gap) / 3.0).floor() } else { ui.available_width() };
        let height = Station::ALL.map(|s| about(ui, s, width).size().y).into_iter().fold(0.0, f32::max) + 74.0;
        let mut stations = |ui: &mut Ui| {
            for (i, station) in Station::ALL.into_iter().enumerate() {
                let marks = Marks { here: here == station, run: run == Some(station), asked: asked == Some(station) };
                let (rect, clicked) = one(ui, station, vec2(width, height), &marks);
                if clicked {
                    bench.desks.advisor.station = (asked != Some(station)).then_some(station);
                }
                if i < 2 {
                    let from = if side_by_side { rect.right_center() } else { rect.center_bottom() };
                    let along = if side_by_side { vec2(1.0, 0.0) } else { vec2(0.0, 1.0) };
                    string(ui, from, along, gap);
                }
            }
        };
        if side_by_side {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = gap;
                stations(ui);
            });
        } else {
            ui.scope(|ui| {
                ui.spacing_mut().item_spacing.y = gap;
                stations(ui);
            });
        }
        if let Some(station) = asked {
            ui.horizontal_wrapped(|ui| {
                let name = say(&format!("station.{}", word(station)));
                ui.label(theme::soft(ui, t!("advisor.asked_station", station = name)));
                let back = Push::quiet(t!("advisor.by_goal")).icon(icons::ARROW_COUNTER_CLOCKWISE).small();
                if ui.add(back).clicked() {
                    bench.desks.advisor.station = None;
                }
            });
        }
    });
}

struct Marks {
    /// The recipe in the form is of this station.
    here: bool,
    /// A run goes on here.
    run: bool,
    /// The proposal is for this station.
    asked: bool,
}

fn about(ui: &Ui, station: Station, width: f32) -> std::sync::Arc<egui::Galley> {
    let text = say(&format!("station_about.{}", word(station)));
    ui.painter().layout(text, FontId::proportional(12.0), Color32::PLACEHOLDER, width - 28.0)
}

/// The string that leads on to the next station, with an arrow.
fn string(ui: &Ui, from: Pos2, along: Vec2, gap: f32) {
    let stroke = Stroke::new(1.5, theme::palette(ui).edge_strong);
    let (start, end) = (from + along * 4.0, from + along * (gap - 5.0));
    ui.painter().line_segment([start, end], stroke);
    for side in [along.rot90(), -along.rot90()] {
        ui.painter().line_segment([end - along * 5.0 + side * 4.0, end], stroke);
    }
}

fn one(ui: &mut Ui, station: Station, size: Vec2, marks: &Marks) -> (Rect, bool) {
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let p = theme::palette(ui);
    let name = say(&format!("station.{}", word(station)));
    let mark = match (marks.run, marks.here) {
        (true, _) => t!("advisor.run_is_here"),
        (false, true) => t!("advisor.you_are_here"),
        (false, false) => String::new(),
    };
    let spoken = if mark.is_empty() { name.clone() } else { format!("{name}: {mark}") };
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, marks.asked, &spoken));
    let ground = if marks.asked { p.varnish_soft } else { p.inset };
    let border = match (marks.asked || marks.here, response.hovered()) {
        (true, _) => Stroke::new(1.5, p.varnish),
        (false, true) => Stroke::new(1.0, p.edge_strong),
        (false, false) => Stroke::new(1.0, p.edge),
    };
    ui.painter().rect(rect, CornerRadius::same(theme::RADIUS), ground, border, StrokeKind::Inside);
    let left = rect.left() + 14.0;
    let line = rect.top() + 24.0;
    let ink = if marks.here || marks.run { p.varnish } else { p.ink_soft };
    ui.painter().text(pos2(left + 10.0, line), Align2::CENTER_CENTER, icon(station), icons::regular(20.0), ink);
    let room = rect.width() - 58.0;
    let title = crate::widgets::elided(ui, &name, theme::strong_font(14.0), p.ink, room);
    ui.painter().galley(pos2(left + 30.0, line - title.size().y / 2.0), title, p.ink);
    ui.painter().galley(pos2(left, rect.top() + 44.0), about(ui, station, rect.width()), p.ink_soft);
    if !mark.is_empty() {
        let at = pos2(left, rect.bottom() - 16.0);
        ui.painter().text(at, Align2::LEFT_CENTER, icons::CROSSHAIR, icons::regular(14.0), p.varnish);
        let text = crate::widgets::elided(ui, &mark, theme::strong_font(12.0), p.varnish, rect.width() - 48.0);
        ui.painter().galley(pos2(left + 20.0, at.y - text.size().y / 2.0), text, p.varnish);
    }
    let clicked = response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked();
    (rect, clicked)
}
