//! The GGUF container, versions 2 and 3: metadata and tensor list, checked against the file
//! before anything is kept. Arrays stay in the file and are decoded when asked for.
//!
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use super::element::{Element, GGUF_READABLE};
use super::safetensors_file::shortened;
use super::stored::{StoredTensor, refuse_overlaps};
use crate::error::{Error, Result};

const MOST_DIMENSIONS: u32 = 4;
const DEFAULT_ALIGNMENT: u64 = 32;

/// Type numbers of metadata values.
const TEXT: u32 = 8;
const ARRAY: u32 = 9;

/// One metadata value. Text and arrays are ranges of the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Integer(i128),
    Float(f64),
    /// A 32-bit float, kept as such: 1e-5 is not 9.999999747378752e-06.
    Float32(f32),
    Bool(bool),
    Text(Range<usize>),
    Array {
        kind: u32,
        count: usize,
        range: Range<usize>,
    },
}

/// Metadata by key, tensors by their GGUF names.
#[derive(Debug)]
pub(super) struct Contents {
    pub metadata: BTreeMap<String, Value>,
    pub tensors: BTreeMap<String, StoredTensor>,
}

/// A place in the file. Every read is checked and says what it was for.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    file: &'a Path,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: u64, what: &str) -> Result<&'a [u8]> {
        let left = (self.bytes.len() - self.at) as u64;
        if count > left {
            return Err(Error::model(
                self.file,
                what,
                format!(
                    "the file is truncated or damaged: {count} bytes are needed at byte {}, {left} are left",
                    self.at
                ),
            ));
        }
        let taken = &self.bytes[self.at..self.at + count as usize];
        self.at += count as usize;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N as u64, what)?);
        Ok(out)
    }

    fn u32(&mut self, what: &str) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    fn u64(&mut self, what: &str) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// A length-prefixed string: its range in the file.
    fn text(&mut self, what: &str) -> Result<Range<usize>> {
        let length = self.u64(what)?;
        self.take(length, what)?;
        Ok(self.at - length as usize..self.at)
    }

    fn name(&mut self, what: &str) -> Result<String> {
        let range = self.text(what)?;
        match std::str::from_utf8(&self.bytes[range]) {
            Ok(name) if !name.is_empty() => Ok(name.to_owned()),
            Ok(_) => Err(Error::model(self.file, what, "its name is empty")),
            Err(_) => Err(Error::model(self.file, what, "its name is not UTF-8")),
        }
    }

    fn value(&mut self, kind: u32, key: &str) -> Result<Value> {
        Ok(match kind {
            0 => Value::Integer(u8::from_le_bytes(self.array(key)?).into()),
            1 => Value::Integer(i8::from_le_bytes(self.array(key)?).into()),
            2 => Value::Integer(u16::from_le_bytes(self.array(key)?).into()),
            3 => Value::Integer(i16::from_le_bytes(self.array(key)?).into()),
            4 => Value::Integer(self.u32(key)?.into()),
            5 => Value::Integer(i32::from_le_bytes(self.array(key)?).into()),
            6 => Value::Float32(f32::from_le_bytes(self.array(key)?)),
            7 => Value::Bool(self.array::<1>(key)?[0] != 0),
            TEXT => Value::Text(self.text(key)?),
            ARRAY => {
                let kind = self.u32(key)?;
                let count = self.u64(key)?;
                let start = self.at;
                match width(kind) {
                    Some(width) => {
                        let length = count.saturating_mul(width);
                        self.take(length, key)?;
                    }
                    None if kind == TEXT => {
                        for _ in 0..count {
                            self.text(key)?;
                        }
                    }
                    None if kind == ARRAY => {
                        return Err(Error::model(self.file, key, "an array of arrays is not supported"));
                    }
                    None => return Err(Error::model(self.file, key, format!("unknown array type {kind}"))),
                }
                Value::Array { kind, count: count as usize, range: start..self.at }
            }
            10 => Value::Integer(self.u64(key)?.into()),
            11 => Value::Integer(i64::from_le_bytes(self.array(key)?).into()),
            12 => Value::Float(f64::from_le_bytes(self.array(key)?)),
            other => return Err(Error::model(self.file, key, format!("unknown metadata type {other}"))),
        })
    }
}

