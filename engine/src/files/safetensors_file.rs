//! Reads safetensors files: every tensor's type, shape and place is checked before anything is read.
//!
//! The header is parsed here and not by the `safetensors` crate, whose errors do not name the
//! tensor and whose header map silently keeps the last of two equal names.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};

use super::element::Element;
use super::stored::{Conversion, MappedFile, StoredTensor, refuse_overlaps};
use crate::error::{Error, Result};

/// The limit of the reference implementation.
const LONGEST_HEADER: u64 = 100_000_000;
const MOST_DIMENSIONS: usize = 8;

/// The tensors and the `__metadata__` of a header.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub tensors: BTreeMap<String, StoredTensor>,
    pub metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Info {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

/// What stands in the header, unchecked, in file order.
#[derive(Default)]
struct RawHeader {
    infos: Vec<(String, Info)>,
    metadata: BTreeMap<String, String>,
}

/// Collects the header and remembers in `current` the name it was at, for the error message.
struct HeaderVisitor<'a> {
    current: &'a mut Option<String>,
}

impl<'de> Visitor<'de> for HeaderVisitor<'_> {
    type Value = RawHeader;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawHeader, A::Error> {
        let mut raw = RawHeader::default();
        let mut seen = std::collections::HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            *self.current = Some(name.clone());
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom("the header has this name twice"));
            }
            if name == "__metadata__" {
                raw.metadata = map.next_value()?;
            } else {
                raw.infos.push((name, map.next_value()?));
            }
            *self.current = None;
        }
        Ok(raw)
    }
}

impl<'de> DeserializeSeed<'de> for HeaderVisitor<'_> {
    type Value = RawHeader;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<RawHeader, D::Error> {
        deserializer.deserialize_map(self)
    }
}

/// Parses and checks the header of a whole safetensors file.
///
/// # Errors
/// `BadModel` with the tensor's name, `ModelUnsupported` for a storage type without a reading.
pub(super) fn parse(bytes: &[u8], file: &Path) -> Result<Header> {
    let whole = |reason: String| Error::model(file, "the header", reason);
    let Some(length) = bytes.first_chunk::<8>() else {
        return Err(whole(format!("the file ends after {} bytes, before the 8-byte header length", bytes.len())));
    };
    let length = u64::from_le_bytes(*length);
    if length > LONGEST_HEADER {
        return Err(whole(format!(
            "claims to be {length} bytes long (at most {LONGEST_HEADER}): not a safetensors file"
        )));
    }
    let data_start = 8 + length as usize;
    if data_start > bytes.len() {
        let missing = data_start - bytes.len();
        return Err(whole(format!("the file is truncated inside the header: at least {missing} bytes are missing")));
    }
    let raw = parse_json(&bytes[8..data_start], file)?;
    let mut tensors = BTreeMap::new();
    for (name, info) in raw.infos {
        let tensor = check(&name, &info, data_start, file)?;
        tensors.insert(name, tensor);
    }
    check_coverage(&tensors, data_start, bytes.len(), file)?;
    Ok(Header { tensors, metadata: raw.metadata })
}

fn parse_json(text: &[u8], file: &Path) -> Result<RawHeader> {
    let mut current = None;
    let mut json = serde_json::Deserializer::from_slice(text);
    let raw = HeaderVisitor { current: &mut current }.deserialize(&mut json).and_then(|raw| json.end().map(|()| raw));
    raw.map_err(|e| {
        let (place, wrong) = match current {
            Some(name) => (name, "has a bad entry in the header"),
            None => ("the header".to_owned(), "is not valid JSON"),
        };
        Error::model(file, place, format!("{wrong}: {e}"))
    })
}

