//! Two texts as one: what is new underlined, what is gone struck through; words in Latin, single characters in Chinese.

use std::time::{Duration, Instant};

use egui::accesskit::Role;
use egui::text::{LayoutJob, TextFormat};
use egui::{FontId, Label, Response, Stroke, Ui, WidgetInfo};
use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

use crate::text::t;
use crate::theme::{self, Palette};

/// Together longer texts are compared by lines and sentences, in bytes.
const BY_WORDS: usize = 40_000;
/// Less than a frame.
const WITHIN: Duration = Duration::from_millis(8);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Same,
    New,
    Gone,
}

/// A stretch of text that is in both, or in one of them only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    pub change: Change,
}

/// What became of `old` in `new`.
pub fn word_diff(old: &str, new: &str) -> Vec<Piece> {
    pieces(&words(old), &words(new), None)
}

/// The same in bounded time: long texts are compared by lines and sentences, and what is not found in time counts as changed.
pub fn diff_within(old: &str, new: &str) -> Vec<Piece> {
    let deadline = Some(Instant::now() + WITHIN);
    if old.len() + new.len() <= BY_WORDS {
        return pieces(&words(old), &words(new), deadline);
    }
    let ends = |c| matches!(c, '\n' | '.' | '。' | '！' | '？' | '!' | '?');
    let lines = |text| str::split_inclusive(text, ends).collect::<Vec<_>>();
    pieces(&lines(old), &lines(new), deadline)
}

fn pieces(before: &[&str], after: &[&str], deadline: Option<Instant>) -> Vec<Piece> {
    let (mut pieces, mut gone, mut new) = (Vec::new(), String::new(), String::new());
    let put = |pieces: &mut Vec<Piece>, change, text: String| {
        if !text.is_empty() {
            pieces.push(Piece { text, change });
        }
    };
    let ops = capture_diff_slices_deadline(Algorithm::Myers, before, after, deadline);
    let last = ops.len().saturating_sub(1);
    for (at, op) in ops.into_iter().enumerate() {
        match op {
            DiffOp::Equal { new_index, len, .. } => {
                let same = after[new_index..new_index + len].concat();
                // Two words that changed side by side are read as one change, not blank by blank.
                if same.trim().is_empty() && !gone.is_empty() && !new.is_empty() && at < last {
                    gone += &same;
                    new += &same;
                } else {
                    put(&mut pieces, Change::Gone, std::mem::take(&mut gone));
                    put(&mut pieces, Change::New, std::mem::take(&mut new));
                    put(&mut pieces, Change::Same, same);
                }
            }
            DiffOp::Delete { old_index, old_len, .. } => gone += &before[old_index..old_index + old_len].concat(),
            DiffOp::Insert { new_index, new_len, .. } => new += &after[new_index..new_index + new_len].concat(),
            DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                gone += &before[old_index..old_index + old_len].concat();
                new += &after[new_index..new_index + new_len].concat();
            }
        }
    }
    put(&mut pieces, Change::Gone, gone);
    put(&mut pieces, Change::New, new);
    pieces
}

/// Words, blanks between them, and single characters of scripts that write without blanks.
fn words(text: &str) -> Vec<&str> {
    #[derive(PartialEq, Clone, Copy)]
    enum Kind {
        Word,
        Blank,
        Alone,
    }
    let kind = |c: char| match c {
        c if c.is_whitespace() => Kind::Blank,
        c if c >= '\u{2E80}' || !(c.is_alphanumeric() || c == '\'') => Kind::Alone,
        _ => Kind::Word,
    };
    let mut words = Vec::new();
    let (mut start, mut last) = (0, None);
    for (at, c) in text.char_indices() {
        let now = kind(c);
        if last.is_some_and(|last| last != now || now == Kind::Alone) {
            words.push(&text[start..at]);
            start = at;
        }
        last = Some(now);
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}

fn format(change: Change, p: &Palette, size: f32) -> TextFormat {
    let plain = TextFormat { font_id: FontId::proportional(size), color: p.ink, ..TextFormat::default() };
    match change {
        Change::Same => plain,
        Change::New => {
            TextFormat { color: p.good, background: p.good_soft, underline: Stroke::new(1.5, p.good), ..plain }
        }
        Change::Gone => TextFormat { color: p.bad, strikethrough: Stroke::new(1.0, p.bad), ..plain },
    }
}

/// Shows the pieces as one wrapped text.
pub fn diff_text(ui: &mut Ui, pieces: &[Piece]) -> Response {
    let p = theme::palette(ui);
    let mut job = LayoutJob::default();
    for piece in pieces {
        job.append(&piece.text, 0.0, format(piece.change, p, 14.0));
    }
    let response = ui.add(Label::new(job).wrap().selectable(true));
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, said(pieces)));
    response
}

/// For those who hear it.
fn said(pieces: &[Piece]) -> String {
    let said = |piece: &Piece| match piece.change {
        Change::Same => piece.text.clone(),
        Change::New => format!("[{}: {}]", t!("diff.new"), piece.text),
        Change::Gone => format!("[{}: {}]", t!("diff.gone"), piece.text),
    };
    pieces.iter().map(said).collect()
}

/// What the two ways of writing mean.
pub fn diff_legend(ui: &mut Ui) {
    let p = theme::palette(ui);
    for (change, word) in [(Change::New, t!("diff.new")), (Change::Gone, t!("diff.gone"))] {
        let mut job = LayoutJob::default();
        job.append(&word, 0.0, format(change, p, 12.0));
        ui.add(Label::new(job).selectable(false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(old: &str, new: &str) -> String {
        let piece = |piece: Piece| match piece.change {
            Change::Same => piece.text,
            Change::New => format!("[+{}]", piece.text),
            Change::Gone => format!("[-{}]", piece.text),
        };
        word_diff(old, new).into_iter().map(piece).collect()
    }

    #[test]
    fn words_and_characters_are_compared_each_in_its_script() {
        assert_eq!(shown("The strings swing.", "The bow swings."), "The [-strings swing][+bow swings].");
        assert_eq!(shown("It is old", "It was old"), "It [-is][+was] old");
        assert_eq!(shown("琴弦先振动。", "琴弓先振动。"), "琴[-弦][+弓]先振动。");
        assert_eq!(shown("", "new"), "[+new]");
        assert_eq!(shown("gone", ""), "[-gone]");
        assert_eq!(shown("don't stop", "don't stop"), "don't stop");
        assert_eq!(word_diff("", ""), []);
    }

    #[test]
    fn nothing_of_either_text_is_lost() {
        let (old, new) = ("Violin 小提琴 has 4 strings,\n四根弦.", "A violin 提琴 has four  strings\n弦!");
        let of = |skipped: Change| -> String {
            word_diff(old, new).into_iter().filter(|piece| piece.change != skipped).map(|piece| piece.text).collect()
        };
        assert_eq!((of(Change::New), of(Change::Gone)), (old.to_owned(), new.to_owned()));
    }
}
