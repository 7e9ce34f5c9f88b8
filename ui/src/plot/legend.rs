//! The legend below a plot: the stroke, the word, the value.

use egui::{Align, Layout, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{Chart, Series};
use crate::text::t;
use crate::theme;
use crate::widgets::elided;

/// Height of a line of the legend.
pub(super) const ENTRY: f32 = 18.0;
/// Curves that a plot's own legend names; of more, the pointer tells.
const NAMED: usize = 6;

/// Lines of the legend below a plot.
pub(super) fn entries(chart: &Chart) -> usize {
    match chart.series.len() {
        0 | 1 => 0,
        n if n <= NAMED => n,
        _ => 0,
    }
}

/// A line of the legend: the stroke, the word, the value.
pub(super) fn entry(ui: &mut Ui, series: &Series, value: Option<String>) {
    let p = theme::palette(ui);
    let size = vec2(ui.available_width(), ENTRY - 2.0);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().interact_size.y = ENTRY - 2.0;
        let (rect, _) = ui.allocate_exact_size(vec2(18.0, 12.0), Sense::hover());
        let stroke = Stroke::new(2.0, theme::series(ui, series.colour));
        let ends = [rect.left_center(), rect.right_center()];
        if series.dashed {
            ui.painter().extend(egui::Shape::dashed_line(&ends, stroke, 5.0, 3.0));
        } else {
            ui.painter().line_segment(ends, stroke);
        }
        let room = (ui.available_width() - 72.0).max(40.0);
        let word = if series.label.is_empty() { t!("charts.training") } else { series.label.clone() };
        let galley = elided(ui, &word, egui::FontId::proportional(12.0), p.ink_soft, room);
        let (rect, label) = ui.allocate_exact_size(vec2(galley.size().x, ENTRY - 2.0), Sense::hover());
        label.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Label, true, word.clone()));
        ui.painter().galley(pos2(rect.left(), rect.center().y - galley.size().y / 2.0), galley, p.ink_soft);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let Some(value) = value {
                ui.label(theme::small(value).color(p.ink));
            }
        });
    });
}
