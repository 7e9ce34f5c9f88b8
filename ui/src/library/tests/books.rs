//! The database itself: two windows, damage, a newer version, a queue, a thousand runs.

use rusqlite::Connection;

use super::*;
use crate::desks::Queued;

fn with_a_run(home: &Path) -> Reader {
    let folder = home.join("runs/one");
    write_run(&folder, "one", 10, completed(&folder));
    let mut reader = Reader::of(home);
    reader.after(Order::Refresh);
    reader
}

#[test]
fn two_windows_see_and_spare_each_others_changes() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut first = with_a_run(home.path());
    let mut second = Reader::of(home.path());
    assert_eq!(second.runs()[0].id, "one");
    first.after(Order::Rename { id: "one".into(), name: "of the first".into() });
    second.after(Order::SetNote { id: "one".into(), note: "of the second".into() });
    // Each looks around by itself.
    let wanted = |answer| match answer {
        Answer::Runs(runs) if runs[0].note == "of the second" && runs[0].name == "of the first" => Some(()),
        _ => None,
    };
    first.next(wanted);
    let outcome: EvalOutcome = serde_json::from_value(serde_json::json!({
        "model": "/models/a", "adapter": null, "device": "cpu", "file": "/data/general.jsonl", "elapsed_secs": 1.0,
        "warnings": [], "task": "perplexity", "perplexity": 12.5, "loss": 2.5, "token_accuracy": 0.5, "tokens": 100,
        "rows": 10, "dropped_rows": 0
    }))
    .expect("an outcome");
    let keep = Order::KeepEvaluation { run: Some("one".into()), set: "general".into(), outcome: Box::new(outcome) };
    second.library.order(keep);
    let seen = first.next(|answer| match answer {
        Answer::Evaluations(evaluations) if !evaluations.is_empty() => Some(evaluations),
        _ => None,
    });
    assert_eq!((seen[0].run.as_deref(), seen[0].set.as_str()), (Some("one"), "general"));
}

#[test]
fn a_newer_database_is_left_alone_and_the_window_is_told() {
    let home = tempfile::tempdir().expect("a temporary folder");
    drop(with_a_run(home.path()));
    let path = home.path().join("luthier.sqlite");
    let books = Connection::open(&path).expect("it opens");
    books.pragma_update(None, "user_version", 99).expect("a later version");
    drop(books);
    let before = std::fs::read(&path).expect("it can be read");
    let mut reader = Reader::of(home.path());
    let problem = reader.failed();
    assert_eq!(problem.code, "library_newer");
    assert!(problem.message.contains("99") && problem.message.contains("luthier.sqlite"), "{}", problem.message);
    // Files are still written, and other orders fail with the same word.
    let file = home.path().join("plot.svg");
    reader.library.order(Order::Write { path: file.clone(), bytes: b"<svg/>".to_vec() });
    reader.next(|answer| matches!(answer, Answer::Written { .. }).then_some(()));
    assert_eq!(std::fs::read(&file).expect("it was written"), b"<svg/>");
    reader.library.order(Order::Refresh);
    assert_eq!(reader.failed().code, "library_newer");
    drop(reader);
    assert_eq!(std::fs::read(&path).expect("it can be read"), before);
}

#[test]
fn a_damaged_database_is_set_aside_and_runs_are_found_again() {
    for damage in [b"this is no database, and long enough to be looked at as one".to_vec(), Vec::new()] {
        let home = tempfile::tempdir().expect("a temporary folder");
        drop(with_a_run(home.path()));
        let path = home.path().join("luthier.sqlite");
        let whole = std::fs::read(&path).expect("it can be read");
        // Either no database at all, or one whose pages are overwritten behind a sound head.
        let broken = if damage.is_empty() {
            let mut broken = whole.clone();
            broken[4096..].fill(0xA7);
            broken
        } else {
            damage
        };
        std::fs::write(&path, &broken).expect("it is damaged");
        let mut reader = Reader::of(home.path());
        let problem = reader.failed();
        assert_eq!(problem.code, "library_damaged", "{}", problem.message);
        let runs = reader.after(Order::Refresh);
        assert_eq!(runs[0].id, "one");
        let aside = std::fs::read_dir(home.path())
            .expect("the home is there")
            .flatten()
            .find(|entry| entry.file_name().to_string_lossy().starts_with("luthier.sqlite.damaged-"));
        let aside = aside.expect("the old file is kept");
        assert_eq!(std::fs::read(aside.path()).expect("it can be read"), broken);
    }
}

