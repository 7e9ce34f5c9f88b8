//! Label Studio's tasks with their annotations: Pairwise and Choices for two answers, Choices for one, Ranker for more.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::argilla::conversation;
use super::read::{Imported, Item};
use super::{Answer, Judged, Said, Verdict, wording};
use crate::data::Rows;
use crate::protocol::ChatMessage;

const PROMPTS: &[&str] = &["messages", "prompt", "question", "instruction", "input", "text"];

/// An item as a task, one annotation a decision. Label Studio knows its own users only and refuses a file with unknown
/// ones, so who decided stands beside the annotation instead of in `completed_by`.
pub(super) fn task(item: &[Said<'_>]) -> Value {
    let Some(first) = item.first() else { return Value::Null };
    let answers = &first.judged.answers;
    let mut data = Map::from_iter([
        ("prompt".to_owned(), shown(&first.judged.prompt).into()),
        ("messages".to_owned(), json!(first.judged.prompt)),
    ]);
    for (index, answer) in answers.iter().enumerate() {
        data.insert(format!("answer{}", index + 1), answer.text.as_str().into());
        data.insert(format!("author{}", index + 1), answer.author.as_str().into());
    }
    if answers.len() > 2 {
        let card = |(index, answer): (usize, &Answer)| json!({"id": format!("answer{}", index + 1), "title": format!("{}", index + 1), "body": answer.text});
        data.insert("items".into(), answers.iter().enumerate().map(card).collect::<Vec<_>>().into());
    }
    let annotations: Vec<Value> = item
        .iter()
        .map(|said| {
            json!({
                "annotator": said.judged.annotator,
                "lead_time": said.judged.seconds,
                "was_cancelled": said.judged.verdict == Verdict::Skipped,
                "ground_truth": said.last_word,
                "result": result(said.judged),
            })
        })
        .collect();
    json!({"id": first.item, "data": data, "annotations": annotations, "predictions": []})
}

/// The conversation as one text; a single question as it stands.
fn shown(prompt: &[ChatMessage]) -> String {
    match prompt {
        [only] => only.content.clone(),
        several => {
            let turn = |message: &ChatMessage| format!("{}: {}", message.role, message.content);
            several.iter().map(turn).collect::<Vec<_>>().join("\n\n")
        }
    }
}

fn result(judged: &Judged) -> Vec<Value> {
    let mut results = Vec::new();
    let mut add = |from: &str, to: &str, kind: &str, value: Value| {
        let id = format!("{from}-{}", results.len() + 1);
        results.push(json!({"id": id, "from_name": from, "to_name": to, "type": kind, "value": value}));
    };
    let choice = |word: &str| json!({"choices": [word]});
    match &judged.verdict {
        Verdict::Better { answer, .. } if judged.answers.len() == 2 => {
            let side = if *answer == 0 { "left" } else { "right" };
            add("comparison", "answer1,answer2", "pairwise", json!({"selected": side}));
        }
        Verdict::Ranked { places } => {
            let groups = wording::groups(places);
            let ids = |group: &Vec<usize>| group.iter().map(|a| format!("answer{}", a + 1)).collect::<Vec<_>>();
            // Without ties it is one list; with them a bucket a place.
            let buckets: Map<String, Value> = match groups.len() == places.len() {
                true => {
                    [("_".to_owned(), groups.iter().flat_map(ids).collect::<Vec<_>>().into())].into_iter().collect()
                }
                false => groups
                    .iter()
                    .enumerate()
                    .map(|(at, group)| (format!("place{}", at + 1), ids(group).into()))
                    .collect(),
            };
            add("ranking", "answers", "ranker", json!({"ranker": buckets}));
        }
        other => {
            if let Some(word) = wording::word(other, "answer") {
                add("verdict", "prompt", "choices", choice(&word));
            }
        }
    }
    if let Some(text) = wording::text(&judged.verdict) {
        add("better_text", "prompt", "textarea", json!({"text": [text]}));
    }
    if let Some(word) = wording::strength(&judged.verdict) {
        add("strength", "prompt", "choices", choice(word));
    }
    if !judged.tags.is_empty() {
        add("tags", "prompt", "choices", json!({"choices": judged.tags}));
    }
    if !judged.note.is_empty() {
        add("note", "prompt", "textarea", json!({"text": [judged.note]}));
    }
    results
}

/// The labelling interface that a project needs for such tasks.
pub(super) fn config(task: &Value) -> String {
    let answers = (1..).take_while(|number| task["data"][format!("answer{number}")].is_string()).count();
    let choices = |name: &str, words: &[&str]| {
        let words: String = words.iter().map(|word| format!("<Choice value=\"{word}\"/>")).collect();
        format!("  <Choices name=\"{name}\" toName=\"prompt\">{words}</Choices>\n")
    };
    let text = |number: usize| format!("  <Text name=\"answer{number}\" value=\"$answer{number}\"/>\n");
    let body = match answers {
        0 | 1 => text(1) + &choices("verdict", &["good", "bad"]),
        2 => {
            let pairwise = "  <Pairwise name=\"comparison\" toName=\"answer1,answer2\"/>\n".to_owned();
            let words = ["tie", "both_good", "both_bad", "edited1", "edited2", "written"];
            let strength = choices("strength", &["slightly", "clearly"]);
            pairwise + &text(1) + &text(2) + &choices("verdict", &words) + &strength
        }
        _ => {
            let list = "  <List name=\"answers\" value=\"$items\"/>\n  <Ranker name=\"ranking\" toName=\"answers\"/>\n";
            list.to_owned() + &choices("verdict", &["written"])
        }
    };
    let area = |name: &str| format!("  <TextArea name=\"{name}\" toName=\"prompt\"/>\n");
    format!(
        "<View>\n  <Text name=\"prompt\" value=\"$prompt\"/>\n{body}{}{}</View>\n",
        area("better_text"),
        area("note")
    )
}

pub(super) fn is_it(rows: &Rows) -> bool {
    let wrapped = rows.fields().take(20).any(|row| row.get("data").is_some_and(Value::is_object));
    wrapped && ["annotations", "predictions", "id"].iter().any(|name| rows.has_column(name))
}

pub(super) fn read(rows: &Rows, imported: &mut Imported, author: &str) {
    for (index, task) in rows.fields().enumerate() {
        match item(task, author) {
            Ok(mut item) => {
                item.row = index + 1;
                imported.items.push(item);
            }
            Err(reason) => imported.leave_out(rows.place(index), reason),
        }
    }
}

fn item(task: &Map<String, Value>, author: &str) -> Result<Item, String> {
    let data = task.get("data").and_then(Value::as_object).ok_or("its \"data\" is no object")?;
    let name = PROMPTS.iter().find(|name| data.get(**name).is_some_and(|value| !value.is_null()));
    let prompt = name.and_then(|name| conversation(&data[*name])).ok_or("its data has no prompt")?;
    let (mut names, mut answers) = (Vec::new(), Vec::new());
    let mut add = |name: &str, text: &str| {
        let by = data.get(&format!("author{}", names.len() + 1)).and_then(Value::as_str);
        answers.push(Answer { text: text.to_owned(), author: by.unwrap_or(author).to_owned() });
        names.push(name.to_owned());
    };
    match data.get("items").and_then(Value::as_array) {
        Some(items) => {
            for item in items {
                let id = item["id"].as_str().map(str::to_owned).unwrap_or_else(|| item["id"].to_string());
                let text = ["body", "text", "html", "title"].iter().find_map(|key| item[*key].as_str());
                add(&id, text.ok_or("one of its items has no text")?);
            }
        }
        None => {
            let is_answer = |key: &str| {
                let stem = key.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '_' | '-'));
                stem.len() < key.len() && !stem.eq_ignore_ascii_case("author")
            };
            let numbered: Vec<_> = data.iter().filter(|(key, value)| is_answer(key) && value.is_string()).collect();
            let plain = ["answer", "response", "output", "completion"];
            let alone = plain.iter().find_map(|key| data.get_key_value(*key)).filter(|_| numbered.is_empty());
            for (key, value) in numbered.into_iter().chain(alone) {
                add(key, value.as_str().unwrap_or_default());
            }
        }
    }
    let mut judged = Vec::new();
    for annotation in task.get("annotations").and_then(Value::as_array).into_iter().flatten() {
        let annotator = person(annotation);
        let said = Said::of(annotation, &names).map_err(|reason| format!("what {annotator} says: {reason}"))?;
        let Some((verdict, tags, note)) = said else { continue };
        let seconds = annotation["lead_time"].as_f64().unwrap_or_default();
        judged.push(Judged { tags, note, annotator, seconds, ..Judged::on(&prompt, &answers, verdict) });
    }
    Ok(Item { row: 0, prompt, answers, judged })
}

