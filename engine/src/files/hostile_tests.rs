//! Damaged and hostile files: always an error that names file and place, never a panic.

use std::path::Path;

use super::fixture_tests::fixture;
use super::gguf_meta::Metadata;
use super::*;

/// A GGUF file, part by part.
#[derive(Clone)]
struct Gguf {
    version: u32,
    counts: Option<(u64, u64)>,
    keys: Vec<Vec<u8>>,
    tensors: Vec<Vec<u8>>,
    data: usize,
}

fn text(value: &str) -> Vec<u8> {
    [&(value.len() as u64).to_le_bytes()[..], value.as_bytes()].concat()
}

fn key(name: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    [&text(name)[..], &kind.to_le_bytes(), value].concat()
}

fn count(name: &str, value: u32) -> Vec<u8> {
    key(name, 4, &value.to_le_bytes())
}

fn tensor(name: &str, dims: &[u64], kind: u32, offset: u64) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|d| d.to_le_bytes()).collect();
    let head = [&text(name)[..], &(dims.len() as u32 / 8).to_le_bytes()].concat();
    [&head[..], &dims, &kind.to_le_bytes(), &offset.to_le_bytes()].concat()
}

impl Gguf {
    /// The least that opens as a model.
    fn sound() -> Self {
        let keys = vec![
            key("general.architecture", 8, &text("llama")),
            count("llama.embedding_length", 4),
            count("llama.block_count", 1),
            count("llama.feed_forward_length", 8),
            count("llama.attention.head_count", 2),
            key("llama.attention.layer_norm_rms_epsilon", 6, &1e-5f32.to_le_bytes()),
        ];
        let tensors = vec![tensor("token_embd.weight", &[4, 3], 0, 0), tensor("blk.0.attn_q.weight", &[4, 4], 0, 64)];
        Self { version: 3, counts: None, keys, tensors, data: 128 }
    }

    fn bytes(&self) -> Vec<u8> {
        let (tensors, keys) = self.counts.unwrap_or((self.tensors.len() as u64, self.keys.len() as u64));
        let mut out = b"GGUF".to_vec();
        out.extend(self.version.to_le_bytes());
        out.extend(tensors.to_le_bytes());
        out.extend(keys.to_le_bytes());
        out.extend(self.keys.concat());
        out.extend(self.tensors.concat());
        out.resize(out.len().next_multiple_of(32) + self.data, 0);
        out
    }

    fn message(&self) -> String {
        open_gguf(&self.bytes()).expect_err("it should be refused").to_string()
    }

    fn with_key(mut self, key: Vec<u8>) -> String {
        self.keys.push(key);
        self.message()
    }

    fn with_tensor(mut self, tensor: Vec<u8>) -> String {
        self.tensors.push(tensor);
        self.message()
    }
}

/// Reads all there is to read in GGUF bytes.
fn open_gguf(bytes: &[u8]) -> Result<()> {
    let file = Path::new("model.gguf");
    let contents = gguf::parse(bytes, file)?;
    let _ = gguf_tokenizer::build(&Metadata { file, bytes, contents: &contents });
    let model = gguf_model::interpret(bytes, file, &contents)?;
    for (stored, rows) in model.tensors.values() {
        stored.to_f32(bytes, *rows);
    }
    Ok(())
}

#[test]
fn the_least_gguf_opens() {
    open_gguf(&Gguf::sound().bytes()).unwrap();
}

