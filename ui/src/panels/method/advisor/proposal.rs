//! The proposal: what the estimate says of it, and each choice with its value and the rule behind it.

use egui::{Label, Ui, vec2};
use luthier_engine::advice::{Choice, Station, What};
use luthier_engine::recipe::Stage;

use super::{effect, words};
use crate::bench::Bench;
use crate::desks::Advice;
use crate::dialogs::Ask;
use crate::text::{say, t};
use crate::widgets::{Card, Fact, IconButton, Notice, Push, facts, hairline, icon_label, tag};
use crate::{format, icons, theme};

/// Rows of a first run.
const TRIAL_ROWS: usize = 2_000;

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench, advice: &Advice) {
    let in_use = advice.in_use();
    let (mut take, mut undo) = (false, false);
    let can_undo = bench.can_undo_proposal();
    let head = Card::new(t!("advisor.proposal")).about(t!("advisor.proposal_about")).icon(icons::MAGIC_WAND);
    head.show_with(
        ui,
        |ui| {
            let p = theme::palette(ui);
            if in_use {
                tag(ui, &t!("advisor.in_use"), p.good, p.good_soft);
            } else {
                take = ui.add(Push::primary(t!("advisor.use")).icon(icons::CHECK)).clicked();
            }
            if can_undo {
                undo = ui.add(Push::quiet(t!("advisor.undo")).icon(icons::ARROW_U_UP_LEFT)).clicked();
            }
        },
        |ui| {
            estimates(ui, bench, advice);
            for choice in &advice.proposal.choices {
                hairline(ui);
                row(ui, bench, advice, choice);
            }
            others(ui, bench, advice);
        },
    );
    next(ui, bench, advice);
    if take {
        bench.take_proposal();
    }
    if undo {
        bench.undo_proposal();
    }
}

fn estimates(ui: &mut Ui, bench: &mut Bench, advice: &Advice) {
    let has = advice.situation.machine.memory_bytes;
    let Some(estimate) = &advice.proposal.estimate else { return };
    effect::memory_bar(ui, &t!("advisor.memory_proposal"), estimate.peak_bytes(), has);
    if bench.desks.advisor.taken
        && !advice.in_use()
        && let Some(form) = &advice.form_estimate
    {
        effect::memory_bar(ui, &t!("advisor.memory_form"), form.peak_bytes(), has);
        ui.add(Label::new(theme::soft(ui, t!("advisor.form_moves", what = effect::moved(estimate, form)))).wrap());
    }
    let time = format::duration(estimate.total_secs);
    facts(
        ui,
        112.0,
        vec![
            Fact::new(t!("advisor.time"), format!("≈ {time}")),
            Fact::new(t!("advisor.steps"), format::count(estimate.total_steps as u64)),
            Fact::new(t!("advisor.learns"), effect::share(estimate)),
        ],
    );
    if !advice.proposal.fits {
        Notice::bad(t!("advisor.nothing_fits")).show(ui);
    }
    if let Some(bigger) = &advice.proposal.bigger {
        let text =
            say(&format!("because.{}", bigger.rule.word())).replace("%{peak}", &format::bytes(bigger.peak_bytes));
        let mut taken = false;
        Notice::info(text).show_with(ui, |ui| {
            let button = Push::plain(t!("advisor.use_bigger")).small().icon(icons::ARROWS_OUT_LINE_HORIZONTAL);
            taken = ui.add(button).clicked();
        });
        if taken {
            bench.take_advice(&bigger.recipe);
        }
    }
}

/// What, its value, and why; where the form has something else, what that does.
fn row(ui: &mut Ui, bench: &mut Bench, advice: &Advice, choice: &Choice) {
    let what = choice.what;
    let recipe = &advice.proposal.recipe;
    let name = words::name(what);
    let value = words::value(what, recipe, &advice.situation.config);
    let width = ui.available_width();
    let beside = width >= 460.0;
    let left = if beside { (width * 0.34).round() } else { width - 40.0 };
    let reasons: Vec<String> = choice.reasons.iter().map(words::because).collect();
    let mut asked = false;
    let mut help = |ui: &mut Ui| {
        asked = ui.add(IconButton::new(icons::QUESTION, t!("field_row.help", label = name)).size(22.0)).clicked();
    };
    let head = |ui: &mut Ui| {
        let p = theme::palette(ui);
        ui.horizontal_top(|ui| {
            icon_label(ui, words::icon(what), 18.0, p.varnish);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                ui.add(Label::new(theme::soft(ui, &name)).truncate());
                ui.add(Label::new(theme::strong(&value)).wrap());
            });
        });
    };
    let why = |ui: &mut Ui| {
        ui.spacing_mut().item_spacing.y = 3.0;
        for (i, reason) in reasons.iter().enumerate() {
            let text = if i == 0 { theme::small(reason) } else { theme::soft(ui, reason) };
            ui.add(Label::new(text).wrap());
        }
    };
    ui.horizontal_top(|ui| {
        let part = |ui: &mut Ui, width: f32, body: &dyn Fn(&mut Ui)| {
            ui.allocate_ui_with_layout(vec2(width, 0.0), egui::Layout::top_down(egui::Align::Min), |ui| {
                ui.set_width(width);
                body(ui);
            });
        };
        part(ui, left, &head);
        if beside {
            part(ui, width - left - 46.0, &why);
        }
        help(ui);
    });
    if !beside {
        why(ui);
    }
    if asked {
        bench.open_guide(words::page(what, recipe));
    }
    act(ui, bench, what);
    changed(ui, bench, advice, what, &name);
}

