//! Two answers side by side, blind.

use egui::{Rect, Ui, pos2, vec2};
use luthier_engine::feedback::{Strength, Verdict};

use super::{text, writing};
use crate::bench::Bench;
use crate::icons;
use crate::labels::Item;
use crate::text::t;
use crate::widgets::{IconButton, Keyed, Reading, keycap, segmented};

const BETWEEN: f32 = 12.0;

#[derive(Default)]
pub struct PairView {
    editor: writing::Editor,
}

impl PairView {
    /// The answers of the item in front, in all the room that `ui` has.
    pub fn answers(&mut self, ui: &mut Ui, bench: &mut Bench, item: &Item) {
        let room = ui.available_rect_before_wrap();
        let texts: Vec<&str> =
            item.shown.iter().filter_map(|place| item.answers.get(*place)).map(|answer| answer.text.as_str()).collect();
        let [left, right] = texts[..] else { return };
        let desk = &bench.desks.label;
        let compared = desk.pair.differences.then(|| Reading::compared(ui, left, right));
        let as_written = desk.now.as_written;
        let writing = desk.pair.writing.as_ref().map(|writing| writing.answer);
        if writing.is_none() {
            self.editor.close();
        }
        let (pair, own) = match writing {
            Some(None) => halves(room, false),
            _ => (room, room),
        };
        let sides = if room.width() < 640.0 { halves(pair, false) } else { halves(pair, true) };
        let mut edit = None;
        for (side, rect) in [sides.0, sides.1].into_iter().enumerate() {
            let title = t!("labelling.answer", letter = text::letter(side));
            if writing == Some(item.shown.get(side).copied()) {
                let title = t!("labelling.edit_title", letter = text::letter(side));
                text::board(ui, rect, &title, true, |_| {}, |ui, height| self.editor.ui(ui, bench, height));
                continue;
            }
            let asking = bench.desks.label.pair.asking;
            let free = bench.can_judge_pair();
            let actions = |ui: &mut Ui| {
                let name = t!("labelling.edit_side", letter = text::letter(side));
                if ui.add_enabled(free, IconButton::new(icons::PENCIL_SIMPLE, name)).clicked() {
                    edit = Some(side);
                }
                if asking {
                    keycap(ui, ["1", "2"][side]);
                }
            };
            text::board(ui, rect, &title, asking, actions, |ui, height| match &compared {
                _ if texts[side].is_empty() => text::empty(ui),
                Some(both) => both[side].scroll(ui, ("answer", side), height),
                None => text::answer(ui, ("answer", side), texts[side], as_written, height),
            });
        }
        if let Some(side) = edit {
            bench.edit_side(side);
        }
        if writing == Some(None) {
            text::board(
                ui,
                own,
                &t!("labelling.write_title"),
                true,
                |_| {},
                |ui, height| self.editor.ui(ui, bench, height),
            );
        }
    }

    /// The big buttons of the foot; `low`: in one line with the others.
    pub fn choices(&mut self, ui: &mut Ui, bench: &mut Bench, low: bool) {
        let strength = bench.desks.label.pair.strength;
        let (a, b) = match strength {
            Strength::Clearly => (t!("labelling.a_better"), t!("labelling.b_better")),
            Strength::Slightly => (t!("labelling.a_slightly"), t!("labelling.b_slightly")),
        };
        let mut buttons = vec![
            (0, Keyed::new(a, &["1", "left"])),
            (1, Keyed::new(t!("labelling.tie"), &["="])),
            (2, Keyed::new(t!("labelling.both_good"), &["G"]).icon(icons::THUMBS_UP)),
            (3, Keyed::new(t!("labelling.both_bad"), &["B"]).icon(icons::THUMBS_DOWN)),
            (4, Keyed::new(b, &["2", "right"])),
        ];
        if low {
            // In a line that scrolls, both sides come first.
            buttons.swap(1, 4);
        }
        let mut pressed = None;
        let natural: Vec<f32> = buttons.iter().map(|(_, button)| button.natural_width(ui)).collect();
        let gaps = 8.0 * (buttons.len() - 1) as f32;
        let fits = natural.iter().sum::<f32>() + gaps <= ui.available_width();
        // The sides under their answers and as wide as can be; the three that take no side between them.
        let spare = if low || !fits { 0.0 } else { (ui.available_width() - natural.iter().sum::<f32>() - gaps) / 2.0 };
        let row = |ui: &mut Ui| {
            for ((what, button), natural) in buttons.into_iter().zip(natural) {
                let wide = if what == 0 || what == 4 { natural + spare } else { natural };
                let button = if low { button.small() } else { button.width(wide) };
                if ui.add(button).clicked() {
                    pressed = Some(what);
                }
            }
        };
        if low || fits {
            ui.horizontal(|ui| row(ui));
        } else {
            ui.horizontal_wrapped(|ui| row(ui));
        }
        match pressed {
            Some(0) => bench.choose_side(0, strength),
            Some(1) => bench.decide_pair(Verdict::Tie),
            Some(2) => bench.decide_pair(Verdict::BothGood),
            Some(3) => bench.decide_pair(Verdict::BothBad),
            Some(_) => bench.choose_side(1, strength),
            None => {}
        }
    }
}

/// The small buttons of the foot.
pub fn small_choices(ui: &mut Ui, bench: &mut Bench) {
    let asking = bench.desks.label.pair.asking;
    if ui.add(Keyed::new(t!("labelling.edit"), &["E"]).small().quiet().selected(asking)).clicked() {
        bench.ask_which_to_edit();
    }
    if ui.add(Keyed::new(t!("labelling.write"), &["W"]).small().quiet()).clicked() {
        bench.write_own();
    }
    let differences = bench.desks.label.pair.differences;
    if ui.add(Keyed::new(t!("labelling.differences"), &["D"]).small().quiet().selected(differences)).clicked() {
        bench.desks.label.pair.differences = !differences;
    }
    reading_choices(ui, bench);
    let options = [(Strength::Slightly, t!("labelling.slightly")), (Strength::Clearly, t!("labelling.clearly"))];
    let hint = ui.scope(|ui| segmented(ui, &mut bench.desks.label.pair.strength, &options)).response;
    hint.on_hover_text(t!("labelling.strength_about"));
}

/// How texts are shown, whatever the way of judging.
pub fn reading_choices(ui: &mut Ui, bench: &mut Bench) {
    let as_written = &mut bench.desks.label.now.as_written;
    if ui.add(Keyed::new(t!("labelling.as_written"), &["M"]).small().quiet().selected(*as_written)).clicked() {
        *as_written = !*as_written;
    }
}

fn halves(rect: Rect, side_by_side: bool) -> (Rect, Rect) {
    if side_by_side {
        let width = ((rect.width() - BETWEEN) / 2.0).floor();
        let size = vec2(width, rect.height());
        (Rect::from_min_size(rect.min, size), Rect::from_min_size(pos2(rect.right() - width, rect.top()), size))
    } else {
        let height = ((rect.height() - BETWEEN) / 2.0).floor();
        let size = vec2(rect.width(), height);
        (Rect::from_min_size(rect.min, size), Rect::from_min_size(pos2(rect.left(), rect.bottom() - height), size))
    }
}
