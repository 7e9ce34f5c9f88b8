//! The advisor: what the person wants, and what is proposed.

use std::rc::Rc;

use luthier_engine::advice::{self, Compared, Goal, Lengths, Proposal, Situation, Station, What};
use luthier_engine::estimate::{Estimate, Machine};
use luthier_engine::protocol::DeviceKind;
use luthier_engine::recipe::Recipe;

use crate::bench::Bench;
use crate::panels::Panel;
use crate::state::usable_rows;
use crate::text::t;

/// A processor of two cores, where no device is known yet.
const SOME_FLOPS: f64 = 5e10;

/// Pages of the Method panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MethodPage {
    Advisor,
    Settings,
    Compare,
}

/// View state that commands and panels share; what a person does with it is `impl Bench` in this file.
#[derive(Debug, Default)]
pub struct AdvisorDesk {
    /// None: the settings, until the panel is entered with model and data and an untouched form.
    pub page: Option<MethodPage>,
    pub goal: Goal,
    /// Chosen on the map; None: goal and data decide.
    pub station: Option<Station>,
    /// Memory to reckon with, in GB, in place of the device's own.
    pub memory_gb: Option<f64>,
    /// The form before a proposal was taken.
    before: Option<Box<Recipe>>,
    /// A proposal was taken: from then on each difference is told.
    pub taken: bool,
    advice: Option<Rc<Advice>>,
    compared: Option<(Situation, Rc<Vec<Compared>>)>,
}

/// What is proposed, and how the form stands to it.
#[derive(Debug, Clone)]
pub struct Advice {
    pub situation: Situation,
    pub proposal: Proposal,
    /// The form that was compared.
    form: Recipe,
    /// None where the form does not fit the model.
    pub form_estimate: Option<Estimate>,
    pub differences: Vec<Difference>,
    /// Keys that differ and belong to no row.
    pub others: Vec<&'static str>,
}

/// A row in which the form has something else.
#[derive(Debug, Clone)]
pub struct Difference {
    pub what: What,
    /// Of the proposal with this one thing as the form has it.
    pub estimate: Option<Estimate>,
}

impl Advice {
    fn new(situation: Situation, proposal: Proposal, form: Recipe) -> Self {
        let keys = advice::differing(&proposal.recipe, &form);
        let rows = proposal.choices.iter().map(|choice| choice.what);
        let differing = rows.filter(|what| what.keys().iter().any(|key| keys.contains(key)));
        let difference = |what: What| {
            let mixed = advice::with_keys(&proposal.recipe, &form, what.keys());
            Difference { what, estimate: situation.estimate(&mixed) }
        };
        let differences: Vec<Difference> = differing.map(difference).collect();
        let in_a_row = |key: &str| proposal.choices.iter().any(|choice| choice.what.keys().contains(&key));
        let others = keys.iter().copied().filter(|key| !in_a_row(key)).collect();
        let form_estimate = situation.estimate(&form);
        Self { situation, proposal, form, form_estimate, differences, others }
    }

    /// The form is what is proposed.
    pub fn in_use(&self) -> bool {
        self.differences.is_empty() && self.others.is_empty()
    }

    pub fn difference(&self, what: What) -> Option<&Difference> {
        self.differences.iter().find(|difference| difference.what == what)
    }
}

impl Bench {
    /// Goes to a page of the Method panel.
    pub fn open_method(&mut self, page: MethodPage) {
        self.desks.advisor.page = Some(page);
        self.panel = Panel::Method;
    }

    /// The device to reckon with: the form's, its memory as the person says.
    pub fn advised_machine(&self) -> Machine {
        let plain = Machine { kind: DeviceKind::Cpu, memory_bytes: None, flops: SOME_FLOPS };
        let mut machine = self.machine().unwrap_or(plain);
        if let Some(gb) = self.desks.advisor.memory_gb {
            machine.memory_bytes = Some((gb * 1e9) as u64);
        }
        machine
    }

    /// What the advisor knows; None without a model or rows that can be used.
    fn situation(&self) -> Option<Situation> {
        let desk = &self.desks.advisor;
        let config = self.state.model.ready()?.config.clone();
        let summary = self.state.data.summary.as_deref().filter(|_| self.state.data.usable())?;
        let lengths =
            summary.tokens.as_ref().map_or(Lengths { mean: 256.0, longest: 2048, learned_share: 0.5 }, |tokens| {
                Lengths { mean: tokens.mean, longest: tokens.max, learned_share: tokens.learned_share }
            });
        Some(Situation {
            goal: desk.goal,
            station: desk.station,
            base: Recipe::default(),
            config,
            rows: usable_rows(summary),
            kind: summary.kind,
            balance: summary.balance,
            lengths,
            machine: self.advised_machine(),
            reward_model: self.state.recipe.reward_model.is_some(),
        })
    }

