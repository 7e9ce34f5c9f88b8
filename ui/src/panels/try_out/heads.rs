//! Who speaks in each column, and the menus where that is chosen.

use egui::accesskit::Role;
use egui::{
    Align, Align2, CornerRadius, FontId, Layout, PopupCloseBehavior, Response, ScrollArea, Sense, Stroke, StrokeKind,
    Ui, WidgetInfo, pos2, vec2,
};

use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::state::{ColumnId, OwnSampling, Voice};
use crate::text::t;
use crate::widgets::{IconButton, elided, hairline, number, toggle};
use crate::{format, icons, theme};

/// The head of the column at this place; a click opens its menu. `low`: in one line.
pub(super) fn head(ui: &mut Ui, bench: &mut Bench, at: usize, low: bool) {
    let Some(column) = bench.state.talk.front().columns.get(at).cloned() else { return };
    let title = bench.column_title(&column);
    let about = match (column.voice, &column.speaker) {
        (Voice::After, Some(speaker)) if speaker.adapter.is_some() => {
            t!("try.with_adapter", name = bench.model_name(&column))
        }
        (Voice::Chosen, Some(speaker)) => format::short_path(&speaker.model),
        _ => bench.model_name(&column),
    };
    let about = match column.own {
        Some(own) => {
            t!("try.own_about", about = about, t = format::setting(f64::from(own.temperature)), seed = own.seed)
        }
        None => about,
    };
    let p = theme::palette(ui);
    let tuned = column.voice == Voice::After;
    let height = if low { 30.0 } else { 48.0 };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    let said = t!("try.column_menu", title = title, about = about);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &said));
    if ui.is_rect_visible(rect) {
        let (ground, ink) = if tuned { (p.varnish_soft, p.varnish) } else { (p.board, p.ink_soft) };
        let border = if response.hovered() { p.edge_strong } else { p.edge };
        let radius = CornerRadius::same(theme::RADIUS);
        ui.painter().rect(rect, radius, ground, Stroke::new(1.0, border), StrokeKind::Inside);
        let icon = if tuned || column.run.is_some() { icons::GUITAR } else { icons::CUBE };
        let middle = pos2(rect.left() + 22.0, rect.center().y);
        ui.painter().text(middle, Align2::CENTER_CENTER, icon, icons::regular(20.0), ink);
        let (left, room) = (rect.left() + 40.0, rect.width() - 66.0);
        let latin = title.chars().all(|c| c < '\u{2E80}') || column.voice != Voice::Chosen;
        let font = if latin { theme::strong_font(14.0) } else { FontId::proportional(14.0) };
        let name = elided(ui, &title, font, p.ink, room);
        let top = if low { rect.center().y - name.size().y / 2.0 } else { rect.top() + 6.0 };
        ui.painter().galley(pos2(left, top), name, p.ink);
        if !low {
            let about = elided(ui, &about, FontId::proportional(12.0), p.ink_soft, room);
            ui.painter().galley(pos2(left, rect.top() + 26.0), about, p.ink_soft);
        }
        let caret = pos2(rect.right() - 14.0, rect.center().y);
        ui.painter().text(caret, Align2::CENTER_CENTER, icons::CARET_DOWN, icons::regular(14.0), p.ink_soft);
    }
    let response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
    menu(bench, &response, column.id);
}

fn menu(bench: &mut Bench, button: &Response, id: ColumnId) {
    egui::Popup::menu(button).close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        ui.set_width(288.0);
        ui.spacing_mut().item_spacing.y = 4.0;
        let busy = bench.state.talk.busy();
        ui.add_enabled_ui(!busy, |ui| choices(ui, bench, Some(id)));
        hairline(ui);
        own_sampling(ui, bench, id);
        hairline(ui);
        let at = bench.state.talk.front().columns.iter().position(|column| column.id == id).unwrap_or(0);
        let count = bench.state.talk.front().columns.len();
        ui.horizontal(|ui| {
            for (able, icon, word, by) in [
                (at > 0, icons::ARROW_LEFT, t!("try.move_left"), -1),
                (at + 1 < count, icons::ARROW_RIGHT, t!("try.move_right"), 1),
            ] {
                if ui.add_enabled(able, IconButton::new(icon, word).size(30.0)).clicked() {
                    bench.move_column(id, by);
                    ui.close();
                }
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let remove = IconButton::new(icons::TRASH, t!("try.remove_column")).size(30.0);
                if ui.add_enabled(count > 1 && !busy, remove).clicked() {
                    bench.remove_column(id);
                    ui.close();
                }
            });
        });
    });
}

