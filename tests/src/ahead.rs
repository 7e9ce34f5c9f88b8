//! Answers that are generated ahead of labelling and their scores, through the worker's real channel.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use luthier_engine::link::{Link, LinkOptions};
use luthier_engine::model::{Model, SCORE};
use luthier_engine::protocol::{
    ChatMessage, Command, Event, FinishReason, Problem, Prompt, PromptText, RequestId, SampleBatch, SampledAnswer,
    Sampling, ScoreBatch,
};
use luthier_engine::tokenizer::TextTokenizer;
use luthier_engine::{device, logits};

use crate::bench::{self, drive, fixture, fresh};

fn model() -> PathBuf {
    fixture("models/llama-tiny")
}

fn said(role: &str, content: &str) -> ChatMessage {
    ChatMessage { role: role.into(), content: content.into() }
}

fn asked(text: &str, max_new_tokens: usize) -> (PromptText, Sampling) {
    let sampling = Sampling { max_new_tokens, temperature: 0.0, ..Sampling::default() };
    (PromptText::Chat(vec![said("user", text)]), sampling)
}

fn batch(asked: Vec<(PromptText, Sampling)>, adapter: Option<PathBuf>) -> Box<SampleBatch> {
    Box::new(SampleBatch { model: model(), adapter, device: "cpu".into(), asked })
}

fn question(adapter: Option<PathBuf>, (text, sampling): (PromptText, Sampling)) -> Prompt {
    Prompt { model: model(), adapter, device: "cpu".into(), text, sampling, chances: 0 }
}

fn hear(link: &Link, answers: usize, react: impl FnMut(&Event)) -> Vec<Event> {
    let ends = |event: &Event| {
        matches!(
            event,
            Event::AnswersSampled { .. }
                | Event::AnswersScored { .. }
                | Event::GenerateFinished { .. }
                | Event::CommandFailed { .. }
        )
    };
    bench::hear(link, answers, ends, react)
}

fn failure(events: &[Event], which: RequestId) -> &Problem {
    let of = |event: &&Event| matches!(event, Event::CommandFailed { request, .. } if *request == Some(which));
    match events.iter().filter(of).collect::<Vec<_>>()[..] {
        [Event::CommandFailed { problem, .. }] => problem,
        ref other => panic!("request {which}: {other:?}"),
    }
}

fn sampled(events: &[Event], which: RequestId) -> &[SampledAnswer] {
    let of = |event: &&Event| matches!(event, Event::AnswersSampled { request, .. } if *request == which);
    match events.iter().filter(of).collect::<Vec<_>>()[..] {
        [Event::AnswersSampled { answers, .. }] => answers,
        ref other => panic!("request {which}: {other:?}; {events:?}"),
    }
}

