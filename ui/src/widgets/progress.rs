//! Progress as a bar in a card and as a ring in the rail.

use std::f32::consts::{FRAC_PI_2, TAU};

use egui::accesskit::Role;
use egui::{Color32, CornerRadius, Painter, Pos2, Response, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::theme;

/// A bar that is `fraction` full, or, where nobody knows, a third of it in the middle. It does not move by itself.
pub fn progress_bar(ui: &mut Ui, name: &str, fraction: Option<f32>) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 6.0), Sense::hover());
    response.widget_info(|| WidgetInfo {
        value: fraction.map(|f| f64::from(f) * 100.0),
        ..WidgetInfo::labeled(Role::ProgressIndicator, true, name)
    });
    let p = theme::palette(ui);
    ui.painter().rect_filled(rect, CornerRadius::same(3), p.raised);
    let mut full = rect;
    match fraction {
        Some(f) => full.set_width(rect.width() * f.clamp(0.0, 1.0)),
        None => full = egui::Rect::from_center_size(rect.center(), vec2(rect.width() / 3.0, rect.height())),
    }
    ui.painter().rect_filled(full, CornerRadius::same(3), p.varnish);
    response
}

/// A ring around `centre`, drawn clockwise from the top.
pub fn progress_ring(painter: &Painter, centre: Pos2, radius: f32, fraction: f32, ground: Color32, ink: Color32) {
    painter.circle_stroke(centre, radius, Stroke::new(2.0, ground));
    let steps = (fraction.clamp(0.0, 1.0) * 48.0).ceil() as usize;
    let points: Vec<Pos2> = (0..=steps)
        .map(|i| {
            let angle = fraction.clamp(0.0, 1.0) * TAU * i as f32 / steps.max(1) as f32 - FRAC_PI_2;
            pos2(centre.x + radius * angle.cos(), centre.y + radius * angle.sin())
        })
        .collect();
    painter.line(points, Stroke::new(2.0, ink));
}
