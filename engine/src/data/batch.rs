//! The order of the rows in an epoch, and rows put together into a batch.

use super::encode::{Encoded, IGNORED};

/// SplitMix64 (Steele, Lea and Flood 2014): five lines that give the same numbers in every version of every crate, so
/// that a resumed run sees the rows in the order in which it left them.
#[derive(Debug, Clone)]
pub(super) struct SplitMix(u64);

impl SplitMix {
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        // Streams of one seed are far apart: the stream's number goes through the mixer first.
        Self(seed ^ Self(stream).next())
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 <= result < `bound` (which is above 0), all equally likely to 2^-64 x bound.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// 0 <= result < 1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Fisher and Yates.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// Indices of the rows in the order in which epoch `epoch` (from 0) takes them: the file's own order, or a
/// Fisher-Yates shuffle with SplitMix64 numbers that depends on `seed` and `epoch` only.
pub fn epoch_order(len: usize, seed: u64, epoch: usize, shuffle: bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    if shuffle {
        SplitMix::new(seed, epoch as u64).shuffle(&mut order);
    }
    order
}

/// Rows side by side, padded on the right to the longest.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Numbers of the rows in their files, from 1.
    pub rows: Vec<usize>,
    /// Length of the longest row, in tokens.
    pub width: usize,
    /// [rows, width], row by row.
    pub ids: Vec<u32>,
    /// [rows, width]; [`IGNORED`] where context or padding stands. Not shifted.
    pub labels: Vec<i32>,
    /// Tokens of each row without padding.
    pub lengths: Vec<usize>,
}

impl Batch {
    pub fn collate(rows: &[&Encoded], pad_id: u32) -> Self {
        let lengths: Vec<usize> = rows.iter().map(|row| row.input_ids.len()).collect();
        let width = lengths.iter().copied().max().unwrap_or(0);
        let mut ids = vec![pad_id; rows.len() * width];
        let mut labels = vec![IGNORED; rows.len() * width];
        for (index, row) in rows.iter().enumerate() {
            let start = index * width;
            ids[start..start + row.input_ids.len()].copy_from_slice(&row.input_ids);
            labels[start..start + row.labels.len()].copy_from_slice(&row.labels);
        }
        Self { rows: rows.iter().map(|row| row.row).collect(), width, ids, labels, lengths }
    }

    /// Tokens that are predicted and learned: labels after each row's first token.
    pub fn learned_tokens(&self) -> usize {
        let rows = self.labels.chunks_exact(self.width.max(1));
        rows.map(|row| row.iter().skip(1).filter(|label| **label != IGNORED).count()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_published_generator() {
        // First outputs for seed 1234567, as in the generator's own test vectors.
        let mut random = SplitMix(1_234_567);
        let first = [random.next(), random.next(), random.next()];
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn an_epoch_takes_every_row_once_and_the_next_another_way() {
        let order = epoch_order(100, 42, 0, true);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, epoch_order(100, 42, 0, false));
        assert_eq!(order, epoch_order(100, 42, 0, true));
        assert_ne!(order, epoch_order(100, 42, 1, true));
        assert_ne!(order, epoch_order(100, 43, 0, true));
        assert_ne!(order, sorted);
        assert!(epoch_order(0, 42, 0, true).is_empty());
    }

    #[test]
    fn a_batch_is_padded_on_the_right() {
        let long = Encoded { row: 7, input_ids: vec![5, 6, 7], labels: vec![IGNORED, 6, 7] };
        let short = Encoded { row: 2, input_ids: vec![8], labels: vec![8] };
        let batch = Batch::collate(&[&short, &long], 0);
        assert_eq!((batch.rows.as_slice(), batch.width, batch.lengths.as_slice()), (&[2, 7][..], 3, &[1, 3][..]));
        assert_eq!(batch.ids, [8, 0, 0, 5, 6, 7]);
        assert_eq!(batch.labels, [8, IGNORED, IGNORED, IGNORED, 6, 7]);
        assert_eq!(batch.learned_tokens(), 2);
        assert_eq!(Batch::collate(&[], 0).width, 0);
    }
}
