//! Pairs on the labelling bench, by keys and by buttons.

use egui::Event as Input;
use luthier_engine::feedback::{Mode, Strength, Verdict};

use super::*;
use crate::desks::LabelPage;
use crate::labels::{Answer, Judgement, Lot, Order};
use crate::pictures::label as scenes;
use crate::testing::labels::{item, labelling_bench, lot};

/// A window on the bench with item number `at` in front. Odd items are shown with their second answer on the left.
fn pair(at: usize) -> (Window, Engine) {
    let (bench, engine) = labelling_bench(Language::English, Mode::Pair, at);
    let mut window = window(bench);
    window.run();
    engine.label_orders.borrow_mut().clear();
    (window, engine)
}

fn orders(engine: &Engine) -> Vec<Order> {
    engine.label_orders.borrow_mut().drain(..).collect()
}

/// The one decision since the last call.
fn judged(engine: &Engine) -> Judgement {
    let mut decisions: Vec<Judgement> = orders(engine)
        .into_iter()
        .filter_map(|order| if let Order::Decide(judgement) = order { Some(*judgement) } else { None })
        .collect();
    assert_eq!(decisions.len(), 1, "{decisions:?}");
    decisions.remove(0)
}

fn press(window: &mut Window, key: Key) {
    window.key_press(key);
    window.run();
}

/// The labels' thread has kept the decision and lays item `at` on the bench.
fn next(window: &mut Window, engine: &Engine, at: usize) {
    engine.tell_labels(Answer::Lot(Box::new(lot(Mode::Pair, at, 25))));
    window.run();
}

#[test]
fn keys_name_the_answer_that_was_on_that_side() {
    let better = |answer, strength| Verdict::Better { answer, strength };
    use Strength::{Clearly, Slightly};
    // Item 0 shows place 0 on the left, item 1 shows place 1 there.
    for (at, left, right) in [(0, 0, 1), (1, 1, 0)] {
        for (key, shift, verdict) in [
            (Key::Num1, false, better(left, Clearly)),
            (Key::ArrowLeft, false, better(left, Clearly)),
            (Key::Num2, false, better(right, Clearly)),
            (Key::ArrowRight, false, better(right, Clearly)),
            (Key::Num1, true, better(left, Slightly)),
            (Key::ArrowRight, true, better(right, Slightly)),
            (Key::Equals, false, Verdict::Tie),
            (Key::G, false, Verdict::BothGood),
            (Key::B, false, Verdict::BothBad),
            (Key::S, false, Verdict::Skipped),
            (Key::Space, false, Verdict::Skipped),
        ] {
            let (mut window, engine) = pair(at);
            window.key_press_modifiers(if shift { Modifiers::SHIFT } else { Modifiers::NONE }, key);
            window.run();
            let kept = judged(&engine);
            assert_eq!((&kept.verdict, kept.item), (&verdict, at as i64 + 1), "{key:?}, shift {shift}");
            assert_eq!((kept.annotator.as_str(), kept.shown), ("Ada", item(at, Mode::Pair).shown));
        }
    }
}

#[test]
fn shift_and_a_digit_is_heard_where_it_writes_a_sign() {
    let (mut window, engine) = pair(0);
    let modifiers = Modifiers::SHIFT;
    window.event(Input::Key {
        key: Key::Exclamationmark,
        physical_key: Some(Key::Num1),
        pressed: true,
        repeat: false,
        modifiers,
    });
    window.event(Input::ModifiersChanged(modifiers));
    window.run();
    let orders = orders(&engine);
    assert!(orders.len() <= 1, "{orders:?}");
    if let Some(Order::Decide(kept)) = orders.first() {
        assert_eq!(kept.verdict, Verdict::Better { answer: 0, strength: Strength::Slightly });
    } else {
        panic!("nothing was decided: {orders:?}");
    }
}

#[test]
fn the_toggle_makes_plain_keys_count_as_slightly() {
    let (mut window, engine) = pair(0);
    click(&mut window, "Slightly");
    assert!(says(&window, "A is slightly better"));
    press(&mut window, Key::Num1);
    assert_eq!(judged(&engine).verdict, Verdict::Better { answer: 0, strength: Strength::Slightly });
}

