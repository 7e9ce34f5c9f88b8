//! Preference and KTO files with mistakes: file and row are named, and a run that cannot learn from a file says which
//! stage can.

use super::{recipe, refused_training};
use crate::binary::{fixture, luthier, write};

const GOOD_PAIR: &str = "{\"prompt\": \"q\\n\", \"chosen\": \"yes\", \"rejected\": \"no\"}\n";
const GOOD_MARK: &str = "{\"prompt\": \"q\\n\", \"completion\": \"yes\", \"label\": true}\n";

/// `train` at `stage` must refuse the file with these words.
#[track_caller]
fn refused_at(stage: &str, content: &str, more: &str, words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path().join("rows.jsonl"), content);
    let path = recipe(folder.path(), &fixture("models/llama-tiny"), "rows.jsonl", more);
    let text = std::fs::read_to_string(&path).unwrap().replace("stage: sft", &format!("stage: {stage}"));
    write(folder.path().join("recipe.yaml"), text);
    refused_training(folder.path(), &path, &[&["rows.jsonl"], words].concat());
}

#[track_caller]
fn inspected(content: &str, words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path().join("rows.jsonl"), content);
    luthier(["data", "inspect", &file]).refused(words);
}

#[test]
fn pairs_whose_sides_say_the_same_are_named() {
    for (chosen, rejected, reason) in [
        ("yes", "yes", "are the same"),
        ("yes sir", "yes  sir ", "white space only"),
        ("", "no", "no answer"),
        ("yes", "", "no answer"),
    ] {
        let rows =
            format!("{GOOD_PAIR}{{\"prompt\": \"q\\n\", \"chosen\": \"{chosen}\", \"rejected\": \"{rejected}\"}}\n");
        refused_at("dpo", &rows, "", &["line 2", reason, "skip_bad_rows"]);
        refused_at("rm", &rows, "", &["line 2", reason, "skip_bad_rows"]);
        inspected(&rows, &["line 2", reason]);
    }
}

#[test]
fn pairs_longer_than_the_limit() {
    let long =
        "{\"prompt\": \"a question that alone fills the limit\\n\", \"chosen\": \"yes\", \"rejected\": \"no\"}\n";
    refused_at("dpo", long, "cutoff_len: 4", &["cutoff_len 4"]);
    refused_at("rm", GOOD_PAIR, "cutoff_len: 2", &["cutoff_len 2"]);
}

#[test]
fn labels_that_say_neither_yes_nor_no() {
    let rows = format!("{}{}", GOOD_MARK.repeat(10), GOOD_MARK.replace("true", "\"perhaps\""));
    let words = ["line 11", "label", "perhaps", "true or false"];
    refused_at("kto", &rows, "", &[&words[..], &["skip_bad_rows"]].concat());
    inspected(&rows, &words);
    // Under this name even a quarter of unreadable labels are mistakes, not classes.
    let rows = format!("{}{}", GOOD_MARK.repeat(3), GOOD_MARK.replace("true", "2")).replace("label", "kto_tag");
    refused_at("kto", &rows, "", &["line 4", "kto_tag", "true or false"]);
}

#[test]
fn a_file_of_another_kind_says_which_stage_fits() {
    let answers = "{\"instruction\": \"q\", \"output\": \"a\"}\n";
    refused_at("dpo", GOOD_MARK, "", &["stage dpo cannot learn", "stage: kto"]);
    refused_at("dpo", answers, "", &["stage dpo cannot learn", "stage: sft"]);
    refused_at("rm", answers, "", &["stage rm cannot learn", "stage: sft"]);
    refused_at("kto", answers, "", &["stage kto cannot learn", "stage: sft"]);
    refused_at("sft", GOOD_PAIR, "", &["stage sft cannot learn", "stage: dpo"]);
    refused_at("sft", "{\"prompt\": \"q\"}\n", "", &["questions with no answers", "stage: ppo"]);
}
