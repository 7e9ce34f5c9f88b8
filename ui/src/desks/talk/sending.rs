//! Turns sent to the labelling.

use std::collections::BTreeMap;

use luthier_engine::feedback::Mode;

use super::Told;
use crate::bench::{Bench, civil, now_unix_secs};
use crate::desks::LabelPage;
use crate::labels::{Author, Draft, NewItem, Order, QueueId, QueueSettings};
use crate::panels::Panel;
use crate::state::{Column, ColumnId, Conversation, Take};
use crate::text::t;

impl Bench {
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
        let (mut sent, name) = (0, t!("talk.queue_name", date = today()));
        for (columns, items) in queues {
            sent += items.len();
            self.send_items(&name, &columns, items);
        }
        if sent > 0 {
            self.desks.talk.told = Some(Told::Sent { queue: name, items: sent });
        }
    }

    /// To the queue of today that has answers of the same models, else to a new one.
    fn send_items(&mut self, name: &str, columns: &[ColumnId], items: Vec<NewItem>) {
        let talk = self.state.talk.front();
        let mode = match columns.len() {
            1 => Mode::Single,
            2 => Mode::Pair,
            _ => Mode::Rank,
        };
        let authors: Vec<Author> = columns.iter().filter_map(|id| Some(self.author(talk, talk.column(*id)?))).collect();
        let there = self.desks.label.cards.iter().find(|card| {
            let settings = &card.settings;
            card.name == name && !card.archived && settings.mode == mode && same_models(&settings.authors, &authors)
        });
        if let Some(queue) = there.map(|card| card.id) {
            self.labels.order(Order::AddItems { queue, items });
            return;
        }
        let settings = QueueSettings {
            mode,
            authors,
            // A handful of items that the person has just read: nothing comes back blind.
            again_share: 0.0,
            device: self.state.recipe.device.clone(),
            source: t!("panel.try"),
            ..QueueSettings::default()
        };
        self.desks.talk.making.push(name.to_owned());
        self.labels.order(Order::MakeQueue(Box::new(Draft { name: name.to_owned(), settings, parent: None, items })));
    }

    /// A queue was made. True: of turns, and the person stays with the conversation.
    pub(in crate::desks) fn made_of_turns(&mut self, queue: QueueId) -> bool {
        let Some(name) = self.desks.label.card(queue).map(|card| card.name.clone()) else { return false };
        let making = &mut self.desks.talk.making;
        let at = making.iter().position(|made| *made == name);
        at.map(|at| making.remove(at)).is_some()
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

/// Whether answers of these can lie in one queue.
fn same_models(a: &[Author], b: &[Author]) -> bool {
    let of = |author: &Author| (author.model.clone(), author.adapter.clone(), author.run.clone());
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| of(a) == of(b))
}
