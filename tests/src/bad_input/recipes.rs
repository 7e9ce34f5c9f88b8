//! Recipes with mistakes: all told at once, nothing begun.

use super::{recipe, refused_training};
use crate::binary::{fixture, luthier, snapshot, write};

#[test]
fn three_mistakes_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path().join("rows.json"), r#"[{"instruction": "a", "output": "b"}]"#);
    let mistakes = "lora_ranc: 8\nlearning_rate: fast\nwarmup_ratio: 7.5";
    let recipe = recipe(folder.path(), &fixture("models/llama-tiny"), "rows.json", mistakes);
    let before = snapshot(folder.path());
    let words = ["3 problems", "lora_ranc", "lora_rank", "learning_rate", "fast", "warmup_ratio", "7.5"];
    refused_training(folder.path(), &recipe, &words);
    assert_eq!(snapshot(folder.path()), before);
}

#[test]
fn text_that_is_no_recipe_names_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = write(folder.path().join("recipe.yaml"), "stage: sft\nlora_target: [q_proj\noutput_dir: out\n");
    luthier(["train", &recipe]).refused(&["recipe.yaml", "line"]);
    write(folder.path().join("recipe.yaml"), "");
    luthier(["train", &recipe]).refused(&["recipe.yaml"]);
    write(folder.path().join("recipe.yaml"), [0xff, 0xfe, 0x00]);
    luthier(["train", &recipe]).refused(&["recipe.yaml"]);
    luthier(["train", "absent.yaml"]).refused(&["absent.yaml"]);
}

#[test]
fn a_model_or_dataset_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let absent = recipe(folder.path(), &folder.path().join("no-model"), "no-rows.json", "");
    refused_training(folder.path(), &absent, &["no-model", "no-rows.json"]);
}

#[test]
fn a_device_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path().join("rows.json"), r#"[{"instruction": "a", "output": "b"}]"#);
    let recipe = recipe(folder.path(), &fixture("models/llama-tiny"), "rows.json", "");
    luthier(["train", &recipe, "--device", "toaster"]).refused(&["toaster"]);
    let absent = luthier(["train", &recipe, "--device", "gpu:77"]).says(&["gpu:77"]);
    assert!(matches!(absent.code, Some(2 | 3)), "{:?}: {}", absent.code, absent.stderr);
    assert!(!folder.path().join("out").exists());
}

#[test]
fn alias_bombs_do_not_fill_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let line = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{line}]\n"));
    }
    let recipe = write(folder.path().join("recipe.yaml"), text);
    luthier(["train", &recipe]).refused(&[]);
}
