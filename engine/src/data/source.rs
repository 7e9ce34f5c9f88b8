//! Where a dataset's rows lie: a file, a folder of files, or an entry of LLaMA-Factory's dataset_info.json.

use std::path::{Path, PathBuf};

use super::dataset_info::{Declared, INFO_FILE, declared, read_info};
use super::mapping::Mapping;
use super::read::{DATA_FILE_ENDINGS, Table};
use crate::error::{Error, Result};

/// A dataset found on disk.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Source {
    /// The file, or the folder of `files`.
    pub path: PathBuf,
    pub files: Vec<PathBuf>,
    pub declared: Option<Declared>,
}

impl Source {
    /// The dataset that a recipe names: an absolute path, or an entry of `dataset_dir`'s dataset_info.json.
    ///
    /// # Errors
    /// `BadRecipe` for an unknown name, `BadData` for a mistake in dataset_info.json, `Io`.
    pub(super) fn named(name: &str, dataset_dir: &Path) -> Result<Self> {
        if Path::new(name).is_absolute() {
            return Self::at(Path::new(name));
        }
        let info_file = dataset_dir.join(INFO_FILE);
        if !info_file.is_file() {
            let reason = format!("{name:?} is no file, and there is no {}", info_file.display());
            return Err(Error::recipe("dataset", reason, "write a data file's path, or set dataset_dir"));
        }
        Self::of_entry(&info_file, name)?.ok_or_else(|| {
            let known = read_info(&info_file).unwrap_or_default();
            let near = known.keys().max_by(|a, b| strsim::jaro(a, name).total_cmp(&strsim::jaro(b, name)));
            let remedy = near.map_or("add it there".to_owned(), |near| format!("did you mean {near}?"));
            Error::recipe("dataset", format!("{name:?} is not in {}", info_file.display()), remedy)
        })
    }

    /// The dataset at a path: a data file, a folder, a dataset_info.json that names one local dataset, or
    /// `FOLDER/NAME` for one of several.
    ///
    /// # Errors
    /// `Io` where nothing is there, `BadData` where it is not clear which dataset is meant.
    pub(super) fn at(path: &Path) -> Result<Self> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() {
            let info_file = path.join(INFO_FILE);
            return if info_file.is_file() { Self::only_entry(&info_file) } else { Self::of_folder(path) };
        }
        if name == INFO_FILE && path.is_file() {
            return Self::only_entry(path);
        }
        let parent = path.parent().unwrap_or(Path::new(""));
        let info_file = if parent.is_file() { parent.to_owned() } else { parent.join(INFO_FILE) };
        if path.is_file() {
            // Only a hint: it was the file that was chosen, so what does not fit is passed over.
            let declared = declaration_of(&info_file, &name).map(|hint| Declared {
                has_columns: false,
                num_samples: None,
                ..hint
            });
            return Ok(Self { path: path.to_owned(), files: vec![path.to_owned()], declared });
        }
        if info_file.is_file()
            && let Some(source) = Self::of_entry(&info_file, &name)?
        {
            return Ok(source);
        }
        Err(Error::io(path, std::io::Error::from(std::io::ErrorKind::NotFound)))
    }

    fn only_entry(info_file: &Path) -> Result<Self> {
        let info = read_info(info_file)?;
        let local: Vec<&str> =
            info.iter().filter(|(_, entry)| entry["file_name"].is_string()).map(|(name, _)| name.as_str()).collect();
        match local.as_slice() {
            [only] => Self::of_entry(info_file, only)?.ok_or_else(|| Error::Internal("an entry vanished".into())),
            [] => Err(Error::data(info_file, "the whole file", "it names no dataset with a file_name")),
            several => {
                let reason = format!(
                    "it names {} local datasets: choose the file of one of them ({})",
                    several.len(),
                    several.join(", ")
                );
                Err(Error::data(info_file, "the whole file", reason))
            }
        }
    }

    /// None: there is no such entry.
    fn of_entry(info_file: &Path, name: &str) -> Result<Option<Self>> {
        let info = read_info(info_file)?;
        let Some(entry) = info.get(name) else { return Ok(None) };
        let wrong = |reason: String| Error::data(info_file, format!("dataset {name:?}"), reason);
        let Some(file_name) = entry["file_name"].as_str() else {
            let hub = ["hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name"];
            let reason = match hub.iter().find_map(|key| entry[*key].as_str()) {
                Some(url) => format!(
                    "it lies on a hub ({url}), and Luthier does not download datasets: download it and write its file_name"
                ),
                None => "it has no file_name".into(),
            };
            return Err(wrong(reason));
        };
        let path = info_file.parent().unwrap_or(Path::new("")).join(file_name);
        let mut source = if path.is_dir() {
            Self::of_folder(&path)?
        } else if path.is_file() {
            Self { path: path.clone(), files: vec![path], declared: None }
        } else {
            return Err(wrong(format!("its file_name is {file_name:?}, and there is no such file")));
        };
        source.declared = Some(declared(entry).map_err(wrong)?);
        Ok(Some(source))
    }

    /// All data files of a folder in the order of their names; they must be of one kind.
    fn of_folder(folder: &Path) -> Result<Self> {
        let entries = std::fs::read_dir(folder).map_err(|error| Error::io(folder, error))?;
        let ending =
            |path: &Path| path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|file| file.is_file() && DATA_FILE_ENDINGS.contains(&ending(file).as_str()));
        files.sort();
        let Some(first) = files.first() else {
            return Err(Error::data(folder, "the folder", "there is no data file in it"));
        };
        if let Some(other) = files.iter().find(|file| ending(file) != ending(first)) {
            let reason = format!("it holds {} beside {}: choose one of the files", other.display(), first.display());
            return Err(Error::data(folder, "the folder", reason));
        }
        Ok(Self { path: folder.to_owned(), files, declared: None })
    }

    /// Sum of the files' sizes.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().filter_map(|file| file.metadata().ok()).map(|facts| facts.len()).sum()
    }

    /// The declared mapping as far as the file has its columns. None: nothing is declared, or only defaults that do not fit.
    ///
    /// # Errors
    /// `BadData` for a column that is named and not there.
    pub(super) fn declared_mapping(&self, table: &Table) -> Result<Option<Mapping>> {
        let Some(declared) = &self.declared else { return Ok(None) };
        let mut mapping = declared.mapping.clone();
        if !declared.has_columns {
            mapping.columns.retain(|_, column| table.columns.contains(column));
            return Ok(Some(mapping).filter(|mapping| mapping.missing().is_empty()));
        }
        check_columns(&mapping, table)?;
        Ok(Some(mapping))
    }
}

