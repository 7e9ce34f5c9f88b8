//! How the columns are read: found out by the engine, changed here by the person.

use egui::{Label, Ui, vec2};
use luthier_engine::data::{DataSummary, Format, Mapping, Part, suggest};

use crate::bench::Bench;
use crate::text::{say, t};
use crate::widgets::{Card, Notice, Push, dropdown, tag};
use crate::{icons, theme};

/// How sure the meanings are, the way back to the detected ones, and what unfolds all of them; from the right.
pub fn actions(ui: &mut Ui, bench: &mut Bench, summary: &DataSummary) {
    let p = theme::palette(ui);
    let open = bench.desks.rows.columns;
    let icon = if open { icons::CARET_UP } else { icons::COLUMNS };
    if ui.add(Push::quiet(t!("rows.columns")).icon(icon).small().selected(open)).clicked() {
        bench.desks.rows.columns = !open;
    }
    if bench.chosen_mapping().is_some() {
        let again = Push::quiet(t!("mapping.detect_again")).icon(icons::ARROW_COUNTER_CLOCKWISE).small();
        if ui.add(again).clicked() {
            bench.remap(None);
        }
        tag(ui, &t!("mapping.by_hand"), p.varnish, p.varnish_soft);
    } else {
        let sure = (summary.confidence * 100.0).round();
        let (ink, ground) = match summary.confidence {
            c if c >= 0.75 => (p.good, p.good_soft),
            c if c > 0.0 => (p.warn, p.warn_soft),
            _ => (p.bad, p.bad_soft),
        };
        tag(ui, &t!("mapping.confidence", percent = sure), ink, ground);
    }
}

/// The dropdown in a table's header: another mapping, when the person chose another column.
pub fn header_dropdown(ui: &mut Ui, mapping: &Mapping, part: Part, columns: &[String]) -> Option<Mapping> {
    let mut column = mapping.column(part).map(str::to_owned);
    let mut options: Vec<(Option<String>, String)> = vec![(None, t!("mapping.no_column"))];
    options.extend(columns.iter().map(|name| (Some(name.clone()), name.clone())));
    let width = (ui.available_width() - 4.0).clamp(60.0, 220.0);
    let changed = ui.name_inputs(part_name(part), |ui| {
        ui.spacing_mut().interact_size.y = 26.0;
        ui.spacing_mut().button_padding = vec2(8.0, 3.0);
        dropdown(ui, part.name(), width, &mut column, &options)
    });
    changed.then(|| {
        let mut mapping = mapping.clone();
        match column {
            Some(column) => mapping.columns.insert(part, column),
            None => mapping.columns.remove(&part),
        };
        mapping
    })
}

/// Every part of the format with its column.
pub fn ui(ui: &mut Ui, bench: &mut Bench, summary: &DataSummary, all: &mut bool) {
    let mut chosen = None;
    Card::new(t!("mapping.title")).about(t!("mapping.about")).icon(icons::TABLE).show(ui, |ui| {
        let mut mapping = summary.mapping.clone();
        if parts(ui, &mut mapping, summary, all) {
            chosen = Some(mapping);
        }
        let missing = summary.mapping.missing();
        if !missing.is_empty() {
            let names: Vec<String> = missing.iter().map(|part| part_name(*part)).collect();
            Notice::bad(t!("mapping.missing", parts = names.join(&t!("word.and")))).show(ui);
        }
        tags_row(ui, summary);
    });
    if chosen.is_some() {
        bench.remap(chosen);
    }
}

/// The format and a dropdown for each of its parts. True when something changed.
fn parts(ui: &mut Ui, mapping: &mut Mapping, summary: &DataSummary, all: &mut bool) -> bool {
    let mut changed = false;
    let formats: Vec<(Format, String)> = Format::ALL.into_iter().map(|f| (f, format_name(f))).collect();
    let mut format = mapping.format;
    row(ui, &t!("mapping.format"), &say(&format!("mapping.{}_about", format_key(format))), |ui| {
        if dropdown(ui, "format", 240.0, &mut format, &formats) {
            *mapping = suggest(format, &summary.columns);
            changed = true;
        }
    });
    let mut columns: Vec<(Option<String>, String)> = vec![(None, t!("mapping.no_column"))];
    columns.extend(summary.columns.iter().map(|c| (Some(c.clone()), c.clone())));
    let missing = mapping.missing();
    let seldom = [Part::History, Part::Tools, Part::Chosen, Part::Rejected, Part::KtoTag];
    let hidden = |part: &Part| seldom.contains(part) && !summary.mapping.has(*part) && !missing.contains(part);
    let more = mapping.format.parts().iter().any(hidden);
    for part in mapping.format.parts().iter().filter(|part| *all || !hidden(part)) {
        let mut column = mapping.column(*part).map(str::to_owned);
        let about = say(&format!("part.{}.about", part.name()));
        let name =
            if missing.contains(part) { t!("mapping.needed", part = part_name(*part)) } else { part_name(*part) };
        row(ui, &name, &about, |ui| {
            if dropdown(ui, part.name(), 240.0, &mut column, &columns) {
                match column.clone() {
                    Some(column) => mapping.columns.insert(*part, column),
                    None => mapping.columns.remove(part),
                };
                changed = true;
            }
        });
    }
    if more {
        let (icon, word) =
            if *all { (icons::CARET_UP, t!("mapping.fewer")) } else { (icons::CARET_DOWN, t!("mapping.more")) };
        if ui.add(Push::quiet(word).icon(icon).small()).clicked() {
            *all = !*all;
        }
    }
    changed
}

fn row(ui: &mut Ui, name: &str, about: &str, control: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(150.0, theme::CONTROL), egui::Sense::hover());
        let ink = theme::palette(ui).ink;
        ui.painter().text(rect.left_center(), egui::Align2::LEFT_CENTER, name, egui::FontId::proportional(14.0), ink);
        ui.name_inputs(name, control);
        let about = theme::soft(ui, about);
        ui.add(Label::new(about).truncate());
    });
}

/// How turns are written in a list of them.
fn tags_row(ui: &mut Ui, summary: &DataSummary) {
    if matches!(summary.format, Format::Sharegpt | Format::Messages) {
        let tags = &summary.mapping.tags;
        let words =
            t!("mapping.tags", role = tags.role, content = tags.content, user = tags.user, assistant = tags.assistant);
        let words = theme::soft(ui, words);
        ui.add(Label::new(words).wrap());
    }
}

pub fn part_name(part: Part) -> String {
    say(&format!("part.{}.name", part.name()))
}

fn format_key(format: Format) -> &'static str {
    match format {
        Format::Text => "text",
        Format::Alpaca => "alpaca",
        Format::Sharegpt => "sharegpt",
        Format::Messages => "messages",
        Format::PromptCompletion => "prompt_completion",
    }
}

fn format_name(format: Format) -> String {
    say(&format!("mapping.{}", format_key(format)))
}
