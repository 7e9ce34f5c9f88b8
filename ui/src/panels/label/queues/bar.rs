//! How far a queue is: labelled in full colour, answered and waiting in hatching, the rest empty; with the numbers beside.

use egui::accesskit::Role;
use egui::{CornerRadius, FontId, Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::labels::QueueCard;
use crate::text::t;
use crate::{format, theme};

const HEIGHT: f32 = 10.0;

#[derive(Clone, Copy)]
enum Ground {
    Labelled,
    Answered,
    Open,
}

pub(super) fn bar(ui: &mut Ui, card: &QueueCard) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    let (labelled, answered) = (done(card), card.answered.max(done(card)));
    let name = t!("making.progress", name = card.name, labelled = labelled, answered = answered, items = card.items);
    let share = |n: usize| n as f32 / card.items.max(1) as f32;
    response.widget_info(|| WidgetInfo {
        value: Some(f64::from(share(labelled)) * 100.0),
        ..WidgetInfo::labeled(Role::ProgressIndicator, true, &name)
    });
    ground(ui, rect, Ground::Open);
    let part = |from: f32, to: f32| {
        let x = |share: f32| rect.left() + rect.width() * share.min(1.0);
        Rect::from_min_max(pos2(x(from), rect.top()), pos2(x(to), rect.bottom()))
    };
    ground(ui, part(0.0, share(answered)), Ground::Answered);
    ground(ui, part(0.0, share(labelled)), Ground::Labelled);
}

/// Labelled or passed over: nothing is to be done with it.
fn done(card: &QueueCard) -> usize {
    card.labelled + card.skipped
}

/// The numbers, each behind a sample of its ground.
pub(super) fn legend(ui: &mut Ui, card: &QueueCard) {
    let count = |n: usize| format::count(n as u64);
    let parts = [
        (Ground::Labelled, t!("making.labelled", n = count(done(card)))),
        (Ground::Answered, t!("making.answered", n = count(card.answered.saturating_sub(done(card))))),
        (Ground::Open, t!("making.of_items", n = count(card.items))),
    ];
    for (which, text) in parts {
        // One piece, so that a narrow window breaks the line before the sample and not behind it.
        let p = theme::palette(ui);
        let galley = ui.painter().layout_no_wrap(text.clone(), FontId::proportional(12.0), p.ink_soft);
        let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + 20.0, 18.0), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
        let sample = Rect::from_min_size(pos2(rect.left(), rect.center().y - 5.0), vec2(14.0, 10.0));
        ground(ui, sample, which);
        ui.painter().galley(pos2(rect.left() + 20.0, rect.center().y - galley.size().y / 2.0), galley, p.ink_soft);
    }
}

fn ground(ui: &Ui, rect: Rect, which: Ground) {
    if rect.width() < 0.5 {
        return;
    }
    let p = theme::palette(ui);
    let radius = CornerRadius::same(3);
    let (fill, line) = match which {
        Ground::Labelled => (p.varnish, p.varnish),
        Ground::Answered => (p.string_soft, p.string),
        Ground::Open => (p.inset, p.edge_strong),
    };
    ui.painter().rect(rect, radius, fill, Stroke::new(1.0, line), StrokeKind::Inside);
    if matches!(which, Ground::Answered) {
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        let mut x = rect.left() - HEIGHT;
        while x < rect.right() {
            painter.line_segment([pos2(x, rect.bottom()), pos2(x + HEIGHT, rect.top())], Stroke::new(1.0, p.string));
            x += 6.0;
        }
    }
}
