//! Model files: Hugging Face safetensors folders and GGUF, read lazily and distrustfully; safetensors
//! and JSON written atomically.
//!
//! Everything a file claims (lengths, offsets, counts, types) is checked against the file before
//! anything is read or allocated by it; a damaged file ends in an error that names the place.

mod atomic;
mod element;
pub mod exact;
mod gguf;
mod gguf_config;
mod gguf_families;
mod gguf_meta;
mod gguf_model;
mod gguf_quant;
mod gguf_tokenizer;
mod gguf_vocab;
mod safetensors_file;
mod shards;
mod stored;
mod writer;

#[cfg(test)]
mod fixture_tests;
#[cfg(test)]
mod hostile_tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use atomic::{AtomicFile, write_atomic, write_json_atomic};
pub use element::Element;
pub use gguf_tokenizer::{GgufTokenizer, gguf_tokenizer};
pub use safetensors_file::{SafetensorsFile, read_safetensors_f32, read_safetensors_i64};
pub use writer::{FloatFormat, TensorWriter, write_safetensors};

use crate::error::{Error, Result};
use shards::Found;
use stored::{Conversion, MappedFile, StoredTensor};

/// An opened model: every tensor's place is known and checked, none is read yet.
///
/// Names and shapes are Hugging Face's whatever the file; tensors are row-major, linear weights [out, in] but in GPT-2.
pub struct WeightFiles {
    root: PathBuf,
    files: Vec<MappedFile>,
    tensors: BTreeMap<String, Located>,
    kind: Kind,
}

struct Located {
    /// Index into `files`.
    file: usize,
    stored: StoredTensor,
    conversion: Conversion,
}

enum Kind {
    Safetensors,
    Gguf { config: serde_json::Value, label: String },
}

impl WeightFiles {
    /// Opens a Hugging Face folder (model.safetensors, or shards with their index, or any single
    /// .safetensors file), a GGUF file, or a folder with exactly one .gguf and no safetensors.
    ///
    /// # Errors
    /// `Io` when something is missing or not readable; `BadModel` with file, tensor or key, and
    /// reason; `ModelUnsupported` for a sound file of a kind that is not read.
    pub fn open(path: &Path) -> Result<Self> {
        match shards::find(path)? {
            Found::One(file) => {
                let mapped = MappedFile::open(&file)?;
                let header = safetensors_file::parse(mapped.bytes(), &file)?;
                let tensors = header.tensors.into_iter().map(|(name, t)| (name, Located::whole(0, t))).collect();
                Ok(Self { root: path.to_owned(), files: vec![mapped], tensors, kind: Kind::Safetensors })
            }
            Found::Shards { files, tensors } => Self::open_shards(path, &files, &tensors),
            Found::Gguf(file) => {
                let mapped = MappedFile::open(&file)?;
                let contents = gguf::parse(mapped.bytes(), &file)?;
                let model = gguf_model::interpret(mapped.bytes(), &file, &contents)?;
                let located = |(stored, conversion)| Located { file: 0, stored, conversion };
                let tensors = model.tensors.into_iter().map(|(name, t)| (name, located(t))).collect();
                let kind = Kind::Gguf { config: model.config, label: model.label };
                Ok(Self { root: path.to_owned(), files: vec![mapped], tensors, kind })
            }
        }
    }

    fn open_shards(root: &Path, files: &[PathBuf], index: &BTreeMap<String, usize>) -> Result<Self> {
        let mut mapped = Vec::new();
        let mut headers = Vec::new();
        for file in files {
            let map = MappedFile::open(file)?;
            headers.push(safetensors_file::parse(map.bytes(), file)?);
            mapped.push(map);
        }
        let mut tensors = BTreeMap::new();
        for (name, &file) in index {
            let stored = headers[file].tensors.remove(name).ok_or_else(|| {
                Error::model(&files[file], name, "the index says that this shard holds the tensor, but it does not")
            })?;
            tensors.insert(name.clone(), Located::whole(file, stored));
        }
        for (file, header) in files.iter().zip(&headers) {
            if let Some(name) = header.tensors.keys().next() {
                let count = header.tensors.len();
                tracing::warn!(file = %file.display(), count, first = %name, "tensors that the index does not name are ignored");
            }
        }
        Ok(Self { root: root.to_owned(), files: mapped, tensors, kind: Kind::Safetensors })
    }

    /// Tensor names in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    pub fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// Row-major shape; linear weights are [out, in] but in GPT-2.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|t| t.stored.shape.as_slice())
    }

    /// How the tensor is stored: "F32", "BF16", "Q4_K", ...
    pub fn dtype(&self, name: &str) -> Option<&'static str> {
        self.tensors.get(name).map(|t| t.stored.element.name())
    }

    /// All numbers of a tensor, row-major, dequantised and in Hugging Face's order.
    ///
    /// # Errors
    /// `BadModel` when the model has no tensor of this name or it does not hold floating-point numbers.
    pub fn read_f32(&self, name: &str) -> Result<Vec<f32>> {
        let Some(tensor) = self.tensors.get(name) else {
            return Err(Error::model(&self.root, name, "the model has no tensor of this name"));
        };
        let file = &self.files[tensor.file];
        if !tensor.stored.element.is_float() {
            let reason = format!("is stored as {}; floating-point numbers are expected", tensor.stored.element.name());
            return Err(Error::model(&file.path, name, reason));
        }
        let values = tensor.stored.to_f32(file.bytes(), tensor.conversion);
        file.release(&tensor.stored.range);
        Ok(values)
    }

    /// Bytes that the tensors take in the files.
    pub fn total_bytes(&self) -> u64 {
        self.tensors.values().map(|t| t.stored.range.len() as u64).sum()
    }

    /// Numbers in all floating-point tensors.
    pub fn parameters(&self) -> u64 {
        let weights =
            self.tensors.iter().filter(|(name, t)| *name != gguf_families::ROPE_FREQS && t.stored.element.is_float());
        weights.map(|(_, t)| t.stored.len() as u64).sum()
    }

    /// "safetensors", "safetensors, 2 shards" or "GGUF Q4_K" (the type most bytes have).
    pub fn describe(&self) -> String {
        match (&self.kind, self.files.len()) {
            (Kind::Gguf { label, .. }, _) => label.clone(),
            (Kind::Safetensors, 1) => "safetensors".to_owned(),
            (Kind::Safetensors, n) => format!("safetensors, {n} shards"),
        }
    }

    /// The GGUF file, when the model is one: then tokenizer and chat template are in it ([`gguf_tokenizer`]).
    pub fn gguf(&self) -> Option<&Path> {
        match self.kind {
            Kind::Gguf { .. } => Some(&self.files[0].path),
            Kind::Safetensors => None,
        }
    }

    /// The folder that config.json, tokenizer.json and the like are in.
    pub fn folder(&self) -> &Path {
        if self.root.is_dir() { &self.root } else { self.root.parent().unwrap_or(Path::new("")) }
    }

    /// config.json of the folder, or for a GGUF file what its metadata amounts to in the same keys.
    ///
    /// # Errors
    /// `Io` when config.json is missing, `BadModel` with line and column when it is not a JSON object.
    pub fn config_json(&self) -> Result<serde_json::Value> {
        match &self.kind {
            Kind::Gguf { config, .. } => Ok(config.clone()),
            Kind::Safetensors => shards::read_json(&self.folder().join("config.json")),
        }
    }
}

impl Located {
    fn whole(file: usize, stored: StoredTensor) -> Self {
        Self { file, stored, conversion: Conversion::AsStored }
    }
}
