//! What a file's columns probably mean, from their names and from what stands in some of the rows.

use std::borrow::Cow;

use serde_json::Value;

use super::mapping::{Format, Mapping, Part, Tags};
use super::read::{Row, Table};
use super::sample::Sample;
use super::turn::truth;

/// Rows that are looked at, spread over the file.
const LOOKED_AT: usize = 200;
/// What names are worth if no row fits: enough to say what is wrong with the rows.
const NAMES_ONLY: f32 = 0.02;

const TEXT_NAMES: &[&str] = &["text", "content", "raw_content", "document", "body", "文本", "内容"];
const TURN_NAMES: &[&str] =
    &["conversations", "messages", "conversation", "dialogue", "dialog", "chat", "turns", "input"];
const TASK_NAMES: &[&str] =
    &["instruction", "prompt", "question", "query", "input", "problem", "task", "指令", "问题", "提问", "输入"];
const ANSWER_NAMES: &[&str] =
    &["output", "completion", "response", "answer", "target", "reply", "solution", "输出", "回答", "答案", "回复"];
const CHOSEN_NAMES: &[&str] = &["chosen", "preferred_output", "preferred", "chosen_response"];
const REJECTED_NAMES: &[&str] = &["rejected", "non_preferred_output", "non_preferred", "rejected_response"];

/// Usual names of a part's column, likeliest first.
fn usual_names(part: Part) -> &'static [&'static str] {
    match part {
        Part::Text => TEXT_NAMES,
        Part::Prompt => TASK_NAMES,
        Part::Query => &["input", "context", "material", "输入"],
        Part::Response => ANSWER_NAMES,
        Part::History => &["history", "历史"],
        Part::System => &["system", "system_prompt", "系统"],
        Part::Tools => &["tools", "functions"],
        Part::Messages => TURN_NAMES,
        Part::Chosen => CHOSEN_NAMES,
        Part::Rejected => REJECTED_NAMES,
        Part::KtoTag => &["kto_tag", "label", "liked", "desirable"],
    }
}

/// A mapping for `format` by the columns' names alone: what to offer when the person picks another format.
pub fn suggest(format: Format, columns: &[String]) -> Mapping {
    let mut mapping = Mapping::new(format);
    for part in format.parts() {
        let free = |name: &&&str| {
            let taken = mapping.columns.values().any(|column| column.eq_ignore_ascii_case(name));
            !taken && columns.iter().any(|column| column.trim().eq_ignore_ascii_case(name))
        };
        if let Some(name) = usual_names(*part).iter().find(free)
            && let Some(column) = columns.iter().find(|column| column.trim().eq_ignore_ascii_case(name))
        {
            mapping.columns.insert(*part, column.clone());
        }
    }
    if mapping.has(Part::Chosen) != mapping.has(Part::Rejected) {
        mapping.columns.retain(|part, _| !matches!(part, Part::Chosen | Part::Rejected));
    }
    mapping
}

/// The likeliest mapping and how likely it is, 0 to 1: the trust in the names times the share of rows that fit.
/// With 0 the mapping has no columns: nothing is known of the file.
pub(super) fn detect(table: &Table) -> (Mapping, f32) {
    let step = table.rows.len().div_ceil(LOOKED_AT).max(1);
    let rows: Vec<&Row> = table.rows.iter().step_by(step).collect();
    let mut best = (Mapping::new(Format::Alpaca), 0.0);
    for (mapping, trust) in candidates(table, &rows) {
        if !mapping.missing().is_empty() {
            continue;
        }
        let fitting = rows.iter().filter(|row| Sample::read(&row.fields, &mapping).is_ok()).count();
        let share = fitting as f32 / rows.len().max(1) as f32;
        let confidence = trust * share.max(NAMES_ONLY);
        // An earlier candidate explains more of the file: a later one must fit far better.
        if confidence > best.1 * 2.0 {
            best = (mapping, confidence);
        }
    }
    best
}

