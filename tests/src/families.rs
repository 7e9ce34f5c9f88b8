//! What each model family needs beyond its reference logits: saving and loading again, the names that its folders use,
//! and clear words where a folder or a sequence does not fit.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use luthier_engine::files::{FloatFormat, WeightFiles, read_safetensors_i64, write_safetensors};
use luthier_engine::model::{Model, inspect, save_full};
use luthier_engine::{device, logits};

use crate::bench::fixture;
use crate::reference::{MODELS, load};

fn logits_of(model: &Model, name: &str) -> Vec<u32> {
    let file = fixture(&format!("forward/{name}.safetensors"));
    let (shape, ids) = read_safetensors_i64(&file, "input_ids").expect("readable").expect("input_ids");
    let got = logits::of_batch(model, &ids, &vec![1; ids.len()], shape[0], shape[1], &file).expect("logits");
    got.into_iter().map(f32::to_bits).collect()
}

/// A copy of a tiny model whose tensors are called what `rename` says; None leaves one out.
fn renamed(name: &str, into: &Path, rename: impl Fn(&str) -> Option<String>) -> PathBuf {
    let (from, to) = (fixture(&format!("models/{name}")), into.join(name));
    std::fs::create_dir(&to).expect("folder");
    for file in ["config.json", "tokenizer.json", "tokenizer_config.json"] {
        std::fs::copy(from.join(file), to.join(file)).expect("copied");
    }
    let files = WeightFiles::open(&from).expect("opened");
    let tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)> = files
        .names()
        .filter_map(|name| {
            let values = files.read_f32(name).expect("read");
            Some((rename(name)?, (files.shape(name).expect("shape").to_vec(), values)))
        })
        .collect();
    write_safetensors(&to.join("model.safetensors"), &tensors, FloatFormat::F32, &BTreeMap::new()).expect("written");
    to
}

#[test]
fn saved_and_loaded_again_every_family_is_the_same_to_the_bit() {
    for name in MODELS {
        let before = load(&fixture(&format!("models/{name}")), "cpu");
        let out = tempfile::tempdir().expect("temp");
        save_full(&before, out.path()).expect("saved");
        let after = load(out.path(), "cpu");
        assert_eq!(after.config, before.config);
        assert!(logits_of(&before, name) == logits_of(&after, name), "{name}");
    }
}

#[test]
fn random_models_of_every_family_compute() {
    for name in MODELS {
        let config = load(&fixture(&format!("models/{name}")), "cpu").config;
        let model = Model::random(config, &device::unchecked("cpu").expect("device"), 1);
        let all: Vec<f32> = logits_of(&model, name).into_iter().map(f32::from_bits).collect();
        let largest = all.iter().fold(0f32, |most, v| most.max(v.abs()));
        assert!(all.iter().all(|v| v.is_finite()) && (1e-3..5.0).contains(&largest), "{name}: {largest}");
    }
}

/// The published gpt2 was saved from the bare decoder.
#[test]
fn gpt2_without_the_first_part_of_the_names() {
    let folder = tempfile::tempdir().expect("temp");
    let bare = renamed("gpt2-tiny", folder.path(), |name| Some(name.trim_start_matches("transformer.").to_owned()));
    let model = load(&bare, "cpu");
    assert_eq!(model.source_dtype, "F32");
    assert!(logits_of(&model, "gpt2-tiny") == logits_of(&load(&fixture("models/gpt2-tiny"), "cpu"), "gpt2-tiny"));
}

#[test]
fn a_weight_that_the_config_asks_for_is_missed_by_name() {
    for (model, missing) in [
        ("qwen3-tiny", "model.layers.1.self_attn.k_norm.weight"),
        ("phi3-tiny", "model.layers.2.mlp.gate_up_proj.weight"),
        ("gemma2-tiny", "model.layers.3.post_feedforward_layernorm.weight"),
        ("gpt2-tiny", "transformer.h.0.ln_2.bias"),
    ] {
        let folder = tempfile::tempdir().expect("temp");
        let path = renamed(model, folder.path(), |name| (name != missing).then(|| name.to_owned()));
        let device = device::unchecked("cpu").expect("device");
        let error = Model::load(&path, &device, &mut |_, _| ControlFlow::Continue(())).err().expect("refused");
        assert!(error.to_string().contains(missing) && error.to_string().contains(model), "{error}");
        assert!(inspect(&path).unwrap_err().to_string().contains(missing));
    }
}

#[test]
fn a_sequence_longer_than_the_learned_positions() {
    let model = load(&fixture("models/gpt2-tiny"), "cpu");
    let place = Path::new("long.safetensors");
    let of = |len: usize| logits::of_batch(&model, &vec![5; len], &vec![1; len], 1, len, place);
    assert!(of(256).is_ok());
    let error = of(257).unwrap_err().to_string();
    assert!(["long.safetensors", "257", "256"].iter().all(|word| error.contains(word)), "{error}");
}

#[test]
fn a_summary_tells_the_family_and_its_linear_layers() {
    for (name, family, linear, layers) in [
        ("qwen3-tiny", "Qwen3", "q_proj k_proj v_proj o_proj gate_proj up_proj down_proj", 3),
        ("phi3-tiny", "Phi-3", "qkv_proj o_proj gate_up_proj down_proj", 3),
        ("gemma2-tiny", "Gemma 2", "q_proj k_proj v_proj o_proj gate_proj up_proj down_proj", 4),
        ("gpt2-tiny", "GPT-2", "c_attn attn.c_proj c_fc mlp.c_proj", 3),
    ] {
        let summary = inspect(&fixture(&format!("models/{name}"))).expect("inspected");
        assert_eq!((summary.family.as_str(), summary.linear_names.join(" ").as_str()), (family, linear));
        assert_eq!((summary.layers, summary.dtype.as_str()), (layers, "F32"));
        let files = WeightFiles::open(&fixture(&format!("models/{name}"))).expect("opened");
        assert_eq!(summary.parameters, files.parameters(), "{name}");
    }
}

/// make-gguf-families.py wrote each model twice.
#[test]
fn gguf_files_are_the_folders_they_were_made_from() {
    for family in ["qwen3", "phi3", "gemma2", "gpt2"] {
        let folder = load(&fixture(&format!("gguf-families/{family}")), "cpu");
        let file = load(&fixture(&format!("gguf-families/{family}.gguf")), "cpu");
        assert_eq!(file.config, folder.config);
        let ids: Vec<u32> = (0..20).map(|i| i * 7 % 24).collect();
        let bits = |model: &Model| {
            let logits = model.logits(&ids, &[ids.len()]).try_into_vec_as::<f32>().expect("read");
            logits.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        assert!(bits(&file) == bits(&folder), "{family}");
        let summary = inspect(&fixture(&format!("gguf-families/{family}.gguf"))).expect("inspected");
        assert_eq!((summary.format.as_str(), summary.dtype.as_str()), ("GGUF F32", "F32"));
    }
}

#[test]
fn a_gguf_of_a_long_phi3_is_refused_by_name() {
    let error = inspect(&fixture("gguf-families/phi3-long.gguf")).unwrap_err().to_string();
    assert!(error.contains("longrope") && error.contains("phi3-long.gguf"), "{error}");
}
