//! What a device can do.

use super::Machine;
use crate::protocol::{DeviceInfo, DeviceKind};

/// A core of a processor of the last ten years in f32, where nothing was measured.
const CORE_FLOPS: f64 = 25e9;
/// A graphics processor of the middle class in f32.
const GPU_FLOPS: f64 = 5e12;

impl Machine {
    /// A device as it was found.
    pub fn of(device: &DeviceInfo) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let flops = if device.kind == DeviceKind::Cpu || device.software { cores * CORE_FLOPS } else { GPU_FLOPS };
        Self { kind: device.kind, memory_bytes: device.memory_bytes, flops }
    }
}
