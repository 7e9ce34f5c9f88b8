//! Writes safetensors files, one tensor at a time, atomically.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use half::{bf16, f16};

use super::atomic::AtomicFile;
use super::element::Element;
use super::safetensors_file::shortened;
use crate::error::{Error, Result};

/// How written numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FloatFormat {
    F32,
    BF16,
    F16,
}

impl FloatFormat {
    fn element(self) -> Element {
        match self {
            Self::F32 => Element::F32,
            Self::BF16 => Element::BF16,
            Self::F16 => Element::F16,
        }
    }

    /// What `torch_dtype` in config.json calls it.
    pub fn torch_name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::BF16 => "bfloat16",
            Self::F16 => "float16",
        }
    }
}

/// Numbers converted at a time.
const PIECE: usize = 1 << 16;

/// A safetensors file being written: all shapes first, then the numbers of each tensor in that
/// order, then [`TensorWriter::finish`]. Only one tensor need be in memory at a time. Dropped
/// before `finish`, it leaves nothing behind.
pub struct TensorWriter {
    path: PathBuf,
    file: AtomicFile,
    format: FloatFormat,
    plan: Vec<(String, usize)>,
    written: usize,
}

impl TensorWriter {
    /// `plan` is each tensor's name and row-major shape, in the order of the file. `metadata`
    /// goes into `__metadata__`, where "format" is "pt" unless said otherwise: transformers
    /// refuses files without it.
    ///
    /// # Errors
    /// `Io` with the path; `Internal` for a name given twice.
    pub fn create(
        path: &Path,
        plan: impl IntoIterator<Item = (String, Vec<usize>)>,
        format: FloatFormat,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let mut about = BTreeMap::from([("format", "pt")]);
        about.extend(metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())));
        let mut header = serde_json::Map::new();
        header.insert("__metadata__".into(), serde_json::json!(about));
        let mut planned = Vec::new();
        let mut at = 0;
        for (name, shape) in plan {
            let bytes = format.element().bytes(&shape).unwrap_or(usize::MAX);
            let end = usize::checked_add(at, bytes)
                .ok_or_else(|| Error::Internal(format!("tensor {name} of shape {shape:?} is too large to write")))?;
            let entry =
                serde_json::json!({"dtype": format.element().name(), "shape": shape, "data_offsets": [at, end]});
            if header.insert(name.clone(), entry).is_some() {
                return Err(Error::Internal(format!("tensor {name} is planned twice")));
            }
            planned.push((name, shape.iter().product()));
            at = end;
        }
        let mut text = serde_json::Value::Object(header).to_string().into_bytes();
        text.resize(text.len().next_multiple_of(8), b' ');
        let mut file = AtomicFile::create(path)?;
        file.put(&(text.len() as u64).to_le_bytes())?;
        file.put(&text)?;
        Ok(Self { path: path.to_owned(), file, format, plan: planned, written: 0 })
    }

    /// Writes the next tensor of the plan, which must be `name`, row-major.
    ///
    /// # Errors
    /// `Io` with the path; `Refused` when a number is finite but beyond float16; `Internal` when
    /// name or count are not those of the plan.
    pub fn push(&mut self, name: &str, values: &[f32]) -> Result<()> {
        match self.plan.get(self.written) {
            Some((planned, count)) if planned == name && *count == values.len() => {}
            planned => {
                let found = values.len();
                return Err(Error::Internal(format!("writing {name} with {found} numbers, planned was {planned:?}")));
            }
        }
        let mut bytes = Vec::with_capacity(PIECE.min(values.len()) * 4);
        for piece in values.chunks(PIECE) {
            bytes.clear();
            match self.format {
                FloatFormat::F32 => bytes.extend(piece.iter().flat_map(|x| x.to_le_bytes())),
                FloatFormat::BF16 => bytes.extend(piece.iter().flat_map(|&x| bf16::from_f32(x).to_le_bytes())),
                FloatFormat::F16 => {
                    if let Some(x) = piece.iter().find(|x| x.is_finite() && f16::from_f32(**x).is_infinite()) {
                        let (path, name) = (self.path.display(), shortened(name));
                        return Err(Error::Refused(format!(
                            "{path}: {name} has the number {x}, beyond float16; save as bfloat16 or float32"
                        )));
                    }
                    bytes.extend(piece.iter().flat_map(|&x| f16::from_f32(x).to_le_bytes()));
                }
            }
            self.file.put(&bytes)?;
        }
        self.written += 1;
        Ok(())
    }

    /// # Errors
    /// `Io` with the path; `Internal` when a planned tensor was not written.
    pub fn finish(self) -> Result<()> {
        if let Some((missing, _)) = self.plan.get(self.written) {
            return Err(Error::Internal(format!("{}: tensor {missing} was never written", self.path.display())));
        }
        self.file.commit()
    }
}

/// Writes whole tensors, name to (row-major shape, numbers).
///
/// # Errors
/// As [`TensorWriter`]'s.
pub fn write_safetensors(
    path: &Path,
    tensors: &BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    format: FloatFormat,
    metadata: &BTreeMap<String, String>,
) -> Result<()> {
    let plan = tensors.iter().map(|(name, (shape, _))| (name.clone(), shape.clone()));
    let mut writer = TensorWriter::create(path, plan, format, metadata)?;
    for (name, (_, values)) in tensors {
        writer.push(name, values)?;
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::SafetensorsFile;

    fn sample() -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
        let values: Vec<f32> = (0..200_000).map(|i| (i as f32 - 100_000.0) / 512.0).collect();
        BTreeMap::from([
            ("big".to_owned(), (vec![400, 500], values)),
            ("scalar".to_owned(), (vec![], vec![-0.0])),
            ("empty".to_owned(), (vec![0, 3], vec![])),
        ])
    }

    #[test]
    fn the_safetensors_crate_and_our_reader_read_it_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.safetensors");
        let metadata = BTreeMap::from([("base".to_owned(), "naïve \"quoted\"".to_owned())]);
        write_safetensors(&path, &sample(), FloatFormat::F32, &metadata).unwrap();

        let bytes = std::fs::read(&path).unwrap();
        let judge = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(judge.tensor("big").unwrap().shape(), [400, 500]);
        let (_, about) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let about = about.metadata().clone().unwrap();
        assert_eq!((about["format"].as_str(), about["base"].as_str()), ("pt", "naïve \"quoted\""));

        let ours = SafetensorsFile::open(&path).unwrap();
        for (name, (shape, values)) in sample() {
            let (read_shape, read) = ours.read_f32(&name).unwrap().unwrap();
            assert_eq!(read_shape, shape);
            assert!(read.iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits()), "{name}");
        }
    }

    #[test]
    fn sixteen_bits_round_to_nearest_even() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.safetensors");
        let tensors = BTreeMap::from([("x".to_owned(), (vec![3], vec![1.0, 1.0 + 1.0 / 256.0, 1.0 + 3.0 / 256.0]))]);
        write_safetensors(&path, &tensors, FloatFormat::BF16, &BTreeMap::new()).unwrap();
        let (_, read) = SafetensorsFile::open(&path).unwrap().read_f32("x").unwrap().unwrap();
        assert_eq!(read, [1.0, 1.0, 1.015625]);
    }

    #[test]
    fn refuses_what_float16_cannot_hold_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.safetensors");
        let tensors = BTreeMap::from([("x".to_owned(), (vec![2], vec![1.0, 70_000.0]))]);
        let error = write_safetensors(&path, &tensors, FloatFormat::F16, &BTreeMap::new()).unwrap_err();
        assert!(error.to_string().contains("70000"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
