//! The canvas: pointing, painting over a range, the keyboard, and drawing. Changes come back as edits; nothing is changed
//! here.

use std::collections::BTreeMap;

use egui::accesskit::Role;
use egui::{
    Align2, CornerRadius, EventFilter, FontId, Key, Painter, Pos2, Rect, Response, ScrollArea, Sense, Stroke,
    StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::edit::Edit;
use super::geometry::{Geometry, HEAD, HEIGHT, Row, Spot};
use super::lanes;
use super::measured::Measured;
use super::paint::{self, Overlay, Patterns};
use super::picture::{PARTS, Picture};
use super::words;
use crate::text::t;
use crate::theme;

/// Room at the left for the rows' names.
pub const GUTTER: f32 = 62.0;

/// How the picture is looked at.
pub struct Look<'a> {
    /// Colour by what a run measured; None: by what learns.
    pub measured: Option<&'a Measured>,
    /// How much of the run is done, while it goes.
    pub playhead: Option<f32>,
    pub in_steps: bool,
    pub zoom: f32,
}

/// Painting over a range of layers that is not finished.
struct Sweep {
    from: Spot,
    to: usize,
    learns: bool,
}

#[derive(Default)]
pub struct Canvas {
    pub patterns: Option<Patterns>,
    cursor: Option<Spot>,
    /// Where shift-click counts from, and what was done there.
    anchor: Option<(Spot, bool)>,
    sweep: Option<Sweep>,
    /// Layers whose joining is being dragged, as shares of the run, and where the pointer was last.
    joins: Option<(BTreeMap<usize, f32>, Pos2)>,
}

