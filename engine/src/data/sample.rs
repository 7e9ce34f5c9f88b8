//! One row, read through a mapping: plain text, a question with its answer, or a conversation.
//!
//! Roles come out as chat templates know them: user, assistant, system, tool. A call of a function (ShareGPT's
//! `function_call` turn, OpenAI's `tool_calls`) becomes an assistant turn whose text is `<tool_call>\n{..}\n</tool_call>`,
//! the form of Hermes and Qwen; what the function returned (`observation`) becomes a `tool` turn.

use serde_json::{Map, Value};

use super::mapping::{DataKind, Format, Mapping, Part};
use crate::protocol::ChatMessage;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Turn {
    pub message: ChatMessage,
    /// An answer to learn; else context.
    pub learned: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Dialogue {
    /// Joined as it stands.
    Plain { prompt: String, answer: String },
    /// Rendered through the chat template.
    Chat { turns: Vec<Turn>, tools: Option<Value> },
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sample {
    Text(String),
    Sft(Dialogue),
    Preference { chosen: Dialogue, rejected: Dialogue },
    Kto { answer: Dialogue, liked: bool },
}

type Fields = Map<String, Value>;
/// What is wrong with the row, for the person.
type Reason = String;

impl Sample {
    /// # Errors
    /// Why the row cannot be used.
    pub(super) fn read(fields: &Fields, mapping: &Mapping) -> Result<Self, Reason> {
        let row = RowReader { fields, mapping };
        match mapping.kind() {
            DataKind::Text => Ok(Self::Text(row.filled(Part::Text, "text")?)),
            DataKind::Sft => Ok(Self::Sft(row.answered()?)),
            DataKind::Kto => Ok(Self::Kto { answer: row.answered()?, liked: row.liked()? }),
            DataKind::Preference => {
                let chosen = row.side(Part::Chosen)?;
                let rejected = row.side(Part::Rejected)?;
                if chosen == rejected {
                    return Err("the chosen and the rejected answer are the same".into());
                }
                Ok(Self::Preference { chosen, rejected })
            }
        }
    }
}

struct RowReader<'a> {
    fields: &'a Fields,
    mapping: &'a Mapping,
}

impl RowReader<'_> {
    fn value(&self, part: Part) -> Option<&Value> {
        let name = self.mapping.column(part)?;
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// A column's text; None where the part has no column or the row no value.
    fn text(&self, part: Part) -> Result<Option<String>, Reason> {
        let Some(value) = self.value(part) else { return Ok(None) };
        text_of(value).map(Some).map_err(|found| {
            format!("column {:?} holds {found} where a text should be", self.mapping.column(part).unwrap_or_default())
        })
    }

    /// A column's text that must not be blank.
    fn filled(&self, part: Part, what: &str) -> Result<String, Reason> {
        match self.text(part)? {
            Some(text) if !text.trim().is_empty() => Ok(text),
            _ => Err(format!("no {what}: column {:?} is empty", self.mapping.column(part).unwrap_or_default())),
        }
    }

    /// The row of an SFT or KTO file.
    fn answered(&self) -> Result<Dialogue, Reason> {
        match self.mapping.format {
            Format::Text => Err("a column of plain text has no answers".into()),
            Format::Alpaca => {
                let mut turns = self.alpaca_context(true)?;
                turns.push(turn("assistant", self.filled(Part::Response, "answer")?, true));
                Ok(Dialogue::Chat { turns, tools: None })
            }
            Format::Sharegpt | Format::Messages => {
                let value = self.value(Part::Messages).ok_or_else(|| self.empty(Part::Messages, "conversation"))?;
                self.chat(self.turns(value, true)?)
            }
            Format::PromptCompletion => {
                let answer = self.value(Part::Response).ok_or_else(|| self.empty(Part::Response, "answer"))?;
                self.prompted(answer, "completion")
            }
        }
    }

    /// The conversation that ends in the better or in the worse answer.
    fn side(&self, part: Part) -> Result<Dialogue, Reason> {
        let name = part.name();
        let answer = self.value(part).ok_or_else(|| self.empty(part, &format!("{name} answer")))?;
        match self.mapping.format {
            Format::Text => Err("a column of plain text has no pairs".into()),
            Format::Alpaca => {
                let mut turns = self.alpaca_context(false)?;
                turns.extend(self.answer_turns(answer, name)?);
                Ok(Dialogue::Chat { turns, tools: None })
            }
            Format::Sharegpt | Format::Messages => {
                let mut turns = match self.value(Part::Messages) {
                    Some(context) => self.turns(context, false)?,
                    None => Vec::new(),
                };
                turns.extend(self.answer_turns(answer, name)?);
                self.chat(turns)
            }
            Format::PromptCompletion => self.prompted(answer, name),
        }
    }

    /// TRL: a prompt and what follows it, as texts or as lists of messages.
    fn prompted(&self, answer: &Value, what: &str) -> Result<Dialogue, Reason> {
        let prompt = self.value(Part::Prompt);
        let is_list = |value: &Value| value.is_array() || value.is_object();
        if !is_list(answer) && !prompt.is_some_and(is_list) {
            let answer = text_of(answer).unwrap_or_default();
            if answer.trim().is_empty() {
                return Err(format!("no answer: the {what} is empty"));
            }
            let prompt = self.text(Part::Prompt)?;
            if prompt.is_none() && self.mapping.has(Part::Prompt) {
                return Err(self.empty(Part::Prompt, "prompt"));
            }
            return Ok(Dialogue::Plain { prompt: prompt.unwrap_or_default(), answer });
        }
        let mut turns = match prompt {
            Some(list) if is_list(list) => self.turns(list, false)?,
            Some(text) => vec![turn("user", text_of(text).unwrap_or_default(), false)],
            None => Vec::new(),
        };
        turns.extend(self.answer_turns(answer, what)?);
        self.chat(turns)
    }

    /// System message, earlier turns and question of an alpaca row. LLaMA-Factory learns the earlier answers as well.
    fn alpaca_context(&self, learn_history: bool) -> Result<Vec<Turn>, Reason> {
        let mut turns = Vec::new();
        let system = self.text(Part::System)?.filter(|system| !system.trim().is_empty());
        turns.extend(system.map(|system| turn("system", system, false)));
        if let Some(Value::Array(history)) = self.value(Part::History) {
            for pair in history {
                let texts = pair.as_array().map(|pair| pair.iter().map(text_of).collect::<Result<Vec<_>, _>>());
                let Some(Ok(texts)) = texts else {
                    return Err("the history is not a list of [question, answer]".into());
                };
                let [question, answer]: [String; 2] =
                    texts.try_into().map_err(|_| "a turn of the history is not [question, answer]".to_owned())?;
                let learned = learn_history && !answer.trim().is_empty();
                turns.push(turn("user", question, false));
                turns.push(turn("assistant", answer, learned));
            }
        }
        let prompt = self.text(Part::Prompt)?;
        if prompt.is_none() {
            return Err(self.empty(Part::Prompt, "instruction"));
        }
        let parts: Vec<String> =
            [prompt, self.text(Part::Query)?].into_iter().flatten().filter(|part| !part.is_empty()).collect();
        turns.push(turn("user", parts.join("\n"), false));
        Ok(turns)
    }

    /// Checks a conversation, gives it the system message of its column and leaves out what follows the last answer.
    fn chat(&self, mut turns: Vec<Turn>) -> Result<Dialogue, Reason> {
        let Some(last) = turns.iter().rposition(|turn| turn.learned) else {
            return Err("no answer: no turn of the assistant has text to learn".into());
        };
        turns.truncate(last + 1);
        if turns[0].message.role != "system"
            && let Some(system) = self.text(Part::System)?.filter(|system| !system.trim().is_empty())
        {
            turns.insert(0, turn("system", system, false));
        }
        let tools = match self.value(Part::Tools) {
            Some(Value::String(text)) if text.trim().is_empty() => None,
            Some(Value::String(text)) => {
                let tools =
                    serde_json::from_str(text).map_err(|error| format!("the tools are not valid JSON: {error}"))?;
                Some(tools)
            }
            other => other.cloned(),
        };
        let tools = tools.filter(|tools| tools.as_array().is_none_or(|list| !list.is_empty()));
        Ok(Dialogue::Chat { turns, tools })
    }

    /// An answer given as text, as one turn, or as a list of turns.
    fn answer_turns(&self, answer: &Value, what: &str) -> Result<Vec<Turn>, Reason> {
        let turns = match answer {
            Value::Object(_) => self.turns(&Value::Array(vec![answer.clone()]), true)?,
            Value::Array(_) => self.turns(answer, true)?,
            text => vec![turn("assistant", text_of(text).unwrap_or_default(), true)],
        };
        match turns.last() {
            Some(last) if !last.message.content.trim().is_empty() => Ok(turns),
            _ => Err(format!("no answer: the {what} is empty")),
        }
    }

    fn turns(&self, value: &Value, learn: bool) -> Result<Vec<Turn>, Reason> {
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
        list.iter().enumerate().map(|(index, value)| self.turn(index + 1, value, learn)).collect()
    }

    fn turn(&self, number: usize, value: &Value, learn: bool) -> Result<Turn, Reason> {
        let tags = &self.mapping.tags;
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
            other if self.mapping.format == Format::Sharegpt => {
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
            Some(value) => {
                text_of(value).map_err(|found| format!("turn {number} holds {found} where a text should be"))?
            }
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

    fn liked(&self) -> Result<bool, Reason> {
        let name = self.mapping.column(Part::KtoTag).unwrap_or_default();
        let value = self.fields.get(name).unwrap_or(&Value::Null);
        truth(value).ok_or_else(|| format!("column {name:?} is {value} where true or false should be"))
    }

    fn empty(&self, part: Part, what: &str) -> Reason {
        match self.mapping.column(part) {
            Some(name) => format!("no {what}: column {name:?} is empty"),
            None => format!("no {what}: no column is chosen for it"),
        }
    }
}

fn turn(role: &str, content: String, learned: bool) -> Turn {
    Turn { message: ChatMessage { role: role.to_owned(), content }, learned }
}

/// Text, number or truth value as text; else what was found.
fn text_of(value: &Value) -> Result<String, &'static str> {
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

/// True or false as JSON and as tables write them.
pub(super) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::detect::detect;
    use super::super::read::{Row, Table};
    use super::*;

    /// Reads a row as detection understands it.
    fn read(row: Value) -> Result<Sample, String> {
        let fields = row.as_object().unwrap().clone();
        let columns = fields.keys().cloned().collect();
        let table = Table { rows: vec![Row { line: 1, fields: fields.clone() }], columns, ..Table::default() };
        Sample::read(&fields, &detect(&table).0)
    }

    /// "role: content", with a star where the turn is learned.
    fn shown(sample: Result<Sample, String>) -> Vec<String> {
        let Ok(Sample::Sft(Dialogue::Chat { turns, .. }) | Sample::Kto { answer: Dialogue::Chat { turns, .. }, .. }) =
            sample
        else {
            panic!("{sample:?}")
        };
        let star = |turn: &Turn| if turn.learned { "*" } else { "" };
        turns.iter().map(|turn| format!("{}{}: {}", star(turn), turn.message.role, turn.message.content)).collect()
    }

    #[test]
    fn alpaca_joins_task_and_material() {
        let row = json!({"instruction": "Add.", "input": "1 2", "output": 3, "system": "s", "history": [["q", "a"]]});
        assert_eq!(shown(read(row)), ["system: s", "user: q", "*assistant: a", "user: Add.\n1 2", "*assistant: 3"]);
    }

    #[test]
    fn calls_of_tools_become_turns_of_the_assistant() {
        let row = json!({"conversations": [
            {"from": "human", "value": "q"}, {"from": "function_call", "value": "{\"name\": \"f\"}"},
            {"from": "observation", "value": "7"}, {"from": "gpt", "value": "a"}, {"from": "human", "value": "bye"},
        ]});
        let turns = shown(read(row));
        assert_eq!(
            turns[1..],
            ["*assistant: <tool_call>\n{\"name\": \"f\"}\n</tool_call>", "tool: 7", "*assistant: a"]
        );

        let call = json!([{"function": {"name": "f", "arguments": "{\"x\": 1}"}}]);
        let row = json!({"messages": [
            {"role": "developer", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "q"}]},
            {"role": "assistant", "content": null, "tool_calls": call}, {"role": "tool", "content": "7"},
            {"role": "assistant", "content": "a", "weight": 0}, {"role": "critic", "content": "c"},
            {"role": "assistant", "content": "b"},
        ]});
        let call = "*assistant: <tool_call>\n{\"name\":\"f\",\"arguments\":{\"x\":1}}\n</tool_call>";
        let expected = ["system: s", "user: q", call, "tool: 7", "assistant: a", "critic: c", "*assistant: b"];
        assert_eq!(shown(read(row)), expected);
    }

    #[test]
    fn trl_learns_the_completion_only() {
        let text = read(json!({"prompt": "p", "completion": "c"})).unwrap();
        assert_eq!(text, Sample::Sft(Dialogue::Plain { prompt: "p".into(), answer: "c".into() }));
        let prompt = json!([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}, {"role": "user", "content": "r"}]);
        let row = json!({"prompt": prompt, "completion": [{"role": "assistant", "content": "b"}], "label": 1});
        assert_eq!(shown(read(row)), ["user: q", "assistant: a", "user: r", "*assistant: b"]);
    }

    #[test]
    fn bad_rows_say_why() {
        let cases = [
            (json!({"instruction": "i", "output": " "}), "no answer: column \"output\" is empty"),
            (json!({"instruction": null, "output": "o"}), "no instruction"),
            (json!({"instruction": "i", "output": ["o"]}), "holds a list"),
            (json!({"prompt": "p", "completion": ""}), "no answer"),
            (json!({"messages": [{"role": "user", "content": "q"}]}), "no turn of the assistant"),
            (json!({"conversations": [{"from": "human", "value": "q"}, {"from": "cat", "value": "a"}]}), "\"cat\""),
            (json!({"instruction": "i", "chosen": "a", "rejected": "a"}), "are the same"),
            (json!({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}), "text only"),
        ];
        // Detection refuses rows that do not fit, so each stands beside a good one.
        for (row, reason) in cases {
            let fields = row.as_object().unwrap();
            let columns: Vec<String> = fields.keys().cloned().collect();
            let format = ["instruction", "prompt", "messages", "conversations"]
                .iter()
                .position(|name| columns.contains(&name.to_string()));
            let format =
                [Format::Alpaca, Format::PromptCompletion, Format::Messages, Format::Sharegpt][format.unwrap()];
            let said = Sample::read(fields, &super::super::suggest(format, &columns)).unwrap_err();
            assert!(said.contains(reason), "{row}: {said}");
        }
    }
}
