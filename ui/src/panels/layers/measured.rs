//! What a run has measured, as colours: a ramp of even lightness over a logarithmic scale, and in each cell a mark that
//! stands as high as its value, so that nothing hangs on colour alone.

use std::collections::BTreeMap;

use egui::{Align2, CornerRadius, FontId, Mesh, Painter, Rangef, Rect, Sense, Stroke, StrokeKind, Ui, pos2, vec2};
use luthier_engine::protocol::{Cell, CellReport, LayerReport};

use super::paint::Overlay;
use super::words;
use crate::format;
use crate::text::t;
use crate::theme::{self, Palette};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    Movement,
    Gradient,
}

impl Quantity {
    pub fn of(self, report: &CellReport) -> f32 {
        match self {
            Self::Movement => report.movement,
            Self::Gradient => report.grad_norm,
        }
    }

    /// 0.12 %, or 3.4e-3.
    pub fn word(self, value: f32) -> String {
        match self {
            Self::Movement => format!("{} %", format::setting(round(f64::from(value) * 100.0))),
            Self::Gradient => format::setting(round(f64::from(value))),
        }
    }
}

/// Three significant digits.
fn round(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

/// The least and the most of a quantity, over everything that is shown together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    pub quantity: Quantity,
    pub least: f32,
    pub most: f32,
}

impl Scale {
    /// None: nothing above zero was measured.
    pub fn over<'a>(quantity: Quantity, reports: impl Iterator<Item = &'a LayerReport>) -> Option<Self> {
        let values = reports.flat_map(|report| &report.cells).map(|cell| quantity.of(cell));
        let (least, most) = values
            .filter(|value| value.is_finite() && *value > 0.0)
            .fold((f32::INFINITY, 0.0f32), |(least, most), value| (least.min(value), most.max(value)));
        (most > 0.0).then_some(Self { quantity, least, most })
    }

    /// Where a value lies, 0 to 1, on a logarithmic scale.
    pub fn share(&self, value: f32) -> f32 {
        if value <= self.least {
            return 0.0;
        }
        let span = (self.most / self.least).ln();
        if span < 1e-6 { 1.0 } else { ((value / self.least).ln() / span).clamp(0.0, 1.0) }
    }

    /// The ramp with its ends in numbers.
    pub fn legend(&self, ui: &mut Ui) {
        let p = theme::palette(ui);
        ui.horizontal(|ui| {
            ui.label(theme::soft(ui, self.quantity.word(self.least)));
            let (rect, response) = ui.allocate_exact_size(vec2(180.0, 14.0), Sense::hover());
            let said = t!("layers.scale", least = self.quantity.word(self.least), most = self.quantity.word(self.most));
            response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Label, true, said.clone()));
            let mut mesh = Mesh::default();
            for i in 0..=24u32 {
                let t = i as f32 / 24.0;
                let x = egui::lerp(rect.x_range(), t);
                mesh.colored_vertex(pos2(x, rect.top()), theme::ramp(t));
                mesh.colored_vertex(pos2(x, rect.bottom()), theme::ramp(t));
                if i > 0 {
                    mesh.add_triangle(2 * i - 2, 2 * i - 1, 2 * i);
                    mesh.add_triangle(2 * i - 1, 2 * i, 2 * i + 1);
                }
            }
            ui.painter().add(mesh);
            ui.painter().rect_stroke(rect, CornerRadius::ZERO, Stroke::new(1.0, p.edge), StrokeKind::Outside);
            ui.label(theme::soft(ui, self.quantity.word(self.most)));
            ui.label(theme::soft(ui, t!("layers.log_scale")));
        });
    }
}

/// One measurement.
pub struct Measured {
    pub scale: Scale,
    values: BTreeMap<Cell, f32>,
}

impl Measured {
    pub fn new(scale: Scale, report: &LayerReport) -> Self {
        Self { scale, values: report.cells.iter().map(|cell| (cell.cell, scale.quantity.of(cell))).collect() }
    }

    pub fn cell(&self, painter: &Painter, overlay: &mut Overlay, rect: Rect, cell: Cell, p: &Palette, over: bool) {
        let radius = CornerRadius::same(if rect.width() < 10.0 { 1 } else { 3 });
        let border = if over { Stroke::new(2.0, p.ink) } else { Stroke::new(1.0, p.edge) };
        let Some(value) = self.values.get(&cell) else {
            painter.rect(rect, radius, p.raised, border, StrokeKind::Inside);
            overlay.hatch(rect.shrink(1.5), p.edge_strong);
            return;
        };
        let share = self.scale.share(*value);
        painter.rect(rect, radius, theme::ramp(share), border, StrokeKind::Inside);
        if rect.height() > 24.0 {
            let y = egui::lerp((rect.bottom() - 3.0)..=(rect.top() + 3.0), share);
            painter.hline(rect.shrink(2.0).x_range(), y, Stroke::new(1.5, theme::on_ramp(share)));
        }
    }

    /// Layer 3, MLP: 0.12 %.
    pub fn word(&self, cell: Cell) -> String {
        let name = words::cell(cell);
        match self.values.get(&cell) {
            Some(value) => t!("layers.value", cell = name, value = self.scale.quantity.word(*value)),
            None => t!("layers.no_value", cell = name),
        }
    }
}