#[test]
fn a_decision_is_waited_for_and_the_next_item_shows_at_once() {
    let (mut window, engine) = pair(0);
    press(&mut window, Key::Num1);
    press(&mut window, Key::Num2);
    press(&mut window, Key::ArrowLeft);
    press(&mut window, Key::E);
    press(&mut window, Key::Backspace);
    judged(&engine);
    engine.tell_labels(Answer::Lot(Box::new(lot(Mode::Pair, 2, 25))));
    window.step();
    assert!(says(&window, "Write a function"), "the item shows in the frame in which it has come");
    assert!(says(&window, "A is better, clearly"));
    press(&mut window, Key::Equals);
    assert_eq!(judged(&engine).item, 3);
}

#[test]
fn a_lot_that_was_laid_before_the_decision_lets_no_second_one_through() {
    let (mut window, engine) = pair(0);
    press(&mut window, Key::Num1);
    judged(&engine);
    // Answers have come meanwhile; the same item, as many decisions as before.
    let mut more = lot(Mode::Pair, 0, 24);
    more.progress.answered = 90;
    engine.tell_labels(Answer::Lot(Box::new(more)));
    window.run();
    press(&mut window, Key::Num2);
    assert!(orders(&engine).is_empty());
    next(&mut window, &engine, 1);
    press(&mut window, Key::Num2);
    assert_eq!(judged(&engine).item, 2);
}

#[test]
fn a_key_that_is_held_decides_once() {
    let (mut window, engine) = pair(0);
    let held =
        |repeat| Input::Key { key: Key::Num1, physical_key: None, pressed: true, repeat, modifiers: Modifiers::NONE };
    window.event(held(false));
    window.run();
    judged(&engine);
    next(&mut window, &engine, 1);
    window.event(held(true));
    window.run();
    assert!(orders(&engine).is_empty());
}

#[test]
fn what_was_not_kept_stays_and_can_be_tried_again() {
    let (mut window, engine) = pair(0);
    press(&mut window, Key::Num1);
    judged(&engine);
    let message = "labels.sqlite could not be written: no space left on the disk";
    engine.tell_labels(Answer::Failed { problem: Problem { code: "labels".into(), message: message.into() } });
    window.run();
    assert!(says(&window, message) && says(&window, "Which part of a violin sounds first?"));
    assert!(!says(&window, "A is better, clearly"), "it was not decided");
    press(&mut window, Key::Num1);
    assert_eq!(judged(&engine).item, 1);
    next(&mut window, &engine, 1);
    assert_eq!(window.state().bench.desks.label.problem, None);
}

#[test]
fn undo_flag_and_note_are_sent() {
    let (mut window, engine) = pair(0);
    for (key, left) in [(Key::U, 23), (Key::Backspace, 22)] {
        press(&mut window, key);
        press(&mut window, Key::Num1);
        assert!(matches!(&orders(&engine)[..], [Order::Undo { queue: 1, annotator }] if annotator == "Ada"));
        engine.tell_labels(Answer::Lot(Box::new(lot(Mode::Pair, 0, left))));
        window.run();
    }
    press(&mut window, Key::F);
    assert!(matches!(&orders(&engine)[..], [Order::Flag { item: 1, flagged: true, .. }]));
    assert!(says(&window, "Flagged"));
    press(&mut window, Key::F);
    assert!(matches!(&orders(&engine)[..], [Order::Flag { item: 1, flagged: false, .. }]));
    press(&mut window, Key::N);
    window.get_by_label("Note on this item").type_text("1 = asks Bo");
    window.key_press(Key::Num1);
    window.run();
    assert!(orders(&engine).is_empty(), "letters are written, not heard as choices");
    press(&mut window, Key::Enter);
    assert!(matches!(&orders(&engine)[..], [Order::Note { item: 1, note, .. }] if note == "1 = asks Bo"));
    press(&mut window, Key::Num1);
    assert_eq!(judged(&engine).note, "1 = asks Bo");
}

