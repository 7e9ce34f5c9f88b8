//! The Trust page, the review list, and who labels.

use luthier_engine::feedback::{Mode, Strength, Verdict};

use super::*;
use crate::desks::LabelPage;
use crate::labels::{Again, Answer, Decision, Order};
use crate::testing::decisions::{decision, tell, trust_bench};
use crate::testing::labels::labelling_bench;

const FIRST: Verdict = Verdict::Better { answer: 0, strength: Strength::Clearly };
const SECOND: Verdict = Verdict::Better { answer: 1, strength: Strength::Slightly };

fn orders(engine: &Engine) -> Vec<Order> {
    engine.label_orders.borrow_mut().drain(..).collect()
}

/// The Trust page, with these decisions.
fn page_of(decisions: Vec<Decision>, height: f32) -> (Window, Engine) {
    let (mut bench, engine) = labelling_bench(Language::English, Mode::Pair, 0);
    bench.desks.label.page = LabelPage::Review;
    tell(&mut bench, &engine, decisions);
    orders(&engine);
    let mut window = window_of(bench, height);
    window.run_ok();
    (window, engine)
}

/// Two disagreements: items 1 and 3.
fn disputed() -> Vec<Decision> {
    vec![
        decision(0, Mode::Pair, 0, "Ada", FIRST),
        decision(1, Mode::Pair, 0, "Ada", FIRST),
        decision(2, Mode::Pair, 0, "Ada", Verdict::Tie),
        decision(0, Mode::Pair, 1, "Bo", SECOND),
        decision(1, Mode::Pair, 1, "Bo", FIRST),
        decision(2, Mode::Pair, 1, "Bo", Verdict::BothGood),
    ]
}

#[test]
fn the_page_shows_numbers_that_were_counted_by_hand() {
    // Shown first on the left; the left one always wins.
    let always_left = |at: usize| {
        let mut decision = decision(at, Mode::Pair, 0, "Ada", FIRST);
        decision.judged.shown = vec![0, 1];
        decision
    };
    let mut decisions: Vec<_> = (0..24).map(always_left).collect();
    decisions.extend(
        [(0, FIRST), (1, FIRST), (2, FIRST), (3, SECOND)]
            .map(|(at, verdict)| Decision { pass: 1, ..decision(at, Mode::Pair, 1, "Bo", verdict) }),
    );
    let (window, _engine) = page_of(decisions, 2400.0);
    assert!(says(&window, "28 verdicts on 24 items by 2 people, skips left out; 4 items were judged more than once."));
    assert!(says(&window, "75 %") && says(&window, "same verdict, of 4 items"));
    assert!(says(&window, "Nobody has judged an item twice yet."), "Ada and Bo judged the items once each");
    assert!(says(&window, "0.00"), "Ada only ever preferred the first, so three of four is what chance brings");
    assert!(says(&window, "The left answer wins: "), "the painted bar is read aloud");
    assert!(says(&window, "Left wins more often than chance explains"));
    assert!(says(&window, "Verdicts: clearly better 27, slightly better 1"));
    assert!(says(&window, "To decide (1)"));
}

#[test]
fn a_page_without_repeats_offers_them() {
    let (mut bench, engine) = labelling_bench(Language::English, Mode::Pair, 0);
    bench.desks.label.page = LabelPage::Review;
    bench.desks.label.cards[0].settings.again_share = 0.0;
    tell(&mut bench, &engine, vec![decision(0, Mode::Pair, 0, "Ada", FIRST)]);
    orders(&engine);
    let mut window = window(bench);
    window.run_ok();
    assert!(says(&window, "This comes alive when some items have been labelled twice."));
    click(&mut window, "Bring one item in ten back");
    let sent = orders(&engine);
    let [Order::ChangeQueue { queue: 1, settings }] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!((settings.again_share, settings.again_by), (0.1, Again::Anyone));
}

