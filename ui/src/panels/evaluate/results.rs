//! The table of results: a line a model, the run's numbers against those of the model it grew from.

use egui::accesskit::Role;
use egui::{Align2, CursorIcon, FontId, Label, Layout, Response, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};
use egui_extras::{Column, TableBuilder};
use luthier_engine::eval::Metric;

use super::choose::{kind_icon, kind_name};
use super::{earlier, worst};
use crate::bench::Bench;
use crate::desks::{EvalTable, ExamKind, Line, Move, Sort, csv, direction};
use crate::library::StoredEval;
use crate::text::{t, try_say};
use crate::widgets::{Card, IconButton, Push, dropdown, elided};
use crate::{format, icons, theme};

const HEAD: f32 = 32.0;
const LINE: f32 = 46.0;

/// What the table was made of.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    set: String,
    sort: Sort,
    /// Ids of the evaluations at both ends, and how many there are.
    evaluations: (usize, Option<i64>, Option<i64>),
    runs: usize,
}

#[derive(Default)]
pub struct Results {
    made: Option<(Key, EvalTable)>,
    worst: worst::Worst,
}

impl Results {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        let sets = sets(bench);
        let Some(newest) = sets.first() else { return };
        let wanted = bench.desks.evaluate.set.clone();
        let set = wanted.filter(|set| sets.contains(set)).unwrap_or_else(|| newest.clone());
        self.update(bench, &set);
        let Some((_, table)) = &self.made else { return };
        let (mut copy, mut again) = (false, false);
        let mut chosen = set.clone();
        let known = bench.remembers_set(&set);
        Card::new(t!("evaluate.results")).icon(icons::TABLE).show_with(
            ui,
            |ui| {
                copy = ui.add(IconButton::new(icons::COPY, t!("evaluate.copy"))).clicked();
                if known {
                    let button = IconButton::new(icons::ARROWS_CLOCKWISE, t!("evaluate.again", set = set));
                    again = ui.add(button).clicked();
                }
                if sets.len() > 1 {
                    let options: Vec<(String, String)> = sets.iter().map(|set| (set.clone(), set.clone())).collect();
                    ui.name_inputs(&t!("evaluate.set"), |ui| dropdown(ui, "exam set", 220.0, &mut chosen, &options));
                }
            },
            |ui| {
                ui.horizontal(|ui| {
                    let p = theme::palette(ui);
                    let icon = kind_of(bench, &set).map_or(icons::EXAM, kind_icon);
                    crate::widgets::icon_label(ui, icon, 18.0, p.varnish);
                    let kind = kind_of(bench, &set).map(kind_name).unwrap_or_default();
                    ui.add(Label::new(theme::strong(kind)).selectable(false));
                    // With more than one set the name stands in the choice above.
                    if sets.len() == 1 {
                        ui.add(Label::new(theme::soft(ui, &set)).truncate());
                    }
                });
                lines(ui, bench, table);
                let compared = table.lines.iter().any(|line| line.metrics.iter().any(|(_, moved)| moved.is_some()));
                let runs = table.lines.iter().any(|line| line.run.is_some());
                let note = match (compared, runs) {
                    (true, _) => t!("evaluate.compared_note"),
                    (false, true) => t!("evaluate.no_base_note"),
                    (false, false) => t!("evaluate.no_run_note"),
                };
                ui.add(Label::new(theme::soft(ui, note)).wrap());
            },
        );
        if copy {
            ui.copy_text(csv(&set, table, |line| name_of(bench, line)));
            bench.notes.push(t!("evaluate.copied"));
        }
        self.worst.ui(ui, bench, table);
        if chosen != set {
            (bench.desks.evaluate.set, bench.desks.evaluate.looked_at) = (Some(chosen), None);
            bench.desks.evaluate.sort = Sort::default();
        }
        if again {
            bench.draft_again(&set);
        }
    }

    fn update(&mut self, bench: &Bench, set: &str) {
        let all = &bench.shelf.evaluations;
        let id = |stored: &StoredEval| stored.id;
        let key = Key {
            set: set.to_owned(),
            sort: bench.desks.evaluate.sort.clone(),
            evaluations: (all.len(), all.first().map(id), all.last().map(id)),
            runs: bench.shelf.runs.len(),
        };
        if self.made.as_ref().is_none_or(|(made, _)| *made != key) {
            let table = EvalTable::new(&bench.shelf, set, &key.sort);
            self.made = Some((key, table));
        }
    }
}

/// Sets with results, the newest first.
fn sets(bench: &Bench) -> Vec<String> {
    let mut sets: Vec<String> = Vec::new();
    for stored in &bench.shelf.evaluations {
        if !sets.contains(&stored.set) {
            sets.push(stored.set.clone());
        }
    }
    sets
}

