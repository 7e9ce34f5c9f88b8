//! System packages that parts of the suite need: installed on Debian and its kin, named elsewhere.

use std::process::{Command, Stdio};

use crate::parts::{Verdict, finish, output, succeeds};

/// The real window without a screen: an X server, the libraries winit loads at run time, Mesa to draw with.
pub const WINDOW: &[&str] = &[
    "xvfb",
    "fontconfig",
    "libegl1",
    "libgl1",
    "libgl1-mesa-dri",
    "libvulkan1",
    "libwayland-client0",
    "libx11-xcb1",
    "libxcursor1",
    "libxi6",
    "libxkbcommon-x11-0",
    "libxkbcommon0",
    "libxrandr2",
    "mesa-vulkan-drivers",
];

/// What `cargo check` of the desktop edition links against: GTK, WebKit and the tray.
pub const DESKTOP: &[&str] = &["libayatana-appindicator3-dev", "libwebkit2gtk-4.1-dev", "pkg-config"];

/// Installs those of `names` that are missing. Left out, with the reason, where this system cannot.
pub fn provide(names: &[&str]) -> Verdict {
    if !cfg!(target_os = "linux") {
        return Verdict::LeftOut("this part runs on Linux only".into());
    }
    let missing: Vec<&str> = match installed_by_dpkg(names) {
        Some(installed) => names.iter().copied().filter(|name| !installed.contains(&(*name).to_owned())).collect(),
        None => return without_apt(names),
    };
    if missing.is_empty() {
        return Verdict::Passed;
    }
    let Some(mut update) = apt_get() else {
        return Verdict::LeftOut(format!("not root and no sudo without a password; install: {}", missing.join(" ")));
    };
    eprintln!("xtask: installing {}", missing.join(" "));
    // A stale package list names versions that are gone, so it is refreshed first; if that fails the install says why.
    let _ = update.arg("update").arg("-qq").status();
    let Some(mut install) = apt_get() else { return Verdict::LeftOut("apt-get went away".into()) };
    // dpkg's hundred lines a package help nobody; errors come on stderr.
    install.args(["install", "-y", "-qq", "--no-install-recommends"]).args(&missing).stdout(Stdio::null());
    match finish(&mut install) {
        Verdict::Failed(why) => Verdict::LeftOut(format!("{why}; install by hand: {}", missing.join(" "))),
        verdict => verdict,
    }
}

/// Version of an installed Debian package: "22.3.6-1+deb12u2".
pub fn version(name: &str) -> Option<String> {
    let line = output("dpkg-query", &["-W", "-f=${db:Status-Status} ${Version}", name])?;
    line.strip_prefix("installed ").map(str::to_owned)
}

/// `apt-get` as root, with or without sudo; None where neither works.
pub fn apt_get() -> Option<Command> {
    let root = output("id", &["-u"]).is_some_and(|id| id == "0");
    let mut command = if root {
        Command::new("apt-get")
    } else if succeeds("sudo", &["-n", "true"]) {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        sudo
    } else {
        return None;
    };
    command.env("DEBIAN_FRONTEND", "noninteractive").args(["-o", "DPkg::Lock::Timeout=300"]);
    Some(command)
}

/// Names that dpkg knows as installed; None where there is no dpkg.
fn installed_by_dpkg(names: &[&str]) -> Option<Vec<String>> {
    if !succeeds("apt-get", &["--version"]) || !succeeds("dpkg-query", &["--version"]) {
        return None;
    }
    Some(names.iter().filter(|name| version(name).is_some()).map(|name| (*name).to_owned()).collect())
}

/// Systems with other package managers: nothing is installed, and the part runs if its programs happen to be there.
fn without_apt(names: &[&str]) -> Verdict {
    let there = if names.contains(&"xvfb") {
        succeeds("sh", &["-c", "command -v Xvfb"])
    } else {
        succeeds("pkg-config", &["--exists", "webkit2gtk-4.1", "gtk+-3.0"])
    };
    if there {
        return Verdict::Passed;
    }
    Verdict::LeftOut(format!("no apt-get here; install what Debian calls: {}", names.join(" ")))
}
