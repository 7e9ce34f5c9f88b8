//! A setting that varies, and over what.

use egui::{RichText, TextEdit, Ui, vec2};

use crate::desks::{Axis, Given, Kind};
use crate::icons;
use crate::text::{say, t};
use crate::theme;
use crate::widgets::{IconButton, Push, hairline, icon_label, number, segmented};

/// True: the person takes it out.
pub(super) fn ui(ui: &mut Ui, axis: &mut Axis, random: bool, wrong: Option<&str>) -> bool {
    let mut removed = false;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(8.0, 6.0);
        let key = axis.key;
        ui.label(RichText::new(key).monospace());
        if let Some(label) = crate::text::try_say(&format!("field.{key}.label")) {
            ui.label(theme::soft(ui, label));
        }
        match axis.kind.clone() {
            Kind::Number { whole } => numbers(ui, axis, whole, random),
            Kind::Choice(words) => choices(ui, axis, &words),
            Kind::Truth => choices(ui, axis, &["true".to_owned(), "false".to_owned()]),
        }
        removed = ui.add(IconButton::new(icons::TRASH, t!("sweep.leave_out", key = key))).clicked();
    });
    if let Some(wrong) = wrong {
        let p = theme::palette(ui);
        ui.horizontal(|ui| {
            icon_label(ui, icons::WARNING_CIRCLE, 14.0, p.bad);
            ui.label(theme::small(say(&format!("sweep.{wrong}"))).color(p.bad));
        });
    }
    hairline(ui);
    removed
}

fn numbers(ui: &mut Ui, axis: &mut Axis, whole: bool, random: bool) {
    let key = axis.key;
    segmented(ui, &mut axis.given, &[(Given::List, t!("sweep.list")), (Given::Range, t!("sweep.range"))]);
    if axis.given == Given::List {
        let edit = TextEdit::singleline(&mut axis.list).desired_width(200.0).min_size(vec2(0.0, 30.0));
        ui.add(edit).accessible_name(t!("sweep.values_of", key = key));
        return;
    }
    let speed = |value: f64| if whole { 1.0 } else { value.abs().max(1e-6) / 50.0 };
    let (from, to) = (speed(axis.from), speed(axis.to));
    number(ui, &mut axis.from, f64::MIN..=f64::MAX, from).accessible_name(t!("sweep.from_of", key = key));
    ui.label(theme::soft(ui, t!("sweep.to")));
    number(ui, &mut axis.to, f64::MIN..=f64::MAX, to).accessible_name(t!("sweep.to_of", key = key));
    if !random {
        ui.label(theme::soft(ui, t!("sweep.in_values")));
        number(ui, &mut axis.count, 1..=64, 0.1).accessible_name(t!("sweep.count_of", key = key));
    }
    if ui
        .add(Push::plain(t!("sweep.log")).small().selected(axis.logarithmic))
        .on_hover_text(t!("sweep.log_about"))
        .clicked()
    {
        axis.logarithmic = !axis.logarithmic;
    }
}

fn choices(ui: &mut Ui, axis: &mut Axis, words: &[String]) {
    for word in words {
        let on = axis.words.contains(word);
        if ui.add(Push::plain(word).small().selected(on).name(format!("{}: {word}", axis.key))).clicked() {
            if on {
                axis.words.remove(word);
            } else {
                axis.words.insert(word.clone());
            }
        }
    }
}
