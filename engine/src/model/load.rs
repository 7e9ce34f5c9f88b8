//! From files to a model on a device, and what can be told of a model without loading it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};

use super::{Model, ModelConfig, Param, RopeScaling};
use crate::files::WeightFiles;
use crate::protocol::ModelSummary;
use crate::quant::{NotFinite, PackedMatrix, Quantisation};
use crate::{Error, Result};

/// Called with (bytes done, bytes in all); Break stops the loading.
pub type LoadProgress<'a> = &'a mut dyn FnMut(u64, u64) -> ControlFlow<()>;

/// Config and weights of a model folder or GGUF file, every tensor's presence and shape checked.
fn open(path: &Path) -> Result<(WeightFiles, ModelConfig)> {
    let json_path = if path.is_dir() { path.join("config.json") } else { path.to_owned() };
    let files = WeightFiles::open(path)?;
    let mut config = ModelConfig::from_json(&files.config_json()?, &json_path)?;
    for (name, shape) in config.tensors() {
        match files.shape(&stored_name(&files, &name)) {
            None => return Err(Error::model(path, name, "is missing from the model's files")),
            Some(found) if found != shape.as_slice() => {
                let reason = format!("has shape {found:?}, but the config asks for {shape:?}");
                return Err(Error::model(path, name, reason));
            }
            Some(_) => {}
        }
    }
    if let RopeScaling::Factors(factors) = &mut config.rope_scaling {
        *factors = files.read_f32("rope_freqs")?;
        if factors.len() != config.rotary_dim / 2 {
            let reason = format!("has {} factors for {} frequencies", factors.len(), config.rotary_dim / 2);
            return Err(Error::model(path, "rope_freqs", reason));
        }
    }
    Ok((files, config))
}

/// The weights that a model began with, still in its files: read one at a time, so that they need no memory.
pub struct StartWeights(WeightFiles);

impl StartWeights {
    /// # Errors
    /// As [`WeightFiles::open`].
    pub fn open(path: &Path) -> Result<Self> {
        WeightFiles::open(path).map(Self)
    }

    /// As f32, row by row as it is stored; None: it is not in the files.
    ///
    /// # Errors
    /// As [`WeightFiles::read_f32`].
    pub fn read(&self, name: &str) -> Result<Option<Vec<f32>>> {
        let stored = stored_name(&self.0, name);
        if self.0.contains(&stored) { self.0.read_f32(&stored).map(Some) } else { Ok(None) }
    }
}

/// The name a tensor has in the files: folders made from the bare decoder (as the published gpt2) leave out the
/// first part, `transformer.` or `model.`.
fn stored_name(files: &WeightFiles, name: &str) -> String {
    match name.split_once('.') {
        Some(("transformer" | "model", bare)) if !files.contains(name) && files.contains(bare) => bare.to_owned(),
        _ => name.to_owned(),
    }
}

/// Storage type of most weights: that of the first linear layer.
fn stored_type(files: &WeightFiles, config: &ModelConfig) -> String {
    let first = config.linear(0, config.linear_names()[0]).weight();
    files.dtype(&stored_name(files, &first)).unwrap_or("F32").to_owned()
}

impl Model {
    /// Loads all weights as f32.
    ///
    /// # Errors
    /// `ModelUnsupported`, `BadModel` naming file and tensor, `OutOfMemory`, `Stopped`.
    pub fn load(path: &Path, device: &Device, progress: LoadProgress) -> Result<Self> {
        Self::load_with(path, device, None, progress)
    }

