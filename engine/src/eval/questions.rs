//! Multiple-choice files in MMLU's layout: question, A, B, C, D, answer; C-Eval's with a header, id and explanation.

use std::path::{Path, PathBuf};

use csv::StringRecord;
use serde_json::Value;

use crate::data::read_text;
use crate::{Error, Result};

pub(super) const LETTERS: [&str; 4] = ["A", "B", "C", "D"];
const COLUMNS: [&str; 6] = ["question", "A", "B", "C", "D", "answer"];

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Question {
    /// Where it begins in its file, from 1.
    pub line: usize,
    pub text: String,
    pub options: [String; 4],
    /// Index of the right option.
    pub answer: usize,
}

/// The questions of one file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Subject {
    pub file: PathBuf,
    /// From the file's name: `abstract_algebra` of `abstract_algebra_test.csv`.
    pub id: String,
    /// Its name for people: of a mapping.json nearby, else the id with blanks.
    pub name: String,
    pub questions: Vec<Question>,
    /// Solved examples that stand before each question.
    pub shots: Vec<Question>,
}

/// Reads a file or a folder of them. The examples come from `dev` (a file for all subjects, or a folder of
/// `SUBJECT_dev.csv`), else from `SUBJECT_dev.csv` beside the file or in the folder `dev` beside its folder.
///
/// # Errors
/// `Io`; `BadData` with the line of a row that is not a question, or where there are no or too few examples.
pub(super) fn read_subjects(
    path: &Path,
    dev: Option<&Path>,
    shots: usize,
    max_samples: Option<usize>,
) -> Result<Vec<Subject>> {
    let files = if path.is_dir() { files_of(path)? } else { vec![path.to_owned()] };
    let read = |file: PathBuf| {
        let id = subject_of(&file);
        let mut questions = read_questions(&file)?;
        questions.truncate(max_samples.unwrap_or(usize::MAX).max(1));
        let shots = if shots > 0 { examples(&file, &id, dev, shots)? } else { Vec::new() };
        let name = mapped_name(&file, &id).unwrap_or_else(|| id.replace('_', " "));
        Ok(Subject { file, id, name, questions, shots })
    };
    files.into_iter().map(read).collect()
}

/// The test files of a folder, or of its folder `test`; else those of the validation split; else whatever is no `dev`.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let inner = ["test", "val"].iter().map(|split| folder.join(split)).find(|inner| inner.is_dir());
    let folder = inner.as_deref().unwrap_or(folder);
    let entries = std::fs::read_dir(folder).map_err(|error| Error::io(folder, error))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.is_file() && file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")));
    files.sort();
    let of_split =
        |split: &str| -> Vec<PathBuf> { files.iter().filter(|file| stem(file).ends_with(split)).cloned().collect() };
    let chosen = ["_test", "_val"].iter().map(|split| of_split(split)).find(|found| !found.is_empty());
    let chosen = chosen.unwrap_or_else(|| files.iter().filter(|file| !stem(file).ends_with("_dev")).cloned().collect());
    if chosen.is_empty() {
        return Err(Error::data(folder, "the folder", "there is no .csv file of questions in it"));
    }
    Ok(chosen)
}

fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn subject_of(file: &Path) -> String {
    let stem = stem(file);
    let splits = ["_test", "_val", "_dev"];
    splits.iter().find_map(|split| stem.strip_suffix(split)).unwrap_or(&stem).to_owned()
}

/// LLaMA-Factory's mapping.json, up to three folders above: `{"anatomy": {"name": "anatomy", "category": ..}}`.
fn mapped_name(file: &Path, id: &str) -> Option<String> {
    let near = file.ancestors().skip(1).take(3).map(|folder| folder.join("mapping.json"));
    near.filter_map(|mapping| serde_json::from_slice::<Value>(&std::fs::read(mapping).ok()?).ok())
        .find_map(|mapping| mapping[id]["name"].as_str().map(str::to_owned))
}

