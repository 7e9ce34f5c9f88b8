//! Several answers, put in order: a list that is its own result, best first.

use egui::accesskit::Role;
use egui::{
    Align, Align2, Color32, CornerRadius, FontId, Frame, Label, Layout, Margin, Rect, ScrollArea, Sense, Stroke, Ui,
    UiBuilder, WidgetInfo, pos2, vec2,
};
use luthier_engine::feedback::Mode;

use super::keys::caps;
use super::text;
use crate::bench::Bench;
use crate::command::{Named as _, RankingCommand};
use crate::desks::RankDesk;
use crate::labels::Item;
use crate::text::t;
use crate::widgets::{IconButton, Keyed, Push, Reading, elided, keycap};
use crate::{icons, theme};

/// Points of an answer that are shown before it is unfolded: about five lines.
const FOLDED: f32 = 104.0;
/// Unfolded answers higher than this scroll by themselves.
const TALLEST: f32 = 480.0;
/// Width of the column with the place.
const PLACE: f32 = 44.0;

/// What a card asks for.
enum Act {
    Put(usize),
    Tie(usize),
    Move(usize, usize),
    Unfold(usize),
}

#[derive(Default)]
pub struct RankView {
    /// How far from its end the list is dragged to, for the line that shows it.
    gap: Option<usize>,
}

impl RankView {
    /// The answers of the item in front as cards, in all the room that `ui` has.
    pub fn answers(&mut self, ui: &mut Ui, bench: &mut Bench, item: &Item) {
        let height = ui.available_height();
        let (can, as_written) = (bench.can_judge(Mode::Rank), bench.desks.label.now.as_written);
        let Some(desk) = bench.ranking() else { return };
        let seek = std::mem::take(&mut desk.seek);
        let mut acts = Vec::new();
        ScrollArea::vertical().id_salt(("rank", item.id)).max_height(height).auto_shrink([false, false]).show(
            ui,
            |ui| {
                ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
                let mut rects = Vec::new();
                let mut dragged = None;
                for (at, side) in desk.order().to_vec().into_iter().enumerate() {
                    let answer = item.shown.get(side).and_then(|place| item.answers.get(*place));
                    let reading = answer.filter(|a| !a.text.is_empty()).map(|a| Reading::of(ui, &a.text, as_written));
                    let card = Card { desk, at, side, can, key: (item.id, item.pass, side) };
                    let (rect, drag) = card.show(ui, reading.as_ref(), &mut acts);
                    rects.push(rect);
                    if drag.dragged() || drag.drag_stopped() {
                        dragged = Some((at, side, drag));
                    }
                }
                if let (true, Some(rect)) = (seek, rects.get(desk.focus())) {
                    ui.scroll_to_rect(rect.expand(8.0), None);
                }
                self.drag(ui, dragged, &rects, &mut acts);
            },
        );
        for act in acts {
            match act {
                Act::Put(side) => desk.put(side),
                Act::Tie(at) => desk.tie_above(at),
                Act::Move(from, to) => desk.move_to(from, to),
                Act::Unfold(side) => desk.unfold(side),
            }
        }
    }

    /// A line where the dragged answer would lie, its name under the pointer; at the edges the list moves along.
    fn drag(&mut self, ui: &Ui, dragged: Option<(usize, usize, egui::Response)>, rects: &[Rect], acts: &mut Vec<Act>) {
        let Some((from, side, response)) = dragged else {
            self.gap = None;
            return;
        };
        if let Some(pointer) = response.interact_pointer_pos() {
            self.gap = Some(rects.iter().filter(|rect| rect.center().y < pointer.y).count());
            let seen = ui.clip_rect();
            let hidden = |above: bool| match (rects.first(), rects.last()) {
                (Some(first), _) if above => first.top() < seen.top() - 1.0,
                (_, Some(last)) => last.bottom() > seen.bottom() + 1.0,
                _ => false,
            };
            let pull = match pointer.y {
                y if y < seen.top() + 28.0 && hidden(true) => 6.0,
                y if y > seen.bottom() - 28.0 && hidden(false) => -6.0,
                _ => 0.0,
            };
            if pull != 0.0 && response.dragged() {
                ui.scroll_with_delta(vec2(0.0, pull));
                ui.ctx().request_repaint();
            }
            self.mark(ui, side, rects, pointer);
        }
        if response.drag_stopped()
            && let Some(gap) = self.gap.take()
        {
            let to = if gap > from { gap - 1 } else { gap };
            if to != from {
                acts.push(Act::Move(from, to));
            }
        }
    }

