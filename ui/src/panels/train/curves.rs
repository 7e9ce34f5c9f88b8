//! Every metric of the run as a small plot: one axis, one line under the pointer, and how they are looked at.

use egui::{Popup, PopupCloseBehavior, ScrollArea, Slider, TextEdit, Ui, vec2};

use crate::bench::Bench;
use crate::plot::{self, Along, Chart, Mark, RunCurves, charts_of_run, grid_with, reset_zoom, zoomed};
use crate::state::Run;
use crate::text::t;
use crate::widgets::{Push, segmented, toggle};
use crate::{format, icons, theme};

/// The grid's name, for its zoom.
const GRID: &str = "train";

/// The curves of the run in view.
#[derive(Default)]
pub struct CurvesView {
    curves: RunCurves,
}

/// What was changed in the toolbar.
pub(super) struct Changed {
    along: Along,
    logarithmic: bool,
    clipped: bool,
    smoothing: f32,
    sought: String,
    /// A chart to show or leave out.
    chart: Option<(String, bool)>,
}

impl Changed {
    pub(super) fn take(self, bench: &mut Bench) {
        let desk = &mut bench.desks.train;
        (desk.along, desk.logarithmic, desk.clipped) = (self.along, self.logarithmic, self.clipped);
        desk.sought = self.sought;
        desk.reset_zoom = false;
        bench.settings.smoothing = self.smoothing;
        if let Some((key, shown)) = self.chart {
            bench.show_chart(&key, shown);
        }
    }
}

impl CurvesView {
    pub fn ui(&mut self, ui: &mut Ui, bench: &Bench, run: &Run) -> Changed {
        self.curves.follow(run);
        let charts = charts_of_run(&self.curves.all);
        let desk = &bench.desks.train;
        if desk.reset_zoom {
            reset_zoom(ui.ctx(), GRID);
        }
        let mut changed = Changed {
            along: desk.along,
            logarithmic: desk.logarithmic,
            clipped: desk.clipped,
            smoothing: bench.settings.smoothing,
            sought: desk.sought.clone(),
            chart: None,
        };
        let hidden = &bench.settings.hidden_charts;
        toolbar(ui, &charts, hidden, !run.joined.is_empty(), &mut changed);
        let shown: Vec<Chart> = charts.into_iter().filter(|chart| !hidden.contains(&chart.key)).collect();
        grid_with(ui, GRID, &shown, &bench.train_look(), &marks(run));
        if shown.is_empty() {
            ui.label(theme::soft(ui, t!("charts.none")));
        }
        changed
    }
}

fn marks(run: &Run) -> Vec<Mark> {
    let at = |step: usize| {
        let after = run.steps.partition_point(|report| report.step < step);
        run.steps.get(after).or(run.steps.last()).map_or((0.0, 0.0), |r| (r.total_tokens as f64, r.elapsed_secs))
    };
    let joins = run.joined.iter().map(|(step, layers)| {
        let (tokens, secs) = at(*step);
        Mark { step: *step as f64, tokens, secs, words: t!("plot.joined", layers = format::numbers(layers)) }
    });
    joins.collect()
}

fn toolbar(ui: &mut Ui, charts: &[Chart], hidden: &[String], marked: bool, changed: &mut Changed) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(10.0, 6.0);
        let along = [
            (Along::Step, t!("charts.step")),
            (Along::Tokens, t!("charts.by_tokens")),
            (Along::Time, t!("charts.time")),
        ];
        segmented(ui, &mut changed.along, &along);
        ui.horizontal(|ui| {
            ui.spacing_mut().slider_width = 110.0;
            ui.label(theme::soft(ui, t!("plot.smoothing")));
            ui.add(Slider::new(&mut changed.smoothing, 0.0..=0.99).fixed_decimals(2))
                .accessible_name(t!("plot.smoothing"));
        });
        switch(ui, &t!("charts.log"), &t!("charts.log_hint"), &mut changed.logarithmic);
        switch(ui, &t!("charts.clip"), &t!("charts.clip_hint"), &mut changed.clipped);
        metrics(ui, charts, hidden, changed);
        if marked {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                let (rect, _) = ui.allocate_exact_size(vec2(12.0, 12.0), egui::Sense::hover());
                let foot = rect.center_bottom() + vec2(0.0, -2.0);
                let corners = vec![foot + vec2(0.0, -8.0), foot + vec2(5.0, 0.0), foot + vec2(-5.0, 0.0)];
                let ink = theme::palette(ui).string;
                ui.painter().add(egui::Shape::convex_polygon(corners, ink, egui::Stroke::NONE));
                ui.label(theme::soft(ui, t!("plot.layers_join")));
            });
        }
        if zoomed(ui.ctx(), GRID) {
            if ui.add(Push::plain(t!("train.whole_axis")).icon(icons::ARROW_COUNTER_CLOCKWISE).small()).clicked() {
                reset_zoom(ui.ctx(), GRID);
            }
        } else {
            ui.label(theme::small(t!("plot.how")).color(theme::palette(ui).ink_soft));
        }
    });
}

fn switch(ui: &mut Ui, word: &str, hint: &str, on: &mut bool) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.name_inputs(word, |ui| drop(toggle(ui, on)));
        ui.label(theme::soft(ui, word)).on_hover_text(hint);
    });
}

/// Which charts are shown: a list behind a button.
fn metrics(ui: &mut Ui, charts: &[Chart], hidden: &[String], changed: &mut Changed) {
    let shown = charts.iter().filter(|chart| !hidden.contains(&chart.key)).count();
    let word = t!("charts.metrics", shown = shown, all = charts.len());
    let button = ui.add(Push::plain(word).icon(icons::FUNNEL).small());
    Popup::menu(&button).close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        ui.set_width(280.0);
        let field = TextEdit::singleline(&mut changed.sought).desired_width(f32::INFINITY);
        ui.add(field.hint_text(t!("charts.seek"))).accessible_name(t!("charts.seek"));
        ScrollArea::vertical().max_height(280.0).show(ui, |ui| {
            let sought = changed.sought.trim().to_lowercase();
            let fits = |chart: &&Chart| {
                sought.is_empty() || chart.title.to_lowercase().contains(&sought) || chart.key.contains(&sought)
            };
            for chart in charts.iter().filter(fits) {
                let mut on = !hidden.contains(&chart.key);
                let title = if charts.iter().filter(|c| c.title == chart.title).count() > 1 {
                    format!("{} ({})", chart.title, chart.key)
                } else {
                    chart.title.clone()
                };
                let clicked = ui.checkbox(&mut on, title);
                let clicked = match plot::metric_hint(&chart.key) {
                    Some(hint) => clicked.on_hover_text(hint),
                    None => clicked,
                };
                if clicked.clicked() {
                    changed.chart = Some((chart.key.clone(), on));
                }
            }
        });
    });
}
