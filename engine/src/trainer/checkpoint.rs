//! What a resumed run needs to take the same steps as an uninterrupted one.
//!
//! Rows, dropout masks and learning rates are functions of the step's number; so weights, optimiser moments and a few
//! counters are all there is to keep.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::files::{FloatFormat, SafetensorsFile, TensorWriter, WeightFiles, write_json_atomic};
use crate::model::{Model, Param};
use crate::optimizer::{AdamW, Moments};
use crate::{Error, Result, ops};

const STATE: &str = "state.json";
const TRAINED: &str = "trained.safetensors";
const MOMENTS: &str = "optimizer.safetensors";

/// Counters of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// Steps done.
    pub step: usize,
    pub total_tokens: u64,
    /// Seconds of work, sessions before a resume included.
    pub elapsed_secs: f64,
    pub best_eval_loss: Option<f32>,
    pub best_step: usize,
    pub evals_without_gain: usize,
    /// An evaluation was due after the last step and is not finished.
    #[serde(default)]
    pub evaluation_due: bool,
    /// What came since the last line of the log.
    #[serde(default)]
    pub window: Window,
    /// Step of the last measurement of forgetting.
    #[serde(default)]
    pub forgetting_measured: Option<usize>,
    /// Step after which the fixed prompts were answered last.
    #[serde(default)]
    pub prompts_answered: Option<usize>,
    /// Steps that each tensor's moments have seen.
    #[serde(default)]
    moment_steps: BTreeMap<String, u64>,
}

/// Sums over the steps since the last line of the log.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    loss: f64,
    steps: usize,
    metrics: BTreeMap<String, (f64, usize)>,
}

impl Window {
    pub fn add(&mut self, loss: f32, metrics: &BTreeMap<String, f32>) {
        self.loss += f64::from(loss);
        self.steps += 1;
        for (name, value) in metrics {
            let sum = self.metrics.entry(name.clone()).or_default();
            *sum = (sum.0 + f64::from(*value), sum.1 + 1);
        }
    }

    pub fn means(self) -> (f32, BTreeMap<String, f32>) {
        let metrics = self.metrics.into_iter().map(|(name, (sum, n))| (name, (sum / n.max(1) as f64) as f32));
        ((self.loss / self.steps.max(1) as f64) as f32, metrics.collect())
    }
}

/// Writes the learning tensors in f32, and which step they are of.
pub fn save_trained(model: &Model, learning: &BTreeSet<String>, path: &Path, step: usize) -> Result<()> {
    let plan = learning.iter().filter_map(|n| Some((n.clone(), model.params.get(n)?.shape())));
    let metadata = BTreeMap::from([("step".to_owned(), step.to_string())]);
    let mut writer = TensorWriter::create(path, plan, FloatFormat::F32, &metadata)?;
    for (name, param) in learning.iter().filter_map(|n| Some((n, model.params.get(n)?))) {
        writer.push(name, &ops::read(param.clone().into_flat(), "saving a checkpoint")?)?;
    }
    writer.finish()
}

/// The step that [`save_trained`] wrote into a file; None where there is no such file.
pub fn step_of(path: &Path) -> Option<usize> {
    SafetensorsFile::open(path).ok()?.metadata().get("step")?.parse().ok()
}

/// Reads what [`save_trained`] wrote back into the model.
pub fn load_trained(model: &mut Model, learning: &BTreeSet<String>, path: &Path) -> Result<()> {
    let files = WeightFiles::open(path)?;
    for name in learning {
        let expected = model.params.get(name).map(Param::shape).unwrap_or_default();
        let values = read_flat(&files, path, name, &expected)?;
        model.params.insert(name.clone(), crate::model::param(values, &expected, &model.device));
    }
    Ok(())
}

fn read_flat(files: &WeightFiles, path: &Path, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
    match files.shape(name) {
        Some(found) if found == shape => files.read_f32(name),
        Some(found) => {
            let reason =
                format!("has shape {found:?}, the run needs {shape:?}: were the recipe's layers or rank changed?");
            Err(Error::model(path, name, reason))
        }
        None => Err(Error::model(path, name, "is missing: were the recipe's layers or method changed?")),
    }
}

/// Writes weights, moments and counters into an empty folder.
pub fn save(
    folder: &Path,
    model: &Model,
    learning: &BTreeSet<String>,
    optimizer: &AdamW,
    state: &RunState,
) -> Result<()> {
    save_trained(model, learning, &folder.join(TRAINED), state.step)?;
    if model.adapter.is_some() {
        model.save_adapter(folder)?; // so that a checkpoint can be tried as it is
    }
    let plan = optimizer.moments.iter().flat_map(|(name, moments)| {
        let shape = moments.m.dims().to_vec();
        [(format!("m.{name}"), shape.clone()), (format!("v.{name}"), shape)]
    });
    let mut writer = TensorWriter::create(&folder.join(MOMENTS), plan, FloatFormat::F32, &BTreeMap::new())?;
    for (name, moments) in &optimizer.moments {
        writer.push(&format!("m.{name}"), &ops::read(moments.m.clone(), "saving a checkpoint")?)?;
        writer.push(&format!("v.{name}"), &ops::read(moments.v.clone(), "saving a checkpoint")?)?;
    }
    writer.finish()?;
    let moment_steps = optimizer.moments.iter().map(|(name, m)| (name.clone(), m.steps)).collect();
    write_json_atomic(&folder.join(STATE), &RunState { moment_steps, ..state.clone() })
}

/// Reads a checkpoint back; the model must have its adapter on already.
///
/// # Errors
/// `BadModel` naming file and tensor where the checkpoint does not fit the recipe.
pub fn load(folder: &Path, model: &mut Model, learning: &BTreeSet<String>, optimizer: &mut AdamW) -> Result<RunState> {
    let path = folder.join(STATE);
    let text = std::fs::read_to_string(&path).map_err(|e| Error::io(&path, e))?;
    let mut state: RunState =
        serde_json::from_str(&text).map_err(|e| Error::model(&path, format!("line {}", e.line()), e.to_string()))?;
    load_trained(model, learning, &folder.join(TRAINED))?;
    let path = folder.join(MOMENTS);
    let files = WeightFiles::open(&path)?;
    optimizer.moments.clear();
    for (name, steps) in std::mem::take(&mut state.moment_steps) {
        let len = model.params.get(&name).map_or(0, Param::len);
        let flat = |part: &str| -> Result<Tensor<1>> {
            let values = read_flat(&files, &path, &format!("{part}.{name}"), &[len])?;
            Ok(Tensor::from_data(TensorData::new(values, [len]), &model.device))
        };
        let (m, v) = (flat("m")?, flat("v")?);
        optimizer.moments.insert(name, Moments { m, v, steps });
    }
    Ok(state)
}
