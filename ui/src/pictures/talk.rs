//! The playground: four models side by side, the chances of tokens, the list of conversations.

use super::{Scene, full, run};
use crate::bench::Bench;
use crate::library::Answer;
use crate::panels::Panel;
use crate::state::{Column, Conversation, Speaker, Turn, Voice};
use crate::testing::Engine;
use crate::testing::cards::cards;
use crate::text::Language;
use luthier_engine::protocol::{Event, FinishReason, Outcome, TokenChance};

/// Answers all columns with these texts, word by word; `chances`: each word with its own.
pub(crate) fn answer(b: &mut Bench, e: &Engine, texts: &[&str], chances: bool) {
    for text in texts {
        let request = b.state.talk.requests().next().expect("somebody answers");
        for (at, word) in text.split_inclusive(|c: char| c == ' ' || c > '\u{2E80}').enumerate() {
            let chance = [0.93, 0.61, 0.34, 0.82, 0.11, 0.55, 0.03, 0.27, 0.97][at % 9];
            let likeliest =
                [(" strings", 0.41f32), (word, chance), (" bow", 0.09), (" top plate", 0.04), (" air", 0.01)];
            let mut likeliest: Vec<(String, f32)> = likeliest.map(|(text, c)| (text.to_owned(), c)).to_vec();
            likeliest.sort_by(|a, b| b.1.total_cmp(&a.1));
            let rank = likeliest.iter().position(|(text, _)| text == word).expect("it is among them");
            let chances = chances.then(|| TokenChance { text: word.into(), chance, rank, likeliest });
            e.say(Event::TokenSampled { request, text: word.into(), chances: chances.into_iter().collect() });
        }
        let (new_tokens, reason) = (text.len() / 4, FinishReason::EndOfText);
        e.say(Event::GenerateFinished { request, prompt_tokens: 20, new_tokens, elapsed_secs: 1.3, reason });
        b.poll();
    }
}

fn trained(language: Language) -> (Bench, Engine) {
    let (mut b, e) = full(language);
    let result = "/home/luthier/runs/SmolLM2-135M-lora-20261124-023105".into();
    run(&mut b, &e, 120, Some(Outcome::Completed { result }));
    e.tell(Answer::Runs(cards(6)));
    b.poll();
    b.panel = Panel::Try;
    (b, e)
}

fn ask(b: &mut Bench, text: &str) {
    b.state.talk.front_mut().draft = text.into();
    b.send_draft();
}

const QUESTION: &str = "Which part of a violin sounds first? 琴的哪一部分最先发声？";
const ANSWERS: [&str; 4] = [
    "The violin is a string instrument that is played with a bow. It has four strings.",
    "The strings. The bow makes them swing, and the bridge carries that to the top. 琴弦最先振动，经琴马传到面板。",
    "It depends on the violin.",
    "The strings do: hair and rosin hold each for a moment and let it go, hundreds of times a second.",
];

fn four(language: Language) -> (Bench, Engine) {
    let (mut b, e) = trained(language);
    for choice in b.choices().into_iter().skip(1).take(2) {
        b.put_column(None, choice.column);
    }
    ask(&mut b, QUESTION);
    answer(&mut b, &e, &ANSWERS, false);
    b.answer_again(0, Some(0));
    answer(&mut b, &e, &["The strings, then the bridge and the top plate."], false);
    ask(&mut b, "And last?");
    answer(&mut b, &e, &["The room.", "The air inside the body."], false);
    let request = b.state.talk.requests().next().expect("the third writes");
    e.say(Event::TokenSampled { request, text: "Perhaps the sound post, or".into(), chances: vec![] });
    b.poll();
    (b, e)
}

pub(super) fn scenes(language: Language) -> Vec<Scene> {
    vec![
        ("try_four", Box::new(move || four(language))),
        (
            "try_tokens",
            Box::new(move || {
                let (mut b, e) = trained(language);
                b.state.talk.front_mut().chances = true;
                ask(&mut b, QUESTION);
                answer(&mut b, &e, &ANSWERS[..2], true);
                (b, e)
            }),
        ),
        (
            "try_conversations",
            Box::new(move || {
                let (mut b, e) = full(language);
                let after = Speaker { model: "/models/SmolLM2-135M".into(), adapter: Some("/runs/polite".into()) };
                let names = ["Which wood for the back?", "琴弓的毛是什么做的？", "Purfling", "Varnish and its recipes"];
                let talk = |(at, name): (usize, &&str)| Conversation {
                    id: 50 + at as i64,
                    name: (*name).into(),
                    changed_unix_secs: 1_795_000_000 - 90_000 * at as u64,
                    columns: vec![
                        Column { voice: Voice::Before, ..Column::default() },
                        Column { id: 1, voice: Voice::After, speaker: Some(after.clone()), ..Column::default() },
                    ],
                    turns: vec![Turn { asked: (*name).into(), ..Turn::default() }; at + 1],
                    ..Conversation::default()
                };
                e.tell(Answer::Talks(names.iter().enumerate().map(talk).collect()));
                b.poll();
                b.panel = Panel::Try;
                b.desks.talk.list_open = Some(true);
                ask(&mut b, QUESTION);
                answer(&mut b, &e, &ANSWERS[..2], false);
                b.label_turns(1..2);
                (b, e)
            }),
        ),
        (
            "try_edit",
            Box::new(move || {
                let (mut b, e) = four(language);
                b.stop_answer();
                let request = b.state.talk.requests().next().expect("the third writes");
                let (new_tokens, reason) = (7, FinishReason::Cancelled);
                e.say(Event::GenerateFinished { request, prompt_tokens: 9, new_tokens, elapsed_secs: 0.4, reason });
                b.poll();
                b.begin_edit(1, None);
                (b, e)
            }),
        ),
    ]
}