fn examples(file: &Path, id: &str, dev: Option<&Path>, shots: usize) -> Result<Vec<Question>> {
    let name = format!("{id}_dev.csv");
    let folder = file.parent().unwrap_or(Path::new(""));
    let places = match dev {
        Some(dev) if dev.is_dir() => vec![dev.join(&name)],
        Some(dev) => vec![dev.to_owned()],
        // `../dev` of the folder itself, which may be a bare file name's.
        None => vec![folder.join(&name), folder.join("..").join("dev").join(&name)],
    };
    let Some(found) = places.iter().find(|place| place.is_file() || Some(place.as_path()) == dev) else {
        let places = places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(" nor ");
        let reason = format!(
            "{shots} solved examples are to stand before its questions, and there is no {places}: name their file with \
             --dev, or write --shots 0"
        );
        return Err(Error::data(file, "examples", reason));
    };
    let mut questions = read_questions(found)?;
    if questions.len() < shots {
        let reason = format!("it has {} questions, and {shots} are to stand before each", questions.len());
        return Err(Error::data(found, "the whole file", reason));
    }
    questions.truncate(shots);
    Ok(questions)
}

fn read_questions(file: &Path) -> Result<Vec<Question>> {
    let ending = file.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    if file.is_file() && ending != "csv" {
        let reason = "questions are read from .csv files; unpack an archive first";
        return Err(Error::data(file, "the file's name", reason));
    }
    parse_questions(&read_text(file)?, file)
}

fn parse_questions(text: &str, file: &Path) -> Result<Vec<Question>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    let mut order: Option<Columns> = None;
    let mut questions = Vec::new();
    let (mut line, mut at) = (1, 0);
    loop {
        let go_on = reader.read_record(&mut record);
        let go_on = go_on.map_err(|error| Error::data(file, format!("line {line}"), error.to_string()))?;
        if !go_on {
            break;
        }
        // The csv crate counts the line break before a record to it.
        let start = record.position().map_or(at, |position| (position.byte() as usize).min(text.len()));
        let start = start + text.as_bytes()[start..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        line += text.as_bytes()[at..start].iter().filter(|byte| **byte == b'\n').count();
        at = start;
        let wrong = |reason: String| Error::data(file, format!("line {line}"), reason);
        match &order {
            None => match Columns::of_header(&record).map_err(wrong)? {
                Some(columns) => order = Some(columns),
                None => {
                    let columns = Columns::without_header();
                    questions.push(columns.question(&record, line).map_err(wrong)?);
                    order = Some(columns);
                }
            },
            Some(columns) => questions.push(columns.question(&record, line).map_err(wrong)?),
        }
    }
    if questions.is_empty() {
        return Err(Error::data(file, "the whole file", "there are no questions in it"));
    }
    Ok(questions)
}

/// Where a file keeps what.
struct Columns {
    /// Indices of question, A, B, C, D, answer.
    at: [usize; 6],
    count: usize,
    named: bool,
}

impl Columns {
    fn without_header() -> Self {
        Self { at: [0, 1, 2, 3, 4, 5], count: COLUMNS.len(), named: false }
    }

    /// None: the record is a question already.
    fn of_header(record: &StringRecord) -> Result<Option<Self>, String> {
        let place = |name: &str| record.iter().position(|field| field.trim().eq_ignore_ascii_case(name));
        let places = COLUMNS.map(place);
        if places[..5].iter().any(Option::is_none) {
            return Ok(None);
        }
        let Some(answer) = places[5] else {
            return Err(
                "the header has no column answer; C-Eval's test files come without their answers: take those of \
                        its folder val"
                    .into(),
            );
        };
        let mut at = places.map(Option::unwrap_or_default);
        at[5] = answer;
        Ok(Some(Self { at, count: record.len(), named: true }))
    }

