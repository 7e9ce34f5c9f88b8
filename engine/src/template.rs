//! Chat templates: messages to text, exactly as transformers renders its Jinja templates.
//!
//! minijinja does the work; `template/python.rs` and its neighbours make its values print and behave as Python's. A template comes with a
//! model from anywhere, so its time, its recursion and its output are bounded, and it can touch nothing.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use minijinja::{AutoEscape, Environment, ErrorKind};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::{Error, Result};

mod clock;
mod methods;
mod printing;
mod python;
mod source;
mod to_json;

/// Instructions of the template engine before a template counts as endless: a second or so.
const FUEL: u64 = 20_000_000;
/// Depth of macros and blocks inside each other.
const RECURSION_LIMIT: usize = 200;
/// Longest rendered text in bytes.
const OUTPUT_LIMIT: usize = 64 << 20;

const NAME: &str = "chat_template";
const JINJA_FILE: &str = "chat_template.jinja";
const CONFIG_FILE: &str = "tokenizer_config.json";
/// Keys of tokenizer_config.json that a template sees as variables.
const SPECIAL_TOKENS: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// A model's chat template, ready to render.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    source: String,
    /// `bos_token` and its like: variables of every rendering.
    tokens: Map<String, Value>,
}

impl ChatTemplate {
    /// `tokens`: special tokens by their names (`bos_token`, ...), and whatever else the template shall see.
    ///
    /// # Errors
    /// `BadModel` with `file` and line for a template that is not valid Jinja.
    pub fn new(source: &str, tokens: Map<String, Value>, file: &Path) -> Result<Self> {
        let prepared = intern(&source::prepared(source));
        let mut environment = Environment::new();
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_keep_trailing_newline(false);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION_LIMIT);
        python::make_pythonic(&mut environment);
        environment.add_template(NAME, prepared).map_err(|error| {
            let place = error.line().map_or(NAME.to_owned(), |line| format!("{NAME}, line {line}"));
            Error::model(file, place, format!("this is not a valid template: {}", described(&error)))
        })?;
        Ok(Self { environment, source: source.to_owned(), tokens })
    }

    /// The template of a model: a folder as for [`Self::from_folder`], or a GGUF file.
    ///
    /// # Errors
    /// As `from_folder`.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let has_files = [JINJA_FILE, CONFIG_FILE].iter().any(|name| path.join(name).is_file());
        if has_files || !holds_gguf(path) {
            return Self::from_folder(path);
        }
        match crate::files::gguf_tokenizer(path)?.config {
            Value::Object(config) => Self::from_config(path, path, &config),
            _ => Err(no_template(path)),
        }
    }

    /// The template of a model folder, which needs only tokenizer_config.json and, if it is there, chat_template.jinja.
    ///
    /// # Errors
    /// `Io` or `BadModel` if a file cannot be read, `ModelUnsupported` if there is no template in either.
    pub fn from_folder(dir: impl AsRef<Path>) -> Result<Self> {
        let dir = dir.as_ref();
        let config = read_object(&dir.join(CONFIG_FILE))?.unwrap_or_default();
        Self::from_config(dir, &dir.join(CONFIG_FILE), &config)
    }

    fn from_config(dir: &Path, file: &Path, config: &Map<String, Value>) -> Result<Self> {
        let Some((source, file)) = find_source(dir, file, config)? else { return Err(no_template(dir)) };
        Self::new(&source, special_tokens(config), &file)
    }

    /// The template's text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The text that the model sees. A message is an object with role, content and whatever else the template reads
    /// (`tool_calls`, ...): a [`ChatMessage`](crate::protocol::ChatMessage) or JSON. `kwargs` are extra variables
    /// (`enable_thinking`, `tools`, ...).
    ///
    /// # Errors
    /// `Template`: what the template raises, word for word, or what went wrong inside it.
    pub fn render(
        &self,
        messages: &[impl Serialize],
        add_generation_prompt: bool,
        kwargs: &Map<String, Value>,
    ) -> Result<String> {
        let mut variables: Vec<(String, minijinja::Value)> = Vec::new();
        // transformers always passes these two.
        for name in ["tools", "documents"] {
            variables.push((name.to_owned(), minijinja::Value::from(())));
        }
        for (name, value) in self.tokens.iter().chain(kwargs) {
            variables.push((name.clone(), minijinja::Value::from_serialize(value)));
        }
        variables.push(("messages".to_owned(), minijinja::Value::from_serialize(messages)));
        variables.push(("add_generation_prompt".to_owned(), minijinja::Value::from(add_generation_prompt)));

        let template = self.environment.get_template(NAME).map_err(template_error)?;
        let mut text = BoundedText::default();
        let outcome = template.render_captured_to(minijinja::Value::from_iter(variables), &mut text);
        if text.overflowed {
            return Err(Error::Template(format!("the text grows beyond {} MB", OUTPUT_LIMIT >> 20)));
        }
        outcome.map_err(template_error)?;
        String::from_utf8(text.bytes).map_err(|error| Error::Template(error.to_string()))
    }
}

