//! Markdown as models write it, read line by line: headings, lists, quotes, code, tables, rules. HTML stays text.
//!
//! Not egui_commonmark, which draws the Guide: it lays a whole text out in every frame, opens links at a click, asks for
//! pictures and recurses as deep as a text says, and these texts are anybody's.

use super::block::{Block, Kind, Look, chunks, push};
use super::inline::spans;

/// Deeper levels of lists and quotes look the same.
const DEEPEST: usize = 6;
/// Wider tables are shown as written.
const COLUMNS: usize = 12;
/// Rows of a table and lines of code that are laid out as one.
const TOGETHER: usize = 30;

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    text: String,
    kind: Option<Kind>,
    indent: u8,
    quote: u8,
}

pub fn markdown(text: &str) -> Vec<Block> {
    let mut reader = Reader::default();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let (quote, rest) = unquoted(line);
        let depth = indent_of(rest);
        let bare = rest.trim_start();
        if quote != reader.quote {
            reader.end();
            reader.quote = quote;
        }
        if let Some((mark, language)) = fence(bare) {
            reader.end();
            let inside = |line: &str| {
                unquoted(line)
                    .1
                    .trim()
                    .strip_prefix(mark)
                    .is_some_and(|rest| rest.trim_matches(mark.as_bytes()[0] as char).is_empty())
            };
            let mut code = Vec::new();
            for line in lines.by_ref() {
                if inside(line) {
                    break;
                }
                let line = if quote > 0 { unquoted(line).1 } else { line };
                // A block within a list is set in by as much as its fence is.
                let set_in = line.len() - line.trim_start_matches(' ').len();
                code.push(&line[set_in.min(rest.len() - bare.len())..]);
            }
            reader.code(&code, language);
            continue;
        }
        if bare.is_empty() {
            reader.end();
        } else if let Some(level) = heading(bare) {
            reader.end();
            let title = bare.trim_start_matches('#').trim().trim_end_matches('#').trim_end();
            reader.begin(Kind::Heading(level), 0, title);
            reader.end();
        } else if reader.is_open_text() && underline(bare).is_some() {
            reader.kind = underline(bare).map(Kind::Heading);
            reader.end();
        } else if is_rule(bare) {
            reader.end();
            reader.put(Block::new(Kind::Rule, Vec::new()));
        } else if let Some((marker, said)) = entry(bare) {
            reader.end();
            reader.begin(Kind::Entry(marker), (depth / 2).min(DEEPEST) as u8, said);
        } else if bare.contains('|') && lines.peek().is_some_and(|next| is_table_line(unquoted(next).1)) {
            reader.end();
            let mut rows = vec![cells(bare)];
            lines.next();
            while let Some(row) = lines.next_if(|line| line.contains('|')) {
                rows.push(cells(unquoted(row).1.trim()));
            }
            reader.table(rows);
        } else {
            reader.line(if depth >= 4 { rest } else { bare });
        }
    }
    reader.end();
    reader.blocks
}

impl Reader {
    fn begin(&mut self, kind: Kind, indent: u8, text: &str) {
        (self.kind, self.indent) = (Some(kind), indent);
        self.text.push_str(text);
    }

    fn is_open_text(&self) -> bool {
        self.kind == Some(Kind::Text)
    }

    fn line(&mut self, line: &str) {
        if self.kind.is_none() {
            self.begin(Kind::Text, 0, line);
        } else {
            self.text.push('\n');
            self.text.push_str(line.trim_end());
        }
    }

    fn put(&mut self, mut block: Block) {
        (block.quote, block.indent) = (self.quote, self.indent);
        self.blocks.push(block);
    }

    fn end(&mut self) {
        let text = std::mem::take(&mut self.text);
        if let Some(kind) = self.kind.take() {
            for (at, piece) in chunks(&text).enumerate() {
                let kind = match &kind {
                    Kind::Entry(_) if at > 0 => Kind::Entry(String::new()),
                    kind => kind.clone(),
                };
                let mut block = Block::new(kind, spans(piece.trim_end_matches('\n')));
                block.joined = at > 0;
                self.put(block);
            }
        }
        self.indent = 0;
    }

