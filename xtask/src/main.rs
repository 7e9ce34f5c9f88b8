//! What the project does to itself: `cargo xtask test | frames | sample`.
//!
//! The standard library only: a dependency here could share a crate with Burn under other features,
//! and Burn would be built twice.

mod packages;
mod parts;
mod software_gpu;
mod suite;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <task>

  test      install what the suite needs where that is possible, then run all of it
  frames    print how long frames of the window take: 1,000 runs, 20 runs of 50,000 points, 100 layers, 100,000 rows,
            the labelling bench alone and beside a run
  sample    train the sample model in assets again, from its recipe and text sources";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let passed = match arguments.split_first().map(|(task, rest)| (task.as_str(), rest)) {
        Some(("test", [])) => suite::run(),
        Some(("frames", [])) => suite::frames(),
        Some(("sample", rest)) => suite::run_example("sample", rest),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
