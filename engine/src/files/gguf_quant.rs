//! llama.cpp's block formats, read into f32: the same operations in the same order as
//! ggml-quants.c and the Python package `gguf`, so the results are bit-equal.

use half::f16;

use super::element::Element;

/// Dequantises whole blocks. `bytes` and `out` hold the same number of blocks.
pub(super) fn dequantise(element: Element, bytes: &[u8], out: &mut [f32]) {
    match element {
        Element::Q4_0 => blocks(bytes, out, q4_0),
        Element::Q4_1 => blocks(bytes, out, q4_1),
        Element::Q5_0 => blocks(bytes, out, q5_0),
        Element::Q5_1 => blocks(bytes, out, q5_1),
        Element::Q8_0 => blocks(bytes, out, q8_0),
        Element::Q4_K => blocks(bytes, out, q4_k),
        Element::Q5_K => blocks(bytes, out, q5_k),
        Element::Q6_K => blocks(bytes, out, q6_k),
        _ => {}
    }
}

fn blocks<const BYTES: usize, const VALUES: usize>(
    bytes: &[u8],
    out: &mut [f32],
    block: impl Fn(&[u8; BYTES], &mut [f32; VALUES]),
) {
    for (from, to) in bytes.as_chunks::<BYTES>().0.iter().zip(out.as_chunks_mut::<VALUES>().0) {
        block(from, to);
    }
}

fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// d (f16), 16 bytes of nibbles: value = d (q - 8).
fn q4_0(block: &[u8; 18], out: &mut [f32; 32]) {
    let d = half_at(block, 0);
    for (j, &q) in block[2..].iter().enumerate() {
        out[j] = d * (i32::from(q & 15) - 8) as f32;
        out[j + 16] = d * (i32::from(q >> 4) - 8) as f32;
    }
}

/// d, m (f16), 16 bytes of nibbles: value = d q + m.
fn q4_1(block: &[u8; 20], out: &mut [f32; 32]) {
    let (d, m) = (half_at(block, 0), half_at(block, 2));
    for (j, &q) in block[4..].iter().enumerate() {
        out[j] = d * f32::from(q & 15) + m;
        out[j + 16] = d * f32::from(q >> 4) + m;
    }
}

/// The five-bit codes of a Q5_0 or Q5_1 block: 4 bytes of high bits, then 16 bytes of nibbles.
fn five_bits(tail: &[u8]) -> [u8; 32] {
    let high = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]);
    let mut codes = [0; 32];
    for (j, &q) in tail[4..20].iter().enumerate() {
        codes[j] = (q & 15) | (((high >> j) & 1) << 4) as u8;
        codes[j + 16] = (q >> 4) | (((high >> (j + 16)) & 1) << 4) as u8;
    }
    codes
}

/// d (f16), 32 high bits, nibbles: value = d (q - 16).
fn q5_0(block: &[u8; 22], out: &mut [f32; 32]) {
    let d = half_at(block, 0);
    for (value, q) in out.iter_mut().zip(five_bits(&block[2..])) {
        *value = d * (i32::from(q) - 16) as f32;
    }
}

/// d, m (f16), 32 high bits, nibbles: value = d q + m.
fn q5_1(block: &[u8; 24], out: &mut [f32; 32]) {
    let (d, m) = (half_at(block, 0), half_at(block, 2));
    for (value, q) in out.iter_mut().zip(five_bits(&block[4..])) {
        *value = d * f32::from(q) + m;
    }
}

/// d (f16), 32 signed bytes.
fn q8_0(block: &[u8; 34], out: &mut [f32; 32]) {
    let d = half_at(block, 0);
    for (value, &q) in out.iter_mut().zip(&block[2..]) {
        *value = f32::from(q as i8) * d;
    }
}

/// The eight six-bit (scale, minimum) pairs packed in 12 bytes of a Q4_K or Q5_K block.
fn scales_and_mins(packed: &[u8]) -> [(f32, f32); 8] {
    std::array::from_fn(|j| {
        let (scale, min) = if j < 4 {
            (packed[j] & 63, packed[j + 4] & 63)
        } else {
            let low = packed[j + 4];
            ((low & 15) | ((packed[j - 4] >> 6) << 4), (low >> 4) | ((packed[j] >> 6) << 4))
        };
        (f32::from(scale), f32::from(min))
    })
}

/// d, dmin (f16), 12 bytes of scales, 128 bytes of nibbles: value = d s q - dmin m, in eight groups of 32.
fn q4_k(block: &[u8; 144], out: &mut [f32; 256]) {
    let (d, dmin) = (half_at(block, 0), half_at(block, 2));
    let groups = scales_and_mins(&block[4..16]);
    for (group, values) in out.as_chunks_mut::<32>().0.iter_mut().enumerate() {
        let (scale, min) = (d * groups[group].0, dmin * groups[group].1);
        let codes = &block[16 + 32 * (group / 2)..][..32];
        let shift = 4 * (group % 2);
        for (value, &q) in values.iter_mut().zip(codes) {
            *value = scale * f32::from((q >> shift) & 15) - min;
        }
    }
}

/// As Q4_K with a fifth bit: 32 bytes in which bit g belongs to group g.
fn q5_k(block: &[u8; 176], out: &mut [f32; 256]) {
    let (d, dmin) = (half_at(block, 0), half_at(block, 2));
    let groups = scales_and_mins(&block[4..16]);
    let high = &block[16..48];
    for (group, values) in out.as_chunks_mut::<32>().0.iter_mut().enumerate() {
        let (scale, min) = (d * groups[group].0, dmin * groups[group].1);
        let codes = &block[48 + 32 * (group / 2)..][..32];
        let shift = 4 * (group % 2);
        for ((value, &q), &bits) in values.iter_mut().zip(codes).zip(high) {
            let code = ((q >> shift) & 15) | (((bits >> group) & 1) << 4);
            *value = scale * f32::from(code) - min;
        }
    }
}

/// 128 bytes of low nibbles, 64 of high bit pairs, 16 signed scales, d (f16): value = d s (q - 32).
fn q6_k(block: &[u8; 210], out: &mut [f32; 256]) {
    let d = half_at(block, 208);
    let scales: [f32; 16] = std::array::from_fn(|j| d * f32::from(block[192 + j] as i8));
    for (group, values) in out.as_chunks_mut::<32>().0.iter_mut().enumerate() {
        // Each half of the block is four groups: two from the low nibbles of 64 bytes, two from the high ones.
        let (part, inner) = (group / 4, group % 4);
        let low = &block[64 * part + 32 * (inner % 2)..][..32];
        let high = &block[128 + 32 * part..][..32];
        let shift = 4 * (inner / 2);
        for (j, value) in values.iter_mut().enumerate() {
            let code = ((low[j] >> shift) & 15) | (((high[j] >> (2 * inner)) & 3) << 4);
            *value = scales[2 * group + j / 16] * (i32::from(code) - 32) as f32;
        }
    }
}
