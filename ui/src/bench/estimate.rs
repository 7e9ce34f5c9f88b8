//! What the run in the form would take, with the model, the data and the device that are there.

use std::cell::RefCell;

use luthier_engine::data::DataSummary;
use luthier_engine::estimate::{self, Estimate, Machine, Workload};
use luthier_engine::model::ModelConfig;
use luthier_engine::recipe::Recipe;

use super::Bench;

/// The last estimate and what it was made of.
#[derive(Default)]
pub(super) struct LastEstimate(RefCell<Option<Known>>);

struct Known {
    recipe: Recipe,
    config: ModelConfig,
    workload: Workload,
    machine: Machine,
    estimate: Option<Estimate>,
}

impl Bench {
    /// Memory and time of the run in the form. None without a model or data whose lengths are known, and where the
    /// recipe does not fit the model. The form as it stands is compared with the last one asked for, so asking in every
    /// frame costs nothing.
    pub fn estimate(&self) -> Option<Estimate> {
        let (workload, machine) = (self.workload()?, self.machine()?);
        self.estimate_with(&self.state.recipe, &workload, &machine)
    }

    /// What the run in the form would learn from, as far as that is known.
    pub fn workload(&self) -> Option<Workload> {
        let summary: &DataSummary = self.state.data.summary.as_ref()?;
        Workload::of_summary(&self.state.recipe, summary)
    }

    /// The device that the form means.
    pub fn machine(&self) -> Option<Machine> {
        self.state.device().map(Machine::of)
    }

    fn estimate_with(&self, recipe: &Recipe, workload: &Workload, machine: &Machine) -> Option<Estimate> {
        let config = &self.state.model.ready()?.config;
        let mut last = self.last_estimate.0.borrow_mut();
        let same = |known: &&mut Known| {
            known.workload == *workload
                && known.machine == *machine
                && known.config == *config
                && known.recipe == *recipe
        };
        if let Some(known) = last.as_mut().filter(same) {
            return known.estimate.clone();
        }
        let estimate = estimate::estimate(recipe, config, workload, machine).ok();
        *last = Some(Known {
            recipe: recipe.clone(),
            config: config.clone(),
            workload: *workload,
            machine: *machine,
            estimate: estimate.clone(),
        });
        estimate
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{bench, ready_bench};
    use crate::text::Language;

    #[test]
    fn the_form_decides_and_asking_again_is_free() {
        assert!(bench(Language::English).0.estimate().is_none(), "there is nothing to estimate yet");
        let (mut bench, _engine) = ready_bench(Language::English);
        bench.state.recipe.gradient_accumulation_steps = 1;
        let first = bench.estimate().expect("model, data and device are there");
        assert!(first.peak_bytes() > 500_000_000 && first.total_secs > 0.0, "{first:?}");
        let began = std::time::Instant::now();
        for _ in 0..100 {
            assert_eq!(bench.estimate().as_ref(), Some(&first));
        }
        assert!(began.elapsed().as_millis() < 100, "{:?}", began.elapsed());
        bench.state.recipe.gradient_accumulation_steps = 4;
        let second = bench.estimate().expect("only the form has changed");
        assert!(second.tokens_per_step > 3.9 * first.tokens_per_step);
    }
}
