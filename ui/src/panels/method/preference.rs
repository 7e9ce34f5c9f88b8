//! Learning from judged answers: pairs (DPO and its kin), likes (KTO), and the reward model.

use egui::{Label, Ui, vec2};
use luthier_engine::data::Balance;
use luthier_engine::recipe::{PrefLoss, Stage};

use super::form::Form;
use super::formulas;
use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::text::{say, t};
use crate::widgets::{Card, Notice, Push};
use crate::{format, icons, theme};

/// The losses that are offered; a recipe's `kto_pair` is shown beside them.
const LOSSES: [PrefLoss; 6] =
    [PrefLoss::Sigmoid, PrefLoss::Ipo, PrefLoss::Hinge, PrefLoss::Robust, PrefLoss::Orpo, PrefLoss::Simpo];

pub(super) fn pairs(ui: &mut Ui, bench: &mut Bench) {
    let title = t!("method.pairs");
    let Bench { state, dialogs, .. } = bench;
    let alone = matches!(state.recipe.pref_loss, PrefLoss::Orpo | PrefLoss::Simpo);
    let about = if alone { t!("method.pairs_about_alone") } else { t!("method.pairs_about") };
    Card::new(&title).about(about).icon(icons::LIST_CHECKS).show(ui, |ui| {
        let mut form = Form::new(&mut state.recipe);
        losses(ui, &mut form);
        let loss = form.recipe.pref_loss;
        form.number(ui, "pref_beta", |r| &mut r.pref_beta, 0.001..=100.0, 0.005);
        if loss == PrefLoss::Simpo {
            form.number(ui, "simpo_gamma", |r| &mut r.simpo_gamma, 0.0..=100.0, 0.02);
        }
        if matches!(loss, PrefLoss::Sigmoid | PrefLoss::Robust) {
            form.number(ui, "dpo_label_smoothing", |r| &mut r.dpo_label_smoothing, 0.0..=0.49, 0.005);
        }
        form.number(ui, "pref_ftx", |r| &mut r.pref_ftx, 0.0..=100.0, 0.01);
        if !matches!(loss, PrefLoss::Orpo | PrefLoss::Simpo) {
            form.more(ui, &title, &["ref_model", "ld_alpha"], |ui, form| {
                let start = t!("method.starting_model");
                form.path(ui, "ref_model", |r| &mut r.ref_model, &start, (dialogs, Ask::ReferenceModel));
                form.optional(ui, "ld_alpha", |r| &mut r.ld_alpha, 0.0..=1.0, 0.5, &t!("word.no"));
            });
        }
    });
}

fn losses(ui: &mut Ui, form: &mut Form<'_>) {
    let now = form.recipe.pref_loss;
    let shown = say(&format!("loss.{}", PrefLoss::Sigmoid));
    if form.own(ui, "pref_loss", now != PrefLoss::Sigmoid, shown, |_, _| {}) {
        form.recipe.pref_loss = PrefLoss::Sigmoid;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        let other = Some(now).filter(|now| !LOSSES.contains(now));
        for loss in LOSSES.into_iter().chain(other) {
            let button = Push::plain(say(&format!("loss.{loss}"))).small().selected(loss == now);
            let response = ui.add(button).on_hover_ui(|ui| {
                ui.set_max_width(520.0);
                formulas::of_loss(loss).lines(ui);
            });
            if response.clicked() {
                form.recipe.pref_loss = loss;
            }
        }
    });
    formulas::of_loss(form.recipe.pref_loss).show(ui);
}

