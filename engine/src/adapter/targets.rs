//! Which modules an adapter is for, matched as PEFT matches them (peft/tuners/tuners_utils.py and peft/utils/other.py).

use std::path::Path;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// PEFT writes a list of names, or a string: "all-linear" or a pattern that the whole path must match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Targets {
    Names(Vec<String>),
    Word(String),
}

/// [`Targets`] with its pattern compiled.
pub(super) enum Matcher {
    All,
    Names(Vec<String>),
    Pattern(Regex),
}

/// Makes an error of a key of adapter_config.json, or of the recipe's key of the same meaning, and a reason.
pub(super) type Blame<'a> = &'a dyn Fn(&str, String) -> Error;

/// Blames a file.
pub(super) fn blame_file(path: &Path) -> impl Fn(&str, String) -> Error + use<'_> {
    move |key, reason| Error::model(path, key, reason)
}

impl Targets {
    /// # Errors
    /// What `blame` makes of a pattern that cannot be read.
    pub(super) fn compile(&self, key: &str, blame: Blame) -> Result<Matcher> {
        Ok(match self {
            Self::Names(names) => Matcher::Names(names.clone()),
            Self::Word(word) if word == "all-linear" => Matcher::All,
            Self::Word(pattern) => Matcher::Pattern(compile(&format!("^(?:{pattern})$"), pattern, key, blame)?),
        })
    }
}

impl Matcher {
    pub(super) fn matches(&self, path: &str) -> bool {
        match self {
            Self::All => true,
            Self::Names(names) => names.iter().any(|name| ends_with_module(path, name)),
            Self::Pattern(pattern) => pattern.is_match(path),
        }
    }
}

pub(super) fn ends_with_module(path: &str, name: &str) -> bool {
    path.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// The values of `rank_pattern` or `alpha_pattern`: the first key that matches decides, `(.*\.)?(key)$` from the
/// path's beginning (PEFT's `get_pattern_key`).
pub(super) struct Patterns<T>(Vec<(Regex, T)>);

impl<T: Copy> Patterns<T> {
    /// # Errors
    /// What `blame` makes of a pattern that cannot be read.
    pub(super) fn compile(entries: &[(String, T)], key: &str, blame: Blame) -> Result<Self> {
        let compiled = entries
            .iter()
            .map(|(pattern, value)| Ok((compile(&format!(r"^(.*\.)?({pattern})$"), pattern, key, blame)?, *value)));
        Ok(Self(compiled.collect::<Result<_>>()?))
    }

    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    pub(super) fn of(&self, path: &str) -> Option<T> {
        self.0.iter().find(|(pattern, _)| pattern.is_match(path)).map(|(_, value)| *value)
    }
}

/// `layers_pattern`: whether the list of blocks in a path is called as one of the patterns says. None given: any is right.
pub(super) fn layer_patterns(patterns: &[String], key: &str, blame: Blame) -> Result<Vec<Regex>> {
    patterns.iter().map(|p| compile(&format!(r"^(?:.*?\.)?(?:{p})\.\d+\."), p, key, blame)).collect()
}

fn compile(whole: &str, pattern: &str, key: &str, blame: Blame) -> Result<Regex> {
    // Linear in time whatever the pattern is; Python's look-around is not part of this syntax.
    Regex::new(whole).map_err(|error| {
        let last = error.to_string().lines().last().unwrap_or_default().trim().to_owned();
        blame(key, format!("the pattern '{pattern}' cannot be used ({last})"))
    })
}

/// Whether a pattern can be used as a key of `rank_pattern` or `alpha_pattern`.
pub fn is_pattern(pattern: &str) -> bool {
    Regex::new(&format!(r"^(.*\.)?({pattern})$")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const Q: &str = "model.layers.3.self_attn.q_proj";

    fn matches(targets: Targets, path: &str) -> bool {
        targets.compile("target_modules", &blame_file(Path::new("c.json"))).unwrap().matches(path)
    }

    #[test]
    fn names_are_suffixes_at_a_dot_and_strings_match_whole_paths() {
        let names = |name: &str| Targets::Names(vec![name.into()]);
        assert!(matches(names("q_proj"), Q) && matches(names("self_attn.q_proj"), Q) && matches(names(Q), Q));
        assert!(!matches(names("proj"), Q));
        let word = |word: &str| Targets::Word(word.into());
        assert!(matches(word("all-linear"), Q));
        assert!(matches(word(r".*\.(q|v)_proj"), Q) && !matches(word("q_proj"), Q) && !matches(word(r".*\.q"), Q));
    }

    #[test]
    fn patterns_of_ranks_match_the_end_of_a_path_and_the_first_wins() {
        let entries = [("q_proj".to_owned(), 4), (r"layers\.3\..*".to_owned(), 16), ("^v_proj".to_owned(), 2)];
        let patterns = Patterns::compile(&entries, "rank_pattern", &blame_file(Path::new("c.json"))).unwrap();
        assert_eq!(patterns.of(Q), Some(4));
        assert_eq!(patterns.of("model.layers.3.mlp.up_proj"), Some(16));
        assert_eq!(patterns.of("model.layers.1.self_attn.xq_proj"), None);
        // In PEFT as here: a key that insists on the beginning may still follow the optional prefix only at position 0.
        assert_eq!(patterns.of("model.layers.1.self_attn.v_proj"), None);
        assert_eq!(patterns.of("v_proj"), Some(2));
    }

    #[test]
    fn a_pattern_that_cannot_be_read_is_named() {
        let broken = Targets::Word("(q_proj".into()).compile("target_modules", &blame_file(Path::new("c.json")));
        let message = broken.err().expect("refused").to_string();
        assert!(message.contains("target_modules") && message.contains("(q_proj"), "{message}");
        assert!(!is_pattern("(") && is_pattern("q_proj"));
    }
}