    fn code(&mut self, lines: &[&str], language: &str) {
        let mut pieces: Vec<Vec<String>> = vec![Vec::new()];
        let mut size = 0;
        for piece in lines.iter().flat_map(|line| if line.is_empty() { vec![""] } else { chunks(line).collect() }) {
            size += piece.len() + 40;
            if size > 2_400 && pieces.last().is_some_and(|last| !last.is_empty()) {
                pieces.push(Vec::new());
                size = 0;
            }
            if let Some(last) = pieces.last_mut() {
                last.push(piece.to_owned());
            }
        }
        let many = pieces.len();
        for (at, piece) in pieces.into_iter().enumerate() {
            let mut spans = Vec::new();
            push(&mut spans, &piece.join("\n"), Look::default(), true);
            let language = if at == 0 { language.to_owned() } else { String::new() };
            let mut block = Block::new(Kind::Code { language, first: at == 0, last: at + 1 == many }, spans);
            block.joined = at > 0;
            self.put(block);
        }
    }

    fn table(&mut self, rows: Vec<Vec<&str>>) {
        let columns = rows.first().map_or(0, Vec::len);
        if columns > COLUMNS {
            rows.iter().for_each(|row| self.line(&row.join(" | ")));
            return self.end();
        }
        for (at, part) in rows.chunks(TOGETHER).enumerate() {
            let read = |row: &Vec<&str>| -> Vec<_> {
                (0..columns)
                    .map(|at| spans(chunks(row.get(at).copied().unwrap_or_default()).next().unwrap_or_default()))
                    .collect()
            };
            let rows: Vec<Vec<_>> = part.iter().map(read).collect();
            let all = rows.iter().flatten().flatten();
            let (bytes, backwards) = all.fold((0, false), |(bytes, back), span| {
                (bytes + span.text.len(), back || span.text.chars().any(super::block::runs_backwards))
            });
            let mut block = Block::new(Kind::Table { rows, head: at == 0 }, Vec::new());
            (block.bytes, block.backwards, block.lines, block.joined) = (bytes, backwards, part.len(), at > 0);
            self.put(block);
        }
    }
}

fn indent_of(line: &str) -> usize {
    line.chars().take_while(|c| c.is_whitespace()).map(|c| if c == '\t' { 4 } else { 1 }).sum()
}

/// The levels of `>` before a line, and the line behind them.
fn unquoted(line: &str) -> (u8, &str) {
    let mut rest = line;
    let mut level = 0;
    while let Some(inner) = rest.trim_start().strip_prefix('>').filter(|_| level < 64 && indent_of(rest) < 4) {
        level += 1;
        rest = inner.strip_prefix(' ').unwrap_or(inner);
    }
    (level.min(DEEPEST) as u8, rest)
}

/// The ticks or waves that open a block of code, and its language.
fn fence(line: &str) -> Option<(&str, &str)> {
    let first = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = line.bytes().take_while(|b| *b == first as u8).count();
    let language = line[length..].trim();
    (length >= 3 && !language.contains('`')).then(|| (&line[..length], &language[..language.floor_char_boundary(24)]))
}

fn heading(line: &str) -> Option<u8> {
    let level = line.bytes().take_while(|b| *b == b'#').count();
    ((1..=6).contains(&level) && (line.len() == level || line[level..].starts_with([' ', '\t']))).then_some(level as u8)
}

/// The line below a title.
fn underline(line: &str) -> Option<u8> {
    let line = line.trim_end();
    let all = |c: char| line.len() >= 3 && line.chars().all(|other| other == c);
    if all('=') { Some(1) } else { all('-').then_some(2) }
}

fn is_rule(line: &str) -> bool {
    let first = line.chars().next();
    let marks = line.chars().filter(|c| !c.is_whitespace());
    first.is_some_and(|c| "-*_".contains(c) && marks.clone().all(|other| other == c)) && marks.count() >= 3
}

/// An entry of a list: its marker and what it says.
fn entry(line: &str) -> Option<(String, &str)> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let (marker, rest) = match line.chars().next()? {
        '-' | '*' | '+' => ("•".to_owned(), &line[1..]),
        _ if (1..=9).contains(&digits) && line[digits..].starts_with(['.', ')']) => {
            (line[..=digits].to_owned(), &line[digits + 1..])
        }
        _ => return None,
    };
    let said = rest.strip_prefix([' ', '\t'])?.trim_start();
    Some(match (said.strip_prefix("[ ] "), said.strip_prefix("[x] ").or_else(|| said.strip_prefix("[X] "))) {
        (Some(said), _) => ("[ ]".into(), said),
        (_, Some(said)) => ("[x]".into(), said),
        _ => (marker, said),
    })
}

