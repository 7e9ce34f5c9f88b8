//! A choice among a few, all in sight, as one control.

use egui::accesskit::Role;
use egui::{Align, Color32, CornerRadius, FontId, Key, Layout, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};

use crate::theme::{self, CONTROL};

/// Shows `options` side by side; true when the choice changed. Arrow keys move along it.
pub fn segmented<T: PartialEq + Clone>(ui: &mut Ui, chosen: &mut T, options: &[(T, String)]) -> bool {
    let mut changed = false;
    let p = theme::palette(ui);
    let ground = ui.painter().add(egui::Shape::Noop);
    let lay =
        |label: &String| ui.painter().layout_no_wrap(label.clone(), FontId::proportional(13.0), Color32::PLACEHOLDER);
    let words: Vec<_> = options.iter().map(|(_, label)| lay(label)).collect();
    let width: f32 = words.iter().map(|word| word.size().x + 24.0).sum();
    // From left to right in every layout.
    let outer = ui.allocate_ui_with_layout(vec2(width, CONTROL), Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        let mut ids = Vec::new();
        for ((value, label), word) in options.iter().zip(words) {
            let on = value == chosen;
            let (rect, response) = ui.allocate_exact_size(vec2(word.size().x + 24.0, CONTROL), Sense::click());
            response.widget_info(|| WidgetInfo::selected(Role::RadioButton, ui.is_enabled(), on, label));
            ids.push(response.id);
            if response.clicked() && !on {
                *chosen = value.clone();
                changed = true;
            }
            let inner = rect.shrink(3.0);
            if on {
                ui.painter().rect(
                    inner,
                    CornerRadius::same(theme::RADIUS - 2),
                    p.varnish_soft,
                    Stroke::new(1.0, p.varnish),
                    StrokeKind::Inside,
                );
            } else if response.hovered() {
                ui.painter().rect_filled(inner, CornerRadius::same(theme::RADIUS - 2), p.raised);
            }
            let ink = if on { p.ink } else { p.ink_soft };
            ui.painter().galley(rect.center() - word.size() / 2.0, word, ink);
            response.on_hover_cursor(egui::CursorIcon::PointingHand);
        }
        let focused = ui.memory(egui::Memory::focused);
        if let Some(at) = ids.iter().position(|id| Some(*id) == focused) {
            let to = ui.input(|i| match () {
                () if i.key_pressed(Key::ArrowRight) => (at + 1).min(ids.len() - 1),
                () if i.key_pressed(Key::ArrowLeft) => at.saturating_sub(1),
                () => at,
            });
            if to != at {
                *chosen = options[to].0.clone();
                changed = true;
            }
        }
    });
    let rect = outer.response.rect;
    let field = egui::epaint::RectShape::new(
        rect,
        CornerRadius::same(theme::RADIUS),
        p.inset,
        Stroke::new(1.0, p.edge),
        StrokeKind::Inside,
    );
    ui.painter().set(ground, field);
    changed
}