/// Readings of the columns, the most telling first, each with the trust that its names deserve.
fn candidates(table: &Table, rows: &[&Row]) -> Vec<(Mapping, f32)> {
    let columns = &table.columns;
    let tidy = |mut mapping: Mapping| {
        if mapping.column(Part::KtoTag).is_some_and(|column| !is_mark(rows, column)) {
            mapping.columns.remove(&Part::KtoTag);
        }
        mapping
    };
    let mut found = Vec::new();

    let usual_turns =
        TURN_NAMES.iter().filter_map(|name| columns.iter().find(|column| column.eq_ignore_ascii_case(name)));
    let other_turns = columns.iter().filter(|column| !is_usual(column));
    for (column, trust) in usual_turns.map(|column| (column, 1.0)).chain(other_turns.map(|column| (column, 0.9))) {
        if let Some((format, tags, known)) = speakers(rows, column) {
            let mut mapping = suggest(format, columns).with(Part::Messages, column);
            mapping.tags = tags;
            found.push((tidy(mapping), if known { trust } else { trust * 0.6 }));
        }
    }

    let trl = suggest(Format::PromptCompletion, columns);
    let exact = |mapping: &Mapping, part, name: &str| mapping.column(part).is_some_and(|column| column == name);
    let completes = exact(&trl, Part::Response, "completion") || trl.has(Part::Chosen);
    if completes && (exact(&trl, Part::Prompt, "prompt") || (trl.has(Part::Chosen) && !trl.has(Part::Prompt))) {
        found.push((tidy(trl), 1.0));
    }

    let alpaca = suggest(Format::Alpaca, columns);
    let usual = exact(&alpaca, Part::Prompt, "instruction")
        && (exact(&alpaca, Part::Response, "output") || exact(&alpaca, Part::Chosen, "chosen"));
    let named = |part| alpaca.has(part) || alpaca.has(Part::Chosen);
    if named(Part::Prompt) && named(Part::Response) {
        found.push((tidy(alpaca), if usual { 1.0 } else { 0.8 }));
    }
    found.extend(questions(columns, rows));

    let text = suggest(Format::Text, columns);
    let trust = match text.column(Part::Text) {
        Some("text") if columns.len() == 1 => 1.0,
        Some("text") => 0.9,
        _ => 0.6,
    };
    found.push((text, trust));

    let texts: Vec<&String> = columns.iter().filter(|column| is_text(rows, column)).collect();
    match texts.as_slice() {
        [only] => found.push((Mapping::new(Format::Text).with(Part::Text, *only), 0.4)),
        [first, second, ..] => {
            let guess = Mapping::new(Format::Alpaca).with(Part::Prompt, *first).with(Part::Response, *second);
            found.push((guess, 0.2));
        }
        [] => {}
    }
    found
}

/// A file of questions only: nothing else in it is text, though a column for answers may stand there empty.
fn questions(columns: &[String], rows: &[&Row]) -> Option<(Mapping, f32)> {
    let mut mapping = suggest(Format::Alpaca, columns);
    mapping.columns.retain(|part, _| matches!(part, Part::Prompt | Part::Query | Part::System | Part::History));
    let prompt = mapping.column(Part::Prompt).filter(|name| !name.eq_ignore_ascii_case("input"))?.to_owned();
    let says = |column: &String| {
        values(rows, column).any(|value| match value {
            Value::String(text) => !text.trim().is_empty(),
            Value::Array(list) => !list.is_empty(),
            Value::Object(object) => !object.is_empty(),
            _ => false,
        })
    };
    let is_mapped = |column: &String| mapping.columns.values().any(|mapped| mapped == column);
    if columns.iter().any(|column| !is_mapped(column) && says(column)) {
        return None;
    }
    // TRL's prompts are texts that are continued as they stand, or lists of messages.
    if prompt == "prompt" && mapping.columns.len() == 1 {
        mapping = Mapping::new(Format::PromptCompletion).with(Part::Prompt, prompt);
        return Some((mapping, 1.0));
    }
    let usual = prompt == "instruction";
    Some((mapping, if usual { 1.0 } else { 0.8 }))
}

/// Whether the column has a name that says it is something other than a conversation.
fn is_usual(column: &str) -> bool {
    let named = Part::ALL.iter().any(|part| usual_names(*part).iter().any(|name| column.eq_ignore_ascii_case(name)));
    named || ["images", "videos", "audios", "metadata"].contains(&column)
}

fn values<'a>(rows: &'a [&Row], column: &str) -> impl Iterator<Item = &'a Value> {
    rows.iter().filter_map(move |row| row.fields.get(column)).filter(|value| !value.is_null())
}