/// One entry: known type, sane shape, offsets that fit type and shape.
fn check(name: &str, info: &Info, data_start: usize, file: &Path) -> Result<StoredTensor> {
    let bad = |reason: String| Error::model(file, name, reason);
    let element = Element::from_safetensors(&info.dtype).map_err(|known| match known {
        true => Error::ModelUnsupported {
            path: file.to_owned(),
            reason: format!("tensor {name} is stored as {}; Luthier reads F64, F32, F16 and BF16", info.dtype),
        },
        false => bad(format!("unknown dtype {:?}", shortened(&info.dtype))),
    })?;
    if info.shape.len() > MOST_DIMENSIONS {
        return Err(bad(format!("has {} dimensions, at most {MOST_DIMENSIONS} are read", info.shape.len())));
    }
    let shape: Option<Vec<usize>> = info.shape.iter().map(|&n| usize::try_from(n).ok()).collect();
    let needed = shape.as_ref().and_then(|shape| element.bytes(shape));
    let (Some(shape), Some(needed)) = (shape, needed) else {
        return Err(bad(format!("its shape {:?} has more numbers than can be counted", info.shape)));
    };
    let (start, end) = info.data_offsets;
    if end < start {
        return Err(bad(format!("its data ends ({end}) before it starts ({start})")));
    }
    if end - start != needed as u64 {
        let dtype = element.name();
        return Err(bad(format!("shape {shape:?} of {dtype} needs {needed} bytes, its offsets span {}", end - start)));
    }
    let place = |offset: u64| usize::try_from(offset).ok().and_then(|offset| offset.checked_add(data_start));
    match (place(start), place(end)) {
        (Some(start), Some(end)) => Ok(StoredTensor { element, shape, range: start..end }),
        _ => Err(bad(format!("its offsets {start}..{end} are out of range"))),
    }
}

/// The format demands that the tensors fill the data part: no overlap, no hole, nothing after.
fn check_coverage(
    tensors: &BTreeMap<String, StoredTensor>,
    data_start: usize,
    file_len: usize,
    file: &Path,
) -> Result<()> {
    let sorted = refuse_overlaps(file, tensors.iter().map(|(name, t)| (name.as_str(), &t.range)))?;
    let mut at = data_start;
    for (name, range) in &sorted {
        if range.start != at {
            let hole = range.start.abs_diff(at);
            return Err(Error::model(file, *name, format!("{hole} bytes before its data belong to no tensor")));
        }
        at = range.end;
    }
    if at > file_len {
        let cut = sorted.iter().find(|(_, range)| range.end > file_len).map_or("the data", |(name, _)| name);
        let missing = at - file_len;
        return Err(Error::model(file, cut, format!("the file is truncated: {missing} of {at} bytes are missing")));
    }
    if at < file_len {
        let extra = file_len - at;
        return Err(Error::model(file, "the data", format!("{extra} bytes at the end belong to no tensor")));
    }
    Ok(())
}

/// Untrusted text for a message.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

/// One opened safetensors file, for files that are data and not models.
pub struct SafetensorsFile {
    file: MappedFile,
    header: Header,
}

impl SafetensorsFile {
    /// # Errors
    /// `Io`, `BadModel` or `ModelUnsupported` as for a model.
    pub fn open(path: &Path) -> Result<Self> {
        let file = MappedFile::open(path)?;
        let header = parse(file.bytes(), path)?;
        Ok(Self { file, header })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.header.tensors.keys().map(String::as_str)
    }

    /// The file's own `__metadata__`.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.header.metadata
    }

    /// Row-major shape and numbers of a floating-point tensor; None when there is none of this name.
    pub fn read_f32(&self, name: &str) -> Result<Option<(Vec<usize>, Vec<f32>)>> {
        let Some(tensor) = self.header.tensors.get(name) else { return Ok(None) };
        if !tensor.element.is_float() {
            let reason = format!("is {}; floating-point numbers are expected", tensor.element.name());
            return Err(Error::model(&self.file.path, name, reason));
        }
        Ok(Some((tensor.shape.clone(), tensor.to_f32(self.file.bytes(), Conversion::AsStored))))
    }

    /// Row-major shape and numbers of an integer or boolean tensor; None when there is none of this name.
    pub fn read_i64(&self, name: &str) -> Result<Option<(Vec<usize>, Vec<i64>)>> {
        let Some(tensor) = self.header.tensors.get(name) else { return Ok(None) };
        let bytes = &self.file.bytes()[tensor.range.clone()];
        let values = match tensor.element {
            Element::I64 => integers(bytes, i64::from_le_bytes),
            Element::I32 => integers(bytes, |b| i64::from(i32::from_le_bytes(b))),
            Element::I16 => integers(bytes, |b| i64::from(i16::from_le_bytes(b))),
            Element::U16 => integers(bytes, |b| i64::from(u16::from_le_bytes(b))),
            Element::U32 => integers(bytes, |b| i64::from(u32::from_le_bytes(b))),
            Element::I8 => integers(bytes, |[b]| i64::from(b as i8)),
            Element::U8 | Element::Bool => integers(bytes, |[b]| i64::from(b)),
            other => {
                let reason = format!("is {}; integers (I64 or I32) are expected", other.name());
                return Err(Error::model(&self.file.path, name, reason));
            }
        };
        Ok(Some((tensor.shape.clone(), values)))
    }
}

