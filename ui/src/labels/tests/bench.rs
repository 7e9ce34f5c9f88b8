use super::*;

#[test]
fn decisions_follow_each_other_and_are_taken_back_across_sessions() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let queue = ada.make(draft(6, plain()));
    let mut lot = ada.open(queue);
    assert_eq!(positions(&lot), [0, 1, 2, 3, 4]);
    for at in 0..3 {
        lot = ada.decide(&lot, better(at % 2));
    }
    assert_eq!((positions(&lot)[0], lot.progress.labelled, lot.progress.undoable), (3, 3, 3));
    drop(ada);

    let mut ada = Desk::of(home.path(), "Ada");
    let card = ada.queues().remove(0);
    assert_eq!((card.items, card.answered, card.labelled), (6, 6, 3));
    assert!(card.last_unix_ms.is_some());
    assert_eq!(positions(&ada.open(queue)), [3, 4, 5]);
    let lot = ada.undo(queue);
    assert_eq!((positions(&lot)[0], lot.items[0].earlier.clone()), (2, Some(better(0))));
    let lot = ada.undo(queue);
    assert_eq!((positions(&lot), lot.items[0].earlier.clone()), (vec![1, 2, 3, 4, 5], Some(better(1))));
    assert_eq!((lot.progress.labelled, lot.progress.undoable), (1, 1));
    // The next to be decided is the one that was taken back first.
    let lot = ada.decide(&lot, Verdict::Tie);
    assert_eq!((positions(&lot)[0], lot.items[0].earlier.clone()), (2, None));
    let stand = ada.decisions(queue);
    let verdicts: Vec<_> = stand.iter().map(|decision| decision.judged.verdict.clone()).collect();
    assert_eq!(verdicts, [better(0), Verdict::Tie]);
    ada.undo(queue);
    ada.undo(queue);
    let lot = ada.undo(queue);
    assert_eq!((lot.progress.labelled, lot.progress.undoable), (0, 0));
    assert_eq!((rows(home.path(), "kind = 'verdict'"), rows(home.path(), "kind = 'undo'")), (4, 4));
}

#[test]
fn a_row_holds_all_that_was_on_the_screen() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let settings = QueueSettings { authors: vec![author("base"), author("tuned")], ..plain() };
    let queue = ada.make(draft(2, settings));
    let lot = ada.open(queue);
    let item = lot.items[0].clone();
    let Order::Decide(mut judgement) = ada.judge(&lot, better(1)) else { panic!("a judgement") };
    judgement.tags = vec!["wrong".into()];
    judgement.note = "the second knows".into();
    ada.labels.order(Order::Decide(judgement));
    ada.lot();
    let (shown, seconds): (String, f64) = file(home.path())
        .query_row("SELECT shown, seconds FROM decisions", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("one row");
    let shown: super::super::rows::Shown = serde_json::from_str(&shown).expect("what was shown");
    assert_eq!(shown.prompt, asked("question 0"));
    assert_eq!(shown.order, item.shown);
    assert_eq!(shown.answers[1].text, "second 0");
    assert_eq!(shown.answers[1].author, super::super::rows::By::Known(author("tuned")));
    assert_eq!(seconds, 2.5);
    let told = &ada.decisions(queue)[0];
    assert_eq!(told.judged.prompt, item.prompt);
    assert_eq!(told.judged.answers, item.answers);
    assert_eq!((&told.judged.tags[..], &told.judged.note[..]), (&["wrong".to_owned()][..], "the second knows"));
    assert_eq!((told.judged.annotator.as_str(), told.judged.answers[0].author.as_str()), ("Ada", "base"));
    assert!(told.judged.judged_unix_ms > 1_600_000_000_000);
}

#[test]
fn an_item_is_called_back_and_decided_anew() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let queue = ada.make(draft(5, plain()));
    let lot = ada.open(queue);
    let first = lot.items[0].id;
    let lot = ada.decide(&lot, better(0));
    ada.decide(&lot, better(0));
    ada.labels.order(Order::Call { queue, item: first });
    let lot = ada.lot();
    assert_eq!((positions(&lot), lot.items[0].earlier.clone()), (vec![0, 2, 3, 4], Some(better(0))));
    let lot = ada.decide(&lot, better(1));
    assert_eq!((positions(&lot), lot.progress.labelled), (vec![2, 3, 4], 2));
    let stand = ada.decisions(queue);
    let of_first: Vec<_> = stand.iter().filter(|d| d.item == first).map(|d| d.judged.verdict.clone()).collect();
    assert_eq!(of_first, [better(1)]);
    // Taken back, the one before it stands again.
    let lot = ada.undo(queue);
    assert_eq!((positions(&lot)[0], lot.progress.labelled), (0, 2));
    assert!(ada.decisions(queue).iter().any(|d| d.item == first && d.judged.verdict == better(0)));
}

