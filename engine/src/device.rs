//! Which devices there are, and which of them compute right.
//!
//! A GPU is offered only after a small computation on it gave the CPU's numbers. That is tried in a child process
//! (`luthier probe-device`), so that a crashing or hanging driver takes nothing along. No GPU is a normal state.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use burn::tensor::{Device, DeviceType, FloatDType, IntDType, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::ops::{self, AttentionSpec, Segment};
use crate::protocol::{DeviceInfo, DeviceKind, Verdict};
use crate::{Error, Result};

/// The largest difference to the CPU's numbers that is still called right.
const TOLERANCE: f32 = 1e-3;
/// First kernels of a software driver take seconds each to compile.
const PATIENCE: Duration = Duration::from_secs(240);

/// What the child prints about one device.
#[derive(Debug, Serialize, Deserialize)]
struct Probe {
    name: String,
    software: bool,
    /// None in a listing.
    difference: Option<f32>,
    /// What it was measured to reach; None in a listing, and for a driver that computes on the CPU.
    #[serde(default)]
    flops: Option<f64>,
    error: Option<String>,
}

/// All devices with their verdicts; each is tried once a process, and that is remembered.
pub fn probe() -> Vec<DeviceInfo> {
    let mut devices = vec![cpu()];
    devices.extend(listed().into_iter().map(tried));
    devices
}

/// What was found and tried so far.
#[derive(Default)]
struct Found {
    listed: Option<Vec<DeviceInfo>>,
    verdicts: HashMap<String, Verdict>,
    flops: HashMap<String, f64>,
}

fn found() -> MutexGuard<'static, Found> {
    static FOUND: OnceLock<Mutex<Found>> = OnceLock::new();
    FOUND.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

/// The GPUs that are here, untried.
fn listed() -> Vec<DeviceInfo> {
    let list = || {
        let kinds = [(DeviceKind::Cuda, "cuda"), (DeviceKind::Gpu, "gpu")];
        let built_in = kinds.into_iter().filter(|(kind, _)| *kind != DeviceKind::Cuda || cfg!(feature = "cuda"));
        let mut devices = Vec::new();
        for (kind, word) in built_in {
            for (i, Probe { name, software, .. }) in
                ask_child(&format!("{word}:list")).into_iter().flatten().enumerate()
            {
                let verdict = Verdict::Refused { reason: "it was not tried".into() };
                devices.push(DeviceInfo {
                    id: format!("{word}:{i}"),
                    kind,
                    name,
                    software,
                    memory_bytes: None,
                    flops: None,
                    verdict,
                });
            }
        }
        devices
    };
    found().listed.get_or_insert_with(list).clone()
}

/// The device with what a trial says of it.
fn tried(device: DeviceInfo) -> DeviceInfo {
    let known = found().verdicts.get(&device.id).cloned();
    let verdict = known.unwrap_or_else(|| {
        let verdict = match ask_child(&device.id).map(|mut probes| probes.pop()) {
            Ok(Some(Probe { difference: Some(d), error: None, flops, .. })) if d <= TOLERANCE => {
                found().flops.extend(flops.map(|flops| (device.id.clone(), flops)));
                Verdict::Trusted { largest_difference: d }
            }
            Ok(Some(Probe { difference: Some(d), error: None, .. })) => {
                Verdict::Refused { reason: format!("its numbers differ from the CPU's by {d:.1e}") }
            }
            Ok(Some(Probe { error: Some(reason), .. })) | Err(reason) => Verdict::Refused { reason },
            Ok(_) => Verdict::Refused { reason: "the trial ended without an answer".into() },
        };
        found().verdicts.insert(device.id.clone(), verdict.clone());
        verdict
    });
    let flops = found().flops.get(&device.id).copied();
    DeviceInfo { verdict, flops, ..device }
}

fn cpu() -> DeviceInfo {
    let (mut brand, mut memory_bytes) = ("CPU".to_owned(), None);
    if let Ok(mut system) = sysinfo::System::new() {
        system.refresh_cpu_list(sysinfo::CpuRefreshKind::nothing());
        system.refresh_memory();
        memory_bytes = Some(system.total_memory()).filter(|bytes| *bytes > 0);
        let told = system.cpus().first().map(|c| c.brand().trim().to_owned());
        brand = told.filter(|b| !b.is_empty()).unwrap_or(brand);
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    DeviceInfo {
        id: "cpu".into(),
        kind: DeviceKind::Cpu,
        name: format!("{brand}, {cores} cores"),
        software: false,
        memory_bytes,
        flops: Some(crate::estimate::measure_cpu_flops()),
        verdict: Verdict::Trusted { largest_difference: 0.0 },
    }
}

/// The `luthier` binary: this program, or the one beside it (tests run from a folder below it).
fn program() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    if own.file_stem()? == "luthier" {
        return Some(own);
    }
    let name = format!("luthier{}", std::env::consts::EXE_SUFFIX);
    own.ancestors().skip(1).take(3).map(|dir| dir.join(&name)).find(|path| path.is_file())
}

