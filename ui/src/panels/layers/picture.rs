//! The layer picture: what each part of the model does in the run that the recipe describes. Pure, and exact with the
//! engine: what learns is asked of the functions that a run itself asks.

use std::collections::{BTreeMap, BTreeSet};

use luthier_engine::estimate::{learning, learning_names};
use luthier_engine::freeze::{self, cell_of, cells, layer_of};
use luthier_engine::model::ModelConfig;
use luthier_engine::protocol::{Cell, CellPart};
use luthier_engine::recipe::{FinetuningType, Recipe};
use luthier_engine::trainer::Plan;

/// The parts of a block, from above to below in the picture.
pub const PARTS: [CellPart; 3] = [CellPart::Attention, CellPart::Mlp, CellPart::Norm];

/// Steps that a run of unknown length is drawn with: a step is a hundredth of it.
const UNKNOWN: usize = 100;

/// How long the run will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    pub total: usize,
    pub per_epoch: usize,
    /// False: there is no data yet, so that a step stands for a hundredth of the run.
    pub known: bool,
}

impl Length {
    /// `rows` to learn from; None while there is no data.
    pub fn of(recipe: &Recipe, rows: Option<usize>) -> Self {
        if let Some(rows) = rows {
            let plan = Plan::new(recipe, rows.max(1));
            return Self { total: plan.total_steps.max(1), per_epoch: plan.steps_per_epoch.max(1), known: true };
        }
        let per_epoch = (UNKNOWN as f64 / recipe.num_train_epochs.max(0.01)).ceil().max(1.0) as usize;
        Self { total: UNKNOWN, per_epoch, known: false }
    }
}

/// What a cell does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Frozen,
    /// Its own weights learn.
    Trains,
    /// An adapter beside its weights learns.
    Adapter,
    /// Learns after so many steps.
    Joins(usize),
    /// Its turn comes after the end of the run.
    Unreached,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CellView {
    pub cell: Cell,
    /// Of the model itself.
    pub parameters: u64,
    /// That learn in the run, an adapter's included.
    pub learning: u64,
    pub state: State,
    /// Some of its tensors learn and some stay.
    pub partial: bool,
    /// Its weights are kept in 4 bits.
    pub packed: bool,
    /// The recipe's method can let it learn.
    pub able: bool,
}

impl CellView {
    /// Learns sooner or later.
    pub fn learns(&self) -> bool {
        !matches!(self.state, State::Frozen)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// From the input to the output, as `freeze::cells`.
    pub cells: Vec<CellView>,
    pub layers: usize,
    /// The head is the embedding.
    pub tied: bool,
    pub length: Length,
    pub parameters: u64,
    /// That ever learn.
    pub trainable: u64,
    /// Why the run could not start as the recipe stands: the engine's words.
    pub problem: Option<String>,
    places: BTreeMap<Cell, usize>,
}

impl Picture {
    pub fn cell(&self, cell: Cell) -> Option<&CellView> {
        self.places.get(&cell).map(|at| &self.cells[*at])
    }

    pub fn at(&self, layer: usize, part: CellPart) -> Option<&CellView> {
        self.cell(Cell { layer: Some(layer), part })
    }

    /// The step after which a layer learns; None: never.
    pub fn joins_at(&self, layer: usize) -> Option<usize> {
        let states = PARTS.iter().filter_map(|part| self.at(layer, *part)).map(|view| view.state);
        let steps = states.filter_map(|state| match state {
            State::Trains | State::Adapter => Some(0),
            State::Joins(step) => Some(step),
            State::Frozen | State::Unreached => None,
        });
        steps.min()
    }

    /// Its turn comes too late.
    pub fn unreached(&self, layer: usize) -> bool {
        PARTS.iter().filter_map(|part| self.at(layer, *part)).any(|view| view.state == State::Unreached)
    }

