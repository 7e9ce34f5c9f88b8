//! Weights in 4 bits: bitsandbytes' blocks, the packed product against the dense one, the memory that loading takes.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use luthier_engine::files::{FloatFormat, SafetensorsFile, TensorWriter, read_safetensors_f32};
use luthier_engine::model::{Model, ModelConfig, Param, save_full};
use luthier_engine::quant::{CODES, Nf4, PackedMatrix, Quantisation, Scales, packed_bytes, scale_table};
use luthier_engine::{device, ops};
use serde_json::json;

use crate::bench::{fixture, worst};
use crate::binary::finish;
use crate::gpu::gpu_is_here;

const DOUBLE: Option<Quantisation> = Some(Quantisation { double: true });

fn cpu() -> Device {
    device::unchecked("cpu").expect("device")
}

fn load(path: &Path, quantise: Option<Quantisation>) -> luthier_engine::Result<Model> {
    Model::load_with(path, &cpu(), quantise, &mut |_, _| ControlFlow::Continue(()))
}

/// One file of fixtures/nf4.
struct Blocks(SafetensorsFile);

impl Blocks {
    fn open(name: &str) -> Self {
        let blocks = Self(SafetensorsFile::open(&fixture(&format!("nf4/{name}.safetensors"))).expect("readable"));
        assert_eq!(blocks.floats("nf4_table"), CODES);
        blocks
    }

    fn floats(&self, name: &str) -> Vec<f32> {
        self.0.read_f32(name).expect("readable").unwrap_or_else(|| panic!("no {name}")).1
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        let (_, values) = self.0.read_i64(name).expect("readable").unwrap_or_else(|| panic!("no {name}"));
        values.into_iter().map(|byte| u8::try_from(byte).expect("a byte")).collect()
    }
}

#[test]
fn single_quantisation_is_bitsandbytes() {
    for name in ["nf4-single", "nf4-ragged"] {
        let blocks = Blocks::open(name);
        let packed = Nf4::quantise(&blocks.floats("weight"), false).expect("finite");
        assert_eq!(packed.codes(), blocks.bytes("packed"), "{name}");
        assert_eq!(*packed.scales(), Scales::Plain(blocks.floats("absmax")), "{name}");
        assert_eq!(packed.dequantise(), blocks.floats("dequantised"), "{name}");
    }
}

#[test]
fn double_quantisation_is_bitsandbytes() {
    let blocks = Blocks::open("nf4-double");
    assert_eq!(blocks.floats("absmax_table"), scale_table());
    let weight = blocks.floats("weight");
    let packed = Nf4::quantise(&weight, true).expect("finite");
    assert_eq!(packed.codes(), blocks.bytes("packed"));
    let Scales::Double { indices, block_scales, offset } = packed.scales() else { panic!("plain scales") };
    assert_eq!(*block_scales, blocks.floats("absmax_scale"));
    assert_eq!([*offset], *blocks.floats("absmax_offset"));
    let theirs = blocks.bytes("absmax_u8");
    assert!(indices.iter().zip(&theirs).all(|(a, b)| a.abs_diff(*b) <= 1), "{indices:?} {theirs:?}");
    // Theirs is the farther neighbour in 2 of the 320.
    assert_eq!(indices.iter().zip(&theirs).filter(|(a, b)| a != b).count(), 2);

    let scales = Scales::Double { indices: theirs, block_scales: block_scales.clone(), offset: *offset };
    let restored: Vec<f32> = (0..scales.len()).map(|block| scales.of_block(block)).collect();
    assert_eq!(restored, blocks.floats("absmax_restored"));
    let theirs = Nf4::from_parts(packed.codes().to_vec(), scales, weight.len()).expect("the parts fit");
    assert_eq!(theirs.dequantise(), blocks.floats("dequantised"));
}

/// The base of the reference's QLoRA run: every weight bit for bit, but for 2 of 2,688 blocks whose scale has the
/// neighbouring index (in nf4-double: 2 of 320).
#[test]
fn a_loaded_base_is_the_references() {
    let model = load(&fixture("models/llama-tiny"), DOUBLE).expect("model");
    let dense = load(&fixture("models/llama-tiny"), None).expect("model");
    let file = fixture("nf4/llama-tiny-dequantised.safetensors");
    let (mut blocks, mut different) = (0, Vec::new());
    for (_, spec) in model.config.linears() {
        let name = spec.weight();
        assert!(matches!(model.params[&name], Param::Packed(_)), "{name}");
        let (shape, wanted) = read_safetensors_f32(&file, &name).expect("readable").expect("there");
        assert_eq!(model.params[&name].shape(), shape);
        let got = ops::read(model.dense(&name), "test").expect("values");
        assert!(worst(&got, &ops::read(dense.dense(&name), "test").expect("values")) > 1e-3, "{name} is not quantised");
        for (ours, theirs) in got.chunks(64).zip(wanted.chunks(64)) {
            blocks += 1;
            if ours != theirs {
                different.push(worst(ours, theirs) / ours.iter().fold(0f32, |most, x| most.max(x.abs())));
            }
        }
    }
    assert_eq!((blocks, different.len()), (2688, 2));
    // Neighbouring entries of the table of scales are at most 1/64 of the widest scale apart; here it is far less.
    assert!(different.iter().all(|off| *off < 2e-4), "{different:?}");
    for (name, param) in &dense.params {
        if !model.config.linears().any(|(_, spec)| spec.weight() == *name) {
            let flat = |param: &Param| ops::read(param.clone().into_flat(), "test").expect("values");
            assert_eq!(flat(param), flat(&model.params[name]), "{name}");
        }
    }
}

