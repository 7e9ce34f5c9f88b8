//! `luthier devices`, and the child process in which one device is tried.

use clap::Args;
use luthier::format;
use luthier_engine::protocol::{DeviceInfo, DeviceKind, Verdict};
use luthier_engine::{Result, device};

use super::output;

#[derive(Args)]
pub struct Arguments {
    /// The list as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let devices = device::probe();
    if arguments.json { output::write_json(&devices) } else { output::write(&table(&devices)).map(|_| ()) }
}

/// Tries one device in this process; a driver that crashes takes down only this process.
pub fn probe(id: &str) {
    device::probe_child(id);
}

fn table(devices: &[DeviceInfo]) -> String {
    let mut text = String::new();
    let widest = devices.iter().map(|device| device.name.chars().count()).max().unwrap_or(0);
    for DeviceInfo { id, name, memory_bytes, verdict, .. } in devices {
        let memory = memory_bytes.map(format::bytes).unwrap_or_default();
        let verdict = match verdict {
            Verdict::Trusted { largest_difference: 0.0 } => "ready".into(),
            Verdict::Trusted { largest_difference } => {
                format!("ready, within {largest_difference:.0e} of the CPU's numbers")
            }
            Verdict::Refused { reason } => format!("not offered: {reason}"),
        };
        text.push_str(&format!("{id:<8}{name:<widest$}  {memory:>9}  {verdict}\n"));
    }
    if devices.iter().all(|device| device.kind == DeviceKind::Cpu) {
        text.push_str("No GPU was found: training runs on the CPU.\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_tells_ready_from_refused() {
        let device = |id: &str, kind, verdict| DeviceInfo {
            id: id.into(),
            kind,
            name: format!("name of {id}"),
            software: false,
            memory_bytes: Some(8_000_000_000),
            flops: None,
            verdict,
        };
        let cpu = device("cpu", DeviceKind::Cpu, Verdict::Trusted { largest_difference: 0.0 });
        assert!(table(std::slice::from_ref(&cpu)).contains("No GPU was found"));
        let gpu = device("gpu:0", DeviceKind::Gpu, Verdict::Refused { reason: "the driver crashed".into() });
        let text = table(&[cpu, gpu]);
        assert!(!text.contains("No GPU"), "{text}");
        assert!(text.lines().any(|line| line.starts_with("gpu:0") && line.contains("not offered: the driver crashed")));
        assert!(text.lines().any(|line| line.starts_with("cpu") && line.contains("8.0 GB") && line.ends_with("ready")));
    }
}
