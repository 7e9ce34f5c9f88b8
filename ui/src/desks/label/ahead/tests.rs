use luthier_engine::feedback::Mode;
use luthier_engine::protocol::{ChatMessage, FinishReason, Outcome, Prompt};

use super::*;
use crate::labels::Answer;
use crate::testing::labels::{author, queue_card};
use crate::testing::{Engine, ready_bench};
use crate::text::Language;

fn wanted(item: ItemId, places: &[usize]) -> Wanted {
    let content = format!("Question {item}?");
    Wanted { item, prompt: vec![ChatMessage { role: "user".into(), content }], places: places.to_vec() }
}

/// A queue of this session, with so many answers in front of the person.
fn bench_with(change: impl FnOnce(&mut QueueCard)) -> (Bench, Engine) {
    let (mut bench, engine) = ready_bench(Language::English);
    let mut card = queue_card(Mode::Pair);
    card.settings.authors = vec![author("base", None), author("base", None)];
    change(&mut card);
    engine.tell_labels(Answer::Queues(vec![card]));
    bench.poll();
    engine.take();
    bench.resume_ahead(1);
    (bench, engine)
}

fn orders(engine: &Engine) -> Vec<Order> {
    engine.label_orders.borrow_mut().drain(..).collect()
}

fn batches(engine: &Engine) -> Vec<(RequestId, SampleBatch)> {
    let batch = |command| match command {
        Command::SampleAnswers { request, batch } => Some((request, *batch)),
        _ => None,
    };
    engine.take().into_iter().filter_map(batch).collect()
}

fn tell_wanted(bench: &mut Bench, engine: &Engine, list: Vec<Wanted>) {
    engine.tell_labels(Answer::Wanted { queue: 1, wanted: list });
    bench.poll();
}

fn say_sampled(bench: &mut Bench, engine: &Engine, request: RequestId, texts: &[&str]) {
    let answer =
        |text: &&str| SampledAnswer { text: (*text).into(), new_tokens: text.len(), reason: FinishReason::EndOfText };
    engine.say(Event::AnswersSampled { request, answers: texts.iter().map(answer).collect() });
    bench.poll();
}

fn fail(bench: &mut Bench, engine: &Engine, request: RequestId, code: &str) {
    let problem = Problem { code: code.into(), message: format!("{code}: that is why") };
    engine.say(Event::CommandFailed { request: Some(request), problem });
    bench.poll();
}

#[test]
fn answers_are_sampled_in_the_order_that_is_wanted_and_kept() {
    let (mut bench, engine) = bench_with(|_| {});
    assert!(matches!(orders(&engine)[..], [Order::Wanted { queue: 1, most }] if most == LOOKED_AT));
    tell_wanted(&mut bench, &engine, (5..12).map(|item| wanted(item, &[0, 1])).collect());
    let sent = batches(&engine);
    let [(request, batch)] = &sent[..] else { panic!("one batch: {sent:?}") };
    assert_eq!((batch.asked.len(), batch.model.to_str()), (SIDE_BY_SIDE, Some("/models/SmolLM2-135M")));
    let asked: Vec<&PromptText> = batch.asked.iter().map(|(text, _)| text).collect();
    assert!(matches!(asked[2], PromptText::Chat(messages) if messages[0].content == "Question 6?"));
    let seeds: BTreeSet<u64> = batch.asked.iter().map(|(_, sampling)| sampling.seed).collect();
    assert_eq!(seeds.len(), 4, "each item draws anew; both places of these authors have one seed");
    let card = bench.desks.label.cards[0].clone();
    assert_eq!(bench.ahead_of(&card), Ahead::Generating);
    say_sampled(&mut bench, &engine, *request, &["a", "", "c", "d", "e", "f", "g", "h"]);
    let kept = orders(&engine);
    let [Order::KeepAnswers { queue: 1, answers }, Order::Wanted { .. }] = &kept[..] else { panic!("{kept:?}") };
    let places: Vec<(Place, &str)> = answers.iter().map(|a| ((a.item, a.place), a.text.as_str())).collect();
    assert_eq!(places[..3], [((5, 0), "a"), ((5, 1), ""), ((6, 0), "c")]);
    // Nothing more is wanted: the desk rests, without asking again.
    tell_wanted(&mut bench, &engine, Vec::new());
    bench.poll();
    assert!(batches(&engine).is_empty() && orders(&engine).is_empty());
    assert_eq!(bench.ahead_of(&card), Ahead::Finished);
}