    /// The proposal for what is loaded, made anew only where something it depends on has changed.
    pub fn advice(&mut self) -> Option<Rc<Advice>> {
        let mut situation = self.situation()?;
        let form = self.whole_recipe();
        let last = self.desks.advisor.advice.take();
        if let Some(last) = &last
            && last.form == form
        {
            situation.base = last.situation.base.clone();
            if last.situation == situation {
                self.desks.advisor.advice = Some(last.clone());
                return Some(last.clone());
            }
        }
        situation.base = advice::kept(&form);
        // A run's folder is named when it starts; the rules need not know.
        let proposal = match last {
            Some(last) if last.situation == situation => last.proposal.clone(),
            _ => advice::advise(&situation),
        };
        let advice = Rc::new(Advice::new(situation, proposal, form));
        self.desks.advisor.advice = Some(advice.clone());
        Some(advice)
    }

    /// Every method on what is loaded, made anew only where that has changed.
    pub fn compared_methods(&mut self) -> Option<Rc<Vec<Compared>>> {
        let advice = self.advice()?;
        if let Some((situation, all)) = &self.desks.advisor.compared
            && *situation == advice.situation
        {
            return Some(all.clone());
        }
        let all = Rc::new(advice::compare(&advice.situation, &advice.proposal));
        self.desks.advisor.compared = Some((advice.situation.clone(), all.clone()));
        Some(all)
    }

    /// Makes `recipe` the form's; its model, data and folders are the form's already.
    pub fn take_advice(&mut self, recipe: &Recipe) {
        let before = std::mem::replace(&mut self.state.recipe, recipe.clone());
        // What the data is called is kept by the bench and comes in when the run starts.
        self.state.recipe.dataset.clone_from(&before.dataset);
        self.state.recipe.dataset_dir.clone_from(&before.dataset_dir);
        self.desks.advisor.before = Some(Box::new(before));
        self.desks.advisor.taken = true;
    }

    pub fn take_proposal(&mut self) {
        let Some(advice) = self.advice() else { return };
        self.take_advice(&advice.proposal.recipe);
        self.notes.push(t!("note.proposal_taken"));
    }

    /// Brings one row back to what is proposed.
    pub fn take_row(&mut self, what: What) {
        let Some(advice) = self.advice() else { return };
        self.state.recipe = advice::with_keys(&self.state.recipe, &advice.proposal.recipe, what.keys());
    }

    pub fn can_undo_proposal(&self) -> bool {
        self.desks.advisor.before.is_some()
    }

    /// The form as it was before the last proposal or method was taken.
    pub fn undo_proposal(&mut self) {
        if let Some(before) = self.desks.advisor.before.take() {
            self.state.recipe = *before;
            self.desks.advisor.taken = false;
            self.notes.push(t!("note.proposal_undone"));
        }
    }

    pub fn take_method(&mut self, one: &Compared) {
        self.take_advice(&one.recipe);
        self.notes.push(t!("note.method_taken", method = crate::panels::method::short_name(&one.recipe)));
    }
}

#[cfg(test)]
mod tests {
    use luthier_engine::recipe::FinetuningType;

    use super::*;
    use crate::testing::{bench, ready_bench};
    use crate::text::Language;

    #[test]
    fn a_proposal_is_taken_and_undone() {
        assert!(bench(Language::English).0.advice().is_none());
        let (mut bench, _engine) = ready_bench(Language::English);
        bench.state.recipe.lora_rank = 77;
        let advice = bench.advice().expect("model and data are there");
        assert!(!advice.in_use() && advice.difference(What::Rank).is_some());
        bench.take_proposal();
        assert_eq!(bench.state.recipe.lora_rank, 8);
        let advice = bench.advice().expect("still there");
        assert!(advice.in_use(), "{:?} {:?}", advice.differences, advice.others);
        bench.state.recipe.lora_rank = 64;
        let changed = bench.advice().expect("still there");
        assert_eq!(changed.differences.iter().map(|d| d.what).collect::<Vec<_>>(), [What::Rank]);
        bench.take_row(What::Rank);
        assert!(bench.advice().is_some_and(|advice| advice.in_use()));
        bench.undo_proposal();
        assert_eq!(bench.state.recipe.lora_rank, 77);
        assert!(!bench.can_undo_proposal());
    }

    #[test]
    fn nothing_is_made_twice_and_memory_can_be_said() {
        let (mut bench, _engine) = ready_bench(Language::English);
        let first = bench.advice().expect("there");
        assert!(Rc::ptr_eq(&first, &bench.advice().expect("there")));
        let all = bench.compared_methods().expect("there");
        assert!(Rc::ptr_eq(&all, &bench.compared_methods().expect("there")));
        bench.desks.advisor.memory_gb = Some(6.0);
        let second = bench.advice().expect("there");
        assert_eq!(second.proposal.recipe.quantization_bit, Some(4));
        assert!(!Rc::ptr_eq(&all, &bench.compared_methods().expect("there")));
        let full = all.iter().find(|one| one.recipe.finetuning_type == FinetuningType::Full).expect("there");
        bench.take_method(full);
        assert_eq!(bench.state.recipe.finetuning_type, FinetuningType::Full);
        assert!(bench.state.missing().is_empty(), "{:?}", bench.state.missing());
    }
}
