//! What a GGUF file means: its tensors under Hugging Face names, in Hugging Face row order.

use std::collections::BTreeMap;
use std::path::Path;

use super::gguf::Contents;
use super::gguf_config;
use super::gguf_families::{FAMILIES, Family, layer_parts};
use super::gguf_meta::Metadata;
use super::safetensors_file::shortened;
use super::stored::{Conversion, StoredTensor};
use crate::error::{Error, Result};

/// A GGUF file read as a model of Hugging Face's.
pub(super) struct GgufModel {
    /// As config.json would have it.
    pub config: serde_json::Value,
    pub tensors: BTreeMap<String, (StoredTensor, Conversion)>,
    /// "GGUF Q4_K": the type that most bytes have.
    pub label: String,
}

/// # Errors
/// `ModelUnsupported` for an architecture, a split file or a feature that is not read, `BadModel`
/// for metadata that is missing, wrong or at odds with the tensors.
pub(super) fn interpret(bytes: &[u8], file: &Path, contents: &Contents) -> Result<GgufModel> {
    let metadata = Metadata { file, bytes, contents };
    let family = family(&metadata)?;
    let mut tensors = BTreeMap::new();
    for (name, tensor) in &contents.tensors {
        let hf = family.hugging_face_name(name).unwrap_or_else(|| name.clone());
        let conversion = conversion(name, tensor, family, &metadata)?;
        let mut tensor = tensor.clone();
        if conversion == Conversion::Transposed {
            tensor.shape.reverse();
        }
        if tensors.insert(hf.clone(), (tensor, conversion)).is_some() {
            return Err(Error::model(file, name, format!("two tensors of this file both mean {hf}")));
        }
    }
    // llama.cpp's converter once wrote GPT-2's tied embedding a second time, as the head.
    if let (Some((head, _)), Some((embedding, _))) =
        (tensors.get("lm_head.weight"), tensors.get(family.embedding_name()))
        && family.transposed
        && head.element == embedding.element
        && bytes[head.range.clone()] == bytes[embedding.range.clone()]
    {
        tensors.remove("lm_head.weight");
    }
    let config = gguf_config::config(&metadata, family, &tensors)?;
    Ok(GgufModel { config, tensors, label: label(contents) })
}

/// The family of a file, if it is one whole model of a known kind.
fn family(metadata: &Metadata<'_>) -> Result<Family> {
    let unsupported = |reason: String| Error::ModelUnsupported { path: metadata.file.to_owned(), reason };
    if let Some(kind) = metadata.text("general.type")?
        && kind != "model"
    {
        return Err(unsupported(format!("is a GGUF of type {:?}, not a model", shortened(kind))));
    }
    if let Some(parts) = metadata.count("split.count")?
        && parts > 1
    {
        let part = metadata.count("split.no")?.unwrap_or(0).saturating_add(1);
        return Err(unsupported(format!(
            "is part {part} of {parts} of a split GGUF; join them with `llama-gguf-split --merge`"
        )));
    }
    const KEY: &str = "general.architecture";
    let architecture = metadata
        .text(KEY)?
        .ok_or_else(|| Error::model(metadata.file, KEY, "this metadata key is missing: not a language model"))?;
    let family = FAMILIES.iter().find(|family| family.architecture == architecture);
    let known = FAMILIES.map(|family| family.architecture).join(", ");
    family.copied().ok_or_else(|| {
        unsupported(format!("GGUF architecture {:?} is not read (only {known})", shortened(architecture)))
    })
}

/// What makes the model's numbers of the file's.
fn conversion(name: &str, tensor: &StoredTensor, family: Family, metadata: &Metadata<'_>) -> Result<Conversion> {
    let linear = |part: &str| matches!(part, "attn_qkv" | "attn_output" | "ffn_up" | "ffn_down");
    match layer_parts(name) {
        _ if family.paired_rows => row_order(name, tensor, family, metadata),
        _ if family.norms_with_one && name.ends_with("norm.weight") => Ok(Conversion::LessOne),
        Some((_, part, "weight")) if family.transposed && linear(part) && tensor.shape.len() == 2 => {
            Ok(Conversion::Transposed)
        }
        _ => Ok(Conversion::AsStored),
    }
}

fn row_order(name: &str, tensor: &StoredTensor, family: Family, metadata: &Metadata<'_>) -> Result<Conversion> {
    let prefix = family.architecture;
    let heads = match layer_parts(name) {
        Some((_, "attn_q", _)) => metadata.required(&format!("{prefix}.attention.head_count"))?,
        Some((_, "attn_k", _)) => gguf_config::key_value_heads(metadata, prefix)?,
        _ => return Ok(Conversion::AsStored),
    };
    let rows = tensor.shape.first().copied().unwrap_or(0);
    let head_rows = rows / heads;
    if rows == 0 || rows % heads != 0 || head_rows % 2 != 0 {
        let reason = format!("shape {:?} does not divide into {heads} heads of an even number of rows", tensor.shape);
        return Err(Error::model(metadata.file, name, reason));
    }
    Ok(Conversion::PairedRows { head_rows })
}

fn label(contents: &Contents) -> String {
    let mut bytes: BTreeMap<&str, usize> = BTreeMap::new();
    for tensor in contents.tensors.values() {
        *bytes.entry(tensor.element.name()).or_default() += tensor.range.len();
    }
    let most = bytes.iter().max_by_key(|(_, bytes)| **bytes).map_or("without tensors", |(name, _)| name);
    format!("GGUF {most}")
}
