//! Keys and values of the positions that were already read, for generation: one buffer for several sequences.

use burn::tensor::{Device, Tensor};

use super::{Model, ModelConfig, Rows, Tape};
use crate::ops::Segment;

/// Where one sequence lies in the buffer.
struct Room {
    start: usize,
    capacity: usize,
    len: usize,
}

/// Each layer's keys and values are [positions of all sequences, kv_heads * head_dim], a sequence's own one below the
/// other.
pub struct KvCache {
    layers: Vec<(Tensor<2>, Tensor<2>)>,
    rooms: Vec<Room>,
}

impl KvCache {
    /// Room for as many positions of each sequence as `capacities` says.
    pub fn new(config: &ModelConfig, capacities: &[usize], device: &Device) -> Self {
        let mut rooms = Vec::with_capacity(capacities.len());
        let mut start = 0;
        for &capacity in capacities {
            rooms.push(Room { start, capacity, len: 0 });
            start += capacity;
        }
        let width = config.kv_heads * config.head_dim;
        let empty = || Tensor::zeros([start, width], device);
        Self { layers: (0..config.layers).map(|_| (empty(), empty())).collect(), rooms }
    }

    /// Bytes of one position of one sequence, all layers together.
    pub fn position_bytes(config: &ModelConfig) -> usize {
        2 * size_of::<f32>() * config.layers * config.kv_heads * config.head_dim
    }

    /// Positions of a sequence that were read so far.
    pub fn len(&self, sequence: usize) -> usize {
        self.rooms[sequence].len
    }

    /// Adds a layer's new rows at the ends of their segments and returns all keys and values, those of other sequences
    /// too: the segments say which belong together.
    pub(super) fn extend(
        &mut self,
        layer: usize,
        k: Tensor<2>,
        v: Tensor<2>,
        segments: &[Segment],
    ) -> (Tensor<2>, Tensor<2>) {
        let width = k.dims()[1];
        let (keys, values) = &mut self.layers[layer];
        for s in segments {
            let (from, to) = (s.k_start + s.k_len - s.q_len, s.k_start + s.k_len);
            let rows = [s.q_start..s.q_start + s.q_len, 0..width];
            // `inplace` gives the only handle away, so that the assignment needs no copy of the whole cache.
            keys.inplace(|t| t.slice_assign([from..to, 0..width], k.clone().slice(rows.clone())));
            values.inplace(|t| t.slice_assign([from..to, 0..width], v.clone().slice(rows)));
        }
        (keys.clone(), values.clone())
    }
}

impl Model {
    /// Rows for the next positions of some sequences of a cache, one sequence below the other: (its number in the
    /// cache, how many positions).
    fn next_rows(&self, cache: &KvCache, parts: &[(usize, usize)]) -> Rows {
        let mut q_start = 0;
        let segments = parts.iter().map(|&(sequence, new)| {
            let room = &cache.rooms[sequence];
            assert!(room.len + new <= room.capacity, "sequence {sequence} has room for {}", room.capacity);
            let segment = Segment { q_start, q_len: new, k_start: room.start, k_len: room.len + new };
            q_start += new;
            segment
        });
        self.rows_of(segments.collect())
    }

    /// Reads the next tokens of some sequences through all blocks: (its number in the cache, its ids). Returns the
    /// last block's output, one row for each id. No autodiff. On a GPU all must have as many ids.
    ///
    /// # Panics
    /// Where a sequence would leave its room.
    pub fn read_on(&self, cache: &mut KvCache, parts: &[(usize, &[u32])]) -> Tensor<2> {
        let lengths: Vec<(usize, usize)> = parts.iter().map(|&(sequence, ids)| (sequence, ids.len())).collect();
        let rows = self.next_rows(cache, &lengths);
        let ids: Vec<u32> = parts.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
        let mut x = self.embed(&ids, &rows, &mut Tape::off());
        for layer in 0..self.config.layers {
            x = self.block(layer, x, &rows, Some(cache), &mut Tape::off());
        }
        for (sequence, new) in lengths {
            cache.rooms[sequence].len += new;
        }
        x
    }
}