#[test]
fn disagreements_are_settled_by_keys_and_the_next_one_follows() {
    let (mut window, engine) = page_of(disputed(), 800.0);
    window.key_press(Key::J);
    window.run_ok();
    assert!(says(&window, "Disagreement 1 of 2") && says(&window, "A clearly better"));
    assert!(!says(&window, "SmolLM2-135M, rank"), "who wrote which answer is not told");
    window.key_press(Key::Num2);
    window.run_ok();
    let sent = orders(&engine);
    let settled =
        sent.iter().find_map(|order| if let Order::Settle(judgement) = order { Some(judgement) } else { None });
    let settled = settled.unwrap_or_else(|| panic!("{sent:?}"));
    // Bo said the same, but only slightly.
    assert_eq!((settled.item, settled.verdict.clone(), settled.annotator.as_str()), (1, SECOND, "Ada"));
    assert!(settled.pass > 1 && settled.shown == [0, 1]);
    assert!(sent.iter().any(|order| matches!(order, Order::Decisions { queue: 1 })), "what became of it is asked for");
    // Until it is on the disk, nothing else is sent and the item stays.
    window.key_press(Key::Num1);
    window.run_ok();
    assert!(orders(&engine).is_empty() && says(&window, "Disagreement 1 of 2"));
    let mut decisions = disputed();
    decisions.push(Decision { last_word: true, ..decision(0, Mode::Pair, 2, "Ada", SECOND) });
    engine.tell_labels(Answer::Decisions { queue: 1, decisions: std::sync::Arc::new(decisions.clone()) });
    window.run_ok();
    assert!(says(&window, "Disagreement 2 of 2") && says(&window, "both good"));
    window.key_press(Key::Equals);
    window.run_ok();
    let sent = orders(&engine);
    assert!(sent.iter().any(|o| matches!(o, Order::Settle(j) if j.item == 3 && j.verdict == Verdict::Tie)), "{sent:?}");
    decisions.push(Decision { last_word: true, ..decision(2, Mode::Pair, 2, "Ada", Verdict::Tie) });
    engine.tell_labels(Answer::Decisions { queue: 1, decisions: std::sync::Arc::new(decisions) });
    window.run_ok();
    assert!(says(&window, "All disagreements are settled."));
    assert_eq!(window.state().bench.desks.label.review.item, None, "the list is shown again");
}

#[test]
fn a_failed_last_word_can_be_tried_again() {
    let (mut window, engine) = page_of(disputed(), 800.0);
    window.key_press(Key::J);
    window.run_ok();
    window.key_press(Key::G);
    window.run_ok();
    assert!(orders(&engine).iter().any(|order| matches!(order, Order::Settle(_))));
    let message = "labels.sqlite cannot be written: the disk is full; make room and decide again";
    engine.tell_labels(Answer::Failed { problem: Problem { code: "labels".into(), message: message.into() } });
    window.run_ok();
    assert!(says(&window, message) && says(&window, "Disagreement 1 of 2"));
    window.key_press(Key::G);
    window.run_ok();
    assert!(orders(&engine).iter().any(|o| matches!(o, Order::Settle(j) if j.verdict == Verdict::BothGood)));
}

#[test]
fn decisions_are_asked_for_when_there_are_others_and_not_too_often() {
    let (mut bench, engine) = trust_bench(Language::English, Mode::Pair);
    orders(&engine);
    bench.watch_trust(1, 0.1);
    assert!(orders(&engine).is_empty(), "nothing has changed");
    bench.desks.label.cards[0].labelled += 1;
    let wait = bench.watch_trust(1, 0.2).expect("it will be asked for later");
    assert!(orders(&engine).is_empty() && wait > 1.0, "{wait}");
    // The answer took a tenth of a second: the next is due after fifty of those.
    bench.watch_trust(1, 5.5);
    assert!(matches!(&orders(&engine)[..], [Order::Decisions { queue: 1 }]));
    bench.watch_trust(1, 6.0);
    assert!(orders(&engine).is_empty(), "the question is on its way");
    bench.watch_trust(2, 6.1);
    assert!(matches!(&orders(&engine)[..], [Order::Decisions { queue: 2 }]), "another queue waits for nothing");
}

