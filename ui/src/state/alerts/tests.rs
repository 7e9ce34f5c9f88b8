use luthier_engine::estimate::{Estimate, MemoryPart, MemoryShare};
use luthier_engine::protocol::{EvalReport, ForgettingReport, Outcome, Problem};
use luthier_engine::recipe::Recipe;

use super::*;
use crate::testing::{eval, facts, preference_step, step};

/// A run of `n` steps of 2000, as `change` makes them.
fn run(n: usize, change: impl Fn(usize, &mut StepReport)) -> Run {
    let mut run = Run::new("r".into(), Recipe::default());
    run.course = Course::Stepping;
    run.facts = Some(facts(Recipe::default(), 2000));
    run.steps = (1..=n)
        .map(|n| {
            let mut report = step(n);
            (report.learning_rate, report.elapsed_secs) = (1e-4, n as f64);
            change(n, &mut report);
            report
        })
        .collect();
    run
}

/// A number between -1 and 1 that looks drawn.
fn noise(n: usize) -> f32 {
    ((n as f32 * 78.233).sin() * 43_758.547).fract()
}

fn matters(run: &Run) -> Vec<Matter> {
    alerts_of(run).into_iter().map(|alert| alert.matter).collect()
}

#[test]
fn a_healthy_noisy_run_says_nothing_at_any_step() {
    let mut whole = run(600, |n, report| {
        report.loss = 1.2 + 2.0 * (-(n as f32) / 60.0).exp() + 0.3 * noise(n);
        report.grad_norm = 1.0 + 0.8 * noise(n + 7).abs() + if n.is_multiple_of(97) { 8.0 } else { 0.0 };
        report.tokens_per_sec = 900.0 + 250.0 * f64::from(noise(n + 3));
        report.learning_rate = if n <= 20 { 1e-5 * n as f64 } else { 2e-4 };
    });
    whole.evals = (1..=15)
        .map(|i| EvalReport { loss: 1.3 + (-(i as f32) / 3.0).exp() + 0.004 * noise(i), ..eval(i * 40) })
        .collect();
    whole.forgetting =
        (0..6).map(|i| ForgettingReport { step: i * 100, perplexity: 12.4, base_perplexity: 12.0, kl: 0.01 }).collect();
    for upto in (1..600).step_by(7) {
        let mut part = whole.clone();
        part.steps.truncate(upto);
        part.evals.retain(|eval| eval.step <= upto);
        assert_eq!(alerts_of(&part), [], "after {upto} steps");
    }
    let mut preference = run(125, |n, report| *report = preference_step(n));
    preference.recipe.stage = Stage::Dpo;
    for upto in 1..125 {
        let mut part = preference.clone();
        part.steps.truncate(upto);
        assert_eq!(alerts_of(&part), [], "after {upto} steps of DPO");
    }
    // A plateau with noise neither rises nor falls.
    let flat = run(1500, |n, report| report.loss = 1.2 + 0.4 * noise(n));
    for upto in (75..1500).step_by(11) {
        let mut part = flat.clone();
        part.steps.truncate(upto);
        assert_eq!(matters(&part), [], "after {upto} steps on a plateau");
    }
}

#[test]
fn no_number_is_an_error_wherever_it_was_told() {
    let mut nan = run(30, |n, report| report.loss = if n == 12 { f32::NAN } else { 2.0 });
    let found = alerts_of(&nan);
    assert_eq!((found[0].severity, found[0].step), (Severity::Error, 12));
    nan.steps.truncate(10);
    let problem = Problem { code: "diverged".into(), message: "the loss became NaN".into() };
    nan.course = Course::Finished(Outcome::Failed { problem });
    assert_eq!(alerts_of(&nan)[0], Alert { severity: Severity::Error, step: 11, matter: Matter::NotANumber });
}

#[test]
fn a_rising_loss_and_an_exploding_norm_come_before_the_nan() {
    let rising = run(140, |n, report| {
        let beyond = n.saturating_sub(80) as f32;
        report.loss = 1.5 + beyond * 0.03 + 0.1 * noise(n);
        report.grad_norm = if n > 132 { 40.0 } else { 1.0 };
    });
    let found = matters(&rising);
    assert!(found.iter().any(|m| matches!(m, Matter::LossRising { from, to } if *to > *from + 1.0)), "{found:?}");
    assert!(found.iter().any(|m| matches!(m, Matter::NormExploding { times } if *times > 30.0)), "{found:?}");
    let mut reinforced = rising.clone();
    reinforced.recipe.stage = Stage::Ppo;
    assert!(!matters(&reinforced).iter().any(|m| matches!(m, Matter::LossRising { .. })));
}

