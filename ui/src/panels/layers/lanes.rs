//! When each layer joins: a lane under each block, the run from above to below. Drawing over lanes writes the schedule.

use std::collections::BTreeMap;

use egui::{Align2, CornerRadius, FontId, Pos2, Rangef, Rect, Stroke, StrokeKind, Ui, pos2};

use super::canvas::Look;
use super::edit::Edit;
use super::geometry::{self, Geometry, Row, Spot};
use super::picture::{Picture, State};
use crate::format;
use crate::text::t;
use crate::theme;

/// Shares are drawn to this grid.
const SNAP: f32 = 0.01;

/// A place in the run in words: a step, or a share.
pub fn place_word(share: f32, picture: &Picture, in_steps: bool) -> String {
    if in_steps {
        let step = (share * picture.length.total as f32).round() as u64;
        return t!("layers.step", n = format::count(step));
    }
    format!("{:.0} %", share * 100.0)
}

fn snapped(share: f32, picture: &Picture, in_steps: bool) -> f32 {
    let share = share.clamp(0.0, 1.0);
    if in_steps && picture.length.known {
        let total = picture.length.total as f32;
        (share * total).round().min(total - 1.0) / total
    } else {
        ((share / SNAP).round() * SNAP).min(1.0 - SNAP)
    }
}

fn share_at(y: f32, picture: &Picture, in_steps: bool) -> f32 {
    let lanes = geometry::lanes();
    snapped((y - lanes.min) / lanes.span(), picture, in_steps)
}

/// The pointer went from `last` to `now`: every layer it crossed joins where it was crossed.
pub fn follow(
    joins: &mut BTreeMap<usize, f32>,
    last: Pos2,
    now: Pos2,
    picture: &Picture,
    geometry: &Geometry,
    in_steps: bool,
) {
    let (left, right) = if last.x <= now.x { (last, now) } else { (now, last) };
    for column in &geometry.columns {
        let Some(layer) = column.layer else { continue };
        let crossed = column.x.max >= left.x && column.x.min <= right.x;
        if !crossed {
            continue;
        }
        let here = column.x.contains(now.x);
        let along = ((column.x.center() - left.x) / (right.x - left.x).max(0.01)).clamp(0.0, 1.0);
        let y = if here { now.y } else { egui::lerp(left.y..=right.y, along) };
        joins.insert(layer, share_at(y, picture, in_steps));
    }
}

/// As the recipe writes a place: a whole step, or a share below 1.
fn at(share: f32, picture: &Picture, in_steps: bool) -> f64 {
    if in_steps && picture.length.known {
        return f64::from(share * picture.length.total as f32).round();
    }
    (f64::from(share) * 100.0).round() / 100.0
}

/// One edit for each place.
pub fn edits(joins: &BTreeMap<usize, f32>, picture: &Picture, in_steps: bool) -> Vec<Edit> {
    let mut places: Vec<(f64, Vec<usize>)> = Vec::new();
    for (layer, share) in joins {
        let place = at(*share, picture, in_steps);
        match places.iter_mut().find(|(known, _)| *known == place) {
            Some((_, layers)) => layers.push(*layer),
            None => places.push((place, vec![*layer])),
        }
    }
    places.into_iter().map(|(at, layers)| Edit::Join { layers, at }).collect()
}

/// One layer, earlier or later by a share of the run.
pub fn nudge(layer: usize, by: f32, picture: &Picture, in_steps: bool) -> Option<Edit> {
    let now = picture.joins_at(layer).unwrap_or(0) as f32 / picture.length.total.max(1) as f32;
    let share = snapped(now + by, picture, in_steps);
    Some(Edit::Join { layers: vec![layer], at: at(share, picture, in_steps) })
}

pub fn draw(
    ui: &Ui,
    rect: Rect,
    picture: &Picture,
    geometry: &Geometry,
    look: &Look,
    dragged: Option<&BTreeMap<usize, f32>>,
    over: Option<Spot>,
) {
    if look.measured.is_some() && look.playhead.is_none() {
        return;
    }
    let (painter, p) = (ui.painter(), theme::palette(ui));
    let lanes = geometry::lanes();
    let area = Rangef::new(rect.top() + lanes.min, rect.top() + lanes.max);
    let total = picture.length.total.max(1) as f32;
    for (at, column) in geometry.columns.iter().enumerate() {
        let Some(layer) = column.layer else { continue };
        let x = Rangef::new(rect.left() + column.x.min, rect.left() + column.x.max);
        let lane = Rect::from_x_y_ranges(x, area);
        if !ui.clip_rect().intersects(lane) {
            continue;
        }
        let hovered = over == Some(Spot { column: at, row: Row::Time });
        let radius = CornerRadius::same(if x.span() < 10.0 { 1 } else { 3 });
        painter.rect(
            lane,
            radius,
            p.inset,
            Stroke::new(1.0, if hovered { p.ink_soft } else { p.edge }),
            StrokeKind::Inside,
        );
        let dragging = dragged.and_then(|joins| joins.get(&layer)).copied();
        let from = dragging.or_else(|| picture.joins_at(layer).map(|step| step as f32 / total));
        if picture.unreached(layer) {
            painter.hline(x, area.max - 2.0, Stroke::new(3.0, p.warn));
        }
        let Some(from) = from else { continue };
        let adapter = super::picture::PARTS.iter().filter_map(|part| picture.at(layer, *part));
        let adapter = adapter.clone().any(|view| view.state == State::Adapter)
            || adapter.clone().any(|view| view.learns() && !view.able);
        let ink = if dragging.is_some() || from > 0.0 || !adapter { p.varnish } else { p.string };
        let top = egui::lerp(area.min..=area.max, from);
        let filled = Rect::from_x_y_ranges(x, Rangef::new(top, area.max)).shrink2(egui::vec2(1.0, 1.0));
        painter.rect_filled(filled, radius, ink.gamma_multiply(if hovered { 0.75 } else { 0.5 }));
        // The grip: what is dragged.
        let grip = Rect::from_x_y_ranges(x, Rangef::new(top, (top + 4.0).min(area.max)));
        painter.rect_filled(grip, radius, ink);
        let shows = dragging.is_some() && x.span() >= 5.0;
        if shows && dragged.is_some_and(|joins| joins.len() == 1 || joins.keys().next_back() == Some(&layer)) {
            let word = place_word(from, picture, look.in_steps && picture.length.known);
            let at = pos2(x.center(), (top - 9.0).max(area.min - 8.0));
            painter.text(at, Align2::CENTER_CENTER, word, FontId::proportional(12.0), p.ink);
        }
    }
    if let Some(done) = look.playhead {
        let y = egui::lerp(area.min..=area.max, done.clamp(0.0, 1.0));
        painter.hline(rect.x_range(), y, Stroke::new(2.0, p.ink));
        painter.circle_filled(pos2(rect.left() + 4.0, y), 4.0, p.ink);
    }
}