#[test]
fn an_answer_is_edited_into_a_better_one() {
    // Item 1 has its second answer on the left.
    let (mut window, engine) = pair(1);
    press(&mut window, Key::E);
    assert!(says(&window, "Edit which answer?"));
    press(&mut window, Key::Num1);
    assert!(orders(&engine).is_empty(), "1 named the answer to edit");
    window.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    window.run();
    assert!(orders(&engine).is_empty() && says(&window, "Nothing has changed yet."));
    window.get_by_label("The answer, edited").type_text("好。");
    window.run();
    window.key_press(Key::G);
    window.key_press(Key::Num2);
    window.run();
    assert!(orders(&engine).is_empty(), "letters are written, not heard as choices");
    press(&mut window, Key::Escape);
    assert!(orders(&engine).is_empty() && window.query_by_label("The answer, edited").is_none());
    // A choice without the text is warned about once; coming back finds it.
    press(&mut window, Key::Num2);
    assert!(orders(&engine).is_empty());
    press(&mut window, Key::E);
    press(&mut window, Key::ArrowLeft);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    window.run();
    let Verdict::Edited { answer, text } = judged(&engine).verdict else { panic!("it was not edited") };
    let before = &item(1, Mode::Pair).answers[1].text;
    assert!(answer == 1 && text.contains("好。") && text.len() == before.len() + "好。".len(), "{answer} {text}");
}

#[test]
fn an_own_answer_is_written() {
    let (mut window, engine) = pair(0);
    press(&mut window, Key::W);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    window.run();
    assert!(orders(&engine).is_empty() && says(&window, "There is nothing in it yet."));
    window.get_by_label("Text of your answer").type_text("The string sounds first.");
    window.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    window.run();
    assert_eq!(judged(&engine).verdict, Verdict::Written { text: "The string sounds first.".into() });
    next(&mut window, &engine, 1);
    press(&mut window, Key::W);
    press(&mut window, Key::Escape);
    press(&mut window, Key::Num1);
    assert_eq!(judged(&engine).item, 2, "an empty text is no draft");
}

#[test]
fn who_labels_is_asked_once_before_the_first_decision() {
    let (mut bench, engine) = labelling_bench(Language::English, Mode::Pair, 0);
    bench.settings.annotator.clear();
    bench.settings.annotators.clear();
    let mut window = window(bench);
    window.run();
    engine.label_orders.borrow_mut().clear();
    press(&mut window, Key::Num1);
    assert!(orders(&engine).is_empty());
    click(&mut window, "Name of the annotator");
    window.get_by_label("Name of the annotator").type_text(" Cleo ");
    window.run();
    click(&mut window, "Begin");
    let opened = |order: &Order| matches!(order, Order::Open { queue: 1, annotator } if annotator == "Cleo");
    assert!(orders(&engine).iter().any(opened));
    assert_eq!(window.state().bench.settings.annotators, ["Cleo"]);
    press(&mut window, Key::Num1);
    next(&mut window, &engine, 1);
    press(&mut window, Key::Num1);
    assert!(orders(&engine).iter().all(|order| !matches!(order, Order::Decide(_))), "what was laid for somebody else");
    let cleos = crate::labels::Lot { annotator: "Cleo".into(), ..lot(Mode::Pair, 0, 0) };
    engine.tell_labels(Answer::Lot(Box::new(cleos)));
    window.run();
    press(&mut window, Key::Num1);
    assert_eq!(judged(&engine).annotator, "Cleo");
}

#[test]
fn nobody_is_told_who_wrote_an_answer_or_that_it_comes_back() {
    for differences in [false, true] {
        let (mut bench, _engine) = labelling_bench(Language::English, Mode::Pair, 0);
        bench.desks.label.pair.differences = differences;
        if let Some(lot) = &mut bench.desks.label.lot {
            std::sync::Arc::make_mut(&mut lot.items[0]).pass = 1;
        }
        let mut window = window(bench);
        window.run();
        // The base model's own name stands in the top bar as well; the run's stands nowhere else.
        for author in ["polite, rank 8", "polite-sft", "again", "repeat", "second"] {
            assert!(!says(&window, author), "{author}");
        }
        assert!(says(&window, "Answer A") && says(&window, "Answer B"));
    }
}