/// The line between a table's head and its rows.
fn is_table_line(line: &str) -> bool {
    let line = line.trim();
    line.contains('-') && line.contains('|') && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ' | '\t'))
}

fn cells(line: &str) -> Vec<&str> {
    let line = line.trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    let line = line.strip_suffix('|').unwrap_or(line);
    line.split('|').map(str::trim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(text: &str) -> Vec<String> {
        let said = |block: &Block| -> String { block.spans.iter().map(|span| span.text.as_str()).collect() };
        let one = |block: &Block| match &block.kind {
            Kind::Text => format!("{}{}", ">".repeat(block.quote.into()), said(block)),
            Kind::Heading(level) => format!("h{level} {}", said(block)),
            Kind::Entry(marker) => format!("{}{marker} {}", " ".repeat(block.indent.into()), said(block)),
            Kind::Code { language, .. } => format!("code {language}: {}", said(block)),
            Kind::Table { rows, .. } => format!("table {}x{}", rows.len(), rows[0].len()),
            Kind::Rule => "rule".into(),
        };
        markdown(text).iter().map(one).collect()
    }

    #[test]
    fn blocks_are_told_apart() {
        let text =
            "# Title\nfirst\nsecond\n\n- one\n  - two\n1. three\n   more\n\n> said\n> again\n\n***\n\nBelow\n---\n";
        let read =
            ["h1 Title", "first\nsecond", "• one", " • two", "1. three\nmore", ">said\nagain", "rule", "h2 Below"];
        assert_eq!(outline(text), read);
        assert_eq!(outline("- [x] done\n- [ ] open"), ["[x] done", "[ ] open"]);
        assert_eq!(outline("#no title\n3.14 is no entry"), ["#no title\n3.14 is no entry"]);
    }

    #[test]
    fn code_keeps_every_line_and_may_stay_open() {
        assert_eq!(
            outline("a\n```python\n  x = 1\n\n# no title\n```\nb"),
            ["a", "code python:   x = 1\n\n# no title", "b"]
        );
        assert_eq!(outline("~~~\n```\n~~~"), ["code : ```"]);
        assert_eq!(outline("```\nnever closed"), ["code : never closed"]);
        let long = format!("```\n{}```", "let x = 1;\n".repeat(2_000));
        let blocks = markdown(&long);
        let lines: usize = blocks.iter().map(|block| block.lines).sum();
        assert!(blocks.len() > 10 && lines == 2_000, "{} blocks, {lines} lines", blocks.len());
    }

    #[test]
    fn tables_are_read_and_odd_ones_stay_text() {
        assert_eq!(outline("| a | b |\n|---|:-:|\n| 1 | **2** |\n| 3 |\nafter"), ["table 3x2", "after"]);
        assert_eq!(outline("a | b\nno table"), ["a | b\nno table"]);
        let wide = format!("{}\n{}\n", "|x".repeat(40), "|-".repeat(40));
        assert!(outline(&wide)[0].starts_with("x | x"));
    }

    #[test]
    fn hostile_texts_are_read_in_no_time_and_lose_nothing() {
        let deep = ">".repeat(50_000);
        let lists = (0..3_000).map(|n| format!("{}- x\n", " ".repeat(n % 400))).collect::<String>();
        let fences = "```\n".repeat(20_000);
        let pipes = format!("{}\n{}\n", "|".repeat(40_000), "|-".repeat(20_000));
        let stars = "*".repeat(100_000);
        let rules = "---\n".repeat(25_000);
        for text in [deep, lists, fences, pipes, stars, rules, "\0".repeat(10_000), "a|\n-|\n".repeat(10_000)] {
            let began = std::time::Instant::now();
            assert!(!markdown(&text).is_empty());
            assert!(began.elapsed().as_secs() < 2, "{}…: {:?}", &text[..8], began.elapsed());
        }
    }
}
