//! Whether answers win for where they stand or how long they are.

use egui::{Label, RichText, Ui};

use super::bars;
use super::words::{percent, percents};
use crate::icons;
use crate::labels::trust::{FirstShown, Lean, Lengths, Report, Share};
use crate::text::t;
use crate::theme;
use crate::widgets::{Card, Fact, facts, hairline};

pub fn ui(ui: &mut Ui, report: &Report) {
    Card::new(t!("review.bias")).icon(icons::SCALES).about(t!("review.bias_about")).show(ui, |ui| {
        let mut any = false;
        if report.left.of > 0 {
            share(ui, &t!("review.left_wins"), &report.left, &left_sentence(&report.left));
            any = true;
        }
        if let Some(first) = &report.first_shown {
            first_shown(ui, first);
            any = true;
        }
        if report.longer.of > 0 {
            if any {
                hairline(ui);
            }
            share(ui, &t!("review.longer_wins"), &report.longer, &longer_sentence(&report.longer));
            any = true;
        }
        if let Some(found) = &report.lengths {
            lengths(ui, found);
            any = true;
        }
        if !any {
            ui.add(Label::new(theme::soft(ui, t!("review.no_bias_yet"))).wrap());
        }
    });
}

fn share(ui: &mut Ui, title: &str, share: &Share, sentence: &str) {
    let number = percent(share.share());
    let of = t!("review.of", n = share.of);
    ui.horizontal_wrapped(|ui| {
        ui.add(Label::new(theme::strong(title)).selectable(false));
        ui.add(Label::new(RichText::new(&number).font(theme::strong_font(18.0))));
        ui.label(theme::soft(ui, &of));
    });
    bars::interval(ui, share, &format!("{title}: {number} {of}. {}", percents(share.low, share.high)));
    bars::sentence(ui, share.lean(), sentence);
}

pub fn left_sentence(share: &Share) -> String {
    let interval = percents(share.low, share.high);
    match share.lean() {
        None => t!("review.left_even", interval = interval),
        Some(Lean::More) => t!("review.left_more", interval = interval),
        Some(Lean::Less) => t!("review.left_less", interval = interval),
    }
}

pub fn longer_sentence(share: &Share) -> String {
    let interval = percents(share.low, share.high);
    match share.lean() {
        None => t!("review.longer_even", interval = interval),
        Some(Lean::More) => t!("review.longer_more", interval = interval),
        Some(Lean::Less) => t!("review.longer_less", interval = interval),
    }
}

fn first_shown(ui: &mut Ui, first: &FirstShown) {
    ui.horizontal_wrapped(|ui| {
        ui.add(Label::new(theme::strong(t!("review.first_shown"))).selectable(false));
        ui.add(Label::new(RichText::new(format!("{:.1}", first.mean_place)).font(theme::strong_font(18.0))));
        ui.label(theme::soft(ui, t!("review.first_of", n = first.rankings, middle = format!("{:.1}", first.middle))));
    });
    let interval = format!("{:.1}–{:.1}", first.low, first.high);
    let text = match first.lean() {
        None => t!("review.first_even", interval = interval),
        Some(Lean::More) => t!("review.first_more", interval = interval),
        Some(Lean::Less) => t!("review.first_less", interval = interval),
    };
    bars::sentence(ui, first.lean(), &text);
}

fn lengths(ui: &mut Ui, lengths: &Lengths) {
    let fact = |caption: String, mean: f64, n: usize| {
        Fact::new(caption, t!("review.characters", n = format!("{mean:.0}"))).hint(t!("review.of", n = n))
    };
    facts(
        ui,
        150.0,
        vec![
            fact(t!("review.mean_good", n = lengths.good), lengths.mean_good, lengths.good),
            fact(t!("review.mean_bad", n = lengths.bad), lengths.mean_bad, lengths.bad),
        ],
    );
    let interval = format!("{:+.0} … {:+.0}", lengths.low, lengths.high).replace('-', "−");
    let text = match lengths.lean() {
        None => t!("review.lengths_even", interval = interval),
        Some(Lean::More) => t!("review.lengths_more", interval = interval),
        Some(Lean::Less) => t!("review.lengths_less", interval = interval),
    };
    bars::sentence(ui, lengths.lean(), &text);
}
