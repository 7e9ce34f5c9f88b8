//! One row, read through a mapping: plain text, a question with its answer, or a conversation.

use serde_json::{Map, Value};

use super::mapping::{DataKind, Format, Mapping, Part};
use super::turn::{Turn, read_turns, text_of, truth, turn};

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
    Preference {
        chosen: Dialogue,
        rejected: Dialogue,
    },
    Kto {
        answer: Dialogue,
        liked: bool,
    },
    /// A question; its dialogue has no answer.
    Prompt(Dialogue),
}

type Fields = Map<String, Value>;
/// What is wrong with the row, for the person.
pub(super) type Reason = String;

impl Sample {
    /// # Errors
    /// Why the row cannot be used.
    pub(super) fn read(fields: &Fields, mapping: &Mapping) -> Result<Self, Reason> {
        let row = RowReader { fields, mapping };
        match mapping.kind() {
            DataKind::Text => Ok(Self::Text(row.filled(Part::Text, "text")?)),
            DataKind::Sft => Ok(Self::Sft(row.answered()?)),
            DataKind::Kto => Ok(Self::Kto { answer: judged(row.answered()?), liked: row.liked()? }),
            DataKind::Preference => {
                let (chosen, rejected) = share_question(row.side(Part::Chosen)?, row.side(Part::Rejected)?);
                if chosen == rejected {
                    return Err("the chosen and the rejected answer are the same".into());
                }
                if words(&chosen) == words(&rejected) {
                    return Err("the chosen and the rejected answer differ in white space only".into());
                }
                Ok(Self::Preference { chosen, rejected })
            }
            DataKind::Prompts => Self::question(fields, mapping),
        }
    }

    /// The question of a row of any kind, whether it has an answer or not.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn question(fields: &Fields, mapping: &Mapping) -> Result<Self, Reason> {
        Ok(Self::Prompt(RowReader { fields, mapping }.question()?))
    }
}

/// A mark is one for the last answer: what the assistant said before the last question is context.
fn judged(mut dialogue: Dialogue) -> Dialogue {
    if let Dialogue::Chat { turns, .. } = &mut dialogue
        && let Some(question) = turns.iter().rposition(|turn| turn.message.role == "user")
    {
        turns[..question].iter_mut().for_each(|turn| turn.learned = false);
    }
    dialogue
}

