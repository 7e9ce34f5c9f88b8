//! Queues through the window: the list and what can be done in it, a new one, and its answers generated ahead.

use std::sync::Arc;

use luthier_engine::data::FilePrompts;
use luthier_engine::feedback::Mode;
use luthier_engine::protocol::{ChatMessage, FinishReason, SampledAnswer};
use luthier_engine::recipe::{FinetuningType, Stage};

use super::*;
use crate::desks::LabelPage;
use crate::labels::{Answer, Draft, Order, QueueCard, Wanted};
use crate::testing::finished;
use crate::testing::labels::queue_card;

fn orders(engine: &Engine) -> Vec<Order> {
    engine.label_orders.borrow_mut().drain(..).collect()
}

fn at_queues(cards: Vec<QueueCard>) -> (Window, Engine) {
    let (bench, engine) = ready_bench(Language::English);
    engine.tell(crate::library::Answer::Runs(vec![finished("a", "first run", 0, Stage::Sft, FinetuningType::Lora)]));
    engine.tell_labels(Answer::Queues(cards));
    let mut window = window_of(bench, 1800.0);
    window.state_mut().bench.desks.label.page = LabelPage::Queues;
    go(&mut window, Panel::Label);
    engine.take();
    (window, engine)
}

fn prompts(count: usize) -> Answer {
    let row = |at: usize| {
        let content = if at == 3 { "Question 2?".into() } else { format!("Question {at}?") };
        (at, vec![ChatMessage { role: "user".into(), content }])
    };
    let read = FilePrompts { rows: (1..=count).map(row).collect(), twins: 1, ..FilePrompts::default() };
    Answer::Prompts { path: "/data/alpaca_zh.jsonl".into(), read: Ok(Arc::new(read)) }
}

fn made(orders: &[Order]) -> &Draft {
    for order in orders {
        if let Order::MakeQueue(draft) = order {
            return draft;
        }
    }
    panic!("no queue was made: {orders:?}")
}

#[test]
fn one_click_makes_a_queue_and_its_answers_follow() {
    let (mut window, engine) = at_queues(Vec::new());
    click(&mut window, "Compare two answers to each prompt");
    assert!(
        matches!(&orders(&engine)[..], [Order::ReadPrompts { path, mapping: None }] if path.ends_with("alpaca_zh.jsonl"))
    );
    assert!(says(&window, "Reading the prompts"));
    engine.tell_labels(prompts(5));
    window.run();
    let sent = orders(&engine);
    let draft = made(&sent);
    assert_eq!((draft.name.as_str(), draft.items.len(), draft.items[2].row), ("alpaca_zh", 4, Some(4)));
    let authors = &draft.settings.authors;
    assert_eq!(authors.iter().map(|author| author.sampling.temperature).collect::<Vec<_>>(), [0.7, 1.0]);
    assert_ne!(authors[0].sampling.seed, authors[1].sampling.seed);

    let card = QueueCard {
        settings: draft.settings.clone(),
        items: 4,
        answered: 0,
        labelled: 0,
        skipped: 0,
        ..queue_card(Mode::Pair)
    };
    engine.tell_labels(Answer::Queues(vec![card]));
    engine.tell_labels(Answer::Made(1));
    window.run();
    let sent = orders(&engine);
    let opened = sent.iter().position(|order| matches!(order, Order::Open { queue: 1, .. }));
    let wanted = sent.iter().position(|order| matches!(order, Order::Wanted { queue: 1, .. }));
    assert!(opened.is_some() && opened < wanted, "{sent:?}");
    let prompt = vec![ChatMessage { role: "user".into(), content: "Question 1?".into() }];
    engine.tell_labels(Answer::Wanted { queue: 1, wanted: vec![Wanted { item: 1, prompt, places: vec![0, 1] }] });
    window.run();
    let sent = engine.take();
    let [Command::SampleAnswers { request, batch }] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(batch.asked.len(), 2);
    window.state_mut().bench.desks.label.page = LabelPage::Queues;
    window.run();
    assert!(says(&window, "Generating answers"));
    let answer = |text: &str| SampledAnswer { text: text.into(), new_tokens: 3, reason: FinishReason::EndOfText };
    engine.say(Event::AnswersSampled { request: *request, answers: vec![answer("one"), answer("two")] });
    window.run();
    let kept = |order: &Order| matches!(order, Order::KeepAnswers { answers, .. } if answers[1].text == "two");
    assert!(orders(&engine).iter().any(kept));
}

