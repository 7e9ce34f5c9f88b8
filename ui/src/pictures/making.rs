//! The page of queues: none yet, a list of them, and a new one as it is put together.

use std::sync::Arc;

use luthier_engine::data::FilePrompts;
use luthier_engine::feedback::Mode;
use luthier_engine::protocol::{ChatMessage, Problem};
use luthier_engine::recipe::{FinetuningType, Stage};

use super::full;
use crate::bench::Bench;
use crate::desks::{LabelPage, PromptsFrom};
use crate::labels::{Answer, QueueCard, Wanted};
use crate::library;
use crate::panels::Panel;
use crate::testing::labels::{TALKS, author, queue_card};
use crate::testing::{Engine, finished};
use crate::text::Language;

type Scene = (&'static str, fn(Language) -> (Bench, Engine));

pub(super) fn scenes() -> Vec<Scene> {
    vec![
        ("label_queues_empty", empty),
        ("label_queues", queues),
        ("label_new_queue", new),
        ("label_new_queue_rank", rank),
    ]
}

fn shelf(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = full(language);
    engine.tell(library::Answer::Runs(vec![
        finished("b", "violin-r16-long", 1, Stage::Sft, FinetuningType::Lora),
        finished("a", "第一次训练", 0, Stage::Dpo, FinetuningType::Lora),
    ]));
    bench.panel = Panel::Label;
    bench.desks.label.page = LabelPage::Queues;
    bench.poll();
    (bench, engine)
}

fn empty(language: Language) -> (Bench, Engine) {
    shelf(language)
}

fn cards() -> Vec<QueueCard> {
    let mut sampled = vec![author("SmolLM2-135M", None), author("SmolLM2-135M", None)];
    sampled[0].sampling.temperature = 0.7;
    sampled[1].sampling.temperature = 1.0;
    let pair = queue_card(Mode::Pair);
    let mut first = QueueCard { name: "workshop questions".into(), ..pair.clone() };
    first.settings.authors = sampled;
    let second = QueueCard {
        id: 2,
        name: "礼貌用语，第二轮".into(),
        parent: Some(1),
        answered: 500,
        labelled: 431,
        skipped: 12,
        items: 500,
        flagged: 3,
        ..pair.clone()
    };
    let mut second = second;
    second.settings.round = 2;
    let single = QueueCard {
        id: 3,
        name: "is it true?".into(),
        labelled: 0,
        skipped: 0,
        flagged: 0,
        ..queue_card(Mode::Single)
    };
    let single = QueueCard { answered: 40, last_unix_ms: None, ..single };
    let mut ranked = QueueCard {
        id: 4,
        name: "made-in-the-workshop-on-a-long-evening-with-a-very-long-name".into(),
        answered: 3,
        labelled: 0,
        skipped: 0,
        ..queue_card(Mode::Rank)
    };
    ranked.items = 100_000;
    vec![first, second, single, ranked, QueueCard { id: 5, archived: true, ..pair }]
}

fn queues(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = shelf(language);
    engine.tell_labels(Answer::Queues(cards()));
    bench.poll();
    bench.resume_ahead(1);
    let prompt = vec![ChatMessage { role: "user".into(), content: TALKS[0].0.into() }];
    let wanted = vec![Wanted { item: 81, prompt, places: vec![0, 1] }];
    engine.tell_labels(Answer::Wanted { queue: 1, wanted });
    bench.poll();
    bench.pause_ahead(3);
    (bench, engine)
}

fn new(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = shelf(language);
    bench.begin_queue();
    let path = bench.prompts_file().expect("the data that is loaded");
    let prompt = |(at, (text, _)): (usize, &(&str, [&str; 4]))| {
        (at + 1, vec![ChatMessage { role: "user".into(), content: (*text).into() }])
    };
    let rows = TALKS.iter().cycle().take(120).enumerate().map(prompt).collect();
    let read = FilePrompts { rows, twins: 3, left_out: 1, reason: "row 17 (line 17): no question".into() };
    engine.tell_labels(Answer::Prompts { path, read: Ok(Arc::new(read)) });
    bench.poll();
    (bench, engine)
}

fn rank(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = new(language);
    let draft = &mut bench.desks.label.making.draft;
    (draft.mode, draft.from, draft.file) = (Mode::Rank, PromptsFrom::File, "/data/prompts.docx".into());
    bench.fill_voices();
    bench.read_prompts();
    let message =
        "/data/prompts.docx, the file's name: Luthier reads data from files ending in .json, .jsonl, .csv, .txt";
    let problem = Problem { code: "bad_data".into(), message: message.into() };
    engine.tell_labels(Answer::Prompts { path: "/data/prompts.docx".into(), read: Err(problem) });
    bench.poll();
    (bench, engine)
}
