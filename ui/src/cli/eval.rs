//! `luthier eval`: a model in numbers, as JSON on stdout and as a table on stderr.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{ArgGroup, Args, ValueEnum};
use luthier_engine::eval::{
    self, Accuracy, ChoiceOptions, EvalOutcome, EvalPhase, EvalProgress, EvalReport, EvalRequest, EvalTask, Language,
    Measured,
};
use luthier_engine::protocol::Sampling;

use super::failure::Failure;
use super::interrupt::Interrupt;
use super::{device_name, output};

/// Between two lines of progress.
const EVERY: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, ValueEnum)]
enum Lang {
    En,
    Zh,
}

#[derive(Args)]
#[command(group(ArgGroup::new("task").required(true).args(["perplexity", "choice", "generate"])))]
pub struct Arguments {
    /// Model folder or GGUF file
    model: PathBuf,
    /// PEFT adapter folder
    #[arg(long)]
    adapter: Option<PathBuf>,
    /// Perplexity on a data file: its answers, or its texts
    #[arg(long, value_name = "FILE")]
    perplexity: Option<PathBuf>,
    /// Multiple choice: a .csv in MMLU's layout (question, A, B, C, D, answer), or a folder of them
    #[arg(long, value_name = "FILE")]
    choice: Option<PathBuf>,
    /// Answer a data file's prompts; BLEU-4 and ROUGE against its own answers
    #[arg(long, value_name = "FILE")]
    generate: Option<PathBuf>,
    /// Measure the model without the adapter too, and compare
    #[arg(long, requires = "adapter")]
    before: bool,
    /// Measure this model first, and compare
    #[arg(long, value_name = "MODEL", conflicts_with = "before")]
    base: Option<PathBuf>,
    /// With --choice: solved examples before each question
    #[arg(long, value_name = "N", default_value_t = 0, requires = "choice")]
    shots: usize,
    /// With --shots: where the examples are, a .csv or a folder of SUBJECT_dev.csv; else looked for beside the questions
    #[arg(long, value_name = "FILE", requires = "choice")]
    dev: Option<PathBuf>,
    /// With --choice: put the questions through the chat template
    #[arg(long, requires = "choice")]
    chat: bool,
    /// With --choice: also compare the options as whole texts, log-likelihood per byte
    #[arg(long, requires = "choice")]
    option_text: bool,
    /// With --generate: longest answer, in tokens
    #[arg(long, value_name = "N", default_value = "256", value_parser = one_or_more, requires = "generate")]
    max_new_tokens: usize,
    /// Rows, or questions of each subject, at most
    #[arg(long, value_name = "N", value_parser = one_or_more)]
    max_samples: Option<usize>,
    /// Tokens that a row, or a question with its examples, may have
    #[arg(long, value_name = "N", value_parser = one_or_more)]
    cutoff_len: Option<usize>,
    /// Language of the texts, else by their characters: zh counts characters, en words
    #[arg(long, value_enum)]
    lang: Option<Lang>,
    /// auto, cpu, gpu or cuda, with :N for the Nth
    #[arg(long, default_value = "auto", value_parser = device_name)]
    device: String,
}

