//! A data file as rows of named values, whatever its format: JSON, JSON Lines, CSV, TSV, Parquet, plain text.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::progress::Gauge;
use super::{json, table};
use crate::error::{Error, Result};

/// Endings of the files that can be read, lower case.
pub const DATA_FILE_ENDINGS: &[&str] = &["json", "jsonl", "ndjson", "csv", "tsv", "parquet", "txt"];

/// One row as it stands in the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// Where it begins, from 1; 0 where the format has no lines.
    pub line: usize,
    pub fields: Map<String, Value>,
}

/// Rows of one file, or of a folder of files one after the other.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub path: PathBuf,
    pub rows: Vec<Row>,
    /// Every name that some row has, in order of appearance.
    pub columns: Vec<String>,
    pub warnings: Vec<String>,
}

impl Table {
    /// Reads `files` (of `path`, which is the file itself or their folder).
    ///
    /// # Errors
    /// `Io`, `BadData` with the line or row where a file is broken or when there are no rows, `Stopped`.
    pub(super) fn read(path: &Path, files: &[PathBuf], gauge: &Gauge) -> Result<Self> {
        let mut table = Self { path: path.to_owned(), ..Self::default() };
        for file in files {
            let rows = read_file(file, gauge, &mut table.warnings)?;
            if table.rows.is_empty() { table.rows = rows } else { table.rows.extend(rows) }
        }
        if table.rows.is_empty() {
            return Err(Error::data(path, "the whole file", "there are no rows in it"));
        }
        for row in &table.rows {
            for name in row.fields.keys() {
                if !table.columns.iter().any(|known| known == name) {
                    table.columns.push(name.clone());
                }
            }
        }
        Ok(table)
    }

    /// "row 3", with its line where the file has lines; `index` counts from 0.
    pub(super) fn place(&self, index: usize) -> String {
        match self.rows.get(index) {
            Some(row) if row.line > 0 => format!("row {} (line {})", index + 1, row.line),
            _ => format!("row {}", index + 1),
        }
    }
}

fn read_file(file: &Path, gauge: &Gauge, warnings: &mut Vec<String>) -> Result<Vec<Row>> {
    let ending = file.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "json" => json::parse(&read_text(file)?, file, gauge, warnings),
        "jsonl" | "ndjson" => json::parse_lines(&read_text(file)?, file, gauge),
        "csv" | "tsv" => table::parse_csv(&read_text(file)?, ending == "tsv", file, gauge),
        "parquet" => table::read_parquet(file, gauge),
        "txt" => Ok(paragraphs(&read_text(file)?, gauge)?),
        "gz" | "zip" | "zst" | "xz" | "bz2" | "7z" => {
            Err(Error::data(file, "the whole file", "this is a packed file; unpack it first"))
        }
        _ => {
            let known: Vec<String> = DATA_FILE_ENDINGS.iter().map(|ending| format!(".{ending}")).collect();
            let reason = format!("Luthier reads data from files ending in {}", known.join(", "));
            Err(Error::data(file, "the file's name", reason))
        }
    }
}

/// A text file's rows: blocks between blank lines, or, in a file without blank lines, its lines.
fn paragraphs(text: &str, gauge: &Gauge) -> Result<Vec<Row>> {
    let has_blocks = text.trim().lines().any(|line| line.trim().is_empty());
    let mut rows: Vec<Row> = Vec::new();
    let mut block: Option<(usize, String)> = None;
    let row = |(line, text): (usize, String)| Row { line, fields: text_fields(text) };
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            rows.extend(block.take().map(row));
        } else if !has_blocks {
            rows.push(row((index + 1, line.to_owned())));
        } else {
            match &mut block {
                Some((_, text)) => {
                    text.push('\n');
                    text.push_str(line);
                }
                None => block = Some((index + 1, line.to_owned())),
            }
        }
        gauge.add(line.len() + 1)?;
    }
    rows.extend(block.map(row));
    Ok(rows)
}

pub(super) fn text_fields(text: String) -> Map<String, Value> {
    Map::from_iter([("text".to_owned(), Value::String(text))])
}

