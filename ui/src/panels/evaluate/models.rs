//! Whom to measure: models as they came and the results of runs, each with a tick.

use egui::accesskit::Role;
use egui::{
    Align2, CornerRadius, CursorIcon, FontId, Label, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use crate::bench::Bench;
use crate::desks::Examinee;
use crate::text::{say, t};
use crate::widgets::{Card, elided};
use crate::{format, icons, theme};

const LINE: f32 = 40.0;

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    let all = bench.examinees();
    let mut chosen = None;
    Card::new(t!("evaluate.whom")).about(t!("evaluate.whom_about")).icon(icons::CUBE).show(ui, |ui| {
        if all.is_empty() {
            ui.add(Label::new(theme::soft(ui, t!("evaluate.no_models"))).wrap());
            return;
        }
        ScrollArea::vertical().id_salt("examinees").max_height(LINE * 6.5).auto_shrink([false, true]).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            for (at, examinee) in all.iter().enumerate() {
                let on = bench.desks.evaluate.subjects.contains(&examinee.subject);
                if line(ui, examinee, on) {
                    chosen = Some(at);
                }
            }
        });
    });
    if let Some(examinee) = chosen.and_then(|at| all.get(at)) {
        bench.choose_subject(&examinee.subject);
    }
}

/// What it is, under its name.
fn about(examinee: &Examinee) -> String {
    match examinee.trained {
        Some((stage, weights)) => {
            t!("evaluate.trained", stage = say(&format!("stage.{stage}")), weights = say(&format!("weights.{weights}")))
        }
        None => t!("evaluate.as_it_came", path = format::path(&examinee.model)),
    }
}

fn line(ui: &mut Ui, examinee: &Examinee, on: bool) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, ui.is_enabled(), on, &examinee.name));
    if ui.is_rect_visible(rect) {
        let p = theme::palette(ui);
        let (ground, border) = match (on, response.hovered()) {
            (true, _) => (p.varnish_soft, p.varnish),
            (false, true) => (p.raised, p.edge_strong),
            (false, false) => (p.board, p.edge),
        };
        let radius = CornerRadius::same(theme::RADIUS);
        ui.painter().rect(rect, radius, ground, Stroke::new(1.0, border), StrokeKind::Inside);
        let tick = egui::Rect::from_center_size(pos2(rect.left() + 20.0, rect.center().y), vec2(18.0, 18.0));
        let (fill, edge) = if on { (p.varnish, p.varnish) } else { (p.inset, p.edge_strong) };
        ui.painter().rect(tick, CornerRadius::same(4), fill, Stroke::new(1.0, edge), StrokeKind::Inside);
        if on {
            let font = icons::regular(14.0);
            ui.painter().text(tick.center(), Align2::CENTER_CENTER, icons::CHECK, font, p.on_varnish);
        }
        let mark = pos2(rect.left() + 48.0, rect.center().y);
        match examinee.colour {
            Some(colour) => {
                ui.painter().circle_filled(mark, 6.0, theme::series(ui, colour));
            }
            None => {
                let icon = if examinee.trained.is_some() { icons::GUITAR } else { icons::CUBE };
                ui.painter().text(mark, Align2::CENTER_CENTER, icon, icons::regular(18.0), p.ink_soft);
            }
        }
        let (left, room) = (rect.left() + 64.0, rect.width() - 72.0);
        let name = elided(ui, &examinee.name, FontId::proportional(14.0), p.ink, room);
        ui.painter().galley(pos2(left, rect.top() + 3.0), name, p.ink);
        let about = elided(ui, &about(examinee), FontId::proportional(12.0), p.ink_soft, room);
        ui.painter().galley(pos2(left, rect.top() + 21.0), about, p.ink_soft);
    }
    response.on_hover_cursor(CursorIcon::PointingHand).clicked()
}
