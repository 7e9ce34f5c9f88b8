//! One row in full, as the model will see it.

use egui::{Align, Label, Layout, ScrollArea, Ui, vec2};
use luthier_engine::data::{PreviewRow, Segment};
use similar::{Algorithm, ChangeTag, capture_diff_slices};

use super::token_text::{Ground, TokenText, ends};
use crate::bench::Bench;
use crate::desks::Flags;
use crate::text::t;
use crate::widgets::{IconButton, Notice, Push, columns, frame, icon_label, tag};
use crate::{format, icons, theme};

/// The pieces of two answers, each with whether the other lacks it.
type Pieces = Vec<(bool, String)>;

#[derive(Default)]
pub struct RowDetail {
    /// What differs between the answers of the pair last shown.
    differences: Option<((u64, usize), (Pieces, Pieces))>,
}

impl RowDetail {
    /// Fills a board of this height.
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench, height: f32) {
        frame(ui).show(ui, |ui| {
            ui.take_available_width();
            ui.set_height(height - 26.0);
            ui.spacing_mut().item_spacing = vec2(8.0, 6.0);
            head(ui, bench);
            ScrollArea::vertical().id_salt("row").auto_shrink([false, false]).show(ui, |ui| self.body(ui, bench));
        });
    }

    fn body(&mut self, ui: &mut Ui, bench: &mut Bench) {
        let selected = bench.desks.rows.selected;
        notes(ui, bench, bench.row_flags(selected));
        let Some(row) = bench.state.data.rows.get(&selected) else {
            ui.label(theme::soft(ui, t!("rows.being_read")));
            return;
        };
        let edges = bench.desks.rows.edges;
        if let Some(problem) = &row.problem {
            Notice::bad(problem).show(ui);
            if !row.question.is_empty() {
                ui.add(Label::new(super::token_text::one_line(&row.question)).wrap());
            }
            return;
        }
        let p = theme::palette(ui);
        ui.horizontal_wrapped(|ui| {
            tag(ui, &t!("rows.learned"), p.varnish, p.varnish_soft);
            tag(ui, &t!("rows.only_read"), p.ink_soft, p.raised);
            if let Some(liked) = row.liked {
                mark(ui, liked);
            }
            if let Some(tokens) = row.tokens {
                ui.label(theme::soft(ui, t!("rows.tokens", n = format::count(tokens as u64))));
            }
        });
        if row.rejected.is_empty() {
            whole(ui, &row.segments, edges);
        } else {
            let key = (bench.state.data.revision, selected);
            if self.differences.as_ref().is_none_or(|(known, _)| *known != key) {
                self.differences = Some((key, differences(row)));
            }
            if let Some((_, (better, worse))) = &self.differences {
                pair(ui, row, better, worse, edges);
            }
        }
    }
}

fn head(ui: &mut Ui, bench: &mut Bench) {
    let selected = bench.desks.rows.selected;
    ui.allocate_ui_with_layout(vec2(ui.available_width(), 30.0), Layout::left_to_right(Align::Center), |ui| {
        icon_label(ui, icons::EYE, 16.0, theme::palette(ui).varnish);
        let view = bench.row_view();
        let place = view.place(selected);
        let title = t!("rows.title", row = format::count(selected as u64 + 1));
        ui.add(Label::new(theme::strong(title).size(15.0)).selectable(false));
        let (n, of) = (format::count(place as u64 + 1), format::count(view.len() as u64));
        ui.label(theme::soft(ui, t!("rows.place", n = n, of = of)));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.add_enabled(place + 1 < view.len(), IconButton::new(icons::CARET_DOWN, t!("rows.next"))).clicked() {
                bench.step_row(1);
            }
            if ui.add_enabled(place > 0, IconButton::new(icons::CARET_UP, t!("rows.previous"))).clicked() {
                bench.step_row(-1);
            }
            let edges = bench.desks.rows.edges;
            let button = Push::quiet(t!("rows.edges")).icon(icons::SCISSORS).small().selected(edges);
            if ui.add(button).on_hover_text(t!("rows.edges_hint")).clicked() {
                bench.desks.rows.edges = !edges;
            }
        });
    });
}

/// What there is to say of the row, worst first.
fn notes(ui: &mut Ui, bench: &mut Bench, flags: Flags) {
    if let Some(first) = flags.repeats {
        ui.horizontal_wrapped(|ui| {
            icon_label(ui, icons::COPY_SIMPLE, 15.0, theme::palette(ui).warn);
            ui.label(t!("rows.repeats", row = first + 1));
            if ui.add(Push::quiet(t!("rows.go_to", row = first + 1)).small()).clicked() {
                // Under a filter the first one may not be among the rows that are shown.
                if bench.row_view().row(bench.row_view().place(first)) != Some(first) {
                    bench.filter_rows(crate::desks::RowFilter::All);
                }
                bench.select_row(first);
            }
        });
    }
    let p = theme::palette(ui);
    let mut line = |icon, colour, text: String| {
        ui.horizontal_wrapped(|ui| {
            icon_label(ui, icon, 15.0, colour);
            ui.label(text);
        });
    };
    if flags.lost {
        line(icons::SCISSORS, p.bad, t!("rows.lost"));
    } else if flags.cut {
        line(icons::SCISSORS, p.warn, t!("rows.cut"));
    }
    if flags.near_empty {
        line(icons::ERASER, p.warn, t!("rows.near_empty"));
    }
    if flags.asked_again {
        line(icons::CHATS_CIRCLE, p.string, t!("rows.asked_again"));
    }
    if flags.aside {
        line(icons::EXAM, p.string, t!("rows.aside"));
    }
}