/// # Errors
/// `BadData` that names the columns which the file does not have, and those it has.
pub(super) fn check_columns(mapping: &Mapping, table: &Table) -> Result<()> {
    let absent = mapping.absent(&table.columns);
    let Some((part, column)) = absent.first() else { return Ok(()) };
    let reason = format!("there is no such column for {}; the file has {}", part.name(), table.columns.join(", "));
    Err(Error::data(&table.path, format!("column {column:?}"), reason))
}

/// The entry whose file this is, if a dataset_info.json lies beside it. One that cannot be read is no hindrance here.
fn declaration_of(info_file: &Path, file_name: &str) -> Option<Declared> {
    let info = read_info(info_file).ok()?;
    let entry = info.values().find(|entry| entry["file_name"].as_str() == Some(file_name))?;
    declared(entry).ok()
}

#[cfg(test)]
mod tests {
    use super::super::mapping::{DataKind, Format, Part};
    use super::*;

    fn folder(info: &str, files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(INFO_FILE), info).unwrap();
        for file in files {
            std::fs::write(folder.path().join(file), "[]").unwrap();
        }
        folder
    }

    fn reason(outcome: Result<Source>) -> String {
        outcome.expect_err("accepted").to_string()
    }

    #[test]
    fn entries_become_mappings() {
        let info = r#"{
            "plain": {"file_name": "plain.json"},
            "ranked": {"file_name": "r.json", "ranking": true, "formatting": "sharegpt",
                "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"}},
            "kto": {"file_name": "k.json", "formatting": "sharegpt", "columns": {"messages": "messages", "kto_tag": "label"},
                "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}},
            "wiki": {"file_name": "w.txt", "columns": {"prompt": "text"}, "num_samples": 5}
        }"#;
        let folder = folder(info, &["plain.json", "r.json", "k.json", "w.txt"]);
        let declared = |name: &str| Source::named(name, folder.path()).unwrap().declared.unwrap();
        let plain = declared("plain");
        assert_eq!((plain.mapping.column(Part::Response), plain.has_columns), (Some("output"), false));
        assert_eq!(declared("ranked").mapping.kind(), DataKind::Preference);
        let kto = declared("kto").mapping;
        assert_eq!((kto.format, kto.kind(), kto.tags.role.as_str()), (Format::Messages, DataKind::Kto, "role"));
        let wiki = declared("wiki");
        assert_eq!((wiki.mapping.kind(), wiki.num_samples), (DataKind::Text, Some(5)));

        // The file itself, chosen in a dialog, is described too; and a name may stand behind the folder.
        assert_eq!(Source::at(&folder.path().join("k.json")).unwrap().declared.unwrap().mapping, kto);
        assert_eq!(Source::at(&folder.path().join("kto")).unwrap().declared.unwrap().mapping, kto);
        assert!(reason(Source::at(folder.path())).contains("4 local datasets"));
    }

    #[test]
    fn mistakes_name_the_entry() {
        let info = r#"{"hub": {"hf_hub_url": "some/where"}, "gone": {"file_name": "gone.json"},
            "odd": {"file_name": "a.json", "formatting": "chatty"}}"#;
        let folder = folder(info, &["a.json"]);
        let named = |name| reason(Source::named(name, folder.path()));
        assert!(named("hub").contains("some/where") && named("hub").contains("does not download"));
        assert!(named("gone").contains("gone.json") && named("odd").contains("chatty"));
        assert!(named("hup").contains("did you mean hub?"));
        assert!(matches!(Source::at(&folder.path().join("none.json")), Err(Error::Io { .. })));
        assert!(reason(Source::named("x", Path::new("nowhere"))).contains("dataset_dir"));
    }
}
