//! Texts as tokens for BLEU and ROUGE: sacrebleu's `13a` and `zh` tokenisers, words and characters for rouge_score.

use serde::{Deserialize, Serialize};

/// What a text is cut by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Words: BLEU by `13a`, ROUGE by lower-cased words between blanks.
    En,
    /// Characters: BLEU by `zh`, ROUGE by single characters.
    Zh,
}

/// From this share of Chinese characters on, a text counts as Chinese: a Latin word has about five letters, so a text
/// of as many Chinese characters as Latin words still does.
const CHINESE_SHARE: f64 = 0.15;

impl Language {
    /// The language of most of these texts, by the share of Chinese characters among all that are not blank.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let (mut all, mut chinese) = (0u64, 0u64);
        for character in texts.into_iter().flat_map(str::chars).filter(|c| !is_blank(*c)) {
            all += 1;
            chinese += u64::from(is_ideograph(character));
        }
        if chinese as f64 >= CHINESE_SHARE * all.max(1) as f64 { Self::Zh } else { Self::En }
    }

    /// sacrebleu's name of the tokeniser.
    pub fn bleu_tokenizer(self) -> &'static str {
        match self {
            Self::En => "13a",
            Self::Zh => "zh",
        }
    }

    /// Tokens of a segment as sacrebleu makes them.
    pub fn bleu_tokens(self, segment: &str) -> Vec<String> {
        match self {
            Self::En => thirteen_a(segment),
            Self::Zh => zh(segment),
        }
    }

    /// Tokens of a text for ROUGE.
    pub fn rouge_tokens(self, text: &str) -> Vec<String> {
        match self {
            Self::En => words(&text.to_lowercase()),
            Self::Zh => text.chars().filter(|c| !is_blank(*c)).map(String::from).collect(),
        }
    }
}

/// rouge_score's default tokeniser without its stemmer: runs of a-z and 0-9 of the lower-cased text.
pub fn alphanumeric_words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let outside = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit());
    lower.split(outside).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Python's `str.isspace`, which also has the four separators of ASCII.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