    pub fn learning_cells(&self) -> BTreeSet<Cell> {
        self.cells.iter().filter(|view| view.learns()).map(|view| view.cell).collect()
    }
}

/// The names that learn sooner or later, whenever that is, with their sizes; what is wrong with the recipe beside it.
fn learners(recipe: &Recipe, config: &ModelConfig) -> (BTreeMap<String, usize>, Option<String>) {
    let problem = match learning_names(recipe, config) {
        Ok(names) => return (names, None),
        Err(error) => error.to_string(),
    };
    // Nothing learns, or the schedule contradicts the rest: what would learn without it.
    let plain = Recipe { unfreeze_schedule: Vec::new(), unfreeze_preset: None, ..recipe.clone() };
    if let Ok(names) = learning_names(&plain, config) {
        return (names, Some(problem));
    }
    let sizes: BTreeMap<String, usize> =
        config.tensors().into_iter().map(|(name, shape)| (name, shape.iter().product())).collect();
    let able = match recipe.finetuning_type {
        FinetuningType::Full | FinetuningType::Freeze => freeze::able_to_learn(&plain, config, &BTreeSet::new()),
        FinetuningType::Lora | FinetuningType::Oft => Ok(BTreeSet::new()),
    };
    let free = able.and_then(|able| freeze::unfrozen(&plain, config, &able)).unwrap_or_default();
    let names = free.into_iter().filter_map(|name| Some((name.clone(), *sizes.get(&name)?))).collect();
    (names, Some(problem))
}

/// What the recipe makes of a model of these shapes in a run of this length.
pub fn picture_of(recipe: &Recipe, config: &ModelConfig, length: Length) -> Picture {
    let (names, mut problem) = learners(recipe, config);
    let (mut joins, mut unreached) = (BTreeMap::new(), BTreeSet::new());
    match learning(recipe, config, length.total, length.per_epoch) {
        Ok(learning) => {
            unreached.extend(learning.course.unreached);
            for join in learning.course.joins.into_iter().filter(|join| join.step > 0) {
                joins.extend(join.layers.into_iter().map(|layer| (layer, join.step)));
            }
        }
        Err(error) => problem = problem.or(Some(error.to_string())),
    }
    // By cell: numbers that learn, the model's own tensors that do, the adapter's.
    let mut sums: BTreeMap<Cell, (u64, usize, usize)> = BTreeMap::new();
    let mut trainable = 0;
    for (name, size) in &names {
        let late = layer_of(name).is_some_and(|layer| unreached.contains(&layer));
        let sum = sums.entry(cell_of(name)).or_default();
        sum.0 += *size as u64;
        let beside = name.contains("lora_") || name.contains("oft_R");
        if beside {
            sum.2 += 1
        } else {
            sum.1 += 1
        }
        trainable += if late { 0 } else { *size as u64 };
    }
    let mut tensors: BTreeMap<Cell, usize> = BTreeMap::new();
    config.tensors().iter().for_each(|(name, _)| *tensors.entry(cell_of(name)).or_default() += 1);
    let adapts = matches!(recipe.finetuning_type, FinetuningType::Lora | FinetuningType::Oft);
    let views: Vec<CellView> = cells(config)
        .into_iter()
        .map(|(cell, parameters)| {
            let (learning, own, beside) = sums.get(&cell).copied().unwrap_or_default();
            let linear = matches!(cell.part, CellPart::Attention | CellPart::Mlp);
            let state = match (own + beside > 0, cell.layer) {
                (false, _) => State::Frozen,
                (true, Some(layer)) if unreached.contains(&layer) => State::Unreached,
                (true, Some(layer)) if joins.contains_key(&layer) => State::Joins(joins[&layer]),
                _ if beside > 0 => State::Adapter,
                _ => State::Trains,
            };
            let partial = beside == 0 && own > 0 && own < tensors.get(&cell).copied().unwrap_or_default();
            let packed = recipe.quantization_bit.is_some() && linear;
            CellView { cell, parameters, learning, state, partial, packed, able: !adapts || linear }
        })
        .collect();
    let places = views.iter().enumerate().map(|(at, view)| (view.cell, at)).collect();
    Picture {
        cells: views,
        layers: config.layers,
        tied: config.tied,
        length,
        parameters: config.parameters(),
        trainable,
        problem,
        places,
    }
}
