//! The answers that PPO learns from, by step, score or distance; a click opens one.

use egui::{Align, Label, Layout, RichText, ScrollArea, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use crate::state::{Rollouts, Run, Sampled};
use crate::text::t;
use crate::widgets::{Card, dropdown, elided, empty_state, segmented};
use crate::{format, icons, theme};

const ROW: f32 = 28.0;
const OPEN: f32 = 190.0;
const HEIGHT: f32 = 300.0;

/// By what the answers are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Order {
    /// The newest step first.
    #[default]
    Newest,
    Best,
    Worst,
    /// The farthest from the starting model first.
    Farthest,
}

#[derive(Default)]
pub struct RolloutList {
    /// Step and place of the one that is open.
    open: Option<(usize, usize)>,
    order: Order,
    /// Only the answers of this step.
    step: Option<usize>,
}

impl RolloutList {
    pub fn ui(&mut self, ui: &mut Ui, run: &Run) {
        let Some((step, score, kl)) = run.rollouts.newest() else {
            empty_state(ui, icons::CHATS_CIRCLE, &t!("rollouts.none"), &t!("rollouts.none_about"), None);
            return;
        };
        let summary = |ui: &mut Ui| {
            let (score, kl) = (format::significant(f64::from(score), 3), format::significant(f64::from(kl), 3));
            ui.label(theme::soft(ui, t!("rollouts.newest", step = step, score = score, kl = kl)));
        };
        let card = Card::new(t!("rollouts.title")).about(t!("rollouts.about")).icon(icons::CHATS_CIRCLE);
        card.show_with(ui, summary, |ui| {
            self.choices(ui, &run.rollouts);
            head(ui);
            self.rows(ui, &run.rollouts);
        });
    }

    fn choices(&mut self, ui: &mut Ui, rollouts: &Rollouts) {
        let mut steps: Vec<usize> = rollouts.newest_first().map(|sampled| sampled.step).collect();
        steps.dedup();
        // Only the newest answers are kept; a step may have left since it was chosen.
        self.step.take_if(|step| !steps.contains(step));
        ui.horizontal_wrapped(|ui| {
            let orders = [
                (Order::Newest, t!("rollouts.by_newest")),
                (Order::Best, t!("rollouts.by_best")),
                (Order::Worst, t!("rollouts.by_worst")),
                (Order::Farthest, t!("rollouts.by_kl")),
            ];
            segmented(ui, &mut self.order, &orders);
            let every = (None, t!("rollouts.every_step"));
            let one = |step: usize| (Some(step), t!("plot.step", step = step));
            let options: Vec<_> = std::iter::once(every).chain(steps.into_iter().map(one)).collect();
            ui.name_inputs(&t!("rollouts.step"), |ui| {
                dropdown(ui, "rollout step", 140.0, &mut self.step, &options);
            });
        });
    }

    /// The answers to show, in their order; those of equal rank stay newest first.
    fn listed<'a>(&self, rollouts: &'a Rollouts) -> Vec<&'a Sampled> {
        let of_step = |sampled: &&Sampled| self.step.is_none_or(|step| sampled.step == step);
        let mut listed: Vec<&Sampled> = rollouts.newest_first().filter(of_step).collect();
        match self.order {
            Order::Newest => {}
            Order::Best => listed.sort_by(|a, b| b.rollout.score.total_cmp(&a.rollout.score)),
            Order::Worst => listed.sort_by(|a, b| a.rollout.score.total_cmp(&b.rollout.score)),
            Order::Farthest => listed.sort_by(|a, b| b.rollout.kl.total_cmp(&a.rollout.kl)),
        }
        listed
    }

    /// Only the rows in sight are laid out.
    fn rows(&mut self, ui: &mut Ui, rollouts: &Rollouts) {
        let order = self.listed(rollouts);
        let opened = self.open.and_then(|open| order.iter().position(|s| (s.step, s.place) == open));
        let total = order.len() as f32 * ROW + if opened.is_some() { OPEN } else { 0.0 };
        // Inside the panel's own scroll area there is no height to fill: it is asked for.
        let height = total.min(HEIGHT);
        let area = ScrollArea::vertical()
            .id_salt("rollouts")
            .max_height(height)
            .min_scrolled_height(height)
            .auto_shrink([false, true]);
        area.show_viewport(ui, |ui, seen| {
            ui.set_height(total);
            let origin = ui.max_rect().min;
            let width = ui.available_width();
            let top = |i: usize| i as f32 * ROW + if opened.is_some_and(|open| i > open) { OPEN } else { 0.0 };
            let first = ((seen.min.y - OPEN) / ROW).floor().max(0.0) as usize;
            for (i, sampled) in order.iter().enumerate().skip(first).take_while(|(i, _)| top(*i) < seen.max.y) {
                let rect = egui::Rect::from_min_size(pos2(origin.x, origin.y + top(i)), vec2(width, ROW));
                if row(ui, rect, sampled, opened == Some(i)) {
                    self.open = (opened != Some(i)).then_some((sampled.step, sampled.place));
                }
                if opened == Some(i) {
                    let below = egui::Rect::from_min_size(rect.left_bottom(), vec2(width, OPEN - 6.0));
                    whole(ui, below, sampled);
                }
            }
        });
    }
}

