//! Rows over the channel: they come at once from a file that was inspected, during a run as well, and what cannot be
//! read is said.

use std::path::Path;
use std::time::{Duration, Instant};

use luthier_engine::data::{Format, Mapping, Part, PreviewRow};
use luthier_engine::link::{Link, LinkOptions};
use luthier_engine::protocol::{Command, DataSource, Event, Outcome, Problem, RequestId};
use serde_json::json;

use crate::bench::{fixture, fresh};
use crate::binary::write;

/// A file of so many rows, one with text that runs backwards and marks that cannot be seen.
fn file(folder: &Path, rows: usize) -> DataSource {
    let row = |index: usize| match index {
        7 => json!({"instruction": "שלום \u{202E}abc", "output": "مرحبا\u{200B}\u{7} done"}),
        _ => json!({"instruction": format!("Count {index}."), "output": "One two three."}),
    };
    let text: Vec<String> = (0..rows).map(|index| row(index).to_string()).collect();
    let path = write(folder.join("rows.jsonl"), text.join("\n")).into();
    let model = Some(fixture("models/llama-tiny"));
    DataSource { path, mapping: None, model, cutoff_len: 512, train_on_prompt: false }
}

/// The answer to `request`; other events are passed over.
fn answer(link: &Link, request: RequestId) -> Result<Event, Problem> {
    let until = Instant::now() + Duration::from_secs(60);
    while Instant::now() < until {
        match link.recv_timeout(Duration::from_secs(1)) {
            Some(Event::CommandFailed { request: Some(r), problem }) if r == request => return Err(problem),
            Some(event @ (Event::RowsRead { request: r, .. } | Event::DataInspected { request: r, .. }))
                if r == request =>
            {
                return Ok(event);
            }
            _ => {}
        }
    }
    panic!("no answer came to {request}");
}

fn read(link: &Link, request: RequestId, source: &DataSource, rows: &[usize]) -> Result<Vec<PreviewRow>, Problem> {
    link.send(Command::ReadRows { request, source: source.clone(), rows: rows.to_vec() });
    answer(link, request).map(|event| match event {
        Event::RowsRead { rows, .. } => rows,
        other => panic!("{other:?}"),
    })
}

fn inspect(link: &Link, request: RequestId, source: &DataSource) {
    link.send(Command::InspectData { request, source: source.clone() });
    answer(link, request).expect("the file is read");
}

#[test]
fn rows_come_as_they_stand_in_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (source, link) = (file(folder.path(), 300), Link::spawn(LinkOptions::default()));
    inspect(&link, 1, &source);
    let rows = read(&link, 2, &source, &[299, 0, 7]).expect("they are there");
    assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), [300, 1, 8]);
    assert_eq!((rows[0].question.as_str(), rows[0].answer.as_str()), ("Count 299.", "One two three."));
    // Nothing is taken out of the text: the window shows what cannot be seen.
    assert!(rows[2].question.contains('\u{202E}') && rows[2].answer.contains("\u{200B}\u{7}"));
    for row in &rows {
        let tokens: usize = row.segments.iter().map(|segment| segment.tokens.len()).sum();
        assert_eq!(Some(tokens), row.tokens, "every token has its edge in row {}", row.row);
        assert!(row.segments.iter().any(|segment| segment.learned));
    }
    // Without a model there are the texts alone.
    let plain = read(&link, 3, &DataSource { model: None, ..source }, &[0]).expect("they are there");
    assert!(plain[0].tokens.is_none() && plain[0].segments.iter().all(|segment| segment.tokens.is_empty()));
}

#[test]
fn rows_that_cannot_be_read_say_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (source, link) = (file(folder.path(), 20), Link::spawn(LinkOptions::default()));
    inspect(&link, 1, &source);
    let said = read(&link, 2, &source, &[3, 20]).expect_err("beyond the end");
    assert_eq!(said.code, "bad_data");
    assert!(said.message.contains("rows.jsonl, row 21") && said.message.contains("has 20"), "{}", said.message);
    read(&link, 3, &source, &[usize::MAX]).expect_err("far beyond the end");
    let mapping = Mapping::new(Format::Alpaca).with(Part::Prompt, "instruction").with(Part::Response, "vanished");
    let said = read(&link, 4, &DataSource { mapping: Some(mapping), ..source.clone() }, &[0]).expect_err("no column");
    assert!(said.message.contains("\"vanished\""), "{}", said.message);
    file(folder.path(), 21);
    let said = read(&link, 5, &source, &[0]).expect_err("the file is another now");
    assert!(said.message.contains("has changed since it was read"), "{}", said.message);
    inspect(&link, 6, &source);
    assert_eq!(read(&link, 7, &source, &[20]).expect("it was read again")[0].row, 21);
    std::fs::remove_file(&source.path).expect("removed");
    assert_eq!(read(&link, 8, &source, &[0]).expect_err("the file is gone").code, "io");
}

#[test]
fn rows_are_read_during_a_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (source, link) = (file(folder.path(), 300), Link::spawn(LinkOptions::default()));
    inspect(&link, 1, &source);
    let recipe = fresh("sft-lora-all", &folder.path().join("out"));
    link.send(Command::StartRun { id: "run".into(), recipe: Box::new(recipe), resume: false });
    let mut between = 0;
    let mut request = 2;
    let outcome = loop {
        match link.recv_timeout(Duration::from_secs(60)).expect("the run goes on") {
            Event::RunFinished { outcome, .. } => break outcome,
            Event::StepReported { .. } => {
                link.send(Command::ReadRows { request, source: source.clone(), rows: (0..50).collect() });
                request += 1;
            }
            Event::RowsRead { rows, .. } => {
                assert_eq!(rows.len(), 50);
                between += 1;
            }
            _ => {}
        }
    };
    assert!(matches!(outcome, Outcome::Completed { .. }), "{outcome:?}");
    assert!(between > 0, "rows came while the run went on");
}

/// Two files are inspected at once: only a newer look at the same one takes the older's place.
#[test]
fn a_look_at_one_file_leaves_the_other_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let other = folder.path().join("other");
    std::fs::create_dir(&other).expect("a folder");
    let (one, two) = (file(folder.path(), 5000), file(&other, 5000));
    let link = Link::spawn(LinkOptions::default());
    link.send(Command::InspectData { request: 1, source: one.clone() });
    link.send(Command::InspectData { request: 2, source: two });
    let mut done = Vec::new();
    while done.len() < 2 {
        match link.recv_timeout(Duration::from_secs(60)).expect("an answer comes") {
            Event::DataInspected { request, .. } => done.push(request),
            Event::CommandFailed { problem, .. } => panic!("{problem:?}"),
            _ => {}
        }
    }
    link.send(Command::InspectData { request: 3, source: one.clone() });
    link.send(Command::InspectData { request: 4, source: DataSource { cutoff_len: 64, ..one } });
    assert!(matches!(answer(&link, 4), Ok(Event::DataInspected { .. })), "the newer one is answered");
}
