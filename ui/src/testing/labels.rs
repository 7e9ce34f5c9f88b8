//! A labelling bench with a queue on it.

use std::sync::Arc;

use luthier_engine::feedback::{Answer, Mode, Strength, Verdict};
use luthier_engine::protocol::{ChatMessage, Sampling};

use super::{Engine, ready_bench};
use crate::bench::Bench;
use crate::labels::{self, Author, Found, Item, Lot, Progress, QueueCard, QueueSettings};
use crate::text::Language;

pub fn author(name: &str, run: Option<&str>) -> Author {
    Author {
        name: name.into(),
        model: "/models/SmolLM2-135M".into(),
        adapter: run.map(|run| format!("/home/luthier/runs/{run}").into()),
        run: run.map(str::to_owned),
        sampling: Sampling { max_new_tokens: 256, ..Sampling::default() },
        stamp: "269060552@1".into(),
    }
}

/// A queue of 120 items, 80 of them with answers, 24 labelled.
pub fn queue_card(mode: Mode) -> QueueCard {
    let authors = vec![
        author("SmolLM2-135M", None),
        author("polite, rank 8", Some("polite-sft-20261125-021501")),
        author("polite, rank 16", Some("polite-sft-20261125-031501")),
        author("brief", Some("brief-dpo-20261125-041501")),
    ];
    let count = match mode {
        Mode::Pair => 2,
        Mode::Single => 1,
        Mode::Rank => 4,
    };
    let tags = ["wrong", "too long", "rude", "made up"].map(str::to_owned).to_vec();
    QueueCard {
        id: 1,
        made_unix_ms: 1_795_000_000_000,
        name: "workshop questions".into(),
        settings: QueueSettings {
            mode,
            authors: authors[..count].to_vec(),
            source: "/data/prompts.txt".into(),
            tags,
            ..QueueSettings::default()
        },
        parent: None,
        run: None,
        archived: false,
        items: 120,
        answered: 80,
        labelled: 24,
        skipped: 2,
        flagged: 1,
        last_unix_ms: Some(1_795_000_900_000),
    }
}

/// Questions with four answers each: plain, Chinese, code, a table with a link and a picture that nobody may load.
pub const TALKS: [(&str, [&str; 4]); 4] = [
    (
        "Which part of a violin sounds first?",
        [
            "The strings. The bow makes them swing, the bridge carries their movement to the top plate, and the air inside answers.",
            "The strings do. The bow makes them move, and the bridge carries that to the top plate.",
            "The sound comes from the sound post, which is glued to the back.",
            "It depends on the violin.",
        ],
    ),
    (
        "琴弓的毛是什么做的？",
        [
            "多用马尾毛，擦上松香后能带动琴弦振动。",
            "琴弓的毛一般取自马尾，一把弓约有一百五十根；使用前要擦松香，否则在弦上只会打滑，发不出声音。",
            "尼龙。",
            "马尾毛。",
        ],
    ),
    (
        "Write a function that gives the frequency of the n-th semitone above A4.",
        [
            "A semitone is a factor of the twelfth root of two:\n\n```python\ndef frequency(n: int) -> float:\n    \"\"\"Hertz of the n-th semitone above A4.\"\"\"\n    return 440.0 * 2 ** (n / 12)\n```\n\n`frequency(12)` is **880**.",
            "```python\ndef frequency(n):\n    return 440 + n * 26.16\n```\n\nEach semitone adds the same number of hertz.",
            "Multiply 440 by two for every octave.",
            "`440 * 2 ** (n / 12)`",
        ],
    ),
    (
        "Name three woods for backs, with what they are good for.",
        [
            "| Wood | Good for |\n|---|---|\n| Maple | bright, strong |\n| Poplar | warm violas |\n| Willow | light cellos |\n\n[More](https://example.com/woods) ![wood](https://example.com/wood.png)",
            "1. Maple, the most common\n2. Poplar\n3. Willow",
            "<script>alert('no')</script> Maple, poplar, <b>willow</b>.",
            "Oak, oak and oak.",
        ],
    ),
];

pub fn item(at: usize, mode: Mode) -> Item {
    let (question, texts) = TALKS[at % TALKS.len()];
    let settings = queue_card(mode).settings;
    let answers =
        settings.authors.iter().zip(texts).map(|(a, text)| Answer { text: text.into(), author: a.name.clone() });
    let count = settings.authors.len();
    Item {
        id: at as i64 + 1,
        position: at,
        pass: 0,
        prompt: vec![ChatMessage { role: "user".into(), content: question.into() }],
        answers: answers.collect(),
        shown: (0..count).map(|place| (place + at) % count).collect(),
        flagged: false,
        note: String::new(),
        earlier: None,
        twins: 0,
    }
}

/// Items from number `at` on, as the labels' thread lays them on the bench after `labelled` decisions.
pub fn lot(mode: Mode, at: usize, labelled: usize) -> Lot {
    Lot {
        queue: 1,
        annotator: "Ada".into(),
        items: (at..at + 4).map(|at| Arc::new(item(at, mode))).collect(),
        progress: Progress {
            items: 120,
            answered: 80,
            labelled,
            skipped: 2,
            flagged: 1,
            again: 12,
            again_done: 3,
            undoable: labelled,
        },
    }
}

/// Ada has a queue on the bench, with its item number `at` in front.
pub fn labelling_bench(language: Language, mode: Mode, at: usize) -> (Bench, Engine) {
    let (mut bench, engine) = ready_bench(language);
    bench.settings.annotator = "Ada".into();
    bench.settings.annotators = vec!["Ada".into(), "Bo".into()];
    engine.tell_labels(labels::Answer::Queues(vec![queue_card(mode)]));
    bench.poll();
    bench.open_queue(1);
    engine.tell_labels(labels::Answer::Lot(Box::new(lot(mode, at, 24))));
    bench.poll();
    (bench, engine)
}

/// The labels' thread answers the export that was asked for last.
pub fn exported(bench: &mut Bench, engine: &Engine, parcel: labels::Parcel) {
    let asked = engine.label_orders.borrow().iter().rev().find_map(|order| match order {
        labels::Order::Export { queue, how, .. } => Some((*queue, how.clone())),
        _ => None,
    });
    let (queue, how) = asked.expect("an export was asked for");
    engine.tell_labels(labels::Answer::Exported { queue, how, parcel: Ok(Box::new(parcel)) });
    bench.poll();
}

/// What a search finds: open, labelled, skipped, flagged and with a note in turn.
pub fn found(count: usize) -> Vec<Found> {
    let verdicts = [
        None,
        Some(Verdict::Better { answer: 0, strength: Strength::Slightly }),
        Some(Verdict::Skipped),
        Some(Verdict::Ranked { places: vec![1, 0, 0, 2] }),
        Some(Verdict::Bad),
    ];
    let found = |at: usize| {
        let verdict = verdicts[at % verdicts.len()].clone();
        Found {
            item: at as i64 + 1,
            position: at,
            text: TALKS[at % TALKS.len()].0.into(),
            answered: at % 7 != 5,
            flagged: at % 6 == 1,
            note: if at % 4 == 3 { "Ask the workshop about this one.".into() } else { String::new() },
            annotator: if verdict.is_some() { "Ada".into() } else { String::new() },
            verdict,
        }
    };
    (0..count).map(found).collect()
}
