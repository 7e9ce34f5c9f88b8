//! Records of the trainers' own formats: TRL, LLaMA-Factory, OpenAI.

use serde_json::{Map, Value, json};

use super::{FileFormat, Mark, Pair};
use crate::data::{Format, Mapping, Part, Tags};
use crate::protocol::ChatMessage;

/// None: the format has no way to write this conversation, or it is none of pairs.
pub(super) fn pair_record(pair: &Pair, format: FileFormat) -> Option<Value> {
    let (chosen, rejected) = (pair.chosen.as_str(), pair.rejected.as_str());
    match format {
        FileFormat::TrlPreference => {
            Some(json!({"prompt": pair.prompt, "chosen": [said(chosen)], "rejected": [said(rejected)]}))
        }
        FileFormat::OpenAi => Some(json!({
            "input": {"messages": pair.prompt, "tools": [], "parallel_tool_calls": true},
            "preferred_output": [said(chosen)],
            "non_preferred_output": [said(rejected)],
        })),
        FileFormat::LlamaFactoryRanking => {
            let turns = pair.prompt.iter().map(sharegpt).collect::<Option<Vec<Value>>>()?;
            let by = |text| json!({"from": "gpt", "value": text});
            Some(json!({"conversations": turns, "chosen": by(chosen), "rejected": by(rejected)}))
        }
        FileFormat::LlamaFactoryAlpaca => {
            let mut record = alpaca(&pair.prompt)?;
            record.insert("chosen".into(), chosen.into());
            record.insert("rejected".into(), rejected.into());
            Some(record.into())
        }
        _ => None,
    }
}

/// None: the format has no way to write this conversation, or it is none of marks.
pub(super) fn mark_record(mark: &Mark, format: FileFormat) -> Option<Value> {
    match format {
        FileFormat::TrlUnpaired => {
            Some(json!({"prompt": mark.prompt, "completion": [said(&mark.answer)], "label": mark.liked}))
        }
        FileFormat::LlamaFactoryKto => {
            let mut turns: Vec<Value> = mark.prompt.iter().map(|message| json!(message)).collect();
            turns.push(said(&mark.answer));
            Some(json!({"messages": turns, "label": mark.liked}))
        }
        _ => None,
    }
}

/// How a LLaMA-Factory format's file is read, for its entry in dataset_info.json.
pub(super) fn mapping(format: FileFormat) -> Mapping {
    match format {
        FileFormat::LlamaFactoryAlpaca => [
            (Part::Prompt, "instruction"),
            (Part::Query, "input"),
            (Part::System, "system"),
            (Part::History, "history"),
            (Part::Chosen, "chosen"),
            (Part::Rejected, "rejected"),
        ]
        .into_iter()
        .fold(Mapping::new(Format::Alpaca), |mapping, (part, column)| mapping.with(part, column)),
        FileFormat::LlamaFactoryKto => {
            // Written as sharegpt with these tags, as LLaMA-Factory's own kto_en_demo is: older versions know no openai.
            let mut mapping =
                Mapping::new(Format::Sharegpt).with(Part::Messages, "messages").with(Part::KtoTag, "label");
            mapping.tags = Tags::openai();
            mapping
        }
        _ => Mapping::new(Format::Sharegpt)
            .with(Part::Messages, "conversations")
            .with(Part::Chosen, "chosen")
            .with(Part::Rejected, "rejected"),
    }
}

fn said(text: &str) -> Value {
    json!({"role": "assistant", "content": text})
}

fn sharegpt(message: &ChatMessage) -> Option<Value> {
    let from = match message.role.as_str() {
        "user" => "human",
        "assistant" => "gpt",
        "system" => "system",
        "tool" => "observation",
        _ => return None,
    };
    Some(json!({"from": from, "value": message.content}))
}

/// An optional system message, then question and answer in turn, and a last question.
fn alpaca(prompt: &[ChatMessage]) -> Option<Map<String, Value>> {
    let (system, turns) = match prompt.split_first() {
        Some((first, rest)) if first.role == "system" => (first.content.as_str(), rest),
        _ => ("", prompt),
    };
    let (question, earlier) = turns.split_last()?;
    let (pairs, odd) = earlier.as_chunks::<2>();
    let in_turn = pairs.iter().all(|[asked, answered]| asked.role == "user" && answered.role == "assistant");
    if question.role != "user" || !odd.is_empty() || !in_turn {
        return None;
    }
    let history: Vec<Value> = pairs.iter().map(|[asked, answered]| json!([asked.content, answered.content])).collect();
    let fields = [
        ("instruction", question.content.as_str().into()),
        ("input", "".into()),
        ("system", system.into()),
        ("history", history.into()),
    ];
    Some(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
