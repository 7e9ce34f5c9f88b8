//! The Data panel: choose a file, see what it is, correct how its columns are read, and see the rows as the model will.

mod lengths;
mod mapping;
mod preview;
mod split;

use egui::{Label, RichText, Ui};
use luthier_engine::data::{DataKind, DataSummary};

use super::start::recent_buttons;
use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::state::usable_rows;
use crate::text::{t, try_say};
use crate::widgets::{
    Card, Fact, IconButton, Notice, Push, column, empty_state, facts, field_and_buttons, path_entry, problem_box,
    progress_bar, tag,
};
use crate::{format, icons, theme};

#[derive(Default)]
pub struct DataPanel {
    typed: String,
    preview: preview::Preview,
    /// The mapping shows parts that few files have.
    all_parts: bool,
}

impl DataPanel {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        column(ui, "data", |ui| {
            self.choose(ui, bench);
            if bench.state.data.reading.is_some() {
                reading(ui, bench);
            }
            if let Some(problem) = bench.state.data.problem.clone() {
                let remedy = try_say(&format!("remedy.{}", problem.code));
                problem_box(ui, &t!("data.cannot_use"), &problem.message, remedy.as_deref());
            }
            match bench.state.data.summary.clone() {
                Some(summary) => {
                    summary_card(ui, bench, &summary);
                    mapping::ui(ui, bench, &summary, &mut self.all_parts);
                    problems(ui, &summary);
                    split::ui(ui, bench, &summary);
                    lengths::ui(ui, bench, &summary);
                    self.preview.ui(ui, &summary);
                }
                None if bench.state.data.source.is_none() => {
                    if empty_state(
                        ui,
                        icons::DATABASE,
                        &t!("data.empty"),
                        &t!("data.empty_about"),
                        Some((icons::FILE_ARROW_DOWN, &t!("primary.choose_data"))),
                    ) {
                        bench.dialogs.ask(Ask::DataFile);
                    }
                }
                None => {}
            }
        });
    }

    fn choose(&mut self, ui: &mut Ui, bench: &mut Bench) {
        Card::new(t!("data.choose")).about(t!("data.choose_about")).icon(icons::DATABASE).show(ui, |ui| {
            let mut typed = None;
            field_and_buttons(
                ui,
                "data path",
                |ui, width| typed = path_entry(ui, &t!("data.path"), &t!("data.path_hint"), &mut self.typed, width),
                |ui| {
                    if ui.add(Push::plain(t!("command.import_data")).icon(icons::FILE_ARROW_DOWN)).clicked() {
                        bench.dialogs.ask(Ask::DataFile);
                    }
                },
            );
            if let Some(path) = typed {
                bench.open_data(path);
            }
            if let Some(path) = recent_buttons(ui, &bench.settings.recent_data) {
                bench.open_data(path);
            }
        });
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

fn summary_card(ui: &mut Ui, bench: &mut Bench, summary: &DataSummary) {
    let name = summary.path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let mut remove = false;
    let card = Card::of(name).about(format::path(&summary.path)).icon(icons::FILE_TEXT);
    let actions = |ui: &mut Ui| {
        remove = ui.add(IconButton::new(icons::TRASH, t!("data.remove"))).clicked();
        let p = theme::palette(ui);
        tag(ui, &kind_name(summary.kind), p.string, p.string_soft);
    };
    card.show_with(ui, actions, |ui| {
        let p = theme::palette(ui);
        let usable = usable_rows(summary);
        let broken = summary.rows - usable;
        let mut list = vec![
            Fact::new(t!("data.rows"), format::count(summary.rows as u64)),
            Fact::new(t!("data.usable"), format::count(usable as u64)).colour(if usable > 0 { p.good } else { p.bad }),
            Fact::new(t!("data.broken"), format::count(broken as u64)).colour(if broken > 0 { p.warn } else { p.ink }),
            Fact::new(t!("data.file_size"), format::bytes(summary.bytes)),
            Fact::new(t!("data.read_in"), format::duration(summary.elapsed_secs)),
        ];
        if let Some(tokens) = &summary.tokens {
            list.push(
                Fact::new(t!("data.mean_tokens"), format::significant(f64::from(tokens.mean), 3))
                    .hint(t!("data.mean_tokens_hint")),
            );
        }
        facts(ui, 150.0, list);
        for warning in &summary.warnings {
            Notice::warn(warning).show(ui);
        }
    });
    if remove {
        bench.remove_data();
    }
}

fn problems(ui: &mut Ui, summary: &DataSummary) {
    if summary.problems.is_empty() {
        return;
    }
    let about = t!(
        "data.problems_about",
        n = format::count(summary.problem_count as u64),
        rows = format::count(summary.rows as u64)
    );
    let copy = |ui: &mut Ui| {
        if ui.add(IconButton::new(icons::COPY, t!("data.copy_problems"))).clicked() {
            let lines = summary.problems.iter().map(|p| format!("{}\t{}\t{}", p.row, p.line, p.reason));
            ui.ctx().copy_text(lines.collect::<Vec<_>>().join("\n"));
        }
    };
    Card::new(t!("data.problems")).about(about).icon(icons::WARNING).show_with(ui, copy, |ui| {
        egui::ScrollArea::vertical().id_salt("problems").max_height(160.0).auto_shrink([false, true]).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            for problem in &summary.problems {
                ui.horizontal_top(|ui| {
                    let place = match problem.line {
                        0 => t!("data.row", row = problem.row),
                        line => t!("data.row_line", row = problem.row, line = line),
                    };
                    let place = theme::soft(ui, place);
                    let left = egui::Layout::left_to_right(egui::Align::Center);
                    ui.allocate_ui_with_layout(egui::vec2(150.0, 18.0), left, |ui| {
                        ui.set_min_width(150.0);
                        ui.add(Label::new(place).truncate());
                    });
                    ui.add(Label::new(RichText::new(&problem.reason).size(13.0)).wrap());
                });
            }
        });
    });
}
