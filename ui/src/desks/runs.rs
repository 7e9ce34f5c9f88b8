//! The list of every run: search, order, choice, and what can be done with a run of the past.

use std::collections::BTreeSet;
use std::path::PathBuf;

use luthier_engine::protocol::Problem;
use luthier_engine::recipe::Recipe;

use crate::bench::Bench;
use crate::desks::Subject;
use crate::library::{Order, RunCard, RunStatus};
use crate::panels::Panel;
use crate::state::{Run, Tuned};
use crate::text::t;

mod listing;

pub use listing::{Column, Listing, Place, Search, data_of, method_of, model_of, rise, status_word};

/// Which page of the Runs panel is in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RunsPage {
    #[default]
    List,
    Compare,
    Sweep,
}

/// What can be taken back.
#[derive(Debug, Clone, PartialEq)]
pub enum Undo {
    Deleted(Vec<String>),
    Archived { ids: Vec<String>, archived: bool },
}

/// View state that commands and panels share; what a person does with it is `impl Bench` in this file.
#[derive(Debug)]
pub struct RunsDesk {
    pub page: RunsPage,
    /// Ids of the runs that are chosen: what Compare lays over one another.
    pub chosen: BTreeSet<String>,
    /// The run whose details are shown.
    pub focus: Option<String>,
    /// Where a range of chosen runs begins.
    anchor: Option<String>,
    pub search: Search,
    pub sort: (Column, bool),
    pub hidden: BTreeSet<Column>,
    pub listing: Listing,
    /// Last first.
    undo: Vec<Undo>,
    /// The undo that was told last, for as long as it is shown; the panel takes it.
    pub told: Option<Undo>,
    /// The search field wants the keyboard.
    pub wants_search: bool,
    /// The list should show the focused run.
    pub wants_sight: bool,
    /// The person was asked whether the bin's folders may go for good.
    pub confirming: bool,
    /// A run of the past that the Train panel shows; None: the run of this session.
    pub opened: Option<String>,
    /// Its events were asked for already.
    asked: Option<String>,
    /// What the library has last been unable to do, until the person puts it away.
    pub problem: Option<Problem>,
}

impl Default for RunsDesk {
    fn default() -> Self {
        Self {
            page: RunsPage::List,
            chosen: BTreeSet::new(),
            focus: None,
            anchor: None,
            search: Search::default(),
            sort: (Column::Date, false),
            // The names say the model, until they are changed; the rest is in the pane beside the list.
            hidden: [Column::Model, Column::Data, Column::Forgetting].into(),
            listing: Listing::default(),
            undo: Vec::new(),
            told: None,
            wants_search: false,
            wants_sight: false,
            confirming: false,
            opened: None,
            asked: None,
            problem: None,
        }
    }
}

impl RunsDesk {
    pub fn can_undo(&self) -> bool {
        !self.undo.is_empty()
    }
}

/// What the person speaks to, to try a run's result; None where there is nothing to speak to.
pub fn tuned_of(card: &RunCard) -> Option<Tuned> {
    Tuned::of(&card.recipe, card.result.clone()?, &card.id)
}

impl Bench {
    /// The order of the list as it stands now.
    pub fn sync_listing(&mut self) {
        let desk = &mut self.desks.runs;
        desk.listing.update(&self.shelf, &desk.search, desk.sort);
    }

    pub fn focused_card(&self) -> Option<&RunCard> {
        self.shelf.card(self.desks.runs.focus.as_deref()?)
    }

    /// What an action on runs is about: those that are chosen and in sight, else the one that is focused.
    pub fn meant_runs(&self) -> Vec<String> {
        let desk = &self.desks.runs;
        let seen = |id: &&String| self.shelf.card(id).is_some_and(|card| desk.search.place.holds(card));
        let chosen: Vec<String> = desk.chosen.iter().filter(seen).cloned().collect();
        if chosen.is_empty() { desk.focus.iter().filter(seen).cloned().collect() } else { chosen }
    }

    /// Shows a run's details, and reads its curve.
    pub fn focus_run(&mut self, id: &str) {
        self.desks.runs.focus = Some(id.to_owned());
        self.desks.runs.anchor = Some(id.to_owned());
        self.desks.runs.wants_sight = true;
    }

    /// Asks for a run's events, once, where they are not there yet.
    pub fn want_events(&mut self, id: &str) {
        let there = self.shelf.loaded.contains_key(id) || self.state.run.as_ref().is_some_and(|run| run.id == id);
        let missing = self.shelf.card(id).is_none_or(|card| card.status == RunStatus::Missing);
        if !there && !missing && self.desks.runs.asked.as_deref() != Some(id) {
            self.desks.runs.asked = Some(id.to_owned());
            self.desks.runs.problem.take_if(|problem| problem.code == "library_load");
            self.library.order(Order::Load { id: id.to_owned() });
        }
    }

