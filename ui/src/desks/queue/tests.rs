use luthier_engine::protocol::{Command, Event, Outcome, Problem};

use super::*;
use crate::library::Answer;
use crate::testing::{Engine, facts, ready_bench};
use crate::text::Language;

/// A bench whose run goes on, and that run's id.
fn running() -> (Bench, Engine, String) {
    let (mut bench, engine) = ready_bench(Language::English);
    bench.start_training();
    let id = bench.state.run.as_ref().expect("it began").id.clone();
    begins(&mut bench, &engine);
    (bench, engine, id)
}

fn begins(bench: &mut Bench, engine: &Engine) {
    let run = bench.state.run.as_ref().expect("a run");
    let facts = luthier_engine::protocol::RunFacts {
        output_dir: run.recipe.output_dir.clone(),
        ..facts(run.recipe.clone(), 120)
    };
    engine.say(Event::RunStarted { id: run.id.clone(), facts: Box::new(facts) });
    bench.poll();
    engine.take();
}

fn ends(bench: &mut Bench, engine: &Engine, outcome: Outcome) {
    let id = bench.state.run.as_ref().expect("a run").id.clone();
    engine.say(Event::RunFinished { id, outcome });
    bench.poll();
}

fn completed() -> Outcome {
    Outcome::Completed { result: "/home/luthier/runs/one".into() }
}

fn started(engine: &Engine) -> Option<(String, Recipe)> {
    engine.take().into_iter().find_map(|command| match command {
        Command::StartRun { id, recipe, resume: false } => Some((id, *recipe)),
        _ => None,
    })
}

#[test]
fn a_queued_run_stays_as_it_was_and_starts_when_the_one_before_has_ended() {
    let (mut bench, engine, first) = running();
    bench.state.recipe.lora_rank = 16;
    assert!(bench.can_add_to_queue());
    bench.add_to_queue();
    bench.state.recipe.lora_rank = 64;
    bench.add_to_queue();
    assert!(started(&engine).is_none(), "one at a time");
    let queued = bench.desks.queue.waiting.clone();
    assert_eq!((queued[0].recipe.lora_rank, queued[1].recipe.lora_rank), (16, 64));
    assert!(queued[0].id != queued[1].id && queued[0].id != first, "all in one second, and yet apart");
    assert_ne!(queued[0].recipe.output_dir, queued[1].recipe.output_dir);
    assert_eq!(queued[0].recipe.dataset, ["/data/alpaca_zh.jsonl"]);

    // The form, its model and its data change; the queued run does not.
    bench.state.recipe.lora_rank = 8;
    bench.open_data("/data/pairs.jsonl".into());
    engine.answer_all();
    bench.poll();
    ends(&mut bench, &engine, completed());
    let (id, recipe) = started(&engine).expect("the next begins");
    assert_eq!((id.as_str(), &recipe), (queued[0].id.as_str(), &queued[0].recipe));
    assert_eq!(bench.state.run.as_ref().expect("a run").id, id);
    assert_eq!(bench.desks.queue.waiting, queued[1..]);
    begins(&mut bench, &engine);
    // A failure is no reason for the others to wait.
    ends(&mut bench, &engine, Outcome::Failed { problem: Problem { code: "diverged".into(), message: "NaN".into() } });
    assert_eq!(started(&engine).expect("the last begins").0, queued[1].id);
    let kept = engine.orders.borrow().iter().rev().find_map(|order| match order {
        Order::KeepQueue { waiting } => Some(waiting.len()),
        _ => None,
    });
    assert_eq!(kept, Some(0));
}

#[test]
fn a_stop_by_the_person_holds_the_queue_and_early_stopping_does_not() {
    let (mut bench, engine, _) = running();
    bench.add_to_queue();
    bench.stop();
    let stopped = || Outcome::Stopped { result: None, reason: "stopped at step 3; a checkpoint was saved".into() };
    ends(&mut bench, &engine, stopped());
    assert!(started(&engine).is_none());
    assert_eq!(bench.desks.queue.held, Some(Held::RunStopped));
    bench.queue_goes_on();
    assert!(started(&engine).is_some());
    begins(&mut bench, &engine);
    bench.add_to_queue();
    ends(&mut bench, &engine, stopped());
    assert!(started(&engine).is_some(), "nobody asked for this stop");
}

#[test]
fn a_held_queue_waits_and_what_is_removed_comes_back_to_its_place() {
    let (mut bench, engine, _) = running();
    for rank in [2, 4, 6] {
        bench.state.recipe.lora_rank = rank;
        bench.add_to_queue();
    }
    let ranks = |bench: &Bench| -> Vec<usize> {
        bench.desks.queue.waiting.iter().map(|queued| queued.recipe.lora_rank).collect()
    };
    bench.move_queued(2, 0);
    assert_eq!(ranks(&bench), [6, 2, 4]);
    bench.remove_queued(1);
    assert_eq!(ranks(&bench), [6, 4]);
    bench.put_back_queued();
    assert_eq!(ranks(&bench), [6, 2, 4]);
    bench.hold_queue();
    ends(&mut bench, &engine, completed());
    assert!(started(&engine).is_none());
    // Back in the form it can be changed; another folder is chosen when it is queued anew.
    bench.edit_queued(1);
    assert_eq!((ranks(&bench), bench.state.recipe.lora_rank), (vec![6, 4], 2));
    assert!(bench.state.recipe.output_dir.as_os_str().is_empty() && bench.panel == Panel::Method);
    bench.queue_goes_on();
    assert_eq!(started(&engine).expect("it begins").1.lora_rank, 6);
}

#[test]
fn a_restored_queue_is_held_and_a_sweep_is_told_to_the_library() {
    let (mut bench, engine) = ready_bench(Language::English);
    let recipe = bench.whole_recipe();
    let old = Queued { sweep: Some(("ranks".into(), "lora_rank=8".into())), ..bench.prepare(recipe) };
    engine.tell(Answer::Queue(vec![old.clone()]));
    bench.poll();
    assert_eq!((bench.desks.queue.held, bench.desks.queue.waiting.len()), (Some(Held::Restored), 1));
    assert!(started(&engine).is_none());
    bench.queue_goes_on();
    assert_eq!(started(&engine).expect("it begins").0, old.id);
    begins(&mut bench, &engine);
    let told = engine.orders.borrow().iter().find_map(|order| match order {
        Order::Register { folder, sweep } => Some((folder.clone(), sweep.clone())),
        _ => None,
    });
    assert_eq!(told, Some((old.recipe.output_dir, old.sweep)));
}

#[test]
fn two_runs_do_not_share_a_folder_that_the_person_named() {
    let (mut bench, _engine, _) = running();
    bench.state.recipe.output_dir = "/out/mine".into();
    bench.add_to_queue();
    bench.add_to_queue();
    let folders: Vec<_> = bench.desks.queue.waiting.iter().map(|queued| queued.recipe.output_dir.clone()).collect();
    assert_eq!(folders[0], std::path::Path::new("/out/mine"));
    assert!(folders[1] != folders[0] && folders[1].starts_with("/out"), "{folders:?}");
}