impl Canvas {
    pub fn ui(&mut self, ui: &mut Ui, picture: &Picture, look: &Look) -> Vec<Edit> {
        if self.patterns.is_none() {
            self.patterns = Some(Patterns::new(ui));
        }
        let room = (ui.available_width() - GUTTER).max(120.0);
        let geometry = Geometry::new(picture, room, look.zoom);
        let mut edits = Vec::new();
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            let (gutter, _) = ui.allocate_exact_size(vec2(GUTTER, HEIGHT), Sense::hover());
            self::gutter(ui, gutter, picture, &geometry, look);
            ScrollArea::horizontal().id_salt("layers").auto_shrink([false, true]).show(ui, |ui| {
                let (rect, _) = ui.allocate_exact_size(vec2(geometry.width.max(room), HEIGHT + 6.0), Sense::hover());
                self.nodes(ui, rect, picture, &geometry, &mut edits);
                let response = ui.interact(rect, ui.scope_id().with("layers canvas"), Sense::click_and_drag());
                response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, t!("layers.canvas")));
                let over = response.hover_pos().and_then(|at| geometry.hit(at - rect.min.to_vec2()));
                if look.measured.is_none() {
                    self.point(ui, &response, picture, &geometry, look, &mut edits);
                    self.keys(ui, &response, picture, &geometry, look, &mut edits);
                }
                self.draw(ui, rect, picture, &geometry, look, over);
                if let Some(spot) = over.filter(|_| self.sweep.is_none() && self.joins.is_none()) {
                    response.on_hover_text_at_pointer(words::of_spot(spot, picture, &geometry, look));
                }
            });
        });
        edits
    }

    /// A name and a press for each block and each end: what screen readers and tests hold on to.
    fn nodes(&mut self, ui: &Ui, rect: Rect, picture: &Picture, geometry: &Geometry, edits: &mut Vec<Edit>) {
        let visible = ui.clip_rect();
        for (column, drawn) in geometry.columns.iter().enumerate() {
            let spot = Spot { column, row: Row::Whole };
            let Some(place) = geometry.rect_of(spot).map(|r| r.translate(rect.min.to_vec2())) else { continue };
            if !visible.intersects(place) {
                continue;
            }
            let node = ui.interact(place, ui.scope_id().with(("layers column", column)), Sense::CLICK);
            let learns = drawn.cells.iter().filter_map(|(cell, _)| picture.cell(*cell)).any(|view| view.learns());
            let label = || words::of_column(drawn, picture);
            node.widget_info(|| WidgetInfo::selected(Role::Button, true, learns, label()));
            // The pointer is the canvas's own affair; this is a press from a screen reader.
            if node.clicked() && !ui.input(|i| i.pointer.any_released()) {
                edits.extend(self.toggled(spot, column, None, picture, geometry));
            }
        }
    }

    /// The edit that gives a range the other state, or `learns` if given.
    fn toggled(
        &mut self,
        spot: Spot,
        to: usize,
        learns: Option<bool>,
        picture: &Picture,
        geometry: &Geometry,
    ) -> Option<Edit> {
        let cells = geometry.cells(spot, to);
        let able = || cells.iter().filter_map(|cell| picture.cell(*cell)).filter(|view| view.able);
        let learns = learns.unwrap_or_else(|| able().any(|view| !view.learns()));
        self.anchor = Some((Spot { column: to, ..spot }, learns));
        (able().count() > 0).then_some(Edit::Set { cells, learns })
    }

    fn point(
        &mut self,
        ui: &Ui,
        response: &Response,
        picture: &Picture,
        geometry: &Geometry,
        look: &Look,
        edits: &mut Vec<Edit>,
    ) {
        let corner = response.rect.min.to_vec2();
        let (pressed, down, shift) =
            ui.input(|i| (i.pointer.primary_pressed(), i.pointer.primary_down(), i.modifiers.shift));
        let at = response.interact_pointer_pos().map(|at| at - corner);
        if let Some(at) = at.filter(|_| pressed && response.is_pointer_button_down_on()) {
            response.request_focus();
            match geometry.hit(at) {
                Some(spot) if spot.row == Row::Time => self.joins = Some((BTreeMap::new(), at)),
                Some(spot) => {
                    self.cursor = Some(spot);
                    let (from, learns) = match self.anchor.filter(|_| shift) {
                        Some((anchor, learns)) => (Spot { row: spot.row, ..anchor }, learns),
                        None => {
                            let cells = geometry.cells(spot, spot.column);
                            let mut able = cells.iter().filter_map(|cell| picture.cell(*cell)).filter(|view| view.able);
                            (spot, able.any(|view| !view.learns()))
                        }
                    };
                    self.sweep = Some(Sweep { from, to: spot.column, learns });
                }
                None => {}
            }
        }
        if let (Some(at), Some(sweep)) = (at, &mut self.sweep) {
            sweep.to = geometry.column_at(at.x).unwrap_or(sweep.to);
        }
        if let (Some(at), Some((joins, last))) = (at, &mut self.joins) {
            lanes::follow(joins, *last, at, picture, geometry, look.in_steps);
            *last = at;
        }
        if down {
            return;
        }
        if let Some(Sweep { from, to, learns }) = self.sweep.take() {
            edits.extend(self.toggled(from, to, Some(learns), picture, geometry));
        }
        if let Some((joins, _)) = self.joins.take() {
            edits.extend(lanes::edits(&joins, picture, look.in_steps));
        }
    }

    fn keys(
        &mut self,
        ui: &Ui,
        response: &Response,
        picture: &Picture,
        geometry: &Geometry,
        look: &Look,
        edits: &mut Vec<Edit>,
    ) {
        if !response.has_focus() {
            return;
        }
        let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        let first = Spot { column: geometry.of_layer(0), row: Row::Whole };
        let spot = *self.cursor.get_or_insert(first);
        let (pressed, shift) = ui.input(|i| {
            let known = [
                Key::ArrowLeft,
                Key::ArrowRight,
                Key::ArrowUp,
                Key::ArrowDown,
                Key::Home,
                Key::End,
                Key::Space,
                Key::Enter,
                Key::Delete,
            ];
            (known.into_iter().find(|key| i.key_pressed(*key)), i.modifiers.shift)
        });
        let Some(key) = pressed else { return };
        let last = geometry.columns.len() - 1;
        let to = match key {
            Key::ArrowLeft => spot.column.saturating_sub(1),
            Key::ArrowRight => (spot.column + 1).min(last),
            Key::Home => 0,
            Key::End => last,
            _ => spot.column,
        };
        let layer = geometry.columns[spot.column].layer;
        match (key, spot.row, layer) {
            (Key::ArrowUp | Key::ArrowDown, Row::Time, Some(layer)) if shift => {
                let by = if key == Key::ArrowUp { -0.05 } else { 0.05 };
                edits.extend(lanes::nudge(layer, by, picture, look.in_steps));
            }
            (Key::Delete | Key::Space | Key::Enter, Row::Time, Some(layer)) => {
                edits.push(Edit::Join { layers: vec![layer], at: 0.0 });
            }
            (Key::Space | Key::Enter, ..) => edits.extend(self.toggled(spot, spot.column, None, picture, geometry)),
            (Key::ArrowUp, ..) => self.cursor = Some(Spot { row: above(spot.row), ..spot }),
            (Key::ArrowDown, ..) => self.cursor = Some(Spot { row: below(spot.row), ..spot }),
            (Key::Delete, ..) => {}
            _ => {
                let moved = Spot { column: to, ..spot };
                self.cursor = Some(moved);
                if shift && spot.row != Row::Time {
                    let anchor = self.anchor.filter(|(anchor, _)| anchor.column == spot.column);
                    let learns = anchor.map(|(_, learns)| learns);
                    edits.extend(self.toggled(spot, to, learns, picture, geometry));
                }
            }
        }
    }

    fn draw(&self, ui: &Ui, rect: Rect, picture: &Picture, geometry: &Geometry, look: &Look, over: Option<Spot>) {
        let (painter, p) = (ui.painter(), theme::palette(ui));
        let (corner, visible) = (rect.min.to_vec2(), ui.clip_rect());
        let Some(patterns) = &self.patterns else { return };
        let mut overlay = Overlay::new(patterns);
        let seen = |r: &Rect| visible.intersects(*r);
        for (at, column) in geometry.columns.iter().enumerate() {
            for (row, (cell, place)) in column.cells.iter().enumerate() {
                let place = place.translate(corner);
                let Some(view) = picture.cell(*cell).filter(|_| seen(&place)) else { continue };
                let hovered = over
                    .is_some_and(|spot| spot.column == at && (spot.row == Row::Whole || spot.row == Row::Part(row)));
                match look.measured {
                    Some(measured) => measured.cell(painter, &mut overlay, place, *cell, p, hovered),
                    None => paint::cell(painter, &mut overlay, place, view, p, hovered),
                }
            }
        }
        overlay.draw(painter);
        for column in &geometry.columns {
            for (cell, place) in &column.cells {
                let place = place.translate(corner);
                if let (Some(view), None, true) = (picture.cell(*cell), look.measured, seen(&place)) {
                    paint::signs(painter, place, view, p);
                }
            }
        }
        numbers(painter, rect, geometry, ui);
        let dragged = self.joins.as_ref().map(|(joins, _)| joins);
        lanes::draw(ui, rect, picture, geometry, look, dragged, over);
        if let Some(sweep) = &self.sweep {
            let (from, to) = (sweep.from.column.min(sweep.to), sweep.from.column.max(sweep.to));
            let ends = [from, to].map(|column| geometry.rect_of(Spot { column, ..sweep.from }));
            if let [Some(a), Some(b)] = ends {
                let area = a.union(b).translate(corner).expand(2.0);
                let ink = if sweep.learns { p.varnish } else { p.string };
                painter.rect(
                    area,
                    CornerRadius::same(4),
                    ink.gamma_multiply(0.22),
                    Stroke::new(2.0, ink),
                    StrokeKind::Outside,
                );
            }
        }
        let focused = ui.memory(|m| m.focused()) == Some(ui.scope_id().with("layers canvas"));
        if let Some(place) = self.cursor.filter(|_| focused).and_then(|spot| geometry.rect_of(spot)) {
            let stroke = Stroke::new(2.0, p.ink);
            painter.rect_stroke(
                place.translate(corner).expand(1.0),
                CornerRadius::same(4),
                stroke,
                StrokeKind::Outside,
            );
        }
    }
}

