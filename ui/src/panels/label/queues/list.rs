//! The queues that there are, newest first: how far each is, what its answers are doing, and what can be done with it.

use egui::{Align, Label, Layout, Sense, TextEdit, Ui, vec2};

use super::{bar, words};
use crate::bench::Bench;
use crate::desks::{Ahead, LabelPage};
use crate::labels::QueueCard;
use crate::text::t;
use crate::theme::{self, CONTROL};
use crate::widgets::{IconButton, Push, board, icon_label, problem_box, tag};
use crate::{format, icons};

/// What a person wants of a queue.
enum Wish {
    Open,
    Rename,
    Archive,
    BringBack,
    Trust,
    Train,
    Export,
    Pause,
    GoOn,
}

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    let archived = bench.desks.label.making.show_archived;
    // Cards are cloned for the frame: they are few, and what is done with one changes the list.
    let cards: Vec<QueueCard> =
        bench.desks.label.cards.iter().filter(|card| archived || !card.archived).cloned().collect();
    if cards.is_empty() && !bench.desks.label.cards.is_empty() {
        ui.label(theme::soft(ui, t!("making.all_archived")));
    }
    for card in cards {
        let wish = ui.push_id(card.id, |ui| board(ui, |ui| one(ui, bench, &card))).inner;
        match wish {
            Some(Wish::Open) => bench.open_queue(card.id),
            Some(Wish::Rename) => bench.begin_rename(card.id),
            Some(Wish::Archive) => bench.archive_queue(card.id),
            Some(Wish::BringBack) => bench.unarchive_queue(card.id),
            Some(Wish::Trust) => {
                bench.open_queue(card.id);
                bench.desks.label.page = LabelPage::Review;
            }
            Some(Wish::Train) => bench.train_on(card.id),
            Some(Wish::Export) => bench.begin_export(card.id),
            Some(Wish::Pause) => bench.pause_ahead(card.id),
            Some(Wish::GoOn) => bench.resume_ahead(card.id),
            None => {}
        }
    }
}

fn one(ui: &mut Ui, bench: &mut Bench, card: &QueueCard) -> Option<Wish> {
    let mut wish = None;
    ui.allocate_ui_with_layout(vec2(ui.available_width(), CONTROL), Layout::right_to_left(Align::Center), |ui| {
        wish = actions(ui, bench, card);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| wish = title(ui, bench, card).or(wish.take()));
    });
    ui.add(Label::new(theme::soft(ui, words::source(card))).truncate());
    bar::bar(ui, card);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(14.0, 4.0);
        bar::legend(ui, card);
        let mut more = Vec::new();
        if card.flagged > 0 {
            more.push(t!("making.flagged", n = card.flagged));
        }
        if card.skipped > 0 {
            more.push(t!("making.skipped", n = card.skipped));
        }
        let touched = card.last_unix_ms.unwrap_or(card.made_unix_ms) / 1000;
        more.push(match card.last_unix_ms {
            Some(_) => t!("making.touched", when = format::date_time(touched)),
            None => t!("making.made", when = format::date_time(touched)),
        });
        for text in more {
            ui.add(Label::new(theme::soft(ui, text)).selectable(false).extend());
        }
    });
    let wish = state(ui, bench, card).or(wish);
    uses(ui, card).or(wish)
}

/// Icon, name and what it is. The name opens the queue; while it is changed it is a field.
fn title(ui: &mut Ui, bench: &mut Bench, card: &QueueCard) -> Option<Wish> {
    let p = theme::palette(ui);
    icon_label(ui, words::mode_icon(card.settings.mode), 20.0, p.varnish);
    if bench.desks.label.making.renaming.as_ref().is_some_and(|(queue, ..)| *queue == card.id) {
        rename(ui, bench);
        return None;
    }
    // What stands behind the name keeps its room.
    let tags = 84.0 + if card.settings.round > 1 { 76.0 } else { 0.0 } + if card.archived { 76.0 } else { 0.0 };
    let width = (ui.available_width() - tags).max(60.0);
    let galley = crate::widgets::elided(ui, &card.name, name_font(&card.name), p.ink, width);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(0.0, 6.0), Sense::click());
    let name = t!("making.open_named", name = card.name);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, &name));
    let ink = if response.hovered() { p.varnish } else { p.ink };
    ui.painter().galley_with_override_text_color(rect.min + vec2(0.0, 3.0), galley, ink);
    let response = response.on_hover_cursor(egui::CursorIcon::PointingHand).on_hover_text(&card.name);
    tag(ui, &words::mode_name(card.settings.mode), p.ink_soft, p.raised);
    if card.settings.round > 1 {
        tag(ui, &t!("making.round", n = card.settings.round), p.string, p.string_soft);
    }
    if card.archived {
        tag(ui, &t!("making.archived"), p.ink_soft, p.raised);
    }
    response.clicked().then_some(Wish::Open)
}

fn name_font(name: &str) -> egui::FontId {
    match name.chars().all(|c| c < '\u{2E80}') {
        true => theme::strong_font(15.0),
        false => egui::FontId::proportional(15.0),
    }
}