fn kind_of(bench: &Bench, set: &str) -> Option<ExamKind> {
    use luthier_engine::eval::EvalReport;
    let stored = bench.shelf.evaluations.iter().find(|stored| stored.set == set)?;
    Some(match crate::desks::newest(stored) {
        EvalReport::Perplexity(_) => ExamKind::Perplexity,
        EvalReport::Choice(_) => ExamKind::Choice,
        EvalReport::Generation(_) => ExamKind::Generation,
        EvalReport::Prompts(_) => ExamKind::Prompts,
    })
}

pub(super) fn name_of(bench: &Bench, line: &Line) -> String {
    match &line.run {
        Some(run) => bench.run_name(run),
        None => format::short_path(&line.model),
    }
}

/// A metric as people call it; subjects of a set by their own names.
pub(super) fn metric_name(name: &str) -> String {
    try_say(&format!("measure.{name}")).unwrap_or_else(|| name.to_owned())
}

fn is_share(name: &str) -> bool {
    !matches!(name, "perplexity" | "loss" | "bleu4" | "answer_tokens")
}

/// A number in its unit: shares in per cent.
pub(super) fn value(name: &str, value: f64) -> String {
    match name {
        "perplexity" | "loss" => format::loss(value),
        "bleu4" | "answer_tokens" => format!("{value:.1}"),
        _ => format!("{:.1} %", value * 100.0),
    }
}

/// How much it moved or may be off, in the same unit, without the sign.
fn amount(name: &str, value: f64) -> String {
    let value = if is_share(name) { value * 100.0 } else { value }.abs();
    match name {
        "perplexity" | "loss" => format::significant(value, 3),
        _ => format!("{value:.1}"),
    }
}

fn lines(ui: &mut Ui, bench: &mut Bench, table: &EvalTable) {
    let mut looked_at = None;
    let mut sort = bench.desks.evaluate.sort.clone();
    let seen = worst::looked_at(bench, table);
    ScrollArea::horizontal().id_salt("results").auto_shrink([false, true]).show(ui, |ui| {
        ui.spacing_mut().item_spacing = vec2(GAP, 0.0);
        let names = if ui.available_width() < 640.0 { 150.0 } else { 220.0 };
        let count = table.columns.len().max(1) as f32;
        let room = ui.available_width() - names - COUNT - (count + 1.0) * GAP;
        let width = (room / count).clamp(132.0, 260.0).floor();
        let mut builder = TableBuilder::new(ui)
            .id_salt("results table")
            .vscroll(false)
            .resizable(true)
            .striped(true)
            .sense(Sense::click())
            .cell_layout(Layout::left_to_right(egui::Align::Center))
            .column(Column::initial(names).at_least(120.0).clip(true))
            .column(Column::initial(COUNT).at_least(48.0).clip(true));
        for _ in &table.columns {
            builder = builder.column(Column::initial(width).at_least(96.0).clip(true));
        }
        let body = builder.header(HEAD, |mut row| {
            row.col(|ui| head(ui, &t!("evaluate.model"), None, &mut sort));
            row.col(|ui| {
                ui.add(Label::new(theme::soft(ui, "n")).selectable(false)).on_hover_text(t!("evaluate.n_hint"));
            });
            for column in &table.columns {
                row.col(|ui| head(ui, &metric_name(column), Some(column), &mut sort));
            }
        });
        body.body(|mut body| {
            for line in &table.lines {
                body.row(LINE, |mut row| {
                    row.set_selected(seen == Some(line.eval));
                    row.col(|ui| model(ui, bench, line));
                    row.col(|ui| {
                        ui.label(format::count(line.count as u64));
                    });
                    for column in &table.columns {
                        row.col(|ui| {
                            if let Some((metric, moved)) = line.metric(column) {
                                cell(ui, metric, *moved);
                            }
                        });
                    }
                    if row.response().clicked() {
                        looked_at = Some(line.eval);
                    }
                });
            }
        });
    });
    bench.desks.evaluate.sort = sort;
    if looked_at.is_some() {
        bench.desks.evaluate.looked_at = looked_at;
    }
}

const GAP: f32 = 12.0;
/// Width of the column of counts.
const COUNT: f32 = 56.0;

/// A column's name; a click sorts by it, a second one the other way round.
fn head(ui: &mut Ui, name: &str, metric: Option<&str>, sort: &mut Sort) {
    let here = metric.is_some() && sort.metric.as_deref() == metric;
    let (icon, order) = match (here, sort.falling) {
        (true, true) => (Some(icons::CARET_DOWN), t!("evaluate.falling")),
        (true, false) => (Some(icons::CARET_UP), t!("evaluate.rising")),
        (false, _) => (None, String::new()),
    };
    let said = if here { format!("{name}, {order}") } else { t!("evaluate.sort_by", name = name) };
    let mut button = Push::quiet(name).small().name(said);
    if let Some(icon) = icon {
        button = button.icon(icon);
    }
    if ui.add(button).clicked() {
        *sort = match metric {
            // The best first.
            Some(metric) if !here => Sort { metric: Some(metric.to_owned()), falling: direction(metric) >= 0 },
            Some(_) => Sort { falling: !sort.falling, ..sort.clone() },
            None => Sort::default(),
        };
    }
}