/// Both sides of a pair with what they begin with as their question, where the file has no column for it: turns of a
/// conversation, or the text up to the word in which the sides part (TRL's implicit prompt).
fn share_question(mut chosen: Dialogue, mut rejected: Dialogue) -> (Dialogue, Dialogue) {
    match (&mut chosen, &mut rejected) {
        (Dialogue::Chat { turns: better, .. }, Dialogue::Chat { turns: worse, .. }) => {
            let last = better.len().min(worse.len()).saturating_sub(1);
            let shared = better[..last].iter().zip(&worse[..last]).take_while(|(a, b)| a.message == b.message).count();
            let shared_turns = better[..shared].iter_mut().chain(&mut worse[..shared]);
            shared_turns.for_each(|turn| turn.learned = false);
        }
        (
            Dialogue::Plain { prompt: better_prompt, answer: better },
            Dialogue::Plain { prompt: worse_prompt, answer: worse },
        ) if better_prompt.is_empty() && worse_prompt.is_empty() => {
            let same = better.chars().zip(worse.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
            let end = better[..same].strip_suffix(' ').map_or(same, str::len);
            if end < better.trim_end().len() && end < worse.trim_end().len() {
                *better_prompt = better[..end].to_owned();
                *worse_prompt = better_prompt.clone();
                *better = better.split_off(end);
                *worse = worse.split_off(end);
            }
        }
        _ => {}
    }
    (chosen, rejected)
}

/// All that is said, without regard to white space.
fn words(dialogue: &Dialogue) -> Vec<&str> {
    match dialogue {
        Dialogue::Plain { prompt, answer } => prompt.split_whitespace().chain(answer.split_whitespace()).collect(),
        Dialogue::Chat { turns, .. } => turns.iter().flat_map(|turn| turn.message.content.split_whitespace()).collect(),
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

    /// What stands before the last answer.
    fn question(&self) -> Result<Dialogue, Reason> {
        let is_list = |value: &Value| value.is_array() || value.is_object();
        let context = match self.mapping.format {
            Format::Text => return Err("a column of plain text has no questions".into()),
            Format::Alpaca => self.alpaca_context(false)?,
            Format::Sharegpt | Format::Messages => match (self.value(Part::Messages), self.value(Part::Chosen)) {
                (Some(list), _) => self.turns(list, false)?,
                (None, Some(whole)) => self.answer_turns(whole, "chosen")?,
                (None, None) => return Err(self.empty(Part::Messages, "conversation")),
            },
            Format::PromptCompletion => match (self.value(Part::Prompt), self.value(Part::Chosen)) {
                (Some(list), _) if is_list(list) => self.turns(list, false)?,
                (Some(_), Some(answer)) if is_list(answer) => {
                    vec![turn("user", self.filled(Part::Prompt, "question")?, false)]
                }
                (Some(_), _) if self.value(Part::Response).is_some_and(is_list) => {
                    vec![turn("user", self.filled(Part::Prompt, "question")?, false)]
                }
                (Some(_), _) => {
                    let prompt = self.filled(Part::Prompt, "question")?;
                    return Ok(Dialogue::Plain { prompt, answer: String::new() });
                }
                (None, Some(_)) => {
                    return match share_question(self.side(Part::Chosen)?, self.side(Part::Rejected)?).0 {
                        Dialogue::Plain { prompt, .. } if prompt.trim().is_empty() => {
                            Err("no question: the two answers begin differently".into())
                        }
                        Dialogue::Plain { prompt, .. } => Ok(Dialogue::Plain { prompt, answer: String::new() }),
                        Dialogue::Chat { turns, tools } => asked(turns, tools),
                    };
                }
                (None, None) => return Err(self.empty(Part::Prompt, "question")),
            },
        };
        let tools = self.tools()?;
        asked(self.with_system(context)?, tools)
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
        Ok(Dialogue::Chat { turns: self.with_system(turns)?, tools: self.tools()? })
    }

    fn with_system(&self, mut turns: Vec<Turn>) -> Result<Vec<Turn>, Reason> {
        if turns.first().is_some_and(|turn| turn.message.role != "system")
            && let Some(system) = self.text(Part::System)?.filter(|system| !system.trim().is_empty())
        {
            turns.insert(0, turn("system", system, false));
        }
        Ok(turns)
    }

    fn tools(&self) -> Result<Option<Value>, Reason> {
        let tools = match self.value(Part::Tools) {
            Some(Value::String(text)) if text.trim().is_empty() => None,
            Some(Value::String(text)) => {
                let tools =
                    serde_json::from_str(text).map_err(|error| format!("the tools are not valid JSON: {error}"))?;
                Some(tools)
            }
            other => other.cloned(),
        };
        Ok(tools.filter(|tools| tools.as_array().is_none_or(|list| !list.is_empty())))
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
        read_turns(value, &self.mapping.tags, self.mapping.format, learn)
    }

    fn liked(&self) -> Result<bool, Reason> {
        let name = self.mapping.column(Part::KtoTag).unwrap_or_default();
        let value = self.fields.get(name).unwrap_or(&Value::Null);
        truth(value).ok_or_else(|| format!("column {name:?} is {value} where true or false should be (1 or 0, yes or no, good or bad, liked or disliked do as well)"))
    }

    fn empty(&self, part: Part, what: &str) -> Reason {
        match self.mapping.column(part) {
            Some(name) => format!("no {what}: column {name:?} is empty"),
            None => format!("no {what}: no column is chosen for it"),
        }
    }
}

/// The turns up to the last question.
fn asked(mut turns: Vec<Turn>, tools: Option<Value>) -> Result<Dialogue, Reason> {
    let last = turns.iter().rposition(|turn| turn.message.role != "assistant");
    match last {
        Some(last) if !turns[last].message.content.trim().is_empty() && turns[last].message.role != "system" => {
            turns.truncate(last + 1);
            Ok(Dialogue::Chat { turns, tools })
        }
        _ => Err("no question: nobody asks the assistant anything".into()),
    }
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
