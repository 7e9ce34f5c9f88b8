//! `luthier data inspect`: what Luthier makes of a data file.

use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use luthier_engine::data::{self, DataSummary, RowProblem};
use luthier_engine::protocol::DataSource;
use luthier_engine::recipe::Recipe;
use luthier_engine::{Error, Result};

use super::output;

#[derive(Subcommand)]
pub enum Command {
    /// Detected format, column mapping, counts, and the first rows as the model will see them
    Inspect(Inspect),
}

#[derive(Args)]
pub struct Inspect {
    /// A .json, .jsonl, .csv or .parquet file
    file: PathBuf,
    /// Model folder or GGUF file whose tokenizer and chat template shape the rows
    #[arg(long)]
    model: Option<PathBuf>,
    /// Tokens that a row may have
    #[arg(long, value_name = "N", default_value_t = Recipe::default().cutoff_len)]
    cutoff_len: usize,
    /// The summary as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(Command::Inspect(arguments): Command) -> Result<()> {
    let Inspect { file, model, cutoff_len, json } = arguments;
    let source = DataSource { path: file, mapping: None, model, cutoff_len, train_on_prompt: false };
    let summary = data::inspect(&source, &mut |_, _| ControlFlow::Continue(()))?;
    if json {
        output::write_json(&summary)?
    } else {
        output::write(&data::describe(&summary)).map(|_| ())?
    }
    fit_to_train(&summary)
}

/// The summary is told in any case; rows that cannot be used make the file bad input, so that a script notices.
fn fit_to_train(summary: &DataSummary) -> Result<()> {
    let DataSummary { path, rows, columns, problems, problem_count, .. } = summary;
    match problems.first() {
        _ if *problem_count == 0 => Ok(()),
        Some(RowProblem { row, line, reason }) => {
            let place = if *line > 0 { format!("line {line}") } else { format!("row {row}") };
            Err(Error::data(path, place, format!("{reason}; {problem_count} of {rows} rows cannot be used")))
        }
        None => {
            let reason =
                format!("{} do not tell what to learn; describe the file in dataset_info.json", columns.join(", "));
            Err(Error::data(path, "columns", reason))
        }
    }
}