fn written(events: &[Event], which: RequestId) -> String {
    let text = |event: &Event| match event {
        Event::TokenSampled { request, text, .. } if *request == which => Some(text.clone()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

#[test]
fn a_batch_gives_the_answers_that_single_questions_get() {
    let prompts = [asked("Hello, world", 12), asked("What is a violin?", 5), asked("琴弓的毛是什么做的？", 9)];
    for adapter in [None, Some(fixture("adapters/sft-rslora"))] {
        let link = Link::spawn(LinkOptions::default());
        link.send(Command::SampleAnswers { request: 9, batch: batch(prompts.to_vec(), adapter.clone()) });
        for (request, prompt) in (1..).zip(&prompts) {
            link.send(Command::Generate { request, prompt: question(adapter.clone(), prompt.clone()) });
        }
        let events = hear(&link, 4, |_| {});
        let answers = sampled(&events, 9);
        assert_eq!(answers.len(), 3);
        for (request, (answer, (_, sampling))) in (1..).zip(answers.iter().zip(&prompts)) {
            assert_eq!(answer.text, written(&events, request), "{adapter:?}");
            assert!(answer.new_tokens == sampling.max_new_tokens || answer.reason == FinishReason::EndOfText);
        }
    }
}

#[test]
fn a_question_is_answered_before_the_batch_is_and_wears_what_it_asks_for() {
    let link = Link::spawn(LinkOptions::default());
    let long = || (0..8).map(|n| asked(&format!("Count to {n}"), 400)).collect::<Vec<_>>();
    link.send(Command::SampleAnswers { request: 1, batch: batch(long(), None) });
    link.send(Command::Generate { request: 2, prompt: question(Some(fixture("adapters/sft-rslora")), asked("Hi", 8)) });
    link.send(Command::SampleAnswers { request: 3, batch: batch(long(), None) });
    link.send(Command::Generate { request: 4, prompt: question(Some(fixture("adapters/sft-rslora")), asked("Hi", 8)) });
    let events = hear(&link, 4, |_| {});
    let at = |found: &dyn Fn(&Event) -> bool| events.iter().position(found).expect("answered");
    let batch_at = at(&|event| matches!(event, Event::AnswersSampled { request: 1, .. }));
    let question_at = at(&|event| matches!(event, Event::GenerateFinished { request: 2, .. }));
    assert!(question_at < batch_at, "{events:?}");
    assert_eq!(written(&events, 2), written(&events, 4));
    assert_eq!(sampled(&events, 1), sampled(&events, 3), "what Try wears does not change the batch");
}

#[test]
fn cancelled_batches_are_answered_once_and_a_run_goes_first() {
    let link = Link::spawn(LinkOptions::default());
    let long = || batch((0..8).map(|n| asked(&format!("Count to {n}"), 900)).collect(), None);
    let scores = || ScoreBatch {
        model: model(),
        adapter: None,
        device: "cpu".into(),
        rows: vec![(vec![said("user", "Hi")], vec!["a".repeat(400); 40])],
        cutoff_len: 2048,
    };
    link.send(Command::SampleAnswers { request: 1, batch: long() });
    link.send(Command::ScoreAnswers { request: 2, batch: Box::new(scores()) });
    for request in [2, 1, 2, 1] {
        link.send(Command::CancelAnswers { request });
    }
    link.send(Command::SampleAnswers { request: 3, batch: batch(vec![asked("Hello", 3)], None) });
    let events = hear(&link, 3, |_| {});
    assert_eq!([failure(&events, 1).code.as_str(), failure(&events, 2).code.as_str()], ["stopped"; 2]);
    assert_eq!(sampled(&events, 3).len(), 1);

    let dir = tempfile::tempdir().unwrap();
    let recipe = fresh("sft-full", dir.path());
    link.send(Command::SampleAnswers { request: 4, batch: long() });
    link.send(Command::StartRun { id: "run".into(), recipe: Box::new(recipe.clone()), resume: false });
    let mut finished = false;
    let mut events = Vec::new();
    let until = Instant::now() + Duration::from_secs(300);
    while !finished {
        assert!(Instant::now() < until, "{events:?}");
        let Some(event) = link.recv_timeout(Duration::from_secs(5)) else { continue };
        finished = matches!(event, Event::RunFinished { .. });
        events.push(event);
    }
    assert_eq!(failure(&events, 4).code, "stopped");

    let mut sent = false;
    let recipe = fresh("sft-full", &dir.path().join("second"));
    let (events, _) = drive(&recipe, false, |event, link| {
        if !sent && matches!(event, Event::StepReported { .. }) {
            sent = true;
            link.send(Command::SampleAnswers { request: 5, batch: long() });
            link.send(Command::ScoreAnswers { request: 6, batch: Box::new(scores()) });
        }
    });
    assert_eq!([failure(&events, 5).code.as_str(), failure(&events, 6).code.as_str()], ["refused"; 2]);
}

#[test]
fn what_cannot_be_asked_is_told_with_its_number() {
    let link = Link::spawn(LinkOptions::default());
    let plain = (PromptText::Plain(String::new()), Sampling::default());
    link.send(Command::SampleAnswers { request: 1, batch: batch(vec![asked("Hello", 2), plain], None) });
    let gone = SampleBatch { model: "/none".into(), ..*batch(vec![asked("Hello", 2)], None) };
    link.send(Command::SampleAnswers { request: 2, batch: Box::new(gone) });
    // Without a chat template the conversation is laid out as training would.
    let dir = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(model()).unwrap().flatten() {
        std::fs::copy(file.path(), dir.path().join(file.file_name())).unwrap();
    }
    let settings = dir.path().join("tokenizer_config.json");
    let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(&settings).unwrap()).unwrap();
    json.as_object_mut().unwrap().remove("chat_template").expect("there was one");
    std::fs::write(&settings, json.to_string()).unwrap();
    assert!(!TextTokenizer::load(dir.path()).unwrap().has_template());
    let plain = SampleBatch { model: dir.path().into(), ..*batch(vec![asked("Hello", 2)], None) };
    link.send(Command::SampleAnswers { request: 3, batch: Box::new(plain) });
    let events = hear(&link, 3, |_| {});
    assert!(failure(&events, 1).message.contains("prompt 2"), "{:?}", failure(&events, 1));
    assert!(failure(&events, 2).message.contains("/none"));
    assert_eq!(sampled(&events, 3).len(), 1);
}

/// Log-probabilities of the ids from `from` on, each given all before it.
fn log_ps(model: &Model, ids: &[u32], from: usize) -> Vec<f64> {
    let wide: Vec<i64> = ids.iter().map(|id| i64::from(*id)).collect();
    let logits = logits::of_batch(model, &wide, &vec![1; ids.len()], 1, ids.len(), &model.source).expect("logits");
    let vocab = model.config.vocab;
    let of = |at: usize| {
        let row: Vec<f64> = logits[(at - 1) * vocab..at * vocab].iter().map(|v| f64::from(*v)).collect();
        let most = row.iter().copied().fold(f64::MIN, f64::max);
        let sum: f64 = row.iter().map(|v| (v - most).exp()).sum();
        row[ids[at] as usize] - most - sum.ln()
    };
    (from..ids.len()).map(of).collect()
}

#[test]
fn scores_are_those_computed_by_hand() {
    let tokenizer = TextTokenizer::load(model()).unwrap();
    let prompt = vec![said("user", "Which part of a violin sounds first?")];
    let answers = ["The strings do.", "It depends on the violin, and on who plays it."];
    let device = device::unchecked("cpu").unwrap();
    let mut bare = Model::load(&model(), &device, &mut |_, _| std::ops::ControlFlow::Continue(())).unwrap();
    bare.drop_adapter();
    let with = |name: &str| {
        let mut worn = bare.clone();
        worn.load_adapter(&fixture(name)).unwrap();
        worn
    };
    let (tuned, judge) = (with("adapters/sft-rslora"), with("adapters/rm-lora"));
    // The ids of the whole conversation; the answer goes from the prompt's end to its own end token.
    let whole = |answer: &str| {
        let none = serde_json::Map::new();
        let head = tokenizer.encode_bare(&tokenizer.render(&prompt, true, &none).unwrap()).unwrap();
        let talk = [prompt.clone(), vec![said("assistant", answer)]].concat();
        let all = tokenizer.encode_bare(&tokenizer.render(&talk, false, &none).unwrap()).unwrap();
        assert_eq!(all[..head.len()], head[..]);
        let end = all.iter().rposition(|id| tokenizer.eos_ids().contains(id)).map_or(all.len(), |at| at + 1);
        (all, head.len(), end)
    };
    let link = Link::spawn(LinkOptions::default());
    let score = |request, adapter: Option<&str>| {
        let rows = vec![(prompt.clone(), answers.map(str::to_owned).to_vec())];
        let adapter = adapter.map(fixture);
        let batch = ScoreBatch { model: model(), adapter, device: "cpu".into(), rows, cutoff_len: 512 };
        link.send(Command::ScoreAnswers { request, batch: Box::new(batch) });
    };
    score(1, None);
    score(2, Some("adapters/sft-rslora"));
    score(3, Some("adapters/rm-lora"));
    let events = hear(&link, 3, |_| {});
    let scores = |which: RequestId| {
        let of = |event: &Event| match event {
            Event::AnswersScored { request, scores } if *request == which => Some(scores[0].clone()),
            _ => None,
        };
        events.iter().find_map(of).unwrap_or_else(|| panic!("{events:?}"))
    };
    for (at, answer) in answers.into_iter().enumerate() {
        let (ids, from, end) = whole(answer);
        let mean = log_ps(&bare, &ids[..end], from).iter().sum::<f64>() / (end - from) as f64;
        assert!((f64::from(scores(1)[at]) - mean).abs() < 1e-4, "{} {mean}", scores(1)[at]);
        let sum = |model: &Model| log_ps(model, &ids[..end], from).iter().sum::<f64>();
        let gained = sum(&tuned) - sum(&bare);
        assert!((f64::from(scores(2)[at]) - gained).abs() < 1e-3, "{} {gained}", scores(2)[at]);
        assert!(gained.abs() > 1e-3, "the adapter does something");
        // The score head at the last token of the whole text.
        let hidden = judge.final_norm(judge.hidden(&ids, &[ids.len()]), &mut luthier_engine::model::Tape::off());
        let hidden = luthier_engine::ops::read(hidden, "a test").unwrap();
        let head = judge.params[&judge.learned_name(SCORE)].clone().into_flat();
        let head = luthier_engine::ops::read(head, "a test").unwrap();
        let last = &hidden[hidden.len() - head.len()..];
        let by_hand: f32 = last.iter().zip(&head).map(|(x, w)| x * w).sum();
        assert!((scores(3)[at] - by_hand).abs() < 1e-4, "{} {by_hand}", scores(3)[at]);
    }
}
