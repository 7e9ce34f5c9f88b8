//! A Vulkan driver that computes on the CPU, so that the GPU path is tested where there is no GPU.
//!
//! Measured (Debian 12, WGSL kernels): SwiftShader gives right numbers and builds a kernel in 0.4 s;
//! Mesa's lavapipe gives right numbers from 25.0.7 on, at 6 to 9 s a kernel. SwiftShader comes inside
//! Debian's chromium-common: the package is unpacked beside the build, not installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::packages;
use crate::parts::{Verdict, finish, target_dir};

const LIBRARY: &str = "libvk_swiftshader.so";
const MANIFEST: &str = "vk_swiftshader_icd.json";
/// The first release of Mesa whose lavapipe was seen to compute rightly.
const LAVAPIPE_FROM: u32 = 25;

/// The driver's ICD manifest, for VK_DRIVER_FILES; Err says why there is none.
pub fn provide() -> Result<PathBuf, String> {
    if !cfg!(target_os = "linux") {
        return Err("no software driver is known for this system; the GPU is tested by starting Luthier on one".into());
    }
    let folder = target_dir().join("swiftshader");
    let manifest = folder.join(MANIFEST);
    if manifest.is_file() && folder.join(LIBRARY).is_file() {
        return Ok(manifest);
    }
    unpack_swiftshader(&folder).map(|()| manifest).or_else(|why| lavapipe().ok_or(why))
}

fn unpack_swiftshader(folder: &Path) -> Result<(), String> {
    let work = folder.join("unpacking");
    let _ = std::fs::remove_dir_all(&work);
    std::fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    let unpacked = work.join("root");
    let taken = download(&work).and_then(|package| {
        passed(finish(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&unpacked)))?;
        // The manifest last: its presence says that the driver is complete.
        for name in [LIBRARY, MANIFEST] {
            let from = unpacked.join("usr/lib/chromium").join(name);
            std::fs::rename(&from, folder.join(name)).map_err(|error| format!("{}: {error}", from.display()))?;
        }
        Ok(())
    });
    let _ = std::fs::remove_dir_all(&work);
    taken
}

/// Fetches chromium-common (30 MB) into `work`.
fn download(work: &Path) -> Result<PathBuf, String> {
    let fetch = || finish(Command::new("apt-get").args(["download", "-qq", "chromium-common"]).current_dir(work));
    if let Err(first) = passed(fetch()) {
        // The package lists may be stale or absent on a fresh machine.
        let Some(mut update) = packages::apt_get() else { return Err(first) };
        passed(finish(update.args(["update", "-qq"])))?;
        passed(fetch())?;
    }
    let entries = std::fs::read_dir(work).map_err(|error| format!("{}: {error}", work.display()))?;
    let package = entries.flatten().map(|entry| entry.path()).find(|path| path.extension().is_some_and(|e| e == "deb"));
    package.ok_or_else(|| "apt-get downloaded no chromium-common package".into())
}

/// The system's lavapipe, where it is new enough.
fn lavapipe() -> Option<PathBuf> {
    let version = packages::version("mesa-vulkan-drivers")?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    if digits.parse::<u32>().ok()? < LAVAPIPE_FROM {
        return None;
    }
    let drivers = std::fs::read_dir("/usr/share/vulkan/icd.d").ok()?;
    drivers.flatten().map(|entry| entry.path()).find(|path| path.to_string_lossy().contains("lvp_icd"))
}

fn passed(verdict: Verdict) -> Result<(), String> {
    match verdict {
        Verdict::Passed => Ok(()),
        Verdict::Failed(why) | Verdict::LeftOut(why) => Err(why),
    }
}
