//! The playground: columns, versions, changed words, what is kept, what goes to the labelling.

use luthier_engine::feedback::Mode;
use luthier_engine::protocol::{Prompt, TokenChance};

use super::*;
use crate::labels;
use crate::library::{Answer, Order};
use crate::state::Conversation;
use crate::testing::cards::cards;

/// A run has ended, and its result can be talked to.
fn trained() -> (Window, Engine) {
    let (mut bench, engine) = ready_bench(Language::English);
    engine.tell(Answer::Runs(cards(3)));
    bench.poll();
    let mut window = window(bench);
    window.run();
    click(&mut window, "Start training");
    let id = started(&engine);
    engine.say(Event::RunFinished { id, outcome: Outcome::Completed { result: "/out/adapter".into() } });
    go(&mut window, Panel::Try);
    engine.orders.borrow_mut().clear();
    (window, engine)
}

fn ask(window: &mut Window, text: &str) {
    click(window, "Your question");
    window.get_by_label("Your question").type_text(text);
    window.run();
    click(window, "Send");
}

fn answer_with(
    window: &mut Window,
    engine: &Engine,
    text: &str,
    chances: Vec<TokenChance>,
    reason: FinishReason,
) -> Prompt {
    let sent = engine.take();
    let [Command::Generate { request, prompt }] = &sent[..] else { panic!("{sent:?}") };
    engine.say(Event::TokenSampled { request: *request, text: text.into(), chances });
    let (prompt_tokens, new_tokens, elapsed_secs) = (9, 4, 0.5);
    engine.say(Event::GenerateFinished { request: *request, prompt_tokens, new_tokens, elapsed_secs, reason });
    window.run();
    prompt.clone()
}

fn answer(window: &mut Window, engine: &Engine, text: &str) -> Prompt {
    answer_with(window, engine, text, Vec::new(), FinishReason::EndOfText)
}

/// The last state of a conversation that the library was told to keep.
fn kept(engine: &Engine) -> Conversation {
    let orders = engine.orders.borrow();
    let kept = orders.iter().rev().find_map(|order| match order {
        Order::KeepTalk { talk } => Some((**talk).clone()),
        _ => None,
    });
    kept.expect("a conversation is kept")
}

#[test]
fn an_answer_given_again_is_a_version_to_flip_through() {
    let (mut window, engine) = trained();
    ask(&mut window, "What sounds first?");
    let first = answer(&mut window, &engine, "The bow, perhaps.");
    answer(&mut window, &engine, "The strings do.");
    click(&mut window, "Answer again (Before)");
    let again = answer(&mut window, &engine, "The strings, surely.");
    assert_ne!(again.sampling.seed, first.sampling.seed);
    assert!(says(&window, "2/2") && says(&window, "The strings, surely.") && !says(&window, "The bow, perhaps."));
    click(&mut window, "Earlier version (Before)");
    assert!(says(&window, "1/2") && says(&window, "The bow, perhaps."));
    let kept = kept(&engine);
    let takes = kept.takes(0, 0).expect("its answers are kept");
    assert_eq!((takes.all.len(), takes.shown), (2, 0));
}

#[test]
fn a_third_model_joins_and_all_are_asked_the_same() {
    let (mut window, engine) = trained();
    click(&mut window, "Add a model side by side");
    let run = window.state().bench.shelf.runs[0].name.clone();
    click(&mut window, &run);
    assert_eq!(window.state().bench.state.talk.front().columns.len(), 3);
    ask(&mut window, "What sounds first?");
    let asked: Vec<Prompt> = ["One.", "Two.", "Three."].map(|text| answer(&mut window, &engine, text)).to_vec();
    assert!(asked.iter().all(|prompt| prompt.text == asked[0].text && prompt.sampling == asked[0].sampling));
    assert_ne!(asked[1].adapter, asked[2].adapter);
    click(&mut window, "Send question 1 to labelling");
    let orders = engine.label_orders.borrow_mut().split_off(0);
    let [labels::Order::MakeQueue(draft)] = &orders[..] else { panic!("{orders:?}") };
    assert_eq!((draft.settings.mode, draft.items[0].answers.len()), (Mode::Rank, 3));
    let authors: Vec<_> = draft.settings.authors.iter().map(|author| (&author.adapter, &author.model)).collect();
    let given: Vec<_> = asked.iter().map(|prompt| (&prompt.adapter, &prompt.model)).collect();
    assert_eq!(authors, given, "who wrote which answer is known");
    // The queue is there now; the person stays, and what is sent next goes into it.
    let mut card = crate::testing::labels::queue_card(Mode::Rank);
    (card.id, card.name, card.settings) = (7, draft.name.clone(), draft.settings.clone());
    engine.tell_labels(labels::Answer::Queues(vec![card]));
    engine.tell_labels(labels::Answer::Made(7));
    window.run();
    assert_eq!(window.state().bench.panel, Panel::Try);
    click(&mut window, "Send all turns to labelling");
    let orders = engine.label_orders.borrow_mut().split_off(0);
    assert!(matches!(&orders[..], [labels::Order::AddItems { queue: 7, items }] if items.len() == 1), "{orders:?}");
    click(&mut window, "Open Label");
    assert_eq!(window.state().bench.panel, Panel::Label);
}

