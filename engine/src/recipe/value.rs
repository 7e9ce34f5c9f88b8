//! How one YAML value becomes one setting, and back. Lenient where LLaMA-Factory is: "1e-4" in quotes is a number,
//! `a,b` and `[a, b]` are the same list, `no` is a word or a truth value as the key needs it.

use std::path::PathBuf;

use serde_json::Value;

/// A type that a recipe's key can have.
pub(super) trait Setting: Sized {
    /// Whether `null` is a value of its own; else it means the default.
    const NULLABLE: bool = false;
    /// Err: what is wrong, for people: `"fast" is not a number`.
    fn read(value: &Value) -> Result<Self, String>;
    fn write(&self) -> Value;
}

/// A value as the person wrote it, short enough for a message.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 60 { text.chars().take(57).chain("...".chars()).collect() } else { text }
}

fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

impl Setting for bool {
    fn read(value: &Value) -> Result<Self, String> {
        let word = scalar_text(value).unwrap_or_default().to_ascii_lowercase();
        match word.as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err(format!("{} is neither true nor false", shown(value))),
        }
    }

    fn write(&self) -> Value {
        Value::Bool(*self)
    }
}

impl Setting for f64 {
    fn read(value: &Value) -> Result<Self, String> {
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().replace('_', "").parse().ok(),
            _ => None,
        };
        number.filter(|number| number.is_finite()).ok_or_else(|| format!("{} is not a number", shown(value)))
    }

    fn write(&self) -> Value {
        Value::from(*self)
    }
}

impl Setting for i64 {
    fn read(value: &Value) -> Result<Self, String> {
        if let Some(number) = value.as_i64() {
            return Ok(number);
        }
        let number = f64::read(value).map_err(|_| format!("{} is not a whole number", shown(value)))?;
        // Beyond 2^53 a float no longer tells neighbouring whole numbers apart.
        if number.fract() != 0.0 || number.abs() > 9_007_199_254_740_992.0 {
            return Err(format!("{} is not a whole number", shown(value)));
        }
        Ok(number as i64)
    }

    fn write(&self) -> Value {
        Value::from(*self)
    }
}

impl Setting for u64 {
    fn read(value: &Value) -> Result<Self, String> {
        if let Some(number) = value.as_u64() {
            return Ok(number);
        }
        u64::try_from(i64::read(value)?).map_err(|_| format!("{} is below zero", shown(value)))
    }

    fn write(&self) -> Value {
        Value::from(*self)
    }
}

impl Setting for usize {
    fn read(value: &Value) -> Result<Self, String> {
        usize::try_from(u64::read(value)?).map_err(|_| format!("{} is too large", shown(value)))
    }

    fn write(&self) -> Value {
        Value::from(*self)
    }
}

impl Setting for String {
    fn read(value: &Value) -> Result<Self, String> {
        scalar_text(value).ok_or_else(|| format!("{} is not a text", shown(value)))
    }

    fn write(&self) -> Value {
        Value::from(self.as_str())
    }
}

impl Setting for PathBuf {
    fn read(value: &Value) -> Result<Self, String> {
        match value {
            // LLaMA-Factory writes several adapters as a list; one in a list is still one.
            Value::Array(items) if items.len() == 1 => Self::read(&items[0]),
            Value::Array(_) => Err(format!("{} names several paths, only one is possible here", shown(value))),
            _ => String::read(value).map(Self::from).map_err(|_| format!("{} is not a path", shown(value))),
        }
    }

    fn write(&self) -> Value {
        if self.as_os_str().is_empty() { Value::Null } else { Value::from(self.to_string_lossy()) }
    }
}

impl<T: Setting> Setting for Option<T> {
    const NULLABLE: bool = true;

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Null => Ok(None),
            Value::String(text) if text.is_empty() => Ok(None),
            _ => T::read(value).map(Some),
        }
    }

    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::write)
    }
}

