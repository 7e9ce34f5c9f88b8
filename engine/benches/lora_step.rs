//! Seconds, tokens a second and peak memory of one LoRA step (rank 8 on q and v) on a model of SmolLM2-135M's shape
//! with random weights, on the CPU. `cargo bench -p luthier-engine --bench lora_step`
//!
//! Each case runs in a process of its own, so that its peak memory is its own.

mod shape;

use std::collections::BTreeSet;
use std::time::Instant;

use luthier_engine::adapter::{AdapterConfig, LoraConfig, Method as AdapterMethod};
use luthier_engine::data::{Encoded, Example};
use luthier_engine::device;
use luthier_engine::method::{Method, Sft, Turn};
use luthier_engine::model::{DropoutKey, GradientSum, Model};
use luthier_engine::optimizer::{AdamW, global_norm};
use luthier_engine::recipe::Recipe;
use luthier_engine::trainer::{Graph, Pass};

const CASES: [(&str, usize, Graph, &str); 5] = [
    ("1x256 kept", 1, Graph::Kept, "lora"),
    ("1x256 recomputed", 1, Graph::Recomputed, "lora"),
    ("4x256 kept", 4, Graph::Kept, "lora"),
    ("4x256 recomputed", 4, Graph::Recomputed, "lora"),
    ("1x256 full, kept", 1, Graph::Kept, "full"),
];
const WIDTH: usize = 256;
const STEPS: usize = 4;

fn main() {
    if let Some(at) = std::env::args().skip_while(|a| a != "--case").nth(1).and_then(|a| a.parse::<usize>().ok()) {
        return case(at);
    }
    println!("{:<20} {:>10} {:>12} {:>12}", "case", "s / step", "tokens / s", "peak MB");
    let wanted = std::env::args().skip(1).find(|a| !a.starts_with('-'));
    for (at, (name, ..)) in CASES.iter().enumerate().filter(|(_, c)| wanted.as_ref().is_none_or(|w| c.0.contains(w))) {
        let program = std::env::current_exe().expect("own path");
        let done = std::process::Command::new(program).args(["--case", &at.to_string()]).output().expect("child");
        print!("{name:<20} {}", String::from_utf8_lossy(&done.stdout));
        eprint!("{}", String::from_utf8_lossy(&done.stderr));
    }
}

fn case(at: usize) {
    let (_, rows, graph, method) = CASES[at];
    let device = device::unchecked("cpu").expect("cpu");
    let mut model = Model::random(shape::smollm2_135m(), &device, 1);
    let learning: BTreeSet<String> = if method == "lora" {
        let lora = LoraConfig { r: 8, lora_alpha: 16.0, ..LoraConfig::default() };
        model.add_adapter(AdapterConfig::new(AdapterMethod::Lora(lora), ["q_proj", "v_proj"]), 2).expect("lora");
        model.params.keys().filter(|n| n.contains("lora_")).cloned().collect()
    } else {
        model.params.keys().cloned().collect()
    };
    let data: Vec<Encoded> = (0..rows)
        .map(|row| {
            let input_ids: Vec<u32> = (0..WIDTH as u32).map(|i| (i * 7919 + row as u32 * 31) % 49152).collect();
            Encoded { row, labels: input_ids.iter().map(|&id| id as i32).collect(), input_ids }
        })
        .collect();
    let all: Vec<usize> = (0..rows).collect();
    let train = data.into_iter().map(Example::Answer).collect();
    let mut sft = Sft { train, eval: Vec::new(), kl_penalty: 0.0, base: None };
    let mut optimizer = AdamW::new(&Recipe::default());
    let (mut times, share) = (Vec::new(), 1.0 / sft.divisor(std::slice::from_ref(&all)));
    for step in 0..=STEPS as u64 {
        let began = Instant::now();
        let mut grads = GradientSum::default();
        let dropout = DropoutKey { seed: 0, step, micro_batch: 0 };
        let pass = Pass { learning: &learning, graph };
        let turn = Turn { model: &model, pass, dropout, share, sum: &mut grads };
        let measured = sft.micro_batch(turn, &all).expect("pass");
        let norm = global_norm(&grads).expect("norm");
        optimizer.step(&mut model.params, grads, 1e-4, 1.0);
        if step > 0 {
            times.push(began.elapsed().as_secs_f64()); // the first warms up
        }
        if std::env::var_os("LUTHIER_BENCH_VERBOSE").is_some() {
            eprintln!("step {step}: loss {:.6} norm {norm:.6}", measured.mean());
        }
    }
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    println!("{median:>10.3} {:>12.1} {:>12.0}", (rows * WIDTH) as f64 / median, peak_bytes() / 1e6);
}

/// The process's largest resident set.
fn peak_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) * 1024.0
}
