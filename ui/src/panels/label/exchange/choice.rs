//! What is chosen of an export: the format, and how labels become records.

use egui::accesskit::Role;
use egui::{Align2, Color32, FontId, Label, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use luthier_engine::feedback::{FileFormat, Holds, Mode, Ranking, Ties};

use crate::bench::Bench;
use crate::text::{say, t};
use crate::widgets::{Setting, dropdown, segmented, toggle};
use crate::{icons, theme};

const SHARES: [f64; 4] = [0.0, 0.05, 0.1, 0.2];

/// Every format with whom it is for; in a narrow window only the chosen one says so.
pub(super) fn formats(ui: &mut Ui, bench: &mut Bench, narrow: bool) {
    let Some(desk) = &mut bench.desks.label.exchange.export else { return };
    let mut chosen = desk.how.format;
    if narrow {
        let options = FileFormat::ALL.map(|format| (format, format.name().to_owned()));
        let width = ui.available_width().min(420.0) - 16.0;
        ui.label(theme::soft(ui, t!("exchange.format")));
        ui.name_inputs(&t!("exchange.format"), |ui| {
            dropdown(ui, "export format", width, &mut chosen, &options);
        });
        ui.add(Label::new(theme::soft(ui, about(chosen))).wrap());
    } else {
        ui.spacing_mut().item_spacing.y = 4.0;
        for holds in [Holds::Pairs, Holds::Marks, Holds::Verdicts] {
            ui.add(Label::new(theme::small(group(holds)).color(theme::palette(ui).ink_soft)).wrap());
            for format in FileFormat::ALL.into_iter().filter(|format| format.holds() == holds) {
                if row(ui, format, format == chosen).clicked() {
                    chosen = format;
                }
            }
            ui.add_space(4.0);
        }
    }
    if chosen != desk.how.format {
        desk.choose(chosen);
    }
}

fn about(format: FileFormat) -> String {
    say(&format!("exchange_for.{}", format.word()))
}

fn group(holds: Holds) -> String {
    match holds {
        Holds::Pairs => t!("exchange.pairs"),
        Holds::Marks => t!("exchange.marks"),
        Holds::Verdicts => t!("exchange.verdicts"),
    }
}

fn row(ui: &mut Ui, format: FileFormat, on: bool) -> Response {
    let p = theme::palette(ui);
    let width = ui.available_width();
    let text = ui.painter().layout(about(format), FontId::proportional(12.0), Color32::PLACEHOLDER, width - 46.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, text.size().y + 32.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, ui.is_enabled(), on, format.name()));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let (ground, border) = match (on, response.hovered()) {
        (true, _) => (p.varnish_soft, Stroke::new(1.0, p.varnish)),
        (false, true) => (p.raised, Stroke::new(1.0, p.edge)),
        (false, false) => (p.board, Stroke::new(1.0, p.edge)),
    };
    ui.painter().rect(rect, theme::RADIUS, ground, border, StrokeKind::Inside);
    let sign = pos2(rect.left() + 18.0, rect.top() + 16.0);
    if on {
        ui.painter().text(sign, Align2::CENTER_CENTER, icons::CHECK_CIRCLE, icons::filled(17.0), p.varnish);
    } else {
        ui.painter().circle_stroke(sign, 7.0, Stroke::new(1.0, p.edge_strong));
    }
    let left = rect.left() + 34.0;
    let name = crate::widgets::elided(ui, format.name(), theme::strong_font(14.0), p.ink, width - 42.0);
    ui.painter().galley(pos2(left, rect.top() + 16.0 - name.size().y / 2.0), name, p.ink);
    ui.painter().galley(pos2(left, rect.top() + 27.0), text, if on { p.ink } else { p.ink_soft });
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}

/// Ties, rankings, marks and the share held out, as far as the format and the labels know them.
pub(super) fn rules(ui: &mut Ui, bench: &mut Bench) {
    let Some(desk) = &mut bench.desks.label.exchange.export else { return };
    let (holds, mode) = (desk.how.format.holds(), desk.mode);
    let how = &mut desk.how;
    if mode != Mode::Single && holds != Holds::Marks {
        let other =
            if holds == Holds::Pairs { (Ties::Split, t!("exchange.split")) } else { (Ties::Keep, t!("exchange.keep")) };
        let options = [(Ties::LeaveOut, t!("exchange.leave_out")), other];
        Setting::new("export_ties").show(ui, |ui| {
            segmented(ui, &mut how.rules.ties, &options);
        });
    }
    if mode == Mode::Rank && holds == Holds::Pairs {
        let options = [(Ranking::All, t!("exchange.all")), (Ranking::Adjacent, t!("exchange.adjacent"))];
        Setting::new("export_ranking").show(ui, |ui| {
            segmented(ui, &mut how.rules.ranking, &options);
        });
    }
    if mode == Mode::Single && holds == Holds::Pairs {
        Setting::new("export_marks").show(ui, |ui| {
            toggle(ui, &mut how.rules.from_marks);
        });
    }
    let percent = |share: f64| match share {
        0.0 => t!("exchange.none"),
        share => format!("{:.0} %", share * 100.0),
    };
    let options = SHARES.map(|share| (share, percent(share)));
    Setting::new("export_held_out").show(ui, |ui| {
        segmented(ui, &mut how.eval_share, &options);
    });
}
