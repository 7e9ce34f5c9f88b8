//! The datasets of the next run, how they are mixed, and what a pass over the mix holds.

use egui::{Align, Label, Layout, Ui, vec2};
use luthier_engine::recipe::{MixStrategy, Stage};

use super::kind_name;
use super::share_bar::{Share, share_bar};
use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::state::usable_rows;
use crate::text::t;
use crate::widgets::{Card, IconButton, Notice, Push, Setting, hairline, icon_label, number, segmented, tag};
use crate::{format, icons, theme};

pub fn ui(ui: &mut Ui, bench: &mut Bench) {
    let card = Card::new(t!("rows.mix")).about(t!("rows.mix_about")).icon(icons::CIRCLES_THREE_PLUS);
    let several = bench.datasets().len() > 1;
    // The button and the list both speak to the bench.
    let mut asked = false;
    let press = |ui: &mut Ui| {
        asked = ui.add(Push::plain(t!("rows.add_data")).icon(icons::PLUS).small()).clicked();
    };
    card.show_with(ui, press, |ui| {
        list(ui, bench);
        if several {
            strategy(ui, bench);
        }
        hairline(ui);
        pass(ui, bench);
        hairline(ui);
        replay(ui, bench);
    });
    if asked {
        bench.dialogs.ask(Ask::MoreData);
    }
}

/// A line each: shown or not, name, kind, rows, weight, and away with it.
fn list(ui: &mut Ui, bench: &mut Bench) {
    let weighs = bench.datasets().len() > 1 && bench.state.recipe.mix_strategy != MixStrategy::Concat;
    let (mut show, mut gone, mut weight) = (None, None, None);
    for (index, set) in bench.datasets().iter().enumerate() {
        let p = theme::palette(ui);
        let shown = index == bench.shown_dataset();
        let name = format::short_path(&set.path);
        ui.allocate_ui_with_layout(vec2(ui.available_width(), 34.0), Layout::left_to_right(Align::Center), |ui| {
            let (eye, word) =
                if shown { (icons::EYE, t!("rows.shown")) } else { (icons::EYE_SLASH, t!("rows.show", name = name)) };
            if ui.add_enabled(!shown, IconButton::new(eye, word)).clicked() {
                show = Some(index);
            }
            swatch(ui, index);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.add(IconButton::new(icons::TRASH, t!("rows.remove", name = name))).clicked() {
                    gone = Some(index);
                }
                if weighs {
                    let mut value = bench.weight(index);
                    ui.name_inputs(t!("rows.weight_of", name = name), |ui| {
                        if number(ui, &mut value, 0.01..=1000.0, 0.02).changed() {
                            weight = Some((index, value));
                        }
                    });
                    ui.label(theme::soft(ui, t!("rows.weight")));
                }
                let other = bench.state.data.others.get(&set.path);
                match bench.summary_of(index) {
                    Some(summary) => {
                        ui.label(theme::soft(ui, t!("rows.count", n = format::count(usable_rows(summary) as u64))));
                        if ui.available_width() > 330.0 {
                            tag(ui, &kind_name(summary.kind), p.string, p.string_soft);
                        }
                    }
                    None if other.is_some_and(|other| other.problem.is_some()) => {
                        icon_label(ui, icons::WARNING, 16.0, p.bad);
                    }
                    None => {
                        ui.label(theme::soft(ui, t!("data.reading")));
                    }
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let label = ui.add(Label::new(theme::name(&name, 14.0)).truncate());
                    label.on_hover_text(format::path(&set.path));
                });
            });
        });
        if let Some(problem) = bench.state.data.others.get(&set.path).and_then(|other| other.problem.as_ref()) {
            Notice::bad(&problem.message).show(ui);
        }
    }
    if let Some((index, value)) = weight {
        bench.set_weight(index, value);
    }
    if let Some(index) = show {
        bench.show_dataset(index);
    }
    if let Some(index) = gone {
        bench.remove_dataset(index);
    }
}

