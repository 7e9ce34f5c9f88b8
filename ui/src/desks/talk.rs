//! Conversations: the list of them, their columns and turns changed by hand.

use crate::bench::Bench;
use crate::library::Order;
use crate::panels::Panel;
use crate::state::{Column, ColumnId, Conversation, TalkId};
use crate::text::t;

mod sending;

/// What can be brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    Conversation,
    Answers,
    Turn,
    Column,
}

/// What the panel says of the last thing that was done.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    Gone(Gone),
    /// A copy of the conversation as it was is in the list.
    Copied,
    Sent {
        queue: String,
        items: usize,
    },
}

/// Words being changed: a question, or a column's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    pub talk: TalkId,
    pub turn: usize,
    pub column: Option<ColumnId>,
    pub text: String,
    /// The field has been shown, and the cursor put into it.
    pub begun: bool,
}

/// How many steps can be taken back.
const STEPS: usize = 20;

#[derive(Debug, Default)]
pub struct TalkDesk {
    /// None: as the window's width allows.
    pub list_open: Option<bool>,
    pub settings_open: Option<bool>,
    pub sought: String,
    /// The new name of the conversation in front, while it is typed.
    pub renaming: Option<String>,
    pub editing: Option<Edit>,
    /// The column that a model is being chosen for in a dialog; None: one more.
    pub choosing: Option<ColumnId>,
    /// Settings or words are being changed, and not kept yet.
    pub unsettled: bool,
    pub told: Option<Told>,
    /// Names of queues that are being made of turns.
    making: Vec<String>,
    undo: Vec<(Gone, Conversation)>,
}

impl Bench {
    // The list ---------------------------------------------------------------------------------------------------

    pub fn new_talk(&mut self) {
        self.leave_words();
        self.state.talk.begin();
        (self.desks.talk.told, self.panel) = (None, Panel::Try);
    }

    pub fn open_talk(&mut self, id: TalkId) {
        self.leave_words();
        self.state.talk.bring_to_front(id);
    }

    /// The one before or after in the list.
    pub fn step_talk(&mut self, by: isize) {
        let talks = &self.state.talk.conversations;
        let front = self.state.talk.front().id;
        let at = talks.iter().position(|talk| talk.id == front).unwrap_or(0);
        if let Some(talk) = at.checked_add_signed(by).and_then(|at| talks.get(at)) {
            self.open_talk(talk.id);
        }
    }

    pub fn rename_talk(&mut self, name: &str) {
        self.state.talk.front_mut().name = name.trim().to_owned();
        self.desks.talk.renaming = None;
        self.state.talk.touch();
    }

    pub fn duplicate_talk(&mut self) {
        let name = t!("talk.copy_of", name = self.talk_title(self.state.talk.front()));
        let copy = self.state.talk.copy_front(name);
        self.open_talk(copy);
    }

    pub fn delete_talk(&mut self) {
        self.leave_words();
        self.cancel_answers();
        let removed = self.state.talk.remove_front();
        self.library.order(Order::RemoveTalk { id: removed.id });
        self.gone(Gone::Conversation, removed);
    }

    pub fn talk_title(&self, talk: &Conversation) -> String {
        let title = talk.title();
        if title.is_empty() { t!("conversation.untitled") } else { title }
    }

    fn leave_words(&mut self) {
        let desk = &mut self.desks.talk;
        (desk.editing, desk.renaming) = (None, None);
        if std::mem::take(&mut desk.unsettled) {
            self.state.talk.touch();
        }
    }

    /// The answer in front is not written on.
    fn cancel_answers(&mut self) {
        if self.state.talk.front_is_busy() {
            self.stop_answer();
        }
    }

    fn gone(&mut self, what: Gone, before: Conversation) {
        let desk = &mut self.desks.talk;
        desk.undo.push((what, before));
        if desk.undo.len() > STEPS {
            desk.undo.remove(0);
        }
        desk.told = Some(Told::Gone(what));
    }

