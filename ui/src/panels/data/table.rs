//! The rows of the file as a table: only those in sight are drawn and read.

use egui::accesskit::Role;
use egui::{Align, Align2, Color32, FontId, Layout, Sense, Ui, WidgetInfo, pos2, vec2};
use egui_extras::{Column, TableBuilder, TableRow};
use luthier_engine::data::{DataKind, DataSummary, Mapping, Part, PreviewRow};

use super::mapping::header_dropdown;
use super::token_text::one_line;
use crate::bench::Bench;
use crate::desks::{Flags, RowView};
use crate::text::t;
use crate::widgets::{Push, elided, problem_box};
use crate::{format, icons, theme};

const ROW: f32 = 26.0;
const HEADER: f32 = 54.0;
const NUMBER: f32 = 56.0;
const FLAGS: f32 = 56.0;
const TOKENS: f32 = 60.0;

/// A column of text: what it shows, and the part whose column its header chooses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    Question,
    Answer,
    Worse,
    Mark,
}

/// The columns that rows of this kind have.
fn texts(summary: &DataSummary) -> Vec<(Text, Option<Part>)> {
    let parts = summary.format.parts();
    let has = |part: &Part| parts.contains(part);
    let asked = [Part::Prompt, Part::Messages, Part::Text].into_iter().find(has);
    let answered = Some(Part::Response).filter(has);
    match summary.kind {
        DataKind::Text => vec![(Text::Answer, Some(Part::Text))],
        DataKind::Sft | DataKind::Prompts => vec![(Text::Question, asked), (Text::Answer, answered)],
        DataKind::Kto => {
            vec![(Text::Question, asked), (Text::Answer, answered), (Text::Mark, Some(Part::KtoTag))]
        }
        DataKind::Preference => {
            vec![(Text::Question, asked), (Text::Answer, Some(Part::Chosen)), (Text::Worse, Some(Part::Rejected))]
        }
    }
}

impl Text {
    fn name(self, part: Option<Part>) -> String {
        match (self, part) {
            (_, Some(part)) => super::mapping::part_name(part),
            (Self::Question, None) => t!("part.prompt.name"),
            (Self::Answer, None) => t!("part.response.name"),
            (Self::Worse, None) => t!("part.rejected.name"),
            (Self::Mark, None) => t!("part.kto_tag.name"),
        }
    }

    fn of(self, row: &PreviewRow) -> String {
        match self {
            Self::Question => one_line(&row.question),
            Self::Answer => one_line(&row.answer),
            Self::Worse => one_line(&row.worse_answer),
            Self::Mark => match row.liked {
                Some(true) => t!("rows.liked"),
                Some(false) => t!("rows.disliked"),
                None => String::new(),
            },
        }
    }
}

/// Fills the room that is left, `height` high. The mapping that the person has chosen in the header, if any.
pub fn ui(ui: &mut Ui, bench: &mut Bench, summary: &DataSummary, height: f32) -> Option<Mapping> {
    let p = theme::palette(ui);
    let mut chosen = None;
    let view = bench.row_view();
    egui::Frame::new()
        .fill(p.board)
        .stroke(egui::Stroke::new(1.0, p.edge))
        .corner_radius(theme::RADIUS)
        .inner_margin(egui::Margin::symmetric(8, 4))
        .show(ui, |ui| {
            ui.take_available_width();
            ui.set_height(height - 10.0);
            if let Some(problem) = bench.state.data.rows_problem.clone() {
                problem_box(ui, &t!("rows.cannot_read"), &problem.message, None);
                if ui.add(Push::plain(t!("rows.read_again")).icon(icons::ARROWS_CLOCKWISE)).clicked() {
                    bench.read_data_again();
                }
            }
            chosen = table(ui, bench, summary, &view);
        });
    chosen
}

