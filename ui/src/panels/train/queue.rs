//! Runs that wait behind the one that goes on.

use egui::accesskit::Role;
use egui::{Align, CornerRadius, Label, Layout, Sense, Ui, WidgetInfo, vec2};

use crate::bench::Bench;
use crate::desks::{Held, Queued};
use crate::panels::method;
use crate::text::t;
use crate::widgets::{Card, IconButton, Notice, Push};
use crate::{format, icons, theme};

pub(super) enum Act {
    Add,
    Hold,
    GoOn,
    Move(usize, usize),
    Remove(usize),
    Edit(usize),
    PutBack,
}

impl Act {
    pub(super) fn take(self, bench: &mut Bench) {
        match self {
            Self::Add => bench.add_to_queue(),
            Self::Hold => bench.hold_queue(),
            Self::GoOn => bench.queue_goes_on(),
            Self::Move(from, to) => bench.move_queued(from, to),
            Self::Remove(at) => bench.remove_queued(at),
            Self::Edit(at) => bench.edit_queued(at),
            Self::PutBack => bench.put_back_queued(),
        }
    }
}

/// While nothing waits, a button is enough.
pub(super) fn first(ui: &mut Ui, bench: &Bench) -> Option<Act> {
    let empty = bench.desks.queue.waiting.is_empty() && !bench.desks.queue.can_put_back();
    let add = Push::plain(t!("queue.add")).icon(icons::PLUS).small();
    let pressed = empty && bench.can_add_to_queue() && ui.add(add).on_hover_text(t!("queue.add_hint")).clicked();
    pressed.then_some(Act::Add)
}

/// The card; nothing where nothing waits.
pub(super) fn ui(ui: &mut Ui, bench: &Bench) -> Option<Act> {
    let queue = &bench.desks.queue;
    let can_add = bench.can_add_to_queue();
    if queue.waiting.is_empty() && !queue.can_put_back() {
        return None;
    }
    let mut act = None;
    let title = if queue.waiting.is_empty() { t!("queue.title") } else { t!("queue.title_n", n = queue.waiting.len()) };
    let actions = |ui: &mut Ui| {
        if !queue.waiting.is_empty() {
            let (word, icon, done) = match queue.held {
                None => (t!("queue.hold"), icons::PAUSE, Act::Hold),
                Some(_) => (t!("queue.go_on"), icons::SKIP_FORWARD, Act::GoOn),
            };
            if ui.add(Push::plain(word).icon(icon).small()).clicked() {
                act = Some(done);
            }
        }
        if can_add {
            let add = Push::plain(t!("queue.add")).icon(icons::PLUS).small();
            if ui.add(add).on_hover_text(t!("queue.add_hint")).clicked() {
                act = Some(Act::Add);
            }
        }
        if queue.can_put_back() {
            let back = Push::quiet(t!("queue.put_back")).icon(icons::ARROW_U_UP_LEFT).small();
            if ui.add(back).clicked() {
                act = Some(Act::PutBack);
            }
        }
    };
    let mut done = None;
    Card::new(title).icon(icons::QUEUE).about(t!("queue.about")).show_with(ui, actions, |ui| {
        if let (Some(held), false) = (queue.held, queue.waiting.is_empty()) {
            Notice::warn(match held {
                Held::ByThePerson => t!("queue.held"),
                Held::RunStopped => t!("queue.held_by_stop"),
                Held::Restored => t!("queue.held_restored"),
            })
            .show(ui);
        }
        ui.spacing_mut().item_spacing.y = 4.0;
        for (at, queued) in queue.waiting.iter().enumerate() {
            done = row(ui, at, queue.waiting.len(), queued).or(done.take());
        }
    });
    done.or(act)
}

fn row(ui: &mut Ui, at: usize, n: usize, queued: &Queued) -> Option<Act> {
    let p = theme::palette(ui);
    let mut act = None;
    let frame = egui::Frame::new()
        .fill(p.inset)
        .corner_radius(CornerRadius::same(theme::RADIUS))
        .inner_margin(egui::Margin::symmetric(10, 4));
    frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            let (place, response) = ui.allocate_exact_size(vec2(20.0, 20.0), Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, t!("queue.place", n = at + 1)));
            let number = (at + 1).to_string();
            let centre = egui::Align2::CENTER_CENTER;
            ui.painter().text(place.center(), centre, number, egui::FontId::proportional(12.0), p.ink_soft);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 2.0;
                let name = &queued.id;
                let mut button = |on: bool, icon: char, word: String, done: Act| {
                    if ui.add_enabled(on, IconButton::new(icon, word)).clicked() {
                        act = Some(done);
                    }
                };
                button(true, icons::TRASH, t!("queue.remove", name = name), Act::Remove(at));
                button(true, icons::PENCIL_SIMPLE, t!("queue.edit", name = name), Act::Edit(at));
                let later = Act::Move(at, at + 1);
                button(at + 1 < n, icons::CARET_DOWN, t!("queue.later", name = name), later);
                let sooner = Act::Move(at, at.saturating_sub(1));
                button(at > 0, icons::CARET_UP, t!("queue.sooner", name = name), sooner);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.add(Label::new(line(queued)).truncate());
                });
            });
        });
    });
    act
}

/// What it will be: model, method, rate, data; in a sweep what that varies.
fn line(queued: &Queued) -> String {
    let recipe = &queued.recipe;
    let data = recipe.dataset.iter().map(|name| format::short_path(std::path::Path::new(name)));
    let mut parts = vec![
        format::short_path(&recipe.model_name_or_path),
        method::short_name(recipe),
        t!("queue.rate", rate = format::rate(recipe.learning_rate)),
        data.collect::<Vec<_>>().join(" + "),
    ];
    if let Some((name, values)) = &queued.sweep {
        parts.insert(0, format!("{name}: {values}"));
    }
    parts.join(" · ")
}
