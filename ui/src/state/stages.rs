//! Which training a kind of data can serve.

use luthier_engine::data::DataKind;
use luthier_engine::recipe::{Recipe, Stage};

/// The stages that rows of this kind can be trained with, the most natural one first.
pub const fn stages(kind: DataKind) -> &'static [Stage] {
    match kind {
        DataKind::Text => &[Stage::Pt, Stage::Sft],
        DataKind::Sft => &[Stage::Sft, Stage::Ppo],
        DataKind::Preference => &[Stage::Dpo, Stage::Rm, Stage::Kto, Stage::Ppo],
        DataKind::Kto => &[Stage::Kto, Stage::Ppo],
    }
}

/// Turns the recipe to the first stage that the data can serve, unless its own is one of them.
pub(super) fn follow(recipe: &mut Recipe, kind: DataKind) {
    if let Some(first) = stages(kind).first().filter(|_| !stages(kind).contains(&recipe.stage)) {
        recipe.stage = *first;
    }
}
