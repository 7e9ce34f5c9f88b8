//! Tables: CSV and TSV with a header line, and Parquet.

use std::panic::AssertUnwindSafe;
use std::path::Path;

use csv::StringRecord;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Map, Value};

use super::progress::Gauge;
use super::read::Row;
use crate::error::{Error, Result};

/// Rows read between two counts.
const CHUNK: usize = 512;

/// Rows of a CSV or TSV file; every value is text. The separator of a .csv file is the one its header uses most.
///
/// # Errors
/// `BadData` with the line of a row that has more or fewer fields than the header; `Stopped`.
pub(super) fn parse_csv(text: &str, tabs: bool, file: &Path, gauge: &Gauge) -> Result<Vec<Row>> {
    let separator = if tabs { b'\t' } else { separator(text) };
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).has_headers(false).from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    if !reader.read_record(&mut record).map_err(|error| csv_error(&error, &[], text, file))? {
        return Ok(Vec::new());
    }
    let names: Vec<String> = record.iter().map(|name| name.trim().to_owned()).collect();
    if let Some(twice) = names.iter().enumerate().find_map(|(i, name)| names[..i].contains(name).then_some(name))
        && !twice.is_empty()
    {
        return Err(Error::data(file, "line 1", format!("the header names the column {twice:?} twice")));
    }
    let mut rows = Vec::new();
    let (mut counted, mut line, mut at) = (0, 1, 0);
    while reader.read_record(&mut record).map_err(|error| csv_error(&error, &names, text, file))? {
        let start = record.position().map_or(at, |position| first_character(text, position.byte()));
        line += newlines(&text[at..start]);
        at = start;
        let named = names.iter().zip(&record).filter(|(name, _)| !name.is_empty());
        let fields = named.map(|(name, value)| (name.clone(), Value::String(value.to_owned()))).collect();
        rows.push(Row { line, fields });
        if rows.len() % CHUNK == 0 {
            let reached = reader.position().byte() as usize;
            gauge.add(reached - counted)?;
            counted = reached;
        }
    }
    Ok(rows)
}

