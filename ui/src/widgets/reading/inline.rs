//! Markup within a line: strong, slanted, struck, code, links and pictures. Addresses stand beside what they belong to;
//! nothing leads anywhere.

use super::block::{Look, Span, push};

/// The longest text of a link or picture that is looked for, in bytes.
const LINK: usize = 400;

/// Reads one chunk. Every mark is looked at once, so that a text of nothing but marks takes no longer than another.
pub fn spans(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut look = Look::default();
    let last = |mark: &str| text.rfind(mark).unwrap_or(0);
    let (stars, lows, waves, ticks) = (last("*"), last("_"), last("~~"), last("`"));
    let brackets = last("](");
    let (mut at, mut start) = (0, 0);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        let rest = &text[at..];
        let before = text[..at].chars().next_back();
        let opens = |length: usize| rest[length..].chars().next().is_some_and(|c| !c.is_whitespace());
        let closes = before.is_some_and(|c| !c.is_whitespace());
        let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let found = match bytes[at] {
            b'\\' if bytes.get(at + 1).is_some_and(|c| b"*_`#~|<>".contains(c)) => Some(Found::Escape),
            b'`' if at <= ticks => code(rest).map(Found::Code),
            b'*' if rest.starts_with("**") => {
                toggles(look.strong, opens(2), closes, at + 2 <= stars).then_some(Found::Strong(2))
            }
            b'*' => toggles(look.slanted, opens(1), closes, at < stars).then_some(Found::Slanted),
            // Within a word a low line is a low line: snake_case.
            b'_' if inside(before) && inside(rest.trim_start_matches('_').chars().next()) => None,
            b'_' if rest.starts_with("__") => {
                toggles(look.strong, opens(2), closes, at + 2 <= lows).then_some(Found::Strong(2))
            }
            b'_' => toggles(look.slanted, opens(1), closes, at < lows).then_some(Found::Slanted),
            b'~' if rest.starts_with("~~") => {
                toggles(look.struck, opens(2), closes, at + 2 <= waves).then_some(Found::Struck)
            }
            b'!' if at < brackets && rest.starts_with("![") => link(&rest[1..]).map(|l| Found::Link(l, true)),
            b'[' if at < brackets => link(rest).map(|l| Found::Link(l, false)),
            _ => None,
        };
        let Some(found) = found else {
            // A mark that opens nothing is text, all of its characters at once.
            let same = bytes[at];
            let run = if b"`*_~".contains(&same) { bytes[at..].iter().take_while(|b| **b == same).count() } else { 1 };
            at += run;
            while !text.is_char_boundary(at) {
                at += 1;
            }
            continue;
        };
        push(&mut spans, &text[start..at], look, false);
        match found {
            Found::Escape => {
                start = at + 1;
                at += 2;
                continue;
            }
            Found::Code((inner, length)) => {
                push(&mut spans, inner, Look { code: true, ..look }, false);
                at += length;
            }
            Found::Strong(length) => (look.strong, at) = (!look.strong, at + length),
            Found::Slanted => (look.slanted, at) = (!look.slanted, at + 1),
            Found::Struck => (look.struck, at) = (!look.struck, at + 2),
            Found::Link((said, address, length), picture) => {
                at += length + usize::from(picture);
                if !said.is_empty() {
                    push(&mut spans, said, Look { link: !picture, picture, ..look }, false);
                }
                if said != address && !address.is_empty() {
                    let look = Look { address: true, picture: picture && said.is_empty(), ..look };
                    push(&mut spans, &format!(" ({address})"), look, false);
                }
            }
        }
        start = at;
    }
    push(&mut spans, &text[start..], look, false);
    spans
}

