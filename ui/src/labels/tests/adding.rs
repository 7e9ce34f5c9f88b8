//! Items added to a queue that is there.

use super::*;

#[test]
fn added_items_follow_the_others_and_nothing_in_front_moves() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let queue = ada.make(draft(2, plain()));
    let front = ada.open(queue).items[0].id;
    let mut new = draft(1, plain()).items;
    new[0].prompt = asked("one more?");
    ada.labels.order(Order::AddItems { queue, items: new });
    let lot = ada.lot();
    assert_eq!((lot.items[0].id, lot.progress.items, lot.progress.answered), (front, 3, 3));
    let found = ada.search(queue, "one more", Only::All);
    assert_eq!((found.len(), found[0].position), (1, 2));
    assert_eq!(ada.card(queue).items, 3);
    ada.labels.order(Order::AddItems { queue: 999, items: Vec::new() });
    assert!(ada.failed().message.contains("999"));
}
