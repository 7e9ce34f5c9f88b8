//! Measuring: one model on one set after the other, and what becomes of the outcomes.

use std::path::PathBuf;
use std::time::Instant;

use luthier_engine::eval::EvalRequest;
use luthier_engine::protocol::{Command, RequestId};
use luthier_engine::recipe::{Recipe, Stage};

use super::{Draft, ExamKind, ExamSet, Examinee, REMEMBERED, Subject};
use crate::assets;
use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::library::Order;
use crate::panels::Panel;
use crate::state::Slot;
use crate::text::t;

/// One model to measure on one set.
#[derive(Debug, Clone, PartialEq)]
pub struct Sitting {
    pub set: ExamSet,
    pub examinee: Examinee,
    /// Its request, once the engine has it.
    pub request: Option<RequestId>,
}

impl Sitting {
    pub fn label(&self) -> String {
        t!("evaluate.on", model = self.examinee.name, set = self.set.name)
    }
}

impl Bench {
    /// Opens the card in which a set is put together, with the likely models ticked.
    pub fn begin_evaluation(&mut self) {
        self.panel = Panel::Evaluate;
        self.desks.evaluate.making = true;
        if self.desks.evaluate.subjects.is_empty() {
            self.tick_likely();
        }
    }

    /// The base, and the newest result.
    fn tick_likely(&mut self) {
        let all = self.examinees();
        let base = all.iter().find(|examinee| examinee.trained.is_none());
        let newest = all.iter().find(|examinee| examinee.trained.is_some());
        self.desks.evaluate.subjects = base.into_iter().chain(newest).map(|found| found.subject.clone()).collect();
    }

    /// The models that are ticked and still there.
    pub fn chosen_examinees(&self) -> Vec<Examinee> {
        let mut all = self.examinees();
        all.retain(|examinee| self.desks.evaluate.subjects.contains(&examinee.subject));
        all
    }

    pub fn can_evaluate(&self) -> bool {
        self.desks.evaluate.draft.set().is_some() && !self.chosen_examinees().is_empty()
    }

    /// Queues the drafted set for every ticked model.
    pub fn evaluate(&mut self) {
        let (Some(set), examinees) = (self.desks.evaluate.draft.set(), self.chosen_examinees()) else { return };
        if examinees.is_empty() {
            return;
        }
        self.remember_set(&set);
        let desk = &mut self.desks.evaluate;
        let sitting = |examinee| Sitting { set: set.clone(), examinee, request: None };
        desk.waiting.extend(examinees.into_iter().map(sitting));
        (desk.set, desk.looked_at, desk.making) = (Some(set.name.clone()), None, false);
        self.next_exam();
    }

    fn remember_set(&mut self, set: &ExamSet) {
        let sets = &mut self.settings.exam_sets;
        sets.retain(|known| known.name != set.name);
        sets.insert(0, set.clone());
        sets.truncate(REMEMBERED);
    }

    pub fn use_set(&mut self, at: usize) {
        if let Some(set) = self.settings.exam_sets.get(at) {
            self.desks.evaluate.draft = Draft::of(set);
        }
    }

    pub fn forget_set(&mut self, at: usize) {
        if at < self.settings.exam_sets.len() {
            self.settings.exam_sets.remove(at);
        }
    }

    /// What the engine has said of exams is taken in; the next one starts when its turn has come.
    pub(crate) fn sync_exams(&mut self) {
        for (request, outcome) in std::mem::take(&mut self.state.exam.finished) {
            let Some(sitting) = self.desks.evaluate.going.take_if(|going| going.request == Some(request)) else {
                continue;
            };
            for warning in &outcome.warnings {
                self.state.log.add(crate::state::Entry::Warned(warning.clone()));
            }
            let run = match &sitting.examinee.subject {
                Subject::Run(id) => Some(id.clone()),
                Subject::Model(_) => None,
            };
            self.library.order(Order::KeepEvaluation { run, set: sitting.set.name, outcome: Box::new(outcome) });
        }
        let desk = &mut self.desks.evaluate;
        if self.state.exam.going.is_none()
            && let Some(sitting) = desk.going.take()
            && let Some(problem) = self.state.exam.problem.take()
        {
            desk.problems.push((sitting.label(), problem));
        }
        match self.state.exam.progress {
            Some(progress) if desk.phase.is_none_or(|(phase, _)| phase != progress.phase) => {
                desk.phase = Some((progress.phase, Instant::now()));
            }
            Some(_) => {}
            None => desk.phase = None,
        }
        self.next_exam();
    }

