//! Nothing to judge: why, and what comes next.

use egui::{Align, Label, Layout, Ui, vec2};

use crate::bench::Bench;
use crate::desks::LabelPage;
use crate::text::t;
use crate::widgets::{Push, empty_state, progress_bar};
use crate::{format, icons, theme};

/// No queue lies on the bench.
pub fn no_queue(ui: &mut Ui, bench: &mut Bench) {
    let button = t!("labelling.to_queues");
    let pressed = empty_state(
        ui,
        icons::SCALES,
        &t!("labelling.no_queue"),
        &t!("labelling.no_queue_about"),
        Some((icons::QUEUE, &button)),
    );
    if pressed {
        bench.desks.label.page = LabelPage::Queues;
    }
}

/// A queue without an item to judge now.
pub fn no_item(ui: &mut Ui, bench: &mut Bench) {
    let Some(progress) = bench.desks.label.lot.as_ref().map(|lot| lot.progress) else {
        ui.add_space(48.0);
        ui.vertical_centered(|ui| ui.add(Label::new(theme::soft(ui, t!("labelling.being_laid"))).selectable(false)));
        return;
    };
    let count = |n: usize| format::count(n as u64);
    if progress.items == 0 {
        empty_state(ui, icons::QUEUE, &t!("labelling.no_items"), &t!("labelling.no_items_about"), None);
    } else if progress.answered < progress.items {
        let about = if bench.state.running() {
            t!("labelling.waiting_for_run")
        } else {
            t!("labelling.waiting_about", n = count(progress.answered), all = count(progress.items))
        };
        empty_state(ui, icons::HOURGLASS, &t!("labelling.waiting"), &about, None);
        ui.vertical_centered(|ui| {
            ui.set_max_width(320.0);
            let share = progress.answered as f32 / progress.items as f32;
            progress_bar(ui, &t!("labelling.waiting"), Some(share));
        });
    } else {
        done(ui, bench);
    }
}

fn done(ui: &mut Ui, bench: &mut Bench) {
    let Some((progress, card)) =
        bench.desks.label.lot.as_ref().map(|lot| lot.progress).zip(bench.desks.label.open_card())
    else {
        return;
    };
    let queue = card.id;
    let count = |n: usize| format::count(n as u64);
    let n = count(progress.labelled);
    let title = match card.settings.mode {
        luthier_engine::feedback::Mode::Pair => t!("labelling.done_pairs", n = n),
        luthier_engine::feedback::Mode::Single => t!("labelling.done_single", n = n),
        luthier_engine::feedback::Mode::Rank => t!("labelling.done_rank", n = n),
    };
    let about = t!("labelling.done_about", skipped = count(progress.skipped), flagged = count(progress.flagged));
    empty_state(ui, icons::SEAL_CHECK, &title, &about, None);
    let width = ui.available_width();
    let words = [t!("labelling.train_on"), t!("labelling.to_trust"), t!("labelling.to_queues")];
    let needed: f32 =
        words.iter().map(|word| word.chars().count() as f32 * if word.is_ascii() { 7.5 } else { 14.0 } + 56.0).sum();
    ui.allocate_ui_with_layout(vec2(width, 40.0), Layout::left_to_right(Align::Center).with_main_wrap(true), |ui| {
        ui.add_space(((width - needed) / 2.0).max(0.0));
        let [train, trust, queues] = words;
        if ui.add(Push::primary(train).icon(icons::GRADUATION_CAP).large()).clicked() {
            bench.train_on(queue);
        }
        if ui.add(Push::plain(trust).icon(icons::SEAL_CHECK).large()).clicked() {
            bench.desks.label.page = LabelPage::Review;
        }
        if ui.add(Push::plain(queues).icon(icons::QUEUE).large()).clicked() {
            bench.desks.label.page = LabelPage::Queues;
        }
    });
}
