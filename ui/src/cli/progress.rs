//! A run's events as lines for stderr.

use luthier::format::{bytes, count};
use luthier_engine::protocol::{EvalReport, Phase, RunFacts, StepReport};
use luthier_engine::run_folder::hms;

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
        "step {}/{total_steps}  epoch {:.2}  loss {:.4}  grad_norm {}  lr {:.2e}  {:.0} tok/s  {}  {} left",
        report.step,
        report.epoch,
        report.loss,
        three_digits(report.grad_norm),
        report.learning_rate,
        report.tokens_per_sec,
        bytes(report.memory_bytes),
        hms(report.remaining_secs),
    )
}

pub fn eval(report: &EvalReport) -> String {
    let best = if report.best { "  best so far" } else { "" };
    let EvalReport { step, epoch, loss, perplexity, .. } = report;
    format!("eval at step {step}  epoch {epoch:.2}  loss {loss:.4}  perplexity {perplexity:.2}{best}")
}

pub fn phase(phase: Phase) -> &'static str {
    match phase {
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
    fn numbers_keep_sensible_digits() {
        assert_eq!(
            (three_digits(0.012_34), three_digits(123.4), three_digits(0.0)),
            ("0.0123".into(), "123".into(), "0".into())
        );
    }
}