/// What can be done about a row at once.
fn act(ui: &mut Ui, bench: &mut Bench, what: What) {
    let ask = match what {
        What::Replay if bench.state.recipe.replay_dataset.is_empty() => Ask::ReplayFile,
        What::Check if bench.state.recipe.forgetting_dataset.is_empty() => Ask::ForgettingFile,
        What::Trial => return trial(ui, bench),
        _ => return,
    };
    let name = words::name(what);
    let button = Push::plain(t!("advisor.choose_file")).icon(icons::FOLDER_OPEN).small();
    if ui.add(button.name(t!("advisor.choose_file_for", what = name))).clicked() {
        bench.dialogs.ask(ask);
    }
}

fn trial(ui: &mut Ui, bench: &mut Bench) {
    let rows = &mut bench.state.recipe.max_samples;
    let (word, icon, other) = match rows {
        None => (t!("advisor.try_some", n = format::count(TRIAL_ROWS as u64)), icons::FLASK, Some(TRIAL_ROWS)),
        Some(_) => (t!("advisor.take_all"), icons::ROWS, None),
    };
    if ui.add(Push::plain(word).icon(icon).small()).clicked() {
        *rows = other;
    }
}

/// Once a proposal was taken: what the form has in this row instead, and what that does.
fn changed(ui: &mut Ui, bench: &mut Bench, advice: &Advice, what: What, name: &str) {
    if !bench.desks.advisor.taken {
        return;
    }
    let Some(difference) = advice.difference(what) else { return };
    let p = theme::palette(ui);
    let now = words::value(what, &bench.state.recipe, &advice.situation.config);
    let effect = match (&advice.proposal.estimate, &difference.estimate) {
        (Some(from), Some(to)) => effect::moved(from, to),
        _ => t!("advisor.unknown_effect"),
    };
    let mut back = false;
    ui.horizontal_top(|ui| {
        icon_label(ui, icons::PENCIL_SIMPLE, 16.0, p.string);
        let width = ui.available_width() - 40.0;
        ui.allocate_ui_with_layout(vec2(width, 0.0), egui::Layout::top_down(egui::Align::Min), |ui| {
            let text = t!("advisor.form_has", value = now, effect = effect);
            ui.add(Label::new(theme::small(text).color(p.string)).wrap());
        });
        let name = t!("advisor.row_back", what = name);
        back = ui.add(IconButton::new(icons::ARROW_COUNTER_CLOCKWISE, name).size(24.0)).clicked();
    });
    if back {
        bench.take_row(what);
    }
}

/// Changed settings that no row stands for.
fn others(ui: &mut Ui, bench: &Bench, advice: &Advice) {
    if !bench.desks.advisor.taken || advice.others.is_empty() {
        return;
    }
    let label = |key: &&str| crate::text::try_say(&format!("field.{key}.label")).unwrap_or_else(|| (*key).to_owned());
    let names: Vec<String> = advice.others.iter().map(label).collect();
    hairline(ui);
    ui.add(Label::new(theme::soft(ui, t!("advisor.others", names = names.join(", ")))).wrap());
}

fn next(ui: &mut Ui, bench: &mut Bench, advice: &Advice) {
    let next = &advice.proposal.next;
    let title = match next.stage {
        Some(stage) => t!("advisor.next_stage", stage = say(&format!("stage.{stage}"))),
        None => t!("advisor.next_none"),
    };
    Card::new(title).icon(icons::SIGNPOST).show(ui, |ui| {
        ui.add(Label::new(words::because(&next.reason)).wrap());
        ui.horizontal(|ui| {
            let page = match next.stage {
                Some(Stage::Kto) => "kto",
                Some(Stage::Rm) => "reward-model",
                Some(Stage::Ppo) => "ppo",
                Some(Stage::Sft | Stage::Pt) => "sft",
                Some(Stage::Dpo) => "dpo",
                None => "evaluation",
            };
            if ui.add(Push::plain(t!("guide.open_page")).icon(icons::BOOK_OPEN).small()).clicked() {
                bench.open_guide(page);
            }
            let aligns = matches!(next.stage, Some(Stage::Dpo | Stage::Kto | Stage::Rm | Stage::Ppo));
            if aligns && bench.desks.advisor.station != Some(Station::Align) {
                let button = Push::quiet(t!("advisor.look_at_align")).icon(icons::MAP_TRIFOLD).small();
                if ui.add(button).clicked() {
                    bench.desks.advisor.station = Some(Station::Align);
                }
            }
        });
    });
}
