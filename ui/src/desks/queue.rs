//! Runs that wait for their turn. A queued run is whole and stays as it was when it was put there.

use luthier_engine::protocol::{Event, Outcome};
use luthier_engine::recipe::Recipe;

use crate::bench::Bench;
use crate::library::Order;
use crate::panels::Panel;
use crate::state::{AppState, Missing};
use crate::text::t;

/// A run to come.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Queued {
    /// Unique in the queue; the future run's id.
    pub id: String,
    /// Whole: with model, data and output_dir.
    pub recipe: Recipe,
    /// The sweep it belongs to, and what it varies, as `lora_rank=16, learning_rate=1e-4`.
    pub sweep: Option<(String, String)>,
}

/// Why the queue does not go on by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    ByThePerson,
    /// The person stopped the run before.
    RunStopped,
    /// It was waiting when the window was closed.
    Restored,
}

#[derive(Debug, Default)]
pub struct QueueDesk {
    pub waiting: Vec<Queued>,
    /// The queue does not start the next by itself.
    pub held: Option<Held>,
    /// The run that was begun last: its id, and the sweep it belongs to.
    begun: Option<(String, Option<(String, String)>)>,
    /// What was taken out, with its place, last first.
    removed: Vec<(usize, Queued)>,
}

impl QueueDesk {
    pub fn can_put_back(&self) -> bool {
        !self.removed.is_empty()
    }
}

/// What an event means for the library and the queue.
pub(crate) enum Turn {
    Other,
    Began { folder: std::path::PathBuf, id: String },
    Ended { stopped_by_person: bool },
}

impl Turn {
    /// Asked before the event is folded in: afterwards nothing tells who wanted the stop.
    pub(crate) fn of(state: &AppState, event: &Event) -> Self {
        let ours = |id: &str| state.run.as_ref().filter(|run| run.id == id);
        match event {
            Event::RunStarted { id, facts } if ours(id).is_some() => {
                Self::Began { folder: facts.output_dir.clone(), id: id.clone() }
            }
            Event::RunFinished { id, outcome } => match ours(id) {
                Some(run) => {
                    Self::Ended { stopped_by_person: run.stopping && matches!(outcome, Outcome::Stopped { .. }) }
                }
                None => Self::Other,
            },
            _ => Self::Other,
        }
    }
}

impl Bench {
    pub(crate) fn take_turn(&mut self, turn: Turn) {
        match turn {
            Turn::Other => {}
            Turn::Began { folder, id } => {
                let begun = self.desks.queue.begun.as_ref().filter(|(begun, _)| *begun == id);
                let sweep = begun.and_then(|(_, sweep)| sweep.clone());
                self.library.order(Order::Register { folder, sweep });
            }
            Turn::Ended { stopped_by_person } => {
                self.library.order(Order::Refresh);
                if stopped_by_person && !self.desks.queue.waiting.is_empty() {
                    self.desks.queue.held = Some(Held::RunStopped);
                    self.notes.push(t!("queue.held_by_stop"));
                }
                self.start_next();
            }
        }
    }

    /// Notes which run has been begun; its sweep is told to the library when it has a folder.
    pub(crate) fn note_begun(&mut self, queued: &Queued) {
        self.desks.queue.begun = Some((queued.id.clone(), queued.sweep.clone()));
    }

    /// Whether the form's run could wait behind the one that goes on.
    pub fn can_add_to_queue(&self) -> bool {
        let missing = self.state.missing();
        !missing.is_empty() && missing.iter().all(|m| *m == Missing::RunGoingOn)
    }

    /// The form's run, as it stands now, waits for its turn.
    pub fn add_to_queue(&mut self) {
        if !self.can_add_to_queue() {
            return;
        }
        let Some(recipe) = self.ready_recipe() else { return };
        let queued = self.prepare(recipe);
        self.enqueue(queued);
        self.notes.push(t!("queue.added", n = self.desks.queue.waiting.len()));
    }

    /// Puts a run at the end of the queue; where nothing goes on and the queue is not held, it begins at once.
    pub fn enqueue(&mut self, queued: Queued) {
        self.desks.queue.waiting.push(queued);
        self.keep_queue();
        self.start_next();
    }

    /// Starts the next of the queue, if it may. The panel in front stays: the person may be busy elsewhere.
    pub(crate) fn start_next(&mut self) {
        let queue = &mut self.desks.queue;
        if self.state.running() || queue.held.is_some() || queue.waiting.is_empty() {
            return;
        }
        let next = queue.waiting.remove(0);
        self.keep_queue();
        self.notes.push(t!("queue.begun", id = next.id));
        self.begin(next);
    }

    pub fn hold_queue(&mut self) {
        self.desks.queue.held = Some(Held::ByThePerson);
    }

    pub fn queue_goes_on(&mut self) {
        self.desks.queue.held = None;
        self.start_next();
    }

    /// Moves the run at `from` to `to`.
    pub fn move_queued(&mut self, from: usize, to: usize) {
        let waiting = &mut self.desks.queue.waiting;
        if from < waiting.len() && to < waiting.len() && from != to {
            let moved = waiting.remove(from);
            waiting.insert(to, moved);
            self.keep_queue();
        }
    }

    pub fn remove_queued(&mut self, at: usize) {
        if at < self.desks.queue.waiting.len() {
            let removed = self.desks.queue.waiting.remove(at);
            self.desks.queue.removed.push((at, removed));
            self.keep_queue();
        }
    }

    pub fn put_back_queued(&mut self) {
        if let Some((at, queued)) = self.desks.queue.removed.pop() {
            let waiting = &mut self.desks.queue.waiting;
            waiting.insert(at.min(waiting.len()), queued);
            self.keep_queue();
        }
    }

    /// A queued run goes back into the form; what is changed there is queued anew.
    pub fn edit_queued(&mut self, at: usize) {
        let Some(queued) = self.desks.queue.waiting.get(at).cloned() else { return };
        self.remove_queued(at);
        let folder = std::path::PathBuf::new();
        self.take_recipe(Recipe { output_dir: folder, ..queued.recipe }, Vec::new());
        self.panel = Panel::Method;
        self.notes.push(t!("queue.back_in_form"));
    }

    /// What was waiting when the window was closed comes before what has been queued since.
    pub(crate) fn restore_queue(&mut self, mut waiting: Vec<Queued>) {
        if waiting.is_empty() {
            return;
        }
        waiting.append(&mut self.desks.queue.waiting);
        self.desks.queue.waiting = waiting;
        self.desks.queue.held = Some(Held::Restored);
        self.keep_queue();
    }

    fn keep_queue(&self) {
        self.library.order(Order::KeepQueue { waiting: self.desks.queue.waiting.clone() });
    }
}

#[cfg(test)]
mod tests;