/// Runs `luthier probe-device WHAT` and reads its lines of JSON.
fn ask_child(what: &str) -> std::result::Result<Vec<Probe>, String> {
    let program = program().ok_or("the luthier program was not found")?;
    let mut child = Command::new(program)
        .args(["probe-device", what])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("the trial could not start: {e}"))?;
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => break,
            Ok(Some(status)) => return Err(format!("its driver crashed in a small computation ({status})")),
            Ok(None) if began.elapsed() > PATIENCE => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it gave no answer within {} s", PATIENCE.as_secs()));
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
            Err(e) => return Err(e.to_string()),
        }
    }
    let output = child.wait_with_output().map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// The child's side: prints one line of JSON for each listed device, or for the one that was tried.
pub fn probe_child(what: &str) {
    let print = |probe: &Probe| println!("{}", serde_json::to_string(probe).unwrap_or_default());
    if let Some(kind) = what.strip_suffix(":list") {
        for device in devices_of(kind) {
            let (name, software) = describe(&device);
            print(&Probe { name, software, difference: None, flops: None, error: None });
        }
        return;
    }
    let answer = unchecked(what).and_then(|device| {
        let (name, software) = describe(&device);
        let difference = Some(compare(&device)?);
        let flops = if software { None } else { Some(measure(&device)?) };
        Ok(Probe { name, software, difference, flops, error: None })
    });
    print(&answer.unwrap_or_else(|e| Probe {
        name: what.into(),
        software: false,
        difference: None,
        flops: None,
        error: Some(e.to_string()),
    }));
}

fn devices_of(kind: &str) -> Vec<Device> {
    match kind {
        "gpu" => Device::enumerate(DeviceType::Wgpu).into_vec(),
        #[cfg(feature = "cuda")]
        "cuda" => Device::enumerate(DeviceType::Cuda).into_vec(),
        _ => Vec::new(),
    }
}

/// Name, and whether the "GPU" is a driver that computes on the CPU.
fn describe(device: &Device) -> (String, bool) {
    match device.identity() {
        Some(identity) => (identity.name.clone(), identity.physical.is_none()),
        None => ("unknown".into(), false),
    }
}

/// A device by its id (cpu, gpu:0, cuda:1) without a trial. For the child process and for tests.
pub fn unchecked(id: &str) -> Result<Device> {
    let (kind, index) = id.split_once(':').unwrap_or((id, "0"));
    let refuse = |reason: String| Error::Device { device: id.into(), reason };
    if kind == "cpu" {
        return configured(Device::flex(), id);
    }
    let index: usize = index.parse().map_err(|_| refuse(format!("'{index}' is not a number")))?;
    let mut devices = devices_of(kind);
    if index >= devices.len() {
        return Err(refuse(format!("there is no such device here ({} found)", devices.len())));
    }
    configured(devices.swap_remove(index), id)
}

fn configured(mut device: Device, id: &str) -> Result<Device> {
    // A second call in one process finds the settings already made; that is fine as long as they are these.
    match device.configure((FloatDType::F32, IntDType::I32)) {
        Ok(()) => Ok(device),
        Err(_) if device.settings().float_dtype == FloatDType::F32 => Ok(device),
        Err(e) => Err(Error::Device { device: id.into(), reason: e.to_string() }),
    }
}

