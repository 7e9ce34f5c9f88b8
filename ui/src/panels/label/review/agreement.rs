//! Agreement: of each person with themself, and of people with each other.

use egui::{Grid, Label, RichText, ScrollArea, Ui};

use super::words::{decimal, percent, percents, person};
use crate::bench::Bench;
use crate::icons;
use crate::labels::QueueId;
use crate::labels::trust::{Agreement, Kappa, Reading, Report};
use crate::text::t;
use crate::theme::{self, Palette};
use crate::widgets::{Card, Push, hairline, tag};

/// The share of items that the one button of the empty state brings back.
const TENTH: f64 = 0.1;

pub fn ui(ui: &mut Ui, bench: &mut Bench, queue: QueueId, report: &Report) {
    Card::new(t!("review.agreement")).icon(icons::HANDSHAKE).about(t!("review.agreement_about")).show(ui, |ui| {
        if report.own_all.is_none() && report.between_all.is_none() {
            not_yet(ui, bench, queue);
            return;
        }
        block(ui, &t!("review.with_self"), report.own_all.as_ref(), &t!("review.no_self"));
        hairline(ui);
        block(ui, &t!("review.with_others"), report.between_all.as_ref(), &t!("review.no_others"));
        if !report.between.is_empty() || report.own.len() > 1 {
            hairline(ui);
            matrix(ui, report);
        }
    });
}

fn not_yet(ui: &mut Ui, bench: &mut Bench, queue: QueueId) {
    ui.add(Label::new(t!("review.not_twice")).wrap());
    let Some(card) = bench.desks.label.card(queue) else { return };
    let (share, by) = (card.settings.again_share, card.settings.again_by);
    if share > 0.0 {
        let progress = bench.desks.label.lot.as_ref().filter(|lot| lot.queue == queue).map(|lot| lot.progress);
        let text = match progress.filter(|progress| progress.again > 0) {
            Some(progress) => {
                t!("review.come_back_so_far", share = percent(share), done = progress.again_done, all = progress.again)
            }
            None => t!("review.come_back", share = percent(share)),
        };
        ui.add(Label::new(theme::soft(ui, text)).wrap());
    } else if ui.add(Push::plain(t!("review.bring_back")).icon(icons::ARROWS_CLOCKWISE)).clicked() {
        bench.change_repeats(queue, TENTH, by);
    }
}

/// Below so many items a kappa says little, whatever it is.
const TELLING_ITEMS: usize = 10;

fn block(ui: &mut Ui, title: &str, agreement: Option<&Agreement>, none: &str) {
    ui.add(Label::new(theme::strong(title)).selectable(false));
    let Some(agreement) = agreement else {
        ui.add(Label::new(theme::soft(ui, none)).wrap());
        return;
    };
    let what = if agreement.comparisons > agreement.items {
        t!("review.same_orders", pairs = agreement.comparisons, items = agreement.items)
    } else {
        t!("review.same_verdicts", items = agreement.items)
    };
    let between = t!("review.between", interval = percents(agreement.low, agreement.high));
    line(ui, &percent(agreement.share()), &format!("{what}  ·  {between}"), |_| {});
    match agreement.kappa {
        Some(kappa) => {
            let interval = format!("{} … {}", decimal(kappa.low), decimal(kappa.high));
            let about = format!("{}  ·  {}", t!("review.kappa"), t!("review.between", interval = interval));
            line(ui, &decimal(kappa.value), &about, |ui| {
                let (ink, ground) = colours(theme::palette(ui), kappa.reading());
                if agreement.items < TELLING_ITEMS {
                    let p = theme::palette(ui);
                    tag(ui, &t!("review.too_few"), p.ink_soft, p.raised);
                } else {
                    tag(ui, &reading(kappa.reading()), ink, ground);
                }
            });
        }
        None => line(ui, "–", &t!("review.kappa_undefined"), |_| {}),
    }
    if let Some(tau) = agreement.tau {
        line(ui, &decimal(tau), &t!("review.tau"), |_| {});
    }
}

/// A number, a word beside it, and what it is.
fn line(ui: &mut Ui, number: &str, about: &str, beside: impl FnOnce(&mut Ui)) {
    ui.horizontal_wrapped(|ui| {
        ui.add(Label::new(RichText::new(number).font(theme::strong_font(18.0))));
        beside(ui);
        ui.add(Label::new(theme::soft(ui, about)).wrap());
    });
}

fn reading(reading: Reading) -> String {
    match reading {
        Reading::Poor => t!("review.poor"),
        Reading::Fair => t!("review.fair"),
        Reading::Moderate => t!("review.moderate"),
        Reading::Good => t!("review.good"),
        Reading::VeryGood => t!("review.very_good"),
    }
}

fn colours(p: &Palette, reading: Reading) -> (egui::Color32, egui::Color32) {
    match reading {
        Reading::Poor => (p.bad, p.bad_soft),
        Reading::Fair => (p.warn, p.warn_soft),
        Reading::Moderate => (p.string, p.string_soft),
        Reading::Good | Reading::VeryGood => (p.good, p.good_soft),
    }
}

/// Everybody against everybody, on the diagonal each with themself.
fn matrix(ui: &mut Ui, report: &Report) {
    let all = report.own.iter().chain(&report.between);
    let mut people: Vec<&str> = all.clone().flat_map(|agreement| &agreement.people).map(String::as_str).collect();
    people.sort_unstable();
    people.dedup();
    let of = |a: &str, b: &str| all.clone().find(|agreement| agreement.people == [a, b] || agreement.people == [b, a]);
    ui.add(Label::new(theme::soft(ui, t!("review.matrix_about"))).wrap());
    ScrollArea::horizontal().id_salt("people").auto_shrink([false, true]).show(ui, |ui| {
        ui.spacing_mut().interact_size.y = 20.0;
        Grid::new("people").spacing([20.0, 6.0]).show(ui, |ui| {
            ui.label("");
            for name in &people {
                ui.add(Label::new(theme::name(&person(name), 13.0)).extend());
            }
            ui.end_row();
            for (at, row) in people.iter().enumerate() {
                ui.add(Label::new(theme::name(&person(row), 13.0)).extend());
                // Below the diagonal everything would be said twice.
                for (column, name) in people.iter().enumerate() {
                    match of(row, name) {
                        _ if column < at => drop(ui.label("")),
                        Some(agreement) => drop(ui.add(Label::new(cell(agreement)).extend())),
                        None => drop(ui.label(theme::soft(ui, "–"))),
                    }
                }
                ui.end_row();
            }
        });
    });
}

/// "0.74, 88 % of 17"
fn cell(agreement: &Agreement) -> String {
    let kappa = agreement.kappa.map_or_else(|| "–".into(), |Kappa { value, .. }| decimal(value));
    t!("review.cell", kappa = kappa, percent = percent(agreement.share()), items = agreement.items)
}
