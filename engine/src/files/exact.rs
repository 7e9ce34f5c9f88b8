//! Numbers that JSON gives back bit for bit: as text. Of numbers in JSON serde_json reads one in seven an ulp off, and a
//! resumed run would then differ in a last digit.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// For `#[serde(with = "crate::files::exact")]`.
///
/// # Errors
/// Those of the format.
pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// # Errors
/// Where the text is no number.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

/// For numbers inside maps and lists.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Exact(#[serde(with = "crate::files::exact")] pub f64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_bit_for_bit() {
        for value in [-143.44217173258465, 0.1 + 0.2, 1.0 / 3.0, 1e-300, -0.0, f64::MAX] {
            let text = serde_json::to_string(&Exact(value)).unwrap();
            let Exact(back) = serde_json::from_str(&text).unwrap();
            assert_eq!(back.to_bits(), value.to_bits(), "{text}");
        }
        assert!(serde_json::from_str::<Exact>("\"many\"").is_err());
    }
}
