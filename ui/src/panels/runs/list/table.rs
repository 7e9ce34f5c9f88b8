//! The table of runs. Only the rows in sight are drawn.

use egui::accesskit::Role;
use egui::{
    Align, Align2, CornerRadius, FontId, Layout, Rect, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2,
    vec2,
};
use egui_extras::{Column as Width, TableBuilder};

use crate::bench::Bench;
use crate::desks::Column;
use crate::library::{RunCard, RunStatus};
use crate::text::t;
use crate::widgets::elided;
use crate::{icons, theme};

const ROW: f32 = 30.0;

/// What was done to a row.
enum Act {
    Focus,
    Range,
    Choose,
    Star,
    Open,
}

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench, height: Option<f32>) {
    let height = height.unwrap_or_else(|| ui.available_height());
    let mut acts: Vec<(String, Act)> = Vec::new();
    let mut sort = bench.desks.runs.sort;
    let shown: Vec<Column> =
        Column::ALL.into_iter().filter(|column| !bench.desks.runs.hidden.contains(column)).collect();
    let sight = std::mem::take(&mut bench.desks.runs.wants_sight);
    let at = bench
        .desks
        .runs
        .focus
        .as_ref()
        .and_then(|id| bench.desks.runs.listing.order.iter().position(|at| bench.shelf.runs[*at].id == *id));
    let p = theme::palette(ui);
    let frame = egui::Frame::new().fill(p.board).stroke(Stroke::new(1.0, p.edge)).corner_radius(theme::RADIUS);
    frame.show(ui, |ui| {
        ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
        ScrollArea::horizontal().id_salt("runs-table-x").auto_shrink([false, false]).max_height(height).show(
            ui,
            |ui| {
                let mut table = TableBuilder::new(ui)
                    .id_salt("runs-table")
                    .resizable(true)
                    .sense(Sense::CLICK)
                    .cell_layout(Layout::left_to_right(Align::Center))
                    .min_scrolled_height(0.0)
                    .max_scroll_height((height - ROW - 2.0).max(60.0))
                    .auto_shrink([false, false])
                    .column(Width::exact(34.0).resizable(false))
                    .column(Width::exact(28.0).resizable(false));
                for column in &shown {
                    table = table.column(Width::initial(width(*column)).at_least(44.0).clip(true));
                }
                if let Some(at) = at.filter(|_| sight) {
                    table = table.scroll_to_row(at, None);
                }
                let head = table.header(ROW, |mut row| {
                    row.col(|_| {});
                    row.col(|_| {});
                    for column in &shown {
                        row.col(|ui| header(ui, *column, &mut sort));
                    }
                });
                let (shelf, desk) = (&bench.shelf, &bench.desks.runs);
                head.body(|body| {
                    body.rows(ROW, desk.listing.order.len(), |mut row| {
                        let card = &shelf.runs[desk.listing.order[row.index()]];
                        let chosen = desk.chosen.contains(&card.id);
                        row.set_selected(desk.focus.as_deref() == Some(card.id.as_str()));
                        let mut act = None;
                        row.col(|ui| act = check_box(ui, card, chosen).then_some(Act::Choose));
                        row.col(|ui| {
                            if star(ui, card) {
                                act = Some(Act::Star);
                            }
                        });
                        let mut name = None;
                        for column in &shown {
                            row.col(|ui| {
                                if *column == Column::Name {
                                    name = Some(name_cell(ui, card));
                                } else {
                                    cell(ui, card, *column);
                                }
                            });
                        }
                        let response = row.response();
                        let over = name.as_ref();
                        let clicked = response.clicked() || over.is_some_and(egui::Response::clicked);
                        let twice = response.double_clicked() || over.is_some_and(egui::Response::double_clicked);
                        let keys = response.ctx.input(|i| i.modifiers);
                        act = act.or(match (twice, clicked) {
                            (true, _) => Some(Act::Open),
                            (_, true) if keys.shift => Some(Act::Range),
                            (_, true) if keys.command => Some(Act::Choose),
                            (_, true) => Some(Act::Focus),
                            _ => None,
                        });
                        acts.extend(act.map(|act| (card.id.clone(), act)));
                    });
                });
            },
        );
    });
    bench.desks.runs.sort = sort;
    for (id, act) in acts {
        match act {
            Act::Focus => {
                bench.focus_run(&id);
                bench.desks.runs.wants_sight = false;
            }
            Act::Range => bench.choose_up_to(&id),
            Act::Choose => bench.toggle_chosen(&id),
            Act::Star => bench.star_runs(vec![id]),
            Act::Open => bench.open_run(&id),
        }
    }
}