impl Setting for Vec<String> {
    /// A text is cut at its commas; the items of a list are taken whole.
    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Array(items) => items
                .iter()
                .map(String::read)
                .collect::<Result<_, _>>()
                .map_err(|reason| format!("in the list, {reason}")),
            _ => {
                let text = String::read(value).map_err(|_| format!("{} is neither a text nor a list", shown(value)))?;
                Ok(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
            }
        }
    }

    fn write(&self) -> Value {
        Value::from(self.as_slice())
    }
}

impl Setting for Vec<f64> {
    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Array(items) => items.iter().map(f64::read).collect(),
            Value::Number(_) => Ok(vec![f64::read(value)?]),
            _ => Vec::<String>::read(value)?.iter().map(|part| f64::read(&Value::from(part.as_str()))).collect(),
        }
    }

    fn write(&self) -> Value {
        Value::from(self.as_slice())
    }
}

/// An enum whose variants are words in the YAML: `ALL` for menus, `as_str` for the word.
macro_rules! choice {
    ($(#[$about:meta])* $name:ident { $($(#[$variant_about:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_about])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that a recipe writes.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::recipe::value::Setting for $name {
            fn read(value: &serde_json::Value) -> Result<Self, String> {
                let words: Vec<&str> = Self::ALL.iter().map(|choice| choice.as_str()).collect();
                $crate::recipe::value::read_word(value, &words).map(|index| Self::ALL[index])
            }

            fn write(&self) -> serde_json::Value {
                serde_json::Value::from(self.as_str())
            }
        }
    };
}
pub(super) use choice;

/// Which of `words` a value is.
pub(super) fn read_word(value: &Value, words: &[&str]) -> Result<usize, String> {
    let word = match value {
        // PyYAML reads a bare `no` as false, and transformers turns that back into the word.
        Value::Bool(false) if words.contains(&"no") => "no".to_owned(),
        Value::Bool(true) if words.contains(&"no") => "steps".to_owned(),
        _ => scalar_text(value).unwrap_or_default().to_ascii_lowercase(),
    };
    words.iter().position(|known| *known == word).ok_or_else(|| {
        let nearest =
            nearest(&word, words.iter().copied()).map(|near| format!("; nearest: {near}")).unwrap_or_default();
        format!("{} is not one of {}{nearest}", shown(value), words.join(", "))
    })
}

/// The known word most like `word`, if any is like it.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::normalized_damerau_levenshtein(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// Writes a value so that it reads back as itself, in LLaMA-Factory's manner: lists of words joined by commas.
pub(super) fn yaml_text(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => float_text(float),
            _ => number.to_string(),
        },
        Value::Array(items) => {
            let words: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            match words {
                Some(words) if !words.is_empty() && words.iter().all(|word| is_plain(word) && !word.contains(',')) => {
                    words.join(",")
                }
                _ => format!("[{}]", items.iter().map(flow_text).collect::<Vec<_>>().join(", ")),
            }
        }
        // JSON is YAML.
        _ => value.to_string(),
    }
}

fn flow_text(value: &Value) -> String {
    match value {
        Value::String(_) => value.to_string(),
        _ => yaml_text(value),
    }
}

/// 0.00005, not 5e-5, which PyYAML takes for a text.
fn float_text(float: f64) -> String {
    if float.fract() == 0.0 && float.abs() < 1e15 {
        format!("{float:.1}")
    } else if float.abs() >= 1e-12 && float.abs() < 1e15 {
        format!("{float}")
    } else {
        format!("{float:?}")
    }
}

/// Whether a text needs no quotes in YAML.
fn is_plain(text: &str) -> bool {
    let starts_as_word = text.starts_with(|c: char| c.is_alphabetic() || "/_".contains(c));
    let words_only = text.chars().all(|c| c.is_alphanumeric() || "/_.,-+ ()".contains(c));
    let reserved = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    starts_as_word && words_only && !text.ends_with(' ') && !reserved.contains(&text.to_ascii_lowercase().as_str())
}
