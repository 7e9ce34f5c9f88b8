use luthier_engine::protocol::Command;

use super::*;
use crate::library::{Answer, Shelf};
use crate::testing::cards::{card, cards, replayed, tell};
use crate::testing::{Engine, ready_bench};
use crate::text::Language;

fn bench(n: usize) -> (Bench, Engine) {
    let (mut bench, engine) = ready_bench(Language::English);
    tell(&engine, n);
    bench.poll();
    bench.panel = Panel::Runs;
    (bench, engine)
}

fn found(words: &str, change: impl FnOnce(&mut Search)) -> Vec<String> {
    let shelf = Shelf { runs: cards(40), revision: 1, ..Shelf::default() };
    let mut search = Search { words: words.into(), ..Search::default() };
    change(&mut search);
    let mut listing = Listing::default();
    listing.update(&shelf, &search, (Column::Date, false));
    listing.ids(&shelf)
}

#[test]
fn a_search_looks_at_everything_a_person_remembers() {
    let all = found("", |_| {});
    assert!(!all.contains(&"run-10".to_owned()), "archived");
    assert!(!all.contains(&"run-12".to_owned()), "in the bin");
    assert_eq!(all[0], "run-0", "newest first");
    let rank = found("tag:rank", |_| {});
    assert!(rank.contains(&"run-2".to_owned()) && rank.iter().all(|id| all.contains(id)) && rank.len() < all.len());
    assert_eq!(found("TAG:Rank", |_| {}), rank);
    assert_eq!(found("tag:ank", |_| {}), Vec::<String>::new(), "a tag's beginning");
    let starred = found("star", |_| {});
    assert!(starred.contains(&"run-1".to_owned()) && starred == found("", |search| search.starred = true));
    let several = found("qwen dpo forgets", |_| {});
    assert!(!several.is_empty() && several.len() < all.len(), "model, method and note: {several:?}");
    assert_eq!(
        found("broken", |_| {}),
        found("", |_| {}).into_iter().filter(|id| card_of(id).status == RunStatus::Broken).collect::<Vec<_>>()
    );
    assert_eq!(found("", |search| search.place = Place::Archive), ["run-10", "run-21", "run-32"]);
    assert_eq!(found("", |search| search.place = Place::Bin), ["run-12", "run-25", "run-38"]);
    assert!(found("", |search| search.running = true).iter().all(|id| card_of(id).status == RunStatus::Running));
}

fn card_of(id: &str) -> RunCard {
    card(id.strip_prefix("run-").and_then(|n| n.parse().ok()).expect("a number"))
}

#[test]
fn every_column_sorts_both_ways_with_gaps_last() {
    let shelf = Shelf { runs: cards(40), revision: 1, ..Shelf::default() };
    let mut listing = Listing::default();
    for column in Column::ALL {
        let mut orders = Vec::new();
        for rising in [true, false] {
            listing.update(&shelf, &Search::default(), (column, rising));
            orders.push(listing.order.clone());
        }
        assert_ne!(orders[0], orders[1], "{column:?}");
    }
    for rising in [true, false] {
        listing.update(&shelf, &Search::default(), (Column::Loss, rising));
        let losses: Vec<Option<f32>> = listing.order.iter().map(|at| shelf.runs[*at].last_loss).collect();
        let with: Vec<f32> = losses.iter().copied().flatten().collect();
        assert!(losses[with.len()..].iter().all(Option::is_none) && with.len() < losses.len());
        assert!(with.windows(2).all(|pair| if rising { pair[0] <= pair[1] } else { pair[0] >= pair[1] }));
    }
}

#[test]
fn again_with_changes_fills_the_form_and_leaves_the_old_folder_alone() {
    let (mut bench, engine) = bench(6);
    bench.again("run-1");
    engine.answer_all();
    bench.poll();
    let old = card(1).recipe;
    assert_eq!(bench.panel, Panel::Method);
    assert_eq!(bench.state.recipe.lora_rank, old.lora_rank);
    assert_eq!(bench.whole_recipe().model_name_or_path, old.model_name_or_path);
    assert!(bench.state.recipe.output_dir.as_os_str().is_empty());
    assert!(bench.notes.iter().any(|note| note.contains(&card(1).name)), "{:?}", bench.notes);
}

#[test]
fn an_opened_run_is_shown_beside_the_one_that_goes_on_and_can_go_on_itself() {
    let (mut bench, engine) = bench(6);
    bench.open_run("run-1");
    assert!(bench.run_in_view().is_none() && bench.panel == Panel::Train);
    assert!(matches!(engine.orders.borrow().last(), Some(Order::Load { id }) if id == "run-1"));
    engine.tell(Answer::Loaded { id: "run-1".into(), run: replayed(&card(1), 60) });
    bench.poll();
    assert_eq!(bench.run_in_view().expect("it is read").steps.len(), 60);
    bench.start_training();
    assert!(bench.desks.runs.opened.is_none(), "the new run is in view");
    bench.open_run("run-1");
    assert!(!bench.can_go_on(), "another run goes on");
    bench.close_opened();
    let id = bench.state.run.as_ref().expect("a run").id.clone();
    assert_eq!(bench.run_in_view().expect("a run").id, id);
    let outcome = luthier_engine::protocol::Outcome::Completed { result: "/x".into() };
    engine.say(luthier_engine::protocol::Event::RunFinished { id, outcome });
    bench.poll();
    engine.take();
    bench.go_on_with("run-1");
    let sent = engine.take();
    assert!(
        sent.iter().any(|command| matches!(command, Command::StartRun { id, resume: true, .. } if id == "run-1")),
        "{sent:?}"
    );
}

#[test]
fn deleting_is_undone_in_turn_and_a_going_run_stays() {
    let (mut bench, engine) = bench(8);
    bench.focus_run("run-1");
    bench.toggle_chosen("run-1");
    bench.delete_runs(vec!["run-1".into(), "run-5".into()]);
    let last = || engine.orders.borrow().last().cloned();
    assert!(matches!(last(), Some(Order::Delete { ids }) if ids == ["run-1"]), "run-5 goes on: {:?}", last());
    assert!(bench.desks.runs.chosen.is_empty());
    assert_eq!(bench.desks.runs.focus.as_deref(), Some("run-2"), "the next run takes the focus");
    bench.archive_runs(vec!["run-2".into()]);
    bench.undo_runs();
    assert!(matches!(last(), Some(Order::SetArchived { archived: false, .. })));
    bench.undo_runs();
    assert!(matches!(last(), Some(Order::Undelete { ids }) if ids == ["run-1"]));
    assert!(!bench.desks.runs.can_undo());
}
