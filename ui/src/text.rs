//! The window's words: two languages from `assets/i18n`, chosen per thread (the window has one; tests have many).

use std::cell::Cell;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Language {
    #[default]
    #[serde(rename = "en")]
    English,
    #[serde(rename = "zh-CN")]
    Chinese,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The name of its texts in assets/i18n.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// What its speakers call it.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "简体中文",
        }
    }

    /// From the environment's locale, as `LANG=zh_CN.UTF-8`.
    pub fn of_system() -> Self {
        let named =
            ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|n| std::env::var(n).ok().filter(|v| !v.is_empty()));
        if named.is_some_and(|n| n.starts_with("zh")) { Self::Chinese } else { Self::English }
    }
}

thread_local! {
    static SPOKEN: Cell<Language> = const { Cell::new(Language::English) };
}

/// Everything this thread says from now on is in `language`.
pub fn speak(language: Language) {
    SPOKEN.set(language);
}

pub fn spoken() -> Language {
    SPOKEN.get()
}

/// The text of a key that is put together at run time; `t!` for one that stands in the source.
pub fn say(key: &str) -> String {
    rust_i18n::t!(key, locale = spoken().code()).into_owned()
}

/// The text of a key, if there is one.
pub fn try_say(key: &str) -> Option<String> {
    crate::_rust_i18n_try_translate(spoken().code(), key).map(std::borrow::Cow::into_owned)
}

/// `t!("train.step_of", step = 3, total = 30)`: the text of a key in the spoken language, with its blanks filled.
macro_rules! t {
    ($key:literal) => {
        rust_i18n::t!($key, locale = $crate::text::spoken().code()).into_owned()
    };
    ($key:literal, $($name:ident = $value:expr),+ $(,)?) => {
        rust_i18n::t!($key, locale = $crate::text::spoken().code(), $($name = $value),+).into_owned()
    };
}
pub(crate) use t;

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::{Path, PathBuf};

    use super::*;

    fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("the source tree is there").flatten() {
            let path = entry.path();
            if path.is_dir() {
                files(&path, ending, found);
            } else if path.extension().is_some_and(|e| e == ending) {
                found.push(path);
            }
        }
    }

    fn keys_in_source() -> BTreeSet<String> {
        let mut sources = Vec::new();
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "rs", &mut sources);
        let mut keys = BTreeSet::new();
        for source in sources.iter().filter(|s| !s.ends_with("src/text.rs")) {
            let text = std::fs::read_to_string(source).expect("a source file can be read");
            for (at, _) in text.match_indices("t!(") {
                // Not `format!(` or `concat!(`.
                let whole = !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                let quoted = text[at + 3..].trim_start().strip_prefix('"').filter(|_| whole);
                keys.extend(
                    quoted.and_then(|rest| rest.split('"').next()).filter(|k| k.contains('.')).map(str::to_owned),
                );
            }
        }
        keys
    }

    /// The blanks (`%{name}`) of a text.
    fn blanks(text: &str) -> BTreeSet<&str> {
        text.split("%{").skip(1).filter_map(|rest| rest.split('}').next()).collect()
    }

    #[test]
    fn every_key_of_the_source_has_a_text_in_both_languages() {
        let mut wrong = Vec::new();
        let keys = keys_in_source();
        assert!(keys.len() > 100, "only {} keys were found in the source", keys.len());
        for key in keys {
            for language in Language::ALL {
                // Not try_say: the fallback language would hide a gap.
                if crate::_RUST_I18N_BACKEND.translate(language.code(), &key).is_none() {
                    wrong.push(format!("{key} has no text in {}", language.code()));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn both_languages_have_the_same_keys_and_blanks() {
        let all = |language: Language| -> BTreeMap<String, String> {
            let texts = crate::_RUST_I18N_BACKEND.messages_for_locale(language.code()).unwrap_or_default();
            texts.into_iter().map(|(k, v)| (k.into_owned(), v.into_owned())).collect()
        };
        let (english, chinese) = (all(Language::English), all(Language::Chinese));
        assert_eq!(english.keys().collect::<Vec<_>>(), chinese.keys().collect::<Vec<_>>());
        for (key, text) in &english {
            assert_eq!(blanks(text), blanks(&chinese[key]), "{key} has other blanks in Chinese");
        }
    }

    #[test]
    fn no_text_is_left_unused() {
        let used = keys_in_source();
        let mut sources = Vec::new();
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "rs", &mut sources);
        let source: String = sources.iter().filter_map(|s| std::fs::read_to_string(s).ok()).collect();
        let texts = crate::_RUST_I18N_BACKEND.messages_for_locale("en").unwrap_or_default();
        let unused: Vec<_> = texts
            .iter()
            .map(|(key, _)| key.as_ref())
            // Keys that are put together: their first word stands in a `format!`.
            .filter(|key| {
                !used.contains(*key) && !source.contains(&format!("\"{}.{{", key.split('.').next().unwrap_or("")))
            })
            .collect();
        assert!(unused.is_empty(), "nobody says {unused:?}");
    }
}
