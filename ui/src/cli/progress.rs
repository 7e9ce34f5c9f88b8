//! A run's events as lines for stderr.

use std::collections::BTreeMap;

use luthier::format::{bytes, count, numbers};
use luthier_engine::protocol::{EvalReport, ForgettingReport, Phase, Rollout, RunFacts, StepReport};
use luthier_engine::run_folder::hms;

/// What of a method's metrics stands in a line, and how it is called there; events.jsonl has all of them.
const IN_SHORT: &[(&str, &str)] = &[
    ("rewards/margins", "margin"),
    ("rewards/accuracies", "acc"),
    ("accuracy", "acc"),
    ("margin", "margin"),
    ("nll_loss", "nll"),
    ("objective/scores", "score"),
    ("objective/kl", "kl"),
    ("kl", "kl"),
    ("loss/policy_avg", "policy"),
    ("loss/value_avg", "value"),
];

pub fn started(facts: &RunFacts) -> String {
    let share = 100.0 * facts.trainable_parameters as f64 / facts.parameters.max(1) as f64;
    let mut line = format!(
        "run  {} rows  {} steps  {} of {} parameters train ({share:.2} %)  device {}  graphs {}  into {}",
        facts.train_rows,
        facts.total_steps,
        count(facts.trainable_parameters),
        count(facts.parameters),
        facts.device,
        facts.graph,
        facts.output_dir.display(),
    );
    if facts.eval_rows > 0 {
        line.push_str(&format!("  {} rows for evaluation", facts.eval_rows));
    }
    if facts.dropped_rows > 0 {
        line.push_str(&format!("  {} rows dropped", facts.dropped_rows));
    }
    if facts.first_step > 0 {
        line.push_str(&format!("  resumed after step {}", facts.first_step));
    }
    line
}

pub fn step(report: &StepReport, total_steps: usize) -> String {
    format!(
        "step {}/{total_steps}  epoch {:.2}  loss {:.4}{}  grad_norm {}  lr {:.2e}  {:.0} tok/s  {}  {} left",
        report.step,
        report.epoch,
        report.loss,
        in_short(&report.metrics),
        three_digits(report.grad_norm),
        report.learning_rate,
        report.tokens_per_sec,
        bytes(report.memory_bytes),
        hms(report.remaining_secs),
    )
}

pub fn eval(report: &EvalReport) -> String {
    let best = if report.best { "  best so far" } else { "" };
    let EvalReport { step, epoch, loss, perplexity, metrics, .. } = report;
    // A loss on pairs, likes or scores has no perplexity.
    let judges = metrics.keys().any(|name| name.contains("rewards/") || name.contains("margin"));
    let perplexity = if judges { String::new() } else { format!("  perplexity {perplexity:.2}") };
    format!("eval at step {step}  epoch {epoch:.2}  loss {loss:.4}{perplexity}{}{best}", in_short(metrics))
}

pub fn forgetting(report: &ForgettingReport) -> String {
    let ForgettingReport { step, perplexity, base_perplexity, kl } = report;
    let change = 100.0 * (perplexity / base_perplexity - 1.0);
    format!(
        "forgetting at step {step}  perplexity {perplexity:.2} (start {base_perplexity:.2}, {change:+.1} %)  kl {kl:.4}"
    )
}

pub fn joined(step: usize, layers: &[usize]) -> String {
    let word = if layers.len() == 1 { "layer" } else { "layers" };
    format!("step {step}  {word} {} joined", numbers(layers))
}

pub fn rollouts(step: usize, rollouts: &[Rollout]) -> String {
    let mean = |of: fn(&Rollout) -> f32| rollouts.iter().map(of).sum::<f32>() / rollouts.len() as f32;
    let (score, kl) = (mean(|r| r.score), mean(|r| r.kl));
    format!(
        "answers for step {step}  {} sampled  score {}  kl {}",
        rollouts.len(),
        three_digits(score),
        three_digits(kl)
    )
}

/// "  margin 0.123  acc 0.750", nothing of a method without such metrics.
fn in_short(metrics: &BTreeMap<String, f32>) -> String {
    let of = |name: &str| metrics.get(name).or_else(|| metrics.get(&format!("eval_{name}")));
    let shown = IN_SHORT.iter().filter_map(|(name, short)| Some(format!("  {short} {}", three_digits(*of(name)?))));
    shown.collect()
}

pub fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Answering => "answering the fixed prompts",
        Phase::LoadingModel => "loading the model",
        Phase::PreparingData => "preparing the data",
        Phase::WarmingUp => "warming up the device",
        Phase::Evaluating => "evaluating",
        Phase::Saving => "saving",
        Phase::Reference => "computing the starting model's log-probabilities",
        Phase::Sampling => "sampling answers",
        Phase::Forgetting => "measuring forgetting",
    }
}

/// 1.23, 12.3, 123, 0.0123: as many decimals as three digits need.
fn three_digits(value: f32) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let decimals = (2 - value.abs().log10().floor() as i32).clamp(0, 8) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_one_line() {
        let report = StepReport {
            step: 3,
            epoch: 0.12,
            loss: 2.12344,
            grad_norm: 1.2345,
            learning_rate: 5e-5,
            token_accuracy: None,
            tokens: 512,
            total_tokens: 1536,
            tokens_per_sec: 812.4,
            elapsed_secs: 2.0,
            remaining_secs: 80.2,
            memory_bytes: 1_912_000_000,
            peak_memory_bytes: 2_000_000_000,
            metrics: Default::default(),
        };
        let line = "step 3/30  epoch 0.12  loss 2.1234  grad_norm 1.23  lr 5.00e-5  812 tok/s  1.9 GB  0:01:20 left";
        assert_eq!(step(&report, 30), line);
    }

    #[test]
    fn the_metrics_of_a_method_stand_beside_the_loss() {
        let of = |pairs: &[(&str, f32)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect::<BTreeMap<_, _>>();
        let metrics = of(&[("logps/chosen", -80.0), ("rewards/accuracies", 0.75), ("rewards/margins", 0.1234)]);
        assert_eq!(in_short(&metrics), "  margin 0.123  acc 0.750");
        assert_eq!(in_short(&of(&[("eval_rewards/margins", -1.0)])), "  margin -1.00");
        let report =
            EvalReport { step: 10, epoch: 0.5, loss: 0.6, perplexity: 1.82, best: true, elapsed_secs: 1.0, metrics };
        assert_eq!(eval(&report), "eval at step 10  epoch 0.50  loss 0.6000  margin 0.123  acc 0.750  best so far");
    }

    #[test]
    fn forgetting_joining_and_answers_are_a_line_each() {
        let report = ForgettingReport { step: 50, perplexity: 12.0, base_perplexity: 10.0, kl: 0.0321 };
        let line = "forgetting at step 50  perplexity 12.00 (start 10.00, +20.0 %)  kl 0.0321";
        assert_eq!(forgetting(&report), line);
        assert_eq!(joined(60, &[27, 28, 29]), "step 60  layers 27–29 joined");
        assert_eq!(joined(80, &[26]), "step 80  layer 26 joined");
        let answer = |score, kl| Rollout { prompt: "p".into(), answer: "a".into(), score, kl };
        let line = "answers for step 3  2 sampled  score 1.50  kl 0.250";
        assert_eq!(rollouts(3, &[answer(1.0, 0.0), answer(2.0, 0.5)]), line);
    }

    #[test]
    fn numbers_keep_sensible_digits() {
        assert_eq!(
            (three_digits(0.012_34), three_digits(123.4), three_digits(0.0)),
            ("0.0123".into(), "123".into(), "0".into())
        );
    }
}
