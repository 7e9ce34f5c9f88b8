//! Small plots of whatever the method measures besides the loss: what belongs together in one plot, by TRL's names.

use std::collections::{BTreeMap, BTreeSet};

use egui::{Color32, Label, RichText, Ui};
use egui_plot::{Line, LineStyle, MarkerShape, PlotPoint, Points};

use super::plots::{legend, plot, thinned};
use crate::state::Run;
use crate::text::{say, t, try_say};
use crate::widgets::{Card, columns};
use crate::{format, theme};

const PER_ROW: usize = 3;
/// Height of a line of the legend.
const ENTRY: f32 = 18.0;

/// Metrics that share a plot, in the order of the plots. What is not here gets a plot of its own.
const TOGETHER: &[&[&str]] = &[
    &["rewards/chosen", "rewards/rejected"],
    &["rewards/margins"],
    &["min_reward", "mean_reward", "max_reward"],
    &["margin"],
    &["accuracy"],
    &["rewards/accuracies"],
    &["log_odds_ratio", "log_odds_chosen"],
    &["forgetting/perplexity", "forgetting/base_perplexity"],
    &["objective/scores", "objective/rlhf_reward", "objective/non_score_reward"],
    &["kl", "objective/kl"],
    &["logps/chosen", "logps/rejected"],
    &["nll_loss", "sft_loss"],
    &["loss/policy_avg"],
    &["loss/value_avg"],
    &["policy/clipfrac_avg", "val/clipfrac_avg"],
    &["objective/entropy", "policy/entropy_avg"],
    &["policy/approxkl_avg"],
    &["val/ratio"],
    &["logits/chosen", "logits/rejected"],
];

#[derive(Debug, Clone, PartialEq)]
struct Series {
    /// The key of the report.
    name: String,
    /// Measured on the rows set aside.
    on_eval: bool,
    points: Vec<PlotPoint>,
}

/// The plots of the run that is shown, made again only when something has been added.
#[derive(Default)]
pub struct MetricPlots {
    made_for: (String, usize, usize, usize),
    plots: Vec<Vec<Series>>,
}

impl MetricPlots {
    pub fn ui(&mut self, ui: &mut Ui, run: &Run) {
        let now = (run.id.clone(), run.steps.len(), run.evals.len(), run.forgetting.len());
        if self.made_for != now {
            self.plots = method_plots(run);
            self.plots.extend(forgetting_plots(run));
            self.made_for = now;
        }
        for row in self.plots.chunks(PER_ROW) {
            // So that all cards of a row end on one line.
            let most = row.iter().map(|series| names(series).len()).max().unwrap_or(0);
            columns(ui, PER_ROW, |ui, i| {
                if let Some(series) = row.get(i) {
                    card(ui, series, most);
                }
            });
        }
    }
}

fn names(series: &[Series]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for series in series {
        if !names.contains(&series.name.as_str()) {
            names.push(&series.name);
        }
    }
    names
}

fn card(ui: &mut Ui, series: &[Series], lines: usize) {
    let names = names(series);
    let evaluated = series.iter().any(|s| s.on_eval);
    let dashes = |ui: &mut Ui| {
        if evaluated {
            let ink = theme::palette(ui).ink_soft;
            legend(ui, &t!("plot.eval"), ink, true);
        }
    };
    Card::new(title(series)).show_with(ui, dashes, |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        let colour = |ui: &Ui, name: &str| {
            // Green and vermilion for better and worse, then blue and purple: 2, 5, 1, 6 of Okabe and Ito.
            let at = names.iter().position(|n| *n == name).unwrap_or(0);
            theme::series(ui, [2, 5, 1, 6][at % 4])
        };
        let colours: Vec<Color32> = series.iter().map(|s| colour(ui, &s.name)).collect();
        let shown = plot(ui, &names.join("+"), 120.0, number).show(ui, |plot| {
            for (series, colour) in series.iter().zip(&colours) {
                let name = readable(&series.name);
                let line = Line::new(name.clone(), series.points.as_slice()).color(*colour).width(1.5);
                plot.line(if series.on_eval { line.style(LineStyle::dashed_loose()) } else { line });
                if series.on_eval || series.points.len() < 3 {
                    let shape = if series.on_eval { MarkerShape::Diamond } else { MarkerShape::Circle };
                    plot.points(Points::new(name, series.points.as_slice()).color(*colour).radius(3.0).shape(shape));
                }
            }
        });
        shown.response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Image, true, title(series)));
        let alone = names.len() == 1;
        for name in &names {
            let last = series.iter().find(|s| s.name == *name).and_then(|s| s.points.last());
            let colour = colour(ui, name);
            // The title says already what a single curve is.
            let word = if alone { String::new() } else { readable(name) };
            entry(ui, &word, name, colour, last.map(|point| point.y));
        }
        for _ in names.len()..lines {
            ui.allocate_space(egui::vec2(1.0, ENTRY));
        }
    });
}

/// A line of the legend: the colour, the word, TRL's name, the last value.
fn entry(ui: &mut Ui, word: &str, name: &str, colour: Color32, last: Option<f64>) {
    let p = theme::palette(ui);
    let size = egui::vec2(ui.available_width(), ENTRY);
    ui.allocate_ui_with_layout(size, egui::Layout::left_to_right(egui::Align::Center), |ui| {
        ui.spacing_mut().interact_size.y = ENTRY;
        legend(ui, word, colour, false);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if let Some(last) = last {
                ui.label(theme::small(number(last)).color(p.ink));
            }
            let name = RichText::new(name).monospace().size(11.0).color(p.ink_soft);
            ui.add(Label::new(name).truncate());
        });
    });
}

