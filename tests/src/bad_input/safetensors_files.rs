//! Damaged and hostile safetensors, as weights and as input.

use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::{Map, Value, json};

use super::{input_ids, logits_of};
use crate::binary::{fixture, luthier, tiny_model, write};

const NAME: &str = "model.layers.1.mlp.up_proj.weight";

/// A model folder whose model.safetensors is `change`d byte by byte.
fn with_bytes(change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let model = tiny_model(folder.path());
    let file = model.join("model.safetensors");
    let bytes = std::fs::read(&file).unwrap();
    write(file, change(bytes));
    (folder, model)
}

/// A model folder whose safetensors header is `change`d as JSON; the data stays as it is.
fn with_header(change: impl FnOnce(&mut Map<String, Value>)) -> (tempfile::TempDir, PathBuf) {
    with_bytes(|bytes| {
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let mut header: Map<String, Value> = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
        change(&mut header);
        let header = Value::from(header).to_string();
        let length = (header.len() as u64).to_le_bytes();
        [&length[..], header.as_bytes(), &bytes[8 + length_of(&bytes)..]].concat()
    })
}

fn length_of(bytes: &[u8]) -> usize {
    u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize
}

#[track_caller]
fn refused((folder, model): (tempfile::TempDir, PathBuf), words: &[&str]) {
    logits_of(&model, folder.path()).refused(&["model.safetensors"]).says(words);
}

#[test]
fn a_truncated_file() {
    refused(with_bytes(|bytes| bytes[..bytes.len() / 2].to_vec()), &[]);
    refused(with_bytes(|bytes| bytes[..100].to_vec()), &[]);
    refused(with_bytes(|_| vec![1, 2, 3]), &[]);
    refused(with_bytes(|_| Vec::new()), &[]);
}

#[test]
fn a_header_longer_than_the_file_or_than_memory() {
    for length in [u64::MAX, 1 << 60, 200_000_000] {
        refused(with_bytes(|bytes| [&length.to_le_bytes()[..], &bytes[8..]].concat()), &[]);
    }
}

#[test]
fn a_header_that_is_not_json() {
    refused(
        with_bytes(|mut bytes| {
            bytes[8..40].fill(b'{');
            bytes
        }),
        &[],
    );
}

#[test]
fn overlapping_tensors() {
    refused(
        with_header(|header| {
            let other = header["model.layers.0.mlp.up_proj.weight"]["data_offsets"].clone();
            header[NAME]["data_offsets"] = other;
        }),
        &[],
    );
}

#[test]
fn data_beyond_the_end() {
    refused(with_header(|header| header[NAME]["data_offsets"] = json!([1_u64 << 40, (1_u64 << 40) + 40960])), &[]);
    refused(with_header(|header| header[NAME]["data_offsets"] = json!([40960, 0])), &[]);
}

#[test]
fn a_shape_whose_size_overflows() {
    refused(with_header(|header| header[NAME]["shape"] = json!([u64::MAX, u64::MAX])), &[]);
    refused(with_header(|header| header[NAME]["shape"] = json!([1_u64 << 63, 2, 160, 64])), &[]);
}

#[test]
fn whole_numbers_for_weights() {
    refused(with_header(|header| header[NAME]["dtype"] = json!("I32")), &[NAME, "I32"]);
}

#[test]
fn a_shape_that_the_config_does_not_have() {
    let (folder, model) = with_header(|header| header[NAME]["shape"] = json!([64, 160]));
    logits_of(&model, folder.path()).refused(&["llama-tiny", NAME, "[64, 160]", "[160, 64]"]);
}

#[test]
fn a_missing_tensor_is_named() {
    let (folder, model) = with_bytes(|bytes| {
        let file = SafeTensors::deserialize(&bytes).unwrap();
        safetensors::serialize(file.tensors().into_iter().filter(|(name, _)| name != NAME), None).unwrap()
    });
    logits_of(&model, folder.path()).refused(&["llama-tiny", NAME]);
}

#[test]
fn an_index_that_names_an_absent_shard() {
    let folder = tempfile::tempdir().unwrap();
    let model = tiny_model(folder.path());
    std::fs::rename(model.join("model.safetensors"), model.join("model-00001-of-00002.safetensors")).unwrap();
    let index = json!({"weight_map": {NAME: "model-00002-of-00002.safetensors"}});
    write(model.join("model.safetensors.index.json"), index.to_string());
    logits_of(&model, folder.path()).refused(&["model-00002-of-00002.safetensors"]);
    // A shard is a file beside the index, never somewhere else.
    let index = json!({"weight_map": {NAME: "../../secret.safetensors"}});
    write(model.join("model.safetensors.index.json"), index.to_string());
    logits_of(&model, folder.path()).refused(&["secret.safetensors"]);
}

/// `luthier logits` of the sound model on the given input file.
#[track_caller]
fn refused_input(folder: &Path, input: &str, words: &[&str]) {
    let model = fixture("models/llama-tiny");
    let out = folder.join("out.safetensors");
    let paths = [model.to_str().unwrap(), "--input", input, "--out", out.to_str().unwrap(), "--device", "cpu"];
    luthier(["logits"].into_iter().chain(paths)).refused(&["input.safetensors"]).says(words);
    assert!(!out.exists());
}

fn file_of(folder: &Path, tensors: &[(&str, Dtype, Vec<usize>, Vec<u8>)]) -> String {
    let views =
        tensors.iter().map(|(name, dtype, shape, data)| (*name, TensorView::new(*dtype, shape.clone(), data).unwrap()));
    write(folder.join("input.safetensors"), safetensors::serialize(views, None).unwrap())
}

#[test]
fn ids_out_of_range_are_named() {
    let folder = tempfile::tempdir().unwrap();
    refused_input(folder.path(), &input_ids(folder.path(), &[5, 512, 7]), &["512"]);
    refused_input(folder.path(), &input_ids(folder.path(), &[5, -1, 7]), &["-1"]);
}

#[test]
fn input_that_is_no_batch_of_ids() {
    let folder = tempfile::tempdir().unwrap();
    let (eight, folder) = (vec![0; 8], folder.path());
    refused_input(folder, &file_of(folder, &[("ids", Dtype::I64, vec![1, 1], eight.clone())]), &["input_ids"]);
    refused_input(
        folder,
        &file_of(folder, &[("input_ids", Dtype::F32, vec![1, 2], eight.clone())]),
        &["input_ids", "F32"],
    );
    refused_input(folder, &file_of(folder, &[("input_ids", Dtype::I64, vec![1], eight.clone())]), &["input_ids"]);
    let ids = ("input_ids", Dtype::I64, vec![1, 1], eight.clone());
    let mask = ("attention_mask", Dtype::I64, vec![1, 2], vec![0; 16]);
    refused_input(folder, &file_of(folder, &[ids, mask]), &["attention_mask"]);
    refused_input(folder, &write(folder.join("input.safetensors"), [7; 30]), &[]);
}

#[test]
fn input_that_is_not_there() {
    let model = fixture("models/llama-tiny");
    let arguments = ["logits", model.to_str().unwrap(), "--input", "absent/input.safetensors", "--out", "absent/out"];
    luthier(arguments).refused(&["absent/input.safetensors"]);
}
