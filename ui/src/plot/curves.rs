//! A run's numbers as curves, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use luthier_engine::protocol::StepReport;

use super::Curve;
use crate::state::Run;

/// All metrics of a run by name: `loss`, `eval/loss`, `rewards/margins`, `forgetting/perplexity`, ...
pub fn curves_of(run: &Run) -> BTreeMap<String, Arc<Curve>> {
    let mut curves = RunCurves::default();
    curves.follow(run);
    curves.all
}

/// The curves of a run that may still go on: what has come since the last look is added, nothing is made twice.
#[derive(Debug, Default)]
pub struct RunCurves {
    id: String,
    /// Steps taken in, and the number of the last of them.
    steps: (usize, usize),
    /// The last report taken in, to see whether the run has gone back and taken other steps since.
    last: Option<StepReport>,
    evals: (usize, usize),
    forgetting: (usize, usize),
    pub all: BTreeMap<String, Arc<Curve>>,
}

impl RunCurves {
    /// True: something has changed.
    pub fn follow(&mut self, run: &Run) -> bool {
        let now = (
            (run.steps.len(), run.steps.last().map_or(0, |s| s.step)),
            (run.evals.len(), run.evals.last().map_or(0, |e| e.step)),
            (run.forgetting.len(), run.forgetting.last().map_or(0, |f| f.step)),
        );
        if self.id == run.id && (self.steps, self.evals, self.forgetting) == now {
            return false;
        }
        let known = self.steps.0;
        let goes_on = self.id == run.id
            && known <= run.steps.len()
            && known.checked_sub(1).map(|last| &run.steps[last]) == self.last.as_ref();
        if !goes_on {
            self.all.clear();
            self.id.clone_from(&run.id);
        }
        let from = if goes_on { known } else { 0 };
        run.steps[from..].iter().for_each(|step| self.add_step(step));
        if self.evals != now.1 || !goes_on {
            self.all.retain(|name, _| !name.starts_with("eval/"));
            self.add_evals(run);
        }
        if self.forgetting != now.2 || !goes_on {
            self.all.retain(|name, _| !name.starts_with("forgetting/"));
            self.add_forgetting(run);
        }
        (self.steps, self.evals, self.forgetting) = now;
        self.last = run.steps.last().cloned();
        true
    }

    fn add(&mut self, name: &str, at: (f64, f64, f64), value: f64) {
        if !self.all.contains_key(name) {
            self.all.insert(name.to_owned(), Arc::default());
        }
        let Some(curve) = self.all.get_mut(name) else { return };
        let curve = Arc::make_mut(curve);
        curve.steps.push(at.0);
        curve.tokens.push(at.1);
        curve.secs.push(at.2);
        curve.values.push(value);
    }

    fn add_step(&mut self, report: &StepReport) {
        let at = (report.step as f64, report.total_tokens as f64, report.elapsed_secs);
        let fixed = [
            ("loss", f64::from(report.loss)),
            ("grad_norm", f64::from(report.grad_norm)),
            ("learning_rate", report.learning_rate),
            ("tokens_per_sec", report.tokens_per_sec),
            ("memory", report.memory_bytes as f64),
        ];
        fixed.into_iter().for_each(|(name, value)| self.add(name, at, value));
        if let Some(accuracy) = report.token_accuracy {
            self.add("token_accuracy", at, f64::from(accuracy));
        }
        report.metrics.iter().for_each(|(name, value)| self.add(name, at, f64::from(*value)));
    }

    fn add_evals(&mut self, run: &Run) {
        for eval in &run.evals {
            let at = (eval.step as f64, tokens_at(run, eval.step), eval.elapsed_secs);
            self.add("eval/loss", at, f64::from(eval.loss));
            for (name, value) in &eval.metrics {
                // TRL writes eval_rewards/margins.
                let name = name.strip_prefix("eval_").unwrap_or(name);
                self.add(&format!("eval/{name}"), at, f64::from(*value));
            }
        }
    }

    fn add_forgetting(&mut self, run: &Run) {
        for report in &run.forgetting {
            let at = (report.step as f64, tokens_at(run, report.step), secs_at(run, report.step));
            self.add("forgetting/perplexity", at, f64::from(report.perplexity));
            self.add("forgetting/base_perplexity", at, f64::from(report.base_perplexity));
            self.add("forgetting/kl", at, f64::from(report.kl));
        }
    }
}

/// The report of a step, or of the last one before it.
fn report_at(run: &Run, step: usize) -> Option<&StepReport> {
    let after = run.steps.partition_point(|report| report.step <= step);
    run.steps.get(after.checked_sub(1)?)
}

fn tokens_at(run: &Run, step: usize) -> f64 {
    report_at(run, step).map_or(0.0, |report| report.total_tokens as f64)
}

fn secs_at(run: &Run, step: usize) -> f64 {
    report_at(run, step).map_or(0.0, |report| report.elapsed_secs)
}

#[cfg(test)]
mod tests {
    use luthier_engine::protocol::{EvalReport, ForgettingReport};
    use luthier_engine::recipe::Recipe;

    use super::*;
    use crate::testing::{eval, preference_step, step};

    #[test]
    fn a_run_that_goes_on_is_followed_and_a_resumed_one_is_made_anew() {
        let mut run = Run::new("r".into(), Recipe::default());
        let mut curves = RunCurves::default();
        assert!(curves.follow(&run) && !curves.follow(&run));
        run.steps.extend((1..=5).map(step));
        assert!(curves.follow(&run));
        let before = Arc::as_ptr(&curves.all["loss"]);
        run.steps.extend((6..=9).map(step));
        let margins = [("eval_rewards/margins".to_owned(), 0.5)].into();
        run.evals.push(EvalReport { metrics: margins, ..eval(9) });
        run.forgetting.push(ForgettingReport { step: 9, perplexity: 12.5, base_perplexity: 12.0, kl: 0.1 });
        assert!(curves.follow(&run) && !curves.follow(&run));
        assert_eq!(curves.all["loss"].steps, (1..=9).map(f64::from).collect::<Vec<_>>());
        assert_eq!(Arc::as_ptr(&curves.all["loss"]), before, "what is known is not copied");
        assert_eq!(curves.all["eval/rewards/margins"].values, [0.5]);
        assert_eq!(curves.all["forgetting/perplexity"].tokens, [run.steps[8].total_tokens as f64]);
        assert_eq!(curves.all, curves_of(&run));
        // It went back to step 7 and went on.
        run.steps.truncate(7);
        run.steps.push(preference_step(8));
        run.steps.push(preference_step(9));
        run.steps.push(preference_step(10));
        assert!(curves.follow(&run));
        assert_eq!(curves.all, curves_of(&run));
        assert_eq!(curves.all["rewards/margins"].steps, [8.0, 9.0, 10.0]);
    }
}
