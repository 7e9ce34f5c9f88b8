//! Makes assets/sample/model again, from nothing but the texts in assets/sample/sources: draws the corpus, trains the
//! tokenizer, starts from random weights, runs assets/sample/pretrain.yaml through the engine's trainer and asks the
//! result the questions of prompts.txt. The old model is only replaced by one that answers them.
//!
//! `cargo xtask sample`, or `cargo run --release -p luthier-engine --example sample [-- FOLDER]`; FOLDER holds what is
//! made on the way (default: luthier-sample in the temporary folder).

mod corpus;
mod counting;
mod draw;
mod folder;
mod sources;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use luthier_engine::generate::{generate, prompt_ids};
use luthier_engine::model::{Model, ModelConfig, save_full};
use luthier_engine::protocol::{ChatMessage, Event, Outcome, PromptText, Sampling};
use luthier_engine::recipe::Recipe;
use luthier_engine::tokenizer::TextTokenizer;
use luthier_engine::trainer::{self, Desk, Wish};
use luthier_engine::{Error, Result, device};

/// Draws over the sources; more make a better model and a longer training.
const PASSES: usize = 9;
/// Tokens of a training row, close to pretrain.yaml's cutoff_len.
const ROW_TOKENS: usize = 120;
const SEED: u64 = 7;
/// Share of the held-out questions that a new model has to answer right; the one in assets got 0.70 (28 of 40).
const GOOD_ENOUGH: f64 = 0.65;

