use std::collections::HashMap;

use super::*;

/// Labels everything there is; what was shown, in its order.
fn label_all(desk: &mut Desk, queue: QueueId) -> Vec<Arc<Item>> {
    let mut shown = Vec::new();
    let mut lot = desk.open(queue);
    while let Some(item) = lot.items.first() {
        shown.push(item.clone());
        lot = desk.decide(&lot, better(0));
    }
    shown
}

#[test]
fn a_share_comes_back_blind_long_after() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let settings = QueueSettings { again_share: 0.2, again_by: Again::SamePerson, ..plain() };
    let queue = ada.make(draft(200, settings));
    let drawn = ada.open(queue).progress.again;
    assert!((20..=60).contains(&drawn), "{drawn}");
    let shown = label_all(&mut ada, queue);
    let mut first = HashMap::new();
    let (mut again, mut apart, mut turned) = (0, 0, 0);
    for (at, item) in shown.iter().enumerate() {
        if item.pass == 0 {
            assert!(first.insert(item.id, (at, item.shown.clone())).is_none(), "{} came twice", item.id);
            continue;
        }
        again += 1;
        let (before, sides) = &first[&item.id];
        apart += usize::from(at - before > 20);
        turned += usize::from(*sides != item.shown);
        assert_eq!((item.pass, item.earlier.clone()), (1, None));
    }
    assert_eq!((first.len(), again), (200, drawn));
    // Only at the very end nothing else is left.
    assert!(again - apart < 8, "{again} {apart}");
    assert!(turned > again / 4 && turned < again * 3 / 4, "{turned} of {again}");
    let progress = ada.open(queue).progress;
    assert_eq!((progress.labelled, progress.again_done, progress.undoable), (200, drawn, 200 + drawn));
    assert_eq!(ada.decisions(queue).len(), 200 + drawn);
}

#[test]
fn others_label_again_what_one_has_labelled() {
    for (by, ada_again, bo_again) in
        [(Again::OtherPerson, false, true), (Again::SamePerson, true, false), (Again::Anyone, true, false)]
    {
        let home = home();
        let mut ada = Desk::of(home.path(), "Ada");
        let queue = ada.make(draft(60, QueueSettings { again_share: 0.3, again_by: by, ..plain() }));
        let drawn = ada.open(queue).progress.again;
        assert!(drawn > 5);
        let shown = label_all(&mut ada, queue);
        assert_eq!(shown.len(), 60 + if ada_again { drawn } else { 0 }, "{by:?}");
        drop(ada);
        let mut bo = Desk::of(home.path(), "Bo");
        let shown = label_all(&mut bo, queue);
        assert_eq!(shown.len(), if bo_again { drawn } else { 0 }, "{by:?}");
        assert!(shown.iter().all(|item| item.pass == 1));
    }
}

#[test]
fn sides_are_balanced_and_the_same_after_a_start() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let queue = ada.make(draft(1000, plain()));
    let shown = label_all(&mut ada, queue);
    let left = shown.iter().filter(|item| item.shown == [0, 1]).count();
    assert!((440..=560).contains(&left), "{left}");
    for _ in 0..3 {
        ada.undo(queue);
    }
    drop(ada);
    let lot = Desk::of(home.path(), "Ada").open(queue);
    assert_eq!(lot.items[0], shown[997]);
}

#[test]
fn items_come_at_random_or_by_their_margins() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let random = QueueSettings { order: ItemOrder::Random, ..plain() };
    let queue = ada.make(draft(50, random.clone()));
    let mut order: Vec<_> = label_all(&mut ada, queue).iter().map(|item| item.position).collect();
    assert_ne!(order[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    order.sort_unstable();
    assert_eq!(order, (0..50).collect::<Vec<_>>());

    let queue = ada.make(draft(6, QueueSettings { order: ItemOrder::LeastSure, ..plain() }));
    let lot = ada.open(queue);
    assert_eq!(positions(&lot), [0, 1, 2, 3, 4]);
    ada.labels.order(Order::Unscored { queue, most: 10 });
    let unsure = ada.next(|answer| match answer {
        Answer::Unsure { items, .. } => Some(items),
        _ => None,
    });
    assert_eq!(unsure.len(), 6);
    let margins = [3.0, -0.5, f32::NAN, 0.25].iter().zip(&unsure).map(|(margin, item)| (item.id, *margin)).collect();
    ada.labels.order(Order::KeepMargins { queue, margins });
    // The one that is looked at stays; unknown ones come last.
    assert_eq!(positions(&ada.lot()), [0, 3, 1, 2, 4]);
    ada.labels.order(Order::Unscored { queue, most: 10 });
    let unsure = ada.next(|answer| match answer {
        Answer::Unsure { items, .. } => Some(items),
        _ => None,
    });
    assert_eq!(unsure.iter().map(|item| item.position).collect::<Vec<_>>(), [4, 5]);
    drop(ada);
    assert_eq!(positions(&Desk::of(home.path(), "Ada").open(queue)), [3, 1, 0, 2, 4]);
}
