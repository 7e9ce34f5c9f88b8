//! "Train on these": what the labels come to, what is proposed for them and why, and what becomes of ties and held-out
//! prompts.

use egui::accesskit::Role;
use egui::{FontId, Label, Rect, Sense, Ui, WidgetInfo, pos2, vec2};
use luthier_engine::feedback::{Balance, Ties};
use luthier_engine::recipe::Stage;

use crate::bench::Bench;
use crate::desks::{Counted, LEAST_PROMPTS, LessonDesk, STAGES, Start};
use crate::labels::QueueCard;
use crate::panels::method::because;
use crate::text::{say, t, try_say};
use crate::widgets::{
    Card, ChoiceCard, Fact, Notice, Push, Setting, choice_cards, elided, facts, problem_box, segmented,
};
use crate::{format, icons, theme};

const FACT: f32 = 120.0;

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    let Some(mut lesson) = bench.desks.label.rounds.lesson.take() else { return };
    let Some(card) = bench.desks.label.card(lesson.queue).cloned() else { return };
    let writing = bench.desks.label.rounds.writing();
    let (mut back, mut write) = (false, false);
    if let Some(problem) = &bench.desks.label.problem {
        let heading = try_say(&format!("problem.{}", problem.code)).unwrap_or_else(|| say("problem.internal"));
        problem_box(ui, &heading, &problem.message, None);
    }
    Card::new(t!("rounds.lesson"))
        .about(t!("rounds.lesson_about", name = card.name))
        .icon(icons::GRADUATION_CAP)
        .show_with(
            ui,
            |ui| back = ui.add(Push::quiet(t!("rounds.back")).icon(icons::ARROW_LEFT).small()).clicked(),
            |ui| {
                let Some(counted) = lesson.count().cloned() else {
                    ui.label(theme::soft(ui, t!("rounds.reading")));
                    return;
                };
                numbers(ui, &counted, &card);
                why(ui, &counted);
                stages(ui, &mut lesson, &counted);
                settings(ui, &mut lesson, &counted, &card);
                begins(ui, bench, &card);
                ui.add_space(4.0);
                ui.horizontal_wrapped(|ui| {
                    let serves = lesson.chosen().is_some_and(|stage| lesson.serves(stage)) && !writing;
                    let push = Push::primary(t!("rounds.write")).icon(icons::FLOPPY_DISK);
                    write = ui.add_enabled(serves, push).clicked();
                    if writing || lesson.is_counting() {
                        ui.label(theme::soft(ui, if writing { t!("rounds.writing") } else { t!("rounds.reading") }));
                    }
                });
            },
        );
    if writing || lesson.is_counting() {
        // What is worked out beside tells nobody when it is done.
        ui.ctx().request_repaint_after(std::time::Duration::from_millis(100));
    }
    bench.desks.label.rounds.lesson = Some(lesson);
    if back {
        bench.close_lesson();
    } else if write {
        bench.write_lesson();
    }
}

fn numbers(ui: &mut Ui, counted: &Counted, card: &QueueCard) {
    let n = |n: usize| format::count(n as u64);
    let labels = &counted.labels;
    let mut list =
        vec![Fact::new(t!("rounds.labels"), t!("rounds.labels_of", n = n(card.labelled), all = n(card.items)))];
    if labels.decided + labels.ties + labels.both > 0 {
        list.push(Fact::new(t!("rounds.decided"), n(labels.decided)));
        list.push(Fact::new(t!("rounds.ties"), n(labels.ties)));
        list.push(Fact::new(t!("rounds.both"), n(labels.both)));
    }
    facts(ui, FACT, list);
    balance(ui, labels.marks);
    if counted.disagreed > 0 {
        Notice::warn(t!("rounds.disagree", n = n(counted.disagreed))).show(ui);
    }
}

/// Good against bad as two parts of one bar, each with its word and number.
fn balance(ui: &mut Ui, balance: Balance) {
    let all = balance.liked + balance.disliked;
    if all == 0 {
        return;
    }
    let p = theme::palette(ui);
    let words = [
        t!("rounds.good", n = format::count(balance.liked as u64)),
        t!("rounds.bad", n = format::count(balance.disliked as u64)),
    ];
    let caption = t!("rounds.balance");
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, 46.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{caption}: {}, {}", words[0], words[1])));
    let painter = ui.painter();
    let caption = elided(ui, &caption, FontId::proportional(12.0), p.ink_soft, width);
    painter.galley(rect.min, caption, p.ink_soft);
    let bar = Rect::from_min_max(pos2(rect.left(), rect.top() + 19.0), rect.max);
    // Both words stay readable where one side has next to nothing.
    let share = (balance.liked as f32 / all as f32).clamp(0.12, 0.88);
    let (good, bad) = bar.split_left_right_at_fraction(share);
    let good = good.with_max_x(good.right() - 1.0);
    let bad = bad.with_min_x(bad.left() + 1.0);
    for (part, ground, ink, icon, word) in [
        (good, p.good_soft, p.good, icons::THUMBS_UP, &words[0]),
        (bad, p.bad_soft, p.bad, icons::THUMBS_DOWN, &words[1]),
    ] {
        painter.rect_filled(part, 4, ground);
        let at = pos2(part.left() + 8.0, part.center().y);
        painter.text(at, egui::Align2::LEFT_CENTER, icon, icons::regular(15.0), ink);
        let text = elided(ui, word, FontId::proportional(12.0), ink, part.width() - 34.0);
        painter.galley(pos2(at.x + 20.0, at.y - text.size().y / 2.0), text, ink);
    }
}

