//! Text as the model sees it: learned and read parts apart, characters that cannot be seen made visible, and, where the
//! person asks, a tick where each token ends.

use egui::text::{CCursor, LayoutJob, TextFormat};
use egui::text_selection::LabelSelectionState;
use egui::{CornerRadius, FontId, Label, Pos2, Stroke, Ui, vec2};
use luthier_engine::data::Segment;

use crate::text::t;
use crate::theme;
use crate::widgets::{is_unseen, runs_backwards};

/// Characters shown of one text.
const SHOWN: usize = 4_000;
const SIZE: f32 = 13.0;

/// What stands behind a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    Learned,
    Context,
    /// Learned, and not in the other answer of the pair.
    Better,
    Worse,
}

/// A text being put together.
pub struct TokenText {
    job: LayoutJob,
    /// Where tokens end, in characters of `job`.
    edges: Vec<usize>,
    chars: usize,
    left: usize,
    backwards: bool,
}

impl Default for TokenText {
    fn default() -> Self {
        Self { job: LayoutJob::default(), edges: Vec::new(), chars: 0, left: SHOWN, backwards: false }
    }
}

/// Where the tokens of a segment end, in bytes of its text.
pub fn ends(segment: &Segment) -> Vec<usize> {
    let mut at = 0;
    let sums = segment.tokens.iter().map(|length| {
        at += *length as usize;
        at
    });
    sums.collect()
}

impl TokenText {
    pub fn segment(&mut self, ui: &Ui, segment: &Segment, edges: bool) {
        let ground = if segment.learned { Ground::Learned } else { Ground::Context };
        let ends = if edges { ends(segment) } else { Vec::new() };
        self.push(ui, &segment.text, ground, 0, &ends);
    }

    /// Adds `text`, which begins at byte `from` of the text that `ends` speaks of.
    pub fn push(&mut self, ui: &Ui, text: &str, ground: Ground, from: usize, ends: &[usize]) {
        let (plain, odd) = formats(ui, ground);
        let mut run = String::new();
        let mut next = ends.partition_point(|end| *end <= from);
        for (index, c) in text.char_indices() {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            self.backwards |= runs_backwards(c);
            if is_unseen(c) {
                self.append(&mut run, &plain);
                let mut name = format!("U+{:04X}", u32::from(c));
                self.append(&mut name, &odd);
            } else {
                run.push(c);
            }
            let end = from + index + c.len_utf8();
            if ends.get(next).is_some_and(|edge| *edge <= end) {
                while ends.get(next).is_some_and(|edge| *edge <= end) {
                    next += 1;
                }
                self.edges.push(self.chars + run.chars().count());
            }
        }
        self.append(&mut run, &plain);
        if self.left == 0 && !self.job.text.ends_with(" …") {
            let (plain, _) = formats(ui, Ground::Context);
            self.append(&mut " …".to_owned(), &plain);
        }
    }

    fn append(&mut self, run: &mut String, format: &TextFormat) {
        if !run.is_empty() {
            self.chars += run.chars().count();
            self.job.append(run, 0.0, format.clone());
            run.clear();
        }
    }

    /// Draws it on a ground of its own; the text can be selected and copied.
    pub fn show(self, ui: &mut Ui) {
        let p = theme::palette(ui);
        if self.backwards {
            ui.add(Label::new(theme::soft(ui, t!("rows.backwards"))).wrap());
        }
        egui::Frame::new()
            .fill(p.inset)
            .stroke(Stroke::new(1.0, p.edge))
            .corner_radius(CornerRadius::same(theme::RADIUS))
            .inner_margin(vec2(12.0, 10.0))
            .show(ui, |ui| {
                ui.take_available_width();
                let (at, galley, response) = Label::new(self.job).wrap().selectable(true).layout_in_ui(ui);
                let text = galley.text().to_owned();
                response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Label, true, &text));
                LabelSelectionState::label_text_selection(ui, &response, at, galley.clone(), p.ink, Stroke::NONE);
                for edge in &self.edges {
                    let cursor = galley.pos_from_cursor(CCursor { index: (*edge).into(), prefer_next_row: false });
                    tick(ui, at, cursor);
                }
            });
    }
}

fn tick(ui: &Ui, at: Pos2, cursor: egui::Rect) {
    let x = (at.x + cursor.right()).round() + 0.5;
    let bottom = at.y + cursor.bottom();
    if ui.clip_rect().y_range().contains(bottom) {
        ui.painter().vline(x, bottom - 7.0..=bottom, Stroke::new(1.0, theme::palette(ui).string));
    }
}

fn formats(ui: &Ui, ground: Ground) -> (TextFormat, TextFormat) {
    let p = theme::palette(ui);
    let (color, background, mark) = match ground {
        Ground::Learned => (p.ink, p.varnish_soft, None),
        Ground::Context => (p.ink_soft, p.inset, None),
        Ground::Better => (p.ink, p.good_soft, Some(p.good)),
        Ground::Worse => (p.ink, p.bad_soft, Some(p.bad)),
    };
    let underline = mark.map_or(Stroke::NONE, |mark| Stroke::new(1.5, mark));
    let plain = TextFormat {
        background,
        underline,
        line_height: Some(20.0),
        ..TextFormat::simple(FontId::monospace(SIZE), color)
    };
    let odd = TextFormat {
        background: p.warn_soft,
        line_height: Some(20.0),
        ..TextFormat::simple(FontId::monospace(SIZE - 2.0), p.warn)
    };
    (plain, odd)
}

/// A text on one line, for a cell of the table: unseen characters by their names, line breaks as a sign.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => line.push_str(" ¶ "),
            '\t' => line.push(' '),
            c if is_unseen(c) => line.push_str(&format!("[U+{:04X}]", u32::from(c))),
            c => line.push(c),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_named() {
        assert_eq!(one_line("a\u{202E}b\r\nc\u{0}"), "a[U+202E]b[U+000D] ¶ c[U+0000]");
    }

    #[test]
    fn edges_fall_where_the_tokens_end() {
        let segment = Segment { text: "ab好\u{7}c".into(), learned: true, tokens: vec![2, 0, 0, 3, 1, 1] };
        assert_eq!(ends(&segment), [2, 2, 2, 5, 6, 7]);
        egui::__run_test_ui(|ui| {
            let mut text = TokenText::default();
            text.segment(ui, &segment, true);
            // The bell stands there as its name of six characters.
            assert_eq!(text.job.text, "ab好U+0007c");
            assert_eq!(text.edges, [2, 3, 9, 10]);
            let mut text = TokenText::default();
            text.push(ui, "c", Ground::Learned, 6, &ends(&segment));
            assert_eq!(text.edges, [1]);
        });
    }
}
