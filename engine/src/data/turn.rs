//! The turns of a conversation.
//!
//! Roles come out as chat templates know them: user, assistant, system, tool. A call of a function (ShareGPT's
//! `function_call` turn, OpenAI's `tool_calls`) becomes an assistant turn whose text is `<tool_call>\n{..}\n</tool_call>`,
//! the form of Hermes and Qwen; what the function returned (`observation`) becomes a `tool` turn.

use serde_json::Value;

use super::mapping::{Format, Tags};
use super::sample::Reason;
use crate::protocol::ChatMessage;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Turn {
    pub message: ChatMessage,
    /// An answer to learn; else context.
    pub learned: bool,
}

/// A list of turns: as JSON, as JSON text in a table's cell, or wrapped in `{"messages": [..]}`. `learn`: answers are
/// learned, else all of it is context.
///
/// # Errors
/// Which turn is wrong, for the person.
pub(super) fn read_turns(value: &Value, tags: &Tags, format: Format, learn: bool) -> Result<Vec<Turn>, Reason> {
    let parsed;
    let list = match value {
        Value::Array(list) => list,
        // OpenAI's preference files wrap the conversation once more.
        Value::Object(object) if object.contains_key("messages") => match &object["messages"] {
            Value::Array(list) => list,
            other => return Err(format!("\"messages\" holds {}, not a list of turns", kind_of(other))),
        },
        // A table keeps lists as JSON text.
        Value::String(text) if text.trim_start().starts_with('[') => {
            parsed = serde_json::from_str::<Vec<Value>>(text)
                .map_err(|error| format!("the list of turns is not valid JSON: {error}"))?;
            &parsed
        }
        other => return Err(format!("{} stands where a list of turns should be", kind_of(other))),
    };
    list.iter().enumerate().map(|(index, value)| read_turn(index + 1, value, tags, format, learn)).collect()
}

fn read_turn(number: usize, value: &Value, tags: &Tags, format: Format, learn: bool) -> Result<Turn, Reason> {
    let Some(object) = value.as_object() else {
        return Err(format!("turn {number} is {}, not an object", kind_of(value)));
    };
    let role = object.get(&tags.role).and_then(Value::as_str);
    let Some(role) = role else { return Err(format!("turn {number} has no {:?} that says who speaks", tags.role)) };
    let (role, calls) = match role {
        word if word == tags.user => ("user", false),
        word if word == tags.assistant => ("assistant", false),
        word if word == tags.function => ("assistant", true),
        word if word == tags.observation => ("tool", false),
        word if word == tags.system => ("system", false),
        "user" => ("user", false),
        "assistant" => ("assistant", false),
        "system" | "developer" => ("system", false),
        "tool" | "function" | "observation" => ("tool", false),
        other if format == Format::Sharegpt => {
            let known = [&tags.user, &tags.assistant, &tags.observation, &tags.function, &tags.system];
            let known = known.map(String::as_str).join(", ");
            return Err(format!("turn {number} is spoken by {other:?}; the known speakers are {known}"));
        }
        // A chat template may know more roles than we do.
        other => (other, false),
    };
    let mut content = match object.get(&tags.content) {
        None | Some(Value::Null) => String::new(),
        Some(Value::Array(parts)) => join_parts(parts).map_err(|reason| format!("turn {number} {reason}"))?,
        Some(value) => text_of(value).map_err(|found| format!("turn {number} holds {found} where a text should be"))?,
    };
    if calls {
        content = tool_calls(&content);
    } else if let Some(calls) = object.get("tool_calls").filter(|calls| !calls.is_null()) {
        let text = openai_calls(calls);
        content = if content.is_empty() { text } else { format!("{content}\n{text}") };
    }
    // OpenAI's fine-tuning files switch single answers off by weight 0.
    let switched_off = object.get("weight").and_then(Value::as_f64) == Some(0.0);
    let learned = learn && role == "assistant" && !switched_off && !content.trim().is_empty();
    Ok(turn(role, content, learned))
}

pub(super) fn turn(role: &str, content: String, learned: bool) -> Turn {
    Turn { message: ChatMessage { role: role.to_owned(), content }, learned }
}

/// Text, number or truth value as text; else what was found.
pub(super) fn text_of(value: &Value) -> Result<String, &'static str> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Null => Ok(String::new()),
        other => Err(kind_of(other)),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A judgement as people write it: true or false, 1 or 0 (as number or text), or a word that can mean one thing only.
pub(crate) fn truth(value: &Value) -> Option<bool> {
    const YES: [&str; 12] =
        ["true", "1", "yes", "y", "good", "liked", "like", "desirable", "chosen", "thumbs_up", "positive", "是"];
    const NO: [&str; 13] = [
        "false",
        "0",
        "no",
        "n",
        "bad",
        "disliked",
        "dislike",
        "undesirable",
        "rejected",
        "thumbs_down",
        "negative",
        "否",
        "不",
    ];
    match value {
        Value::Bool(value) => Some(*value),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Value::String(text) => {
            let word = text.trim().to_lowercase().replace([' ', '-'], "_");
            let number = word.parse::<f64>().ok();
            if YES.contains(&word.as_str()) || number == Some(1.0) {
                Some(true)
            } else if NO.contains(&word.as_str()) || number == Some(0.0) {
                Some(false)
            } else {
                None
            }
        }
        _ => None,
    }
}

/// OpenAI's content parts; only text can be trained on.
fn join_parts(parts: &[Value]) -> Result<String, Reason> {
    let mut texts = Vec::new();
    for part in parts {
        match (part.get("text").and_then(Value::as_str), part.get("type").and_then(Value::as_str)) {
            (Some(text), _) => texts.push(text),
            (None, Some(kind)) => return Err(format!("holds {kind:?}; Luthier trains on text only")),
            (None, None) => return Err("has a part without text".into()),
        }
    }
    Ok(texts.join("\n"))
}

fn tool_calls(content: &str) -> String {
    let calls = match serde_json::from_str(content) {
        Ok(Value::Array(calls)) => calls.iter().map(Value::to_string).collect(),
        _ => vec![content.trim().to_owned()],
    };
    calls.iter().map(|call| format!("<tool_call>\n{call}\n</tool_call>")).collect::<Vec<_>>().join("\n")
}

/// OpenAI's `tool_calls`: the functions, their arguments unwrapped from JSON text.
fn openai_calls(calls: &Value) -> String {
    let functions = calls.as_array().into_iter().flatten().map(|call| {
        let mut function = call.get("function").unwrap_or(call).clone();
        let unwrapped = function["arguments"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        if let Some(arguments) = unwrapped {
            function["arguments"] = arguments;
        }
        format!("<tool_call>\n{function}\n</tool_call>")
    });
    functions.collect::<Vec<_>>().join("\n")
}
