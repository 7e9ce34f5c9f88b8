//! A recipe: one training run as a YAML file with LLaMA-Factory's keys, read, checked and written back.
//!
//! `keys.rs` has every key with its default, `foreign.rs` the keys of others that mean nothing here, `validate.rs` what
//! makes a run impossible. Reading and checking report all problems at once.

use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::{Error, RecipeProblem, Result};

mod adapters;
mod choices;
mod foreign;
mod keys;
mod ppo;
mod preference;
mod validate;
mod value;

pub use choices::*;
pub use keys::{Group, KEYS, KeyInfo, Recipe};
pub use validate::is_device;

use foreign::Foreign;

impl Recipe {
    /// Reads a recipe file; relative paths count from its folder. Warnings come back beside the recipe.
    ///
    /// # Errors
    /// `Io` if the file cannot be read, `BadData` with line and column if it is not YAML, `BadRecipe` with every problem.
    pub fn load(path: impl AsRef<Path>) -> Result<(Self, Vec<String>)> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|error| Error::io(path, error))?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|error| Error::data(path, format!("byte {}", error.valid_up_to()), "this is not UTF-8 text"))?;
        let entries = parse_yaml(text).map_err(|(place, reason)| Error::data(path, place, reason))?;
        let absolute = std::path::absolute(path).map_err(|error| Error::io(path, error))?;
        Self::from_entries(entries, absolute.parent().unwrap_or(Path::new("")))
    }

    /// Reads a recipe's text; relative paths count from `base_dir`.
    ///
    /// # Errors
    /// `BadRecipe` with every problem; where the text is not YAML, the field is its place ("line 3, column 5").
    pub fn from_yaml(text: &str, base_dir: &Path) -> Result<(Self, Vec<String>)> {
        let remedy = "write one `key: value` a line";
        let entries = parse_yaml(text).map_err(|(place, reason)| Error::recipe(&place, reason, remedy))?;
        Self::from_entries(entries, base_dir)
    }

    fn from_entries(entries: Map<String, Value>, base_dir: &Path) -> Result<(Self, Vec<String>)> {
        let mut recipe = Self::default();
        let (mut problems, mut warnings, mut idle) = (Vec::new(), Vec::new(), Vec::new());
        for (key, value) in &entries {
            let known = match recipe.set(key, value) {
                Some(outcome) => Some((key.as_str(), outcome)),
                None => match foreign::classify(key, value) {
                    Some(Foreign::Renamed(new)) if entries.contains_key(new) => {
                        warnings.push(format!("{key} is the old name of {new}, which is there as well and counts"));
                        None
                    }
                    Some(Foreign::Renamed(new)) => {
                        warnings.push(format!("{key} is now called {new}"));
                        recipe.set(new, value).map(|outcome| (new, outcome))
                    }
                    Some(Foreign::Silent) => None,
                    Some(Foreign::NoEffect) => {
                        idle.push(key.as_str());
                        None
                    }
                    Some(Foreign::MustBeOff) => {
                        let reason =
                            format!("{} would change the result, and Luthier does not do it", value::shown(value));
                        problems.push(problem(key, reason, "remove the key"));
                        None
                    }
                    None => {
                        problems.push(unknown(key));
                        None
                    }
                },
            };
            if let Some((name, Err(reason))) = known {
                problems.push(problem(key, reason, default_remedy(name)));
            }
        }
        if !idle.is_empty() {
            warnings.push(format!("without effect in Luthier: {}", idle.join(", ")));
        }
        recipe.resolve_paths(base_dir);
        if problems.is_empty() {
            return Ok((recipe, warnings));
        }
        // So that all mistakes are told at once, those that checking would find come too, but not what a key that could
        // not be read, or was misspelt, brings about.
        let unread: Vec<&str> = problems
            .iter()
            .flat_map(|problem| [Some(problem.field.as_str()), nearest_key(&problem.field)])
            .flatten()
            .collect();
        let more: Vec<_> =
            recipe.problems().into_iter().filter(|found| !unread.contains(&found.field.as_str())).collect();
        problems.extend(more);
        Err(Error::BadRecipe(problems))
    }

    /// Makes paths absolute; dataset names stay names unless a file is called so.
    fn resolve_paths(&mut self, base_dir: &Path) {
        let resolve = |path: &mut PathBuf| {
            if !path.as_os_str().is_empty() {
                *path = absolute(base_dir, path);
            }
        };
        resolve(&mut self.model_name_or_path);
        resolve(&mut self.output_dir);
        resolve(&mut self.dataset_dir);
        for path in [&mut self.adapter_name_or_path, &mut self.ref_model, &mut self.reward_model].into_iter().flatten()
        {
            resolve(path);
        }
        // transformers takes a truth value here as well.
        self.resume_from_checkpoint = match self.resume_from_checkpoint.take() {
            Some(path) if path == Path::new("true") => Some(self.output_dir.clone()),
            Some(path) if path == Path::new("false") => None,
            Some(path) => Some(absolute(base_dir, &path)),
            None => None,
        };
        let datasets =
            [&mut self.dataset, &mut self.eval_dataset, &mut self.replay_dataset, &mut self.forgetting_dataset];
        for name in datasets.into_iter().flatten() {
            let path = absolute(base_dir, Path::new(name.as_str()));
            if path.is_file() || looks_like_file(name) {
                *name = path.to_string_lossy().into_owned();
            }
        }
    }

    /// The complete recipe as YAML, grouped; reads back equal.
    pub fn to_yaml(&self) -> String {
        let mut text = String::new();
        let mut group = None;
        for (key, value) in KEYS.iter().zip(self.values()) {
            if group != Some(key.group) {
                let gap = if group.is_some() { "\n" } else { "" };
                text.push_str(&format!("{gap}# {:?}\n", key.group));
                group = Some(key.group);
            }
            text.push_str(&format!("{}: {}\n", key.name, value::yaml_text(&value)));
        }
        text
    }

    /// Names of the keys whose values are not the defaults.
    pub fn changed_from_default(&self) -> Vec<&'static str> {
        let defaults = Self::default().values();
        let both = self.values().into_iter().zip(defaults);
        KEYS.iter().zip(both).filter(|(_, (value, default))| value != default).map(|(key, _)| key.name).collect()
    }

    /// Rows that a whole step sees.
    pub fn rows_per_step(&self) -> usize {
        self.per_device_train_batch_size.saturating_mul(self.gradient_accumulation_steps)
    }

    /// Whether rows are named or set aside for evaluation.
    pub fn has_eval_data(&self) -> bool {
        self.val_size > 0.0 || !self.eval_dataset.is_empty()
    }
}

