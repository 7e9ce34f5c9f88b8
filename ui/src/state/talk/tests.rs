use luthier_engine::protocol::PromptText;

use super::*;

fn problem(code: &str) -> Problem {
    Problem { code: code.into(), message: format!("{code} happened") }
}

fn ending(new_tokens: usize, reason: FinishReason) -> Ending {
    Ending { new_tokens, elapsed_secs: 0.5, reason }
}

fn speaker(name: &str) -> Speaker {
    Speaker { model: "/m".into(), adapter: Some(name.into()) }
}

/// The model as it was and a tuned one.
fn pair() -> Talk {
    let mut talk = Talk::default();
    talk.compare(Tuned { speaker: speaker("/a"), base: "/m".into(), run: Some("run-1".into()) });
    talk
}

/// Answers the next prompt; returns what was asked.
fn answer(talk: &mut Talk, request: RequestId, text: &str) -> Prompt {
    let prompt = talk.next_prompt(request, "auto").expect("somebody has to answer");
    talk.token(request, text, Vec::new());
    talk.finished(request, ending(2, FinishReason::EndOfText));
    prompt
}

fn said(prompt: &Prompt) -> Vec<String> {
    match &prompt.text {
        PromptText::Chat(messages) => messages.iter().map(|message| message.content.clone()).collect(),
        PromptText::Plain(text) => vec![text.clone()],
    }
}

fn texts(talk: &Talk, turn: usize, column: ColumnId) -> Vec<&str> {
    let takes = talk.front().takes(turn, column).expect("it was asked");
    takes.all.iter().map(|take| take.text.as_str()).collect()
}

#[test]
fn both_sides_are_asked_one_after_the_other_with_their_own_history() {
    let mut talk = pair();
    talk.front_mut().system = "Be brief.".into();
    talk.ask("Hello?");
    let first = talk.next_prompt(1, "auto").expect("the base answers first");
    assert_eq!(first.adapter, None);
    assert!(talk.next_prompt(2, "auto").is_none(), "one at a time");
    talk.token(1, "Good ", Vec::new());
    talk.token(1, "day.", Vec::new());
    talk.finished(1, ending(2, FinishReason::EndOfText));
    let second = talk.next_prompt(2, "auto").expect("then the tuned one");
    assert_eq!(second.adapter, Some("/a".into()));
    talk.failed(2, problem("io"));
    assert!(!talk.busy());
    talk.ask("And now?");
    assert_eq!(said(&answer(&mut talk, 3, "")), ["Be brief.", "Hello?", "Good day.", "And now?"]);
    let failed = said(&answer(&mut talk, 4, ""));
    assert_eq!(failed, ["Be brief.", "And now?"], "a failed answer is left out together with its question");
}

#[test]
fn a_cleared_conversation_takes_no_late_tokens() {
    let mut talk = Talk::default();
    talk.settle(Some(&speaker("/a")));
    talk.ask("old");
    assert!(talk.next_prompt(1, "auto").is_some());
    talk.clear();
    talk.ask("new");
    talk.token(1, "late", Vec::new());
    assert_eq!(texts(&talk, 0, 0), [""]);
    assert!(talk.next_prompt(2, "auto").is_none(), "the engine still writes the old answer");
    talk.finished(1, ending(9, FinishReason::Cancelled));
    assert_eq!(talk.front().takes(0, 0).and_then(Takes::shown).and_then(|take| take.ending.clone()), None);
    assert!(talk.next_prompt(2, "auto").is_some());
}

#[test]
fn another_version_has_another_seed_and_the_former_stays() {
    let mut talk = pair();
    talk.ask("Hello?");
    let first = answer(&mut talk, 1, "One.");
    answer(&mut talk, 2, "Tuned.");
    talk.ask_again(0, Some(0));
    let again = answer(&mut talk, 3, "Two.");
    assert_eq!(again.sampling.seed, first.sampling.seed + 1);
    assert_eq!(said(&again), ["Hello?"], "the former version is not part of the question");
    assert_eq!(texts(&talk, 0, 0), ["One.", "Two."]);
    assert_eq!(texts(&talk, 0, 1), ["Tuned."]);
    talk.flip(0, 0, -1);
    talk.ask("And then?");
    assert_eq!(said(&answer(&mut talk, 4, "")), ["Hello?", "One.", "And then?"], "the version in sight is remembered");
}

