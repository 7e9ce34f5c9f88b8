//! Event files for TensorBoard.
//!
//! Framing: tensorflow/core/lib/io/record_writer.cc: length (u64), masked crc32c of it, the record, masked crc32c of that,
//! all little-endian; the mask is crc32c.h's. Messages: tensorflow/core/util/event.proto (wall_time = 1, step = 2,
//! file_version = 3, summary = 5) and tensorflow/core/framework/summary.proto (value = 1; tag = 1, simple_value = 2).
//! Wire types: protobuf.dev, "Encoding".

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::plot::Curve;

fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xA282_EAD8)
}

fn frame(out: &mut Vec<u8>, record: &[u8]) {
    let length = (record.len() as u64).to_le_bytes();
    out.extend(length);
    out.extend(masked(&length).to_le_bytes());
    out.extend(record);
    out.extend(masked(record).to_le_bytes());
}

fn varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// A field of bytes: wire type 2.
fn bytes(out: &mut Vec<u8>, field: u8, content: &[u8]) {
    out.push(field << 3 | 2);
    varint(out, content.len() as u64);
    out.extend(content);
}

fn event(wall_time: f64, step: Option<i64>, field: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![1 << 3 | 1];
    out.extend(wall_time.to_le_bytes());
    if let Some(step) = step {
        out.push(2 << 3);
        varint(&mut out, step as u64);
    }
    bytes(&mut out, field, content);
    out
}

/// One file with every curve as scalars, in the order of the steps. `started_unix_secs` is when the run began.
pub fn event_file(curves: &BTreeMap<String, Arc<Curve>>, started_unix_secs: u64) -> Vec<u8> {
    let began = started_unix_secs as f64;
    let mut out = Vec::new();
    frame(&mut out, &event(began, None, 3, b"brain.Event:2"));
    // (step, seconds since the start) -> the values measured then; a step may be measured at two times.
    let mut moments: BTreeMap<(i64, u64), (f64, Vec<u8>)> = BTreeMap::new();
    for (tag, curve) in curves {
        for (at, value) in curve.values.iter().enumerate() {
            let (step, secs) = (curve.steps.get(at), curve.secs.get(at));
            let (step, secs) = (step.copied().unwrap_or(at as f64) as i64, secs.copied().unwrap_or(0.0).max(0.0));
            let mut scalar = Vec::new();
            bytes(&mut scalar, 1, tag.as_bytes());
            scalar.push(2 << 3 | 5);
            scalar.extend((*value as f32).to_le_bytes());
            // The bits of a number that is not negative ascend with it.
            let (_, summary) = moments.entry((step, secs.to_bits())).or_insert_with(|| (secs, Vec::new()));
            bytes(summary, 1, &scalar);
        }
    }
    for ((step, _), (secs, summary)) in moments {
        frame(&mut out, &event(began + secs, Some(step), 5, &summary));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_varint(data: &mut &[u8]) -> u64 {
        let (mut n, mut shift) = (0, 0);
        loop {
            let byte = data[0];
            *data = &data[1..];
            n |= u64::from(byte & 0x7F) << shift;
            shift += 7;
            if byte < 0x80 {
                return n;
            }
        }
    }

    /// Fields of a message: number, and its content (fixed and varint values as little-endian bytes).
    fn fields(mut data: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let mut found = Vec::new();
        while !data.is_empty() {
            let key = read_varint(&mut data);
            let length = match key & 7 {
                0 => {
                    found.push((key >> 3, read_varint(&mut data).to_le_bytes().to_vec()));
                    continue;
                }
                1 => 8,
                5 => 4,
                2 => read_varint(&mut data) as usize,
                other => panic!("wire type {other}"),
            };
            found.push((key >> 3, data[..length].to_vec()));
            data = &data[length..];
        }
        found
    }

    fn records(mut data: &[u8]) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        while !data.is_empty() {
            let length = u64::from_le_bytes(data[..8].try_into().unwrap()) as usize;
            assert_eq!(data[8..12], masked(&data[..8]).to_le_bytes(), "the length's checksum");
            let record = &data[12..12 + length];
            assert_eq!(data[12 + length..16 + length], masked(record).to_le_bytes(), "the record's checksum");
            found.push(record.to_vec());
            data = &data[16 + length..];
        }
        found
    }

    #[test]
    fn the_mask_is_tensorflow_s() {
        // RFC 3720, B.4: crc32c of 32 zero bytes; masked by hand as in crc32c.h.
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8A91_36AA);
        assert_eq!(masked(&[0; 32]), (0x8A91_36AA_u32 >> 15 | 0x8A91_36AA_u32 << 17).wrapping_add(0xA282_EAD8));
    }

    #[test]
    fn what_is_written_can_be_read() {
        let curve = |values: &[f64]| {
            let steps: Vec<f64> = (1..=values.len()).map(|n| n as f64 * 200.0).collect();
            let secs = steps.iter().map(|step| step / 100.0).collect();
            Arc::new(Curve { tokens: steps.clone(), steps, secs, values: values.to_vec() })
        };
        let curves = BTreeMap::from([("loss".to_owned(), curve(&[2.5, 1.5])), ("eval/loss".to_owned(), curve(&[3.0]))]);
        let records = records(&event_file(&curves, 1_795_000_000));
        assert_eq!(records.len(), 3);
        assert_eq!(fields(&records[0])[1], (3, b"brain.Event:2".to_vec()));
        let first = fields(&records[1]);
        assert_eq!(first[0], (1, 1_795_000_002.0_f64.to_le_bytes().to_vec()));
        assert_eq!(first[1], (2, 200_u64.to_le_bytes().to_vec()));
        let scalars: Vec<_> = fields(&first[2].1).into_iter().map(|(_, value)| fields(&value)).collect();
        assert_eq!(scalars[0], [(1, b"eval/loss".to_vec()), (2, 3.0_f32.to_le_bytes().to_vec())]);
        assert_eq!(scalars[1], [(1, b"loss".to_vec()), (2, 2.5_f32.to_le_bytes().to_vec())]);
    }
}
