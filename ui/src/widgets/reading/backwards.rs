//! Hebrew and Arabic on lines that read from right to left. egui shapes each word and joins its letters, but sets words in
//! the order in which they are stored; here lines are broken first and the words of each put in the order in which they
//! are read. The Unicode bidirectional algorithm (UAX 9) without explicit levels: rules P2, N1, N2, L2 on whole words.

use super::block::runs_backwards;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Right,
    Left,
    /// Blanks and signs go with what is around them.
    Neither,
}

fn way(c: char) -> Way {
    match c {
        c if runs_backwards(c) => Way::Left,
        c if c.is_alphanumeric() => Way::Right,
        _ => Way::Neither,
    }
}

/// Whether a paragraph reads from right to left: by its first letter.
pub fn leads_left(text: &str) -> bool {
    text.chars().find(|c| c.is_alphabetic()).is_some_and(runs_backwards)
}

/// Words, numbers, single signs and blanks.
fn words(line: &str) -> Vec<(&str, Way)> {
    let mut words: Vec<(&str, Way)> = Vec::new();
    let mut start = 0;
    let mut last = None;
    for (at, c) in line.char_indices() {
        let now = way(c);
        let goes_on = last == Some(now) && now != Way::Neither;
        if at > 0 && !goes_on {
            words.push((&line[start..at], last.unwrap_or(now)));
            start = at;
        }
        last = Some(now);
    }
    if let Some(last) = last {
        words.push((&line[start..], last));
    }
    words
}

/// Signs that come in pairs look the other way where the line does.
fn mirrored(sign: &str) -> &str {
    match sign {
        "(" => ")",
        ")" => "(",
        "[" => "]",
        "]" => "[",
        "{" => "}",
        "}" => "{",
        "<" => ">",
        ">" => "<",
        "«" => "»",
        "»" => "«",
        other => other,
    }
}

/// One line in the order in which it is drawn, from the left.
pub fn drawn(line: &str, leads_left: bool) -> String {
    let base = if leads_left { Way::Left } else { Way::Right };
    let mut words = words(line);
    // N1 and N2: between two words of one way a sign takes it, else the line's.
    let ways: Vec<Way> = words.iter().map(|(_, way)| *way).collect();
    let mut before = base;
    for at in 0..words.len() {
        if ways[at] == Way::Neither {
            let after = ways[at..].iter().find(|way| **way != Way::Neither).copied().unwrap_or(base);
            words[at].1 = if before == after { before } else { base };
        } else {
            before = ways[at];
        }
    }
    let runs = words.chunk_by(|a, b| a.1 == b.1);
    let mut shown: Vec<String> = Vec::new();
    for run in runs {
        shown.push(match run[0].1 {
            Way::Left => run.iter().rev().map(|(word, _)| mirrored(word)).collect(),
            _ => run.iter().map(|(word, _)| *word).collect(),
        });
    }
    if leads_left {
        shown.reverse();
    }
    shown.concat()
}

/// Breaks a paragraph into lines of at most `width`, by the width of its words.
pub fn lines(paragraph: &str, width: f32, measure: &mut dyn FnMut(&str) -> f32) -> Vec<String> {
    let leads_left = leads_left(paragraph);
    let mut lines = Vec::new();
    let (mut start, mut end, mut filled) = (0, 0, 0.0);
    for word in paragraph.split_inclusive(' ') {
        let wide = measure(word);
        if filled > 0.0 && filled + wide > width {
            lines.push(drawn(paragraph[start..end].trim_end(), leads_left));
            (start, filled) = (end, 0.0);
        }
        end += word.len();
        filled += wide;
    }
    lines.push(drawn(paragraph[start..].trim_end(), leads_left));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_in_the_order_in_which_they_are_read() {
        assert_eq!(drawn("שלום עולם", true), "עולם שלום");
        assert_eq!(drawn("שלום עולם.", true), ".עולם שלום");
        assert_eq!(drawn("אחד (שתיים) 34 five", true), "34 five (שתיים) אחד");
        assert_eq!(drawn("He said שלום עולם twice", false), "He said עולם שלום twice");
        assert_eq!(drawn("plain text", false), "plain text");
        assert!(leads_left("12. שלום") && !leads_left("a שלום"));
    }

    #[test]
    fn lines_are_broken_before_they_are_turned() {
        let mut by_letters = |word: &str| word.chars().count() as f32;
        assert_eq!(lines("אחת שתיים שלוש ארבע", 11.0, &mut by_letters), ["שתיים אחת", "ארבע שלוש"]);
        assert_eq!(lines("", 10.0, &mut by_letters), [""]);
        assert_eq!(lines(&"x".repeat(50), 10.0, &mut by_letters).len(), 1);
    }
}
