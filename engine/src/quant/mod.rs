//! Frozen weights in 4 bits (QLoRA, Dettmers et al. 2023): the NF4 code on plain numbers, a packed matrix on a device,
//! and the product with one.

mod nf4;
mod packed;
mod product;

pub use nf4::{BLOCK, CODES, Nf4, NotFinite, SCALE_BLOCK, Scales, scale_table};
pub use packed::{PackedMatrix, packed_bytes};
pub use product::square_product;

/// The 4-bit form that the linear layers of the blocks take while a model is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantisation {
    /// Keep the scales of the blocks in 8 bits (4.13 bits a weight in all), not in f32 (4.5 bits).
    pub double: bool,
}
