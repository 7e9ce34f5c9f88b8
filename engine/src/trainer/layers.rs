//! How far each part of the model has moved and how hard it is pulled, every so often: what the layer picture shows.
//!
//! No second copy of the weights is held. Where weights themselves learn, the start is read again from the model's files,
//! one tensor at a time; where an adapter learns, its change comes from its own small tensors (adapter/movement.rs).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::Trainer;
use crate::freeze::cell_of;
use crate::model::{GradientSum, Model, Param, StartWeights};
use crate::protocol::{Cell, CellReport, Event, LayerReport};
use crate::recipe::Recipe;
use crate::{Result, ops};

/// Measurements over a run that does not say how many.
const MEASUREMENTS: usize = 20;

/// Squared norms of the step's gradient, by cell.
pub(super) type Pulls = BTreeMap<Cell, f64>;

pub struct LayerMeter {
    /// Steps between two measurements.
    every: usize,
    files: StartWeights,
    /// Learning tensors that no file has, such as a fresh score head, as they were at the start.
    unfiled: BTreeMap<String, Vec<f32>>,
    /// |W|^2 at the start of the tensors measured so far.
    squares: BTreeMap<String, f64>,
}

impl LayerMeter {
    /// None where the recipe switches it off. Must be made before a checkpoint's weights are put in.
    ///
    /// # Errors
    /// Where the model's files cannot be opened again.
    pub fn new(recipe: &Recipe, model: &Model, learned: &BTreeSet<String>, total_steps: usize) -> Result<Option<Self>> {
        let every = match usize::try_from(recipe.layer_stats_steps) {
            Err(_) => return Ok(None),
            Ok(0) => total_steps.div_ceil(MEASUREMENTS).max(1),
            Ok(steps) => steps,
        };
        let files = StartWeights::open(&model.source)?;
        let mut unfiled = BTreeMap::new();
        for name in learned.iter().filter(|name| name.contains("score.")) {
            if let Some(param) = model.params.get(name) {
                unfiled.insert(name.clone(), values(param)?);
            }
        }
        Ok(Some(Self { every, files, unfiled, squares: BTreeMap::new() }))
    }

    fn due(&self, step: usize, total_steps: usize) -> bool {
        step.is_multiple_of(self.every) || step == total_steps
    }

    /// |W now - W at the start|^2 and |W at the start|^2 of what learns, by cell.
    fn changes(&mut self, model: &Model, learning: &BTreeSet<String>) -> Result<BTreeMap<Cell, (f64, f64)>> {
        let mut sums: BTreeMap<Cell, (f64, f64)> = BTreeMap::new();
        let mut sites = BTreeSet::new();
        for name in learning {
            let (moved, whole) = match site_path(model, name) {
                // The tensors of a site change one weight together.
                Some(path) if !sites.insert(path.clone()) => continue,
                Some(path) => {
                    let whole = match self.squares.get(&path) {
                        Some(known) => *known,
                        None => model.adapted_weight_squared(&path)?,
                    };
                    self.squares.insert(path.clone(), whole);
                    (model.adapter_change_squared(&path)?.unwrap_or_default(), whole)
                }
                None => self.change_of(model, name)?,
            };
            let sum = sums.entry(cell_of(name)).or_default();
            (sum.0, sum.1) = (sum.0 + moved, sum.1 + whole);
        }
        Ok(sums)
    }

    /// The same of one tensor that learns itself.
    fn change_of(&self, model: &Model, name: &str) -> Result<(f64, f64)> {
        let Some(param) = model.params.get(name) else { return Ok((0.0, 0.0)) };
        let base = name.strip_prefix("base_model.model.").unwrap_or(name);
        let start = match self.unfiled.get(name) {
            Some(start) => start.clone(),
            None => self.files.read(base)?.unwrap_or_default(),
        };
        let sums = values(param)?.iter().zip(&start).fold((0.0, 0.0), |(moved, whole), (now, was)| {
            let (now, was) = (f64::from(*now), f64::from(*was));
            (moved + (now - was).powi(2), whole + was.powi(2))
        });
        Ok(sums)
    }
}

/// The module path of the adapted layer that an adapter's tensor belongs to; None: the tensor learns as it is.
fn site_path(model: &Model, name: &str) -> Option<String> {
    let adapter = model.adapter.as_ref()?;
    let inner = name.strip_prefix("base_model.model.")?;
    let at = [".lora_", ".oft_R"].iter().find_map(|mark| inner.find(mark))?;
    adapter.sites.contains_key(&inner[..at]).then(|| inner[..at].to_owned())
}

fn values(param: &Param) -> Result<Vec<f32>> {
    ops::read(param.clone().into_flat(), "measuring how far a layer has moved")
}

impl Trainer<'_> {
    /// The step's gradient by cell, where the layers are measured after step `step` (from 1).
    pub(super) fn pulls(&self, step: usize, grads: &GradientSum) -> Result<Option<Pulls>> {
        if !self.layers.as_ref().is_some_and(|meter| meter.due(step, self.plan.total_steps)) {
            return Ok(None);
        }
        let mut pulls = Pulls::new();
        for (name, grad) in &grads.0 {
            *pulls.entry(cell_of(name)).or_default() += ops::square_sum(grad)?;
        }
        Ok(Some(pulls))
    }

    /// Measures and tells. `learning` are the tensors that the step just taken has moved.
    pub(super) fn measure_layers(&mut self, pulls: &Pulls, learning: &BTreeSet<String>) -> Result<()> {
        let began = Instant::now();
        let Some(meter) = &mut self.layers else { return Ok(()) };
        let cells = meter.changes(&self.model, learning)?.into_iter().map(|(cell, (moved, whole))| CellReport {
            cell,
            movement: if whole > 0.0 { (moved / whole).sqrt() as f32 } else { 0.0 },
            grad_norm: pulls.get(&cell).copied().unwrap_or_default().sqrt() as f32,
        });
        let report = LayerReport { step: self.state.step, cells: cells.collect() };
        self.state.elapsed_secs += began.elapsed().as_secs_f64();
        self.publish(Event::LayersMeasured { id: self.id.clone(), report })
    }
}
