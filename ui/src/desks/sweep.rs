//! A grid or random search over recipe keys.

use std::time::{Duration, Instant};

use luthier_engine::estimate::{self, Estimate, Workload};
use luthier_engine::recipe::Recipe;

use super::compare::Measure;
use super::{Queued, RunsPage};
use crate::bench::Bench;
use crate::library::RunCard;
use crate::panels::Panel;
use crate::state::Missing;
use crate::text::t;

mod search;

pub use search::{Axis, Combination, Given, How, Kind, MOST_RUNS, SWEEPABLE, apply, best, combinations, named, parts};

/// Estimates are made for so long in one frame; the rest follows in the next.
const SLICE: Duration = Duration::from_millis(5);

/// A run of a sweep before it is queued.
#[derive(Debug, Clone)]
pub struct Planned {
    pub named: String,
    /// Err: why it is left out.
    pub recipe: Result<Box<Recipe>, String>,
    /// None: not known (yet).
    pub estimate: Option<Estimate>,
}

/// What the form and the chosen keys come to.
#[derive(Debug, Default)]
pub struct Plan {
    made_of: Option<(Recipe, Vec<Axis>, How)>,
    pub runs: Vec<Planned>,
    /// What is wrong with the values, and of which key.
    pub problem: Option<(Option<&'static str>, &'static str)>,
    estimated: usize,
}

impl Plan {
    pub fn valid(&self) -> impl Iterator<Item = (&Planned, &Recipe)> {
        self.runs.iter().filter_map(|run| Some((run, &**run.recipe.as_ref().ok()?)))
    }

    /// Everything that can be estimated has been.
    pub fn is_whole(&self) -> bool {
        self.estimated == self.runs.len()
    }

    pub fn total_secs(&self) -> Option<f64> {
        let known = self.valid().filter_map(|(run, _)| Some(run.estimate.as_ref()?.total_secs));
        known.fold(None, |sum, secs| Some(sum.unwrap_or(0.0) + secs))
    }

    pub fn peak_bytes(&self) -> Option<u64> {
        self.valid().filter_map(|(run, _)| Some(run.estimate.as_ref()?.peak_bytes())).max()
    }
}

/// View state that commands and panels share; what a person does with it is `impl Bench` in this file.
#[derive(Debug)]
pub struct SweepDesk {
    pub name: String,
    pub axes: Vec<Axis>,
    pub random: bool,
    pub samples: usize,
    pub seed: u64,
    /// What the list of keys is searched for.
    pub search: String,
    pub plan: Plan,
    /// The sweep whose results are shown; None: a new one is being put together.
    pub shown: Option<String>,
    pub measure: Measure,
    pub lower: bool,
}

impl Default for SweepDesk {
    fn default() -> Self {
        Self {
            name: String::new(),
            axes: Vec::new(),
            random: false,
            samples: 8,
            seed: 42,
            search: String::new(),
            plan: Plan::default(),
            shown: None,
            measure: Measure::BestEval,
            lower: true,
        }
    }
}

impl SweepDesk {
    pub fn how(&self) -> How {
        if self.random { How::Random { samples: self.samples, seed: self.seed } } else { How::Grid }
    }
}

impl Bench {
    pub fn add_axis(&mut self, key: &'static str) {
        if self.desks.sweep.axes.iter().any(|axis| axis.key == key) {
            return;
        }
        let known = SWEEPABLE.iter().find(|(name, _)| *name == key);
        let Some((key, kind)) = known.cloned() else { return };
        let now = serde_json::to_value(&self.state.recipe).unwrap_or_default();
        self.desks.sweep.axes.push(Axis::around(key, kind, &now[key]));
    }

    /// Brings the plan up to date with the form and the keys; estimates are made bit by bit. False: there is more to do.
    pub fn sync_plan(&mut self) -> bool {
        let machine = self.machine();
        let config = self.state.model.ready().map(|model| &model.config);
        let desk = &mut self.desks.sweep;
        let how = desk.how();
        let same =
            |made: &&(Recipe, Vec<Axis>, How)| made.0 == self.state.recipe && made.1 == desk.axes && made.2 == how;
        if desk.plan.made_of.as_ref().filter(same).is_none() {
            let base = &self.state.recipe;
            desk.plan = Plan { made_of: Some((base.clone(), desk.axes.clone(), how)), ..Plan::default() };
            match combinations(&desk.axes, how) {
                Ok(all) => {
                    let planned = |combination: Combination| Planned {
                        named: named(&combination),
                        recipe: apply(base, &combination).map(Box::new),
                        estimate: None,
                    };
                    desk.plan.runs = all.into_iter().map(planned).collect();
                }
                Err(problem) => desk.plan.problem = Some(problem),
            }
        }
        let (Some(config), Some(machine)) = (config, machine) else { return true };
        let Some(summary) = self.state.data.summary.as_ref() else { return true };
        let began = Instant::now();
        while desk.plan.estimated < desk.plan.runs.len() && began.elapsed() < SLICE {
            let run = &mut desk.plan.runs[desk.plan.estimated];
            desk.plan.estimated += 1;
            let Ok(recipe) = &run.recipe else { continue };
            let Some(workload) = Workload::of_summary(recipe, summary) else { continue };
            match estimate::estimate(recipe, config, &workload, &machine) {
                Ok(estimate) => run.estimate = Some(estimate),
                Err(reason) => run.recipe = Err(reason.to_string()),
            }
        }
        desk.plan.is_whole()
    }