/// The measurement's values by layer: the largest of each layer's cells.
fn by_layer(report: &LayerReport, quantity: Quantity) -> BTreeMap<usize, f32> {
    let mut values = BTreeMap::new();
    for cell in &report.cells {
        let Some(layer) = cell.cell.layer else { continue };
        let most: &mut f32 = values.entry(layer).or_default();
        *most = most.max(quantity.of(cell));
    }
    values
}

/// Layers from below to above, measurements from left to right.
pub fn heat_map(ui: &mut Ui, reports: &[LayerReport], scale: &Scale, layers: usize) {
    const LEFT: f32 = 44.0;
    const BELOW: f32 = 22.0;
    const HEIGHT: f32 = 320.0;
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT + BELOW), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Image, true, t!("layers.heat")));
    let map = Rect::from_min_max(rect.min + vec2(LEFT, 0.0), rect.max - vec2(0.0, BELOW));
    ui.painter().rect_filled(map, CornerRadius::ZERO, p.inset);
    let (width, height) = (map.width() / reports.len().max(1) as f32, map.height() / layers.max(1) as f32);
    let gap = if height > 5.0 { 1.0 } else { 0.0 };
    let place = |at: usize, layer: usize| {
        let x = Rangef::new(map.left() + at as f32 * width, map.left() + (at + 1) as f32 * width - gap);
        let bottom = map.bottom() - layer as f32 * height;
        Rect::from_x_y_ranges(x, Rangef::new(bottom - height + gap, bottom))
    };
    // One mesh: 2,000 cells are 8,000 points.
    let mut mesh = Mesh::default();
    for (at, report) in reports.iter().enumerate() {
        for (layer, value) in by_layer(report, scale.quantity) {
            mesh.add_colored_rect(place(at, layer), theme::ramp(scale.share(value)));
        }
    }
    ui.painter().add(mesh);
    let font = FontId::proportional(11.0);
    let every = [1, 2, 5, 10, 20].into_iter().find(|n| *n as f32 * height >= 13.0).unwrap_or(25);
    for layer in (0..layers).step_by(every) {
        let at = pos2(map.left() - 6.0, place(0, layer).center().y);
        ui.painter().text(at, Align2::RIGHT_CENTER, layer, font.clone(), p.ink_soft);
    }
    let every = (56.0 / width).ceil().max(1.0) as usize;
    for (at, report) in reports.iter().enumerate().step_by(every) {
        let x = place(at, 0).center().x;
        let word = t!("layers.step", n = format::count(report.step as u64));
        ui.painter().text(pos2(x, map.bottom() + 12.0), Align2::CENTER_CENTER, word, font.clone(), p.ink_soft);
    }
    let Some(over) = response.hover_pos().filter(|at| map.contains(*at)) else { return };
    let at = ((over.x - map.left()) / width) as usize;
    let layer = ((map.bottom() - over.y) / height) as usize;
    let Some(report) = reports.get(at).filter(|_| layer < layers) else { return };
    ui.painter().rect_stroke(place(at, layer), CornerRadius::ZERO, Stroke::new(2.0, p.ink), StrokeKind::Outside);
    let mut lines = vec![t!("layers.after_step", n = format::count(report.step as u64))];
    let here = report.cells.iter().filter(|cell| cell.cell.layer == Some(layer));
    let each = |cell: &CellReport| {
        t!("layers.value", cell = words::cell(cell.cell), value = scale.quantity.word(scale.quantity.of(cell)))
    };
    lines.extend(here.map(each));
    if lines.len() == 1 {
        lines.push(t!("layers.no_value", cell = t!("layers.layer", layer = layer)));
    }
    response.on_hover_text_at_pointer(lines.join("\n"));
}

#[cfg(test)]
mod tests {
    use luthier_engine::protocol::CellPart;

    use super::*;

    fn report(values: &[f32]) -> LayerReport {
        let cell = |(layer, value): (usize, &f32)| CellReport {
            cell: Cell { layer: Some(layer), part: CellPart::Mlp },
            movement: *value,
            grad_norm: 2.0 * value,
        };
        LayerReport { step: 1, cells: values.iter().enumerate().map(cell).collect() }
    }

    #[test]
    fn the_scale_is_logarithmic_and_zero_is_its_least() {
        let report = report(&[0.0, 0.001, 0.01, 0.1]);
        let scale = Scale::over(Quantity::Movement, [&report].into_iter()).expect("something moved");
        assert_eq!((scale.least, scale.most), (0.001, 0.1));
        let shares: Vec<f32> = report.cells.iter().map(|cell| scale.share(cell.movement)).collect();
        for (share, expected) in shares.iter().zip([0.0, 0.0, 0.5, 1.0]) {
            assert!((share - expected).abs() < 1e-5, "{shares:?}");
        }
        assert!(Scale::over(Quantity::Gradient, [&super::tests::report(&[0.0])].into_iter()).is_none());
    }

    #[test]
    fn values_are_said_in_few_digits() {
        assert_eq!(Quantity::Movement.word(0.012_345), "1.23 %");
        assert_eq!(Quantity::Gradient.word(0.000_123_4), "1.23e-4");
    }
}