/// Whether a column marks answers as liked or not. A few labels that say neither are mistakes to be named, more of them
/// are classes; the name `kto_tag` is never anything else.
fn is_mark(rows: &[&Row], column: &str) -> bool {
    let count = values(rows, column).count();
    let marks = values(rows, column).filter(|value| truth(value).is_some()).count();
    count > 0 && (marks * 10 >= count * 9 || column == "kto_tag")
}

fn is_text(rows: &[&Row], column: &str) -> bool {
    let mut any = false;
    values(rows, column).inspect(|_| any = true).all(Value::is_string) && any
}

/// The turns of a conversation, also where a table keeps them as JSON text or OpenAI's preference files wrap them.
fn turns(value: &Value) -> Option<Cow<'_, [Value]>> {
    match value {
        Value::Array(list) => Some(Cow::Borrowed(list)),
        Value::Object(object) => object.get("messages")?.as_array().map(|list| Cow::Borrowed(list.as_slice())),
        Value::String(text) if text.trim_start().starts_with('[') => serde_json::from_str(text).ok().map(Cow::Owned),
        _ => None,
    }
}

/// Format and tags of a column of conversations, and whether the speakers have known names. None: it is no such column.
fn speakers(rows: &[&Row], column: &str) -> Option<(Format, Tags, bool)> {
    const ROLE_KEYS: [&str; 4] = ["from", "role", "speaker", "author"];
    const CONTENT_KEYS: [&str; 4] = ["value", "content", "text", "message"];
    const USERS: [&str; 4] = ["human", "user", "prompter", "用户"];
    const ASSISTANTS: [&str; 8] = ["gpt", "assistant", "chatgpt", "bot", "model", "ai", "bing", "助手"];

    let all: Vec<Cow<'_, [Value]>> = values(rows, column).filter_map(turns).collect();
    let objects: Vec<&serde_json::Map<String, Value>> =
        all.iter().flat_map(|turns| turns.iter()).filter_map(Value::as_object).collect();
    if objects.is_empty() {
        return None;
    }
    // A call of a tool may have no content, so the commonest key is taken.
    let commonest = |keys: [&'static str; 4]| {
        let counted = keys.map(|key| (objects.iter().filter(|object| object.contains_key(key)).count(), key));
        counted.into_iter().rev().max_by_key(|(count, _)| *count).filter(|(count, _)| *count * 2 > objects.len())
    };
    let ((_, role), (_, content)) = (commonest(ROLE_KEYS)?, commonest(CONTENT_KEYS)?);
    let mut words: Vec<&str> = Vec::new();
    for word in objects.iter().filter_map(|object| object.get(role)?.as_str()) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    let format = if role == "from" { Format::Sharegpt } else { Format::Messages };
    let mut tags = if format == Format::Sharegpt { Tags::sharegpt() } else { Tags::openai() };
    (tags.role, tags.content) = (role.to_owned(), content.to_owned());
    let known = |names: &[&str]| words.iter().find(|word| names.iter().any(|name| word.eq_ignore_ascii_case(name)));
    let (user, assistant) = (known(&USERS), known(&ASSISTANTS));
    // Preference files keep the answers elsewhere, so one known speaker is enough.
    let all_known = user.is_some() || assistant.is_some();
    match words.as_slice() {
        [first, second] if !all_known => (tags.user, tags.assistant) = ((*first).to_owned(), (*second).to_owned()),
        _ => {
            tags.user = user.map_or(tags.user, |word| (*word).to_owned());
            tags.assistant = assistant.map_or(tags.assistant, |word| (*word).to_owned());
        }
    }
    Some((format, tags, all_known))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::mapping::DataKind;
    use super::*;

    fn table(rows: &[Value]) -> Table {
        let mut table = Table::default();
        for row in rows {
            let fields = row.as_object().unwrap().clone();
            table.columns.extend(fields.keys().filter(|key| !table.columns.contains(key)).cloned().collect::<Vec<_>>());
            table.rows.push(Row { line: 0, fields });
        }
        table
    }

    fn detected(row: Value) -> (Format, DataKind, f32, Mapping) {
        let (mapping, confidence) = detect(&table(&[row]));
        (mapping.format, mapping.kind(), confidence, mapping)
    }

    #[test]
    fn known_shapes_are_certain() {
        use DataKind::{Kto, Preference, Sft};
        use Format::{Alpaca, Messages, PromptCompletion, Sharegpt};
        let human = json!([{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]);
        let user = json!([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]);
        let (question, answer) =
            (json!([{"role": "user", "content": "q"}]), json!([{"role": "assistant", "content": "a"}]));
        let other = json!([{"role": "assistant", "content": "b"}]);
        let cases = [
            (json!({"instruction": "i", "input": "", "output": "o", "text": "all"}), Alpaca, Sft),
            (json!({"instruction": "i", "input": "m", "chosen": "a", "rejected": "b"}), Alpaca, Preference),
            (json!({"instruction": "i", "output": "o", "kto_tag": true}), Alpaca, Kto),
            (json!({"conversations": human, "tools": "[]"}), Sharegpt, Sft),
            (
                json!({"conversations": [{"from": "human", "value": "q"}],
                    "chosen": {"from": "gpt", "value": "a"}, "rejected": {"from": "gpt", "value": "b"}}),
                Sharegpt,
                Preference,
            ),
            (json!({"messages": user}), Messages, Sft),
            (json!({"messages": user, "label": false}), Messages, Kto),
            (
                json!({"input": {"messages": question}, "preferred_output": answer, "non_preferred_output": other}),
                Messages,
                Preference,
            ),
            (json!({"prompt": "p", "completion": "c"}), PromptCompletion, Sft),
            (json!({"prompt": question, "completion": answer}), PromptCompletion, Sft),
            (json!({"prompt": "p", "chosen": "a", "rejected": "b"}), PromptCompletion, Preference),
            (json!({"chosen": user, "rejected": other}), PromptCompletion, Preference),
            (json!({"prompt": "p", "completion": "c", "label": true}), PromptCompletion, Kto),
            (json!({"text": "t"}), Format::Text, DataKind::Text),
            (json!({"prompt": "p", "id": 3}), PromptCompletion, DataKind::Prompts),
            (json!({"prompt": question}), PromptCompletion, DataKind::Prompts),
            (json!({"instruction": "i", "input": "m", "output": ""}), Alpaca, DataKind::Prompts),
        ];
        for (row, format, kind) in cases {
            let found = detected(row.clone());
            assert_eq!((found.0, found.1, found.2), (format, kind, 1.0), "{row}");
        }
    }

    #[test]
    fn other_names_are_guessed_with_less_confidence() {
        let qa = detected(json!({"id": 7, "question": "q", "answer": "a"}));
        assert_eq!((qa.0, qa.2), (Format::Alpaca, 0.8));
        assert_eq!((qa.3.column(Part::Prompt), qa.3.column(Part::Response)), (Some("question"), Some("answer")));
        let odd = detected(json!({"talk": [{"speaker": "A", "text": "q"}, {"speaker": "B", "text": "a"}]}));
        assert_eq!((odd.0, odd.3.tags.user.as_str(), odd.3.tags.assistant.as_str()), (Format::Messages, "A", "B"));
        assert!(odd.2 > 0.4 && odd.2 < 0.7, "{}", odd.2);
        let guess = detected(json!({"alpha": "q", "beta": "a"}));
        assert!(guess.2 > 0.0 && guess.2 < 0.3, "{}", guess.2);
        // A text beside the question may be its answer under another name.
        assert_eq!(detected(json!({"question": "q", "explanation": "e"})).1, DataKind::Sft);
        // A class number is no like.
        assert_eq!(detected(json!({"text": "t", "label": 3})).1, DataKind::Text);
        // One slip among marks is a mistake of that row.
        let answer = |label: Value| json!({"prompt": "p", "completion": "c", "label": label});
        let mostly = [vec![answer(json!(true)); 10], vec![answer(json!("perhaps"))]].concat();
        assert_eq!(detect(&table(&mostly)).0.kind(), DataKind::Kto);
        let classes: Vec<Value> = (0..9).map(|class| answer(json!(class))).collect();
        assert_eq!(detect(&table(&classes)).0.kind(), DataKind::Sft);
        let nothing = detected(json!({"x": 1, "y": [2]}));
        assert_eq!((nothing.2, nothing.3.columns.len()), (0.0, 0));
    }

    #[test]
    fn rows_that_do_not_fit_lower_the_confidence() {
        let rows = [json!({"instruction": "i", "output": "o"}), json!({"instruction": "i", "output": ""})];
        assert_eq!(detect(&table(&rows)).1, 0.5);
    }
}
