//! Files that appear whole or not at all: written beside their place, fsynced, renamed.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::TempPath;

use crate::error::{Error, Result};

/// A file being written. Until [`AtomicFile::commit`] the target is untouched; dropped before
/// that, the temporary file is removed.
pub struct AtomicFile {
    target: PathBuf,
    file: BufWriter<File>,
    /// Removes the temporary file when dropped.
    place: TempPath,
}

impl AtomicFile {
    /// # Errors
    /// `Io` with the target's path when its folder is missing or not writable.
    pub fn create(target: &Path) -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".luthier-").suffix(".part");
        #[cfg(unix)]
        {
            // tempfile's own 0600 would stay on the finished file; the umask still applies to this.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(folder_of(target)).map_err(|e| Error::io(target, e))?;
        let (file, place) = file.into_parts();
        Ok(Self { target: target.to_owned(), file: BufWriter::with_capacity(1 << 20, file), place })
    }

    /// # Errors
    /// `Io` with the target's path, a full disk among others.
    pub fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| Error::io(&self.target, e))
    }

    /// Flushes to the disk and puts the file in its place, over an older one.
    pub fn commit(self) -> Result<()> {
        let Self { target, file, place } = self;
        let io = |e| Error::io(&target, e);
        let file = file.into_inner().map_err(|e| io(e.into_error()))?;
        file.sync_all().map_err(io)?;
        drop(file); // Windows renames no open file
        place.persist(&target).map_err(|e| io(e.error))?;
        // The rename itself reaches the disk with the folder. Not every file system can do this.
        #[cfg(unix)]
        if let Ok(folder) = File::open(folder_of(&target)) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// # Errors
/// `Io` with the path; an older file of that name is then untouched.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.put(bytes)?;
    file.commit()
}

/// Indented JSON with a newline at the end, as Hugging Face's tools write it.
///
/// # Errors
/// `Io` with the path; `Internal` for a value that has no JSON form.
pub fn write_json_atomic(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut bytes =
        serde_json::to_vec_pretty(value).map_err(|e| Error::Internal(format!("{}: {e}", path.display())))?;
    bytes.push(b'\n');
    write_atomic(path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn replaces_the_old_file_only_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_atomic(&path, b"old").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.put(b"half of the new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        drop(file);
        assert_eq!((std::fs::read(&path).unwrap().as_slice(), names(folder.path()).len()), (&b"old"[..], 1));

        write_json_atomic(&path, &serde_json::json!({"a": 1})).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\n  \"a\": 1\n}\n");
        assert_eq!(names(folder.path()), ["a.json"]);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none").join("a.bin");
        let error = write_atomic(&path, b"x").unwrap_err();
        assert_eq!(error.code(), "io");
        assert!(error.to_string().contains("a.bin"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn finished_files_are_readable_as_any_other() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        write_atomic(&ours, b"x").unwrap();
        std::fs::write(&plain, b"x").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
