//! Builds a tokenizer from the vocabulary in a GGUF file: byte-level BPE with merges ("gpt2") or
//! SentencePiece BPE with scores ("llama"), in the form that the family's own tokenizer.json has.

use std::collections::HashMap;

use serde_json::{Value, json};
use tokenizers::models::bpe::BPE;
use tokenizers::{AddedToken, Tokenizer};

use super::gguf_meta::Metadata;
use super::safetensors_file::shortened;
use crate::error::{Error, Result};

const TOKENS: &str = "tokenizer.ggml.tokens";
const MERGES: &str = "tokenizer.ggml.merges";

/// Longest token in bytes; bounds the work that a hostile vocabulary can cause.
const LONGEST_TOKEN: usize = 1024;

/// `tokenizer.ggml.token_type` values.
const NORMAL: i64 = 1;
const UNKNOWN: i64 = 2;
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;

/// Tokens by id, with their kinds.
pub(super) struct Vocabulary<'a> {
    pub tokens: Vec<&'a str>,
    kinds: Vec<i64>,
}

impl<'a> Vocabulary<'a> {
    /// # Errors
    /// `BadModel` when the list is missing, empty, or its kinds do not fit it.
    pub fn read(metadata: &Metadata<'a>) -> Result<Self> {
        let bad = |place: String, reason: String| Error::model(metadata.file, place, reason);
        let tokens = metadata.texts(TOKENS)?.filter(|tokens| !tokens.is_empty());
        let tokens = tokens.ok_or_else(|| bad(TOKENS.into(), "the file holds no vocabulary".into()))?;
        if let Some(id) = tokens.iter().position(|token| token.len() > LONGEST_TOKEN) {
            let reason = format!("is {} bytes long, at most {LONGEST_TOKEN} are read", tokens[id].len());
            return Err(bad(format!("{TOKENS}[{id}]"), reason));
        }
        let kinds = metadata.integers("tokenizer.ggml.token_type")?.unwrap_or_else(|| vec![NORMAL; tokens.len()]);
        if kinds.len() != tokens.len() {
            let reason = format!("has {} entries for {} tokens", kinds.len(), tokens.len());
            return Err(bad("tokenizer.ggml.token_type".into(), reason));
        }
        Ok(Self { tokens, kinds })
    }

    /// Token to id. Of equal tokens the last one is found, as in llama.cpp.
    fn ids(&self) -> HashMap<&'a str, u32> {
        self.tokens.iter().enumerate().map(|(id, token)| (*token, id as u32)).collect()
    }
}

/// The parts around the model, in tokenizer.json's own form.
struct Parts {
    normalizer: Value,
    pre_tokenizer: Value,
    decoder: Value,
}

/// What is put before and after a text: ids of the begin and end tokens, where the model wants them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    pub begin: Option<u32>,
    pub end: Option<u32>,
}

/// How one kind of pre-tokenizer (`tokenizer.ggml.pre`) cuts text, and what else goes with it.
struct Cut {
    pre_tokenizer: Value,
    normalizer: Value,
    ignore_merges: bool,
}

const LLAMA3_CUT: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2_CUT: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Mistral's Tekken (Nemo and later).
const TEKKEN_CUT: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Whether a pre-tokenizer's models begin a text with BOS when the file does not say.
pub(super) fn begins_with_bos(pre: &str) -> bool {
    matches!(pre, "llama-bpe" | "llama3" | "llama-v3" | "tekken")
}

