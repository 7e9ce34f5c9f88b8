//! Judging by keys: single answers, answers put in order, finding an item, the keys on screen.

use luthier_engine::feedback::{Mode, Verdict};

use super::*;
use crate::labels::{Answer, Judgement, Only, Order};
use crate::testing::labels::{found, item, labelling_bench, lot};

fn orders(engine: &Engine) -> Vec<Order> {
    engine.label_orders.borrow_mut().drain(..).collect()
}

fn judged(engine: &Engine) -> Vec<Judgement> {
    let decided = |order| if let Order::Decide(judgement) = order { Some(*judgement) } else { None };
    orders(engine).into_iter().filter_map(decided).collect()
}

fn press(window: &mut Window, key: Key) {
    window.key_press(key);
    window.run();
}

/// The next item lies on the bench.
fn lay(window: &mut Window, engine: &Engine, mode: Mode, at: usize) {
    engine.tell_labels(Answer::Lot(Box::new(lot(mode, at, at))));
    window.run();
}

fn at_bench(mode: Mode) -> (Window, Engine) {
    let (bench, engine) = labelling_bench(Language::English, mode, 1);
    let mut window = window(bench);
    window.run();
    orders(&engine);
    (window, engine)
}

#[test]
fn a_single_answer_is_good_or_bad_by_any_of_its_keys() {
    let (mut window, engine) = at_bench(Mode::Single);
    let keys = [
        (Key::Num1, Verdict::Good),
        (Key::ArrowLeft, Verdict::Good),
        (Key::G, Verdict::Good),
        (Key::Num2, Verdict::Bad),
        (Key::ArrowRight, Verdict::Bad),
        (Key::B, Verdict::Bad),
        (Key::S, Verdict::Skipped),
    ];
    for (n, (key, verdict)) in keys.into_iter().enumerate() {
        press(&mut window, key);
        // Until the row is on the disk, a further key is not heard.
        press(&mut window, key);
        let judged = judged(&engine);
        assert_eq!(judged.len(), 1, "{key:?}");
        assert_eq!((&judged[0].verdict, judged[0].item), (&verdict, n as i64 + 2), "{key:?}");
        lay(&mut window, &engine, Mode::Single, n + 2);
    }
    click(&mut window, "Bad answer");
    assert_eq!(judged(&engine)[0].verdict, Verdict::Bad);
}

#[test]
fn words_for_what_is_wrong_are_pressed_typed_and_sent() {
    let (mut window, engine) = at_bench(Mode::Single);
    press(&mut window, Key::Num3);
    press(&mut window, Key::Num4);
    press(&mut window, Key::Num3);
    click(&mut window, "What is wrong: made up");
    // Only four are offered.
    press(&mut window, Key::Num7);
    press(&mut window, Key::T);
    let field = window.get_by_role_and_label(Role::TextInput, "Add a reason");
    field.type_text("1 2 gb");
    window.run();
    assert_eq!(judged(&engine).len(), 0, "a key was heard while a word was typed");
    press(&mut window, Key::Enter);
    let kept = orders(&engine);
    let [Order::ChangeQueue { settings, .. }] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!(settings.tags.last().map(String::as_str), Some("1 2 gb"));
    press(&mut window, Key::Num2);
    assert_eq!(judged(&engine)[0].tags, ["too long", "made up", "1 2 gb"]);
    lay(&mut window, &engine, Mode::Single, 2);
    press(&mut window, Key::Num1);
    assert!(judged(&engine)[0].tags.is_empty());
}

#[test]
fn digits_in_the_order_of_preference_rank_by_place_not_by_side() {
    let (mut window, engine) = at_bench(Mode::Rank);
    assert_eq!(item(1, Mode::Rank).shown, [1, 2, 3, 0]);
    press(&mut window, Key::Enter);
    press(&mut window, Key::Num4);
    press(&mut window, Key::Equals);
    press(&mut window, Key::Num1);
    press(&mut window, Key::Num3);
    assert!(says(&window, "Answer D, place 1") && says(&window, "Answer A, place 1, tied"));
    assert!(says(&window, "Answer C, place 2") && says(&window, "Answer B, comes last"));
    press(&mut window, Key::Backspace);
    assert!(says(&window, "Answer C, no place yet"));
    press(&mut window, Key::Num3);
    // Nothing has been decided so far, and nothing taken back.
    assert!(orders(&engine).is_empty());
    press(&mut window, Key::Enter);
    assert_eq!(judged(&engine)[0].verdict, Verdict::Ranked { places: vec![0, 0, 2, 1] });
    lay(&mut window, &engine, Mode::Rank, 2);
    // No place is left to take back: the last decision is.
    press(&mut window, Key::Backspace);
    assert!(matches!(orders(&engine).as_slice(), [Order::Undo { .. }]));
}

