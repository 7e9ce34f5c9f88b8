//! How a run ended, and what to do now.

use std::path::PathBuf;

use egui::{Label, RichText, Ui};
use luthier_engine::protocol::{Outcome, Problem, StepReport};
use luthier_engine::recipe::Stage;

use super::Action;
use crate::panels::Panel;
use crate::state::Run;
use crate::text::{say, t, try_say};
use crate::widgets::{Notice, Push, problem_box};
use crate::{format, icons};

/// What can be done with a run beyond what every run is good for.
#[derive(Clone, Copy)]
pub(super) struct Ways {
    pub go_on: bool,
    /// It learned from a queue's labels, and its model can be set against the one before.
    pub label_new: bool,
}

pub(super) fn ui(ui: &mut Ui, run: &Run, outcome: &Outcome, ways: Ways) -> Option<Action> {
    let mut action = None;
    match outcome {
        Outcome::Completed { result } => {
            let n = run.steps.len();
            let few = n.div_ceil(10).min(10);
            let (first, last) = (&run.steps[..few], &run.steps[n - few..]);
            let time = format::duration(run.last().map_or(0.0, |s| s.elapsed_secs));
            let text = match (mean_score(first), mean_score(last)) {
                (Some(first), Some(last)) => {
                    t!("ended.completed_score", time = time, from = format::loss(first), to = format::loss(last))
                }
                _ => {
                    let (first, last) = (mean_loss(first), mean_loss(last));
                    t!("ended.completed", time = time, from = format::loss(first), to = format::loss(last))
                }
            };
            Notice::good(text).show_with(ui, |ui| action = result_row(ui, run, Some(result), ways));
        }
        Outcome::Stopped { result, reason } => {
            let text = t!("ended.stopped", reason = reason);
            Notice::info(text).show_with(ui, |ui| action = result_row(ui, run, result.as_ref(), ways));
        }
        Outcome::Failed { problem } => action = failed(ui, run, problem, ways.go_on),
    }
    action
}

/// Single steps jump; the mean of a few tells where the loss was.
fn mean_loss(steps: &[StepReport]) -> f64 {
    steps.iter().map(|s| f64::from(s.loss)).sum::<f64>() / steps.len().max(1) as f64
}

/// PPO is after the score; its loss tells nobody how it went.
fn mean_score(steps: &[StepReport]) -> Option<f64> {
    let scores: Option<Vec<f64>> =
        steps.iter().map(|s| s.metrics.get("objective/scores").copied().map(f64::from)).collect();
    scores.filter(|scores| !scores.is_empty()).map(|scores| scores.iter().sum::<f64>() / scores.len() as f64)
}

fn result_row(ui: &mut Ui, run: &Run, result: Option<&PathBuf>, ways: Ways) -> Option<Action> {
    let mut action = None;
    if let Some(result) = result {
        ui.add(Label::new(RichText::new(format::path(result)).monospace().size(12.0)).wrap().selectable(true));
    }
    ui.horizontal_wrapped(|ui| {
        match (result, run.recipe.stage) {
            // It answers with a number; there is nothing to talk to.
            (Some(_), Stage::Rm) => {
                if ui.add(Push::primary(t!("ended.judge")).icon(icons::RULER)).clicked() {
                    action = Some(Action::Judge);
                }
            }
            (Some(_), _) => {
                if ways.label_new && ui.add(Push::primary(t!("rounds.label_new")).icon(icons::SCALES)).clicked() {
                    action = Some(Action::LabelNew);
                }
                let talk = t!("ended.talk");
                let talk = if ways.label_new { Push::plain(talk) } else { Push::primary(talk) };
                if ui.add(talk.icon(icons::CHATS_CIRCLE)).clicked() {
                    action = Some(Action::Go(Panel::Try));
                }
            }
            (None, _) => {}
        }
        if ways.go_on && go_on(ui) {
            action = Some(Action::GoOn);
        }
        next_steps(ui, &mut action);
        if let Some(result) = result
            && ui.add(Push::quiet(t!("ended.copy_path")).icon(icons::COPY)).clicked()
        {
            action = Some(Action::Copy(result.display().to_string()));
        }
    });
    action
}

fn failed(ui: &mut Ui, run: &Run, problem: &Problem, can_go_on: bool) -> Option<Action> {
    let heading = try_say(&format!("problem.{}", problem.code)).unwrap_or_else(|| say("problem.internal"));
    let mut remedy = try_say(&format!("remedy.{}", problem.code)).unwrap_or_default();
    if let Some((step, path)) = run.checkpoints.last() {
        remedy = format!("{remedy}\n{}", t!("ended.last_checkpoint", step = step, path = format::path(path)));
    }
    problem_box(ui, &heading, &problem.message, Some(remedy.trim()));
    let mut action = None;
    ui.horizontal(|ui| {
        if can_go_on && go_on(ui) {
            action = Some(Action::GoOn);
        }
        if ui.add(Push::plain(t!("ended.again")).icon(icons::ARROWS_CLOCKWISE)).clicked() {
            action = Some(Action::Again);
        }
        if ui.add(Push::quiet(t!("train.to_method")).icon(icons::SLIDERS_HORIZONTAL)).clicked() {
            action = Some(Action::Go(Panel::Method));
        }
    });
    action
}

/// What a run is good for beyond talking to its result.
fn next_steps(ui: &mut Ui, action: &mut Option<Action>) {
    let steps = [
        (icons::GIT_DIFF, t!("ended.compare"), Action::Compare),
        (icons::EXAM, t!("ended.evaluate"), Action::Evaluate),
        (icons::ARROWS_CLOCKWISE, t!("ended.again"), Action::Again),
    ];
    for (icon, word, step) in steps {
        if ui.add(Push::plain(word).icon(icon)).clicked() {
            *action = Some(step);
        }
    }
}

fn go_on(ui: &mut Ui) -> bool {
    ui.add(Push::plain(t!("ended.go_on")).icon(icons::PLAY)).clicked()
}
