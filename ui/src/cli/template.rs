//! `luthier template`: messages as the model will see them.

use std::path::PathBuf;

use clap::Args;
use luthier_engine::template::ChatTemplate;
use luthier_engine::{Error, Result};
use serde_json::{Map, Value};

use super::{output, read_json};

#[derive(Args)]
pub struct Arguments {
    /// Model folder (tokenizer_config.json and, if there, chat_template.jinja are enough) or GGUF file
    model: PathBuf,
    /// JSON file: a list of messages with role and content, or an object with such a list under "messages"
    #[arg(long, value_name = "FILE")]
    messages: PathBuf,
    /// Leave out the opening of the assistant's turn at the end
    #[arg(long)]
    no_generation_prompt: bool,
    /// Further template variables, as a JSON object
    #[arg(long, value_name = "JSON")]
    kwargs: Option<String>,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let messages = messages(&arguments.messages)?;
    let kwargs = kwargs(arguments.kwargs.as_deref())?;
    let template = ChatTemplate::load(&arguments.model)?;
    let text = template.render(&messages, !arguments.no_generation_prompt, &kwargs)?;
    output::write(&text).map(|_| ())
}

fn messages(path: &PathBuf) -> Result<Vec<Value>> {
    let list = match read_json(path)? {
        Value::Object(mut object) => object.remove("messages").unwrap_or(Value::Null),
        value => value,
    };
    match list {
        Value::Array(messages) => Ok(messages),
        _ => Err(Error::data(
            path,
            "the whole file",
            "this is no list of messages like [{\"role\": .., \"content\": ..}]",
        )),
    }
}

fn kwargs(text: Option<&str>) -> Result<Map<String, Value>> {
    let Some(text) = text else { return Ok(Map::new()) };
    serde_json::from_str(text).map_err(|error| Error::Refused(format!("--kwargs is not a JSON object: {error}")))
}
