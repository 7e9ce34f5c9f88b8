//! The run that goes on: how one begins, and the hand on it.

use std::path::PathBuf;

use luthier_engine::protocol::{Command, Outcome};
use luthier_engine::recipe::{FinetuningType, Recipe, RewardModelType, Stage};

use super::{Bench, stamp};
use crate::desks::{MethodPage, Queued};
use crate::format;
use crate::state::{Course, Run};

impl Bench {
    /// A run to come: `recipe`, whole, with a folder and an id that no other run has.
    pub fn prepare(&self, mut recipe: Recipe) -> Queued {
        let now = stamp();
        let waiting = &self.desks.queue.waiting;
        let going = self.state.run.as_ref().filter(|run| run.is_going());
        let taken = |id: &str| {
            waiting.iter().any(|queued| queued.id == id)
                || self.state.run.as_ref().is_some_and(|run| run.id == id)
                || self.shelf.card(id).is_some()
        };
        // The Data panel has listed the rows that cannot be used and said that they are left out.
        recipe.skip_bad_rows = true;
        let (wanted, mut n) = (recipe.output_dir.clone(), 1);
        loop {
            let stamp = if n == 1 { now.clone() } else { format!("{now}-{n}") };
            if wanted.as_os_str().is_empty() {
                let model = format::short_path(&recipe.model_name_or_path).trim_end_matches(".gguf").replace('/', "-");
                recipe.output_dir = self.home.join("runs").join(format!("{model}-{}-{stamp}", recipe.finetuning_type));
            } else if waiting
                .iter()
                .map(|queued| &queued.recipe)
                .chain(going.map(|run| &run.recipe))
                .any(|other| other.output_dir == recipe.output_dir)
            {
                // Another run is about to use that folder.
                let name = wanted.file_name().unwrap_or_default().to_string_lossy().into_owned();
                recipe.output_dir = wanted.with_file_name(format!("{name}-{stamp}"));
            }
            let folder = recipe.output_dir.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let id = if folder.ends_with(&stamp) { folder } else { format!("{folder}-{stamp}") };
            if !taken(&id) {
                return Queued { id, recipe, sweep: None };
            }
            n += 1;
        }
    }

    /// Starts a run that has been prepared.
    pub(crate) fn begin(&mut self, queued: Queued) {
        self.note_begun(&queued);
        let Queued { id, recipe, .. } = queued;
        self.note_trained(&id, &recipe);
        self.state.run = Some(Run::new(id.clone(), recipe.clone()));
        self.wire.send(Command::StartRun { id, recipe: Box::new(recipe), resume: false });
    }

    /// Whether the run in view was stopped or failed, and can go on from a checkpoint.
    pub fn can_go_on(&self) -> bool {
        let ended =
            |run: &&Run| matches!(run.course, Course::Finished(Outcome::Stopped { .. } | Outcome::Failed { .. }));
        !self.state.running() && self.run_in_view().filter(ended).is_some_and(|run| !run.checkpoints.is_empty())
    }

    /// Goes on from the last checkpoint of the run in view, which ended early; its curves go on too.
    pub fn go_on(&mut self) {
        if !self.can_go_on() {
            return;
        }
        let Some(mut run) = self.run_in_view().cloned() else { return };
        run.course = Course::Starting;
        let (id, recipe) = (run.id.clone(), Box::new(run.recipe.clone()));
        self.desks.runs.opened = None;
        self.state.run = Some(run);
        self.wire.send(Command::StartRun { id, recipe, resume: true });
    }

    /// The next run is PPO, scored by the reward model that the run in view has made.
    pub fn judge_by_result(&mut self) {
        let made = self.run_in_view().and_then(|run| Some((run.result()?.clone(), run.recipe.finetuning_type)));
        let Some((result, trained)): Option<(PathBuf, FinetuningType)> = made else { return };
        let whole = matches!(trained, FinetuningType::Freeze | FinetuningType::Full);
        let recipe = &mut self.state.recipe;
        recipe.reward_model = Some(result);
        recipe.reward_model_type = if whole { RewardModelType::Full } else { RewardModelType::Lora };
        (recipe.stage, recipe.reward_rule) = (Stage::Ppo, None);
        self.open_method(MethodPage::Settings);
    }

    pub fn pause(&mut self) {
        self.wire.send(Command::PauseRun);
    }

    pub fn resume(&mut self) {
        self.wire.send(Command::ResumeRun);
    }

    pub fn stop(&mut self) {
        if let Some(run) = self.state.run.as_mut().filter(|run| run.is_going()) {
            run.stopping = true;
            self.wire.send(Command::StopRun);
        }
    }

    pub fn save_now(&mut self) {
        if let Some(run) = self.state.run.as_mut().filter(|run| run.is_going()) {
            run.saving = true;
            self.wire.send(Command::SaveNow);
        }
    }
}