#[test]
fn a_changed_question_is_asked_anew_and_the_former_conversation_stays() {
    let (mut window, engine) = trained();
    ask(&mut window, "What sounds first?");
    answer(&mut window, &engine, "The bow.");
    answer(&mut window, &engine, "The strings.");
    click(&mut window, "Edit question 1");
    click(&mut window, "The question, changed");
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.get_by_label("The question, changed").type_text("What sounds last?");
    window.run();
    click(&mut window, "Ask this instead");
    answer(&mut window, &engine, "The room.");
    answer(&mut window, &engine, "The air.");
    assert!(says(&window, "What sounds last?") && !says(&window, "The strings."));
    let talks = &window.state().bench.state.talk.conversations;
    assert_eq!(talks.len(), 2);
    assert_eq!(
        (talks[1].turns[0].asked.as_str(), talks[1].takes(0, 1).map(|t| t.said())),
        ("What sounds first?", Some("The strings."))
    );
    let kept: std::collections::BTreeSet<i64> = (engine.orders.borrow().iter())
        .filter_map(|order| if let Order::KeepTalk { talk } = order { Some(talk.id) } else { None })
        .collect();
    assert_eq!(kept.len(), 2, "both are kept");
}

#[test]
fn a_changed_answer_is_what_the_model_is_told_it_said() {
    let (mut window, engine) = trained();
    ask(&mut window, "What sounds first?");
    answer(&mut window, &engine, "The bow.");
    answer(&mut window, &engine, "The strings.");
    click(&mut window, "Edit the answer (Before)");
    click(&mut window, "The answer, changed");
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.get_by_label("The answer, changed").type_text("Nothing yet.");
    window.run();
    click(&mut window, "Keep the change");
    assert!(says(&window, "edited by you") && says(&window, "2/2"));
    ask(&mut window, "And then?");
    let prompt = answer(&mut window, &engine, "The bow again.");
    assert!(format!("{:?}", prompt.text).contains("Nothing yet."));
}

#[test]
fn a_cut_answer_goes_on_and_two_answers_are_a_pair() {
    let (mut window, engine) = trained();
    ask(&mut window, "What sounds first?");
    answer_with(&mut window, &engine, "The bow", Vec::new(), FinishReason::LengthLimit);
    answer(&mut window, &engine, "The strings.");
    click(&mut window, "Go on with the answer (Before)");
    let prompt = answer(&mut window, &engine, " makes them swing.");
    assert!(format!("{:?}", prompt.text).contains("assistant"));
    assert!(says(&window, "The bow makes them swing."));
    window.key_press(Key::L);
    window.run();
    let orders = engine.label_orders.borrow_mut().split_off(0);
    let [labels::Order::MakeQueue(draft)] = &orders[..] else { panic!("{orders:?}") };
    assert_eq!(draft.settings.mode, Mode::Pair);
    assert_eq!(draft.items[0].answers, ["The bow makes them swing.", "The strings."]);
    assert!(draft.name.starts_with("From Try, 20"));
}

#[test]
fn conversations_come_back_are_searched_and_a_deleted_one_is_brought_back() {
    let (mut bench, engine) = ready_bench(Language::English);
    let talk = |id, name: &str| Conversation {
        id,
        name: name.into(),
        changed_unix_secs: id as u64,
        ..Conversation::default()
    };
    engine.tell(Answer::Talks(vec![talk(8, "Woods"), talk(9, "Bows")]));
    bench.poll();
    let mut window = window(bench);
    go(&mut window, Panel::Try);
    assert_eq!(window.state().bench.state.talk.front().name, "Bows");
    click(&mut window, "Show the conversations");
    click(&mut window, "Search the conversations");
    window.get_by_label("Search the conversations").type_text("wood");
    window.run();
    assert!(window.query_by_role_and_label(Role::ListBoxOption, "Bows").is_none());
    window.get_by_role_and_label(Role::ListBoxOption, "Woods").click();
    window.run();
    click(&mut window, "Delete the conversation");
    assert!(engine.orders.borrow().iter().any(|order| matches!(order, Order::RemoveTalk { id: 8 })));
    assert_eq!(window.state().bench.state.talk.conversations.len(), 1);
    click(&mut window, "Undo");
    assert_eq!(kept(&engine).name, "Woods");
    click(&mut window, "Clear the search");
    click(&mut window, "Rename the conversation");
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.get_by_label("Name of the conversation").type_text("Maple");
    window.run();
    window.key_press(Key::Enter);
    window.run();
    assert_eq!(kept(&engine).name, "Maple");
}

#[test]
fn arrow_keys_walk_over_tokens_and_the_table_follows() {
    let (mut window, engine) = trained();
    window.key_press(Key::Escape);
    window.state_mut().bench.state.talk.front_mut().chances = true;
    ask(&mut window, "What sounds first?");
    let token = |text: &str, chance| TokenChance {
        text: text.into(),
        chance,
        rank: 1,
        likeliest: vec![("Air".into(), 0.6), (text.into(), chance)],
    };
    let sent = engine.take();
    let [Command::Generate { request, prompt }] = &sent[..] else { panic!("{sent:?}") };
    assert!(prompt.chances > 0);
    for (text, chance) in [("The", 0.25), (" bow", 0.04)] {
        let chances = vec![token(text, chance)];
        engine.say(Event::TokenSampled { request: *request, text: text.into(), chances });
    }
    window.run();
    click(&mut window, "Tokens of the answer (Before)");
    window.event(egui::Event::PointerGone);
    window.run();
    assert!(says(&window, "The: 25 %, taken") && says(&window, "Air: 60 %"));
    window.key_press(Key::ArrowRight);
    window.run();
    assert!(says(&window, "·bow: 4.0 %, taken"), "the table follows the keys");
}