/// Deterministic numbers between -1 and 1 without a pattern that a block could share.
fn noise(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_769) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(len).collect()
}

fn matrix(values: Vec<f32>, shape: [usize; 2], device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Both products, their gradients by x, and the dense matrix of a packed one on a device against the CPU's dense ones.
fn products_agree(shape: [usize; 2], n: usize, double: bool, on: &Device) {
    let small = |len, seed| noise(len, seed).into_iter().map(|x| x * 0.05).collect::<Vec<f32>>();
    let weight = small(shape[0] * shape[1], 3);
    let nf4 = Nf4::quantise(&weight, double).expect("finite");
    let dense = matrix(nf4.dequantise(), shape, &cpu());
    let packed = PackedMatrix::new(nf4, shape, on);
    assert_eq!(packed.shape(), shape);
    let read = |tensor: Tensor<2>| ops::read(tensor, "test").expect("values");
    assert!(worst(&read(packed.dense()), &read(dense.clone())) < 1e-7, "{shape:?}: the dense matrix");
    for transposed in [false, true] {
        let (input, out) = if transposed { (shape[0], shape[1]) } else { (shape[1], shape[0]) };
        let (x, dy) = (noise(n * input, 4), noise(n * out, 5));
        let w = if transposed { dense.clone() } else { dense.clone().transpose() };
        let wanted = read(matrix(x.clone(), [n, input], &cpu()).matmul(w.clone()));
        let wanted_dx = read(matrix(dy.clone(), [n, out], &cpu()).matmul(w.transpose()));
        let plain = matrix(x, [n, input], on);
        let got = read(packed.project(plain.clone(), transposed));
        assert!(worst(&got, &wanted) < 1e-5, "{shape:?} {transposed}: {}", worst(&got, &wanted));
        let leaf = plain.autodiff().require_grad();
        let y = packed.project(leaf.clone(), transposed);
        assert_eq!(y.dims(), [n, out]);
        let grads = (y * matrix(dy, [n, out], on)).sum().backward();
        let dx = read(leaf.grad(&grads).expect("x has a gradient"));
        assert!(worst(&dx, &wanted_dx) < 1e-5, "{shape:?} {transposed}, dx: {}", worst(&dx, &wanted_dx));
    }
}

/// Rows that are no whole number of blocks, odd rows, a lone number, several panels.
#[test]
fn packed_products_are_the_dense_ones() {
    for (shape, n) in [([96, 100], 7), ([7, 31], 3), ([1, 1], 1), ([64, 64], 1), ([33, 65], 200), ([1400, 801], 5)] {
        for double in [false, true] {
            products_agree(shape, n, double, &cpu());
        }
    }
}

#[test]
fn gpu_packed_products_are_the_cpus() {
    if gpu_is_here() {
        let gpu = device::unchecked("gpu:0").expect("device");
        products_agree([96, 100], 7, false, &gpu);
        products_agree([160, 129], 5, true, &gpu);
    }
}

#[test]
fn a_packed_model_answers_as_its_dequantised_weights() {
    let mut model = load(&fixture("models/llama-tiny"), DOUBLE).expect("model");
    let ids: Vec<u32> = (0..20).map(|i| i * 23 % 500 + 3).collect();
    let logits = |model: &Model| ops::read(model.logits(&ids, &[12, 8]), "test").expect("logits");
    let packed = logits(&model);
    let unpacked: Vec<String> = model.config.linears().map(|(_, spec)| spec.weight()).collect();
    for name in unpacked {
        let dense = model.dense(&name);
        model.params.insert(name, Param::Matrix(dense));
    }
    assert!(worst(&packed, &logits(&model)) < 1e-5);
    let original = load(&fixture("models/llama-tiny"), None).expect("model");
    assert!(worst(&packed, &logits(&original)) > 1e-2, "nothing was quantised");
}

#[test]
fn a_packed_weight_takes_four_bits_and_its_scales() {
    let shape = [576, 1536];
    for (double, bits) in [(true, 4.13), (false, 4.51)] {
        let packed = PackedMatrix::quantise(&noise(shape[0] * shape[1], 1), shape, double, &cpu()).expect("finite");
        assert_eq!(packed.bytes(), packed_bytes(shape, double));
        let got = packed.bytes() as f64 * 8.0 / (shape[0] * shape[1]) as f64;
        assert!((4.0..bits).contains(&got), "{got} bits a weight");
    }
}

#[test]
fn a_weight_that_is_not_finite_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut model = load(&fixture("models/llama-tiny"), None).expect("model");
    let name = "model.layers.2.self_attn.o_proj.weight";
    for (bad, word) in [(f32::NAN, "NaN"), (f32::NEG_INFINITY, "-inf")] {
        let mut values = noise(64 * 64, 2);
        values[5 * 64 + 9] = bad;
        model.params.insert(name.into(), Param::Matrix(matrix(values, [64, 64], &cpu())));
        save_full(&model, dir.path()).expect("saved");
        let error = load(dir.path(), DOUBLE).err().expect("refused");
        assert_eq!(error.code(), "bad_model");
        let message = error.to_string();
        for part in [name, word, "row 5, column 9"] {
            assert!(message.contains(part), "{message} lacks {part}");
        }
    }
}