fn words(text: &str) -> Vec<String> {
    text.split(is_blank).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// mteval-v13a as sacrebleu has it (`tokenize="13a"`).
fn thirteen_a(segment: &str) -> Vec<String> {
    let line = segment.trim_end_matches(is_blank).replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    let line = line.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
    western(&format!(" {line} "))
}

/// sacrebleu's `tokenize="zh"`: every Chinese character alone, the rest as `13a` without its entities.
fn zh(segment: &str) -> Vec<String> {
    let mut line = String::with_capacity(segment.len() * 2);
    for c in segment.trim_matches(is_blank).chars() {
        if stands_alone(c) {
            line.extend([' ', c, ' ']);
        } else {
            line.push(c);
        }
    }
    western(&line)
}

/// Characters that sacrebleu's `zh` separates. Its table writes `\u20000` and `\u2f800`, which Python reads as U+2000
/// and U+2F80 with a digit behind: so dashes and curly quotes stand alone and the supplementary planes do not. BLEU is
/// compared with what sacrebleu computes, so this is kept.
fn stands_alone(c: char) -> bool {
    matches!(c,
        '\u{3400}'..='\u{4db5}' | '\u{4e00}'..='\u{9fbb}' | '\u{f900}'..='\u{fa2d}' | '\u{fa30}'..='\u{fa6a}'
        | '\u{fa70}'..='\u{fad9}' | '\u{2001}'..='\u{2a6d}' | '\u{2f81}'..='\u{2fa1}' | '\u{ff00}'..='\u{ffef}'
        | '\u{2e80}'..='\u{2eff}' | '\u{3000}'..='\u{303f}' | '\u{31c0}'..='\u{31ef}' | '\u{2f00}'..='\u{2fdf}'
        | '\u{2ff0}'..='\u{2fff}' | '\u{3100}'..='\u{312f}' | '\u{31a0}'..='\u{31bf}' | '\u{fe10}'..='\u{fe1f}'
        | '\u{fe30}'..='\u{fe4f}' | '\u{3200}'..='\u{33ff}')
}

/// The four substitutions of mteval-v13a, one after the other over the whole line, then cut at blanks.
fn western(line: &str) -> Vec<String> {
    let punctuation = |c: char| matches!(c, '{'..='~' | '['..='`' | ' '..='&' | '('..='+' | ':'..='@' | '/');
    let mut separated = Vec::with_capacity(line.len() * 2);
    for c in line.chars() {
        if punctuation(c) { separated.extend([' ', c, ' ']) } else { separated.push(c) }
    }
    let digit = |c: char| c.is_ascii_digit();
    let mark = |c: char| c == '.' || c == ',';
    let line = pairs(&separated, |a, b| !digit(a) && mark(b), |a, b| vec![a, ' ', b, ' ']);
    let line = pairs(&line, |a, b| mark(a) && !digit(b), |a, b| vec![' ', a, ' ', b]);
    let line = pairs(&line, |a, b| digit(a) && b == '-', |a, b| vec![a, ' ', b, ' ']);
    words(&line.into_iter().collect::<String>())
}

/// Replaces pairs of neighbours from left to right; what was replaced is not looked at again, as in `re.sub`.
fn pairs(line: &[char], fits: impl Fn(char, char) -> bool, replaced: impl Fn(char, char) -> Vec<char>) -> Vec<char> {
    let mut out = Vec::with_capacity(line.len() + line.len() / 4);
    let mut at = 0;
    while at < line.len() {
        match line.get(at + 1) {
            Some(&next) if fits(line[at], next) => {
                out.extend(replaced(line[at], next));
                at += 2;
            }
            _ => {
                out.push(line[at]);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(language: Language, text: &str) -> String {
        language.bleu_tokens(text).join(" ")
    }

    #[test]
    fn thirteen_a_keeps_numbers_and_apostrophes_together() {
        let cases = [
            ("It's 3.50, or 1,000-2,000.", "It's 3.50 , or 1,000 - 2,000 ."),
            ("&quot;a&amp;b&quot; x-\ny\nz", "\" a & b \" xy z"),
            ("a..b ,,c .5 5.", "a . . b , , c . 5 5 ."),
            ("3.-4 well-known", "3 . -4 well-known"),
            (" \t ", ""),
        ];
        for (text, tokens) in cases {
            assert_eq!(joined(Language::En, text), tokens, "{text:?}");
        }
    }

    #[test]
    fn zh_separates_characters_but_not_words_or_numbers() {
        let cases = [
            ("他有2,000元（约）。", "他 有 2,000 元 （ 约 ） 。"),
            ("“GPT-4”——好", "“ GPT-4 ” — — 好"),
            ("\u{20000}\u{20001}", "\u{20000}\u{20001}"),
        ];
        for (text, tokens) in cases {
            assert_eq!(joined(Language::Zh, text), tokens, "{text:?}");
        }
    }

    #[test]
    fn the_language_is_that_of_most_characters() {
        let cases = [
            (vec!["The word 水 is water."], Language::En),
            (vec!["水是 water 的意思"], Language::Zh),
            (vec!["hello", "今天天气很好"], Language::Zh),
            (vec!["", "  "], Language::En),
        ];
        for (texts, language) in cases {
            assert_eq!(Language::of(texts.iter().copied()), language, "{texts:?}");
        }
    }

    #[test]
    fn rouge_words_are_lower_case() {
        assert_eq!(Language::En.rouge_tokens("A Dog, it's\tfast"), ["a", "dog,", "it's", "fast"]);
        assert_eq!(Language::Zh.rouge_tokens("北 京AI"), ["北", "京", "A", "I"]);
        assert_eq!(alphanumeric_words("A Dog, it's\tfast! é1"), ["a", "dog", "it", "s", "fast", "1"]);
    }
}