#[test]
fn another_person_opens_the_queue_anew_and_names_can_be_changed() {
    let (mut bench, engine) = labelling_bench(Language::English, Mode::Pair, 0);
    bench.desks.label.page = LabelPage::Review;
    tell(&mut bench, &engine, disputed());
    bench.open_dispute(1);
    orders(&engine);
    let mut window = window(bench);
    window.run_ok();
    click(&mut window, "Ada is labelling");
    // Who said what on the item in front names her too.
    window.get_by_role_and_label(Role::RadioButton, "Bo").click();
    window.run_ok();
    let reopened = |engine: &Engine, name: &str| {
        orders(engine).iter().any(|o| matches!(o, Order::Open { queue: 1, annotator } if annotator == name))
    };
    assert!(reopened(&engine, "Bo"));
    let bench = &window.state().bench;
    assert_eq!((bench.settings.annotator.as_str(), bench.desks.label.page), ("Bo", LabelPage::Review));
    assert_eq!(bench.desks.label.lot, None, "what lay there was chosen for Ada");
    click(&mut window, "Bo is labelling");
    window.get_by_label("Another name").focus();
    window.run_ok();
    window.get_by_label("Another name").type_text("  小陈\u{202E} ");
    window.run_ok();
    click(&mut window, "Label under this name");
    assert!(reopened(&engine, "小陈"));
    let bench = &mut window.state_mut().bench;
    bench.rename_annotator("小陈", "Chen");
    bench.rename_annotator("Ada", "Bo");
    assert_eq!(
        (bench.settings.annotator.as_str(), bench.settings.annotators.clone()),
        ("Chen", vec!["Bo".into(), "Chen".into()])
    );
    assert!(reopened(&engine, "Chen"));
    window.state_mut().bench.label_as("  ");
    assert!(orders(&engine).is_empty(), "nobody has no name");
}

/// Ten thousand decisions, and others every tenth frame: the report is made beside the window's thread.
#[test]
#[ignore = "measures; run it alone"]
fn frames_of_ten_thousand_decisions() {
    let (mut bench, engine) = labelling_bench(Language::English, Mode::Pair, 0);
    bench.desks.label.page = LabelPage::Review;
    let made = |n: usize| -> std::sync::Arc<Vec<Decision>> {
        let verdict = |at: usize| if at % 3 == 0 { FIRST } else { SECOND };
        let one = |at: usize| {
            let mut decision =
                decision(at % 997, Mode::Pair, (at % 2) as u32, ["Ada", "Bo", "Cy"][at % 3], verdict(at));
            (decision.id, decision.item) = (at as i64, (at * 9 / 10) as i64);
            decision.judged.answers.iter_mut().for_each(|answer| answer.text = answer.text.repeat(10));
            decision
        };
        std::sync::Arc::new((0..n).map(one).collect())
    };
    let lists: Vec<_> = (0..20).map(|n| made(10_000 + n)).collect();
    let mut window = window(bench);
    let mut times = Vec::new();
    for frame in 0..200 {
        if frame % 10 == 0 {
            window.state_mut().bench.desks.label.cards[0].labelled += 1;
            window.state_mut().bench.watch_trust(1, frame as f64 * 100.0);
            engine.tell_labels(Answer::Decisions { queue: 1, decisions: lists[frame / 10].clone() });
        }
        let start = std::time::Instant::now();
        window.step();
        times.push(start.elapsed().as_secs_f64() * 1e3);
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(window.state().bench.desks.label.review.revision >= 10, "reports were made");
    times.sort_unstable_by(f64::total_cmp);
    println!("10,000 decisions: p50 {:.2} ms, p99 {:.2} ms, worst {:.2} ms", times[100], times[198], times[199]);
}