fn cut(pre: &str) -> Option<Cut> {
    let byte_level =
        |regex: bool| json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": regex});
    let split = |regex: &str| {
        let split = json!({"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false});
        json!({"type": "Sequence", "pretokenizers": [split, byte_level(false)]})
    };
    Some(match pre {
        "gpt-2" | "default" => Cut { pre_tokenizer: byte_level(true), normalizer: Value::Null, ignore_merges: false },
        "smollm" => {
            let digits = json!({"type": "Digits", "individual_digits": true});
            let pre_tokenizer = json!({"type": "Sequence", "pretokenizers": [digits, byte_level(true)]});
            Cut { pre_tokenizer, normalizer: Value::Null, ignore_merges: false }
        }
        "qwen2" | "deepseek-r1-qwen" => {
            Cut { pre_tokenizer: split(QWEN2_CUT), normalizer: json!({"type": "NFC"}), ignore_merges: false }
        }
        "llama-bpe" | "llama3" | "llama-v3" => {
            Cut { pre_tokenizer: split(LLAMA3_CUT), normalizer: Value::Null, ignore_merges: true }
        }
        "tekken" => Cut { pre_tokenizer: split(TEKKEN_CUT), normalizer: Value::Null, ignore_merges: true },
        _ => return None,
    })
}

/// Byte-level BPE from tokens and merges.
///
/// # Errors
/// `ModelUnsupported` for a pre-tokenizer that is not known, `BadModel` for merges that do not
/// fit the tokens.
pub(super) fn byte_level(
    metadata: &Metadata<'_>,
    vocabulary: &Vocabulary<'_>,
    pre: &str,
    frame: &Frame,
) -> Result<Tokenizer> {
    let cut = cut(pre).ok_or_else(|| Error::ModelUnsupported {
        path: metadata.file.to_owned(),
        reason: format!(
            "pre-tokenizer {:?} is not known (only smollm, qwen2, llama-bpe, tekken, gpt-2); use the model's Hugging Face folder",
            shortened(pre)
        ),
    })?;
    if pre == "default" {
        tracing::warn!(file = %metadata.file.display(), "the file does not say how its tokenizer cuts text; GPT-2's way is used");
    }
    let ids = vocabulary.ids();
    let listed = metadata.texts(MERGES)?;
    let listed = listed.ok_or_else(|| Error::model(metadata.file, MERGES, "this metadata key is missing"))?;
    let mut merges = Vec::with_capacity(listed.len());
    for (rank, merge) in listed.iter().enumerate() {
        let bad = |reason: &str| Error::model(metadata.file, format!("{MERGES}[{rank}]"), reason);
        let (left, right) = parts_of_merge(merge).ok_or_else(|| bad("is not two tokens with a space between"))?;
        // The tokenizers crate indexes a buffer by these lengths, so all three must be tokens.
        if [left.to_owned() + right, left.to_owned(), right.to_owned()].iter().any(|t| !ids.contains_key(t.as_str())) {
            return Err(bad("its parts or their union are not in the vocabulary"));
        }
        merges.push((left.to_owned(), right.to_owned()));
    }
    let model = BPE::builder().vocab_and_merges(owned(&ids), merges).ignore_merges(cut.ignore_merges);
    let decoder = json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true});
    let parts = Parts { normalizer: cut.normalizer, pre_tokenizer: cut.pre_tokenizer, decoder };
    assemble(model.build(), parts, vocabulary, frame, metadata)
}

/// The parts of "left right". A token may itself begin with a space.
fn parts_of_merge(merge: &str) -> Option<(&str, &str)> {
    let first = merge.chars().next()?.len_utf8();
    let space = first + merge[first..].find(' ')?;
    Some((&merge[..space], &merge[space + 1..])).filter(|(_, right)| !right.is_empty())
}

/// SentencePiece BPE: merges follow from the scores, characters outside the vocabulary become
/// bytes, a space is "▁". As transformers' converter has it, and llama.cpp's own tokenizer.
///
/// # Errors
/// `BadModel` when scores are missing or do not fit the tokens.
pub(super) fn sentence_piece(
    metadata: &Metadata<'_>,
    vocabulary: &Vocabulary<'_>,
    unknown: Option<u32>,
    frame: &Frame,
) -> Result<Tokenizer> {
    const SCORES: &str = "tokenizer.ggml.scores";
    let scores = metadata.floats(SCORES)?;
    let scores = scores.ok_or_else(|| Error::model(metadata.file, SCORES, "this metadata key is missing"))?;
    if scores.len() != vocabulary.tokens.len() {
        let reason = format!("has {} entries for {} tokens", scores.len(), vocabulary.tokens.len());
        return Err(Error::model(metadata.file, SCORES, reason));
    }
    let ids = vocabulary.ids();
    let mut model = BPE::builder()
        .vocab_and_merges(owned(&ids), merges_from_scores(vocabulary, &ids, &scores))
        .fuse_unk(true)
        .byte_fallback(true);
    if let Some(id) = unknown {
        model = model.unk_token(vocabulary.tokens[id as usize].to_owned());
    }
    let prefix = metadata.flag("tokenizer.ggml.add_space_prefix")?.unwrap_or(true);
    let mut normalizers = vec![json!({"type": "Replace", "pattern": {"String": " "}, "content": "▁"})];
    let mut decoders = vec![
        json!({"type": "Replace", "pattern": {"String": "▁"}, "content": " "}),
        json!({"type": "ByteFallback"}),
        json!({"type": "Fuse"}),
    ];
    if prefix {
        normalizers.insert(0, json!({"type": "Prepend", "prepend": "▁"}));
        decoders.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
    }
    let parts = Parts {
        normalizer: json!({"type": "Sequence", "normalizers": normalizers}),
        pre_tokenizer: Value::Null,
        decoder: json!({"type": "Sequence", "decoders": decoders}),
    };
    assemble(model.build(), parts, vocabulary, frame, metadata)
}

