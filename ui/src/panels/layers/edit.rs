//! Changing the picture is changing the recipe: which keys say that these cells learn and those do not.
//!
//! Layers that stay whole go to `freeze_layers` (with finetuning_type freeze to `freeze_trainable_layers` where it is the
//! first or last few), parts of a layer to `freeze_modules`, by kind where all layers agree and else by path
//! (`layers.3.mlp`). Where an adapter learns, kinds that no layer trains are left out of its targets.

use std::collections::BTreeSet;

use luthier_engine::estimate::learning;
use luthier_engine::freeze::cell_of;
use luthier_engine::model::{Family, ModelConfig};
use luthier_engine::protocol::{Cell, CellPart};
use luthier_engine::recipe::{FinetuningType, Recipe, UnfreezePreset, UnfreezeStage};

use super::picture::{Length, PARTS, Picture, picture_of};

/// Ready-made answers to "what learns?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    All,
    /// The embedding stays.
    FreezeEmbedding,
    /// The embedding and the first so many layers stay.
    FreezeFirst(usize),
    /// The embedding and the first half of the layers stay.
    FreezeHalf,
    /// Only the last so many layers learn, with what comes after them.
    TrainLast(usize),
    Nothing,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    Set {
        cells: Vec<Cell>,
        learns: bool,
    },
    Preset(Preset),
    /// These layers learn from here on: a whole step, or below 1 a share of the run; 0: from the start.
    Join {
        layers: Vec<usize>,
        at: f64,
    },
    /// Layers join as the preset says; None: all learn from the start.
    Gradual(Option<UnfreezePreset>),
    /// The preset's turns, written down as a schedule that can be changed.
    Own,
}

/// The keys that the picture is made of: what undo brings back.
#[derive(Debug, Clone, PartialEq)]
pub struct Keys {
    lora_target: Vec<String>,
    oft_target: Vec<String>,
    trainable_layers: i64,
    trainable_modules: Vec<String>,
    extra_modules: Vec<String>,
    layers: Vec<String>,
    modules: Vec<String>,
    schedule: Vec<UnfreezeStage>,
    preset: Option<UnfreezePreset>,
    every: usize,
}

impl Keys {
    pub fn of(r: &Recipe) -> Self {
        Self {
            lora_target: r.lora_target.clone(),
            oft_target: r.oft_target.clone(),
            trainable_layers: r.freeze_trainable_layers,
            trainable_modules: r.freeze_trainable_modules.clone(),
            extra_modules: r.freeze_extra_modules.clone(),
            layers: r.freeze_layers.clone(),
            modules: r.freeze_modules.clone(),
            schedule: r.unfreeze_schedule.clone(),
            preset: r.unfreeze_preset,
            every: r.unfreeze_every,
        }
    }

    pub fn put(self, r: &mut Recipe) {
        (r.lora_target, r.oft_target) = (self.lora_target, self.oft_target);
        r.freeze_trainable_layers = self.trainable_layers;
        (r.freeze_trainable_modules, r.freeze_extra_modules) = (self.trainable_modules, self.extra_modules);
        (r.freeze_layers, r.freeze_modules) = (self.layers, self.modules);
        (r.unfreeze_schedule, r.unfreeze_preset, r.unfreeze_every) = (self.schedule, self.preset, self.every);
    }
}

/// The cells that a preset lets learn, among those that the method can.
pub fn meant(preset: Preset, picture: &Picture) -> BTreeSet<Cell> {
    let n = picture.layers;
    let from = match preset {
        Preset::All | Preset::FreezeEmbedding | Preset::Nothing => 0,
        Preset::FreezeFirst(count) => count.min(n),
        Preset::FreezeHalf => n / 2,
        Preset::TrainLast(count) => n - count.min(n),
    };
    let stays = |cell: &Cell| match (preset, cell.layer, cell.part) {
        (Preset::All, ..) => false,
        (Preset::Nothing, ..) => true,
        (_, None, CellPart::Embedding) => true,
        (_, Some(layer), _) => layer < from,
        _ => false,
    };
    picture.cells.iter().filter(|view| view.able).map(|view| view.cell).filter(|cell| !stays(cell)).collect()
}

