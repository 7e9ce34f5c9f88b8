//! Finds the weight files of a model: one safetensors file, shards with an index, or one GGUF.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::safetensors_file::shortened;
use crate::error::{Error, Result};

const WHOLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// Text files of a model folder are smaller than this: config.json a few kB, an index a few MB.
const LONGEST_JSON: u64 = 64 << 20;

/// Where a model's weights are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    One(PathBuf),
    /// Shard files, and for each tensor of the index the shard (by number) it should be in.
    Shards {
        files: Vec<PathBuf>,
        tensors: BTreeMap<String, usize>,
    },
    Gguf(PathBuf),
}

/// # Errors
/// `Io` when there is nothing at `path`, `BadModel` for a folder without weights or with a bad index.
pub(super) fn find(path: &Path) -> Result<Found> {
    let about = std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
    if !about.is_dir() {
        return match extension(path).as_str() {
            "gguf" => Ok(Found::Gguf(path.to_owned())),
            "safetensors" => Ok(Found::One(path.to_owned())),
            "json" if path.file_name().is_some_and(|name| name == INDEX) => read_index(path),
            _ => Err(Error::model(
                path,
                "the whole file",
                "is neither .safetensors nor .gguf; choose one of these or the model's folder",
            )),
        };
    }
    if path.join(WHOLE).is_file() {
        return Ok(Found::One(path.join(WHOLE)));
    }
    if path.join(INDEX).is_file() {
        return read_index(&path.join(INDEX));
    }
    let (mut safetensors, mut ggufs, mut pickles) = (Vec::new(), Vec::new(), false);
    let mut adapter = false;
    for entry in std::fs::read_dir(path).map_err(|e| Error::io(path, e))? {
        let file = entry.map_err(|e| Error::io(path, e))?.path();
        match extension(&file).as_str() {
            "safetensors" if file.file_name().is_some_and(|name| name == "adapter_model.safetensors") => adapter = true,
            "safetensors" => safetensors.push(file),
            "gguf" => ggufs.push(file),
            "bin" | "pt" | "pth" => pickles = true,
            _ => {}
        }
    }
    let bad = |reason: String| Err(Error::model(path, "the model folder", reason));
    match (safetensors.len(), ggufs.len()) {
        (1, _) => Ok(Found::One(safetensors.remove(0))),
        (0, 1) => Ok(Found::Gguf(ggufs.remove(0))),
        (0, 0) if adapter => bad("holds an adapter, not a model; choose the model it was trained on".into()),
        (0, 0) if pickles => bad("holds PyTorch .bin files only; convert the model to safetensors".into()),
        (0, 0) => bad(format!("holds no {WHOLE}, no {INDEX} and no .gguf")),
        (0, n) => bad(format!("holds {n} .gguf files; choose one of them")),
        (n, _) => bad(format!("holds {n} .safetensors files and no {INDEX}; choose one file, or add the index")),
    }
}

fn extension(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default()
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

fn read_index(path: &Path) -> Result<Found> {
    let value = read_json(path)?;
    let index: Index = serde_json::from_value(value)
        .map_err(|e| Error::model(path, "weight_map", format!("must map tensor names to file names: {e}")))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let names: BTreeSet<&String> = index.weight_map.values().collect();
    if names.is_empty() {
        return Err(Error::model(path, "weight_map", "names no tensor"));
    }
    let mut files = Vec::new();
    let mut number = BTreeMap::new();
    for name in names {
        // Only plain names: an index must not lead out of its folder.
        let mut parts = Path::new(name).components();
        if !matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)) || name.contains('\\') {
            return Err(Error::model(path, shortened(name), "is not the name of a file in the model's folder"));
        }
        let file = folder.join(name);
        if !file.is_file() {
            return Err(Error::model(path, shortened(name), "this shard is named in the index, but it is not there"));
        }
        number.insert(name.clone(), files.len());
        files.push(file);
    }
    let tensors = index.weight_map.iter().map(|(tensor, file)| (tensor.clone(), number[file])).collect();
    Ok(Found::Shards { files, tensors })
}

/// A JSON object from a file of a model folder.
///
/// # Errors
/// `Io`, or `BadModel` with line and column.
pub(super) fn read_json(path: &Path) -> Result<serde_json::Value> {
    let about = std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
    if about.len() > LONGEST_JSON {
        let reason = format!("is {} bytes long, at most {LONGEST_JSON} are read", about.len());
        return Err(Error::model(path, "the whole file", reason));
    }
    let bytes = std::fs::read(path).map_err(|e| Error::io(path, e))?;
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|e| {
        Error::model(path, format!("line {}, column {}", e.line(), e.column()), format!("is not valid JSON: {e}"))
    })?;
    if value.is_object() { Ok(value) } else { Err(Error::model(path, "the whole file", "is not a JSON object")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_checked() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.safetensors"), b"x").unwrap();
        let message = |text: &str| {
            std::fs::write(folder.path().join(INDEX), text).unwrap();
            find(folder.path()).unwrap_err().to_string()
        };
        assert!(message("{\"weight_map\": {").contains("line 1, column 16"));
        assert!(message("{}").contains("weight_map"));
        assert!(message(r#"{"weight_map": {}}"#).contains("names no tensor"));
        assert!(message(r#"{"weight_map": {"w": "b.safetensors"}}"#).contains("b.safetensors: this shard is named"));
        for outside in ["../a.safetensors", "/etc/passwd", "x/a.safetensors", "..", ""] {
            let text = format!(r#"{{"weight_map": {{"w": "{outside}"}}}}"#);
            assert!(message(&text).contains("is not the name of a file"), "{outside}");
        }
        std::fs::write(folder.path().join(INDEX), r#"{"weight_map": {"w": "a.safetensors"}}"#).unwrap();
        let tensors = BTreeMap::from([("w".to_owned(), 0)]);
        let files = vec![folder.path().join("a.safetensors")];
        assert_eq!(find(folder.path()).unwrap(), Found::Shards { files, tensors });
    }

    #[test]
    fn folders_without_one_model_say_why() {
        let folder = tempfile::tempdir().unwrap();
        let message = || find(folder.path()).unwrap_err().to_string();
        let touch = |name: &str| std::fs::write(folder.path().join(name), b"x").unwrap();
        assert!(message().contains("holds no model.safetensors"));
        touch("pytorch_model.bin");
        assert!(message().contains("PyTorch"));
        touch("adapter_model.safetensors");
        assert!(message().contains("an adapter"));
        touch("a.gguf");
        assert_eq!(find(folder.path()).unwrap(), Found::Gguf(folder.path().join("a.gguf")));
        touch("b.gguf");
        assert!(message().contains("holds 2 .gguf"));
        touch("x.safetensors");
        touch("y.safetensors");
        assert!(message().contains("holds 2 .safetensors"));
        assert_eq!(find(&folder.path().join("none")).unwrap_err().code(), "io");
    }
}
