use super::*;

#[test]
fn answers_are_generated_ahead_and_never_overwritten() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let settings = QueueSettings { authors: vec![author("base"), author("tuned")], ..plain() };
    let mut new = draft(3, settings);
    new.items.iter_mut().for_each(|item| item.answers.clear());
    new.items[1].answers = vec!["there already".into()];
    let queue = ada.make(new);
    assert!(ada.open(queue).items.is_empty());
    ada.labels.order(Order::Wanted { queue, most: 2 });
    let wanted = ada.next(|answer| match answer {
        Answer::Wanted { wanted, .. } => Some(wanted),
        _ => None,
    });
    let places: Vec<_> = wanted.iter().map(|wanted| wanted.places.clone()).collect();
    assert_eq!(places, [vec![0, 1], vec![1]]);
    assert_eq!(wanted[0].prompt, asked("question 0"));
    let made = |item, place, text: &str| Generated { item, place, text: text.into(), new_tokens: 7 };
    let second = wanted[1].item;
    ada.labels.order(Order::KeepAnswers {
        queue,
        answers: vec![
            made(wanted[0].item, 0, "half"),
            made(second, 1, "other"),
            made(second, 0, "late"),
            made(second, 5, "nobody's"),
        ],
    });
    let lot = ada.lot();
    assert_eq!((positions(&lot), lot.progress.answered), (vec![1], 1));
    let texts: Vec<_> = lot.items[0].answers.iter().map(|a| (a.text.as_str(), a.author.as_str())).collect();
    assert_eq!(texts, [("there already", "base"), ("other", "tuned")]);
    assert_eq!(ada.card(queue).answered, 1);
}

#[test]
fn what_a_file_says_already_counts_as_a_verdict_and_is_there_to_be_checked() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let mut new = draft(3, plain());
    let said = |prompt: &[ChatMessage], texts: &[String]| {
        let answers =
            texts.iter().map(|text| luthier_engine::feedback::Answer { text: text.clone(), author: "".into() });
        vec![Judged {
            prompt: prompt.to_vec(),
            answers: answers.collect(),
            verdict: better(1),
            shown: vec![1, 0],
            tags: vec!["rude".into()],
            note: "from the file".into(),
            annotator: "file".into(),
            seconds: 0.0,
            judged_unix_ms: 17,
        }]
    };
    let item = &mut new.items[1];
    item.judged = said(&item.prompt, &item.answers);
    let queue = ada.make(new);
    assert_eq!(ada.card(queue).labelled, 1);
    let lot = ada.open(queue);
    assert_eq!((positions(&lot), lot.progress.labelled, lot.progress.undoable), (vec![0, 1, 2], 1, 0), "to be checked");
    let told = ada.decisions(queue);
    assert_eq!((told.len(), told[0].judged.annotator.as_str(), told[0].judged.judged_unix_ms), (1, "file", 17));
    assert_eq!(told[0].judged.tags, ["rude"]);
    assert_eq!(ada.search(queue, "THE FILE", Only::All).len(), 1);
    // It can be called and judged anew; both stand, each by its own person.
    ada.labels.order(Order::Call { queue, item: told[0].item });
    let lot = ada.lot();
    assert_eq!((positions(&lot)[0], lot.items[0].earlier.clone()), (1, None));
    ada.decide(&lot, Verdict::Tie);
    assert_eq!(ada.decisions(queue).len(), 2);
}

#[test]
fn the_next_round_asks_the_same() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let parent = ada.make(draft(4, plain()));
    let authors = vec![author("old"), author("new")];
    ada.labels.order(Order::Trained { queue: parent, run: "dpo-1".into() });
    ada.labels.order(Order::NextRound { parent, name: "second".into(), authors: authors.clone(), only: None });
    let queue = ada.made();
    let card = ada.card(queue);
    assert_eq!((card.parent, card.settings.round, card.items, card.answered), (Some(parent), 2, 4, 0));
    assert_eq!(card.settings.authors, authors);
    assert_eq!(ada.card(parent).run.as_deref(), Some("dpo-1"));
    assert_eq!(
        ada.search(queue, "", Only::All).iter().map(|f| f.text.clone()).collect::<Vec<_>>(),
        ["question 0", "question 1", "question 2", "question 3"]
    );
}

#[test]
fn queues_are_renamed_archived_and_changed() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let queue = ada.make(draft(4, plain()));
    let other = ada.make(draft(2, plain()));
    ada.labels.order(Order::RenameQueue { queue, name: "violins".into() });
    ada.labels.order(Order::ArchiveQueue { queue, archived: true });
    let settings = QueueSettings { mode: Mode::Rank, again_share: 3.0, tags: vec!["long".into()], round: 9, ..plain() };
    ada.labels.order(Order::ChangeQueue { queue, settings: Box::new(settings) });
    let card = ada.card(queue);
    assert_eq!((card.name.as_str(), card.archived), ("violins", true));
    let QueueSettings { mode, again_share, round, tags, .. } = card.settings;
    assert_eq!((mode, again_share, round, tags), (Mode::Pair, 0.5, 1, vec!["long".to_owned()]));
    assert_eq!(ada.cards().iter().map(|card| card.id).collect::<Vec<_>>(), [other, queue]);
    // On the bench the same item stays in front.
    let lot = ada.open(queue);
    let lot = ada.decide(&lot, better(0));
    let settings = QueueSettings { order: ItemOrder::Random, ..plain() };
    ada.labels.order(Order::ChangeQueue { queue, settings: Box::new(settings) });
    assert_eq!(ada.lot().items[0], lot.items[0]);
}

#[test]
fn one_finds_in_questions_answers_and_notes() {
    let home = home();
    let mut ada = Desk::of(home.path(), "Ada");
    let mut new = draft(700, plain());
    new.items[3].prompt = vec![
        ChatMessage { role: "system".into(), content: "Be BRIEF".into() },
        ChatMessage { role: "user".into(), content: "Wie heißt \"Ärger\"?".into() },
    ];
    new.items[5].answers[1] = "琴弓的毛是马尾\0毛".into();
    new.items[6].answers[0] = "ПРИВЕТ, мир".into();
    let queue = ada.make(new);
    let positions = |found: Vec<Found>| found.iter().map(|found| found.position).collect::<Vec<_>>();
    for (text, at) in [
        ("be brief", vec![3]),
        ("ÄRGER", vec![3]),
        ("\"är", vec![3]),
        ("马尾\0毛", vec![5]),
        ("привет", vec![6]),
        ("FIRST 69", vec![69, 690, 691, 692, 693, 694, 695, 696, 697, 698, 699]),
        ("assistant", vec![]),
        ("user", vec![]),
    ] {
        assert_eq!(positions(ada.search(queue, text, Only::All)), at, "{text}");
    }
    assert_eq!(ada.search(queue, "  ", Only::All).len(), 500);
    assert_eq!(ada.search(queue, "QUESTION", Only::All).len(), 500);
    let lot = ada.open(queue);
    let lot = ada.decide(&lot, better(0));
    ada.decide(&lot, Verdict::Skipped);
    let found = ada.search(queue, "question", Only::Labelled);
    assert_eq!((found.len(), found[0].verdict.clone(), found[0].annotator.as_str()), (1, Some(better(0)), "Ada"));
    assert_eq!(positions(ada.search(queue, "", Only::Skipped)), [1]);
    assert_eq!(positions(ada.search(queue, "question", Only::Open))[0], 2);
    assert_eq!(found[0].text, "question 0");
}
