//! The rail at the left: every panel with its sign, and how that part of the path stands.

use egui::accesskit::Role;
use egui::{Align2, CornerRadius, FontId, Rect, Response, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::bench::Bench;
use crate::panels::Panel;
use crate::state::{Missing, Slot};
use crate::text::{Language, speak};
use crate::widgets::{Mark, progress_ring};
use crate::{icons, theme};

pub fn rail(ui: &mut Ui, bench: &mut Bench, wide: bool) {
    ui.spacing_mut().item_spacing = vec2(0.0, 2.0);
    let rect = ui.max_rect();
    ui.painter().vline(rect.right() - 0.5, rect.y_range(), egui::Stroke::new(1.0, theme::palette(ui).edge));
    ui.add_space(8.0);
    brand(ui);
    ui.add_space(8.0);
    // Every panel, settings and the other language share what is left below the mark.
    let height = ((rect.height() - 68.0) / (Panel::ALL.len() + 1) as f32 - 2.0).clamp(30.0, 56.0);
    let wide = wide && height >= 46.0;
    // In a low window the stations scroll.
    let needed = (Panel::ALL.len() + 1) as f32 * (height + 2.0) + 56.0;
    if needed > rect.height() {
        egui::ScrollArea::vertical()
            .id_salt("rail")
            .scroll_bar_visibility(egui::scroll_area::ScrollBarVisibility::AlwaysHidden)
            .show(ui, |ui| {
                stations(ui, bench, (height, wide));
                settings(ui, bench, (height, wide));
            });
        return;
    }
    stations(ui, bench, (height, wide));
    ui.with_layout(egui::Layout::bottom_up(egui::Align::Min), |ui| {
        ui.spacing_mut().item_spacing = vec2(0.0, 2.0);
        ui.add_space(4.0);
        settings(ui, bench, (height, wide));
    });
}

fn stations(ui: &mut Ui, bench: &mut Bench, size: (f32, bool)) {
    for panel in Panel::ALL.into_iter().filter(|p| *p != Panel::Settings) {
        let here = bench.panel == panel;
        let response = entry(ui, panel.icon(), &panel.name(), here, size, |ui, at| mark(ui, bench, panel, at));
        if response.clicked() {
            bench.panel = panel;
        }
    }
}

/// Settings and the other language.
fn settings(ui: &mut Ui, bench: &mut Bench, size: (f32, bool)) {
    let panel = Panel::Settings;
    if entry(ui, panel.icon(), &panel.name(), bench.panel == panel, size, |_, _| {}).clicked() {
        bench.panel = panel;
    }
    let other = match bench.settings.language {
        Language::English => Language::Chinese,
        Language::Chinese => Language::English,
    };
    if entry(ui, icons::TRANSLATE, other.own_name(), false, size, |_, _| {}).clicked() {
        bench.settings.language = other;
        speak(other);
    }
}

/// The mark of the house: an f-hole, as in the application icon.
fn brand(ui: &mut Ui) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 40.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Luthier"));
    let p = theme::palette(ui);
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, icons::MARK, icons::filled(36.0), p.varnish);
}

fn entry(
    ui: &mut Ui,
    icon: char,
    name: &str,
    here: bool,
    (height, wide): (f32, bool),
    mark: impl FnOnce(&mut Ui, egui::Pos2),
) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, here, name));
    let p = theme::palette(ui);
    let inner = rect.shrink2(vec2(6.0, 1.0));
    if here {
        ui.painter().rect_filled(inner, CornerRadius::same(theme::RADIUS), p.varnish_soft);
        let bar = Rect::from_min_size(pos2(rect.left(), inner.top() + 8.0), vec2(3.0, inner.height() - 16.0));
        ui.painter().rect_filled(bar, CornerRadius { ne: 2, se: 2, ..CornerRadius::ZERO }, p.varnish);
    } else if response.hovered() {
        ui.painter().rect_filled(inner, CornerRadius::same(theme::RADIUS), p.raised);
    }
    let ink = match (here, response.hovered()) {
        (true, _) => p.varnish,
        (false, true) => p.ink,
        (false, false) => p.ink_soft,
    };
    let icon_at = if wide { pos2(rect.center().x, rect.top() + height * 0.39) } else { rect.center() };
    let font = if here { icons::filled(23.0) } else { icons::regular(23.0) };
    ui.painter().text(icon_at, Align2::CENTER_CENTER, icon, font, ink);
    if wide {
        let word = pos2(rect.center().x, rect.bottom() - height * 0.2);
        let ink = if here { p.ink } else { ink };
        ui.painter().text(word, Align2::CENTER_CENTER, name, FontId::proportional(12.0), ink);
    }
    mark(ui, icon_at + vec2(13.0, -9.0));
    let response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
    if wide { response } else { response.on_hover_text(name) }
}

/// A dot where something is missing or wrong; a ring of progress while a run goes on.
fn mark(ui: &mut Ui, bench: &Bench, panel: Panel, at: egui::Pos2) {
    let p = theme::palette(ui);
    let state = &bench.state;
    let mark = match panel {
        Panel::Model => match &state.model {
            Slot::Empty => Some(Mark::Missing),
            Slot::Reading { .. } => Some(Mark::Busy),
            Slot::Ready(_) => None,
            Slot::Failed { .. } => Some(Mark::Wrong),
        },
        Panel::Data => match &state.data {
            data if data.reading.is_some() => Some(Mark::Busy),
            data if data.problem.is_some() => Some(Mark::Wrong),
            data if data.source.is_none() => Some(Mark::Missing),
            _ => None,
        },
        Panel::Method => state.missing().iter().any(|m| matches!(m, Missing::Setting(_))).then_some(Mark::Wrong),
        Panel::Train => {
            if let Some(run) = state.run.as_ref().filter(|run| run.is_going()) {
                progress_ring(ui.painter(), at, 5.5, run.fraction().max(0.02), p.edge, p.varnish);
            }
            let waiting = bench.desks.queue.waiting.len();
            if waiting > 0 {
                let below = at + vec2(1.0, 15.0);
                ui.painter().text(below, Align2::CENTER_CENTER, waiting, FontId::proportional(11.0), p.ink_soft);
            }
            None
        }
        _ => None,
    };
    if let Some(mark) = mark {
        let colour = if mark == Mark::Missing { p.varnish } else { mark.colour(p) };
        ui.painter().circle(at, 4.0, colour, egui::Stroke::new(1.5, p.rail));
    }
}
