//! The command line as scripts rely on it: commands, output, exit codes.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::binary::{at_home, finish, fixture, luthier, path, signal, tiny_model, write};

/// A recipe over eight rows on the tiny model; `more` are further lines.
fn recipe(folder: &Path, more: &str) -> String {
    let model = tiny_model(folder);
    let rows: Vec<Value> =
        (0..8).map(|n| json!({"instruction": format!("Count {n}."), "output": "One two."})).collect();
    write(folder.join("rows.json"), Value::from(rows).to_string());
    let text = format!(
        "model_name_or_path: {}\ndataset: rows.json\noutput_dir: out\nstage: sft\nfinetuning_type: lora\ntemplate: default\n\
         per_device_train_batch_size: 2\ngradient_accumulation_steps: 1\nlearning_rate: 1.0e-3\nlogging_steps: 1\n\
         device: cpu\n{more}\n",
        model.display()
    );
    write(folder.join("recipe.yaml"), text)
}

#[test]
fn help_lists_what_there_is() {
    let help = luthier(["--help"]).done().stdout;
    for command in ["train", "estimate", "logits", "generate", "eval", "template", "data", "devices"] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(command)), "{command} is not in: {help}");
    }
    assert!(!help.contains("probe-device"), "{help}");
    assert!(luthier(["--version"]).done().stdout.starts_with("luthier "));
}

