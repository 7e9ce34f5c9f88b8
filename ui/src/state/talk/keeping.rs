//! The list of conversations: begun, copied, taken away and brought back; and their turns.

use super::{ColumnId, Conversation, Talk, TalkId, Voice};

impl Talk {
    /// A new conversation in front, with the columns and settings of the former; the former itself where nothing was
    /// said in it.
    pub fn begin(&mut self) {
        if self.front().turns.is_empty() && self.front().name.is_empty() {
            return;
        }
        let id = self.free_id();
        let mut new = self.front().successor(id);
        if !new.has_after() {
            // It follows the model that is loaded.
            new.columns.iter_mut().filter(|c| c.voice == Voice::Before).for_each(|c| c.speaker = None);
        }
        self.conversations.insert(0, new);
        self.front = id;
        self.revision += 1;
    }

    pub fn bring_to_front(&mut self, id: TalkId) {
        if self.conversations.iter().any(|talk| talk.id == id) {
            self.front = id;
            self.revision += 1;
        }
    }

    /// What the library has kept from before; the last one is in front, unless the person has begun already.
    pub fn take_kept(&mut self, kept: Vec<Conversation>) {
        let mut kept: Vec<Conversation> =
            kept.into_iter().filter(|talk| self.conversations.iter().all(|known| known.id != talk.id)).collect();
        kept.sort_by_key(|talk| std::cmp::Reverse(talk.changed_unix_secs));
        let begun = !self.front().is_blank() || !self.front().draft.is_empty() || self.front().has_after();
        if let Some(last) = kept.first().filter(|_| !begun) {
            self.conversations.retain(|talk| !talk.is_blank());
            self.front = last.id;
        }
        self.conversations.extend(kept);
        self.revision += 1;
    }

    /// A copy below it; the one in front goes on. Returns the copy's id.
    pub fn copy_front(&mut self, name: String) -> TalkId {
        let id = self.free_id();
        let at = self.conversations.iter().position(|talk| talk.id == self.front).unwrap_or(0);
        let copy = Conversation { id, name, draft: String::new(), ..self.conversations[at].clone() };
        self.conversations.insert(at + 1, copy);
        self.touched(id);
        id
    }

    /// Takes the conversation in front out of the list; the next one comes to the front.
    pub fn remove_front(&mut self) -> Conversation {
        let at = self.conversations.iter().position(|talk| talk.id == self.front).unwrap_or(0);
        let id = self.conversations[at].id;
        self.drop_answers(id);
        let removed = self.conversations.remove(at);
        if self.conversations.is_empty() {
            let id = self.free_id();
            self.conversations.push(removed.successor(id));
        }
        self.front = self.conversations[at.min(self.conversations.len() - 1)].id;
        self.dirty.remove(&id);
        self.revision += 1;
        removed
    }

    /// Puts a conversation back as it was, to the front.
    pub fn put_back(&mut self, talk: Conversation) {
        let id = talk.id;
        self.drop_answers(id);
        match self.conversations.iter_mut().find(|known| known.id == id) {
            Some(known) => *known = talk,
            None => self.conversations.insert(0, talk),
        }
        self.front = id;
        self.touched(id);
    }

    /// Another question in the place of one; what followed it goes. The caller has kept a copy.
    pub fn edit_question(&mut self, turn: usize, text: &str) {
        self.front_mut().turns.truncate(turn);
        self.ask(text);
    }

    /// The person's own words in the place of an answer; what followed goes, the model's words stay as a version.
    pub fn edit_answer(&mut self, turn: usize, column: ColumnId, text: &str) {
        let front = self.front_mut();
        front.turns.truncate(turn + 1);
        front.edit_answer(turn, column, text);
        self.touch();
    }

    pub fn remove_turn(&mut self, turn: usize) {
        if turn < self.front().turns.len() {
            self.front_mut().turns.remove(turn);
            self.touch();
        }
    }

    /// Shows an earlier or a later version of an answer.
    pub fn flip(&mut self, turn: usize, column: ColumnId, by: isize) {
        let front = self.front().id;
        if self.writes(front, turn, column) || self.waits(front, turn, column) {
            return;
        }
        let Some(takes) = self.front_mut().takes_mut(turn, column) else { return };
        let to = takes.shown.saturating_add_signed(by).min(takes.all.len().saturating_sub(1));
        takes.shown = to;
        self.touch();
    }
}
