//! Tokens a second of 1, 4, 16 and 64 answers that are decoded side by side, on a model of SmolLM2-135M's shape with
//! random weights, on the CPU. `cargo bench -p luthier-engine --bench decode`

mod shape;

use std::path::Path;
use std::time::Instant;

use luthier_engine::device;
use luthier_engine::generate::generate_many;
use luthier_engine::model::Model;
use luthier_engine::protocol::Sampling;
use luthier_engine::tokenizer::TextTokenizer;

const PROMPT: u32 = 32;
const NEW: usize = 33;

fn main() {
    let device = device::unchecked("cpu").expect("cpu");
    let model = Model::random(shape::smollm2_135m(), &device, 1);
    // Only its end token's id matters, which random weights next to never choose.
    let tokenizer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/models/llama-tiny");
    let tokenizer = TextTokenizer::load(&tokenizer).expect("tokenizer");
    println!("{:>8} {:>18} {:>18} {:>14}", "answers", "prompt tokens / s", "new tokens / s", "ms / step");
    for count in [1, 4, 16, 64] {
        let prompts: Vec<Vec<u32>> =
            (0..count).map(|row| (0..PROMPT).map(|i| (i * 7919 + row * 31) % 49152).collect()).collect();
        let sampling = |seed| Sampling { max_new_tokens: NEW, temperature: 1.0, seed, ..Sampling::default() };
        let samplings: Vec<Sampling> = (0..u64::from(count)).map(sampling).collect();
        let began = Instant::now();
        let mut steps = Vec::new();
        generate_many(&model, &tokenizer, &prompts, &samplings, &mut |tokens| {
            if tokens > 0 {
                steps.push((tokens, began.elapsed().as_secs_f64()));
            }
            true
        })
        .expect("generated");
        // The first step ends with the prompts read; each later one is a pass for one token of each answer.
        let ((first, read), (last, done)) = (steps[0], steps[steps.len() - 1]);
        let (prompt, new) = (f64::from(count * PROMPT) / read, (last - first) as f64 / (done - read));
        let step = 1000.0 * (done - read) / (steps.len() - 1) as f64;
        println!("{count:>8} {prompt:>18.1} {new:>18.1} {step:>14.1}");
    }
}