/// SentencePiece joins the two neighbours whose union has the best score, so every split of a
/// token into two tokens is a merge of that token's rank.
fn merges_from_scores(vocabulary: &Vocabulary<'_>, ids: &HashMap<&str, u32>, scores: &[f32]) -> Vec<(String, String)> {
    let mergeable = |piece: &str| ids.get(piece).filter(|&&id| vocabulary.kinds[id as usize] == NORMAL);
    let mut ranked: Vec<(f32, &str, &str)> = Vec::new();
    for (id, token) in vocabulary.tokens.iter().enumerate() {
        if vocabulary.kinds[id] != NORMAL {
            continue;
        }
        for (at, _) in token.char_indices().skip(1) {
            let (left, right) = token.split_at(at);
            if mergeable(left).is_some() && mergeable(right).is_some() {
                ranked.push((scores[id], left, right));
            }
        }
    }
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranked.into_iter().map(|(_, left, right)| (left.to_owned(), right.to_owned())).collect()
}

fn owned(ids: &HashMap<&str, u32>) -> tokenizers::models::bpe::Vocab {
    ids.iter().map(|(token, id)| ((*token).to_owned(), *id)).collect()
}

fn assemble(
    model: tokenizers::Result<BPE>,
    parts: Parts,
    vocabulary: &Vocabulary<'_>,
    frame: &Frame,
    metadata: &Metadata<'_>,
) -> Result<Tokenizer> {
    let bad = |e: tokenizers::Error| Error::model(metadata.file, TOKENS, format!("makes no tokenizer: {e}"));
    let mut tokenizer = Tokenizer::new(model.map_err(bad)?);
    tokenizer.with_normalizer(part::<tokenizers::NormalizerWrapper>(parts.normalizer)?).map_err(bad)?;
    tokenizer.with_pre_tokenizer(part::<tokenizers::PreTokenizerWrapper>(parts.pre_tokenizer)?);
    tokenizer.with_post_processor(part::<tokenizers::PostProcessorWrapper>(post_processor(vocabulary, frame))?);
    tokenizer.with_decoder(part::<tokenizers::DecoderWrapper>(parts.decoder)?);
    let added = vocabulary.tokens.iter().zip(&vocabulary.kinds).filter_map(|(token, kind)| match *kind {
        CONTROL | UNKNOWN => Some(AddedToken::from(*token, true).normalized(false)),
        USER_DEFINED => Some(AddedToken::from(*token, false).normalized(false)),
        _ => None,
    });
    tokenizer.add_tokens(added).map_err(bad)?;
    Ok(tokenizer)
}

fn part<T: serde::de::DeserializeOwned>(json: Value) -> Result<Option<T>> {
    serde_json::from_value(json).map_err(|e| Error::Internal(format!("part of a tokenizer: {e}")))
}

/// BOS before and EOS after a text, in tokenizer.json's form; null when there is neither.
fn post_processor(vocabulary: &Vocabulary<'_>, frame: &Frame) -> Value {
    if *frame == Frame::default() {
        return Value::Null;
    }
    let token = |id: u32| vocabulary.tokens[id as usize];
    let special = |id: &Option<u32>, kind: u8| id.map(|id| json!({"SpecialToken": {"id": token(id), "type_id": kind}}));
    let framed = |name: &str, kind: u8| {
        let text = Some(json!({"Sequence": {"id": name, "type_id": kind}}));
        [special(&frame.begin, kind), text, special(&frame.end, kind)].into_iter().flatten().collect::<Vec<_>>()
    };
    let ids = [frame.begin, frame.end].into_iter().flatten();
    let pair = [framed("A", 0), framed("B", 1)].concat();
    let tokens = ids.map(|id| (token(id).to_owned(), json!({"id": token(id), "ids": [id], "tokens": [token(id)]})));
    json!({
        "type": "TemplateProcessing",
        "single": framed("A", 0),
        "pair": pair,
        "special_tokens": tokens.collect::<serde_json::Map<_, _>>(),
    })
}
