//! What a person sees of a file before anything is learned from it.

use std::ops::ControlFlow;

use serde_json::json;

use super::tests::{CHATML, source, tokenizer_files, write};
use super::*;
use crate::error::{Error, Result};
use crate::protocol::DataSource;
use crate::recipe::MixStrategy;

fn look(source: &DataSource) -> DataSummary {
    inspect(source, &mut |_, _| ControlFlow::Continue(())).unwrap()
}

fn reason<T>(outcome: Result<T>) -> String {
    outcome.err().expect("it is refused").to_string()
}

#[test]
fn rows_that_repeat_or_say_nothing_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let rows = json!([
        {"instruction": "Which part sounds first?", "output": "The strings do."},
        {"instruction": "Which part sounds first?", "output": "The bow, one may say."},
        {"instruction": "Which part sounds first?", "output": "The strings do."},
        {"instruction": "Is it maple?", "output": "No"},
        {"instruction": "哪一部分最先发声？", "output": "琴弦"},
        {"instruction": "是枫木吗？", "output": "是。"},
        {"instruction": "empty"},
    ]);
    let file = write(folder.path(), "a.json", &rows.to_string());
    let summary = look(&source(&file));
    let quality = summary.quality.as_ref().unwrap();
    assert_eq!((&quality.duplicates.list[..], &quality.duplicate_of[..]), (&[2][..], &[0][..]));
    assert_eq!((&quality.asked_again.list[..], &quality.near_empty.list[..]), (&[1][..], &[3, 5][..]));
    assert_eq!((&quality.unusable.list[..], quality.cut.is_none()), (&[6][..], true));
    assert!(quality.unusable.has(6) && !quality.unusable.has(5));
    assert_eq!(quality.languages_of, 6);
    let text = describe(&summary);
    assert!(text.contains("1 rows repeat an earlier row word for word (rows 3 = 1)"), "{text}");
    assert!(text.contains("languages (of 6 answers)") && text.contains("cmn"), "{text}");
}

#[test]
fn a_pair_repeats_only_with_both_answers_and_a_mark_is_part_of_what_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let pair = |better: &str, worse: &str| json!({"prompt": "p", "chosen": better, "rejected": worse});
    let rows = json!([pair("good one", "bad one"), pair("good one", "other one"), pair("good one", "bad one")]);
    let file = write(folder.path(), "pairs.json", &rows.to_string());
    assert_eq!(look(&source(&file)).quality.unwrap().duplicates.list, [2]);
    let mark = |liked: bool| json!({"prompt": "p", "completion": "an answer", "label": liked});
    let file = write(folder.path(), "marks.json", &json!([mark(true), mark(false), mark(true)]).to_string());
    let quality = look(&source(&file)).quality.unwrap();
    assert_eq!((quality.duplicates.list, quality.asked_again.list), (vec![2], vec![1]));
}

#[test]
fn rows_that_the_limit_cuts_are_counted_over_the_whole_file() {
    let (folder, model) = (tempfile::tempdir().unwrap(), tokenizer_files(Some(CHATML)));
    // More rows than are sampled: 5 long ones among them, 2 of which have a question that fills the limit.
    let row = |index: usize| match index {
        701 | 2333 | 4444 => json!({"instruction": "q", "output": "x".repeat(300)}),
        1111 | 4999 => json!({"instruction": "y".repeat(300), "output": "answer"}),
        _ => json!({"instruction": format!("question {index}"), "output": "a short answer"}),
    };
    let rows: Vec<String> = (0..5000).map(|index| row(index).to_string()).collect();
    let file = write(folder.path(), "a.jsonl", &rows.join("\n"));
    let with_model = DataSource { model: Some(model.path().into()), cutoff_len: 120, ..source(&file) };
    let summary = look(&with_model);
    let quality = summary.quality.unwrap();
    let cut = quality.cut.unwrap();
    assert!(cut.exact && summary.tokens.as_ref().unwrap().sampled < 2500);
    assert_eq!((&cut.cut.list[..], &cut.lost.list[..]), (&[701, 1111, 2333, 4444, 4999][..], &[1111, 4999][..]));
    assert_eq!(quality.lengths.len(), summary.tokens.unwrap().sampled);
    assert!(quality.lengths.is_sorted());

    // Where nearly every row may be cut, the sample has to do, and it says so.
    let rows: Vec<String> =
        (0..5000).map(|_| json!({"instruction": "q", "output": "long ".repeat(100)}).to_string()).collect();
    let file = write(folder.path(), "b.jsonl", &rows.join("\n"));
    let cut = look(&DataSource { path: file.into(), ..with_model }).quality.unwrap().cut.unwrap();
    assert_eq!((cut.exact, cut.cut.count), (false, 5000));
}

