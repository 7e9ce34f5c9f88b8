//! adapter_config.json, read distrustfully and written so that PEFT reads it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::{AdapterConfig, LoraConfig, Method, OftConfig, Targets};
use crate::{Error, Result};

/// Keys of PEFT that change the computation and are not supported: refused unless null, false, 0 or empty.
const REFUSED: [&str; 14] = [
    "alora_invocation_tokens",
    "arrow_config",
    "coft",
    "kasa_config",
    "layer_replication",
    "lora_bias",
    "megatron_config",
    "monteclora_config",
    "target_parameters",
    "trainable_token_indices",
    "use_bdlora",
    "use_qalora",
    "velora_config",
    "ensure_weight_tying",
];

/// Starts of LoRA that leave the base's weights as they are.
const HARMLESS_STARTS: [&str; 3] = ["gaussian", "eva", "mica"];

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(on) => *on,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// A config with the file it is from.
struct Reader<'a> {
    json: Value,
    path: &'a Path,
}

impl Reader<'_> {
    fn bad(&self, key: &str, wanted: &str) -> Error {
        Error::model(self.path, key, format!("must be {wanted}, not {}", self.json[key]))
    }

    fn unsupported(&self, reason: String) -> Error {
        Error::ModelUnsupported { path: self.path.to_owned(), reason }
    }

    fn flag(&self, key: &str, default: bool) -> Result<bool> {
        match &self.json[key] {
            Value::Null => Ok(default),
            Value::Bool(on) => Ok(*on),
            _ => Err(self.bad(key, "true or false")),
        }
    }

    fn count(&self, key: &str, default: usize) -> Result<usize> {
        match &self.json[key] {
            Value::Null => Ok(default),
            value => match value.as_u64() {
                Some(count) if count <= 1 << 24 => Ok(count as usize),
                _ => Err(self.bad(key, "a whole number")),
            },
        }
    }

    fn number(&self, key: &str, default: f64) -> Result<f64> {
        match &self.json[key] {
            Value::Null => Ok(default),
            value => value.as_f64().filter(|n| n.is_finite()).ok_or_else(|| self.bad(key, "a number")),
        }
    }

    fn share(&self, key: &str) -> Result<f32> {
        let share = self.number(key, 0.0)?;
        if (0.0..1.0).contains(&share) { Ok(share as f32) } else { Err(self.bad(key, "0 or more and less than 1")) }
    }

    /// A list of words, or one word; null is none.
    fn words(&self, key: &str) -> Result<Vec<String>> {
        match &self.json[key] {
            Value::Null => Ok(Vec::new()),
            Value::String(word) => Ok(vec![word.clone()]),
            Value::Array(list) => {
                let words = list.iter().map(|word| word.as_str().map(str::to_owned));
                words.collect::<Option<Vec<_>>>().ok_or_else(|| self.bad(key, "a list of names"))
            }
            _ => Err(self.bad(key, "a list of names")),
        }
    }

    fn targets(&self, key: &str) -> Result<Option<Targets>> {
        match &self.json[key] {
            Value::String(word) if !word.is_empty() => Ok(Some(Targets::Word(word.clone()))),
            _ => Ok(Some(self.words(key)?).filter(|names| !names.is_empty()).map(Targets::Names)),
        }
    }

    /// A number, or a list of numbers; null and an empty list are none.
    fn layers(&self) -> Result<Option<BTreeSet<usize>>> {
        let key = "layers_to_transform";
        let wanted = || self.bad(key, "layer numbers");
        let number = |value: &Value| value.as_u64().map(|n| n as usize);
        match &self.json[key] {
            Value::Null => Ok(None),
            Value::Array(list) if list.is_empty() => Ok(None),
            Value::Array(list) => Ok(Some(list.iter().map(number).collect::<Option<_>>().ok_or_else(wanted)?)),
            value => Ok(Some(BTreeSet::from([number(value).ok_or_else(wanted)?]))),
        }
    }

    /// A map of patterns to numbers, in the file's order.
    fn pattern<T>(&self, key: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Vec<(String, T)>> {
        match &self.json[key] {
            Value::Null => Ok(Vec::new()),
            Value::Object(map) => {
                let entries = map.iter().map(|(pattern, value)| Some((pattern.clone(), read(value)?)));
                entries.collect::<Option<_>>().ok_or_else(|| self.bad(key, "numbers by pattern"))
            }
            _ => Err(self.bad(key, "numbers by pattern")),
        }
    }

    fn lora(&self) -> Result<Method> {
        let start = &self.json["init_lora_weights"];
        if let Some(word) = start.as_str().filter(|word| !HARMLESS_STARTS.contains(word)) {
            let reason = format!(
                "init_lora_weights is \"{word}\": the adapter belongs to changed base weights that this folder does not \
                 hold; save it anew with PEFT's path_initial_model_for_weight_conversion"
            );
            return Err(self.unsupported(reason));
        }
        let r = self.count("r", LoraConfig::default().r)?;
        if r == 0 {
            return Err(self.bad("r", "at least 1"));
        }
        Ok(Method::Lora(LoraConfig {
            r,
            lora_alpha: self.number("lora_alpha", LoraConfig::default().lora_alpha)?,
            use_rslora: self.flag("use_rslora", false)?,
            use_dora: self.flag("use_dora", false)?,
            rank_pattern: self.pattern("rank_pattern", |value| value.as_u64().map(|n| n as usize))?,
            alpha_pattern: self.pattern("alpha_pattern", |value| value.as_f64().filter(|n| n.is_finite()))?,
            pissa: false,
        }))
    }

    fn oft(&self) -> Result<Method> {
        if self.json["oft_block_size"].is_null() {
            let reason = "oft_block_size is missing: the adapter is older than PEFT 0.15, which turned another way";
            return Err(self.unsupported(reason.into()));
        }
        let (r, block_size) = (self.count("r", 0)?, self.count("oft_block_size", 0)?);
        if (r == 0) == (block_size == 0) {
            return Err(self.bad("oft_block_size", "above 0 where r is 0, and 0 where r is above 0"));
        }
        let neumann = self.flag("use_cayley_neumann", true)?;
        if neumann && !is_recent(self.json["peft_version"].as_str().unwrap_or_default()) {
            let reason = "use_cayley_neumann: the adapter is older than PEFT 0.18, which changed the series";
            return Err(self.unsupported(reason.into()));
        }
        let terms = self.count("num_cayley_neumann_terms", 5)?;
        // Every term is a matrix product for each block and step; PEFT's own default is 5.
        if terms > 64 {
            return Err(self.bad("num_cayley_neumann_terms", "at most 64"));
        }
        let block_share = self.flag("block_share", false)?;
        Ok(Method::Oft(OftConfig { r, block_size, block_share, neumann_terms: neumann.then_some(terms) }))
    }
}