#[test]
fn versions_that_were_stopped_before_they_began_leave_no_trace() {
    let mut talk = pair();
    talk.ask("Hello?");
    answer(&mut talk, 1, "One.");
    answer(&mut talk, 2, "Tuned.");
    talk.ask_again(0, None);
    assert!(talk.next_prompt(3, "auto").is_some());
    talk.drop_waiting();
    talk.finished(3, ending(0, FinishReason::Cancelled));
    assert_eq!(texts(&talk, 0, 1), ["Tuned."]);
    assert!(!talk.busy());
}

#[test]
fn an_answer_that_was_cut_is_gone_on_with() {
    let mut talk = pair();
    talk.ask("Hello?");
    assert!(talk.next_prompt(1, "auto").is_some());
    talk.token(1, "The strings ", Vec::new());
    talk.finished(1, ending(3, FinishReason::LengthLimit));
    answer(&mut talk, 2, "Done.");
    talk.go_on(0, 1);
    assert!(!talk.busy(), "it ended by itself");
    talk.go_on(0, 0);
    let more = talk.next_prompt(3, "auto").expect("it goes on");
    assert_eq!(said(&more), ["Hello?", "The strings"]);
    talk.token(3, " sound.", Vec::new());
    talk.finished(3, ending(2, FinishReason::EndOfText));
    let take = talk.front().takes(0, 0).and_then(Takes::shown).expect("it is there");
    assert_eq!(take.text, "The strings sound.");
    assert_eq!(take.ending.as_ref().map(|ending| ending.new_tokens), Some(5));
}

#[test]
fn four_columns_are_the_most_and_a_new_one_takes_no_other_ones_answers() {
    let mut talk = pair();
    talk.ask("Hello?");
    answer(&mut talk, 1, "One.");
    answer(&mut talk, 2, "Two.");
    let column = |name: &str| Column { speaker: Some(speaker(name)), ..Column::default() };
    let front = talk.front_mut();
    front.remove_column(1);
    assert_eq!(front.add_column(column("/b")), Some(2), "the answers of the one that is gone stay its own");
    front.add_column(column("/c"));
    front.add_column(column("/d"));
    assert_eq!((front.add_column(column("/e")), front.columns.len()), (None, MOST_COLUMNS));
    front.move_column(2, -1);
    front.replace_column(2, column("/f"));
    let names = front.columns.iter().map(|c| c.speaker.as_ref().and_then(|s| s.adapter.clone()));
    assert_eq!(names.collect::<Vec<_>>(), [Some("/f".into()), None, Some("/c".into()), Some("/d".into())]);
    talk.ask("And now?");
    assert_eq!(said(&answer(&mut talk, 3, "")), ["And now?"], "it was not there before");
}

#[test]
fn a_column_has_its_own_temperature() {
    let mut talk = pair();
    talk.front_mut().columns[1].own = Some(OwnSampling { temperature: 0.1, seed: 7 });
    talk.ask("Hello?");
    let base = answer(&mut talk, 1, "").sampling;
    let own = answer(&mut talk, 2, "").sampling;
    assert_eq!((own.temperature, own.seed, own.top_k), (0.1, 7, base.top_k));
    assert_eq!(base.seed, talk.front().sampling.seed);
}

#[test]
fn changed_words_drop_what_followed_and_keep_the_models_own() {
    let mut talk = pair();
    for (at, question) in ["One?", "Two?", "Three?"].into_iter().enumerate() {
        talk.ask(question);
        answer(&mut talk, at as u64 * 2 + 1, "Yes.");
        answer(&mut talk, at as u64 * 2 + 2, "No.");
    }
    talk.edit_answer(1, 1, "Never.");
    assert_eq!(talk.front().turns.len(), 2);
    assert_eq!(texts(&talk, 1, 1), ["No.", "Never."]);
    talk.edit_question(1, "Other?");
    assert_eq!(said(&answer(&mut talk, 9, "")), ["One?", "Yes.", "Other?"]);
}

