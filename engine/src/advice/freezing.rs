//! What stays as it is: by goal, by rows, by memory; the deepest of what they ask for.

use super::draft::Draft;
use super::{Amount, DataClass, Goal, MemoryClass, Reason, Rule, Station, What, adapts};
use crate::recipe::{Recipe, UnfreezePreset};

/// How much is frozen, from the bottom up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Depth {
    Nothing,
    Embeddings,
    /// The embeddings and the first 6 to 12 layers.
    Bottom,
    Half,
    /// Three quarters.
    Most,
}

impl Depth {
    /// Layers frozen of `layers`.
    pub fn layers(self, layers: usize) -> usize {
        match self {
            Self::Nothing | Self::Embeddings => 0,
            Self::Bottom => (layers / 4).clamp(6, 12).min(layers / 2),
            Self::Half => layers / 2,
            Self::Most => layers * 3 / 4,
        }
    }
}

pub(super) fn choose(draft: &mut Draft<'_>) {
    let situation = draft.situation;
    let layers = situation.config.layers;
    let by_goal = match situation.goal {
        Goal::Knowledge => (Depth::Embeddings, Rule::FreezeEmbeddings),
        Goal::Keep | Goal::Complex => (Depth::Bottom, Rule::FreezeBottom),
        Goal::Task | Goal::Style | Goal::Align => (Depth::Half, Rule::FreezeHalf),
    };
    let by_data = match situation.data_class() {
        DataClass::Small => (Depth::Most, Rule::FreezeMost),
        DataClass::Middle => by_goal,
        // Optional: only where the goal is to protect what lies below.
        DataClass::Large if matches!(situation.goal, Goal::Keep | Goal::Complex) => by_goal,
        DataClass::Large => (Depth::Nothing, Rule::FreezeNothing),
    };
    let by_memory = match situation.memory_class() {
        MemoryClass::Tiny => (Depth::Half, Rule::MemoryTiny),
        MemoryClass::Small => (Depth::Bottom, Rule::MemorySmall),
        MemoryClass::Middle | MemoryClass::Large => (Depth::Nothing, Rule::MemoryMiddle),
    };
    let by_path = match situation.station {
        // Adapting, the task itself comes first; refining, something must be left alone.
        Some(Station::Adapt) => (Depth::Nothing, Rule::StationAdapt),
        Some(Station::Refine) => (by_data.0.max(Depth::Bottom), by_data.1),
        Some(Station::Align) | None => by_data,
    };
    let (depth, rule) = if by_memory.0 > by_path.0 { by_memory } else { by_path };
    freeze(&mut draft.recipe, depth, layers);
    let frozen = depth.layers(layers);
    let reason = Reason::from(rule)
        .count("layers", frozen)
        .count("of", layers)
        .count("rows", situation.rows)
        .with("memory", Amount::Bytes(situation.machine.memory_bytes.unwrap_or(0)));
    draft.because(What::Freezing, reason);
    if situation.goal == Goal::Complex && situation.station != Some(Station::Adapt) && layers - frozen > 1 {
        draft.recipe.unfreeze_preset = Some(UnfreezePreset::TopDown);
        draft.because(What::Freezing, Rule::FreezeGradual);
    }
}

/// Puts a depth into the recipe's words.
pub(super) fn freeze(recipe: &mut Recipe, depth: Depth, layers: usize) {
    let frozen = depth.layers(layers);
    recipe.freeze_layers = match depth {
        _ if frozen == 0 => Vec::new(),
        Depth::Half => vec!["half".into()],
        _ => vec![format!("first:{frozen}")],
    };
    // An adapter leaves the embeddings alone by itself.
    let own = !adapts(recipe) && depth >= Depth::Embeddings;
    recipe.freeze_modules = if own { vec!["embed_tokens".into()] } else { Vec::new() };
}