#[test]
fn each_kind_of_damage_to_a_gguf_is_named() {
    let sound = Gguf::sound;
    let cases = [
        (Gguf { version: 1, ..sound() }.message(), "GGUF version 1"),
        (Gguf { version: 3u32.swap_bytes(), ..sound() }.message(), "big-endian"),
        (Gguf { counts: Some((u64::MAX, 2)), ..sound() }.message(), "more than fit in the file"),
        (Gguf { counts: Some((2, u64::MAX / 14)), ..sound() }.message(), "more than fit in the file"),
        (Gguf { data: 100, ..sound() }.message(), "blk.0.attn_q.weight: the file is truncated: 28 of"),
        (sound().with_key(count("general.alignment", 48)), "general.alignment: is 48, must be a power of two"),
        (
            sound().with_key(count("llama.block_count", 1)),
            "llama.block_count: this metadata key stands in the file twice",
        ),
        (sound().with_key(key("x", 13, &[0; 8])), "x: unknown metadata type 13"),
        (sound().with_key(key("x", 8, &u64::MAX.to_le_bytes())), "x: the file is truncated or damaged"),
        (
            sound().with_key(key("x", 9, &[&4u32.to_le_bytes()[..], &(u64::MAX / 2).to_le_bytes()].concat())),
            "x: the file is truncated or damaged",
        ),
        (sound().with_key(key("x", 9, &[&9u32.to_le_bytes()[..], &[0; 8]].concat())), "x: an array of arrays"),
        (sound().with_key(count("llama.expert_count", 8)), "mixture of experts"),
        (sound().with_key(count("llama.rope.dimension_count", 1)), "partial rotary"),
        (sound().with_key(count("tokenizer.ggml.eos_token_id", 3)), "tokenizer.ggml.eos_token_id: is 3, outside"),
        (sound().with_key(key("split.count", 2, &[3, 0])), "part 1 of 3 of a split GGUF"),
        (sound().with_tensor(tensor("token_embd.weight", &[4], 0, 0)), "this tensor stands in the file twice"),
        (sound().with_tensor(tensor("x", &[4], 0, 32)), "x: its bytes"),
        (sound().with_tensor(tensor("x", &[4], 0, 1)), "x: its offset 1 is no multiple of 32"),
        (sound().with_tensor(tensor("x", &[4], 0, u64::MAX - 31)), "x: its offset"),
        (sound().with_tensor(tensor("x", &[4, 4, 4, 4, 4], 0, 0)), "x: has 5 dimensions"),
        (sound().with_tensor(tensor("x", &[1 << 40, 1 << 40], 0, 0)), "x: its shape"),
        (sound().with_tensor(tensor("x", &[31], 2, 0)), "x: its shape [31]"),
        (sound().with_tensor(tensor("x", &[256], 23, 0)), "tensor x is stored as IQ4_XS; Luthier reads F32"),
        (sound().with_tensor(tensor("x", &[256], 99, 0)), "x: unknown tensor type 99"),
    ];
    for (message, expected) in cases {
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
        assert!(message.starts_with("model.gguf"), "{message}");
    }
    assert!(open_gguf(b"GGML").unwrap_err().to_string().contains("not a GGUF file"));
}