#[test]
fn a_margin_that_stays_at_zero_is_stuck() {
    let with_margin = |n: usize, report: &mut StepReport| {
        report.loss = std::f32::consts::LN_2 + 1e-4 * noise(n);
        report.metrics.insert("rewards/margins".into(), 1e-3 * noise(n));
    };
    let mut stuck = run(40, with_margin);
    assert_eq!(matters(&stuck), [], "a run of sft has no margin to lift");
    stuck.recipe.stage = Stage::Dpo;
    assert_eq!(matters(&stuck), [Matter::StuckPreference { steps: 40 }]);
    stuck.steps.truncate(STUCK - 1);
    assert_eq!(matters(&stuck), [], "too early to say");
}

#[test]
fn training_that_falls_while_the_evaluation_rises_overfits() {
    let mut run = run(400, |n, report| report.loss = 2.0 - n as f32 * 0.004 + 0.1 * noise(n));
    let losses = [2.0, 1.8, 1.7, 1.75, 1.82, 1.9];
    run.evals = losses.iter().enumerate().map(|(i, loss)| EvalReport { loss: *loss, ..eval((i + 1) * 60) }).collect();
    let found = alerts_of(&run);
    assert!(matches!(found[0].matter, Matter::Overfitting { best_step: 180, risen } if risen > 0.1), "{found:?}");
    run.evals.truncate(5);
    assert_eq!(matters(&run), [], "two evaluations may be chance");
    run.evals.push(EvalReport { loss: 1.71, ..eval(360) });
    assert_eq!(matters(&run), [], "it has come down again");
}

#[test]
fn forgetting_is_told_past_the_limit_or_a_tenth() {
    let mut run = run(10, |_, _| {});
    run.forgetting.push(ForgettingReport { step: 8, perplexity: 13.8, base_perplexity: 12.0, kl: 0.1 });
    let found = alerts_of(&run);
    assert_eq!((found[0].severity, found[0].step, found[0].page()), (Severity::Warning, 8, "forgetting"));
    run.recipe.forgetting_limit = Some(0.2);
    assert_eq!(alerts_of(&run), []);
    run.recipe.forgetting_limit = Some(0.05);
    assert_eq!(alerts_of(&run)[0].severity, Severity::Error);
}

#[test]
fn a_rate_of_zero_with_steps_left_moves_nothing() {
    let mut run = run(100, |n, report| report.learning_rate = if n > 90 { 0.0 } else { 1e-4 });
    assert_eq!(matters(&run), [Matter::NoRate { left: 1900 }]);
    assert_eq!(alerts_of(&run)[0].step, 91);
    run.facts = Some(facts(Recipe::default(), 100));
    assert_eq!(matters(&run), [], "the end of a run is no standstill");
}

#[test]
fn memory_speed_and_safety_are_watched() {
    let mut run = run(120, |n, report| {
        report.peak_memory_bytes = 5_000_000_000;
        report.tokens_per_sec = if n > 105 { 300.0 } else { 900.0 };
        report.elapsed_secs = n as f64 * 20.0;
    });
    let memory = vec![MemoryShare { part: MemoryPart::Weights, bytes: 2_000_000_000 }];
    let estimate = Estimate {
        memory,
        parameters: 1,
        trainable_parameters: 1,
        graph: "kept".into(),
        total_steps: 1,
        tokens_per_step: 1.0,
        step_secs: 1.0,
        total_secs: 1.0,
        time: vec![],
    };
    if let Some(facts) = &mut run.facts {
        facts.estimate = Some(estimate);
    }
    let found = matters(&run);
    assert!(found.contains(&Matter::MoreMemory { bytes: 5_000_000_000, expected: 2_000_000_000 }), "{found:?}");
    assert!(found.contains(&Matter::Slower { before: 900.0, now: 300.0 }), "{found:?}");
    assert!(found.contains(&Matter::NoCheckpoint { secs: 2400.0 }), "{found:?}");
    run.checkpoints.push((60, "c".into()));
    assert!(!matters(&run).iter().any(|m| matches!(m, Matter::NoCheckpoint { .. })), "saved at half of it");
    run.joined.push((105, vec![3]));
    assert!(!matters(&run).iter().any(|m| matches!(m, Matter::Slower { .. })), "the pass goes deeper");
}
