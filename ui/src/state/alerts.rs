//! What a run's numbers warn of, told from its events alone. An alert says what is so now; one that has passed is gone.
//!
//! Thresholds are wide enough for noise: a healthy run with a loss that jumps by a tenth says nothing.

use luthier_engine::protocol::{Outcome, StepReport};
use luthier_engine::recipe::{PrefLoss, Stage};

use super::run::{Course, Run};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// The run goes on, but perhaps for nothing.
    Warning,
    /// The run is lost, or what it must not do has happened.
    Error,
}

/// What is the matter, with the numbers that the sentence about it needs.
#[derive(Debug, Clone, PartialEq)]
pub enum Matter {
    /// A loss or gradient norm that is no number.
    NotANumber,
    /// The loss rose over several windows in a row.
    LossRising { from: f32, to: f32 },
    /// The gradient norm is so many times what it was.
    NormExploding { times: f32 },
    /// The margin stayed at zero for so many steps; the loss, too, at where it began.
    StuckPreference { steps: usize },
    /// The training loss falls while the evaluation loss has risen by this share since its best.
    Overfitting { best_step: usize, risen: f32 },
    /// Perplexity on general text has risen by this share; the limit, where the recipe has one.
    Forgetting { risen: f32, limit: Option<f32> },
    /// The learning rate is zero, and so many steps are left.
    NoRate { left: usize },
    /// Memory is so many bytes, expected were so many.
    MoreMemory { bytes: u64, expected: u64 },
    /// Tokens a second, before and now.
    Slower { before: f64, now: f64 },
    /// Seconds of work that no checkpoint holds.
    NoCheckpoint { secs: f64 },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    pub severity: Severity,
    /// Where it began, or was seen.
    pub step: usize,
    pub matter: Matter,
}

impl Alert {
    /// Page of the guide that explains it.
    pub fn page(&self) -> &'static str {
        match self.matter {
            Matter::NotANumber | Matter::LossRising { .. } | Matter::NormExploding { .. } => "troubles",
            Matter::StuckPreference { .. } => "dpo",
            Matter::Overfitting { .. } => "early-stopping",
            Matter::Forgetting { .. } => "forgetting",
            Matter::NoRate { .. } => "learning-rate",
            Matter::MoreMemory { .. } => "memory",
            Matter::Slower { .. } | Matter::NoCheckpoint { .. } => "troubles",
        }
    }
}

/// Steps that a look at trends goes over, and how many windows they are cut into.
const WINDOW: usize = 15;
const WINDOWS: usize = 4;
/// Steps over which a margin must not have moved.
const STUCK: usize = 30;
/// A margin that is called zero, and a loss that is called where it began.
const NO_MARGIN: f32 = 2e-3;
/// Evaluations in a row above the best one.
const PAST_BEST: usize = 3;
/// Share by which perplexity may rise where the recipe says nothing.
const FORGETTING: f32 = 0.1;
/// Work without a checkpoint before it is said.
const UNSAVED_SECS: f64 = 30.0 * 60.0;

/// Everything that a run's numbers warn of, the worst first, within a severity the latest first.
pub fn alerts_of(run: &Run) -> Vec<Alert> {
    let looks = [
        not_a_number(run),
        forgetting(run),
        loss_rising(run),
        norm_exploding(run),
        stuck_preference(run),
        overfitting(run),
        no_rate(run),
        more_memory(run),
        slower(run),
        no_checkpoint(run),
    ];
    let mut found: Vec<Alert> = looks.into_iter().flatten().collect();
    found.sort_by(|a, b| b.severity.cmp(&a.severity).then(b.step.cmp(&a.step)));
    found
}

fn alert(severity: Severity, step: usize, matter: Matter) -> Option<Alert> {
    Some(Alert { severity, step, matter })
}

fn last_step(run: &Run) -> usize {
    run.last().map_or(0, |step| step.step)
}