    fn mark(&self, ui: &Ui, side: usize, rects: &[Rect], pointer: egui::Pos2) {
        let p = theme::palette(ui);
        let (Some(first), Some(last), Some(gap)) = (rects.first(), rects.last(), self.gap) else { return };
        let y = match rects.get(gap) {
            Some(rect) => rect.top() - 4.0,
            None => last.bottom() + 4.0,
        };
        let painter = ui.painter();
        painter.hline(first.x_range(), y, Stroke::new(3.0, p.varnish));
        painter.circle_filled(pos2(first.left() + 2.0, y), 5.0, p.varnish);
        let painter = ui.ctx().layer_painter(egui::LayerId::new(egui::Order::Tooltip, ui.scope_id().with("dragged")));
        let word = painter.layout_no_wrap(
            t!("labelling.answer", letter = text::letter(side)),
            theme::strong_font(13.0),
            p.on_varnish,
        );
        let rect = Rect::from_min_size(pointer + vec2(14.0, -12.0), word.size() + vec2(20.0, 10.0));
        painter.rect_filled(rect, CornerRadius::same(theme::RADIUS), p.varnish);
        painter.galley(rect.min + vec2(10.0, 5.0), word, p.on_varnish);
    }
}

struct Card<'a> {
    desk: &'a RankDesk,
    /// From the top of the list.
    at: usize,
    side: usize,
    can: bool,
    key: (i64, u32, usize),
}

