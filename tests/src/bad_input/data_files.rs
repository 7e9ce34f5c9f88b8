//! Data files with mistakes: the message names the file and the line or row.

use std::path::Path;

use super::{recipe, refused_training};
use crate::binary::{fixture, luthier, write};

/// Both `data inspect` and `train` must refuse this file with these words.
#[track_caller]
fn refused(name: &str, content: &[u8], words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path().join(name), content);
    luthier(["data", "inspect", &file]).refused(&[name]).says(words);
    refused_as_dataset(folder.path(), name, "", &[&[name], words].concat());
}

#[track_caller]
fn refused_as_dataset(folder: &Path, dataset: &str, more: &str, words: &[&str]) {
    let recipe = recipe(folder, &fixture("models/llama-tiny"), dataset, more);
    refused_training(folder, &recipe, words);
}

#[test]
fn an_empty_dataset() {
    refused("rows.json", b"[]", &[]);
    refused("rows.json", b"", &[]);
    refused("rows.jsonl", b"\n\n", &[]);
    refused("rows.csv", b"", &[]);
    refused("rows.csv", b"instruction,output\n", &[]);
}

#[test]
fn invalid_json_names_the_line() {
    let rows = b"{\"instruction\": \"a\", \"output\": \"b\"}\n{\"instruction\": \"a\", \"output\": \"b\"}\n{\"instruction\": a}\n";
    refused("rows.jsonl", rows, &["line 3"]);
    refused("rows.json", b"[\n{\"instruction\": \"a\", \"output\": \"b\"},\n{\"instruction\" \"a\"}\n]", &["line 3"]);
    refused("rows.json", b"[{\"instruction\": \"a\", \"output\": \"b\"}", &["line 1"]);
}

#[test]
fn text_that_is_not_utf8() {
    refused(
        "rows.jsonl",
        b"{\"instruction\": \"a\", \"output\": \"b\"}\n{\"instruction\": \"\xff\xfe\", \"output\": \"b\"}\n",
        &["2"],
    );
    refused("rows.csv", b"instruction,output\na,b\n\xff\xfe,b\n", &["3"]);
}

#[test]
fn columns_that_say_nothing() {
    refused("rows.json", b"[{\"height\": 2, \"weight\": 3}]", &["height", "weight"]);
}

#[test]
fn a_column_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path().join("rows.json"), r#"[{"instruction": "a", "output": "b"}]"#);
    let info = r#"{"mine": {"file_name": "rows.json", "columns": {"prompt": "question", "response": "output"}}}"#;
    write(folder.path().join("dataset_info.json"), info);
    refused_as_dataset(folder.path(), "mine", "dataset_dir: .", &["question", "rows.json"]);
    refused_as_dataset(folder.path(), "yours", "dataset_dir: .", &["yours", "dataset_info.json"]);
    write(folder.path().join("dataset_info.json"), "{\"mine\":\n");
    refused_as_dataset(folder.path(), "mine", "dataset_dir: .", &["dataset_info.json"]);
}

/// `data inspect` and `train` refuse the file and name the row; with `skip_bad_rows` a run goes on and says what it left out.
#[track_caller]
fn left_out(name: &str, content: &[u8], place: &str, reason: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path().join(name), content);
    luthier(["data", "inspect", &file]).refused(&[name, place, reason]);
    let model = fixture("models/llama-tiny");
    let strict = recipe(folder.path(), &model, name, "");
    luthier(["train", &strict]).refused(&[name, place, reason, "skip_bad_rows"]);
    let recipe = recipe(folder.path(), &model, name, "skip_bad_rows: true");
    let stderr = luthier(["train", &recipe]).done().stderr;
    let warned =
        |line: &str| line.starts_with("warning: ") && [name, place, reason].iter().all(|word| line.contains(word));
    assert!(stderr.lines().any(warned), "no warning with {place} and {reason} in: {stderr}");
}

const GOOD_ROW: &str = "{\"instruction\": \"a\", \"output\": \"b\"}\n";

#[test]
fn a_row_without_an_answer_is_named() {
    let empty = [GOOD_ROW, GOOD_ROW, "{\"instruction\": \"a\", \"output\": \"\"}\n"].concat();
    left_out("rows.jsonl", empty.as_bytes(), "line 3", "no answer");
    let absent = [GOOD_ROW, "{\"instruction\": \"a\"}\n"].concat();
    left_out("rows.jsonl", absent.as_bytes(), "line 2", "output");
    let talk = "[{\"conversations\": [{\"from\": \"human\", \"value\": \"a\"}, {\"from\": \"gpt\", \"value\": \"b\"}]},\n\
                {\"conversations\": [{\"from\": \"human\", \"value\": \"a\"}]}]";
    left_out("rows.json", talk.as_bytes(), "line 2", "no answer");
    // Questions alone are what ppo learns from, so only the run refuses them.
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path().join("rows.json"), b"[{\"instruction\": \"a\", \"output\": \"\"}]");
    luthier(["data", "inspect", &file]).done();
    refused_as_dataset(folder.path(), "rows.json", "", &["rows.json", "questions with no answers", "stage: ppo"]);
}

#[test]
fn a_row_of_another_shape_is_named() {
    let deep = [GOOD_ROW, "{\"instruction\": {\"deep\": 1}, \"output\": \"b\"}\n"].concat();
    left_out("rows.jsonl", deep.as_bytes(), "line 2", "instruction");
    refused("rows.jsonl", [GOOD_ROW, "[1, 2]\n"].concat().as_bytes(), &["line 2"]);
    refused("rows.csv", b"instruction,output\na,b\na,b,c\n", &["line 3"]);
}

#[test]
fn a_parquet_file_cut_short() {
    refused("rows.parquet", b"PAR1", &[]);
    refused("rows.parquet", b"PAR1 and then something that is no parquet PAR1", &[]);
}

#[test]
fn a_file_of_another_kind() {
    refused("rows.xlsx", b"PK", &[]);
    let folder = tempfile::tempdir().unwrap();
    luthier(["data", "inspect", folder.path().join("absent.json").to_str().unwrap()]).refused(&["absent.json"]);
    luthier(["data", "inspect", folder.path().to_str().unwrap()]).refused(&[]);
}

/// Deep nesting must end in a message, not in a full stack.
#[test]
fn json_nested_too_deep() {
    let deep = [vec![b'['; 300_000], vec![b']'; 300_000]].concat();
    refused("rows.json", &deep, &[]);
}