fn swatch(ui: &mut Ui, index: usize) {
    let (rect, _) = ui.allocate_exact_size(vec2(12.0, 12.0), egui::Sense::hover());
    ui.painter().rect_filled(rect, 2, theme::series(ui, index));
}

fn strategy(ui: &mut Ui, bench: &mut Bench) {
    let mut chosen = bench.state.recipe.mix_strategy;
    let options = [
        (MixStrategy::Concat, t!("rows.mix_concat")),
        (MixStrategy::InterleaveUnder, t!("rows.mix_under")),
        (MixStrategy::InterleaveOver, t!("rows.mix_over")),
    ];
    let default = t!("rows.mix_concat");
    let changed = chosen != MixStrategy::Concat;
    let back = Setting::new("mix_strategy").wide().changed(changed, default).show(ui, |ui| {
        if ui.available_width() > 420.0 {
            segmented(ui, &mut chosen, &options);
        } else {
            crate::widgets::dropdown(ui, "mix_strategy", 220.0, &mut chosen, &options);
        }
    });
    if back {
        chosen = MixStrategy::Concat;
    }
    if chosen != bench.state.recipe.mix_strategy {
        bench.set_mix_strategy(chosen);
    }
}

/// What one pass learns from: each dataset's rows and the general ones, those set aside marked.
fn pass(ui: &mut Ui, bench: &mut Bench) {
    let mix = bench.mix();
    let all: usize = mix.own.iter().sum();
    if all == 0 {
        return;
    }
    let kept = 1.0 - mix.aside as f64 / all as f64;
    let count = |n: f64| {
        let n = format::count(n.round() as u64);
        if mix.about { t!("rows.about_count", n = n) } else { n }
    };
    let mut shares: Vec<Share> = Vec::new();
    for (index, set) in bench.datasets().iter().enumerate() {
        let rows = mix.own.get(index).copied().unwrap_or(0) as f64 * kept;
        let (name, colour) = (format::short_path(&set.path), theme::series(ui, index));
        shares.push(Share { name, amount: rows, said: count(rows), colour, hatched: false, faint: false });
    }
    if mix.replayed > 0 {
        let amount = mix.replayed as f64;
        let colour = theme::series(ui, 6);
        shares.push(Share {
            name: t!("rows.replayed"),
            amount,
            said: count(amount),
            colour,
            hatched: true,
            faint: false,
        });
    }
    let learned = format::count(mix.learned() as u64);
    ui.label(theme::strong(t!("rows.pass", n = learned)));
    if let Some(index) = share_bar(ui, &t!("rows.mix"), &shares)
        && index < bench.datasets().len()
    {
        bench.show_dataset(index);
    }
}

/// General data against forgetting, with its share of the rows.
fn replay(ui: &mut Ui, bench: &mut Bench) {
    let named = bench.state.recipe.replay_dataset.first().cloned();
    let can = matches!(bench.state.recipe.stage, Stage::Sft | Stage::Pt) || named.is_some();
    let several = bench.state.recipe.replay_dataset.len();
    let back =
        Setting::new("replay_dataset").wide().enabled(can).changed(named.is_some(), t!("word.none")).show(ui, |ui| {
            if ui.add(Push::plain(t!("split.choose_file")).icon(icons::CLOCK_COUNTER_CLOCKWISE)).clicked() {
                bench.dialogs.ask(Ask::ReplayFile);
            }
            if let Some(name) = &named {
                let more = if several > 1 { format!(" +{}", several - 1) } else { String::new() };
                let shown = format!("{}{more}", format::short_path(std::path::Path::new(name)));
                ui.add(Label::new(shown).truncate()).on_hover_text(name);
            }
        });
    if back {
        bench.state.recipe.replay_dataset.clear();
    }
    if named.is_some() && !back {
        let default = luthier_engine::recipe::Recipe::default().replay_ratio;
        let ratio = &mut bench.state.recipe.replay_ratio;
        let back = Setting::new("replay_ratio").changed(*ratio != default, format::setting(default)).show(ui, |ui| {
            number(ui, ratio, 0.0..=0.99, 0.005);
        });
        if back {
            bench.state.recipe.replay_ratio = default;
        }
    }
}
