//! Bad input at the command line: each time one clear message with file and place, exit 2, nothing overwritten,
//! no panic.

mod data_files;
mod gguf_files;
mod methods;
mod model_folders;
mod outputs;
mod preference_files;
mod recipes;
mod safetensors_files;
mod templates;

use std::path::Path;

use safetensors::{Dtype, tensor::TensorView};

use crate::binary::{Ended, luthier, write};

/// A safetensors file with `input_ids` [1, n].
fn input_ids(folder: &Path, ids: &[i64]) -> String {
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    let view = TensorView::new(Dtype::I64, vec![1, ids.len()], &bytes).expect("a sound tensor");
    write(folder.join("input.safetensors"), safetensors::serialize([("input_ids", view)], None).expect("a sound file"))
}

/// `luthier logits` of `model` on four ids; on the way it is checked that a refusal writes nothing.
#[track_caller]
fn logits_of(model: &Path, folder: &Path) -> Ended {
    let input = input_ids(folder, &[5, 6, 7, 8]);
    let out = folder.join("logits.safetensors");
    let (model, out_text) = (model.to_str().expect("UTF-8"), out.to_str().expect("UTF-8"));
    let ended = luthier(["logits", model, "--input", &input, "--out", out_text, "--device", "cpu"]);
    assert_eq!(out.exists(), ended.code == Some(0), "{}", ended.stderr);
    ended
}

/// A recipe that would work, on `model` and `dataset`; `more` are further lines.
fn recipe(folder: &Path, model: &Path, dataset: &str, more: &str) -> String {
    let text = format!(
        "model_name_or_path: {}\ndataset: {dataset}\noutput_dir: out\nstage: sft\nfinetuning_type: lora\n\
         template: default\nper_device_train_batch_size: 2\nmax_steps: 2\ndevice: cpu\n{more}\n",
        model.display()
    );
    write(folder.join("recipe.yaml"), text)
}

/// Trains on a recipe that must be refused before anything is written.
#[track_caller]
fn refused_training(folder: &Path, recipe: &str, words: &[&str]) {
    luthier(["train", recipe]).refused(words);
    assert!(!folder.join("out").exists(), "the output folder was made for a run that cannot begin");
}