pub(super) fn likes(ui: &mut Ui, bench: &mut Bench) {
    let title = t!("method.likes");
    let Bench { state, dialogs, .. } = bench;
    let balance = state.data.summary.as_ref().and_then(|summary| summary.balance);
    Card::new(&title).about(t!("method.likes_about")).icon(icons::CHECK_CIRCLE).show(ui, |ui| {
        let mut form = Form::new(&mut state.recipe);
        form.number(ui, "pref_beta", |r| &mut r.pref_beta, 0.001..=100.0, 0.005);
        form.number(ui, "kto_chosen_weight", |r| &mut r.kto_chosen_weight, 0.0..=100.0, 0.02);
        form.number(ui, "kto_rejected_weight", |r| &mut r.kto_rejected_weight, 0.0..=100.0, 0.02);
        if let Some(balance) = balance {
            suggest(ui, &mut form, balance);
        }
        form.more(ui, &title, &["pref_ftx", "ref_model"], |ui, form| {
            form.number(ui, "pref_ftx", |r| &mut r.pref_ftx, 0.0..=100.0, 0.01);
            let start = t!("method.starting_model");
            form.path(ui, "ref_model", |r| &mut r.ref_model, &start, (dialogs, Ask::ReferenceModel));
        });
    });
}

/// Weights (liked, disliked) under which both kinds count the same, the rarer one raised. TRL's advice is that
/// weight x count of the liked be 1 to 4/3 of that of the disliked. None where one kind is missing.
fn weights(balance: Balance) -> Option<(f64, f64)> {
    if balance.liked == 0 || balance.disliked == 0 {
        return None;
    }
    let ratio = balance.disliked as f64 / balance.liked as f64;
    let rounded = |weight: f64| (weight * 100.0).round() / 100.0;
    Some(if ratio >= 1.0 { (rounded(ratio), 1.0) } else { (1.0, rounded(1.0 / ratio)) })
}

fn suggest(ui: &mut Ui, form: &mut Form<'_>, balance: Balance) {
    let (liked, disliked) = (format::count(balance.liked as u64), format::count(balance.disliked as u64));
    let counted = t!("method.balance", liked = liked, disliked = disliked);
    let Some((for_liked, for_disliked)) = weights(balance) else {
        Notice::warn(format!("{counted} {}", t!("method.one_kind"))).show(ui);
        return;
    };
    let recipe = &mut *form.recipe;
    let share = (balance.liked as f64 * recipe.kto_chosen_weight)
        / (balance.disliked as f64 * recipe.kto_rejected_weight).max(f64::MIN_POSITIVE);
    if (0.99..=1.34).contains(&share) {
        ui.add(Label::new(theme::soft(ui, format!("{counted} {}", t!("method.balanced")))).wrap());
        return;
    }
    let words = t!("method.suggested", a = format::setting(for_liked), b = format::setting(for_disliked));
    Notice::info(format!("{counted} {words}")).show_with(ui, |ui| {
        if ui.add(Push::plain(t!("method.use_weights")).small()).clicked() {
            (recipe.kto_chosen_weight, recipe.kto_rejected_weight) = (for_liked, for_disliked);
        }
    });
}

pub(super) fn reward_model(ui: &mut Ui, bench: &mut Bench) {
    Card::new(t!("method.reward_model")).about(t!("method.reward_model_about")).icon(icons::RULER).show(ui, |ui| {
        Notice::info(t!("method.reward_model_then")).show_with(ui, |ui| {
            let ready = bench.state.data.usable()
                && bench.state.data.summary.as_ref().is_some_and(|s| s.kind.stages().contains(&Stage::Ppo));
            if ready && ui.add(Push::plain(t!("method.to_ppo")).small()).clicked() {
                bench.state.recipe.stage = Stage::Ppo;
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rarer_kind_is_raised() {
        let of = |liked, disliked| weights(Balance { liked, disliked });
        assert_eq!(of(10, 30), Some((3.0, 1.0)));
        assert_eq!(of(30, 10), Some((1.0, 3.0)));
        assert_eq!(of(7, 3), Some((1.0, 2.33)));
        assert_eq!(of(5, 5), Some((1.0, 1.0)));
        assert_eq!(of(0, 9), None, "no weight helps where one kind is missing");
    }
}