    /// Loads the linear layers of the blocks in 4 bits if `quantise` says so, everything else as f32. One tensor is read
    /// and packed at a time: the memory needed is that of the loaded model and of one dense layer.
    ///
    /// # Errors
    /// As [`Model::load`], and `BadModel` for a weight to be packed that is NaN or infinite somewhere.
    pub fn load_with(
        path: &Path,
        device: &Device,
        quantise: Option<Quantisation>,
        progress: LoadProgress,
    ) -> Result<Self> {
        let (files, config) = open(path)?;
        let tensors = config.tensors();
        let packed: BTreeSet<String> = match quantise {
            Some(_) => config.linears().map(|(_, spec)| spec.weight()).collect(),
            None => BTreeSet::new(),
        };
        let size = |shape: &[usize]| shape.iter().product::<usize>() as u64 * 4;
        let total: u64 = tensors.iter().map(|(_, shape)| size(shape)).sum();
        let (mut done, mut params) = (0, BTreeMap::new());
        for (name, shape) in tensors {
            let values = files.read_f32(&stored_name(&files, &name))?;
            done += size(&shape);
            let param = match (quantise, shape.as_slice()) {
                (Some(to), &[rows, columns]) if packed.contains(&name) => {
                    let matrix = PackedMatrix::quantise(&values, [rows, columns], to.double, device);
                    Param::Packed(matrix.map_err(|bad| not_finite(path, &name, columns, bad))?)
                }
                _ => param(values, &shape, device),
            };
            params.insert(name, param);
            if progress(done, total).is_break() {
                return Err(Error::Stopped);
            }
        }
        let inverse_frequencies = config.inverse_frequencies();
        let source_dtype = stored_type(&files, &config);
        Ok(Self {
            config,
            device: device.clone(),
            source: path.to_owned(),
            source_dtype,
            params,
            adapter: None,
            inverse_frequencies,
        })
    }
}

fn not_finite(path: &Path, name: &str, columns: usize, NotFinite { at, value }: NotFinite) -> Error {
    let (row, column) = (at / columns, at % columns);
    let reason = format!(
        "has {value} in row {row}, column {column}, which no 4-bit code stands for; \
         the file is damaged or its training failed: get the model again or choose another"
    );
    Error::model(path, name, reason)
}

/// Uploads values as a matrix or a vector by their shape.
pub(crate) fn param(values: Vec<f32>, shape: &[usize], device: &Device) -> Param {
    let len = values.len();
    Param::from_flat(Tensor::from_data(TensorData::new(values, [len]), device), shape)
}

/// Reads headers and config only.
pub fn inspect(path: &Path) -> Result<ModelSummary> {
    let (files, config) = open(path)?;
    let mut warnings = Vec::new();
    let has_chat_template = match crate::tokenizer::TextTokenizer::load(path) {
        Ok(tokenizer) => {
            tokenizer.check_fits(config.vocab)?;
            tokenizer.has_template()
        }
        Err(error) => {
            warnings.push(format!("The tokenizer cannot be used: {error}"));
            false
        }
    };
    if !has_chat_template && warnings.is_empty() {
        warnings.push("The model has no chat template: rows are learned as plain text.".into());
    }
    let name = display_name(path);
    Ok(ModelSummary {
        path: path.to_owned(),
        name,
        family: config.family.name().into(),
        format: files.describe(),
        dtype: stored_type(&files, &config),
        parameters: config.parameters(),
        file_bytes: files.total_bytes(),
        layers: config.layers,
        hidden_size: config.hidden,
        intermediate_size: config.intermediate,
        heads: config.heads,
        kv_heads: config.kv_heads,
        vocab_size: config.vocab,
        max_position_embeddings: config.max_positions,
        tied_head: config.tied,
        has_chat_template,
        linear_names: config.linear_names().iter().map(|name| (*name).to_owned()).collect(),
        warnings,
        config,
    })
}

/// The folder's or file's name; a folder just called "model" is told by its parent as well.
fn display_name(path: &Path) -> String {
    let part = |p: Option<&std::ffi::OsStr>| p.map(|n| n.to_string_lossy().into_owned());
    match (part(path.file_name()), part(path.parent().and_then(Path::file_name))) {
        (Some(name), Some(parent)) if name == "model" => format!("{parent}/{name}"),
        (Some(name), _) => name,
        (None, _) => path.display().to_string(),
    }
}