fn no_template(path: &Path) -> Error {
    let reason = format!("there is no chat template: neither {JINJA_FILE} nor chat_template in {CONFIG_FILE}");
    Error::ModelUnsupported { path: path.to_owned(), reason }
}

/// Whether a path is a GGUF file or a folder with one.
pub(crate) fn holds_gguf(path: &Path) -> bool {
    let is_gguf = |path: &Path| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gguf"));
    let mut entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    is_gguf(path) || entries.any(|entry| is_gguf(&entry.path()))
}

/// The template's source and the file that it comes from. The .jinja file in `dir` wins over `config`, which was read
/// from `file`, as in transformers.
pub(crate) fn find_source(dir: &Path, file: &Path, config: &Map<String, Value>) -> Result<Option<(String, PathBuf)>> {
    let jinja = dir.join(JINJA_FILE);
    if jinja.is_file() {
        let bytes = std::fs::read(&jinja).map_err(|error| Error::io(&jinja, error))?;
        let source =
            String::from_utf8(bytes).map_err(|error| Error::model(&jinja, "the whole file", error.to_string()))?;
        // Python reads text files with one kind of line end.
        return Ok(Some((source.replace("\r\n", "\n"), jinja)));
    }
    let file = file.to_owned();
    match config.get("chat_template") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(source)) => Ok(Some((source.clone(), file))),
        Some(Value::Array(named)) => {
            let name_is = |entry: &&Value, name: &str| entry.get("name").and_then(Value::as_str) == Some(name);
            let default = named.iter().find(|entry| name_is(entry, "default"));
            let source = default.and_then(|entry| entry.get("template")).and_then(Value::as_str);
            match source {
                Some(source) => Ok(Some((source.to_owned(), file))),
                None => Err(Error::model(&file, "chat_template", "none of the templates is called default")),
            }
        }
        Some(_) => Err(Error::model(&file, "chat_template", "this is neither a text nor a list of templates")),
    }
}

/// The special tokens of a tokenizer_config.json (or special_tokens_map.json) by their names, those that are set.
pub(crate) fn special_tokens(config: &Map<String, Value>) -> Map<String, Value> {
    let text = |name: &str| config.get(name).and_then(token_text).map(|text| (name.to_owned(), Value::from(text)));
    let mut tokens: Map<String, Value> = SPECIAL_TOKENS.iter().filter_map(|name| text(name)).collect();
    if let Some(Value::Array(additional)) = config.get("additional_special_tokens") {
        let texts: Vec<&str> = additional.iter().filter_map(token_text).collect();
        tokens.insert("additional_special_tokens".into(), Value::from(texts));
    }
    tokens
}

/// A token is written as a text or as an object with `content`.
fn token_text(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("content")?.as_str())
}

/// A JSON object from a file; None if there is no such file.
pub(crate) fn read_object(path: &Path) -> Result<Option<Map<String, Value>>> {
    if !path.is_file() {
        return Ok(None);
    }
    match read_json(path, Error::model)? {
        Value::Object(entries) => Ok(Some(entries)),
        _ => Err(Error::model(path, "the whole file", "this is not a JSON object")),
    }
}

fn read_json(path: &Path, wrong: fn(PathBuf, String, String) -> Error) -> Result<Value> {
    let bytes = std::fs::read(path).map_err(|error| Error::io(path, error))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        wrong(path.to_owned(), place, format!("this is not valid JSON: {error}"))
    })
}

/// minijinja borrows a template's text; one copy of each text lives as long as the program.
fn intern(source: &str) -> &'static str {
    static SOURCES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut guard = SOURCES.lock().unwrap_or_else(PoisonError::into_inner);
    let sources = guard.get_or_insert_default();
    if let Some(known) = sources.get(source) {
        return known;
    }
    let kept: &'static str = Box::leak(source.to_owned().into_boxed_str());
    sources.insert(kept);
    kept
}

/// What the template raised, word for word; else what went wrong and where.
fn template_error(error: minijinja::Error) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if let Some(python::Raised(message)) = inner.downcast_ref() {
            return Error::Template(message.clone());
        }
        cause = inner.source();
    }
    let place = error.line().map_or(String::new(), |line| format!("line {line}: "));
    Error::Template(format!("{place}{}", described(&error)))
}

fn described(error: &minijinja::Error) -> String {
    match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => "it does not come to an end".to_owned(),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    }
}

#[derive(Default)]
struct BoundedText {
    bytes: Vec<u8>,
    overflowed: bool,
}

impl Write for BoundedText {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + piece.len() > OUTPUT_LIMIT {
            self.overflowed = true;
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