#[test]
fn rows_are_read_again_as_they_stood() {
    let (folder, model) = (tempfile::tempdir().unwrap(), tokenizer_files(Some(CHATML)));
    let row = |index: usize| json!({"instruction": format!("q{index}"), "output": "你好"}).to_string();
    let rows: Vec<String> = (0..200).map(row).collect();
    let file = write(folder.path(), "a.jsonl", &rows.join("\n"));
    let asked = DataSource { model: Some(model.path().into()), cutoff_len: 100, ..source(&file) };
    let shelf = Shelf::default();
    shelf.inspect(&asked, &mut |_, _| ControlFlow::Continue(())).unwrap();
    let read = shelf.read_rows(&asked, &[150, 3]).unwrap();
    assert_eq!((read[0].row, read[1].row), (151, 4));
    assert_eq!((read[0].question.as_str(), read[0].answer.as_str()), ("q150", "你好"));
    let learned = read[0].segments.iter().find(|segment| segment.learned).unwrap();
    // A byte each: a character ends with its third token.
    assert_eq!((learned.text.as_str(), &learned.tokens[..]), ("你好<e>", &[0, 0, 3, 0, 0, 3, 3][..]));
    let said: usize = read[0].segments.iter().flat_map(|part| &part.tokens).map(|length| *length as usize).sum();
    assert_eq!(said, read[0].segments.iter().map(|part| part.text.len()).sum::<usize>());
    // As a shelf that never saw the file reads it.
    assert_eq!(Shelf::default().read_rows(&asked, &[150, 3]).unwrap(), read);

    let said = reason(shelf.read_rows(&asked, &[7, 200]));
    assert!(said.contains("row 201") && said.contains("the file has 200"), "{said}");
    let mapping = Mapping::new(Format::Alpaca).with(Part::Prompt, "gone").with(Part::Response, "output");
    let said = reason(shelf.read_rows(&DataSource { mapping: Some(mapping), ..asked.clone() }, &[0]));
    assert!(said.contains("\"gone\"") && said.contains("instruction, output"), "{said}");

    write(folder.path(), "a.jsonl", &rows[..100].join("\n"));
    let said = reason(shelf.read_rows(&asked, &[0]));
    assert!(said.contains("has changed since it was read") && said.contains("a.jsonl"), "{said}");
    let said = reason(shelf.read_rows(&asked, &[0]));
    assert!(said.contains("has changed"), "it stays refused until it is read: {said}");
    assert_eq!(shelf.inspect(&asked, &mut |_, _| ControlFlow::Continue(())).unwrap().rows, 100);
    assert_eq!(shelf.read_rows(&asked, &[99]).unwrap()[0].row, 100);
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(shelf.read_rows(&asked, &[0]), Err(Error::Io { .. })));
}

#[test]
fn a_pass_has_as_many_rows_as_mixing_gives() {
    let each = |rows: &[usize], strategy, chances: &[f64]| rows_per_pass(rows, strategy, chances);
    assert_eq!(each(&[10, 4], MixStrategy::Concat, &[]), [10, 4]);
    assert_eq!(each(&[10, 4], MixStrategy::InterleaveUnder, &[]), [4, 4]);
    assert_eq!(each(&[10, 4], MixStrategy::InterleaveOver, &[]), [10, 10]);
    assert_eq!(each(&[900, 100], MixStrategy::InterleaveUnder, &[0.5, 0.5]), [100, 100]);
    assert_eq!(each(&[900, 100], MixStrategy::InterleaveOver, &[3.0, 1.0]), [900, 300]);
    assert_eq!(each(&[7], MixStrategy::InterleaveUnder, &[]), [7]);
    assert_eq!(
        (rows_aside(10, 0.25, 42).len(), rows_aside(10, 4.0, 42).len(), rows_aside(3, 3.0, 42).len()),
        (3, 4, 0)
    );
}
