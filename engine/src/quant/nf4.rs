//! NF4 as bitsandbytes has it: blocks of 64 numbers in row-major order, each number a 4-bit code of its share of the
//! block's largest magnitude; the codes are quantiles of a normal distribution (QLoRA, Dettmers et al. 2023,
//! section 3 and appendix E).

use std::ops::Range;
use std::sync::LazyLock;

use rayon::prelude::*;

/// Numbers that share a scale.
pub const BLOCK: usize = 64;
/// Scales that share a scale of their own under double quantisation.
pub const SCALE_BLOCK: usize = 256;

/// What the 16 codes stand for, times the block's scale.
pub const CODES: [f32; 16] = [
    -1.0,
    -0.696_192_8,
    -0.525_073_05,
    -0.394_917_5,
    -0.284_441_38,
    -0.184_773_43,
    -0.091_050_036,
    0.0,
    0.079_580_3,
    0.160_930_2,
    0.246_112_3,
    0.337_915_24,
    0.440_709_83,
    0.562_617,
    0.722_956_84,
    1.0,
];

/// Half-way between neighbouring codes.
const BETWEEN: [f32; 15] = {
    let mut between = [0.0; 15];
    let mut i = 0;
    while i < 15 {
        between[i] = ((CODES[i] as f64 + CODES[i + 1] as f64) / 2.0) as f32;
        i += 1;
    }
    between
};

/// The code of 0.
const ZERO: u32 = 7;

/// Blocks that are worth a task of their own.
const TASK: usize = 256;

/// The 256 values that a scale can take under double quantisation, times the scale of its block of scales:
/// bitsandbytes' dynamic map (8-bit optimizers, Dettmers et al. 2022, section 1.3), 7 decades with 1, 2, 4 ... 64 steps
/// on either side, 0 and 1, in ascending order. Bit for bit what PyTorch's linspace makes of it.
pub fn scale_table() -> &'static [f32; 256] {
    static TABLE: LazyLock<[f32; 256]> = LazyLock::new(|| {
        let mut values = vec![0.0, 1.0];
        for (decade, magnitude) in [1e-6f32, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0].into_iter().enumerate() {
            let steps = 1usize << decade;
            let step = (1.0 - 0.1f32) / steps as f32;
            // linspace(0.1, 1): from either end to the middle, the products fused with the sums.
            let bound = |i: usize| match i < steps.div_ceil(2) {
                true => step.mul_add(i as f32, 0.1),
                false => (-step).mul_add((steps - i) as f32, 1.0),
            };
            for i in 0..steps {
                let mean = (bound(i) + bound(i + 1)) / 2.0;
                values.extend([magnitude * mean, -magnitude * mean]);
            }
        }
        values.sort_by(f32::total_cmp);
        std::array::from_fn(|i| values[i])
    });
    &TABLE
}

/// The first number of a weight that is NaN or infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NotFinite {
    /// Index in row-major order.
    pub at: usize,
    pub value: f32,
}

/// The scales of the blocks (bitsandbytes' absmax).
#[derive(Debug, Clone, PartialEq)]
pub enum Scales {
    /// One f32 a block.
    Plain(Vec<f32>),
    /// `scale_table()[index] * block_scale + offset`: one byte a block, one f32 for 256 blocks.
    Double { indices: Vec<u8>, block_scales: Vec<f32>, offset: f32 },
}

impl Scales {
    /// Double quantisation of one scale a block: the mean is taken out, the rest is cut into blocks of 256, and each
    /// number becomes the nearest entry of the table.
    pub fn doubled(absmax: &[f32]) -> Self {
        let offset = cascade_sum(absmax) / absmax.len().max(1) as f32;
        let rest: Vec<f32> = absmax.iter().map(|scale| scale - offset).collect();
        let largest = |block: &[f32]| block.iter().fold(0f32, |most, x| most.max(x.abs()));
        let block_scales: Vec<f32> = rest.chunks(SCALE_BLOCK).map(largest).collect();
        let indices = rest.iter().enumerate().map(|(i, x)| nearest_scale(*x, block_scales[i / SCALE_BLOCK])).collect();
        Self::Double { indices, block_scales, offset }
    }

