//! The tokenizer and chat template that a GGUF file carries.

use std::path::Path;

use serde_json::{Value, json};
use tokenizers::Tokenizer;

use super::gguf;
use super::gguf_meta::Metadata;
use super::gguf_vocab::{self, Frame, Vocabulary};
use super::safetensors_file::shortened;
use super::shards::{self, Found};
use super::stored::MappedFile;
use crate::error::{Error, Result};

/// What tokenizer.json and tokenizer_config.json of a folder would say.
pub struct GgufTokenizer {
    pub tokenizer: Tokenizer,
    /// `chat_template`, `bos_token`, `eos_token`, `pad_token`, `unk_token` (text or null),
    /// `eos_token_id` (list of every id that ends an answer), `pad_token_id`, `add_bos_token`, `add_eos_token`,
    /// `model_max_length`, `tokenizer_class`.
    pub config: Value,
}

/// Reads the tokenizer of a GGUF file, or of a folder with exactly one.
///
/// # Errors
/// `ModelUnsupported` for a tokenizer or pre-tokenizer that is not known (named); `BadModel` with
/// the metadata key for a vocabulary that is missing or damaged.
pub fn gguf_tokenizer(path: &Path) -> Result<GgufTokenizer> {
    let Found::Gguf(file) = shards::find(path)? else {
        return Err(Error::model(path, "the whole file", "is not a GGUF file"));
    };
    let mapped = MappedFile::open(&file)?;
    let contents = gguf::parse(mapped.bytes(), &file)?;
    build(&Metadata { file: &file, bytes: mapped.bytes(), contents: &contents })
}

pub(super) fn build(metadata: &Metadata<'_>) -> Result<GgufTokenizer> {
    const MODEL: &str = "tokenizer.ggml.model";
    let model = metadata
        .text(MODEL)?
        .ok_or_else(|| Error::model(metadata.file, MODEL, "this metadata key is missing: the file has no tokenizer"))?;
    let pieces = match model {
        "gpt2" => false,
        "llama" => true,
        other => {
            let reason = format!(
                "tokenizer {:?} is not read (only gpt2 and llama); use the model's Hugging Face folder",
                shortened(other)
            );
            return Err(Error::ModelUnsupported { path: metadata.file.to_owned(), reason });
        }
    };
    let vocabulary = Vocabulary::read(metadata)?;
    let pre = metadata.text("tokenizer.ggml.pre")?.unwrap_or("default");
    // SentencePiece files may leave the usual ids out.
    let usual = |id: u32| Some(id).filter(|&id| pieces && (id as usize) < vocabulary.tokens.len());
    let id = |name: &str| token_id(metadata, name, vocabulary.tokens.len());
    let bos = id("bos")?.or(usual(1));
    let eos = id("eos")?.or(usual(2));
    let unknown = id("unknown")?.or(usual(0));
    let padding = id("padding")?;

    let add_bos = metadata.flag("tokenizer.ggml.add_bos_token")?.unwrap_or(pieces || gguf_vocab::begins_with_bos(pre));
    let add_eos = metadata.flag("tokenizer.ggml.add_eos_token")?.unwrap_or(false);
    let frame = Frame { begin: bos.filter(|_| add_bos), end: eos.filter(|_| add_eos) };
    let tokenizer = if pieces {
        gguf_vocab::sentence_piece(metadata, &vocabulary, unknown, &frame)?
    } else {
        gguf_vocab::byte_level(metadata, &vocabulary, pre, &frame)?
    };

    let text = |id: Option<u32>| id.map(|id| vocabulary.tokens[id as usize]);
    let mut ends = Vec::new();
    for end in [eos, id("eot")?, id("eom")?].into_iter().flatten() {
        if !ends.contains(&end) {
            ends.push(end);
        }
    }
    let architecture = metadata.text("general.architecture")?.unwrap_or_default();
    let config = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": text(bos),
        "eos_token": text(eos),
        "pad_token": text(padding),
        "unk_token": text(unknown),
        "eos_token_id": ends,
        "pad_token_id": padding,
        "add_bos_token": add_bos,
        "add_eos_token": add_eos,
        "clean_up_tokenization_spaces": false,
        "model_max_length": metadata.count(&format!("{architecture}.context_length"))?,
        "chat_template": metadata.text("tokenizer.chat_template")?,
    });
    Ok(GgufTokenizer { tokenizer, config })
}

/// The id of a special token ("bos", "eos", "padding", ...), if the file names one.
///
/// # Errors
/// `BadModel` when it is outside a vocabulary of `size`.
pub(super) fn token_id(metadata: &Metadata<'_>, name: &str, size: usize) -> Result<Option<u32>> {
    let key = format!("tokenizer.ggml.{name}_token_id");
    match metadata.count(&key)? {
        // Some converters write 2^32 - 1 for "none".
        None | Some(0xffff_ffff) => Ok(None),
        Some(id) if id < size => Ok(Some(id as u32)),
        Some(id) => Err(Error::model(metadata.file, key, format!("is {id}, outside the vocabulary of {size}"))),
    }
}
