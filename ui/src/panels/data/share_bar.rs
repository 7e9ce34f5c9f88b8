//! A bar of shares with their names and amounts under it; a name can be clicked.

use egui::accesskit::Role;
use egui::{Color32, FontId, Rect, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::format;
use crate::theme;

pub struct Share {
    pub name: String,
    pub amount: f64,
    /// The amount in words.
    pub said: String,
    pub colour: Color32,
    /// Marked by lines, not by colour alone: what is apart from the rest.
    pub hatched: bool,
    /// Drawn as an outline.
    pub faint: bool,
}

/// The share whose name was clicked.
pub fn share_bar(ui: &mut Ui, title: &str, shares: &[Share]) -> Option<usize> {
    let p = theme::palette(ui);
    let sum: f64 = shares.iter().map(|share| share.amount).sum();
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 22.0), Sense::hover());
    let part = |share: &Share| if sum > 0.0 { share.amount / sum } else { 0.0 };
    response.widget_info(|| {
        let said = shares.iter().map(|share| format!("{} {}", share.name, share.said)).collect::<Vec<_>>();
        WidgetInfo::labeled(Role::Image, true, format!("{title}: {}", said.join(", ")))
    });
    ui.painter().rect_filled(rect, 4, p.inset);
    let mut left = rect.left();
    for share in shares {
        let width = (rect.width() * part(share) as f32).max(if share.amount > 0.0 { 2.0 } else { 0.0 });
        let right = (left + width).min(rect.right());
        let piece = Rect::from_min_max(pos2(left, rect.top()), pos2(right, rect.bottom())).shrink2(vec2(0.5, 0.0));
        draw(ui, piece, share, p);
        left = right;
    }
    let mut clicked = None;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(4.0, 2.0);
        for (index, share) in shares.iter().enumerate() {
            let percent = format::significant(part(share) * 100.0, if part(share) < 0.1 { 2 } else { 3 });
            let words = format!("{}  {percent} %", share.name);
            let galley = ui.painter().layout_no_wrap(words, FontId::proportional(13.0), p.ink);
            let amount = ui.painter().layout_no_wrap(share.said.clone(), FontId::proportional(12.0), p.ink_soft);
            let size = vec2(galley.size().x + amount.size().x + 46.0, 26.0);
            let (rect, response) = ui.allocate_exact_size(size, Sense::click());
            response.widget_info(|| {
                WidgetInfo::labeled(Role::Button, true, format!("{}: {} ({percent} %)", share.name, share.said))
            });
            if response.hovered() {
                ui.painter().rect_filled(rect, theme::RADIUS, p.raised);
            }
            let swatch = Rect::from_center_size(pos2(rect.left() + 13.0, rect.center().y), vec2(12.0, 12.0));
            draw(ui, swatch, share, p);
            let middle = rect.center().y;
            let x = rect.left() + 26.0;
            let after = x + galley.size().x + 8.0;
            ui.painter().galley(pos2(x, middle - galley.size().y / 2.0), galley, p.ink);
            ui.painter().galley(pos2(after, middle - amount.size().y / 2.0), amount, p.ink_soft);
            if response.clicked() {
                clicked = Some(index);
            }
        }
    });
    clicked
}

fn draw(ui: &Ui, rect: Rect, share: &Share, p: &theme::Palette) {
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    if share.faint {
        painter.rect(rect, 2, p.raised, Stroke::new(1.0, p.edge_strong), egui::StrokeKind::Inside);
    } else {
        painter.rect_filled(rect, 2, share.colour);
    }
    if share.hatched {
        let mut x = rect.left() - rect.height();
        while x < rect.right() {
            let line = [pos2(x, rect.bottom()), pos2(x + rect.height(), rect.top())];
            painter.line_segment(line, Stroke::new(1.5, p.board));
            x += 6.0;
        }
    }
}
