//! `luthier labels` as scripts rely on it: a file of labels becomes a queue, and the queue the files of every format.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::binary::{Ended, finish, luthier, path, write};

const FORMATS: [&str; 8] =
    ["trl", "trl-kto", "llamafactory", "llamafactory-alpaca", "llamafactory-kto", "openai", "argilla", "label-studio"];

fn at_home<const N: usize>(home: &Path, arguments: [&str; N]) -> Ended {
    finish(Command::new(path()).env("LUTHIER_HOME", home).args(arguments))
}

#[test]
fn labels_go_through_every_format_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let (home, root) = (folder.path().join("home"), folder.path());
    let say = |role: &str, text: String| json!([{"role": role, "content": text}]);
    let rows: Vec<String> = (0..20)
        .map(|n| {
            json!({"prompt": say("user", format!("问题 {n}")), "chosen": say("assistant", format!("better {n}")),
                "rejected": say("assistant", format!("worse {n}"))})
            .to_string()
        })
        .collect();
    let file = write(root.join("pairs.jsonl"), rows.join("\n"));
    let made = at_home(&home, ["labels", "import", &file]).done().stdout;
    assert_eq!(made.trim(), "queue 1, pairs: 20 items");
    for format in FORMATS {
        let out = root.join(format);
        std::fs::create_dir_all(&out).unwrap();
        let (many, kto) = (format.starts_with("llamafactory"), format.ends_with("kto"));
        let ending = if ["trl", "trl-kto", "openai"].contains(&format) { "jsonl" } else { "json" };
        let to = if many { out.clone() } else { out.join(format!("labels.{ending}")) };
        let to = to.display().to_string();
        let told = at_home(&home, ["labels", "export", "pairs", "--format", format, "--to", &to]).done().stdout;
        assert!(told.starts_with(if kto { "40 records" } else { "20 records" }), "{format}: {told}");
        let written = if many { out.join("pairs.json") } else { to.into() };
        let written = written.display().to_string();
        let name = format!("from {format}");
        let back = at_home(&home, ["labels", "import", &written, "--name", &name]).done().stdout;
        assert!(back.contains(if kto { "40 items" } else { "20 items" }), "{format}: {back}");
        let read = luthier(["data", "inspect", &written]);
        assert!(["argilla", "label-studio"].contains(&format) || read.code == Some(0), "{format}: {}", read.stderr);
    }
    let listed: Value = serde_json::from_str(&at_home(&home, ["labels", "list", "--json"]).done().stdout).unwrap();
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 1 + FORMATS.len());
    assert!(listed.iter().all(|queue| queue["labelled"] == queue["items"]), "{listed:?}");

    // Set aside by prompt, into a file beside.
    let to = root.join("split.jsonl").display().to_string();
    let told = at_home(&home, ["labels", "export", "1", "--to", &to, "--eval-share", "0.25"]).done().stdout;
    assert!(told.starts_with("15 records, 5 set aside"), "{told}");
    assert_eq!(std::fs::read_to_string(root.join("split-eval.jsonl")).unwrap().lines().count(), 5);
}

#[test]
fn what_cannot_be_done_with_labels_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (home, root) = (folder.path().join("home"), folder.path());
    let gbk = root.join("gbk.jsonl");
    std::fs::write(&gbk, b"{\"prompt\": \"a\"}\n{\"prompt\": \"\xc4\xe3\"}\n").unwrap();
    at_home(&home, ["labels", "import", &gbk.display().to_string()]).refused(&["gbk.jsonl, line 2", "GBK"]);
    let questions = write(root.join("questions.txt"), "one\ntwo\n");
    at_home(&home, ["labels", "import", &questions]).refused(&["questions.txt", "no answers"]);
    at_home(&home, ["labels", "export", "nobody", "--to", "x.jsonl"]).refused(&["nobody", "labels list"]);
    at_home(&home, ["labels", "export", "nobody", "--format", "word", "--to", "x"]).refused(&["argilla"]);
    assert_eq!(at_home(&home, ["labels", "list"]).done().stdout, "");
}
