//! The window in which labels are exported, and what is said of files that were read.

mod choice;
mod contents;

use egui::{Align, Id, Label, Layout, Modal, ScrollArea, Ui, vec2};

use crate::bench::Bench;
use crate::text::t;
use crate::widgets::{IconButton, Notice, Push, hairline, path_entry};
use crate::{format, icons, theme};

const WIDTH: f32 = 920.0;
/// From here on format and contents stand side by side.
const TWO_COLUMNS: f32 = 700.0;

/// Shown over whatever page is in front, while an export is being put together.
pub fn export_window(ui: &mut Ui, bench: &mut Bench) {
    if bench.desks.label.exchange.export.is_none() {
        return;
    }
    let screen = ui.ctx().content_rect();
    let p = theme::palette(ui);
    let frame = egui::Frame::window(ui.style()).inner_margin(egui::Margin::symmetric(20, 14));
    let modal = Modal::new(Id::unique("export labels")).backdrop_color(p.veil).frame(frame);
    let mut close = false;
    let shown = modal.show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(screen.width() - 72.0));
        ui.spacing_mut().item_spacing = vec2(theme::GRID, theme::GRID);
        close = head(ui, bench);
        hairline(ui);
        let room = (screen.height() - 190.0).clamp(120.0, 560.0);
        ScrollArea::vertical().max_height(room).min_scrolled_height(room).auto_shrink([false, true]).show(ui, |ui| {
            let width = ui.available_width();
            if width < TWO_COLUMNS {
                choice::formats(ui, bench, true);
                choice::rules(ui, bench);
                contents::ui(ui, bench);
                return;
            }
            ui.horizontal_top(|ui| {
                let left = vec2(320.0, 0.0);
                ui.allocate_ui_with_layout(left, Layout::top_down(Align::Min), |ui| {
                    ui.set_width(320.0);
                    choice::formats(ui, bench, false);
                });
                ui.add_space(12.0);
                ui.vertical(|ui| {
                    ui.set_width(ui.available_width() - 12.0);
                    choice::rules(ui, bench);
                    contents::ui(ui, bench);
                });
            });
        });
        hairline(ui);
        foot(ui, bench);
    });
    if close || shown.should_close() {
        bench.close_export();
    }
    bench.sync_export();
}

/// True when the window is to be closed.
fn head(ui: &mut Ui, bench: &Bench) -> bool {
    let name = bench.desks.label.exchange.export.as_ref().map(|desk| desk.name.clone()).unwrap_or_default();
    let mut close = false;
    ui.allocate_ui_with_layout(vec2(ui.available_width(), 30.0), Layout::left_to_right(Align::Center), |ui| {
        crate::widgets::icon_label(ui, icons::UPLOAD_SIMPLE, 20.0, theme::palette(ui).varnish);
        ui.add(Label::new(theme::heading(t!("exchange.title"))).selectable(false));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            close = ui.add(IconButton::new(icons::X, t!("exchange.close"))).clicked();
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(theme::soft(ui, t!("exchange.of", name = name))).truncate());
            });
        });
    });
    close
}

fn foot(ui: &mut Ui, bench: &mut Bench) {
    let Some(desk) = &mut bench.desks.label.exchange.export else { return };
    let (ready, writing, folder) = (desk.ready(), desk.writing(), desk.how.format.is_folder());
    let word = match (writing, folder) {
        (true, _) => t!("exchange.writing"),
        (false, true) => t!("exchange.to_folder"),
        (false, false) => t!("exchange.to_file"),
    };
    let (mut asked, mut typed) = (false, None);
    ui.horizontal(|ui| {
        ui.add_enabled_ui(ready, |ui| {
            asked = ui.add(Push::primary(word).icon(icons::UPLOAD_SIMPLE)).clicked();
            let width = (ui.available_width() - 8.0).clamp(100.0, 420.0);
            typed = path_entry(ui, &t!("exchange.path"), &t!("exchange.path_hint"), &mut desk.path, width);
        });
    });
    if asked {
        bench.ask_export_path();
    }
    if let Some(path) = typed {
        bench.export_labels(path);
    }
}

/// What is said of a file that is being read, or that was read last. For the page with the queues.
pub fn import_notice(ui: &mut Ui, bench: &mut Bench) {
    let desk = &bench.desks.label.exchange;
    if let Some(file) = &desk.reading {
        Notice::info(t!("exchange.reading", file = format::short_path(file))).show(ui);
        return;
    }
    let Some(arrived) = desk.arrived.clone() else { return };
    let mut text = t!("exchange.imported", n = format::count(arrived.items as u64));
    let whole = arrived.left_out == 0;
    if !whole {
        let n = format::count(arrived.left_out as u64);
        text = format!("{text}\n{}", t!("exchange.rows_left_out", n = n, reason = arrived.reason));
    }
    let notice = if whole { Notice::good(text) } else { Notice::warn(text) };
    let (mut open, mut away) = (false, false);
    notice.show_with(ui, |ui| {
        ui.horizontal(|ui| {
            open = ui.add(Push::plain(t!("exchange.open")).small().icon(icons::ARROW_RIGHT)).clicked();
            away = ui.add(Push::quiet(t!("exchange.put_away")).small()).clicked();
        });
    });
    if open || away {
        bench.desks.label.exchange.arrived = None;
    }
    if open {
        bench.open_queue(arrived.queue);
    }
}