/// Changes the recipe so that the picture is the edited one. What the recipe's method cannot do is left as it is.
pub fn apply(edit: &Edit, recipe: &mut Recipe, config: &ModelConfig, length: Length) {
    match edit {
        Edit::Set { cells, learns } => {
            let picture = picture_of(recipe, config, length);
            let mut wanted = picture.learning_cells();
            for cell in cells.iter().filter(|cell| picture.cell(**cell).is_some_and(|view| view.able)) {
                if *learns {
                    wanted.insert(*cell)
                } else {
                    wanted.remove(cell)
                };
            }
            write(&wanted, &picture, recipe, config);
        }
        Edit::Preset(preset) => {
            let picture = picture_of(recipe, config, length);
            recipe.freeze_modules.clear();
            recipe.freeze_trainable_modules = vec!["all".into()];
            write(&meant(*preset, &picture), &picture, recipe, config);
        }
        Edit::Join { layers, at } => join(layers, *at, recipe, config, length),
        Edit::Gradual(preset) => (recipe.unfreeze_preset, recipe.unfreeze_schedule) = (*preset, Vec::new()),
        Edit::Own => own(recipe, config, length),
    }
}

fn write(wanted: &BTreeSet<Cell>, picture: &Picture, recipe: &mut Recipe, config: &ModelConfig) {
    let able: Vec<Cell> = picture.cells.iter().filter(|view| view.able).map(|view| view.cell).collect();
    let learns = |layer: usize, part: CellPart| wanted.contains(&Cell { layer: Some(layer), part });
    let active: Vec<usize> =
        (0..picture.layers).filter(|layer| PARTS.iter().any(|part| learns(*layer, *part))).collect();
    write_layers(&active, recipe, picture.layers);
    let mut words: Vec<String> = recipe.freeze_modules.iter().filter(|word| !is_own(word, config)).cloned().collect();
    let outside = |part| Cell { layer: None, part };
    let stays = |cell: Cell| able.contains(&cell) && !wanted.contains(&cell);
    match recipe.finetuning_type {
        FinetuningType::Freeze => write_beside(wanted, recipe, picture),
        FinetuningType::Full => {
            words.extend(stays(outside(CellPart::Embedding)).then(|| "embed_tokens".to_owned()));
            words.extend(stays(outside(CellPart::Head)).then(|| "lm_head".to_owned()));
        }
        FinetuningType::Lora | FinetuningType::Oft => write_targets(wanted, recipe, config),
    }
    let last_norm_stays = recipe.finetuning_type == FinetuningType::Full && stays(outside(CellPart::Norm));
    let last_norm_free = wanted.contains(&outside(CellPart::Norm));
    let mut all_norms = false;
    for part in PARTS.into_iter().filter(|part| able.contains(&Cell { layer: Some(0), part: *part })) {
        let still: Vec<usize> = active.iter().copied().filter(|layer| !learns(*layer, part)).collect();
        if still.is_empty() || !targeted(part, recipe, config) {
            continue;
        }
        let everywhere = still.len() == active.len();
        match part {
            CellPart::Attention if everywhere => words.push("self_attn".into()),
            CellPart::Mlp if everywhere => words.push("mlp".into()),
            // In Qwen 3 "norm" means the norms inside attention as well.
            CellPart::Norm if everywhere && !last_norm_free && config.family != Family::Qwen3 => {
                all_norms = true;
                words.push("norm".into());
            }
            CellPart::Norm if everywhere => words.extend(modules(0, part, config).into_iter().map(|m| bare(&m))),
            _ => words.extend(still.iter().flat_map(|layer| modules(*layer, part, config))),
        }
    }
    if last_norm_stays && !all_norms {
        words.push(config.final_norm_name().trim_end_matches(".weight").to_owned());
    }
    recipe.freeze_modules = words;
    for stage in &mut recipe.unfreeze_schedule {
        stage.layers.retain(|layer| active.contains(layer));
    }
    recipe.unfreeze_schedule.retain(|stage| !stage.layers.is_empty());
}

