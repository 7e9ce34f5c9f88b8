//! Runs laid over one another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::bench::Bench;
use crate::library::{Order, RunCard, RunStatus};
use crate::plot::{Chart, Curve, Look, charts_of_runs, curves_of};
use crate::state::Run;

mod difference;
mod results;
mod saving;
mod tradeoff;

pub use difference::{Difference, differences};
pub use results::{Measure, Results, percent};
pub use saving::Pending;
pub use tradeoff::{FORGOT, Place as Spot, Quadrant, gained_in_training, place as spot};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ComparePage {
    #[default]
    Overlay,
    Recipes,
    Results,
    Tradeoff,
    Answers,
    Parallel,
}

/// Charts that are shown before the person has chosen others.
const USUAL: [&str; 5] = ["loss", "forgetting/perplexity", "rewards/margins", "objective/scores", "grad_norm"];

type Curves = Arc<BTreeMap<String, Arc<Curve>>>;

/// View state that commands and panels share; what a person does with it is `impl Bench` in this file.
#[derive(Debug, Default)]
pub struct CompareDesk {
    pub page: ComparePage,
    /// Chosen, but not drawn.
    pub hidden: BTreeSet<String>,
    pub look: Look,
    /// Names of the metrics that are drawn; empty: the usual ones.
    pub metrics: BTreeSet<String>,
    /// What the list of runs is searched for.
    pub search: String,
    pub wants_search: bool,
    /// What the recipe keys are searched for.
    pub key_search: String,
    /// Keys that are everywhere the same are shown too.
    pub all_keys: bool,
    /// With true, the smallest first.
    pub sort: Option<(Measure, bool)>,
    /// What counts as gained; None: the evaluation while training.
    pub task: Option<Measure>,
    /// What counts as lost; None: the forgetting meter.
    pub general: Option<Measure>,
    pub prompt: usize,
    /// By axis of the parallel coordinates.
    pub brushes: BTreeMap<String, (f64, f64)>,
    pub target: Option<Measure>,
    asked: BTreeSet<String>,
    curves: BTreeMap<String, (Revision, Curves)>,
    results: Option<(u64, Vec<String>, Arc<Results>)>,
    differences: Option<(u64, Vec<String>, Arc<Vec<Difference>>)>,
    pub(crate) pending: Option<Pending>,
}

/// Grows or changes with what a run has told.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Revision {
    steps: usize,
    evals: usize,
    forgetting: usize,
    place: usize,
}

impl Revision {
    fn of(run: &Run) -> Self {
        // A run that was read again is another one, though it may be as long.
        let place = std::ptr::from_ref(run) as usize;
        Self { steps: run.steps.len(), evals: run.evals.len(), forgetting: run.forgetting.len(), place }
    }
}

impl Bench {
    /// The chosen runs, newest first.
    pub fn compared(&self) -> Vec<&RunCard> {
        self.shelf.runs.iter().filter(|card| self.desks.runs.chosen.contains(&card.id)).collect()
    }

    pub fn compared_ids(&self) -> Vec<String> {
        self.compared().iter().map(|card| card.id.clone()).collect()
    }

    /// Those that are drawn.
    pub fn seen_ids(&self) -> Vec<String> {
        let mut ids = self.compared_ids();
        ids.retain(|id| !self.desks.compare.hidden.contains(id));
        ids
    }

    /// Asks for the events of chosen runs that are not there yet. True: some are still on their way.
    pub fn want_compared(&mut self) -> bool {
        let mut waiting = false;
        for id in self.compared_ids() {
            let missing = self.shelf.card(&id).is_none_or(|card| card.status == RunStatus::Missing);
            if missing || self.run_of(&id).is_some() {
                continue;
            }
            waiting = true;
            if self.desks.compare.asked.insert(id.clone()) {
                self.library.order(Order::Load { id });
            }
        }
        waiting
    }

    pub fn toggle_hidden(&mut self, id: &str) {
        let hidden = &mut self.desks.compare.hidden;
        if !hidden.remove(id) {
            hidden.insert(id.to_owned());
        }
    }

