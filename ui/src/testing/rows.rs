//! Rows of the test data, and what is to be said of them.

use luthier_engine::data::{Cut, LanguageShare, PreviewRow, Quality, RowList, Segment};

use super::data;

/// Of the 1000 rows of [`data`]: 8 repeat row 1, 2 are near-empty, 13 are cut, row 17 cannot be used.
pub fn quality() -> Quality {
    let rows = |list: &[u32]| RowList { count: list.len(), list: list.to_vec() };
    let every = |step: usize, from: u32| (from..1000).step_by(step).collect::<Vec<u32>>();
    let language = |language: &str, rows: Vec<u32>| LanguageShare { language: language.into(), rows };
    let lengths = [(210, 40), (320, 90), (190, 150), (101, 210), (63, 270), (41, 330), (75, 520)];
    Quality {
        unusable: rows(&[16]),
        duplicates: rows(&[40, 80, 120, 160, 200, 240, 280, 320]),
        duplicate_of: vec![0; 8],
        asked_again: rows(&[7]),
        near_empty: rows(&[5, 99]),
        cut: Some(Cut { exact: true, cut: rows(&every(83, 3)), lost: rows(&[]) }),
        languages: vec![
            language("cmn", (0..1000).filter(|row| row % 3 != 1).collect()),
            language("eng", every(6, 1)),
            language("code", every(12, 4)),
            language("unknown", every(12, 10)),
        ],
        languages_of: 1000,
        lengths: lengths.iter().flat_map(|(count, length)| vec![*length; *count]).collect(),
    }
}

/// Row `index` (from 0) of the test data, with the edges of its tokens.
pub fn row(index: usize) -> PreviewRow {
    let base = data().preview.remove(0);
    if index == 16 {
        let problem = Some("no answer: column \"output\" is empty".to_owned());
        return PreviewRow { row: 17, question: base.question, problem, ..PreviewRow::default() };
    }
    let edges = |segment: &Segment| Segment {
        tokens: segment.text.split_inclusive([' ', '\n', '>', '，', '。']).map(|piece| piece.len() as u32).collect(),
        ..segment.clone()
    };
    let segments = base.segments.iter().map(edges).collect();
    PreviewRow { row: index + 1, question: format!("{} ({})", base.question, index + 1), segments, ..base }
}
