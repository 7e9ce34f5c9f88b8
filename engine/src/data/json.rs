//! JSON and JSON Lines, parsed on all cores: a quick scan finds where each row begins and ends, serde_json reads the rows.

use std::path::Path;

use rayon::prelude::*;
use serde_json::Value;

use super::progress::Gauge;
use super::read::{Row, text_fields};
use crate::error::{Error, Result};

/// Rows that one thread parses before it counts them.
const CHUNK: usize = 256;
/// Names under which an object may hold the list of rows; the first one present counts.
const CONTAINERS: &[&str] =
    &["data", "train", "rows", "examples", "samples", "items", "records", "instances", "dataset"];

/// A row's text and the line where it begins (from 1).
struct Piece<'a> {
    line: usize,
    text: &'a str,
}

/// Rows of a .json file: a list of objects, an object that holds such a list, one object, or objects one after the other.
///
/// # Errors
/// `BadData` with the line of the mistake; `Stopped`.
pub(super) fn parse(text: &str, file: &Path, gauge: &Gauge, warnings: &mut Vec<String>) -> Result<Vec<Row>> {
    let start = skip_space(text.as_bytes(), 0);
    match text.as_bytes().get(start) {
        None => Ok(Vec::new()),
        Some(b'[') => parse_pieces(&array_pieces(text, start, file)?, file, gauge),
        Some(b'{') => {
            let Some(end) = skip_value(text.as_bytes(), start) else {
                return Err(explain(text, start, file));
            };
            if skip_space(text.as_bytes(), end) == text.len() {
                return parse_object(text, start, end, file, gauge, warnings);
            }
            // Objects in a row: one a line is JSON Lines under another name, else each ends where its brace closes.
            if text[start..end].contains('\n') {
                parse_pieces(&sequence_pieces(text, start, file)?, file, gauge)
            } else {
                parse_lines(text, file, gauge)
            }
        }
        Some(_) => Err(explain(text, start, file)),
    }
}

/// Rows of a .jsonl file: an object a line; blank lines are passed over.
///
/// # Errors
/// `BadData` with the line of the mistake; `Stopped`.
pub(super) fn parse_lines(text: &str, file: &Path, gauge: &Gauge) -> Result<Vec<Row>> {
    let lines = text.split('\n').enumerate().map(|(index, line)| Piece { line: index + 1, text: line.trim() });
    let pieces: Vec<Piece<'_>> = lines.filter(|piece| !piece.text.is_empty()).collect();
    // Some write a .jsonl file as one list, or every object over several lines.
    match pieces.first() {
        Some(first) if first.text.starts_with('[') => parse(text, file, gauge, &mut Vec::new()),
        Some(first) if first.text == "{" => {
            let start = skip_space(text.as_bytes(), 0);
            parse_pieces(&sequence_pieces(text, start, file)?, file, gauge)
        }
        _ => parse_pieces(&pieces, file, gauge),
    }
}