    /// While a run's events are not there: that they are being read, or why they cannot be.
    pub fn reading_word(&self) -> String {
        match &self.desks.runs.problem {
            Some(problem) if problem.code == "library_load" => problem.message.clone(),
            _ => t!("runs.reading"),
        }
    }

    /// The run's events as far as they are known here; the run of this session is always up to date.
    pub fn run_of(&self, id: &str) -> Option<&Run> {
        let own = self.state.run.as_ref().filter(|run| run.id == id);
        own.or_else(|| self.shelf.loaded.get(id).map(|run| &**run))
    }

    /// New cards: what is in view and has gone on elsewhere is read again.
    pub(crate) fn take_cards(&mut self, runs: Vec<RunCard>) {
        let before = std::mem::replace(&mut self.shelf.runs, runs);
        let desk = &mut self.desks.runs;
        desk.problem.take_if(|problem| !["library_damaged", "library_refused"].contains(&problem.code.as_str()));
        let shelf = &self.shelf;
        desk.chosen.retain(|id| shelf.card(id).is_some());
        desk.focus.take_if(|id| shelf.card(id).is_none());
        for id in desk.opened.iter().chain(&desk.focus) {
            let of = |cards: &[RunCard]| cards.iter().find(|card| card.id == *id).map(|card| (card.steps, card.status));
            let own = self.state.run.as_ref().is_some_and(|run| run.id == *id);
            if !own && shelf.loaded.contains_key(id) && of(&before) != of(&shelf.runs) {
                self.library.order(Order::Load { id: id.clone() });
            }
        }
    }

    /// Moves the focus in the list by so many runs; with `choose` everything between is chosen.
    pub fn step_focus(&mut self, by: isize, choose: bool) {
        self.sync_listing();
        let order = self.desks.runs.listing.ids(&self.shelf);
        if order.is_empty() {
            return;
        }
        let at = self.desks.runs.focus.as_ref().and_then(|id| order.iter().position(|other| other == id));
        let to = match at {
            Some(at) => at.saturating_add_signed(by).min(order.len() - 1),
            None if by < 0 => order.len() - 1,
            None => 0,
        };
        let id = order[to].clone();
        if choose {
            self.choose_up_to(&id);
        } else {
            self.focus_run(&id);
        }
    }

    pub fn toggle_chosen(&mut self, id: &str) {
        let chosen = &mut self.desks.runs.chosen;
        if !chosen.remove(id) {
            chosen.insert(id.to_owned());
        }
        self.desks.runs.anchor = Some(id.to_owned());
    }

    /// Chooses everything between the run that was clicked last and this one.
    pub fn choose_up_to(&mut self, id: &str) {
        self.sync_listing();
        let order = self.desks.runs.listing.ids(&self.shelf);
        let place = |id: &str| order.iter().position(|other| other == id);
        let anchor = self.desks.runs.anchor.clone().or_else(|| self.desks.runs.focus.clone());
        if let (Some(from), Some(to)) = (anchor.as_deref().and_then(place), place(id)) {
            self.desks.runs.chosen.extend(order[from.min(to)..=from.max(to)].iter().cloned());
        } else {
            self.desks.runs.chosen.insert(id.to_owned());
        }
        self.desks.runs.focus = Some(id.to_owned());
        self.desks.runs.wants_sight = true;
    }

    /// All that the list shows now.
    pub fn choose_all(&mut self) {
        self.sync_listing();
        self.desks.runs.chosen = self.desks.runs.listing.ids(&self.shelf).into_iter().collect();
    }

    pub fn star_runs(&mut self, ids: Vec<String>) {
        let starred = !ids.iter().all(|id| self.shelf.card(id).is_some_and(|card| card.starred));
        self.library.order(Order::SetStarred { ids, starred });
    }

    /// Into the archive, or out of it where all are there.
    pub fn archive_runs(&mut self, ids: Vec<String>) {
        if ids.is_empty() {
            return;
        }
        let archived = !ids.iter().all(|id| self.shelf.card(id).is_some_and(|card| card.archived));
        self.library.order(Order::SetArchived { ids: ids.clone(), archived });
        self.leave_list(Undo::Archived { ids, archived });
    }

    /// Into the bin. A run that goes on stays.
    pub fn delete_runs(&mut self, ids: Vec<String>) {
        let (going, ids): (Vec<_>, Vec<_>) =
            ids.into_iter().partition(|id| self.shelf.card(id).is_some_and(|card| card.status == RunStatus::Running));
        if !going.is_empty() {
            self.notes.push(t!("runs.stop_first"));
        }
        if !ids.is_empty() {
            self.library.order(Order::Delete { ids: ids.clone() });
            self.leave_list(Undo::Deleted(ids));
        }
    }