fn separator(text: &str) -> u8 {
    let header = text.trim_start().lines().next().unwrap_or_default();
    let outside_quotes: String = header.split('"').step_by(2).collect();
    let count = |separator: u8| outside_quotes.bytes().filter(|byte| *byte == separator).count();
    // Of equals the last one counts: a comma unless something else is there.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}

/// Where a record's text begins; the csv crate counts the line break before it to it. (Its line numbers run one late
/// after CR LF for the same reason.)
fn first_character(text: &str, byte: u64) -> usize {
    let start = (byte as usize).min(text.len());
    start + text.as_bytes()[start..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

fn csv_error(error: &csv::Error, names: &[String], text: &str, file: &Path) -> Error {
    let line_at = |byte| 1 + newlines(&text[..first_character(text, byte)]);
    let line = error.position().map(|position| format!("line {}", line_at(position.byte())));
    let place = line.unwrap_or_else(|| "the whole file".into());
    let reason = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!(
            "{len} fields where the header has {expected_len} ({}); a text with commas or line breaks stands in quotes",
            names.join(", ")
        ),
        _ => error.to_string(),
    };
    Error::data(file, place, reason)
}

/// Rows of a Parquet file, nested lists and structs included. `gauge` counts in bytes of the file.
///
/// # Errors
/// `Io`; `BadData` where the file is damaged; `Stopped`.
pub(super) fn read_parquet(file: &Path, gauge: &Gauge) -> Result<Vec<Row>> {
    // The reader checks much, but a damaged page can still make it panic.
    std::panic::catch_unwind(AssertUnwindSafe(|| parquet_rows(file, gauge))).unwrap_or_else(|_| {
        Err(Error::data(file, "the whole file", "the Parquet file is damaged: its pages do not fit its description"))
    })
}

fn parquet_rows(file: &Path, gauge: &Gauge) -> Result<Vec<Row>> {
    let handle = std::fs::File::open(file).map_err(|error| Error::io(file, error))?;
    let bytes = handle.metadata().map(|facts| facts.len()).unwrap_or(0) as usize;
    let broken =
        |place: String, reason: String| Error::data(file, place, format!("not a readable Parquet file: {reason}"));
    let reader =
        SerializedFileReader::new(handle).map_err(|error| broken("the whole file".into(), error.to_string()))?;
    let total = usize::try_from(reader.metadata().file_metadata().num_rows()).unwrap_or(0).max(1);
    let records = reader.get_row_iter(None).map_err(|error| broken("the whole file".into(), error.to_string()))?;
    let mut rows = Vec::new();
    for record in records {
        let record = record.map_err(|error| broken(format!("row {}", rows.len() + 1), error.to_string()))?;
        let fields = record.into_columns().into_iter().map(|(name, field)| (name, value(field)));
        rows.push(Row { line: 0, fields: Map::from_iter(fields) });
        if rows.len() % CHUNK == 0 {
            gauge.add(bytes / total * CHUNK)?;
        }
    }
    Ok(rows)
}

/// As JSON; a string is moved, not copied, and bytes that are text (older writers do not mark it) are text.
fn value(field: Field) -> Value {
    match field {
        Field::Str(text) => Value::String(text),
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => Value::String(text.to_owned()),
            Err(_) => Value::String(format!("({} bytes)", bytes.len())),
        },
        other => other.to_json_value(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::data_type::{BoolType, ByteArray, ByteArrayType};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use super::*;

    fn csv(text: &str) -> Result<Vec<Row>> {
        parse_csv(text, false, Path::new("a.csv"), &Gauge::new())
    }

    #[test]
    fn csv_keeps_quoted_breaks_and_finds_the_separator() {
        for (separator, text) in [(',', "q,a\n\"one, \ntwo\",x\n"), (';', "q;a\r\n\"one, \ntwo\";x\r\n")] {
            let rows = csv(text).unwrap();
            assert_eq!(rows.len(), 1, "{separator}");
            assert_eq!(
                (rows[0].line, &rows[0].fields["q"], &rows[0].fields["a"]),
                (2, &"one, \ntwo".into(), &"x".into())
            );
        }
        let tabs = parse_csv("q,1\ta\nx\ty", true, Path::new("a.tsv"), &Gauge::new()).unwrap();
        assert_eq!(tabs[0].fields["q,1"], "x");
    }

    #[test]
    fn csv_mistakes_have_a_line() {
        for (text, line) in [("q,a\n1,2\n1,2,3\n", "line 3"), ("q,q\n1,2\n", "line 1")] {
            match csv(text) {
                Err(Error::BadData { place, .. }) => assert_eq!(place, line),
                other => panic!("{other:?}"),
            }
        }
    }

    fn write_parquet(file: &Path) {
        let schema =
            "message rows { REQUIRED BYTE_ARRAY prompt (UTF8); OPTIONAL BYTE_ARRAY raw; REQUIRED BOOLEAN label; }";
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let handle = std::fs::File::create(file).unwrap();
        let mut writer = SerializedFileWriter::new(handle, schema, Arc::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let texts = [ByteArray::from("你好"), ByteArray::from("b")];
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&texts, None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&[ByteArray::from("bytes")], Some(&[0, 1]), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<BoolType>().write_batch(&[true, false], None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
    }

    #[test]
    fn parquet_rows_are_read_and_damage_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.parquet");
        write_parquet(&file);
        let rows = read_parquet(&file, &Gauge::new()).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].fields["prompt"], "你好");
        assert_eq!(rows[0].fields["raw"], Value::Null);
        assert_eq!((&rows[1].fields["raw"], &rows[1].fields["label"]), (&"bytes".into(), &false.into()));

        let bytes = std::fs::read(&file).unwrap();
        for cut in [0, 3, bytes.len() / 2, bytes.len() - 1] {
            std::fs::write(&file, &bytes[..cut]).unwrap();
            assert!(matches!(read_parquet(&file, &Gauge::new()), Err(Error::BadData { .. })), "cut at {cut}");
        }
    }
}