#[test]
fn a_batch_is_one_models_and_the_first_item_does_not_wait_for_others() {
    let (mut bench, engine) = bench_with(|card| {
        card.settings.authors = vec![author("base", None), author("tuned", Some("tuned-run"))];
        (card.answered, card.labelled, card.skipped) = (0, 0, 0);
    });
    tell_wanted(&mut bench, &engine, vec![wanted(1, &[0, 1]), wanted(2, &[0, 1])]);
    let (request, batch) = batches(&engine).remove(0);
    assert_eq!((batch.adapter, batch.asked.len()), (None, 2), "both items' first answers, no more than one item has");
    say_sampled(&mut bench, &engine, request, &["a", "b"]);
    tell_wanted(&mut bench, &engine, vec![wanted(1, &[1]), wanted(2, &[1])]);
    let (_, batch) = batches(&engine).remove(0);
    assert_eq!(batch.adapter, Some("/home/luthier/runs/tuned-run".into()));
}

#[test]
fn nothing_is_asked_while_the_device_is_taken_and_it_goes_on_afterwards() {
    let (mut bench, engine) = bench_with(|_| {});
    tell_wanted(&mut bench, &engine, vec![wanted(5, &[0, 1])]);
    let (request, _) = batches(&engine).remove(0);
    orders(&engine);
    bench.start_training();
    // The engine gives way to the run.
    fail(&mut bench, &engine, request, "stopped");
    bench.poll();
    assert!(batches(&engine).is_empty() && orders(&engine).is_empty());
    let card = bench.desks.label.cards[0].clone();
    assert_eq!(bench.ahead_of(&card), Ahead::Waiting(WaitsFor::Run));
    let id = bench.state.run.as_ref().map(|run| run.id.clone()).expect("a run");
    engine.say(Event::RunFinished { id, outcome: Outcome::Completed { result: "/out".into() } });
    bench.poll();
    assert!(matches!(orders(&engine)[..], [Order::Wanted { queue: 1, .. }]));
    tell_wanted(&mut bench, &engine, vec![wanted(5, &[0, 1])]);
    assert_eq!(batches(&engine).len(), 1);
}

#[test]
fn a_pause_stops_the_batch_and_holds_until_the_person_goes_on() {
    let (mut bench, engine) = bench_with(|_| {});
    tell_wanted(&mut bench, &engine, vec![wanted(5, &[0, 1])]);
    let (request, _) = batches(&engine).remove(0);
    bench.pause_ahead(1);
    assert!(matches!(engine.take()[..], [Command::CancelAnswers { request: which }] if which == request));
    fail(&mut bench, &engine, request, "stopped");
    orders(&engine);
    bench.poll();
    let card = bench.desks.label.cards[0].clone();
    assert_eq!((bench.ahead_of(&card), orders(&engine).len()), (Ahead::Paused, 0));
    bench.resume_ahead(1);
    assert!(matches!(orders(&engine)[..], [Order::Wanted { .. }]));
}