#[test]
fn what_a_busy_database_refused_is_done_later() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut reader = with_a_run(home.path());
    let other = Connection::open(home.path().join("luthier.sqlite")).expect("it opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("it is held");
    reader.library.order(Order::SetNote { id: "one".into(), note: "kept".into() });
    let problem = reader.failed();
    assert_eq!(problem.code, "library_busy", "{}", problem.message);
    other.execute_batch("COMMIT").expect("it is let go");
    reader.next(|answer| match answer {
        Answer::Runs(runs) if runs[0].note == "kept" => Some(()),
        _ => None,
    });
}

#[test]
fn a_queue_outlives_its_window_and_is_not_taken_from_an_open_one() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let queued = |id: &str| Queued { id: id.into(), recipe: Recipe::default(), sweep: None };
    let queue = |answer| if let Answer::Queue(waiting) = answer { Some(waiting) } else { None };
    let mut first = Reader::of(home.path());
    assert_eq!(first.next(queue), []);
    first.library.order(Order::KeepQueue { waiting: vec![queued("a"), queued("b")] });
    first.after(Order::Refresh);
    let mut second = Reader::of(home.path());
    assert_eq!(second.next(queue), [], "the first window is open");
    second.library.order(Order::KeepQueue { waiting: vec![queued("c")] });
    drop(second);
    drop(first);
    let mut third = Reader::of(home.path());
    let taken: std::collections::BTreeSet<String> = third.next(queue).into_iter().map(|queued| queued.id).collect();
    assert_eq!(taken, ["a", "b", "c"].map(str::to_owned).into());
    third.library.order(Order::KeepQueue { waiting: Vec::new() });
    drop(third);
    assert_eq!(Reader::of(home.path()).next(queue), []);
    let left = std::fs::read_dir(home.path().join("windows")).expect("it is there").count();
    assert_eq!(left, 0, "no window is open any more");
}

#[test]
fn the_command_line_registers_and_lists() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let folder = elsewhere.path().join("out");
    write_run(&folder, "out-1", 10, completed(&folder));
    register(home.path(), &folder).expect("it is taken in");
    register(home.path(), &folder).expect("twice is once");
    let listed = listing(home.path()).expect("they are listed");
    assert_eq!((listed.len(), listed[0].id.as_str(), listed[0].status), (1, "out-1", RunStatus::Completed));
    assert_eq!(register(home.path(), elsewhere.path()).expect_err("no run").code, "library_no_run");
}

#[test]
fn a_thousand_runs_are_looked_through_quickly() {
    let home = tempfile::tempdir().expect("a temporary folder");
    for n in 0..1000 {
        let folder = home.path().join(format!("runs/run-{n}"));
        write_run(&folder, &format!("run-{n}"), 40, completed(&folder));
    }
    let mut reader = Reader::of(home.path());
    let took = |reader: &mut Reader, what: &str| {
        let began = Instant::now();
        let runs = reader.after(Order::Refresh);
        eprintln!("1,000 runs, {what}: {:.0?}", began.elapsed());
        runs
    };
    assert_eq!(took(&mut reader, "for the first time").len(), 1000);
    let runs = took(&mut reader, "again");
    assert!(runs.windows(2).all(|pair| pair[0].started_unix_secs >= pair[1].started_unix_secs));
    drop(reader);
    let mut reader = Reader::of(home.path());
    let began = Instant::now();
    assert_eq!(reader.runs().len(), 1000);
    eprintln!("1,000 runs, told after a restart: {:.0?}", began.elapsed());
    let recipes: Vec<&Arc<Recipe>> = runs.iter().map(|card| &card.recipe).collect();
    assert!(recipes.iter().all(|recipe| recipe.dataset == ["/data/alpaca_zh.jsonl"]));
}