fn main() -> ExitCode {
    let argument = std::env::args().nth(1).map(PathBuf::from);
    let scratch = argument.unwrap_or_else(|| std::env::temp_dir().join("luthier-sample"));
    match make(&scratch) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn make(scratch: &Path) -> Result<()> {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/sample");
    let (start, run) = (scratch.join("start"), scratch.join("run"));
    fs::create_dir_all(&start).map_err(|e| Error::io(&start, e))?;
    let questions = Questions::read(&assets)?;
    let clock = Instant::now();

    let sources = sources::Sources::read(&assets.join("sources"))?;
    let drawn = corpus::exchanges(&sources, PASSES, SEED, &questions.keys());
    let texts: Vec<String> =
        drawn.iter().flatten().flatten().flat_map(|turn| [turn.question.clone(), turn.answer.clone()]).collect();
    println!("{} questions with answers, {} characters", texts.len() / 2, characters(&texts));
    let vocabulary = folder::write_tokenizer(texts.into_iter(), &start)?;
    let rows = corpus::conversations(&sources, drawn, &vocabulary, ROW_TOKENS, SEED)?;
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    write(&scratch.join("corpus.jsonl"), &lines)?;
    println!("{} rows, {} tokens in the vocabulary", rows.len(), vocabulary.get_vocab_size(true));

    let config = folder::write_config(&start, vocabulary.get_vocab_size(true))?;
    let config = ModelConfig::from_json(&config, &start)?;
    folder::write_start_weights(&start, &config, SEED)?;
    println!("{} parameters", config.parameters());

    let recipe_file = assets.join("pretrain.yaml");
    let text = fs::read_to_string(&recipe_file).map_err(|e| Error::io(&recipe_file, e))?;
    let (recipe, warnings) = Recipe::from_yaml(&text, scratch)?;
    warnings.iter().for_each(|warning| println!("{warning}"));
    let mut ticker = Ticker::default();
    match trainer::start(&"sample".to_owned(), &recipe, false, &mut ticker)? {
        Outcome::Completed { .. } => {}
        other => return Err(Error::Refused(format!("the training did not end well: {other:?}"))),
    }
    println!("trained in {:.0} s", clock.elapsed().as_secs_f64());

    let cpu = device::unchecked("cpu")?;
    let mut trained = Model::load(&run, &cpu, &mut |_, _| std::ops::ControlFlow::Continue(()))?;
    trained.source_dtype = "F16".into();
    let halved = scratch.join("model");
    save_full(&trained, &halved)?;
    let share = questions.ask(&halved)?;
    if share < GOOD_ENOUGH {
        let reason = format!("only {:.0} % right; assets/sample/model is left as it was", 100.0 * share);
        return Err(Error::Refused(reason));
    }
    let home = assets.join("model");
    fs::create_dir_all(&home).map_err(|e| Error::io(&home, e))?;
    for entry in fs::read_dir(&halved).map_err(|e| Error::io(&halved, e))?.filter_map(|entry| entry.ok()) {
        let to = home.join(entry.file_name());
        fs::copy(entry.path(), &to).map_err(|e| Error::io(&to, e))?;
    }
    println!("{:.0} % right; wrote {}", 100.0 * share, home.display());
    Ok(())
}

/// The questions that no training row contains, and a part of the right answer to each.
struct Questions(Vec<(String, String)>);

impl Questions {
    fn read(assets: &Path) -> Result<Self> {
        let lines = |name: &str| {
            let file = assets.join(name);
            let text = fs::read_to_string(&file).map_err(|e| Error::io(&file, e))?;
            Ok::<_, Error>(text.lines().map(str::to_owned).collect::<Vec<_>>())
        };
        let (prompts, answers) = (lines("prompts.txt")?, lines("prompts.answers.txt")?);
        if prompts.len() != answers.len() {
            let reason = format!("{} lines, but prompts.txt has {}", answers.len(), prompts.len());
            return Err(Error::data(assets.join("prompts.answers.txt"), "the whole file", reason));
        }
        Ok(Self(prompts.into_iter().zip(answers).collect()))
    }

    fn keys(&self) -> HashSet<String> {
        self.0.iter().map(|(question, _)| corpus::key(question)).collect()
    }

    /// Prints every answer; returns the share of right ones.
    fn ask(&self, folder: &Path) -> Result<f64> {
        let cpu = device::unchecked("cpu")?;
        let model = Model::load(folder, &cpu, &mut |_, _| std::ops::ControlFlow::Continue(()))?;
        let tokenizer = TextTokenizer::load(folder)?;
        let sampling = Sampling { max_new_tokens: 100, temperature: 0.0, ..Sampling::default() };
        let mut right = 0;
        for (question, part) in &self.0 {
            let message = ChatMessage { role: "user".into(), content: question.clone() };
            let prompt = prompt_ids(&tokenizer, &PromptText::Chat(vec![message]))?;
            let ids = generate(&model, &tokenizer, &prompt, &sampling, &mut |_| true)?.ids;
            let answer = tokenizer.decode(&ids, true);
            let good = answer.contains(part.as_str());
            right += usize::from(good);
            println!("{} {question}\n      {answer}", if good { "right" } else { "WRONG" });
        }
        Ok(right as f64 / self.0.len().max(1) as f64)
    }
}

/// Prints a line now and then.
#[derive(Default)]
struct Ticker {
    losses: Vec<f32>,
}

impl Desk for Ticker {
    fn tell(&mut self, event: Event) {
        match event {
            Event::StepReported { report, .. } => {
                self.losses.push(report.loss);
                if self.losses.len() == 50 {
                    let mean = self.losses.iter().sum::<f32>() / self.losses.len() as f32;
                    let (step, speed, left) = (report.step, report.tokens_per_sec, report.remaining_secs);
                    println!("step {step}: loss {mean:.4}, {speed:.0} tokens/s, {left:.0} s left");
                    self.losses.clear();
                }
            }
            Event::EvalReported { report, .. } => println!("step {}: evaluation loss {:.4}", report.step, report.loss),
            Event::Warned { message, .. } => println!("{message}"),
            _ => {}
        }
    }

    fn wish(&mut self) -> Wish {
        Wish::GoOn
    }
}

fn characters(texts: &[String]) -> usize {
    texts.iter().flat_map(|text| text.chars()).collect::<HashSet<_>>().len()
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).map_err(|e| Error::io(file, e))
}
