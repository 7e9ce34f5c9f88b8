//! A recipe's estimate with all that it rests on read from the disk: the model's headers, the rows, the device.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::{Estimate, Machine, Workload, estimate};
use crate::protocol::DeviceInfo;
use crate::recipe::Recipe;
use crate::tokenizer::TextTokenizer;
use crate::{Result, data, device, model};

/// What a run will take, and on what that rests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    pub model: String,
    pub device: DeviceInfo,
    pub workload: Workload,
    pub machine: Machine,
    pub estimate: Estimate,
    pub warnings: Vec<String>,
}

/// Reads a recipe's model and all its data, as a run would, and loads nothing.
///
/// # Errors
/// Those of a run before it has loaded its model: `BadRecipe`, `BadModel`, `BadData`, `Device`, `Io`.
pub fn forecast(recipe: &Recipe) -> Result<Forecast> {
    let mut warnings = recipe.validate()?;
    let summary = model::inspect(&recipe.model_name_or_path)?;
    let tokenizer = TextTokenizer::load(&recipe.model_name_or_path)?;
    tokenizer.check_fits(summary.vocab_size)?;
    let prepared = data::prepare(recipe, &tokenizer, &mut |_, _| ControlFlow::Continue(()))?;
    warnings.extend(prepared.warnings);
    let (_, opened) = device::open(&recipe.device)?;
    let device = device::info_of(&opened);
    let workload = Workload::of_prepared(&prepared.train, prepared.eval.len());
    let machine = Machine::of(&device);
    let estimate = estimate(recipe, &summary.config, &workload, &machine)?;
    Ok(Forecast { model: summary.name, device, workload, machine, estimate, warnings })
}
