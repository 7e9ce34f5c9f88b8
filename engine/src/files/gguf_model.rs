//! What a GGUF file means: its tensors under Hugging Face names, in Hugging Face row order.

use std::collections::BTreeMap;
use std::path::Path;

use super::gguf::Contents;
use super::gguf_config;
use super::gguf_meta::Metadata;
use super::safetensors_file::shortened;
use super::stored::{RowOrder, StoredTensor};
use crate::error::{Error, Result};

/// A model family as GGUF and as Hugging Face name it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    /// `general.architecture`, and the prefix of its keys.
    pub architecture: &'static str,
    /// `model_type` and `architectures` of config.json.
    pub model_type: &'static str,
    pub class: &'static str,
    /// Whether query and key rows lie in pairs, as llama.cpp's first rotary code wanted them.
    paired_rows: bool,
}

const FAMILIES: [Family; 4] = [
    Family { architecture: "llama", model_type: "llama", class: "LlamaForCausalLM", paired_rows: true },
    Family { architecture: "mistral", model_type: "mistral", class: "MistralForCausalLM", paired_rows: true },
    Family { architecture: "qwen2", model_type: "qwen2", class: "Qwen2ForCausalLM", paired_rows: false },
    Family { architecture: "qwen3", model_type: "qwen3", class: "Qwen3ForCausalLM", paired_rows: false },
];

/// GGUF name to Hugging Face name, outside the layers.
const TOP: [(&str, &str); 4] = [
    ("token_embd.weight", "model.embed_tokens.weight"),
    ("output_norm.weight", "model.norm.weight"),
    ("output.weight", "lm_head.weight"),
    // Factors of the rotary frequencies (Llama 3.1 and later); Hugging Face computes them from config.json.
    ("rope_freqs.weight", ROPE_FREQS),
];

/// The same within a layer, without `blk.N.` and `.weight` or `.bias`.
const LAYER: [(&str, &str); 11] = [
    ("attn_norm", "input_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("attn_q_norm", "self_attn.q_norm"),
    ("attn_k_norm", "self_attn.k_norm"),
    ("ffn_norm", "post_attention_layernorm"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];

/// The name under which `rope_freqs.weight` is offered.
pub(super) const ROPE_FREQS: &str = "rope_freqs";

/// A GGUF file read as a model of Hugging Face's.
pub(super) struct GgufModel {
    /// As config.json would have it.
    pub config: serde_json::Value,
    pub tensors: BTreeMap<String, (StoredTensor, RowOrder)>,
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
        let hf = hugging_face_name(name).unwrap_or_else(|| name.clone());
        let order = if family.paired_rows { row_order(name, tensor, family, &metadata)? } else { RowOrder::AsStored };
        if tensors.insert(hf.clone(), (tensor.clone(), order)).is_some() {
            return Err(Error::model(file, name, format!("two tensors of this file both mean {hf}")));
        }
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

fn hugging_face_name(name: &str) -> Option<String> {
    if let Some((_, hf)) = TOP.iter().find(|(gguf, _)| *gguf == name) {
        return Some((*hf).to_owned());
    }
    let (layer, part, leaf) = layer_parts(name)?;
    let (_, hf) = LAYER.iter().find(|(gguf, _)| *gguf == part)?;
    Some(format!("model.layers.{layer}.{hf}.{leaf}"))
}

/// "blk.7.attn_q.weight" is (7, "attn_q", "weight").
fn layer_parts(name: &str) -> Option<(u32, &str, &str)> {
    let (layer, rest) = name.strip_prefix("blk.")?.split_once('.')?;
    let (part, leaf) = rest.split_once('.')?;
    // "blk.07" must not become layer 7 beside "blk.7".
    let number: u32 = layer.parse().ok().filter(|n: &u32| n.to_string() == layer)?;
    matches!(leaf, "weight" | "bias").then_some((number, part, leaf))
}

fn row_order(name: &str, tensor: &StoredTensor, family: Family, metadata: &Metadata<'_>) -> Result<RowOrder> {
    let prefix = family.architecture;
    let heads = match layer_parts(name) {
        Some((_, "attn_q", _)) => metadata.required(&format!("{prefix}.attention.head_count"))?,
        Some((_, "attn_k", _)) => gguf_config::key_value_heads(metadata, prefix)?,
        _ => return Ok(RowOrder::AsStored),
    };
    let rows = tensor.shape.first().copied().unwrap_or(0);
    let head_rows = rows / heads;
    if rows == 0 || rows % heads != 0 || head_rows % 2 != 0 {
        let reason = format!("shape {:?} does not divide into {heads} heads of an even number of rows", tensor.shape);
        return Err(Error::model(metadata.file, name, reason));
    }
    Ok(RowOrder::Paired { head_rows })
}

fn label(contents: &Contents) -> String {
    let mut bytes: BTreeMap<&str, usize> = BTreeMap::new();
    for tensor in contents.tensors.values() {
        *bytes.entry(tensor.element.name()).or_default() += tensor.range.len();
    }
    let most = bytes.iter().max_by_key(|(_, bytes)| **bytes).map_or("without tensors", |(name, _)| name);
    format!("GGUF {most}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let cases = [
            ("token_embd.weight", Some("model.embed_tokens.weight")),
            ("blk.0.attn_q.weight", Some("model.layers.0.self_attn.q_proj.weight")),
            ("blk.11.attn_k.bias", Some("model.layers.11.self_attn.k_proj.bias")),
            ("blk.3.ffn_norm.weight", Some("model.layers.3.post_attention_layernorm.weight")),
            ("blk.03.ffn_norm.weight", None),
            ("blk.3.ffn_norm.scale", None),
            ("blk.x.attn_q.weight", None),
            ("output", None),
        ];
        for (gguf, hf) in cases {
            assert_eq!(hugging_face_name(gguf).as_deref(), hf, "{gguf}");
        }
    }
}
