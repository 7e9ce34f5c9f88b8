//! Log-probabilities of answers by the starting model: computed once, kept beside the run, never used for another model.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Base, as_sequences};
use crate::data::Encoded;
use crate::files::exact::Exact;
use crate::files::write_json_atomic;
use crate::model::Model;
use crate::trainer::Layout;
use crate::{Error, Result};

pub struct Reference {
    /// None: let go, since everything is known.
    base: Option<Base>,
    /// What the numbers are of: see [`fingerprint`].
    of: String,
    known: HashMap<String, f64>,
    file: PathBuf,
    changed: bool,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    /// Fingerprint of the model that said so.
    model: String,
    /// Sum of weighted log p in nats, by a hash of ids, labels and weights.
    logps: BTreeMap<String, Exact>,
}

impl Reference {
    /// `file` is read where it is there and of the same model; [`Reference::save`] writes it.
    pub fn new(base: Base, of: String, file: &Path) -> Self {
        let stored = std::fs::read(file).ok().and_then(|bytes| serde_json::from_slice::<Stored>(&bytes).ok());
        let known = stored
            .filter(|stored| stored.model == of)
            .map(|s| s.logps.into_iter().map(|(key, Exact(value))| (key, value)).collect());
        Self { base: Some(base), of, known: known.unwrap_or_default(), file: file.to_owned(), changed: false }
    }

    /// # Errors
    /// `Internal` after [`Reference::release`] let a model go.
    pub fn base(&self) -> Result<&Base> {
        self.base.as_ref().ok_or_else(|| Error::Internal("the reference model was let go too early".into()))
    }

    /// Lets a model beside the learning one go: nothing more will be asked of it.
    pub fn release(&mut self) {
        self.base = self.base.take().filter(|base| matches!(base, Base::AdapterOff));
    }

    /// Sum over each answer's labelled tokens of weight times log p, in nats.
    pub fn logps(&mut self, model: &Model, asked: &[(&Encoded, &[f32])]) -> Result<Vec<f64>> {
        let keys: Vec<String> = asked.iter().map(|(row, weights)| key(row, weights)).collect();
        let missing: Vec<usize> = (0..asked.len()).filter(|&i| !self.known.contains_key(&keys[i])).collect();
        if !missing.is_empty() {
            let layout = Layout::new(model, &as_sequences(missing.iter().map(|&i| asked[i].0)));
            let scored = self.base()?.scored(model, &layout)?;
            for (&i, span) in missing.iter().zip(&layout.spans) {
                let logps = &scored.logps[span.clone()];
                let sum: f64 = logps.iter().zip(asked[i].1).map(|(lp, w)| f64::from(*lp) * f64::from(*w)).sum();
                if !sum.is_finite() {
                    let reason = format!("the starting model gives row {} a log-probability of {sum}", asked[i].0.row);
                    return Err(Error::model(&model.source, "weights", reason));
                }
                self.known.insert(keys[i].clone(), sum);
            }
            self.changed = true;
        }
        Ok(keys.iter().map(|key| self.known[key]).collect())
    }

    /// Writes what was computed, for a resumed run.
    pub fn save(&mut self) -> Result<()> {
        if std::mem::take(&mut self.changed) {
            let logps = self.known.iter().map(|(key, value)| (key.clone(), Exact(*value))).collect();
            write_json_atomic(&self.file, &Stored { model: self.of.clone(), logps })?;
        }
        Ok(())
    }
}

/// Two independent 64-bit hashes: a wrong hit is not to be expected in any run.
fn key(row: &Encoded, weights: &[f32]) -> String {
    let half = |seed: u64| {
        let mut hasher = DefaultHasher::new();
        seed.hash(&mut hasher);
        (&row.input_ids, &row.labels).hash(&mut hasher);
        weights.iter().for_each(|weight| weight.to_bits().hash(&mut hasher));
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(1), half(2))
}

/// Names a model by what its files are: names, sizes, times and samples of their bytes, and by how it was loaded.
///
/// # Errors
/// `Io` with the path.
pub fn fingerprint(paths: &[&Path], loaded: &str) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    (env!("CARGO_PKG_VERSION"), loaded).hash(&mut hasher);
    for path in paths {
        let mut files: Vec<PathBuf> = if path.is_dir() {
            let entries = std::fs::read_dir(path).map_err(|e| Error::io(path, e))?.flatten().map(|e| e.path());
            let weights = |p: &PathBuf| {
                let name = p.file_name().unwrap_or_default().to_string_lossy().into_owned();
                ["safetensors", "gguf"].iter().any(|ending| name.ends_with(ending))
                    || name == "config.json"
                    || name == "adapter_config.json"
            };
            entries.filter(weights).collect()
        } else {
            vec![path.to_path_buf()]
        };
        files.sort();
        for file in files {
            sample(&file, &mut hasher).map_err(|e| Error::io(&file, e))?;
        }
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn sample(path: &Path, hasher: &mut DefaultHasher) -> std::io::Result<()> {
    const SAMPLE: u64 = 64 << 10;
    let mut file = std::fs::File::open(path)?;
    let about = file.metadata()?;
    (path.file_name(), about.len(), about.modified().ok()).hash(hasher);
    for at in [0, about.len() / 2, about.len().saturating_sub(SAMPLE)] {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(at))?;
        (&mut file).take(SAMPLE).read_to_end(&mut bytes)?;
        bytes.hash(hasher);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ids: &[u32]) -> Encoded {
        Encoded { row: 1, input_ids: ids.to_vec(), labels: ids.iter().map(|&id| id as i32).collect() }
    }

    #[test]
    fn keys_tell_ids_labels_and_weights_apart() {
        let a = row(&[1, 2, 3]);
        let mut context = a.clone();
        context.labels[0] = crate::data::IGNORED;
        let keys = [
            key(&a, &[1.0, 1.0]),
            key(&row(&[1, 2, 4]), &[1.0, 1.0]),
            key(&context, &[1.0, 1.0]),
            key(&a, &[1.0, 0.5]),
        ];
        assert_eq!(keys.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
        assert_eq!(key(&a, &[1.0, 1.0]), keys[0]);
    }

    #[test]
    fn a_changed_model_has_another_fingerprint() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("model.safetensors");
        std::fs::write(&file, vec![1u8; 300_000]).unwrap();
        let first = fingerprint(&[dir.path()], "f32").unwrap();
        assert_eq!(first, fingerprint(&[dir.path()], "f32").unwrap());
        assert_ne!(first, fingerprint(&[dir.path()], "nf4").unwrap());
        let mut bytes = vec![1u8; 300_000];
        bytes[150_010] = 2;
        std::fs::write(&file, bytes).unwrap();
        assert_ne!(first, fingerprint(&[dir.path()], "f32").unwrap());
    }
}