/// Left edges of the columns: mark, step, score, KL, prompt, answer.
fn edges(width: f32) -> [f32; 6] {
    let text = 206.0;
    [4.0, 26.0, 86.0, 146.0, text, text + (width - text) * 0.42]
}

fn head(ui: &mut Ui) {
    let p = theme::palette(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
    let at = edges(rect.width());
    let words =
        [t!("rollouts.step"), t!("rollouts.score"), t!("rollouts.kl"), t!("rollouts.prompt"), t!("rollouts.answer")];
    for (word, x) in words.iter().zip(&at[1..]) {
        let galley = elided(ui, word, egui::FontId::proportional(12.0), p.ink_soft, rect.width() - x);
        ui.painter().galley(pos2(rect.left() + x, rect.top()), galley, p.ink_soft);
    }
}

fn row(ui: &mut Ui, rect: egui::Rect, sampled: &Sampled, open: bool) -> bool {
    let p = theme::palette(ui);
    let id = ui.scope_id().with(("rollout", sampled.step, sampled.place));
    let response = ui.interact(rect, id, Sense::click());
    let rollout = &sampled.rollout;
    let score = format::significant(f64::from(rollout.score), 3);
    let kl = format::significant(f64::from(rollout.kl), 3);
    let name = t!("rollouts.row", step = sampled.step, place = sampled.place + 1, score = score);
    response.widget_info(|| WidgetInfo::selected(egui::accesskit::Role::Button, true, open, &name));
    if open || response.hovered() {
        ui.painter().rect_filled(rect, egui::CornerRadius::same(theme::RADIUS), p.raised);
    }
    let at = edges(rect.width());
    let caret = if open { icons::CARET_UP } else { icons::CARET_DOWN };
    let middle = rect.center().y;
    let mark = pos2(rect.left() + at[0] + 7.0, middle);
    ui.painter().text(mark, egui::Align2::CENTER_CENTER, caret, icons::regular(13.0), p.ink_soft);
    let texts = [sampled.step.to_string(), score, kl, one_line(&rollout.prompt), one_line(&rollout.answer)];
    for (i, text) in texts.iter().enumerate() {
        let (left, right) = (at[i + 1], at.get(i + 2).copied().unwrap_or(rect.width()));
        let ink = if i == 1 { p.varnish } else { p.ink };
        let galley = elided(ui, text, egui::FontId::proportional(13.0), ink, right - left - 10.0);
        let at = pos2(rect.left() + left, middle - galley.size().y / 2.0);
        ui.painter().galley(at, galley, ink);
    }
    response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked()
}

/// Enough for a line; an answer may be thousands of characters long.
fn one_line(text: &str) -> String {
    text.trim().chars().take(160).map(|c| if c.is_whitespace() { ' ' } else { c }).collect()
}

fn whole(ui: &mut Ui, rect: egui::Rect, sampled: &Sampled) {
    let p = theme::palette(ui);
    ui.painter().rect_filled(rect, egui::CornerRadius::same(theme::RADIUS), p.inset);
    let inner = rect.shrink2(vec2(12.0, 8.0));
    ui.scope_builder(UiBuilder::new().max_rect(inner).layout(Layout::top_down(Align::Min)), |ui| {
        ScrollArea::vertical().id_salt(("rollout", sampled.step, sampled.place)).auto_shrink([false, false]).show(
            ui,
            |ui| {
                for (title, text) in
                    [(t!("rollouts.prompt"), &sampled.rollout.prompt), (t!("rollouts.answer"), &sampled.rollout.answer)]
                {
                    ui.label(theme::soft(ui, title));
                    ui.add(Label::new(RichText::new(text.trim())).wrap().selectable(true));
                }
            },
        );
    });
}

#[cfg(test)]
mod tests {
    use luthier_engine::protocol::Event;

    use super::*;
    use crate::testing::{ready_bench, rollouts};
    use crate::text::Language;

    #[test]
    fn answers_are_ordered_by_score_or_distance_and_filtered_by_step() {
        let (mut bench, engine) = ready_bench(Language::English);
        bench.start_training();
        let id = bench.state.run.as_ref().unwrap().id.clone();
        for step in [0, 1] {
            engine.say(Event::RolloutsSampled { id: id.clone(), step, rollouts: rollouts(step * 100) });
        }
        bench.poll();
        let kept = &bench.state.run.as_ref().unwrap().rollouts;
        let scores = |list: &RolloutList| list.listed(kept).iter().map(|s| s.rollout.score).collect::<Vec<_>>();
        let all = RolloutList::default();
        assert_eq!(all.listed(kept)[0].step, 2);
        assert_eq!(all.listed(kept).len(), 8);
        let best = scores(&RolloutList { order: Order::Best, ..RolloutList::default() });
        assert!(best.is_sorted_by(|a, b| a >= b) && best[0] > best[7], "{best:?}");
        let worst = scores(&RolloutList { order: Order::Worst, ..RolloutList::default() });
        assert!(worst.is_sorted() && worst[0] == best[7], "{worst:?}");
        let far = RolloutList { order: Order::Farthest, step: Some(1), ..RolloutList::default() };
        let far = far.listed(kept);
        assert!(far.len() == 4 && far.iter().all(|s| s.step == 1));
        assert!(far.is_sorted_by(|a, b| a.rollout.kl >= b.rollout.kl));
    }
}