fn width(column: Column) -> f32 {
    match column {
        Column::Name => 220.0,
        Column::Status => 122.0,
        Column::Method => 150.0,
        Column::Model | Column::Data => 112.0,
        Column::Steps => 92.0,
        Column::Loss => 68.0,
        Column::BestEval => 76.0,
        Column::Forgetting => 88.0,
        Column::Time => 96.0,
        Column::Date => 116.0,
        Column::Tags => 120.0,
    }
}

/// The column's name; a press sorts by it, a second one turns the order round.
fn header(ui: &mut Ui, column: Column, sort: &mut (Column, bool)) {
    let p = theme::palette(ui);
    let rect = ui.max_rect();
    let label = column.label();
    let response = ui.interact(rect, ui.scope_id().with("sort"), Sense::click());
    let on = sort.0 == column;
    let how = match (on, sort.1) {
        (true, true) => t!("runs.sorted_up", column = label),
        (true, false) => t!("runs.sorted_down", column = label),
        (false, _) => t!("runs.sort_by", column = label),
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &how));
    if response.clicked() {
        // Numbers and dates are wanted from the top first, words from A.
        let down_first = column.is_number() || column == Column::Date;
        let down_first = down_first && !matches!(column, Column::Loss | Column::BestEval | Column::Forgetting);
        *sort = if on { (column, !sort.1) } else { (column, !down_first) };
    }
    let ink = if on || response.hovered() { p.ink } else { p.ink_soft };
    let room = rect.width() - 16.0 - if on { 14.0 } else { 0.0 };
    let galley = elided(ui, &label, FontId::proportional(12.0), ink, room);
    let width = galley.size().x;
    let left = if column.is_number() { rect.right() - 8.0 - width } else { rect.left() + 8.0 };
    let y = rect.center().y;
    if on {
        let icon = if sort.1 { icons::CARET_UP } else { icons::CARET_DOWN };
        let x = if column.is_number() { left - 9.0 } else { left + width + 9.0 };
        ui.painter().text(pos2(x, y), Align2::CENTER_CENTER, icon, icons::regular(11.0), p.varnish);
    }
    ui.painter().galley(pos2(left, y - galley.size().y / 2.0), galley, ink);
    underline(ui);
    response.on_hover_cursor(egui::CursorIcon::PointingHand).on_hover_text(how);
}

fn underline(ui: &mut Ui) {
    let rect = ui.max_rect();
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, theme::palette(ui).edge));
}

fn check_box(ui: &mut Ui, card: &RunCard, chosen: bool) -> bool {
    let p = theme::palette(ui);
    let rect = ui.max_rect();
    let response = ui.interact(rect, ui.scope_id().with("choose"), Sense::CLICK);
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, chosen, t!("runs.choose", name = card.name)));
    let box_ = Rect::from_center_size(rect.center(), vec2(16.0, 16.0));
    let (fill, border) = match (chosen, response.hovered()) {
        (true, _) => (p.varnish, p.varnish),
        (false, true) => (p.inset, p.varnish),
        (false, false) => (p.inset, p.edge_strong),
    };
    ui.painter().rect(box_, CornerRadius::same(4), fill, Stroke::new(1.0, border), StrokeKind::Inside);
    if chosen {
        ui.painter().text(box_.center(), Align2::CENTER_CENTER, icons::CHECK, icons::regular(12.0), p.on_varnish);
    }
    response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked()
}

fn star(ui: &mut Ui, card: &RunCard) -> bool {
    let p = theme::palette(ui);
    let rect = ui.max_rect();
    let response = ui.interact(rect, ui.scope_id().with("star"), Sense::CLICK);
    let name = if card.starred { t!("runs.unstar", name = card.name) } else { t!("runs.star", name = card.name) };
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, card.starred, &name));
    let (font, ink) = match (card.starred, response.hovered()) {
        (true, _) => (icons::filled(15.0), p.varnish),
        (false, true) => (icons::regular(15.0), p.ink),
        (false, false) => (icons::regular(15.0), p.edge_strong),
    };
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, icons::STAR, font, ink);
    response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked()
}