/// Which layers learn at all.
fn write_layers(active: &[usize], recipe: &mut Recipe, layers: usize) {
    let still: Vec<usize> = (0..layers).filter(|layer| !active.contains(layer)).collect();
    recipe.freeze_layers = spans(&still);
    if recipe.finetuning_type != FinetuningType::Freeze {
        return;
    }
    let count = active.len();
    let last = active.first().is_none_or(|first| *first == layers - count);
    let first = active.last().is_none_or(|last| *last + 1 == count);
    recipe.freeze_trainable_layers = match () {
        () if last => count as i64,
        () if first => -(count as i64),
        () => layers as i64,
    };
    if last || first {
        recipe.freeze_layers.clear();
    }
}

/// finetuning_type freeze: what learns outside the layers, and that all of a layer can.
fn write_beside(wanted: &BTreeSet<Cell>, recipe: &mut Recipe, picture: &Picture) {
    let beside = [(CellPart::Embedding, "embed_tokens"), (CellPart::Norm, "norm"), (CellPart::Head, "lm_head")];
    let learns = |part| wanted.contains(&Cell { layer: None, part });
    recipe.freeze_extra_modules =
        beside.iter().filter(|(part, _)| learns(*part)).map(|(_, word)| (*word).to_owned()).collect();
    // Words finer than a cell stay as long as they still say what is wanted.
    let before = picture.learning_cells();
    if wanted.iter().any(|cell| cell.layer.is_some() && !before.iter().any(|old| old.part == cell.part)) {
        recipe.freeze_trainable_modules = vec!["all".into()];
    }
}

fn targets(recipe: &mut Recipe) -> &mut Vec<String> {
    if recipe.finetuning_type == FinetuningType::Oft { &mut recipe.oft_target } else { &mut recipe.lora_target }
}

/// The linear layers of one part of a block, by the names that tell them apart.
fn linear_names(part: CellPart, config: &ModelConfig) -> Vec<String> {
    let of = |name: &&&str| cell_of(&config.linear(0, name).path).part == part;
    config.linear_names().iter().filter(of).map(|name| (*name).to_owned()).collect()
}

/// Whether something in such cells can learn: with an adapter, what it is put on.
fn targeted(part: CellPart, recipe: &Recipe, config: &ModelConfig) -> bool {
    let list = match recipe.finetuning_type {
        FinetuningType::Lora => &recipe.lora_target,
        FinetuningType::Oft => &recipe.oft_target,
        FinetuningType::Full => return true,
        FinetuningType::Freeze => &recipe.freeze_trainable_modules,
    };
    let known = |word: &String| PARTS.iter().any(|part| linear_names(*part, config).contains(word));
    let plain = recipe.finetuning_type != FinetuningType::Freeze && list.iter().all(known);
    !plain || linear_names(part, config).iter().any(|name| list.contains(name))
}

/// Kinds of layers that some layer trains get an adapter, the others none. A target that is a pattern stays as it is.
fn write_targets(wanted: &BTreeSet<Cell>, recipe: &mut Recipe, config: &ModelConfig) {
    let kinds = [CellPart::Attention, CellPart::Mlp];
    let every: Vec<String> = config.linear_names().iter().map(|name| (*name).to_owned()).collect();
    let list = targets(recipe);
    let now = if list.iter().any(|word| word == "all") { every.clone() } else { list.clone() };
    let wants = |part: CellPart| wanted.iter().any(|cell| cell.layer.is_some() && cell.part == part);
    if !now.iter().all(|word| every.contains(word)) || !kinds.into_iter().any(wants) {
        return;
    }
    let mut next = Vec::new();
    for part in kinds.into_iter().filter(|part| wants(*part)) {
        let names = linear_names(part, config);
        let kept: Vec<String> = names.iter().filter(|name| now.contains(name)).cloned().collect();
        next.extend(if kept.is_empty() { names } else { kept });
    }
    *list = if next.len() == every.len() { vec!["all".into()] } else { next };
}

