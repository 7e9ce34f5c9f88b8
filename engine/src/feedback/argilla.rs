//! Argilla's records: fields, everybody's responses, suggestions, metadata. Written as `Record.to_dict()` of its Python
//! package writes them; read as these, and as its server's own records, whose responses are a list.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::read::{Imported, Item};
use super::{Answer, Judged, Said, Strength, Verdict, wording};
use crate::data::Rows;
use crate::protocol::ChatMessage;

const CHOICE: &str = "preference";
const RANKING: &str = "ranking";
const QUALITY: &str = "quality";
const TEXT: &str = "better_text";
const STRENGTH: &str = "strength";
const TAGS: &str = "tags";
const NOTE: &str = "note";
const ANNOTATORS: &str = "annotators";
/// Fields that hold the question, likeliest first; any other field holds an answer.
const PROMPTS: &[&str] = &["prompt", "messages", "chat", "conversation", "instruction", "question", "input", "text"];

/// An item's record: each person's latest response, a last word as a suggestion beside them.
pub(super) fn record(item: &[Said<'_>]) -> Value {
    let Some(first) = item.first() else { return Value::Null };
    let mut fields = Map::from_iter([("prompt".to_owned(), json!(first.judged.prompt))]);
    let mut metadata = Map::new();
    for (index, answer) in first.judged.answers.iter().enumerate() {
        fields.insert(format!("response{}", index + 1), answer.text.as_str().into());
        metadata.insert(format!("author{}", index + 1), answer.author.as_str().into());
    }
    let mut latest: Vec<&Judged> = Vec::new();
    for said in item.iter().filter(|said| said.judged.verdict != Verdict::Skipped) {
        latest.retain(|judged| judged.annotator != said.judged.annotator);
        latest.push(said.judged);
    }
    let mut responses: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for judged in &latest {
        let user = user_id(&judged.annotator);
        for (question, value) in answers(judged) {
            responses.entry(question).or_default().push(json!({"value": value, "user_id": user}));
        }
    }
    let people: Vec<String> =
        latest.iter().map(|judged| format!("{} {}", user_id(&judged.annotator), judged.annotator)).collect();
    metadata.insert(ANNOTATORS.into(), people.into());
    let mut suggestions = Map::new();
    if let Some(last) = item.iter().rev().find(|said| said.last_word) {
        for (question, value) in answers(last.judged) {
            let agent = &last.judged.annotator;
            suggestions.insert(question.into(), json!({"value": value, "score": null, "agent": agent}));
        }
    }
    json!({
        "id": first.item.to_string(),
        "status": "completed",
        "fields": fields,
        "metadata": metadata,
        "suggestions": suggestions,
        "responses": responses,
        "vectors": {},
    })
}

/// What a person has answered to each question.
fn answers(judged: &Judged) -> Vec<(&'static str, Value)> {
    let mut answers = Vec::new();
    if let Verdict::Ranked { places } = &judged.verdict {
        let rank =
            |(index, place): (usize, &usize)| json!({"value": format!("response{}", index + 1), "rank": place + 1});
        answers.push((RANKING, places.iter().enumerate().map(rank).collect::<Vec<_>>().into()));
    }
    if let Some(word) = wording::word(&judged.verdict, "response") {
        let alone = matches!(judged.verdict, Verdict::Good | Verdict::Bad);
        answers.push((if alone { QUALITY } else { CHOICE }, word.into()));
    }
    answers.extend(wording::text(&judged.verdict).map(|text| (TEXT, text.into())));
    answers.extend(wording::strength(&judged.verdict).map(|word| (STRENGTH, word.into())));
    if !judged.tags.is_empty() {
        answers.push((TAGS, judged.tags.clone().into()));
    }
    if !judged.note.is_empty() {
        answers.push((NOTE, judged.note.as_str().into()));
    }
    answers
}

/// Argilla's user ids are UUIDs; a name always has the same (version 8: FNV-1a twice).
fn user_id(name: &str) -> String {
    let fnv = |start: u64| {
        name.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
    };
    let (high, low) = (fnv(0xcbf2_9ce4_8422_2325), fnv(0x8422_2325_cbf2_9ce4));
    format!(
        "{:08x}-{:04x}-8{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | (low >> 48) & 0x3fff,
        low & 0xffff_ffff_ffff
    )
}

pub(super) fn is_it(rows: &Rows) -> bool {
    let wrapped = rows.fields().take(20).any(|row| row.get("fields").is_some_and(Value::is_object));
    wrapped && (rows.has_column("responses") || rows.has_column("suggestions"))
}

pub(super) fn read(rows: &Rows, imported: &mut Imported, author: &str) {
    for (index, record) in rows.fields().enumerate() {
        match item(record, author) {
            Ok(mut item) => {
                item.row = index + 1;
                imported.items.push(item);
            }
            Err(reason) => imported.leave_out(rows.place(index), reason),
        }
    }
}

fn item(record: &Map<String, Value>, author: &str) -> Result<Item, String> {
    let fields = record.get("fields").and_then(Value::as_object).ok_or("its \"fields\" are no object")?;
    let name = PROMPTS.iter().find(|name| fields.contains_key(**name)).copied();
    let name = name.or_else(|| fields.keys().next().map(String::as_str)).ok_or("it has no fields")?;
    let prompt = conversation(&fields[name]).ok_or_else(|| format!("its field {name:?} holds no question"))?;
    let metadata = record.get("metadata");
    let (mut names, mut texts) = (Vec::new(), Vec::new());
    for (field, value) in fields.iter().filter(|(field, value)| *field != name && !value.is_null()) {
        let text = value.as_str().map(str::to_owned).or_else(|| Some(conversation(value)?.pop()?.content));
        let text = text.ok_or_else(|| format!("its field {field:?} holds no text"))?;
        let by = metadata.and_then(|facts| facts[format!("author{}", names.len() + 1)].as_str());
        names.push(field.clone());
        texts.push(Answer { text, author: by.unwrap_or(author).to_owned() });
    }
    let mut judged = Vec::new();
    for (user, said) in responses(record.get("responses")) {
        let annotator = person(&user, metadata);
        let verdict = verdict(&said, &names).map_err(|reason| format!("what {annotator} says: {reason}"))?;
        let Some(verdict) = verdict else { continue };
        let list = said.get(TAGS).and_then(|value| value.as_array().cloned()).unwrap_or_default();
        judged.push(Judged {
            tags: list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            note: said.get(NOTE).and_then(|value| value.as_str()).unwrap_or_default().to_owned(),
            annotator,
            ..Judged::on(&prompt, &texts, verdict)
        });
    }
    Ok(Item { row: 0, prompt, answers: texts, judged })
}

/// A text, or a list of messages.
pub(super) fn conversation(value: &Value) -> Option<Vec<ChatMessage>> {
    let messages = match value {
        Value::String(text) => vec![ChatMessage { role: "user".into(), content: text.clone() }],
        Value::Array(list) => {
            let message = |value: &Value| {
                Some(ChatMessage {
                    role: value["role"].as_str()?.to_owned(),
                    content: value["content"].as_str()?.to_owned(),
                })
            };
            list.iter().map(message).collect::<Option<Vec<_>>>()?
        }
        _ => return None,
    };
    messages.iter().any(|message| !message.content.trim().is_empty()).then_some(messages)
}

type Responses = Vec<(String, BTreeMap<String, Value>)>;

/// By user, in the order of their first response: each question's value.
fn responses(value: Option<&Value>) -> Responses {
    let mut found: Responses = Vec::new();
    let mut add = |user: &str, question: &str, value: &Value| {
        let place = found.iter().position(|(known, _)| known == user).unwrap_or_else(|| {
            found.push((user.to_owned(), BTreeMap::new()));
            found.len() - 1
        });
        found[place].1.insert(question.to_owned(), value.clone());
    };
    let user = |response: &Value| response["user_id"].as_str().unwrap_or("unknown").to_owned();
    let kept = |response: &Value| !matches!(response["status"].as_str(), Some("discarded" | "draft"));
    match value {
        Some(Value::Object(questions)) => {
            for (question, list) in questions {
                for response in list.as_array().into_iter().flatten().filter(|response| kept(response)) {
                    add(&user(response), question, &response["value"]);
                }
            }
        }
        Some(Value::Array(list)) => {
            for response in list.iter().filter(|response| kept(response)) {
                for (question, answer) in response["values"].as_object().into_iter().flatten() {
                    add(&user(response), question, answer.get("value").unwrap_or(answer));
                }
            }
        }
        _ => {}
    }
    found
}

fn person(user: &str, metadata: Option<&Value>) -> String {
    let known = metadata.and_then(|facts| facts[ANNOTATORS].as_array());
    let name = known.into_iter().flatten().filter_map(Value::as_str).find_map(|line| line.strip_prefix(user));
    name.map(str::trim).filter(|name| !name.is_empty()).unwrap_or(user).to_owned()
}

/// None: nothing that is a verdict on answers.
fn verdict(said: &BTreeMap<String, Value>, names: &[String]) -> Result<Option<Verdict>, String> {
    let ranked =
        said.values().find_map(|value| value.as_array().filter(|list| list.iter().any(|v| v["rank"].is_u64())));
    if let Some(list) = ranked {
        let mut groups: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for entry in list {
            let answer = names.iter().position(|name| entry["value"].as_str() == Some(name));
            let (Some(answer), Some(rank)) = (answer, entry["rank"].as_u64()) else {
                return Err(format!("{entry} ranks no answer"));
            };
            groups.entry(rank).or_default().push(answer);
        }
        let groups: Vec<Vec<usize>> = groups.into_values().collect();
        let places = wording::places(&groups, names.len())?;
        // A ranking of two is a choice.
        return Ok(Some(match places.as_slice() {
            [first, second] if first == second => Verdict::Tie,
            [first, second] => Verdict::Better { answer: usize::from(second < first), strength: Strength::Clearly },
            _ => Verdict::Ranked { places },
        }));
    }
    let known = [CHOICE, QUALITY].into_iter().find_map(|question| said.get(question));
    let aside = [TEXT, STRENGTH, TAGS, NOTE];
    let other = || said.iter().find(|(question, _)| !aside.contains(&question.as_str())).map(|(_, value)| value);
    let Some(value) = known.or_else(other) else { return Ok(None) };
    let word = match value {
        Value::String(word) => word.clone(),
        Value::Array(list) if list.len() == 1 && list[0].is_string() => list[0].as_str().unwrap_or_default().to_owned(),
        other => other.to_string(),
    };
    let text = |question| said.get(question).and_then(Value::as_str);
    wording::verdict(&word, names, text(TEXT), wording::strength_of(text(STRENGTH))).map(Some)
}
