//! Python's methods of texts, lists and dicts: those that minijinja-contrib lacks or does otherwise, then its own.

use minijinja::value::{Kwargs, Rest, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State, Value};
use minijinja_contrib::pycompat;

use super::printing::items_of;
use super::python::{joined, replace, wrong};

/// Calls a method of a value that minijinja itself has no methods for.
pub(super) fn method(state: &State, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    match value.as_str() {
        Some(text) => match text_method(text, name, args)? {
            Some(result) => Ok(result),
            None => pycompat::unknown_method_callback(state, value, name, args),
        },
        None if value.kind() == ValueKind::Iterable => match name {
            // A slice of a list.
            "count" | "index" => list_method(value, name, args),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        },
        None if value.kind() == ValueKind::Seq && name == "index" => list_method(value, name, args),
        None if value.kind() == ValueKind::Map && name == "copy" => from_args::<()>(args).map(|()| value.clone()),
        None => pycompat::unknown_method_callback(state, value, name, args),
    }
}

fn list_method(list: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    let (what,): (Value,) = from_args(args)?;
    if name == "count" {
        return Ok(Value::from(items_of(list).filter(|item| *item == what).count()));
    }
    let position = items_of(list).position(|item| item == what);
    position.map(Value::from).ok_or_else(|| wrong("the value is not in the list".into()))
}

/// None: minijinja-contrib does it as Python does, or nobody does.
fn text_method(text: &str, name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    let result = match name {
        // Python counts characters, minijinja-contrib bytes.
        "find" | "rfind" | "index" | "rindex" => {
            let (what, Rest(limits)): (&str, Rest<i64>) = from_args(args)?;
            let position = find_within(text, what, &limits, name.starts_with('r'));
            match position {
                None if name.ends_with("index") => return Err(wrong("substring not found".into())),
                position => Value::from(position.map_or(-1, |position| position as i64)),
            }
        }
        "isdigit" | "isnumeric" | "isalnum" | "isalpha" | "isspace" if text.is_empty() => Value::from(false),
        // A text without letters is neither upper nor lower.
        "islower" | "isupper" => {
            let () = from_args(args)?;
            let (any_lower, any_upper) = (text.chars().any(char::is_lowercase), text.chars().any(char::is_uppercase));
            Value::from(if name == "islower" { any_lower && !any_upper } else { any_upper && !any_lower })
        }
        "strip" | "lstrip" | "rstrip" => {
            let (letters,): (Option<&str>,) = from_args(args)?;
            let goes = |letter: char| letters.map_or(is_python_space(letter), |letters| letters.contains(letter));
            Value::from(match name {
                "strip" => text.trim_matches(goes),
                "lstrip" => text.trim_start_matches(goes),
                _ => text.trim_end_matches(goes),
            })
        }
        "split" | "rsplit" => return split(text, name == "rsplit", args).map(Some),
        "replace" => {
            let (old, new, count): (&str, &str, Option<i64>) = from_args(args)?;
            Value::from(replace(text, old, new, count)?)
        }
        "partition" | "rpartition" => {
            let (separator,): (&str,) = from_args(args)?;
            let cut = if name == "partition" { text.split_once(separator) } else { text.rsplit_once(separator) };
            texts(match cut {
                Some((before, after)) => vec![before, separator, after],
                None if name == "partition" => vec![text, "", ""],
                None => vec!["", "", text],
            })
        }
        "removeprefix" | "removesuffix" => {
            let (part,): (&str,) = from_args(args)?;
            let rest = if name == "removeprefix" { text.strip_prefix(part) } else { text.strip_suffix(part) };
            Value::from(rest.unwrap_or(text))
        }
        "ljust" | "rjust" | "center" | "zfill" => {
            let (width, fill): (usize, Option<&str>) = from_args(args)?;
            let missing = width.min(1 << 20).saturating_sub(text.chars().count());
            let fill = fill.unwrap_or(if name == "zfill" { "0" } else { " " });
            let left = match name {
                "ljust" => 0,
                "center" => missing / 2 + (missing & width & 1),
                _ => missing,
            };
            Value::from(format!("{}{text}{}", fill.repeat(left), fill.repeat(missing - left)))
        }
        "swapcase" => {
            let () = from_args(args)?;
            let swapped = |letter: char| -> String {
                if letter.is_uppercase() { letter.to_lowercase().collect() } else { letter.to_uppercase().collect() }
            };
            Value::from(text.chars().map(swapped).collect::<String>())
        }
        "casefold" => {
            let () = from_args(args)?;
            Value::from(text.to_lowercase().replace('ß', "ss"))
        }
        "join" => {
            let (items,): (Value,) = from_args(args)?;
            let mut texts = Vec::new();
            for item in items.try_iter()? {
                texts.push(item.as_str().map(str::to_owned).ok_or_else(|| wrong("join() takes texts only".into()))?);
            }
            Value::from(joined(&texts, text)?)
        }
        _ => return Ok(None),
    };
    Ok(Some(result))
}