#[test]
fn metadata_at_odds_with_the_tensors_is_named() {
    let replaced = |index: usize, key: Vec<u8>| {
        let mut gguf = Gguf::sound();
        gguf.keys[index] = key;
        gguf.message()
    };
    let cases = [
        (replaced(0, key("general.architecture", 8, &text("mamba"))), "architecture \"mamba\" is not read"),
        (replaced(0, count("general.architecture", 1)), "general.architecture: text is expected"),
        (replaced(0, count("x", 1)), "general.architecture: this metadata key is missing"),
        (replaced(1, count("llama.embedding_length", 8)), "token_embd.weight: has shape [3, 4]; [vocabulary, 8]"),
        (replaced(1, key("llama.embedding_length", 5, &(-4i32).to_le_bytes())), "llama.embedding_length: a count"),
        (replaced(2, count("llama.block_count", u32::MAX)), "claims 4294967295 layers"),
        (replaced(3, count("x", 1)), "llama.feed_forward_length: this metadata key is missing"),
        (replaced(4, count("llama.attention.head_count", 0)), "llama.attention.head_count: a number above zero"),
        (replaced(4, count("llama.attention.head_count", 4)), "blk.0.attn_q.weight: shape [4, 4] does not divide"),
        (
            replaced(5, key("llama.attention.layer_norm_rms_epsilon", 6, &f32::NAN.to_le_bytes())),
            "layer_norm_rms_epsilon: a finite number",
        ),
    ];
    for (message, expected) in cases {
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
}

/// A vocabulary of which `change` says one thing that is wrong.
fn vocabulary_message(change: Vec<u8>) -> String {
    let texts = |name: &str, values: &[&str]| {
        let values: Vec<u8> = values.iter().flat_map(|v| text(v)).collect();
        let kind = 8u32.to_le_bytes();
        let head = [&kind[..], &(values.len().min(1) as u64 * 3).to_le_bytes()].concat();
        key(name, 9, &[head, values].concat())
    };
    let mut gguf = Gguf::sound();
    let defaults = [
        key("tokenizer.ggml.model", 8, &text("gpt2")),
        key("tokenizer.ggml.pre", 8, &text("gpt-2")),
        texts("tokenizer.ggml.tokens", &["a", "b", "ab"]),
        key("tokenizer.ggml.merges", 9, &[&8u32.to_le_bytes()[..], &1u64.to_le_bytes(), &text("a b")].concat()),
    ];
    let name_of = |key: &[u8]| key[8..8 + key[0] as usize].to_vec();
    gguf.keys.extend(defaults.into_iter().filter(|key| name_of(key) != name_of(&change)));
    gguf.keys.push(change);
    let bytes = gguf.bytes();
    let file = Path::new("model.gguf");
    let contents = gguf::parse(&bytes, file).unwrap();
    let built = gguf_tokenizer::build(&Metadata { file, bytes: &bytes, contents: &contents });
    built.map_or_else(|e| e.to_string(), |_| "no error".into())
}

#[test]
fn vocabularies_that_do_not_fit_are_named() {
    let merges = |merge: &str| {
        key("tokenizer.ggml.merges", 9, &[&8u32.to_le_bytes()[..], &1u64.to_le_bytes(), &text(merge)].concat())
    };
    assert_eq!(vocabulary_message(merges("a b")), "no error");
    let long = "x".repeat(5000);
    let cases = [
        (merges("b a"), "tokenizer.ggml.merges[0]: its parts or their union are not in the vocabulary"),
        (merges(&format!("a {long}")), "tokenizer.ggml.merges[0]: its parts"),
        (merges("ab"), "tokenizer.ggml.merges[0]: is not two tokens"),
        (merges(" "), "tokenizer.ggml.merges[0]: is not two tokens"),
        (key("tokenizer.ggml.pre", 8, &text("chatglm-bpe")), "pre-tokenizer \"chatglm-bpe\" is not known"),
        (key("tokenizer.ggml.model", 8, &text("t5")), "tokenizer \"t5\" is not read"),
        (key("tokenizer.ggml.model", 8, &text("llama")), "tokenizer.ggml.scores: this metadata key is missing"),
        (count("tokenizer.ggml.tokens", 1), "tokenizer.ggml.tokens: an array is expected"),
        (count("tokenizer.ggml.bos_token_id", 3), "bos_token_id: is 3, outside the vocabulary of 3"),
        (
            key("tokenizer.ggml.token_type", 9, &[&5u32.to_le_bytes()[..], &1u64.to_le_bytes(), &[0; 4]].concat()),
            "token_type: has 1 entries for 3 tokens",
        ),
        (
            key("tokenizer.ggml.tokens", 9, &[&8u32.to_le_bytes()[..], &1u64.to_le_bytes(), &text(&long)].concat()),
            "tokenizer.ggml.tokens[0]: is 5000 bytes long",
        ),
    ];
    for (change, expected) in cases {
        let message = vocabulary_message(change);
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
}

/// Truncations and byte flips of a sound file; `read` must return, and truncations must fail
/// (of a file without tensors the last `padding` bytes mean nothing).
fn batter(bytes: &[u8], padding: usize, read: impl Fn(&[u8]) -> Result<()>) {
    read(bytes).unwrap();
    let end = bytes.len() - padding;
    for length in (0..end).step_by(64).chain(end - 40..end) {
        assert!(read(&bytes[..length]).is_err(), "{length} of {} bytes were accepted", bytes.len());
    }
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 16) as usize % below
    };
    let mut refused = 0;
    for _ in 0..4000 {
        let mut damaged = bytes.to_vec();
        // Half of the damage goes to the first kilobytes, where the structure is.
        let within = if next(2) == 0 { bytes.len().min(4096) } else { bytes.len() };
        for _ in 0..=next(3) {
            damaged[next(within)] = [next(256) as u8, 0, 0xff][next(3)];
        }
        refused += usize::from(read(&damaged).is_err());
    }
    assert!(refused > 100, "only {refused} of 4000 damaged files were refused");
}

