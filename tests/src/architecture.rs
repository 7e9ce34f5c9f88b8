//! ARCHITECTURE.md's invariants: who may depend on whom, the code map, file lengths, no traces of one machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

const LONGEST_FILE: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the project").to_owned()
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn output(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Vec<u8> {
    let done = Command::new(program.as_ref()).args(arguments).current_dir(root()).output();
    let done = done.unwrap_or_else(|error| panic!("{} does not start: {error}", program.as_ref().display()));
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

/// Files under version control, and new ones that are not ignored.
fn files() -> Vec<String> {
    let list = output("git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let list = String::from_utf8(list).expect("file names are UTF-8");
    let names: Vec<String> =
        list.split_terminator('\0').filter(|name| root().join(name).is_file()).map(String::from).collect();
    assert!(names.len() > 50, "git lists only {} files", names.len());
    names
}

/// Cargo.lock as a graph, "name version" to the same. It has every feature, platform and kind of dependency
/// together, so what is absent here is absent in every build.
struct Lock(BTreeMap<String, Vec<String>>);

impl Lock {
    fn read() -> Self {
        let lock = text("Cargo.lock");
        let mut packages = BTreeMap::new();
        for block in lock.split("[[package]]").skip(1) {
            let field = |name: &str| {
                let line = block.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_prefix('='));
                line.map(|value| value.trim().trim_matches('"').to_owned())
            };
            let (Some(name), Some(version)) = (field("name"), field("version")) else { panic!("no package: {block}") };
            let list =
                block.split_once("dependencies = [").and_then(|(_, rest)| rest.split_once(']')).map_or("", |p| p.0);
            let names = list.split('"').skip(1).step_by(2);
            // A third word would be the registry: not needed to tell packages apart here.
            let names = names.map(|name| name.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
            packages.insert(format!("{name} {version}"), names);
        }
        Self(packages)
    }

    /// Names of everything that `package` depends on, itself excluded.
    fn below(&self, package: &str) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut open = vec![package.to_owned()];
        while let Some(next) = open.pop() {
            // The version is written only where the lock has several.
            let exact = |key: &str| key == next || (!next.contains(' ') && key.split(' ').next() == Some(&next));
            for (key, below) in self.0.iter().filter(|(key, _)| exact(key)) {
                if seen.insert(key.clone()) {
                    open.extend(below.iter().cloned());
                }
            }
        }
        assert!(!seen.is_empty(), "Cargo.lock has no {package}");
        let names = seen.iter().map(|key| key.split(' ').next().unwrap_or(key).to_owned());
        names.filter(|name| name != package).collect()
    }
}

fn assert_absent(package: &str, unwanted: &[&str]) {
    let below = Lock::read().below(package);
    let found: Vec<_> = below.iter().filter(|name| unwanted.iter().any(|family| in_family(name, family))).collect();
    assert!(found.is_empty(), "{package} depends on {found:?}");
}

/// burn-wgpu is of the family burn.
fn in_family(name: &str, family: &str) -> bool {
    name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

#[test]
fn the_engine_knows_no_window() {
    assert_absent("luthier-engine", &["eframe", "egui", "gtk", "luthier", "rfd", "tao", "tauri", "winit", "wry"]);
    assert!(Lock::read().below("luthier-engine").contains("burn"), "the lock file is read wrongly");
}

#[test]
fn the_window_knows_no_tauri() {
    assert_absent("luthier", &["luthier-desktop", "tauri", "wry"]);
    let below = Lock::read().below("luthier");
    assert!(below.contains("luthier-engine") && below.contains("eframe"), "the lock file is read wrongly");
}

#[test]
fn the_desktop_edition_links_no_engine() {
    assert_absent("luthier-desktop", &["burn", "cubecl", "luthier", "luthier-engine", "wgpu"]);
}

#[test]
fn xtask_needs_nothing() {
    let below = Lock::read().below("xtask");
    assert!(below.is_empty(), "xtask depends on {below:?}");
}

/// `cargo run --release` must open the window, whatever else the workspace grows.
#[test]
fn the_window_is_the_default_member() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let json = output(cargo, &["metadata", "--offline", "--no-deps", "--format-version", "1"]);
    let metadata: serde_json::Value = serde_json::from_slice(&json).expect("cargo metadata prints JSON");
    let members = metadata["workspace_default_members"].as_array().expect("a list of default members");
    assert_eq!(members.len(), 1, "{members:?}");
    let package = metadata["packages"].as_array().into_iter().flatten().find(|package| package["id"] == members[0]);
    let package = package.expect("the default member is a package");
    assert_eq!(package["name"], "luthier");
    assert_eq!(package["default_run"], "luthier");
}

/// Paths named in the code map: the first word of each line, and it ends where the description begins.
fn code_map() -> Vec<String> {
    let page = text("ARCHITECTURE.md");
    let section = page.split("## Code map").nth(1).expect("ARCHITECTURE.md has a code map");
    let block = section.split("```").nth(1).expect("the code map is a code block");
    block.lines().skip(1).filter_map(|line| line.split_whitespace().next()).map(String::from).collect()
}

#[test]
fn the_code_map_names_what_exists() {
    let map = code_map();
    let gone: Vec<_> = map.iter().filter(|path| !root().join(path).exists()).collect();
    assert!(gone.is_empty(), "in the code map, but not there: {gone:?}");
}

#[test]
fn the_code_map_names_every_room() {
    let map: BTreeSet<String> = code_map().iter().map(|path| path.trim_end_matches('/').to_owned()).collect();
    let mut rooms = BTreeSet::new();
    for file in files() {
        let parts: Vec<&str> = file.split('/').collect();
        if parts.len() > 1 && !parts[0].starts_with('.') {
            rooms.insert(parts[0].to_owned());
        }
        // The engine's and the window's own rooms: engine/src/model, ui/src/panels.
        if parts.len() > 3 && parts[1] == "src" && (parts[0] == "engine" || parts[0] == "ui") {
            rooms.insert(parts[..3].join("/"));
        }
    }
    let unnamed: Vec<_> =
        rooms.iter().filter(|room| !map.contains(*room) && !map.contains(&format!("{room}.rs"))).collect();
    assert!(unnamed.is_empty(), "not in ARCHITECTURE.md's code map: {unnamed:?}");
}

#[test]
fn files_stay_short() {
    let rust = files().into_iter().filter(|name| name.ends_with(".rs"));
    let long: Vec<_> =
        rust.map(|name| (text(&name).lines().count(), name)).filter(|(n, _)| *n > LONGEST_FILE).collect();
    assert!(long.is_empty(), "files over {LONGEST_FILE} lines: {long:?}");
}

#[test]
fn nothing_names_one_machine() {
    // Cut in two, so that this file does not name them either.
    let traces = ["/wo rk/", "/ro ot/", "/t mp/", "deb.deb ian.org", "files.python hosted.org", "registry.npm js.org"];
    let traces: Vec<String> = traces.iter().map(|trace| trace.replace(' ', "")).collect();
    let mut found = Vec::new();
    for file in files() {
        // Weights, fonts and pictures are not text.
        let Ok(text) = std::fs::read_to_string(root().join(&file)) else { continue };
        for (number, line) in text.lines().enumerate() {
            if traces.iter().any(|trace| line.contains(trace.as_str())) {
                found.push(format!("{file}:{}", number + 1));
            }
        }
    }
    assert!(found.is_empty(), "a path or host of one machine stands in {found:?}");
}
