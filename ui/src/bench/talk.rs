//! Talking to the models: what the Try panel does with the bench.

use std::path::PathBuf;

use luthier_engine::protocol::Command;

use super::Bench;
use crate::state::Speaker;
use crate::text::t;

impl Bench {
    /// What the base column speaks with: the model that the tuned side grew from, else the model that is loaded.
    pub fn base_speaker(&self) -> Option<Speaker> {
        let grown_from =
            self.state.run.as_ref().filter(|run| run.result().is_some()).map(|run| &run.recipe.model_name_or_path);
        let loaded = self.state.model.ready().map(|m| &m.path);
        let tuned = self.state.talk.tuned_speaker.as_ref();
        let from_run = grown_from.filter(|_| tuned.is_some());
        let model = tuned.filter(|t| t.adapter.is_some()).map(|t| &t.model).or(from_run).or(loaded)?;
        Some(Speaker { model: model.clone(), adapter: None })
    }

    /// Why nothing can be asked now.
    pub fn cannot_ask(&self) -> Option<String> {
        match () {
            () if self.base_speaker().is_none() => Some(t!("talk.no_model")),
            () if self.state.running() => Some(t!("talk.training")),
            () if self.state.talk.busy() => Some(t!("talk.busy")),
            () => None,
        }
    }

    pub fn send_draft(&mut self) {
        let text = self.state.talk.draft.trim().to_owned();
        if text.is_empty() || self.cannot_ask().is_some() {
            return;
        }
        self.state.talk.draft.clear();
        self.state.talk.ask(&text);
        self.ask_next();
    }

    pub(super) fn ask_next(&mut self) {
        let Some(base) = self.base_speaker().filter(|_| !self.state.talk.waiting.is_empty()) else { return };
        let request = self.request();
        if let Some(prompt) = self.state.talk.next_prompt(request, &base, &self.state.recipe.device) {
            self.wire.send(Command::Generate { request, prompt });
        }
    }

    pub fn stop_answer(&mut self) {
        self.state.talk.waiting.clear();
        for request in self.state.talk.requests() {
            self.wire.send(Command::CancelGenerate { request });
        }
    }

    pub fn clear_talk(&mut self) {
        self.stop_answer();
        self.state.talk.clear();
    }

    pub(super) fn choose_adapter(&mut self, adapter: PathBuf) {
        if let Some(model) = self.state.model.ready().map(|m| m.path.clone()) {
            self.state.talk.tuned_speaker = Some(Speaker { model, adapter: Some(adapter) });
            self.clear_talk();
        }
    }

    pub fn unload_models(&mut self) {
        self.wire.send(Command::UnloadModels);
        self.notes.push(t!("note.models_freed"));
    }
}