pub fn run(arguments: Arguments) -> Result<(), Failure> {
    let request = request(arguments)?;
    let interrupt = Interrupt::listen()?;
    let mut told = (None, Instant::now());
    let outcome = eval::run(&request, &mut |progress| {
        let EvalProgress { phase, done, total } = progress;
        if told.0 != Some(phase) || (told.1.elapsed() >= EVERY && done < total) {
            told = (Some(phase), Instant::now());
            eprintln!("{}", progress_line(phase, done, total));
        }
        if interrupt.pressed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    for warning in &outcome.warnings {
        eprintln!("warning: {warning}");
    }
    eprint!("{}", table(&outcome));
    output::write_json(&outcome)?;
    Ok(())
}

fn request(arguments: Arguments) -> Result<EvalRequest, Failure> {
    let Arguments { model, adapter, device, max_samples, cutoff_len, .. } = arguments;
    let task = if let Some(file) = arguments.perplexity {
        EvalTask::Perplexity { file }
    } else if let Some(file) = arguments.choice {
        let options = ChoiceOptions { shots: arguments.shots, chat: arguments.chat, by_text: arguments.option_text };
        EvalTask::Choice { file, dev: arguments.dev, options }
    } else if let Some(file) = arguments.generate {
        // The likeliest answer, so that a second evaluation gives the same numbers.
        let sampling = Sampling { max_new_tokens: arguments.max_new_tokens, temperature: 0.0, ..Sampling::default() };
        EvalTask::Generation { file, sampling }
    } else {
        return Err(Failure::internal("no task was chosen"));
    };
    let language = arguments.lang.map(|lang| match lang {
        Lang::En => Language::En,
        Lang::Zh => Language::Zh,
    });
    let before = if arguments.before { Some(model.clone()) } else { arguments.base };
    Ok(EvalRequest { model, adapter, device, task, before, max_samples, cutoff_len, language })
}

fn one_or_more(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be 1 or more".into()),
        Ok(number) => Ok(number),
        Err(_) => Err("not a whole number".into()),
    }
}

fn progress_line(phase: EvalPhase, done: u64, total: u64) -> String {
    let what = match phase {
        EvalPhase::PreparingData => "preparing the data",
        EvalPhase::LoadingModel => "loading the model",
        EvalPhase::Before => "measuring the model before",
        EvalPhase::Measuring => "measuring",
    };
    let per_cent = 100.0 * done as f64 / total.max(1) as f64;
    format!("{what}  {per_cent:.0} %")
}

/// Metrics below each other, with what they were before beside them.
fn table(outcome: &EvalOutcome) -> String {
    let mut lines = Vec::new();
    match &outcome.measured {
        Measured::Single(report) => {
            lines.push(vec!["metric".to_owned(), "value".to_owned()]);
            lines.extend(report.metrics().into_iter().map(|metric| vec![metric.name, number(metric.value)]));
        }
        Measured::Compared { difference, .. } => {
            lines.push(["metric", "before", "after", "difference"].map(str::to_owned).to_vec());
            lines.extend(difference.iter().map(|change| {
                let (before, after) = (number(change.before), number(change.after));
                vec![change.metric.clone(), before, after, format!("{:+.4}", change.difference)]
            }));
        }
    }
    let width =
        |column: usize| lines.iter().filter_map(|cells| cells.get(column)).map(|cell| columns(cell)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..4).map(width).collect();
    let mut text = String::new();
    for cells in &lines {
        for (column, cell) in cells.iter().enumerate() {
            let pad = " ".repeat(widths[column] - columns(cell));
            text += &if column == 0 { format!("{cell}{pad}") } else { format!("  {pad}{cell}") };
        }
        text.push('\n');
    }
    let after = match &outcome.measured {
        Measured::Single(report) => report,
        Measured::Compared { after, .. } => after,
    };
    text + &format!("{}  {:.1} s on {}\n", basis(after), outcome.elapsed_secs, outcome.device)
}

/// What the numbers stand on.
fn basis(report: &EvalReport) -> String {
    match report {
        EvalReport::Perplexity(report) => format!("{} tokens of {} rows", report.tokens, report.rows),
        EvalReport::Choice(report) => {
            let Accuracy { confidence_95: [low, high], questions, .. } = report.by_letter;
            let mut line = format!(
                "{questions} questions, {} examples before each, 95 % confidence {low:.4} to {high:.4}",
                report.shots
            );
            if report.shortened > 0 {
                line += &format!(", {} with fewer examples to fit the context", report.shortened);
            }
            if report.left_out > 0 {
                line += &format!(", {} too long and left out", report.left_out);
            }
            line
        }
        EvalReport::Generation(report) => {
            let mut line = format!("{} answers, BLEU tokens {}", report.rows, report.bleu_tokenizer);
            if report.cut > 0 {
                line += &format!(", {} cut at the length limit", report.cut);
            }
            if report.left_out > 0 {
                line += &format!(", {} prompts too long and left out", report.left_out);
            }
            line
        }
        EvalReport::Prompts(report) => format!("{} answers", report.answers.len()),
    }
}

fn number(value: f64) -> String {
    format!("{value:.4}")
}

/// Columns of a terminal: Chinese characters take two.
fn columns(text: &str) -> usize {
    text.chars().map(|c| if ('\u{2e80}'..='\u{ffef}').contains(&c) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use luthier_engine::eval::{Change, PerplexityReport};

    use super::*;

    #[test]
    fn before_and_after_stand_in_one_table() {
        let report = |perplexity: f64| {
            Box::new(EvalReport::Perplexity(PerplexityReport {
                perplexity,
                loss: perplexity.ln(),
                token_accuracy: 0.5,
                tokens: 100,
                rows: 3,
                dropped_rows: 0,
                loss_error: None,
                token_accuracy_error: None,
                worst: Vec::new(),
            }))
        };
        let change = |metric: &str, before: f64, after: f64| Change {
            metric: metric.into(),
            before,
            after,
            difference: after - before,
        };
        let difference = vec![change("perplexity", 20.5, 9.25), change("高等数学", 0.25, 0.5)];
        let measured = Measured::Compared { before: report(20.5), after: report(9.25), difference };
        let outcome = EvalOutcome {
            model: "m".into(),
            adapter: None,
            device: "cpu".into(),
            file: "f".into(),
            elapsed_secs: 2.0,
            warnings: Vec::new(),
            measured,
        };
        let wanted = "metric       before   after  difference\n\
                      perplexity  20.5000  9.2500    -11.2500\n\
                      高等数学     0.2500  0.5000     +0.2500\n\
                      100 tokens of 3 rows  2.0 s on cpu\n";
        assert_eq!(table(&outcome), wanted);
    }
}
