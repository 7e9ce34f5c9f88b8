//! A chain of two rounds: labels, a run on them, and its model set against the one before.

use std::sync::Arc;

use luthier_engine::feedback::{Answer, Judged, Mode, Strength, Verdict};
use luthier_engine::protocol::ChatMessage;
use luthier_engine::recipe::{FinetuningType, Recipe, Stage};

use super::cards::card;
use super::labels::{TALKS, author, queue_card};
use super::{Engine, ready_bench};
use crate::bench::Bench;
use crate::desks::LabelPage;
use crate::labels::{self, Decision, QueueCard, QueueSettings};
use crate::library::{Answer as Told, RunCard, RunStatus};
use crate::panels::Panel;
use crate::text::Language;

pub const RUN: &str = "polite-dpo-20261125-021501";

/// The `n`th decision of a queue: another prompt each time.
pub fn decision(n: usize, verdict: Verdict) -> Decision {
    let (question, texts) = TALKS[n % TALKS.len()];
    let count = if matches!(verdict, Verdict::Good | Verdict::Bad) { 1 } else { 2 };
    let answer = |text: &&str| Answer { text: format!("{text} ({n})"), author: "SmolLM2-135M".into() };
    let judged = Judged {
        prompt: vec![ChatMessage { role: "user".into(), content: format!("{question} ({n})") }],
        answers: texts[..count].iter().map(answer).collect(),
        verdict,
        shown: (0..count).collect(),
        tags: Vec::new(),
        note: String::new(),
        annotator: "Ada".into(),
        seconds: 6.0,
        judged_unix_ms: 1_795_000_000_000 + n as u64 * 8_000,
    };
    Decision { id: n as i64 + 1, item: n as i64 + 1, pass: 0, last_word: false, judged }
}

pub fn better(answer: usize) -> Verdict {
    Verdict::Better { answer, strength: Strength::Clearly }
}

/// As many decisions of each kind as said, one after the other.
pub fn decisions(kinds: &[(usize, Verdict)]) -> Arc<Vec<Decision>> {
    let verdicts = kinds.iter().flat_map(|(count, verdict)| std::iter::repeat_n(verdict, *count));
    Arc::new(verdicts.enumerate().map(|(n, verdict)| decision(n, verdict.clone())).collect())
}

/// The first round: 96 of 120 labelled, answers of one model sampled twice.
pub fn first_round(mode: Mode) -> QueueCard {
    let authors = vec![author("SmolLM2-135M", None); if mode == Mode::Single { 1 } else { 2 }];
    let settings = QueueSettings { authors, held_out: Vec::new(), ..queue_card(mode).settings };
    QueueCard { settings, labelled: 96, answered: 120, ..queue_card(mode) }
}

/// The run on the first round's labels.
pub fn run_card() -> RunCard {
    let recipe = Recipe {
        model_name_or_path: "/models/SmolLM2-135M".into(),
        dataset: vec!["/home/luthier/labels/1-workshop questions/pairs-1a2b3c4d-train.jsonl".into()],
        output_dir: format!("/home/luthier/runs/{RUN}").into(),
        stage: Stage::Dpo,
        finetuning_type: FinetuningType::Lora,
        lora_rank: 8,
        ..Recipe::default()
    };
    RunCard {
        id: RUN.into(),
        name: "polite answers".into(),
        folder: recipe.output_dir.clone(),
        status: RunStatus::Completed,
        result: Some(recipe.output_dir.clone()),
        recipe: Arc::new(recipe),
        deleted_unix_secs: None,
        archived: false,
        ..card(0)
    }
}

/// The second round: the new model against the old one, on prompts that were held out.
pub fn second_round() -> QueueCard {
    let authors = vec![author("SmolLM2-135M", None), author("polite answers", Some(RUN))];
    let settings = QueueSettings { authors, round: 2, only_held_out: true, ..queue_card(Mode::Pair).settings };
    QueueCard {
        id: 2,
        name: "workshop questions, round 2".into(),
        settings,
        parent: Some(1),
        items: 60,
        answered: 60,
        labelled: 60,
        skipped: 0,
        flagged: 0,
        ..queue_card(Mode::Pair)
    }
}

/// The labels' thread answers what was asked about decisions.
pub fn tell_decisions(bench: &mut Bench, engine: &Engine, queue: i64, decisions: Arc<Vec<Decision>>) {
    engine.tell_labels(labels::Answer::Decisions { queue, decisions });
    bench.poll();
}

/// Ada's rounds page with these queues.
pub fn rounds_bench(language: Language, cards: Vec<QueueCard>) -> (Bench, Engine) {
    let (mut bench, engine) = ready_bench(language);
    bench.settings.annotator = "Ada".into();
    engine.tell(Told::Runs(vec![run_card()]));
    engine.tell_labels(labels::Answer::Queues(cards));
    bench.poll();
    bench.desks.label.page = LabelPage::Rounds;
    bench.panel = Panel::Label;
    (bench, engine)
}

/// Both rounds, their labels read: 41 of 60 for the new model.
pub fn chain_bench(language: Language) -> (Bench, Engine) {
    let mut first = QueueCard { run: Some(RUN.into()), ..first_round(Mode::Pair) };
    first.settings.held_out = (1..=60).collect();
    let (mut bench, engine) = rounds_bench(language, vec![second_round(), first]);
    let told = decisions(&[(66, better(0)), (12, Verdict::Tie), (10, Verdict::BothBad), (8, Verdict::BothGood)]);
    // Eight items came back, seven with the same verdict.
    let again = (0..8).map(|n| Decision { pass: 1, id: 200 + n as i64, ..decision(n, better(usize::from(n == 3))) });
    let told = Arc::new(told.iter().cloned().chain(again).collect());
    tell_decisions(&mut bench, &engine, 1, told);
    tell_decisions(&mut bench, &engine, 2, decisions(&[(39, better(1)), (4, Verdict::Tie), (17, better(0))]));
    (bench, engine)
}
