//! Runs of the past, as the library tells them.

use std::sync::Arc;

use luthier_engine::protocol::{Event, ForgettingReport, Outcome};
use luthier_engine::recipe::{FinetuningType, Recipe, Stage};

use super::{Engine, eval, facts, step};
use crate::library::{Answer, RunCard, RunStatus};
use crate::state::Run;

const STATUSES: [RunStatus; 6] = [
    RunStatus::Completed,
    RunStatus::Stopped,
    RunStatus::Failed,
    RunStatus::Broken,
    RunStatus::Missing,
    RunStatus::Running,
];

/// The `n`th of many runs; they differ in everything.
pub fn card(n: usize) -> RunCard {
    let stage = [Stage::Sft, Stage::Dpo, Stage::Kto, Stage::Sft][n % 4];
    let finetuning_type = [FinetuningType::Lora, FinetuningType::Freeze, FinetuningType::Lora][n % 3];
    let model = ["/models/SmolLM2-135M", "/models/Qwen2.5-0.5B-Instruct"][n % 2];
    let name = format!("{}-{finetuning_type}-20261{:03}-{:06}", model.rsplit('/').next().unwrap(), n % 900, n * 7);
    let recipe = Recipe {
        model_name_or_path: model.into(),
        dataset: vec![["/data/alpaca_zh.jsonl", "/data/pairs.jsonl"][n / 2 % 2].into()],
        output_dir: format!("/home/luthier/runs/{name}").into(),
        stage,
        finetuning_type,
        lora_rank: 8 << (n % 3),
        learning_rate: 1e-4 * (1 + n % 4) as f64,
        ..Recipe::default()
    };
    let status = STATUSES[n % STATUSES.len()];
    let whole = matches!(status, RunStatus::Completed);
    RunCard {
        id: format!("run-{n}"),
        folder: recipe.output_dir.clone(),
        name,
        status,
        started_unix_secs: 1_795_000_000 - 5_000 * n as u64,
        elapsed_secs: 61.0 * (1 + n % 50) as f64,
        steps: if whole { 120 } else { 13 + n % 90 },
        total_steps: 120,
        last_loss: (n % 7 != 5).then_some(1.1 + (n as f32 * 0.37).sin() * 0.4),
        best_eval_loss: (n % 3 != 1).then_some(1.3 + (n as f32 * 0.53).sin() * 0.3),
        forgetting: (n % 2 == 0).then_some((12.0, 12.0 + (n as f32 * 0.7).sin().abs())),
        peak_memory_bytes: 1_610_000_000,
        trainable_parameters: 2_442_240,
        parameters: 134_515_008,
        result: matches!(status, RunStatus::Completed | RunStatus::Stopped).then(|| recipe.output_dir.clone()),
        tags: [vec![], vec!["baseline".into()], vec!["中文".into(), "rank".into()]][n % 3].clone(),
        note: if n % 4 == 1 { "Learns fast, forgets little.".into() } else { String::new() },
        starred: n % 5 == 1,
        archived: n % 11 == 10,
        deleted_unix_secs: (n % 13 == 12).then_some(1_795_000_000),
        sweep: (n % 6 == 3).then(|| ("ranks".to_owned(), format!("lora_rank={}", 8 << (n % 3)))),
        colour: n % 7,
        recipe: Arc::new(recipe),
    }
}

pub fn cards(n: usize) -> Vec<RunCard> {
    (0..n).map(card).collect()
}

/// The library tells of `n` runs.
pub fn tell(engine: &Engine, n: usize) {
    engine.tell(Answer::Runs(cards(n)));
}

/// The events of a run, as its folder has them.
pub fn events(id: &str, recipe: &Recipe, steps: usize, end: Option<Outcome>) -> Vec<Event> {
    let id = || id.to_owned();
    let facts = luthier_engine::protocol::RunFacts {
        output_dir: recipe.output_dir.clone(),
        ..facts(recipe.clone(), steps.max(120))
    };
    let mut events = vec![Event::RunStarted { id: id(), facts: Box::new(facts) }];
    for n in 1..=steps {
        events.push(Event::StepReported { id: id(), report: step(n) });
        if n % 20 == 0 {
            events.push(Event::EvalReported { id: id(), report: eval(n) });
            let report = ForgettingReport { step: n, perplexity: 12.5, base_perplexity: 12.0, kl: 0.01 };
            events.push(Event::ForgettingMeasured { id: id(), report });
        }
        if n % 50 == 0 {
            events.push(Event::CheckpointSaved { id: id(), step: n, path: format!("/checkpoint-{n}").into() });
        }
    }
    events.extend(end.map(|outcome| Event::RunFinished { id: id(), outcome }));
    events
}

/// As lines of `events.jsonl`.
pub fn lines(events: &[Event]) -> String {
    events.iter().map(|event| format!("{}\n", serde_json::json!({ "at": 1.5, "event": event }))).collect()
}

/// A run of the past with so many steps, read.
pub fn replayed(card: &RunCard, steps: usize) -> Arc<Run> {
    let end = match card.status {
        RunStatus::Running => None,
        RunStatus::Completed => Some(Outcome::Completed { result: card.folder.clone() }),
        _ => Some(Outcome::Stopped { result: card.result.clone(), reason: "stopped at step 90".into() }),
    };
    let text = lines(&events(&card.id, &card.recipe, steps, end));
    Arc::new(Run::replay(text.lines()).expect("it tells of its start"))
}