#[test]
fn what_is_skipped_comes_back_at_the_end_and_then_rests() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let queue = ada.make(draft(3, plain()));
    let lot = ada.open(queue);
    let lot = ada.decide(&lot, Verdict::Skipped);
    assert_eq!((positions(&lot), lot.progress.skipped, lot.progress.labelled), (vec![1, 2, 0], 1, 0));
    let lot = ada.decide(&lot, better(0));
    let lot = ada.decide(&lot, better(0));
    assert_eq!(positions(&lot), [0]);
    let lot = ada.decide(&lot, Verdict::Skipped);
    assert_eq!(positions(&lot), [0; 0]);
    let lot = ada.open(queue);
    assert_eq!(positions(&lot), [0]);
    let lot = ada.decide(&lot, Verdict::Tie);
    assert_eq!((positions(&lot).len(), lot.progress.skipped, lot.progress.labelled), (0, 0, 3));
}

#[test]
fn flags_and_notes_are_rows_of_which_the_last_counts() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let queue = ada.make(draft(3, plain()));
    let item = ada.open(queue).items[0].id;
    for flagged in [true, false, true] {
        ada.labels.order(Order::Flag { queue, item, annotator: "Ada".into(), flagged });
        let lot = ada.lot();
        assert_eq!((lot.items[0].flagged, lot.progress.flagged), (flagged, usize::from(flagged)));
    }
    for note in ["look again", "", "É là"] {
        ada.labels.order(Order::Note { queue, item, annotator: "Ada".into(), note: note.into() });
        let lot = ada.lot();
        assert_eq!((lot.items[0].note.as_str(), lot.items[0].id), (note, item));
    }
    assert_eq!(rows(home.path(), "kind IN ('flag', 'note')"), 6);
    assert_eq!(ada.search(queue, "é LÀ", Only::Noted).len(), 1);
    assert_eq!(ada.search(queue, "", Only::Flagged).len(), 1);
    assert!(ada.decisions(queue).is_empty());
}

#[test]
fn the_last_word_settles_an_item() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let queue = ada.make(draft(3, QueueSettings { again_share: 0.5, ..plain() }));
    let lot = ada.open(queue);
    let Order::Decide(mut judgement) = ada.judge(&lot, better(0)) else { panic!("a judgement") };
    ada.decide(&lot, better(1));
    judgement.annotator = "Bo".into();
    ada.labels.order(Order::Settle(judgement.clone()));
    let lot = ada.lot();
    assert_eq!(lot.progress.undoable, 1);
    judgement.verdict = Verdict::Tie;
    ada.labels.order(Order::Settle(judgement));
    ada.lot();
    let told: Vec<_> = ada.decisions(queue).iter().map(|d| (d.last_word, d.judged.verdict.clone())).collect();
    assert_eq!(told, [(false, better(1)), (true, Verdict::Tie)]);
}

#[test]
fn a_verdict_that_cannot_be_is_refused() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let queue = ada.make(draft(2, plain()));
    let lot = ada.open(queue);
    for verdict in [better(2), Verdict::Ranked { places: vec![0] }, Verdict::Edited { answer: 9, text: "x".into() }] {
        ada.labels.order(ada.judge(&lot, verdict));
        assert_eq!(ada.failed().code, "labels_verdict");
    }
    let Order::Decide(mut judgement) = ada.judge(&lot, better(0)) else { panic!("a judgement") };
    judgement.item = 999;
    ada.labels.order(Order::Decide(judgement));
    assert_eq!(ada.failed().code, "labels_no_item");
    assert_eq!(rows(home.path(), "1"), 0);
}

#[test]
fn a_key_that_is_pressed_twice_decides_once() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let queue = ada.make(draft(2, plain()));
    let lot = ada.open(queue);
    for _ in 0..3 {
        ada.labels.order(ada.judge(&lot, better(0)));
    }
    ada.lot();
    ada.lot();
    let last = ada.lot();
    assert_eq!((positions(&last), last.progress.labelled, rows(home.path(), "1")), (vec![1], 1, 1));
    // Called back it can be decided anew, also in the same way.
    ada.labels.order(Order::Call { queue, item: lot.items[0].id });
    let called = ada.lot();
    let lot = ada.decide(&called, better(0));
    assert_eq!((positions(&lot), rows(home.path(), "1")), (vec![1], 2));
    // The last one of the queue.
    ada.labels.order(ada.judge(&lot, better(0)));
    ada.labels.order(ada.judge(&lot, better(0)));
    ada.lot();
    assert!(ada.lot().items.is_empty());
    assert_eq!(rows(home.path(), "1"), 3);
}