fn own_sampling(ui: &mut Ui, bench: &mut Bench, id: ColumnId) {
    let talk = bench.state.talk.front_mut();
    let shared = OwnSampling { temperature: talk.sampling.temperature, seed: talk.sampling.seed };
    let Some(column) = talk.column_mut(id) else { return };
    let before = column.own;
    let mut on = column.own.is_some();
    ui.horizontal(|ui| {
        ui.label(t!("try.own"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.name_inputs(t!("try.own"), |ui| toggle(ui, &mut on));
        });
    });
    if on != column.own.is_some() {
        column.own = on.then_some(shared);
    }
    if let Some(own) = &mut column.own {
        ui.horizontal(|ui| {
            ui.label(theme::soft(ui, t!("field.temperature.label")));
            ui.name_inputs(t!("field.temperature.label"), |ui| number(ui, &mut own.temperature, 0.0..=2.0, 0.01));
        });
        ui.horizontal(|ui| {
            ui.label(theme::soft(ui, t!("field.sample_seed.label")));
            let most = u64::from(u32::MAX);
            ui.name_inputs(t!("field.sample_seed.label"), |ui| number(ui, &mut own.seed, 0..=most, 1.0));
        });
    }
    let changed = before != column.own;
    bench.desks.talk.unsettled |= changed;
}

/// The models that a column can have, under a button; None: one more column.
pub(super) fn choices_menu(bench: &mut Bench, button: &Response, at: Option<ColumnId>) {
    egui::Popup::menu(button).show(|ui| {
        ui.set_width(288.0);
        choices(ui, bench, at);
    });
}

fn choices(ui: &mut Ui, bench: &mut Bench, at: Option<ColumnId>) {
    ui.spacing_mut().item_spacing.y = 2.0;
    ui.label(theme::soft(ui, if at.is_some() { t!("try.who_answers") } else { t!("try.who_joins") }));
    let mut chosen = None;
    ScrollArea::vertical().id_salt("choices").max_height(220.0).show(ui, |ui| {
        for choice in bench.choices() {
            let icon = if choice.column.run.is_some() { icons::GUITAR } else { icons::CUBE };
            if choice_row(ui, icon, &choice.name, &choice.about) {
                chosen = Some(choice.column);
            }
        }
    });
    if let Some(column) = chosen {
        bench.put_column(at, column);
        ui.close();
    }
    for (ask, icon, word) in [
        (Ask::AdapterFolder, icons::PAPERCLIP, t!("try.choose_adapter")),
        (Ask::TalkModel, icons::FOLDER_OPEN, t!("try.choose_model")),
    ] {
        if choice_row(ui, icon, &word, "") {
            bench.desks.talk.choosing = at;
            bench.dialogs.ask(ask);
            ui.close();
        }
    }
}

fn choice_row(ui: &mut Ui, icon: char, name: &str, about: &str) -> bool {
    let p = theme::palette(ui);
    let height = if about.is_empty() { 30.0 } else { 40.0 };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    if ui.is_rect_visible(rect) {
        if response.hovered() {
            ui.painter().rect_filled(rect, CornerRadius::same(theme::RADIUS), p.raised);
        }
        let middle = pos2(rect.left() + 16.0, rect.center().y);
        ui.painter().text(middle, Align2::CENTER_CENTER, icon, icons::regular(17.0), p.ink_soft);
        let (left, room) = (rect.left() + 32.0, rect.width() - 40.0);
        let title = elided(ui, name, FontId::proportional(13.0), p.ink, room);
        let top = if about.is_empty() { rect.center().y - title.size().y / 2.0 } else { rect.top() + 4.0 };
        ui.painter().galley(pos2(left, top), title, p.ink);
        if !about.is_empty() {
            let about = elided(ui, about, FontId::proportional(11.0), p.ink_soft, room);
            ui.painter().galley(pos2(left, rect.top() + 22.0), about, p.ink_soft);
        }
    }
    response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked()
}
