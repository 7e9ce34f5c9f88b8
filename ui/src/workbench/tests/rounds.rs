//! Rounds as a person goes through them: from labels to a proposal, from a run to the next round.

use luthier_engine::feedback::{Mode, Verdict};
use luthier_engine::recipe::Stage;

use super::*;
use crate::desks::LabelPage;
use crate::labels::{Answer, Order, QueueCard};
use crate::testing::rounds::*;

fn wrote(engine: &Engine) -> Option<std::path::PathBuf> {
    engine.label_orders.borrow().iter().rev().find_map(|order| match order {
        Order::Write { files } => files.last().map(|(path, _)| path.clone()),
        _ => None,
    })
}

#[test]
fn train_on_these_shows_what_there_is_and_leads_to_method() {
    let (bench, engine) = rounds_bench(Language::English, vec![first_round(Mode::Pair)]);
    let mut window = window_of(bench, 1000.0);
    window.run();
    click(&mut window, "Train on these: workshop questions");
    assert!(says(&window, "Reading the labels"));
    let told = decisions(&[(20, better(0)), (14, better(1)), (50, Verdict::BothBad), (3, Verdict::BothGood)]);
    engine.tell_labels(Answer::Decisions { queue: 1, decisions: told });
    window.run();
    assert!(says(&window, "Proposed: Likes (KTO). 34 pairs, 53 verdicts on both answers at once"));
    assert!(says(&window, "good: 40, bad: 134"), "pairs count as marks too");
    click(&mut window, "Preferences (DPO)");
    window.get_by_label("Write the files and open Method").click();
    window.run();
    let path = wrote(&engine).expect("the files are ordered");
    engine.tell_labels(Answer::Written { path });
    engine.take();
    window.run();
    for command in engine.take() {
        if let Command::InspectData { request, source } = command {
            let summary = luthier_engine::data::DataSummary {
                path: source.path,
                ..crate::testing::data_of(luthier_engine::data::DataKind::Preference)
            };
            engine.say(Event::DataInspected { request, summary: Box::new(summary) });
        }
    }
    window.run();
    let bench = &window.state().bench;
    assert_eq!((bench.panel, bench.state.recipe.stage), (Panel::Method, Stage::Dpo));
    assert!(says(&window, "Learns from your labels in “workshop questions”"));
    assert!(bench.whole_recipe().dataset[0].contains("/labels/1-workshop questions/pairs-"));
}

#[test]
fn the_chain_shows_both_rounds_and_the_run_between_them() {
    for language in Language::ALL {
        let (bench, _engine) = chain_bench(language);
        let mut window = window_of(bench, 1400.0);
        window.run();
        assert!(says(&window, "workshop questions, round 2") && says(&window, "polite answers"));
        assert!(says(&window, "68 %"), "the win rate");
        let (round, run) = match language {
            Language::English => ("Round 2: workshop questions, round 2", "Trained on these labels: polite answers"),
            Language::Chinese => ("第 2 轮：workshop questions, round 2", "用这些标注训练：polite answers"),
        };
        assert!(says(&window, round) && says(&window, run), "painted nodes have names");
    }
    crate::text::speak(Language::English);
}

#[test]
fn a_run_on_labels_leads_to_the_next_round_from_train_and_by_key() {
    let first = QueueCard { run: Some(RUN.into()), ..first_round(Mode::Pair) };
    let (bench, engine) = rounds_bench(Language::English, vec![first]);
    let mut window = window(bench);
    window.run();
    window.key_press(Key::L);
    window.run();
    assert!(says(&window, "Old: SmolLM2-135M") && says(&window, "New: polite answers"));
    click(&mut window, "Back to the rounds");
    assert!(window.state().bench.desks.label.rounds.next.is_none());

    engine
        .tell(crate::library::Answer::Loaded { id: RUN.into(), run: crate::testing::cards::replayed(&run_card(), 90) });
    window.state_mut().bench.open_run(RUN);
    window.run();
    click(&mut window, "Label the new model");
    assert_eq!(window.state().bench.desks.label.page, LabelPage::Rounds);
    click(&mut window, "Start the round");
    let orders = engine.label_orders.borrow();
    let round = orders.iter().any(|order| {
        matches!(order, Order::NextRound { parent: 1, authors, only, .. } if authors.len() == 2 && only.as_ref().is_some_and(Vec::is_empty))
    });
    assert!(round, "{orders:?}");
}

#[test]
fn without_labels_the_page_teaches_and_leads_to_the_queues() {
    let (mut bench, _engine) = ready_bench(Language::English);
    bench.desks.label.page = LabelPage::Rounds;
    let mut window = window(bench);
    go(&mut window, Panel::Label);
    click(&mut window, "To the queues");
    assert_eq!(window.state().bench.desks.label.page, LabelPage::Queues);
}

#[test]
fn whoever_wants_preferences_without_any_is_led_to_labelling() {
    let (mut bench, _engine) = ready_bench(Language::English);
    bench.desks.advisor.goal = luthier_engine::advice::Goal::Align;
    let mut window = window(bench);
    go(&mut window, Panel::Data);
    click(&mut window, "Open labelling");
    assert_eq!((window.state().bench.panel, window.state().bench.desks.label.page), (Panel::Label, LabelPage::Queues));
}
