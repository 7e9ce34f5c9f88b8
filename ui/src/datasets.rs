//! Mappings that the person chose, kept as LLaMA-Factory's dataset_info.json: so that a run's recipe is complete.

use std::path::{Path, PathBuf};

use luthier_engine::data::{Format, Mapping, Part};
use luthier_engine::{Error, Result};
use serde_json::{Map, Value, json};

/// Writes an entry for each file in one folder of their own under `home`; their names in the same order and the folder,
/// for `dataset` and `dataset_dir`. The same files and mappings give the same folder.
///
/// # Errors
/// `Io` where the folder cannot be written.
pub fn keep_mappings(home: &Path, files: &[(&Path, &Mapping)]) -> Result<(Vec<String>, PathBuf)> {
    let mut entries = Map::new();
    let mut names = Vec::new();
    for (file, mapping) in files {
        let stem = file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let entry = entry(file, mapping);
        let name = format!("{stem}-{:08x}", hash(&entry.to_string()));
        entries.insert(name.clone(), entry);
        names.push(name);
    }
    let whole = Value::Object(entries);
    let folder = match names.as_slice() {
        [one] => one.clone(),
        several => {
            let first = several.first().map_or("none", String::as_str);
            format!("{first}-and-{:08x}", hash(&whole.to_string()))
        }
    };
    let folder = home.join("datasets").join(folder);
    let path = folder.join("dataset_info.json");
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(&folder)?;
        let mut temporary = tempfile::NamedTempFile::new_in(&folder)?;
        serde_json::to_writer_pretty(&mut temporary, &whole)?;
        temporary.persist(&path)?;
        Ok(())
    };
    write().map_err(|error| Error::io(&path, error))?;
    Ok((names, folder))
}

fn entry(file: &Path, mapping: &Mapping) -> Value {
    let mut columns: Map<String, Value> =
        mapping.columns.iter().map(|(part, column)| (part.name().into(), json!(column))).collect();
    let formatting = match mapping.format {
        // A column of questions alone is text to LLaMA-Factory.
        Format::Text => {
            columns =
                mapping.column(Part::Text).map(|column| ("prompt".to_owned(), json!(column))).into_iter().collect();
            "alpaca"
        }
        Format::Alpaca => "alpaca",
        Format::Sharegpt => "sharegpt",
        Format::Messages => "openai",
        Format::PromptCompletion => "prompt_completion",
    };
    let mut entry = json!({ "file_name": file, "formatting": formatting, "columns": columns });
    if matches!(mapping.format, Format::Sharegpt | Format::Messages) {
        let tags = &mapping.tags;
        entry["tags"] = json!({
            "role_tag": tags.role,
            "content_tag": tags.content,
            "user_tag": tags.user,
            "assistant_tag": tags.assistant,
            "observation_tag": tags.observation,
            "function_tag": tags.function,
            "system_tag": tags.system,
        });
    }
    if mapping.has(Part::Chosen) && mapping.has(Part::Rejected) {
        entry["ranking"] = json!(true);
    }
    entry
}

/// FNV-1a: short and the same on every machine.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |h, byte| (h ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_mapping_is_kept_in_llama_factorys_words() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let mapping = Mapping::new(Format::Alpaca).with(Part::Prompt, "q").with(Part::Response, "a");
        let kept = || keep_mappings(home.path(), &[(Path::new("/data/rows.csv"), &mapping)]).expect("it is written");
        let (names, folder) = kept();
        let [name] = &names[..] else { panic!("{names:?}") };
        let text = std::fs::read_to_string(folder.join("dataset_info.json")).expect("it is there");
        let info: Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(info[name]["file_name"], "/data/rows.csv");
        assert_eq!(info[name]["columns"], json!({"prompt": "q", "response": "a"}));
        assert_eq!(info[name].get("tags"), None);
        assert_eq!(kept(), (names.clone(), folder.clone()));
        let both = [(Path::new("/data/rows.csv"), &mapping), (Path::new("/data/more.csv"), &mapping)];
        let (two, other) = keep_mappings(home.path(), &both).expect("it is written");
        assert!(two[0] == *name && two[1].starts_with("more-") && other != folder, "{two:?}");
        let text = std::fs::read_to_string(other.join("dataset_info.json")).expect("it is there");
        assert!(text.contains("/data/rows.csv") && text.contains("/data/more.csv"));

        let text = Mapping::new(Format::Text).with(Part::Text, "body");
        assert_eq!(entry(Path::new("/t"), &text)["columns"], json!({"prompt": "body"}));
        let turns = Mapping::new(Format::Sharegpt).with(Part::Messages, "chat");
        assert_eq!(entry(Path::new("/t"), &turns)["tags"]["user_tag"], "human");
    }
}
