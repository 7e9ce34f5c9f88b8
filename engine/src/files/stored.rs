//! A tensor as it lies in a mapped file: type, shape, place; checked once, read on demand.

use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use rayon::prelude::*;

use super::element::Element;
use crate::error::{Error, Result};

/// Below this many numbers a conversion is not worth more than one thread.
const PARALLEL_FROM: usize = 1 << 16;

/// A file mapped into memory for reading. Nothing is copied until a tensor is read.
pub(super) struct MappedFile {
    pub path: PathBuf,
    map: Mmap,
}

impl MappedFile {
    /// # Errors
    /// `Io` when the file cannot be opened, `BadModel` when it is not a file or is empty.
    pub fn open(path: &Path) -> Result<Self> {
        let file = std::fs::File::open(path).map_err(|e| Error::io(path, e))?;
        let about = file.metadata().map_err(|e| Error::io(path, e))?;
        if !about.is_file() {
            return Err(Error::model(path, "the whole file", "is not a regular file"));
        }
        if about.len() == 0 {
            return Err(Error::model(path, "the whole file", "is empty (0 bytes); download or copy it again"));
        }
        // SAFETY: the mapping is only read. Whoever truncates a model file while it is mapped ends
        // this process with SIGBUS; every program that maps model files shares that.
        let map = unsafe { Mmap::map(&file) }.map_err(|e| Error::io(path, e))?;
        if map.starts_with(b"version https://git-lfs") {
            return Err(Error::model(
                path,
                "the whole file",
                "is a Git LFS pointer, not the file itself; fetch it with `git lfs pull`",
            ));
        }
        Ok(Self { path: path.to_owned(), map })
    }

    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Gives back the pages of a range that was read, so that a file read once is not counted as
    /// this process's memory. They are read from the file again when they are needed again.
    pub fn release(&self, range: &Range<usize>) {
        #[cfg(unix)]
        if range.len() >= 1 << 16 {
            // SAFETY: a shared, read-only mapping of a file: dropped pages come back with the same bytes.
            let _ = unsafe {
                self.map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, range.start, range.len())
            };
        }
        #[cfg(not(unix))]
        let _ = range;
    }
}

/// Type, row-major shape and byte range (in its file) of one tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredTensor {
    pub element: Element,
    pub shape: Vec<usize>,
    pub range: Range<usize>,
}

/// What makes the model's numbers, in Hugging Face's order, of the file's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conversion {
    AsStored,
    /// llama.cpp keeps the query and key rows of its `llama` models in pairs (0, h/2, 1, h/2+1,
    /// ...) within each head of h rows; Hugging Face has (0 .. h/2, h/2 .. h).
    PairedRows {
        head_rows: usize,
    },
    /// A matrix whose columns are the file's rows (llama.cpp's GPT-2).
    Transposed,
    /// The file has 1 more everywhere (llama.cpp's Gemma norms).
    LessOne,
}

/// The row of the file that holds row `row` of the model, where rows lie in pairs.
fn paired_row(head_rows: usize, row: usize) -> usize {
    let (head, within) = (row / head_rows, row % head_rows);
    let half = head_rows / 2;
    head * head_rows + 2 * (within % half) + within / half
}

impl StoredTensor {
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// All numbers as f32, row-major. `file` is the whole file the tensor was found in.
    pub fn to_f32(&self, file: &[u8], conversion: Conversion) -> Vec<f32> {
        let bytes = &file[self.range.clone()];
        let mut out = vec![0.0f32; self.len()];
        if out.is_empty() {
            return out;
        }
        match conversion {
            Conversion::AsStored => self.decode(bytes, &mut out),
            Conversion::LessOne => {
                self.decode(bytes, &mut out);
                out.iter_mut().for_each(|x| *x -= 1.0);
            }
            Conversion::Transposed => {
                let mut stored = vec![0.0f32; self.len()];
                self.decode(bytes, &mut stored);
                let [rows, cols] = [self.shape[0], self.len() / self.shape[0]];
                let least = (PARALLEL_FROM / cols).max(1);
                out.par_chunks_mut(cols).with_min_len(least).enumerate().for_each(|(row, out)| {
                    for (col, x) in out.iter_mut().enumerate() {
                        *x = stored[col * rows + row];
                    }
                });
            }
            Conversion::PairedRows { head_rows } => {
                let (per_block, block_bytes) = self.element.block();
                let row = self.len() / self.shape[0];
                let row_bytes = row / per_block * block_bytes;
                let least = (PARALLEL_FROM / row).max(1);
                out.par_chunks_mut(row).with_min_len(least).enumerate().for_each(|(i, o)| {
                    let from = paired_row(head_rows, i) * row_bytes;
                    self.element.decode(&bytes[from..from + row_bytes], o);
                });
            }
        }
        out
    }

    /// The file's numbers in the file's order.
    fn decode(&self, bytes: &[u8], out: &mut [f32]) {
        if out.len() < PARALLEL_FROM {
            return self.element.decode(bytes, out);
        }
        let (per_block, block_bytes) = self.element.block();
        let blocks = (PARALLEL_FROM / per_block).max(1);
        let pieces = bytes.par_chunks(blocks * block_bytes);
        out.par_chunks_mut(blocks * per_block).zip(pieces).for_each(|(o, b)| self.element.decode(b, o));
    }
}

/// Refuses tensors that share bytes. `tensors` are (name, range) in any order.
pub(super) fn refuse_overlaps<'a>(
    file: &Path,
    tensors: impl Iterator<Item = (&'a str, &'a Range<usize>)>,
) -> Result<Vec<(&'a str, &'a Range<usize>)>> {
    let mut sorted: Vec<_> = tensors.collect();
    sorted.sort_by_key(|(name, range)| (range.start, range.end, *name));
    for pair in sorted.windows(2) {
        let ((before, a), (name, b)) = (pair[0], pair[1]);
        if b.start < a.end && !b.is_empty() {
            return Err(Error::model(
                file,
                name,
                format!("its bytes {}..{} overlap those of {before} ({}..{})", b.start, b.end, a.start, a.end),
            ));
        }
    }
    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paired_rows_come_back_in_order() {
        // Two heads of four rows, one number a row: the file has 0 2 1 3 within each head.
        let stored: Vec<u8> =
            [0.0f32, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let tensor = StoredTensor { element: Element::F32, shape: vec![8], range: 0..32 };
        let read = tensor.to_f32(&stored, Conversion::PairedRows { head_rows: 4 });
        assert_eq!(read, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    }

    #[test]
    fn transposed_and_shifted_numbers() {
        // The file's rows are 0 1 and 2 3 and 4 5.
        let stored: Vec<u8> = (0..6).flat_map(|i| (i as f32).to_le_bytes()).collect();
        let tensor = StoredTensor { element: Element::F32, shape: vec![2, 3], range: 0..24 };
        assert_eq!(tensor.to_f32(&stored, Conversion::Transposed), [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
        assert_eq!(tensor.to_f32(&stored, Conversion::LessOne), [-1.0, 0.0, 1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn threads_do_not_change_the_numbers() {
        let count = PARALLEL_FROM * 2 + 300;
        let stored: Vec<u8> = (0..count).flat_map(|i| (i as f32).to_le_bytes()).collect();
        let tensor = StoredTensor { element: Element::F32, shape: vec![count], range: 0..stored.len() };
        let read = tensor.to_f32(&stored, Conversion::AsStored);
        assert!(read.iter().enumerate().all(|(i, &x)| x == i as f32));
    }
}