    /// Number of blocks.
    pub fn len(&self) -> usize {
        match self {
            Self::Plain(scales) => scales.len(),
            Self::Double { indices, .. } => indices.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn of_block(&self, block: usize) -> f32 {
        match self {
            Self::Plain(scales) => scales[block],
            Self::Double { indices, block_scales, offset } => {
                scale_table()[usize::from(indices[block])] * block_scales[block / SCALE_BLOCK] + offset
            }
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Plain(scales) => scales.len() * 4,
            Self::Double { indices, block_scales, .. } => indices.len() + block_scales.len() * 4 + 4,
        }
    }
}

/// Index of the table's entry that is nearest to x / scale.
fn nearest_scale(x: f32, scale: f32) -> u8 {
    let table = scale_table();
    let share = if scale > 0.0 { x / scale } else { 0.0 };
    let above = table.partition_point(|entry| *entry < share).min(table.len() - 1);
    let below = above.saturating_sub(1);
    if share - table[below] <= table[above] - share { below as u8 } else { above as u8 }
}

/// Numbers in 4 bits.
#[derive(Debug, Clone, PartialEq)]
pub struct Nf4 {
    /// Two codes a byte, the earlier number in the high four bits.
    codes: Vec<u8>,
    scales: Scales,
    len: usize,
}

impl Nf4 {
    /// # Errors
    /// The first number that is NaN or infinite: no code stands for it.
    pub fn quantise(values: &[f32], double: bool) -> Result<Self, NotFinite> {
        if let Some(at) = values.par_iter().with_min_len(TASK * BLOCK).position_first(|x| !x.is_finite()) {
            return Err(NotFinite { at, value: values[at] });
        }
        let mut codes = vec![0; values.len().div_ceil(2)];
        let mut absmax = vec![0f32; values.len().div_ceil(BLOCK)];
        let blocks = codes.par_chunks_mut(BLOCK / 2).zip(values.par_chunks(BLOCK)).zip(&mut absmax);
        blocks.with_min_len(TASK).for_each(|((codes, values), scale)| {
            let mut block = [0.0; BLOCK];
            block[..values.len()].copy_from_slice(values);
            *scale = block.iter().fold(0f32, |most, x| most.max(x.abs()));
            for (byte, [high, low]) in codes.iter_mut().zip(nearest_codes(&block, *scale).as_chunks().0) {
                *byte = (high << 4 | low) as u8;
            }
        });
        let scales = if double { Scales::doubled(&absmax) } else { Scales::Plain(absmax) };
        Ok(Self { codes, scales, len: values.len() })
    }

    /// From parts that were made elsewhere. None: they do not fit each other.
    pub fn from_parts(codes: Vec<u8>, scales: Scales, len: usize) -> Option<Self> {
        let doubled = match &scales {
            Scales::Plain(_) => true,
            Scales::Double { indices, block_scales, .. } => block_scales.len() == indices.len().div_ceil(SCALE_BLOCK),
        };
        let fits = codes.len() == len.div_ceil(2) && scales.len() == len.div_ceil(BLOCK) && doubled;
        fits.then_some(Self { codes, scales, len })
    }

    pub fn codes(&self) -> &[u8] {
        &self.codes
    }

    pub fn scales(&self) -> &Scales {
        &self.scales
    }

    /// Number of numbers.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Memory that codes and scales take.
    pub fn bytes(&self) -> usize {
        self.codes.len() + self.scales.bytes()
    }

    pub fn dequantise(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.len];
        self.dequantise_range(0..self.len, &mut out);
        out
    }

    /// The numbers of a range, in parallel. `out` must have the range's length.
    pub fn dequantise_range(&self, range: Range<usize>, out: &mut [f32]) {
        assert!(range.end <= self.len && range.len() == out.len(), "{range:?} of {} numbers", self.len);
        const PIECE: usize = TASK * BLOCK;
        out.par_chunks_mut(PIECE).enumerate().for_each(|(i, piece)| self.decode(range.start + i * PIECE, piece));
    }

    fn decode(&self, mut at: usize, mut out: &mut [f32]) {
        while !out.is_empty() {
            let block = at / BLOCK;
            let end = (block * BLOCK + BLOCK).min(at + out.len());
            let (now, later) = out.split_at_mut(end - at);
            let scale = self.scales.of_block(block);
            let levels = CODES.map(|code| code * scale);
            let mut rest = &mut *now;
            if at % 2 == 1 {
                rest[0] = levels[usize::from(self.codes[at / 2] & 15)];
                rest = &mut rest[1..];
            }
            let bytes = &self.codes[at.div_ceil(2)..];
            let (pairs, last) = rest.as_chunks_mut::<2>();
            for (pair, byte) in pairs.iter_mut().zip(bytes) {
                *pair = [levels[usize::from(byte >> 4)], levels[usize::from(byte & 15)]];
            }
            if let [last] = last {
                *last = levels[usize::from(bytes[pairs.len()] >> 4)];
            }
            (at, out) = (end, later);
        }
    }
}

/// The nearest code of each x / scale. A block of zeros has the code of 0. In whole 32-bit lanes: the compiler makes SIMD
/// of it.
fn nearest_codes(block: &[f32; BLOCK], scale: f32) -> [u32; BLOCK] {
    if scale == 0.0 {
        return [ZERO; BLOCK];
    }
    let shares = block.map(|x| x / scale);
    let mut codes = [0; BLOCK];
    for between in BETWEEN {
        for (code, share) in codes.iter_mut().zip(&shares) {
            *code += u32::from(*share > between);
        }
    }
    codes
}

/// The sum in the order of PyTorch's kernel for contiguous f32 (aten's SumKernel.cpp, `cascade_sum`, 8 lanes and one
/// thread): the offset of double quantisation is a mean, and another order of additions moves its last bit.
fn cascade_sum(values: &[f32]) -> f32 {
    const LANES: usize = 8;
    const CHAINS: usize = 4;
    const LEVELS: usize = 4;
    fn add(sum: &mut [f32; LANES], more: &[f32; LANES]) {
        sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
    }
    let (vectors, tail) = values.as_chunks::<LANES>();
    let (groups, rest) = vectors.as_chunks::<CHAINS>();
    let power = (groups.len().next_power_of_two().ilog2() as usize / LEVELS).max(4);
    let mut sums = [[[0f32; LANES]; CHAINS]; LEVELS];
    for (i, group) in groups.iter().enumerate() {
        for (sum, vector) in sums[0].iter_mut().zip(group) {
            add(sum, vector);
        }
        let mut done = i + 1;
        // A full level is emptied into the next one.
        for level in 1..LEVELS {
            if done % (1 << power) != 0 {
                break;
            }
            done >>= power;
            let lower = std::mem::take(&mut sums[level - 1]);
            for (sum, more) in sums[level].iter_mut().zip(&lower) {
                add(sum, more);
            }
        }
    }
    let [mut chains, higher @ ..] = sums;
    for level in &higher {
        for (sum, more) in chains.iter_mut().zip(level) {
            add(sum, more);
        }
    }
    for vector in rest {
        add(&mut chains[0], vector);
    }
    let [mut first, others @ ..] = chains;
    for more in &others {
        add(&mut first, more);
    }
    tail.iter().chain(&first).fold(0.0, |sum, x| sum + x)
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    /// Numbers of very different magnitudes, block by block.
    fn some(len: usize, rng: &mut StdRng) -> Vec<f32> {
        let mut values = Vec::with_capacity(len);
        while values.len() < len {
            let magnitude = 10f32.powi(rng.random_range(-30..30));
            let count = rng.random_range(1..200).min(len - values.len());
            values.extend((0..count).map(|_| magnitude * rng.random_range(-1.0f32..1.0)));
        }
        values
    }

    /// Half of the step of the table that x / scale lies in, times the scale.
    fn half_step(x: f32, scale: f32) -> f32 {
        let above = CODES.partition_point(|code| *code < x / scale).clamp(1, 15);
        (CODES[above] - CODES[above - 1]) / 2.0 * scale
    }

    #[test]
    fn any_numbers_come_back_within_half_a_step() {
        let mut rng = StdRng::seed_from_u64(5);
        for len in (1..200).chain([BLOCK * 300 + 17, 99_999]) {
            let values = some(len, &mut rng);
            let back = Nf4::quantise(&values, false).unwrap().dequantise();
            for (block, back) in values.chunks(BLOCK).zip(back.chunks(BLOCK)) {
                let scale = block.iter().fold(0f32, |most, x| most.max(x.abs()));
                for (x, y) in block.iter().zip(back) {
                    assert!((x - y).abs() <= half_step(*x, scale) + 1e-6 * scale, "{x} became {y}, scale {scale}");
                }
            }
        }
    }

    /// The scale moves by half a step of its own table at most.
    #[test]
    fn double_quantisation_moves_a_scale_by_half_a_step() {
        let mut rng = StdRng::seed_from_u64(6);
        let absmax: Vec<f32> = (0..1000).map(|_| rng.random_range(0.01f32..0.2)).collect();
        let Scales::Double { indices, block_scales, offset } = Scales::doubled(&absmax) else { unreachable!() };
        assert_eq!((indices.len(), block_scales.len()), (1000, 4));
        let doubled = Scales::Double { indices, block_scales: block_scales.clone(), offset };
        let table = scale_table();
        for (i, scale) in absmax.iter().enumerate() {
            let group = block_scales[i / SCALE_BLOCK];
            let share = (scale - offset) / group;
            let above = table.partition_point(|entry| *entry < share).clamp(1, 255);
            let half = (table[above] - table[above - 1]) / 2.0 * group;
            let off = (doubled.of_block(i) - scale).abs();
            assert!(off <= half + 1e-6, "{scale} became {}", doubled.of_block(i));
        }
    }

    #[test]
    fn a_block_of_zeros_comes_back_as_zeros() {
        for double in [false, true] {
            let mut values = vec![0.0; 3 * BLOCK];
            assert_eq!(Nf4::quantise(&values, double).unwrap().dequantise(), values);
            values[..BLOCK].fill(0.5);
            let back = Nf4::quantise(&values, double).unwrap().dequantise();
            assert!(back[BLOCK..].iter().all(|x| *x == 0.0) && back[0] > 0.4, "{back:?}");
        }
        assert!(Nf4::quantise(&[], true).unwrap().dequantise().is_empty());
    }

    #[test]
    fn what_is_not_finite_is_named() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut values = vec![0.25; 70_000];
            values[68_123] = bad;
            values[69_000] = bad;
            assert_eq!(Nf4::quantise(&values, true).unwrap_err().at, 68_123);
        }
    }

    #[test]
    fn any_range_is_a_part_of_the_whole() {
        let mut rng = StdRng::seed_from_u64(7);
        let values = some(40_001, &mut rng);
        let packed = Nf4::quantise(&values, true).unwrap();
        let whole = packed.dequantise();
        for _ in 0..200 {
            let (a, b) = (rng.random_range(0..=values.len()), rng.random_range(0..=values.len()));
            let range = a.min(b)..a.max(b);
            let mut part = vec![0.0; range.len()];
            packed.dequantise_range(range.clone(), &mut part);
            assert_eq!(part, whole[range]);
        }
    }

    #[test]
    fn the_sum_keeps_every_number() {
        for len in [0, 1, 7, 8, 33, 160, 5000, 40_000] {
            let values: Vec<f32> = (0..len).map(|i| (i % 7) as f32).collect();
            assert_eq!(cascade_sum(&values), values.iter().sum::<f32>(), "{len}");
        }
    }
}
