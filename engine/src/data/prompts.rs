//! The questions of a data file, of whatever kind its rows are.

use std::collections::HashSet;
use std::path::Path;

use super::detect::detect;
use super::mapping::{DataKind, Mapping, Part};
use super::progress::Gauge;
use super::read::Table;
use super::sample::{Dialogue, Sample};
use super::source::{Source, check_columns};
use crate::Result;
use crate::protocol::ChatMessage;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct FilePrompts {
    /// Row in the file, from 1, and all turns up to the question.
    pub rows: Vec<(usize, Vec<ChatMessage>)>,
    /// Those that stand there more than once, but for the first of each.
    pub twins: usize,
    /// Rows without a question.
    pub left_out: usize,
    /// Why the first of them has none.
    pub reason: String,
}

/// Reads every question: a column of plain text is taken as questions, of conversations what was said before the last
/// answer. `mapping`: as the person has chosen, else detected.
///
/// # Errors
/// `Io`, `BadData` with the place for a file that cannot be read or columns that are not there.
pub fn file_prompts(path: &Path, mapping: Option<&Mapping>) -> Result<FilePrompts> {
    let found = Source::at(path)?;
    let table = Table::read(&found.path, &found.files, &Gauge::new())?;
    let mapping = match (mapping, found.declared_mapping(&table)?) {
        (Some(chosen), _) => {
            check_columns(chosen, &table)?;
            chosen.clone()
        }
        (None, Some(declared)) => declared,
        (None, None) => detect(&table).0,
    };
    let mut prompts = FilePrompts::default();
    for (at, row) in table.rows.iter().enumerate() {
        let question = match mapping.kind() {
            DataKind::Text => {
                let column = mapping.column(Part::Text).unwrap_or_default();
                let text = row.fields.get(column).and_then(|value| value.as_str()).unwrap_or_default();
                Ok(Dialogue::Plain { prompt: text.to_owned(), answer: String::new() })
            }
            _ => Sample::question(&row.fields, &mapping).and_then(|sample| match sample {
                Sample::Prompt(dialogue) => Ok(dialogue),
                _ => Err("no question".into()),
            }),
        };
        match question.map(messages) {
            Ok(messages) if !messages.is_empty() => prompts.rows.push((at + 1, messages)),
            other => {
                prompts.left_out += 1;
                if prompts.reason.is_empty() {
                    let reason = other.err().unwrap_or_else(|| "the question is empty".into());
                    prompts.reason = format!("{}: {reason}", table.place(at));
                }
            }
        }
    }
    let distinct: HashSet<&[ChatMessage]> = prompts.rows.iter().map(|(_, messages)| messages.as_slice()).collect();
    prompts.twins = prompts.rows.len() - distinct.len();
    Ok(prompts)
}

/// Up to the last turn that is not the assistant's; none where that says nothing.
fn messages(dialogue: Dialogue) -> Vec<ChatMessage> {
    let mut messages: Vec<ChatMessage> = match dialogue {
        Dialogue::Plain { prompt, .. } => vec![ChatMessage { role: "user".into(), content: prompt }],
        Dialogue::Chat { turns, .. } => turns.into_iter().map(|turn| turn.message).collect(),
    };
    let asked = messages.iter().rposition(|message| message.role != "assistant").map_or(0, |last| last + 1);
    messages.truncate(asked);
    if messages.last().is_none_or(|last| last.content.trim().is_empty()) {
        messages.clear();
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> FilePrompts {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file_prompts(&file, None).unwrap()
    }

    fn questions(prompts: &FilePrompts) -> Vec<(usize, &str)> {
        prompts.rows.iter().map(|(row, messages)| (*row, messages.last().unwrap().content.as_str())).collect()
    }

    #[test]
    fn questions_come_out_of_every_kind_of_file() {
        let text = read("a.txt", "What is a violin?\n琴弓的毛是什么做的？\n");
        assert_eq!(read("twins.txt", "a\nb\na\na\n").twins, 2);
        assert_eq!(questions(&text), [(1, "What is a violin?"), (2, "琴弓的毛是什么做的？")]);
        let alpaca = r#"[{"instruction": "One?", "input": "", "output": "1"}, {"instruction": "", "output": "2"},
            {"instruction": "Three?", "input": "of four", "output": "3"}]"#;
        let alpaca = read("a.json", alpaca);
        assert_eq!((questions(&alpaca), alpaca.left_out), (vec![(1, "One?"), (3, "Three?\nof four")], 1));
        assert!(alpaca.reason.contains("row 2"), "{}", alpaca.reason);
        let pairs = r#"{"prompt": "Why?", "chosen": "So.", "rejected": "No."}"#;
        assert_eq!(questions(&read("a.jsonl", pairs)), [(1, "Why?")]);
        let prompts = "prompt\nFirst?\nSecond?\n";
        assert_eq!(questions(&read("a.csv", prompts)), [(1, "First?"), (2, "Second?")]);
    }

    #[test]
    fn a_conversation_goes_up_to_its_last_question() {
        let talk = r#"{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "A?"},
            {"role": "assistant", "content": "a"}, {"role": "user", "content": "B?"}, {"role": "assistant", "content": "b"}]}"#;
        let prompts = read("a.jsonl", &talk.replace('\n', " "));
        let roles: Vec<&str> = prompts.rows[0].1.iter().map(|message| message.role.as_str()).collect();
        assert_eq!(roles, ["system", "user", "assistant", "user"]);
    }
}
