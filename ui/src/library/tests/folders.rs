//! What folders tell, and what becomes of them.

use luthier_engine::run_folder::RunFolder;

use super::*;

#[test]
fn every_status_is_told_from_the_folder() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| home.path().join("runs").join(name);
    write_run(&at("done"), "done-1", 60, completed(&at("done")));
    write_run(&at("stopped"), "stopped-1", 30, Some(Outcome::Stopped { result: None, reason: "enough".into() }));
    let problem = Problem { code: "diverged".into(), message: "NaN".into() };
    write_run(&at("failed"), "failed-1", 5, Some(Outcome::Failed { problem }));
    // Killed: a torn last line, and a lock that nobody holds.
    write_run(&at("killed"), "killed-1", 50, None);
    let torn = std::fs::read_to_string(at("killed").join("events.jsonl")).expect("events");
    std::fs::write(at("killed").join("events.jsonl"), &torn[..torn.len() - 40]).expect("events");
    std::fs::write(at("killed").join("run.lock"), "").expect("a lock");
    // Going on, held as the engine holds it.
    let recipe = Recipe { output_dir: at("going"), ..Recipe::default() };
    let mut held = RunFolder::create(at("going"), &recipe, false).expect("a run's folder");
    for event in events("going-1", &recipe, 7, None) {
        held.append_event(&event).expect("an event");
    }
    std::fs::create_dir_all(at("no-run")).expect("a folder");

    let mut reader = Reader::of(home.path());
    let runs = reader.after(Order::Refresh);
    assert_eq!(runs.len(), 5, "{:?}", runs.iter().map(|card| &card.id).collect::<Vec<_>>());
    assert_eq!(status(&runs, "done-1"), RunStatus::Completed);
    assert_eq!(status(&runs, "stopped-1"), RunStatus::Stopped);
    assert_eq!(status(&runs, "failed-1"), RunStatus::Failed);
    assert_eq!(status(&runs, "killed-1"), RunStatus::Broken);
    assert_eq!(status(&runs, "going-1"), RunStatus::Running);
    let done = runs.iter().find(|card| card.id == "done-1").expect("it is there");
    assert_eq!((done.steps, done.total_steps), (60, 120));
    assert_eq!(done.last_loss, Some(crate::testing::step(60).loss));
    assert_eq!(done.best_eval_loss, Some(crate::testing::eval(60).loss));
    assert_eq!((done.forgetting, done.result.as_deref()), (Some((12.0, 12.5)), Some(at("done").as_path())));
    let colours: std::collections::BTreeSet<usize> = runs.iter().map(|card| card.colour).collect();
    assert_eq!(colours.len(), 5, "neighbours differ");

    // It is let go without an end, as by a kill; a look around finds it, without an order.
    drop(held);
    std::fs::write(at("going").join("run.lock"), "").expect("a lock");
    let seen = reader.next(|answer| match answer {
        Answer::Runs(runs) if status(&runs, "going-1") != RunStatus::Running => Some(status(&runs, "going-1")),
        _ => None,
    });
    assert_eq!(seen, RunStatus::Broken);

    std::fs::remove_dir_all(at("done")).expect("it is removed");
    let runs = reader.after(Order::Refresh);
    assert_eq!(status(&runs, "done-1"), RunStatus::Missing);
    assert_eq!(runs.iter().find(|card| card.id == "done-1").expect("it stays").steps, 60);
}

#[test]
fn a_growing_run_is_read_on_and_an_overwritten_one_anew() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let folder = home.path().join("runs/one");
    let recipe = write_run(&folder, "one-1", 40, None);
    let mut reader = Reader::of(home.path());
    reader.after(Order::Refresh);
    reader.after(Order::SetNote { id: "one-1".into(), note: "the first".into() });
    let text = lines(&events("one-1", &recipe, 70, completed(&folder)));
    std::fs::write(folder.join("events.jsonl"), text).expect("events");
    let runs = reader.after(Order::Refresh);
    assert_eq!((runs[0].steps, runs[0].status, runs[0].note.as_str()), (70, RunStatus::Completed, "the first"));
    assert_eq!(runs[0].best_eval_loss, Some(crate::testing::eval(60).loss));

    write_run(&folder, "one-2", 3, completed(&folder));
    let runs = reader.after(Order::Refresh);
    assert_eq!((runs.len(), runs[0].id.as_str(), runs[0].steps), (1, "one-2", 3));
    assert_eq!((runs[0].note.as_str(), runs[0].best_eval_loss), ("", None), "what was said was said of the old run");
}

