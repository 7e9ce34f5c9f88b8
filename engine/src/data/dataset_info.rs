//! LLaMA-Factory's dataset_info.json: what it says of a dataset, and an entry of it written.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::mapping::{DataKind, Format, Mapping, Part, Tags};
use super::read::read_text;
use crate::error::{Error, Result};

pub(super) const INFO_FILE: &str = "dataset_info.json";
/// A formatting that LLaMA-Factory does not have: TRL's prompt and completion.
const PROMPT_COMPLETION: &str = "prompt_completion";
/// Ours: a column of questions alone is questions, not text.
const PROMPTS: &str = "prompts";
/// The rows drawn are listed before any is read, so a slip of the pen must not take all memory.
const MOST_SAMPLES: u64 = 100_000_000;

/// What dataset_info.json says of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Declared {
    pub mapping: Mapping,
    /// `columns` is written out and must be there; else LLaMA-Factory's defaults are meant, and a file may have fewer.
    pub has_columns: bool,
    pub num_samples: Option<usize>,
}

pub(super) fn read_info(info_file: &Path) -> Result<Map<String, Value>> {
    let text = read_text(info_file)?;
    serde_json::from_str(&text).map_err(|error| {
        Error::data(info_file, format!("line {}", error.line()), format!("not a valid dataset_info.json: {error}"))
    })
}

/// An entry as a mapping. Defaults are LLaMA-Factory's; where it would fail for want of a tag, the usual one is taken.
pub(super) fn declared(entry: &Value) -> Result<Declared, String> {
    let formatting = entry["formatting"].as_str().unwrap_or("alpaca");
    let columns = names(entry, "columns")?;
    let tags = names(entry, "tags")?;
    let has_columns = !columns.is_empty();
    let ranking = entry["ranking"].as_bool().unwrap_or(false);

    let mut mapping = match formatting {
        "alpaca" => Mapping::new(Format::Alpaca),
        PROMPT_COMPLETION => Mapping::new(Format::PromptCompletion),
        "openai" => Mapping::new(Format::Messages),
        "sharegpt" if tags.get("role_tag").is_some_and(|role| role == "role") => Mapping::new(Format::Messages),
        "sharegpt" => Mapping::new(Format::Sharegpt),
        other => return Err(format!("its formatting is {other:?}; Luthier knows alpaca, sharegpt and openai")),
    };
    for part in Part::ALL {
        if let Some(column) = columns.get(part.name()).and_then(Value::as_str) {
            mapping.columns.insert(part, column.to_owned());
        }
    }
    let mut default = |part, column: &str| {
        mapping.columns.entry(part).or_insert_with(|| column.to_owned());
    };
    match formatting {
        "alpaca" if !has_columns => {
            default(Part::Prompt, "instruction");
            default(Part::Query, "input");
            if !ranking {
                default(Part::Response, "output");
            }
        }
        "alpaca" | PROMPT_COMPLETION => {}
        "openai" => default(Part::Messages, "messages"),
        _ => default(Part::Messages, "conversations"),
    }
    if ranking {
        default(Part::Chosen, "chosen");
        default(Part::Rejected, "rejected");
    }
    // A column of questions alone is text to LLaMA-Factory (wiki_demo, c4_demo).
    let alone = mapping.columns.len() == 1 && !entry[PROMPTS].as_bool().unwrap_or(false);
    if let Some(text) = mapping.columns.get(&Part::Prompt).filter(|_| alone && formatting == "alpaca") {
        mapping = Mapping::new(Format::Text).with(Part::Text, text.clone());
    }
    apply_tags(&mut mapping.tags, &tags);
    let num_samples = match &entry["num_samples"] {
        Value::Null => None,
        value => match value.as_u64() {
            Some(count) if count <= MOST_SAMPLES => Some(count as usize),
            _ => return Err(format!("its num_samples is {value}, not a whole number up to {MOST_SAMPLES}")),
        },
    };
    Ok(Declared { mapping, has_columns, num_samples })
}

