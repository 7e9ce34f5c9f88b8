//! The GPU path (Burn's wgpu, WGSL) against the CPU, on whatever adapter is here: in CI a software Vulkan driver.
//!
//! `cargo xtask test` sets LUTHIER_TEST_GPU=1 once it has put a driver in place; then a missing adapter is a failure.

use burn::tensor::{Device, DeviceType};
use luthier_engine::device;
use luthier_engine::protocol::Verdict;
use luthier_engine::recipe::Recipe;
use luthier_engine::tokenizer::TextTokenizer;

use crate::bench::{fixture, run, worst};
use crate::reference::{MODELS, forward_difference, load};
use crate::side_by_side::greedy_is_the_reference;

pub fn gpu_is_here() -> bool {
    if !Device::enumerate(DeviceType::Wgpu).into_vec().is_empty() {
        return true;
    }
    assert!(
        std::env::var("LUTHIER_TEST_GPU").as_deref() != Ok("1"),
        "the software GPU that the suite installs was not found"
    );
    eprintln!("no GPU adapter here, not even a software one: nothing compared");
    false
}

#[test]
fn gpu_logits_are_the_reference() {
    if gpu_is_here() {
        for name in MODELS {
            let difference = forward_difference(name, "gpu:0");
            assert!(difference < 2e-3, "{name}: {difference}");
        }
    }
}

/// Keys of sequences of different lengths, windows and caps (Gemma 2), learned positions (GPT-2).
#[test]
fn gpu_answers_side_by_side_are_the_reference() {
    if gpu_is_here() {
        for name in ["gemma2-tiny", "gpt2-tiny"] {
            let path = fixture(&format!("models/{name}"));
            let tokenizer = TextTokenizer::load(&path).expect("tokenizer");
            greedy_is_the_reference(&load(&path, "gpu:0"), &tokenizer, name, &[(8, 12), (13, 16), (10, 11)]);
        }
    }
}

/// The device is tried in a child process and then trains through the worker: full, every adapter, 4 bits, pairs, scores; two steps each.
#[test]
fn gpu_training_takes_the_cpus_steps() {
    if !gpu_is_here() {
        return;
    }
    let found = device::probe();
    let gpu = found.iter().find(|d| d.id == "gpu:0").expect("listed");
    assert!(matches!(gpu.verdict, Verdict::Trusted { .. }), "{gpu:?}");
    let cases =
        ["sft-lora-all", "sft-full-wd", "sft-dora", "sft-oft-cayley", "sft-qlora-nf4", "dpo-sigmoid-lora", "rm-lora"];
    for case in cases {
        let dir = tempfile::tempdir().unwrap();
        let on = |device: &str| {
            let (mut recipe, _) = Recipe::load(fixture(&format!("train/{case}/recipe.yaml"))).expect("recipe");
            recipe.max_steps = 2;
            recipe.device = device.into();
            recipe.output_dir = dir.path().join(device.replace(':', "-"));
            run(&recipe, false)
        };
        let (cpu, gpu) = (on("cpu"), on("gpu:0"));
        assert!(gpu.facts.device.starts_with("gpu:0"), "{}", gpu.facts.device);
        for (a, b) in cpu.steps.iter().zip(&gpu.steps) {
            assert!(worst(&[a.loss], &[b.loss]) < 2e-4 * a.loss, "{case}: {} {}", a.loss, b.loss);
            assert!(
                worst(&[a.grad_norm], &[b.grad_norm]) < 2e-3 * a.grad_norm,
                "{case}: {} {}",
                a.grad_norm,
                b.grad_norm
            );
        }
    }
}
