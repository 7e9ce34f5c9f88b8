//! What holds the model to what it knows, and how to see whether it does.

use super::draft::Draft;
use super::{Amount, Goal, Reason, Rule, What};
use crate::recipe::{Interval, Stage};

/// Fewer rows than this are all needed to learn from.
const ENOUGH_TO_SET_ASIDE: usize = 50;
/// A steady loss needs no more rows set aside.
const MOST_ASIDE: f64 = 500.0;
/// Evaluations over the whole run, and how many of them may pass without improvement.
const EVALUATIONS: usize = 10;
const PATIENCE: usize = 3;
/// A first run takes so many rows.
pub(super) const TRIAL_ROWS: usize = 2_000;
/// From so many rows on a first run on a part of them pays.
const WORTH_A_TRIAL: usize = 5_000;

pub(super) fn choose(draft: &mut Draft<'_>) {
    let situation = draft.situation;
    stop_early(draft);
    if matches!(draft.recipe.stage, Stage::Sft | Stage::Pt) {
        let keeps = situation.goal == Goal::Keep;
        let share = if keeps { 0.2 } else { 0.1 };
        let named = !draft.recipe.replay_dataset.is_empty();
        if named {
            draft.recipe.replay_ratio = share;
        }
        let rule = if named { Rule::ReplayNamed } else { Rule::ReplayMissing };
        draft.because(What::Replay, Reason::from(rule).with("percent", Amount::Number(share * 100.0)));
        if keeps {
            draft.recipe.kl_penalty = 0.1;
            draft.because(What::Hold, Rule::HoldBase);
        }
    }
    let measured = !draft.recipe.forgetting_dataset.is_empty();
    if measured {
        draft.recipe.forgetting_limit = Some(0.2);
    }
    draft.because(What::Check, if measured { Rule::CheckGeneral } else { Rule::CheckMissing });
    if situation.rows > WORTH_A_TRIAL {
        draft.because(
            What::Trial,
            Reason::from(Rule::TrialFirst).count("trial", TRIAL_ROWS).count("rows", situation.rows),
        );
    }
}

/// PPO has no loss on rows set aside.
fn stop_early(draft: &mut Draft<'_>) {
    let (rows, recipe) = (draft.situation.rows, &mut draft.recipe);
    let own = !recipe.eval_dataset.is_empty();
    if recipe.stage == Stage::Ppo || (rows < ENOUGH_TO_SET_ASIDE && !own) {
        return;
    }
    let aside = (rows as f64 * 0.1).min(MOST_ASIDE);
    if !own {
        recipe.val_size = if aside < MOST_ASIDE { 0.1 } else { MOST_ASIDE };
    }
    // `max_samples` may leave fewer rows than are to be set aside.
    if recipe.max_samples.is_some() && recipe.val_size >= 1.0 {
        recipe.val_size = 0.1;
    }
    let learned = recipe.max_samples.unwrap_or(usize::MAX).min(rows);
    let steps = learned.div_ceil(recipe.rows_per_step()) as f64 * recipe.num_train_epochs;
    recipe.eval_strategy = Interval::Steps;
    recipe.eval_steps = Some((steps as usize / EVALUATIONS).max(1));
    recipe.early_stopping_steps = Some(PATIENCE);
    let aside = if own { 0 } else { aside.ceil() as usize };
    draft.because(What::EarlyStopping, Reason::from(Rule::StopEarly).count("aside", aside).count("patience", PATIENCE));
}
