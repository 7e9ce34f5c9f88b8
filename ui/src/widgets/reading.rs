//! Long texts of anybody's for people to read: Markdown drawn, or as written. Read once and kept while shown; only the
//! blocks in sight are laid out. Nothing is fetched, nothing is run, no link is opened.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use egui::cache::{ComputerMut, FrameCache};
use egui::{Id, ScrollArea, Ui, Vec2b, vec2};

use super::diff::{Change, diff_within};

mod backwards;
mod block;
mod inline;
mod markdown;
mod paint;

use block::{Block, Look};
pub use block::{is_unseen, runs_backwards};

/// Between paragraphs.
const GAP: f32 = 10.0;

/// A text, read.
#[derive(Clone)]
pub struct Reading {
    blocks: Arc<Vec<Block>>,
    /// Of the text and how it is read: another one begins at its top.
    mark: u64,
}

#[derive(Default)]
struct Reader;

impl ComputerMut<(&str, bool), Reading> for Reader {
    fn compute(&mut self, (text, as_written): (&str, bool)) -> Reading {
        let blocks = if as_written { block::as_written(text) } else { markdown::markdown(text) };
        Reading { blocks: Arc::new(blocks), mark: egui::Id::unique((text, as_written)).value() }
    }
}

#[derive(Default)]
struct Comparer;

impl ComputerMut<(&str, &str), [Reading; 2]> for Comparer {
    fn compute(&mut self, (a, b): (&str, &str)) -> [Reading; 2] {
        let pieces = diff_within(a, b);
        let side = |own: Change, text: &str| {
            let mine = pieces.iter().filter(|piece| piece.change == Change::Same || piece.change == own);
            let stretches: Vec<_> = mine
                .map(|piece| (piece.text.as_str(), Look { only_here: piece.change == own, ..Look::default() }))
                .collect();
            Reading { blocks: Arc::new(block::written(&stretches)), mark: egui::Id::unique((text, "compared")).value() }
        };
        [side(Change::Gone, a), side(Change::New, b)]
    }
}

/// Where the blocks of a text begin, as far as they have been drawn; the others by a guess.
#[derive(Clone, Default)]
struct Heights {
    mark: u64,
    width: f32,
    list: Arc<Vec<f32>>,
}

impl Reading {
    /// Costs something only when the text was not shown in the last frame.
    pub fn of(ui: &Ui, text: &str, as_written: bool) -> Self {
        ui.memory_mut(|memory| memory.caches.cache::<FrameCache<Self, Reader>>().get((text, as_written)).clone())
    }

    /// Two texts as written, with what only one of them has marked.
    pub fn compared(ui: &Ui, a: &str, b: &str) -> [Self; 2] {
        ui.memory_mut(|memory| memory.caches.cache::<FrameCache<[Self; 2], Comparer>>().get((a, b)).clone())
    }

    /// In a scroll area of its own, `height` high.
    pub fn scroll(&self, ui: &mut Ui, id: impl Hash + Debug, height: f32) {
        let id = ui.make_persistent_id(id);
        let width = (ui.available_width() - 10.0).max(60.0);
        let mut heights = self.heights(ui, id, width);
        let mut area = ScrollArea::vertical()
            .id_salt(id)
            .max_height(height)
            .min_scrolled_height(height.min(64.0))
            .auto_shrink(Vec2b::new(false, false));
        if heights.mark != self.mark {
            heights.mark = self.mark;
            area = area.vertical_scroll_offset(0.0);
        }
        area.show_viewport(ui, |ui, seen| {
            ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
            ui.set_width(width);
            let mut top = 0.0;
            let mut skipped = 0.0;
            let mut changed = false;
            for (at, block) in self.blocks.iter().enumerate() {
                let full = heights.list[at] + gap(block, at);
                if top + full < seen.min.y - 200.0 || top > seen.max.y + 200.0 {
                    skipped += full;
                } else {
                    ui.add_space(skipped + gap(block, at));
                    skipped = 0.0;
                    let began = ui.cursor().top();
                    paint::block(ui, block, width);
                    let now = ui.cursor().top() - began;
                    if (now - heights.list[at]).abs() > 0.5 {
                        Arc::make_mut(&mut heights.list)[at] = now;
                        changed = true;
                    }
                }
                top += full;
            }
            ui.add_space(skipped);
            if changed {
                ui.ctx().request_repaint();
            }
        });
        ui.data_mut(|data| data.insert_temp(id, heights));
    }

    fn heights(&self, ui: &Ui, id: Id, width: f32) -> Heights {
        let kept = ui.data(|data| data.get_temp::<Heights>(id)).unwrap_or_default();
        if kept.mark == self.mark && kept.width == width && kept.list.len() == self.blocks.len() {
            return kept;
        }
        let list = self.blocks.iter().map(|block| paint::guess(block, width)).collect();
        let mark = if kept.mark == self.mark { self.mark } else { 0 };
        Heights { mark, width, list: Arc::new(list) }
    }

    /// All of it, or about the first `most` points of it, where it stands. True: there is more.
    pub fn show(&self, ui: &mut Ui, most: f32) -> bool {
        let width = ui.available_width();
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
            let began = ui.cursor().top();
            for (at, block) in self.blocks.iter().enumerate() {
                if ui.cursor().top() - began > most {
                    return true;
                }
                ui.add_space(gap(block, at));
                paint::block(ui, block, width);
            }
            false
        })
        .inner
    }

    /// How high it is, about.
    pub fn guess(&self, width: f32) -> f32 {
        self.blocks.iter().enumerate().map(|(at, block)| paint::guess(block, width) + gap(block, at)).sum()
    }
}

fn gap(block: &Block, at: usize) -> f32 {
    match block.kind {
        _ if at == 0 || block.joined => 0.0,
        block::Kind::Entry(_) => 4.0,
        block::Kind::Heading(_) => GAP + 4.0,
        _ => GAP,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_of_a_comparison_keeps_its_own_text() {
        egui::__run_test_ui(|ui| {
            let [a, b] = Reading::compared(ui, "the bow makes it swing", "the hair of the bow makes it sound");
            let said = |reading: &Reading, marked: bool| -> String {
                let spans = reading.blocks.iter().flat_map(|block| &block.spans);
                spans.filter(|span| !marked || span.look.only_here).map(|span| span.text.as_str()).collect()
            };
            assert_eq!((said(&a, false).as_str(), said(&a, true).as_str()), ("the bow makes it swing", "swing"));
            assert_eq!(said(&b, false), "the hair of the bow makes it sound");
            assert!(said(&b, true).contains("sound") && said(&b, true).contains("hair"));
        });
    }

    #[test]
    fn two_long_texts_that_share_nothing_are_compared_in_time() {
        let of = |seed: usize| (0..20_000).map(|n| format!("{} ", n * 7919 * seed % 9973)).collect::<String>();
        let (a, b) = (of(1), of(3));
        let began = std::time::Instant::now();
        let pieces = diff_within(&a, &b);
        assert!(began.elapsed().as_millis() < 1_500, "{:?}", began.elapsed());
        let old: String = pieces.iter().filter(|p| p.change != Change::New).map(|p| p.text.as_str()).collect();
        assert_eq!(old, a);
    }
}
