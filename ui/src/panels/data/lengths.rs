//! How long the rows are in tokens, where the limit cuts, and which languages they are in.

use std::ops::Range;

use egui::{Align2, Color32, CursorIcon, FontId, Key, Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use luthier_engine::data::{DataSummary, Quality, TokenStats};
use luthier_engine::recipe::Recipe;

use super::share_bar::{Share, share_bar};
use crate::bench::Bench;
use crate::desks::RowFilter;
use crate::state::usable_rows;
use crate::text::{t, try_say};
use crate::widgets::{Card, Fact, Notice, Push, Setting, facts, hairline, number};
use crate::{format, icons, theme};

const HEIGHT: f32 = 176.0;

pub fn lengths(ui: &mut Ui, bench: &mut Bench, summary: &DataSummary) {
    Card::new(t!("lengths.title")).about(t!("lengths.about")).icon(icons::RULER).show(ui, |ui| match &summary.tokens {
        Some(tokens) => {
            histogram(ui, bench, tokens, summary);
            said(ui, bench, summary);
            limit(ui, bench);
            hairline(ui);
            numbers(ui, tokens, summary);
        }
        None => {
            Notice::info(t!("lengths.needs_model")).show(ui);
            limit(ui, bench);
        }
    });
}

fn limit(ui: &mut Ui, bench: &mut Bench) {
    let default = Recipe::default().cutoff_len;
    let cutoff = &mut bench.state.recipe.cutoff_len;
    let back = Setting::new("cutoff_len").changed(*cutoff != default, default.to_string()).show(ui, |ui| {
        number(ui, cutoff, 1..=1_000_000, 8.0);
    });
    if back {
        *cutoff = default;
    }
}

fn numbers(ui: &mut Ui, tokens: &TokenStats, summary: &DataSummary) {
    let p = theme::palette(ui);
    let percent = |share: f32| format!("{} %", format::significant(f64::from(share) * 100.0, 3));
    let warn = |share: f32| if share > 0.0 { p.warn } else { p.ink };
    let mut list = vec![
        Fact::new(t!("lengths.shortest"), format::count(tokens.min as u64)),
        Fact::new(t!("lengths.median"), format::count(tokens.p50 as u64)),
        Fact::new(t!("lengths.p95"), format::count(tokens.p95 as u64)),
        Fact::new(t!("lengths.longest"), format::count(tokens.max as u64)),
        Fact::new(t!("lengths.learned"), percent(tokens.learned_share)).hint(t!("lengths.learned_hint")),
        Fact::new(t!("lengths.lost"), percent(tokens.lost_share))
            .colour(warn(tokens.lost_share))
            .hint(t!("lengths.lost_hint")),
    ];
    if let Some(worse) = &summary.rejected_tokens {
        list.push(Fact::new(t!("lengths.worse"), format::count(worse.p50 as u64)));
    }
    facts(ui, 130.0, list);
}

/// Rows longer than `cutoff`, to be expected of all that can be used.
fn would_cut(quality: &Quality, rows: usize, cutoff: usize) -> usize {
    let longer = quality.lengths.len() - quality.lengths.partition_point(|length| *length as usize <= cutoff);
    (longer as f64 * rows as f64 / quality.lengths.len().max(1) as f64).round() as usize
}

/// What the limit does, in words: counted where it was, else as the sample lets expect.
fn said(ui: &mut Ui, bench: &mut Bench, summary: &DataSummary) {
    let Some(quality) = &summary.quality else { return };
    let p = theme::palette(ui);
    let cutoff = bench.state.recipe.cutoff_len;
    let data = &bench.state.data;
    let is_known = data.reading.is_none() && data.source.as_ref().is_some_and(|source| source.cutoff_len == cutoff);
    let counted = quality.cut.as_ref().filter(|cut| cut.exact && is_known);
    let rows = usable_rows(summary);
    let limit = format::count(cutoff as u64);
    let text = match counted {
        Some(cut) if cut.cut.count == 0 => t!("lengths.cuts_none", limit = limit),
        Some(cut) => t!(
            "lengths.cuts",
            limit = limit,
            n = format::count(cut.cut.count as u64),
            lost = format::count(cut.lost.count as u64)
        ),
        None => match would_cut(quality, rows, cutoff) {
            0 => t!("lengths.cuts_none_about", limit = limit),
            n => {
                t!("lengths.cuts_about", limit = limit, n = format::count(n as u64), rows = format::count(rows as u64))
            }
        },
    };
    ui.horizontal_wrapped(|ui| {
        ui.label(text);
        if counted.is_some_and(|cut| cut.cut.count > 0)
            && ui.add(Push::quiet(t!("lengths.show_cut")).icon(icons::FUNNEL).small()).clicked()
        {
            bench.filter_rows(RowFilter::Cut);
        }
        ui.label(egui::RichText::new(t!("lengths.drag")).size(12.0).color(p.ink_soft));
    });
}

/// Bars of the lengths, with the limit as a line that can be dragged or moved by the arrow keys.
fn histogram(ui: &mut Ui, bench: &mut Bench, tokens: &TokenStats, summary: &DataSummary) {
    let p = theme::palette(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    ui.painter().rect(rect, 4, p.inset, Stroke::new(1.0, p.edge), StrokeKind::Inside);
    let plot = Rect::from_min_max(rect.min + vec2(12.0, 24.0), rect.max - vec2(12.0, 22.0));
    let end = tokens.histogram.len() * tokens.bucket_tokens.max(1);
    let x_of = |length: usize| plot.left() + plot.width() * (length.min(end) as f32 / end as f32);
    let cutoff = bench.state.recipe.cutoff_len;
    let most = tokens.histogram.iter().copied().max().unwrap_or(1).max(1);
    let (fits, cut) = (theme::series(ui, 1), p.bad);
    for (i, count) in tokens.histogram.iter().enumerate() {
        let from = i * tokens.bucket_tokens;
        let to = from + tokens.bucket_tokens;
        let height = if *count == 0 { 0.0 } else { (plot.height() * *count as f32 / most as f32).max(1.5) };
        let bar = |lengths: Range<usize>, ink: Color32| {
            let (left, right) = (x_of(lengths.start) + 1.0, x_of(lengths.end) - 1.0);
            let bar = Rect::from_min_max(pos2(left, plot.bottom() - height), pos2(right.max(left), plot.bottom()));
            ui.painter().rect_filled(bar, 1, ink.gamma_multiply(0.85));
        };
        // The bucket that the limit goes through has two colours.
        let border = cutoff.clamp(from, to);
        if border > from {
            bar(from..border, fits);
        }
        if border < to {
            bar(border..to, cut);
        }
    }
    ui.painter().hline(plot.x_range(), plot.bottom(), Stroke::new(1.0, p.edge_strong));
    let font = || FontId::proportional(11.0);
    for quarter in 0..=4 {
        let length = end * quarter / 4;
        let align = [Align2::LEFT_TOP, Align2::CENTER_TOP, Align2::RIGHT_TOP]
            [usize::from(quarter > 0) + usize::from(quarter == 4)];
        let at = pos2(x_of(length), plot.bottom() + 4.0);
        ui.painter().text(at, align, format::count(length as u64), font(), p.ink_soft);
    }

    let x = x_of(cutoff);
    let grip = Rect::from_center_size(pos2(x, plot.center().y), vec2(18.0, rect.height()));
    let response = ui.interact(grip, ui.scope_id().with("limit"), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::slider(true, cutoff as f64, t!("lengths.limit")));
    let step = (end / 200).max(1);
    let mut to = cutoff;
    if response.dragged()
        && let Some(pointer) = response.interact_pointer_pos()
    {
        let share = ((pointer.x - plot.left()) / plot.width()).clamp(0.0, 1.0);
        to = (((share * end as f32) as usize).div_ceil(step) * step).max(1);
    }
    if response.has_focus() {
        ui.memory_mut(|memory| {
            let arrows = egui::EventFilter { horizontal_arrows: true, ..egui::EventFilter::default() };
            memory.set_focus_lock_filter(response.id, arrows);
        });
        ui.input(|input| {
            to += step * input.num_presses(Key::ArrowRight);
            to = to.saturating_sub(step * input.num_presses(Key::ArrowLeft)).max(1);
        });
    }
    let held = response.dragged() || response.has_focus() || response.hovered();
    let ink = if held { p.varnish } else { p.ink };
    ui.painter().vline(x, rect.top() + 20.0..=plot.bottom(), Stroke::new(if held { 2.5 } else { 1.5 }, ink));
    ui.painter().circle(pos2(x, rect.top() + 22.0), 4.5, p.board, Stroke::new(1.5, ink));
    let word = if cutoff > end {
        t!("lengths.limit_beyond", n = format::count(cutoff as u64))
    } else {
        t!("lengths.limit_here", n = format::count(cutoff as u64))
    };
    let word = ui.painter().layout_no_wrap(word, theme::strong_font(12.0), ink);
    let left = (x - word.size().x / 2.0).clamp(rect.left() + 6.0, rect.right() - word.size().x - 6.0);
    ui.painter().galley(pos2(left, rect.top() + 2.0), word, ink);
    let response = response.on_hover_cursor(CursorIcon::ResizeHorizontal);
    if to != cutoff && (response.dragged() || response.has_focus()) {
        bench.state.recipe.cutoff_len = to;
    }
    if response.dragged()
        && let Some(quality) = &summary.quality
    {
        let n = would_cut(quality, usable_rows(summary), to);
        response.show_tooltip_text(t!("lengths.would_cut", n = format::count(n as u64)));
    }
}

pub fn languages(ui: &mut Ui, bench: &mut Bench, summary: &DataSummary) {
    let Some(quality) = summary.quality.as_ref().filter(|quality| !quality.languages.is_empty()) else { return };
    let about = if quality.languages_of < usable_rows(summary) {
        t!("rows.languages_sampled", n = format::count(quality.languages_of as u64))
    } else {
        t!("rows.languages_about")
    };
    Card::new(t!("rows.languages")).about(about).icon(icons::TRANSLATE).show(ui, |ui| {
        let shares: Vec<Share> = quality
            .languages
            .iter()
            .enumerate()
            .map(|(i, share)| Share {
                name: language_name(&share.language),
                amount: share.rows.len() as f64,
                said: format::count(share.rows.len() as u64),
                colour: theme::series(ui, i),
                hatched: false,
                faint: matches!(share.language.as_str(), "unknown"),
            })
            .collect();
        if let Some(index) = share_bar(ui, &t!("rows.languages"), &shares) {
            bench.filter_rows(RowFilter::Language(index));
        }
    });
}

/// What people call a language; its code where there is no word for it.
pub fn language_name(code: &str) -> String {
    try_say(&format!("language.{code}")).unwrap_or_else(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_limit_would_cut_is_read_off_the_lengths() {
        let quality = Quality { lengths: vec![10, 20, 20, 30], ..Quality::default() };
        let cut = |at| would_cut(&quality, 1000, at);
        assert_eq!((cut(30), cut(29), cut(20), cut(19), cut(1)), (0, 250, 250, 750, 1000));
        assert_eq!(would_cut(&Quality::default(), 1000, 5), 0);
    }
}