/// Opens what a recipe's `device` names: auto, cpu, gpu, cuda, with :N. Returns it with its id and name.
///
/// # Errors
/// `Device` when it is not there or its numbers are not trusted.
pub fn open(spec: &str) -> Result<(Device, String)> {
    let spec = spec.trim().to_lowercase();
    if spec == "cpu" {
        return Ok((unchecked("cpu")?, "cpu".into()));
    }
    let automatic = spec == "auto" || spec.is_empty();
    let wanted = |d: &DeviceInfo| match spec.as_str() {
        // A "GPU" that computes on the CPU is slower than the CPU itself.
        _ if automatic => !d.software,
        "gpu" => d.kind == DeviceKind::Gpu,
        "cuda" => d.kind == DeviceKind::Cuda,
        id => d.id == id,
    };
    let mut refused = None;
    for DeviceInfo { id, name, verdict, .. } in listed().into_iter().filter(wanted).map(tried) {
        match verdict {
            Verdict::Trusted { .. } => return Ok((unchecked(&id)?, format!("{id} ({name})"))),
            Verdict::Refused { reason } => refused = refused.or(Some((id, reason))),
        }
    }
    match refused {
        _ if automatic => Ok((unchecked("cpu")?, "cpu".into())),
        Some((device, reason)) => Err(Error::Device { device, reason: format!("it is not used, because {reason}") }),
        None => Err(Error::Device {
            device: spec,
            reason: "there is no such device here; `luthier devices` lists them".into(),
        }),
    }
}

/// What is known of a device by the words that [`open`] returned: its id, and in brackets its name.
pub fn info_of(opened: &str) -> DeviceInfo {
    let id = opened.split_whitespace().next().unwrap_or("cpu");
    let gpu = if id == "cpu" { None } else { listed().into_iter().find(|device| device.id == id).map(tried) };
    gpu.unwrap_or_else(cpu)
}

/// Largest difference between a device and the CPU over the operations that training uses.
fn compare(device: &Device) -> Result<f32> {
    let here = sample_computation(&unchecked("cpu")?)?;
    let there = sample_computation(device)?;
    let worst = here.iter().zip(&there).map(|(a, b)| (a - b).abs()).fold(0.0f32, f32::max);
    let sound = here.len() == there.len() && there.iter().all(|v| v.is_finite());
    Ok(if sound { worst } else { f32::INFINITY })
}

/// f32 operations a second in products of square matrices, after one to warm up.
fn measure(device: &Device) -> Result<f64> {
    const SIDE: usize = 1024;
    let a = Tensor::<2>::ones([SIDE, SIDE], device);
    let product = |times: usize| -> Result<f64> {
        let began = Instant::now();
        let mut x = a.clone();
        for _ in 0..times {
            x = x.matmul(a.clone()).div_scalar(SIDE as f32);
        }
        // Reading a number waits for all of them.
        ops::read(x.slice([0..1, 0..1]), "measuring the device")?;
        Ok(began.elapsed().as_secs_f64())
    };
    product(1)?;
    let times = 8;
    Ok(2.0 * (SIDE as f64).powi(3) * times as f64 / product(times)?.max(1e-9))
}

/// Norm, projection, rotation, attention, gated activation, loss and their gradients on 24 rows.
fn sample_computation(device: &Device) -> Result<Vec<f32>> {
    let wave = |rows: usize, cols: usize, f: f32| {
        let values: Vec<f32> = (0..rows * cols).map(|i| (i as f32 * f).sin() * 0.7).collect();
        Tensor::<2>::from_data(TensorData::new(values, [rows, cols]), device)
    };
    let w = wave(32, 32, 0.37).autodiff().require_grad();
    let x = ops::rms_norm(wave(24, 32, 0.11), Tensor::ones([32], device), 1e-6);
    let q = ops::rope(x.clone().matmul(w.clone().transpose()), &wave(24, 4, 0.21), &wave(24, 4, 0.13), 8);
    let segments = [0, 12].map(|at| Segment { q_start: at, q_len: 12, k_start: at, k_len: 12 });
    let spec = AttentionSpec {
        heads: 4,
        kv_heads: 2,
        head_dim: 8,
        scale: 0.35,
        window: Some(7),
        softcap: None,
        segments: segments.into(),
    };
    let mixed = ops::attention(q, wave(24, 16, 0.7), wave(24, 16, 0.9), &spec);
    let y = ops::swiglu(mixed.clone(), mixed);
    let targets: Vec<u32> = (0..24).map(|i| i % 32).collect();
    let loss = ops::cross_entropy(y.clone().without_autodiff(), &targets, &vec![1.0; targets.len()], true)?;
    let dy = loss.grad.ok_or_else(|| Error::Internal("no gradient".into()))?;
    let mut grads = (y * dy).sum().backward();
    let dw = w.grad_remove(&mut grads).ok_or_else(|| Error::Internal("no gradient".into()))?;
    let mut out: Vec<f32> = loss.rows.iter().map(|(nll, _)| *nll).collect();
    out.extend(ops::read(dw, "trying the device")?);
    Ok(out)
}
