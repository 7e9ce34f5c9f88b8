//! What the file will hold: counts, what is left out and why, the first record; after writing, where it is.

use egui::{Frame, Label, Margin, RichText, ScrollArea, Ui};
use luthier_engine::feedback::{Holds, kto_weights};

use crate::bench::Bench;
use crate::desks::ExportDesk;
use crate::labels::Parcel;
use crate::text::{say, t};
use crate::widgets::{Fact, Notice, facts, hairline, problem_box};
use crate::{format, theme};

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    let Some(desk) = &bench.desks.label.exchange.export else { return };
    hairline(ui);
    if !desk.written.is_empty() {
        let files: Vec<String> = desk.written.iter().map(|path| format::path(path)).collect();
        Notice::good(format!("{}\n{}", t!("exchange.done"), files.join("\n"))).show(ui);
    }
    ui.add(Label::new(theme::strong(t!("exchange.holds"))).selectable(false));
    match desk.parcel() {
        None => drop(ui.add(Label::new(theme::soft(ui, t!("exchange.counting"))))),
        Some(Err(problem)) => problem_box(ui, &t!("exchange.cannot"), &problem.message, None),
        Some(Ok(parcel)) => {
            counts(ui, desk, parcel);
            left_out(ui, parcel);
            if parcel.train == 0 {
                Notice::info(t!("exchange.nothing")).show(ui);
            } else {
                first_record(ui, parcel);
            }
        }
    }
}

fn counts(ui: &mut Ui, desk: &ExportDesk, parcel: &Parcel) {
    let number = |count: usize| format::count(count as u64);
    let caption = match desk.how.format.holds() {
        Holds::Pairs => t!("exchange.pair_count"),
        Holds::Marks => t!("exchange.mark_count"),
        Holds::Verdicts => t!("exchange.item_count"),
    };
    let mut list = vec![Fact::new(caption, number(parcel.train))];
    if desk.how.eval_share > 0.0 {
        list.push(Fact::new(t!("exchange.held_out"), number(parcel.eval)));
    }
    if let Some(balance) = parcel.balance {
        let ratio = format!("{} : {}", number(balance.liked), number(balance.disliked));
        list.push(Fact::new(t!("exchange.liked"), ratio));
        if let Some((chosen, rejected)) = kto_weights(balance) {
            let weights = format!("{chosen:.2} : {rejected:.2}");
            list.push(Fact::new(t!("exchange.weights"), weights).hint(t!("exchange.weights_hint")));
        }
    }
    list.push(Fact::new(t!("exchange.left_out"), number(parcel.left_out.total())));
    facts(ui, 120.0, list);
}

fn left_out(ui: &mut Ui, parcel: &Parcel) {
    let reasons = parcel.left_out.reasons().into_iter().filter(|(_, count)| *count > 0);
    let told: Vec<String> = reasons
        .map(|(reason, count)| say(&format!("exchange_left.{reason}")).replace("%{n}", &format::count(count as u64)))
        .collect();
    if !told.is_empty() {
        ui.add(Label::new(theme::small(told.join(" · ")).color(theme::palette(ui).ink_soft)).wrap());
    }
}

fn first_record(ui: &mut Ui, parcel: &Parcel) {
    let p = theme::palette(ui);
    ui.add(Label::new(theme::soft(ui, t!("exchange.first_record"))));
    Frame::new().fill(p.inset).corner_radius(theme::RADIUS).inner_margin(Margin::symmetric(10, 8)).show(ui, |ui| {
        ui.take_available_width();
        ScrollArea::vertical().id_salt("first record").max_height(190.0).auto_shrink([false, true]).show(ui, |ui| {
            ui.add(Label::new(RichText::new(&parcel.example).monospace().size(12.0)).wrap().selectable(true));
        });
    });
}
