//! What is learned, and what comes after: the data decides what can be, the labels and the reward model what is best.

use super::draft::Draft;
use super::{DataClass, Goal, Reason, Rule, Situation, Station, What};
use crate::data::{Balance, DataKind};
use crate::recipe::{FinetuningType, Recipe, RewardModelType, Stage};

/// Answers of PPO in tokens: sampling them takes most of its time.
const ANSWER_TOKENS: usize = 256;

/// Where a recipe stands on the three-stage path.
pub fn station_of(recipe: &Recipe) -> Station {
    let freezes = recipe.finetuning_type == FinetuningType::Freeze
        || !recipe.freeze_layers.is_empty()
        || !recipe.freeze_modules.is_empty()
        || recipe.unfreeze_preset.is_some()
        || !recipe.unfreeze_schedule.is_empty();
    match recipe.stage {
        Stage::Dpo | Stage::Kto | Stage::Rm | Stage::Ppo => Station::Align,
        Stage::Pt | Stage::Sft if freezes || recipe.adapter_name_or_path.is_some() => Station::Refine,
        Stage::Pt | Stage::Sft => Station::Adapt,
    }
}

pub(super) fn choose(draft: &mut Draft<'_>) {
    let situation = draft.situation;
    let rows = situation.rows;
    let aligns =
        situation.station == Some(Station::Align) || (situation.station.is_none() && situation.goal == Goal::Align);
    // PPO needs a judge and many labels behind it.
    let judged = situation.reward_model && situation.data_class() != DataClass::Small;
    let (stage, rule) = match situation.kind {
        DataKind::Prompts => (Stage::Ppo, Rule::StagePrompts),
        DataKind::Preference | DataKind::Kto if judged => (Stage::Ppo, Rule::StagePpo),
        DataKind::Preference => (Stage::Dpo, Rule::StageDpo),
        DataKind::Kto => (Stage::Kto, Rule::StageKto),
        DataKind::Sft if aligns && situation.reward_model => (Stage::Ppo, Rule::StagePpo),
        DataKind::Sft => (Stage::Sft, Rule::StageAnswers),
        DataKind::Text => (Stage::Pt, Rule::StageText),
    };
    draft.recipe.stage = stage;
    draft.because(What::Stage, Reason::from(rule).count("rows", rows));
    if aligns && matches!(stage, Stage::Sft | Stage::Pt) {
        draft.because(What::Stage, Rule::AlignNeedsLabels);
    }
    match stage {
        Stage::Kto => weigh(draft),
        Stage::Ppo => score(draft),
        _ => {}
    }
    if !matches!(stage, Stage::Sft | Stage::Pt) {
        // Rows are mixed in for these two only; pref_ftx and the reference hold the others.
        draft.recipe.replay_dataset.clear();
    }
}

/// Something must score the answers, and only one thing may.
fn score(draft: &mut Draft<'_>) {
    let recipe = &mut draft.recipe;
    if recipe.reward_model.is_some() {
        recipe.reward_rule = None;
        if recipe.reward_model_type == RewardModelType::Api {
            recipe.reward_model_type = RewardModelType::Lora;
        }
    } else if recipe.reward_rule.is_none() {
        recipe.reward_rule = Some("length:200".into());
    }
    if recipe.temperature == 0.0 {
        recipe.temperature = 1.0;
    }
    recipe.max_new_tokens = recipe.max_new_tokens.min(ANSWER_TOKENS);
    let tokens = recipe.max_new_tokens;
    draft.because(What::CutOff, Reason::from(Rule::AnswersShort).count("tokens", tokens));
}

fn weigh(draft: &mut Draft<'_>) {
    let Some(balance) = draft.situation.balance else { return };
    let counted = |rule: Rule| Reason::from(rule).count("liked", balance.liked).count("disliked", balance.disliked);
    match kto_weights(balance) {
        Some(weights) => {
            (draft.recipe.kto_chosen_weight, draft.recipe.kto_rejected_weight) = weights;
            draft.because(What::Balance, counted(Rule::KtoBalance));
        }
        None => draft.because(What::Balance, counted(Rule::KtoOneSided)),
    }
}

/// Weights of liked and disliked answers: liked x weight is 1 to 4/3 of disliked x weight (Ethayarajh et al. 2024), the
/// rarer kind raised, to the hundredth. None where one kind is missing.
pub fn kto_weights(balance: Balance) -> Option<(f64, f64)> {
    if balance.liked == 0 || balance.disliked == 0 {
        return None;
    }
    let ratio = balance.disliked as f64 / balance.liked as f64;
    // Rounded so that the share does not fall below 1; a little less than a hundredth is the error of the division.
    let (up, down) = (|w: f64| (w * 100.0 - 1e-9).ceil() / 100.0, |w: f64| (w * 100.0 + 1e-9).floor() / 100.0);
    Some(if ratio >= 1.0 { (up(ratio), 1.0) } else { (1.0, down(1.0 / ratio)) })
}

/// The alignment step after `recipe`'s run.
pub(super) fn next(situation: &Situation, recipe: &Recipe) -> super::Next {
    let (stage, rule) = match recipe.stage {
        Stage::Rm => (Some(Stage::Ppo), Rule::NextPpo),
        Stage::Dpo | Stage::Kto if situation.data_class() != DataClass::Small => (Some(Stage::Rm), Rule::NextReward),
        Stage::Dpo | Stage::Kto | Stage::Ppo => (None, Rule::NextEvaluate),
        Stage::Pt => (Some(Stage::Sft), Rule::NextRefine),
        Stage::Sft if situation.reward_model => (Some(Stage::Ppo), Rule::NextPpo),
        Stage::Sft if situation.data_class() == DataClass::Small => (Some(Stage::Kto), Rule::NextLikes),
        Stage::Sft => (Some(Stage::Dpo), Rule::NextPreferences),
    };
    super::Next { stage, reason: Reason::from(rule).count("rows", situation.rows) }
}
