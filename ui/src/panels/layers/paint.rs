//! A cell by its state: colour and pattern, so that no state is told by colour alone. Patterns are two small textures
//! that repeat, a quad a cell; nothing is tessellated line by line.

use egui::{
    Align2, Color32, ColorImage, CornerRadius, Mesh, Painter, Rect, Shape, Stroke, StrokeKind, TextureHandle,
    TextureId, TextureOptions, Ui, pos2,
};

use super::picture::{CellView, State};
use crate::icons;
use crate::theme::{self, Palette};

/// Points after which a pattern repeats.
const TILE: f32 = 8.0;

/// The patterns of the states, on the graphics card.
pub struct Patterns {
    hatch: TextureHandle,
    dots: TextureHandle,
}

impl Patterns {
    pub fn new(ui: &Ui) -> Self {
        let side = 16;
        let load = |name: &str, on: fn(usize, usize) -> f32| {
            let pixels = (0..side * side).map(|i| Color32::from_white_alpha((on(i % side, i / side) * 255.0) as u8));
            let image = ColorImage::new([side, side], pixels.collect());
            ui.ctx().load_texture(name, image, TextureOptions { ..TextureOptions::LINEAR_REPEAT })
        };
        // Lines from below left to above right, half a tile apart.
        let hatch = |x: usize, y: usize| match (x + y) % 8 {
            0 => 1.0,
            1 | 7 => 0.35,
            _ => 0.0,
        };
        let dots = |x: usize, y: usize| {
            let far = |n: usize| (n % 8) as f32 - 3.5;
            (1.0 - ((far(x).powi(2) + far(y).powi(2)).sqrt() - 1.2).max(0.0)).clamp(0.0, 1.0)
        };
        Self { hatch: load("layers-hatch", hatch), dots: load("layers-dots", dots) }
    }
}

/// Quads that are drawn together, a mesh for each pattern.
pub struct Overlay {
    hatch: Mesh,
    dots: Mesh,
}

impl Overlay {
    pub fn new(patterns: &Patterns) -> Self {
        let mesh = |texture: TextureId| Mesh::with_texture(texture);
        Self { hatch: mesh(patterns.hatch.id()), dots: mesh(patterns.dots.id()) }
    }

    pub fn hatch(&mut self, rect: Rect, colour: Color32) {
        self.hatch.add_rect_with_uv(rect, repeated(rect), colour);
    }

    pub fn dots(&mut self, rect: Rect, colour: Color32) {
        self.dots.add_rect_with_uv(rect, repeated(rect), colour);
    }

    pub fn draw(self, painter: &Painter) {
        painter.extend([self.hatch, self.dots].into_iter().filter(|mesh| !mesh.is_empty()).map(Shape::mesh));
    }
}

fn repeated(rect: Rect) -> Rect {
    Rect::from_min_max(pos2(rect.left() / TILE, rect.top() / TILE), pos2(rect.right() / TILE, rect.bottom() / TILE))
}

/// Fill, border and the ink of signs.
fn colours(view: &CellView, p: &Palette) -> (Color32, Stroke, Color32) {
    match view.state {
        State::Frozen => (p.raised, Stroke::new(1.0, p.edge), p.ink_soft),
        State::Trains => (p.varnish, Stroke::new(1.0, p.varnish), p.on_varnish),
        State::Adapter => (p.string, Stroke::new(1.0, p.string), p.board),
        State::Joins(_) => (p.varnish_soft, Stroke::new(1.5, p.varnish), p.varnish),
        State::Unreached => (p.warn_soft, Stroke::new(1.0, p.warn), p.warn),
    }
}

/// Ground, border and pattern; its sign goes over the patterns, with [`signs`]. `over`: the pointer is on it.
pub fn cell(painter: &Painter, overlay: &mut Overlay, rect: Rect, view: &CellView, p: &Palette, over: bool) {
    let (fill, border, ink) = colours(view, p);
    let radius = CornerRadius::same(if rect.width() < 10.0 { 1 } else { 3 });
    let border = if over { Stroke::new(2.0, p.ink) } else { border };
    painter.rect(rect, radius, fill, border, StrokeKind::Inside);
    let inner = rect.shrink(1.5);
    if view.state == State::Frozen {
        overlay.hatch(inner, p.edge_strong);
    }
    if view.packed {
        overlay.dots(inner, ink.gamma_multiply(0.55));
    }
    if view.partial {
        // Half of it stays: the lower left corner is cut off.
        let corner =
            vec![rect.left_bottom(), pos2(rect.left(), rect.bottom() - 9.0), pos2(rect.left() + 9.0, rect.bottom())];
        painter.add(Shape::convex_polygon(corner, p.raised, Stroke::new(1.0, p.edge_strong)));
    }
}

pub fn signs(painter: &Painter, rect: Rect, view: &CellView, p: &Palette) {
    let (fill, _, ink) = colours(view, p);
    sign(painter, rect, view.state, ink, fill);
}

/// The sign of a state, where there is room for it.
fn sign(painter: &Painter, rect: Rect, state: State, ink: Color32, ground: Color32) {
    let icon = match state {
        State::Frozen => icons::SNOWFLAKE,
        State::Adapter => icons::PAPERCLIP,
        State::Joins(_) => icons::CLOCK,
        State::Unreached => icons::WARNING,
        State::Trains => return,
    };
    let size = (rect.width() - 4.0).min(rect.height() - 2.0).min(15.0);
    if size < 9.0 {
        return;
    }
    let at = rect.center();
    if state == State::Frozen {
        painter.circle_filled(at, size * 0.62, ground);
    }
    painter.text(at, Align2::CENTER_CENTER, icon, icons::regular(size), ink);
}

/// A small sample of a state for the legend.
pub fn sample(ui: &mut Ui, patterns: &Patterns, view: &CellView, word: &str) {
    let p = theme::palette(ui);
    let galley = ui.painter().layout_no_wrap(word.to_owned(), egui::FontId::proportional(12.0), p.ink_soft);
    let (rect, response) = ui.allocate_exact_size(egui::vec2(28.0 + galley.size().x, 20.0), egui::Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Label, true, word));
    let square = Rect::from_center_size(pos2(rect.left() + 11.0, rect.center().y), egui::vec2(22.0, 18.0));
    let mut overlay = Overlay::new(patterns);
    let painter = ui.painter();
    // The sign goes over the pattern.
    let (fill, border, ink) = colours(view, p);
    painter.rect(square, CornerRadius::same(3), fill, border, StrokeKind::Inside);
    if view.state == State::Frozen && !view.packed {
        overlay.hatch(square.shrink(1.5), p.edge_strong);
    }
    if view.packed {
        overlay.dots(square.shrink(1.5), p.ink_soft);
    }
    overlay.draw(painter);
    if !view.packed {
        sign(painter, square, view.state, ink, fill);
    }
    painter.galley(pos2(rect.left() + 28.0, rect.center().y - galley.size().y / 2.0), galley, p.ink_soft);
}
