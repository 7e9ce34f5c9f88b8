use std::sync::Arc;

use luthier_engine::data::{DataKind, DataSummary, inspect};
use luthier_engine::feedback::{Mode, Ties, Verdict};
use luthier_engine::protocol::{Command, DataSource, Event};
use luthier_engine::recipe::{Interval, Recipe, Stage};

use super::files;
use super::*;
use crate::labels::{Answer, Author, QueueSettings};
use crate::panels::Panel;
use crate::testing::labels::author;
use crate::testing::rounds::*;
use crate::testing::{Engine, data_of};
use crate::text::Language;

/// The order to write files, with their texts.
fn written(engine: &Engine) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let orders = engine.label_orders.borrow();
    let files =
        orders.iter().find_map(|order| if let Order::Write { files } = order { Some(files.clone()) } else { None });
    files.unwrap_or_else(|| panic!("nothing is written: {orders:?}"))
}

/// The engine reads whatever data was asked for as rows of `kind`, and every model.
fn read(bench: &mut Bench, engine: &Engine, kind: DataKind) {
    for command in engine.take() {
        if let Command::InspectData { request, source } = command {
            let summary = DataSummary { path: source.path, ..data_of(kind) };
            engine.say(Event::DataInspected { request, summary: Box::new(summary) });
        } else if let Command::InspectModel { request, path } = command {
            let summary = luthier_engine::protocol::ModelSummary { path, ..crate::testing::model() };
            engine.say(Event::ModelInspected { request, summary });
        }
    }
    bench.poll();
}

fn lesson(mode: Mode, kinds: &[(usize, Verdict)]) -> (Bench, Engine) {
    let (mut bench, engine) = rounds_bench(Language::English, vec![first_round(mode)]);
    bench.train_on(1);
    tell_decisions(&mut bench, &engine, 1, decisions(kinds));
    (bench, engine)
}

/// Writes the files, and lets the form take what is proposed.
fn trained(bench: &mut Bench, engine: &Engine, kind: DataKind) -> Recipe {
    engine.take();
    bench.write_lesson();
    let files = written(engine);
    let path = files.last().map(|(path, _)| path.clone()).expect("there are files");
    engine.tell_labels(Answer::Written { path });
    bench.poll();
    bench.sync_data();
    read(bench, engine, kind);
    bench.sync_data();
    read(bench, engine, kind);
    bench.whole_recipe()
}

#[test]
fn pairs_become_a_dpo_recipe_on_their_files() {
    let (mut bench, engine) = lesson(Mode::Pair, &[(30, better(0)), (30, better(1)), (6, Verdict::Tie)]);
    let recipe = trained(&mut bench, &engine, DataKind::Preference);
    assert_eq!(bench.panel, Panel::Method);
    assert_eq!(recipe.stage, Stage::Dpo);
    let named =
        |list: &[String]| list.iter().map(|name| name.rsplit('/').next().unwrap_or("").to_owned()).collect::<Vec<_>>();
    let (train, eval) = (named(&recipe.dataset), named(&recipe.eval_dataset));
    assert!(
        train[0].starts_with("pairs-") && eval[0].starts_with("pairs-") && eval[0] != train[0],
        "{train:?} {eval:?}"
    );
    assert_ne!(recipe.eval_strategy, Interval::No);
    assert_eq!(recipe.early_stopping_steps, None, "six prompts cannot say when to stop");
    assert_eq!((recipe.val_size, recipe.model_name_or_path.to_str()), (0.0, Some("/models/SmolLM2-135M")));
    assert!((1e-7..1e-4).contains(&recipe.learning_rate), "{}", recipe.learning_rate);
    assert!(!bench.state.running() && bench.state.missing().is_empty(), "{:?}", bench.state.missing());
    bench.start_training();
    let held_out = engine.label_orders.borrow().iter().find_map(|order| match order {
        Order::ChangeQueue { settings, .. } => Some(settings.held_out.len()),
        _ => None,
    });
    assert_eq!(held_out, Some(6), "the queue remembers what was held out");
    let run = bench.state.run.as_ref().expect("it began").id.clone();
    let orders = engine.label_orders.borrow();
    let linked = orders.iter().any(|order| matches!(order, Order::Trained { queue: 1, run: id } if *id == run));
    assert!(linked, "{orders:?}");
}

