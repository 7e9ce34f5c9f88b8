//! Files dropped anywhere on the window: models, data and recipes find their own panel.

use egui::{Align2, CornerRadius, Id, LayerId, Order, Stroke, StrokeKind, Ui, vec2};

use crate::bench::Bench;
use crate::text::t;
use crate::{icons, theme};

pub fn take_dropped_files(ui: &Ui, bench: &mut Bench) {
    let (hovering, dropped) = ui.input(|i| (!i.raw.hovered_files.is_empty(), i.raw.dropped_files.clone()));
    for path in dropped.iter().map(|file| file.path().to_owned()) {
        bench.open_any(path);
    }
    if hovering {
        let p = theme::palette(ui);
        let screen = ui.ctx().content_rect();
        let painter = ui.ctx().layer_painter(LayerId::new(Order::Tooltip, Id::unique("drop")));
        painter.rect_filled(screen, CornerRadius::ZERO, p.veil);
        let frame = screen.shrink(24.0);
        painter.rect(frame, CornerRadius::same(12), p.board, Stroke::new(2.0, p.varnish), StrokeKind::Inside);
        let middle = frame.center();
        painter.text(
            middle - vec2(0.0, 48.0),
            Align2::CENTER_CENTER,
            icons::FILE_ARROW_DOWN,
            icons::regular(56.0),
            p.varnish,
        );
        painter.text(
            middle + vec2(0.0, 12.0),
            Align2::CENTER_CENTER,
            t!("drop.title"),
            theme::strong_font(24.0),
            p.ink,
        );
        painter.text(
            middle + vec2(0.0, 44.0),
            Align2::CENTER_CENTER,
            t!("drop.about"),
            egui::FontId::proportional(14.0),
            p.ink_soft,
        );
    }
}
