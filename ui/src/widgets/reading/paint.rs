//! One block of a text on the screen.

use egui::text::{LayoutJob, TextFormat};
use egui::{
    Align, Color32, CornerRadius, FontId, Galley, Label, Pos2, Rect, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2,
    vec2,
};
use std::sync::Arc;

use super::backwards;
use super::block::{Block, Kind, Look, Span};
use crate::icons;
use crate::theme::{self, Palette};

const SIZE: f32 = 15.0;
const LINE: f32 = 22.0;
const INDENT: f32 = 20.0;
const QUOTE: f32 = 14.0;
const CELL: f32 = 10.0;

fn left_of(block: &Block) -> f32 {
    let marker = if matches!(block.kind, Kind::Entry(_)) { INDENT } else { 0.0 };
    f32::from(block.indent) * INDENT + f32::from(block.quote) * QUOTE + marker
}

/// How high a block will be, about.
pub fn guess(block: &Block, width: f32) -> f32 {
    let width = (width - left_of(block)).max(60.0);
    let wrapped = block.bytes as f32 * 6.8 / width;
    match &block.kind {
        Kind::Rule => 9.0,
        Kind::Table { rows, .. } => rows.len() as f32 * (LINE + 8.0),
        Kind::Code { first, last, .. } => {
            let ends = if *first { 28.0 } else { 0.0 } + if *last { 10.0 } else { 0.0 };
            (wrapped * 1.15).max(block.lines as f32).ceil() * 19.0 + ends
        }
        _ => wrapped.max(block.lines as f32).ceil() * LINE,
    }
}

pub fn block(ui: &mut Ui, block: &Block, width: f32) {
    let left = left_of(block);
    let top = ui.cursor().min;
    match &block.kind {
        Kind::Rule => {
            let (rect, _) = ui.allocate_exact_size(vec2(width, 9.0), Sense::hover());
            ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(1.0, theme::palette(ui).edge));
        }
        Kind::Code { language, first, last } => code(ui, block, (language, *first, *last), width, left),
        Kind::Table { rows, head } => table(ui, rows, *head, (width - left, left)),
        kind => {
            let size = match kind {
                Kind::Heading(level) => [20.0, 18.0, 16.5, 15.5, 15.0, 15.0][usize::from(level.clamp(&1, &6) - 1)],
                _ => SIZE,
            };
            let heading = matches!(kind, Kind::Heading(_));
            at_left(ui, left, width, |ui| text(ui, block, size, heading));
            if let Kind::Entry(marker) = kind {
                mark(ui, top + vec2(left - 6.0, 0.0), marker);
            }
        }
    }
    let p = theme::palette(ui);
    for level in 0..block.quote {
        let x = top.x + f32::from(level) * QUOTE + 3.0;
        ui.painter().vline(x, top.y..=ui.cursor().top(), Stroke::new(2.0, p.edge_strong));
    }
}

/// The marker of an entry, its right end at `at`.
fn mark(ui: &Ui, at: Pos2, marker: &str) {
    let p = theme::palette(ui);
    match marker {
        "•" => ui.painter().circle_filled(at + vec2(-4.0, LINE / 2.0), 2.5, p.ink_soft),
        "[ ]" | "[x]" => {
            let rect = Rect::from_center_size(at + vec2(-6.0, LINE / 2.0), vec2(12.0, 12.0));
            let stroke = Stroke::new(1.0, p.edge_strong);
            ui.painter().rect_stroke(rect, CornerRadius::same(3), stroke, egui::StrokeKind::Inside);
            if marker == "[x]" {
                let font = icons::regular(11.0);
                ui.painter().text(rect.center(), egui::Align2::CENTER_CENTER, icons::CHECK, font, p.ink);
            }
            return;
        }
        number => {
            let galley = ui.painter().layout_no_wrap(number.to_owned(), FontId::proportional(SIZE), p.ink_soft);
            ui.painter().galley(at + vec2(-galley.size().x, (LINE - galley.size().y) / 2.0), galley, p.ink_soft);
            return;
        }
    };
}

