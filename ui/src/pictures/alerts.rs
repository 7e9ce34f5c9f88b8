//! A run that has gone wrong in several ways, and one that goes as it was expected to.

use luthier_engine::protocol::{EvalReport, Event, ForgettingReport, StepReport};

use super::{Scene, full};
use crate::bench::Bench;
use crate::panels::Panel;
use crate::testing::{Engine, eval, facts, step};
use crate::text::Language;

pub(super) fn scenes(language: Language) -> Vec<Scene> {
    vec![
        ("train_alerts", Box::new(move || run(language, true))),
        ("train_predicted", Box::new(move || run(language, false))),
    ]
}

fn run(language: Language, wrong: bool) -> (Bench, Engine) {
    let (mut b, e) = full(language);
    b.state.recipe.max_steps = 300;
    if wrong {
        b.state.recipe.forgetting_dataset = vec!["/data/general.jsonl".into()];
        b.state.recipe.forgetting_limit = Some(0.1);
    }
    b.start_training();
    let id = b.state.run.as_ref().expect("it has just been started").id.clone();
    let mut told = facts(b.state.recipe.clone(), 300);
    told.estimate = b.estimate();
    e.say(Event::RunStarted { id: id.clone(), facts: Box::new(told) });
    for i in 1..=180 {
        let mut report: StepReport = step(i);
        report.elapsed_secs = i as f64 * 13.0;
        report.remaining_secs = (300 - i) as f64 * 13.0;
        if wrong {
            report.learning_rate = 1e-4;
            report.tokens_per_sec = if i > 165 { 310.0 } else { 940.0 };
        }
        e.say(Event::StepReported { id: id.clone(), report });
        if wrong && i % 30 == 0 {
            let loss = 1.5 + ((i as f32 - 60.0) / 60.0).powi(2) * 0.1;
            e.say(Event::EvalReported { id: id.clone(), report: EvalReport { loss, ..eval(i) } });
            let perplexity = 12.0 + i as f32 * 0.012;
            let report = ForgettingReport { step: i, perplexity, base_perplexity: 12.0, kl: 0.001 * i as f32 };
            e.say(Event::ForgettingMeasured { id: id.clone(), report });
        }
    }
    b.panel = Panel::Train;
    b.poll();
    (b, e)
}