fn parse_pieces(pieces: &[Piece<'_>], file: &Path, gauge: &Gauge) -> Result<Vec<Row>> {
    let chunks: Vec<Result<Vec<Row>>> = pieces
        .par_chunks(CHUNK)
        .map(|chunk| {
            gauge.add(chunk.iter().map(|piece| piece.text.len() + 1).sum())?;
            chunk.iter().map(|piece| parse_row(piece, file)).collect()
        })
        .collect();
    let mut rows = Vec::with_capacity(pieces.len());
    for chunk in chunks {
        rows.extend(chunk?);
    }
    Ok(rows)
}

fn parse_row(piece: &Piece<'_>, file: &Path) -> Result<Row> {
    let found = match serde_json::from_str(piece.text) {
        Ok(Value::Object(fields)) => return Ok(Row { line: piece.line, fields }),
        Ok(Value::String(text)) => return Ok(Row { line: piece.line, fields: text_fields(text) }),
        Ok(Value::Array(_)) => "a list",
        Ok(Value::Null) => "null",
        Ok(_) => "a number or truth value",
        Err(error) => return Err(syntax_error(&error, piece.line, file)),
    };
    let reason =
        format!("a row must be an object such as {{\"prompt\": \"...\", \"completion\": \"...\"}}, this is {found}");
    Err(Error::data(file, format!("line {}", piece.line), reason))
}

/// The file's only object: its list of rows under a usual name, or itself a row.
fn parse_object(
    text: &str,
    start: usize,
    end: usize,
    file: &Path,
    gauge: &Gauge,
    warnings: &mut Vec<String>,
) -> Result<Vec<Row>> {
    let members = members(text, start).unwrap_or_default();
    let is_list = |at: usize| {
        let bytes = text.as_bytes();
        bytes.get(at) == Some(&b'[') && matches!(bytes.get(skip_space(bytes, at + 1)), Some(b'{' | b']'))
    };
    let list = CONTAINERS.iter().find_map(|name| members.iter().find(|(key, at)| key == name && is_list(*at)));
    if let Some((name, at)) = list {
        let others: Vec<&str> =
            members.iter().filter(|(key, at)| key != name && is_list(*at)).map(|(key, _)| *key).collect();
        if !others.is_empty() {
            warnings.push(format!("the rows under {name:?} are read; not those under {}", others.join(", ")));
        }
        return parse_pieces(&array_pieces(text, *at, file)?, file, gauge);
    }
    let line = line_of(text, start);
    parse_pieces(&[Piece { line, text: &text[start..end] }], file, gauge)
}

/// Keys of the object at `start` and where their values begin. None: not an object serde_json would read either.
fn members(text: &str, start: usize) -> Option<Vec<(&str, usize)>> {
    let bytes = text.as_bytes();
    let mut members = Vec::new();
    let mut at = skip_space(bytes, start + 1);
    while bytes.get(at) == Some(&b'"') {
        let key_end = skip_string(bytes, at)?;
        let colon = skip_space(bytes, key_end);
        let value = skip_space(bytes, colon + 1);
        members.push((text.get(at + 1..key_end - 1)?, value));
        at = skip_space(bytes, skip_value(bytes, value)?);
        if bytes.get(at) == Some(&b',') {
            at = skip_space(bytes, at + 1);
        }
    }
    Some(members)
}

/// Elements of the list that begins at `start`; after its end only blanks or the rest of an object may follow.
fn array_pieces<'a>(text: &'a str, start: usize, file: &Path) -> Result<Vec<Piece<'a>>> {
    let bytes = text.as_bytes();
    let mut pieces = Vec::new();
    let (mut line, mut counted) = (1, 0);
    let mut at = skip_space(bytes, start + 1);
    loop {
        if bytes.get(at) == Some(&b']') && pieces.is_empty() {
            break;
        }
        let Some(end) = skip_value(bytes, at) else { return Err(explain(text, at, file)) };
        line += newlines(&bytes[counted..at]);
        counted = at;
        pieces.push(Piece { line, text: &text[at..end] });
        let next = skip_space(bytes, end);
        match bytes.get(next) {
            Some(b',') => at = skip_space(bytes, next + 1),
            Some(b']') => {
                at = next;
                break;
            }
            // What serde_json says of a broken row comes first: its quotes may have misled the scan.
            other => {
                parse_row(&pieces[pieces.len() - 1], file)?;
                let found = other.map_or("the file ends".to_owned(), |_| {
                    format!("{:?} follows", text[next..].chars().next().unwrap_or_default())
                });
                let place = format!("line {}", line_of(text, next.min(text.len())));
                return Err(Error::data(file, place, format!("{found} where a comma or the closing ] should be")));
            }
        }
    }
    let rest = skip_space(bytes, at + 1);
    if start == skip_space(bytes, 0) && rest < bytes.len() {
        let place = format!("line {}", line_of(text, rest));
        return Err(Error::data(file, place, "there is more after the closing ] of the list"));
    }
    Ok(pieces)
}

/// Values one after the other, blanks or commas between them.
fn sequence_pieces<'a>(text: &'a str, start: usize, file: &Path) -> Result<Vec<Piece<'a>>> {
    let bytes = text.as_bytes();
    let mut pieces = Vec::new();
    let (mut line, mut counted, mut at) = (1, 0, start);
    while at < bytes.len() {
        let Some(end) = skip_value(bytes, at) else { return Err(explain(text, at, file)) };
        line += newlines(&bytes[counted..at]);
        counted = at;
        pieces.push(Piece { line, text: &text[at..end] });
        at = skip_space(bytes, end);
        if bytes.get(at) == Some(&b',') {
            at = skip_space(bytes, at + 1);
        }
    }
    Ok(pieces)
}

/// What serde_json says of the value that begins at `at`, for a text on which the scan gave up.
fn explain(text: &str, at: usize, file: &Path) -> Error {
    let at = at.min(text.len());
    let line = line_of(text, at);
    let mut stream = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
    match stream.next() {
        Some(Err(error)) => syntax_error(&error, line, file),
        Some(Ok(_)) => {
            Error::data(file, format!("line {line}"), "a data file is a list of objects, or an object a line")
        }
        None => Error::data(file, format!("line {line}"), "the file ends in the middle of the list"),
    }
}

