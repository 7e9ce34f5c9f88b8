//! Scenes of the list of runs, of a run of the past in Train, and of the queue.

use luthier_engine::protocol::{Event, Problem};

use crate::bench::Bench;
use crate::desks::Place;
use crate::library::Answer;
use crate::panels::Panel;
use crate::testing::cards::{card, replayed, tell};
use crate::testing::{Engine, facts, ready_bench, step};
use crate::text::Language;

type Scene = fn(Language) -> (Bench, Engine);

pub(super) fn scenes() -> Vec<(&'static str, Scene)> {
    vec![
        ("runs_empty", empty),
        ("runs_list", list),
        ("runs_detail", detail),
        ("runs_chosen", chosen),
        ("runs_bin", bin),
        ("runs_none", none),
        ("runs_trouble", trouble),
        ("train_opened", opened),
        ("train_queue", queue),
        ("method_queue", form_queue),
    ]
}

fn bench(language: Language, n: usize) -> (Bench, Engine) {
    let (mut bench, engine) = ready_bench(language);
    tell(&engine, n);
    bench.poll();
    bench.panel = Panel::Runs;
    (bench, engine)
}

fn empty(language: Language) -> (Bench, Engine) {
    bench(language, 0)
}

fn list(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = bench(language, 15);
    bench.desks.runs.hidden.clear();
    (bench, engine)
}

fn detail(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = bench(language, 15);
    engine.tell(Answer::Loaded { id: "run-1".into(), run: replayed(&card(1), 90) });
    bench.focus_run("run-1");
    bench.poll();
    (bench, engine)
}

fn chosen(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = bench(language, 40);
    engine.tell(Answer::Loaded { id: "run-3".into(), run: replayed(&card(3), 60) });
    bench.poll();
    for id in ["run-0", "run-3", "run-6"] {
        bench.toggle_chosen(id);
    }
    bench.focus_run("run-3");
    bench.delete_runs(vec!["run-7".into()]);
    (bench, engine)
}

fn bin(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = bench(language, 40);
    bench.desks.runs.search.place = Place::Bin;
    bench.desks.runs.confirming = true;
    (bench, engine)
}

fn none(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = bench(language, 12);
    bench.desks.runs.search.words = "cello tag:wood".into();
    (bench, engine)
}

fn trouble(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = bench(language, 12);
    let message = "the database of runs, /home/luthier/luthier.sqlite: it was written by a later Luthier (version 3, \
                   this one knows 1). The window works without it; nothing in it was changed";
    bench.desks.runs.problem = Some(Problem { code: "library_newer".into(), message: message.into() });
    (bench, engine)
}

fn opened(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = bench(language, 12);
    engine.tell(Answer::Loaded { id: "run-1".into(), run: replayed(&card(1), 90) });
    bench.poll();
    bench.open_run("run-1");
    (bench, engine)
}

fn running(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = ready_bench(language);
    bench.start_training();
    let run = bench.state.run.as_ref().expect("it began");
    let (id, recipe) = (run.id.clone(), run.recipe.clone());
    engine.say(Event::RunStarted { id: id.clone(), facts: Box::new(facts(recipe, 120)) });
    for n in 1..=60 {
        engine.say(Event::StepReported { id: id.clone(), report: step(n) });
    }
    bench.poll();
    (bench, engine)
}

fn queue(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = running(language);
    for rank in [16, 32, 64] {
        bench.state.recipe.lora_rank = rank;
        bench.add_to_queue();
    }
    bench.desks.queue.waiting[1].sweep = Some(("ranks".into(), "lora_rank=32".into()));
    bench.hold_queue();
    bench.notes.clear();
    (bench, engine)
}

fn form_queue(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = running(language);
    bench.panel = Panel::Method;
    (bench, engine)
}
