//! Scenes of runs laid over one another, and of sweeps.

use std::sync::Arc;

use luthier_engine::protocol::{Event, PromptAnswer};

use crate::bench::Bench;
use crate::desks::{ComparePage, RunsPage};
use crate::library::{Answer, RunCard, RunStatus};
use crate::panels::Panel;
use crate::state::Run;
use crate::testing::cards::{card, events, lines};
use crate::testing::{Engine, ready_bench};
use crate::text::Language;

type Scene = fn(Language) -> (Bench, Engine);

pub(super) fn scenes() -> Vec<(&'static str, Scene)> {
    vec![
        ("compare_empty", |language| bench(language, 0)),
        ("compare_overlay", |language| page(language, ComparePage::Overlay)),
        ("compare_recipes", |language| page(language, ComparePage::Recipes)),
        ("compare_results", |language| page(language, ComparePage::Results)),
        ("compare_tradeoff", |language| page(language, ComparePage::Tradeoff)),
        ("compare_answers", |language| page(language, ComparePage::Answers)),
        ("compare_parallel", parallel),
        ("sweep_empty", |language| sweep(language, false)),
        ("sweep_builder", |language| sweep(language, true)),
        ("sweep_outcome", outcome),
    ]
}

/// A finished run of a sweep over rank and rate.
fn swept(n: usize) -> RunCard {
    let (rank, rate) = (8 << (n % 3), [5e-5, 1e-4, 2e-4][n / 3 % 3]);
    let recipe = luthier_engine::recipe::Recipe { lora_rank: rank, learning_rate: rate, ..(*card(0).recipe).clone() };
    RunCard {
        id: format!("sweep-{n}"),
        name: format!("ranks-{:02}", n + 1),
        recipe: Arc::new(recipe),
        status: RunStatus::Completed,
        last_loss: Some(1.4 - 0.05 * n as f32),
        best_eval_loss: Some(1.3 + ((n as f32) * 1.3).sin() * 0.2),
        forgetting: Some((12.0, 12.0 + n as f32 * 0.2)),
        sweep: Some(("ranks".into(), format!("lora_rank={rank}, learning_rate={}", crate::format::setting(rate)))),
        tags: vec![],
        archived: false,
        deleted_unix_secs: None,
        colour: n % 7,
        ..card(n)
    }
}

/// A run with steps of its own, evaluations and answers.
fn told(card: &RunCard, n: usize) -> Arc<Run> {
    let mut all = events(&card.id, &card.recipe, 100, None);
    for event in &mut all {
        match event {
            Event::StepReported { report, .. } => report.loss += 0.12 * n as f32,
            Event::EvalReported { report, .. } => report.loss += 0.05 * n as f32 * report.step as f32 / 100.0,
            _ => {}
        }
    }
    let answers =
        ["The strings do: the bow makes them swing.", "The bow does, and the strings swing with it.", "The strings."];
    let answer = |prompt: &str, answer: &str| PromptAnswer { prompt: prompt.into(), answer: answer.into() };
    all.push(Event::PromptsAnswered {
        id: card.id.clone(),
        step: 100,
        answers: vec![
            answer("Which part of a violin sounds first?", answers[n % 3]),
            answer("琴弓的毛是什么做的？", ["马尾毛。", "多用马尾毛，擦上松香。", "尼龙。"][n % 3]),
        ],
    });
    Arc::new(Run::replay(lines(&all).lines()).expect("it tells of its start"))
}

pub(crate) fn bench(language: Language, chosen: usize) -> (Bench, Engine) {
    let (mut bench, engine) = ready_bench(language);
    let cards: Vec<RunCard> = (0..9).map(swept).chain((1..6).map(card)).collect();
    engine.tell(Answer::Runs(cards.clone()));
    for (n, card) in cards.iter().take(chosen).enumerate() {
        engine.tell(Answer::Loaded { id: card.id.clone(), run: told(card, n) });
    }
    bench.poll();
    bench.panel = Panel::Runs;
    bench.desks.runs.page = RunsPage::Compare;
    bench.desks.runs.chosen = cards.iter().take(chosen).map(|card| card.id.clone()).collect();
    (bench, engine)
}

fn page(language: Language, page: ComparePage) -> (Bench, Engine) {
    let (mut bench, engine) = bench(language, 3);
    bench.desks.compare.page = page;
    (bench, engine)
}

fn parallel(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = bench(language, 9);
    bench.desks.compare.page = ComparePage::Parallel;
    bench.desks.compare.brushes.insert("lora_rank".into(), (0.4, 1.01));
    (bench, engine)
}

fn sweep(language: Language, filled: bool) -> (Bench, Engine) {
    let (mut bench, engine) = ready_bench(language);
    bench.panel = Panel::Runs;
    bench.desks.runs.page = RunsPage::Sweep;
    if filled {
        for key in ["learning_rate", "lora_rank", "lora_dropout", "use_dora", "lr_scheduler_type"] {
            bench.add_axis(key);
        }
        let axes = &mut bench.desks.sweep.axes;
        axes[0].given = crate::desks::Given::Range;
        axes[1].list = "8, 16".into();
        axes[2].list = "0, 1.5".into();
        axes[4].words = ["cosine".to_owned()].into();
    }
    (bench, engine)
}

fn outcome(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = bench(language, 9);
    bench.desks.runs.page = RunsPage::Sweep;
    bench.desks.sweep.shown = Some("ranks".into());
    (bench, engine)
}
