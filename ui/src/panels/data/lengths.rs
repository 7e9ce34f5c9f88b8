//! How long the rows are in tokens, and where the limit cuts.

use egui::{Id, Ui, vec2};
use egui_plot::{Bar, BarChart, Plot, VLine};
use luthier_engine::data::{DataSummary, TokenStats};

use crate::bench::Bench;
use crate::text::t;
use crate::widgets::{Card, Fact, Notice, facts};
use crate::{format, icons, theme};

pub fn ui(ui: &mut Ui, bench: &Bench, summary: &DataSummary) {
    Card::new(t!("lengths.title")).about(t!("lengths.about")).icon(icons::RULER).show(ui, |ui| match &summary.tokens {
        Some(tokens) => {
            numbers(ui, tokens);
            histogram(ui, tokens, bench.state.recipe.cutoff_len);
        }
        None => Notice::info(t!("lengths.needs_model")).show(ui),
    });
}

fn numbers(ui: &mut Ui, tokens: &TokenStats) {
    let p = theme::palette(ui);
    let percent = |share: f32| format!("{} %", format::significant(f64::from(share) * 100.0, 3));
    let warn = |share: f32| if share > 0.0 { p.warn } else { p.ink };
    facts(
        ui,
        140.0,
        vec![
            Fact::new(t!("lengths.shortest"), format::count(tokens.min as u64)),
            Fact::new(t!("lengths.median"), format::count(tokens.p50 as u64)),
            Fact::new(t!("lengths.p95"), format::count(tokens.p95 as u64)),
            Fact::new(t!("lengths.longest"), format::count(tokens.max as u64)),
            Fact::new(t!("lengths.cut"), percent(tokens.cut_share))
                .colour(warn(tokens.cut_share))
                .hint(t!("lengths.cut_hint")),
            Fact::new(t!("lengths.lost"), percent(tokens.lost_share))
                .colour(warn(tokens.lost_share))
                .hint(t!("lengths.lost_hint")),
            Fact::new(t!("lengths.learned"), percent(tokens.learned_share)).hint(t!("lengths.learned_hint")),
        ],
    );
}

fn histogram(ui: &mut Ui, tokens: &TokenStats, cutoff: usize) {
    let p = theme::palette(ui);
    let (colour, cut_colour) = (theme::series(ui, 1), p.bad);
    let width = tokens.bucket_tokens.max(1) as f64;
    let bars: Vec<Bar> = tokens
        .histogram
        .iter()
        .enumerate()
        .map(|(i, count)| {
            let middle = (i as f64 + 0.5) * width;
            let fill = if middle > cutoff as f64 { cut_colour } else { colour };
            Bar::new(middle, *count as f64)
                .width(width * 0.92)
                .fill(fill.gamma_multiply(0.8))
                .stroke(egui::Stroke::NONE)
        })
        .collect();
    let end = tokens.histogram.len() as f64 * width;
    ui.push_id(Id::unique("lengths"), |ui| {
        Plot::new("lengths")
            .height(150.0)
            .show_background(false)
            .allow_drag(false)
            .allow_zoom(false)
            .allow_scroll(false)
            .allow_boxed_zoom(false)
            .set_margin_fraction(vec2(0.01, 0.08))
            .grid_color(p.edge)
            .show_crosshair(false)
            .include_x(0.0)
            .include_y(0.0)
            .x_axis_formatter(|mark, _| format::count(mark.value.max(0.0) as u64))
            .y_axis_formatter(|mark, _| {
                if mark.value.fract() == 0.0 { format::count(mark.value.max(0.0) as u64) } else { String::new() }
            })
            .label_formatter(|_| None)
            .show(ui, |plot| {
                plot.bar_chart(BarChart::new(t!("lengths.title"), bars).allow_hover(false));
                if (cutoff as f64) <= end {
                    plot.vline(VLine::new(t!("lengths.limit"), cutoff as f64).color(cut_colour).width(1.5));
                }
            });
    });
    let legend = if (cutoff as f64) <= end {
        t!("lengths.limit_at", n = format::count(cutoff as u64))
    } else {
        t!("lengths.limit_far", n = format::count(cutoff as u64))
    };
    ui.label(theme::soft(ui, legend));
}
