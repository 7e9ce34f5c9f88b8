//! PPO: what rewards an answer, how answers are sampled, how the model learns from them.

use egui::{Label, TextEdit, Ui};
use luthier_engine::recipe::{KlEstimator, RewardModelType, ValueModel};

use super::form::Form;
use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::text::{say, t};
use crate::widgets::{Card, dropdown, number, segmented};
use crate::{icons, theme};

/// The rules of `reward_rule`, with what each begins with.
const RULES: [(&str, &str); 4] = [("length", "200"), ("contains", ""), ("regex", ""), ("json", "")];

pub(super) fn reward(ui: &mut Ui, bench: &mut Bench) {
    let Bench { state, dialogs, .. } = bench;
    let title = t!("method.reward");
    Card::new(&title).about(t!("method.reward_about")).icon(icons::RULER).show(ui, |ui| {
        let mut form = Form::new(&mut state.recipe);
        source(ui, &mut form);
        if form.recipe.reward_rule.is_some() {
            rule(ui, &mut form);
        } else {
            let none = t!("word.none");
            form.path(ui, "reward_model", |r| &mut r.reward_model, &none, (dialogs, Ask::RewardModel));
            form.choice(
                ui,
                "reward_model_type",
                |r| &mut r.reward_model_type,
                &[RewardModelType::Lora, RewardModelType::Full],
            );
        }
        let penalty = t!("word.none");
        form.optional(ui, "ppo_missing_eos_penalty", |r| &mut r.ppo_missing_eos_penalty, 0.0..=1000.0, 1.0, &penalty);
        form.more(ui, &title, &["ppo_score_norm", "ppo_whiten_rewards"], |ui, form| {
            form.on_off(ui, "ppo_score_norm", |r| &mut r.ppo_score_norm);
            form.on_off(ui, "ppo_whiten_rewards", |r| &mut r.ppo_whiten_rewards);
        });
    });
}

/// A reward model, or a rule that stands in for one.
fn source(ui: &mut Ui, form: &mut Form<'_>) {
    let by_rule = form.recipe.reward_rule.is_some();
    let back = form.own(ui, "reward_source", by_rule, t!("method.by_model"), |ui, recipe| {
        let mut rule = by_rule;
        if segmented(ui, &mut rule, &[(false, t!("method.by_model")), (true, t!("method.by_rule"))]) {
            // Only one of the two can score.
            recipe.reward_model = None;
            recipe.reward_rule = rule.then(|| written(RULES[0].0, RULES[0].1));
        }
    });
    if back {
        form.recipe.reward_rule = None;
    }
}

fn written(kind: &str, argument: &str) -> String {
    if kind == "json" { kind.to_owned() } else { format!("{kind}:{argument}") }
}

fn rule(ui: &mut Ui, form: &mut Form<'_>) {
    let whole = form.recipe.reward_rule.clone().unwrap_or_default();
    let (kind, argument) = whole.split_once(':').unwrap_or((&whole, ""));
    form.own(ui, "reward_rule", false, String::new(), |ui, recipe| {
        let options: Vec<(String, String)> =
            RULES.iter().map(|(kind, _)| ((*kind).to_owned(), say(&format!("rule.{kind}")))).collect();
        let mut chosen = kind.to_owned();
        if dropdown(ui, "reward rule", 220.0, &mut chosen, &options) {
            let begin = RULES.iter().find(|(kind, _)| *kind == chosen).map_or("", |(_, begin)| begin);
            recipe.reward_rule = Some(written(&chosen, begin));
        }
    });
    match kind {
        "length" => {
            form.own(ui, "rule_length", false, String::new(), |ui, recipe| {
                let mut length: u64 = argument.trim().parse().unwrap_or(200);
                if number(ui, &mut length, 1..=100_000, 1.0).changed() {
                    recipe.reward_rule = Some(written(kind, &length.to_string()));
                }
            });
        }
        "contains" | "regex" => {
            let name = if kind == "regex" { "rule_regex" } else { "rule_contains" };
            form.own(ui, name, false, String::new(), |ui, recipe| {
                let mut text = argument.to_owned();
                let edit = TextEdit::singleline(&mut text).desired_width(236.0).font(egui::TextStyle::Monospace);
                if ui.add(edit).changed() {
                    recipe.reward_rule = Some(written(kind, &text));
                }
            });
        }
        _ => {}
    }
}

pub(super) fn sampling(ui: &mut Ui, bench: &mut Bench) {
    Card::new(t!("method.sampling")).about(t!("method.sampling_about")).icon(icons::CHATS_CIRCLE).show(ui, |ui| {
        let mut form = Form::new(&mut bench.state.recipe);
        form.number(ui, "max_new_tokens", |r| &mut r.max_new_tokens, 1..=100_000, 1.0);
        ui.add(Label::new(theme::soft(ui, t!("method.sampling_note"))).wrap());
        form.number(ui, "temperature", |r| &mut r.temperature, 0.0..=10.0, 0.01);
        form.more(ui, &t!("method.sampling"), &["top_p", "top_k", "ppo_buffer_size"], |ui, form| {
            form.number(ui, "top_p", |r| &mut r.top_p, 0.01..=1.0, 0.005);
            form.number(ui, "top_k", |r| &mut r.top_k, 0..=100_000, 0.2);
            form.number(ui, "ppo_buffer_size", |r| &mut r.ppo_buffer_size, 1..=1024, 0.1);
        });
    });
}

const UPDATES_MORE: &[&str] = &[
    "ppo_mini_batches",
    "ppo_cliprange",
    "ppo_cliprange_value",
    "ppo_vf_coef",
    "ppo_gamma",
    "ppo_lambda",
    "ppo_kl_estimator",
];

pub(super) fn updates(ui: &mut Ui, bench: &mut Bench) {
    let title = t!("method.updates");
    Card::new(&title).about(t!("method.updates_about")).icon(icons::TARGET).show(ui, |ui| {
        let mut form = Form::new(&mut bench.state.recipe);
        form.number(ui, "ppo_kl_coef", |r| &mut r.ppo_kl_coef, 0.0..=100.0, 0.002);
        form.on_off(ui, "ppo_adaptive_kl", |r| &mut r.ppo_adaptive_kl);
        if form.recipe.ppo_adaptive_kl {
            form.number(ui, "ppo_target", |r| &mut r.ppo_target, 0.01..=1000.0, 0.05);
        }
        form.number(ui, "ppo_epochs", |r| &mut r.ppo_epochs, 1..=100, 0.05);
        form.choice(ui, "ppo_value_model", |r| &mut r.ppo_value_model, ValueModel::ALL);
        form.more(ui, &title, UPDATES_MORE, |ui, form| {
            form.number(ui, "ppo_mini_batches", |r| &mut r.ppo_mini_batches, 1..=1024, 0.1);
            form.number(ui, "ppo_cliprange", |r| &mut r.ppo_cliprange, 0.01..=10.0, 0.005);
            form.number(ui, "ppo_cliprange_value", |r| &mut r.ppo_cliprange_value, 0.01..=10.0, 0.005);
            form.number(ui, "ppo_vf_coef", |r| &mut r.ppo_vf_coef, 0.0..=10.0, 0.005);
            form.number(ui, "ppo_gamma", |r| &mut r.ppo_gamma, 0.0..=1.0, 0.002);
            form.number(ui, "ppo_lambda", |r| &mut r.ppo_lambda, 0.0..=1.0, 0.002);
            form.choice(ui, "ppo_kl_estimator", |r| &mut r.ppo_kl_estimator, KlEstimator::ALL);
        });
    });
}
