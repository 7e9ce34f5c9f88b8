//! Curves of all runs, a small plot a metric.

use egui::{Slider, Ui, vec2};

use crate::bench::Bench;
use crate::plot::{self, Along, metric_title};
use crate::text::t;
use crate::widgets::{Notice, Push, icon_label, segmented};
use crate::{icons, theme};

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench, waiting: bool) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(8.0, 6.0);
        metrics(ui, bench);
        let look = &mut bench.desks.compare.look;
        let along = [
            (Along::Step, t!("compare.along_step")),
            (Along::Tokens, t!("compare.along_tokens")),
            (Along::Time, t!("compare.along_time")),
        ];
        segmented(ui, &mut look.along, &along);
        ui.label(theme::soft(ui, t!("compare.smoothing")));
        ui.spacing_mut().slider_width = 90.0;
        let slider = Slider::new(&mut look.smoothing, 0.0..=0.99).show_value(false);
        ui.add(slider).accessible_name(t!("compare.smoothing"));
        for (on, word) in [(&mut look.logarithmic, t!("compare.log")), (&mut look.clipped, t!("compare.clip"))] {
            if ui.add(Push::plain(word).small().selected(*on)).clicked() {
                *on = !*on;
            }
        }
    });
    if waiting {
        ui.horizontal(|ui| {
            // A drawing that turns would draw the window again and again while nothing changes.
            icon_label(ui, icons::HOURGLASS, 16.0, theme::palette(ui).string);
            ui.label(theme::soft(ui, t!("compare.reading")));
        });
    }
    let charts = bench.compared_charts();
    if charts.iter().all(|chart| chart.series.is_empty()) {
        if !waiting {
            let word = if bench.seen_ids().is_empty() { t!("compare.all_hidden") } else { t!("compare.no_curves") };
            Notice::info(word).show(ui);
        }
        return;
    }
    let look = bench.desks.compare.look.clone();
    plot::grid(ui, "compare", &charts, &look);
}

/// Which plots there are.
fn metrics(ui: &mut Ui, bench: &mut Bench) {
    let drawn = bench.drawn_metrics();
    let button = ui.add(Push::plain(t!("compare.metrics_n", n = drawn.len())).icon(icons::CHART_LINE));
    egui::Popup::menu(&button).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        egui::ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            for metric in bench.compared_metrics() {
                let mut on = drawn.contains(&metric);
                if ui.checkbox(&mut on, metric_word(&metric)).changed() {
                    bench.toggle_metric(&metric);
                }
            }
        });
    });
}

/// Several metrics may share a plot's title; the name tells them apart.
fn metric_word(metric: &str) -> String {
    let title = metric_title(metric);
    if title == metric { title } else { format!("{title}  ·  {metric}") }
}