/// The run's colour and name; it speaks for the whole row.
fn name_cell(ui: &mut Ui, card: &RunCard) -> egui::Response {
    let p = theme::palette(ui);
    let rect = ui.max_rect();
    let response = ui.interact(rect, ui.scope_id().with("name"), Sense::CLICK);
    response.widget_info(|| {
        let status = super::cell_text(card, Column::Status);
        WidgetInfo::labeled(Role::Row, true, format!("{}: {status}", card.name))
    });
    let dot = Rect::from_center_size(pos2(rect.left() + 12.0, rect.center().y), vec2(10.0, 10.0));
    ui.painter().rect_filled(dot, CornerRadius::same(3), theme::series(ui, card.colour));
    let (shown, cut) = short_name(ui, &card.name, rect.width() - 32.0);
    let galley = elided(ui, &shown, FontId::proportional(13.0), p.ink, rect.width() - 32.0);
    ui.painter().galley(pos2(rect.left() + 24.0, rect.center().y - galley.size().y / 2.0), galley, p.ink);
    if cut { response.on_hover_text(&card.name) } else { response }
}

/// Names of runs begin alike and differ at the end: what has no room goes from the middle. True: something went.
fn short_name(ui: &Ui, name: &str, room: f32) -> (String, bool) {
    const END: usize = 8;
    let width = ui.painter().layout_no_wrap(name.to_owned(), FontId::proportional(13.0), egui::Color32::PLACEHOLDER);
    let width = width.size().x;
    let chars: Vec<char> = name.chars().collect();
    let fit = (room / width.max(1.0) * chars.len() as f32) as usize;
    if width <= room || fit < END + 4 {
        return (name.to_owned(), width > room);
    }
    let (head, end) = (&chars[..fit - END - 2], &chars[chars.len() - END..]);
    (head.iter().chain(&['…']).chain(end).collect(), true)
}

fn cell(ui: &mut Ui, card: &RunCard, column: Column) {
    let p = theme::palette(ui);
    let rect = ui.max_rect();
    match column {
        Column::Status => {
            let (icon, ink) = status_sign(card.status, p);
            let at = pos2(rect.left() + 15.0, rect.center().y);
            ui.painter().text(at, Align2::CENTER_CENTER, icon, icons::regular(15.0), ink);
            let word =
                elided(ui, &super::cell_text(card, column), FontId::proportional(13.0), p.ink, rect.width() - 36.0);
            ui.painter().galley(pos2(rect.left() + 28.0, rect.center().y - word.size().y / 2.0), word, p.ink);
        }
        Column::Method => {
            let text = super::cell_text(card, column);
            let word = elided(ui, &text, FontId::proportional(12.0), p.ink, rect.width() - 28.0);
            let chip =
                Rect::from_min_size(pos2(rect.left() + 6.0, rect.center().y - 10.0), vec2(word.size().x + 14.0, 20.0));
            ui.painter().rect_filled(chip, CornerRadius::same(10), p.raised);
            ui.painter().galley(pos2(chip.left() + 7.0, chip.center().y - word.size().y / 2.0), word, p.ink);
        }
        _ => {
            let text = super::cell_text(card, column);
            let ink =
                if matches!(column, Column::Loss | Column::BestEval | Column::Steps) { p.ink } else { p.ink_soft };
            let galley = elided(ui, &text, FontId::proportional(13.0), ink, rect.width() - 16.0);
            let x = if column.is_number() { rect.right() - 8.0 - galley.size().x } else { rect.left() + 8.0 };
            ui.painter().galley(pos2(x, rect.center().y - galley.size().y / 2.0), galley, ink);
        }
    }
}

/// A sign and a colour; the word stands beside them.
pub(super) fn status_sign(status: RunStatus, p: &theme::Palette) -> (char, egui::Color32) {
    match status {
        RunStatus::Running => (icons::PLAY_CIRCLE, p.varnish),
        RunStatus::Completed => (icons::CHECK_CIRCLE, p.good),
        RunStatus::Stopped => (icons::STOP, p.ink_soft),
        RunStatus::Failed => (icons::WARNING_OCTAGON, p.bad),
        RunStatus::Broken => (icons::LINK, p.warn),
        RunStatus::Missing => (icons::QUESTION, p.ink_soft),
    }
}
