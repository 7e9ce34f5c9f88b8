//! `luthier estimate`: what a recipe's run will take, before anything is loaded.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use luthier::format;
use luthier_engine::Result;
use luthier_engine::estimate::{Forecast, MemoryPart, TimePart, forecast};
use luthier_engine::recipe::Recipe;

use super::{device_name, output};

#[derive(Args)]
pub struct Arguments {
    /// Recipe file, YAML with LLaMA-Factory's keys
    recipe: PathBuf,
    /// auto, cpu, gpu or cuda, with :N for the Nth; instead of the recipe's own
    #[arg(long, value_parser = device_name)]
    device: Option<String>,
    /// The estimate and what it rests on as JSON; bytes and seconds
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: Arguments) -> Result<()> {
    let (mut recipe, mut warnings) = Recipe::load(&arguments.recipe)?;
    if let Some(device) = arguments.device {
        recipe.device = device;
    }
    let mut found = forecast(&recipe)?;
    warnings.append(&mut found.warnings);
    if arguments.json {
        return output::write_json(&Forecast { warnings, ..found });
    }
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
    output::write(&table(&found)).map(|_| ())
}

/// Width of the words before the numbers.
const WORDS: usize = 34;
const BAR: usize = 24;

fn table(found: &Forecast) -> String {
    let Forecast { model, device, workload, estimate, .. } = found;
    let share = estimate.trainable_parameters as f64 / estimate.parameters.max(1) as f64 * 100.0;
    let mut lines = vec![
        format!(
            "model   {model}: {} parameters; {} learn ({} %)",
            format::short_count(estimate.parameters),
            format::count(estimate.trainable_parameters),
            format::significant(share, 3)
        ),
        format!(
            "data    {} rows of {:.0} tokens, {} at most; {:.0} % of the tokens are learned{}",
            format::count(workload.rows as u64),
            workload.mean_tokens,
            format::count(workload.longest_tokens as u64),
            workload.learned_share * 100.0,
            if workload.eval_rows > 0 { format!("; {} rows set aside", workload.eval_rows) } else { String::new() }
        ),
        format!("device  {}: {}, {:.0} GFLOP/s in f32", device.id, device.name, found.machine.flops / 1e9),
        String::new(),
    ];
    let peak = estimate.peak_bytes();
    lines.push(line("memory at its peak", &format::bytes(peak), &room(found)));
    for share in &estimate.memory {
        let bar = "#".repeat((share.bytes as f64 / peak.max(1) as f64 * BAR as f64).round() as usize);
        lines.push(line(&format!("  {}", memory_word(share.part)), &format::bytes(share.bytes), &bar));
    }
    lines.push(String::new());
    let each = format!(
        "{} steps of {}, {:.0} tokens each",
        format::count(estimate.total_steps as u64),
        format::duration(estimate.step_secs),
        estimate.tokens_per_step
    );
    lines.push(line("time", &format::duration(estimate.total_secs), &each));
    for share in &estimate.time {
        let secs = if share.secs < 0.1 { format!("{:.0} ms", share.secs * 1e3) } else { format::duration(share.secs) };
        let bar = "#".repeat((share.secs / estimate.total_secs.max(1e-9) * BAR as f64).round() as usize);
        lines.push(line(&format!("  {}", time_word(share.part)), &secs, &bar));
    }
    lines.push(String::new());
    lines.push(match estimate.graph.as_str() {
        "kept" => {
            "Every block's graph is kept: faster. Expect memory within a quarter (or 64 MB), time within a factor of two.".into()
        }
        _ => "Blocks run twice, since memory is short. Expect memory within a quarter (or 64 MB), time within a factor of two."
            .into(),
    });
    lines.iter().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{}", line.trim_end());
        text
    })
}

fn line(word: &str, value: &str, after: &str) -> String {
    format!("{word:<WORDS$}{value:>12}  {after}")
}

fn room(found: &Forecast) -> String {
    let Some(has) = found.machine.memory_bytes else { return "how much the device has is not known".into() };
    let share = found.estimate.peak_bytes() as f64 / has.max(1) as f64 * 100.0;
    if found.estimate.fits(&found.machine) {
        format!("{share:.0} % of the {} that are there", format::bytes(has))
    } else {
        format!("more than the {} that are there", format::bytes(has))
    }
}

fn memory_word(part: MemoryPart) -> &'static str {
    match part {
        MemoryPart::Program => "the program and the data",
        MemoryPart::Weights => "the model's weights",
        MemoryPart::Adapter => "the adapter",
        MemoryPart::Gradients => "gradients",
        MemoryPart::Optimizer => "the optimiser's two moments",
        MemoryPart::Activations => "activations for the way back",
        MemoryPart::Head => "logits",
        MemoryPart::Companions => "models and weights beside it",
    }
}

fn time_word(part: TimePart) -> &'static str {
    match part {
        TimePart::Reference => "asking the starting model",
        TimePart::Sampling => "sampling and scoring answers",
        TimePart::Forward => "forward through the blocks",
        TimePart::Recompute => "blocks a second time",
        TimePart::Backward => "back through the blocks",
        TimePart::Head => "the language head",
        TimePart::Update => "updating the weights",
        TimePart::Evaluation => "evaluations",
        TimePart::Forgetting => "measuring forgetting",
    }
}
