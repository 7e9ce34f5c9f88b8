use super::super::{claims::Seat, database, deciding, making, rows::Kind, session::Session};
use super::*;

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    let home = home();
    drop(Desk::of(home.path(), "Ada"));
    file(home.path()).pragma_update(None, "user_version", 99).expect("a later version");
    let before = std::fs::read(home.path().join("labels.sqlite")).expect("the file");
    let mut ada = Desk::of(home.path(), "Ada");
    assert_eq!(ada.failed().code, "labels_newer");
    ada.labels.order(Order::MakeQueue(Box::new(draft(2, plain()))));
    assert_eq!(ada.failed().code, "labels_newer");
    ada.labels.order(Order::Open { queue: 1, annotator: "Ada".into() });
    assert!(ada.failed().message.contains("labels.sqlite"));
    drop(ada);
    assert_eq!(std::fs::read(home.path().join("labels.sqlite")).expect("the file"), before);
}

#[test]
fn a_damaged_file_is_set_aside() {
    let home = home();
    std::fs::write(home.path().join("labels.sqlite"), "no database at all, but long enough to look like one")
        .expect("a damaged file");
    let mut ada = Desk::of(home.path(), "Ada");
    assert_eq!(ada.failed().code, "labels_damaged");
    let queue = ada.make(draft(2, plain()));
    assert_eq!(ada.open(queue).items.len(), 2);
    let kept = std::fs::read_dir(home.path()).expect("the home").filter_map(Result::ok);
    assert_eq!(kept.filter(|entry| entry.file_name().to_string_lossy().contains("damaged")).count(), 1);
}

#[test]
fn a_locked_file_refuses_a_decision_and_takes_it_when_it_is_asked_again() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let queue = ada.make(draft(4, plain()));
    let lot = ada.open(queue);
    let other = file(home.path());
    other.execute_batch("BEGIN IMMEDIATE").expect("the file is locked");
    let began = Instant::now();
    ada.labels.order(ada.judge(&lot, better(1)));
    assert_eq!(ada.failed().code, "labels_busy");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    // It can be looked at all the same.
    assert_eq!(ada.open(queue), lot);
    other.execute_batch("ROLLBACK").expect("the file is free");
    let next = ada.decide(&lot, better(1));
    assert_eq!((positions(&next)[0], next.progress.labelled, next.progress.undoable), (1, 1, 1));
    assert_eq!(rows(home.path(), "1"), 1);
    let next = ada.undo(queue);
    assert_eq!((positions(&next)[0], next.progress.undoable), (0, 0));
}

#[test]
fn a_full_disk_refuses_a_decision_and_loses_none() {
    let home = home();
    let (mut books, _) = database::open(home.path()).expect("a file");
    let queue = making::make(&mut books, draft(40, plain())).expect("a queue");
    let seat = Seat::take(home.path().to_owned());
    let mut session = Session::open(&books, queue, "Ada").expect("it opens").expect("it is there");
    deciding::together(&mut books, &seat, &mut session, |_, _, _| Ok(())).expect("something is in front");
    let decide = |books: &mut Connection, session: &mut Session| {
        let lot = session.lot(books, &[]).expect("a lot");
        let item = lot.items[0].clone();
        let judgement = Judgement {
            queue,
            item: item.id,
            pass: 0,
            annotator: "Ada".into(),
            verdict: Verdict::Written { text: "mine ".repeat(500) },
            tags: Vec::new(),
            note: String::new(),
            seconds: 1.0,
            shown: item.shown.clone(),
        };
        let entry = super::super::carrying::judged(books, Kind::Verdict, &judgement).expect("texts").expect("it fits");
        let at = item.position;
        let done = deciding::together(books, &seat, session, |session, books, memory| {
            deciding::decide(session, books, memory, at, &entry)
        });
        (at, done.map(drop))
    };
    let pages: i64 = books.query_row("PRAGMA page_count", [], |row| row.get(0)).expect("pages");
    let limit = |books: &Connection, pages: i64| {
        books.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| row.get::<_, i64>(0)).expect("a limit");
    };
    limit(&books, pages + 6);
    let mut kept = 0;
    let error = loop {
        match decide(&mut books, &mut session) {
            (at, Ok(())) => {
                assert_eq!(at, kept);
                kept += 1;
            }
            (at, Err(error)) => {
                assert_eq!(at, kept);
                break error;
            }
        }
    };
    assert!(kept > 0 && kept < 20, "{kept}");
    assert_eq!(database::BOOK.failure(home.path(), &error).code, "labels_full");
    let progress = session.progress;
    assert_eq!((progress.labelled, progress.undoable, rows(home.path(), "1")), (kept, kept, kept as i64));
    // The same item is in front, and is kept when there is room.
    assert!(decide(&mut books, &mut session).1.is_err());
    limit(&books, pages + 1000);
    let (at, done) = decide(&mut books, &mut session);
    done.expect("there is room");
    assert_eq!((at, session.progress.labelled, rows(home.path(), "1")), (kept, kept + 1, kept as i64 + 1));
    assert_eq!(session.front.as_ref().map(|front| front.at), Some(kept + 1));
}