/// Whether a version is 0.18 or later.
fn is_recent(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().unwrap_or(0)
    });
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (0, 18)
}

/// # Errors
/// `Io`; `BadModel` naming file and key; `ModelUnsupported` naming what is not supported.
pub(super) fn read(path: &Path) -> Result<AdapterConfig> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, e))?;
    let json: Value =
        serde_json::from_str(&text).map_err(|e| Error::model(path, format!("line {}", e.line()), e.to_string()))?;
    let reader = Reader { json, path };
    let kind = reader.json["peft_type"].as_str().unwrap_or("(none)").to_owned();
    if !["LORA", "OFT"].contains(&kind.as_str()) {
        return Err(reader.unsupported(format!("adapters of peft_type {kind} are not supported: LORA and OFT are")));
    }
    if let Some(key) = REFUSED.iter().find(|key| is_set(&reader.json[**key])) {
        return Err(reader.unsupported(format!("{key}: {} is not supported", reader.json[*key])));
    }
    if let Some(bias) = reader.json["bias"].as_str().filter(|bias| *bias != "none") {
        return Err(reader.unsupported(format!("bias: \"{bias}\" is not supported: trained biases would be lost")));
    }
    let lora = kind == "LORA";
    let method = if lora { reader.lora()? } else { reader.oft()? };
    let Some(target_modules) = reader.targets("target_modules")? else {
        return Err(reader.bad("target_modules", "a list of names or a pattern"));
    };
    let layers_to_transform = reader.layers()?;
    if matches!(target_modules, Targets::Word(_)) && layers_to_transform.is_some() {
        let reason = "cannot be used where target_modules is a pattern; PEFT refuses it too";
        return Err(Error::model(path, "layers_to_transform", reason));
    }
    let mut modules_to_save = Vec::new();
    for module in reader.words("modules_to_save")? {
        if !modules_to_save.contains(&module) {
            modules_to_save.push(module);
        }
    }
    Ok(AdapterConfig {
        method,
        target_modules,
        exclude_modules: reader.targets("exclude_modules")?,
        layers_to_transform,
        layers_pattern: reader.words("layers_pattern")?,
        modules_to_save,
        dropout: reader.share(if lora { "lora_dropout" } else { "module_dropout" })?,
    })
}

/// What PEFT reads back as the same adapter on the model at `base`; `transposed`: its weights are [in, out] (GPT-2).
pub(super) fn json(config: &AdapterConfig, base: &Path, transposed: bool) -> Value {
    let scores = config.modules_to_save.iter().any(|module| module == "score");
    let list = |words: &[String]| if words.is_empty() { Value::Null } else { json!(words) };
    let mut all = json!({
        "peft_type": if matches!(config.method, Method::Lora(_)) { "LORA" } else { "OFT" },
        "task_type": if scores { "SEQ_CLS" } else { "CAUSAL_LM" },
        "base_model_name_or_path": base.display().to_string(),
        "inference_mode": true,
        "target_modules": config.target_modules,
        "exclude_modules": config.exclude_modules,
        "modules_to_save": list(&config.modules_to_save),
        "layers_to_transform": config.layers_to_transform,
        "layers_pattern": list(&config.layers_pattern),
        "bias": "none",
        "fan_in_fan_out": transposed,
        "peft_version": "0.18.0",
    });
    let own = match &config.method {
        Method::Lora(lora) => json!({
            "r": lora.r,
            "lora_alpha": lora.lora_alpha,
            "lora_dropout": config.dropout,
            "use_rslora": lora.use_rslora,
            "use_dora": lora.use_dora,
            "rank_pattern": map(&lora.rank_pattern),
            "alpha_pattern": map(&lora.alpha_pattern),
            "init_lora_weights": true,
        }),
        Method::Oft(oft) => json!({
            "r": oft.r,
            "oft_block_size": oft.block_size,
            "module_dropout": config.dropout,
            "block_share": oft.block_share,
            "use_cayley_neumann": oft.neumann_terms.is_some(),
            "num_cayley_neumann_terms": oft.neumann_terms.unwrap_or(5),
            "coft": false,
            "eps": 6e-5,
            "init_weights": true,
        }),
    };
    if let (Value::Object(all), Value::Object(own)) = (&mut all, own) {
        all.extend(own);
    }
    all
}

fn map<T: serde::Serialize>(entries: &[(String, T)]) -> Value {
    Value::Object(entries.iter().map(|(pattern, value)| (pattern.clone(), json!(value))).collect())
}