enum Found<'a> {
    Escape,
    Code((&'a str, usize)),
    Strong(usize),
    Slanted,
    Struck,
    Link((&'a str, &'a str, usize), bool),
}

/// A mark ends what is on, or begins it where it can end.
fn toggles(on: bool, opens: bool, closes: bool, ends_later: bool) -> bool {
    if on { closes } else { opens && ends_later }
}

/// Code between as many ticks as it begins with: what is in it, and bytes with the ticks.
fn code(rest: &str) -> Option<(&str, usize)> {
    let ticks = rest.bytes().take_while(|b| *b == b'`').count();
    let inner = &rest[ticks..];
    let end = inner.match_indices('`').take(8).find_map(|(at, _)| {
        let run = inner[at..].bytes().take_while(|b| *b == b'`').count();
        (run == ticks && !inner[..at].ends_with('`')).then_some(at)
    })?;
    let said = &inner[..end];
    let bare = said.strip_prefix(' ').and_then(|s| s.strip_suffix(' ')).filter(|s| !s.trim().is_empty());
    Some((bare.unwrap_or(said), 2 * ticks + end))
}

/// `[said](address "title")`: what it says, where it would lead, bytes of all of it.
fn link(rest: &str) -> Option<(&str, &str, usize)> {
    let near = &rest[..rest.floor_char_boundary(LINK)];
    let middle = near.find("](")?;
    let said = &near[1..middle];
    if said.contains('[') || said.contains("\n\n") {
        return None;
    }
    let after = &rest[middle + 2..];
    let mut depth = 0;
    let end = after.char_indices().take(4 * LINK).find_map(|(at, c)| {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return Some(at),
            ')' => depth -= 1,
            _ => {}
        }
        None
    })?;
    let address = after[..end].split_whitespace().next().unwrap_or_default();
    Some((said, address.trim_start_matches('<').trim_end_matches('>'), middle + 3 + end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let mark = |span: Span| {
            let l = span.look;
            let marks = [(l.strong, 'S'), (l.slanted, 'I'), (l.struck, 'X'), (l.code, 'C'), (l.link, 'L')];
            let more = [(l.address, 'A'), (l.picture, 'P')];
            let marks: String = marks.iter().chain(&more).filter(|(on, _)| *on).map(|(_, c)| *c).collect();
            if marks.is_empty() { span.text } else { format!("{{{marks}:{}}}", span.text) }
        };
        spans(text).into_iter().map(mark).collect()
    }

    #[test]
    fn marks_are_read_and_what_is_none_stays_text() {
        assert_eq!(said("a **b *c* d** `e*f*` ~~g~~"), "a {S:b }{SI:c}{S: d} {C:e*f*} {X:g}");
        assert_eq!(said("2 * 3 * 4, snake_case_name, 5 ** 2"), "2 * 3 * 4, snake_case_name, 5 ** 2");
        assert_eq!(said("_so_ __that__ \\*not\\* **open"), "{I:so} {S:that} *not* **open");
        assert_eq!(said("``a`b`` and `"), "{C:a`b} and `");
        assert_eq!(said("\\(x\\) <b>bold</b> &amp;"), "\\(x\\) <b>bold</b> &amp;");
        assert_eq!(said("**粗体**和*斜体*"), "{S:粗体}和{I:斜体}");
    }

    #[test]
    fn links_and_pictures_say_where_they_would_lead() {
        assert_eq!(said("see [more](https://a.b/c_(d) \"t\")."), "see {L:more}{A: (https://a.b/c_(d))}.");
        assert_eq!(said("![wood](https://a.b/w.png)"), "{P:wood}{A: (https://a.b/w.png)}");
        assert_eq!(said("![](file:///etc/passwd)"), "{AP: (file:///etc/passwd)}");
        assert_eq!(said("[a](javascript:alert(1))"), "{L:a}{A: (javascript:alert(1))}");
        assert_eq!(said("[x] (y) [z"), "[x] (y) [z");
    }

    #[test]
    fn a_text_of_marks_alone_is_read_as_fast_as_another() {
        for mark in ["*", "_", "`", "[", "![", "](", "**_", "~~", "\\", "[a](", "` `` "] {
            let text = mark.repeat(1_600 / mark.len());
            let began = std::time::Instant::now();
            let spans = spans(&text);
            assert!(began.elapsed().as_millis() < 200, "{mark}: {:?}", began.elapsed());
            assert!(spans.iter().map(|span| span.text.len()).sum::<usize>() <= text.len() + 3 * spans.len());
        }
    }
}