fn not_a_number(run: &Run) -> Option<Alert> {
    let diverged = matches!(&run.course, Course::Finished(Outcome::Failed { problem }) if problem.code == "diverged");
    // The step that failed was never reported.
    let failed = diverged.then(|| last_step(run) + 1);
    let bad = |step: &&StepReport| !step.loss.is_finite() || !step.grad_norm.is_finite();
    let step = run.steps.iter().find(bad).map(|step| step.step).or(failed)?;
    alert(Severity::Error, step, Matter::NotANumber)
}

fn loss_rising(run: &Run) -> Option<Alert> {
    // PPO's loss says little: its answers change under it.
    if run.recipe.stage == Stage::Ppo || run.steps.len() < WINDOW * (WINDOWS + 1) {
        return None;
    }
    let recent = &run.steps[run.steps.len() - WINDOW * WINDOWS..];
    let windows: Vec<&[StepReport]> = recent.chunks(WINDOW).collect();
    let means: Vec<f32> = windows.iter().map(|window| mean(window.iter().map(|step| step.loss))).collect();
    let rises = means.windows(2).all(|pair| pair[1] > pair[0]);
    let (from, to) = (means[0], means[WINDOWS - 1]);
    // What chance alone does to a mean of a window: the jumps from step to step hold the noise twice.
    let jumps = recent.windows(2).map(|pair| (pair[1].loss - pair[0].loss).powi(2));
    let noise = (mean(jumps) / 2.0 / WINDOW as f32).sqrt();
    let far = to - from > (0.1 * from.abs()).max(5.0 * noise);
    let began = recent.first().map_or(0, |step| step.step);
    if rises && far { alert(Severity::Warning, began, Matter::LossRising { from, to }) } else { None }
}

fn norm_exploding(run: &Run) -> Option<Alert> {
    const NOW: usize = 5;
    const BEFORE: usize = 50;
    if run.steps.len() < NOW + BEFORE / 2 {
        return None;
    }
    let (before, now) = run.steps.split_at(run.steps.len() - NOW);
    let before = &before[before.len().saturating_sub(BEFORE)..];
    // Layers that join bring gradients of their own.
    let joined = run.joined.last().map_or(0, |(step, _)| *step);
    if now[0].step <= joined + NOW {
        return None;
    }
    let norms = |steps: &[StepReport]| median(steps.iter().map(|step| f64::from(step.grad_norm)));
    let times = (norms(now) / norms(before).max(1e-9)) as f32;
    if times >= 10.0 { alert(Severity::Warning, now[0].step, Matter::NormExploding { times }) } else { None }
}

fn stuck_preference(run: &Run) -> Option<Alert> {
    if !matches!(run.recipe.stage, Stage::Dpo | Stage::Kto) {
        return None;
    }
    // A step with a rate of zero (the first of a warm-up) cannot move anything.
    let rated: Vec<&StepReport> = run.steps.iter().rev().filter(|step| step.learning_rate > 0.0).collect();
    let margin = |step: &&&StepReport| step.metrics.get("rewards/margins").is_some_and(|m| m.abs() < NO_MARGIN);
    let by_margin = rated.iter().take_while(margin).count();
    let starts_at_ln_2 = run.recipe.stage == Stage::Dpo
        && matches!(run.recipe.pref_loss, PrefLoss::Sigmoid | PrefLoss::Robust | PrefLoss::KtoPair);
    let at_ln_2 = |step: &&&StepReport| (step.loss - std::f32::consts::LN_2).abs() < NO_MARGIN / 4.0;
    let by_loss = if starts_at_ln_2 { rated.iter().take_while(at_ln_2).count() } else { 0 };
    let steps = by_margin.max(by_loss);
    if steps < STUCK {
        return None;
    }
    alert(Severity::Warning, rated[steps - 1].step, Matter::StuckPreference { steps })
}

