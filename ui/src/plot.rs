//! Curves of runs: what is drawn in Train and in Compare, on one shared axis.

use std::sync::Arc;

mod action;
mod axis;
mod curves;
mod grid;
mod legend;
mod lines;
mod names;

pub use action::{ChartAction, take_action};
pub use axis::round_step;
pub use curves::{RunCurves, curves_of};
pub use grid::{Mark, grid, grid_with, reset_zoom, zoomed};
pub use lines::Mean;
pub use names::{charts_of_run, charts_of_runs, metric_hint, metric_title};

/// What lies along the bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
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
