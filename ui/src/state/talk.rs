//! The conversations of the Try panel: one is in front; a question goes to all of its columns, one after the other.

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;

use luthier_engine::protocol::{FinishReason, Problem, Prompt, RequestId, TokenChance};
use luthier_engine::recipe::{FinetuningType, Recipe, Stage};

use super::Run;

mod conversation;
mod take;

#[cfg(test)]
pub use conversation::Turn;
pub use conversation::{Column, ColumnId, Conversation, MOST_COLUMNS, OwnSampling, Speaker, TalkId, Voice};
pub use take::{Ending, Span, Take, Takes};

/// The likeliest tokens that are told with each.
const ALTERNATIVES: usize = 5;

/// An answer that has to be given.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    pub talk: TalkId,
    pub turn: usize,
    pub column: ColumnId,
    /// What is there already is gone on with.
    more: bool,
}

/// The answer that the engine writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Writing {
    pub request: RequestId,
    pub due: Due,
    /// It belongs to what was cleared: what comes is thrown away.
    dropped: bool,
    /// Of the part that is gone on with.
    before: Option<Ending>,
}

/// What a run has made, and what it grew from.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuned {
    pub speaker: Speaker,
    pub base: PathBuf,
    pub run: Option<String>,
}

impl Tuned {
    /// None for a reward model, which answers with numbers.
    pub fn of(recipe: &Recipe, result: PathBuf, run: &str) -> Option<Self> {
        if recipe.stage == Stage::Rm {
            return None;
        }
        let base = recipe.model_name_or_path.clone();
        let speaker = match recipe.finetuning_type {
            FinetuningType::Lora | FinetuningType::Oft => Speaker { model: base.clone(), adapter: Some(result) },
            FinetuningType::Full | FinetuningType::Freeze => Speaker { model: result, adapter: None },
        };
        Some(Self { speaker, base, run: Some(run.to_owned()) })
    }

    /// The model as it was, and as it is now.
    fn columns(&self) -> Vec<Column> {
        let base = Speaker { model: self.base.clone(), adapter: None };
        let column = |id, voice, speaker| Column { id, voice, speaker: Some(speaker), ..Column::default() };
        let after = column(1, Voice::After, self.speaker.clone());
        vec![column(0, Voice::Before, base), Column { run: self.run.clone(), ..after }]
    }
}

#[derive(Debug, Clone)]
pub struct Talk {
    /// The one that was changed last comes first. Never empty.
    pub conversations: Vec<Conversation>,
    front: TalkId,
    next_id: TalkId,
    /// The last run's result.
    pub tuned: Option<Tuned>,
    /// Answers that have not begun; the engine gives one after the other.
    waiting: VecDeque<Due>,
    writing: Option<Writing>,
    /// Conversations that differ from what the library keeps.
    dirty: BTreeSet<TalkId>,
    /// Grows with every change but the arrival of a token.
    pub revision: u64,
}

impl Default for Talk {
    fn default() -> Self {
        Self {
            conversations: vec![Conversation::default()],
            front: 0,
            next_id: 1,
            tuned: None,
            waiting: VecDeque::new(),
            writing: None,
            dirty: BTreeSet::new(),
            revision: 0,
        }
    }
}

impl Talk {
    pub fn front(&self) -> &Conversation {
        let front = self.conversations.iter().find(|talk| talk.id == self.front);
        front.unwrap_or(&self.conversations[0])
    }

    pub fn front_mut(&mut self) -> &mut Conversation {
        let at = self.conversations.iter().position(|talk| talk.id == self.front).unwrap_or(0);
        &mut self.conversations[at]
    }

    fn get_mut(&mut self, id: TalkId) -> Option<&mut Conversation> {
        self.conversations.iter_mut().find(|talk| talk.id == id)
    }

    /// Ids from `first` on are free; the conversation that nobody has begun takes one.
    pub fn number_from(&mut self, first: TalkId) {
        self.next_id = first;
        let id = self.free_id();
        self.front_mut().id = id;
        self.front = id;
    }