fn integers<const N: usize>(bytes: &[u8], convert: impl Fn([u8; N]) -> i64) -> Vec<i64> {
    bytes.as_chunks::<N>().0.iter().map(|raw| convert(*raw)).collect()
}

/// One integer tensor of a safetensors file, as for `luthier logits` (`input_ids`, `attention_mask`).
pub fn read_safetensors_i64(path: &Path, name: &str) -> Result<Option<(Vec<usize>, Vec<i64>)>> {
    SafetensorsFile::open(path)?.read_i64(name)
}

/// One floating-point tensor of a safetensors file.
pub fn read_safetensors_f32(path: &Path, name: &str) -> Result<Option<(Vec<usize>, Vec<f32>)>> {
    SafetensorsFile::open(path)?.read_f32(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    }

    fn message(header: &str, data: usize) -> String {
        parse(&file(header, data), Path::new("m.safetensors")).unwrap_err().to_string()
    }

    #[test]
    fn a_sound_file() {
        let header = r#"{"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]},
            "a":{"dtype":"I64","shape":[],"data_offsets":[12,20]},"none":{"dtype":"F32","shape":[0],"data_offsets":[20,20]}}"#;
        let parsed = parse(&file(header, 20), Path::new("m")).unwrap();
        assert_eq!(parsed.tensors["b"].shape, [2, 3]);
        assert_eq!(parsed.tensors["a"].range.len(), 8);
        assert_eq!(parsed.metadata["format"], "pt");
    }

    #[test]
    fn each_kind_of_damage_is_named() {
        let one = |entry: &str| format!(r#"{{"w":{entry}}}"#);
        let cases = [
            (one(r#"{"dtype":"F32","shape":[4],"data_offsets":[0,16]}"#), 10, "w: the file is truncated: 6 of"),
            (one(r#"{"dtype":"F32","shape":[4],"data_offsets":[0,16]}"#), 17, "1 bytes at the end"),
            (one(r#"{"dtype":"F32","shape":[4],"data_offsets":[4,20]}"#), 20, "w: 4 bytes before"),
            (one(r#"{"dtype":"F32","shape":[3],"data_offsets":[0,16]}"#), 16, "needs 12 bytes, its offsets span 16"),
            (one(r#"{"dtype":"F32","shape":[4],"data_offsets":[16,0]}"#), 16, "w: its data ends"),
            (one(r#"{"dtype":"F31","shape":[4],"data_offsets":[0,16]}"#), 16, "w: unknown dtype \"F31\""),
            (one(r#"{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}"#), 4, "stored as F8_E4M3"),
            (one(r#"{"dtype":"F32","shape":[-4],"data_offsets":[0,16]}"#), 16, "w: has a bad entry"),
            (one(r#"{"dtype":"F32","shape":[4],"data_offsets":[0]}"#), 16, "w: has a bad entry"),
            (
                one(r#"{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,16]}"#),
                16,
                "more numbers than can be counted",
            ),
            (
                one(r#"{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,18446744073709551615]}"#),
                16,
                "out of range",
            ),
            (
                r#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}"#
                    .into(),
                6,
                "b: its bytes",
            ),
            (
                r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#
                    .into(),
                2,
                "a: has a bad entry in the header: the header has this name twice",
            ),
            (format!("{{\"a\":{}", "[".repeat(5000)), 0, "a: has a bad entry"),
            ("not json".into(), 0, "the header: is not valid JSON"),
        ];
        for (header, data, expected) in cases {
            let message = message(&header, data);
            assert!(message.contains(expected), "{message:?} lacks {expected:?}");
        }
    }

    #[test]
    fn header_lengths() {
        let path = Path::new("m");
        let of = |bytes: &[u8]| parse(bytes, path).unwrap_err().to_string();
        assert!(of(&[1, 2, 3]).contains("ends after 3 bytes"));
        assert!(of(&u64::MAX.to_le_bytes()).contains("claims to be"));
        assert!(of(&[40, 0, 0, 0, 0, 0, 0, 0, b'{']).contains("at least 39 bytes are missing"));
    }
}