#[test]
fn unbalanced_marks_become_kto_with_weights() {
    let (mut bench, engine) = lesson(Mode::Single, &[(90, Verdict::Bad), (10, Verdict::Good)]);
    let mut desk = bench.desks.label.rounds.lesson.clone().expect("it is open");
    assert_eq!(desk.chosen(), Some(Stage::Kto));
    assert_eq!(desk.count().and_then(|counted| counted.lesson.weights), Some((9.0, 1.0)));
    assert!(!desk.serves(Stage::Dpo), "no pair can be made");
    let recipe = trained(&mut bench, &engine, DataKind::Kto);
    assert_eq!(recipe.stage, Stage::Kto);
    assert!(recipe.dataset[0].contains("marks-"), "{:?}", recipe.dataset);
    // The rows that the engine tells of here are 666 liked and 333 not.
    assert_eq!((recipe.kto_chosen_weight, recipe.kto_rejected_weight), (1.0, 2.0));
}

#[test]
fn a_reward_model_is_no_next_speaker() {
    let (mut bench, engine) = lesson(Mode::Pair, &[(40, better(0))]);
    if let Some(lesson) = &mut bench.desks.label.rounds.lesson {
        lesson.stage = Some(Stage::Rm);
    }
    let recipe = trained(&mut bench, &engine, DataKind::Preference);
    assert_eq!(recipe.stage, Stage::Rm);
    bench.start_training();
    assert!(!engine.label_orders.borrow().iter().any(|order| matches!(order, Order::Trained { .. })));
}

#[test]
fn answers_of_a_run_are_learned_on_top_of_its_adapter() {
    let mut card = second_round();
    card.parent = None;
    let (mut bench, engine) = rounds_bench(Language::English, vec![card]);
    bench.train_on(2);
    tell_decisions(&mut bench, &engine, 2, decisions(&[(30, better(1)), (10, better(0))]));
    let start = bench.lesson_start(2).expect("a model answered");
    assert!(start.preferred && start.merges && start.author.run.as_deref() == Some(RUN));
    let recipe = trained(&mut bench, &engine, DataKind::Preference);
    assert_eq!(recipe.adapter_name_or_path, start.author.adapter);
    assert!(recipe.create_new_adapter && recipe.quantization_bit.is_none());
}

#[test]
fn files_hold_what_was_said_and_the_engine_reads_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let told = decisions(&[(24, better(0)), (16, better(1)), (5, Verdict::Tie), (3, Verdict::BothBad)]);
    for (stage, ties, kind) in [
        (Stage::Dpo, Ties::LeaveOut, DataKind::Preference),
        (Stage::Rm, Ties::Split, DataKind::Preference),
        (Stage::Kto, Ties::LeaveOut, DataKind::Kto),
    ] {
        let written = files::write(&told, stage, ties, 0.2, folder.path()).expect("nothing is in the way");
        for (path, bytes) in &written.files {
            std::fs::write(path, bytes).expect("it can be written");
        }
        let summary = |path: &std::path::Path| {
            let source = DataSource {
                path: path.to_owned(),
                mapping: None,
                model: None,
                cutoff_len: 2048,
                train_on_prompt: false,
            };
            let summary = inspect(&source, &mut |_, _| std::ops::ControlFlow::Continue(())).expect("it is read");
            assert_eq!((summary.kind, summary.problem_count), (kind, 0), "{:?}", summary.problems);
            summary
        };
        let eval = written.eval.as_deref().expect("prompts are held out");
        let (train, eval) = (summary(&written.train), summary(eval));
        let all = match (stage, ties) {
            (Stage::Kto, _) => 2 * (24 + 16 + 3),
            (_, Ties::Split) => 24 + 16 + 2 * 5,
            _ => 24 + 16,
        };
        assert_eq!(train.rows + eval.rows, all, "{stage} {ties:?}");
        let questions = |summary: &DataSummary| -> std::collections::BTreeSet<String> {
            summary.preview.iter().map(|row| row.question.clone()).collect()
        };
        assert!(questions(&train).is_disjoint(&questions(&eval)) && eval.rows > 0);
    }
}