    fn next_exam(&mut self) {
        let desk = &self.desks.evaluate;
        if desk.going.is_some() || desk.waiting.is_empty() || self.state.running() {
            return;
        }
        let request = self.request();
        let Some(mut sitting) = self.desks.evaluate.waiting.pop_front() else { return };
        let exam = EvalRequest {
            model: sitting.examinee.model.clone(),
            adapter: sitting.examinee.adapter.clone(),
            device: self.state.recipe.device.clone(),
            task: sitting.set.task.clone(),
            before: None,
            max_samples: sitting.set.max_samples,
            cutoff_len: None,
            language: None,
        };
        sitting.request = Some(request);
        self.desks.evaluate.going = Some(sitting);
        (self.state.exam.going, self.state.exam.progress) = (Some(request), None);
        self.wire.send(Command::Evaluate { request, exam: Box::new(exam) });
    }

    /// Stops what is being measured; what waits goes on.
    pub fn cancel_exam(&mut self) {
        if let Some(request) = self.desks.evaluate.going.as_ref().and_then(|going| going.request) {
            self.wire.send(Command::CancelEvaluate { request });
        }
    }

    /// Stops everything that is being measured or waits.
    pub fn cancel_exams(&mut self) {
        self.desks.evaluate.waiting.clear();
        self.cancel_exam();
    }

    /// Takes one out of the queue.
    pub fn drop_sitting(&mut self, at: usize) {
        self.desks.evaluate.waiting.remove(at);
    }

    pub fn remove_evaluation(&mut self, id: i64) {
        let found = self.shelf.evaluations.iter().find(|stored| stored.id == id);
        self.desks.evaluate.removed = found.cloned().map(Box::new);
        self.library.order(Order::RemoveEvaluation { id });
    }

    pub fn bring_back_evaluation(&mut self) {
        if let Some(stored) = self.desks.evaluate.removed.take() {
            let order = Order::KeepEvaluation { run: stored.run, set: stored.set, outcome: Box::new(stored.outcome) };
            self.library.order(order);
        }
    }

    /// Asks for the file, or the folder, of the drafted set.
    pub fn ask_exam_file(&mut self, folder: bool) {
        self.dialogs.ask(match (self.desks.evaluate.draft.kind, folder) {
            (ExamKind::Choice, true) => Ask::QuestionsFolder,
            (ExamKind::Choice, false) => Ask::QuestionsFile,
            _ => Ask::ExamData,
        });
    }

    pub fn choose_exam_file(&mut self, path: PathBuf) {
        let draft = &mut self.desks.evaluate.draft;
        (draft.file, draft.set_aside, draft.name) = (path.display().to_string(), None, String::new());
    }

    /// The recipe whose rows set aside can be measured on: the last run's, else the form's.
    pub fn recipe_with_rows_set_aside(&self) -> Option<Recipe> {
        let fits = |recipe: &Recipe| {
            recipe.has_eval_data() && matches!(recipe.stage, Stage::Sft | Stage::Pt) && !recipe.dataset.is_empty()
        };
        let of_run = self.state.run.as_ref().map(|run| run.recipe.clone()).filter(|recipe| fits(recipe));
        of_run.or_else(|| {
            // Cheap to ask first: the whole recipe is put together only where rows are set aside. Bad rows are left out, as
            // by a run, so that the same rows are drawn.
            let whole = || Recipe { skip_bad_rows: true, ..self.whole_recipe() };
            self.state.recipe.has_eval_data().then(whole).filter(|recipe| fits(recipe))
        })
    }

    /// Drafts the rows set aside as the set.
    pub fn draft_set_aside(&mut self) {
        if let Some(recipe) = self.recipe_with_rows_set_aside() {
            self.desks.evaluate.draft = Draft { set_aside: Some(Box::new(recipe)), ..Draft::default() };
            self.begin_evaluation();
        }
    }

    /// The loaded model is the one that comes with Luthier.
    pub fn has_sample_model(&self) -> bool {
        matches!(&self.state.model, Slot::Ready(model) if model.path.ends_with("sample/model"))
    }

    /// Drafts the sample's own questions as the set.
    pub fn draft_sample(&mut self) {
        let Some(path) = assets::find("sample/sft.jsonl") else { return };
        self.desks.evaluate.draft = Draft { name: t!("evaluate.sample_name"), ..Draft::default() };
        self.desks.evaluate.draft.file = path.display().to_string();
        self.begin_evaluation();
    }

    /// The last evaluation's set again, as the draft; used by "Measure again".
    pub fn draft_again(&mut self, name: &str) {
        if let Some(at) = self.settings.exam_sets.iter().position(|set| set.name == name) {
            self.use_set(at);
            self.begin_evaluation();
        }
    }

    /// The set can be measured on again: it is remembered.
    pub fn remembers_set(&self, name: &str) -> bool {
        self.settings.exam_sets.iter().any(|set| set.name == name)
    }

    /// Whether anything is measured or waits for it.
    pub fn evaluating(&self) -> bool {
        self.desks.evaluate.going.is_some() || !self.desks.evaluate.waiting.is_empty()
    }
}
