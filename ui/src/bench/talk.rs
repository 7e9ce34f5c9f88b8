//! Talking to the models: asking, going on, stopping, and what the library keeps of it.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use luthier_engine::protocol::Command;

use super::Bench;
use crate::format;
use crate::library::Order;
use crate::panels::Panel;
use crate::state::{Column, ColumnId, Speaker, Voice};
use crate::text::t;

/// The time; tests of this crate have one moment only, as pictures of the window are compared.
pub(crate) fn now_unix_secs() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    if cfg!(test) { 1_795_000_000 } else { now }
}

/// Ids of conversations from here on are no other window's: nanoseconds since 1970.
pub(super) fn first_id() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    if cfg!(test) { 0 } else { i64::try_from(now).unwrap_or(i64::MAX / 2) }
}

/// A model in a list of those that can be talked to.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub name: String,
    pub about: String,
    pub column: Column,
}

impl Bench {
    /// What a column without a model of its own speaks with: the model that is loaded, else what the last run grew from.
    pub fn base_speaker(&self) -> Option<Speaker> {
        let loaded = self.state.model.ready().map(|model| model.path.clone());
        let model = loaded.or_else(|| self.state.talk.tuned.as_ref().map(|tuned| tuned.base.clone()))?;
        Some(Speaker { model, adapter: None })
    }

    pub fn speaker_of(&self, column: &Column) -> Option<Speaker> {
        column.speaker.clone().or_else(|| self.base_speaker())
    }

    /// What people know a column's model by: the run's name, else its files'.
    pub fn model_name(&self, column: &Column) -> String {
        if !column.name.is_empty() {
            return column.name.clone();
        }
        if let Some(card) = column.run.as_ref().and_then(|run| self.shelf.card(run)) {
            return card.name.clone();
        }
        match self.speaker_of(column) {
            Some(speaker) => format::short_path(speaker.adapter.as_ref().unwrap_or(&speaker.model)),
            None => t!("try.no_model"),
        }
    }

    /// What stands over a column: its part in the comparison, else its model; numbered where two are the same.
    pub fn column_title(&self, column: &Column) -> String {
        match column.voice {
            Voice::Before => return t!("try.base"),
            Voice::After => return t!("try.tuned"),
            Voice::Chosen => {}
        }
        let name = self.model_name(column);
        let chosen = self.state.talk.front().columns.iter().filter(|other| other.voice == Voice::Chosen);
        let same: Vec<ColumnId> = chosen.filter(|c| self.model_name(c) == name).map(|c| c.id).collect();
        match same.iter().position(|id| *id == column.id) {
            Some(at) if same.len() > 1 => t!("try.numbered", name = name, n = at + 1),
            _ => name,
        }
    }

    /// Why nothing can be asked now.
    pub fn cannot_ask(&self) -> Option<String> {
        let nobody = self.state.talk.front().columns.iter().all(|column| self.speaker_of(column).is_none());
        match () {
            () if nobody => Some(t!("talk.no_model")),
            () if self.state.running() => Some(t!("talk.training")),
            () if self.state.talk.busy() => Some(t!("talk.busy")),
            () => None,
        }
    }

    pub fn send_draft(&mut self) {
        let text = self.state.talk.front().draft.trim().to_owned();
        if text.is_empty() || self.cannot_ask().is_some() {
            return;
        }
        self.state.talk.front_mut().draft.clear();
        self.settle_columns();
        self.state.talk.ask(&text);
        self.begin_answers();
    }

    /// Another version of a column's answer, or of all.
    pub fn answer_again(&mut self, turn: usize, column: Option<ColumnId>) {
        if self.cannot_ask().is_none() && turn < self.state.talk.front().turns.len() {
            self.settle_columns();
            self.state.talk.ask_again(turn, column);
            self.begin_answers();
        }
    }

    pub fn go_on_answering(&mut self, turn: usize, column: ColumnId) {
        if self.cannot_ask().is_none() {
            self.state.talk.go_on(turn, column);
            self.begin_answers();
        }
    }

    pub(crate) fn settle_columns(&mut self) {
        let base = self.base_speaker();
        self.state.talk.settle(base.as_ref());
    }

    /// The first answer is asked for, and the question kept.
    pub(crate) fn begin_answers(&mut self) {
        self.desks.talk.told = None;
        self.keep_talks();
        self.ask_next();
    }

    pub(super) fn ask_next(&mut self) {
        if !self.state.talk.any_waiting() {
            return;
        }
        let request = self.request();
        if let Some(prompt) = self.state.talk.next_prompt(request, &self.state.recipe.device) {
            self.wire.send(Command::Generate { request, prompt });
        }
    }

    pub fn stop_answer(&mut self) {
        self.state.talk.drop_waiting();
        for request in self.state.talk.requests() {
            self.wire.send(Command::CancelGenerate { request });
        }
    }

    // The library ------------------------------------------------------------------------------------------------

    /// Hands what has changed to the library. Words that are still being typed wait until the person has left them.
    pub(crate) fn keep_talks(&mut self) {
        if self.panel != Panel::Try && std::mem::take(&mut self.desks.talk.unsettled) {
            self.state.talk.touch();
        }
        let dirty = self.state.talk.take_dirty();
        let now = now_unix_secs();
        for talk in self.state.talk.conversations.iter_mut().filter(|talk| dirty.contains(&talk.id)) {
            talk.changed_unix_secs = now;
            if !talk.is_blank() {
                self.library.order(Order::KeepTalk { talk: Box::new(talk.clone()) });
            }
        }
    }

    // Who answers ------------------------------------------------------------------------------------------------

    /// Models that a column can have: the one that is loaded, and what runs have made, newest first.
    pub fn choices(&self) -> Vec<Choice> {
        let loaded = self.state.model.ready().map(|model| Choice {
            name: t!("try.loaded_model"),
            about: model.name.clone(),
            column: Column { speaker: Some(Speaker { model: model.path.clone(), adapter: None }), ..Column::default() },
        });
        let runs = self.shelf.runs.iter().filter(|card| card.deleted_unix_secs.is_none() && self.can_try(&card.id));
        let runs = runs.filter_map(|card| {
            let tuned = crate::desks::tuned_of(card)?;
            let column =
                Column { speaker: Some(tuned.speaker), run: tuned.run, name: card.name.clone(), ..Column::default() };
            Some(Choice { name: card.name.clone(), about: crate::desks::model_of(card), column })
        });
        loaded.into_iter().chain(runs).collect()
    }

    /// A model that was chosen in a dialog, at the column that it was chosen for.
    pub(super) fn choose_adapter(&mut self, adapter: PathBuf) {
        let front = self.state.talk.front();
        let base = front.columns.iter().find(|column| column.voice == Voice::Before).or_else(|| front.columns.first());
        if let Some(base) = base.and_then(|column| self.speaker_of(column)) {
            let speaker = Some(Speaker { model: base.model, adapter: Some(adapter) });
            self.put_column(self.desks.talk.choosing, Column { speaker, ..Column::default() });
        }
    }

    pub(super) fn choose_talk_model(&mut self, model: PathBuf) {
        let speaker = Some(Speaker { model, adapter: None });
        self.put_column(self.desks.talk.choosing, Column { speaker, ..Column::default() });
    }

    pub fn unload_models(&mut self) {
        self.wire.send(Command::UnloadModels);
        self.notes.push(t!("note.models_freed"));
    }
}
