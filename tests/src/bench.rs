//! What the tests work with: fixtures, runs through the worker's real channel, scratch models.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use luthier_engine::link::{Link, LinkOptions};
use luthier_engine::protocol::{Command, EvalReport, Event, Outcome, RunFacts, StepReport};
use luthier_engine::recipe::Recipe;

pub fn fixture(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(relative)
}

/// A reference case as a run of its own into `out`: eight steps from fresh weights, shuffled.
pub fn fresh(case: &str, out: &Path) -> Recipe {
    let (mut recipe, _) = Recipe::load(fixture(&format!("train/{case}/recipe.yaml"))).expect("recipe");
    recipe.adapter_name_or_path = None;
    recipe.device = "cpu".into();
    recipe.disable_shuffling = false;
    recipe.max_steps = 8;
    recipe.output_dir = out.to_owned();
    recipe
}

/// Largest absolute difference.
pub fn worst(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// What came out of a run.
pub struct Done {
    pub facts: RunFacts,
    pub steps: Vec<StepReport>,
    pub evals: Vec<EvalReport>,
    pub outcome: Outcome,
}

/// Sends the recipe to a worker and waits for its one `RunFinished`. `react` sees each event and may answer with commands.
pub fn drive(recipe: &Recipe, resume: bool, mut react: impl FnMut(&Event, &Link)) -> (Vec<Event>, Outcome) {
    let link = Link::spawn(LinkOptions::default());
    let id = "test".to_owned();
    link.send(Command::StartRun { id, recipe: Box::new(recipe.clone()), resume });
    let until = Instant::now() + Duration::from_secs(300);
    let mut events = Vec::new();
    loop {
        assert!(Instant::now() < until, "the run did not end; events: {events:?}");
        let Some(event) = link.recv_timeout(Duration::from_secs(5)) else { continue };
        react(&event, &link);
        if let Event::RunFinished { outcome, .. } = event {
            return (events, outcome);
        }
        events.push(event);
    }
}

/// A run that must complete.
pub fn run(recipe: &Recipe, resume: bool) -> Done {
    let (events, outcome) = drive(recipe, resume, |_, _| {});
    assert!(matches!(outcome, Outcome::Completed { .. }), "{outcome:?}");
    gather(events, outcome)
}

pub fn gather(events: Vec<Event>, outcome: Outcome) -> Done {
    let (mut facts, mut steps, mut evals) = (None, Vec::new(), Vec::new());
    for event in events {
        match event {
            Event::RunStarted { facts: told, .. } => facts = Some(*told),
            Event::StepReported { report, .. } => steps.push(report),
            Event::EvalReported { report, .. } => evals.push(report),
            _ => {}
        }
    }
    Done { facts: facts.expect("RunStarted came"), steps, evals, outcome }
}

/// Every event until `answers` of them end a request, and a moment longer: a second answer would come at once.
pub fn hear(link: &Link, answers: usize, ends: fn(&Event) -> bool, mut react: impl FnMut(&Event)) -> Vec<Event> {
    let until = Instant::now() + Duration::from_secs(300);
    let (mut events, mut answered) = (Vec::new(), 0);
    while answered < answers {
        assert!(Instant::now() < until, "not answered; events: {events:?}");
        let Some(event) = link.recv_timeout(Duration::from_secs(5)) else { continue };
        react(&event);
        answered += usize::from(ends(&event));
        events.push(event);
    }
    while let Some(event) = link.recv_timeout(Duration::from_millis(200)) {
        events.push(event);
    }
    events
}