/// Paths that `freeze_modules` understands for a part of one layer: layers.3.mlp.
fn modules(layer: usize, part: CellPart, config: &ModelConfig) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (name, _) in config.tensors() {
        if cell_of(&name) != (Cell { layer: Some(layer), part }) {
            continue;
        }
        // model.layers.3.mlp.up_proj.weight: the list, the number, the module.
        let words: Vec<&str> = name.split('.').skip(1).take(3).collect();
        let path = words.join(".");
        if !found.contains(&path) {
            found.push(path);
        }
    }
    found
}

fn bare(path: &str) -> String {
    path.rsplit('.').next().unwrap_or(path).to_owned()
}

/// A word of `freeze_modules` that this file writes; any other is finer than a cell and stays.
fn is_own(word: &str, config: &ModelConfig) -> bool {
    let kinds = ["embed_tokens", "self_attn", "attn", "mlp", "norm", "lm_head", "head"];
    let numbered = |word: &str| word.split('.').count() == 3 && word.split('.').nth(1).is_some_and(is_number);
    let norms = || modules(0, CellPart::Norm, config).iter().any(|path| bare(path) == word);
    kinds.contains(&word) || numbered(word) || word == config.final_norm_name().trim_end_matches(".weight") || norms()
}

fn is_number(word: &str) -> bool {
    word.parse::<usize>().is_ok()
}

/// Ascending numbers with neighbours drawn together: 0-5, 11.
fn spans(layers: &[usize]) -> Vec<String> {
    let runs = layers.chunk_by(|a, b| a + 1 == *b);
    let word = |run: &[usize]| match run {
        [one] => one.to_string(),
        [first, .., last] => format!("{first}-{last}"),
        [] => String::new(),
    };
    runs.map(word).collect()
}

fn join(layers: &[usize], at: f64, recipe: &mut Recipe, config: &ModelConfig, length: Length) {
    if recipe.unfreeze_preset.is_some() {
        own(recipe, config, length);
    }
    let picture = picture_of(recipe, config, length);
    let free = |layer: usize| PARTS.iter().any(|part| picture.at(layer, *part).is_some_and(|view| view.learns()));
    let asleep: Vec<usize> = layers.iter().copied().filter(|layer| !free(*layer)).collect();
    if !asleep.is_empty() {
        let cells = asleep.iter().flat_map(|layer| PARTS.map(|part| Cell { layer: Some(*layer), part })).collect();
        apply(&Edit::Set { cells, learns: true }, recipe, config, length);
    }
    let stages = &mut recipe.unfreeze_schedule;
    for stage in stages.iter_mut() {
        stage.layers.retain(|layer| !layers.contains(layer));
    }
    if at > 0.0 {
        match stages.iter_mut().find(|stage| (stage.at - at).abs() < 1e-9) {
            Some(stage) => stage.layers.extend(layers),
            None => stages.push(UnfreezeStage { at, layers: layers.to_vec() }),
        }
    }
    stages.retain(|stage| !stage.layers.is_empty());
    let step = |at: f64| if at < 1.0 { at * length.total as f64 } else { at };
    stages.sort_by(|a, b| step(a.at).total_cmp(&step(b.at)));
    stages.iter_mut().for_each(|stage| stage.layers.sort_unstable());
}

/// Layers whose turn would never come stay frozen; a run of unknown length is written in shares.
fn own(recipe: &mut Recipe, config: &ModelConfig, length: Length) {
    let Ok(turns) = learning(recipe, config, length.total, length.per_epoch) else { return };
    let at = |step: usize| if length.known { step as f64 } else { step as f64 / length.total as f64 };
    let stages = turns.course.joins.into_iter().filter(|join| join.step > 0);
    let stages = stages.map(|join| UnfreezeStage { at: at(join.step), layers: join.layers }).collect();
    let late = turns.course.unreached;
    recipe.unfreeze_preset = None;
    if !late.is_empty() {
        let cells = late.iter().flat_map(|layer| PARTS.map(|part| Cell { layer: Some(*layer), part })).collect();
        apply(&Edit::Set { cells, learns: false }, recipe, config, length);
    }
    recipe.unfreeze_schedule = stages;
}

#[cfg(test)]
#[path = "edit_tests.rs"]
pub mod tests;
