//! Curves of runs: what is drawn in Train and in Compare, on one shared axis.

use std::collections::BTreeMap;
use std::sync::Arc;

use egui::Ui;

use crate::state::Run;

/// What lies along the bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Along {
    #[default]
    Step,
    /// Tokens learned from since the start.
    Tokens,
    /// Seconds since the start.
    Time,
}

/// One metric of one run. All four are equally long and ascend in `steps`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curve {
    pub steps: Vec<f64>,
    pub tokens: Vec<f64>,
    pub secs: Vec<f64>,
    pub values: Vec<f64>,
}

impl Curve {
    pub fn xs(&self, along: Along) -> &[f64] {
        match along {
            Along::Step => &self.steps,
            Along::Tokens => &self.tokens,
            Along::Time => &self.secs,
        }
    }
}

/// A curve as it is drawn.
#[derive(Debug, Clone)]
pub struct Series {
    /// In the legend and under the pointer.
    pub label: String,
    /// Place in theme::series.
    pub colour: usize,
    /// Evaluation curves are dashed.
    pub dashed: bool,
    pub curve: Arc<Curve>,
}

/// A small plot.
#[derive(Debug, Clone)]
pub struct Chart {
    /// The metric's name: `loss`, `eval/loss`, `rewards/margins`.
    pub key: String,
    pub title: String,
    pub series: Vec<Series>,
}

/// How charts are looked at; kept with the settings of the view that shows them.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    pub along: Along,
    /// 0 to 0.99, exponential mean.
    pub smoothing: f32,
    pub logarithmic: bool,
    /// The y axis leaves out the outermost values.
    pub clipped: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { along: Along::Step, smoothing: 0.8, logarithmic: false, clipped: false }
    }
}

/// All metrics of a run by name.
pub fn curves_of(run: &Run) -> BTreeMap<String, Arc<Curve>> {
    let mut loss = Curve::default();
    for report in &run.steps {
        loss.steps.push(report.step as f64);
        loss.tokens.push(report.total_tokens as f64);
        loss.secs.push(report.elapsed_secs);
        loss.values.push(f64::from(report.loss));
    }
    BTreeMap::from([("loss".to_owned(), Arc::new(loss))])
}

/// Charts in a grid that share the axis, the zoom and the line under the pointer. `id` names the grid.
pub fn grid(ui: &mut Ui, id: &str, charts: &[Chart], look: &Look) {
    for chart in charts {
        egui_plot::Plot::new((id, chart.key.as_str())).height(160.0).show(ui, |plot| {
            for series in &chart.series {
                let xs = series.curve.xs(look.along);
                let points: Vec<[f64; 2]> = xs.iter().zip(&series.curve.values).map(|(x, y)| [*x, *y]).collect();
                plot.line(egui_plot::Line::new(series.label.clone(), points));
            }
        });
    }
}
