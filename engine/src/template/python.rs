//! Makes minijinja's values behave as Python's do in Jinja2: how they print, what the tests and filters say of them,
//! which methods they have. What is not mentioned here already agrees.

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Output, State, Value};

use super::methods::{is_python_space, method};
use super::printing::python_str;
use super::to_json::to_json;

/// Largest text or list that a template can make on its way, in bytes.
const SIZE_LIMIT: usize = 64 << 20;

/// A template's own `raise_exception(message)`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Raised(pub String);

pub(super) fn make_pythonic(environment: &mut Environment<'static>) {
    minijinja_contrib::add_to_environment(environment);
    environment.set_formatter(print);
    environment.set_unknown_method_callback(method);
    environment.add_function("raise_exception", |message: Value| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, "raise_exception").with_source(Raised(python_str(&message)?)))
    });
    environment.add_function("strftime_now", |format: &str| super::clock::strftime_now(format));
    environment.add_filter("tojson", to_json);
    environment.add_filter("string", |value: Value| python_str(&value));
    environment.add_filter("join", join);
    environment.add_filter("upper", |value: Value| python_str(&value).map(|text| text.to_uppercase()));
    environment.add_filter("lower", |value: Value| python_str(&value).map(|text| text.to_lowercase()));
    environment.add_filter("trim", |value: Value, letters: Option<String>| -> Result<String, Error> {
        let text = python_str(&value)?;
        let goes = |letter: char| letters.as_ref().map_or(is_python_space(letter), |letters| letters.contains(letter));
        Ok(text.trim_matches(goes).to_owned())
    });
    environment.add_filter("replace", |text: Value, old: Value, new: Value, count: Option<i64>| {
        replace(&python_str(&text)?, &python_str(&old)?, &python_str(&new)?, count)
    });
    environment.add_filter("indent", indent);
    environment.add_filter("escape", escape);
    environment.add_filter("e", escape);
    environment.add_filter("length", length);
    environment.add_filter("count", length);
    environment.add_filter(super::source::BOUNDED, bounded);
    // In Python a text is a sequence, a dict can be walked, and True is a number but no integer.
    environment.add_test("iterable", |value: Value| {
        matches!(
            value.kind(),
            ValueKind::String | ValueKind::Seq | ValueKind::Map | ValueKind::Iterable | ValueKind::Undefined
        )
    });
    environment.add_test("sequence", |value: Value| {
        matches!(value.kind(), ValueKind::String | ValueKind::Seq | ValueKind::Map | ValueKind::Iterable)
    });
    environment.add_test("number", |value: Value| matches!(value.kind(), ValueKind::Number | ValueKind::Bool));
}

fn print(output: &mut Output, _: &State, value: &Value) -> Result<(), Error> {
    let written = match value.as_str() {
        Some(text) => output.write_str(text),
        None => output.write_str(&python_str(value)?),
    };
    written.map_err(Error::from)
}

/// Lists that hold themselves many times over are short to write and endless to print.
pub(super) fn within_limit(length: usize) -> Result<(), Error> {
    if length > SIZE_LIMIT { Err(wrong(format!("a value grows beyond {} MB", SIZE_LIMIT >> 20))) } else { Ok(()) }
}

/// The value itself, if its text or list is not too long to keep.
fn bounded(value: Value) -> Result<Value, Error> {
    let length = match value.kind() {
        ValueKind::String | ValueKind::Bytes => value.as_str().map_or(0, str::len),
        // An entry takes some 16 bytes.
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => value.len().unwrap_or(0).saturating_mul(16),
        _ => 0,
    };
    within_limit(length).map(|()| value)
}

/// Jinja's `join`, with items printed as Python prints them.
fn join(items: Value, separator: Option<String>, options: Kwargs) -> Result<String, Error> {
    let attribute: Option<String> = options.get("attribute")?;
    let separator = separator.or(options.get("d")?).unwrap_or_default();
    options.assert_all_used()?;
    let mut texts = Vec::new();
    for item in items.try_iter()? {
        let item = match &attribute {
            Some(name) => item.get_attr(name)?,
            None => item,
        };
        texts.push(python_str(&item)?);
    }
    joined(&texts, &separator)
}

pub(super) fn joined(texts: &[String], separator: &str) -> Result<String, Error> {
    let separators = separator.len().saturating_mul(texts.len());
    within_limit(texts.iter().fold(separators, |length, text| length.saturating_add(text.len())))?;
    Ok(texts.join(separator))
}

pub(super) fn replace(text: &str, old: &str, new: &str, count: Option<i64>) -> Result<String, Error> {
    let count = count.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
    let places = text.matches(old).take(count).count();
    within_limit(text.len().saturating_add(places.saturating_mul(new.len())))?;
    Ok(text.replacen(old, new, count))
}

/// Jinja's `length`: nothing has none.
fn length(value: Value) -> Result<usize, Error> {
    match value.len() {
        Some(length) => Ok(length),
        None if value.is_undefined() => Ok(0),
        None if value.kind() == ValueKind::Iterable => Ok(value.try_iter()?.count()),
        None => Err(wrong(format!("a value of type {} has no length", value.kind()))),
    }
}

/// Jinja's `escape`, with markupsafe's spelling.
fn escape(value: Value) -> Result<Value, Error> {
    let text = python_str(&value)?.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    Ok(Value::from(text.replace('\'', "&#39;").replace('"', "&#34;")))
}

/// Jinja's `indent(width=4, first=False, blank=False)`; the width may be a text.
fn indent(
    text: String,
    width: Option<Value>,
    first: Option<bool>,
    blank: Option<bool>,
    options: Kwargs,
) -> Result<String, Error> {
    let width = width.or(options.get("width")?).unwrap_or_else(|| Value::from(4));
    let first = first.or(options.get("first")?).unwrap_or(false);
    let blank = blank.or(options.get("blank")?).unwrap_or(false);
    options.assert_all_used()?;
    let margin = match width.as_str() {
        Some(margin) => margin.to_owned(),
        None => " ".repeat(usize::try_from(width)?.min(1000)),
    };
    let mut indented = String::new();
    for (index, line) in text.split('\n').enumerate() {
        indented.push_str(if index == 0 { "" } else { "\n" });
        let goes_in = if index == 0 { first } else { blank || !line.is_empty() };
        indented.push_str(if goes_in { &margin } else { "" });
        indented.push_str(line);
        within_limit(indented.len())?;
    }
    Ok(indented)
}

pub(super) fn wrong(reason: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, reason)
}
