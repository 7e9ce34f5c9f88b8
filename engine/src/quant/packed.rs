//! A frozen weight matrix in NF4 on a device: plain bytes on the CPU, integer tensors on a GPU. It is dense only while
//! a product runs.

use std::sync::Arc;

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::nf4::{BLOCK, CODES, Nf4, NotFinite, SCALE_BLOCK, Scales, scale_table};
use super::product;
use crate::ops;

/// A matrix [rows, columns] in 4 bits, as stored: [out, in], or [in, out] where the weight is stored transposed.
#[derive(Debug, Clone)]
pub struct PackedMatrix {
    shape: [usize; 2],
    store: Store,
}

#[derive(Debug, Clone)]
enum Store {
    Host { nf4: Arc<Nf4>, device: Device },
    Tensors(Tensors),
}

/// The same on a device whose memory is reached by tensors only.
#[derive(Debug, Clone)]
struct Tensors {
    /// [blocks * 8]: eight codes a number, the earliest in the highest bits; the last block is filled up.
    codes: Tensor<1, Int>,
    /// [16]: what the codes stand for.
    table: Tensor<1>,
    scales: TensorScales,
    bytes: u64,
}

#[derive(Debug, Clone)]
enum TensorScales {
    /// [blocks]
    Plain(Tensor<1>),
    /// Indices [groups * 64], four a number; block scales [groups]; a group is 256 blocks.
    Double { indices: Tensor<1, Int>, table: Tensor<1>, block_scales: Tensor<1>, offset: f32 },
}

impl PackedMatrix {
    /// `values` are the matrix row by row, as it is stored.
    ///
    /// # Errors
    /// The first number that is NaN or infinite.
    pub fn quantise(values: &[f32], shape: [usize; 2], double: bool, device: &Device) -> Result<Self, NotFinite> {
        assert_eq!(values.len(), shape[0] * shape[1], "numbers of a matrix {shape:?}");
        let nf4 = Nf4::quantise(values, double)?;
        Ok(Self::new(nf4, shape, device))
    }

    /// `nf4` holds the matrix row by row.
    pub fn new(nf4: Nf4, shape: [usize; 2], device: &Device) -> Self {
        assert_eq!(nf4.len(), shape[0] * shape[1], "numbers of a matrix {shape:?}");
        let device = device.clone();
        let store = match ops::is_cpu(&device) {
            true => Store::Host { nf4: Arc::new(nf4), device },
            false => Store::Tensors(Tensors::new(&nf4, &device)),
        };
        Self { shape, store }
    }

    /// [rows, columns] as stored.
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// Memory that it takes on its device.
    pub fn bytes(&self) -> u64 {
        match &self.store {
            Store::Host { nf4, .. } => nf4.bytes() as u64,
            Store::Tensors(tensors) => tensors.bytes,
        }
    }

    /// The dense matrix [rows, columns], as stored.
    pub fn dense(&self) -> Tensor<2> {
        match &self.store {
            Store::Host { nf4, device } => Tensor::from_data(TensorData::new(nf4.dequantise(), self.shape), device),
            Store::Tensors(tensors) => tensors.dense(self.shape),
        }
    }

    /// x [n, in] -> [n, out], by a matrix [out, in], or [in, out] if `transposed`. The gradient goes to x alone. On the
    /// CPU the graph keeps the packed weight only; on a GPU it keeps the dense one, where x is in a graph.
    pub fn project(&self, x: Tensor<2>, transposed: bool) -> Tensor<2> {
        match &self.store {
            Store::Host { nf4, .. } => product::project(x, nf4, self.shape, transposed),
            Store::Tensors(tensors) => {
                let dense = tensors.dense(self.shape);
                if transposed { x.matmul(dense) } else { x.matmul(dense.transpose()) }
            }
        }
    }
}

/// Memory that a matrix takes in NF4, in bytes.
pub fn packed_bytes(shape: [usize; 2], double: bool) -> u64 {
    let numbers = shape[0] as u64 * shape[1] as u64;
    let blocks = numbers.div_ceil(BLOCK as u64);
    let scales = if double { blocks + blocks.div_ceil(SCALE_BLOCK as u64) * 4 + 4 } else { blocks * 4 };
    numbers.div_ceil(2) + scales
}

impl Tensors {
    fn new(nf4: &Nf4, device: &Device) -> Self {
        let floats = |values: &[f32]| Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device);
        let blocks = nf4.len().div_ceil(BLOCK);
        let codes = words(nf4.codes(), blocks * BLOCK / 2, device);
        let mut bytes = (blocks * BLOCK / 2 + CODES.len() * 4) as u64;
        let scales = match nf4.scales() {
            Scales::Plain(scales) => {
                bytes += scales.len() as u64 * 4;
                TensorScales::Plain(floats(scales))
            }
            Scales::Double { indices, block_scales, offset } => {
                let filled = block_scales.len() * SCALE_BLOCK;
                bytes += (filled + (block_scales.len() + scale_table().len()) * 4) as u64;
                TensorScales::Double {
                    indices: words(indices, filled, device),
                    table: floats(scale_table()),
                    block_scales: floats(block_scales),
                    offset: *offset,
                }
            }
        };
        Self { codes, table: floats(&CODES), scales, bytes }
    }

    fn dense(&self, [rows, columns]: [usize; 2]) -> Tensor<2> {
        let values = self.table.clone().select(0, unpacked::<8>(&self.codes));
        let blocks = values.dims()[0] / BLOCK;
        let scales = match &self.scales {
            TensorScales::Plain(scales) => scales.clone(),
            TensorScales::Double { indices, table, block_scales, offset } => {
                let shares = table.clone().select(0, unpacked::<4>(indices));
                let groups = block_scales.dims()[0];
                let rest = shares.reshape([groups, SCALE_BLOCK]) * block_scales.clone().reshape([groups, 1]);
                rest.add_scalar(*offset).reshape([groups * SCALE_BLOCK]).slice(0..blocks)
            }
        };
        let scaled = values.reshape([blocks, BLOCK]) * scales.reshape([blocks, 1]);
        scaled.reshape([blocks * BLOCK]).slice(0..rows * columns).reshape([rows, columns])
    }
}

/// Bytes, filled up with zeros to `len` (a multiple of 4), as 32-bit numbers whose highest byte is the earliest.
fn words(bytes: &[u8], len: usize, device: &Device) -> Tensor<1, Int> {
    let mut bytes = bytes.to_vec();
    bytes.resize(len, 0);
    let words: Vec<i32> = bytes.as_chunks().0.iter().map(|word| i32::from_be_bytes(*word)).collect();
    let count = words.len();
    Tensor::from_data(TensorData::new(words, [count]), device)
}

/// The N equal parts of each 32-bit number, the highest bits first.
fn unpacked<const N: usize>(words: &Tensor<1, Int>) -> Tensor<1, Int> {
    let bits = 32 / N;
    let part = |i: usize| {
        // The shift copies the sign; the mask takes it off again.
        let shifted = words.clone().bitwise_right_shift_scalar((32 - bits * (i + 1)) as i32);
        shifted.bitwise_and_scalar((1i32 << bits) - 1)
    };
    Tensor::stack::<2>((0..N).map(part).collect(), 1).reshape([words.dims()[0] * N])
}