fn table(ui: &mut Ui, bench: &mut Bench, summary: &DataSummary, view: &RowView) -> Option<Mapping> {
    let columns = texts(summary);
    let mut chosen = None;
    let gap = 10.0;
    ui.spacing_mut().item_spacing = vec2(gap, 0.0);
    let mark = columns.iter().any(|(text, _)| *text == Text::Mark);
    let fixed = NUMBER + FLAGS + TOKENS + if mark { 84.0 } else { 0.0 };
    let wide = columns.len() - usize::from(mark);
    let left = ui.available_width() - fixed - gap * (columns.len() + 3) as f32 - 4.0;
    let width = (left / wide as f32).floor().max(90.0);
    let height = ui.available_height();
    let mut builder = TableBuilder::new(ui)
        .id_salt("rows")
        .sense(Sense::CLICK)
        .auto_shrink(false)
        .animate_scrolling(false)
        .min_scrolled_height(0.0)
        .max_scroll_height((height - HEADER).max(ROW))
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::exact(NUMBER))
        .column(Column::exact(FLAGS));
    for (text, _) in &columns {
        builder = builder.column(Column::exact(if *text == Text::Mark { 84.0 } else { width }).clip(true));
    }
    builder = builder.column(Column::exact(TOKENS));
    let desk = &mut bench.desks.rows;
    if std::mem::take(&mut desk.follow) {
        builder = builder.scroll_to_row(view.place(desk.selected), None);
    }
    let mapping = (!desk.columns).then_some(&summary.mapping);
    let table = builder.header(HEADER, |mut header| {
        header.col(|ui| caption(ui, &t!("rows.number"), Align::Max));
        header.col(|ui| caption(ui, &t!("rows.flags"), Align::Min));
        for (text, part) in &columns {
            header.col(|ui| {
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 3.0;
                    caption(ui, &text.name(*part), Align::Min);
                    if let (Some(part), Some(mapping)) = (part, mapping)
                        && let Some(other) = header_dropdown(ui, mapping, *part, &summary.columns)
                    {
                        chosen = Some(other);
                    }
                });
            });
        }
        header.col(|ui| caption(ui, &t!("rows.token_count"), Align::Max));
    });
    let mut in_sight = usize::MAX..0;
    let mut clicked = None;
    table.body(|body| {
        body.rows(ROW, view.len(), |mut row| {
            let place = row.index();
            in_sight = in_sight.start.min(place)..in_sight.end.max(place + 1);
            if let Some(number) = view.row(place)
                && line(&mut row, bench, number, &columns)
            {
                clicked = Some(number);
            }
        });
    });
    if in_sight.start < in_sight.end {
        bench.desks.rows.rows_in_sight = ((height - HEADER) / ROW) as usize;
        bench.want_rows(in_sight);
    }
    if let Some(number) = clicked {
        bench.desks.rows.selected = number;
    }
    chosen
}

fn caption(ui: &mut Ui, text: &str, align: Align) {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, true, text));
    let word = elided(ui, text, theme::strong_font(12.0), p.ink_soft, rect.width());
    let x = if align == Align::Max { rect.right() - word.size().x } else { rect.left() };
    ui.painter().galley(pos2(x, rect.top() + 1.0), word, p.ink_soft);
}

