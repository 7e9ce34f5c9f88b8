//! Alerts and what was expected of a run, in the Train panel.

use luthier_engine::protocol::ForgettingReport;

use super::*;

fn running() -> (Window, Engine, String) {
    let (mut bench, engine) = ready_bench(Language::English);
    bench.state.recipe.max_steps = 120;
    bench.start_training();
    let id = bench.state.run.as_ref().expect("a run").id.clone();
    let mut told = facts(bench.state.recipe.clone(), 120);
    told.estimate = bench.estimate();
    engine.say(Event::RunStarted { id: id.clone(), facts: Box::new(told) });
    engine.say(Event::StepReported { id: id.clone(), report: step(1) });
    let mut window = window(bench);
    window.run_ok();
    (window, engine, id)
}

#[test]
fn an_alert_says_what_to_do_and_leads_to_its_page() {
    let (mut window, engine, id) = running();
    assert!(window.query_by_label("Alerts").is_none(), "a run that goes well has no card for what is wrong");
    let report = ForgettingReport { step: 1, perplexity: 15.0, base_perplexity: 12.0, kl: 0.2 };
    engine.say(Event::ForgettingMeasured { id, report });
    window.run_ok();
    window.get_by_label("Alerts");
    window.get_by_label("Perplexity on general text is 25 % above the starting model's.");
    window.get_by_label_contains("Mix in general data");
    window.get_by_label_contains("Read more: Perplexity").click();
    window.run_ok();
    let bench = &window.state().bench;
    assert_eq!((bench.panel, bench.desks.guide.open_page()), (Panel::Guide, "forgetting"));
}

#[test]
fn expected_memory_and_time_stand_beside_the_measured() {
    let (window, _engine, _id) = running();
    window.get_by_label("Predicted and measured");
    let estimate = window.state().bench.estimate().expect("the form is whole");
    let told = window.get_by_label_contains("Memory: ");
    let label = told.accesskit_node().label().expect("a painted bar is read aloud");
    assert!(label.contains(&crate::format::bytes(estimate.peak_bytes())), "{label}");
    assert!(label.contains("1.6 GB at most so far") && label.contains("Weights"), "{label}");
    window.get_by_label_contains("Time of the steps: ");
}