    /// What has left the list is not chosen any more; the next run takes the focus.
    fn leave_list(&mut self, undo: Undo) {
        let ids = match &undo {
            Undo::Deleted(ids) | Undo::Archived { ids, .. } => ids.clone(),
        };
        self.sync_listing();
        let desk = &mut self.desks.runs;
        let order = desk.listing.ids(&self.shelf);
        if let Some(at) = desk.focus.as_ref().and_then(|id| order.iter().position(|other| other == id)) {
            let stays = |id: &&String| !ids.contains(id);
            desk.focus = order[at..].iter().find(stays).or_else(|| order[..at].iter().rev().find(stays)).cloned();
        }
        desk.chosen.retain(|id| !ids.contains(id));
        desk.undo.push(undo.clone());
        desk.told = Some(undo);
    }

    pub fn undo_runs(&mut self) {
        match self.desks.runs.undo.pop() {
            Some(Undo::Deleted(ids)) => self.library.order(Order::Undelete { ids }),
            Some(Undo::Archived { ids, archived }) => {
                self.library.order(Order::SetArchived { ids, archived: !archived });
            }
            None => return,
        }
        self.desks.runs.told = None;
        self.notes.push(t!("runs.undone"));
    }

    pub fn restore_runs(&mut self, ids: Vec<String>) {
        self.desks
            .runs
            .undo
            .retain(|undo| !matches!(undo, Undo::Deleted(gone) if gone.iter().all(|id| ids.contains(id))));
        self.library.order(Order::Undelete { ids });
    }

    pub fn runs_in_bin(&self) -> Vec<String> {
        self.shelf.runs.iter().filter(|card| Place::Bin.holds(card)).map(|card| card.id.clone()).collect()
    }

    /// The folders of everything in the bin leave the disk; asked for before.
    pub fn empty_bin(&mut self) {
        let ids = self.runs_in_bin();
        self.desks.runs.confirming = false;
        self.desks.runs.undo.retain(|undo| !matches!(undo, Undo::Deleted(_)));
        self.desks.runs.told = None;
        if !ids.is_empty() {
            self.library.order(Order::Destroy { ids });
        }
    }

    pub fn add_run_folder(&mut self, folder: PathBuf) {
        self.library.order(Order::Register { folder, sweep: None });
        (self.panel, self.desks.runs.page) = (Panel::Runs, RunsPage::List);
    }

    /// "Again with changes": the run's recipe becomes the form's, with a folder of its own to come.
    pub fn again(&mut self, id: &str) {
        let Some(card) = self.shelf.card(id) else { return };
        let name = card.name.clone();
        let recipe = Recipe {
            output_dir: PathBuf::new(),
            resume_from_checkpoint: None,
            overwrite_output_dir: false,
            ..(*card.recipe).clone()
        };
        self.take_recipe(recipe, Vec::new());
        self.panel = Panel::Method;
        self.notes.push(t!("runs.again_note", name = name));
    }

    /// Shows a run in the Train panel as it was.
    pub fn open_run(&mut self, id: &str) {
        let own = self.state.run.as_ref().is_some_and(|run| run.id == id);
        self.desks.runs.opened = (!own).then(|| id.to_owned());
        self.panel = Panel::Train;
        self.want_events(id);
    }

    /// Back to the run of this session.
    pub fn close_opened(&mut self) {
        self.desks.runs.opened = None;
    }

    /// What the Train panel shows: the opened run of the past, else the one of this session.
    pub fn run_in_view(&self) -> Option<&Run> {
        match &self.desks.runs.opened {
            Some(id) => self.shelf.loaded.get(id).map(|run| &**run),
            None => self.state.run.as_ref(),
        }
    }

    /// Goes on with a run that was broken off, from its last checkpoint; its events must be there.
    pub fn go_on_with(&mut self, id: &str) {
        self.open_run(id);
        self.go_on();
    }

    pub fn can_try(&self, id: &str) -> bool {
        self.shelf.card(id).is_some_and(|card| card.status != RunStatus::Missing && tuned_of(card).is_some())
    }

    /// The Try panel speaks with what the run has made.
    pub fn try_run(&mut self, id: &str) {
        if let Some(tuned) = self.shelf.card(id).and_then(tuned_of) {
            self.state.talk.compare(tuned);
            self.panel = Panel::Try;
        }
    }

    /// Lays the meant runs over one another.
    pub fn compare_runs(&mut self, ids: Vec<String>) {
        self.desks.runs.chosen.extend(ids);
        (self.panel, self.desks.runs.page) = (Panel::Runs, RunsPage::Compare);
    }

    /// The Evaluate panel, with these runs' results and the models they grew from ticked.
    pub fn evaluate_runs(&mut self, ids: Vec<String>) {
        let bases = ids.iter().filter_map(|id| self.shelf.card(id));
        let bases = bases.map(|card| Subject::Model(card.recipe.model_name_or_path.clone()));
        self.desks.evaluate.subjects = bases.chain(ids.iter().cloned().map(Subject::Run)).collect();
        self.panel = Panel::Evaluate;
    }
}

#[cfg(test)]
mod tests;
