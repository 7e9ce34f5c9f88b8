//! `luthier generate`: one prompt, the answer streamed to stdout as it is sampled.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use luthier_engine::link::{Link, LinkOptions};
use luthier_engine::protocol::{ChatMessage, Command, Event, FinishReason, Prompt, PromptText, Sampling};

use super::failure::Failure;
use super::interrupt::Interrupt;
use super::{device_name, output};

const REQUEST: u64 = 1;

#[derive(Args)]
pub struct Arguments {
    /// Model folder or GGUF file
    model: PathBuf,
    /// PEFT adapter folder
    #[arg(long)]
    adapter: Option<PathBuf>,
    #[arg(long)]
    prompt: String,
    /// Put the prompt through the model's chat template instead of continuing it as it stands
    #[arg(long)]
    chat: bool,
    /// System message before the prompt
    #[arg(long, requires = "chat", value_name = "TEXT")]
    system: Option<String>,
    #[arg(long, value_name = "N", default_value_t = Sampling::default().max_new_tokens)]
    max_new_tokens: usize,
    /// 0 takes the most likely token each time
    #[arg(long, value_name = "T", value_parser = temperature, default_value_t = Sampling::default().temperature)]
    temperature: f32,
    #[arg(long, value_name = "P", value_parser = share, default_value_t = Sampling::default().top_p)]
    top_p: f32,
    /// 0 sets no limit
    #[arg(long, value_name = "K", default_value_t = Sampling::default().top_k)]
    top_k: usize,
    #[arg(long, value_name = "S", default_value_t = Sampling::default().seed)]
    seed: u64,
    /// auto, cpu, gpu or cuda, with :N for the Nth
    #[arg(long, default_value = "auto", value_parser = device_name)]
    device: String,
}

pub fn run(arguments: Arguments) -> Result<(), Failure> {
    let interrupt = Interrupt::listen()?;
    let link = Link::spawn(LinkOptions::default());
    link.send(Command::Generate { request: REQUEST, prompt: prompt(arguments) });
    let mut cancelled = false;
    loop {
        if interrupt.pressed() && !cancelled {
            cancelled = true;
            link.send(Command::CancelGenerate { request: REQUEST });
        }
        match link.recv_timeout(Duration::from_millis(50)) {
            Some(Event::TokenSampled { text, .. }) => {
                if !cancelled && !output::write(&text)? {
                    cancelled = true;
                    link.send(Command::CancelGenerate { request: REQUEST });
                }
            }
            Some(Event::GenerateFinished { prompt_tokens, new_tokens, elapsed_secs, reason, .. }) => {
                output::write("\n")?;
                let speed = new_tokens as f64 / elapsed_secs.max(1e-9);
                let end = ending(reason);
                eprintln!(
                    "{prompt_tokens} prompt tokens, {new_tokens} new in {elapsed_secs:.1} s, {speed:.1} tok/s, {end}"
                );
                return if interrupt.pressed() { Err(Failure::stopped()) } else { Ok(()) };
            }
            Some(Event::CommandFailed { problem, .. }) => return Err(problem.into()),
            Some(Event::Warned { message, .. }) => eprintln!("warning: {message}"),
            Some(_) | None => (),
        }
    }
}

fn prompt(arguments: Arguments) -> Prompt {
    let Arguments { model, adapter, prompt, chat, system, .. } = arguments;
    let text = if chat {
        let message = |role: &str, content| ChatMessage { role: role.into(), content };
        let system = system.map(|content| message("system", content));
        PromptText::Chat(system.into_iter().chain([message("user", prompt)]).collect())
    } else {
        PromptText::Plain(prompt)
    };
    let Arguments { max_new_tokens, temperature, top_p, top_k, seed, device, .. } = arguments;
    let sampling = Sampling { max_new_tokens, temperature, top_p, top_k, seed };
    Prompt { model, adapter, device, text, sampling, chances: 0 }
}

fn temperature(text: &str) -> Result<f32, String> {
    let number = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=f32::MAX).contains(&number) { Ok(number) } else { Err("must be 0 or more".into()) }
}

fn share(text: &str) -> Result<f32, String> {
    let number = text.parse().map_err(|_| "not a number".to_owned())?;
    if number > 0.0 && number <= 1.0 { Ok(number) } else { Err("must be above 0 and at most 1".into()) }
}

fn ending(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::EndOfText => "end of text",
        FinishReason::LengthLimit => "length limit",
        FinishReason::Cancelled => "cancelled",
    }
}
