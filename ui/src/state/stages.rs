//! The training follows the data.

use luthier_engine::data::DataKind;
use luthier_engine::recipe::Recipe;

/// Turns the recipe to the first stage that rows of this kind can serve, unless its own is one of them.
pub(super) fn follow(recipe: &mut Recipe, kind: DataKind) {
    if let Some(first) = kind.stages().first().filter(|_| !kind.stages().contains(&recipe.stage)) {
        recipe.stage = *first;
    }
}
