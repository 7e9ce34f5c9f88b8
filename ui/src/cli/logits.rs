//! `luthier logits`: what a model says at every position of given token ids.

use std::path::PathBuf;

use clap::Args;
use luthier_engine::Result;

use super::device_name;

#[derive(Args)]
pub struct Arguments {
    /// Model folder or GGUF file
    model: PathBuf,
    /// Safetensors file with input_ids [B,T] (i64) and, if there, attention_mask
    #[arg(long)]
    input: PathBuf,
    /// Safetensors file to write: logits [B,T,V] in f32
    #[arg(long)]
    out: PathBuf,
    /// PEFT adapter folder
    #[arg(long)]
    adapter: Option<PathBuf>,
    /// auto, cpu, gpu or cuda, with :N for the Nth
    #[arg(long, default_value = "auto", value_parser = device_name)]
    device: String,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { model, input, out, adapter, device } = arguments;
    luthier_engine::logits::run(model, adapter.as_deref(), device, input, out)
}