    pub fn can_undo_talk(&self) -> bool {
        !self.desks.talk.undo.is_empty() && !self.state.talk.busy()
    }

    pub fn undo_talk(&mut self) {
        if self.can_undo_talk()
            && let Some((_, before)) = self.desks.talk.undo.pop()
        {
            self.state.talk.put_back(before);
            self.desks.talk.told = None;
        }
    }

    // Turns ------------------------------------------------------------------------------------------------------

    pub fn clear_talk(&mut self) {
        if self.state.talk.is_empty() {
            return;
        }
        self.leave_words();
        self.cancel_answers();
        let before = self.state.talk.front().clone();
        self.state.talk.clear();
        self.gone(Gone::Answers, before);
    }

    pub fn remove_turn(&mut self, turn: usize) {
        if !self.state.talk.busy() {
            let before = self.state.talk.front().clone();
            self.state.talk.remove_turn(turn);
            self.gone(Gone::Turn, before);
        }
    }

    pub fn begin_edit(&mut self, turn: usize, column: Option<ColumnId>) {
        let talk = self.state.talk.front();
        let text = match column {
            None => talk.turns.get(turn).map(|turn| turn.asked.clone()),
            Some(column) => talk.takes(turn, column).map(|takes| takes.said().to_owned()),
        };
        let talk = talk.id;
        self.desks.talk.editing = text.map(|text| Edit { talk, turn, column, text, begun: false });
    }

    /// Puts the changed words to use. Where more goes than versions can hold, the conversation as it was stays in the list.
    pub fn finish_edit(&mut self) {
        let front = self.state.talk.front().id;
        if self.state.talk.busy()
            || (self.desks.talk.editing.as_ref())
                .is_some_and(|edit| edit.column.is_none() && self.cannot_ask().is_some())
        {
            return;
        }
        let Some(edit) = self.desks.talk.editing.take().filter(|edit| edit.talk == front) else { return };
        let text = edit.text.trim();
        let known = match edit.column {
            None => self.state.talk.front().turns.get(edit.turn).map(|turn| turn.asked.as_str()),
            Some(column) => self.state.talk.front().takes(edit.turn, column).map(|takes| takes.said()),
        };
        if text.is_empty() || known == Some(text) {
            return;
        }
        let follows = self.state.talk.front().turns.len() > edit.turn + 1;
        if follows || edit.column.is_none() {
            let name = t!("talk.before_edit", name = self.talk_title(self.state.talk.front()));
            self.state.talk.copy_front(name);
        }
        match edit.column {
            Some(column) => self.state.talk.edit_answer(edit.turn, column, text),
            None => {
                self.settle_columns();
                self.state.talk.edit_question(edit.turn, text);
                self.begin_answers();
            }
        }
        self.desks.talk.told = (follows || edit.column.is_none()).then_some(Told::Copied);
    }

    // Columns ----------------------------------------------------------------------------------------------------

    /// A model in a new column, or in the place of one.
    pub fn put_column(&mut self, at: Option<ColumnId>, column: Column) {
        self.desks.talk.choosing = None;
        if self.state.talk.busy() {
            self.notes.push(t!("talk.busy"));
            return;
        }
        let before = self.state.talk.front().clone();
        let front = self.state.talk.front_mut();
        match at {
            Some(at) => front.replace_column(at, column),
            None if front.add_column(column).is_none() => self.notes.push(t!("talk.columns_full")),
            None => {}
        }
        self.state.talk.touch();
        if at.is_some() && !before.turns.is_empty() {
            self.gone(Gone::Column, before);
        }
    }

    pub fn remove_column(&mut self, column: ColumnId) {
        if !self.state.talk.busy() {
            let before = self.state.talk.front().clone();
            self.state.talk.front_mut().remove_column(column);
            self.state.talk.touch();
            self.gone(Gone::Column, before);
        }
    }

    pub fn move_column(&mut self, column: ColumnId, by: isize) {
        self.state.talk.front_mut().move_column(column, by);
        self.state.talk.touch();
    }
}
