//! The Data panel: choose a file, see its rows as the model will, correct how its columns are read, look at lengths and
//! languages, and mix it with others.

mod choose;
mod from_answers;
mod head;
mod lengths;
mod mapping;
mod mix;
mod row;
mod share_bar;
mod split;
mod table;
mod token_text;

use std::sync::Arc;

use egui::{Align, Layout, ScrollArea, Ui, vec2};
use luthier_engine::data::{DataKind, DataSummary};

use crate::bench::Bench;
use crate::desks::{RowFilter, RowsPage};
use crate::dialogs::Ask;
use crate::text::{t, try_say};
use crate::widgets::{Card, Push, column, dropdown, empty_state, problem_box, progress_bar};
use crate::{format, icons};

/// Below this the table and the row in full stand one under the other.
const SPLIT: f32 = 760.0;
/// The table and the row in full are not lower than this.
const LOWEST: f32 = 250.0;

#[derive(Default)]
pub struct DataPanel {
    typed: String,
    row: row::RowDetail,
    /// The mapping shows parts that few files have.
    all_parts: bool,
}

impl DataPanel {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        match bench.state.data.summary.clone() {
            Some(summary) => self.with_data(ui, bench, &summary),
            None => self.without_data(ui, bench),
        }
    }

    fn without_data(&mut self, ui: &mut Ui, bench: &mut Bench) {
        column(ui, "data", |ui| {
            choose::ui(ui, bench, &mut self.typed);
            if bench.state.data.reading.is_some() {
                reading(ui, bench);
            }
            problem(ui, bench);
            let empty = || (icons::FILE_ARROW_DOWN, t!("primary.choose_data"));
            if bench.state.data.source.is_none() {
                let (icon, word) = empty();
                let asked =
                    empty_state(ui, icons::DATABASE, &t!("data.empty"), &t!("data.empty_about"), Some((icon, &word)));
                if asked {
                    bench.dialogs.ask(Ask::DataFile);
                }
                from_answers::hint(ui, bench, None);
            }
            if bench.datasets().len() > 1 {
                mix::ui(ui, bench);
            }
        });
    }

    fn with_data(&mut self, ui: &mut Ui, bench: &mut Bench, summary: &Arc<DataSummary>) {
        let bottom = ui.max_rect().bottom();
        ScrollArea::vertical().id_salt("data").auto_shrink([false, false]).show(ui, |ui| {
            let width = ui.available_width() - 48.0;
            ui.horizontal_top(|ui| {
                ui.add_space(24.0 - ui.spacing().item_spacing.x);
                ui.vertical(|ui| {
                    ui.set_width(width);
                    ui.spacing_mut().item_spacing = vec2(8.0, 10.0);
                    ui.add_space(6.0);
                    if bench.desks.rows.choosing {
                        choose::ui(ui, bench, &mut self.typed);
                    }
                    head::ui(ui, bench, summary);
                    from_answers::hint(ui, bench, Some(summary.kind));
                    problem(ui, bench);
                    head::pages(ui, bench, summary);
                    match bench.desks.rows.page {
                        RowsPage::Rows => self.rows(ui, bench, summary, bottom),
                        RowsPage::Lengths => side_by_side(ui, 1.7, |ui, side| match side {
                            0 => lengths::lengths(ui, bench, summary),
                            _ => lengths::languages(ui, bench, summary),
                        }),
                        RowsPage::Mix => side_by_side(ui, 1.0, |ui, side| match side {
                            0 => mix::ui(ui, bench),
                            _ => split::ui(ui, bench, summary),
                        }),
                    }
                    ui.add_space(8.0);
                });
            });
        });
    }

    fn rows(&mut self, ui: &mut Ui, bench: &mut Bench, summary: &DataSummary, bottom: f32) {
        filters(ui, bench, summary);
        let missing = summary.mapping.missing();
        if bench.desks.rows.columns || !missing.is_empty() {
            mapping::ui(ui, bench, summary, &mut self.all_parts);
        }
        if !missing.is_empty() {
            return;
        }
        let room = (bottom - ui.cursor().top() - 20.0).max(LOWEST);
        let mut chosen = None;
        let width = ui.available_width();
        if width >= SPLIT {
            let left = (width * 0.6).floor();
            ui.horizontal_top(|ui| {
                ui.allocate_ui_with_layout(vec2(left, room), Layout::top_down(Align::Min), |ui| {
                    chosen = table::ui(ui, bench, summary, room);
                });
                let right = vec2(width - left - ui.spacing().item_spacing.x, room);
                ui.allocate_ui_with_layout(right, Layout::top_down(Align::Min), |ui| self.row.ui(ui, bench, room));
            });
        } else {
            chosen = table::ui(ui, bench, summary, LOWEST);
            self.row.ui(ui, bench, LOWEST);
        }
        if chosen.is_some() {
            bench.remap(chosen);
        }
    }
}