fn person(annotation: &Value) -> String {
    let by = &annotation["completed_by"];
    let known = [&annotation["annotator"], by, &by["email"], &by["first_name"]];
    match known.into_iter().find_map(Value::as_str) {
        Some(name) => name.to_owned(),
        None if by.is_u64() => format!("annotator {by}"),
        None => "unknown".into(),
    }
}

impl Said<'_> {
    /// Verdict, tags and note of an annotation. None: it is empty.
    fn of(annotation: &Value, names: &[String]) -> Result<Option<(Verdict, Vec<String>, String)>, String> {
        let (mut word, mut text, mut strength, mut tags, mut note) = (None, None, None, Vec::new(), String::new());
        let mut ranked = None;
        for result in annotation["result"].as_array().into_iter().flatten() {
            let (value, from) = (&result["value"], result["from_name"].as_str().unwrap_or_default());
            let words = |key: &str| match &value[key] {
                Value::String(word) => vec![word.clone()],
                list => list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
            };
            match result["type"].as_str().unwrap_or_default() {
                "pairwise" => {
                    let side = match value["selected"].as_str() {
                        Some("left") => 0,
                        Some("right") => 1,
                        _ => continue,
                    };
                    let name = to_names(&result["to_name"]).get(side).filter(|name| names.contains(name)).cloned();
                    word = name.or_else(|| names.get(side).cloned());
                }
                "ranker" => ranked = Some(places(&value["ranker"], names)?),
                "choices" if from == "tags" => tags = words("choices"),
                "choices" if from == "strength" => strength = words("choices").pop(),
                "choices" | "labels" => word = words(result["type"].as_str().unwrap_or_default()).into_iter().next(),
                "textarea" if from == "note" => note = words("text").join("\n"),
                "textarea" => text = Some(words("text").join("\n")),
                _ => {}
            }
        }
        let verdict = match (ranked, word) {
            (Some(places), _) => Verdict::Ranked { places },
            (None, Some(word)) => {
                let strength = wording::strength_of(strength.as_deref());
                wording::verdict(&word, names, text.as_deref(), strength)?
            }
            (None, None) if annotation["was_cancelled"] == true => Verdict::Skipped,
            (None, None) => return Ok(None),
        };
        Ok(Some((verdict, tags, note)))
    }
}