    fn free_id(&mut self) -> TalkId {
        self.next_id += 1;
        self.next_id
    }

    /// The one in front has changed, and should be kept.
    pub fn touch(&mut self) {
        let front = self.front().id;
        self.touched(front);
    }

    fn touched(&mut self, id: TalkId) {
        self.dirty.insert(id);
        self.revision += 1;
    }

    /// Conversations to be kept.
    pub fn take_dirty(&mut self) -> Vec<TalkId> {
        std::mem::take(&mut self.dirty).into_iter().collect()
    }

    /// An answer is being written or waited for.
    pub fn busy(&self) -> bool {
        !self.waiting.is_empty() || self.writing.is_some()
    }

    /// An answer is being written or waited for in the conversation in front.
    pub fn front_is_busy(&self) -> bool {
        let front = self.front().id;
        let writing = self.writing.as_ref().filter(|writing| !writing.dropped).map(|writing| &writing.due);
        self.waiting.iter().chain(writing).any(|due| due.talk == front)
    }

    /// The answer that is being written.
    pub fn requests(&self) -> impl Iterator<Item = RequestId> {
        self.writing.as_ref().map(|writing| writing.request).into_iter()
    }

    pub fn writes(&self, talk: TalkId, turn: usize, column: ColumnId) -> bool {
        let at = |due: &Due| (due.talk, due.turn, due.column) == (talk, turn, column);
        self.writing.as_ref().is_some_and(|writing| !writing.dropped && at(&writing.due))
    }

    pub fn waits(&self, talk: TalkId, turn: usize, column: ColumnId) -> bool {
        self.waiting.iter().any(|due| (due.talk, due.turn, due.column) == (talk, turn, column))
    }

    pub fn any_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Nothing has been said in the conversation in front.
    pub fn is_empty(&self) -> bool {
        self.front().turns.is_empty()
    }

    /// Columns that follow the loaded model stay with it from now on.
    pub fn settle(&mut self, base: Option<&Speaker>) {
        let free = self.front_mut().columns.iter_mut().filter(|column| column.speaker.is_none());
        free.for_each(|column| column.speaker = base.cloned());
    }

    pub fn ask(&mut self, text: &str) {
        let front = self.front_mut();
        let (talk, columns) = (front.id, front.ask(text));
        let turn = front.turns.len() - 1;
        self.waiting.extend(columns.into_iter().map(|column| Due { talk, turn, column, more: false }));
        self.to_top(talk);
    }

    /// One column's answer, or all of them, once more.
    pub fn ask_again(&mut self, turn: usize, column: Option<ColumnId>) {
        let front = self.front_mut();
        let talk = front.id;
        let able = front.columns.iter().filter(|c| c.speaker.is_some() && column.is_none_or(|column| column == c.id));
        let able: Vec<ColumnId> = able.map(|column| column.id).collect();
        able.iter().for_each(|column| front.again(turn, *column));
        self.waiting.extend(able.into_iter().map(|column| Due { talk, turn, column, more: false }));
        self.to_top(talk);
    }

    /// An answer that broke off is gone on with.
    pub fn go_on(&mut self, turn: usize, column: ColumnId) {
        let talk = self.front().id;
        if self.front().takes(turn, column).and_then(Takes::shown).is_some_and(Take::is_cut) {
            self.waiting.push_back(Due { talk, turn, column, more: true });
            self.revision += 1;
        }
    }

    fn to_top(&mut self, talk: TalkId) {
        if let Some(at) = self.conversations.iter().position(|c| c.id == talk) {
            self.conversations[..=at].rotate_right(1);
        }
        self.touched(talk);
    }