#[test]
fn a_moved_run_keeps_its_words_and_a_copied_one_is_another() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let folder = home.path().join("runs/one");
    write_run(&folder, "one-1", 10, completed(&folder));
    let mut reader = Reader::of(home.path());
    reader.after(Order::Refresh);
    reader.after(Order::SetTags { id: "one-1".into(), tags: vec!["good".into(), " good".into(), "中文".into()] });
    let moved = elsewhere.path().join("moved");
    std::fs::rename(&folder, &moved).expect("it is moved");
    let runs = reader.after(Order::Register { folder: moved.clone(), sweep: None });
    assert_eq!(
        (runs.len(), runs[0].folder.as_path(), runs[0].tags.join(" ")),
        (1, moved.as_path(), "good 中文".into())
    );
    assert_eq!(runs[0].result.as_deref(), Some(moved.as_path()), "the result has moved with it");

    let copy = elsewhere.path().join("copy");
    std::fs::create_dir_all(&copy).expect("a folder");
    for name in ["recipe.yaml", "events.jsonl"] {
        std::fs::copy(moved.join(name), copy.join(name)).expect("a copy");
    }
    let sweep = Some(("ranks".to_owned(), "lora_rank=8".to_owned()));
    let runs = reader.after(Order::Register { folder: copy, sweep: sweep.clone() });
    let ids: Vec<&str> = runs.iter().map(|card| card.id.as_str()).collect();
    assert_eq!(ids, ["one-1~2", "one-1"]);
    assert_eq!((runs[0].sweep.clone(), runs[0].tags.len()), (sweep, 0));
    reader.library.order(Order::Load { id: "one-1~2".into() });
    let loaded = reader.next(|answer| if let Answer::Loaded { run, .. } = answer { Some(run) } else { None });
    assert_eq!((loaded.id.as_str(), loaded.steps.len()), ("one-1~2", 10));
    reader.library.order(Order::Register { folder: elsewhere.path().to_owned(), sweep: None });
    assert_eq!(reader.failed().code, "library_no_run");
}

#[test]
fn the_bin_gives_back_and_destroying_spares_what_is_no_run() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let folder = |name: &str| home.path().join("runs").join(name);
    for name in ["one", "two", "strange", "linked"] {
        write_run(&folder(name), name, 10, completed(&folder(name)));
    }
    std::fs::create_dir_all(folder("one").join("checkpoint-10")).expect("a checkpoint");
    std::fs::create_dir_all(folder("strange").join("holidays")).expect("a strange folder");
    let mut reader = Reader::of(home.path());
    reader.after(Order::Refresh);
    let all: Vec<String> = ["one", "two", "strange", "linked"].map(str::to_owned).to_vec();
    let runs = reader.after(Order::Delete { ids: all.clone() });
    assert!(runs.iter().all(|card| card.deleted_unix_secs.is_some()) && folder("one").exists());
    let runs = reader.after(Order::Undelete { ids: vec!["two".into()] });
    let two = runs.iter().find(|card| card.id == "two").expect("it is there");
    assert_eq!(two.deleted_unix_secs, None);

    // A link now stands where the folder was: nothing behind it may go.
    let behind = tempfile::tempdir().expect("a temporary folder");
    let target = behind.path().join("linked");
    std::fs::rename(folder("linked"), &target).expect("it is moved");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&target, folder("linked")).expect("a link");

    reader.library.order(Order::Destroy { ids: vec!["one".into(), "strange".into(), "linked".into()] });
    let refused = reader.failed();
    assert_eq!(refused.code, "library_refused");
    assert!(refused.message.contains("holidays") && refused.message.contains("a link"), "{}", refused.message);
    assert!(!folder("one").exists() && folder("strange/holidays").exists() && target.join("events.jsonl").exists());
    let left: Vec<String> = reader.after(Order::Refresh).into_iter().map(|card| card.id).collect();
    assert_eq!(left.iter().filter(|id| *id == "one").count(), 0);
    assert!(["two", "strange", "linked"].iter().all(|id| left.iter().any(|other| other == id)), "{left:?}");
}

#[test]
fn a_run_that_goes_on_is_not_destroyed() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let folder = home.path().join("runs/going");
    let recipe = Recipe { output_dir: folder.clone(), ..Recipe::default() };
    let mut held = RunFolder::create(&folder, &recipe, false).expect("a run's folder");
    held.append_event(&events("going", &recipe, 1, None)[0]).expect("an event");
    let mut reader = Reader::of(home.path());
    reader.after(Order::Refresh);
    reader.library.order(Order::Destroy { ids: vec!["going".into()] });
    assert!(reader.failed().message.contains("still goes on"));
    assert!(folder.join("events.jsonl").exists());
}

#[test]
fn a_long_run_replays_as_it_was() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let folder = home.path().join("runs/long");
    let recipe = write_run(&folder, "long", 1, None);
    let all = events("long", &recipe, 50_000, completed(&folder));
    let text = lines(&all);
    let began = Instant::now();
    let run = Run::replay(text.lines()).expect("it tells of its start");
    eprintln!("50,000 steps ({} MB) replayed in {:.0?}", text.len() / 1_000_000, began.elapsed());
    assert_eq!((run.steps.len(), run.evals.len()), (50_000, 2500));
    assert_eq!(run.result(), Some(&folder));

    // Broken off, and gone on with under another id.
    let cut = lines(&events("long", &recipe, 30, None));
    let again = lines(&events("other", &recipe, 40, None)).replace("\"first_step\":0", "\"first_step\":20");
    let later: String =
        again.lines().enumerate().filter(|(n, _)| *n == 0 || *n > 22).map(|(_, l)| format!("{l}\n")).collect();
    let run = Run::replay(format!("{cut}{later}{{\"at\": 3.0, \"ev").lines()).expect("it tells of its start");
    assert_eq!((run.id.as_str(), run.steps.len()), ("long", 40));
    assert!(run.steps.windows(2).all(|pair| pair[0].step + 1 == pair[1].step));
    assert!(Run::replay("nothing\nof use".lines()).is_none());
}