fn to_names(value: &Value) -> Vec<String> {
    match value {
        Value::String(names) => names.split(',').map(|name| name.trim().to_owned()).collect(),
        list => list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}

/// Places by a list of ids, or by buckets in the order of their names.
fn places(ranker: &Value, names: &[String]) -> Result<Vec<usize>, String> {
    let answer = |id: &Value| {
        let known = names.iter().position(|name| id.as_str() == Some(name));
        known.ok_or_else(|| format!("the ranking names {id}, and there is no such answer"))
    };
    let list = ranker.as_array().or_else(|| ranker.as_object().filter(|all| all.len() == 1)?.get("_")?.as_array());
    let groups = match (list, ranker.as_object()) {
        (Some(list), _) => list.iter().map(|id| Ok(vec![answer(id)?])).collect::<Result<Vec<_>, String>>()?,
        (None, Some(buckets)) => {
            let sorted: BTreeMap<(usize, &str), &Value> =
                buckets.iter().map(|(name, ids)| ((name.len(), name.as_str()), ids)).collect();
            let group = |ids: &Value| ids.as_array().into_iter().flatten().map(answer).collect();
            sorted.into_values().map(group).collect::<Result<Vec<Vec<usize>>, String>>()?
        }
        (None, None) => return Err("its ranking is no list".into()),
    };
    let groups: Vec<Vec<usize>> = groups.into_iter().filter(|group| !group.is_empty()).collect();
    wording::places(&groups, names.len())
}