fn model(ui: &mut Ui, bench: &Bench, line: &Line) {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::hover());
    let name = name_of(bench, line);
    let kind = if line.run.is_some() { t!("evaluate.after_training") } else { t!("evaluate.before_training") };
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name}: {kind}")));
    let mark = pos2(rect.left() + 10.0, rect.center().y);
    match line.run.as_ref().and_then(|run| bench.shelf.card(run)) {
        Some(card) => {
            ui.painter().circle_filled(mark, 6.0, theme::series(ui, card.colour));
        }
        None => {
            let icon = if line.run.is_some() { icons::GUITAR } else { icons::CUBE };
            ui.painter().text(mark, Align2::CENTER_CENTER, icon, icons::regular(18.0), p.ink_soft);
        }
    }
    let room = rect.width() - 30.0;
    let title = elided(ui, &name, FontId::proportional(14.0), p.ink, room);
    ui.painter().galley(pos2(rect.left() + 26.0, rect.top() + 5.0), title, p.ink);
    let kind = elided(ui, &kind, FontId::proportional(12.0), p.ink_soft, room);
    ui.painter().galley(pos2(rect.left() + 26.0, rect.top() + 24.0), kind, p.ink_soft);
    response.on_hover_cursor(CursorIcon::PointingHand).on_hover_text(name);
}

/// The number and its standard error; under them what changed, with a sign, an arrow and a colour.
fn cell(ui: &mut Ui, metric: &Metric, moved: Option<Move>) -> Response {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::hover());
    let shown = value(&metric.name, metric.value);
    let error = metric.error.map(|error| format!("± {}", amount(&metric.name, error)));
    let change = moved.map(|moved| change(&metric.name, moved));
    response.widget_info(|| {
        let parts = [Some(shown.clone()), error.clone(), change.as_ref().map(|change| change.said.clone())];
        let said: Vec<String> = parts.into_iter().flatten().collect();
        WidgetInfo::labeled(Role::Label, true, format!("{} {}", metric_name(&metric.name), said.join(", ")))
    });
    let at = pos2(rect.left() + 8.0, rect.top() + 5.0);
    let number = ui.painter().layout_no_wrap(shown, theme::strong_font(14.0), p.ink);
    let width = number.size().x;
    ui.painter().galley(at, number, p.ink);
    if let Some(error) = error {
        let place = pos2(at.x + width + 6.0, at.y + 2.0);
        ui.painter().text(place, Align2::LEFT_TOP, error, FontId::proportional(12.0), p.ink_soft);
    }
    let Some(change) = change else { return response };
    let (ink, icon) = match (change.better, change.up) {
        (None, _) => (p.ink_soft, None),
        (Some(true), up) => (p.good, Some(up)),
        (Some(false), up) => (p.bad, Some(up)),
    };
    let mut x = at.x;
    let y = rect.top() + 32.0;
    if let Some(up) = icon {
        let sign = if up { icons::CARET_UP } else { icons::CARET_DOWN };
        ui.painter().text(pos2(x + 6.0, y), Align2::CENTER_CENTER, sign, icons::regular(12.0), ink);
        x += 16.0;
    }
    let text = elided(ui, &change.shown, FontId::proportional(12.0), ink, rect.right() - x);
    let top = y - text.size().y / 2.0;
    ui.painter().galley(pos2(x, top), text, ink);
    response.on_hover_text(change.said)
}

struct Shown {
    shown: String,
    said: String,
    up: bool,
    /// None: neither, or too little to tell.
    better: Option<bool>,
}

fn change(name: &str, moved: Move) -> Shown {
    let sign = if moved.difference < 0.0 { '\u{2212}' } else { '+' };
    let number = format!("{sign}{}", amount(name, moved.difference));
    let noise = moved.certain == Some(false);
    let word = match (noise, moved.better) {
        (true, _) => t!("evaluate.noise"),
        (false, Some(true)) => t!("evaluate.better"),
        (false, Some(false)) => t!("evaluate.worse"),
        (false, None) => String::new(),
    };
    let said = match noise {
        true => t!("evaluate.noise_hint", change = number),
        false => t!("evaluate.change_hint", change = number, word = word),
    };
    let shown = if word.is_empty() { number } else { format!("{number} {word}") };
    Shown { shown, said, up: moved.difference > 0.0, better: moved.better.filter(|_| !noise) }
}

/// The evaluation behind a line.
pub(super) fn stored_of<'a>(bench: &'a Bench, eval: i64) -> Option<(&'a StoredEval, String)> {
    let stored = bench.shelf.evaluations.iter().find(|stored| stored.id == eval)?;
    Some((stored, earlier::who(bench, stored)))
}
