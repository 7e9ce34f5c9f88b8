//! Writing a whole model as a Hugging Face folder.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::{Model, SCORE};
use crate::files::{FloatFormat, TensorWriter, WeightFiles, write_json_atomic};
use crate::{Error, Result, ops};

/// Files beside the weights that make a folder usable elsewhere.
const COMPANIONS: [&str; 9] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "generation_config.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
];

/// How a result is stored: as its source was, bfloat16 where the source was quantised.
pub fn checkpoint_dtype(source: &str) -> FloatFormat {
    match source {
        "F32" => FloatFormat::F32,
        "F16" => FloatFormat::F16,
        _ => FloatFormat::BF16,
    }
}

/// Writes config, tokenizer and weights into `folder`, one tensor in memory at a time.
///
/// # Errors
/// `Io` with the path, `Device` when a tensor cannot be read back.
pub fn save_full(model: &Model, folder: &Path) -> Result<()> {
    save(model, folder, model.config.tensors(), |_| {})
}

/// The same of a model with a score head instead of a language head, as transformers' `...ForSequenceClassification`.
///
/// # Errors
/// As [`save_full`].
pub fn save_reward_model(model: &Model, folder: &Path) -> Result<()> {
    let mut tensors = model.config.tensors();
    tensors.retain(|(name, _)| model.config.tied || name != model.head_name());
    tensors.push((SCORE.into(), vec![1, model.config.hidden]));
    save(model, folder, tensors, |config| {
        let old = config.get("architectures").and_then(|list| list[0].as_str()).unwrap_or_default();
        let family = ["ForCausalLM", "LMHeadModel", "ForSequenceClassification"];
        let family = family.iter().find_map(|ending| old.strip_suffix(ending)).unwrap_or(model.config.family.class());
        config.insert("architectures".into(), json!([format!("{family}ForSequenceClassification")]));
        config.insert("id2label".into(), json!({"0": "LABEL_0"}));
        config.insert("label2id".into(), json!({"LABEL_0": 0}));
        config.insert("num_labels".into(), json!(1));
    })
}

fn save(
    model: &Model,
    folder: &Path,
    names: Vec<(String, Vec<usize>)>,
    adjust: impl FnOnce(&mut Map<String, Value>),
) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    let format = checkpoint_dtype(&model.source_dtype);
    let mut config = WeightFiles::open(&model.source)?.config_json()?;
    if let Value::Object(map) = &mut config {
        adjust(map);
        map.remove("quantization_config");
        let key = if map.contains_key("dtype") { "dtype" } else { "torch_dtype" };
        map.insert(key.into(), format.torch_name().into());
    }
    save_companions(&model.source, folder)?;
    let path = folder.join("model.safetensors");
    let mut writer = TensorWriter::create(&path, names.clone(), format, &BTreeMap::new())?;
    for (name, _) in names {
        if let Some(param) = model.params.get(&name) {
            writer.push(&name, &ops::read(param.clone().into_flat(), "saving the model")?)?;
        }
    }
    writer.finish()?;
    write_json_atomic(&folder.join("config.json"), &config)
}

/// Tokenizer and generation files of `source` (a folder or a GGUF file) into `folder`.
pub fn save_companions(source: &Path, folder: &Path) -> Result<()> {
    if source.is_dir() && source.join("tokenizer.json").exists() {
        for name in COMPANIONS {
            let from = source.join(name);
            if from.is_file() && from != folder.join(name) {
                // Not fs::copy: it would copy a read-only mode too, and the next save could not replace the file.
                let bytes = std::fs::read(&from).map_err(|e| Error::io(&from, e))?;
                crate::files::write_atomic(&folder.join(name), &bytes)?;
            }
        }
        return Ok(());
    }
    let gguf = crate::files::gguf_tokenizer(source)?;
    let text = gguf.tokenizer.to_string(true).map_err(|e| Error::model(source, "tokenizer", e.to_string()))?;
    crate::files::write_atomic(&folder.join("tokenizer.json"), text.as_bytes())?;
    write_json_atomic(&folder.join("tokenizer_config.json"), &gguf.config)
}