/// A mapping of keys to values, or where and why the text is not one.
fn parse_yaml(text: &str) -> Result<Map<String, Value>, (String, String)> {
    // An out-of-range number is then a bad number of its key, not a bad file.
    let options = serde_saphyr::options! { non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString };
    let value: Value = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = match error.location() {
            Some(location) => format!("line {}, column {}", location.line(), location.column()),
            None => "the whole file".to_owned(),
        };
        (place, format!("this is not valid YAML: {}", error.without_snippet()))
    })?;
    match value {
        Value::Object(entries) if !entries.is_empty() => Ok(entries),
        Value::Null | Value::Object(_) => Err(("the whole file".into(), "the recipe is empty".into())),
        _ => Err(("the whole file".into(), "a recipe is a list of `key: value` lines, this is something else".into())),
    }
}

fn problem(field: &str, reason: impl Into<String>, remedy: impl Into<String>) -> RecipeProblem {
    RecipeProblem { field: field.into(), reason: reason.into(), remedy: remedy.into() }
}

fn nearest_key(key: &str) -> Option<&'static str> {
    if let Some((_, meant)) = foreign::OTHER_NAMES.iter().find(|(name, _)| *name == key) {
        return Some(meant);
    }
    value::nearest(&key.to_ascii_lowercase(), KEYS.iter().map(|known| known.name))
}

fn unknown(key: &str) -> RecipeProblem {
    match nearest_key(key) {
        Some(near) => problem(key, "unknown key", format!("did you mean {near}?")),
        None => problem(key, "unknown key", "remove it"),
    }
}

fn default_remedy(key: &str) -> String {
    let defaults = Recipe::default().values();
    let position = KEYS.iter().position(|known| known.name == key);
    position.map(|index| format!("the default is {}", value::yaml_text(&defaults[index]))).unwrap_or_default()
}

/// Whether a dataset's name can only be meant as a path.
fn looks_like_file(name: &str) -> bool {
    let ending = Path::new(name).extension().map(|ending| ending.to_ascii_lowercase());
    let is_data = ending.is_some_and(|ending| ["json", "jsonl", "csv", "parquet"].iter().any(|known| ending == *known));
    is_data || Path::new(name).is_absolute()
}

/// `path` counted from `base_dir`, without `..` where that leads to the same place.
fn absolute(base_dir: &Path, path: &Path) -> PathBuf {
    let joined = std::path::absolute(base_dir.join(path)).unwrap_or_else(|_| base_dir.join(path));
    let mut clean = PathBuf::new();
    for component in joined.components() {
        match component {
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    // Behind a symbolic link `..` may lead elsewhere.
    match (joined.canonicalize(), clean.canonicalize()) {
        (Ok(meant), Ok(cleaned)) if meant != cleaned => joined,
        (Ok(_), Err(_)) => joined,
        _ => clean,
    }
}

#[cfg(test)]
mod tests;
