//! A proposal in the making.

use std::cell::RefCell;

use serde_json::{Map, Value};

use super::{Choice, Reason, Situation, What};
use crate::estimate::Estimate;
use crate::recipe::{Group, KEYS, Recipe};

/// Keys outside the groups below that a proposal decides.
const DECIDED: [&str; 8] = [
    "quantization_bit",
    "quantization_type",
    "double_quantization",
    "rope_scaling",
    "disable_gradient_checkpointing",
    "cutoff_len",
    "packing",
    "neat_packing",
];
const ALSO_DECIDED: [&str; 2] = ["replay_ratio", "forgetting_limit"];

/// Keys of the groups below that stay as the person has them: folders, randomness, what is kept, what scores.
const KEPT: [&str; 13] = [
    "output_dir",
    "overwrite_output_dir",
    "resume_from_checkpoint",
    "seed",
    "disable_shuffling",
    "logging_steps",
    "save_strategy",
    "save_steps",
    "save_total_limit",
    "eval_dataset",
    "reward_model",
    "reward_model_type",
    "reward_rule",
];

fn decided(name: &str, group: Group) -> bool {
    match group {
        Group::Method | Group::Lora | Group::Oft | Group::Freeze | Group::Preference => true,
        Group::Ppo | Group::Training | Group::Evaluation => !KEPT.contains(&name) && !name.starts_with("sample_"),
        Group::Model | Group::Data | Group::Generation => DECIDED.contains(&name) || ALSO_DECIDED.contains(&name),
    }
}

fn entries(recipe: &Recipe) -> Map<String, Value> {
    match serde_json::to_value(recipe) {
        Ok(Value::Object(entries)) => entries,
        _ => Map::new(),
    }
}

fn from(entries: Map<String, Value>) -> Recipe {
    serde_json::from_value(Value::Object(entries)).unwrap_or_default()
}

/// `recipe` with everything that a proposal decides at its default: model, data, folders and device stay.
pub fn kept(recipe: &Recipe) -> Recipe {
    let mut entries = entries(recipe);
    for key in KEYS.iter().filter(|key| decided(key.name, key.group)) {
        entries.remove(key.name);
    }
    from(entries)
}

/// `recipe` with the values that `other` has for `keys`.
pub fn with_keys(recipe: &Recipe, other: &Recipe, keys: &[&str]) -> Recipe {
    let (mut entries, others) = (entries(recipe), self::entries(other));
    for key in keys {
        if let Some(value) = others.get(*key) {
            entries.insert((*key).to_owned(), value.clone());
        }
    }
    from(entries)
}

/// Keys whose values the two have differently.
pub fn differing(recipe: &Recipe, other: &Recipe) -> Vec<&'static str> {
    let (entries, others) = (entries(recipe), self::entries(other));
    KEYS.iter().map(|key| key.name).filter(|name| entries.get(*name) != others.get(*name)).collect()
}

pub(super) struct Draft<'a> {
    pub situation: &'a Situation,
    pub recipe: Recipe,
    pub choices: Vec<Choice>,
    /// The last recipe that was estimated: the rules ask again and again.
    measured: RefCell<Option<(Recipe, Option<Estimate>)>>,
}

impl<'a> Draft<'a> {
    pub fn new(situation: &'a Situation) -> Self {
        let mut recipe = kept(&situation.base);
        let longest = situation.config.max_positions.max(2);
        recipe.cutoff_len = recipe.cutoff_len.min(longest);
        Self { situation, recipe, choices: Vec::new(), measured: RefCell::new(None) }
    }

    /// Of the recipe as it stands.
    pub fn estimate(&self) -> Option<Estimate> {
        let mut measured = self.measured.borrow_mut();
        if let Some((recipe, estimate)) = measured.as_ref()
            && *recipe == self.recipe
        {
            return estimate.clone();
        }
        let estimate = self.situation.estimate(&self.recipe);
        *measured = Some((self.recipe.clone(), estimate.clone()));
        estimate
    }

    /// Adds a reason; the first of a choice is its main one.
    pub fn because(&mut self, what: What, reason: impl Into<Reason>) {
        let reason = reason.into();
        match self.choices.iter_mut().find(|choice| choice.what == what) {
            Some(choice) => choice.reasons.push(reason),
            None => self.choices.push(Choice { what, reasons: vec![reason] }),
        }
    }

    /// Forgets what was said of a choice.
    pub fn unsay(&mut self, what: What) {
        self.choices.retain(|choice| choice.what != what);
    }
}
