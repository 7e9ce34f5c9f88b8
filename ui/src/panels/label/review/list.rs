//! The review list: items about which people disagree, open ones to be decided.

use egui::accesskit::Role;
use egui::{Align2, CursorIcon, FontId, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};

use super::words::{question, statements, verdict};
use crate::bench::Bench;
use crate::desks::{Disputed, Insight};
use crate::icons;
use crate::labels::ItemId;
use crate::text::t;
use crate::theme;
use crate::widgets::{Card, Push, elided, segmented};

const ROW: f32 = 52.0;
/// Rows in sight before the list scrolls by itself.
const IN_SIGHT: usize = 6;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Show {
    #[default]
    Open,
    All,
}

#[derive(Default)]
pub struct List {
    show: Show,
}

impl List {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench, insight: &Insight) {
        let report = &insight.report;
        let open = report.unsettled();
        let (mut begin, mut opened) = (false, None);
        let card = Card::new(t!("review.list")).icon(icons::GAVEL).about(t!("review.list_about"));
        card.show_with(
            ui,
            |ui| {
                if open > 0 {
                    begin = ui.add(Push::primary(t!("review.begin")).icon(icons::GAVEL).small()).clicked();
                }
            },
            |ui| {
                if report.disputes.is_empty() {
                    ui.label(theme::soft(ui, t!("review.no_disputes")));
                    return;
                }
                let options = [
                    (Show::Open, t!("review.open_ones", n = open)),
                    (Show::All, t!("review.all_ones", n = report.disputes.len())),
                ];
                segmented(ui, &mut self.show, &options);
                let rows: Vec<usize> = (0..report.disputes.len())
                    .filter(|at| self.show == Show::All || report.disputes[*at].last_word.is_none())
                    .collect();
                if rows.is_empty() {
                    ui.label(theme::soft(ui, t!("review.all_settled")));
                    return;
                }
                ui.spacing_mut().item_spacing.y = 0.0;
                let height = ROW * rows.len().min(IN_SIGHT) as f32;
                // Within the page, which scrolls too, it would else take what little is in sight.
                let area = ScrollArea::vertical().id_salt("disputes").max_height(height).min_scrolled_height(height);
                area.auto_shrink([false, true]).show_rows(ui, ROW, rows.len(), |ui, seen| {
                    for at in &rows[seen] {
                        let disputed = Disputed { insight: insight.clone(), at: *at, mode: report.mode };
                        if row(ui, &disputed) {
                            opened = Some(disputed.dispute().item);
                        }
                    }
                });
            },
        );
        if begin {
            bench.step_dispute(1);
        }
        open_item(bench, opened);
    }
}

fn open_item(bench: &mut Bench, opened: Option<ItemId>) {
    if let Some(item) = opened {
        bench.open_dispute(item);
    }
}

/// True when it was pressed.
fn row(ui: &mut Ui, disputed: &Disputed) -> bool {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let question = question(disputed);
    let word = match disputed.last_word() {
        Some(last) => t!("review.settled_as", verdict = verdict(&last.judged.verdict, &disputed.sides())),
        None => t!("review.open"),
    };
    let said = statements(disputed);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{question}. {said}. {word}")));
    if response.hovered() {
        ui.painter().rect_filled(rect.shrink2(vec2(0.0, 1.0)), theme::RADIUS, p.raised);
    }
    ui.painter().hline(rect.x_range(), rect.bottom(), egui::Stroke::new(1.0, p.edge));
    let settled = disputed.last_word().is_some();
    let (icon, ink) = if settled { (icons::SEAL_CHECK, p.good) } else { (icons::SCALES, p.warn) };
    ui.painter().text(
        pos2(rect.left() + 18.0, rect.center().y),
        Align2::CENTER_CENTER,
        icon,
        icons::regular(18.0),
        ink,
    );
    let right = elided(ui, &word, FontId::proportional(12.0), ink, rect.width() * 0.3);
    let left = rect.left() + 40.0;
    let room = rect.right() - right.size().x - 36.0 - left;
    let first = elided(ui, &question, FontId::proportional(14.0), p.ink, room);
    ui.painter().galley(pos2(left, rect.top() + 8.0), first, p.ink);
    let second = elided(ui, &said, FontId::proportional(12.0), p.ink_soft, room);
    ui.painter().galley(pos2(left, rect.top() + 29.0), second, p.ink_soft);
    let at = pos2(rect.right() - 24.0 - right.size().x, rect.center().y - right.size().y / 2.0);
    ui.painter().galley(at, right, ink);
    let at = pos2(rect.right() - 10.0, rect.center().y);
    ui.painter().text(at, Align2::CENTER_CENTER, icons::CARET_RIGHT, icons::regular(14.0), p.ink_soft);
    response.on_hover_cursor(CursorIcon::PointingHand).clicked()
}
