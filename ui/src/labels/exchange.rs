//! Files in and out.

use std::path::{Path, PathBuf};

use luthier_engine::Error;
use luthier_engine::data::Balance;
use luthier_engine::feedback::{self, Exporting, Holds, Imported, LeftOut, Said};
use luthier_engine::files::write_atomic;
use luthier_engine::protocol::Problem;
use rusqlite::Connection;

use super::database::{self, BOOK};
use super::reading::Read;
use super::{Answer, Decision, Draft, NewItem, QueueId, QueueSettings, cards, making};

/// Characters of a text in the record that is shown.
const SHOWN: usize = 160;

/// What an export holds, or would hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Parcel {
    /// Records to learn from, and set aside.
    pub train: usize,
    pub eval: usize,
    /// Of marks.
    pub balance: Option<Balance>,
    pub left_out: LeftOut,
    /// The first record, its texts cut short.
    pub example: String,
    /// What was written. None: it was only looked at.
    pub files: Vec<PathBuf>,
}

impl Decision {
    pub fn said(&self) -> Said<'_> {
        Said { item: self.item, last_word: self.last_word, judged: &self.judged }
    }
}

/// Reads a queue's decisions and writes them, or, without `to`, tells what would be written. Runs on a thread of its own.
///
/// # Errors
/// `labels_nothing` where there is no record to write; `bad_data` and `io` with the path; those of the database.
pub(super) fn export(home: &Path, queue: QueueId, how: &Exporting, to: Option<&Path>) -> Result<Parcel, Problem> {
    let (books, _) = database::open(home)?;
    let of_books = |error| BOOK.failure(home, &error);
    let decisions = Read::default().decisions(&books, queue, None).map_err(of_books)?;
    let said: Vec<Said<'_>> = decisions.iter().map(Decision::said).collect();
    let records = feedback::records(&said, how);
    let mut parcel = Parcel {
        train: records.train.len(),
        eval: records.eval.len(),
        balance: records.balance,
        left_out: records.left_out,
        example: records.example(SHOWN).unwrap_or_default(),
        files: Vec::new(),
    };
    let Some(to) = to else { return Ok(parcel) };
    if parcel.train == 0 {
        let what = match how.format.holds() {
            Holds::Pairs => "these labels make no pair",
            Holds::Marks => "these labels mark no answer",
            Holds::Verdicts => "nothing is labelled yet",
        };
        let message = format!("{what}, so there is nothing to write as {}", how.format.name());
        return Err(Problem { code: "labels_nothing".into(), message });
    }
    let called = cards::all(&books, &[]).map_err(of_books)?.into_iter().find(|card| card.id == queue);
    let name = called.map_or_else(|| "labels".to_owned(), |card| card.name);
    let files = records.files(how.format, to, &name).map_err(|error| Problem::from(&error))?;
    write(&files)?;
    parcel.files = files.into_iter().map(|(path, _)| path).collect();
    Ok(parcel)
}

/// Reads a file into a new queue. Runs on a thread of its own.
///
/// # Errors
/// `bad_data` and `io` with file and line or row; `labels_import` where the file has questions only; those of the
/// database.
pub(super) fn import(
    books: &mut Connection,
    home: &Path,
    path: &Path,
    settings: QueueSettings,
    name: &str,
) -> Result<Answer, Problem> {
    let read = feedback::import(path).map_err(|error| Problem::from(&error))?;
    let Imported { mode: Some(mode), items, left_out, reasons, .. } = read else {
        let reason = "it has questions and no answers to judge; make a new queue, whose models answer them";
        return Err(Problem { code: "labels_import".into(), message: format!("{}: {reason}", path.display()) });
    };
    let called = if name.is_empty() { path.file_stem().unwrap_or_default().to_string_lossy() } else { name.into() };
    let count = items.len();
    let items = items.into_iter().map(|item| NewItem {
        prompt: item.prompt,
        answers: item.answers.into_iter().map(|answer| answer.text).collect(),
        row: Some(item.row),
        judged: item.judged,
    });
    let file = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let source = if settings.source.is_empty() { file } else { settings.source.clone() };
    let draft = Draft {
        name: called.into_owned(),
        settings: QueueSettings { mode, source, authors: Vec::new(), ..settings },
        parent: None,
        items: items.collect(),
    };
    let queue = making::make(books, draft).map_err(|error| BOOK.failure(home, &error))?;
    Ok(Answer::Imported { queue, items: count, left_out, reason: reasons.into_iter().next().unwrap_or_default() })
}

