//! The last word of the estimate: what does not fit is made smaller, one step after the other; what has room is told so.

use super::draft::Draft;
use super::freezing::{Depth, freeze};
use super::{Amount, Bigger, DataClass, Reason, Rule, Situation, What, adapts, pace, weights};
use crate::recipe::{FinetuningType, Recipe, Stage};

/// Below so many tokens a row says too little.
const SHORTEST: usize = 64;

fn fits(draft: &Draft<'_>) -> bool {
    draft.estimate().is_some_and(|estimate| estimate.fits(&draft.situation.machine))
}

fn peak(draft: &Draft<'_>) -> Amount {
    Amount::Bytes(draft.estimate().map_or(0, |estimate| estimate.peak_bytes()))
}

/// Steps down until the run fits: fewer rows at once, an adapter instead of all weights, 4 bits, fewer layers, shorter rows.
pub(super) fn step_down(draft: &mut Draft<'_>) {
    // OFT's rotations may not fit the model's shapes.
    if draft.estimate().is_none() && draft.recipe.finetuning_type == FinetuningType::Oft {
        draft.recipe.finetuning_type = FinetuningType::Lora;
    }
    fewer_at_once(draft);
    to_adapter(draft);
    to_four_bits(draft);
    fewer_layers(draft);
    shorter_rows(draft);
    if !fits(draft) {
        let reason = Reason::from(Rule::NothingFits).with("peak", peak(draft));
        draft.because(What::Weights, reason);
    }
    // The engine decides on this by itself; the person should know why the steps take longer.
    let graph = draft.estimate().map(|estimate| estimate.graph);
    if graph.is_some_and(|graph| graph == "recomputed") {
        draft.because(What::Batch, Rule::FitRecompute);
    }
}

fn fewer_at_once(draft: &mut Draft<'_>) {
    let before = draft.recipe.per_device_train_batch_size;
    let needed = peak(draft);
    while !fits(draft) && draft.recipe.per_device_train_batch_size > 1 {
        let recipe = &mut draft.recipe;
        let rows = recipe.rows_per_step();
        let at_once = recipe.per_device_train_batch_size / 2;
        pace::set_batch(recipe, at_once, rows / at_once.max(1));
    }
    let now = draft.recipe.per_device_train_batch_size;
    if now < before {
        let reason = Reason::from(Rule::FitBatch).count("before", before).count("at_once", now).with("peak", needed);
        draft.because(What::Batch, reason);
    }
}

fn to_adapter(draft: &mut Draft<'_>) {
    if fits(draft) || adapts(&draft.recipe) {
        return;
    }
    let needed = peak(draft);
    draft.recipe.finetuning_type = FinetuningType::Lora;
    draft.recipe.freeze_modules.clear();
    draft.recipe.lora_rank = 32;
    let (rate, rule) = pace::rate(draft.situation, &draft.recipe);
    draft.recipe.learning_rate = rate;
    draft.unsay(What::Rate);
    draft.because(What::Rate, Reason::from(rule).with("rate", Amount::Rate(rate)));
    draft.because(What::Weights, Reason::from(Rule::FitAdapter).with("peak", needed));
}

fn to_four_bits(draft: &mut Draft<'_>) {
    if fits(draft) || draft.recipe.quantization_bit.is_some() || !adapts(&draft.recipe) {
        return;
    }
    let needed = peak(draft);
    draft.recipe.quantization_bit = Some(4);
    weights::settle_adapter(&mut draft.recipe);
    draft.because(What::FourBits, Reason::from(Rule::FitFourBits).with("peak", needed));
}

fn fewer_layers(draft: &mut Draft<'_>) {
    let layers = draft.situation.config.layers;
    let needed = peak(draft);
    let all = draft.recipe.freeze_layers.clone();
    for depth in [Depth::Half, Depth::Most] {
        if fits(draft) {
            break;
        }
        if depth.layers(layers) > frozen(&draft.recipe, layers) {
            freeze(&mut draft.recipe, depth, layers);
        }
    }
    if draft.recipe.freeze_layers != all {
        let frozen = frozen(&draft.recipe, layers);
        let reason = Reason::from(Rule::FitLayers).count("layers", frozen).count("of", layers).with("peak", needed);
        draft.because(What::Freezing, reason);
    }
}

/// Layers that `freeze_layers` of a proposal keeps frozen.
fn frozen(recipe: &Recipe, layers: usize) -> usize {
    recipe.freeze_layers.first().map_or(0, |word| match word.strip_prefix("first:") {
        Some(count) => count.parse().unwrap_or(0),
        None => layers / 2,
    })
}

fn shorter_rows(draft: &mut Draft<'_>) {
    let needed = peak(draft);
    // From the longest row on; a cut beyond it changes nothing.
    let longest = draft.situation.lengths.longest.next_power_of_two().max(SHORTEST);
    let mut cut = draft.recipe.cutoff_len.min(longest);
    let (cutoff, answers) = (draft.recipe.cutoff_len, draft.recipe.max_new_tokens);
    while !fits(draft) && cut / 2 >= SHORTEST {
        cut /= 2;
        draft.recipe.cutoff_len = cut;
        if draft.recipe.stage == Stage::Ppo {
            draft.recipe.max_new_tokens = answers.min(cut);
        }
    }
    if draft.recipe.cutoff_len != cutoff {
        let reason = Reason::from(Rule::FitCutOff).count("tokens", cut).with("peak", needed);
        draft.because(What::CutOff, reason);
    }
}

/// A larger way that would fit comfortably too: exact weights instead of 4 bits, all weights instead of an adapter.
pub(super) fn bigger(situation: &Situation, recipe: &Recipe) -> Option<Bigger> {
    let mut larger = recipe.clone();
    let rule = if recipe.quantization_bit.is_some() {
        larger.quantization_bit = None;
        Rule::RoomDense
    } else if adapts(recipe) && situation.data_class() != DataClass::Small {
        larger.finetuning_type = FinetuningType::Full;
        larger.adapter_name_or_path = None;
        larger.learning_rate = pace::rate(situation, &larger).0;
        Rule::RoomFull
    } else {
        return None;
    };
    let peak_bytes = situation.estimate(&larger)?.peak_bytes();
    let has = situation.machine.memory_bytes? as f64;
    (peak_bytes as f64 <= has * weights::COMFORTABLE).then_some(Bigger { rule, recipe: larger, peak_bytes })
}