    /// Every metric of a run; None while it has not been read.
    pub fn curves(&mut self, id: &str) -> Option<Curves> {
        let run = self.run_of(id)?;
        let revision = Revision::of(run);
        if let Some((_, curves)) = self.desks.compare.curves.get(id).filter(|(known, _)| *known == revision) {
            return Some(curves.clone());
        }
        let curves = Arc::new(curves_of(run));
        self.desks.compare.curves.insert(id.to_owned(), (revision, curves.clone()));
        Some(curves)
    }

    /// Names of all metrics that any chosen run has; those of evaluations stand with them.
    pub fn compared_metrics(&mut self) -> BTreeSet<String> {
        let ids = self.compared_ids();
        let of_run = |curves: Curves| {
            let bare = |name: &String| name.strip_prefix("eval/").unwrap_or(name).to_owned();
            curves.keys().map(bare).collect::<Vec<_>>()
        };
        ids.iter().filter_map(|id| self.curves(id)).flat_map(of_run).collect()
    }

    /// Those that are drawn, the usual ones first.
    pub fn drawn_metrics(&mut self) -> Vec<String> {
        let all = self.compared_metrics();
        let wanted = &self.desks.compare.metrics;
        if wanted.is_empty() {
            let usual = USUAL.iter().filter(|name| all.contains(**name));
            return usual.map(|name| (*name).to_owned()).collect();
        }
        let mut drawn: Vec<String> = all.into_iter().filter(|name| wanted.contains(name)).collect();
        drawn.sort_by_key(|name| USUAL.iter().position(|usual| usual == name).unwrap_or(USUAL.len()));
        drawn
    }

    pub fn toggle_metric(&mut self, metric: &str) {
        let drawn = self.drawn_metrics();
        let metrics = &mut self.desks.compare.metrics;
        if metrics.is_empty() {
            metrics.extend(drawn);
        }
        if !metrics.remove(metric) {
            metrics.insert(metric.to_owned());
        }
    }

    /// A chart a metric, a colour a run, evaluations dashed.
    pub fn compared_charts(&mut self) -> Vec<Chart> {
        let (metrics, ids) = (self.drawn_metrics(), self.seen_ids());
        let runs: Vec<(String, usize, Curves)> = ids
            .into_iter()
            .filter_map(|id| {
                let curves = self.curves(&id)?;
                let card = self.shelf.card(&id)?;
                Some((card.name.clone(), card.colour, curves))
            })
            .collect();
        let runs: Vec<_> = runs.iter().map(|(name, colour, curves)| (name.clone(), *colour, &**curves)).collect();
        let mut charts = charts_of_runs(&runs);
        charts.retain(|chart| metrics.contains(&chart.key));
        charts
    }

    /// Numbers of the chosen runs, worked out again only where something changed.
    pub fn results(&mut self) -> Arc<Results> {
        let (revision, ids) = (self.shelf.revision, self.compared_ids());
        if let Some((known, of, results)) = &self.desks.compare.results
            && *known == revision
            && *of == ids
        {
            return results.clone();
        }
        let results = Arc::new(Results::new(&self.shelf, &self.compared()));
        self.desks.compare.results = Some((revision, ids, results.clone()));
        results
    }

    /// What the recipes of the chosen runs differ in.
    pub fn recipe_differences(&mut self) -> Arc<Vec<Difference>> {
        let (revision, ids) = (self.shelf.revision, self.compared_ids());
        if let Some((known, of, rows)) = &self.desks.compare.differences
            && *known == revision
            && *of == ids
        {
            return rows.clone();
        }
        let recipes: Vec<_> = self.compared().iter().map(|card| card.recipe.clone()).collect();
        let rows = Arc::new(differences(&recipes.iter().map(|recipe| &**recipe).collect::<Vec<_>>()));
        self.desks.compare.differences = Some((revision, ids, rows.clone()));
        rows
    }

    /// Where a run lies between gain and loss, as far as that was measured.
    pub fn spot_of(&self, id: &str, results: &Results) -> (Option<f64>, Option<f64>) {
        let desk = &self.desks.compare;
        let in_training = self.run_of(id).and_then(|run| gained_in_training(run.evals.iter().map(|eval| eval.loss)));
        spot(results, id, desk.task.as_ref(), desk.general.as_ref(), in_training)
    }
}