impl Card<'_> {
    fn letter(&self) -> char {
        text::letter(self.side)
    }

    fn tied(&self) -> bool {
        self.desk.is_tied(self.at) || self.desk.is_tied(self.at + 1)
    }

    fn place_word(&self) -> String {
        match self.desk.place(self.at) {
            Some(place) if self.tied() => t!("judging.place_shared", n = place + 1),
            Some(place) => t!("judging.place", n = place + 1),
            None if self.desk.is_done() => t!("judging.comes_last"),
            None => t!("judging.no_place"),
        }
    }

    /// Its rectangle, and its handle.
    fn show(&self, ui: &mut Ui, reading: Option<&Reading>, acts: &mut Vec<Act>) -> (Rect, egui::Response) {
        let p = theme::palette(ui);
        let focused = self.desk.focus() == self.at;
        let placed = self.desk.place(self.at).is_some();
        let stroke = if focused { Stroke::new(2.0, p.varnish) } else { Stroke::new(1.0, p.edge) };
        let frame = Frame::new().fill(p.board).stroke(stroke).corner_radius(theme::RADIUS).inner_margin(Margin {
            left: 6,
            right: 12,
            top: 8,
            bottom: 10,
        });
        let shown = frame.show(ui, |ui| {
            ui.take_available_width();
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing.x = 8.0;
                let handle = self.handle(ui, placed);
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 6.0;
                    self.head(ui, acts);
                    self.body(ui, reading, acts);
                });
                handle
            })
            .inner
        });
        (shown.response.rect, shown.inner)
    }

    /// The place, big; it is what the card is dragged by.
    fn handle(&self, ui: &mut Ui, placed: bool) -> egui::Response {
        let p = theme::palette(ui);
        let (rect, response) = ui.allocate_exact_size(vec2(PLACE, 62.0), Sense::drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, self.can, t!("judging.drag", n = self.letter())));
        let over = response.hovered() || response.dragged();
        let centre = pos2(rect.center().x, rect.top() + 22.0);
        let (ground, ring, ink) =
            if placed { (p.varnish_soft, p.varnish, p.ink) } else { (Color32::TRANSPARENT, p.edge_strong, p.ink_soft) };
        ui.painter().circle(centre, 16.0, ground, Stroke::new(1.5, ring));
        let place = match self.desk.place(self.at) {
            Some(place) => (place + 1).to_string(),
            None => "?".into(),
        };
        ui.painter().text(centre, Align2::CENTER_CENTER, place, theme::strong_font(16.0), ink);
        if self.desk.is_tied(self.at) {
            // Half on the edge of the ring: it belongs to both.
            let at = pos2(rect.right() - 8.0, rect.top() + 10.0);
            ui.painter().circle(at, 8.0, p.board, Stroke::new(1.0, p.varnish));
            ui.painter().text(at, Align2::CENTER_CENTER, icons::EQUALS, icons::regular(11.0), p.varnish);
        }
        let dots = if over { p.ink } else { p.ink_soft };
        let at = pos2(rect.center().x, rect.top() + 50.0);
        ui.painter().text(at, Align2::CENTER_CENTER, icons::DOTS_SIX_VERTICAL, icons::regular(16.0), dots);
        let cursor = if response.dragged() { egui::CursorIcon::Grabbing } else { egui::CursorIcon::Grab };
        response.on_hover_cursor(cursor).on_hover_text(t!("judging.drag", n = self.letter()))
    }

    fn head(&self, ui: &mut Ui, acts: &mut Vec<Act>) {
        let n = self.letter();
        let p = theme::palette(ui);
        ui.allocate_ui_with_layout(vec2(ui.available_width(), 30.0), Layout::left_to_right(Align::Center), |ui| {
            let keys = RankingCommand::Put(self.side).shortcut().map(caps).unwrap_or_default();
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            if self.desk.place(self.at).is_none() {
                let name = t!("judging.put", n = n);
                let button = Keyed::new(t!("judging.put_here"), &keys).small().name(name);
                if ui.add_enabled(self.can, button).clicked() {
                    acts.push(Act::Put(self.side));
                }
            } else {
                keys.iter().for_each(|key| drop(keycap(ui, key)));
            }
            let title = t!("labelling.answer", letter = n);
            ui.add(Label::new(theme::strong(title).color(p.varnish).size(15.0)).selectable(false));
            let buttons = 26.0 * 3.0 + 24.0;
            let word = self.place_word();
            let room = (ui.available_width() - buttons).max(40.0);
            let galley = elided(ui, &word, FontId::proportional(12.0), p.ink_soft, room);
            let (rect, response) = ui.allocate_exact_size(galley.size(), Sense::hover());
            let name = t!("judging.rank_card", n = n, place = word);
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &name));
            ui.painter().galley(rect.min, galley, p.ink_soft);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                let last = self.at + 1 == self.desk.order().len();
                ui.add_enabled_ui(self.can, |ui| self.movers(ui, last, acts));
            });
        });
    }

    fn movers(&self, ui: &mut Ui, last: bool, acts: &mut Vec<Act>) {
        let n = self.letter();
        let p = theme::palette(ui);
        let down = IconButton::new(icons::ARROW_DOWN, t!("judging.move_down_one", n = n));
        if ui.add_enabled(!last, down).clicked() {
            acts.push(Act::Move(self.at, self.at + 1));
        }
        let up = IconButton::new(icons::ARROW_UP, t!("judging.move_up_one", n = n));
        if ui.add_enabled(self.at > 0, up).clicked() {
            acts.push(Act::Move(self.at, self.at - 1));
        }
        if self.at > 0 && self.desk.place(self.at).is_some() {
            let mut tie = IconButton::new(icons::EQUALS, t!("judging.tie_above", n = n));
            if self.desk.is_tied(self.at) {
                tie = tie.colour(p.varnish);
            }
            if ui.add(tie).clicked() {
                acts.push(Act::Tie(self.at));
            }
        }
    }

    fn body(&self, ui: &mut Ui, reading: Option<&Reading>, acts: &mut Vec<Act>) {
        let Some(reading) = reading else { return text::empty(ui) };
        let width = ui.available_width();
        let height = reading.guess(width);
        let whole = self.desk.is_whole(self.side);
        // A line or two more are shown at once.
        let long = height > FOLDED * 1.4;
        if whole && height > TALLEST {
            reading.scroll(ui, ("rank text", self.key), TALLEST);
        } else if whole || !long {
            reading.show(ui, f32::INFINITY);
        } else {
            let (rect, _) = ui.allocate_exact_size(vec2(width, FOLDED), Sense::hover());
            let mut inner = ui.new_child(UiBuilder::new().max_rect(rect).id_salt(self.key));
            inner.set_clip_rect(rect.intersect(ui.clip_rect()));
            reading.show(&mut inner, FOLDED);
            fade(ui, rect);
        }
        if long {
            let n = self.letter();
            let (word, name, icon) = if whole {
                (t!("judging.show_less"), t!("judging.show_less_of", n = n), icons::CARET_UP)
            } else {
                (t!("judging.show_all"), t!("judging.show_all_of", n = n), icons::CARET_DOWN)
            };
            if ui.add(Push::quiet(word).icon(icon).name(name).small()).clicked() {
                acts.push(Act::Unfold(self.side));
            }
        }
    }
}