fn number(value: f64) -> String {
    format::significant(value, 4)
}

/// A metric in words; TRL's name where there are none.
fn readable(name: &str) -> String {
    let key = name.replace('/', "_");
    try_say(&format!("metric.{key}")).unwrap_or_else(|| name.to_owned())
}

fn title(series: &[Series]) -> String {
    let names: BTreeSet<&str> = series.iter().map(|s| s.name.as_str()).collect();
    let group = TOGETHER.iter().find(|group| group.len() > 1 && group.iter().any(|name| names.contains(name)));
    match (group, series.first()) {
        (Some(group), _) => say(&format!("metric_group.{}", group[0].replace('/', "_"))),
        (None, Some(first)) => readable(&first.name),
        (None, None) => String::new(),
    }
}

fn method_plots(run: &Run) -> Vec<Vec<Series>> {
    let mut training: BTreeMap<&str, Vec<PlotPoint>> = BTreeMap::new();
    for step in &run.steps {
        take(&mut training, step.step, &step.metrics);
    }
    let mut evaluation: BTreeMap<&str, Vec<PlotPoint>> = BTreeMap::new();
    for eval in &run.evals {
        take(&mut evaluation, eval.step, &eval.metrics);
    }
    let names: BTreeSet<&str> = training.keys().chain(evaluation.keys()).copied().collect();
    let listed = TOGETHER.iter().map(|group| group.to_vec());
    let others = names.iter().filter(|name| !TOGETHER.iter().any(|group| group.contains(name))).map(|name| vec![*name]);
    let mut plots = Vec::new();
    for group in listed.chain(others) {
        let mut series = Vec::new();
        for (all, on_eval) in [(&mut training, false), (&mut evaluation, true)] {
            for name in &group {
                let points = all.remove(name);
                series.extend(points.map(|points| Series {
                    name: (*name).to_owned(),
                    on_eval,
                    points: thinned(points),
                }));
            }
        }
        if !series.is_empty() {
            plots.push(series);
        }
    }
    plots
}

fn take<'a>(all: &mut BTreeMap<&'a str, Vec<PlotPoint>>, step: usize, metrics: &'a BTreeMap<String, f32>) {
    for (name, value) in metrics.iter().filter(|(_, value)| value.is_finite()) {
        // TRL writes eval_rewards/margins.
        let name = name.strip_prefix("eval_").unwrap_or(name);
        all.entry(name).or_default().push(PlotPoint::new(step as f64, f64::from(*value)));
    }
}

/// What is left of the general data: perplexity beside the starting model's, and the distance from it.
fn forgetting_plots(run: &Run) -> Vec<Vec<Series>> {
    if run.forgetting.is_empty() {
        return Vec::new();
    }
    let series = |name: &str, on_eval, get: fn(&luthier_engine::protocol::ForgettingReport) -> f32| Series {
        name: name.to_owned(),
        on_eval,
        points: run.forgetting.iter().map(|r| PlotPoint::new(r.step as f64, f64::from(get(r)))).collect(),
    };
    vec![
        vec![
            series("forgetting/perplexity", false, |r| r.perplexity),
            series("forgetting/base_perplexity", false, |r| r.base_perplexity),
        ],
        vec![series("forgetting/kl", false, |r| r.kl)],
    ]
}

#[cfg(test)]
mod tests {
    use luthier_engine::protocol::{EvalReport, StepReport};
    use luthier_engine::recipe::Recipe;

    use super::*;

    fn metrics(pairs: &[(&str, f32)]) -> BTreeMap<String, f32> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    }

    #[test]
    fn whatever_arrives_is_drawn_and_what_belongs_together_shares_a_plot() {
        let mut run = Run::new("r".into(), Recipe::default());
        for n in 1..=3 {
            let metrics = metrics(&[
                ("rewards/rejected", -0.1),
                ("rewards/chosen", 0.1),
                ("rewards/margins", 0.2),
                ("our/own", 5.0),
                ("kl", if n == 2 { f32::NAN } else { 0.0 }),
            ]);
            run.steps.push(StepReport { metrics, ..crate::testing::step(n) });
        }
        let eval = EvalReport { metrics: metrics(&[("eval_rewards/margins", 0.3)]), ..crate::testing::eval(3) };
        run.evals.push(eval);
        let plots = method_plots(&run);
        let names: Vec<Vec<(&str, bool)>> =
            plots.iter().map(|plot| plot.iter().map(|s| (s.name.as_str(), s.on_eval)).collect()).collect();
        assert_eq!(
            names,
            [
                vec![("rewards/chosen", false), ("rewards/rejected", false)],
                vec![("rewards/margins", false), ("rewards/margins", true)],
                vec![("kl", false)],
                vec![("our/own", false)],
            ]
        );
        assert_eq!(plots[2][0].points.len(), 2, "NaN is no point");
        assert_eq!(readable("our/own"), "our/own");
        assert_ne!(readable("rewards/chosen"), "rewards/chosen");
    }
}
