//! Typed access to the metadata of a GGUF file.

use std::path::Path;

use super::gguf::{Contents, Value};
use crate::error::{Error, Result};

/// Metadata of one file. A missing key is None; a key of the wrong type is an error that names it.
#[derive(Clone, Copy)]
pub(super) struct Metadata<'a> {
    pub file: &'a Path,
    pub bytes: &'a [u8],
    pub contents: &'a Contents,
}

impl<'a> Metadata<'a> {
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.contents.metadata.get(key)
    }

    fn wrong(&self, key: &str, expected: &str) -> Error {
        Error::model(self.file, key, format!("{expected} is expected here"))
    }

    pub fn text(&self, key: &str) -> Result<Option<&'a str>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Text(range)) => {
                let bytes = &self.bytes[range.clone()];
                std::str::from_utf8(bytes).map(Some).map_err(|_| self.wrong(key, "UTF-8 text"))
            }
            Some(_) => Err(self.wrong(key, "text")),
        }
    }

    /// A whole number that is not negative.
    pub fn count(&self, key: &str) -> Result<Option<usize>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Integer(n)) => usize::try_from(*n).map(Some).map_err(|_| self.wrong(key, "a count")),
            // One number a layer, as in models whose layers differ.
            Some(Value::Array { .. }) => Err(Error::ModelUnsupported {
                path: self.file.to_owned(),
                reason: format!("{key} differs from layer to layer; Luthier's models have equal layers"),
            }),
            Some(_) => Err(self.wrong(key, "a whole number")),
        }
    }

    /// As [`Metadata::count`], where the model cannot do without it or with zero.
    pub fn required(&self, key: &str) -> Result<usize> {
        match self.count(key)? {
            Some(0) => Err(self.wrong(key, "a number above zero")),
            Some(n) => Ok(n),
            None => Err(Error::model(self.file, key, "this metadata key is missing")),
        }
    }

    /// A finite number, with the shortest decimal form of its own precision.
    pub fn number(&self, key: &str) -> Result<Option<f64>> {
        let number = match self.get(key) {
            None => return Ok(None),
            Some(Value::Float(x)) => *x,
            Some(Value::Float32(x)) => shortest(*x),
            Some(Value::Integer(n)) => *n as f64,
            Some(_) => return Err(self.wrong(key, "a number")),
        };
        if number.is_finite() { Ok(Some(number)) } else { Err(self.wrong(key, "a finite number")) }
    }

    pub fn flag(&self, key: &str) -> Result<Option<bool>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Bool(b)) => Ok(Some(*b)),
            Some(_) => Err(self.wrong(key, "true or false")),
        }
    }

    pub fn texts(&self, key: &str) -> Result<Option<Vec<&'a str>>> {
        let Some((8, count, bytes)) = self.array(key)? else {
            return self.absent(key, "an array of texts");
        };
        // The walk over the file has checked every length.
        let mut out = Vec::with_capacity(count);
        let mut at = 0;
        for index in 0..count {
            let length = bytes[at..].first_chunk::<8>().map_or(0, |raw| u64::from_le_bytes(*raw) as usize);
            let text = std::str::from_utf8(&bytes[at + 8..at + 8 + length]);
            out.push(text.map_err(|_| Error::model(self.file, format!("{key}[{index}]"), "is not UTF-8"))?);
            at += 8 + length;
        }
        Ok(Some(out))
    }

    pub fn integers(&self, key: &str) -> Result<Option<Vec<i64>>> {
        let Some((kind, _, bytes)) = self.array(key)? else { return Ok(None) };
        Ok(Some(match kind {
            0 | 7 => bytes.iter().map(|&b| b.into()).collect(),
            1 => bytes.iter().map(|&b| (b as i8).into()).collect(),
            4 => bytes.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b).into()).collect(),
            5 => bytes.as_chunks().0.iter().map(|b| i32::from_le_bytes(*b).into()).collect(),
            _ => return Err(self.wrong(key, "an array of 32-bit integers")),
        }))
    }

    pub fn floats(&self, key: &str) -> Result<Option<Vec<f32>>> {
        let Some((6, _, bytes)) = self.array(key)? else {
            return self.absent(key, "an array of 32-bit floats");
        };
        Ok(Some(bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()))
    }

    /// Type, length and bytes of an array.
    fn array(&self, key: &str) -> Result<Option<(u32, usize, &'a [u8])>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Array { kind, count, range }) => Ok(Some((*kind, *count, &self.bytes[range.clone()]))),
            Some(_) => Err(self.wrong(key, "an array")),
        }
    }

    /// None for a missing key, an error for one of another type.
    fn absent<T>(&self, key: &str, expected: &str) -> Result<Option<T>> {
        if self.get(key).is_some() { Err(self.wrong(key, expected)) } else { Ok(None) }
    }
}

/// The f64 whose shortest decimal is that of the f32: 1e-5, not 9.999999747378752e-06.
fn shortest(x: f32) -> f64 {
    x.to_string().parse().unwrap_or(f64::from(x))
}

#[cfg(test)]
mod tests {
    #[test]
    fn shortest_decimals() {
        assert_eq!(super::shortest(1e-5), 1e-5);
        assert_eq!(super::shortest(1e6), 1e6);
        assert_eq!(super::shortest(0.1), 0.1);
    }
}