/// Character position of `what` in `text[start:end]`, counted in the whole text.
fn find_within(text: &str, what: &str, limits: &[i64], from_right: bool) -> Option<usize> {
    let length = text.chars().count() as i64;
    let clamp = |limit: i64| (if limit < 0 { limit + length } else { limit }).clamp(0, length) as usize;
    let start = limits.first().map_or(0, |limit| clamp(*limit));
    let end = limits.get(1).map_or(length as usize, |limit| clamp(*limit));
    let byte_at = |position: usize| text.char_indices().nth(position).map_or(text.len(), |(byte, _)| byte);
    let part = text.get(byte_at(start)..byte_at(end))?;
    let byte = if from_right { part.rfind(what) } else { part.find(what) }?;
    Some(start + part[..byte].chars().count())
}

/// Python's `split` and `rsplit`: without a separator at runs of white space, else at every separator.
fn split(text: &str, from_right: bool, args: &[Value]) -> Result<Value, Error> {
    let (separator, maxsplit, options): (Option<Value>, Option<i64>, Kwargs) = from_args(args)?;
    let separator = separator.or(options.get("sep")?).filter(|separator| !separator.is_none());
    let maxsplit = maxsplit.or(options.get("maxsplit")?).unwrap_or(-1);
    options.assert_all_used()?;
    let limit = usize::try_from(maxsplit).unwrap_or(usize::MAX);
    let mut parts: Vec<&str> = match &separator {
        Some(separator) => {
            let separator = separator.as_str().ok_or_else(|| wrong("the separator is not a text".into()))?;
            if separator.is_empty() {
                return Err(wrong("empty separator".into()));
            }
            let pieces = limit.saturating_add(1);
            if from_right {
                text.rsplitn(pieces, separator).collect()
            } else {
                text.splitn(pieces, separator).collect()
            }
        }
        None => split_white(text, limit, from_right),
    };
    if from_right {
        parts.reverse();
    }
    Ok(texts(parts))
}

/// At most `limit` cuts at white space; from the right, the parts come last first.
fn split_white(text: &str, limit: usize, from_right: bool) -> Vec<&str> {
    let trimmed = |text| {
        if from_right {
            str::trim_end_matches(text, is_python_space)
        } else {
            str::trim_start_matches(text, is_python_space)
        }
    };
    let mut parts = Vec::new();
    let mut rest = trimmed(text);
    while parts.len() < limit && !rest.is_empty() {
        let cut = if from_right { rest.rfind(is_python_space) } else { rest.find(is_python_space) };
        let Some(cut) = cut else { break };
        let (left, right) = rest.split_at(cut);
        let (part, others) = if from_right { (right.trim_start_matches(is_python_space), left) } else { (left, right) };
        parts.push(part);
        rest = trimmed(others);
    }
    // Where the limit was reached, the last part keeps the white space at its other end.
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

/// What Python's `str.strip` takes for white space: Unicode's and four control characters.
pub(super) fn is_python_space(letter: char) -> bool {
    letter.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&letter)
}

fn texts(parts: Vec<&str>) -> Value {
    parts.into_iter().map(Value::from).collect()
}
