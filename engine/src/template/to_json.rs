//! transformers' `tojson`: Python's json.dumps, with ensure_ascii off unless asked for, and no HTML escapes.

use std::fmt::Write;

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Error, ErrorKind, Value};

use super::printing::{entries_of, items_of, number};
use super::python::within_limit;

/// The filter, with json.dumps' options.
pub(super) fn to_json(value: Value, indent: Option<Value>, options: Kwargs) -> Result<String, Error> {
    let indent = match indent {
        Some(indent) => Some(indent),
        None => options.get::<Option<Value>>("indent")?,
    };
    let separators: Option<Vec<String>> = options.get("separators")?;
    let layout = Layout {
        indent: match indent.filter(|indent| !indent.is_none()) {
            None => None,
            Some(indent) => Some(match indent.as_str() {
                Some(text) => text.to_owned(),
                None => " ".repeat(usize::try_from(indent)?.min(64)),
            }),
        },
        ascii: options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false),
        sorted: options.get::<Option<bool>>("sort_keys")?.unwrap_or(false),
        separators: separators.and_then(|pair| <[String; 2]>::try_from(pair).ok()),
    };
    options.assert_all_used()?;
    let mut json = String::new();
    layout.write(&mut json, &value, 0)?;
    Ok(json)
}

/// How json.dumps lays a value out.
struct Layout {
    indent: Option<String>,
    ascii: bool,
    sorted: bool,
    /// Between items, between key and value.
    separators: Option<[String; 2]>,
}

impl Layout {
    fn write(&self, json: &mut String, value: &Value, depth: usize) -> Result<(), Error> {
        match value.kind() {
            ValueKind::None => json.push_str("null"),
            ValueKind::Bool => json.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => json.push_str(&match number(value).as_str() {
                "nan" => "NaN".to_owned(),
                "inf" => "Infinity".to_owned(),
                "-inf" => "-Infinity".to_owned(),
                finite => finite.to_owned(),
            }),
            ValueKind::String => self.write_text(json, value.as_str().unwrap_or_default()),
            ValueKind::Map => {
                let mut entries: Vec<(Value, Value)> = entries_of(value).collect();
                if self.sorted {
                    entries.sort_by(|a, b| a.0.cmp(&b.0));
                }
                let colon = self.separators.as_ref().map_or(": ", |pair| &pair[1]);
                self.write_items(json, ['{', '}'], entries, depth, |json, (key, item)| {
                    match key.as_str() {
                        Some(text) => self.write_text(json, text),
                        None => {
                            // Python turns the keys 1, true and null into texts.
                            let mut bare = String::new();
                            self.write(&mut bare, &key, depth)?;
                            self.write_text(json, &bare);
                        }
                    }
                    json.push_str(colon);
                    self.write(json, &item, depth + 1)
                })?;
            }
            ValueKind::Seq | ValueKind::Iterable => {
                let items: Vec<Value> = items_of(value).collect();
                self.write_items(json, ['[', ']'], items, depth, |json, item| self.write(json, &item, depth + 1))?;
            }
            kind => {
                let reason = format!("a value of type {kind} is not JSON serializable");
                return Err(Error::new(ErrorKind::BadSerialization, reason));
            }
        }
        within_limit(json.len())
    }

    fn write_items<T>(
        &self,
        json: &mut String,
        [open, close]: [char; 2],
        items: Vec<T>,
        depth: usize,
        mut write_item: impl FnMut(&mut String, T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let comma = match (&self.separators, &self.indent) {
            (Some(pair), _) => pair[0].as_str(),
            (None, Some(_)) => ",",
            (None, None) => ", ",
        };
        let is_empty = items.is_empty();
        let new_line = |json: &mut String, depth: usize| {
            if let Some(indent) = self.indent.as_ref().filter(|_| !is_empty) {
                json.push('\n');
                json.push_str(&indent.repeat(depth));
            }
        };
        json.push(open);
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                json.push_str(comma);
            }
            new_line(json, depth + 1);
            write_item(json, item)?;
        }
        new_line(json, depth);
        json.push(close);
        Ok(())
    }

    fn write_text(&self, json: &mut String, text: &str) {
        json.push('"');
        for letter in text.chars() {
            match letter {
                '"' => json.push_str("\\\""),
                '\\' => json.push_str("\\\\"),
                '\n' => json.push_str("\\n"),
                '\r' => json.push_str("\\r"),
                '\t' => json.push_str("\\t"),
                '\u{8}' => json.push_str("\\b"),
                '\u{c}' => json.push_str("\\f"),
                _ if (letter as u32) < 0x20 || (self.ascii && !letter.is_ascii()) => {
                    for unit in letter.encode_utf16(&mut [0; 2]) {
                        _ = write!(json, "\\u{unit:04x}");
                    }
                }
                _ => json.push(letter),
            }
        }
        json.push('"');
    }
}