fn rename(ui: &mut Ui, bench: &mut Bench) {
    let Some((_, name, focused)) = &mut bench.desks.label.making.renaming else { return };
    let width = (ui.available_width() - 8.0).clamp(80.0, 360.0);
    let edit = ui.add(TextEdit::singleline(name).desired_width(width)).accessible_name(t!("making.new_name"));
    if !std::mem::replace(focused, true) {
        edit.request_focus();
    }
    if edit.lost_focus() {
        match ui.input(|i| i.key_pressed(egui::Key::Escape)) {
            true => bench.desks.label.making.renaming = None,
            false => bench.rename_queue(),
        }
    }
}

/// From the right.
fn actions(ui: &mut Ui, bench: &Bench, card: &QueueCard) -> Option<Wish> {
    let mut wish = None;
    ui.spacing_mut().item_spacing.x = 4.0;
    let word = if card.labelled == 0 { t!("making.open_first") } else { t!("making.open") };
    if card.archived {
        let back = Push::plain(t!("making.bring_back")).name(t!("making.bring_back_named", name = card.name));
        if ui.add(back.icon(icons::ARROW_U_UP_LEFT)).clicked() {
            wish = Some(Wish::BringBack);
        }
        return wish;
    }
    let open = Push::plain(word.clone()).name(t!("making.word_named", word = word, name = card.name));
    if ui.add(open.icon(icons::ARROW_RIGHT).selected(bench.desks.label.open == Some(card.id))).clicked() {
        wish = Some(Wish::Open);
    }
    let buttons = [
        (icons::ARCHIVE, t!("making.archive_named", name = card.name), Wish::Archive),
        (icons::PENCIL_SIMPLE, t!("making.rename_named", name = card.name), Wish::Rename),
    ];
    for (icon, name, what) in buttons {
        if ui.add(IconButton::new(icon, name)).clicked() {
            wish = Some(what);
        }
    }
    wish
}

/// What the labels are good for.
fn uses(ui: &mut Ui, card: &QueueCard) -> Option<Wish> {
    let mut wish = None;
    if card.labelled == 0 {
        return wish;
    }
    let buttons = [
        (icons::GRADUATION_CAP, t!("making.train"), Wish::Train),
        (icons::SEAL_CHECK, t!("making.trust"), Wish::Trust),
        (icons::EXPORT, t!("making.export"), Wish::Export),
    ];
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 4.0);
        for (icon, word, what) in buttons {
            let name = t!("making.word_named", word = word, name = card.name);
            if ui.add(Push::plain(word).icon(icon).small().name(name)).clicked() {
                wish = Some(what);
            }
        }
    });
    wish
}

/// What generating ahead is doing, with the hand on it.
fn state(ui: &mut Ui, bench: &mut Bench, card: &QueueCard) -> Option<Wish> {
    if card.archived {
        return None;
    }
    let mut wish = None;
    let state = bench.ahead_of(card);
    let left = bench.desks.label.ahead.left_secs(card);
    if let Ahead::Failed(problem) = &state {
        problem_box(ui, &t!("making.failed"), &problem.message, Some(&t!("making.failed_remedy")));
    }
    if let Some(words) = words::ahead(&state, left) {
        let height = 26.0;
        let size = vec2(ui.available_width(), height);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            let p = theme::palette(ui);
            let (icon, ink) = match &state {
                Ahead::Generating | Ahead::Scoring => (icons::HOURGLASS, p.varnish),
                Ahead::Waiting(_) => (icons::CLOCK, p.ink_soft),
                Ahead::Failed(_) => (icons::WARNING_CIRCLE, p.bad),
                _ => (icons::PAUSE, p.ink_soft),
            };
            icon_label(ui, icon, 16.0, ink);
            let runs = matches!(state, Ahead::Generating | Ahead::Scoring | Ahead::Waiting(_));
            let (icon, word, what) = match (runs, &state) {
                (true, _) => (icons::PAUSE, t!("making.pause"), Wish::Pause),
                (_, Ahead::Failed(_)) => (icons::ARROWS_CLOCKWISE, t!("making.try_again"), Wish::GoOn),
                (_, Ahead::Paused) => (icons::PLAY, t!("making.go_on"), Wish::GoOn),
                _ => (icons::PLAY, t!("making.generate"), Wish::GoOn),
            };
            if !matches!(state, Ahead::Failed(_)) {
                let room = ui.available_width() - 130.0;
                ui.scope(|ui| {
                    ui.set_max_width(room.max(80.0));
                    ui.add(Label::new(theme::soft(ui, words)).truncate());
                });
            }
            let button = Push::quiet(word.clone()).icon(icon).small();
            if ui.add(button.name(t!("making.word_named", word = word, name = card.name))).clicked() {
                wish = Some(what);
            }
        });
    }
    if let Some((n, reason)) = bench.desks.label.ahead.hopeless(card.id) {
        let text = t!("making.hopeless", n = n, reason = reason);
        ui.add(Label::new(theme::small(text).color(theme::palette(ui).warn)).wrap());
    }
    wish
}