#[test]
fn a_queue_is_put_together_by_hand() {
    let (mut window, engine) = at_queues(vec![queue_card(Mode::Pair)]);
    window.key_press(Key::N);
    window.run();
    assert!(window.state().bench.desks.label.making.making);
    engine.tell_labels(prompts(9));
    window.run();
    assert!(says(&window, "8 prompts, 2 answers each from SmolLM2-135M at temperature 0.7 and 1: about 16 answers"));
    click(&mut window, "Base and newest run");
    assert!(says(&window, "SmolLM2-135M at temperature 0.8; first run at temperature 0.8"));
    click(&mut window, "Rank");
    click(&mut window, "Another answer");
    assert!(says(&window, "about 32 answers"));
    click(&mut window, "Without answer A");
    click(&mut window, "Single");
    assert!(says(&window, "one answer each from"));
    click(&mut window, "Typed in");
    assert!(says(&window, "Choose a file of prompts, or type some."));
    let field = window.get_by_label("Prompts, one a line");
    field.click();
    window.run();
    window.get_by_label("Prompts, one a line").type_text("Why?\nHow?\n");
    window.run();
    orders(&engine);
    click(&mut window, "Make the queue");
    let sent = orders(&engine);
    let draft = made(&sent);
    assert_eq!((draft.settings.mode, draft.items.len(), draft.settings.authors.len()), (Mode::Single, 2, 1));
    assert_eq!((draft.items[1].prompt[0].content.as_str(), draft.items[1].row), ("How?", None));
    assert!(!window.state().bench.desks.label.making.making);
}

#[test]
fn a_file_with_answers_is_imported_as_it_is() {
    let (mut window, engine) = at_queues(Vec::new());
    click(&mut window, "New queue");
    orders(&engine);
    click(&mut window, "With answers");
    assert!(!says(&window, "Who answers"));
    window.get_by_label("Choose the file of prompts").click();
    window.run();
    assert_eq!(engine.asked.borrow()[..], [Ask::PromptsFile]);
    engine.answer(Ask::PromptsFile, "/data/pairs.jsonl");
    window.run();
    click(&mut window, "Make the queue");
    let sent = orders(&engine);
    let [Order::Import { path, settings, .. }] = &sent[..] else { panic!("{sent:?}") };
    assert!(path.ends_with("pairs.jsonl") && settings.authors.is_empty());
}

#[test]
fn queues_are_opened_renamed_put_away_and_brought_back() {
    let (mut window, engine) = at_queues(vec![queue_card(Mode::Pair)]);
    assert!(says(&window, "26 labelled") && says(&window, "54 ready") && says(&window, "1 flagged"));
    click(&mut window, "Rename workshop questions");
    let field = window.get_by_label("New name of the queue");
    assert!(field.is_focused());
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.run();
    window.get_by_label("New name of the queue").type_text("evening");
    window.run();
    window.key_press(Key::Enter);
    window.run();
    assert!(matches!(&orders(&engine)[..], [Order::RenameQueue { queue: 1, name }] if name == "evening"));

    click(&mut window, "Archive workshop questions");
    assert!(matches!(&orders(&engine)[..], [Order::ArchiveQueue { queue: 1, archived: true }]));
    engine.tell_labels(Answer::Queues(vec![QueueCard { archived: true, ..queue_card(Mode::Pair) }]));
    window.run();
    assert!(says(&window, "All queues are archived.") && !says(&window, "26 labelled"));
    window.key_press(Key::A);
    window.run();
    assert!(says(&window, "26 labelled"));
    window.key_press(Key::U);
    window.run();
    assert!(matches!(&orders(&engine)[..], [Order::ArchiveQueue { queue: 1, archived: false }]));
    engine.tell_labels(Answer::Queues(vec![queue_card(Mode::Pair)]));
    window.run();

    // By keyboard alone: the name is a button.
    window.get_by_label("Open workshop questions").focus();
    window.run();
    window.key_press(Key::Enter);
    window.run();
    assert!(orders(&engine).iter().any(|order| matches!(order, Order::Open { queue: 1, .. })));
    assert_eq!(window.state().bench.desks.label.page, LabelPage::Bench);
}
