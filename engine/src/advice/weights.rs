//! Which weights move: all of them, or an adapter beside them, and whether the rest lies in 4 bits.

use super::draft::Draft;
use super::{Amount, DataClass, Goal, MemoryClass, Reason, Rule, Situation, Station, What, adapts};
use crate::model::ModelConfig;
use crate::recipe::{FinetuningType, Recipe, Stage};

/// A run that takes at most this share of the memory fits comfortably.
pub(super) const COMFORTABLE: f64 = 0.8;

pub(super) fn choose(draft: &mut Draft<'_>) {
    let situation = draft.situation;
    let data = match situation.data_class() {
        DataClass::Large => Rule::DataLarge,
        DataClass::Middle => Rule::DataMiddle,
        DataClass::Small => Rule::DataSmall,
    };
    let data = Reason::from(data).count("rows", situation.rows);
    let memory = memory_reason(situation);
    let wants_full = situation.data_class() == DataClass::Large && situation.station != Some(Station::Refine);
    let mut told = Vec::new();
    let full = Recipe { finetuning_type: FinetuningType::Full, per_device_train_batch_size: 1, ..draft.recipe.clone() };
    draft.recipe.finetuning_type = FinetuningType::Lora;
    if wants_full {
        let estimate = situation.estimate(&full);
        let peak = estimate.as_ref().map_or(0, |estimate| estimate.peak_bytes());
        let room = situation.machine.memory_bytes.map_or(f64::INFINITY, |has| has as f64 * COMFORTABLE);
        let fits = estimate.is_some() && peak as f64 <= room;
        if fits {
            draft.recipe.finetuning_type = FinetuningType::Full;
        }
        let large = situation.memory_class() == MemoryClass::Large;
        if fits != large {
            let rule = if fits { Rule::FullFits } else { Rule::FullTooLarge };
            told.push(Reason::from(rule).with("peak", Amount::Bytes(peak)));
        }
    }
    let keeps = situation.goal == Goal::Keep && situation.data_class() != DataClass::Small;
    if draft.recipe.finetuning_type == FinetuningType::Lora
        && keeps
        && let Some(size) = oft_block(&situation.config)
    {
        draft.recipe.finetuning_type = FinetuningType::Oft;
        draft.recipe.oft_block_size = size;
        told.push(Rule::OftKeeps.into());
    }
    for reason in [data, memory].into_iter().chain(told) {
        draft.because(What::Weights, reason);
    }
    if situation.station == Some(Station::Refine) {
        draft.because(What::Weights, Rule::StationRefine);
    }
    four_bits(draft);
    rank(draft);
    settle_adapter(&mut draft.recipe);
}

fn memory_reason(situation: &Situation) -> Reason {
    let rule = match situation.memory_class() {
        MemoryClass::Tiny => Rule::MemoryTiny,
        MemoryClass::Small => Rule::MemorySmall,
        MemoryClass::Middle if situation.machine.memory_bytes.is_none() => return Rule::MemoryUnknown.into(),
        MemoryClass::Middle => Rule::MemoryMiddle,
        MemoryClass::Large => Rule::MemoryLarge,
    };
    Reason::from(rule).with("memory", Amount::Bytes(situation.machine.memory_bytes.unwrap_or(0)))
}

fn four_bits(draft: &mut Draft<'_>) {
    if draft.situation.memory_class() == MemoryClass::Tiny && adapts(&draft.recipe) {
        draft.recipe.quantization_bit = Some(4);
        draft.because(What::FourBits, memory_reason(draft.situation));
    }
}

fn rank(draft: &mut Draft<'_>) {
    let situation = draft.situation;
    if draft.recipe.finetuning_type != FinetuningType::Lora {
        return;
    }
    let by_data = match situation.data_class() {
        DataClass::Small => 8,
        DataClass::Middle => 16,
        DataClass::Large => 32,
    };
    let knows = situation.goal == Goal::Knowledge;
    draft.recipe.lora_rank = if knows { by_data * 2 } else { by_data };
    let sft = matches!(draft.recipe.stage, Stage::Sft | Stage::Pt);
    if situation.data_class() == DataClass::Small && sft {
        draft.recipe.lora_dropout = 0.05;
    }
    let rule = if knows { Rule::RankForKnowledge } else { Rule::RankByData };
    let rank = draft.recipe.lora_rank;
    draft.because(What::Rank, Reason::from(rule).count("rows", situation.rows).count("rank", rank));
}

/// An adapter that the run goes on from stays only beside an adapter, and unmerged where the weights are packed.
pub(super) fn settle_adapter(recipe: &mut Recipe) {
    if recipe.finetuning_type != FinetuningType::Lora {
        recipe.adapter_name_or_path = None;
    }
    if recipe.adapter_name_or_path.is_none() || recipe.quantization_bit.is_some() {
        recipe.create_new_adapter = false;
    }
}

/// The largest usual block that divides the inputs of every linear layer.
pub(super) fn oft_block(config: &ModelConfig) -> Option<usize> {
    let inputs = [config.hidden, config.intermediate, config.heads * config.head_dim];
    [32, 16, 8, 4].into_iter().find(|size| inputs.iter().all(|input| input.is_multiple_of(*size)))
}