/// The text goes on: its last lines sink into the board.
fn fade(ui: &Ui, rect: Rect) {
    let board = theme::palette(ui).board;
    let top = rect.bottom() - 28.0;
    let mut mesh = egui::Mesh::default();
    for (y, colour) in [(top, board.gamma_multiply(0.0)), (rect.bottom(), board)] {
        mesh.colored_vertex(pos2(rect.left(), y), colour);
        mesh.colored_vertex(pos2(rect.right(), y), colour);
    }
    mesh.add_triangle(0, 1, 2);
    mesh.add_triangle(1, 2, 3);
    ui.painter().add(mesh);
}

impl RankView {
    /// The order so far, and the button that keeps it; `low`: in one line with others.
    pub fn choices(&mut self, ui: &mut Ui, bench: &mut Bench, low: bool) {
        let can = RankingCommand::Keep.available(bench);
        let keys = RankingCommand::Keep.shortcut().map(caps).unwrap_or_default();
        let word = RankingCommand::Keep.label();
        let keep = |ui: &mut Ui| {
            let push = Push::primary(word.clone()).icon(icons::CHECK);
            let pressed = ui.add_enabled(can, if low { push } else { push.large() }).clicked();
            keys.iter().for_each(|key| drop(keycap(ui, key)));
            pressed
        };
        let pressed = if low {
            let pressed = keep(ui);
            if let Some(desk) = bench.ranking().filter(|desk| desk.placed() > 0) {
                so_far(ui, desk);
            }
            pressed
        } else {
            let size = vec2(ui.available_width(), 40.0);
            let row = ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
                let pressed = keep(ui);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    if let Some(desk) = bench.ranking() {
                        so_far(ui, desk);
                    }
                });
                pressed
            });
            row.inner
        };
        if pressed {
            bench.keep_order();
        }
    }
}

/// C > A = D > ...
fn so_far(ui: &mut Ui, desk: &RankDesk) {
    let p = theme::palette(ui);
    if desk.placed() == 0 {
        ui.add(Label::new(theme::soft(ui, t!("judging.rank_start"))).wrap());
        return;
    }
    ui.spacing_mut().item_spacing.x = 4.0;
    ui.add(Label::new(theme::soft(ui, t!("judging.rank_order"))).selectable(false));
    ui.add_space(4.0);
    let sign = |ui: &mut Ui, tied| {
        ui.add(Label::new(egui::RichText::new(if tied { "=" } else { ">" }).color(p.ink_soft)).selectable(false));
    };
    for (at, side) in desk.order().iter().take(desk.placed()).enumerate() {
        if at > 0 {
            sign(ui, desk.is_tied(at));
        }
        ui.add(Label::new(theme::strong(text::letter(*side))).selectable(false));
    }
    let left = desk.order().len() - desk.placed();
    if left > 0 {
        sign(ui, desk.tie_next());
        ui.add_space(4.0);
        ui.add(Label::new(theme::soft(ui, t!("judging.rank_left", n = left))).truncate());
    }
}
