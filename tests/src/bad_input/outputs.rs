//! Output that cannot be written: told with its path, and what was there stays whole.

use std::path::Path;
use std::process::Command;

use super::{input_ids, recipe};
use crate::binary::{Ended, finish, fixture, luthier, path, snapshot, write};

fn sound_recipe(folder: &Path, more: &str) -> String {
    write(folder.join("rows.json"), r#"[{"instruction": "a", "output": "b"}, {"instruction": "c", "output": "d"}]"#);
    recipe(folder, &fixture("models/llama-tiny"), "rows.json", more)
}

/// A full disk, for files over `kilobytes`: writing fails as on a full disk, also for root.
#[cfg(unix)]
fn with_little_space(kilobytes: u32, arguments: &[&str]) -> Ended {
    let script = format!("ulimit -f {kilobytes}; trap '' XFSZ; exec \"$0\" \"$@\"");
    finish(Command::new("bash").args(["-c", &script]).arg(path()).args(arguments))
}

/// Root may write anywhere, but not below a regular file.
#[test]
fn an_output_folder_that_cannot_be_made() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path().join("file"), "no folder");
    let text = std::fs::read_to_string(sound_recipe(folder.path(), "")).unwrap();
    let recipe = write(folder.path().join("recipe.yaml"), text.replace("output_dir: out", "output_dir: file/out"));
    let before = snapshot(folder.path());
    luthier(["train", &recipe]).refused(&["file"]);
    assert_eq!(snapshot(folder.path()), before);
}

#[test]
fn a_folder_with_a_run_in_it_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = sound_recipe(folder.path(), "");
    luthier(["train", &recipe]).done();
    let before = snapshot(folder.path());
    luthier(["train", &recipe]).refused(&["out", "overwrite_output_dir"]);
    assert_eq!(snapshot(folder.path()), before);
    let recipe = sound_recipe(folder.path(), "overwrite_output_dir: true");
    luthier(["train", &recipe]).done();
}

#[cfg(unix)]
#[test]
fn a_full_disk_under_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = sound_recipe(folder.path(), "save_steps: 1");
    for kilobytes in [0, 8] {
        let ended = with_little_space(kilobytes, &["train", &recipe]).says(&["out"]);
        assert!(matches!(ended.code, Some(2 | 3)), "{kilobytes} kB: {:?}: {}", ended.code, ended.stderr);
        assert!(!folder.path().join("out/adapter_model.safetensors").exists(), "half a result");
        let _ = std::fs::remove_dir_all(folder.path().join("out"));
    }
}

#[cfg(unix)]
#[test]
fn a_full_disk_under_logits_keeps_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let ids = input_ids(folder.path(), &[3; 20]);
    let out = write(folder.path().join("logits.safetensors"), "an older result");
    let before = snapshot(folder.path());
    let model = fixture("models/llama-tiny");
    let arguments = ["logits", model.to_str().unwrap(), "--input", &ids, "--out", &out, "--device", "cpu"];
    with_little_space(8, &arguments).refused(&["logits.safetensors"]);
    assert_eq!(snapshot(folder.path()), before, "also no temporary file stays behind");
}