fn apply_tags(tags: &mut Tags, written: &Map<String, Value>) {
    for (key, tag) in named_tags(tags) {
        if let Some(word) = written.get(key).and_then(Value::as_str) {
            *tag = word.to_owned();
        }
    }
}

fn named_tags(tags: &mut Tags) -> [(&'static str, &mut String); 7] {
    [
        ("role_tag", &mut tags.role),
        ("content_tag", &mut tags.content),
        ("user_tag", &mut tags.user),
        ("assistant_tag", &mut tags.assistant),
        ("observation_tag", &mut tags.observation),
        ("function_tag", &mut tags.function),
        ("system_tag", &mut tags.system),
    ]
}

/// The entry of a dataset_info.json that reads `file` through `mapping`: how a mapping that the person chose reaches a
/// run. LLaMA-Factory reads it too, but for the formatting of TRL's prompt and completion, which is ours.
pub fn dataset_info_entry(mapping: &Mapping, file: &Path) -> Value {
    let formatting = match mapping.format {
        Format::Text | Format::Alpaca => "alpaca",
        Format::Sharegpt => "sharegpt",
        Format::Messages => "openai",
        Format::PromptCompletion => PROMPT_COMPLETION,
    };
    // Text is a column of prompts without answers there.
    let name = |part: Part| if part == Part::Text { Part::Prompt.name() } else { part.name() };
    let columns: Map<String, Value> =
        mapping.columns.iter().map(|(part, column)| (name(*part).to_owned(), column.as_str().into())).collect();
    let mut tags = mapping.tags.clone();
    let tags: Map<String, Value> =
        named_tags(&mut tags).into_iter().map(|(key, tag)| (key.to_owned(), tag.as_str().into())).collect();
    let mut entry = json!({"file_name": file.to_string_lossy(), "formatting": formatting, "columns": columns});
    if mapping.kind() == DataKind::Preference {
        entry["ranking"] = true.into();
    }
    if mapping.kind() == DataKind::Prompts {
        entry[PROMPTS] = true.into();
    }
    if matches!(mapping.format, Format::Sharegpt | Format::Messages | Format::PromptCompletion) {
        entry["tags"] = tags.into();
    }
    entry
}

fn names(entry: &Value, key: &str) -> Result<Map<String, Value>, String> {
    match &entry[key] {
        Value::Null => Ok(Map::new()),
        Value::Object(names) => Ok(names.clone()),
        other => Err(format!("its {key:?} is {other}, not an object of names")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn num_samples_is_bounded() {
        let entry = |count: Value| json!({"file_name": "rows.json", "num_samples": count});
        assert_eq!(declared(&entry(json!(100_000_000))).unwrap().num_samples, Some(100_000_000));
        assert_eq!(declared(&entry(Value::Null)).unwrap().num_samples, None);
        for wrong in [json!(100_000_001), json!(-1), json!("5")] {
            assert!(declared(&entry(wrong)).unwrap_err().contains("num_samples"));
        }
    }

    #[test]
    fn a_written_entry_reads_back_as_the_same_mapping() {
        let mut turns = Mapping::new(Format::Messages).with(Part::Messages, "talk").with(Part::KtoTag, "good");
        turns.tags.user = "A".into();
        let mappings = [
            turns,
            Mapping::new(Format::Text).with(Part::Text, "body"),
            Mapping::new(Format::Alpaca).with(Part::Prompt, "q").with(Part::Response, "a").with(Part::System, "s"),
            Mapping::new(Format::Sharegpt).with(Part::Messages, "c").with(Part::Chosen, "x").with(Part::Rejected, "y"),
            Mapping::new(Format::PromptCompletion).with(Part::Prompt, "p").with(Part::Response, "c"),
        ];
        for mapping in mappings {
            let entry = dataset_info_entry(&mapping, Path::new("rows.json"));
            let read = declared(&entry).unwrap();
            assert_eq!((read.mapping, read.has_columns), (mapping, true), "{entry}");
        }
    }
}
