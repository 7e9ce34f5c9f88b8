//! Shares drawn: an interval against the even half, and how a whole is made up.

use egui::accesskit::Role;
use egui::{Align2, FontId, Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::labels::trust::{Lean, Share};
use crate::theme;
use crate::widgets::elided;

/// The share as a dot, its 95 % interval as a band, one half as a line. `said` is what a screen reader says.
pub fn interval(ui: &mut Ui, share: &Share, said: &str) {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 36.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, said));
    let track =
        Rect::from_min_max(pos2(rect.left() + 8.0, rect.top() + 6.0), pos2(rect.right() - 8.0, rect.top() + 16.0));
    let x = |share: f64| egui::lerp(track.x_range(), share.clamp(0.0, 1.0) as f32);
    ui.painter().rect(track, 5, p.inset, Stroke::new(1.0, p.edge), StrokeKind::Inside);
    let (ink, ground) = if share.lean().is_some() { (p.warn, p.warn_soft) } else { (p.string, p.string_soft) };
    if share.of > 0 {
        let band = Rect::from_x_y_ranges(x(share.low)..=x(share.high), track.y_range());
        ui.painter().rect(band, 5, ground, Stroke::new(1.5, ink), StrokeKind::Inside);
    }
    let half = x(0.5);
    ui.painter().vline(half, (track.top() - 5.0)..=(track.bottom() + 5.0), Stroke::new(1.0, p.ink_soft));
    if share.of > 0 {
        let dot = pos2(x(share.share()), track.center().y);
        ui.painter().circle(dot, 5.0, ink, Stroke::new(2.0, p.board));
    }
    let font = FontId::proportional(11.0);
    let below = track.bottom() + 5.0;
    for (at, anchor, text) in [
        (track.left(), Align2::LEFT_TOP, "0 %"),
        (half, Align2::CENTER_TOP, "50 %"),
        (track.right(), Align2::RIGHT_TOP, "100 %"),
    ] {
        ui.painter().text(pos2(at, below), anchor, text, font.clone(), p.ink_soft);
    }
}

/// One bar of all parts, and each with its word, its count and its share below.
pub fn parts(ui: &mut Ui, title: &str, parts: &[(String, usize)]) {
    let p = theme::palette(ui);
    let sum: usize = parts.iter().map(|(_, n)| n).sum();
    let share = |n: usize| n as f64 / sum.max(1) as f64;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::hover());
    response.widget_info(|| {
        let said: Vec<_> = parts.iter().map(|(word, n)| format!("{word} {n}")).collect();
        WidgetInfo::labeled(Role::Image, true, format!("{title}: {}", said.join(", ")))
    });
    let mut left = rect.left();
    for (at, (_, n)) in parts.iter().enumerate() {
        let width = rect.width() * share(*n) as f32;
        let piece = Rect::from_x_y_ranges(left..=(left + width.max(2.0)).min(rect.right()), rect.y_range());
        ui.painter().rect_filled(piece.shrink2(vec2(0.75, 0.0)), 3, theme::series(ui, at));
        left += width;
    }
    let columns = if rect.width() > 360.0 { 2 } else { 1 };
    let cell = (rect.width() / columns as f32).floor();
    for (row, line) in parts.chunks(columns).enumerate() {
        let (rect, _) = ui.allocate_exact_size(vec2(rect.width(), 22.0), Sense::hover());
        for (column, (word, n)) in line.iter().enumerate() {
            let left = rect.left() + cell * column as f32;
            let at = row * columns + column;
            let swatch = Rect::from_center_size(pos2(left + 6.0, rect.center().y), vec2(10.0, 10.0));
            ui.painter().rect_filled(swatch, 2, theme::series(ui, at));
            let count = format!("{n}  ({:.0} %)", share(*n) * 100.0);
            let count = ui.painter().layout_no_wrap(count, FontId::proportional(12.0), p.ink_soft);
            let room = cell - count.size().x - 40.0;
            let word = elided(ui, word, FontId::proportional(13.0), p.ink, room);
            let middle = rect.center().y;
            let after = left + 18.0 + word.size().x + 8.0;
            ui.painter().galley(pos2(left + 18.0, middle - word.size().y / 2.0), word, p.ink);
            ui.painter().galley(pos2(after, middle - count.size().y / 2.0), count, p.ink_soft);
        }
    }
}

/// Whether `lean` goes beyond chance is told by a sign, not by colour alone.
pub fn sentence(ui: &mut Ui, lean: Option<Lean>, text: &str) {
    use crate::icons;
    let p = theme::palette(ui);
    let (icon, ink) = if lean.is_some() { (icons::WARNING, p.warn) } else { (icons::CHECK_CIRCLE, p.good) };
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        crate::widgets::icon_label(ui, icon, 16.0, ink);
        ui.add(egui::Label::new(theme::small(text)).wrap());
    });
}