fn syntax_error(error: &serde_json::Error, first_line: usize, file: &Path) -> Error {
    let said = error.to_string();
    let said = said.rfind(" at line ").map_or(said.as_str(), |end| &said[..end]);
    let line = first_line + error.line().saturating_sub(1);
    Error::data(file, format!("line {line}"), format!("not valid JSON: {said} (column {})", error.column()))
}

fn line_of(text: &str, at: usize) -> usize {
    1 + newlines(&text.as_bytes()[..at])
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// End of the string whose opening quote is at `at`.
fn skip_string(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// End of the value at `at`, judged by quotes and brackets only. None: the text ends before it does, or nothing is there.
fn skip_value(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => skip_string(bytes, at),
        b'{' | b'[' => {
            let (mut depth, mut at) = (0usize, at);
            loop {
                match bytes.get(at)? {
                    b'"' => {
                        at = skip_string(bytes, at)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
        }
        _ => {
            let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t');
            let length = bytes[at..].iter().position(ends).unwrap_or(bytes.len() - at);
            (length > 0).then_some(at + length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Result<Vec<Row>> {
        parse(text, Path::new("a.json"), &Gauge::new(), &mut Vec::new())
    }

    fn line_and_reason<T>(outcome: Result<T>) -> (String, String) {
        match outcome {
            Err(Error::BadData { place, reason, .. }) => (place, reason),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("accepted"),
        }
    }

    #[test]
    fn lists_objects_and_lines_give_the_same_rows() {
        let shapes = [
            "[{\"a\": \"x}\\\"]\"},\n {\"a\": \"2\"}]",
            "{\"about\": {}, \"data\": [{\"a\": \"x}\\\"]\"}, {\"a\": \"2\"}]}",
            "{\"a\": \"x}\\\"]\"}\n{\"a\": \"2\"}\r\n\n",
            "{\n\"a\": \"x}\\\"]\"\n}\n{\n\"a\": \"2\"}",
        ];
        for shape in shapes {
            let rows = rows(shape).unwrap_or_else(|error| panic!("{shape}: {error}"));
            assert_eq!(rows.len(), 2, "{shape}");
            assert_eq!((&rows[0].fields["a"], &rows[1].fields["a"]), (&"x}\"]".into(), &"2".into()), "{shape}");
        }
        assert_eq!(rows("{\"messages\": [{\"role\": \"user\"}]}").unwrap().len(), 1);
        assert_eq!(rows("[]").unwrap(), []);
        assert_eq!(rows("[\"just text\"]").unwrap()[0].fields["text"], "just text");
    }

    #[test]
    fn lines_are_counted() {
        let rows = rows("[\n  {\"a\": \"1\"},\n\n  {\n  \"a\": \"2\"}]").unwrap();
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let cases = [
            ("[{\"a\": 1},\n {\"a\": }]", "line 2", "expected value"),
            ("[{\"a\": 1},\n {\"a: 1},\n {\"a\": 2}]", "line 3", "not valid JSON"),
            ("[{\"a\": 1}\n {\"a\": 2}]", "line 2", "comma"),
            ("[{\"a\": 1},\n", "line 2", "ends"),
            ("[{\"a\": 1}", "line 1", "ends"),
            ("[{\"a\": \"cut", "line 1", "EOF"),
            ("[{\"a\": 1},\n 7]", "line 2", "must be an object"),
            ("[{\"a\": 1}]\n]", "line 2", "more after"),
            ("{\"a\": 1", "line 1", "EOF"),
            ("nonsense", "line 1", "expected"),
            ("3", "line 1", "list of objects"),
            ("{\"a\": 1}\n{\"a\": 1]\n", "line 2", "not valid JSON"),
        ];
        for (text, line, reason) in cases {
            let found = line_and_reason(rows(text));
            assert!(found.0 == line && found.1.contains(reason), "{text:?}: {found:?}");
        }
        let deep = "[".repeat(100_000);
        assert!(line_and_reason(rows(&deep)).1.contains("recursion"));
        let lines = parse_lines("{\"a\": 1}\n\n{\"a\" 1}\n{]", Path::new("a.jsonl"), &Gauge::new());
        assert_eq!(line_and_reason(lines).0, "line 3");
    }
}
