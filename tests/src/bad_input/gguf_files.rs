//! Damaged and hostile GGUF files, written byte by byte.

use super::logits_of;
use crate::binary::write;

const STRING: u32 = 8;
const ARRAY: u32 = 9;
const U32: u32 = 4;

/// A GGUF file as it grows. Little-endian, version 3.
struct Gguf(Vec<u8>);

impl Gguf {
    fn new(tensors: u64, entries: u64) -> Self {
        Self(b"GGUF".to_vec()).u32(3).u64(tensors).u64(entries)
    }

    fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn u64(mut self, value: u64) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn text(self, text: &str) -> Self {
        let mut file = self.u64(text.len() as u64);
        file.0.extend(text.as_bytes());
        file
    }

    fn entry(self, key: &str, value: &str) -> Self {
        self.text(key).u32(STRING).text(value)
    }

    /// `general.architecture: llama`, which every file must have, and one more key.
    fn llama(tensors: u64, more: u64) -> Self {
        Self::new(tensors, 1 + more).entry("general.architecture", "llama")
    }

    fn tensor(self, name: &str, shape: &[u64], kind: u32, offset: u64) -> Self {
        let file = self.text(name).u32(shape.len() as u32);
        shape.iter().fold(file, |file, n| file.u64(*n)).u32(kind).u64(offset)
    }
}

#[track_caller]
fn refused(file: Gguf, words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    write(&path, file.0);
    logits_of(&path, folder.path()).refused(&["model.gguf"]).says(words);
}

#[test]
fn no_gguf_at_all() {
    refused(Gguf(b"GGML3333".to_vec()), &[]);
    refused(Gguf(Vec::new()), &[]);
    refused(Gguf(b"GGUF".to_vec()), &[]);
}

#[test]
fn a_version_of_the_future_is_named() {
    refused(Gguf(b"GGUF".to_vec()).u32(99).u64(0).u64(0), &["99"]);
}

#[test]
fn counts_and_lengths_beyond_the_file() {
    refused(Gguf::new(u64::MAX, 0), &[]);
    refused(Gguf::new(0, u64::MAX), &[]);
    refused(Gguf::new(0, 1).u64(u64::MAX), &[]);
    refused(Gguf::new(0, 1).text("general.name").u32(STRING).u64(1 << 62), &[]);
    refused(Gguf::llama(0, 1).text("tokens").u32(ARRAY).u32(STRING).u64(u64::MAX), &[]);
    refused(Gguf::llama(0, 1).text("scores").u32(ARRAY).u32(U32).u64(1 << 61), &[]);
}

#[test]
fn arrays_in_arrays_without_end() {
    let mut file = Gguf::llama(0, 1).text("deep").u32(ARRAY);
    for _ in 0..200_000 {
        file = file.u32(ARRAY).u64(1);
    }
    refused(file, &[]);
}

#[test]
fn kinds_that_do_not_exist() {
    refused(Gguf::llama(0, 1).text("odd").u32(77).u32(0), &["odd"]);
    refused(Gguf::llama(1, 0).tensor("token_embd.weight", &[64, 512], 999, 0), &["token_embd.weight"]);
}

#[test]
fn tensors_beyond_the_file_or_beyond_numbers() {
    refused(Gguf::llama(1, 0).tensor("token_embd.weight", &[64, 512], 0, 1 << 50), &[]);
    refused(Gguf::llama(1, 0).tensor("token_embd.weight", &[u64::MAX, u64::MAX], 0, 0), &["token_embd.weight"]);
    refused(Gguf::llama(1, 0).text("token_embd.weight").u32(u32::MAX), &["token_embd.weight"]);
}

#[test]
fn an_unknown_architecture_is_named() {
    refused(Gguf::new(0, 1).entry("general.architecture", "mamba"), &["mamba"]);
    refused(Gguf::new(0, 0), &["general.architecture"]);
    refused(Gguf::llama(0, 0), &["llama."]);
}

/// Cut anywhere, it is refused: never read past the end.
#[test]
fn a_file_cut_short_anywhere() {
    let whole = Gguf::llama(1, 1).entry("general.name", "cut").tensor("token_embd.weight", &[64, 512], 0, 0);
    for length in (0..whole.0.len()).step_by(9) {
        refused(Gguf(whole.0[..length].to_vec()), &[]);
    }
}