    fn question(&self, record: &StringRecord, line: usize) -> Result<Question, String> {
        if record.len() != self.count {
            let wanted = if self.named {
                format!("the header has {}", self.count)
            } else {
                "question, A, B, C, D and answer are 6".to_owned()
            };
            return Err(format!(
                "{} columns, where {wanted}; a text with commas or line breaks stands in quotes",
                record.len()
            ));
        }
        let field = |column: usize| record.get(self.at[column]).unwrap_or_default();
        let said = field(5).trim();
        let Some(answer) = LETTERS.iter().position(|letter| letter.eq_ignore_ascii_case(said)) else {
            return Err(match said {
                "" => "there is no answer; it must be A, B, C or D".into(),
                other => format!("the answer is {other:?}; it must be A, B, C or D"),
            });
        };
        if field(0).trim().is_empty() {
            return Err("the question is empty".into());
        }
        let options = [1, 2, 3, 4].map(|column| field(column).trim().to_owned());
        Ok(Question { line, text: field(0).trim().to_owned(), options, answer })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<Question>> {
        parse_questions(text, Path::new("q.csv"))
    }

    #[test]
    fn both_layouts_give_the_same_questions() {
        let bare = parse("\"Two,\nor \"\"2\"\"?\",1,2,3,4,B\r\nSky?,blue,red,,x, d\r\n").unwrap();
        assert_eq!((bare[0].text.as_str(), bare[0].answer, bare[0].line), ("Two,\nor \"2\"?", 1, 1));
        assert_eq!((bare[1].options[2].as_str(), bare[1].answer, bare[1].line), ("", 3, 3));
        let named = "id,question,A,B,C,D,answer,explanation\r\n0,\"Two,\nor \"\"2\"\"?\",1,2,3,4,B,\"a\nb\"\r\n\
                     1,Sky?,blue,red,,x, d,\r\n";
        let named = parse(named).unwrap();
        assert_eq!((named[0].line, named[1].line), (2, 5));
        let bare_of = |questions: &[Question]| -> Vec<Question> {
            questions.iter().map(|question| Question { line: 0, ..question.clone() }).collect()
        };
        assert_eq!(bare_of(&named), bare_of(&bare));
        assert_eq!(bare_of(&parse("question,A,B,C,D,answer\nSky?,blue,red,,x,D\n").unwrap()), bare_of(&bare[1..]));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let good = "Q?,1,2,3,4,A\n";
        let cases = [
            (format!("{good}Q?,1,2,3,4\n"), "line 2", "5 columns"),
            (format!("{good}{good}Q, or not?,1,2,3,4,A\n"), "line 3", "quotes"),
            (format!("{good}Q?,1,2,3,4,E\n"), "line 2", "\"E\""),
            (format!("{good}Q?,1,2,3,4,\n"), "line 2", "no answer"),
            (format!("{good} ,1,2,3,4,A\n"), "line 2", "question is empty"),
            (format!("id,question,A,B,C,D,answer\n1,{good}2,3\n"), "line 3", "header has 7"),
            ("id,question,A,B,C,D\n1,Q?,1,2,3,4\n".into(), "line 1", "val"),
            ("".into(), "the whole file", "no questions"),
            ("question,A,B,C,D,answer\n".into(), "the whole file", "no questions"),
        ];
        for (text, place, part) in cases {
            match parse(&text) {
                Err(Error::BadData { place: said, reason, .. }) => {
                    assert!(said == place && reason.contains(part), "{text:?}: {said}: {reason}");
                }
                other => panic!("{text:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn subjects_and_their_examples_are_found_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for split in ["dev", "test"] {
            std::fs::create_dir(root.join(split)).unwrap();
        }
        let row = |n: usize| format!("Question {n}?,1,2,3,4,A\n");
        std::fs::write(root.join("test/far_away_test.csv"), row(1) + &row(2)).unwrap();
        std::fs::write(root.join("test/near_test.csv"), row(3)).unwrap();
        std::fs::write(root.join("dev/far_away_dev.csv"), row(4) + &row(5)).unwrap();
        std::fs::write(root.join("mapping.json"), r#"{"near": {"name": "附近"}}"#).unwrap();
        let names: Vec<(String, usize)> = read_subjects(root, None, 0, None)
            .unwrap()
            .into_iter()
            .map(|subject| (subject.name, subject.questions.len()))
            .collect();
        assert_eq!(names, [("far away".into(), 2), ("附近".into(), 1)]);
        let far = root.join("test/far_away_test.csv");
        let one = read_subjects(&far, None, 2, Some(1)).unwrap();
        assert_eq!((one[0].questions.len(), one[0].shots[1].text.as_str()), (1, "Question 5?"));
        for (path, dev, shots, part) in [
            (root.to_owned(), None, 1, "--dev"),
            (far.clone(), None, 3, "it has 2 questions"),
            (far, Some(root.join("none.csv")), 1, "none.csv"),
            (root.join("dev"), None, 0, "no .csv file"),
        ] {
            let error = read_subjects(&path, dev.as_deref(), shots, None).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
