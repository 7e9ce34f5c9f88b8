//! How fast and how long: learning rate, batch, accumulation, epochs.

use super::draft::Draft;
use super::{Amount, DataClass, Goal, MemoryClass, Reason, Rule, Situation, What, adapts};
use crate::recipe::{FinetuningType, Recipe, SchedulerType, Stage};

/// Below so many parameters larger steps are taken, and needed.
const SMALL_MODEL: u64 = 50_000_000;

pub(super) fn choose(draft: &mut Draft<'_>) {
    let situation = draft.situation;
    let (rate, rule) = rate(situation, &draft.recipe);
    draft.recipe.learning_rate = rate;
    draft.recipe.lr_scheduler_type = SchedulerType::Cosine;
    draft.recipe.warmup_ratio = if aligns(draft.recipe.stage) { 0.1 } else { 0.03 };
    draft.because(What::Rate, Reason::from(rule).with("rate", Amount::Rate(rate)));

    let rows = if situation.rows < 1_000 { 8 } else { 16 };
    let at_once = match situation.memory_class() {
        MemoryClass::Tiny => 1,
        MemoryClass::Small => 2,
        MemoryClass::Middle | MemoryClass::Large => 8,
    };
    let kto = draft.recipe.stage == Stage::Kto;
    let at_once = if kto { at_once.max(2) } else { at_once };
    set_batch(&mut draft.recipe, at_once, rows / at_once);
    let rule = if rows > at_once { Rule::BatchAccumulated } else { Rule::BatchPlain };
    let reason = Reason::from(rule).count("at_once", at_once).count("rows", rows);
    draft.because(What::Batch, reason);
    if kto {
        draft.because(What::Batch, Rule::BatchKto);
    }

    let (epochs, rule) = match (draft.recipe.stage, situation.data_class()) {
        (Stage::Ppo, _) => (1.0, Rule::EpochsAlign),
        (Stage::Dpo | Stage::Kto | Stage::Rm, DataClass::Small) => (2.0, Rule::EpochsAlign),
        (Stage::Dpo | Stage::Kto | Stage::Rm, _) => (1.0, Rule::EpochsAlign),
        (_, DataClass::Small) => (3.0, Rule::EpochsByData),
        (_, DataClass::Middle) => (2.0, Rule::EpochsByData),
        (_, DataClass::Large) => (1.0, Rule::EpochsByData),
    };
    draft.recipe.num_train_epochs = epochs;
    let reason = Reason::from(rule).count("rows", situation.rows).with("epochs", Amount::Number(epochs));
    draft.because(What::Epochs, reason);
}

pub(super) fn set_batch(recipe: &mut Recipe, at_once: usize, accumulated: usize) {
    recipe.per_device_train_batch_size = at_once.max(1);
    recipe.per_device_eval_batch_size = at_once.max(1);
    recipe.gradient_accumulation_steps = accumulated.max(1);
}

pub(super) fn aligns(stage: Stage) -> bool {
    matches!(stage, Stage::Dpo | Stage::Kto | Stage::Ppo)
}

/// The highest learning rate of the run.
pub(super) fn rate(situation: &Situation, recipe: &Recipe) -> (f64, Rule) {
    let adapts = adapts(recipe);
    let small = situation.config.parameters() < SMALL_MODEL;
    match recipe.stage {
        Stage::Ppo => (if adapts { 1e-5 } else { 1e-6 }, Rule::RateAlign),
        Stage::Dpo | Stage::Kto => (if adapts { 5e-6 } else { 5e-7 }, Rule::RateAlign),
        Stage::Rm => (if adapts { 1e-4 } else { 1e-5 }, Rule::RateAdapter),
        Stage::Sft | Stage::Pt if adapts && small => (1e-3, Rule::RateSmallModel),
        Stage::Sft | Stage::Pt if adapts => (2e-4, Rule::RateAdapter),
        // The upper end where only a part of the layers learns, or the model is small.
        Stage::Sft | Stage::Pt => {
            let part = recipe.finetuning_type == FinetuningType::Freeze || !recipe.freeze_layers.is_empty();
            let careful = situation.goal == Goal::Keep || !(small || part);
            (if careful { 2e-5 } else { 5e-5 }, Rule::RateFull)
        }
    }
}
