//! Single keys of a recipe by their names: what stands there, and the way back to the default.

use std::collections::BTreeMap;

use luthier_engine::recipe::Recipe;

/// The value as a recipe file has it; empty for what is no key.
pub fn written_value(recipe: &Recipe, key: &str) -> String {
    written_values(recipe).remove(key).unwrap_or_default()
}

/// [`written_value`] of every key that stands on a line of its own; the recipe is written out once.
pub fn written_values(recipe: &Recipe) -> BTreeMap<String, String> {
    let yaml = recipe.to_yaml();
    let pair = |line: &str| line.split_once(": ").map(|(key, value)| (key.to_owned(), value.to_owned()));
    yaml.lines().filter(|line| !line.starts_with(' ')).filter_map(pair).collect()
}

/// The changed keys that a problem of `field` comes from, as far as going back to their defaults can mend it.
pub fn to_take_back(recipe: &Recipe, field: &str) -> Vec<&'static str> {
    let also: &[&str] = match field {
        // One of the two makes the other, and the problem is named after the one.
        "oft_block_size" => &["oft_rank"],
        // Either asks for packed rows.
        "packing" => &["neat_packing"],
        _ => &[],
    };
    let changed = recipe.changed_from_default();
    changed.into_iter().filter(|key| *key == field || also.contains(key)).collect()
}

/// Sets one key to its default. What is no key changes nothing.
pub fn back_to_default(recipe: &mut Recipe, key: &str) {
    // Through serde, as it knows every key by its name: a key that is absent gets its default.
    let Ok(serde_json::Value::Object(mut keys)) = serde_json::to_value(&*recipe) else { return };
    keys.remove(key);
    if let Ok(changed) = serde_json::from_value(serde_json::Value::Object(keys)) {
        *recipe = changed;
    }
}
