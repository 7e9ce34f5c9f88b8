//! The first rows as the model will see them: what is learned stands out from what is only read.

use egui::text::{LayoutJob, TextFormat};
use egui::{CornerRadius, FontId, Label, Stroke, Ui, vec2};
use luthier_engine::data::{DataSummary, PreviewRow, Segment};

use crate::text::t;
use crate::widgets::{Card, IconButton, Notice, tag};
use crate::{format, icons, theme};

/// Characters shown of one row.
const SHOWN: usize = 3000;

#[derive(Default)]
pub struct Preview {
    at: usize,
}

impl Preview {
    pub fn ui(&mut self, ui: &mut Ui, summary: &DataSummary) {
        if summary.preview.is_empty() {
            return;
        }
        self.at = self.at.min(summary.preview.len() - 1);
        let last = summary.preview.len() - 1;
        let shown = self.at;
        let at = &mut self.at;
        let turn = |ui: &mut Ui| {
            if ui.add_enabled(*at < last, IconButton::new(icons::ARROW_RIGHT, t!("preview.next"))).clicked() {
                *at += 1;
            }
            ui.label(theme::soft(ui, t!("preview.at", row = *at + 1, of = last + 1)));
            if ui.add_enabled(*at > 0, IconButton::new(icons::ARROW_LEFT, t!("preview.previous"))).clicked() {
                *at -= 1;
            }
        };
        Card::new(t!("preview.title")).about(t!("preview.about")).icon(icons::EYE).show_with(ui, turn, |ui| {
            let p = theme::palette(ui);
            ui.horizontal(|ui| {
                tag(ui, &t!("preview.learned"), p.varnish, p.varnish_soft);
                tag(ui, &t!("preview.context"), p.ink_soft, p.raised);
            });
            if let Some(row) = summary.preview.get(shown) {
                one(ui, row);
            }
        });
    }
}

fn one(ui: &mut Ui, row: &PreviewRow) {
    if let Some(problem) = &row.problem {
        Notice::bad(problem).show(ui);
        return;
    }
    board(ui, &row.segments);
    if !row.rejected.is_empty() {
        ui.label(theme::soft(ui, t!("preview.rejected")));
        board(ui, &row.rejected);
    }
    if let Some(tokens) = row.tokens {
        ui.label(theme::soft(ui, t!("preview.tokens", n = format::count(tokens as u64))));
    }
}

fn board(ui: &mut Ui, segments: &[Segment]) {
    let p = theme::palette(ui);
    egui::Frame::new()
        .fill(p.inset)
        .stroke(Stroke::new(1.0, p.edge))
        .corner_radius(CornerRadius::same(theme::RADIUS))
        .inner_margin(vec2(12.0, 10.0))
        .show(ui, |ui| {
            ui.take_available_width();
            ui.add(Label::new(job(ui, segments)).wrap().selectable(true));
        });
}

fn job(ui: &Ui, segments: &[Segment]) -> LayoutJob {
    let p = theme::palette(ui);
    let mut job = LayoutJob::default();
    let mut left = SHOWN;
    for segment in segments {
        let text: String = segment.text.chars().take(left).collect();
        left -= text.chars().count();
        let (color, background) = if segment.learned { (p.ink, p.varnish_soft) } else { (p.ink_soft, p.inset) };
        let format =
            TextFormat { background, line_height: Some(20.0), ..TextFormat::simple(FontId::monospace(13.0), color) };
        job.append(&text, 0.0, format);
        if left == 0 {
            job.append(" …", 0.0, TextFormat::simple(FontId::monospace(13.0), p.ink_soft));
            break;
        }
    }
    job
}
