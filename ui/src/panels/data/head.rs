//! What the data is, on one board: its name, kind and size, what is wrong with it, and the ways to other data.

use egui::{Align, Label, Layout, ScrollArea, Ui, vec2};
use luthier_engine::data::DataSummary;

use super::{kind_name, mapping};
use crate::bench::Bench;
use crate::desks::RowsPage;
use crate::dialogs::Ask;
use crate::state::usable_rows;
use crate::text::t;
use crate::widgets::{IconButton, Notice, Push, dropdown, frame, icon_label, segmented, tag};
use crate::{format, icons, theme};

/// Warnings that are in sight at once.
const WARNINGS: f32 = 84.0;

pub fn ui(ui: &mut Ui, bench: &mut Bench, summary: &DataSummary) {
    frame(ui).show(ui, |ui| {
        ui.take_available_width();
        ui.spacing_mut().item_spacing = vec2(8.0, 6.0);
        let wide = ui.available_width() > 760.0;
        ui.allocate_ui_with_layout(vec2(ui.available_width(), 30.0), Layout::left_to_right(Align::Center), |ui| {
            icon_label(ui, icons::FILE_TEXT, 18.0, theme::palette(ui).varnish);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.add(IconButton::new(icons::TRASH, t!("data.remove"))).clicked() {
                    bench.remove_dataset(bench.shown_dataset());
                }
                other_data(ui, bench, wide);
                if wide {
                    let p = theme::palette(ui);
                    tag(ui, &kind_name(summary.kind), p.string, p.string_soft);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    name(ui, bench, summary);
                    if wide {
                        let line = theme::soft(ui, line(summary));
                        ui.add(Label::new(line).truncate()).on_hover_text(format::path(&summary.path));
                    }
                });
            });
        });
        if !wide {
            ui.horizontal_wrapped(|ui| {
                let p = theme::palette(ui);
                tag(ui, &kind_name(summary.kind), p.string, p.string_soft);
                ui.label(theme::soft(ui, line(summary)));
            });
        }
        warnings(ui, summary);
    });
}

/// The ways to other data: with their words where there is room.
fn other_data(ui: &mut Ui, bench: &mut Bench, wide: bool) {
    let choosing = bench.desks.rows.choosing;
    let (add, other) = if wide {
        let add = ui.add(Push::quiet(t!("rows.add_data")).icon(icons::PLUS).small());
        (add, ui.add(Push::quiet(t!("rows.other_data")).icon(icons::FOLDER_OPEN).small().selected(choosing)))
    } else {
        let add = ui.add(IconButton::new(icons::PLUS, t!("rows.add_data")));
        (add, ui.add(IconButton::new(icons::FOLDER_OPEN, t!("rows.other_data"))))
    };
    if add.clicked() {
        bench.dialogs.ask(Ask::MoreData);
    }
    if other.clicked() {
        bench.desks.rows.choosing = !choosing;
    }
}

/// The name, or a choice among the datasets of the mix.
fn name(ui: &mut Ui, bench: &mut Bench, summary: &DataSummary) {
    if bench.datasets().len() < 2 {
        let name = summary.path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        ui.add(Label::new(theme::name(&name, 15.0)).selectable(true));
        return;
    }
    let options: Vec<(usize, String)> =
        bench.datasets().iter().enumerate().map(|(index, set)| (index, format::short_path(&set.path))).collect();
    let mut shown = bench.shown_dataset();
    let changed = ui.name_inputs(t!("rows.dataset"), |ui| dropdown(ui, "dataset", 220.0, &mut shown, &options));
    ui.label(theme::soft(ui, t!("rows.one_of", n = options.len())));
    if changed {
        bench.show_dataset(shown);
    }
}

/// Rows, size and mean length in a line.
fn line(summary: &DataSummary) -> String {
    let usable = usable_rows(summary);
    let rows = format::count(summary.rows as u64);
    let mut parts = vec![if usable == summary.rows {
        t!("rows.count", n = rows)
    } else {
        t!("rows.count_usable", n = rows, usable = format::count(usable as u64))
    }];
    parts.push(format::bytes(summary.bytes));
    if let Some(tokens) = &summary.tokens {
        parts.push(t!("rows.mean", n = format::significant(f64::from(tokens.mean), 3)));
    }
    parts.push(t!("rows.read_in", time = format::duration(summary.elapsed_secs)));
    parts.join(" · ")
}

fn warnings(ui: &mut Ui, summary: &DataSummary) {
    if summary.warnings.is_empty() {
        return;
    }
    ScrollArea::vertical().id_salt("warnings").max_height(WARNINGS).auto_shrink([false, true]).show(ui, |ui| {
        summary.warnings.iter().for_each(|warning| Notice::warn(warning).show(ui));
    });
}

/// The panel's three sides; at the right, how far a new reading is, or how the columns are read.
pub fn pages(ui: &mut Ui, bench: &mut Bench, summary: &DataSummary) {
    let pages = [
        (RowsPage::Rows, t!("rows.page_rows")),
        (RowsPage::Lengths, t!("rows.page_lengths")),
        (RowsPage::Mix, t!("rows.page_mix")),
    ];
    let wide = ui.available_width() > 720.0;
    let beside = |ui: &mut Ui, bench: &mut Bench| {
        if bench.state.data.reading.is_some() {
            reading(ui, bench);
        } else if bench.desks.rows.page == RowsPage::Rows {
            mapping::actions(ui, bench, summary);
        }
    };
    ui.horizontal(|ui| {
        segmented(ui, &mut bench.desks.rows.page, &pages);
        if wide {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| beside(ui, bench));
        }
    });
    if !wide && (bench.state.data.reading.is_some() || bench.desks.rows.page == RowsPage::Rows) {
        ui.horizontal(|ui| beside(ui, bench));
    }
}

/// The file is read again while its last summary stays in sight.
fn reading(ui: &mut Ui, bench: &mut Bench) {
    if ui.add(Push::plain(t!("data.cancel")).icon(icons::X).small()).clicked() {
        bench.cancel_reading();
    }
    let text = match bench.state.data.fraction() {
        Some(fraction) => t!("rows.reading_again", percent = (fraction * 100.0).round()),
        None => t!("data.opening"),
    };
    ui.label(theme::soft(ui, text));
}
