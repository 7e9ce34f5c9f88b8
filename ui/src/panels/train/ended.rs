//! How a run ended, and what to do now.

use egui::{Label, RichText, Ui};
use luthier_engine::protocol::{Outcome, Problem, StepReport};

use crate::bench::Bench;
use crate::panels::Panel;
use crate::state::Run;
use crate::text::{say, t, try_say};
use crate::widgets::{Notice, Push, problem_box};
use crate::{format, icons};

pub fn ui(ui: &mut Ui, bench: &mut Bench, run: &Run, outcome: &Outcome) {
    match outcome {
        Outcome::Completed { result } => {
            let n = run.steps.len();
            let few = n.div_ceil(10).min(10);
            let (first, last) = (mean_loss(&run.steps[..few]), mean_loss(&run.steps[n - few..]));
            let time = format::duration(run.last().map_or(0.0, |s| s.elapsed_secs));
            let text = t!("ended.completed", time = time, from = format::loss(first), to = format::loss(last));
            Notice::good(text).show_with(ui, |ui| result_row(ui, bench, Some(result)));
        }
        Outcome::Stopped { result, reason } => {
            Notice::info(t!("ended.stopped", reason = reason))
                .show_with(ui, |ui| result_row(ui, bench, result.as_ref()));
        }
        Outcome::Failed { problem } => failed(ui, bench, run, problem),
    }
}

/// Single steps jump; the mean of a few tells where the loss was.
fn mean_loss(steps: &[StepReport]) -> f64 {
    steps.iter().map(|s| f64::from(s.loss)).sum::<f64>() / steps.len().max(1) as f64
}

fn result_row(ui: &mut Ui, bench: &mut Bench, result: Option<&std::path::PathBuf>) {
    if let Some(result) = result {
        ui.add(Label::new(RichText::new(format::path(result)).monospace().size(12.0)).wrap().selectable(true));
    }
    ui.horizontal(|ui| {
        if result.is_some() && ui.add(Push::primary(t!("ended.talk")).icon(icons::CHATS_CIRCLE)).clicked() {
            bench.panel = Panel::Try;
        }
        if let Some(result) = result
            && ui.add(Push::plain(t!("ended.copy_path")).icon(icons::COPY)).clicked()
        {
            ui.ctx().copy_text(result.display().to_string());
            bench.notes.push(t!("note.copied"));
        }
    });
}

fn failed(ui: &mut Ui, bench: &mut Bench, run: &Run, problem: &Problem) {
    let heading = try_say(&format!("problem.{}", problem.code)).unwrap_or_else(|| say("problem.internal"));
    let mut remedy = try_say(&format!("remedy.{}", problem.code)).unwrap_or_default();
    if let Some((step, path)) = run.checkpoints.last() {
        remedy = format!("{remedy}\n{}", t!("ended.last_checkpoint", step = step, path = format::path(path)));
    }
    problem_box(ui, &heading, &problem.message, Some(remedy.trim()));
    ui.horizontal(|ui| {
        if ui.add(Push::plain(t!("train.to_method")).icon(icons::SLIDERS_HORIZONTAL)).clicked() {
            bench.panel = Panel::Method;
        }
    });
}