#[test]
fn wrong_usage_is_bad_input() {
    let generate = ["generate", "model", "--prompt", "a"];
    let with = |more: [&'static str; 2]| generate.into_iter().chain(more).collect::<Vec<_>>();
    let cases = [
        vec!["trane"],
        vec!["train"],
        vec!["logits", "model"],
        with(["--top-k", "many"]),
        with(["--top-p", "1.5"]),
        with(["--temperature", "nan"]),
        with(["--device", "toaster"]),
    ];
    for arguments in cases {
        let ended = luthier(&arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
    }
}

/// Nowhere to open a window: said in a sentence, and no source file of a library is named.
#[cfg(target_os = "linux")]
#[test]
fn without_a_display_there_is_a_message() {
    let home = tempfile::tempdir().unwrap();
    let mut window = Command::new(path());
    window.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
    let ended = finish(window.env("LUTHIER_HOME", home.path())).says(&["--help"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(!ended.stderr.contains(".rs"), "{}", ended.stderr);
}

#[test]
fn templates_render_as_in_transformers() {
    let families: Value = serde_json::from_slice(&std::fs::read(fixture("chat_templates.json")).unwrap()).unwrap();
    let mut cases = 0;
    for (family, about) in families.as_object().expect("templates by family") {
        let folder = tempfile::tempdir().unwrap();
        let config = json!({"bos_token": about["bos_token"], "eos_token": about["eos_token"]});
        write(folder.path().join("tokenizer_config.json"), config.to_string());
        write(folder.path().join("chat_template.jinja"), about["template"].as_str().unwrap());
        for case in about["cases"].as_array().unwrap() {
            let messages = write(folder.path().join("messages.json"), case["messages"].to_string());
            let kwargs = case["kwargs"].to_string();
            let model = folder.path().to_str().unwrap();
            let mut arguments = vec!["template", model, "--messages", &messages, "--kwargs", &kwargs];
            if case["add_generation_prompt"] == false {
                arguments.push("--no-generation-prompt");
            }
            let ended = luthier(arguments);
            match case["error"].as_str() {
                Some(message) => drop(ended.refused(&[message])),
                None => {
                    assert_eq!(ended.done().stdout, case["rendered"].as_str().unwrap(), "{family} {}", case["name"])
                }
            }
            cases += 1;
        }
    }
    assert_eq!(cases, 60);
}

#[test]
fn a_template_may_lie_in_the_tokenizer_config() {
    let folder = tempfile::tempdir().unwrap();
    let messages = write(folder.path().join("m.json"), r#"{"messages": [{"role": "user", "content": "水"}]}"#);
    let model = fixture("models/llama-tiny");
    let text = luthier(["template", model.to_str().unwrap(), "--messages", &messages]).done().stdout;
    assert_eq!(text, "<|im_start|>user\n水<|im_end|>\n<|im_start|>assistant\n");
}

#[test]
fn training_reports_each_step_and_leaves_a_run_folder() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe(folder.path(), "num_train_epochs: 2");
    let ended = luthier(["train", &recipe]).done();
    let steps: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("step ")).collect();
    assert_eq!(steps.len(), 8, "{}", ended.stderr);
    for (index, line) in steps.iter().enumerate() {
        assert!(line.starts_with(&format!("step {}/8  epoch ", index + 1)), "{line}");
        for part in ["  loss ", "  grad_norm ", "  lr ", " tok/s  ", " left"] {
            assert!(line.contains(part), "no `{part}` in: {line}");
        }
    }
    assert!(ended.stdout.is_empty(), "{}", ended.stdout);
    let out = folder.path().join("out");
    for name in ["recipe.yaml", "events.jsonl", "trainer_log.jsonl", "report.json"] {
        assert!(out.join(name).is_file(), "{name} is missing");
    }
    assert!(out.join("adapter_model.safetensors").is_file() && out.join("adapter_config.json").is_file());
    let log = std::fs::read_to_string(out.join("trainer_log.jsonl")).unwrap();
    let last: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!((&last["current_steps"], &last["total_steps"]), (&json!(8), &json!(8)), "{last}");
    assert!(!out.join("run.lock").exists(), "the folder is let go");
    // It is among the runs from its first step on.
    let listed: Value = serde_json::from_str(&luthier(["runs", "--json"]).done().stdout).unwrap();
    let here = |run: &&Value| Path::new(run["folder"].as_str().unwrap()) == out;
    let run = listed.as_array().unwrap().iter().find(here).expect("the run is listed");
    assert_eq!((&run["status"], &run["steps"], &run["stage"]), (&json!("completed"), &json!(8), &json!("sft")));
}

/// What the README shows must run: its recipe is one, and its commands exist.
#[test]
fn the_readme_tells_the_truth() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let recipe = readme.split("```yaml").nth(1).and_then(|rest| rest.split("```").next()).expect("a recipe");
    let (recipe, warnings) = luthier_engine::recipe::Recipe::from_yaml(recipe, Path::new("")).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!((recipe.lora_rank, recipe.eval_steps), (8, Some(50)));
    let help = luthier(["--help"]).done().stdout;
    let commands = readme.lines().filter_map(|line| line.strip_prefix("luthier ")?.split(' ').next());
    let unknown: Vec<_> = commands.filter(|command| !help.contains(&format!("  {command} "))).collect();
    assert!(unknown.is_empty(), "the README shows commands that do not exist: {unknown:?}");
}

/// Ctrl-C saves a checkpoint and says 130; --resume goes on where it stopped.
#[cfg(unix)]
#[test]
fn an_interrupted_run_saves_and_resumes() {
    use std::io::{BufRead, BufReader, Read};

    let folder = tempfile::tempdir().unwrap();
    let recipe_file = recipe(folder.path(), "max_steps: 3000\nlr_scheduler_type: constant");
    let mut child = at_home(Command::new(path()).args(["train", &recipe_file])).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let (mut line, mut told) = (String::new(), String::new());
    while !line.starts_with("step ") {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "the run ended before its first step: {told}");
        told.push_str(&line);
    }
    signal(child.id(), "INT");
    stderr.read_to_string(&mut told).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{told}");
    let out = folder.path().join("out");
    let checkpoints = || {
        let names = std::fs::read_dir(&out).unwrap().flatten().filter_map(|entry| entry.file_name().into_string().ok());
        names.filter_map(|name| name.strip_prefix("checkpoint-")?.parse::<usize>().ok()).max()
    };
    let saved = checkpoints().expect("a checkpoint was saved");
    assert!((1..3000).contains(&saved), "checkpoint-{saved}");

    recipe(folder.path(), &format!("max_steps: {}\nlr_scheduler_type: constant", saved + 2));
    let resumed = luthier(["train", &recipe_file, "--resume"]).done().stderr;
    let first = resumed.lines().find(|line| line.starts_with("step ")).expect("it stepped");
    assert!(first.starts_with(&format!("step {}/{} ", saved + 1, saved + 2)), "{first}");
}

#[test]
fn generation_is_repeatable_and_streams_to_stdout() {
    let model = fixture("models/llama-tiny");
    let arguments = |seed: &'static str, temperature: &'static str| {
        let model = model.to_str().unwrap().to_owned();
        let fixed = ["generate", &model, "--prompt", "Once upon", "--max-new-tokens", "12", "--device", "cpu"];
        let fixed = fixed.map(String::from).into_iter();
        fixed.chain(["--seed", seed, "--temperature", temperature].map(String::from)).collect::<Vec<_>>()
    };
    let first = luthier(arguments("1", "1.0")).done();
    assert!(!first.stdout.trim().is_empty(), "{}", first.stderr);
    assert!(first.stderr.contains("tok/s"), "{}", first.stderr);
    assert_eq!(luthier(arguments("1", "1.0")).done().stdout, first.stdout);
    assert_ne!(luthier(arguments("2", "1.0")).done().stdout, first.stdout, "the seed changes nothing");
    assert_eq!(
        luthier(arguments("1", "0")).done().stdout,
        luthier(arguments("2", "0")).done().stdout,
        "greedy has no chance"
    );
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let model = fixture("models/llama-tiny");
    let script = r#""$0" generate "$1" --prompt a --max-new-tokens 40 --device cpu | head -c 1 > /dev/null; exit "${PIPESTATUS[0]}""#;
    let ended = finish(Command::new("bash").args(["-c", script]).arg(path()).arg(model));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("error"), "{}", ended.stderr);
}

#[test]
fn data_inspect_tells_format_columns_and_rows() {
    let folder = tempfile::tempdir().unwrap();
    let rows = r#"[{"instruction": "Name a river.", "input": "", "output": "The Yangtze, 长江."}]"#;
    let file = write(folder.path().join("rows.json"), rows);
    let model = fixture("models/llama-tiny");
    let text = luthier(["data", "inspect", &file, "--model", model.to_str().unwrap()]).done().stdout;
    for word in ["alpaca", "instruction", "output", "长江"] {
        assert!(text.to_lowercase().contains(word), "no {word} in: {text}");
    }
    let json = luthier(["data", "inspect", &file, "--json"]).done().stdout;
    let summary: Value = serde_json::from_str(&json).expect("--json prints JSON");
    assert!(summary.is_object(), "{summary}");
}

#[test]
fn the_cpu_is_always_a_device() {
    let devices: Value = serde_json::from_str(&luthier(["devices", "--json"]).done().stdout).expect("JSON");
    let cpu = devices.as_array().into_iter().flatten().find(|device| device["id"] == "cpu").expect("a CPU");
    assert!(cpu["verdict"]["Trusted"].is_object(), "{cpu}");
    assert!(luthier(["devices"]).done().stdout.lines().any(|line| line.starts_with("cpu ")));
}
