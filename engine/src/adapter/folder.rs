//! PEFT folders: the tensors in and out.

use std::collections::BTreeMap;
use std::path::Path;

use super::targets::blame_file;
use super::{
    Adapter, AdapterConfig, CONFIG_FILE, Form, Method, Origin, WEIGHTS_FILE, chain, peft, peft_name, sites, whole,
};
use crate::files::{self, WeightFiles};
use crate::model::{Model, Param, param};
use crate::{Error, Result, ops};

/// A tensor's name in a file as PEFT writes it now: without the adapter's name (`.default`), without the wrapper of
/// modules that train whole, with the prefix that the base model has inside PEFT.
fn canonical(name: &str) -> String {
    let name = name.replace(".modules_to_save.default.", ".").replace(".modules_to_save.", ".").replace(".default", "");
    let name = match name.strip_suffix(".lora_magnitude_vector.weight") {
        Some(path) => format!("{path}.lora_magnitude_vector"),
        None => name,
    };
    if name.starts_with("base_model.model.") { name } else { peft_name(&name) }
}

/// Only the config of a PEFT folder.
///
/// # Errors
/// `Io`, `BadModel` naming file and key, `ModelUnsupported` naming what is not supported.
pub fn read_config(folder: &Path) -> Result<AdapterConfig> {
    peft::read(&folder.join(CONFIG_FILE))
}

impl Model {
    /// Loads a PEFT folder onto the model.
    ///
    /// # Errors
    /// `BadModel` naming the tensor that is missing, has a shape for another base, or that this base has no place for;
    /// those of [`read_config`].
    pub fn load_adapter(&mut self, folder: &Path) -> Result<()> {
        let config_file = folder.join(CONFIG_FILE);
        let config = peft::read(&config_file)?;
        let weights = folder.join(WEIGHTS_FILE);
        let files = WeightFiles::open(&weights)?;
        let stored: BTreeMap<String, String> = files.names().map(|name| (canonical(name), name.to_owned())).collect();
        let blame = blame_file(&config_file);
        let sites = sites(&config, &self.config, Origin::Saved, &blame)?;
        let mut whole = whole::copies(self, &config.modules_to_save, &blame)?;
        let mut expected: BTreeMap<String, Vec<usize>> = sites.values().flat_map(super::Site::tensors).collect();
        for (name, copy) in &whole {
            expected.extend(self.params.get(name).map(|param| (copy.clone(), param.shape())));
        }
        // A head that the base does not have: the score of a reward model.
        for module in &config.modules_to_save {
            let (name, copy) = (format!("{module}.weight"), peft_name(&format!("{module}.weight")));
            let shape = stored.get(&copy).and_then(|stored| files.shape(stored));
            if let Some(&[rows, _]) = shape.filter(|_| !self.params.contains_key(&name)) {
                expected.insert(copy.clone(), vec![rows, self.config.hidden]);
                whole.insert(name, copy);
            }
        }
        if let Some((_, stranger)) = stored.iter().find(|(name, _)| !expected.contains_key(*name)) {
            let reason = "has no place in this base model; was the adapter made for another model or method?";
            return Err(Error::model(&weights, stranger, reason));
        }
        let mut loaded = BTreeMap::new();
        for (name, shape) in expected {
            let Some(stored) = stored.get(&name) else { return Err(Error::model(&weights, name, "is missing")) };
            if let Some(found) = files.shape(stored).filter(|found| *found != shape) {
                let reason =
                    format!("has shape {found:?}, but this base model needs {shape:?}: it was made for another model");
                return Err(Error::model(&weights, name, reason));
            }
            loaded.insert(name, param(files.read_f32(stored)?, &shape, &self.device));
        }
        self.drop_adapter();
        let mut adapter =
            Adapter { config, sites, whole, enabled: true, source: Some(folder.to_owned()), below: BTreeMap::new() };
        for site in adapter.sites.values_mut() {
            if let Form::Lora(lora) = &mut site.form {
                lora.measure(self, &site.spec);
            }
        }
        self.params.extend(loaded);
        self.adapter = Some(adapter);
        Ok(())
    }

    /// Writes the adapter as a PEFT folder. A PiSSA start is written as the plain LoRA of twice the rank that does the
    /// same on the untouched base (PEFT's `subtract_mutated_init`).
    ///
    /// # Errors
    /// `Io` with the path, `Device` when a tensor cannot be read back.
    pub fn save_adapter(&self, folder: &Path) -> Result<()> {
        let adapter = self.adapter_or_error()?;
        std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
        if !adapter.below.is_empty() {
            let (config, params) = chain::as_one(self, adapter);
            return self.write_adapter(folder, &config, params);
        }
        let mut params: BTreeMap<String, Param> = adapter
            .learning_names()
            .into_iter()
            .filter_map(|name| self.params.get(&name).map(|param| (name, param.clone())))
            .collect();
        for site in adapter.sites.values() {
            if let Form::Lora(lora) = &site.form
                && let (Some(Param::Matrix(a)), Some(Param::Matrix(b))) = (params.get(&lora.a), params.get(&lora.b))
            {
                let [a, b] = lora.change(a.clone(), b.clone());
                params.insert(lora.a.clone(), Param::Matrix(a));
                params.insert(lora.b.clone(), Param::Matrix(b));
            }
        }
        self.write_adapter(folder, &as_saved(&adapter.config), params)
    }

    fn write_adapter(&self, folder: &Path, config: &AdapterConfig, params: BTreeMap<String, Param>) -> Result<()> {
        let mut tensors = BTreeMap::new();
        for (name, param) in params {
            let shape = param.shape();
            tensors.insert(name, (shape, ops::read(param.into_flat(), "saving the adapter")?));
        }
        let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
        files::write_safetensors(&folder.join(WEIGHTS_FILE), &tensors, files::FloatFormat::F32, &metadata)?;
        let transposed = self.config.linears().any(|(_, spec)| spec.transposed);
        files::write_json_atomic(&folder.join(CONFIG_FILE), &peft::json(config, &self.source, transposed))
    }
}

/// The config of what is written: with PiSSA's start, twice the rank at the same scale.
fn as_saved(config: &AdapterConfig) -> AdapterConfig {
    let mut config = config.clone();
    if let Method::Lora(lora) = &mut config.method
        && lora.pissa
    {
        let factor = if lora.use_rslora { std::f64::consts::SQRT_2 } else { 2.0 };
        lora.pissa = false;
        lora.r *= 2;
        lora.lora_alpha *= factor;
        lora.rank_pattern.iter_mut().for_each(|(_, rank)| *rank *= 2);
        lora.alpha_pattern.iter_mut().for_each(|(_, alpha)| *alpha *= factor);
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_vintage_are_read() {
        let site = "base_model.model.model.layers.0.self_attn.q_proj";
        for (written, read) in [
            (format!("{site}.lora_A.default.weight"), format!("{site}.lora_A.weight")),
            ("model.layers.0.self_attn.q_proj.lora_A.weight".into(), format!("{site}.lora_A.weight")),
            (format!("{site}.lora_magnitude_vector.default.weight"), format!("{site}.lora_magnitude_vector")),
            (format!("{site}.lora_magnitude_vector"), format!("{site}.lora_magnitude_vector")),
            ("base_model.model.score.modules_to_save.default.weight".into(), "base_model.model.score.weight".into()),
            ("base_model.model.score.weight".into(), "base_model.model.score.weight".into()),
        ] {
            assert_eq!(canonical(&written), read);
        }
    }
}
