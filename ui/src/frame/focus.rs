//! The focus ring: one for every control, drawn last, so that the keyboard's place is always in sight.

use egui::{CornerRadius, Order, Stroke, StrokeKind, Ui};

use crate::theme;

pub fn focus_ring(ui: &Ui) {
    let Some(id) = ui.memory(egui::Memory::focused) else { return };
    let Some(response) = ui.ctx().read_response(id) else { return };
    // A text field shows its cursor and a varnish border already.
    if ui.ctx().text_edit_focused() {
        return;
    }
    let rect = response.rect.expand(2.0);
    let layer = egui::LayerId::new(response.layer_id.order.max(Order::Middle), response.layer_id.id);
    let painter = ui.ctx().layer_painter(layer).with_clip_rect(response.interact_rect.expand(3.0));
    let p = theme::palette(ui);
    painter.rect_stroke(rect, CornerRadius::same(theme::RADIUS + 2), Stroke::new(2.0, p.varnish), StrokeKind::Inside);
}
