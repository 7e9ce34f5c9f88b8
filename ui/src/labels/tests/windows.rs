use std::collections::HashSet;
use std::sync::Mutex;

use super::*;

#[test]
fn two_windows_label_one_queue_side_by_side() {
    let home = home();
    let queue = Desk::of(home.path(), "Ada").make(draft(300, plain()));
    let on_screens = Mutex::new(HashSet::new());
    let label = |who: &'static str| {
        let mut desk = Desk::of(home.path(), who);
        let mut lot = desk.open(queue);
        let mut count = 0;
        while let Some(item) = lot.items.first().cloned() {
            assert!(on_screens.lock().expect("screens").insert(item.id), "{} is shown twice", item.id);
            // Both have it before them for a moment.
            std::thread::sleep(Duration::from_micros(500));
            let order = desk.judge(&lot, better(count % 2));
            on_screens.lock().expect("screens").remove(&item.id);
            desk.labels.order(order);
            lot = desk.lot();
            count += 1;
        }
        count
    };
    let (ada, bo) = std::thread::scope(|scope| {
        let (ada, bo) = (scope.spawn(|| label("Ada")), scope.spawn(|| label("Bo")));
        (ada.join().expect("Ada labels"), bo.join().expect("Bo labels"))
    });
    assert!(ada > 30 && bo > 30, "{ada} {bo}");
    assert_eq!((ada + bo, rows(home.path(), "kind = 'verdict'")), (300, 300));
    let items: i64 = file(home.path())
        .query_row("SELECT count(DISTINCT item) FROM decisions", [], |row| row.get(0))
        .expect("items are counted");
    assert_eq!(items, 300);
    let told = Desk::of(home.path(), "Ada").decisions(queue);
    let by = |who: &str| told.iter().filter(|decision| decision.judged.annotator == who).count();
    assert_eq!((by("Ada"), by("Bo")), (ada, bo));
}

#[test]
fn what_another_window_shows_is_free_when_it_has_closed() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let queue = ada.make(draft(2, plain()));
    assert_eq!(positions(&ada.open(queue))[0], 0);
    let mut bo = Desk::of(home.path(), "Bo");
    let lot = bo.open(queue);
    assert_eq!(positions(&lot), [1]);
    assert!(bo.decide(&lot, better(0)).items.is_empty());
    // A window that was killed leaves its claim; the lock on its name is gone with it.
    let dead = "INSERT OR REPLACE INTO claims (item, window, annotator, made_unix_ms)
                SELECT item, 'gone', 'Ada', 0 FROM claims";
    drop(ada);
    file(home.path()).execute(dead, []).expect("a claim is left");
    assert_eq!(positions(&bo.lot()), [0]);
}

#[test]
fn what_others_do_is_seen_and_the_screen_stays() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let queue = ada.make(draft(5, plain()));
    assert_eq!(positions(&ada.open(queue)), [0, 1, 2, 3, 4]);
    let mut bo = Desk::of(home.path(), "Bo");
    let lot = bo.open(queue);
    assert_eq!(positions(&lot), [1, 2, 3, 4]);
    let lot = bo.decide(&lot, better(0));
    bo.decide(&lot, better(0));
    // Without an order, after the next look.
    let lot = ada.next(|answer| match answer {
        Answer::Lot(lot) if lot.progress.labelled == 2 => Some(*lot),
        _ => None,
    });
    assert_eq!((positions(&lot), lot.progress.undoable), (vec![0, 4], 0));
    assert_eq!(ada.card(queue).labelled, 2);
    // Both decide the same item: both rows stay.
    let item = lot.items[0].id;
    bo.labels.order(Order::Call { queue, item });
    let called = bo.lot();
    bo.decide(&called, Verdict::Tie);
    let lot = ada.decide(&lot, better(1));
    assert_eq!(lot.progress.labelled, 3);
    assert_eq!(ada.decisions(queue).iter().filter(|decision| decision.item == item).count(), 2);
}
