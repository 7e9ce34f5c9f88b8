//! LoRA (Hu et al. 2021, equation 3): `W + s B A` beside frozen weights, read and written as PEFT folders.
//!
//! A is [r, in], B [out, r]; s = alpha / r, or alpha / sqrt(r) with rsLoRA (Kalajdzievski 2023). The tensors
//! live in the model's parameter map under PEFT's names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::files::{self, WeightFiles};
use burn::tensor::Tensor;

use crate::model::{LinearSpec, Model, ModelConfig, Param, Tape};
use crate::{Error, Result, ops};

pub const CONFIG_FILE: &str = "adapter_config.json";
pub const WEIGHTS_FILE: &str = "adapter_model.safetensors";

/// The part of PEFT's adapter_config.json that changes the computation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoraConfig {
    pub r: usize,
    #[serde(default = "peft_alpha")]
    pub lora_alpha: f64,
    #[serde(default)]
    pub lora_dropout: f32,
    #[serde(default)]
    pub use_rslora: bool,
    pub target_modules: Targets,
}

fn peft_alpha() -> f64 {
    8.0
}

/// PEFT writes a list of names, or a string: "all-linear" or a pattern.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Targets {
    Names(Vec<String>),
    Word(String),
}

impl Targets {
    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Names(names) => names.iter().any(|n| path == n || path.ends_with(&format!(".{n}"))),
            Self::Word(word) => word == "all-linear" || path.ends_with(&format!(".{word}")),
        }
    }
}

/// One adapted linear layer: the names of its A and B in the parameter map, and s.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    pub a: String,
    pub b: String,
    pub scale: f32,
    pub out: usize,
    pub input: usize,
}

#[derive(Debug, Clone)]
pub struct Adapter {
    pub config: LoraConfig,
    /// By module path: model.layers.0.self_attn.q_proj.
    pub sites: BTreeMap<String, Site>,
    /// Off: the model answers as its base.
    pub enabled: bool,
    /// Folder it was read from.
    pub source: Option<PathBuf>,
}

impl Adapter {
    fn for_model(config: LoraConfig, model: &ModelConfig, place: &Path) -> Result<Self> {
        let root = if config.use_rslora { (config.r as f64).sqrt() } else { config.r as f64 };
        let scale = (config.lora_alpha / root) as f32;
        let mut sites = BTreeMap::new();
        for (_, LinearSpec { path, out, input, .. }) in model.linears() {
            if config.target_modules.matches(&path) {
                let tensor = |part: &str| format!("base_model.model.{path}.{part}.weight");
                sites.insert(path.clone(), Site { a: tensor("lora_A"), b: tensor("lora_B"), scale, out, input });
            }
        }
        if let Targets::Names(names) = &config.target_modules {
            let known = |n: &&String| sites.keys().any(|path| path.ends_with(&format!(".{n}")) || path == *n);
            if let Some(stranger) = names.iter().find(|n| !known(n)) {
                let reason = format!(
                    "names '{stranger}', but this model's linear layers are {}",
                    model.linear_names().join(", ")
                );
                return Err(Error::model(place, "target_modules", reason));
            }
        }
        if sites.is_empty() {
            return Err(Error::model(place, "target_modules", "names no linear layer of this model"));
        }
        Ok(Self { config, sites, enabled: true, source: None })
    }

    /// The adapted layer without its bias: x [rows, in] -> [rows, out]. None: this layer has no adapter.
    pub(crate) fn forward(
        &self,
        model: &Model,
        spec: &LinearSpec,
        x: &Tensor<2>,
        tape: &mut Tape,
    ) -> Option<Tensor<2>> {
        let site = self.sites.get(&spec.path)?;
        let a = model.matrix(&site.a, tape);
        let b = model.matrix(&site.b, tape);
        let dropped = match tape.dropout {
            Some(key) if self.config.lora_dropout > 0.0 => {
                x.clone() * key.mask(&spec.path, self.config.lora_dropout, x)
            }
            _ => x.clone(),
        };
        let delta = dropped.matmul(a.transpose()).matmul(b.transpose()).mul_scalar(site.scale);
        Some(model.project(spec, x.clone(), tape) + delta)
    }
}

impl Model {
    /// Puts a fresh LoRA on the model: A uniform in +-1/sqrt(in) (PEFT's Kaiming start), B zero, so nothing changes yet.
    pub fn add_lora(&mut self, config: LoraConfig, seed: u64) -> Result<()> {
        let adapter = Adapter::for_model(config, &self.config, &self.source)?;
        let mut rng = StdRng::seed_from_u64(seed);
        for site in adapter.sites.values() {
            let (out, input) = (site.out, site.input);
            let r = adapter.config.r;
            let bound = 1.0 / (input as f32).sqrt();
            let a: Vec<f32> = (0..r * input).map(|_| rng.random_range(-bound..=bound)).collect();
            self.params.insert(site.a.clone(), crate::model::param(a, &[r, input], &self.device));
            self.params.insert(site.b.clone(), crate::model::param(vec![0.0; out * r], &[out, r], &self.device));
        }
        self.adapter = Some(adapter);
        Ok(())
    }