#[test]
fn of_few_prompts_none_is_held_out() {
    let (bench, _engine) = lesson(Mode::Pair, &[(19, better(0))]);
    let mut desk = bench.desks.label.rounds.lesson.clone().expect("it is open");
    assert_eq!(desk.count().map(|counted| (counted.prompts, counted.pairs)), Some((19, (19, 0))));
    let (bench, _engine) = lesson(Mode::Pair, &[(20, better(0))]);
    let mut desk = bench.desks.label.rounds.lesson.clone().expect("it is open");
    assert_eq!(desk.count().map(|counted| (counted.prompts, counted.pairs)), Some((20, (18, 2))));
}

#[test]
fn the_next_round_sets_the_new_model_against_the_old_on_held_out_prompts() {
    let mut first = QueueCard { run: Some(RUN.into()), ..first_round(Mode::Pair) };
    first.settings.held_out = (1..=24).collect();
    let (mut bench, engine) = rounds_bench(Language::English, vec![first]);
    bench.label_new_model(RUN);
    bench.begin_next_round();
    let order = engine.label_orders.borrow().iter().rev().find_map(|order| match order {
        Order::NextRound { parent, name, authors, only } => {
            Some((*parent, name.clone(), authors.clone(), only.as_ref().map(Vec::len)))
        }
        _ => None,
    });
    let (parent, name, authors, only) = order.expect("it is ordered");
    assert_eq!((parent, name.as_str(), only), (1, "workshop questions, round 2", Some(24)));
    let [old, new]: [Author; 2] = authors.try_into().expect("two models answer");
    assert_eq!(old, author("SmolLM2-135M", None));
    assert_eq!((new.run.as_deref(), new.sampling == old.sampling), (Some(RUN), true));
    assert_eq!(new.adapter.as_deref(), run_card().result.as_deref());

    let first = bench.desks.label.cards[0].clone();
    engine.tell_labels(Answer::Queues(vec![second_round(), first]));
    engine.tell_labels(Answer::Made(2));
    bench.poll();
    assert_eq!(bench.desks.label.open, Some(2), "it lies on the bench");
}

#[test]
fn chains_are_found_from_any_of_their_rounds() {
    let (bench, _engine) = chain_bench(Language::English);
    let desk = &bench.desks.label;
    assert_eq!((desk.root_of(2), desk.chains(), desk.shown_chain()), (1, vec![1], Some(1)));
    assert_eq!(desk.links(1), [Link::Round(1), Link::Run(1), Link::Round(2)]);
    let numbers = desk.rounds.numbers(2).expect("they were read");
    let win = numbers.win.expect("two models answered");
    assert_eq!((win.wins, win.ties, win.losses), (39, 4, 17));
    let first = desk.rounds.numbers(1).expect("they were read");
    assert_eq!(first.agreement, Some((7.0 / 8.0, 8)));
    assert_eq!((first.labels.both, first.disagreed), (18, 1));
}

#[test]
fn a_damaged_file_does_not_lead_in_circles() {
    let (mut bench, _engine) = chain_bench(Language::English);
    let settings = QueueSettings::default();
    for (id, parent) in [(5, 6), (6, 5), (7, 7)] {
        let card = QueueCard { id, parent: Some(parent), settings: settings.clone(), ..second_round() };
        bench.desks.label.cards.push(card);
    }
    let desk = &bench.desks.label;
    let all: Vec<Link> = desk.chains().into_iter().flat_map(|root| desk.links(root)).collect();
    assert!(all.len() >= 5, "{all:?}");
}

#[test]
fn numbers_are_asked_for_once_and_again_when_labels_come() {
    let (mut bench, engine) = rounds_bench(Language::English, vec![first_round(Mode::Pair)]);
    let asked = |engine: &Engine| {
        let orders = engine.label_orders.borrow();
        orders.iter().filter(|order| matches!(order, Order::Decisions { .. })).count()
    };
    for _ in 0..3 {
        bench.want_numbers(1);
    }
    assert_eq!(asked(&engine), 1);
    tell_decisions(&mut bench, &engine, 1, decisions(&[(3, better(0))]));
    bench.want_numbers(1);
    assert_eq!(asked(&engine), 1);
    engine.tell_labels(Answer::Queues(vec![QueueCard { labelled: 97, ..first_round(Mode::Pair) }]));
    bench.poll();
    bench.want_numbers(1);
    assert_eq!(asked(&engine), 2);
    tell_decisions(&mut bench, &engine, 1, Arc::new(Vec::new()));
}
