//! `luthier train`: a recipe file through the worker's own channel, as the window does it.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use luthier_engine::link::{Link, LinkOptions};
use luthier_engine::protocol::{Command, Event, Outcome, RunFacts, StepReport};
use luthier_engine::recipe::Recipe;

use super::failure::Failure;
use super::interrupt::Interrupt;
use super::{device_name, progress};

#[derive(Args)]
pub struct Arguments {
    /// Recipe file, YAML with LLaMA-Factory's keys
    recipe: PathBuf,
    /// auto, cpu, gpu or cuda, with :N for the Nth; instead of the recipe's own
    #[arg(long, value_parser = device_name)]
    device: Option<String>,
    /// Go on from the newest checkpoint in output_dir
    #[arg(long)]
    resume: bool,
}

pub fn run(arguments: Arguments) -> Result<(), Failure> {
    let (mut recipe, warnings) = Recipe::load(&arguments.recipe)?;
    for warning in warnings {
        warn(&warning);
    }
    if let Some(device) = arguments.device {
        recipe.device = device;
    }
    let interrupt = Interrupt::listen()?;
    let link = Link::spawn(LinkOptions::default());
    let id = run_id(&recipe.output_dir);
    link.send(Command::StartRun { id, recipe: Box::new(recipe), resume: arguments.resume });
    follow(&link, &interrupt)
}

/// Prints the run's events until it has finished.
fn follow(link: &Link, interrupt: &Interrupt) -> Result<(), Failure> {
    let mut facts: Option<Box<RunFacts>> = None;
    let mut last_phase = None;
    let mut losses = Vec::new();
    let mut stopping = false;
    loop {
        if interrupt.pressed() && !stopping {
            stopping = true;
            eprintln!("stopping: a checkpoint is saved first; Ctrl-C again ends at once");
            link.send(Command::StopRun);
        }
        let Some(event) = link.recv_timeout(Duration::from_millis(50)) else { continue };
        match event {
            Event::RunStarted { facts: told, .. } => {
                eprintln!("{}", progress::started(&told));
                // So that it is among the runs of the window as well; it is trained in any case.
                if let Err(problem) = luthier::register(&luthier::home(), &told.output_dir) {
                    warn(&format!("the run is not in the list of runs: {}", problem.message));
                }
                facts = Some(told);
            }
            // It comes with every per cent; a line a phase is enough.
            Event::RunProgress { phase, .. } => {
                if last_phase.replace(phase) != Some(phase) {
                    eprintln!("{}", progress::phase(phase));
                }
            }
            Event::StepReported { report, .. } => {
                last_phase = None;
                losses.push(report.loss);
                let (every, total) = facts.as_ref().map_or((1, 0), |f| (f.recipe.logging_steps.max(1), f.total_steps));
                if report.step.is_multiple_of(every) || report.step == total {
                    // As in trainer_log.jsonl: the mean since the line before.
                    let loss = losses.iter().sum::<f32>() / losses.len() as f32;
                    losses.clear();
                    eprintln!("{}", progress::step(&StepReport { loss, ..report }, total));
                }
            }
            Event::EvalReported { report, .. } => eprintln!("{}", progress::eval(&report)),
            Event::ForgettingMeasured { report, .. } => eprintln!("{}", progress::forgetting(&report)),
            Event::LayersJoined { step, layers, .. } => eprintln!("{}", progress::joined(step, &layers)),
            Event::RolloutsSampled { step, rollouts, .. } => eprintln!("{}", progress::rollouts(step + 1, &rollouts)),
            Event::CheckpointSaved { step, path, .. } => eprintln!("checkpoint of step {step} in {}", path.display()),
            Event::Warned { message, .. } => warn(&message),
            Event::CommandFailed { problem, .. } => return Err(problem.into()),
            Event::RunFinished { outcome, .. } => return ending(outcome, stopping),
            _ => (),
        }
    }
}

fn ending(outcome: Outcome, stopping: bool) -> Result<(), Failure> {
    match outcome {
        Outcome::Completed { result } => {
            eprintln!("done: the result is in {}", result.display());
            Ok(())
        }
        Outcome::Stopped { result, reason } => {
            let place = result.map(|path| format!("; saved in {}", path.display())).unwrap_or_default();
            eprintln!("stopped: {reason}{place}");
            // Early stopping is an end as planned.
            if stopping { Err(Failure::stopped()) } else { Ok(()) }
        }
        Outcome::Failed { problem } => Err(problem.into()),
    }
}

/// The output folder's name and the time, which together name a run.
fn run_id(output_dir: &Path) -> String {
    let name = output_dir.file_name().unwrap_or_default().to_string_lossy();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    format!("{name}-{since}")
}

fn warn(message: &str) {
    eprintln!("warning: {message}");
}