    /// Loads a PEFT folder onto the model.
    ///
    /// # Errors
    /// `BadModel` naming the tensor that is missing, has a shape for another base, or that this base has no place for.
    pub fn load_adapter(&mut self, folder: &Path) -> Result<()> {
        let (config, files) = read_folder(folder)?;
        let weights = folder.join(WEIGHTS_FILE);
        let mut adapter = Adapter::for_model(config, &self.config, &folder.join(CONFIG_FILE))?;
        let mut expected = BTreeMap::new();
        for site in adapter.sites.values() {
            let (out, input) = (site.out, site.input);
            expected.insert(site.a.clone(), [adapter.config.r, input]);
            expected.insert(site.b.clone(), [out, adapter.config.r]);
        }
        if let Some(stranger) = files.names().find(|n| !expected.contains_key(*n)) {
            let reason = "has no place in this base model; was the adapter made for another model or method?";
            return Err(Error::model(&weights, stranger, reason));
        }
        for (name, shape) in expected {
            match files.shape(&name) {
                None => return Err(Error::model(&weights, name, "is missing")),
                Some(found) if found != shape => {
                    let reason = format!(
                        "has shape {found:?}, but this base model needs {shape:?}: it was made for another model"
                    );
                    return Err(Error::model(&weights, name, reason));
                }
                Some(_) => {
                    let values = files.read_f32(&name)?;
                    self.params.insert(name, crate::model::param(values, &shape, &self.device));
                }
            }
        }
        adapter.source = Some(folder.to_owned());
        self.adapter = Some(adapter);
        Ok(())
    }

    /// Takes the adapter off again.
    pub fn drop_adapter(&mut self) {
        if let Some(adapter) = self.adapter.take() {
            for site in adapter.sites.values() {
                self.params.remove(&site.a);
                self.params.remove(&site.b);
            }
        }
    }

    /// Adds the adapter into the weights and takes it off: the same answers without the extra products.
    pub fn merge_adapter(&mut self) {
        let Some(adapter) = self.adapter.take() else { return };
        for (path, site) in &adapter.sites {
            let name = format!("{path}.weight");
            if let (Some(Param::Matrix(a)), Some(Param::Matrix(b)), Some(Param::Matrix(w))) =
                (self.params.remove(&site.a), self.params.remove(&site.b), self.params.get(&name))
            {
                let merged = w.clone() + b.matmul(a).mul_scalar(site.scale);
                self.params.insert(name, Param::Matrix(merged));
            }
        }
    }

    /// Writes the adapter as a PEFT folder.
    pub fn save_adapter(&self, folder: &Path) -> Result<()> {
        let Some(adapter) = &self.adapter else { return Err(Error::Internal("no adapter to save".into())) };
        std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
        let mut tensors = BTreeMap::new();
        for site in adapter.sites.values() {
            for name in [&site.a, &site.b] {
                if let Some(Param::Matrix(t)) = self.params.get(name) {
                    let shape = t.dims().to_vec();
                    tensors.insert(name.clone(), (shape, ops::read(t.clone(), "saving the adapter")?));
                }
            }
        }
        let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
        files::write_safetensors(&folder.join(WEIGHTS_FILE), &tensors, files::FloatFormat::F32, &metadata)?;
        files::write_json_atomic(&folder.join(CONFIG_FILE), &peft_json(&adapter.config, &self.source))
    }
}

/// Config and tensors of a PEFT folder.
fn read_folder(folder: &Path) -> Result<(LoraConfig, WeightFiles)> {
    let path = folder.join(CONFIG_FILE);
    let text = std::fs::read_to_string(&path).map_err(|e| Error::io(&path, e))?;
    let json: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| Error::model(&path, format!("line {}", e.line()), e.to_string()))?;
    let unsupported = |reason: String| Error::ModelUnsupported { path: path.clone(), reason };
    match json["peft_type"].as_str() {
        Some("LORA") => {}
        other => {
            return Err(unsupported(format!(
                "adapters of type {} are not in this version yet",
                other.unwrap_or("(none)")
            )));
        }
    }
    for key in ["use_dora", "fan_in_fan_out", "lora_bias"] {
        if json[key] == true {
            return Err(unsupported(format!("{key}: true is not in this version yet")));
        }
    }
    for key in ["rank_pattern", "alpha_pattern"] {
        if json[key].as_object().is_some_and(|o| !o.is_empty()) {
            return Err(unsupported(format!("{key} is not in this version yet")));
        }
    }
    if json["modules_to_save"].as_array().is_some_and(|a| !a.is_empty()) {
        return Err(unsupported("modules_to_save is not in this version yet".into()));
    }
    let config: LoraConfig =
        serde_json::from_value(json).map_err(|e| Error::model(&path, "adapter_config.json", e.to_string()))?;
    if config.r == 0 {
        return Err(Error::model(&path, "r", "must be at least 1"));
    }
    Ok((config, WeightFiles::open(&folder.join(WEIGHTS_FILE))?))
}

/// Only the config of a PEFT folder.
pub fn read_config(folder: &Path) -> Result<LoraConfig> {
    Ok(read_folder(folder)?.0)
}

fn peft_json(config: &LoraConfig, base: &Path) -> serde_json::Value {
    serde_json::json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base.display().to_string(),
        "inference_mode": true,
        "r": config.r,
        "lora_alpha": config.lora_alpha,
        "lora_dropout": config.lora_dropout,
        "use_rslora": config.use_rslora,
        "use_dora": false,
        "target_modules": config.target_modules,
        "bias": "none",
        "fan_in_fan_out": false,
        "init_lora_weights": true,
        "modules_to_save": null,
        "rank_pattern": {},
        "alpha_pattern": {},
        "layers_to_transform": null,
        "layers_pattern": null,
        "peft_version": "0.18.0",
    })
}
