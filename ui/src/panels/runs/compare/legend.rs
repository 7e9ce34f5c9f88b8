//! The runs beside the comparison: which are laid over one another, which of them are drawn, and all others to choose from.

use egui::accesskit::Role;
use egui::{CornerRadius, FontId, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};

use crate::bench::Bench;
use crate::text::t;
use crate::widgets::{IconButton, Push, elided};
use crate::{icons, theme};

/// Of the runs that are not chosen no more than this are listed; the search finds the others.
const MOST: usize = 60;

/// Where there is no room beside the comparison.
pub(super) fn button(ui: &mut Ui, bench: &mut Bench) {
    let word = t!("compare.runs_n", n = bench.desks.runs.chosen.len());
    let button = ui.add(Push::plain(word).icon(icons::LIST_CHECKS));
    egui::Popup::menu(&button).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        ui.set_width(260.0);
        ui.set_max_height(ui.ctx().content_rect().height() - 100.0);
        self::ui(ui, bench);
    });
}

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
    let desk = &mut bench.desks.compare;
    let wanted = std::mem::take(&mut desk.wants_search);
    let response = super::search_field(ui, "compare-search", &mut desk.search, &t!("compare.search_runs"), 172.0);
    if wanted {
        response.request_focus();
    }
    let words = desk.search.to_lowercase();
    ScrollArea::vertical().id_salt("compare-legend").auto_shrink([false, true]).show(ui, |ui| {
        let (mut toggled, mut hidden) = (None, None);
        let chosen = bench.compared_ids();
        ui.label(theme::soft(ui, t!("compare.laid_over", n = chosen.len())));
        for id in &chosen {
            let seen = !bench.desks.compare.hidden.contains(id);
            let (row, out) = chosen_row(ui, bench, id, seen);
            hidden = hidden.or(row.then(|| id.clone()));
            toggled = toggled.or(out.then(|| id.clone()));
        }
        let fits = |card: &&crate::library::RunCard| {
            let text = || format!("{} {} {}", card.name, card.tags.join(" "), card.recipe.stage).to_lowercase();
            card.deleted_unix_secs.is_none()
                && !chosen.contains(&card.id)
                && (words.is_empty() || text().contains(&words))
        };
        let others: Vec<_> = bench.shelf.runs.iter().filter(fits).take(MOST + 1).collect();
        if !others.is_empty() {
            ui.add_space(8.0);
            ui.label(theme::soft(ui, t!("compare.others")));
        } else if !words.is_empty() {
            ui.label(theme::soft(ui, t!("compare.none_found")));
        }
        for card in others.iter().take(MOST) {
            let p = theme::palette(ui);
            let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 26.0), Sense::click());
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, t!("compare.add", name = card.name)));
            if response.hovered() {
                ui.painter().rect_filled(rect, CornerRadius::same(theme::RADIUS), p.raised);
            }
            let at = rect.left_center() + vec2(10.0, 0.0);
            ui.painter().text(at, egui::Align2::CENTER_CENTER, icons::PLUS, icons::regular(13.0), p.ink_soft);
            let galley = elided(ui, &card.name, FontId::proportional(13.0), p.ink_soft, rect.width() - 26.0);
            ui.painter().galley(rect.left_center() + vec2(22.0, -galley.size().y / 2.0), galley, p.ink_soft);
            if response.on_hover_cursor(egui::CursorIcon::PointingHand).on_hover_text(&card.name).clicked() {
                toggled = Some(card.id.clone());
            }
        }
        if others.len() > MOST {
            ui.label(theme::soft(ui, t!("compare.search_more")));
        }
        if let Some(id) = toggled {
            bench.toggle_chosen(&id);
        }
        if let Some(id) = hidden {
            bench.toggle_hidden(&id);
        }
    });
}

/// (hide or show it, take it out)
fn chosen_row(ui: &mut Ui, bench: &Bench, id: &str, seen: bool) -> (bool, bool) {
    let p = theme::palette(ui);
    let (name, colour) = (bench.run_name(id), bench.shelf.card(id).map_or(0, |card| card.colour));
    ui.horizontal(|ui| {
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width() - 34.0, 28.0), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, seen, t!("compare.draw", name = name)));
        let ground = if response.hovered() { p.raised } else { p.board };
        let radius = CornerRadius::same(theme::RADIUS);
        ui.painter().rect(rect, radius, ground, Stroke::new(1.0, p.edge), StrokeKind::Inside);
        let colour = theme::series(ui, colour);
        let left = rect.left_center();
        if seen {
            ui.painter().line_segment([left + vec2(8.0, 0.0), left + vec2(22.0, 0.0)], Stroke::new(3.0, colour));
        } else {
            let at = left + vec2(15.0, 0.0);
            ui.painter().text(at, egui::Align2::CENTER_CENTER, icons::EYE_SLASH, icons::regular(14.0), p.ink_soft);
        }
        let ink = if seen { p.ink } else { p.ink_soft };
        let galley = elided(ui, &name, FontId::proportional(13.0), ink, rect.width() - 36.0);
        ui.painter().galley(left + vec2(28.0, -galley.size().y / 2.0), galley, ink);
        let hint = if seen { t!("compare.hide_hint", name = name) } else { t!("compare.show_hint", name = name) };
        let row = response.on_hover_cursor(egui::CursorIcon::PointingHand).on_hover_text(hint).clicked();
        let out = ui.add(IconButton::new(icons::X, t!("compare.take_out", name = name))).clicked();
        (row, out)
    })
    .inner
}