#[test]
fn a_prompt_that_cannot_be_answered_does_not_stop_the_others() {
    let (mut bench, engine) = bench_with(|card| card.settings.authors.truncate(1));
    let all = || vec![wanted(5, &[0]), wanted(6, &[0])];
    tell_wanted(&mut bench, &engine, all());
    let (request, batch) = batches(&engine).remove(0);
    assert_eq!(batch.asked.len(), 2);
    fail(&mut bench, &engine, request, "refused");
    tell_wanted(&mut bench, &engine, all());
    let (request, batch) = batches(&engine).remove(0);
    assert_eq!(batch.asked.len(), 1, "each alone");
    fail(&mut bench, &engine, request, "refused");
    tell_wanted(&mut bench, &engine, all());
    let (request, batch) = batches(&engine).remove(0);
    assert!(matches!(&batch.asked[..], [(PromptText::Chat(m), _)] if m[0].content == "Question 6?"));
    say_sampled(&mut bench, &engine, request, &["fine"]);
    tell_wanted(&mut bench, &engine, vec![wanted(5, &[0])]);
    assert!(batches(&engine).is_empty(), "not again");
    assert_eq!(bench.desks.label.ahead.hopeless(1), Some((1, "refused: that is why")));
}

#[test]
fn a_model_that_is_gone_stops_its_queue_until_it_is_tried_again() {
    let (mut bench, engine) = bench_with(|_| {});
    tell_wanted(&mut bench, &engine, vec![wanted(5, &[0, 1])]);
    let (request, _) = batches(&engine).remove(0);
    fail(&mut bench, &engine, request, "io");
    orders(&engine);
    for _ in 0..3 {
        bench.poll();
    }
    let card = bench.desks.label.cards[0].clone();
    assert!(orders(&engine).is_empty() && matches!(bench.ahead_of(&card), Ahead::Failed(_)));
    bench.resume_ahead(1);
    assert!(matches!(orders(&engine)[..], [Order::Wanted { .. }]));
}

#[test]
fn queues_of_earlier_sessions_rest_until_they_are_opened() {
    let (mut bench, engine) = ready_bench(Language::English);
    engine.tell_labels(Answer::Queues(vec![queue_card(Mode::Pair)]));
    bench.poll();
    let card = bench.desks.label.cards[0].clone();
    assert_eq!((orders(&engine).len(), bench.ahead_of(&card)), (0, Ahead::Resting));
    bench.open_queue(1);
    bench.poll();
    assert!(orders(&engine).iter().any(|order| matches!(order, Order::Wanted { queue: 1, .. })));
}

#[test]
fn margins_follow_when_enough_lies_ready() {
    let (mut bench, engine) = bench_with(|card| card.settings.order = ItemOrder::LeastSure);
    // 80 answered, 26 done with.
    assert!(matches!(orders(&engine)[..], [Order::Unscored { queue: 1, .. }]));
    let item = |id| Arc::new(Item { id, ..crate::testing::labels::item(0, Mode::Pair) });
    engine.tell_labels(Answer::Unsure { queue: 1, items: vec![item(7), item(8)] });
    bench.poll();
    let sent = engine.take();
    let [Command::ScoreAnswers { request, batch }] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!((batch.rows.len(), batch.rows[0].1.len()), (2, 2));
    engine.say(Event::AnswersScored { request: *request, scores: vec![vec![1.0, 3.0], vec![0.5, 0.25]] });
    bench.poll();
    let kept = orders(&engine);
    let [Order::KeepMargins { queue: 1, margins }, ..] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!(margins[..], [(7, 2.0), (8, 0.25)]);
    engine.tell_labels(Answer::Unsure { queue: 1, items: Vec::new() });
    bench.poll();
    assert!(matches!(orders(&engine)[..], [Order::Wanted { .. }]), "then the rest of the answers");
}

#[test]
fn try_goes_first() {
    let (mut bench, engine) = bench_with(|_| {});
    orders(&engine);
    bench.state.talk.front_mut().draft = "Which part sounds first?".into();
    bench.send_draft();
    let asked = |command: &Command| matches!(command, Command::Generate { prompt: Prompt { .. }, .. });
    assert!(engine.take().iter().any(asked));
    tell_wanted(&mut bench, &engine, vec![wanted(5, &[0, 1])]);
    assert!(batches(&engine).is_empty());
}
