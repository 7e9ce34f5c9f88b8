//! Conversations: the list of them, their columns and turns changed by hand, and turns sent to the labelling.

use std::collections::BTreeMap;

use luthier_engine::feedback::Mode;

use crate::bench::{Bench, civil, now_unix_secs};
use crate::desks::LabelPage;
use crate::labels::{self, Author, Draft, NewItem, QueueSettings};
use crate::library::Order;
use crate::panels::Panel;
use crate::state::{Column, ColumnId, Conversation, Take, TalkId};
use crate::text::t;

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

    // To the labelling -------------------------------------------------------------------------------------------

    /// Whether a turn has an answer that can be judged.
    pub fn can_label_turn(&self, turn: usize) -> bool {
        let talk = self.state.talk.front();
        talk.columns.iter().any(|column| talk.takes(turn, column.id).is_some_and(|takes| !takes.said().is_empty()))
    }

    /// Questions with the answers in sight become items to be judged: two answers a pair, one alone, more a ranking.
    pub fn label_turns(&mut self, turns: std::ops::Range<usize>) {
        let talk = self.state.talk.front();
        let mut queues: BTreeMap<Vec<ColumnId>, Vec<NewItem>> = BTreeMap::new();
        for turn in turns.filter(|turn| self.can_label_turn(*turn)) {
            let answered = talk.columns.iter().filter_map(|column| {
                let said = talk.takes(turn, column.id)?.said();
                (!said.is_empty()).then(|| (column.id, said.to_owned()))
            });
            let (columns, answers): (Vec<ColumnId>, Vec<String>) = answered.unzip();
            // Columns may remember different answers to what came before; the leftmost one's stand for all.
            let prompt = talk.messages(turn, columns[0]);
            queues.entry(columns).or_default().push(NewItem { prompt, answers, ..NewItem::default() });
        }
        let (mut sent, date) = (0, today());
        let name = t!("talk.queue_name", date = date);
        for (columns, items) in queues {
            sent += items.len();
            let order = self.queue_order(&name, &columns, items);
            self.labels.order(order);
        }
        if sent > 0 {
            self.desks.talk.told = Some(Told::Sent { queue: name, items: sent });
        }
    }

    fn queue_order(&self, name: &str, columns: &[ColumnId], items: Vec<NewItem>) -> labels::Order {
        let talk = self.state.talk.front();
        let mode = match columns.len() {
            1 => Mode::Single,
            2 => Mode::Pair,
            _ => Mode::Rank,
        };
        let authors = columns.iter().filter_map(|id| Some(self.author(talk, talk.column(*id)?))).collect();
        let settings = QueueSettings {
            mode,
            authors,
            // A handful of items that the person has just read: nothing comes back blind.
            again_share: 0.0,
            device: self.state.recipe.device.clone(),
            source: self.talk_title(talk),
            ..QueueSettings::default()
        };
        labels::Order::MakeQueue(Box::new(Draft { name: name.to_owned(), settings, parent: None, items }))
    }

    fn author(&self, talk: &Conversation, column: &Column) -> Author {
        let speaker = self.speaker_of(column);
        let last = talk.turns.iter().rev().find_map(|turn| turn.answers.get(&column.id)?.shown());
        Author {
            name: self.model_name(column),
            model: speaker.as_ref().map(|speaker| speaker.model.clone()).unwrap_or_default(),
            adapter: speaker.and_then(|speaker| speaker.adapter),
            run: column.run.clone(),
            sampling: last.and_then(|take: &Take| take.sampling.clone()).unwrap_or_else(|| talk.sampling_of(column)),
            stamp: String::new(),
        }
    }

    /// Where turns were sent to.
    pub fn show_queues(&mut self) {
        self.desks.talk.told = None;
        (self.panel, self.desks.label.page) = (Panel::Label, LabelPage::Queues);
    }
}

fn today() -> String {
    let (year, month, day) = civil(now_unix_secs() / 86_400);
    format!("{year}-{month:02}-{day:02}")
}