    /// The next prompt that the engine should get, once it is free.
    pub fn next_prompt(&mut self, request: RequestId, device: &str) -> Option<Prompt> {
        while self.writing.is_none() {
            let due = self.waiting.pop_front()?;
            let Some(talk) = self.conversations.iter_mut().find(|talk| talk.id == due.talk) else { continue };
            let speaker = talk.column(due.column).and_then(|column| column.speaker.clone());
            let Some(Speaker { model, adapter }) = speaker else { continue };
            let chances = if talk.chances { ALTERNATIVES } else { 0 };
            let shown = talk.takes_mut(due.turn, due.column).and_then(Takes::shown_mut);
            let Some(take) = shown else { continue };
            let before = take.ending.clone().filter(|_| due.more);
            if due.more {
                take.reopen();
            }
            let sampling = take.sampling.clone().unwrap_or_else(|| talk.sampling.clone());
            let text = talk.prompt_text(due.turn, due.column, due.more);
            self.writing = Some(Writing { request, due, dropped: false, before });
            return Some(Prompt { model, adapter, device: device.to_owned(), text, sampling, chances });
        }
        None
    }

    fn answering(&mut self, request: RequestId) -> Option<&mut Take> {
        let writing = self.writing.as_ref().filter(|w| w.request == request && !w.dropped)?;
        let Due { talk, turn, column, .. } = writing.due;
        self.get_mut(talk)?.takes_mut(turn, column)?.shown_mut()
    }

    pub(super) fn token(&mut self, request: RequestId, text: &str, chances: Vec<TokenChance>) {
        if let Some(take) = self.answering(request) {
            take.push(text, chances);
        }
    }

    pub(super) fn finished(&mut self, request: RequestId, ending: Ending) {
        let cancelled = ending.reason == FinishReason::Cancelled;
        let before = self.writing.as_ref().and_then(|writing| writing.before.clone());
        let whole = before.map_or(ending.clone(), |before| Ending {
            new_tokens: before.new_tokens + ending.new_tokens,
            elapsed_secs: before.elapsed_secs + ending.elapsed_secs,
            reason: ending.reason,
        });
        if let Some(take) = self.answering(request) {
            take.ending = Some(whole);
        }
        let dropped = self.over(request);
        if cancelled && !dropped {
            self.drop_waiting();
        }
    }

    pub(super) fn failed(&mut self, request: RequestId, problem: Problem) {
        let before = self.writing.as_ref().and_then(|writing| writing.before.clone());
        if let Some(take) = self.answering(request) {
            (take.problem, take.ending) = (Some(problem), before);
        }
        self.over(request);
    }

    /// Nothing more comes of this request. True where it had been dropped already.
    fn over(&mut self, request: RequestId) -> bool {
        let Some(writing) = self.writing.take_if(|writing| writing.request == request) else { return true };
        self.touched(writing.due.talk);
        writing.dropped
    }

    pub fn drop_waiting(&mut self) {
        for due in std::mem::take(&mut self.waiting) {
            if let Some(takes) = self.get_mut(due.talk).and_then(|talk| talk.takes_mut(due.turn, due.column)) {
                takes.forget_blank();
            }
        }
        self.revision += 1;
    }

    /// What is being written and waited for in a conversation is not wanted any more.
    fn drop_answers(&mut self, talk: TalkId) {
        self.waiting.retain(|due| due.talk != talk);
        if let Some(writing) = self.writing.as_mut().filter(|writing| writing.due.talk == talk) {
            writing.dropped = true;
        }
    }

    /// A run's result becomes the column beside the model that it grew from, in a conversation of its own: the former
    /// one was another model's.
    pub(super) fn offer(&mut self, run: &Run) {
        let tuned = run.result().and_then(|result| Tuned::of(&run.recipe, result.clone(), &run.id));
        if let Some(tuned) = tuned {
            self.compare(tuned);
        }
    }

    pub fn compare(&mut self, tuned: Tuned) {
        self.begin();
        let front = self.front_mut();
        front.columns = tuned.columns();
        self.tuned = Some(tuned);
        self.revision += 1;
    }

    pub fn clear(&mut self) {
        let front = self.front().id;
        self.drop_answers(front);
        self.front_mut().turns.clear();
        self.touched(front);
    }
}

mod keeping;

#[cfg(test)]
mod tests;
