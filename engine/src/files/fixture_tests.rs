//! GGUF against llama.cpp's own package: tests/fixtures/make-gguf-types.py made the files.

use std::path::PathBuf;

use super::gguf_meta::Metadata;
use super::gguf_vocab::{self, Frame, Vocabulary};
use super::*;

pub(super) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name)
}

#[test]
fn every_tensor_type_is_bit_equal_to_llama_cpp() {
    let model = WeightFiles::open(&fixture("gguf-types.gguf")).unwrap();
    let expected = SafetensorsFile::open(&fixture("gguf-types.safetensors")).unwrap();
    assert!(model.names().eq(expected.names()));
    let mut types = std::collections::BTreeSet::new();
    for name in expected.names() {
        let (shape, values) = expected.read_f32(name).unwrap().unwrap();
        assert_eq!(model.shape(name), Some(shape.as_slice()), "{name}");
        let read = model.read_f32(name).unwrap();
        let wrong = read.iter().zip(&values).position(|(a, b)| a.to_bits() != b.to_bits());
        assert_eq!((wrong, read.len()), (None, values.len()), "{name} ({})", model.dtype(name).unwrap());
        types.insert(model.dtype(name).unwrap());
    }
    assert_eq!(types.len(), 11, "{types:?}");
    assert_eq!(model.describe(), "GGUF Q5_1");
}

#[test]
fn metadata_becomes_a_config() {
    let config = WeightFiles::open(&fixture("gguf-types.gguf")).unwrap().config_json().unwrap();
    let expected = serde_json::json!({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 256, "num_hidden_layers": 1,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 4, "intermediate_size": 32,
        "hidden_act": "silu", "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "rope_scaling": null, "vocab_size": 8,
        "max_position_embeddings": 512, "tie_word_embeddings": false, "attention_bias": true, "mlp_bias": false,
        "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": null,
    });
    assert_eq!(config, expected);
}

#[test]
fn vocabularies_give_the_ids_of_transformers_and_sentencepiece() {
    let cases = std::fs::read_to_string(fixture("gguf-tokenizers.json")).unwrap();
    let cases: Vec<serde_json::Value> = serde_json::from_str(&cases).unwrap();
    for case in &cases {
        let file = fixture(case["file"].as_str().unwrap());
        let (pre, text) = (case["pre"].as_str().unwrap(), case["text"].as_str().unwrap());
        let bytes = std::fs::read(&file).unwrap();
        let contents = gguf::parse(&bytes, &file).unwrap();
        let metadata = Metadata { file: &file, bytes: &bytes, contents: &contents };
        let tokenizer = if pre.is_empty() {
            gguf_tokenizer(&file).unwrap().tokenizer
        } else {
            let vocabulary = Vocabulary::read(&metadata).unwrap();
            gguf_vocab::byte_level(&metadata, &vocabulary, pre, &Frame::default()).unwrap()
        };
        let ids = tokenizer.encode(text, false).unwrap().get_ids().to_vec();
        assert_eq!(serde_json::json!(ids), case["ids"], "{pre} {text:?}");
        assert_eq!(tokenizer.decode(&ids, false).unwrap(), case["decoded"].as_str().unwrap(), "{pre} {text:?}");
    }
    assert_eq!(cases.len(), 49);
}

#[test]
fn special_tokens_and_template_come_along() {
    let bpe = gguf_tokenizer(&fixture("gguf-bpe.gguf")).unwrap();
    assert_eq!(bpe.config["chat_template"], "{{ messages[0].content }}");
    assert_eq!(bpe.config["eos_token"], "<|im_end|>");
    assert_eq!(bpe.config["eos_token_id"], serde_json::json!([2, 0]));
    assert_eq!(bpe.tokenizer.encode("a<|im_end|>", true).unwrap().get_ids()[1..], [2]);

    // SentencePiece models begin with <s>, and read special tokens in text.
    let pieces = gguf_tokenizer(&fixture("gguf-spm.gguf")).unwrap();
    let ids = pieces.tokenizer.encode("a</s>", true).unwrap().get_ids().to_vec();
    assert_eq!((ids[0], ids[ids.len() - 1]), (1, 2));
    assert_eq!(pieces.tokenizer.decode(&ids, true).unwrap(), "a");
}
