//! Runs laid over one another.

mod answers;
mod legend;
mod overlay;
mod parallel;
mod recipes;
mod results;
mod tradeoff;

use egui::accesskit::Role;
use egui::{Frame, Margin, ScrollArea, Sense, Ui, WidgetInfo, vec2};

use crate::bench::Bench;
use crate::desks::{ComparePage, RunsPage};
use crate::export::ExportKind;
use crate::icons;
use crate::text::t;
use crate::theme;
use crate::widgets::{IconButton, Push, elided, empty_state, segmented};

pub(super) use parallel::coordinates;

#[derive(Default)]
pub struct Compare {}

impl Compare {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        let waiting = bench.want_compared();
        if ui.available_width() >= 860.0 {
            let p = theme::palette(ui);
            egui::Panel::left("compare-runs")
                .exact_size(248.0)
                .resizable(false)
                .show_separator_line(false)
                .frame(Frame::NONE.fill(p.bench).inner_margin(Margin { left: 24, right: 4, top: 12, bottom: 12 }))
                .show(ui, |ui| legend::ui(ui, bench));
        }
        let narrow = ui.available_width() < 700.0 || ui.available_height() < 300.0;
        let margin = Margin { left: 16, right: 24, top: 12, bottom: 0 };
        Frame::NONE.inner_margin(margin).show(ui, |ui| {
            ScrollArea::vertical().id_salt("compare-page").auto_shrink([false, false]).show(ui, |ui| {
                ui.spacing_mut().item_spacing = vec2(8.0, 10.0);
                ui.set_max_width(ui.available_width() - 8.0);
                if bench.desks.runs.chosen.is_empty() {
                    if narrow {
                        legend::button(ui, bench);
                    }
                    nothing_chosen(ui, bench);
                    return;
                }
                head(ui, bench, narrow);
                match bench.desks.compare.page {
                    ComparePage::Overlay => overlay::ui(ui, bench, waiting),
                    ComparePage::Recipes => recipes::ui(ui, bench),
                    ComparePage::Results => results::ui(ui, bench),
                    ComparePage::Tradeoff => tradeoff::ui(ui, bench, waiting),
                    ComparePage::Answers => answers::ui(ui, bench, waiting),
                    ComparePage::Parallel => parallel::ui(ui, bench),
                }
                ui.add_space(24.0);
            });
        });
    }
}

fn nothing_chosen(ui: &mut Ui, bench: &mut Bench) {
    let (title, about) = (t!("compare.empty"), t!("compare.empty_about"));
    let newest: Vec<String> = bench
        .shelf
        .runs
        .iter()
        .filter(|card| card.deleted_unix_secs.is_none())
        .take(2)
        .map(|card| card.id.clone())
        .collect();
    let word = if newest.len() == 2 { t!("compare.choose_newest") } else { t!("compare.to_list") };
    if empty_state(ui, icons::CHART_SCATTER, &title, &about, Some((icons::CHART_LINE, &word))) {
        if newest.len() == 2 {
            bench.desks.runs.chosen.extend(newest);
        } else {
            bench.desks.runs.page = RunsPage::List;
        }
    }
}

/// Which comparison, and what can be taken along as a file.
fn head(ui: &mut Ui, bench: &mut Bench, narrow: bool) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(8.0, 6.0);
        if narrow {
            legend::button(ui, bench);
        }
        let pages = [
            (ComparePage::Overlay, t!("compare.overlay")),
            (ComparePage::Recipes, t!("compare.recipes")),
            (ComparePage::Results, t!("compare.results")),
            (ComparePage::Tradeoff, t!("compare.tradeoff")),
            (ComparePage::Answers, t!("compare.answers")),
            (ComparePage::Parallel, t!("compare.parallel")),
        ];
        let page = &mut bench.desks.compare.page;
        if narrow {
            ui.name_inputs(t!("runs.compare"), |ui| {
                crate::widgets::dropdown(ui, "compare-pages", 150.0, page, &pages);
            });
        } else {
            segmented(ui, page, &pages);
        }
        export_menu(ui, bench);
    });
}

fn export_menu(ui: &mut Ui, bench: &mut Bench) {
    let button = ui.add(Push::plain(t!("compare.export")).icon(icons::EXPORT));
    egui::Popup::menu(&button).show(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.label(theme::soft(ui, t!("compare.export_plots")));
        for (kind, word) in [
            (ExportKind::Png, t!("compare.as_png")),
            (ExportKind::Svg, t!("compare.as_svg")),
            (ExportKind::Csv, t!("compare.as_csv")),
        ] {
            if ui.add(Push::quiet(word)).clicked() {
                bench.export_compared(kind);
                ui.close();
            }
        }
        let Some(id) = bench.exported_run() else { return };
        ui.label(theme::soft(ui, t!("compare.export_run", name = bench.run_name(&id))));
        run_files(ui, bench, &id);
    });
}

/// "Export run": what a run can be taken along as.
pub(super) fn run_export(ui: &mut Ui, bench: &mut Bench, id: &str) {
    let button = ui.add(Push::plain(t!("compare.export_run_do")).icon(icons::EXPORT).small());
    egui::Popup::menu(&button).show(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        run_files(ui, bench, id);
    });
}

fn run_files(ui: &mut Ui, bench: &mut Bench, id: &str) {
    for (kind, word) in [
        (ExportKind::Html, t!("compare.as_html")),
        (ExportKind::TensorBoard, t!("compare.as_tensorboard")),
        (ExportKind::Csv, t!("compare.run_as_csv")),
    ] {
        if ui.add(Push::quiet(word)).clicked() {
            bench.export_run(id, kind);
            ui.close();
        }
    }
}

/// A run's name with its colour before it, as long as there is room.
pub(super) fn run_label(ui: &mut Ui, bench: &Bench, id: &str, width: f32) {
    let p = theme::palette(ui);
    let (name, colour) = (bench.run_name(id), bench.shelf.card(id).map_or(0, |card| card.colour));
    let (rect, response) = ui.allocate_exact_size(vec2(width, 22.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &name));
    let dot = rect.left_center() + vec2(6.0, 0.0);
    ui.painter().circle_filled(dot, 4.5, theme::series(ui, colour));
    let galley = elided(ui, &name, egui::FontId::proportional(13.0), p.ink, width - 18.0);
    ui.painter().galley(rect.left_center() + vec2(16.0, -galley.size().y / 2.0), galley, p.ink);
    response.on_hover_text(name);
}

/// A field to search with, in a line of its own.
fn search_field(ui: &mut Ui, id: &str, text: &mut String, hint: &str, width: f32) -> egui::Response {
    ui.horizontal(|ui| {
        let edit = egui::TextEdit::singleline(text)
            .id(egui::Id::unique(id))
            .hint_text(hint)
            .desired_width(width)
            .min_size(vec2(0.0, 28.0));
        let response = ui.add(edit).accessible_name(hint);
        if !text.is_empty() && ui.add(IconButton::new(icons::X, t!("runs.clear_search")).size(24.0)).clicked() {
            text.clear();
        }
        response
    })
    .inner
}