fn overfitting(run: &Run) -> Option<Alert> {
    let evals = &run.evals;
    let best = evals.iter().enumerate().min_by(|a, b| a.1.loss.total_cmp(&b.1.loss))?.0;
    let after = &evals[best + 1..];
    if after.len() < PAST_BEST {
        return None;
    }
    let recent = &after[after.len() - PAST_BEST..];
    let above = recent.iter().all(|eval| eval.loss > evals[best].loss * 1.01);
    let risen = recent[PAST_BEST - 1].loss / evals[best].loss - 1.0;
    let still_rising = recent[PAST_BEST - 1].loss >= recent[0].loss;
    // The training loss around the best evaluation, and now.
    let around = |step: usize| {
        let upto = run.steps.partition_point(|report| report.step <= step);
        let from = upto.saturating_sub(WINDOW);
        (upto > from).then(|| mean(run.steps[from..upto].iter().map(|report| report.loss)))
    };
    let (then, now) = (around(evals[best].step)?, around(recent[PAST_BEST - 1].step)?);
    if above && still_rising && risen > 0.02 && now < then {
        let best_step = evals[best].step;
        return alert(Severity::Warning, best_step, Matter::Overfitting { best_step, risen });
    }
    None
}

fn forgetting(run: &Run) -> Option<Alert> {
    let last = run.forgetting.last()?;
    let risen = last.perplexity / last.base_perplexity - 1.0;
    let limit = run.recipe.forgetting_limit.map(|limit| limit as f32);
    if risen <= limit.unwrap_or(FORGETTING) {
        return None;
    }
    let severity = if limit.is_some() { Severity::Error } else { Severity::Warning };
    alert(severity, last.step, Matter::Forgetting { risen, limit })
}

fn no_rate(run: &Run) -> Option<Alert> {
    const STILL: usize = 5;
    let left = run.total_steps().saturating_sub(last_step(run));
    if left == 0 || run.steps.len() < STILL || !run.is_going() {
        return None;
    }
    let still = run.steps.iter().rev().take_while(|step| step.learning_rate <= 0.0).count();
    let began = run.steps.len() - still;
    if still < STILL { None } else { alert(Severity::Warning, run.steps[began].step, Matter::NoRate { left }) }
}

fn more_memory(run: &Run) -> Option<Alert> {
    let expected = run.facts.as_ref()?.estimate.as_ref()?.peak_bytes();
    let last = run.last()?;
    let bytes = last.peak_memory_bytes;
    let much = bytes as f64 > expected as f64 * 1.5 && bytes > expected + 500_000_000;
    if much { alert(Severity::Warning, last.step, Matter::MoreMemory { bytes, expected }) } else { None }
}

fn slower(run: &Run) -> Option<Alert> {
    const NOW: usize = 10;
    const BEFORE: usize = 50;
    // PPO samples now and then, and a pass goes deeper where layers have joined.
    let joined = run.joined.last().map_or(0, |(step, _)| *step);
    let since = run.steps.partition_point(|step| step.step <= joined);
    let steps = &run.steps[since..];
    if run.recipe.stage == Stage::Ppo || steps.len() < NOW + BEFORE || !run.is_going() {
        return None;
    }
    let speed = |steps: &[StepReport]| median(steps.iter().map(|step| step.tokens_per_sec));
    let (earlier, recent) = steps.split_at(steps.len() - NOW);
    let (before, now) = (speed(&earlier[earlier.len() - BEFORE..]), speed(recent));
    if now < 0.5 * before { alert(Severity::Info, recent[0].step, Matter::Slower { before, now }) } else { None }
}

fn no_checkpoint(run: &Run) -> Option<Alert> {
    let last = run.last().filter(|_| run.is_going())?;
    let saved = run.checkpoints.last().map_or(0, |(step, _)| *step);
    let since = run.steps.iter().rev().find(|step| step.step <= saved).map_or(0.0, |step| step.elapsed_secs);
    let secs = last.elapsed_secs - since;
    if secs < UNSAVED_SECS { None } else { alert(Severity::Info, saved, Matter::NoCheckpoint { secs }) }
}

fn mean(values: impl Iterator<Item = f32>) -> f32 {
    let (mut sum, mut count) = (0.0, 0usize);
    for value in values {
        sum += f64::from(value);
        count += 1;
    }
    (sum / count.max(1) as f64) as f32
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests;