/// Writes files, each whole or not at all. Returns the last one.
///
/// # Errors
/// Of the first that could not be written; those before it are there.
pub(super) fn write(files: &[(PathBuf, Vec<u8>)]) -> Result<Option<PathBuf>, Problem> {
    for (path, bytes) in files {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| Problem::from(&Error::io(folder, error)))?;
        }
        write_atomic(path, bytes).map_err(|error| Problem::from(&error))?;
    }
    Ok(files.last().map(|(path, _)| path.clone()))
}

#[cfg(test)]
mod tests {
    use luthier_engine::feedback::{FileFormat, Mode};

    use super::super::line::{export_labels, import_labels, labels_listing};
    use super::*;

    fn pairs(count: usize) -> String {
        let row = |n: usize| {
            let say = |role: &str, text: String| serde_json::json!([{"role": role, "content": text}]);
            let (question, better, worse) = (format!("question {n}"), format!("better {n}"), format!("worse {n}"));
            serde_json::json!({"prompt": say("user", question), "chosen": say("assistant", better),
                "rejected": say("assistant", worse)})
            .to_string()
        };
        (0..count).map(row).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_file_becomes_a_queue_and_the_queue_the_file() {
        let home = tempfile::tempdir().unwrap();
        let (file, out) = (home.path().join("pairs.jsonl"), home.path().join("out.jsonl"));
        std::fs::write(&file, pairs(20)).unwrap();
        let queue = import_labels(home.path(), &file, "").unwrap();
        assert_eq!((queue.name.as_str(), queue.mode, queue.items), ("pairs", Mode::Pair, 20));

        let how = Exporting { eval_share: 0.2, ..Exporting::default() };
        let seen = export(home.path(), queue.id, &how, None).unwrap();
        assert_eq!((seen.train, seen.eval, seen.left_out.total()), (16, 4, 0));
        assert!(seen.files.is_empty() && seen.example.contains("question"), "{seen:?}");
        let parcel = export_labels(home.path(), "pairs", &how, &out).unwrap();
        assert_eq!(parcel.files, [out.clone(), home.path().join("out-eval.jsonl")]);

        // All of it comes back, half as a queue of its own.
        let again = import_labels(home.path(), &out, "again").unwrap();
        assert_eq!((again.items, labels_listing(home.path()).unwrap().len()), (16, 2));
        let told = |queue| export(home.path(), queue, &Exporting::default(), None).unwrap();
        assert_eq!((told(queue.id).train, told(again.id).train), (20, 16));
        let written = std::fs::read_to_string(&out).unwrap();
        export_labels(home.path(), &again.id.to_string(), &Exporting::default(), &out).unwrap();
        assert_eq!(std::fs::read_to_string(&out).unwrap(), written);
    }

    #[test]
    fn everybodys_word_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("records.json");
        let said = |word: &str, user: &str| serde_json::json!({"value": word, "user_id": user});
        let record = serde_json::json!({"fields": {"prompt": "q", "response1": "a", "response2": "b"},
            "responses": {"preference": [said("response1", "u1"), said("response2", "u2")]}});
        std::fs::write(&file, serde_json::json!([record]).to_string()).unwrap();
        let queue = import_labels(home.path(), &file, "two people").unwrap();
        let told = |format| export(home.path(), queue.id, &Exporting::to(format), None).unwrap();
        assert!(told(FileFormat::Argilla).example.contains("u1") && told(FileFormat::Argilla).example.contains("u2"));
        assert_eq!((told(FileFormat::TrlPreference).train, told(FileFormat::TrlPreference).left_out.disagreed), (0, 1));
        let nothing = export_labels(home.path(), "two people", &Exporting::default(), &home.path().join("x.jsonl"));
        assert_eq!(nothing.unwrap_err().code, "labels_nothing");
        assert!(!home.path().join("x.jsonl").exists());
    }

    #[test]
    fn what_cannot_become_a_queue_says_why() {
        let home = tempfile::tempdir().unwrap();
        let refused = |name: &str, bytes: &[u8]| {
            let file = home.path().join(name);
            std::fs::write(&file, bytes).unwrap();
            import_labels(home.path(), &file, "").unwrap_err()
        };
        let questions = refused("questions.txt", b"one\ntwo\n");
        assert_eq!(questions.code, "labels_import");
        assert!(questions.message.contains("make a new queue"), "{}", questions.message);
        let gbk = refused("gbk.jsonl", b"{\"prompt\": \"\xc4\xe3\"}\n");
        assert!(gbk.code == "bad_data" && gbk.message.contains("line 1"), "{gbk:?}");
        assert!(labels_listing(home.path()).unwrap().is_empty());
        let unknown = export_labels(home.path(), "nobody", &Exporting::default(), Path::new("x.jsonl")).unwrap_err();
        assert!(unknown.message.contains("nobody"), "{unknown:?}");
    }
}