fn at_left<R>(ui: &mut Ui, left: f32, width: f32, content: impl FnOnce(&mut Ui) -> R) -> R {
    let start = ui.cursor().min;
    let room = Rect::from_min_size(start + vec2(left, 0.0), vec2((width - left).max(40.0), f32::INFINITY));
    ui.scope_builder(UiBuilder::new().max_rect(room), content).inner
}

fn text(ui: &mut Ui, block: &Block, size: f32, heading: bool) {
    let p = theme::palette(ui);
    if block.backwards {
        return turned(ui, block, size);
    }
    let mut job = LayoutJob::default();
    for span in &block.spans {
        append(&mut job, span, p, size, heading || span.look.strong, block.quote > 0);
    }
    ui.add(Label::new(job).wrap().selectable(true));
}

/// A paragraph with Hebrew or Arabic in it, line by line. Selecting it gives the order in which it is drawn.
fn turned(ui: &mut Ui, block: &Block, size: f32) {
    let p = theme::palette(ui);
    let whole: String = block.spans.iter().map(|span| span.text.as_str()).collect();
    let width = ui.available_width();
    let font = FontId::proportional(size);
    let painter = ui.painter().clone();
    let mut measure = |word: &str| painter.layout_no_wrap(word.to_owned(), font.clone(), p.ink).size().x;
    for paragraph in whole.split('\n') {
        let lines = backwards::lines(paragraph, width, &mut measure).join("\n");
        let format = TextFormat { line_height: Some(LINE), ..TextFormat::simple(font.clone(), p.ink) };
        let mut job = LayoutJob::single_section(lines, format);
        let halign = if backwards::leads_left(paragraph) { Align::RIGHT } else { Align::LEFT };
        job.halign = halign;
        let label = ui.add(Label::new(job).wrap().halign(halign).selectable(true));
        label.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Label, true, paragraph));
    }
}

fn append(job: &mut LayoutJob, span: &Span, p: &Palette, size: f32, strong: bool, quoted: bool) {
    let Look { slanted, struck, code, address, link, picture, unseen, only_here, .. } = span.look;
    // Chinese is bundled in one weight: strong words are set apart by colour.
    let bold = strong && span.text.chars().all(|c| c < '\u{2E80}');
    let font_id = match () {
        () if code || unseen => FontId::monospace(size - 1.5),
        () if address => FontId::monospace(size - 3.0),
        () if bold => theme::strong_font(size),
        () => FontId::proportional(size),
    };
    let color = match () {
        () if unseen => p.warn,
        () if address => p.ink_soft,
        () if link => p.string,
        () if strong && !bold => p.varnish,
        () if quoted => p.ink_soft,
        () => p.ink,
    };
    let background = match () {
        () if only_here => p.string_soft,
        () if unseen => p.warn_soft,
        () if code => p.raised,
        () => Color32::TRANSPARENT,
    };
    let underline = match () {
        () if only_here => Stroke::new(1.5, p.string),
        () if link => Stroke::new(1.0, p.string),
        () => Stroke::NONE,
    };
    let format = TextFormat {
        line_height: Some((size * 1.47).round()),
        background,
        italics: slanted,
        underline,
        strikethrough: if struck { Stroke::new(1.0, color) } else { Stroke::NONE },
        ..TextFormat::simple(font_id, color)
    };
    if picture {
        job.append(&icons::IMAGE.to_string(), 0.0, TextFormat { font_id: icons::regular(size), ..format.clone() });
        job.append(" ", 0.0, format.clone());
    }
    job.append(&span.text, 0.0, format);
}

