//! The labelling bench with pairs on it.

use std::sync::Arc;

use luthier_engine::feedback::{Answer, Mode, Strength, Verdict};
use luthier_engine::protocol::{ChatMessage, Problem};

use super::Scene;
use crate::bench::Bench;
use crate::labels::{self, Item, Lot, Progress};
use crate::testing::Engine;
use crate::testing::labels::{item, labelling_bench, lot};
use crate::text::Language;

fn pair(language: Language, at: usize, change: fn(&mut Bench)) -> (Bench, Engine) {
    let (mut bench, engine) = labelling_bench(language, Mode::Pair, at);
    change(&mut bench);
    (bench, engine)
}

/// One pair decided: the foot tells it.
fn decided(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = labelling_bench(language, Mode::Pair, 1);
    bench.choose_side(1, Strength::Clearly);
    engine.tell_labels(labels::Answer::Lot(Box::new(lot(Mode::Pair, 4, 25))));
    bench.poll();
    (bench, engine)
}

fn laid(language: Language, items: Vec<Item>, progress: Progress) -> (Bench, Engine) {
    let (mut bench, engine) = labelling_bench(language, Mode::Pair, 0);
    let lot = Lot { queue: 1, annotator: "Ada".into(), items: items.into_iter().map(Arc::new).collect(), progress };
    engine.tell_labels(labels::Answer::Lot(Box::new(lot)));
    bench.poll();
    (bench, engine)
}

fn said(role: &str, content: &str) -> ChatMessage {
    ChatMessage { role: role.into(), content: content.into() }
}

/// Two answers and a prompt of many turns.
pub fn pair_of(prompt: Vec<ChatMessage>, left: &str, right: &str) -> Item {
    let answers = [left, right].map(|text| Answer { text: text.into(), author: "polite, rank 8".into() });
    Item { prompt, answers: answers.to_vec(), shown: vec![0, 1], ..item(7, Mode::Pair) }
}

fn long() -> Item {
    let turns = vec![
        said(
            "system",
            "You are a violin maker who answers in a few plain sentences and says when something is not known.",
        ),
        said("user", "My violin buzzes on the G string since last week. What could it be?"),
        said(
            "assistant",
            "Often a loose fine tuner, an open seam, or a string that touches the fingerboard. Does it buzz on every note of the string?",
        ),
        said("user", "Only on the open string and on A."),
    ];
    let left = "Then look at these first:\n\n1. **The nut.** A groove that is too low lets the open string touch the fingerboard.\n2. **The fine tuner.** Tighten its nut; a loose one sings along with A.\n3. **A seam.** Knock softly along the edge: an open seam sounds *dull*.\n\n> A luthier closes a seam in an hour.\n\nIf none of them is the cause, have the bass bar looked at.";
    let right = "It could be the nut, the fine tuner or an open seam.\n\n- Nut: the groove may be too low\n- Fine tuner: may be loose\n- Seam: knock along the edge\n\nIf it goes on, take it to a luthier.";
    pair_of(turns, left, right)
}

const HEBREW: &str = "המיתרים נשמעים ראשונים. הקשת מניעה אותם, והגשר נושא את התנועה (לאט) אל הלוח.";

/// Control characters, markup that would load or run something, letters from right to left, and nothing at all.
pub fn hostile() -> Item {
    let left = format!(
        "<script>alert('no')</script> <img src=http://example.com/x.png onerror=alert(1)>\n\n![spy](http://example.com/pixel.png) [click](javascript:alert(1)) <http://example.com>\n\nBell\u{7} escape\u{1b}[31m null\u{0} override\u{202e}gnp.exe\n\n{HEBREW}\n\n| a | b |\n|---|---|\n| ![x](file:///etc/passwd) | <b>c</b> |\n\n```html\n<iframe src=\"http://example.com\"></iframe>\n```\n{}",
        "unbroken".repeat(400)
    );
    pair_of(
        vec![said("user", &format!("{}\n# not a title?\n{}", ">".repeat(300), "a very long prompt ".repeat(400)))],
        &left,
        "",
    )
}

const DONE: Progress = Progress {
    items: 120,
    answered: 120,
    labelled: 118,
    skipped: 2,
    flagged: 1,
    again: 12,
    again_done: 12,
    undoable: 118,
};

pub(super) fn scenes(language: Language) -> Vec<Scene> {
    let pair = move |at: usize, change: fn(&mut Bench)| -> Box<dyn Fn() -> (Bench, Engine)> {
        Box::new(move || pair(language, at, change))
    };
    let open = Progress { labelled: 24, answered: 80, ..DONE };
    let chinese = language == Language::Chinese;
    vec![
        ("label_pair", pair(usize::from(chinese), |_| {})),
        ("label_pair_decided", Box::new(move || decided(language))),
        ("label_pair_long", Box::new(move || laid(language, vec![long()], open))),
        ("label_pair_diff", pair(usize::from(chinese), |bench| bench.desks.label.pair.differences = true)),
        ("label_pair_ask", pair(0, Bench::ask_which_to_edit)),
        (
            "label_pair_edit",
            pair(usize::from(chinese), |bench| {
                bench.desks.label.pair.strength = Strength::Slightly;
                bench.edit_side(1);
            }),
        ),
        ("label_pair_write", pair(usize::from(chinese), Bench::write_own)),
        ("label_pair_note", pair(usize::from(chinese), Bench::write_note)),
        ("label_pair_code", pair(2, |_| {})),
        ("label_pair_table", pair(3, |_| {})),
        ("label_pair_name", pair(0, |bench| bench.settings.annotator.clear())),
        (
            "label_pair_problem",
            pair(0, |bench| {
                bench.desks.label.problem = Some(Problem {
                    code: "labels".into(),
                    message: "labels.sqlite could not be written: no space left on the disk".into(),
                });
                bench.desks.label.now.last = None;
            }),
        ),
        (
            "label_pair_back",
            Box::new(move || {
                let earlier = Some(Verdict::Better { answer: 1, strength: Strength::Slightly });
                laid(
                    language,
                    vec![Item { earlier, flagged: true, note: "ask Bo".into(), ..item(0, Mode::Pair) }],
                    open,
                )
            }),
        ),
        ("label_done", Box::new(move || laid(language, vec![], DONE))),
        ("label_waiting", Box::new(move || laid(language, vec![], Progress { labelled: 78, answered: 80, ..DONE }))),
        (
            "label_no_queue",
            Box::new(move || {
                let (mut bench, engine) = super::full(language);
                bench.panel = crate::panels::Panel::Label;
                bench.desks.label.page = crate::desks::LabelPage::Bench;
                (bench, engine)
            }),
        ),
        ("hostile", Box::new(move || laid(language, vec![hostile()], open))),
    ]
}
