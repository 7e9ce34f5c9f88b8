//! A new queue as it is put together: how it is judged, the prompts, who answers, and a sentence that says what will
//! come of it.

use egui::{Label, TextEdit, Ui, vec2};
use luthier_engine::feedback::Mode;

use super::{models, prompts, words};
use crate::bench::Bench;
use crate::desks::{Plan, PromptsFrom, QueueDraft};
use crate::format;
use crate::icons;
use crate::labels::{Again, ItemOrder};
use crate::text::t;
use crate::theme::{self, CONTROL};
use crate::widgets::{Card, ChoiceCard, Notice, Push, Setting, choice_cards, columns, dropdown, number};

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    ui.label(theme::heading(t!("making.new_title")));
    mode(ui, bench);
    if ui.available_width() > 860.0 {
        columns(ui, 2, |ui, side| {
            if side == 0 {
                prompts::ui(ui, bench);
            } else {
                answers(ui, bench);
                order(ui, bench);
            }
        });
    } else {
        prompts::ui(ui, bench);
        answers(ui, bench);
        order(ui, bench);
    }
    foot(ui, bench);
}

fn mode(ui: &mut Ui, bench: &mut Bench) {
    let card = |mode: Mode, about: String, cost: String| ChoiceCard {
        value: mode,
        icon: words::mode_icon(mode),
        name: words::mode_name(mode),
        about,
        cost,
        refused: None,
        formula: None,
    };
    let cards = [
        card(Mode::Pair, t!("making.pair_about"), t!("making.pair_trains")),
        card(Mode::Single, t!("making.single_about"), t!("making.single_trains")),
        card(Mode::Rank, t!("making.rank_about"), t!("making.rank_trains")),
    ];
    if choice_cards(ui, &mut bench.desks.label.making.draft.mode, 3, &cards) {
        bench.fill_voices();
    }
}

fn answers(ui: &mut Ui, bench: &mut Bench) {
    if bench.desks.label.making.draft.from != PromptsFrom::Answered {
        models::ui(ui, bench);
    }
}

fn order(ui: &mut Ui, bench: &mut Bench) {
    let file = bench.prompts_file();
    let draft = &mut bench.desks.label.making.draft;
    let usual = QueueDraft::default();
    Card::new(t!("making.how")).icon(icons::LIST_NUMBERS).show(ui, |ui| {
        let orders = [
            (ItemOrder::AsTheyCome, t!("making.as_they_come")),
            (ItemOrder::Random, t!("making.random")),
            (ItemOrder::LeastSure, t!("making.least_sure")),
        ];
        let named = |order: ItemOrder| orders.iter().find(|(o, _)| *o == order).map(|(_, n)| n.clone());
        let changed = draft.order != usual.order;
        if Setting::new("queue_order").changed(changed, named(usual.order).unwrap_or_default()).show(ui, |ui| {
            dropdown(ui, "queue order", 150.0, &mut draft.order, &orders);
        }) {
            draft.order = usual.order;
        }
        let mut percent = (draft.again_share * 100.0).round() as u32;
        let back = Setting::new("queue_again").changed(percent != 10, "10").show(ui, |ui| {
            number(ui, &mut percent, 0..=50, 0.2);
        });
        draft.again_share = f64::from(if back { 10 } else { percent.min(50) }) / 100.0;
        if draft.again_share > 0.0 {
            let by = [
                (Again::Anyone, t!("making.by_anyone")),
                (Again::SamePerson, t!("making.by_same")),
                (Again::OtherPerson, t!("making.by_other")),
            ];
            let changed = draft.again_by != usual.again_by;
            if Setting::new("queue_again_by").changed(changed, t!("making.by_anyone")).show(ui, |ui| {
                dropdown(ui, "again by", 150.0, &mut draft.again_by, &by);
            }) {
                draft.again_by = usual.again_by;
            }
        }
        if Setting::new("queue_tags").changed(draft.tags != usual.tags, usual.tags.join(", ")).show(ui, |ui| {
            crate::widgets::words(ui, "queue tags", 240.0, &mut draft.tags);
        }) {
            draft.tags.clone_from(&usual.tags);
        }
        let own = draft.own_name(file.as_deref());
        if Setting::new("queue_name").changed(!draft.name.trim().is_empty(), &own).show(ui, |ui| {
            let edit = TextEdit::singleline(&mut draft.name).desired_width(200.0).hint_text(own.clone());
            ui.add(edit.min_size(vec2(0.0, CONTROL))).accessible_name(t!("field.queue_name.label"));
        }) {
            draft.name.clear();
        }
    });
}

/// What will happen, and the button that makes it happen.
fn foot(ui: &mut Ui, bench: &mut Bench) {
    let plan = bench.queue_plan();
    let ready = bench.can_make_queue();
    match (&plan, ready) {
        (_, true) => Notice::info(sentence(bench, plan.as_ref())).show(ui),
        (_, false) => {
            ui.add(Label::new(theme::soft(ui, missing(bench, plan.as_ref()))).wrap());
        }
    }
    ui.horizontal(|ui| {
        let make = Push::primary(t!("making.make")).icon(icons::CHECK).large();
        if ui.add_enabled(ready, make).clicked() {
            bench.make_queue();
        }
        if ui.add(Push::quiet(t!("making.close")).large()).clicked() {
            bench.close_making();
        }
    });
    ui.add_space(8.0);
}

fn missing(bench: &Bench, plan: Option<&Plan>) -> String {
    match (bench.desks.label.making.draft.from, plan) {
        _ if bench.desks.label.making.is_reading() => t!("making.reading"),
        (PromptsFrom::Answered, _) => t!("making.needs_file"),
        (_, Some(plan)) if plan.prompts > 0 => t!("making.needs_model"),
        _ => t!("making.needs_prompts"),
    }
}

/// "120 prompts, two answers each from SmolLM2-135M at temperature 0.7 and 1: about 240 answers to generate."
fn sentence(bench: &Bench, plan: Option<&Plan>) -> String {
    let Some(plan) = plan else {
        let file = bench.prompts_file().map(|path| format::short_path(&path)).unwrap_or_default();
        return t!("making.sentence_answered", file = file);
    };
    let authors = bench.drafted_authors();
    let who = words::who(&authors);
    let prompts = format::count(plan.prompts as u64);
    let answers = format::count(plan.answers as u64);
    match authors.len() {
        1 => t!("making.sentence_one", prompts = prompts, who = who, answers = answers),
        n => t!("making.sentence", prompts = prompts, n = n, who = who, answers = answers),
    }
}