#[test]
fn anybodys_text_is_drawn_and_leads_nowhere() {
    let turns = scenes::hostile().prompt.clone();
    let long = format!("# Title\n\n{}", "- an **entry** of `many`, [and](http://example.com) more\n\n".repeat(1_700));
    let backwards = "שלום (עולם) ".repeat(600);
    let items = [
        scenes::hostile(),
        scenes::pair_of(turns, &"\u{0}\u{1b}[2J\u{202e}\u{7}".repeat(3_000), ""),
        scenes::pair_of(vec![], &long, &"x".repeat(100_000)),
        scenes::pair_of(vec![], &">".repeat(50_000), &"*_`[![](".repeat(12_000)),
        scenes::pair_of(
            vec![],
            &backwards,
            &format!("|{}\n|{}\n{}", "a|".repeat(5), "-|".repeat(5), "|x\n".repeat(9_000)),
        ),
    ];
    for (n, item) in items.into_iter().enumerate() {
        let (mut bench, engine) = labelling_bench(Language::English, Mode::Pair, 0);
        let empty = item.answers[1].text.is_empty();
        let lot = Lot { queue: 1, items: vec![std::sync::Arc::new(item)], ..lot(Mode::Pair, 0, 24) };
        engine.tell_labels(Answer::Lot(Box::new(lot)));
        bench.poll();
        let mut window = Harness::builder()
            .with_size(vec2(1280.0, 800.0))
            .with_max_steps(32)
            .allow_missing_glyphs()
            .with_context_setup(|ctx| {
                ctx.set_fonts(crate::fonts::definitions());
                theme::apply(ctx);
            })
            .build_ui_state(
                |ui, workbench: &mut Workbench| {
                    workbench.ui(ui);
                },
                Workbench::new(bench),
            );
        for key in [Key::M, Key::D, Key::D, Key::M] {
            window.run_ok();
            assert_eq!(says(&window, "(empty)"), empty, "item {n}");
            window.key_press(key);
        }
        window.run_ok();
        for at in [vec2(300.0, 420.0), vec2(300.0, 460.0), vec2(300.0, 500.0), vec2(800.0, 460.0)] {
            window.hover_at(at.to_pos2());
            window.event(Input::PointerButton {
                pos: at.to_pos2(),
                button: egui::PointerButton::Primary,
                pressed: true,
                modifiers: Modifiers::NONE,
            });
            window.step();
            window.event(Input::PointerButton {
                pos: at.to_pos2(),
                button: egui::PointerButton::Primary,
                pressed: false,
                modifiers: Modifiers::NONE,
            });
            window.step();
            let opened = window.output().platform_output.commands.iter();
            assert!(!opened.clone().any(|c| matches!(c, egui::OutputCommand::OpenUrl(_))), "a link was opened");
        }
        press(&mut window, Key::Num1);
        judged_any(&engine);
    }
}

fn judged_any(engine: &Engine) {
    assert!(engine.label_orders.borrow().iter().any(|order| matches!(order, Order::Decide(_))));
}

#[test]
fn what_is_left_to_do_is_said_when_nothing_is_left_to_judge() {
    let (mut window, engine) = pair(0);
    let mut nothing = lot(Mode::Pair, 0, 80);
    nothing.items.clear();
    engine.tell_labels(Answer::Lot(Box::new(nothing.clone())));
    window.run();
    assert!(says(&window, "The next answers are on their way") && says(&window, "80 of 120"));
    nothing.progress.answered = 120;
    nothing.progress.labelled = 118;
    engine.tell_labels(Answer::Lot(Box::new(nothing)));
    window.run();
    assert!(says(&window, "Done: 118 pairs"));
    press(&mut window, Key::U);
    assert!(matches!(&orders(&engine)[..], [Order::Undo { .. }]), "the last decision can still be taken back");
    click(&mut window, "Can they be trusted?");
    assert_eq!(window.state().bench.desks.label.page, LabelPage::Review);
}
