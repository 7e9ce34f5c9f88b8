//! The command line: what can be typed, and how an outcome becomes an exit code.
//!
//! Exit codes: 0 done, 2 bad input, 3 the run or the machine failed, 130 stopped. An error is one text on stderr.

mod data;
mod devices;
mod estimate;
mod eval;
mod failure;
mod generate;
mod interrupt;
mod labels;
mod logits;
mod output;
mod progress;
mod runs;
mod template;
mod train;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use luthier_engine::recipe::is_device;
use luthier_engine::{Error, Result};

use failure::Failure;

#[derive(Parser)]
#[command(name = "luthier", version, about = "A workbench for fine-tuning language models. Alone it opens the window.")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Train from a recipe file; one line a logged step on stderr. Ctrl-C saves a checkpoint and stops
    Train(train::Arguments),
    /// Every run ever, newest first
    Runs(runs::Arguments),
    /// Logits of a model for token ids in a safetensors file
    Logits(logits::Arguments),
    /// Continue a text, or answer it with --chat; the answer streams to stdout
    Generate(generate::Arguments),
    /// Measure a model: perplexity, multiple choice, or its answers against a file's; JSON on stdout
    Eval(eval::Arguments),
    /// Render messages through a model's chat template to stdout
    Template(template::Arguments),
    /// Look into data files
    Data {
        #[command(subcommand)]
        command: data::Command,
    },
    /// Labels of the labelling bench: list, export, import
    Labels {
        #[command(subcommand)]
        command: labels::Command,
    },
    /// Predict a run's memory and time from its recipe, by part; nothing is loaded
    Estimate(estimate::Arguments),
    /// List the devices that can train, each after a small computation on it was compared with the CPU's
    Devices(devices::Arguments),
    /// The child process in which a device is tried
    #[command(hide = true)]
    ProbeDevice { id: String },
}

/// Parses, runs, reports. Never panics outwards.
pub fn main() -> ExitCode {
    failure::quiet_panics();
    log_to_stderr();
    let arguments = Arguments::parse();
    match failure::guarded(|| run(arguments.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(command: Option<Command>) -> Result<(), Failure> {
    match command {
        None => {
            luthier::window::run(luthier::window::Options::default()).map_err(|error| Failure::of_window(&error))?;
        }
        Some(Command::Train(arguments)) => train::run(arguments)?,
        Some(Command::Runs(arguments)) => runs::run(&arguments)?,
        Some(Command::Logits(arguments)) => logits::run(&arguments)?,
        Some(Command::Generate(arguments)) => generate::run(arguments)?,
        Some(Command::Eval(arguments)) => eval::run(arguments)?,
        Some(Command::Template(arguments)) => template::run(&arguments)?,
        Some(Command::Data { command }) => data::run(command)?,
        Some(Command::Labels { command }) => labels::run(command)?,
        Some(Command::Estimate(arguments)) => estimate::run(arguments)?,
        Some(Command::Devices(arguments)) => devices::run(&arguments)?,
        Some(Command::ProbeDevice { id }) => devices::probe(&id),
    }
    Ok(())
}

/// Diagnostics for developers: `LUTHIER_LOG=luthier_engine=debug`. Silent without it.
fn log_to_stderr() {
    if let Ok(filter) = std::env::var("LUTHIER_LOG") {
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    }
}

/// A device's name as recipes write it, for clap.
fn device_name(text: &str) -> Result<String, String> {
    if is_device(text) {
        Ok(text.to_owned())
    } else {
        Err("write auto, cpu, gpu or cuda, the last two with :N if you like".into())
    }
}

/// Reads a JSON file given on the command line.
///
/// # Errors
/// `Io` if it cannot be read, `BadData` with line and column if it is not JSON.
fn read_json(path: &PathBuf) -> Result<serde_json::Value> {
    let bytes = std::fs::read(path).map_err(|error| Error::io(path, error))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Error::data(path, place, format!("this is not valid JSON: {error}"))
    })
}