/// Bytes of a scalar metadata type; None for text, array and unknown.
fn width(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

/// Parses and checks a whole GGUF file.
///
/// # Errors
/// `BadModel` with the key or tensor, `ModelUnsupported` for a tensor type or a version that is
/// not read.
pub(super) fn parse(bytes: &[u8], file: &Path) -> Result<Contents> {
    let mut cursor = Cursor { bytes, at: 0, file };
    let header = "the header";
    if cursor.array::<4>(header)? != *b"GGUF" {
        return Err(Error::model(file, header, "does not begin with GGUF: not a GGUF file"));
    }
    let version = cursor.u32(header)?;
    if version != 2 && version != 3 {
        let what = if (1..=3).contains(&version.swap_bytes()) {
            "big-endian GGUF".into()
        } else {
            format!("GGUF version {version}")
        };
        let reason = format!("{what} is not read; convert the model again with a current llama.cpp");
        return Err(Error::ModelUnsupported { path: file.to_owned(), reason });
    }
    let tensor_count = cursor.u64(header)?;
    let key_count = cursor.u64(header)?;
    // The least a key (length, one letter, type, one byte) and a tensor entry (length, one letter,
    // dimension count, no dimension, type, offset) can take.
    let least = key_count.checked_mul(14).zip(tensor_count.checked_mul(25)).and_then(|(k, t)| k.checked_add(t));
    if least.is_none_or(|least| least > (bytes.len() - cursor.at) as u64) {
        let reason = format!("claims {key_count} keys and {tensor_count} tensors, more than fit in the file");
        return Err(Error::model(file, header, reason));
    }

    let mut metadata = BTreeMap::new();
    for index in 0..key_count {
        let key = cursor.name(&format!("metadata key {index}"))?;
        let kind = cursor.u32(&key)?;
        let value = cursor.value(kind, &key)?;
        if metadata.insert(key.clone(), value).is_some() {
            return Err(Error::model(file, key, "this metadata key stands in the file twice"));
        }
    }
    let alignment = alignment(&metadata, file)?;

    let mut listed = Vec::new();
    let mut names = BTreeSet::new();
    for index in 0..tensor_count {
        let name = cursor.name(&format!("tensor {index}"))?;
        if !names.insert(name.clone()) {
            return Err(Error::model(file, name, "this tensor stands in the file twice"));
        }
        listed.push(tensor_entry(&mut cursor, name, alignment)?);
    }
    let data_start = (cursor.at as u64).next_multiple_of(alignment);
    let tensors = place(listed, data_start, bytes.len(), file)?;
    Ok(Contents { metadata, tensors })
}

fn alignment(metadata: &BTreeMap<String, Value>, file: &Path) -> Result<u64> {
    const KEY: &str = "general.alignment";
    match metadata.get(KEY) {
        None => Ok(DEFAULT_ALIGNMENT),
        Some(Value::Integer(n)) => match u32::try_from(*n) {
            Ok(n) if n.is_power_of_two() => Ok(n.into()),
            _ => Err(Error::model(file, KEY, format!("is {n}, must be a power of two"))),
        },
        Some(_) => Err(Error::model(file, KEY, "is not an integer")),
    }
}

/// Name, type, row-major shape, offset from the start of the data, bytes.
struct Listed {
    name: String,
    element: Element,
    shape: Vec<usize>,
    offset: u64,
    bytes: usize,
}

fn tensor_entry(cursor: &mut Cursor<'_>, name: String, alignment: u64) -> Result<Listed> {
    let file = cursor.file;
    let dimensions = cursor.u32(&name)?;
    if dimensions > MOST_DIMENSIONS {
        return Err(Error::model(
            file,
            name,
            format!("has {dimensions} dimensions, GGUF has at most {MOST_DIMENSIONS}"),
        ));
    }
    let mut shape = Vec::with_capacity(dimensions as usize);
    for _ in 0..dimensions {
        let n = cursor.u64(&name)?;
        let n = usize::try_from(n).map_err(|_| Error::model(file, &name, format!("has a dimension of {n}")))?;
        shape.push(n);
    }
    shape.reverse(); // GGUF lists the fastest axis first
    let kind = cursor.u32(&name)?;
    let offset = cursor.u64(&name)?;
    let element = Element::from_ggml(kind).map_err(|known| match known {
        Some(kind) => Error::ModelUnsupported {
            path: file.to_owned(),
            reason: format!("tensor {} is stored as {kind}; Luthier reads {GGUF_READABLE}", shortened(&name)),
        },
        None => Error::model(file, &name, format!("unknown tensor type {kind}")),
    })?;
    let Some(bytes) = element.bytes(&shape) else {
        let (per_block, _) = element.block();
        let reason = format!("its shape {shape:?} is too large or its rows are no multiple of {per_block}");
        return Err(Error::model(file, name, reason));
    };
    if !offset.is_multiple_of(alignment) {
        return Err(Error::model(file, name, format!("its offset {offset} is no multiple of {alignment}")));
    }
    Ok(Listed { name, element, shape, offset, bytes })
}

/// Absolute places, within the file and apart from one another.
fn place(listed: Vec<Listed>, data_start: u64, file_len: usize, file: &Path) -> Result<BTreeMap<String, StoredTensor>> {
    let mut tensors = BTreeMap::new();
    let mut cut: Option<(String, u64)> = None;
    for tensor in listed {
        let start = data_start.checked_add(tensor.offset);
        let Some((start, end)) = start.and_then(|start| Some((start, start.checked_add(tensor.bytes as u64)?))) else {
            return Err(Error::model(file, tensor.name, format!("its offset {} is out of range", tensor.offset)));
        };
        if end > file_len as u64 && cut.as_ref().is_none_or(|(_, last)| end > *last) {
            cut = Some((tensor.name.clone(), end));
        }
        let range = start as usize..end as usize;
        tensors.insert(tensor.name, StoredTensor { element: tensor.element, shape: tensor.shape, range });
    }
    if let Some((name, end)) = cut {
        let missing = end - file_len as u64;
        return Err(Error::model(file, name, format!("the file is truncated: {missing} of {end} bytes are missing")));
    }
    refuse_overlaps(file, tensors.iter().map(|(name, t)| (name.as_str(), &t.range)))?;
    Ok(tensors)
}