#[test]
fn conversations_are_copied_taken_away_and_brought_back() {
    let mut talk = pair();
    talk.ask("Hello?");
    answer(&mut talk, 1, "One.");
    answer(&mut talk, 2, "Two.");
    let first = talk.front().id;
    talk.begin();
    assert!(talk.is_empty() && talk.front().has_after(), "the same models go on");
    talk.bring_to_front(first);
    let copy = talk.copy_front("copy".into());
    talk.bring_to_front(copy);
    talk.ask("Only here?");
    assert_eq!(talk.conversations[0].id, copy, "what is spoken in comes first");
    assert!(talk.next_prompt(3, "auto").is_some());
    let removed = talk.remove_front();
    talk.token(3, "late", Vec::new());
    talk.finished(3, ending(1, FinishReason::Cancelled));
    assert!(!talk.busy(), "nobody waits for a conversation that is gone");
    assert!(talk.conversations.iter().all(|talk| talk.id != copy));
    talk.put_back(removed.clone());
    assert_eq!(talk.front(), &removed);
}

#[test]
fn what_was_kept_comes_back_with_the_last_one_in_front() {
    let kept = |id, changed_unix_secs| Conversation {
        id,
        changed_unix_secs,
        turns: vec![Turn { asked: format!("question {id}"), ..Turn::default() }],
        ..Conversation::default()
    };
    let mut talk = Talk::default();
    talk.take_kept(vec![kept(5, 10), kept(6, 30), kept(7, 20)]);
    assert_eq!(talk.conversations.iter().map(|talk| talk.id).collect::<Vec<_>>(), [6, 7, 5]);
    assert_eq!(talk.front().title(), "question 6");
    let mut begun = pair();
    begun.ask("Already?");
    begun.take_kept(vec![kept(5, 10)]);
    assert_eq!((begun.front().title().as_str(), begun.conversations.len()), ("Already?", 2));
}

#[test]
fn chances_stay_with_their_text_and_survive_the_library() {
    let chance =
        |text: &str, chance| TokenChance { text: text.into(), chance, rank: 0, likeliest: vec![(text.into(), chance)] };
    let mut talk = pair();
    talk.front_mut().chances = true;
    talk.ask("琴？");
    assert_eq!(talk.next_prompt(1, "auto").map(|prompt| prompt.chances), Some(ALTERNATIVES));
    talk.token(1, " a", vec![chance(" a", 0.5)]);
    talk.token(1, "琴", vec![chance("<0xE7>", 0.5), chance("<0x90>", 0.5)]);
    talk.token(1, "", vec![chance("<pad>", 0.1)]);
    talk.finished(1, ending(4, FinishReason::Cancelled));
    let json = serde_json::to_string(talk.front()).expect("plain data");
    let back: Conversation = serde_json::from_str(&json).expect("it is read again");
    assert_eq!(&back, talk.front());
    let take = back.takes(0, 0).and_then(Takes::shown).expect("it is there").clone();
    assert_eq!(take.spans.iter().map(|span| span.bytes).sum::<usize>(), take.text.len());
    assert_eq!(take.spans.iter().map(|span| span.tokens.len()).collect::<Vec<_>>(), [1, 3]);
    // Gone on with after chances were switched off and on again: the gap has no chances, and nothing shifts.
    let mut take = Take { text: "ab  ".into(), ..Take::default() };
    take.reopen();
    take.push(" c", vec![chance(" c", 0.2)]);
    assert_eq!(
        take.spans.iter().map(|span| (span.bytes, span.chance())).collect::<Vec<_>>(),
        [(2, None), (2, Some(0.2))]
    );
}