fn above(row: Row) -> Row {
    match row {
        Row::Whole | Row::Part(0) => Row::Whole,
        Row::Part(n) => Row::Part(n - 1),
        Row::Time => Row::Part(PARTS.len() - 1),
    }
}

fn below(row: Row) -> Row {
    match row {
        Row::Whole => Row::Part(0),
        Row::Part(n) if n + 1 < PARTS.len() => Row::Part(n + 1),
        Row::Part(_) | Row::Time => Row::Time,
    }
}

/// The layers' numbers, as many as have room.
fn numbers(painter: &Painter, rect: Rect, geometry: &Geometry, ui: &Ui) {
    let p = theme::palette(ui);
    let every = [1, 2, 5, 10, 20].into_iter().find(|n| *n as f32 * geometry.pitch >= 22.0).unwrap_or(25);
    for column in &geometry.columns {
        let at = pos2(rect.left() + column.x.center(), rect.top() + HEAD / 2.0 - 2.0);
        let (word, ink) = match column.layer {
            Some(layer) if layer.is_multiple_of(every) => (layer.to_string(), p.ink_soft),
            Some(_) => continue,
            None if column.x.span() < 20.0 => continue,
            None if column.mirror => (crate::icons::LINK.to_string(), p.ink_soft),
            None if column.x.min < 1.0 => (t!("layers.in"), p.ink),
            None => (t!("layers.out"), p.ink),
        };
        let font = if column.mirror { crate::icons::regular(13.0) } else { FontId::proportional(11.0) };
        painter.text(at, Align2::CENTER_CENTER, word, font, ink);
    }
}

/// The rows' names, and the ticks of the lanes.
fn gutter(ui: &Ui, rect: Rect, picture: &Picture, geometry: &Geometry, look: &Look) {
    let (painter, p) = (ui.painter(), theme::palette(ui));
    let right = rect.right() - 8.0;
    let say = |y: f32, word: String| {
        let galley = crate::widgets::elided(ui, &word, FontId::proportional(11.0), p.ink_soft, GUTTER - 10.0);
        painter.galley(pos2(right - galley.size().x, rect.top() + y - galley.size().y / 2.0), galley, p.ink_soft);
    };
    say(HEAD / 2.0 - 2.0, t!("layers.layer_word"));
    if let Some(block) = geometry.columns.iter().find(|column| column.layer == Some(0)) {
        for (cell, place) in &block.cells {
            say(place.center().y, words::part(cell.part));
        }
    }
    let lanes = super::geometry::lanes();
    if look.measured.is_none() || look.playhead.is_some() {
        for (share, y) in [(0.0, lanes.min + 5.0), (0.5, lanes.center()), (1.0, lanes.max - 5.0)] {
            say(y, lanes::place_word(share, picture, look.in_steps && picture.length.known));
        }
    }
}