const MEASURED: &str = "LUTHIER_TEST_LOADS";

/// The peak of this process so far, in bytes.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches("kB").trim().parse::<u64>().expect("kilobytes") * 1024
}

/// A Llama of 103 million weights, about 206 MB in bfloat16, and its config.
fn write_wide_model(folder: &Path) -> ModelConfig {
    let text = json!({"model_type": "llama", "hidden_size": 1024, "intermediate_size": 2816, "num_hidden_layers": 8,
                      "num_attention_heads": 16, "vocab_size": 512, "tie_word_embeddings": true});
    std::fs::write(folder.join("config.json"), text.to_string()).expect("written");
    let config = ModelConfig::from_json(&text, &folder.join("config.json")).expect("config");
    let path = folder.join("model.safetensors");
    let mut writer =
        TensorWriter::create(&path, config.tensors(), FloatFormat::BF16, &BTreeMap::new()).expect("created");
    let values = noise(1024 * 2816, 9);
    for (name, shape) in config.tensors() {
        writer.push(&name, &values[..shape.iter().product()]).expect("written");
    }
    writer.finish().expect("finished");
    config
}

/// In a process of its own (this test program again), for the peak counts everything a process ever did.
#[test]
fn loading_takes_the_packed_size_and_one_layer() {
    const NAME: &str = "quant::loading_takes_the_packed_size_and_one_layer";
    if let Some(folder) = std::env::var_os(MEASURED) {
        let before = peak_bytes();
        let model = load(Path::new(&folder), DOUBLE).expect("model");
        println!("\nmeasured {before} {} of {}", peak_bytes(), model.params.len());
        return;
    }
    if !cfg!(target_os = "linux") {
        eprintln!("the peak of a process is read from /proc: nothing measured here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let config = write_wide_model(dir.path());
    let linears: Vec<(String, [usize; 2])> =
        config.linears().map(|(_, spec)| (spec.weight(), [spec.out, spec.input])).collect();
    let dense = |shape: &[usize]| shape.iter().product::<usize>() as u64 * 4;
    let packed: u64 = linears.iter().map(|(_, shape)| packed_bytes(*shape, true)).sum();
    let rest = config.tensors().into_iter().filter(|(name, _)| !linears.iter().any(|(linear, _)| linear == name));
    let rest: u64 = rest.map(|(_, shape)| dense(&shape)).sum();
    let layer = linears.iter().map(|(_, shape)| dense(shape)).max().expect("layers");
    let bound = packed + rest + layer + 200_000_000;
    let whole: u64 = config.tensors().iter().map(|(_, shape)| dense(shape)).sum();
    assert!(whole > bound + 100_000_000, "a model loaded as f32 must not pass: {whole} {bound}");

    let mut child = std::process::Command::new(std::env::current_exe().expect("a path"));
    let ended = finish(child.args([NAME, "--exact", "--nocapture"]).env(MEASURED, dir.path())).done();
    let line = ended.stdout.lines().find_map(|line| line.strip_prefix("measured ")).expect("the child measured");
    let peak: u64 = line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number");
    eprintln!("peak {} MB of {} MB allowed; before and after, tensors: {line}", peak / 1_000_000, bound / 1_000_000);
    assert!(peak > packed, "{line}");
    assert!(peak < bound, "{peak} bytes at the peak of loading, {bound} allowed");
}
