//! How the numbers of a tensor are stored in a file, and how they become f32.

use super::gguf_quant;

/// The storage type of a tensor: safetensors' `dtype` or GGUF's tensor type.
#[allow(non_camel_case_types)] // the names are those people read in model files
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Element {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4_K,
    Q5_K,
    Q6_K,
}

use Element::*;

/// The types that GGUF files may use and this reader understands, for messages.
pub(super) const GGUF_READABLE: &str = "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K";

impl Element {
    /// The name in model files: "F32", "BF16", "Q4_K".
    pub fn name(self) -> &'static str {
        match self {
            F64 => "F64",
            F32 => "F32",
            F16 => "F16",
            BF16 => "BF16",
            I64 => "I64",
            I32 => "I32",
            I16 => "I16",
            I8 => "I8",
            U64 => "U64",
            U32 => "U32",
            U16 => "U16",
            U8 => "U8",
            Bool => "BOOL",
            Q4_0 => "Q4_0",
            Q4_1 => "Q4_1",
            Q5_0 => "Q5_0",
            Q5_1 => "Q5_1",
            Q8_0 => "Q8_0",
            Q4_K => "Q4_K",
            Q5_K => "Q5_K",
            Q6_K => "Q6_K",
        }
    }

    /// (numbers in a block, bytes of a block); plain types have blocks of one number.
    pub(super) fn block(self) -> (usize, usize) {
        match self {
            F64 | I64 | U64 => (1, 8),
            F32 | I32 | U32 => (1, 4),
            F16 | BF16 | I16 | U16 => (1, 2),
            I8 | U8 | Bool => (1, 1),
            Q4_0 => (32, 18),
            Q4_1 => (32, 20),
            Q5_0 => (32, 22),
            Q5_1 => (32, 24),
            Q8_0 => (32, 34),
            Q4_K => (256, 144),
            Q5_K => (256, 176),
            Q6_K => (256, 210),
        }
    }

    pub fn is_float(self) -> bool {
        !matches!(self, I64 | I32 | I16 | I8 | U64 | U32 | U16 | U8 | Bool)
    }

    /// Bytes a tensor of this row-major shape takes. None: the numbers overflow, or a row is not a
    /// whole number of blocks.
    pub(super) fn bytes(self, shape: &[usize]) -> Option<usize> {
        let (per_block, block_bytes) = self.block();
        let row = shape.last().copied().unwrap_or(1);
        if row % per_block != 0 {
            return None;
        }
        // Multiply every dimension, zeros last: [huge, huge, 0] must not pass as "no bytes".
        let nonzero = shape.iter().filter(|&&n| n != 0).try_fold(1usize, |product, &n| product.checked_mul(n))?;
        let bytes = (nonzero / per_block).checked_mul(block_bytes)?;
        Some(if shape.contains(&0) { 0 } else { bytes })
    }

    /// A safetensors dtype. `Err(true)`: a known type that has no plain f32 reading (FP8 and
    /// below, complex); `Err(false)`: not a dtype at all.
    pub(super) fn from_safetensors(name: &str) -> Result<Self, bool> {
        Ok(match name {
            "F64" => F64,
            "F32" => F32,
            "F16" => F16,
            "BF16" => BF16,
            "I64" => I64,
            "I32" => I32,
            "I16" => I16,
            "I8" => I8,
            "U64" => U64,
            "U32" => U32,
            "U16" => U16,
            "U8" => U8,
            "BOOL" => Bool,
            "F4" | "F6_E2M3" | "F6_E3M2" | "F8_E5M2" | "F8_E4M3" | "F8_E8M0" | "F8_E4M3FNUZ" | "F8_E5M2FNUZ"
            | "C64" => return Err(true),
            _ => return Err(false),
        })
    }

    /// A ggml type number. `Err(Some(name))`: a known type that is not supported.
    pub(super) fn from_ggml(id: u32) -> Result<Self, Option<&'static str>> {
        Ok(match id {
            0 => F32,
            1 => F16,
            2 => Q4_0,
            3 => Q4_1,
            6 => Q5_0,
            7 => Q5_1,
            8 => Q8_0,
            12 => Q4_K,
            13 => Q5_K,
            14 => Q6_K,
            24 => I8,
            25 => I16,
            26 => I32,
            27 => I64,
            28 => F64,
            30 => BF16,
            other => {
                let names = [
                    (9, "Q8_1"),
                    (10, "Q2_K"),
                    (11, "Q3_K"),
                    (15, "Q8_K"),
                    (16, "IQ2_XXS"),
                    (17, "IQ2_XS"),
                    (18, "IQ3_XXS"),
                    (19, "IQ1_S"),
                    (20, "IQ4_NL"),
                    (21, "IQ3_S"),
                    (22, "IQ2_S"),
                    (23, "IQ4_XS"),
                    (29, "IQ1_M"),
                    (34, "TQ1_0"),
                    (35, "TQ2_0"),
                    (39, "MXFP4"),
                ];
                return Err(names.iter().find(|(number, _)| *number == other).map(|(_, name)| *name));
            }
        })
    }

    /// Turns stored bytes into f32. `bytes` and `out` are whole blocks of the same numbers; what
    /// is left over of the longer one is not touched. Integer types give nothing but zeros.
    pub(super) fn decode(self, bytes: &[u8], out: &mut [f32]) {
        match self {
            F32 => plain(bytes, out, f32::from_le_bytes),
            F64 => plain(bytes, out, |b| f64::from_le_bytes(b) as f32),
            F16 => plain(bytes, out, |b| half::f16::from_le_bytes(b).to_f32()),
            BF16 => plain(bytes, out, |b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16)),
            Q4_0 | Q4_1 | Q5_0 | Q5_1 | Q8_0 | Q4_K | Q5_K | Q6_K => gguf_quant::dequantise(self, bytes, out),
            I64 | I32 | I16 | I8 | U64 | U32 | U16 | U8 | Bool => out.fill(0.0),
        }
    }
}

fn plain<const N: usize>(bytes: &[u8], out: &mut [f32], convert: impl Fn([u8; N]) -> f32) {
    for (value, raw) in out.iter_mut().zip(bytes.as_chunks::<N>().0) {
        *value = convert(*raw);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_shape() {
        assert_eq!(F32.bytes(&[3, 5]), Some(60));
        assert_eq!(F32.bytes(&[]), Some(4));
        assert_eq!(Q4_K.bytes(&[2, 512]), Some(4 * 144));
        assert_eq!(Q4_0.bytes(&[64, 31]), None);
        assert_eq!(F32.bytes(&[usize::MAX, 2]), None);
        assert_eq!(F32.bytes(&[usize::MAX, 2, 0]), None);
        assert_eq!(F32.bytes(&[7, 0]), Some(0));
    }

    #[test]
    fn sixteen_bit_floats() {
        let mut out = [0.0; 2];
        BF16.decode(&[0x80, 0x3f, 0x00, 0xc0], &mut out);
        assert_eq!(out, [1.0, -2.0]);
        F16.decode(&[0x00, 0x3c, 0x01, 0x00], &mut out);
        assert_eq!(out, [1.0, 2f32.powi(-24)]);
    }
}