/// One row; true when it was clicked.
fn line(row: &mut TableRow<'_, '_>, bench: &Bench, number: usize, columns: &[(Text, Option<Part>)]) -> bool {
    let known = bench.state.data.rows.get(&number);
    let flags = bench.row_flags(number);
    row.set_selected(bench.desks.rows.selected == number);
    row.col(|ui| {
        let text = format::count(number as u64 + 1);
        let ink = theme::palette(ui).ink_soft;
        ui.painter().text(ui.max_rect().right_center(), Align2::RIGHT_CENTER, text, FontId::proportional(12.0), ink);
    });
    row.col(|ui| signs(ui, flags));
    for (text, _) in columns {
        row.col(|ui| match known {
            Some(known) if known.problem.is_some() && *text != Text::Question => {
                let reason = known.problem.as_deref().unwrap_or_default();
                let ink = theme::palette(ui).bad;
                if *text == Text::Answer {
                    cell(ui, &one_line(reason), ink);
                }
            }
            Some(known) => cell(ui, &text.of(known), theme::palette(ui).ink),
            // Being read: a bar where the text will stand.
            None => {
                let rect = ui.max_rect();
                let bar = egui::Rect::from_center_size(rect.center(), vec2(rect.width() - 8.0, 8.0));
                ui.painter().rect_filled(bar, 4, theme::palette(ui).raised);
            }
        });
    }
    row.col(|ui| {
        if let Some(tokens) = known.and_then(|known| known.tokens) {
            let ink = theme::palette(ui).ink_soft;
            let at = ui.max_rect().right_center();
            let text = format::count(tokens as u64);
            ui.painter().text(at, Align2::RIGHT_CENTER, text, FontId::proportional(12.0), ink);
        }
    });
    let response = row.response();
    response.widget_info(|| {
        let words: Vec<String> = words(flags).into_iter().map(|(_, word)| word).collect();
        let said = known.map(|known| if known.question.is_empty() { &known.answer } else { &known.question });
        let said = said.map(|text| text.chars().take(80).collect::<String>()).unwrap_or_default();
        WidgetInfo::labeled(Role::Row, true, t!("rows.said", row = number + 1, text = said, flags = words.join(", ")))
    });
    response.clicked()
}

fn cell(ui: &mut Ui, text: &str, ink: Color32) {
    let rect = ui.max_rect();
    // What does not fit is not laid out either.
    let fits: String = text.chars().take((rect.width() / 4.0) as usize + 4).collect();
    let word = elided(ui, &fits, FontId::proportional(13.0), ink, rect.width());
    ui.painter().galley(pos2(rect.left(), rect.center().y - word.size().y / 2.0), word, ink);
}

/// Signs and words for what there is to say of a row, worst first.
fn words(flags: Flags) -> Vec<(char, String)> {
    if flags == Flags::default() {
        return Vec::new();
    }
    let all = [
        (flags.unusable, icons::WARNING_OCTAGON, t!("rows.flag_unusable")),
        (flags.lost, icons::SCISSORS, t!("rows.flag_lost")),
        (flags.cut && !flags.lost, icons::SCISSORS, t!("rows.flag_cut")),
        (flags.repeats.is_some(), icons::COPY_SIMPLE, t!("rows.flag_repeats")),
        (flags.near_empty, icons::ERASER, t!("rows.flag_near_empty")),
        (flags.asked_again, icons::CHATS_CIRCLE, t!("rows.flag_asked_again")),
        (flags.aside, icons::EXAM, t!("rows.flag_aside")),
    ];
    all.into_iter().filter_map(|(on, icon, word)| on.then_some((icon, word))).collect()
}

fn signs(ui: &mut Ui, flags: Flags) {
    if flags == Flags::default() {
        return;
    }
    let p = theme::palette(ui);
    let list = words(flags);
    let rect = ui.max_rect();
    for (i, (icon, _)) in list.iter().take(3).enumerate() {
        let ink = match *icon {
            icons::WARNING_OCTAGON => p.bad,
            icons::SCISSORS if flags.lost => p.bad,
            icons::SCISSORS | icons::ERASER | icons::COPY_SIMPLE => p.warn,
            _ => p.string,
        };
        let at = pos2(rect.left() + 9.0 + i as f32 * 18.0, rect.center().y);
        ui.painter().text(at, Align2::CENTER_CENTER, *icon, icons::regular(15.0), ink);
    }
    let text = list.into_iter().map(|(_, word)| word).collect::<Vec<_>>().join("\n");
    ui.interact(rect, ui.scope_id().with("signs"), Sense::hover()).on_hover_text(text);
}