fn code(ui: &mut Ui, block: &Block, (language, first, last): (&str, bool, bool), width: f32, left: f32) {
    let p = theme::palette(ui);
    let ground = ui.painter().add(egui::Shape::Noop);
    let start = ui.cursor().min + vec2(left, 0.0);
    at_left(ui, left + 12.0, width - 12.0, |ui| {
        if first {
            ui.add_space(8.0);
            if !language.is_empty() {
                ui.add(Label::new(theme::soft(ui, language).size(11.0)).selectable(false).truncate());
                ui.add_space(2.0);
            }
        }
        let mut job = LayoutJob::default();
        for span in &block.spans {
            let (color, background) =
                if span.look.unseen { (p.warn, p.warn_soft) } else { (p.ink, Color32::TRANSPARENT) };
            let format = TextFormat {
                line_height: Some(19.0),
                background,
                ..TextFormat::simple(FontId::monospace(13.0), color)
            };
            job.append(&span.text, 0.0, format);
        }
        ui.add(Label::new(job).wrap().selectable(true));
        if last {
            ui.add_space(8.0);
        }
    });
    let rect = Rect::from_min_max(start, pos2(start.x + width - left, ui.cursor().top()));
    let (upper, lower) = (if first { theme::RADIUS } else { 0 }, if last { theme::RADIUS } else { 0 });
    let radius = CornerRadius { nw: upper, ne: upper, sw: lower, se: lower };
    ui.painter().set(ground, egui::epaint::RectShape::filled(rect, radius, p.inset));
}

fn table(ui: &mut Ui, rows: &[Vec<Vec<Span>>], head: bool, (width, left): (f32, f32)) {
    let p = theme::palette(ui);
    let painter = ui.painter().clone();
    let lay = |cell: &Vec<Span>, first: bool, room: f32| -> Arc<Galley> {
        let mut job = LayoutJob::default();
        cell.iter().for_each(|span| append(&mut job, span, p, SIZE - 1.0, (head && first) || span.look.strong, false));
        job.wrap.max_width = room;
        painter.layout_job(job)
    };
    let columns = rows.first().map_or(0, Vec::len).max(1);
    let room = (width - 2.0 * CELL * columns as f32).max(24.0 * columns as f32);
    let mut wide = vec![24.0_f32; columns];
    for (at, row) in rows.iter().enumerate() {
        for (column, cell) in row.iter().enumerate() {
            wide[column] = wide[column].max(lay(cell, at == 0, f32::INFINITY).size().x.ceil());
        }
    }
    // Where they do not fit, no column keeps more than its share and what the narrow ones leave.
    let total: f32 = wide.iter().sum();
    if total > room {
        let share = room / columns as f32;
        let narrow: f32 = wide.iter().filter(|w| **w <= share).sum();
        let broad: f32 = wide.iter().filter(|w| **w > share).sum();
        wide.iter_mut().filter(|w| **w > share).for_each(|w| *w = (*w * (room - narrow) / broad).max(24.0));
    }
    for (at, row) in rows.iter().enumerate() {
        let galleys: Vec<_> = row.iter().zip(&wide).map(|(cell, room)| lay(cell, at == 0, *room + 0.5)).collect();
        let height = galleys.iter().map(|galley| galley.size().y).fold(LINE - 4.0, f32::max) + 8.0;
        let (rect, response) = ui.allocate_exact_size(vec2(width + left, height), Sense::hover());
        let said = || galleys.iter().map(|galley| galley.text()).collect::<Vec<_>>().join(" | ");
        response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Label, true, said()));
        let mut x = rect.left() + left;
        for (galley, wide) in galleys.into_iter().zip(&wide) {
            ui.painter().galley(pos2(x + CELL / 2.0, rect.top() + 4.0), galley, p.ink);
            x += wide + 2.0 * CELL;
        }
        let end = x.min(rect.right());
        let line = Stroke::new(1.0, if head && at == 0 { p.edge_strong } else { p.edge });
        ui.painter().hline(rect.left() + left..=end, rect.bottom(), line);
    }
}