#[test]
fn decisions_cannot_be_changed_or_deleted() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let queue = ada.make(draft(2, plain()));
    let lot = ada.open(queue);
    ada.decide(&lot, better(0));
    for sql in ["DELETE FROM decisions", "UPDATE decisions SET verdict = '{}'"] {
        let refused = file(home.path()).execute(sql, []).expect_err("decisions are kept");
        assert!(refused.to_string().contains("decisions are never"), "{refused}");
    }
    assert_eq!(rows(home.path(), "1"), 1);
}

#[test]
fn strange_texts_come_back_as_they_were() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let strange =
        ["a\0b\u{1}\u{1b}[31m\r\n", "", "مرحبا \u{202e}abc", "<script>alert(1)</script> ![x](http://x/y.png)"];
    let long = "é".repeat(50_000);
    let mut new = draft(0, plain());
    for text in strange.iter().copied().chain([long.as_str()]) {
        new.items.push(NewItem {
            prompt: asked(text),
            answers: vec![text.into(), String::new()],
            ..NewItem::default()
        });
    }
    new.items.push(new.items[0].clone());
    let queue = ada.make(new);
    let mut lot = ada.open(queue);
    assert_eq!(lot.items.iter().map(|item| item.twins).collect::<Vec<_>>(), [1, 0, 0, 0, 0]);
    for text in strange.iter().copied().chain([long.as_str(), strange[0]]) {
        let item = lot.items[0].clone();
        assert_eq!((item.prompt[0].content.as_str(), item.answers[0].text.as_str()), (text, text));
        lot = ada.decide(&lot, Verdict::Edited { answer: 1, text: text.into() });
    }
    for (decision, text) in ada.decisions(queue).iter().zip(strange) {
        assert_eq!(decision.judged.verdict, Verdict::Edited { answer: 1, text: text.into() });
        assert_eq!(decision.judged.answers[0].text, text);
    }
    assert_eq!(ada.decisions(queue).len(), 6);
}

#[test]
fn what_was_answered_is_in_the_file() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let queue = ada.make(draft(30, plain()));
    let mut lot = ada.open(queue);
    for at in 1..=20 {
        lot = ada.decide(&lot, better(0));
        assert_eq!(rows(home.path(), "kind = 'verdict'"), at);
    }
    // Orders that were given are carried out also when nobody waits for them.
    ada.labels.order(ada.judge(&lot, better(1)));
    drop(ada);
    assert_eq!(rows(home.path(), "kind = 'verdict'"), 21);
    let mut again = Desk::of(home.path(), "Ada");
    assert_eq!(positions(&again.open(queue))[0], 21);
}
