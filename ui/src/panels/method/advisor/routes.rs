//! Two ways through the handbook: for the first time, and for more.

use egui::accesskit::Role;
use egui::{Align2, CornerRadius, FontId, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::bench::Bench;
use crate::icons;
use crate::text::{say, t};
use crate::theme;
use crate::widgets::{Card, columns, elided};

const ROUTES: [(&str, char, &[&str]); 2] = [
    (
        "beginner",
        icons::PATH,
        &["start", "data", "sft", "lora", "memory", "curves", "troubles", "labels", "dpo", "evaluation"],
    ),
    (
        "advanced",
        icons::GRADUATION_CAP,
        &["layers", "gradual", "oft", "forgetting", "replay", "orpo-simpo", "reward-model", "ppo", "sweep", "compare"],
    ),
];

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    let count = if ui.available_width() >= 600.0 { 2 } else { 1 };
    let mut asked = None;
    let one = |ui: &mut Ui, (word, icon, pages): (&str, char, &[&'static str]), asked: &mut Option<&'static str>| {
        let about = say(&format!("route_about.{word}"));
        Card::new(say(&format!("route.{word}"))).about(about).icon(icon).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for (i, page) in pages.iter().enumerate() {
                if step(ui, i, page, i + 1 == pages.len()) {
                    *asked = Some(page);
                }
            }
        });
    };
    if count == 2 {
        columns(ui, 2, |ui, i| one(ui, ROUTES[i], &mut asked));
    } else {
        ROUTES.into_iter().for_each(|route| one(ui, route, &mut asked));
    }
    if let Some(page) = asked {
        bench.open_guide(page);
    }
}

/// One page on the way: its number on the string, its title. True when it was clicked.
fn step(ui: &mut Ui, i: usize, page: &str, last: bool) -> bool {
    let title = crate::guide::page(page).map_or(page, |page| page.title());
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 30.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Link, true, t!("advisor.step_of", n = i + 1, title = title)));
    let p = theme::palette(ui);
    if response.hovered() {
        ui.painter().rect_filled(rect, CornerRadius::same(theme::RADIUS), p.raised);
    }
    let at = pos2(rect.left() + 13.0, rect.center().y);
    let string = Stroke::new(1.5, p.edge_strong);
    if i > 0 {
        ui.painter().vline(at.x, rect.top()..=at.y - 11.0, string);
    }
    if !last {
        ui.painter().vline(at.x, at.y + 11.0..=rect.bottom(), string);
    }
    ui.painter().circle(at, 10.0, p.inset, string);
    ui.painter().text(at, Align2::CENTER_CENTER, i + 1, FontId::proportional(11.0), p.ink);
    let ink = if response.hovered() { p.string } else { p.ink };
    let text = elided(ui, title, FontId::proportional(13.0), ink, rect.width() - 40.0);
    ui.painter().galley(pos2(rect.left() + 32.0, at.y - text.size().y / 2.0), text, ink);
    response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_a_page_of_the_handbook() {
        for page in ROUTES.iter().flat_map(|(_, _, pages)| *pages) {
            assert!(crate::guide::page(page).is_some(), "{page}");
        }
    }
}