    /// Why the sweep cannot be queued; None: it can.
    pub fn sweep_missing(&self) -> Option<String> {
        let missing = self.state.missing();
        if missing.iter().any(|m| *m != Missing::RunGoingOn) {
            return Some(t!("sweep.form_not_ready"));
        }
        (self.desks.sweep.plan.valid().next().is_none()).then(|| t!("sweep.nothing_valid"))
    }

    /// The name it will have: the person's, or one after the keys; another where there is one of that name.
    pub fn sweep_name(&self) -> String {
        let desk = &self.desks.sweep;
        let keys = || desk.axes.iter().map(|axis| axis.key).collect::<Vec<_>>().join(" × ");
        let wanted = desk.name.trim();
        let wanted = if wanted.is_empty() { keys() } else { wanted.to_owned() };
        let of_runs = self.shelf.runs.iter().filter_map(|card| card.sweep.as_ref());
        let of_queue = self.desks.queue.waiting.iter().filter_map(|queued| queued.sweep.as_ref());
        let taken: Vec<&String> = of_runs.chain(of_queue).map(|(name, _)| name).collect();
        let numbered = (2..).map(|n| format!("{wanted} {n}"));
        std::iter::once(wanted.clone()).chain(numbered).find(|name| !taken.contains(&name)).unwrap_or(wanted)
    }

    /// All valid runs wait for their turn; the first begins where nothing goes on.
    pub fn enqueue_sweep(&mut self) {
        if self.sweep_missing().is_some() {
            return;
        }
        let Some(base) = self.ready_recipe() else { return };
        let name = self.sweep_name();
        let folder: String =
            name.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '-' }).take(60).collect();
        let planned: Vec<(String, Recipe)> =
            self.desks.sweep.plan.valid().map(|(run, recipe)| (run.named.clone(), recipe.clone())).collect();
        let count = planned.len();
        for (n, (named, recipe)) in planned.into_iter().enumerate() {
            let folder = self.home.join("runs").join(format!("{folder}-{:02}", n + 1));
            // Data and model of the form as it starts; the settings of the plan.
            let recipe = Recipe {
                model_name_or_path: base.model_name_or_path.clone(),
                dataset: base.dataset.clone(),
                dataset_dir: base.dataset_dir.clone(),
                eval_dataset: base.eval_dataset.clone(),
                output_dir: folder,
                ..recipe
            };
            let queued = self.prepare(recipe);
            self.enqueue(Queued { sweep: Some((name.clone(), named)), ..queued });
        }
        self.notes.push(t!("sweep.queued", n = count, name = name));
        self.desks.sweep.shown = Some(name);
    }

    /// Names of all sweeps there were, newest first, those that wait before them.
    pub fn sweeps(&self) -> Vec<String> {
        let of_queue = self.desks.queue.waiting.iter().filter_map(|queued| queued.sweep.as_ref());
        let of_runs = self.shelf.runs.iter().filter(|card| card.deleted_unix_secs.is_none());
        let mut names: Vec<String> = Vec::new();
        for (name, _) in of_queue.chain(of_runs.filter_map(|card| card.sweep.as_ref())) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }

    /// Runs of a sweep, in the order they were made.
    pub fn runs_of_sweep(&self, name: &str) -> Vec<&RunCard> {
        let of = |card: &&RunCard| card.sweep.as_ref().is_some_and(|(sweep, _)| sweep == name);
        let mut runs: Vec<&RunCard> =
            self.shelf.runs.iter().filter(of).filter(|card| card.deleted_unix_secs.is_none()).collect();
        runs.sort_by(|a, b| (a.started_unix_secs, &a.name).cmp(&(b.started_unix_secs, &b.name)));
        runs
    }

    /// The sweep's runs laid over one another.
    pub fn compare_sweep(&mut self, name: &str) {
        let ids: Vec<String> = self.runs_of_sweep(name).iter().map(|card| card.id.clone()).collect();
        self.desks.runs.chosen = ids.into_iter().collect();
        (self.panel, self.desks.runs.page) = (Panel::Runs, RunsPage::Compare);
    }
}