#[test]
fn damaged_files_never_panic() {
    // A small tensor list after a real vocabulary, and a real tensor list.
    let small = Gguf::sound().bytes();
    batter(&small, 0, open_gguf);
    batter(&std::fs::read(fixture("gguf-types.gguf")).unwrap(), 0, open_gguf);
    for name in ["gguf-bpe.gguf", "gguf-spm.gguf"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        let file = Path::new(name);
        let read = |bytes: &[u8]| {
            let contents = gguf::parse(bytes, file)?;
            let built = gguf_tokenizer::build(&Metadata { file, bytes, contents: &contents })?;
            let encoded = built.tokenizer.encode("Hello, 世界 12", true);
            encoded.map(|_| ()).map_err(|e| Error::Internal(e.to_string()))
        };
        batter(&bytes, 32, read);
    }
    let safetensors = std::fs::read(fixture("gguf-types.safetensors")).unwrap();
    batter(&safetensors, 0, |bytes| {
        for tensor in safetensors_file::parse(bytes, Path::new("m"))?.tensors.values() {
            tensor.to_f32(bytes, Conversion::AsStored);
        }
        Ok(())
    });
}

#[test]
fn what_open_says() {
    let folder = tempfile::tempdir().unwrap();
    let message = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        WeightFiles::open(&path).err().expect("it should be refused").to_string()
    };
    assert!(message("empty.safetensors", b"").contains("empty.safetensors, the whole file: is empty"));
    assert!(message("empty.gguf", b"").contains("is empty"));
    assert!(message("lfs.safetensors", b"version https://git-lfs.github.com/spec/v1\noid").contains("git lfs pull"));
    assert!(message("model.bin", b"x").contains("neither .safetensors nor .gguf"));
}

#[test]
fn shards_open_as_one_model() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, name: &str, values: Vec<f32>| {
        let tensors = BTreeMap::from([(name.to_owned(), (vec![values.len()], values))]);
        write_safetensors(&folder.path().join(file), &tensors, FloatFormat::F32, &BTreeMap::new()).unwrap();
    };
    write("m-1.safetensors", "a", vec![1.0, 2.0]);
    write("m-2.safetensors", "b", vec![3.0]);
    std::fs::write(folder.path().join("config.json"), r#"{"model_type": "llama"}"#).unwrap();
    let index = |map: serde_json::Value| {
        let path = folder.path().join("model.safetensors.index.json");
        write_json_atomic(&path, &serde_json::json!({ "weight_map": map })).unwrap();
    };
    index(serde_json::json!({"a": "m-1.safetensors", "b": "m-2.safetensors"}));
    let model = WeightFiles::open(folder.path()).unwrap();
    assert_eq!(model.describe(), "safetensors, 2 shards");
    assert_eq!((model.parameters(), model.total_bytes()), (3, 12));
    assert_eq!((model.read_f32("a").unwrap(), model.read_f32("b").unwrap()), (vec![1.0, 2.0], vec![3.0]));
    assert_eq!(model.config_json().unwrap()["model_type"], "llama");
    let missing = model.read_f32("c").unwrap_err();
    assert_eq!((missing.code(), missing.to_string().contains(", c: ")), ("bad_model", true));

    index(serde_json::json!({"a": "m-2.safetensors", "b": "m-2.safetensors"}));
    let error = WeightFiles::open(folder.path()).err().unwrap().to_string();
    assert!(error.contains("m-2.safetensors, a: the index says that this shard holds the tensor"), "{error}");
}