fn mark(ui: &mut Ui, liked: bool) {
    let p = theme::palette(ui);
    match liked {
        true => tag(ui, &t!("rows.liked"), p.good, p.good_soft),
        false => tag(ui, &t!("rows.disliked"), p.bad, p.bad_soft),
    };
}

fn whole(ui: &mut Ui, segments: &[Segment], edges: bool) {
    let mut text = TokenText::default();
    segments.iter().for_each(|segment| text.segment(ui, segment, edges));
    text.show(ui);
}

/// The question once, then both answers side by side, with what one has and the other has not underlined.
fn pair(ui: &mut Ui, row: &PreviewRow, better: &Pieces, worse: &Pieces, edges: bool) {
    let asked = row.segments.iter().position(|segment| segment.learned).unwrap_or(row.segments.len());
    if asked > 0 {
        whole(ui, &row.segments[..asked], edges);
    }
    let narrow = ui.available_width() < 360.0;
    columns(ui, if narrow { 1 } else { 2 }, |ui, i| {
        let sides = if narrow { 0..2 } else { i..i + 1 };
        for side in sides {
            let p = theme::palette(ui);
            let (title, ink, ground, segments, pieces) = match side {
                0 => (t!("rows.better"), p.good, Ground::Better, &row.segments, better),
                _ => (t!("rows.worse"), p.bad, Ground::Worse, &row.rejected, worse),
            };
            ui.label(theme::strong(title).color(ink));
            let mut text = TokenText::default();
            if let Some(answer) = segments.iter().find(|segment| segment.learned) {
                let ends = if edges { ends(answer) } else { Vec::new() };
                let mut from = 0;
                for (alone, piece) in pieces {
                    text.push(ui, piece, if *alone { ground } else { Ground::Learned }, from, &ends);
                    from += piece.len();
                }
            }
            text.show(ui);
        }
    });
}

fn differences(row: &PreviewRow) -> (Pieces, Pieces) {
    let answer = |segments: &[Segment]| {
        segments.iter().find(|segment| segment.learned).map(|segment| segment.text.clone()).unwrap_or_default()
    };
    compare(&answer(&row.segments), &answer(&row.rejected))
}

fn compare(better: &str, worse: &str) -> (Pieces, Pieces) {
    let (old, new) = (words(better), words(worse));
    let (mut left, mut right) = (Pieces::new(), Pieces::new());
    for change in capture_diff_slices(Algorithm::Myers, &old, &new).iter().flat_map(|op| op.iter_changes(&old, &new)) {
        let text = change.value().to_owned();
        match change.tag() {
            ChangeTag::Equal => {
                left.push((false, text.clone()));
                right.push((false, text));
            }
            ChangeTag::Delete => left.push((true, text)),
            ChangeTag::Insert => right.push((true, text)),
        }
    }
    (joined(left), joined(right))
}

/// Words with the blanks behind them; every Chinese character is one of its own.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut from = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let end = at + c.len_utf8();
        let goes_on = chars.peek().is_some_and(|(_, next)| {
            let letters = |c: char| c.is_alphanumeric() && c < '\u{2E80}';
            (letters(c) && letters(*next)) || next.is_whitespace()
        });
        if !goes_on {
            words.push(&text[from..end]);
            from = end;
        }
    }
    words
}

/// Neighbours of one kind as one piece.
fn joined(pieces: Pieces) -> Pieces {
    let mut joined = Pieces::new();
    for (alone, text) in pieces {
        match joined.last_mut() {
            Some((last, so_far)) if *last == alone => so_far.push_str(&text),
            _ => joined.push((alone, text)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_one_answer_says_is_told_by_words() {
        let (better, worse) = compare("The strings sound first.", "The bow sounds first.");
        let alone =
            |pieces: &Pieces| pieces.iter().filter(|(alone, _)| *alone).map(|(_, t)| t.clone()).collect::<String>();
        assert!(alone(&better).contains("strings") && !alone(&better).contains("first"), "{better:?}");
        assert!(alone(&worse).contains("bow") && alone(&worse).contains("sounds"), "{worse:?}");
        let whole = |pieces: &Pieces| pieces.iter().map(|(_, text)| text.as_str()).collect::<String>();
        assert_eq!(
            (whole(&better), whole(&worse)),
            ("The strings sound first.".into(), "The bow sounds first.".into())
        );
        let (same, _) = compare("琴弦先响。", "琴弦先响。");
        assert_eq!(same, [(false, "琴弦先响。".to_owned())]);
    }
}
