//! Which language a text is in, or whether it is a program.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use whatlang::{Detector, Lang};

/// Characters that are looked at: enough to be sure, few enough for a thousand answers in some milliseconds.
const LOOKED_AT: usize = 320;
/// Letters that tell a language written in an alphabet; a script of its own tells more.
const LETTERS_NEEDED: usize = 16;

/// Words that lines of programs begin with; prose does too, so that a mark has to stand beside them.
const KEYWORDS: &[&str] =
    &["def ", "import ", "from ", "return ", "function ", "const ", "let ", "var ", "class ", "#include"];

/// A program, not a language.
pub const CODE: &str = "code";
/// Too short or too mixed to tell.
pub const UNKNOWN: &str = "unknown";

/// Rows whose answers are in one language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LanguageShare {
    /// ISO 639-3 (`eng`, `cmn`), [`CODE`] or [`UNKNOWN`].
    pub language: String,
    /// From 0.
    pub rows: Vec<u32>,
}

/// Fewer languages are told apart better and faster than all that the crate knows.
static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    use Lang::*;
    Detector::with_allowlist(vec![
        Eng, Cmn, Jpn, Kor, Deu, Fra, Spa, Por, Ita, Nld, Rus, Ukr, Pol, Ces, Swe, Tur, Vie, Ind, Ara, Pes, Heb, Hin,
        Ben, Tha, Ell,
    ])
});

/// The language of `text`, by its beginning.
pub(super) fn language(text: &str) -> &'static str {
    let end = text.char_indices().nth(LOOKED_AT).map_or(text.len(), |(end, _)| end);
    let text = &text[..end];
    if is_code(text) {
        return CODE;
    }
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let wide = text.chars().filter(|c| *c >= '\u{2E80}').count();
    if letters < LETTERS_NEEDED && wide < 2 {
        return UNKNOWN;
    }
    match DETECTOR.detect(text) {
        // A Chinese answer with some Latin words is Chinese: its characters carry more each.
        _ if wide * 3 > letters && !has_kana_or_hangul(text) && has_han(text) => Lang::Cmn.code(),
        Some(info) if info.confidence() > 0.2 || wide > 0 => info.lang().code(),
        _ => UNKNOWN,
    }
}

fn has_han(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}'))
}

fn has_kana_or_hangul(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{3040}'..='\u{30FF}' | '\u{AC00}'..='\u{D7AF}'))
}

/// Mostly lines that end or are indented as a program's, or marks that prose has few of.
fn is_code(text: &str) -> bool {
    let fenced = text.trim_start().starts_with("```");
    let mut lines = 0;
    let mut like_code = 0;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let trimmed = line.trim_end();
        lines += 1;
        let begins = trimmed.trim_start();
        let has_marks = begins.contains(['(', '=', '{', '<', ';', '.']) || begins.len() < trimmed.len();
        let keyword = has_marks && KEYWORDS.iter().any(|word| begins.starts_with(word));
        let ends = trimmed.ends_with(['{', '}', ';']) || (trimmed.ends_with("):") && begins.contains('('));
        like_code += usize::from(keyword || ends);
    }
    let marks = text.chars().filter(|c| "{}()[]<>=;_+*/\\|&$#\"".contains(*c)).count();
    let all = text.chars().filter(|c| !c.is_whitespace()).count();
    let dense = all >= 24 && marks * 8 > all;
    fenced || (lines > 0 && like_code * 2 > lines) || (dense && like_code * 4 > lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_and_programs_are_told_apart() {
        let cases = [
            ("The strings sound first: the bow makes them swing.", "eng"),
            ("琴弦最先发声。", "cmn"),
            ("用 Python 的 print 函数输出这个结果即可。", "cmn"),
            ("弦が最初に鳴ります。", "jpn"),
            ("현이 먼저 소리를 냅니다.", "kor"),
            ("Zuerst klingen die Saiten, denn der Bogen streicht über sie.", "deu"),
            ("Сначала звучат струны, потому что смычок их колеблет.", "rus"),
            ("def add(a, b):\n    return a + b", CODE),
            ("```rust\nfn main() {}\n```", CODE),
            ("for (int i = 0; i < n; i++) {\n  sum += a[i];\n}", CODE),
            ("42", UNKNOWN),
            ("", UNKNOWN),
            ("Yes", UNKNOWN),
        ];
        for (text, expected) in cases {
            assert_eq!(language(text), expected, "{text}");
        }
    }
}
