//! `luthier labels`: queues of the labelling bench, out and in.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use luthier_engine::feedback::{Exporting, FileFormat, Ranking, Ties};

use super::failure::Failure;
use super::output;

#[derive(Subcommand)]
pub enum Command {
    /// Every queue, newest first
    List {
        /// All that is known of each, as JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a queue's labels for a trainer or another tool
    Export(Export),
    /// Read labels, or answers to be labelled, into a new queue
    Import {
        /// TRL, LLaMA-Factory, OpenAI preference, Argilla or Label Studio; the format is detected
        file: PathBuf,
        /// Else it is called after the file
        #[arg(long)]
        name: Option<String>,
    },
}

#[derive(Args)]
pub struct Export {
    /// The queue's number or name, as `luthier labels list` shows them
    queue: String,
    /// trl, trl-kto, llamafactory, llamafactory-alpaca, llamafactory-kto, openai, argilla or label-studio
    #[arg(long, default_value = "trl", value_parser = format)]
    format: FileFormat,
    /// The file; for llamafactory formats the folder, whose dataset_info.json gets an entry
    #[arg(long)]
    to: PathBuf,
    /// What becomes of ties; without it they are kept where the format can say so, else left out
    #[arg(long)]
    ties: Option<TiesWord>,
    /// Share of the records that is set aside for evaluation, by prompt, into a file of its own
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    eval_share: f64,
    /// Of a ranking, only pairs of neighbours
    #[arg(long)]
    neighbours: bool,
    /// Make no pairs of good and bad marks on the same prompt
    #[arg(long)]
    no_marks: bool,
    /// Of the draw that sets prompts aside
    #[arg(long, default_value_t = 42)]
    seed: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum TiesWord {
    LeaveOut,
    Split,
    Keep,
}

fn format(word: &str) -> Result<FileFormat, String> {
    let words: Vec<&str> = FileFormat::ALL.iter().map(|format| format.word()).collect();
    FileFormat::of_word(word).ok_or_else(|| format!("the formats are {}", words.join(", ")))
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "write a number from 0 to 0.5".to_owned())?;
    if (0.0..=0.5).contains(&share) { Ok(share) } else { Err("write a number from 0 to 0.5".into()) }
}

pub fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::List { json } => list(json),
        Command::Export(export) => write(&export),
        Command::Import { file, name } => {
            let queue = luthier::import_labels(&luthier::home(), &file, &name.unwrap_or_default())?;
            if queue.left_out.0 > 0 {
                eprintln!("{} rows left out; the first, {}", queue.left_out.0, queue.left_out.1);
            }
            output::write(&format!("queue {}, {}: {} items\n", queue.id, queue.name, queue.items))?;
            Ok(())
        }
    }
}

fn list(json: bool) -> Result<(), Failure> {
    let listed = luthier::labels_listing(&luthier::home())?;
    if json {
        return Ok(output::write_json(&listed)?);
    }
    let mut text = String::new();
    for queue in &listed {
        let mode = format!("{:?}", queue.mode).to_lowercase();
        let counts = format!("{}/{}", queue.labelled, queue.items);
        text.push_str(&format!(
            "{:>4}  {mode:<6}  labelled {counts:>13}  round {}  {}\n",
            queue.id, queue.round, queue.name
        ));
    }
    output::write(&text)?;
    Ok(())
}

fn write(export: &Export) -> Result<(), Failure> {
    let mut how = Exporting::to(export.format);
    (how.eval_share, how.seed, how.rules.from_marks) = (export.eval_share, export.seed, !export.no_marks);
    if export.neighbours {
        how.rules.ranking = Ranking::Adjacent;
    }
    if let Some(ties) = export.ties {
        how.rules.ties = match ties {
            TiesWord::LeaveOut => Ties::LeaveOut,
            TiesWord::Split => Ties::Split,
            TiesWord::Keep => Ties::Keep,
        };
    }
    let parcel = luthier::export_labels(&luthier::home(), &export.queue, &how, &export.to)?;
    let reasons = parcel.left_out.reasons().into_iter().filter(|(_, count)| *count > 0);
    let reasons: Vec<String> = reasons.map(|(reason, count)| format!("{reason} {count}")).collect();
    if !reasons.is_empty() {
        eprintln!("left out: {}", reasons.join(", ").replace('_', " "));
    }
    let mut text = format!("{} records, {} set aside\n", parcel.train, parcel.eval);
    for file in &parcel.files {
        text.push_str(&format!("{}\n", file.display()));
    }
    output::write(&text)?;
    Ok(())
}
