//! A text cut into blocks: small enough that only those in sight need to be laid out.

/// How a stretch of text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    pub strong: bool,
    pub slanted: bool,
    pub struck: bool,
    pub code: bool,
    /// An address, said beside what it belongs to.
    pub address: bool,
    /// Text of a link.
    pub link: bool,
    /// What stands for a picture.
    pub picture: bool,
    /// The name of a character that cannot be seen.
    pub unseen: bool,
    /// Not in the text that this one is compared with.
    pub only_here: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub text: String,
    pub look: Look,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// 1 to 6.
    Heading(u8),
    /// Of a list, behind its marker.
    Entry(String),
    Code {
        language: String,
        first: bool,
        last: bool,
    },
    Table {
        rows: Vec<Vec<Vec<Span>>>,
        /// Its first row is the head.
        head: bool,
    },
    Rule,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub kind: Kind,
    pub spans: Vec<Span>,
    /// Levels of a list.
    pub indent: u8,
    /// Levels of quoting.
    pub quote: u8,
    /// Some of it runs from right to left.
    pub backwards: bool,
    /// Goes on where the block before ends.
    pub joined: bool,
    pub bytes: usize,
    pub lines: usize,
}

/// Bytes of a block, about.
const CHUNK: usize = 1_600;

/// Cuts `text` into pieces of at most [`CHUNK`] bytes: behind a line break, else behind a blank, else anywhere.
pub fn chunks(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = rest.len();
        if end > CHUNK {
            let within = &rest[..rest.floor_char_boundary(CHUNK)];
            end = match (within.rfind('\n'), within.rfind(' ')) {
                (Some(at), _) | (None, Some(at)) => at + 1,
                (None, None) => within.len(),
            };
        }
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

impl Block {
    pub fn new(kind: Kind, spans: Vec<Span>) -> Self {
        let said = |span: &Span| (span.text.len(), span.text.matches('\n').count());
        let (bytes, breaks) = spans.iter().map(said).fold((0, 0), |sum, n| (sum.0 + n.0, sum.1 + n.1));
        let backwards = spans.iter().any(|span| span.text.chars().any(runs_backwards));
        Self { kind, spans, indent: 0, quote: 0, backwards, joined: false, bytes, lines: breaks + 1 }
    }
}

/// Control characters and those that only change how others are shown.
pub fn is_unseen(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// Hebrew, Arabic and their like.
pub fn runs_backwards(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}')
}

/// Adds `text`, its unseen characters by name; where it is not shown `whole`, those that only join and order others go.
pub fn push(spans: &mut Vec<Span>, text: &str, look: Look, whole: bool) {
    let mut run = String::new();
    let add = |spans: &mut Vec<Span>, run: &mut String| {
        let text = std::mem::take(run);
        match spans.last_mut() {
            _ if text.is_empty() => {}
            Some(last) if last.look == look => last.text += &text,
            _ => spans.push(Span { text, look }),
        }
    };
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            c if is_unseen(c) => {
                if whole || c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}') {
                    add(spans, &mut run);
                    let text = format!("U+{:04X}", u32::from(c));
                    spans.push(Span { text, look: Look { unseen: true, ..look } });
                }
            }
            c => run.push(c),
        }
    }
    add(spans, &mut run);
}

/// The text as it is stored, nothing of it read as markup.
pub fn as_written(text: &str) -> Vec<Block> {
    written(&[(text, Look::default())])
}

/// The same for a text in stretches of different looks.
pub fn written(stretches: &[(&str, Look)]) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut spans = Vec::new();
    let mut size = 0;
    let mut end = |spans: &mut Vec<Span>| {
        if !spans.is_empty() {
            let mut block = Block::new(Kind::Text, std::mem::take(spans));
            block.joined = !blocks.is_empty();
            blocks.push(block);
        }
    };
    for (text, look) in stretches {
        for line in text.split_inclusive('\n').flat_map(chunks) {
            if size + line.len() > CHUNK {
                end(&mut spans);
                size = 0;
            }
            size += line.len();
            push(&mut spans, line, *look, true);
            // Some hundred lines of a character each are tall, however few bytes they are.
            size += if line.ends_with('\n') { 24 } else { 0 };
        }
    }
    end(&mut spans);
    // The break that ended a block is in the gap between the two.
    let many = blocks.len();
    for block in blocks.iter_mut().take(many.saturating_sub(1)) {
        if let Some(last) = block.spans.last_mut().filter(|span| span.text.ends_with('\n')) {
            last.text.pop();
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_between_the_blocks() {
        let text = format!("{}\n\n{}好{}\n", "a line\n".repeat(600), "x".repeat(5_000), " word".repeat(900));
        let blocks = as_written(&text);
        assert!(blocks.len() > 6 && blocks.iter().all(|block| block.bytes <= CHUNK), "{}", blocks.len());
        let said: String = blocks.iter().flat_map(|block| &block.spans).map(|span| span.text.as_str()).collect();
        let bare = |s: &str| s.replace('\n', "");
        assert_eq!(bare(&said), bare(&text));
    }

    #[test]
    fn what_cannot_be_seen_is_named_or_left_out() {
        let said = |whole| {
            let mut spans = Vec::new();
            push(&mut spans, "a\u{7}b\r\nc\u{200D}\u{202E}d", Look::default(), whole);
            spans
                .iter()
                .map(|span| format!("{}{}", if span.look.unseen { "!" } else { "" }, span.text))
                .collect::<String>()
        };
        assert_eq!(said(true), "a!U+0007b\nc!U+200D!U+202Ed");
        assert_eq!(said(false), "a!U+0007b\nc!U+202Ed");
        assert!(!is_unseen('\n') && !is_unseen('好') && is_unseen('\u{200B}'));
        assert!(runs_backwards('ש') && runs_backwards('م') && !runs_backwards('a'));
    }
}
