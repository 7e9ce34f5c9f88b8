//! How Python prints values: `str` and `repr`.

use std::fmt::Write;

use minijinja::value::ValueKind;
use minijinja::{Error, Value};

use super::python::within_limit;

/// Python's `str(value)`.
pub(super) fn python_str(value: &Value) -> Result<String, Error> {
    match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None if value.is_undefined() => Ok(String::new()),
        None => python_repr(value),
    }
}

/// Python's `repr(value)`.
pub(super) fn python_repr(value: &Value) -> Result<String, Error> {
    let mut text = String::new();
    write_repr(&mut text, value)?;
    Ok(text)
}

fn write_repr(text: &mut String, value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Undefined => text.push_str("Undefined"),
        ValueKind::None => text.push_str("None"),
        ValueKind::Bool => text.push_str(if value.is_true() { "True" } else { "False" }),
        ValueKind::Number => text.push_str(&number(value)),
        ValueKind::String => text.push_str(&quoted(value.as_str().unwrap_or_default())),
        ValueKind::Map => {
            text.push('{');
            for (index, (key, item)) in entries_of(value).enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                write_repr(text, &key)?;
                text.push_str(": ");
                write_repr(text, &item)?;
            }
            text.push('}');
        }
        ValueKind::Seq | ValueKind::Iterable => {
            text.push('[');
            for (index, item) in items_of(value).enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                write_repr(text, &item)?;
            }
            text.push(']');
        }
        _ => text.push_str(&value.to_string()),
    }
    within_limit(text.len())
}

pub(super) fn items_of(value: &Value) -> impl Iterator<Item = Value> {
    value.try_iter().into_iter().flatten()
}

pub(super) fn entries_of(value: &Value) -> impl Iterator<Item = (Value, Value)> {
    items_of(value).map(move |key| (key.clone(), value.get_item(&key).unwrap_or_default()))
}

/// Whole numbers as they are; floats as Python's repr: 1.0, 1e-05, 1e+16.
pub(super) fn number(value: &Value) -> String {
    if value.is_integer() {
        return value.to_string();
    }
    let Ok(float) = f64::try_from(value.clone()) else { return value.to_string() };
    if float.is_nan() {
        return "nan".into();
    }
    if float.is_infinite() {
        return if float > 0.0 { "inf" } else { "-inf" }.into();
    }
    if float != 0.0 && !(1e-4..1e16).contains(&float.abs()) {
        let scientific = format!("{float:e}");
        let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    if float.fract() == 0.0 { format!("{float:.1}") } else { float.to_string() }
}

/// A text in Python's quotes: single ones, unless it has single but no double quotes inside.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut written = String::from(quote);
    for letter in text.chars() {
        match letter {
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            _ if letter == quote => written.extend(['\\', letter]),
            _ if letter.is_control() => _ = write!(written, "\\x{:02x}", letter as u32),
            _ => written.push(letter),
        }
    }
    written.push(quote);
    written
}