/// A whole text file as UTF-8: a byte order mark is taken off, UTF-16 is recognised by its own.
///
/// # Errors
/// `Io`; `BadData` with the line of the first byte that is no text.
pub(crate) fn read_text(file: &Path) -> Result<String> {
    // Read, not mapped: a file that shrinks under a map would kill the process.
    let mut bytes = Vec::new();
    let mut handle = std::fs::File::open(file).map_err(|error| Error::io(file, error))?;
    bytes.reserve(handle.metadata().map(|facts| facts.len() as usize).unwrap_or(0));
    handle.read_to_end(&mut bytes).map_err(|error| Error::io(file, error))?;
    match bytes.as_slice() {
        [0xff, 0xfe, ..] => return from_utf16(&bytes[2..], u16::from_le_bytes, file),
        [0xfe, 0xff, ..] => return from_utf16(&bytes[2..], u16::from_be_bytes, file),
        [first, 0, second, 0, ..] if *first > 0 && *second > 0 => return from_utf16(&bytes, u16::from_le_bytes, file),
        [0, first, 0, second, ..] if *first > 0 && *second > 0 => return from_utf16(&bytes, u16::from_be_bytes, file),
        [0xef, 0xbb, 0xbf, ..] => drop(bytes.drain(..3)),
        _ => {}
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..good].iter().filter(|byte| **byte == b'\n').count();
        let byte = error.as_bytes().get(good).copied().unwrap_or_default();
        let reason =
            format!("the byte 0x{byte:02x} is not UTF-8 text; save the file as UTF-8 (it may be GBK or Latin-1)");
        Error::data(file, format!("line {line}"), reason)
    })
}

fn from_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16, file: &Path) -> Result<String> {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let mut text = String::with_capacity(bytes.len() / 2);
    for character in char::decode_utf16(units) {
        match character {
            Ok(character) => text.push(character),
            Err(error) => {
                let line = 1 + text.bytes().filter(|byte| *byte == b'\n').count();
                let reason = format!("not valid UTF-16 text: {error}; save the file as UTF-8");
                return Err(Error::data(file, format!("line {line}"), reason));
            }
        }
    }
    if bytes.len() % 2 == 1 {
        return Err(Error::data(file, "the end of the file", "half a UTF-16 character: the file is cut short"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, bytes: &[u8]) -> Result<Table> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        Table::read(&file, std::slice::from_ref(&file), &Gauge::new())
    }

    fn place_and_reason(outcome: Result<Table>) -> (String, String) {
        match outcome {
            Err(Error::BadData { place, reason, .. }) => (place, reason),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn byte_order_marks_are_taken_off() {
        let json = "[{\"text\": \"你好\"}]";
        let utf16: Vec<u8> = json.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let utf16_be: Vec<u8> = json.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let files = [
            [&[0xef, 0xbb, 0xbf][..], json.as_bytes()].concat(),
            [&[0xff, 0xfe][..], &utf16].concat(),
            [&[0xfe, 0xff][..], &utf16_be].concat(),
            utf16.clone(),
        ];
        for bytes in files {
            assert_eq!(read("a.json", &bytes).unwrap().rows[0].fields["text"], "你好");
        }
    }

    #[test]
    fn what_is_not_text_is_told_with_its_line() {
        let (place, reason) = place_and_reason(read("a.jsonl", b"{\"text\": \"a\"}\n{\"text\": \"\xc4\xe3\"}\n"));
        assert_eq!(place, "line 2");
        assert!(reason.contains("0xc4"), "{reason}");
        assert_eq!(place_and_reason(read("a.json", b"\xff\xfe[\0]\0\x00\xd8")).0, "line 1");
    }

    #[test]
    fn text_files_fall_into_blocks_or_lines() {
        let blocks = read("a.txt", b"one\ntwo\n\n\nthree\n").unwrap();
        let texts: Vec<_> = blocks.rows.iter().map(|row| (row.line, row.fields["text"].as_str().unwrap())).collect();
        assert_eq!(texts, [(1, "one\ntwo"), (5, "three")]);
        assert_eq!(read("a.txt", b"\none\r\ntwo\n").unwrap().rows.len(), 2);
    }

    #[test]
    fn empty_and_unknown_files_are_refused() {
        for name in ["a.json", "a.jsonl", "a.csv", "a.txt"] {
            assert!(place_and_reason(read(name, b" \n")).1.contains("no rows"), "{name}");
        }
        assert!(place_and_reason(read("a.docx", b"x")).1.contains(".jsonl"));
        assert!(place_and_reason(read("a.jsonl.gz", b"x")).1.contains("unpack"));
        assert!(matches!(
            Table::read(Path::new("/none.json"), &["/none.json".into()], &Gauge::new()),
            Err(Error::Io { .. })
        ));
    }
}