fn why(ui: &mut Ui, counted: &Counted) {
    let lesson = &counted.lesson;
    let stage = say(&format!("stage.{}", lesson.stage));
    let text = t!("rounds.proposed_is", stage = stage, reason = because(&lesson.reason));
    Notice::info(text).show(ui);
}

fn stages(ui: &mut Ui, lesson: &mut LessonDesk, counted: &Counted) {
    let Some(mut chosen) = lesson.chosen() else { return };
    let card = |stage: Stage| {
        let (icon, about) = match stage {
            Stage::Kto => (icons::THUMBS_UP, t!("rounds.kto_about")),
            Stage::Rm => (icons::RULER, t!("rounds.rm_about")),
            _ => (icons::SCALES, t!("rounds.dpo_about")),
        };
        let marks = stage == Stage::Kto;
        let rows = if marks { counted.marks.0 + counted.marks.1 } else { counted.pairs.0 + counted.pairs.1 };
        let n = format::count(rows as u64);
        let rows_word = if marks { t!("rounds.mark_rows", n = n) } else { t!("rounds.pair_rows", n = n) };
        let proposed = stage == counted.lesson.stage;
        let cost = if proposed { format!("{} · {rows_word}", t!("rounds.proposed")) } else { rows_word };
        let none = || if marks { t!("rounds.no_marks") } else { t!("rounds.no_pairs") };
        let name = say(&format!("stage.{stage}"));
        ChoiceCard { value: stage, icon, name, about, cost, refused: (rows == 0).then(none), formula: None }
    };
    let cards = STAGES.map(card);
    if choice_cards(ui, &mut chosen, 3, &cards) {
        lesson.stage = Some(chosen);
    }
    if chosen == Stage::Kto {
        match counted.lesson.weights {
            Some((good, bad)) if (good, bad) != (1.0, 1.0) => {
                let (good, bad) = (format::setting(good), format::setting(bad));
                ui.add(Label::new(theme::soft(ui, t!("rounds.weights", good = good, bad = bad))).wrap());
            }
            Some(_) => {}
            None => Notice::warn(t!("rounds.one_sided")).show(ui),
        }
    }
}

fn settings(ui: &mut Ui, lesson: &mut LessonDesk, counted: &Counted, card: &QueueCard) {
    let chosen = lesson.chosen();
    if chosen != Some(Stage::Kto) && counted.labels.ties > 0 {
        let options = [(Ties::LeaveOut, t!("rounds.ties_out")), (Ties::Split, t!("rounds.ties_split"))];
        Setting::new("labels_ties").show(ui, |ui| {
            segmented(ui, &mut lesson.ties, &options);
        });
    }
    if counted.prompts < LEAST_PROMPTS {
        ui.add(Label::new(theme::soft(ui, t!("rounds.few_prompts"))).wrap());
    } else {
        let shares = [0.0, 0.1, 0.2];
        let word = |share: f64| match share {
            0.0 => t!("rounds.none_held"),
            share => t!("rounds.percent", n = (share * 100.0).round()),
        };
        let options = shares.map(|share| (share, word(share)));
        Setting::new("labels_held_out").show(ui, |ui| {
            segmented(ui, &mut lesson.held_out, &options);
        });
    }
    let (train, eval) = if chosen == Some(Stage::Kto) { counted.marks } else { counted.pairs };
    let n = |n: usize| format::count(n as u64);
    ui.add(Label::new(theme::soft(ui, t!("rounds.rows", train = n(train), eval = n(eval)))).wrap());
    if chosen != Some(Stage::Kto) && counted.same_text > 0 {
        let text = t!("rounds.same_text", n = n(counted.same_text));
        ui.add(Label::new(theme::soft(ui, text)).wrap());
    }
    if card.settings.only_held_out {
        Notice::warn(t!("rounds.held_before")).show(ui);
    }
}

/// The model that the training starts from, and why.
fn begins(ui: &mut Ui, bench: &Bench, card: &QueueCard) {
    let text = match bench.lesson_start(card.id) {
        None => t!("rounds.starts_loaded"),
        Some(Start { author, preferred, merges }) => {
            let name = author.name.as_str();
            let first = if preferred {
                t!("rounds.starts_preferred", name = name)
            } else {
                t!("rounds.starts_base", name = name)
            };
            // Chinese sentences follow each other without a space.
            let space = if crate::text::spoken() == crate::text::Language::English { " " } else { "" };
            match author.adapter {
                None => first,
                Some(_) if merges => first + space + &t!("rounds.starts_merged"),
                Some(_) => first + space + &t!("rounds.starts_adapter"),
            }
        }
    };
    ui.add(Label::new(theme::soft(ui, text)).wrap());
}
