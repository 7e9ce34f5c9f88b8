//! `cargo xtask test`: system packages, a software GPU, formatting, every test, the desktop edition's type check.
//!
//! Everything with Burn in it is built once: one profile (release), one set of packages and features,
//! so `cargo run --release` before or after rebuilds nothing. Clippy is not here: it would check Burn a second time.

use std::process::Command;

use crate::parts::{Parts, Verdict, cargo, finish, root, succeeds, target_dir};
use crate::{packages, software_gpu};

/// The packages that share one build of Burn.
const PACKAGES: &[&str] = &["-p", "luthier-engine", "-p", "luthier", "-p", "luthier-tests"];

/// Told to the tests: "1" where the part must work, "0" where this system cannot run it.
const WINDOW_VARIABLE: &str = "LUTHIER_TEST_WINDOW";
const GPU_VARIABLE: &str = "LUTHIER_TEST_GPU";

pub fn run() -> bool {
    let mut parts = Parts::default();
    let window = parts.run("packages for the window", || packages::provide(packages::WINDOW));
    let mut driver = None;
    parts.run("software GPU", || match software_gpu::provide() {
        Ok(manifest) => {
            eprintln!("xtask: VK_DRIVER_FILES={}", manifest.display());
            driver = Some(manifest);
            Verdict::Passed
        }
        Err(why) => Verdict::LeftOut(why),
    });
    parts.run("formatting", || finish(cargo().args(["fmt", "--all", "--", "--check"])));

    let built = parts.run("build", || {
        finish(cargo().args(["build", "--release"]).args(PACKAGES).args(["--lib", "--bins", "--examples", "--tests"]))
    });
    if built {
        parts.run("tests", || {
            let mut tests = test_runner();
            tests.env(WINDOW_VARIABLE, flag(window)).env(GPU_VARIABLE, flag(driver.is_some()));
            if let Some(manifest) = &driver {
                tests.env("VK_DRIVER_FILES", manifest).env("VK_ICD_FILENAMES", manifest);
            }
            finish(&mut tests)
        });
    }
    parts.run("desktop edition, types", || match packages::provide(packages::DESKTOP) {
        Verdict::Passed => finish(cargo().args(["check", "--release", "-p", "luthier-desktop"])),
        verdict => verdict,
    });
    parts.summary()
}

/// Measures; nothing here can fail because it is slow.
pub fn frames() -> bool {
    let mut parts = Parts::default();
    parts.run("frames", || {
        let measuring = ["--lib", "--", "frame_times", "--ignored", "--nocapture", "--test-threads=1"];
        finish(cargo().args(["test", "--release"]).args(PACKAGES).args(measuring))
    });
    parts.summary()
}

/// Builds an example of the engine with the suite's own features, then runs it.
pub fn run_example(name: &str, arguments: &[String]) -> bool {
    let mut parts = Parts::default();
    let built = parts.run("build", || {
        finish(cargo().args(["build", "--release"]).args(PACKAGES).args(["--bins", "--example", name]))
    });
    if built {
        let program = target_dir().join("release/examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        parts.run(name, || finish(Command::new(program).args(arguments).current_dir(root())));
    }
    parts.summary()
}

/// nextest where it is installed (a process a test: a crash is one failure), else cargo's own runner.
fn test_runner() -> Command {
    let mut command = cargo();
    if succeeds("cargo-nextest", &["nextest", "--version"]) {
        command.args(["nextest", "run", "--no-fail-fast"]);
    } else {
        command.args(["test", "--no-fail-fast"]);
    }
    command.arg("--release").args(PACKAGES).args(["--lib", "--bins", "--tests"]);
    command
}

fn flag(on: bool) -> &'static str {
    if on { "1" } else { "0" }
}
