//! What a device can do.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::Machine;
use crate::protocol::{DeviceInfo, DeviceKind};
use crate::quant::square_product;

/// A core of a processor of the last ten years in f32, where nothing was measured.
const CORE_FLOPS: f64 = 25e9;
/// A graphics processor of the middle class in f32.
const GPU_FLOPS: f64 = 5e12;
/// Rows of the matrices that are multiplied to measure.
const SIDE: usize = 512;
const PATIENCE: Duration = Duration::from_millis(100);

impl Machine {
    /// A device as it was found.
    pub fn of(device: &DeviceInfo) -> Self {
        let flops = device.flops.unwrap_or_else(|| {
            let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
            // A driver that computes on the CPU is no faster than the CPU.
            if device.kind == DeviceKind::Cpu || device.software { cores * CORE_FLOPS } else { GPU_FLOPS }
        });
        Self { kind: device.kind, memory_bytes: device.memory_bytes, flops }
    }

    /// What moving numbers through memory costs, in bytes a second. It goes with the speed of products: about a tenth of
    /// a byte for each f32 operation on a CPU, a tenth of that on a graphics processor.
    pub(super) fn bandwidth(&self) -> f64 {
        match self.kind {
            DeviceKind::Cpu => (self.flops * 0.1).clamp(2e9, 60e9),
            DeviceKind::Gpu | DeviceKind::Cuda => self.flops * 0.03,
        }
    }
}

/// f32 operations a second that this machine's processor reaches in large matrix products. Takes a tenth of a second,
/// once a process: not for the window's thread.
pub fn measure_cpu_flops() -> f64 {
    static MEASURED: OnceLock<f64> = OnceLock::new();
    *MEASURED.get_or_init(|| {
        let (a, mut out) = (vec![1.0; SIDE * SIDE], vec![0.0; SIDE * SIDE]);
        square_product(&a, &mut out, SIDE); // wakes the threads
        // All of them count, the slow ones too: what else the machine does just now slows training as well.
        let (began, mut products) = (Instant::now(), 0.0);
        while began.elapsed() < PATIENCE {
            square_product(&a, &mut out, SIDE);
            products += 1.0;
        }
        products * 2.0 * (SIDE as f64).powi(3) / began.elapsed().as_secs_f64()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Verdict;

    fn device(kind: DeviceKind, software: bool, flops: Option<f64>) -> DeviceInfo {
        DeviceInfo {
            id: "x".into(),
            kind,
            name: "x".into(),
            software,
            memory_bytes: Some(8_000_000_000),
            flops,
            verdict: Verdict::Trusted { largest_difference: 0.0 },
        }
    }

    #[test]
    fn what_was_measured_counts_and_else_the_kind() {
        assert!((Machine::of(&device(DeviceKind::Cpu, false, Some(3e11))).flops - 3e11).abs() < 1.0);
        let gpu = Machine::of(&device(DeviceKind::Gpu, false, None));
        let software = Machine::of(&device(DeviceKind::Gpu, true, None));
        assert!(gpu.flops > software.flops && software.flops > 1e9);
        assert!(measure_cpu_flops() > 1e8, "a processor does more than {}", measure_cpu_flops());
    }
}