#[test]
fn answers_are_moved_by_arrows_and_by_the_pointer() {
    let (mut window, engine) = at_bench(Mode::Rank);
    press(&mut window, Key::ArrowDown);
    window.key_press_modifiers(Modifiers::ALT, Key::ArrowDown);
    window.run();
    assert_eq!(window.state().bench.desks.label.rank.order(), [0, 2, 1, 3]);
    let from = window.get_by_label("Drag answer D to its place").rect().center();
    let to = window.get_by_label("Drag answer A to its place").rect().center() - vec2(0.0, 12.0);
    window.drag_at(from);
    window.run();
    window.hover_at(from + vec2(0.0, -20.0));
    window.run();
    window.hover_at(to);
    window.run();
    window.drop_at(to);
    window.run();
    assert_eq!(window.state().bench.desks.label.rank.order(), [3, 0, 2, 1]);
    click(&mut window, "Keep this order");
    assert_eq!(judged(&engine)[0].verdict, Verdict::Ranked { places: vec![0, 1, 3, 2] });
}

#[test]
fn a_search_asks_once_a_pause_and_calls_what_was_chosen() {
    let (mut window, engine) = at_bench(Mode::Pair);
    press(&mut window, Key::Slash);
    assert!(matches!(orders(&engine).as_slice(), [Order::Search { .. }]));
    engine.tell_labels(Answer::Found { queue: 1, found: found(500) });
    window.run();
    assert!(says(&window, "The first 500"));
    let field = window.get_by_role_and_label(Role::TextInput, "Find an item");
    for letter in ["b", "o", "w"] {
        field.type_text(letter);
    }
    window.run();
    // A quarter of a second each: longer than the pause.
    (0..3).for_each(|_| window.step());
    let asked = orders(&engine);
    let [Order::Search { sought, .. }] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((sought.text.as_str(), sought.only), ("bow", Only::All));
    // While it is looked for, Enter calls nothing of the old list.
    press(&mut window, Key::Enter);
    assert!(orders(&engine).is_empty());
    engine.tell_labels(Answer::Found { queue: 1, found: found(4) });
    window.run();
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::Enter);
    let called = orders(&engine);
    assert!(matches!(called.as_slice(), [Order::Call { queue: 1, item: 3 }]), "{called:?}");
    assert!(!window.state().bench.desks.label.finding.open);

    press(&mut window, Key::Slash);
    engine.tell_labels(Answer::Found { queue: 1, found: found(4) });
    window.run();
    click(&mut window, "Flagged");
    let asked = orders(&engine);
    assert!(matches!(asked.last(), Some(Order::Search { sought, .. }) if sought.only == Only::Flagged), "{asked:?}");
    press(&mut window, Key::Escape);
    assert!(!window.state().bench.desks.label.finding.open);
    press(&mut window, Key::Num1);
    assert_eq!(judged(&engine).len(), 1);
}

#[test]
fn the_keys_on_screen_are_those_of_the_mode_and_nothing_is_judged_under_them() {
    let rows = [
        (Mode::Pair, "Good answer: ", "made up: 6"),
        (Mode::Single, "The next answer ties with the last: ", "Good answer: 1, left, G"),
        (Mode::Rank, "made up: ", "Give that answer the next place: 1, 2, 3, 4"),
    ];
    for (mode, absent, present) in rows {
        let (mut window, engine) = at_bench(mode);
        press(&mut window, Key::Questionmark);
        assert!(says(&window, present), "{present} in {mode:?}");
        assert!(says(&window, "Find an item: /") && says(&window, "The keys of the bench: ?"));
        assert!(!says(&window, absent), "{absent} in {mode:?}");
        press(&mut window, Key::Num1);
        press(&mut window, Key::Space);
        press(&mut window, Key::Slash);
        assert!(orders(&engine).is_empty());
        press(&mut window, Key::Escape);
        assert!(!window.state().bench.desks.label.keys);
        press(&mut window, Key::Questionmark);
        press(&mut window, Key::Questionmark);
        assert!(!window.state().bench.desks.label.keys);
    }
}