/// Two cards beside each other where there is room, the left `ratio` times as wide; else one under the other.
fn side_by_side(ui: &mut Ui, ratio: f32, mut body: impl FnMut(&mut Ui, usize)) {
    let width = ui.available_width();
    if width < SPLIT {
        body(ui, 0);
        body(ui, 1);
        return;
    }
    let gap = 12.0;
    let left = ((width - gap) * ratio / (ratio + 1.0)).floor();
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = gap;
        for (side, width) in [left, width - gap - left].into_iter().enumerate() {
            ui.allocate_ui_with_layout(vec2(width, 0.0), Layout::top_down(Align::Min), |ui| {
                ui.set_width(width);
                body(ui, side);
            });
        }
    });
}

/// Which rows are shown.
fn filters(ui: &mut Ui, bench: &mut Bench, summary: &DataSummary) {
    let filters = bench.row_filters();
    let now = bench.desks.rows.filter;
    let mut chosen = now;
    let (chips, languages): (Vec<_>, Vec<_>) =
        filters.into_iter().partition(|(filter, _)| !matches!(filter, RowFilter::Language(_)));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
        for (filter, count) in chips {
            let label = format!("{} {}", filter_name(filter), format::count(count as u64));
            let chip = Push::plain(label).small().selected(filter == now);
            let chip = match filter_icon(filter) {
                Some(icon) => chip.icon(icon),
                None => chip,
            };
            if ui.add(chip).clicked() {
                chosen = filter;
            }
        }
        if languages.len() > 1 {
            let mut options = vec![(RowFilter::All, t!("rows.any_language"))];
            let shares = summary.quality.as_ref().map(|quality| &quality.languages);
            options.extend(languages.into_iter().filter_map(|(filter, count)| {
                let RowFilter::Language(index) = filter else { return None };
                let name = lengths::language_name(&shares?.get(index)?.language);
                Some((filter, format!("{name} {}", format::count(count as u64))))
            }));
            let mut language = if matches!(now, RowFilter::Language(_)) { now } else { RowFilter::All };
            let changed = ui.name_inputs(t!("rows.language"), |ui| {
                ui.spacing_mut().interact_size.y = 26.0;
                ui.spacing_mut().button_padding = vec2(8.0, 3.0);
                dropdown(ui, "language", 150.0, &mut language, &options)
            });
            if changed {
                chosen = language;
            }
        }
    });
    if chosen != now {
        bench.filter_rows(chosen);
    }
}

pub fn filter_name(filter: RowFilter) -> String {
    match filter {
        RowFilter::All => t!("rows.all"),
        RowFilter::Unusable => t!("rows.filter_unusable"),
        RowFilter::Duplicates => t!("rows.filter_duplicates"),
        RowFilter::AskedAgain => t!("rows.filter_asked_again"),
        RowFilter::NearEmpty => t!("rows.filter_near_empty"),
        RowFilter::Cut => t!("rows.filter_cut"),
        RowFilter::Aside => t!("rows.filter_aside"),
        RowFilter::Language(_) => t!("rows.language"),
    }
}

fn filter_icon(filter: RowFilter) -> Option<char> {
    match filter {
        RowFilter::All | RowFilter::Language(_) => None,
        RowFilter::Unusable => Some(icons::WARNING_OCTAGON),
        RowFilter::Duplicates => Some(icons::COPY_SIMPLE),
        RowFilter::AskedAgain => Some(icons::CHATS_CIRCLE),
        RowFilter::NearEmpty => Some(icons::ERASER),
        RowFilter::Cut => Some(icons::SCISSORS),
        RowFilter::Aside => Some(icons::EXAM),
    }
}

fn problem(ui: &mut Ui, bench: &Bench) {
    if let Some(problem) = &bench.state.data.problem {
        let remedy = try_say(&format!("remedy.{}", problem.code));
        problem_box(ui, &t!("data.cannot_use"), &problem.message, remedy.as_deref());
    }
}

fn reading(ui: &mut Ui, bench: &mut Bench) {
    Card::new(t!("data.reading")).show(ui, |ui| {
        let fraction = bench.state.data.fraction();
        ui.horizontal(|ui| {
            let (done, total) = bench.state.data.progress;
            let text = match fraction {
                Some(f) => t!(
                    "data.read_of",
                    done = format::bytes(done),
                    total = format::bytes(total),
                    percent = (f * 100.0).round()
                ),
                None => t!("data.opening"),
            };
            ui.label(text);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if ui.add(Push::plain(t!("data.cancel")).icon(icons::X).small()).clicked() {
                    bench.cancel_reading();
                }
            });
        });
        progress_bar(ui, &t!("data.reading"), fraction);
    });
}

/// What can be learned from the file, for people.
pub fn kind_name(kind: DataKind) -> String {
    match kind {
        DataKind::Text => t!("data.kind_text"),
        DataKind::Sft => t!("data.kind_sft"),
        DataKind::Preference => t!("data.kind_preference"),
        DataKind::Kto => t!("data.kind_kto"),
        DataKind::Prompts => t!("data.kind_prompts"),
    }
}
